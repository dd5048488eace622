package org.vadose.win32.kernel32;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.LdrDataTableEntry;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.LoadedModules;

/** The processes there are, and the modules of one of them, read from its memory as the process status functions do. */
final class ProcessModules {
    private static final int ERROR_INVALID_HANDLE = 6;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int MODULE_INFORMATION_BYTES = 24;
    private static final int READS = ProcessHandles.QUERY_INFORMATION | ProcessHandles.VM_READ;
    /** {@code LIST_MODULES_32BIT}: of which 64-bit processes have none. */
    private static final int ONLY_32_BIT = 1;

    private static final int MOST_FILTER = 3;

    private ProcessModules() {}

    static void addTo(ApiModule kernel32) {
        for (boolean wide : new boolean[] {false, true}) {
            String letter = wide ? "W" : "A";
            kernel32.function("K32GetModuleBaseName" + letter, call -> name(call, wide, true))
                    .function("K32GetModuleFileNameEx" + letter, call -> name(call, wide, false))
                    .function("K32GetProcessImageFileName" + letter, call -> imageName(call, wide));
        }
        kernel32.function("K32EnumProcesses", Buffers.ofService(ProcessModules::processes))
                .function("K32EnumProcessModules", Buffers.ofService(call -> modules(call, 0)))
                .function("K32EnumProcessModulesEx", Buffers.ofService(call -> modules(call, call.intArg(4))))
                .function("K32GetModuleInformation", Buffers.ofService(ProcessModules::information));
    }

    /** Arguments: array of process identifiers, its bytes, how many bytes were filled. */
    private static long processes(ApiCall call) {
        long room = call.unsignedIntArg(1) / Integer.BYTES;
        Memory memory = call.memory();
        int count = 0;
        if (room > 0) {
            // The idle process.
            memory.writeInt(call.arg(0), 0);
            count++;
        }
        for (Eprocess process : call.process().kernel().processManager().processes()) {
            if (count < room && !process.isExiting()) {
                memory.writeInt(call.arg(0) + 4L * count++, (int) process.uniqueProcessId());
            }
        }
        memory.writeInt(call.arg(2), count * Integer.BYTES);
        return 1;
    }

    /** The process whose memory a handle lets one read; null, with the last error set, when it does not. */
    private static @Nullable Eprocess readable(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), READS);
        if (process == null) {
            call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        return process;
    }

    private static List<LoadedModules.Module> modulesOf(ApiCall call, Eprocess process) {
        GuestProcess guest = call.process().system().find(process);
        return guest == null
                ? List.of()
                : call.process()
                        .kernel()
                        .memoryManager()
                        .attached(process, () -> guest.modules().all());
    }

    /** Arguments: process, array of base addresses, its bytes, how many bytes all need. */
    private static long modules(ApiCall call, int filter) {
        if (filter < 0 || filter > MOST_FILTER) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        Eprocess process = readable(call);
        if (process == null) {
            return 0;
        }
        List<LoadedModules.Module> modules = filter == ONLY_32_BIT ? List.of() : modulesOf(call, process);
        long room = call.unsignedIntArg(2) / Long.BYTES;
        for (int i = 0; i < modules.size() && i < room; i++) {
            call.memory().writeLong(call.arg(1) + 8L * i, modules.get(i).base());
        }
        call.memory().writeInt(call.arg(3), modules.size() * Long.BYTES);
        return 1;
    }

    /** A process's module at a base address, 0 for its program; null, with the last error set, when there is none. */
    private static LoadedModules.@Nullable Module module(ApiCall call) {
        Eprocess process = readable(call);
        if (process == null) {
            return null;
        }
        List<LoadedModules.Module> modules = modulesOf(call, process);
        for (LoadedModules.Module module : modules) {
            if (call.arg(1) == 0 || module.base() == call.arg(1)) {
                return module;
            }
        }
        call.fail(ERROR_INVALID_HANDLE);
        return null;
    }

    /** Arguments: process, module, text, its room in characters. What is too long is cut. */
    private static long name(ApiCall call, boolean wide, boolean bare) {
        LoadedModules.Module module = module(call);
        if (module == null) {
            return 0;
        }
        long room = call.unsignedIntArg(3);
        if (room == 0 || call.arg(2) == 0) {
            return call.fail(room == 0 ? Texts.ERROR_INSUFFICIENT_BUFFER : ERROR_INVALID_PARAMETER);
        }
        String text = bare ? module.name() : module.path();
        if (text.length() < room) {
            Texts.write(call, call.arg(2), text, wide);
            return text.length();
        }
        Texts.write(call, call.arg(2), text.substring(0, (int) room - 1), wide);
        call.setLastError(Texts.ERROR_INSUFFICIENT_BUFFER);
        return room;
    }

    /** The program's path on its device. Arguments: process, text, its room in characters. */
    private static long imageName(ApiCall call, boolean wide) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.QUERY_LIMITED_INFORMATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        String text = process.fullImageName();
        if (text.length() >= call.unsignedIntArg(2)) {
            return call.fail(Texts.ERROR_INSUFFICIENT_BUFFER);
        }
        Texts.write(call, call.arg(1), text, wide);
        return text.length();
    }

    /** MODULEINFO: base, size, entry point. Arguments: process, module, where it goes, its bytes. */
    private static long information(ApiCall call) {
        if (call.unsignedIntArg(3) < MODULE_INFORMATION_BYTES) {
            return call.fail(Texts.ERROR_INSUFFICIENT_BUFFER);
        }
        LoadedModules.Module module = module(call);
        if (module == null) {
            return 0;
        }
        Eprocess process = ProcessHandles.find(call, call.arg(0), READS);
        GuestProcess guest = process == null ? null : call.process().system().find(process);
        if (process == null || guest == null) {
            return call.fail(NtStatus.INVALID_HANDLE);
        }
        long entryPoint = call.process()
                .kernel()
                .memoryManager()
                .attached(process, () -> new LdrDataTableEntry(guest.memory(), module.entry()).entryPoint());
        call.memory().writeLong(call.arg(2), module.base());
        call.memory().writeInt(call.arg(2) + 8, (int) module.sizeBytes());
        call.memory().writeLong(call.arg(2) + 16, entryPoint);
        return 1;
    }
}
