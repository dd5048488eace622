package org.vadose.pe;

import org.vadose.base.NtStatus;

/** A file or mapped image that is no valid x64 image: what, where, the values, and the status Windows gives for it. */
public final class PeFormatException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient NtStatus status;

    public PeFormatException(NtStatus status, String message) {
        super(message);
        this.status = status;
    }

    /** STATUS_INVALID_IMAGE_FORMAT with a formatted message. */
    static PeFormatException invalid(String format, Object... values) {
        return new PeFormatException(NtStatus.INVALID_IMAGE_FORMAT, format.formatted(values));
    }

    /** What creating an image section or loading the image returns. */
    public NtStatus status() {
        return status;
    }
}
