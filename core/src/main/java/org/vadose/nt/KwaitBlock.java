package org.vadose.nt;

import org.vadose.layout.KwaitBlockLayout;
import org.vadose.memory.Memory;

/**
 * One thread's wait for one object ({@code _KWAIT_BLOCK}). Its first member links it into the object's {@code WaitListHead}, so the
 * address of the link is that of the block.
 */
public record KwaitBlock(Memory memory, long address) {
    /** {@code _WAIT_TYPE}: all of the objects. */
    public static final int WAIT_ALL = 0;

    /** {@code _WAIT_TYPE}: one of the objects. */
    public static final int WAIT_ANY = 1;

    /** {@code _KWAIT_BLOCK_STATE.WaitBlockActive}: on the object's list. */
    public static final int ACTIVE = 4;

    /** {@code _KWAIT_BLOCK_STATE.WaitBlockInactive}. */
    public static final int INACTIVE = 5;

    /** The block at an index of an array of blocks. */
    public static KwaitBlock of(Memory memory, long array, int index) {
        return new KwaitBlock(memory, array + index * KwaitBlockLayout.SIZE);
    }

    public ListEntry links() {
        return new ListEntry(memory, address + KwaitBlockLayout.WAIT_LIST_ENTRY);
    }

    public boolean isForAll() {
        return memory.readUnsignedByte(address + KwaitBlockLayout.WAIT_TYPE) == WAIT_ALL;
    }

    public int state() {
        return memory.readUnsignedByte(address + KwaitBlockLayout.BLOCK_STATE);
    }

    /** What the wait comes to when this object satisfies it: its index, or {@code STATUS_TIMEOUT} for the thread's timer. */
    public int waitKey() {
        return memory.readUnsignedShort(address + KwaitBlockLayout.WAIT_KEY);
    }

    /** Address of the {@code _KTHREAD} that waits. */
    public long thread() {
        return memory.readLong(address + KwaitBlockLayout.THREAD);
    }

    /** Address of what is waited for. */
    public long object() {
        return memory.readLong(address + KwaitBlockLayout.OBJECT);
    }

    /** Fills the block and puts it last on the object's list. */
    public void insert(long thread, long object, int waitType, int waitKey) {
        memory.writeByte(address + KwaitBlockLayout.WAIT_TYPE, (byte) waitType);
        memory.writeByte(address + KwaitBlockLayout.BLOCK_STATE, (byte) ACTIVE);
        memory.writeShort(address + KwaitBlockLayout.WAIT_KEY, (short) waitKey);
        memory.writeLong(address + KwaitBlockLayout.THREAD, thread);
        memory.writeLong(address + KwaitBlockLayout.OBJECT, object);
        new DispatcherHeader(memory, object).waitListHead().insertTail(address);
    }

    /** Takes the block off the object's list. */
    public void remove() {
        links().remove();
        memory.writeByte(address + KwaitBlockLayout.BLOCK_STATE, (byte) INACTIVE);
    }
}
