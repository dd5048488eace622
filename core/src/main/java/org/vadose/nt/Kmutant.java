package org.vadose.nt;

import org.vadose.layout.KmutantLayout;
import org.vadose.layout.KthreadLayout;
import org.vadose.memory.Memory;

/**
 * A mutex ({@code _KMUTANT}): signalled while nobody owns it; each further acquisition by its owner counts {@code SignalState} one
 * down. What a thread owns hangs at its {@code MutantListHead}.
 */
public record Kmutant(Memory memory, long address) {
    /** Address of the {@code _KTHREAD} that owns it, 0 for nobody. */
    public long owner() {
        return memory.readLong(address + KmutantLayout.OWNER_THREAD);
    }

    private DispatcherHeader header() {
        return new DispatcherHeader(memory, address);
    }

    private ListEntry links() {
        return new ListEntry(memory, address + KmutantLayout.MUTANT_LIST_ENTRY);
    }

    /** Whether a wait of this thread would be over at once. */
    public boolean isFreeFor(long thread) {
        return header().signalState() > 0 || owner() == thread;
    }

    /**
     * A thread acquires it once more.
     *
     * @return whether the owner before ended without giving it back
     */
    public boolean acquire(long thread) {
        int state = header().signalState() - 1;
        header().setSignalState(state);
        if (state == 0) {
            memory.writeLong(address + KmutantLayout.OWNER_THREAD, thread);
            new ListEntry(memory, thread + KthreadLayout.MUTANT_LIST_HEAD)
                    .insertTail(address + KmutantLayout.MUTANT_LIST_ENTRY);
        }
        boolean abandoned = memory.readByte(address + KmutantLayout.MUTANT_FLAGS) != 0;
        memory.writeByte(address + KmutantLayout.MUTANT_FLAGS, (byte) 0);
        return abandoned;
    }

    /** Its owner gives it back once; false if the thread is not the owner. */
    public boolean release(long thread) {
        if (owner() != thread || thread == 0) {
            return false;
        }
        int state = header().signalState() + 1;
        header().setSignalState(state);
        if (state == 1) {
            memory.writeLong(address + KmutantLayout.OWNER_THREAD, 0);
            links().remove();
        }
        return true;
    }

    /** It is about to be deleted: its owner, if it has one, owns it no more. */
    public void forget() {
        if (owner() != 0) {
            links().remove();
        }
    }

    /** Its owner ends without giving it back: it becomes free, and says so to who acquires it next. */
    public void abandon() {
        links().remove();
        memory.writeByte(address + KmutantLayout.MUTANT_FLAGS, (byte) 1);
        memory.writeLong(address + KmutantLayout.OWNER_THREAD, 0);
        header().setSignalState(1);
    }
}
