package org.vadose.rtl;

import org.vadose.layout.HeapCountersLayout;
import org.vadose.layout.HeapEntryLayout;
import org.vadose.layout.HeapLayout;
import org.vadose.layout.HeapSegmentLayout;
import org.vadose.memory.Memory;

/** A {@code _HEAP} at an address, read and written field by field; the base the parts of {@link NtHeap} share. */
record HeapBytes(Memory memory, long address) {
    static final int SIGNATURE = 0xEEFFEEFF;
    static final int SEGMENT_SIGNATURE = 0xFFEEFFEE;
    /** Longest block inside a segment; larger ones get reservations of their own. Units. */
    static final int LARGEST_UNITS = 0xFF00;

    long key() {
        return memory.readLong(address + HeapLayout.ENCODING + HeapEntryLayout.AGREGATE_CODE);
    }

    long header(long block) {
        return memory.readLong(block + HeapEntryLayout.AGREGATE_CODE) ^ key();
    }

    void setHeader(long block, long header) {
        memory.writeLong(block + HeapEntryLayout.AGREGATE_CODE, header ^ key());
    }

    /** The block's header, whose checksum must hold. */
    long soundHeader(long block) {
        long header = header(block);
        if (!BlockHeader.isSound(header)) {
            throw corruption(HeapFailure.ENTRY_CORRUPTION, block);
        }
        return header;
    }

    HeapException corruption(HeapFailure failure, long where) {
        return HeapException.corruption(failure, address, where);
    }

    int flags() {
        return memory.readInt(address + HeapLayout.FLAGS);
    }

    boolean isGrowable() {
        return (flags() & HeapFlags.GROWABLE) != 0;
    }

    boolean isExecutable() {
        return (flags() & HeapFlags.CREATE_ENABLE_EXECUTE) != 0;
    }

    long totalFreeUnits() {
        return memory.readLong(address + HeapLayout.TOTAL_FREE_SIZE);
    }

    void addFreeUnits(long units) {
        memory.writeLong(address + HeapLayout.TOTAL_FREE_SIZE, totalFreeUnits() + units);
    }

    void addToCounter(long offset, long delta) {
        long at = address + HeapLayout.COUNTERS + offset;
        memory.writeLong(at, memory.readLong(at) + delta);
    }

    void addToSmallCounter(long offset, int delta) {
        long at = address + HeapLayout.COUNTERS + offset;
        memory.writeInt(at, memory.readInt(at) + delta);
    }

    long reservedBytes() {
        return memory.readLong(address + HeapLayout.COUNTERS + HeapCountersLayout.TOTAL_MEMORY_RESERVED);
    }

    long committedBytes() {
        return memory.readLong(address + HeapLayout.COUNTERS + HeapCountersLayout.TOTAL_MEMORY_COMMITTED);
    }

    /** The segment a block of this header belongs to, or 0 when the header lies. */
    long segmentOf(long block, long header) {
        int offset = BlockHeader.segmentOffset(header);
        if (offset == BlockHeader.FAR_SEGMENT) {
            return searchSegment(block);
        }
        long segment = (block & -0x10000L) - ((long) offset << 16);
        return isSegment(segment) ? segment : 0;
    }

    private boolean isSegment(long segment) {
        return memory.readInt(segment + HeapSegmentLayout.SEGMENT_SIGNATURE) == SEGMENT_SIGNATURE
                && memory.readLong(segment + HeapSegmentLayout.HEAP) == address;
    }

    long searchSegment(long block) {
        long head = address + HeapLayout.SEGMENT_LIST;
        for (long link = memory.readLong(head); link != head; link = memory.readLong(link)) {
            long segment = link - HeapSegmentLayout.SEGMENT_LIST_ENTRY;
            if (Long.compareUnsigned(block, segment) >= 0
                    && Long.compareUnsigned(block, memory.readLong(segment + HeapSegmentLayout.LAST_VALID_ENTRY)) < 0) {
                return segment;
            }
        }
        return 0;
    }

    static int segmentOffset(long segment, long block) {
        return (int) Math.min(((block & -0x10000L) - segment) >>> 16, BlockHeader.FAR_SEGMENT);
    }
}
