package org.vadose.rtl;

import org.vadose.layout.HeapEntryLayout;

/**
 * The eight decoded bytes of a {@code _HEAP_ENTRY} that say what a block is, as a long; in memory they are XORed with the heap's
 * key. Bit positions follow the generated offsets:
 *
 * <pre>
 *  63      56 55      48 47           32 31      24 23      16 15            0
 * | unused   | segment  | previous size | checksum | flags    | size          |
 * </pre>
 *
 * Sizes are units. The checksum is the XOR of the three bytes below it. {@code unused} is block size less requested size, in
 * bytes, for a busy block. {@code segment} tells how many 64 KB below the block's own 64 KB its segment starts.
 */
final class BlockHeader {
    static final int BUSY = 0x01;
    static final int EXTRA_PRESENT = 0x02;
    static final int LARGE = 0x08;
    /** Nothing committed follows: a hole, or the segment's end. */
    static final int LAST = 0x10;
    /** The three flags a user may set, {@link HeapFlags#SETTABLE_USER_FLAGS} shifted right by {@link #USER_FLAGS_SHIFT}. */
    static final int USER_FLAGS = 0xE0;

    static final int USER_FLAGS_SHIFT = 4;
    /** A block the heap uses itself. */
    static final int INTERNAL = BUSY | EXTRA_PRESENT | 0x04;
    /** Segments more than this many 64 KB away are found by search. */
    static final int FAR_SEGMENT = 0xFE;

    static final int UNIT_SHIFT = 4;
    static final long BYTES = HeapEntryLayout.SIZE;

    private static final int FLAGS_SHIFT = shift(HeapEntryLayout.FLAGS);
    private static final int CHECKSUM_SHIFT = shift(HeapEntryLayout.SMALL_TAG_INDEX);
    private static final int PREVIOUS_SHIFT = shift(HeapEntryLayout.PREVIOUS_SIZE);
    private static final int SEGMENT_SHIFT = shift(HeapEntryLayout.SEGMENT_OFFSET);
    private static final int UNUSED_SHIFT = shift(HeapEntryLayout.UNUSED_BYTES);

    private BlockHeader() {}

    private static int shift(long offset) {
        return (int) (offset - HeapEntryLayout.AGREGATE_CODE) * 8;
    }

    static long of(int units, int flags, int previousUnits, int segmentOffset, int unusedBytes) {
        int checksum = (units ^ units >>> 8 ^ flags) & 0xFF;
        return units
                | (long) flags << FLAGS_SHIFT
                | (long) checksum << CHECKSUM_SHIFT
                | (long) previousUnits << PREVIOUS_SHIFT
                | (long) segmentOffset << SEGMENT_SHIFT
                | (long) unusedBytes << UNUSED_SHIFT;
    }

    static boolean isSound(long header) {
        int low = (int) header;
        return ((low ^ low >>> 8 ^ low >>> 16 ^ low >>> 24) & 0xFF) == 0;
    }

    static int units(long header) {
        return (int) header & 0xFFFF;
    }

    static long bytes(long header) {
        return (header & 0xFFFF) << UNIT_SHIFT;
    }

    static int flags(long header) {
        return (int) (header >>> FLAGS_SHIFT) & 0xFF;
    }

    static boolean isBusy(long header) {
        return (flags(header) & BUSY) != 0;
    }

    static boolean isLast(long header) {
        return (flags(header) & LAST) != 0;
    }

    static boolean isInternal(long header) {
        return (flags(header) & INTERNAL) == INTERNAL;
    }

    static int previousUnits(long header) {
        return (int) (header >>> PREVIOUS_SHIFT) & 0xFFFF;
    }

    static int segmentOffset(long header) {
        return (int) (header >>> SEGMENT_SHIFT) & 0xFF;
    }

    static int unusedBytes(long header) {
        return (int) (header >>> UNUSED_SHIFT);
    }

    static long withPreviousUnits(long header, int previousUnits) {
        return header & ~(0xFFFFL << PREVIOUS_SHIFT) | (long) previousUnits << PREVIOUS_SHIFT;
    }
}
