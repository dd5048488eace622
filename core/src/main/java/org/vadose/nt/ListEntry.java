package org.vadose.nt;

import org.vadose.base.Hex;
import org.vadose.layout.ListEntryLayout;
import org.vadose.memory.Memory;

/** A link of a circular doubly linked list, or its head ({@code _LIST_ENTRY}). */
public record ListEntry(Memory memory, long address) {
    public long flink() {
        return memory.readLong(address + ListEntryLayout.FLINK);
    }

    public long blink() {
        return memory.readLong(address + ListEntryLayout.BLINK);
    }

    /** Makes this an empty head: both links point at itself. */
    public void initialize() {
        setFlink(address);
        setBlink(address);
    }

    /** Whether this head has no entries. */
    public boolean isEmpty() {
        return flink() == address;
    }

    public void insertTail(long entry) {
        long last = blink();
        link(memory, last, entry);
        link(memory, entry, address);
    }

    public void insertHead(long entry) {
        long first = flink();
        link(memory, address, entry);
        link(memory, entry, first);
    }

    /**
     * Takes this entry out of the list it is in, checking both neighbours first as the kernel does.
     *
     * @throws IllegalStateException if a neighbour does not point back
     */
    public void remove() {
        long next = flink();
        long previous = blink();
        if (memory.readLong(next + ListEntryLayout.BLINK) != address
                || memory.readLong(previous + ListEntryLayout.FLINK) != address) {
            throw new IllegalStateException("corrupt list entry=" + Hex.address(address) + " flink=" + Hex.address(next)
                    + " blink=" + Hex.address(previous));
        }
        link(memory, previous, next);
    }

    /**
     * The entries after this head in order, not counting the head.
     *
     * @param limit the most entries to believe in
     * @throws IllegalStateException if the list does not come back to its head within {@code limit} entries
     */
    public long[] entries(int limit) {
        long[] found = new long[16];
        int count = 0;
        for (long at = flink(); at != address; at = memory.readLong(at + ListEntryLayout.FLINK)) {
            if (count == limit) {
                throw new IllegalStateException("endless list head=" + Hex.address(address) + " limit=" + limit);
            }
            if (count == found.length) {
                found = java.util.Arrays.copyOf(found, count * 2);
            }
            found[count++] = at;
        }
        return java.util.Arrays.copyOf(found, count);
    }

    public void setFlink(long value) {
        memory.writeLong(address + ListEntryLayout.FLINK, value);
    }

    public void setBlink(long value) {
        memory.writeLong(address + ListEntryLayout.BLINK, value);
    }

    private static void link(Memory memory, long previous, long next) {
        memory.writeLong(previous + ListEntryLayout.FLINK, next);
        memory.writeLong(next + ListEntryLayout.BLINK, previous);
    }
}
