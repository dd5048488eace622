package org.vadose.win32.kernel32;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.ke.Waits;
import org.vadose.nt.DispatcherHeader;
import org.vadose.nt.WaitReason;
import org.vadose.ob.KnownType;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestObjects;
import org.vadose.win32.GuestThread;
import org.vadose.win32.WaitObject;

/** Signalling events, mutexes and semaphores, and waiting for them. */
final class WaitFunctions {
    private static final long WAIT_TIMEOUT = 0x102;
    private static final long WAIT_IO_COMPLETION = 0xC0;
    private static final long WAIT_FAILED = 0xFFFF_FFFFL;
    private static final int ERROR_INVALID_HANDLE = 6;
    /** {@code EVENT_MODIFY_STATE}, {@code TIMER_MODIFY_STATE}. */
    private static final int MODIFY_STATE = 2;

    private static final int SYNCHRONIZE = 0x10_0000;

    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_NOT_OWNER = 288;
    private static final int ERROR_TOO_MANY_POSTS = 298;

    private WaitFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("SetEvent", WaitFunctions::setEvent)
                .function("ResetEvent", WaitFunctions::resetEvent)
                .function("PulseEvent", WaitFunctions::pulseEvent)
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

    private static Waits waits(ApiCall call) {
        return call.process().kernel().processManager().waits();
    }

    /** What a handle of a type stands for; null for another one. */
    private static @Nullable WaitObject object(ApiCall call, KnownType type) {
        return call.process().objects().body(call.arg(0), type) == 0
                ? null
                : call.process().objects().waitObject(call.arg(0));
    }

    /** Does something with the object of a type that the first argument names. */
    private static long change(ApiCall call, KnownType type, Consumer<WaitObject> change) {
        WaitObject object = object(call, type);
        if (object == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        if ((call.process().objects().grantedAccess(call.arg(0)) & MODIFY_STATE) == 0) {
            return call.fail(NtStatus.ACCESS_DENIED);
        }
        change.accept(object);
        return 1;
    }

    private static long setEvent(ApiCall call) {
        return change(call, KnownType.EVENT, event -> waits(call).signal(event.address()));
    }

    private static long resetEvent(ApiCall call) {
        return change(call, KnownType.EVENT, event -> waits(call).reset(event.address()));
    }

    private static long pulseEvent(ApiCall call) {
        return change(call, KnownType.EVENT, event -> {
            waits(call).signal(event.address());
            waits(call).reset(event.address());
        });
    }

    private static long releaseMutex(ApiCall call) {
        WaitObject object = object(call, KnownType.MUTANT);
        if (object == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        return waits(call)
                        .releaseMutant(object.address(), call.thread().ethread().address())
                ? 1
                : call.fail(ERROR_NOT_OWNER);
    }

    private static long releaseSemaphore(ApiCall call) {
        WaitObject object = object(call, KnownType.SEMAPHORE);
        if (object == null) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        int count = call.intArg(1);
        int state = object.signalState();
        if (count <= 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        if (call.arg(2) != 0) {
            // Before anything is changed, so that a bad address changes nothing.
            call.memory().writeInt(call.arg(2), call.memory().readInt(call.arg(2)));
        }
        if (!waits(call).releaseSemaphore(object.address(), count)) {
            return call.fail(ERROR_TOO_MANY_POSTS);
        }
        if (call.arg(2) != 0) {
            call.memory().writeInt(call.arg(2), state);
        }
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
        waits(call)
                .setTimer(
                        timer.address(), due <= 0 ? clock.now() - due : due - clock.systemTime() + clock.now(), period);
        return 1;
    }

    private static long cancelTimer(ApiCall call) {
        return change(call, KnownType.TIMER, timer -> waits(call).cancelTimer(timer.address()));
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
     * Waits for objects, until time passes, or, when alertable, until somebody has queued a call, which is then made.
     *
     * @return what the functions return
     */
    private static long await(
            ApiCall call, List<WaitObject> objects, boolean all, int milliseconds, boolean alertable) {
        GuestThread thread = call.thread();
        GuestObjects handles = call.process().objects();
        long[] addresses = new long[objects.size()];
        for (int i = 0; i < addresses.length; i++) {
            addresses[i] = objects.get(i).address();
        }
        WaitReason reason = objects.isEmpty() ? WaitReason.DELAY_EXECUTION : WaitReason.USER_REQUEST;
        // A signalled object goes before a queued call.
        boolean hasCalls = alertable && thread.hasQueuedCalls();
        long deadline = hasCalls ? 0 : TimeFunctions.deadline(call, milliseconds);
        int status;
        objects.forEach(handles::reference);
        try {
            status = thread.await(addresses, new Waits.How(all, reason, true, alertable, deadline));
        } finally {
            objects.forEach(handles::dereference);
        }
        if (status == NtStatus.INSUFFICIENT_RESOURCES.code()) {
            call.setLastError(NtStatus.INSUFFICIENT_RESOURCES.win32Error());
            return WAIT_FAILED;
        }
        if (status == NtStatus.USER_APC.code() || hasCalls && status == WAIT_TIMEOUT) {
            thread.runQueuedCalls();
            return WAIT_IO_COMPLETION;
        }
        return status;
    }

    private static long sleep(ApiCall call, boolean alertable) {
        if (call.intArg(0) == 0 && !(alertable && call.thread().hasQueuedCalls())) {
            call.thread().yield();
            return 0;
        }
        long result = await(call, List.of(), false, call.intArg(0), alertable);
        return result == WAIT_TIMEOUT ? 0 : result;
    }

    /** What a handle lets one wait for; null, with the last error set, when it does not. */
    private static @Nullable WaitObject waitable(ApiCall call, long handle) {
        GuestObjects handles = call.process().objects();
        WaitObject object = handles.waitObject(handle);
        if (object == null) {
            boolean isNone = handles.body(handle) == 0;
            ProcessHandles.checked(call, handle, isNone ? NtStatus.INVALID_HANDLE : NtStatus.OBJECT_TYPE_MISMATCH);
            call.setLastError(ERROR_INVALID_HANDLE);
        } else if ((handles.grantedAccess(handle) & SYNCHRONIZE) == 0) {
            call.setLastError(NtStatus.ACCESS_DENIED.win32Error());
            return null;
        }
        return object;
    }

    private static long waitFor(ApiCall call, long handle, int milliseconds, boolean alertable) {
        WaitObject object = waitable(call, handle);
        if (object == null) {
            return WAIT_FAILED;
        }
        return await(call, List.of(object), false, milliseconds, alertable);
    }

    private static long waitForMultiple(ApiCall call, boolean alertable) {
        int count = call.intArg(0);
        if (count <= 0 || count > Waits.MAXIMUM_WAIT_OBJECTS) {
            call.setLastError(ERROR_INVALID_PARAMETER);
            return WAIT_FAILED;
        }
        List<WaitObject> objects = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            WaitObject object = waitable(call, call.memory().readLong(call.arg(1) + 8L * i));
            if (object == null) {
                return WAIT_FAILED;
            }
            objects.add(object);
        }
        boolean all = call.boolArg(2);
        if (all && new HashSet<>(objects).size() < count) {
            call.setLastError(ERROR_INVALID_PARAMETER);
            return WAIT_FAILED;
        }
        return await(call, objects, all, call.intArg(3), alertable);
    }

    /** Signals as the object's kind is signalled: an event is set, a mutex and a semaphore are released once. */
    private static long signalObjectAndWait(ApiCall call) {
        WaitObject signal = call.process().objects().waitObject(call.arg(0));
        boolean signalled = switch (signal == null ? -1 : signal.type()) {
            case DispatcherHeader.NOTIFICATION_EVENT, DispatcherHeader.SYNCHRONIZATION_EVENT -> setEvent(call) != 0;
            case DispatcherHeader.MUTANT -> releaseMutex(call) != 0;
            case DispatcherHeader.SEMAPHORE ->
                waits(call).releaseSemaphore(Objects.requireNonNull(signal).address(), 1)
                        || call.fail(ERROR_TOO_MANY_POSTS) != 0;
            default -> call.fail(ERROR_INVALID_HANDLE) != 0;
        };
        return signalled ? waitFor(call, call.arg(1), call.intArg(2), call.boolArg(3)) : WAIT_FAILED;
    }
}
