package org.vadose.rtl;

import org.vadose.layout.RtlCriticalSectionLayout;
import org.vadose.memory.Memory;

/** A heap's lock: a {@code _RTL_CRITICAL_SECTION} inside its {@code _HEAP_LOCK}. Who waits, and how, is the caller's business. */
public record HeapLock(Memory memory, long address) {
    private static final int FREE = -1;

    void initialize() {
        memory.fill(address, RtlCriticalSectionLayout.SIZE, (byte) 0);
        memory.writeInt(address + RtlCriticalSectionLayout.LOCK_COUNT, FREE);
    }

    /** Id of the thread that holds it, 0 for none. */
    public long owner() {
        return memory.readLong(address + RtlCriticalSectionLayout.OWNING_THREAD);
    }

    /** Takes it, once more if this thread has it already; false when another thread has it. */
    public boolean tryEnter(long threadId) {
        long owner = owner();
        if (owner != 0 && owner != threadId) {
            return false;
        }
        memory.writeLong(address + RtlCriticalSectionLayout.OWNING_THREAD, threadId);
        memory.writeInt(address + RtlCriticalSectionLayout.RECURSION_COUNT, recursions() + 1);
        memory.writeInt(address + RtlCriticalSectionLayout.LOCK_COUNT, FREE - 1);
        return true;
    }

    /** Gives it back once; false when the thread does not have it. */
    public boolean leave(long threadId) {
        if (owner() != threadId) {
            return false;
        }
        int left = recursions() - 1;
        memory.writeInt(address + RtlCriticalSectionLayout.RECURSION_COUNT, left);
        if (left == 0) {
            memory.writeLong(address + RtlCriticalSectionLayout.OWNING_THREAD, 0);
            memory.writeInt(address + RtlCriticalSectionLayout.LOCK_COUNT, FREE);
        }
        return true;
    }

    private int recursions() {
        return memory.readInt(address + RtlCriticalSectionLayout.RECURSION_COUNT);
    }
}
