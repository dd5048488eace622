package org.vadose.rtl;

import org.vadose.layout.HeapFreeEntryLayout;
import org.vadose.layout.HeapLayout;
import org.vadose.layout.HeapListLookupLayout;
import org.vadose.layout.ListEntryLayout;
import org.vadose.memory.Memory;

/**
 * A heap's free blocks: one list ordered by size ({@code _HEAP.FreeLists}), with look-ups ({@code _HEAP_LIST_LOOKUP}, a chain from
 * {@code BlocksIndex}) that lead into it. A look-up covers the sizes from its {@code BaseIndex} up to {@code ArraySize}; it has, for
 * each, a hint to the first free block of that size and a bit saying that there is one. The last slot of the last look-up
 * stands for all sizes from its own up.
 *
 * <p>Among equal sizes the block freed last comes first.
 */
final class FreeLists {
    /** Where the list entry is in a free block. */
    static final long LINK = HeapFreeEntryLayout.FREE_LIST;

    private final HeapBytes heap;
    private final Memory memory;
    private final long head;

    FreeLists(HeapBytes heap) {
        this.heap = heap;
        memory = heap.memory();
        head = heap.address() + HeapLayout.FREE_LISTS;
    }

    /** Bytes that a look-up of {@code slots} sizes takes with its bitmap and hints. */
    static long lookupBytes(int slots) {
        return HeapListLookupLayout.SIZE + (slots + 7) / 8 + 8L * slots;
    }

    /**
     * Lays a look-up out over zeroed memory; it is not yet in the chain.
     *
     * @param base first size it covers
     * @param limit end of the sizes it covers
     */
    void initializeLookup(long lookup, int base, int limit) {
        memory.writeInt(lookup + HeapListLookupLayout.ARRAY_SIZE, limit);
        memory.writeInt(lookup + HeapListLookupLayout.BASE_INDEX, base);
        memory.writeLong(lookup + HeapListLookupLayout.LIST_HEAD, head);
        long bitmap = lookup + HeapListLookupLayout.SIZE;
        memory.writeLong(lookup + HeapListLookupLayout.LISTS_IN_USE_ULONG, bitmap);
        memory.writeLong(lookup + HeapListLookupLayout.LIST_HINTS, bitmap + (limit - base + 7) / 8);
    }

    /** Appends a look-up to the chain. */
    void appendLookup(long lookup) {
        long last = memory.readLong(heap.address() + HeapLayout.BLOCKS_INDEX);
        while (extended(last) != 0) {
            last = extended(last);
        }
        memory.writeLong(last + HeapListLookupLayout.EXTENDED_LOOKUP, lookup);
        rebuildHints();
    }

    /** Makes all hints, bits and counts from the list. */
    private void rebuildHints() {
        for (long lookup = memory.readLong(heap.address() + HeapLayout.BLOCKS_INDEX);
                lookup != 0;
                lookup = extended(lookup)) {
            int slots = arraySize(lookup) - baseIndex(lookup);
            long bitmap = memory.readLong(lookup + HeapListLookupLayout.LISTS_IN_USE_ULONG);
            memory.fill(bitmap, (slots + 7) / 8 + 8L * slots, (byte) 0);
            memory.writeInt(lookup + HeapListLookupLayout.ITEM_COUNT, 0);
            memory.writeInt(lookup + HeapListLookupLayout.OUT_OF_RANGE_ITEMS, 0);
        }
        for (long link = memory.readLong(head + ListEntryLayout.BLINK);
                link != head;
                link = memory.readLong(link + ListEntryLayout.BLINK)) {
            int units = unitsAt(link);
            long lookup = lookupFor(units);
            setHint(lookup, slot(lookup, units) - baseIndex(lookup), link);
            count(lookup, units, 1);
        }
    }

    /** The smallest free block of at least this size, or 0. */
    long find(int units) {
        long link = firstOfAtLeast(units);
        return link == head ? 0 : link - LINK;
    }

    /** Puts a block, whose header is written, in its place. */
    void insert(long block, int units) {
        long link = block + LINK;
        long next = firstOfAtLeast(units);
        long previous = memory.readLong(next + ListEntryLayout.BLINK);
        if (memory.readLong(previous) != next) {
            throw heap.corruption(HeapFailure.FREELISTS_CORRUPTION, next);
        }
        memory.writeLong(link, next);
        memory.writeLong(link + ListEntryLayout.BLINK, previous);
        memory.writeLong(previous, link);
        memory.writeLong(next + ListEntryLayout.BLINK, link);
        long lookup = lookupFor(units);
        int index = slot(lookup, units) - baseIndex(lookup);
        long hint = hint(lookup, index);
        if (hint == 0 || hint == next) {
            setHint(lookup, index, link);
        }
        count(lookup, units, 1);
        heap.addFreeUnits(units);
    }

    /** Takes a block of this size out, checking its neighbours first as Windows does. */
    void remove(long block, int units) {
        long link = block + LINK;
        long next = memory.readLong(link);
        long previous = memory.readLong(link + ListEntryLayout.BLINK);
        if (memory.readLong(previous) != link || memory.readLong(next + ListEntryLayout.BLINK) != link) {
            throw heap.corruption(HeapFailure.FREELISTS_CORRUPTION, block);
        }
        long lookup = lookupFor(units);
        int slot = slot(lookup, units);
        forget(lookup, slot, link, units);
        memory.writeLong(previous, next);
        memory.writeLong(next + ListEntryLayout.BLINK, previous);
        heap.addFreeUnits(-units);
    }

    /** How many free blocks are too large for the first look-up. */
    int outOfRangeItems() {
        return memory.readInt(
                memory.readLong(heap.address() + HeapLayout.BLOCKS_INDEX) + HeapListLookupLayout.OUT_OF_RANGE_ITEMS);
    }

    boolean hasExtendedLookup() {
        return extended(memory.readLong(heap.address() + HeapLayout.BLOCKS_INDEX)) != 0;
    }

    private void forget(long lookup, int slot, long link, int units) {
        int index = slot - baseIndex(lookup);
        if (hint(lookup, index) == link) {
            long next = memory.readLong(link);
            boolean sameSlot =
                    next != head && slot(lookup, unitsAt(next)) == slot && lookupFor(unitsAt(next)) == lookup;
            setHint(lookup, index, sameSlot ? next : 0);
        }
        count(lookup, units, -1);
    }

    private void count(long lookup, int units, int delta) {
        long at = lookup + HeapListLookupLayout.ITEM_COUNT;
        memory.writeInt(at, memory.readInt(at) + delta);
        if (units >= arraySize(lookup) - 1) {
            at = lookup + HeapListLookupLayout.OUT_OF_RANGE_ITEMS;
            memory.writeInt(at, memory.readInt(at) + delta);
        }
    }

    /** The list entry of the first free block of at least this size; the head if there is none. */
    private long firstOfAtLeast(int units) {
        long lookup = lookupFor(units);
        int index = slot(lookup, units) - baseIndex(lookup);
        while (true) {
            long extended = extended(lookup);
            int slots = arraySize(lookup) - baseIndex(lookup);
            int found = firstInUse(lookup, index, slots);
            if (found >= 0) {
                long link = hint(lookup, found);
                return extended == 0 && found == slots - 1 ? walk(link, units) : link;
            }
            if (extended == 0) {
                return head;
            }
            lookup = extended;
            index = 0;
        }
    }

    private long walk(long from, int units) {
        long link = from;
        while (link != head && unitsAt(link) < units) {
            link = memory.readLong(link);
        }
        return link;
    }

    private int firstInUse(long lookup, int from, int slots) {
        long bitmap = memory.readLong(lookup + HeapListLookupLayout.LISTS_IN_USE_ULONG);
        int word = from >>> 5;
        int bits = memory.readInt(bitmap + 4L * word) & -1 << (from & 31);
        while (bits == 0) {
            if (++word >= slots + 31 >>> 5) {
                return -1;
            }
            bits = memory.readInt(bitmap + 4L * word);
        }
        return (word << 5) + Integer.numberOfTrailingZeros(bits);
    }

    private long lookupFor(int units) {
        long lookup = memory.readLong(heap.address() + HeapLayout.BLOCKS_INDEX);
        while (units >= arraySize(lookup)) {
            long extended = extended(lookup);
            if (extended == 0) {
                break;
            }
            lookup = extended;
        }
        return lookup;
    }

    private int slot(long lookup, int units) {
        return Math.min(units, arraySize(lookup) - 1);
    }

    private long hint(long lookup, int index) {
        return memory.readLong(memory.readLong(lookup + HeapListLookupLayout.LIST_HINTS) + 8L * index);
    }

    private void setHint(long lookup, int index, long link) {
        memory.writeLong(memory.readLong(lookup + HeapListLookupLayout.LIST_HINTS) + 8L * index, link);
        long word = memory.readLong(lookup + HeapListLookupLayout.LISTS_IN_USE_ULONG) + 4L * (index >>> 5);
        int bit = 1 << (index & 31);
        int bits = memory.readInt(word);
        int now = link != 0 ? bits | bit : bits & ~bit;
        if (now != bits) {
            memory.writeInt(word, now);
        }
    }

    private int arraySize(long lookup) {
        return memory.readInt(lookup + HeapListLookupLayout.ARRAY_SIZE);
    }

    private int baseIndex(long lookup) {
        return memory.readInt(lookup + HeapListLookupLayout.BASE_INDEX);
    }

    private long extended(long lookup) {
        return memory.readLong(lookup + HeapListLookupLayout.EXTENDED_LOOKUP);
    }

    private int unitsAt(long link) {
        return BlockHeader.units(heap.soundHeader(link - LINK));
    }
}
