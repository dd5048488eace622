package org.vadose.win32.kernel32;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.ResourcesException;
import org.vadose.io.FileException;
import org.vadose.io.FileNode;
import org.vadose.io.GuestPath;
import org.vadose.layout.EthreadLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.MitigationPolicy;
import org.vadose.ob.KnownType;
import org.vadose.pe.PeFormatException;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.ConsoleEvents;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.GuestThread;
import org.vadose.win32.ProcessRequest;
import org.vadose.win32.loader.Loader;
import org.vadose.win32.loader.LoaderException;

/** {@code CreateProcess}, {@code CreateRemoteThread}, {@code OpenProcess}. */
final class ProcessCreation {
    private static final int ERROR_FILE_NOT_FOUND = 2;
    private static final int ERROR_NOT_ENOUGH_MEMORY = 8;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_DIRECTORY = 267;
    private static final int DETACHED_PROCESS = 8;
    private static final int CREATE_NEW_CONSOLE = 0x10;
    private static final int CREATE_SUSPENDED = 0x4;
    private static final int CREATE_UNICODE_ENVIRONMENT = 0x400;
    private static final int STARTF_USESTDHANDLES = 0x100;
    private static final int LONGEST_ENVIRONMENT = 1 << 20;
    private static final int EXTENDED_STARTUPINFO_PRESENT = 0x8_0000;
    /** {@code NoChildProcessCreation}. */
    private static final int NO_CHILDREN = 1;

    /** Behind STARTUPINFO in STARTUPINFOEX. */
    private static final int ATTRIBUTE_LIST = 104;

    /** Offsets in STARTUPINFO. */
    private static final int STARTUP_FLAGS = 60;

    private static final int STARTUP_INPUT = 80;
    private static final int STARTUP_OUTPUT = 88;
    private static final int STARTUP_ERROR = 96;

    /** More than a process has; a damaged list ends there. */
    private static final int MOST_THREADS = 1 << 16;

    private ProcessCreation() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("CreateProcessA", call -> createProcess(call, false))
                .function("CreateProcessW", call -> createProcess(call, true))
                .function("CreateRemoteThread", ProcessCreation::createRemoteThread)
                .function("CreateRemoteThreadEx", ProcessCreation::createRemoteThread)
                .function("OpenProcess", ProcessCreation::openProcess)
                .function("OpenThread", ProcessCreation::openThread);
    }

    private static long createProcess(ApiCall call, boolean wide) {
        GuestProcess parent = call.process();
        Memory memory = call.memory();
        String application = FileTexts.read(call, call.arg(0), wide);
        String commandLine = FileTexts.read(call, call.arg(1), wide);
        boolean inherits = call.boolArg(4);
        int flags = call.intArg(5);
        long startup = call.arg(8);
        long result = call.arg(9);
        if (application == null && (commandLine == null || commandLine.isBlank()) || startup == 0 || result == 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        if ((flags & (DETACHED_PROCESS | CREATE_NEW_CONSOLE)) == (DETACHED_PROCESS | CREATE_NEW_CONSOLE)) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        if (MitigationPolicy.CHILD_PROCESS.has(parent.eprocess(), NO_CHILDREN)) {
            return call.fail(NtStatus.ACCESS_DENIED);
        }
        AttributeLists.Wishes wishes = AttributeLists.read(
                call, (flags & EXTENDED_STARTUPINFO_PRESENT) == 0 ? 0 : memory.readLong(startup + ATTRIBUTE_LIST));
        if (!wishes.status().isSuccess()) {
            return call.fail(wishes.status());
        }
        memory.writeLong(result, 0);
        String path;
        String directory;
        try {
            path = application == null ? search(call, Objects.requireNonNull(commandLine)) : file(call, application);
            directory = directory(call, FileTexts.read(call, call.arg(7), wide));
        } catch (FileException e) {
            return call.fail(e.status());
        }
        if (path == null) {
            return application == null ? call.fail(ERROR_FILE_NOT_FOUND) : call.fail(refusal(call, application));
        }
        if (directory == null) {
            return call.fail(ERROR_DIRECTORY);
        }
        long[] standard = null;
        if ((memory.readInt(startup + STARTUP_FLAGS) & STARTF_USESTDHANDLES) != 0) {
            standard = new long[] {
                memory.readLong(startup + STARTUP_INPUT),
                memory.readLong(startup + STARTUP_OUTPUT),
                memory.readLong(startup + STARTUP_ERROR)
            };
        }
        ConsoleEvents console = ConsoleEvents.of(parent);
        GuestThread main;
        try {
            main = parent.system()
                    .createProcess(
                            call.thread(),
                            new ProcessRequest(
                                    wishes.parent() == null ? parent : wishes.parent(),
                                    path,
                                    commandLine == null ? '"' + path + '"' : commandLine,
                                    directory,
                                    environment(call, call.arg(6), (flags & CREATE_UNICODE_ENVIRONMENT) != 0),
                                    inherits,
                                    wishes.handles(),
                                    standard,
                                    flags,
                                    console.ignoresCtrlC(),
                                    console.group(),
                                    console.console() != 0,
                                    wishes.mitigations()));
        } catch (PeFormatException e) {
            return call.fail(e.status());
        } catch (LoaderException e) {
            return call.fail(e.status());
        } catch (ResourcesException exhausted) {
            return call.fail(exhausted.status());
        }
        if ((flags & CREATE_SUSPENDED) != 0) {
            main.suspend(1);
        }
        Eprocess made = main.process().eprocess();
        PriorityFunctions.applyCreationFlags(call, made, flags);
        int process = parent.objects().open(made.address(), KnownType.PROCESS.validAccess());
        int thread = parent.objects().open(main.ethread().address(), KnownType.THREAD.validAccess());
        SecurityAttributes.apply(call, call.arg(2), process);
        SecurityAttributes.apply(call, call.arg(3), thread);
        memory.writeLong(result, process);
        memory.writeLong(result + 8, thread);
        memory.writeInt(result + 16, (int) made.uniqueProcessId());
        memory.writeInt(result + 20, (int) main.threadId());
        main.process().start(main);
        return 1;
    }

    /**
     * The program that a command line begins with: what stands in quotes, or the shortest run of words that names a program, each
     * looked for with {@code .exe} added if it has no extension.
     */
    private static @Nullable String search(ApiCall call, String commandLine) {
        String text = commandLine.stripLeading();
        if (text.startsWith("\"")) {
            int quote = text.indexOf('"', 1);
            return find(call, text.substring(1, quote < 0 ? text.length() : quote));
        }
        for (int end = 0; end < text.length(); ) {
            end++;
            while (end < text.length() && text.charAt(end) != ' ' && text.charAt(end) != '\t') {
                end++;
            }
            String found = find(call, text.substring(0, end).stripTrailing());
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    private static @Nullable String find(ApiCall call, String name) {
        String withExtension = name.substring(name.lastIndexOf('\\') + 1).indexOf('.') < 0 ? name + ".exe" : name;
        if (withExtension.indexOf('\\') >= 0 || withExtension.indexOf('/') >= 0 || withExtension.indexOf(':') >= 0) {
            return file(call, withExtension);
        }
        List<String> places = new ArrayList<>();
        String program = Loader.of(call.process()).program().path();
        places.add(program.substring(0, program.lastIndexOf('\\') + 1));
        places.add("");
        places.add("C:\\Windows\\System32\\");
        places.add("C:\\Windows\\");
        String path = EnvironmentFunctions.variable(call, "PATH");
        for (String directory : path == null ? new String[0] : path.split(";", -1)) {
            if (!directory.isBlank()) {
                places.add(directory + "\\");
            }
        }
        for (String place : places) {
            String found = file(call, place + withExtension);
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    /** Full path of a file, which may be relative to the current directory; null if there is none. */
    private static @Nullable String file(ApiCall call, String name) {
        try {
            GuestPath path = FileFunctions.path(call, name);
            FileNode node = call.process().files().find(path);
            return node == null || node.isDirectory() ? null : path.toString();
        } catch (FileException noName) {
            return null;
        }
    }

    /** Why a name names no program: its folder is not there, it is not, or it is a folder. */
    private static NtStatus refusal(ApiCall call, String name) {
        GuestPath path = FileFunctions.path(call, name);
        FileNode node = call.process().files().find(path);
        if (node != null) {
            return NtStatus.ACCESS_DENIED;
        }
        FileNode parent = call.process().files().find(path.parent());
        return parent == null || !parent.isDirectory()
                ? NtStatus.OBJECT_PATH_NOT_FOUND
                : NtStatus.OBJECT_NAME_NOT_FOUND;
    }

    private static @Nullable String directory(ApiCall call, @Nullable String name) {
        if (name == null) {
            return call.process().currentDirectory().toString();
        }
        GuestPath path = FileFunctions.path(call, name);
        FileNode node = call.process().files().find(path);
        return node == null || !node.isDirectory() ? null : path.toString();
    }

    /** The entries of the block at an address; of the calling process if there is none. */
    private static List<String> environment(ApiCall call, long block, boolean wide) {
        List<String> entries = new ArrayList<>();
        if (block == 0) {
            EnvironmentFunctions.read(call.memory(), EnvironmentFunctions.parameters(call))
                    .forEach((name, value) -> entries.add(name + "=" + value));
            return entries;
        }
        long at = block;
        while (at - block < LONGEST_ENVIRONMENT) {
            String entry = Texts.readOrEmpty(call, at, wide);
            if (entry.isEmpty()) {
                break;
            }
            entries.add(entry);
            at += (Texts.length(entry, wide) + 1L) * (wide ? 2 : 1);
        }
        return entries;
    }

    // --- other processes ---

    private static long createRemoteThread(ApiCall call) {
        Eprocess target = call.process().byHandle(call.arg(0));
        GuestProcess process = target == null ? null : call.process().system().find(target);
        if (process == null) {
            return call.fail(target == null ? NtStatus.INVALID_HANDLE : NtStatus.ACCESS_DENIED);
        }
        return ProcessFunctions.createThread(call, process, 1);
    }

    /** Threads of programs can be opened; a system thread's process cannot, so that neither can it. */
    private static long openThread(ApiCall call) {
        long wanted = call.unsignedIntArg(2);
        for (Eprocess process : call.process().kernel().processManager().processes()) {
            for (long links : process.threadListHead().entries(MOST_THREADS)) {
                Ethread thread = new Ethread(process.memory(), links - EthreadLayout.THREAD_LIST_ENTRY);
                if (thread.uniqueThreadId() == wanted && wanted != 0) {
                    if (call.process().system().find(process) == null) {
                        return call.fail(NtStatus.ACCESS_DENIED);
                    }
                    int handle = call.process().objects().open(thread.address(), call.intArg(0));
                    call.process().objects().setInheritable(handle, call.boolArg(1));
                    return handle == 0 ? call.fail(NtStatus.INSUFFICIENT_RESOURCES) : handle;
                }
            }
        }
        return call.fail(ERROR_INVALID_PARAMETER);
    }

    /** Processes that run programs can be opened; the system's own belong to other accounts or are protected. */
    private static long openProcess(ApiCall call) {
        long wanted = call.unsignedIntArg(2);
        for (Eprocess process : call.process().kernel().processManager().processes()) {
            if (process.uniqueProcessId() == wanted && wanted != 0) {
                if (call.process().system().find(process) == null) {
                    return call.fail(NtStatus.ACCESS_DENIED);
                }
                int handle = call.process().objects().open(process.address(), call.intArg(0));
                call.process().objects().setInheritable(handle, call.boolArg(1));
                return handle;
            }
        }
        return call.fail(ERROR_INVALID_PARAMETER);
    }
}
