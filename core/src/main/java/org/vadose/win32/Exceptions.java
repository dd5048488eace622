package org.vadose.win32;

import org.vadose.base.NtStatus;
import org.vadose.memory.MemoryFault;

/** Turns processor exceptions and faults of built-in functions into Windows exceptions and has the guest handle them. */
final class Exceptions {
    private final GuestProcess process;

    Exceptions(GuestProcess process) {
        this.process = process;
    }

    /** A processor exception of guest code. */
    void serve(GuestThread thread) {
        endUnhandled(thread.cpu().fault().status());
    }

    /** An access by a built-in function on the guest's behalf. */
    void raise(GuestThread thread, MemoryFault fault) {
        endUnhandled(fault.status());
    }

    private void endUnhandled(NtStatus status) {
        process.end(status.code(), "unhandled exception " + status);
        throw new ProcessEnded();
    }
}
