package org.vadose.win32.loader;

import org.vadose.base.NtStatus;

/** An image that cannot be loaded: the status the loader returns, and for the person what is missing or wrong. */
public final class LoaderException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient NtStatus status;

    public LoaderException(NtStatus status, String message) {
        super(message);
        this.status = status;
    }

    public NtStatus status() {
        return status;
    }
}
