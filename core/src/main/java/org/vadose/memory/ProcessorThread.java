package org.vadose.memory;

/** A Java thread that drives one processor at a time: what it does through {@link Mmus} is done on that processor's {@link Mmu}. */
public final class ProcessorThread extends Thread {
    Mmu mmu;

    /** @param stackBytes of the Java stack */
    public ProcessorThread(Mmu mmu, Runnable work, String name, long stackBytes) {
        super(null, work, name, stackBytes);
        this.mmu = mmu;
    }

    /** From now on it drives another processor; called by the thread itself. */
    public void drive(Mmu other) {
        mmu = other;
    }
}
