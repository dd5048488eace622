package org.vadose.win32.exception;

import org.vadose.win32.GuestCpu;
import org.vadose.win32.GuestThread;

/** Room on a guest thread's stack for what built-in code shares with guest code; given back by {@link #release}. */
public final class GuestStack {
    private final GuestCpu cpu;
    private final long before;

    public GuestStack(GuestThread thread) {
        cpu = thread.cpu();
        before = cpu.register(GuestCpu.RSP);
    }

    /** So many bytes, aligned to 16, below all that is in use. */
    public long allocate(long bytes) {
        long address = cpu.register(GuestCpu.RSP) - bytes & -16;
        cpu.setRegister(GuestCpu.RSP, address);
        return address;
    }

    /**
     * Back to how it was. Not for a {@code finally}: when control leaves by an exception the processor has another state, whose
     * RSP must stay.
     */
    public void release() {
        cpu.setRegister(GuestCpu.RSP, before);
    }
}
