package org.vadose.memory;

import org.vadose.base.Hex;
import org.vadose.base.NtStatus;

/**
 * A virtual access that the page-fault handler would not resolve. Carries what a processor pushes and what Windows raises; it
 * has no stack trace, since guests fault as a matter of course.
 */
public final class MemoryFault extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final long virtualAddress;
    private final int errorCode;
    private final transient NtStatus status;

    public MemoryFault(long virtualAddress, int errorCode, NtStatus status) {
        super(null, null, false, false);
        this.virtualAddress = virtualAddress;
        this.errorCode = errorCode;
        this.status = status;
    }

    /** The first byte that could not be reached: what CR2 would hold. */
    public long virtualAddress() {
        return virtualAddress;
    }

    /** The #PF error code, see {@link PageFaultCode}. */
    public int errorCode() {
        return errorCode;
    }

    /** What Windows raises for it: STATUS_ACCESS_VIOLATION, STATUS_GUARD_PAGE_VIOLATION, STATUS_STACK_OVERFLOW … */
    public NtStatus status() {
        return status;
    }

    @Override
    public String getMessage() {
        return status + " va=" + Hex.address(virtualAddress) + " " + PageFaultCode.describe(errorCode);
    }
}
