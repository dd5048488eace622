package org.vadose.rtl;

/**
 * One thing met on a walk through a heap.
 *
 * @param address of the segment, the block's user bytes, or the hole
 * @param sizeBytes bytes asked for of a busy block, usable bytes of a free one, length of a segment or hole
 * @param overheadBytes header and unused bytes
 * @param segment the segment it is in, 0 for a large block
 */
public record HeapItem(Kind kind, long address, long sizeBytes, int overheadBytes, long segment) {
    /** In a segment's order: the segment itself, then its blocks and holes. */
    public enum Kind {
        SEGMENT,
        BUSY,
        INTERNAL,
        FREE,
        UNCOMMITTED,
        LARGE
    }
}
