package org.vadose.io;

import org.vadose.base.NtStatus;

/** A file operation failed as Windows would have it fail. Has no stack trace: guests fail as a matter of course. */
public final class FileException extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final transient NtStatus status;

    public FileException(NtStatus status) {
        super(status.toString(), null, false, false);
        this.status = status;
    }

    public NtStatus status() {
        return status;
    }
}
