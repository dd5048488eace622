package org.vadose.mm;

import org.vadose.base.Hex;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.CompressedStore;
import org.vadose.nt.CompressedStore.Own;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;

/**
 * The regions of a store: private memory of its process, 128 KB each, in units of 16 bytes. A region is filled from its start;
 * when it is full, holes that fetched pages left in the emptiest one are used, or a new region is made.
 */
final class StoreRegions {
    private static final int BITMAP_BYTES = CompressedStore.REGION_UNITS / 8;
    private static final int BITMAPS_OF_PAGE = (int) Pages.SIZE / BITMAP_BYTES;
    private static final int NONE = -1;
    /** A region with so many free units is worth searching. */
    private static final int WORTH_SEARCHING = CompressedStore.REGION_UNITS / 4;

    private static final int RESERVE_AND_COMMIT = VirtualMemoryServices.MEM_COMMIT | VirtualMemoryServices.MEM_RESERVE;

    private final MemoryManager manager;
    private final Memory memory;
    private final Commit commit;
    private final CompressedStore store;
    private final StorePages pages;
    private final Region made = new Region();
    /** Hints: where the last units were taken, and what lies behind them. */
    private int current = NONE;

    private int next;

    StoreRegions(MemoryManager manager, Commit commit, CompressedStore store, StorePages pages) {
        this.manager = manager;
        this.memory = manager.kernelMemory();
        this.commit = commit;
        this.store = store;
        this.pages = pages;
    }

    /** Takes adjacent units; answers their location, or -1 when there is no room. */
    int take(int units) {
        int found = current == NONE ? NONE : search(current, next, units);
        if (found == NONE) {
            found = elsewhere(units);
        }
        if (found == NONE) {
            return NONE;
        }
        int region = found >>> CompressedStore.REGION_SHIFT;
        current = region;
        next = (found & CompressedStore.REGION_UNITS - 1) + units;
        if (store.usedUnits(region) == 0) {
            store.add(Own.EMPTY_REGIONS, -1);
        }
        mark(found, units, true);
        store.addUsedUnits(region, units);
        return found;
    }

    void free(int location, int units) {
        int region = location >>> CompressedStore.REGION_SHIFT;
        mark(location, units, false);
        store.addUsedUnits(region, -units);
        if (store.usedUnits(region) == 0) {
            store.add(Own.EMPTY_REGIONS, 1);
        }
    }

    private int elsewhere(int units) {
        int emptiest = NONE;
        int unused = NONE;
        int least = CompressedStore.REGION_UNITS - units + 1;
        int most = (int) store.get(Own.MOST_REGIONS);
        for (int i = 0; i < most; i++) {
            if (store.region(i) == 0) {
                unused = unused == NONE ? i : unused;
            } else if (store.usedUnits(i) < least) {
                least = store.usedUnits(i);
                emptiest = i;
            }
        }
        boolean isWorthIt = CompressedStore.REGION_UNITS - least >= WORTH_SEARCHING;
        int found = emptiest != NONE && isWorthIt ? search(emptiest, 0, units) : NONE;
        if (found == NONE && unused != NONE && make(unused)) {
            found = unused << CompressedStore.REGION_SHIFT;
        }
        return found == NONE && emptiest != NONE && !isWorthIt ? search(emptiest, 0, units) : found;
    }

    /** The first location with so many free units from a place in a region on, -1 if there is none. */
    private int search(int region, int from, int units) {
        if (CompressedStore.REGION_UNITS - store.usedUnits(region) < units) {
            return NONE;
        }
        long bitmap = store.regionBitmap(region);
        int start = from;
        int at = from;
        while (at < CompressedStore.REGION_UNITS) {
            long taken = memory.readLong(bitmap + (at >>> 6 << 3)) >>> at;
            int inWord = Long.SIZE - (at & Long.SIZE - 1);
            int free = Math.min(inWord, Long.numberOfTrailingZeros(taken));
            at += free;
            if (at - start >= units) {
                return region << CompressedStore.REGION_SHIFT | start;
            }
            if (free < inWord) {
                taken >>>= free;
                at += Math.min(inWord - free, Long.numberOfTrailingZeros(~taken));
                start = at;
            }
        }
        return NONE;
    }

    private void mark(int location, int units, boolean taken) {
        long bitmap = store.regionBitmap(location >>> CompressedStore.REGION_SHIFT);
        int at = location & CompressedStore.REGION_UNITS - 1;
        int end = at + units;
        while (at < end) {
            int inWord = Math.min(end - at, Long.SIZE - (at & Long.SIZE - 1));
            long mask = (inWord == Long.SIZE ? -1L : (1L << inWord) - 1) << at;
            long word = bitmap + (at >>> 6 << 3);
            long old = memory.readLong(word);
            if ((taken ? old & mask : ~old & mask) != 0) {
                throw new IllegalStateException("units of a store are taken or freed twice location="
                        + Hex.plain(location & 0xFFFF_FFFFL) + " units=" + units + " taken=" + taken);
            }
            memory.writeLong(word, taken ? old | mask : old & ~mask);
            at += inWord;
        }
    }

    /** Makes a region, if commitment allows it without page files growing for it. */
    private boolean make(int index) {
        long size = Pages.count(CompressedStore.REGION_BYTES);
        if (commit.total() + size + commit.reserve() > commit.limit()) {
            return false;
        }
        made.base = 0;
        made.sizeBytes = CompressedStore.REGION_BYTES;
        NtStatus status =
                manager.virtualMemory().allocate(owner(), made, 0, RESERVE_AND_COMMIT, PageProtection.PAGE_READWRITE);
        if (!status.isSuccess()) {
            return false;
        }
        long page = bitmapPage(index);
        long bitmap = (page == 0 ? pages.take() : page) + (long) (index & BITMAPS_OF_PAGE - 1) * BITMAP_BYTES;
        memory.fill(bitmap, BITMAP_BYTES, (byte) 0);
        store.setRegion(index, made.base);
        store.setRegionBitmap(index, bitmap);
        store.add(Own.REGIONS_IN_USE, 1);
        store.add(Own.EMPTY_REGIONS, 1);
        return true;
    }

    private Eprocess owner() {
        return new Eprocess(memory, store.owner());
    }

    /** The page that holds bitmaps of this region's neighbours, 0 when there are none. */
    private long bitmapPage(int index) {
        int first = index & -BITMAPS_OF_PAGE;
        int most = (int) store.get(Own.MOST_REGIONS);
        for (int i = first; i < Math.min(most, first + BITMAPS_OF_PAGE); i++) {
            if (store.regionBitmap(i) != 0) {
                return Pages.down(store.regionBitmap(i));
            }
        }
        return 0;
    }

    /** Gives empty regions' memory back, but for one. */
    void freeEmpty() {
        int most = (int) store.get(Own.MOST_REGIONS);
        for (int i = 0; i < most && store.get(Own.EMPTY_REGIONS) > 1; i++) {
            if (store.region(i) != 0 && store.usedUnits(i) == 0 && i != current) {
                made.base = store.region(i);
                made.sizeBytes = 0;
                long bitmap = store.regionBitmap(i);
                store.setRegion(i, 0);
                store.setRegionBitmap(i, 0);
                store.add(Own.REGIONS_IN_USE, -1);
                store.add(Own.EMPTY_REGIONS, -1);
                if (bitmapPage(i) == 0) {
                    pages.give(Pages.down(bitmap));
                }
                manager.virtualMemory().free(owner(), made, VirtualMemoryServices.MEM_RELEASE);
            }
        }
    }
}
