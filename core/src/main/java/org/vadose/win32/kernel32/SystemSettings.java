package org.vadose.win32.kernel32;

import org.vadose.base.NtStatus;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.PageCombining;
import org.vadose.nt.Token;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** {@code NtSetSystemInformation}, for page combining. Other classes are refused. */
final class SystemSettings {
    private static final int COMBINE_PHYSICAL_MEMORY = 130;
    /** {@code MEMORY_COMBINE_INFORMATION}: an event's handle, pages combined; the extended one has flags behind. */
    private static final int COMBINE_BYTES = 16;

    private static final int COMBINE_EX_BYTES = 24;
    private static final long PAGES_COMBINED = 8;

    private SystemSettings() {}

    static void addTo(ApiModule ntdll) {
        ntdll.service("NtSetSystemInformation", 0x1AA, call -> set(call).code());
    }

    private static NtStatus set(ApiCall call) {
        if (call.intArg(0) != COMBINE_PHYSICAL_MEMORY) {
            return NtStatus.INVALID_INFO_CLASS;
        }
        int length = call.intArg(2);
        if (length != COMBINE_BYTES && length != COMBINE_EX_BYTES) {
            return NtStatus.INFO_LENGTH_MISMATCH;
        }
        MemoryManager manager = call.process().kernel().memoryManager();
        Token token =
                new Token(manager.kernelMemory(), call.process().eprocess().token());
        if (!token.holds(Token.SE_PROFILE_SINGLE_PROCESS)) {
            return NtStatus.PRIVILEGE_NOT_HELD;
        }
        PageCombining combining = manager.combining();
        if (!combining.isEnabled()) {
            return NtStatus.NOT_SUPPORTED;
        }
        Memory memory = call.memory();
        try {
            // Before anything is done: the answer must have somewhere to go.
            memory.writeLong(call.arg(1) + PAGES_COMBINED, 0);
            long combined = combining.combineAll();
            memory.writeLong(call.arg(1) + PAGES_COMBINED, combined);
            return NtStatus.SUCCESS;
        } catch (MemoryFault bad) {
            return bad.status();
        }
    }
}
