package org.vadose.win32.kernel32;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.mm.WorkingSetServices;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Token;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestObjects;

/** Pages locked in a working set, its limits, and emptying it. */
final class WorkingSetFunctions {
    private static final int ERROR_NOACCESS = 998;
    /** {@code MAP_PROCESS} and {@code MAP_SYSTEM} of {@code NtLockVirtualMemory}. */
    private static final int MAP_PROCESS = 1;

    private static final int MAP_SYSTEM = 2;

    private WorkingSetFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("VirtualLock", call -> lock(call, true))
                .function("VirtualUnlock", call -> lock(call, false))
                .function("VirtualUnlockEx", WorkingSetFunctions::unlockEx)
                .function("GetProcessWorkingSetSize", call -> getLimits(call, false))
                .function("GetProcessWorkingSetSizeEx", call -> getLimits(call, true))
                .function("SetProcessWorkingSetSize", call -> setLimits(call, 0))
                .function("SetProcessWorkingSetSizeEx", call -> setLimits(call, call.intArg(3)))
                .function("K32EmptyWorkingSet", WorkingSetFunctions::empty);
    }

    static void addToNtdll(ApiModule ntdll) {
        ntdll.service("NtLockVirtualMemory", 0x10D, call -> ntLock(call, true))
                .service("NtUnlockVirtualMemory", 0x1CB, call -> ntLock(call, false));
    }

    private static WorkingSetServices services(ApiCall call) {
        return call.process().kernel().memoryManager().workingSets();
    }

    private static long lock(ApiCall call, boolean lock) {
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = call.arg(0);
        region.sizeBytes = call.arg(1);
        Eprocess process = call.process().eprocess();
        return call.succeeded(
                lock ? services(call).lock(process, region) : services(call).unlock(process, region));
    }

    /** Arguments: process, null for the caller, base, size. */
    private static long unlockEx(ApiCall call) {
        long handle = call.arg(0) == 0 ? GuestObjects.CURRENT_PROCESS : call.arg(0);
        Eprocess process = ProcessHandles.find(call, handle, ProcessHandles.VM_OPERATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, handle));
        }
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = call.arg(1);
        region.sizeBytes = call.arg(2);
        return call.succeeded(services(call).unlock(process, region));
    }

    /** Arguments: process, base and size in and out, which lock. */
    private static long ntLock(ApiCall call, boolean lock) {
        int kind = call.intArg(3);
        if ((kind & ~(MAP_PROCESS | MAP_SYSTEM)) != 0 || kind == 0) {
            return NtStatus.INVALID_PARAMETER_4.code();
        }
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.VM_OPERATION);
        if (process == null) {
            return ProcessHandles.refusal(call, call.arg(0)).code();
        }
        if ((kind & MAP_SYSTEM) != 0
                && !new Token(process.memory(), call.process().eprocess().token()).holds(Token.SE_LOCK_MEMORY)) {
            return NtStatus.PRIVILEGE_NOT_HELD.code();
        }
        Memory memory = call.memory();
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = memory.readLong(call.arg(1));
        region.sizeBytes = memory.readLong(call.arg(2));
        NtStatus status =
                lock ? services(call).lock(process, region) : services(call).unlock(process, region);
        if (status.isSuccess()) {
            memory.writeLong(call.arg(1), region.base);
            memory.writeLong(call.arg(2), region.sizeBytes);
        }
        return status.code();
    }

    /** Arguments: process, minimum, maximum, flags. */
    private static long getLimits(ApiCall call, boolean withFlags) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.QUERY_INFORMATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        try {
            call.memory().writeLong(call.arg(1), process.minimumWorkingSetSize() << Pages.SHIFT);
            call.memory().writeLong(call.arg(2), process.maximumWorkingSetSize() << Pages.SHIFT);
            if (withFlags) {
                call.memory().writeInt(call.arg(3), flags(process));
            }
        } catch (MemoryFault bad) {
            return call.fail(ERROR_NOACCESS);
        }
        return 1;
    }

    static int flags(Eprocess process) {
        return (process.isMinimumWorkingSetHard()
                        ? WorkingSetServices.HARD_MINIMUM_ENABLE
                        : WorkingSetServices.HARD_MINIMUM_DISABLE)
                | (process.isMaximumWorkingSetHard()
                        ? WorkingSetServices.HARD_MAXIMUM_ENABLE
                        : WorkingSetServices.HARD_MAXIMUM_DISABLE);
    }

    private static long setLimits(ApiCall call, int flags) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.SET_QUOTA);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        if (call.arg(1) == 0 || call.arg(2) == 0) {
            return call.fail(NtStatus.INVALID_PARAMETER);
        }
        return call.succeeded(services(call).setLimits(process, call.arg(1), call.arg(2), flags));
    }

    private static long empty(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.SET_QUOTA);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        services(call).empty(process);
        return 1;
    }
}
