package org.vadose.rtl;

import org.vadose.base.Pages;
import org.vadose.layout.HeapCountersLayout;
import org.vadose.layout.HeapEntryExtraLayout;
import org.vadose.layout.HeapLayout;
import org.vadose.layout.HeapVirtualAllocEntryLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ListEntry;

/**
 * Blocks with reservations of their own ({@code _HEAP_VIRTUAL_ALLOC_ENTRY} on {@code VirtualAllocdBlocks}). The header's size
 * field holds committed less requested bytes, counted from the start of the entry less its own size; a page stays reserved above.
 */
final class LargeBlocks {
    /** From the start of the reservation to the user's bytes. */
    static final long USER_OFFSET = HeapVirtualAllocEntryLayout.BUSY_BLOCK + BlockHeader.BYTES;
    /** What marks a large block in the header's last byte. */
    static final int UNUSED_MARK = 4;

    private final HeapBytes heap;
    private final Memory memory;
    private final HeapPages pages;

    LargeBlocks(HeapBytes heap, HeapPages pages) {
        this.heap = heap;
        this.memory = heap.memory();
        this.pages = pages;
    }

    /** Returns the user address of a zeroed block, or 0. */
    long allocate(long sizeBytes, int blockFlags) {
        long committed = Pages.up(sizeBytes + USER_OFFSET);
        long reserved = committed + Pages.SIZE;
        long entry = pages.reserve(reserved);
        if (entry == 0) {
            return 0;
        }
        if (!pages.commit(entry, committed, heap.isExecutable())) {
            pages.release(entry);
            heap.addToSmallCounter(HeapCountersLayout.COMMIT_FAILURES, 1);
            return 0;
        }
        memory.writeLong(entry + HeapVirtualAllocEntryLayout.COMMIT_SIZE, committed);
        memory.writeLong(entry + HeapVirtualAllocEntryLayout.RESERVE_SIZE, reserved);
        setRequested(entry, sizeBytes, BlockHeader.BUSY | BlockHeader.LARGE | blockFlags);
        list().insertTail(entry);
        heap.addToCounter(HeapCountersLayout.TOTAL_SIZE_IN_VIRTUAL_BLOCKS, committed);
        return entry + USER_OFFSET;
    }

    private ListEntry list() {
        return new ListEntry(memory, heap.address() + HeapLayout.VIRTUAL_ALLOCD_BLOCKS);
    }

    private void setRequested(long entry, long sizeBytes, int flags) {
        int slack = (int) (committed(entry) - sizeBytes);
        heap.setHeader(entry + HeapVirtualAllocEntryLayout.BUSY_BLOCK, BlockHeader.of(slack, flags, 0, 0, UNUSED_MARK));
    }

    void free(long user) {
        long entry = entry(user);
        heap.addToCounter(HeapCountersLayout.TOTAL_SIZE_IN_VIRTUAL_BLOCKS, -committed(entry));
        unlink(entry);
        pages.release(entry);
    }

    private void unlink(long entry) {
        ListEntry link = new ListEntry(memory, entry);
        if (memory.readLong(link.blink()) != entry || new ListEntry(memory, link.flink()).blink() != entry) {
            throw heap.corruption(HeapFailure.VIRTUAL_BLOCK_CORRUPTION, entry);
        }
        link.remove();
    }

    /** Shrinks or grows inside the pages it has; false when they do not suffice. */
    boolean resize(long user, long header, long sizeBytes) {
        long entry = entry(user);
        long committed = committed(entry);
        long wanted = Pages.up(sizeBytes + USER_OFFSET);
        if (wanted > committed) {
            return false;
        }
        if (wanted < committed) {
            pages.decommit(entry + wanted, committed - wanted);
            memory.writeLong(entry + HeapVirtualAllocEntryLayout.COMMIT_SIZE, wanted);
            heap.addToCounter(HeapCountersLayout.TOTAL_SIZE_IN_VIRTUAL_BLOCKS, wanted - committed);
        }
        setRequested(entry, sizeBytes, BlockHeader.flags(header));
        return true;
    }

    long size(long user, long header) {
        return committed(entry(user)) - BlockHeader.units(header);
    }

    long committed(long entry) {
        return memory.readLong(entry + HeapVirtualAllocEntryLayout.COMMIT_SIZE);
    }

    /** Where a large block keeps the user's value; each has one. */
    static long extraValue(long user) {
        return entry(user) + HeapVirtualAllocEntryLayout.EXTRA_STUFF + HeapEntryExtraLayout.SETTABLE;
    }

    static long entry(long user) {
        return user - USER_OFFSET;
    }

    /** Whether a decoded header in front of {@code user} is that of a large block. */
    static boolean isLarge(long user, long header) {
        return BlockHeader.unusedBytes(header) == UNUSED_MARK
                && (BlockHeader.flags(header) & BlockHeader.LARGE) != 0
                && Pages.offset(user) == USER_OFFSET;
    }

    void releaseAll() {
        long head = list().address();
        for (long entry = memory.readLong(head); entry != head; ) {
            long next = memory.readLong(entry);
            pages.release(entry);
            entry = next;
        }
    }
}
