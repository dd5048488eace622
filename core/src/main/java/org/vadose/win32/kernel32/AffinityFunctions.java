package org.vadose.win32.kernel32;

import org.vadose.base.NtStatus;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.ps.SchedulingServices;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/**
 * On which processors processes and threads run, and which one a thread is on. There is one group of processors, number 0.
 *
 * <pre>
 *   GROUP_AFFINITY     0 mask   8 group   10 reserved, 3 words of zero
 *   PROCESSOR_NUMBER   0 group   2 number   3 reserved, zero
 * </pre>
 */
final class AffinityFunctions {
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_INSUFFICIENT_BUFFER = 122;
    private static final int ALL_GROUPS = 0xFFFF;
    private static final int GROUP = 8;
    private static final long FAILED = 0xFFFF_FFFFL;

    private AffinityFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("GetProcessAffinityMask", AffinityFunctions::getProcess)
                .function("SetProcessAffinityMask", AffinityFunctions::setProcess)
                .function("GetProcessGroupAffinity", AffinityFunctions::getProcessGroups)
                .function("SetThreadAffinityMask", AffinityFunctions::setThread)
                .function("GetThreadGroupAffinity", AffinityFunctions::getThreadGroup)
                .function("SetThreadGroupAffinity", AffinityFunctions::setThreadGroup)
                .function("SetThreadIdealProcessor", AffinityFunctions::setIdealProcessor)
                .function("SetThreadIdealProcessorEx", AffinityFunctions::setIdealProcessorEx)
                .function("GetThreadIdealProcessorEx", AffinityFunctions::getIdealProcessorEx)
                .function("GetCurrentProcessorNumber", AffinityFunctions::current)
                .function("GetCurrentProcessorNumberEx", AffinityFunctions::currentEx)
                .function("GetActiveProcessorCount", AffinityFunctions::count)
                .function("GetMaximumProcessorCount", AffinityFunctions::count)
                .function("GetActiveProcessorGroupCount", call -> 1)
                .function("GetMaximumProcessorGroupCount", call -> 1);
    }

    static void addToNtdll(ApiModule ntdll) {
        ntdll.service("NtGetCurrentProcessorNumber", 0xF3, AffinityFunctions::current)
                .service("NtGetCurrentProcessorNumberEx", 0xF4, AffinityFunctions::currentService)
                .function("RtlGetCurrentProcessorNumber", AffinityFunctions::current)
                .function("RtlGetCurrentProcessorNumberEx", AffinityFunctions::currentEx);
    }

    static SchedulingServices services(ApiCall call) {
        return call.process().kernel().processManager().scheduling();
    }

    // --- processes ---

    private static long getProcess(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.QUERY_LIMITED_INFORMATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        call.memory().writeLong(call.arg(1), process.affinity());
        call.memory().writeLong(call.arg(2), services(call).processors());
        return 1;
    }

    private static long setProcess(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.SET_INFORMATION);
        return process == null
                ? call.fail(ProcessHandles.refusal(call, call.arg(0)))
                : call.succeeded(services(call).setAffinity(process, call.arg(1)));
    }

    /** In and out: how many groups there is room for, and how many there are. */
    private static long getProcessGroups(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.QUERY_LIMITED_INFORMATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        int room = call.memory().readUnsignedShort(call.arg(1));
        call.memory().writeShort(call.arg(1), (short) 1);
        if (room == 0) {
            return call.fail(ERROR_INSUFFICIENT_BUFFER);
        }
        call.memory().writeShort(call.arg(2), (short) 0);
        return 1;
    }

    // --- threads ---

    /** Returns the mask before, 0 for a failure. */
    private static long setThread(ApiCall call) {
        Ethread thread = ThreadHandles.find(
                call, call.arg(0), ThreadHandles.SET_LIMITED_INFORMATION | ThreadHandles.QUERY_LIMITED_INFORMATION);
        if (thread == null) {
            return call.fail(ThreadHandles.refusal(call, call.arg(0)));
        }
        long before = thread.affinity();
        NtStatus status = services(call).setAffinity(thread, call.arg(1));
        return status.isSuccess() ? before : call.fail(status);
    }

    private static long getThreadGroup(ApiCall call) {
        Ethread thread = ThreadHandles.find(call, call.arg(0), ThreadHandles.QUERY_LIMITED_INFORMATION);
        if (thread == null) {
            return call.fail(ThreadHandles.refusal(call, call.arg(0)));
        }
        ProcessorRecords.writeGroupAffinity(call.memory(), call.arg(1), thread.affinity());
        return 1;
    }

    private static long setThreadGroup(ApiCall call) {
        Ethread thread = ThreadHandles.find(call, call.arg(0), ThreadHandles.SET_INFORMATION);
        if (thread == null) {
            return call.fail(ThreadHandles.refusal(call, call.arg(0)));
        }
        long before = thread.affinity();
        NtStatus status = setGroup(call, thread, call.arg(1));
        if (status.isSuccess() && call.arg(2) != 0) {
            ProcessorRecords.writeGroupAffinity(call.memory(), call.arg(2), before);
        }
        return call.succeeded(status);
    }

    /** Sets the affinity that a {@code GROUP_AFFINITY} of the program says. */
    static NtStatus setGroup(ApiCall call, Ethread thread, long at) {
        Memory memory = call.memory();
        long mask = memory.readLong(at);
        return memory.readLong(at + GROUP) == 0 ? services(call).setAffinity(thread, mask) : NtStatus.INVALID_PARAMETER;
    }

    // --- ideal processors ---

    /** The number of the processor that a {@code PROCESSOR_NUMBER} names, -1 for one that cannot be. */
    static int processor(Memory memory, long at) {
        boolean isPossible = memory.readUnsignedShort(at) == 0 && memory.readByte(at + 3) == 0;
        return isPossible ? memory.readUnsignedByte(at + 2) : -1;
    }

    static void writeProcessor(Memory memory, long at, int number) {
        memory.writeInt(at, number << 16);
    }

    /** Returns the processor before, -1 for a failure. */
    private static long setIdealProcessor(ApiCall call) {
        Ethread thread = ThreadHandles.find(call, call.arg(0), ThreadHandles.SET_INFORMATION);
        if (thread == null) {
            call.setLastError(ThreadHandles.refusal(call, call.arg(0)).win32Error());
            return FAILED;
        }
        int before = thread.idealProcessor();
        NtStatus status = services(call).setIdealProcessor(thread, call.intArg(1));
        if (!status.isSuccess()) {
            call.setLastError(status.win32Error());
            return FAILED;
        }
        return before;
    }

    private static long setIdealProcessorEx(ApiCall call) {
        Ethread thread = ThreadHandles.find(call, call.arg(0), ThreadHandles.SET_INFORMATION);
        if (thread == null) {
            return call.fail(ThreadHandles.refusal(call, call.arg(0)));
        }
        int wanted = processor(call.memory(), call.arg(1));
        int before = thread.idealProcessor();
        if (wanted == SchedulingServices.ASK_PROCESSOR
                || !services(call).setIdealProcessor(thread, wanted).isSuccess()) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        if (call.arg(2) != 0) {
            writeProcessor(call.memory(), call.arg(2), before);
        }
        return 1;
    }

    private static long getIdealProcessorEx(ApiCall call) {
        Ethread thread = ThreadHandles.find(call, call.arg(0), ThreadHandles.QUERY_LIMITED_INFORMATION);
        if (thread == null) {
            return call.fail(ThreadHandles.refusal(call, call.arg(0)));
        }
        writeProcessor(call.memory(), call.arg(1), thread.idealProcessor());
        return 1;
    }

    // --- where one is ---

    private static long current(ApiCall call) {
        return call.thread().processor().number();
    }

    private static long currentEx(ApiCall call) {
        writeProcessor(call.memory(), call.arg(0), (int) current(call));
        return 0;
    }

    /** As the service has it, which returns the number, too, and needs no place to put it. */
    private static long currentService(ApiCall call) {
        if (call.arg(0) != 0) {
            currentEx(call);
        }
        return current(call);
    }

    private static long count(ApiCall call) {
        int group = call.intArg(0) & 0xFFFF;
        return group == 0 || group == ALL_GROUPS
                ? Long.bitCount(services(call).processors())
                : call.fail(ERROR_INVALID_PARAMETER);
    }
}
