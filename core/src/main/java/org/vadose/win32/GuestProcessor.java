package org.vadose.win32;

import org.jspecify.annotations.Nullable;
import org.vadose.cpu.BlockCache;
import org.vadose.memory.Mmu;
import org.vadose.memory.ProcessorThread;

/** A processor as the scheduler sees it: the threads that shall run on it, and its decoded code. */
public final class GuestProcessor {
    private final int number;
    private final @Nullable Mmu mmu;
    private final @Nullable BlockCache blocks;
    /** Guarded by the scheduler's lock, like all that follows. */
    final ReadyQueue ready = new ReadyQueue();
    /** The thread whose turn it is. */
    @Nullable GuestThread holder;
    /** The thread whose address space is loaded and which the control block names. */
    @Nullable GuestThread loaded;
    /** Threads that live on it. */
    int threads;
    /** Its holder may have to make way, or to go elsewhere. */
    boolean mustLook;

    public GuestProcessor(Mmu mmu) {
        this.number = mmu.number();
        this.mmu = mmu;
        this.blocks = new BlockCache(mmu);
    }

    /** The processor of processes without a kernel. */
    GuestProcessor() {
        number = 0;
        mmu = null;
        blocks = null;
    }

    public int number() {
        return number;
    }

    /** Null for processes without a kernel. */
    @Nullable Mmu mmu() {
        return mmu;
    }

    void setBreakpoints(long[] addresses) {
        if (blocks != null) {
            blocks.setBreakpoints(addresses);
        }
    }

    /** The calling Java thread and the guest thread's registers are this processor's from now on. */
    void receive(GuestThread thread) {
        if (mmu != null && blocks != null && Thread.currentThread() instanceof ProcessorThread java) {
            java.drive(mmu);
            thread.cpu().moveTo(mmu, blocks);
        }
    }

    /** A new thread's registers on this processor. */
    public ProcessorState newState(long teb) {
        if (mmu == null || blocks == null) {
            throw new IllegalStateException("a processor without memory");
        }
        return new ProcessorState(mmu, blocks, teb);
    }
}
