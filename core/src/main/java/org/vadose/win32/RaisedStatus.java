package org.vadose.win32;

import org.vadose.base.NtStatus;

/** Leaves a built-in function with an exception in the guest, as {@code KeRaiseUserException} ends a service. */
public final class RaisedStatus extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient NtStatus status;

    public RaisedStatus(NtStatus status) {
        super(status.toString(), null, false, false);
        this.status = status;
    }

    public NtStatus status() {
        return status;
    }
}
