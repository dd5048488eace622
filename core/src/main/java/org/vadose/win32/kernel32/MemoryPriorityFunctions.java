package org.vadose.win32.kernel32;

import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestObjects;

/**
 * Memory priorities of processes and threads: on which of the standby lists the pages that they touch end, the lowest of which is the
 * first to give its pages to somebody else. Both begin as {@code MEMORY_PRIORITY_NORMAL}, 5; what is set counts for pages touched
 * from then on.
 */
final class MemoryPriorityFunctions {
    private static final int ERROR_INVALID_HANDLE = 6;
    private static final int ERROR_ACCESS_DENIED = 5;
    private static final int ERROR_BAD_LENGTH = 24;
    private static final int ERROR_INVALID_PARAMETER = 87;

    /** {@code ProcessMemoryPriority} and {@code ThreadMemoryPriority}. */
    private static final int MEMORY_PRIORITY = 0;

    /** {@code MEMORY_PRIORITY_INFORMATION}: one number. */
    private static final int INFORMATION_BYTES = 4;

    private static final int MEMORY_PRIORITY_NORMAL = 5;
    private static final int THREAD_SET_INFORMATION = 0x20;
    private static final int THREAD_QUERY_INFORMATION = 0x40;

    private MemoryPriorityFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("GetProcessInformation", MemoryPriorityFunctions::getProcess)
                .function("SetProcessInformation", MemoryPriorityFunctions::setProcess)
                .function("GetThreadInformation", MemoryPriorityFunctions::getThread)
                .function("SetThreadInformation", MemoryPriorityFunctions::setThread);
    }

    /** The error of the class and the size, the second and the fourth argument of all four; 0 if they are right. */
    private static int error(ApiCall call) {
        if (call.intArg(1) != MEMORY_PRIORITY) {
            return ERROR_INVALID_PARAMETER;
        }
        return call.intArg(3) == INFORMATION_BYTES ? 0 : ERROR_BAD_LENGTH;
    }

    private static long getProcess(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.QUERY_INFORMATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        int error = error(call);
        return error == 0 ? answer(call, process.pagePriority()) : call.fail(error);
    }

    private static long setProcess(ApiCall call) {
        Eprocess process = ProcessHandles.find(call, call.arg(0), ProcessHandles.SET_INFORMATION);
        if (process == null) {
            return call.fail(ProcessHandles.refusal(call, call.arg(0)));
        }
        int error = error(call);
        if (error != 0) {
            return call.fail(error);
        }
        int priority = call.memory().readInt(call.arg(2));
        if (priority < 0 || priority > MEMORY_PRIORITY_NORMAL) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        process.setPagePriority(priority);
        return use(call);
    }

    private static long getThread(ApiCall call) {
        int error = threadError(call, THREAD_QUERY_INFORMATION);
        return error == 0
                ? answer(call, ProcessFunctions.ethread(call, call.arg(0)).pagePriority())
                : call.fail(error);
    }

    private static long setThread(ApiCall call) {
        int error = threadError(call, THREAD_SET_INFORMATION);
        if (error != 0) {
            return call.fail(error);
        }
        int priority = call.memory().readInt(call.arg(2));
        if (priority < 0 || priority > MEMORY_PRIORITY_NORMAL) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        ProcessFunctions.ethread(call, call.arg(0)).setPagePriority(priority);
        return use(call);
    }

    private static int threadError(ApiCall call, int access) {
        long handle = call.arg(0);
        Ethread thread = ProcessFunctions.ethread(call, handle);
        if (thread.address() == 0) {
            return ERROR_INVALID_HANDLE;
        }
        boolean isGranted = handle == GuestObjects.CURRENT_THREAD
                || (call.process().objects().grantedAccess(handle) & access) == access;
        return isGranted ? error(call) : ERROR_ACCESS_DENIED;
    }

    private static long answer(ApiCall call, int priority) {
        call.memory().writeInt(call.arg(2), priority);
        return 1;
    }

    /** The caller's own pages have what was set at once; other threads' from when they run next. */
    static long use(ApiCall call) {
        int priority = call.thread().ethread().effectivePagePriority();
        call.process().kernel().memoryManager().usePagePriority(priority);
        return 1;
    }
}
