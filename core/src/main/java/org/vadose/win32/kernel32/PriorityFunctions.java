package org.vadose.win32.kernel32;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.Token;
import org.vadose.ps.SchedulingServices;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** Priority classes of processes, priorities of threads, whether waits raise them, and background mode. */
final class PriorityFunctions {
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int THREAD_IS_BACKGROUND = 400;
    private static final int THREAD_IS_NOT_BACKGROUND = 401;
    private static final int PROCESS_IS_BACKGROUND = 402;
    private static final int PROCESS_IS_NOT_BACKGROUND = 403;
    private static final long PRIORITY_ERROR = 0x7FFF_FFFF;
    private static final int TIME_CRITICAL = 15;

    private static final int THREAD_BACKGROUND_BEGIN = 0x10000;
    private static final int THREAD_BACKGROUND_END = 0x20000;
    private static final int PROCESS_BACKGROUND_BEGIN = 0x10_0000;
    private static final int PROCESS_BACKGROUND_END = 0x20_0000;

    /** {@code *_PRIORITY_CLASS} by the kernel's number. */
    private static final int[] CLASSES = {0, 0x40, 0x20, 0x80, 0x100, 0x4000, 0x8000};

    /** In the order in which {@code CreateProcess} looks for them. */
    private static final int[] BY_PREFERENCE = {
        SchedulingServices.IDLE_CLASS,
        SchedulingServices.BELOW_NORMAL_CLASS,
        SchedulingServices.NORMAL_CLASS,
        SchedulingServices.ABOVE_NORMAL_CLASS,
        SchedulingServices.HIGH_CLASS,
        SchedulingServices.REAL_TIME_CLASS
    };

    private PriorityFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("GetPriorityClass", PriorityFunctions::getClass)
                .function("SetPriorityClass", PriorityFunctions::setClass)
                .function("GetThreadPriority", PriorityFunctions::getThread)
                .function("SetThreadPriority", PriorityFunctions::setThread)
                .function("GetProcessPriorityBoost", PriorityFunctions::getProcessBoost)
                .function("SetProcessPriorityBoost", PriorityFunctions::setProcessBoost)
                .function("GetThreadPriorityBoost", PriorityFunctions::getThreadBoost)
                .function("SetThreadPriorityBoost", PriorityFunctions::setThreadBoost);
    }

    private static SchedulingServices services(ApiCall call) {
        return AffinityFunctions.services(call);
    }

    static Token token(ApiCall call) {
        Eprocess caller = call.process().eprocess();
        return new Token(caller.memory(), caller.token());
    }

    private static @Nullable Eprocess process(ApiCall call, int access) {
        return ProcessHandles.find(call, call.arg(0), access);
    }

    private static long refuseProcess(ApiCall call) {
        return call.fail(ProcessHandles.refusal(call, call.arg(0)));
    }

    private static @Nullable Ethread thread(ApiCall call, int access) {
        return ThreadHandles.find(call, call.arg(0), access);
    }

    private static long refuseThread(ApiCall call) {
        return call.fail(ThreadHandles.refusal(call, call.arg(0)));
    }

    private static long answer(ApiCall call, boolean value) {
        call.memory().writeInt(call.arg(1), value ? 1 : 0);
        return 1;
    }

    // --- processes ---

    private static long getClass(ApiCall call) {
        Eprocess process = process(call, ProcessHandles.QUERY_LIMITED_INFORMATION);
        return process == null ? refuseProcess(call) : CLASSES[process.priorityClass()];
    }

    private static long setClass(ApiCall call) {
        Eprocess process = process(call, ProcessHandles.SET_INFORMATION);
        if (process == null) {
            return refuseProcess(call);
        }
        int wanted = call.intArg(1);
        if (wanted == PROCESS_BACKGROUND_BEGIN || wanted == PROCESS_BACKGROUND_END) {
            return setBackground(call, process, wanted == PROCESS_BACKGROUND_BEGIN);
        }
        for (int number = 1; number < CLASSES.length; number++) {
            if (CLASSES[number] == wanted) {
                return call.succeeded(setClass(call, process, number));
            }
        }
        return call.fail(ERROR_INVALID_PARAMETER);
    }

    /** Who may not have real-time priorities gets the class below. The privilege need not be enabled before. */
    private static NtStatus setClass(ApiCall call, Eprocess process, int wanted) {
        Token token = token(call);
        boolean isRealTime = wanted == SchedulingServices.REAL_TIME_CLASS;
        if (isRealTime && (token.present() >>> Token.SE_INCREASE_BASE_PRIORITY & 1) == 0) {
            return services(call).setPriorityClass(process, SchedulingServices.HIGH_CLASS, token);
        }
        long enabled = token.enabled();
        if (isRealTime) {
            token.setEnabled(enabled | 1L << Token.SE_INCREASE_BASE_PRIORITY);
        }
        NtStatus status = services(call).setPriorityClass(process, wanted, token);
        if (isRealTime) {
            token.setEnabled(enabled);
        }
        return status;
    }

    /** For the calling process alone. */
    private static long setBackground(ApiCall call, Eprocess process, boolean begins) {
        if (process.address() != call.process().eprocess().address()) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        if (services(call).isBackground(process) == begins) {
            return call.fail(begins ? PROCESS_IS_BACKGROUND : PROCESS_IS_NOT_BACKGROUND);
        }
        services(call).setBackground(process, begins);
        return MemoryPriorityFunctions.use(call);
    }

    /** The class that a new process is to have by {@code CreateProcess}'s flags; what it inherits if they name none. */
    static void applyCreationFlags(ApiCall call, Eprocess child, int flags) {
        for (int number : BY_PREFERENCE) {
            if ((flags & CLASSES[number]) != 0) {
                NtStatus ignored = setClass(call, child, number);
                return;
            }
        }
    }

    private static long getProcessBoost(ApiCall call) {
        Eprocess process = process(call, ProcessHandles.QUERY_LIMITED_INFORMATION);
        return process == null ? refuseProcess(call) : answer(call, process.isBoostDisabled());
    }

    private static long setProcessBoost(ApiCall call) {
        Eprocess process = process(call, ProcessHandles.SET_INFORMATION);
        if (process == null) {
            return refuseProcess(call);
        }
        services(call).setBoostDisabled(process, call.boolArg(1));
        return 1;
    }

    // --- threads ---

    private static long getThread(ApiCall call) {
        Ethread thread = thread(call, ThreadHandles.QUERY_LIMITED_INFORMATION);
        if (thread == null) {
            long ignored = refuseThread(call);
            return PRIORITY_ERROR;
        }
        int relative = services(call).relativePriority(thread);
        boolean isEnd = Math.abs(relative) == SchedulingServices.SATURATED;
        return (isEnd ? Integer.signum(relative) * TIME_CRITICAL : relative) & 0xFFFF_FFFFL;
    }

    private static long setThread(ApiCall call) {
        Ethread thread = thread(call, ThreadHandles.SET_LIMITED_INFORMATION);
        if (thread == null) {
            return refuseThread(call);
        }
        int wanted = call.intArg(1);
        if (wanted == THREAD_BACKGROUND_BEGIN || wanted == THREAD_BACKGROUND_END) {
            return setBackground(call, thread, wanted == THREAD_BACKGROUND_BEGIN);
        }
        boolean isEnd = Math.abs(wanted) == TIME_CRITICAL;
        if (Math.abs(wanted) == SchedulingServices.SATURATED) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        return call.succeeded(services(call)
                .setRelativePriority(thread, isEnd ? Integer.signum(wanted) * SchedulingServices.SATURATED : wanted));
    }

    /** For the calling thread alone. */
    private static long setBackground(ApiCall call, Ethread thread, boolean begins) {
        if (thread.address() != call.thread().ethread().address()) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        if (services(call).isBackground(thread) == begins) {
            return call.fail(begins ? THREAD_IS_BACKGROUND : THREAD_IS_NOT_BACKGROUND);
        }
        services(call).setBackground(thread, begins);
        return MemoryPriorityFunctions.use(call);
    }

    private static long getThreadBoost(ApiCall call) {
        Ethread thread = thread(call, ThreadHandles.QUERY_LIMITED_INFORMATION);
        return thread == null ? refuseThread(call) : answer(call, thread.isBoostDisabled());
    }

    private static long setThreadBoost(ApiCall call) {
        Ethread thread = thread(call, ThreadHandles.SET_LIMITED_INFORMATION);
        if (thread == null) {
            return refuseThread(call);
        }
        thread.setBoostDisabled(call.boolArg(1));
        return 1;
    }
}
