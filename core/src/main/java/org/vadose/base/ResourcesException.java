package org.vadose.base;

/** There is no pool, RAM or commitment for something the kernel needs. Whoever throws it has undone what it had begun. */
public final class ResourcesException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient NtStatus status;

    /** {@code STATUS_INSUFFICIENT_RESOURCES}. */
    public ResourcesException(String message) {
        this(NtStatus.INSUFFICIENT_RESOURCES, message);
    }

    public ResourcesException(NtStatus status, String message) {
        super(message);
        this.status = status;
    }

    /** What the caller of the kernel is told. */
    public NtStatus status() {
        return status;
    }
}
