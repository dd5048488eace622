package org.vadose.cc;

import org.vadose.ex.PoolAllocator;
import org.vadose.memory.Memory;
import org.vadose.nt.ListEntry;
import org.vadose.nt.Mbcb;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.SharedCacheMap;

/** Which pages of a file were written through the cache and not yet to the file, in its {@link Mbcb}. */
final class DirtyPages {
    private static final int TAG_MBCB = PoolTag.of("CcMb");
    private static final int TAG_BITMAP = PoolTag.of("CcBm");
    private static final int TAG_RANGE = PoolTag.of("CcBr");
    private static final int MOST_RANGES = 1 << 20;

    private final Memory memory;
    private final PoolAllocator pool;

    DirtyPages(Memory memory, PoolAllocator pool) {
        this.memory = memory;
        this.pool = pool;
    }

    /** Does something with a run of dirty pages. */
    @FunctionalInterface
    interface Run {
        /** @return whether the pages are clean now */
        boolean write(long firstPage, int count);
    }

    /**
     * Marks pages.
     *
     * @return how many were not marked before
     */
    long add(SharedCacheMap map, long firstPage, int count) {
        Mbcb mbcb = mbcb(map);
        long fresh = 0;
        long page = firstPage;
        while (page < firstPage + count) {
            Mbcb.Range range = range(mbcb, page);
            long end = Math.min(firstPage + count, range.firstPage() + Mbcb.RANGE_PAGES);
            for (; page < end; page++) {
                fresh += range.set(page - range.firstPage(), true) ? 1 : 0;
            }
        }
        mbcb.addDirtyPages(fresh);
        map.setDirtyPages(mbcb.dirtyPages());
        return fresh;
    }

    private Mbcb mbcb(SharedCacheMap map) {
        if (map.mbcb() == 0) {
            Mbcb made = new Mbcb(memory, pool.allocateZeroed(PoolType.NON_PAGED_POOL_NX, Mbcb.SIZE, TAG_MBCB));
            made.initialize();
            map.setMbcb(made.address());
        }
        return new Mbcb(memory, map.mbcb());
    }

    /** The range of a page, made if it is not there. */
    private Mbcb.Range range(Mbcb mbcb, long page) {
        long first = page / Mbcb.RANGE_PAGES * Mbcb.RANGE_PAGES;
        long head = mbcb.ranges().address();
        long at = mbcb.ranges().flink();
        while (at != head) {
            Mbcb.Range range = new Mbcb.Range(memory, at);
            if (range.firstPage() == first) {
                return range;
            }
            if (range.firstPage() > first) {
                break;
            }
            at = new ListEntry(memory, at).flink();
        }
        Mbcb.Range range = unused(mbcb);
        range.initialize(first, pool.allocateZeroed(PoolType.NON_PAGED_POOL_NX, Mbcb.BITMAP_BYTES, TAG_BITMAP));
        new ListEntry(memory, at).insertTail(range.address());
        return range;
    }

    private Mbcb.Range unused(Mbcb mbcb) {
        for (int i = 0; i < Mbcb.OWN_RANGES; i++) {
            if (mbcb.own(i).bitmap() == 0) {
                return mbcb.own(i);
            }
        }
        return new Mbcb.Range(memory, pool.allocateZeroed(PoolType.NON_PAGED_POOL_NX, Mbcb.Range.SIZE, TAG_RANGE));
    }

    /**
     * Goes through the dirty pages from one on, in order and in runs; those that were written are clean afterwards.
     *
     * @param endPage behind the last page to look at
     * @param mostInRun of pages handed over at once
     * @return pages that became clean
     */
    long drain(SharedCacheMap map, long firstPage, long endPage, int mostInRun, Run run) {
        if (map.mbcb() == 0 || map.dirtyPages() == 0) {
            return 0;
        }
        Mbcb mbcb = new Mbcb(memory, map.mbcb());
        long cleaned = 0;
        for (long at : mbcb.ranges().entries(MOST_RANGES)) {
            Mbcb.Range range = new Mbcb.Range(memory, at);
            long base = range.firstPage();
            long page = Math.max(firstPage - base, range.firstDirty());
            while (range.dirtyPages() != 0 && page <= range.lastDirty() && base + page < endPage) {
                int count = 0;
                while (count < mostInRun
                        && page + count <= range.lastDirty()
                        && base + page + count < endPage
                        && range.isDirty(page + count)) {
                    count++;
                }
                if (count > 0 && run.write(base + page, count)) {
                    for (int i = 0; i < count; i++) {
                        range.set(page + i, false);
                    }
                    mbcb.addDirtyPages(-count);
                    cleaned += count;
                }
                page += Math.max(1, count);
            }
        }
        map.setDirtyPages(mbcb.dirtyPages());
        return cleaned;
    }

    /** Gives the bookkeeping of a file back. */
    void free(SharedCacheMap map) {
        if (map.mbcb() == 0) {
            return;
        }
        Mbcb mbcb = new Mbcb(memory, map.mbcb());
        for (long at : mbcb.ranges().entries(MOST_RANGES)) {
            Mbcb.Range range = new Mbcb.Range(memory, at);
            pool.free(range.bitmap());
            if (!mbcb.isOwn(range)) {
                pool.free(at);
            }
        }
        pool.free(mbcb.address());
        map.setMbcb(0);
        map.setDirtyPages(0);
    }
}
