package org.vadose.win32.kernel32;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.vadose.ob.KnownType;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestThread;
import org.vadose.win32.WaitObject;

/** Signalling events, mutexes and semaphores, and waiting for them. */
final class WaitFunctions {
    private static final int WAIT_ABANDONED = 0x80;
    private static final long WAIT_TIMEOUT = 0x102;
    private static final long WAIT_IO_COMPLETION = 0xC0;
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
                .function("SetWaitableTimer", WaitFunctions::setTimer)
                .function("SetWaitableTimerEx", WaitFunctions::setTimer)
                .function("CancelWaitableTimer", WaitFunctions::cancelTimer)
                .function("QueueUserAPC", WaitFunctions::queueUserApc)
                .function("Sleep", call -> sleep(call, false))
                .function("SleepEx", call -> sleep(call, call.boolArg(1)))
                .function("WaitForSingleObject", call -> waitFor(call, call.arg(0), call.intArg(1), false))
                .function("WaitForSingleObjectEx", call -> waitFor(call, call.arg(0), call.intArg(1), call.boolArg(2)))
                .function("WaitForMultipleObjects", call -> waitForMultiple(call, false))
                .function("WaitForMultipleObjectsEx", call -> waitForMultiple(call, call.boolArg(4)))
                .function("SignalObjectAndWait", WaitFunctions::signalObjectAndWait);
    }

    private static @Nullable WaitObject object(ApiCall call, KnownType type) {
        return call.process().objects().body(call.arg(0), type) == 0
                ? null
                : call.process().objects().waitObject(call.arg(0));
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

    /** Negative due times count from now, others are points in system time. */
    private static long setTimer(ApiCall call) {
        WaitObject timer = object(call, KnownType.TIMER);
        if (timer == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        long due = call.memory().readLong(call.arg(1));
        int period = call.intArg(2);
        if (period < 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        var clock = call.process().clock();
        timer.setTimer(due <= 0 ? clock.now() - due : due - clock.systemTime() + clock.now(), period);
        return 1;
    }

    private static long cancelTimer(ApiCall call) {
        WaitObject timer = object(call, KnownType.TIMER);
        if (timer == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        timer.cancelTimer();
        return 1;
    }

    private static long queueUserApc(ApiCall call) {
        GuestThread target = call.process().threadByHandle(call.thread(), call.arg(1));
        if (target == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        target.queueCall(call.arg(0), call.arg(2));
        return 1;
    }

    // --- waiting ---

    /**
     * Waits until the condition holds, time passes, or, when alertable, somebody has queued a call, which is then made.
     *
     * @return 0, {@link #WAIT_TIMEOUT} or {@link #WAIT_IO_COMPLETION}
     */
    private static long await(
            ApiCall call, BooleanSupplier condition, List<WaitObject> objects, int milliseconds, boolean alertable) {
        GuestThread thread = call.thread();
        long deadline = TimeFunctions.deadline(call, milliseconds);
        boolean[] satisfied = {false};
        BooleanSupplier over = () -> {
            satisfied[0] = !(alertable && thread.hasQueuedCalls()) && condition.getAsBoolean();
            return satisfied[0] || alertable && thread.hasQueuedCalls();
        };
        while (true) {
            long next = deadline;
            for (WaitObject object : objects) {
                next = Math.min(next, object.nextDueTime());
            }
            if (thread.await(over, next)) {
                break;
            }
            if (call.process().clock().now() >= deadline) {
                return WAIT_TIMEOUT;
            }
        }
        if (satisfied[0]) {
            return 0;
        }
        thread.runQueuedCalls();
        return WAIT_IO_COMPLETION;
    }

    private static long sleep(ApiCall call, boolean alertable) {
        if (call.intArg(0) == 0 && !(alertable && call.thread().hasQueuedCalls())) {
            call.thread().yield();
            return 0;
        }
        long result = await(call, () -> false, List.of(), call.intArg(0), alertable);
        return result == WAIT_TIMEOUT ? 0 : result;
    }

    private static long waitFor(ApiCall call, long handle, int milliseconds, boolean alertable) {
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
        long outcome = await(call, taken, List.of(object), milliseconds, alertable);
        return outcome == 0 ? result[0] : outcome;
    }

    private static long waitForMultiple(ApiCall call, boolean alertable) {
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
        long outcome = await(call, taken, objects, call.intArg(3), alertable);
        return outcome == 0 ? index[0] : outcome;
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
        return waitFor(call, call.arg(1), call.intArg(2), call.boolArg(3));
    }
}
