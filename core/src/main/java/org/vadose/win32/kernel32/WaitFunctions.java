package org.vadose.win32.kernel32;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestThread;
import org.vadose.win32.WaitObject;

/** Events, mutexes, semaphores, and waiting for them. */
final class WaitFunctions {
    private static final long WAIT_TIMEOUT = 0x102;
    private static final long WAIT_FAILED = 0xFFFF_FFFFL;
    private static final int ERROR_INVALID_HANDLE = 6;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_NOT_OWNER = 288;
    private static final int ERROR_TOO_MANY_POSTS = 298;
    private static final int MAXIMUM_WAIT_OBJECTS = 64;
    private static final int CREATE_EVENT_MANUAL_RESET = 1;
    private static final int CREATE_EVENT_INITIAL_SET = 2;

    private WaitFunctions() {}

    static void addTo(ApiModule kernel32) {
        for (String letter : List.of("A", "W")) {
            kernel32.function(
                            "CreateEvent" + letter,
                            call -> SecurityAttributes.apply(
                                    call,
                                    call.arg(0),
                                    call.process().objects().createEvent(call.boolArg(1), call.boolArg(2))))
                    .function("CreateEventEx" + letter, WaitFunctions::createEventEx)
                    .function(
                            "CreateMutex" + letter,
                            call -> SecurityAttributes.apply(
                                    call,
                                    call.arg(0),
                                    call.process().objects().createMutant(call.boolArg(1) ? call.thread() : null)))
                    .function(
                            "CreateMutexEx" + letter,
                            call -> call.process()
                                    .objects()
                                    .createMutant((call.intArg(2) & 1) != 0 ? call.thread() : null))
                    .function("CreateSemaphore" + letter, WaitFunctions::createSemaphore)
                    .function("CreateSemaphoreEx" + letter, WaitFunctions::createSemaphore);
        }
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

    private static long createEventEx(ApiCall call) {
        int flags = call.intArg(2);
        return call.process()
                .objects()
                .createEvent((flags & CREATE_EVENT_MANUAL_RESET) != 0, (flags & CREATE_EVENT_INITIAL_SET) != 0);
    }

    private static long createSemaphore(ApiCall call) {
        int initial = call.intArg(1);
        int limit = call.intArg(2);
        if (limit <= 0 || initial < 0 || initial > limit) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        return SecurityAttributes.apply(
                call, call.arg(0), call.process().objects().createSemaphore(initial, limit));
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
        BooleanSupplier taken = () -> {
            if (!object.isSignalled(thread)) {
                return false;
            }
            object.take(thread);
            return true;
        };
        return thread.await(taken, TimeFunctions.deadline(call, milliseconds)) ? 0 : WAIT_TIMEOUT;
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
        BooleanSupplier taken = all ? () -> takeAll(objects, thread) : () -> takeAny(objects, thread, index);
        return thread.await(taken, TimeFunctions.deadline(call, call.intArg(3))) ? index[0] : WAIT_TIMEOUT;
    }

    private static boolean takeAll(List<WaitObject> objects, GuestThread thread) {
        for (WaitObject object : objects) {
            if (!object.isSignalled(thread)) {
                return false;
            }
        }
        objects.forEach(o -> o.take(thread));
        return true;
    }

    private static boolean takeAny(List<WaitObject> objects, GuestThread thread, int[] index) {
        for (int i = 0; i < objects.size(); i++) {
            if (objects.get(i).isSignalled(thread)) {
                objects.get(i).take(thread);
                index[0] = i;
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
