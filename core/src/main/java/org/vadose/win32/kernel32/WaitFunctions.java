package org.vadose.win32.kernel32;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestThread;
import org.vadose.win32.WaitObject;

/** Signalling events, mutexes and semaphores, and waiting for them. */
final class WaitFunctions {
    private static final int WAIT_ABANDONED = 0x80;
    private static final long WAIT_TIMEOUT = 0x102;
    private static final long WAIT_FAILED = 0xFFFF_FFFFL;
    private static final int ERROR_INVALID_HANDLE = 6;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_NOT_OWNER = 288;
    private static final int ERROR_TOO_MANY_POSTS = 298;
    private static final int MAXIMUM_WAIT_OBJECTS = 64;

    private WaitFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("SetEvent", call -> setSignal(call, 1))
                .function("ResetEvent", call -> setSignal(call, 0))
                .function("ReleaseMutex", WaitFunctions::releaseMutex)
                .function("ReleaseSemaphore", WaitFunctions::releaseSemaphore)
                .function("WaitForSingleObject", WaitFunctions::waitForSingleObject)
                .function("WaitForSingleObjectEx", WaitFunctions::waitForSingleObject)
                .function("WaitForMultipleObjects", WaitFunctions::waitForMultipleObjects)
                .function("WaitForMultipleObjectsEx", WaitFunctions::waitForMultipleObjects)
                .function("SignalObjectAndWait", WaitFunctions::signalObjectAndWait);
    }

    private static long setSignal(ApiCall call, int state) {
        WaitObject object = call.process().objects().waitObject(call.arg(0));
        if (object == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        object.setSignalState(state);
        return 1;
    }

    private static long releaseMutex(ApiCall call) {
        WaitObject object = call.process().objects().waitObject(call.arg(0));
        if (object == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        return object.releaseMutant(call.thread()) ? 1 : call.fail(ERROR_NOT_OWNER);
    }

    private static long releaseSemaphore(ApiCall call) {
        WaitObject object = call.process().objects().waitObject(call.arg(0));
        if (object == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        int count = call.intArg(1);
        int state = object.signalState();
        if (count <= 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        if ((long) state + count > object.limit()) {
            return call.fail(ERROR_TOO_MANY_POSTS);
        }
        if (call.arg(2) != 0) {
            call.memory().writeInt(call.arg(2), state);
        }
        object.setSignalState(state + count);
        return 1;
    }

    private static long waitForSingleObject(ApiCall call) {
        return waitFor(call, call.arg(0), call.intArg(1));
    }

    private static long waitFor(ApiCall call, long handle, int milliseconds) {
        WaitObject object = call.process().objects().waitObject(handle);
        if (object == null) {
            call.setLastError(ERROR_INVALID_HANDLE);
            return WAIT_FAILED;
        }
        GuestThread thread = call.thread();
        int[] result = {0};
        BooleanSupplier taken = () -> {
            if (!object.isSignalled(thread)) {
                return false;
            }
            result[0] = object.take(thread) ? WAIT_ABANDONED : 0;
            return true;
        };
        return thread.await(taken, TimeFunctions.deadline(call, milliseconds)) ? result[0] : WAIT_TIMEOUT;
    }

    private static long waitForMultipleObjects(ApiCall call) {
        int count = call.intArg(0);
        if (count <= 0 || count > MAXIMUM_WAIT_OBJECTS) {
            call.setLastError(ERROR_INVALID_PARAMETER);
            return WAIT_FAILED;
        }
        List<WaitObject> objects = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            WaitObject object =
                    call.process().objects().waitObject(call.memory().readLong(call.arg(1) + 8L * i));
            if (object == null) {
                call.setLastError(ERROR_INVALID_HANDLE);
                return WAIT_FAILED;
            }
            objects.add(object);
        }
        boolean all = call.boolArg(2);
        if (all && new HashSet<>(objects).size() < count) {
            call.setLastError(ERROR_INVALID_PARAMETER);
            return WAIT_FAILED;
        }
        int[] index = {0};
        GuestThread thread = call.thread();
        BooleanSupplier taken = all ? () -> takeAll(objects, thread, index) : () -> takeAny(objects, thread, index);
        return thread.await(taken, TimeFunctions.deadline(call, call.intArg(3))) ? index[0] : WAIT_TIMEOUT;
    }

    private static boolean takeAll(List<WaitObject> objects, GuestThread thread, int[] result) {
        for (WaitObject object : objects) {
            if (!object.isSignalled(thread)) {
                return false;
            }
        }
        for (WaitObject object : objects) {
            if (object.take(thread)) {
                result[0] = WAIT_ABANDONED;
            }
        }
        return true;
    }

    private static boolean takeAny(List<WaitObject> objects, GuestThread thread, int[] index) {
        for (int i = 0; i < objects.size(); i++) {
            if (objects.get(i).isSignalled(thread)) {
                index[0] = i + (objects.get(i).take(thread) ? WAIT_ABANDONED : 0);
                return true;
            }
        }
        return false;
    }

    private static long signalObjectAndWait(ApiCall call) {
        WaitObject signal = call.process().objects().waitObject(call.arg(0));
        if (signal == null) {
            call.setLastError(ERROR_INVALID_HANDLE);
            return WAIT_FAILED;
        }
        if (!signal.releaseMutant(call.thread())) {
            signal.setSignalState(signal.signalState() + 1);
        }
        return waitFor(call, call.arg(1), call.intArg(2));
    }
}
