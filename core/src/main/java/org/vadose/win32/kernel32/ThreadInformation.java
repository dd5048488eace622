package org.vadose.win32.kernel32;

import org.vadose.base.NtStatus;
import org.vadose.layout.EthreadLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.Ethread;
import org.vadose.ps.SchedulingServices;
import org.vadose.ps.SystemClock;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/**
 * {@code NtQueryInformationThread} and {@code NtSetInformationThread}, as far as they are about identity and scheduling. Classes and
 * structures are those of the SDK's {@code winternl.h} and of the public headers of System Informer.
 */
final class ThreadInformation {
    /** Classes of {@code THREADINFOCLASS}. */
    private static final int BASIC = 0;

    private static final int TIMES = 1;
    private static final int BASE_PRIORITY = 3;
    private static final int AFFINITY_MASK = 4;
    private static final int WIN32_START_ADDRESS = 9;
    private static final int IDEAL_PROCESSOR = 13;
    private static final int PRIORITY_BOOST = 14;
    private static final int IS_TERMINATED = 20;
    private static final int CYCLE_TIME = 23;
    private static final int PAGE_PRIORITY = 24;
    private static final int GROUP = 30;
    private static final int IDEAL_PROCESSOR_EX = 33;
    private static final int SUSPEND_COUNT = 35;

    private static final int BASIC_BYTES = 48;
    private static final int TIMES_BYTES = 32;
    private static final int GROUP_BYTES = 16;
    private static final int UNKNOWN = -1;
    private static final int NORMAL_PAGE_PRIORITY = 5;

    private ThreadInformation() {}

    static void addToNtdll(ApiModule ntdll) {
        ntdll.service("NtQueryInformationThread", 0x25, call -> query(call).code())
                .service("NtSetInformationThread", 0x0D, call -> set(call).code());
    }

    /** Arguments: thread, class, buffer, its size, where to put the size that was needed. */
    private static NtStatus query(ApiCall call) {
        int informationClass = call.intArg(1);
        int size = switch (informationClass) {
            case BASIC -> BASIC_BYTES;
            case TIMES -> TIMES_BYTES;
            case CYCLE_TIME, GROUP -> GROUP_BYTES;
            case WIN32_START_ADDRESS -> 8;
            case PRIORITY_BOOST, IS_TERMINATED, PAGE_PRIORITY, IDEAL_PROCESSOR_EX, SUSPEND_COUNT -> 4;
            default -> UNKNOWN;
        };
        if (size == UNKNOWN) {
            return NtStatus.INVALID_INFO_CLASS;
        }
        if (call.intArg(3) != size) {
            return NtStatus.INFO_LENGTH_MISMATCH;
        }
        Ethread thread = ThreadHandles.find(
                call,
                call.arg(0),
                informationClass == WIN32_START_ADDRESS
                        ? ThreadHandles.QUERY_INFORMATION
                        : ThreadHandles.QUERY_LIMITED_INFORMATION);
        if (thread == null) {
            return ThreadHandles.refusal(call, call.arg(0));
        }
        Memory memory = call.memory();
        long at = call.arg(2);
        switch (informationClass) {
            case BASIC -> basic(call, at, thread);
            case TIMES -> {
                memory.writeLong(at, thread.createTime());
                memory.writeLong(at + 8, thread.isTerminated() ? thread.exitTime() : 0);
                memory.writeLong(at + 16, thread.kernelTime() * SystemClock.TICK);
                memory.writeLong(at + 24, thread.userTime() * SystemClock.TICK);
            }
            case CYCLE_TIME -> {
                memory.writeLong(at, thread.cycleTime());
                memory.writeLong(at + 8, 0);
            }
            case WIN32_START_ADDRESS -> memory.writeLong(at, thread.win32StartAddress());
            case PRIORITY_BOOST -> memory.writeInt(at, thread.isBoostDisabled() ? 1 : 0);
            case IS_TERMINATED -> memory.writeInt(at, thread.isTerminated() ? 1 : 0);
            case PAGE_PRIORITY -> memory.writeInt(at, thread.pagePriority());
            case SUSPEND_COUNT -> memory.writeInt(at, thread.suspendCount());
            case GROUP -> ProcessorRecords.writeGroupAffinity(memory, at, thread.affinity());
            default -> AffinityFunctions.writeProcessor(memory, at, thread.idealProcessor());
        }
        if (call.arg(4) != 0) {
            memory.writeInt(call.arg(4), size);
        }
        return NtStatus.SUCCESS;
    }

    /** THREAD_BASIC_INFORMATION. */
    private static void basic(ApiCall call, long at, Ethread thread) {
        Memory memory = call.memory();
        int status = thread.isTerminated()
                ? thread.memory().readInt(thread.address() + EthreadLayout.EXIT_STATUS)
                : NtStatus.PENDING.code();
        memory.writeLong(at, status & 0xFFFF_FFFFL);
        memory.writeLong(at + 8, thread.teb());
        memory.writeLong(at + 16, thread.uniqueProcessId());
        memory.writeLong(at + 24, thread.uniqueThreadId());
        memory.writeLong(at + 32, thread.affinity());
        memory.writeInt(at + 40, thread.priority());
        memory.writeInt(at + 44, AffinityFunctions.services(call).relativePriority(thread));
    }

    /** Arguments: thread, class, buffer, its size. The ideal processor that was is the status. */
    private static NtStatus set(ApiCall call) {
        int informationClass = call.intArg(1);
        int size = switch (informationClass) {
            case AFFINITY_MASK -> 8;
            case GROUP -> GROUP_BYTES;
            case BASE_PRIORITY, IDEAL_PROCESSOR, PRIORITY_BOOST, PAGE_PRIORITY, IDEAL_PROCESSOR_EX -> 4;
            default -> UNKNOWN;
        };
        if (size == UNKNOWN) {
            return NtStatus.INVALID_INFO_CLASS;
        }
        if (call.intArg(3) != size) {
            return NtStatus.INFO_LENGTH_MISMATCH;
        }
        boolean isLimited = informationClass == BASE_PRIORITY
                || informationClass == AFFINITY_MASK
                || informationClass == GROUP
                || informationClass == PRIORITY_BOOST;
        Ethread thread = ThreadHandles.find(
                call, call.arg(0), isLimited ? ThreadHandles.SET_LIMITED_INFORMATION : ThreadHandles.SET_INFORMATION);
        if (thread == null) {
            return ThreadHandles.refusal(call, call.arg(0));
        }
        SchedulingServices services = AffinityFunctions.services(call);
        Memory memory = call.memory();
        long at = call.arg(2);
        return switch (informationClass) {
            case BASE_PRIORITY -> services.setRelativePriority(thread, memory.readInt(at));
            case AFFINITY_MASK -> services.setAffinity(thread, memory.readLong(at));
            case GROUP -> AffinityFunctions.setGroup(call, thread, at);
            case PRIORITY_BOOST -> {
                thread.setBoostDisabled(memory.readInt(at) != 0);
                yield NtStatus.SUCCESS;
            }
            case IDEAL_PROCESSOR -> {
                int before = thread.idealProcessor();
                NtStatus status = services.setIdealProcessor(thread, memory.readInt(at));
                yield status.isSuccess() ? NtStatus.of(before) : status;
            }
            case IDEAL_PROCESSOR_EX -> setIdealProcessor(services, memory, at, thread);
            default -> {
                int priority = memory.readInt(at);
                if (priority < 0 || priority > NORMAL_PAGE_PRIORITY) {
                    yield NtStatus.INVALID_PARAMETER;
                }
                thread.setPagePriority(priority);
                MemoryPriorityFunctions.use(call);
                yield NtStatus.SUCCESS;
            }
        };
    }

    /** In and out: the ideal processor wanted, and the one before. */
    private static NtStatus setIdealProcessor(SchedulingServices services, Memory memory, long at, Ethread thread) {
        int wanted = AffinityFunctions.processor(memory, at);
        int before = thread.idealProcessor();
        if (wanted == SchedulingServices.ASK_PROCESSOR) {
            return NtStatus.INVALID_PARAMETER;
        }
        NtStatus status = services.setIdealProcessor(thread, wanted);
        if (status.isSuccess()) {
            AffinityFunctions.writeProcessor(memory, at, before);
        }
        return status;
    }
}
