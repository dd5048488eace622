package org.vadose.ex;

import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.ListEntryLayout;
import org.vadose.layout.PoolHeaderLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.Pool;
import org.vadose.nt.PoolHeader;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;

/**
 * Nonpaged and paged pool. A block of up to {@link #LARGEST_BLOCK} bytes is carved from a page and has a {@code _POOL_HEADER};
 * anything bigger is a run of pages of its own, known to the big-page table.
 *
 * <pre>
 *  page  | header block | header block | header free ... |
 *          PreviousSize of each header = BlockSize of the one before it, 0 for the first; the sizes add up to 256 units
 * </pre>
 *
 * <p>Free blocks of one pool hang on 256 circular lists by exact size, linked through their first 16 bytes; a bitmap says which
 * lists have any. A freed block joins its free neighbours, and a page that is free as a whole goes back to the memory manager. A
 * free block of one unit has no room for links and waits for a neighbour. List heads and bitmap stand in a page of each pool
 * ({@code tag PolD}); its layout is ours, since Windows builds its pools on segment heaps.
 *
 * <p>Lock: one monitor for both pools, never held while calling up; it is innermost but for the page provider's own.
 */
public final class PoolAllocator implements Pool {
    /** The most usable bytes of a block with a header; one byte more becomes whole pages. */
    public static final int LARGEST_BLOCK = (int) Pages.SIZE - 2 * PoolHeader.UNIT;

    private static final int UNITS_A_PAGE = (int) Pages.SIZE / PoolHeader.UNIT;
    private static final int DESCRIPTOR_TAG = PoolTag.of("PolD");
    /** Four longs: bit n set when list n has blocks. Then 256 list heads. */
    private static final long BITMAP = 0;

    private static final long HEADS = 4 * Long.BYTES;
    private static final long HEAD_SIZE = ListEntryLayout.SIZE;
    private static final long DESCRIPTOR_BYTES = Pages.up(HEADS + UNITS_A_PAGE * HEAD_SIZE);

    private final Memory memory;
    private final PoolPages pages;
    private final PoolTracker tracker;
    private long nonPagedDescriptor;
    private long pagedDescriptor;

    /** @param kernelBase where the kernel image stands: the tables' global variables are in it */
    public PoolAllocator(Memory memory, PoolPages pages, long kernelBase) {
        this.memory = memory;
        this.pages = pages;
        this.tracker = new PoolTracker(memory, pages, kernelBase);
    }

    /** Makes empty pools. Once, at boot. */
    public synchronized void initialize() {
        tracker.initialize();
        nonPagedDescriptor = newDescriptor(false);
        pagedDescriptor = newDescriptor(true);
    }

    private long newDescriptor(boolean paged) {
        long descriptor = pages.allocatePages(false, Pages.count(DESCRIPTOR_BYTES));
        tracker.addBig(descriptor, DESCRIPTOR_BYTES, false, DESCRIPTOR_TAG);
        for (int units = 0; units < UNITS_A_PAGE; units++) {
            long head = descriptor + HEADS + units * HEAD_SIZE;
            memory.writeLong(head + ListEntryLayout.FLINK, head);
            memory.writeLong(head + ListEntryLayout.BLINK, head);
        }
        return descriptor;
    }

    @Override
    public synchronized long allocate(PoolType type, long sizeBytes, int tag) {
        boolean paged = type.isPaged();
        if (sizeBytes > LARGEST_BLOCK) {
            return allocateBig(paged, sizeBytes, tag);
        }
        int units = (int) (Math.max(sizeBytes, 1) + 2 * PoolHeader.UNIT - 1) / PoolHeader.UNIT;
        long descriptor = descriptor(paged);
        int found = firstListFrom(descriptor, units);
        long header;
        int previousUnits;
        int blockUnits;
        if (found == 0) {
            header = pages.allocatePages(paged, 1);
            previousUnits = 0;
            blockUnits = UNITS_A_PAGE;
        } else {
            header = memory.readLong(descriptor + HEADS + found * HEAD_SIZE + ListEntryLayout.FLINK) - PoolHeader.UNIT;
            unlink(descriptor, header, found);
            previousUnits = memory.readUnsignedByte(header + PoolHeaderLayout.PREVIOUS_SIZE);
            blockUnits = found;
        }
        write(header, previousUnits, units, paged ? 3 : 2, tag);
        if (blockUnits > units) {
            split(descriptor, header, units, blockUnits - units);
        }
        tracker.charge(tag, paged, (long) units * PoolHeader.UNIT);
        return header + PoolHeader.UNIT;
    }

    /** As {@link #allocate}, every byte of the block zero. */
    public long allocateZeroed(PoolType type, long sizeBytes, int tag) {
        long block = allocate(type, sizeBytes, tag);
        memory.fill(block, sizeBytes, (byte) 0);
        return block;
    }

    private long allocateBig(boolean paged, long sizeBytes, int tag) {
        long bytes = Pages.up(sizeBytes);
        long address = pages.allocatePages(paged, Pages.count(bytes));
        tracker.addBig(address, bytes, paged, tag);
        return address;
    }

    @Override
    public synchronized void free(long address) {
        if (Pages.offset(address) == 0) {
            freeBig(address);
            return;
        }
        long header = address - PoolHeader.UNIT;
        long word = memory.readLong(header);
        int previousUnits = (int) word & 0xFF;
        int units = (int) (word >>> 16) & 0xFF;
        int type = (int) (word >>> 24) & 0xFF;
        int tag = (int) (word >>> 32);
        if ((type & 2) == 0 || units == 0 || (address & (PoolHeader.UNIT - 1)) != 0) {
            throw new IllegalStateException("BAD_POOL_CALLER freeing what is not allocated va=" + Hex.address(address)
                    + " header=" + Hex.address(word));
        }
        // Before anything else: the next free of this address must find it free, whatever becomes of the block.
        memory.writeByte(header + PoolHeaderLayout.POOL_TYPE + 1, (byte) 0);
        boolean paged = (type & 1) != 0;
        tracker.release(tag, paged, (long) units * PoolHeader.UNIT);
        long descriptor = descriptor(paged);
        int freeUnits = units;
        int unitsToPageEnd = UNITS_A_PAGE - Pages.offset(header) / PoolHeader.UNIT;
        if (units < unitsToPageEnd) {
            long next = header + (long) units * PoolHeader.UNIT;
            if (typeOf(next) == 0) {
                int nextUnits = memory.readUnsignedByte(next + PoolHeaderLayout.BLOCK_SIZE);
                unlink(descriptor, next, nextUnits);
                freeUnits += nextUnits;
            }
        }
        if (previousUnits != 0) {
            long previous = header - (long) previousUnits * PoolHeader.UNIT;
            if (typeOf(previous) == 0) {
                unlink(descriptor, previous, previousUnits);
                freeUnits += previousUnits;
                header = previous;
                previousUnits = memory.readUnsignedByte(previous + PoolHeaderLayout.PREVIOUS_SIZE);
            }
        }
        if (freeUnits == UNITS_A_PAGE) {
            pages.freePages(paged, header, 1);
            return;
        }
        write(header, previousUnits, freeUnits, 0, tag);
        tellNext(header, freeUnits);
        link(descriptor, header, freeUnits);
    }

    private void freeBig(long address) {
        long bytes = tracker.removeBig(address);
        pages.freePages((bytes & 1) != 0, address, Pages.count(bytes & ~1L));
    }

    private long descriptor(boolean paged) {
        return paged ? pagedDescriptor : nonPagedDescriptor;
    }

    private void split(long descriptor, long header, int units, int restUnits) {
        long rest = header + (long) units * PoolHeader.UNIT;
        write(rest, units, restUnits, 0, 0);
        tellNext(rest, restUnits);
        link(descriptor, rest, restUnits);
    }

    /** Writes this block's size into the header behind it, if that is in the same page. */
    private void tellNext(long header, int units) {
        long next = header + (long) units * PoolHeader.UNIT;
        if (Pages.offset(next) != 0) {
            memory.writeByte(next + PoolHeaderLayout.PREVIOUS_SIZE, (byte) units);
        }
    }

    private void write(long header, int previousUnits, int units, int type, int tag) {
        memory.writeLong(header, (tag & 0xFFFF_FFFFL) << 32 | (long) type << 24 | (long) units << 16 | previousUnits);
        memory.writeLong(header + PoolHeaderLayout.PROCESS_BILLED, 0);
    }

    private int typeOf(long header) {
        return memory.readUnsignedByte(header + PoolHeaderLayout.POOL_TYPE + 1);
    }

    private void link(long descriptor, long header, int units) {
        if (units == 1) {
            return;
        }
        long head = descriptor + HEADS + units * HEAD_SIZE;
        long entry = header + PoolHeader.UNIT;
        long first = memory.readLong(head + ListEntryLayout.FLINK);
        memory.writeLong(entry + ListEntryLayout.FLINK, first);
        memory.writeLong(entry + ListEntryLayout.BLINK, head);
        memory.writeLong(first + ListEntryLayout.BLINK, entry);
        memory.writeLong(head + ListEntryLayout.FLINK, entry);
        if (first == head) {
            long word = descriptor + BITMAP + (units >>> 6) * 8L;
            memory.writeLong(word, memory.readLong(word) | 1L << units);
        }
    }

    private void unlink(long descriptor, long header, int units) {
        if (units == 1) {
            return;
        }
        long entry = header + PoolHeader.UNIT;
        long next = memory.readLong(entry + ListEntryLayout.FLINK);
        long previous = memory.readLong(entry + ListEntryLayout.BLINK);
        if (memory.readLong(next + ListEntryLayout.BLINK) != entry
                || memory.readLong(previous + ListEntryLayout.FLINK) != entry) {
            throw new IllegalStateException("BAD_POOL_HEADER corrupt free list entry=" + Hex.address(entry) + " flink="
                    + Hex.address(next) + " blink=" + Hex.address(previous));
        }
        memory.writeLong(previous + ListEntryLayout.FLINK, next);
        memory.writeLong(next + ListEntryLayout.BLINK, previous);
        if (next == previous) {
            // Both are the head: the list is empty now.
            long word = descriptor + BITMAP + (units >>> 6) * 8L;
            memory.writeLong(word, memory.readLong(word) & ~(1L << units));
        }
    }

    /** The smallest size with a free block of at least so many units; 0 if none. */
    private int firstListFrom(long descriptor, int units) {
        int word = units >>> 6;
        long bits = memory.readLong(descriptor + BITMAP + word * 8L) & -1L << units;
        while (bits == 0) {
            if (++word == 4) {
                return 0;
            }
            bits = memory.readLong(descriptor + BITMAP + word * 8L);
        }
        return word * 64 + Long.numberOfTrailingZeros(bits);
    }
}
