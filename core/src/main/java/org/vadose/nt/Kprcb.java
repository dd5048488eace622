package org.vadose.nt;

import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KprcbLayout;
import org.vadose.memory.Memory;

/** One processor's control block ({@code _KPRCB}, inside its {@code _KPCR}). */
public record Kprcb(Memory memory, long address) {
    /** The block of a processor, from {@code KiProcessorBlock}. */
    public static Kprcb of(Memory memory, long kernelBase, int processor) {
        return new Kprcb(memory, memory.readLong(kernelBase + KernelSymbols.KI_PROCESSOR_BLOCK + 8L * processor));
    }

    public int number() {
        return memory.readInt(address + KprcbLayout.NUMBER);
    }

    public Ethread currentThread() {
        return new Ethread(memory, memory.readLong(address + KprcbLayout.CURRENT_THREAD));
    }

    public Ethread idleThread() {
        return new Ethread(memory, memory.readLong(address + KprcbLayout.IDLE_THREAD));
    }

    public void setIdleThread(long thread) {
        memory.writeLong(address + KprcbLayout.IDLE_THREAD, thread);
    }

    public void setCurrentThread(long thread) {
        memory.writeLong(address + KprcbLayout.CURRENT_THREAD, thread);
    }
}
