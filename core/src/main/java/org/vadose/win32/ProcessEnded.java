package org.vadose.win32;

/** Ends a guest thread's Java thread: its process, or it alone, has ended. Functions in Java must not catch it. */
public final class ProcessEnded extends RuntimeException {
    private static final long serialVersionUID = 1;

    public ProcessEnded() {
        super(null, null, false, false);
    }
}
