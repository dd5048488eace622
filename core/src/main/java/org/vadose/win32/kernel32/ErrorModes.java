package org.vadose.win32.kernel32;

import org.vadose.base.NtStatus;
import org.vadose.layout.TebLayout;
import org.vadose.nt.Eprocess;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/**
 * Which serious errors the system shows: {@code _EPROCESS.DefaultHardErrorProcessing} for the process, {@code _TEB.HardErrorMode}
 * for a thread, which has the same flags at other bits.
 */
final class ErrorModes {
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int FAIL_CRITICAL_ERRORS = 0x1;
    private static final int NO_CRASH_BOX = 0x2;
    private static final int NO_OPEN_FILE_BOX = 0x8000;
    private static final int THREAD_MODES = FAIL_CRITICAL_ERRORS | NO_CRASH_BOX | NO_OPEN_FILE_BOX;

    // In the TEB and for ntdll's functions (RTL_SEM_*, as Wine has them).
    private static final int THREAD_FAIL_CRITICAL_ERRORS = 0x10;
    private static final int THREAD_NO_CRASH_BOX = 0x20;
    private static final int THREAD_NO_OPEN_FILE_BOX = 0x40;
    private static final int THREAD_BITS = THREAD_FAIL_CRITICAL_ERRORS | THREAD_NO_CRASH_BOX | THREAD_NO_OPEN_FILE_BOX;

    private ErrorModes() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("SetErrorMode", ErrorModes::setProcess)
                .function("GetErrorMode", call -> call.process().eprocess().errorMode())
                .function("SetThreadErrorMode", ErrorModes::setThread)
                .function("GetThreadErrorMode", call -> toWin32(thread(call)));
    }

    static void addToNtdll(ApiModule ntdll) {
        ntdll.function("RtlGetThreadErrorMode", ErrorModes::thread)
                .function("RtlSetThreadErrorMode", call -> rtlSetThread(call).code());
    }

    private static long setProcess(ApiCall call) {
        Eprocess process = call.process().eprocess();
        int before = process.errorMode();
        process.setErrorMode(call.intArg(0));
        return before;
    }

    private static int thread(ApiCall call) {
        return call.memory().readInt(call.thread().teb() + TebLayout.HARD_ERROR_MODE);
    }

    private static void setThread(ApiCall call, int bits) {
        call.memory().writeInt(call.thread().teb() + TebLayout.HARD_ERROR_MODE, bits);
    }

    private static int toWin32(int bits) {
        return ((bits & THREAD_FAIL_CRITICAL_ERRORS) != 0 ? FAIL_CRITICAL_ERRORS : 0)
                | ((bits & THREAD_NO_CRASH_BOX) != 0 ? NO_CRASH_BOX : 0)
                | ((bits & THREAD_NO_OPEN_FILE_BOX) != 0 ? NO_OPEN_FILE_BOX : 0);
    }

    /** Arguments: the mode, where the one before goes. */
    private static long setThread(ApiCall call) {
        int mode = call.intArg(0);
        if ((mode & ~THREAD_MODES) != 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        int before = toWin32(thread(call));
        setThread(
                call,
                ((mode & FAIL_CRITICAL_ERRORS) != 0 ? THREAD_FAIL_CRITICAL_ERRORS : 0)
                        | ((mode & NO_CRASH_BOX) != 0 ? THREAD_NO_CRASH_BOX : 0)
                        | ((mode & NO_OPEN_FILE_BOX) != 0 ? THREAD_NO_OPEN_FILE_BOX : 0));
        if (call.arg(1) != 0) {
            call.memory().writeInt(call.arg(1), before);
        }
        return 1;
    }

    private static NtStatus rtlSetThread(ApiCall call) {
        if ((call.intArg(0) & ~THREAD_BITS) != 0) {
            return NtStatus.INVALID_PARAMETER_1;
        }
        int before = thread(call);
        setThread(call, call.intArg(0));
        if (call.arg(1) != 0) {
            call.memory().writeInt(call.arg(1), before);
        }
        return NtStatus.SUCCESS;
    }
}
