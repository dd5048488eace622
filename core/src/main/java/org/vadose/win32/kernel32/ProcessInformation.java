package org.vadose.win32.kernel32;

import org.vadose.base.NtStatus;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.ExecuteOptions;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** {@code NtQueryInformationProcess} and {@code NtSetInformationProcess}, as far as they are about identity and execution. */
final class ProcessInformation {
    /** Classes of {@code PROCESSINFOCLASS}. */
    private static final int BASIC = 0;

    private static final int EXECUTE_FLAGS = 34;

    private static final int BASIC_BYTES = 48;
    private static final int FLAG_BYTES = 4;

    private ProcessInformation() {}

    static void addToNtdll(ApiModule ntdll) {
        ntdll.service("NtQueryInformationProcess", 0x19, call -> query(call).code())
                .service("NtSetInformationProcess", 0x1C, call -> set(call).code());
    }

    /** Arguments: process, class, buffer, its size, where to put the size that was needed. */
    private static NtStatus query(ApiCall call) {
        int size;
        switch (call.intArg(1)) {
            case BASIC -> size = BASIC_BYTES;
            case EXECUTE_FLAGS -> size = FLAG_BYTES;
            default -> {
                return NtStatus.INVALID_INFO_CLASS;
            }
        }
        if (call.intArg(3) != size) {
            return NtStatus.INFO_LENGTH_MISMATCH;
        }
        Eprocess process = MemoryFunctions.process(call, call.arg(0));
        if (process == null) {
            return NtStatus.INVALID_HANDLE;
        }
        if (size == FLAG_BYTES) {
            call.memory().writeInt(call.arg(2), new ExecuteOptions(process).flags());
        } else {
            writeBasic(call.memory(), call.arg(2), process);
        }
        if (call.arg(4) != 0) {
            call.memory().writeInt(call.arg(4), size);
        }
        return NtStatus.SUCCESS;
    }

    /** PROCESS_BASIC_INFORMATION of 64-bit programs. */
    private static void writeBasic(Memory memory, long at, Eprocess process) {
        memory.writeLong(at, process.exitStatus() & 0xFFFF_FFFFL);
        memory.writeLong(at + 8, process.peb());
        memory.writeLong(at + 16, process.affinity());
        memory.writeLong(at + 24, process.basePriority());
        memory.writeLong(at + 32, process.uniqueProcessId());
        memory.writeLong(at + 40, process.inheritedFromUniqueProcessId());
    }

    /** Arguments: process, class, buffer, its size. */
    private static NtStatus set(ApiCall call) {
        if (call.intArg(1) != EXECUTE_FLAGS) {
            return NtStatus.INVALID_INFO_CLASS;
        }
        if (call.intArg(3) != FLAG_BYTES) {
            return NtStatus.INFO_LENGTH_MISMATCH;
        }
        Eprocess process = MemoryFunctions.process(call, call.arg(0));
        if (process == null) {
            return NtStatus.INVALID_HANDLE;
        }
        return new ExecuteOptions(process).set(call.memory().readInt(call.arg(2)));
    }
}
