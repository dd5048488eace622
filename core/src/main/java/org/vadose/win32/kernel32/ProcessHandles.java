package org.vadose.win32.kernel32;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.nt.Eprocess;
import org.vadose.nt.MitigationPolicy;
import org.vadose.ob.KnownType;
import org.vadose.win32.ApiCall;
import org.vadose.win32.GuestObjects;
import org.vadose.win32.RaisedStatus;

/** Process handles as arguments: what they stand for, and the rights that a function needs (SDK, Process Security and Access Rights). */
final class ProcessHandles {
    static final int TERMINATE = 1;
    static final int VM_OPERATION = 0x8;
    static final int VM_READ = 0x10;
    static final int VM_WRITE = 0x20;
    static final int DUP_HANDLE = 0x40;
    static final int CREATE_PROCESS = 0x80;
    static final int SET_QUOTA = 0x100;
    static final int SET_INFORMATION = 0x200;
    static final int QUERY_INFORMATION = 0x400;
    static final int QUERY_LIMITED_INFORMATION = 0x1000;

    /** {@code RaiseExceptionOnInvalidHandleReference}. */
    private static final int RAISES = 1;

    private ProcessHandles() {}

    /**
     * The process that a handle stands for; null when {@link #refusal} says why not.
     *
     * @param access of which the handle must have all; {@link #QUERY_INFORMATION} and {@link #SET_INFORMATION} imply their limited
     *     forms
     */
    static @Nullable Eprocess find(ApiCall call, long handle, int access) {
        Eprocess process = call.process().byHandle(handle);
        if (process == null || handle == GuestObjects.CURRENT_PROCESS) {
            return process;
        }
        int granted = call.process().objects().grantedAccess(handle);
        if ((granted & QUERY_INFORMATION) != 0) {
            granted |= QUERY_LIMITED_INFORMATION;
        }
        return (granted & access) == access ? process : null;
    }

    /** Why a handle is no use: it is none, is of something else, or lacks a right. */
    static NtStatus refusal(ApiCall call, long handle) {
        GuestObjects objects = call.process().objects();
        if (objects.body(handle, KnownType.PROCESS) != 0) {
            return NtStatus.ACCESS_DENIED;
        }
        return objects.body(handle) != 0
                ? NtStatus.OBJECT_TYPE_MISMATCH
                : checked(call, handle, NtStatus.INVALID_HANDLE);
    }

    /**
     * What came of a handle; a process with strict handle checks hears of one that is none by an exception.
     *
     * @throws RaisedStatus instead of returning {@code INVALID_HANDLE} there
     */
    static NtStatus checked(ApiCall call, long handle, NtStatus status) {
        if (status.equals(NtStatus.INVALID_HANDLE)
                && handle != 0
                && MitigationPolicy.STRICT_HANDLE_CHECK.has(call.process().eprocess(), RAISES)) {
            throw new RaisedStatus(status);
        }
        return status;
    }
}
