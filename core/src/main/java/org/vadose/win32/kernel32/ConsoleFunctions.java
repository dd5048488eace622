package org.vadose.win32.kernel32;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.io.FileException;
import org.vadose.io.OpenFile;
import org.vadose.layout.RtlUserProcessParametersLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.UnicodeString;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.ConsoleEvents;
import org.vadose.win32.ControlHandlers;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.GuestObjects;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.TypedReads;

/** Standard handles, and the console: text, modes, title, code pages, who is on it, Ctrl-C. */
final class ConsoleFunctions {
    private static final int ERROR_ACCESS_DENIED = 5;
    private static final int ERROR_INVALID_HANDLE = 6;
    private static final int ERROR_NOT_ENOUGH_MEMORY = 8;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int STD_INPUT = -10;
    private static final int STD_OUTPUT = -11;
    private static final int STD_ERROR = -12;
    private static final int LONGEST_LINE = 1 << 16;
    private static final int LONGEST_TITLE = 0x7FFF;
    private static final int COLUMNS = 80;
    private static final int ROWS = 25;
    private static final int ANY_ATTRIBUTE = 0xDFFF;

    private static final int INPUT_MODES = 0x3FF;
    private static final int OUTPUT_MODES = 0x1F;
    private static final int LINE_INPUT = 0x2;
    private static final int ECHO_INPUT = 0x4;

    private static final long PARENT_PROCESS = 0xFFFF_FFFFL;

    private ConsoleFunctions() {}

    static void addTo(ApiModule kernel32) {
        for (boolean wide : new boolean[] {false, true}) {
            String letter = wide ? "W" : "A";
            kernel32.function("WriteConsole" + letter, call -> writeConsole(call, wide))
                    .function("ReadConsole" + letter, call -> readConsole(call, wide))
                    .function("SetConsoleTitle" + letter, call -> setTitle(call, wide))
                    .function("GetConsoleTitle" + letter, call -> getTitle(call, title(call), wide))
                    .function("GetConsoleOriginalTitle" + letter, call -> getTitle(call, originalTitle(call), wide));
        }
        kernel32.function("GetStdHandle", ConsoleFunctions::getStdHandle)
                .function("SetStdHandle", ConsoleFunctions::setStdHandle)
                .function("SetHandleCount", call -> call.arg(0))
                .function("GetConsoleMode", ConsoleFunctions::getConsoleMode)
                .function("SetConsoleMode", ConsoleFunctions::setConsoleMode)
                .function("GetConsoleCP", call -> attached(call) ? console(call).inputPage() : 0)
                .function(
                        "GetConsoleOutputCP",
                        call -> attached(call) ? console(call).outputPage() : 0)
                .function("SetConsoleCP", call -> setCodePage(call, true))
                .function("SetConsoleOutputCP", call -> setCodePage(call, false))
                .function("SetConsoleTextAttribute", ConsoleFunctions::setAttributes)
                .function("GetConsoleScreenBufferInfo", ConsoleFunctions::getScreenBufferInfo)
                .function("FlushConsoleInputBuffer", ConsoleFunctions::flushInput)
                .function("GetNumberOfConsoleInputEvents", ConsoleFunctions::countInput)
                .function("GetConsoleWindow", call -> hasConsole(call) ? GuestConsole.WINDOW : 0)
                .function("GetConsoleProcessList", ConsoleFunctions::listProcesses)
                .function("AllocConsole", ConsoleFunctions::allocate)
                .function("FreeConsole", ConsoleFunctions::free)
                .function("AttachConsole", ConsoleFunctions::attach)
                .function("SetConsoleCtrlHandler", ConsoleFunctions::setHandler)
                .function("GenerateConsoleCtrlEvent", ConsoleFunctions::generateEvent)
                .function("CtrlRoutine", ConsoleFunctions::runHandlers);
    }

    // --- standard handles ---

    private static long slot(int which) {
        return switch (which) {
            case STD_INPUT -> RtlUserProcessParametersLayout.STANDARD_INPUT;
            case STD_OUTPUT -> RtlUserProcessParametersLayout.STANDARD_OUTPUT;
            case STD_ERROR -> RtlUserProcessParametersLayout.STANDARD_ERROR;
            default -> -1;
        };
    }

    private static long getStdHandle(ApiCall call) {
        long slot = slot(call.intArg(0));
        if (slot < 0) {
            call.setLastError(ERROR_INVALID_HANDLE);
            return FileFunctions.INVALID_HANDLE;
        }
        return call.memory().readLong(EnvironmentFunctions.parameters(call) + slot);
    }

    private static long setStdHandle(ApiCall call) {
        long slot = slot(call.intArg(0));
        if (slot < 0) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        call.memory().writeLong(EnvironmentFunctions.parameters(call) + slot, call.arg(1));
        return 1;
    }

    private static long parameters(ApiCall call) {
        return EnvironmentFunctions.parameters(call);
    }

    // --- who has a console ---

    private static GuestConsole console(ApiCall call) {
        return call.process().console();
    }

    private static boolean hasConsole(ApiCall call) {
        return ConsoleEvents.of(call.process()).console() != 0;
    }

    /** Whether there is a console; sets the last error where not. */
    private static boolean attached(ApiCall call) {
        if (!hasConsole(call)) {
            call.setLastError(ERROR_INVALID_HANDLE);
            return false;
        }
        return true;
    }

    /** A console of the process's own, beside the streams of the host that it had. */
    private static long allocate(ApiCall call) {
        if (hasConsole(call)) {
            return call.fail(ERROR_ACCESS_DENIED);
        }
        connect(call, console(call).another());
        return 1;
    }

    private static void connect(ApiCall call, GuestConsole console) {
        GuestProcess process = call.process();
        GuestObjects objects = process.objects();
        process.setConsole(console);
        ConsoleEvents.of(process).setConsole(objects.open(console.connection()));
        OpenFile[] streams = {console.input(), console.output(), console.errors()};
        for (int i = 0; i < streams.length; i++) {
            long slot = parameters(call) + slot(STD_INPUT - i);
            if (call.memory().readLong(slot) == 0) {
                call.memory().writeLong(slot, objects.open(streams[i]));
            }
        }
    }

    /** Its handles of the console go, too; those that were redirected stay. */
    private static long free(ApiCall call) {
        ConsoleEvents events = ConsoleEvents.of(call.process());
        GuestObjects objects = call.process().objects();
        long handle = events.console();
        if (handle == 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        events.setConsole(0);
        objects.close(handle);
        for (int which : new int[] {STD_INPUT, STD_OUTPUT, STD_ERROR}) {
            long slot = parameters(call) + slot(which);
            long standard = call.memory().readLong(slot);
            if (objects.file(standard) instanceof OpenFile.Stream stream && stream.isConsole()) {
                objects.close(standard);
                call.memory().writeLong(slot, 0);
            }
        }
        return 1;
    }

    private static long attach(ApiCall call) {
        if (hasConsole(call)) {
            return call.fail(ERROR_ACCESS_DENIED);
        }
        long wanted = call.unsignedIntArg(0) == PARENT_PROCESS
                ? call.process().eprocess().inheritedFromUniqueProcessId()
                : call.unsignedIntArg(0);
        for (GuestProcess other : call.process().system().processes()) {
            if (other.processId() == wanted) {
                if (ConsoleEvents.consolesOf(call.thread(), other.console()).contains(other)) {
                    connect(call, other.console());
                    return 1;
                }
                return call.fail(ERROR_INVALID_HANDLE);
            }
        }
        // The shell that started the program has no console.
        return call.unsignedIntArg(0) == PARENT_PROCESS
                ? call.fail(ERROR_INVALID_HANDLE)
                : call.fail(ERROR_INVALID_PARAMETER);
    }

    /** How many there are; their ids if there is room for all. */
    private static long listProcesses(ApiCall call) {
        if (call.arg(0) == 0 || call.intArg(1) == 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        if (!attached(call)) {
            return 0;
        }
        var all = ConsoleEvents.consolesOf(call.thread(), console(call)).reversed();
        if (all.size() <= call.unsignedIntArg(1)) {
            for (int i = 0; i < all.size(); i++) {
                call.memory().writeInt(call.arg(0) + 4L * i, (int) all.get(i).processId());
            }
        }
        return all.size();
    }

    // --- Ctrl-C ---

    /** Without a function: whether Ctrl-C is ignored. */
    private static long setHandler(ApiCall call) {
        long function = call.arg(0);
        boolean add = call.boolArg(1);
        if (function == 0) {
            ConsoleEvents.of(call.process()).setIgnoresCtrlC(add);
            return 1;
        }
        ControlHandlers handlers = ControlHandlers.of(call.process());
        if (add) {
            handlers.add(function);
            return 1;
        }
        return handlers.remove(function) ? 1 : call.fail(ERROR_INVALID_PARAMETER);
    }

    /** Which event, and the group that is meant. */
    private static long generateEvent(ApiCall call) {
        int event = call.intArg(0);
        if (event != ControlHandlers.CTRL_C && event != ControlHandlers.CTRL_BREAK) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        if (!attached(call)) {
            return 0;
        }
        return ConsoleEvents.send(call.thread(), event, call.intArg(1)) ? 1 : call.fail(ERROR_INVALID_PARAMETER);
    }

    /** What a process's thread runs that hears of an event: the handlers, or the end of the process. */
    private static long runHandlers(ApiCall call) {
        int event = call.intArg(0);
        for (ControlHandlers.Handler handler :
                ControlHandlers.of(call.process()).inOrder()) {
            if (handler.handle(call, event)) {
                return 0;
            }
        }
        return ProcessFunctions.exitProcess(call, NtStatus.CONTROL_C_EXIT.code());
    }

    // --- title and code pages ---

    private static String originalTitle(ApiCall call) {
        return new UnicodeString(call.memory(), parameters(call) + RtlUserProcessParametersLayout.WINDOW_TITLE).text();
    }

    private static String title(ApiCall call) {
        String set = console(call).title();
        return set == null ? originalTitle(call) : set;
    }

    private static long setTitle(ApiCall call, boolean wide) {
        String title = Texts.readOrEmpty(call, call.arg(0), wide);
        if (!attached(call)) {
            return 0;
        }
        if (title.length() > LONGEST_TITLE) {
            return call.fail(ERROR_NOT_ENOUGH_MEMORY);
        }
        console(call).setTitle(title);
        return 1;
    }

    /** As much of it as there is room for; returns its whole length. */
    private static long getTitle(ApiCall call, String title, boolean wide) {
        int room = (int) Math.min(call.unsignedIntArg(1), LONGEST_TITLE + 1);
        if (!attached(call) || room == 0) {
            return 0;
        }
        Texts.write(call, call.arg(0), title.substring(0, Math.min(title.length(), room - 1)), wide);
        return Texts.length(title, wide);
    }

    private static long setCodePage(ApiCall call, boolean isInput) {
        if (!attached(call)) {
            return 0;
        }
        int codePage = call.intArg(0);
        Charset charset = codePage <= 3 ? null : CodePages.charset(codePage);
        if (charset == null) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        if (isInput) {
            console(call).setInputPage(codePage);
        } else {
            console(call).setOutputPage(codePage, charset);
        }
        return 1;
    }

    // --- streams ---

    private static OpenFile.@Nullable Stream stream(ApiCall call) {
        return FileFunctions.file(call) instanceof OpenFile.Stream stream && stream.isConsole() ? stream : null;
    }

    private static boolean isInput(OpenFile.Stream stream) {
        return (stream.access() & 1) != 0;
    }

    private static long getConsoleMode(ApiCall call) {
        OpenFile.Stream stream = stream(call);
        if (stream == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        call.memory().writeInt(call.arg(1), console(call).mode(isInput(stream)));
        return 1;
    }

    /** Characters cannot be shown as they are typed unless lines are read. */
    private static long setConsoleMode(ApiCall call) {
        OpenFile.Stream stream = stream(call);
        if (stream == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        boolean isInput = isInput(stream);
        int mode = call.intArg(1);
        if ((mode & ~(isInput ? INPUT_MODES : OUTPUT_MODES)) != 0
                || isInput && (mode & (LINE_INPUT | ECHO_INPUT)) == ECHO_INPUT) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        console(call).setMode(isInput, mode);
        return 1;
    }

    private static OpenFile.@Nullable Stream input(ApiCall call) {
        OpenFile.Stream stream = stream(call);
        if (stream == null || !isInput(stream)) {
            call.setLastError(ERROR_INVALID_HANDLE);
            return null;
        }
        return stream;
    }

    private static long flushInput(ApiCall call) {
        if (input(call) == null) {
            return 0;
        }
        console(call).forgetTypedAhead();
        return 1;
    }

    /** Each character is one event here. */
    private static long countInput(ApiCall call) {
        if (input(call) == null) {
            return 0;
        }
        call.memory().writeInt(call.arg(1), console(call).typedAhead());
        return 1;
    }

    private static long setAttributes(ApiCall call) {
        OpenFile.Stream stream = stream(call);
        if (stream == null || isInput(stream)) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        if ((call.intArg(1) & 0xFFFF & ~ANY_ATTRIBUTE) != 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        console(call).setAttributes(call.intArg(1) & 0xFFFF);
        return 1;
    }

    private static long writeConsole(ApiCall call, boolean wide) {
        OpenFile.Stream stream = stream(call);
        if (stream == null || isInput(stream)) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        int count = (int) Math.min(call.unsignedIntArg(2), LONGEST_LINE);
        try {
            if (wide) {
                console(call).write(call.memory().readUtf16(call.arg(1), 2 * count));
            } else {
                stream.write(0, call.memory().read(call.arg(1), count), 0, count);
            }
        } catch (FileException e) {
            return call.fail(e.status());
        } catch (IOException e) {
            return call.fail(NtStatus.PIPE_BROKEN);
        }
        if (call.arg(3) != 0) {
            call.memory().writeInt(call.arg(3), count);
        }
        return 1;
    }

    private static long readConsole(ApiCall call, boolean wide) {
        OpenFile.Stream console = input(call);
        if (console == null) {
            return 0;
        }
        byte[] bytes = new byte[Math.clamp(call.unsignedIntArg(2), 0, LONGEST_LINE)];
        int count;
        try {
            count = TypedReads.read(call, call.arg(0), console, 0, bytes, 0, bytes.length);
        } catch (FileException e) {
            return call.fail(e.status());
        }
        if (wide) {
            String text = new String(bytes, 0, count, StandardCharsets.UTF_8);
            call.memory().write(call.arg(1), text.getBytes(StandardCharsets.UTF_16LE));
            count = text.length();
        } else {
            call.memory().write(call.arg(1), bytes, 0, count);
        }
        call.memory().writeInt(call.arg(3), count);
        return 1;
    }

    /** CONSOLE_SCREEN_BUFFER_INFO: size, cursor, attributes, window, largest window. */
    private static long getScreenBufferInfo(ApiCall call) {
        OpenFile.Stream stream = stream(call);
        if (stream == null || isInput(stream)) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        Memory memory = call.memory();
        int attributes = console(call).attributes();
        int[] words = {COLUMNS, ROWS, 0, 0, attributes, 0, 0, COLUMNS - 1, ROWS - 1, COLUMNS, ROWS};
        for (int i = 0; i < words.length; i++) {
            memory.writeShort(call.arg(1) + 2L * i, (short) words[i]);
        }
        return 1;
    }
}
