package org.vadose.ex;

import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.base.ResourcesException;
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
 * <p>Free blocks of one pool hang on circular lists, linked through their first 16 bytes: a list for each size below 32 units, then
 * one for each power of two; a bitmap says which lists have any. An allocation takes the end of a free block, so that what is
 * left keeps its place and mostly its list. A freed block joins its free neighbours, and a page that is free as a whole goes back
 * to the memory manager. A free block of one unit has no room for links and waits for a neighbour. List heads and bitmap stand in
 * a page of each pool ({@code tag PolD}); its layout is ours, since Windows builds its pools on segment heaps.
 *
 * <p>Lock: one monitor for both pools, never held while calling up; it is innermost but for the page provider's own.
 */
public final class PoolAllocator implements Pool {
    /** The most usable bytes of a block with a header; one byte more becomes whole pages. */
    public static final int LARGEST_BLOCK = (int) Pages.SIZE - 2 * PoolHeader.UNIT;

    private static final int UNITS_A_PAGE = (int) Pages.SIZE / PoolHeader.UNIT;
    private static final int DESCRIPTOR_TAG = PoolTag.of("PolD");
    /** A power of two. Sizes from here up to the next one share a list, and so on. */
    private static final int FIRST_SHARED = 32;
    /** Blocks of a shared list that are tried before one is taken from elsewhere. */
    private static final int MOST_TRIED = 32;

    private static final int LISTS = listOf(UNITS_A_PAGE);
    /** A long: bit n set when list n has blocks. Then the list heads, each as long as two. */
    private static final long BITMAP = 0;

    private static final long HEAD_SIZE = ListEntryLayout.SIZE;
    private static final long HEADS = HEAD_SIZE;
    private static final long DESCRIPTOR_BYTES = Pages.up(HEADS + LISTS * HEAD_SIZE);

    private final Memory memory;
    private final PoolPages pages;
    private final PoolTracker tracker;
    private @Nullable BooleanSupplier refusal;
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
        for (int list = 0; list < LISTS; list++) {
            long head = descriptor + HEADS + list * HEAD_SIZE;
            memory.writeLong(head + ListEntryLayout.FLINK, head);
            memory.writeLong(head + ListEntryLayout.BLINK, head);
        }
        return descriptor;
    }

    /**
     * Has allocations fail as if the pools were exhausted, to see what then happens: what Driver Verifier calls low resources
     * simulation.
     *
     * @param newRefusal asked before each allocation; null for none
     */
    public synchronized void refuse(@Nullable BooleanSupplier newRefusal) {
        refusal = newRefusal;
    }

    @Override
    public synchronized long allocate(PoolType type, long sizeBytes, int tag) {
        if (refusal != null && refusal.getAsBoolean()) {
            throw new ResourcesException("low resources simulation tag=" + PoolTag.text(tag) + " bytes=" + sizeBytes);
        }
        boolean paged = type.isPaged();
        if (sizeBytes > LARGEST_BLOCK) {
            return allocateBig(paged, sizeBytes, tag);
        }
        int units = units(sizeBytes);
        long descriptor = descriptor(paged);
        long free = find(descriptor, units);
        int freeUnits;
        int previousUnits;
        if (free == 0) {
            free = pages.allocatePages(paged, 1);
            freeUnits = UNITS_A_PAGE;
            previousUnits = 0;
            if (freeUnits != units) {
                write(free, 0, freeUnits - units, 0, 0);
                link(descriptor, free, freeUnits - units);
            }
        } else {
            int word = memory.readInt(free);
            freeUnits = word >>> 16 & 0xFF;
            previousUnits = word & 0xFF;
            resize(descriptor, free, freeUnits, freeUnits - units);
        }
        int rest = freeUnits - units;
        long header = free + (long) rest * PoolHeader.UNIT;
        write(header, rest == 0 ? previousUnits : rest, units, paged ? 3 : 2, tag);
        tellNext(header, units);
        tracker.charge(tag, paged, (long) units * PoolHeader.UNIT);
        return header + PoolHeader.UNIT;
    }

    @Override
    public boolean hasRoom(PoolType type, long sizeBytes) {
        return fitting(descriptor(type.isPaged()), units(sizeBytes)) != 0;
    }

    /** With the header, rounded up. */
    private static int units(long sizeBytes) {
        return (int) (Math.max(sizeBytes, 1) + 2 * PoolHeader.UNIT - 1) / PoolHeader.UNIT;
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
        if (units < UNITS_A_PAGE - Pages.offset(header) / PoolHeader.UNIT) {
            long next = header + (long) units * PoolHeader.UNIT;
            if (typeOf(next) == 0) {
                int nextUnits = memory.readUnsignedByte(next + PoolHeaderLayout.BLOCK_SIZE);
                unlink(descriptor, next, nextUnits);
                freeUnits += nextUnits;
            }
        }
        long previous = header - (long) previousUnits * PoolHeader.UNIT;
        boolean joinsPrevious = previousUnits != 0 && typeOf(previous) == 0;
        if (joinsPrevious) {
            freeUnits += previousUnits;
            header = previous;
        }
        if (freeUnits == UNITS_A_PAGE) {
            if (joinsPrevious) {
                unlink(descriptor, header, previousUnits);
            }
            pages.freePages(paged, header, 1);
            return;
        }
        if (joinsPrevious) {
            resize(descriptor, header, previousUnits, freeUnits);
        } else {
            write(header, previousUnits, freeUnits, 0, tag);
            link(descriptor, header, freeUnits);
        }
        tellNext(header, freeUnits);
    }

    private void freeBig(long address) {
        long bytes = tracker.removeBig(address);
        pages.freePages((bytes & 1) != 0, address, Pages.count(bytes & ~1L));
    }

    private long descriptor(boolean paged) {
        return paged ? pagedDescriptor : nonPagedDescriptor;
    }

    /** The list that free blocks of a size hang on. */
    private static int listOf(int units) {
        return units < FIRST_SHARED
                ? units
                : FIRST_SHARED + Integer.numberOfLeadingZeros(FIRST_SHARED) - Integer.numberOfLeadingZeros(units);
    }

    /** Gives a free block that stays where it is another size, 0 when nothing of it stays free. */
    private void resize(long descriptor, long header, int units, int newUnits) {
        boolean staysOnList = newUnits > 1 && units > 1 && listOf(units) == listOf(newUnits);
        if (!staysOnList) {
            unlink(descriptor, header, units);
        }
        if (newUnits != 0) {
            memory.writeByte(header + PoolHeaderLayout.BLOCK_SIZE, (byte) newUnits);
            if (!staysOnList) {
                link(descriptor, header, newUnits);
            }
        }
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
        int list = listOf(units);
        long head = descriptor + HEADS + list * HEAD_SIZE;
        long entry = header + PoolHeader.UNIT;
        long first = memory.readLong(head + ListEntryLayout.FLINK);
        memory.writeLong(entry + ListEntryLayout.FLINK, first);
        memory.writeLong(entry + ListEntryLayout.BLINK, head);
        memory.writeLong(first + ListEntryLayout.BLINK, entry);
        memory.writeLong(head + ListEntryLayout.FLINK, entry);
        if (first == head) {
            memory.writeLong(descriptor + BITMAP, memory.readLong(descriptor + BITMAP) | 1L << list);
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
            memory.writeLong(descriptor + BITMAP, memory.readLong(descriptor + BITMAP) & ~(1L << listOf(units)));
        }
    }

    /** The header of a free block of at least so many units, near that size; 0 if there is none. */
    private long find(long descriptor, int units) {
        if (units > FIRST_SHARED) {
            long found = searchList(descriptor, units);
            if (found != 0) {
                return found;
            }
        }
        long fitting = fitting(descriptor, units);
        if (fitting == 0) {
            return 0;
        }
        int list = Long.numberOfTrailingZeros(fitting);
        return memory.readLong(descriptor + HEADS + list * HEAD_SIZE + ListEntryLayout.FLINK) - PoolHeader.UNIT;
    }

    /** One bit a list that has blocks, of those lists whose every block is of at least so many units. */
    private long fitting(long descriptor, int units) {
        return memory.readLong(descriptor + BITMAP) & -1L << (units > FIRST_SHARED ? listOf(units) + 1 : listOf(units));
    }

    /** Not every block on a list of several sizes is large enough. */
    private long searchList(long descriptor, int units) {
        long head = descriptor + HEADS + listOf(units) * HEAD_SIZE;
        long entry = memory.readLong(head + ListEntryLayout.FLINK);
        for (int tried = 0; entry != head && tried < MOST_TRIED; tried++) {
            long header = entry - PoolHeader.UNIT;
            if (memory.readUnsignedByte(header + PoolHeaderLayout.BLOCK_SIZE) >= units) {
                return header;
            }
            entry = memory.readLong(entry + ListEntryLayout.FLINK);
        }
        return 0;
    }
}
