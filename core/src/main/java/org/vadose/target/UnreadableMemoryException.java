package org.vadose.target;

import org.vadose.base.Hex;

/** A byte of a target that cannot be had, and why. It has no stack trace: probing memory is a debugger's daily bread. */
public final class UnreadableMemoryException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final long address;
    private final String reason;

    /**
     * @param address the first byte that cannot be had
     * @param reason what is known: {@code PDE not present}, {@code page file 0 offset def3}
     */
    public UnreadableMemoryException(long address, String reason) {
        super(null, null, false, false);
        this.address = address;
        this.reason = reason;
    }

    public long address() {
        return address;
    }

    public String reason() {
        return reason;
    }

    @Override
    public String getMessage() {
        return "unreadable memory address=" + Hex.address(address) + " " + reason;
    }
}
