package org.vadose.win32.kernel32;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.nt.Ethread;
import org.vadose.ob.KnownType;
import org.vadose.win32.ApiCall;
import org.vadose.win32.GuestObjects;

/** Thread handles as arguments: what they stand for, and the rights that a function needs (SDK, Thread Security and Access Rights). */
final class ThreadHandles {
    static final int SET_INFORMATION = 0x20;
    static final int QUERY_INFORMATION = 0x40;
    static final int SET_LIMITED_INFORMATION = 0x400;
    static final int QUERY_LIMITED_INFORMATION = 0x800;

    private ThreadHandles() {}

    /**
     * The thread that a handle stands for; null when {@link #refusal} says why not.
     *
     * @param access of which the handle must have all; {@link #QUERY_INFORMATION} and {@link #SET_INFORMATION} imply their limited
     *     forms
     */
    static @Nullable Ethread find(ApiCall call, long handle, int access) {
        if (handle == GuestObjects.CURRENT_THREAD) {
            return call.thread().ethread();
        }
        GuestObjects objects = call.process().objects();
        long body = objects.body(handle, KnownType.THREAD);
        if (body == 0) {
            return null;
        }
        int granted = objects.grantedAccess(handle);
        if ((granted & QUERY_INFORMATION) != 0) {
            granted |= QUERY_LIMITED_INFORMATION;
        }
        if ((granted & SET_INFORMATION) != 0) {
            granted |= SET_LIMITED_INFORMATION;
        }
        return (granted & access) == access
                ? new Ethread(call.process().kernel().objectManager().memory(), body)
                : null;
    }

    /** Why a handle is no use: it is none, is of something else, or lacks a right. */
    static NtStatus refusal(ApiCall call, long handle) {
        GuestObjects objects = call.process().objects();
        if (objects.body(handle, KnownType.THREAD) != 0) {
            return NtStatus.ACCESS_DENIED;
        }
        return objects.body(handle) != 0
                ? NtStatus.OBJECT_TYPE_MISMATCH
                : ProcessHandles.checked(call, handle, NtStatus.INVALID_HANDLE);
    }
}
