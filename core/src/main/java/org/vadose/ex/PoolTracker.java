package org.vadose.ex;

import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.PoolTrackerBigPagesLayout;
import org.vadose.layout.PoolTrackerTableLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.PoolTag;

/**
 * The two tables in which Windows accounts for pool use, in RAM and reached through their global variables:
 *
 * <ul>
 *   <li>{@code PoolTrackTable}: a {@code _POOL_TRACKER_TABLE} for each tag, found by hashing the tag and probing onwards; its last
 *       entry takes the tags that find no place.
 *   <li>{@code PoolBigPageTable}: a {@code _POOL_TRACKER_BIG_PAGES} for each allocation of a page or more, found by hashing its page
 *       number. Bit 0 of {@code Va} marks an entry free; one that was used once keeps its address beside the bit, so a probe runs on
 *       over it.
 * </ul>
 *
 * Callers hold the allocator's lock.
 */
final class PoolTracker {
    private static final int TAG_SLOTS = 1024;
    private static final int FIRST_BIG_SLOTS = 1024;
    private static final int OVERFLOW_TAG = PoolTag.of("Ovfl");
    private static final int TABLE_TAG = PoolTag.of("Pool");
    private static final long ENTRY = PoolTrackerTableLayout.SIZE;
    private static final long BIG_ENTRY = PoolTrackerBigPagesLayout.SIZE;
    private static final long NEVER_USED = 1;

    private final Memory memory;
    private final PoolPages pages;
    private final long kernelBase;
    /** Caches of the global variables of the same names. */
    private long trackTable;

    private long bigTable;
    private int bigSlots;
    /** Big-page slots that are not {@link #NEVER_USED}. */
    private int bigTouched;

    PoolTracker(Memory memory, PoolPages pages, long kernelBase) {
        this.memory = memory;
        this.pages = pages;
        this.kernelBase = kernelBase;
    }

    void initialize() {
        long tagBytes = Pages.up((TAG_SLOTS + 1) * ENTRY);
        trackTable = pages.allocatePages(false, Pages.count(tagBytes));
        memory.writeInt(trackTable + TAG_SLOTS * ENTRY + PoolTrackerTableLayout.KEY, OVERFLOW_TAG);
        memory.writeLong(kernelBase + KernelSymbols.POOL_TRACK_TABLE, trackTable);
        memory.writeLong(kernelBase + KernelSymbols.POOL_TRACK_TABLE_SIZE, TAG_SLOTS + 1);
        memory.writeLong(kernelBase + KernelSymbols.POOL_TRACK_TABLE_MASK, TAG_SLOTS - 1);
        useBigTable(newBigTable(FIRST_BIG_SLOTS), FIRST_BIG_SLOTS);
        addBig(trackTable, tagBytes, false, TABLE_TAG);
        addBig(bigTable, bigBytes(bigSlots), false, TABLE_TAG);
    }

    void charge(int tag, boolean paged, long bytes) {
        long entry = entryOf(tag);
        long counts = entry + (paged ? PoolTrackerTableLayout.PAGED_BYTES : PoolTrackerTableLayout.NON_PAGED_BYTES);
        memory.writeLong(counts, memory.readLong(counts) + bytes);
        memory.writeLong(counts + 8, memory.readLong(counts + 8) + 1);
    }

    void release(int tag, boolean paged, long bytes) {
        long entry = entryOf(tag);
        long counts = entry + (paged ? PoolTrackerTableLayout.PAGED_BYTES : PoolTrackerTableLayout.NON_PAGED_BYTES);
        memory.writeLong(counts, memory.readLong(counts) - bytes);
        memory.writeLong(counts + 16, memory.readLong(counts + 16) + 1);
    }

    /** Enters a page-sized or bigger allocation and charges its tag. */
    void addBig(long address, long bytes, boolean paged, int tag) {
        if (bigTouched >= bigSlots - bigSlots / 4) {
            growBigTable();
        }
        insertBig(address, bytes, paged, tag);
        charge(tag, paged, bytes);
    }

    /**
     * Takes an allocation out and releases its charge.
     *
     * @return its bytes, its lowest bit set when it is of paged pool
     */
    long removeBig(long address) {
        long entry = findBig(address);
        if (entry == 0) {
            throw new IllegalStateException("freeing what the big-page table does not hold va=" + Hex.address(address));
        }
        long bytes = memory.readLong(entry + PoolTrackerBigPagesLayout.NUMBER_OF_BYTES);
        boolean paged = isPaged(entry);
        int tag = memory.readInt(entry + PoolTrackerBigPagesLayout.KEY);
        memory.writeLong(entry + PoolTrackerBigPagesLayout.VA, address | 1);
        addInUse(-1);
        release(tag, paged, bytes);
        return bytes | (paged ? 1 : 0);
    }

    private void insertBig(long address, long bytes, boolean paged, int tag) {
        int slot = bigSlot(address);
        long entry = bigTable + slot * BIG_ENTRY;
        long va = memory.readLong(entry + PoolTrackerBigPagesLayout.VA);
        while ((va & 1) == 0) {
            slot = (slot + 1) & (bigSlots - 1);
            entry = bigTable + slot * BIG_ENTRY;
            va = memory.readLong(entry + PoolTrackerBigPagesLayout.VA);
        }
        if (va == NEVER_USED) {
            bigTouched++;
        }
        memory.writeLong(entry + PoolTrackerBigPagesLayout.VA, address);
        memory.writeInt(entry + PoolTrackerBigPagesLayout.KEY, tag);
        memory.writeInt(
                entry + PoolTrackerBigPagesLayout.POOL_TYPE,
                (paged ? 1 : 0) << PoolTrackerBigPagesLayout.POOL_TYPE_SHIFT);
        memory.writeLong(entry + PoolTrackerBigPagesLayout.NUMBER_OF_BYTES, bytes);
        addInUse(1);
    }

    private long findBig(long address) {
        for (int slot = bigSlot(address), probes = 0; probes < bigSlots; probes++) {
            long entry = bigTable + slot * BIG_ENTRY;
            long va = memory.readLong(entry + PoolTrackerBigPagesLayout.VA);
            if (va == address) {
                return entry;
            }
            if (va == NEVER_USED) {
                return 0;
            }
            slot = (slot + 1) & (bigSlots - 1);
        }
        return 0;
    }

    private void growBigTable() {
        long oldTable = bigTable;
        int oldSlots = bigSlots;
        int inUse = memory.readInt(kernelBase + KernelSymbols.EXP_POOL_BIG_ENTRIES_IN_USE);
        // Many frees leave many used-once slots: then a fresh table of the same size is enough.
        int newSlots = inUse > oldSlots / 2 ? oldSlots * 2 : oldSlots;
        useBigTable(newBigTable(newSlots), newSlots);
        memory.writeInt(kernelBase + KernelSymbols.EXP_POOL_BIG_ENTRIES_IN_USE, 0);
        for (int i = 0; i < oldSlots; i++) {
            long entry = oldTable + i * BIG_ENTRY;
            long va = memory.readLong(entry + PoolTrackerBigPagesLayout.VA);
            if ((va & 1) == 0) {
                insertBig(
                        va,
                        memory.readLong(entry + PoolTrackerBigPagesLayout.NUMBER_OF_BYTES),
                        isPaged(entry),
                        memory.readInt(entry + PoolTrackerBigPagesLayout.KEY));
            }
        }
        removeBig(oldTable);
        insertBig(bigTable, bigBytes(newSlots), false, TABLE_TAG);
        charge(TABLE_TAG, false, bigBytes(newSlots));
        pages.freePages(false, oldTable, Pages.count(bigBytes(oldSlots)));
    }

    private long newBigTable(int slots) {
        long table = pages.allocatePages(false, Pages.count(bigBytes(slots)));
        for (int i = 0; i < slots; i++) {
            memory.writeLong(table + i * BIG_ENTRY + PoolTrackerBigPagesLayout.VA, NEVER_USED);
        }
        return table;
    }

    private void useBigTable(long table, int slots) {
        bigTable = table;
        bigSlots = slots;
        bigTouched = 0;
        memory.writeLong(kernelBase + KernelSymbols.POOL_BIG_PAGE_TABLE, table);
        memory.writeLong(kernelBase + KernelSymbols.POOL_BIG_PAGE_TABLE_SIZE, slots);
    }

    private void addInUse(int delta) {
        long at = kernelBase + KernelSymbols.EXP_POOL_BIG_ENTRIES_IN_USE;
        memory.writeInt(at, memory.readInt(at) + delta);
    }

    private boolean isPaged(long entry) {
        return (memory.readInt(entry + PoolTrackerBigPagesLayout.POOL_TYPE)
                                >>> PoolTrackerBigPagesLayout.POOL_TYPE_SHIFT
                        & 1)
                != 0;
    }

    private static long bigBytes(int slots) {
        return Pages.up(slots * BIG_ENTRY);
    }

    private int bigSlot(long address) {
        return (int) (((address >>> Pages.SHIFT) * 0x9E3779B97F4A7C15L) >>> 40) & (bigSlots - 1);
    }

    /** The entry of a tag, made if there is none yet. */
    private long entryOf(int tag) {
        int slot = (tag * 0x9E5F ^ tag >>> 15) & (TAG_SLOTS - 1);
        for (int probes = 0; probes < TAG_SLOTS; probes++) {
            long entry = trackTable + slot * ENTRY;
            int key = memory.readInt(entry + PoolTrackerTableLayout.KEY);
            if (key == tag) {
                return entry;
            }
            if (key == 0) {
                memory.writeInt(entry + PoolTrackerTableLayout.KEY, tag);
                return entry;
            }
            slot = (slot + 1) & (TAG_SLOTS - 1);
        }
        return trackTable + TAG_SLOTS * ENTRY;
    }
}
