package org.vadose.win32.kernel32;

import java.util.function.ToLongFunction;
import org.vadose.base.NtStatus;
import org.vadose.ob.KnownType;
import org.vadose.ob.ObjectManager;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestObjects;
import org.vadose.win32.GuestThread;
import org.vadose.win32.NamedObjects;

/** Making and opening events, mutexes and semaphores, with and without names. */
final class SynchronizationObjects {
    private static final int ERROR_INVALID_HANDLE = 6;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_ALREADY_EXISTS = 183;
    private static final int MANUAL_RESET = 1;
    private static final int INITIAL_SET = 2;
    private static final int INITIAL_OWNER = 1;

    private SynchronizationObjects() {}

    static void addTo(ApiModule kernel32) {
        for (boolean wide : new boolean[] {false, true}) {
            String letter = wide ? "W" : "A";
            kernel32.function(
                            "CreateEvent" + letter,
                            call -> event(call, wide, 3, call.boolArg(1), call.boolArg(2), allOf(KnownType.EVENT)))
                    .function("CreateEventEx" + letter, call -> eventEx(call, wide))
                    .function("OpenEvent" + letter, call -> open(call, wide, KnownType.EVENT))
                    .function(
                            "CreateMutex" + letter,
                            call -> mutex(call, wide, 2, call.boolArg(1), allOf(KnownType.MUTANT)))
                    .function("CreateMutexEx" + letter, call -> mutexEx(call, wide))
                    .function("OpenMutex" + letter, call -> open(call, wide, KnownType.MUTANT))
                    .function("CreateSemaphore" + letter, call -> semaphore(call, wide, allOf(KnownType.SEMAPHORE)))
                    .function("CreateSemaphoreEx" + letter, call -> semaphore(call, wide, call.intArg(5)))
                    .function("OpenSemaphore" + letter, call -> open(call, wide, KnownType.SEMAPHORE))
                    .function(
                            "CreateWaitableTimer" + letter,
                            call -> timer(call, wide, 2, call.boolArg(1), allOf(KnownType.TIMER)))
                    .function(
                            "CreateWaitableTimerEx" + letter,
                            call -> timer(call, wide, 1, (call.intArg(2) & MANUAL_RESET) != 0, call.intArg(3)))
                    .function("OpenWaitableTimer" + letter, call -> open(call, wide, KnownType.TIMER));
        }
    }

    private static int allOf(KnownType type) {
        return type.validAccess();
    }

    private static long event(
            ApiCall call, boolean wide, int nameArgument, boolean manualReset, boolean signalled, int access) {
        String name = Texts.readOrEmpty(call, call.arg(nameArgument), wide);
        GuestObjects objects = call.process().objects();
        return create(call, name, KnownType.EVENT, access, last -> objects.newEvent(last, manualReset, signalled));
    }

    private static long eventEx(ApiCall call, boolean wide) {
        int flags = call.intArg(2);
        return event(call, wide, 1, (flags & MANUAL_RESET) != 0, (flags & INITIAL_SET) != 0, call.intArg(3));
    }

    private static long timer(ApiCall call, boolean wide, int nameArgument, boolean manualReset, int access) {
        String name = Texts.readOrEmpty(call, call.arg(nameArgument), wide);
        GuestObjects objects = call.process().objects();
        return create(call, name, KnownType.TIMER, access, last -> objects.newTimer(last, manualReset));
    }

    private static long mutex(ApiCall call, boolean wide, int nameArgument, boolean owned, int access) {
        String name = Texts.readOrEmpty(call, call.arg(nameArgument), wide);
        GuestObjects objects = call.process().objects();
        GuestThread owner = owned ? call.thread() : null;
        return create(call, name, KnownType.MUTANT, access, last -> objects.newMutant(last, owner));
    }

    private static long mutexEx(ApiCall call, boolean wide) {
        return mutex(call, wide, 1, (call.intArg(2) & INITIAL_OWNER) != 0, call.intArg(3));
    }

    private static long semaphore(ApiCall call, boolean wide, int access) {
        int initial = call.intArg(1);
        int limit = call.intArg(2);
        if (limit <= 0 || initial < 0 || initial > limit) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        String name = Texts.readOrEmpty(call, call.arg(3), wide);
        GuestObjects objects = call.process().objects();
        return create(call, name, KnownType.SEMAPHORE, access, last -> objects.newSemaphore(last, initial, limit));
    }

    /** Opens what has the name already, with the last error ERROR_ALREADY_EXISTS, or makes and names a new object. */
    private static long create(ApiCall call, String name, KnownType type, int access, ToLongFunction<String> maker) {
        ObjectManager manager = call.process().kernel().objectManager();
        NamedObjects.Place place = NamedObjects.ofWin32(call.process(), name);
        if (!place.status().isSuccess()) {
            return call.fail(place.status());
        }
        long body = place.find(manager);
        boolean exists = body != 0;
        if (exists && !manager.isType(body, type)) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        if (!exists) {
            body = maker.applyAsLong(place.name());
            if (place.directory() != 0) {
                NtStatus status = manager.namespace().insert(place.directory(), body);
                if (!status.isSuccess()) {
                    manager.dereference(body);
                    return call.fail(status);
                }
            }
        }
        int handle = call.process().objects().open(body, access);
        if (!exists) {
            manager.dereference(body);
        }
        if (handle == 0) {
            return call.fail(NtStatus.INSUFFICIENT_RESOURCES);
        }
        call.setLastError(exists ? ERROR_ALREADY_EXISTS : 0);
        return SecurityAttributes.apply(call, call.arg(0), handle);
    }

    private static long open(ApiCall call, boolean wide, KnownType type) {
        String name = Texts.readOrEmpty(call, call.arg(2), wide);
        if (name.isEmpty()) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        ObjectManager manager = call.process().kernel().objectManager();
        NamedObjects.Place place = NamedObjects.ofWin32(call.process(), name);
        if (!place.status().isSuccess()) {
            return call.fail(place.status());
        }
        long body = place.find(manager);
        if (body == 0) {
            return call.fail(NtStatus.OBJECT_NAME_NOT_FOUND);
        }
        if (!manager.isType(body, type)) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        int handle = call.process().objects().open(body, call.intArg(0));
        call.process().objects().setInheritable(handle, call.boolArg(1));
        return handle;
    }
}
