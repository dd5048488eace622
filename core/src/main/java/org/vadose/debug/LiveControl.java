package org.vadose.debug;

import org.vadose.target.RegisterFile;

/**
 * What only a stopped but running machine can do. The machine's driver gives it to the {@link Debugger}, runs the prompt at each
 * stop, and acts on the {@link Debugger.Outcome} with which the prompt ends.
 */
public interface LiveControl {
    /** Registers of the thread that stopped; they can be set. */
    RegisterFile registers();

    /** Number of the processor it stopped on. */
    int processor();

    /** Whether {@code t} and {@code p} work here. */
    boolean canStep();

    /**
     * Writes physical memory, and tells whoever keeps what was there in another form.
     *
     * @param bytes within one page
     */
    void writePhysical(long physicalAddress, byte[] bytes);
}
