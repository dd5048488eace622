package org.vadose.cc;

import org.jspecify.annotations.Nullable;
import org.vadose.ex.PoolAllocator;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.VacbArrayHeaderLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.SystemCache;
import org.vadose.nt.ListEntry;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.Section;
import org.vadose.nt.SharedCacheMap;
import org.vadose.nt.Vacb;

/**
 * The views of the system cache and which file each shows. Their number is bounded: when all are in use, the one that was mapped
 * longest ago shows something else.
 */
final class CacheViews {
    private static final int TAG_ARRAY = PoolTag.of("CcVa");
    private static final int TAG_ARRAYS = PoolTag.of("CcVp");
    private static final int TAG_LEVEL = PoolTag.of("CcVl");

    private final Memory memory;
    private final PoolAllocator pool;
    private final SystemCache cache;
    private final long kernelBase;
    private final int mostArrays;
    /** Number of the view that is given up next. */
    private int hand;

    CacheViews(Memory memory, PoolAllocator pool, SystemCache cache, long kernelBase) {
        this.memory = memory;
        this.pool = pool;
        this.cache = cache;
        this.kernelBase = kernelBase;
        this.mostArrays = (int) Math.ceilDiv(cache.mostViews(), Vacb.IN_ARRAY);
    }

    /** At boot. */
    void initialize() {
        long arrays = pool.allocateZeroed(PoolType.NON_PAGED_POOL_NX, (long) mostArrays * Long.BYTES, TAG_ARRAYS);
        memory.writeLong(kernelBase + KernelSymbols.CC_VACB_ARRAYS, arrays);
        freeList().initialize();
    }

    private ListEntry freeList() {
        return new ListEntry(memory, kernelBase + KernelSymbols.CC_VACB_FREE_LIST);
    }

    private int arrays() {
        return memory.readInt(kernelBase + KernelSymbols.CC_VACB_ARRAYS_ALLOCATED);
    }

    private Vacb vacb(int number) {
        long arrays = memory.readLong(kernelBase + KernelSymbols.CC_VACB_ARRAYS);
        long array = memory.readLong(arrays + number / Vacb.IN_ARRAY * (long) Long.BYTES);
        return Vacb.at(memory, array, number % Vacb.IN_ARRAY);
    }

    private void count(long symbol, int delta) {
        memory.writeInt(kernelBase + symbol, memory.readInt(kernelBase + symbol) + delta);
    }

    /**
     * The view that shows a part of a file, mapped if it is not.
     *
     * @param number of the part, counted in views from the start of the file
     * @return null for a part behind the section, and when there is no RAM for a first view
     */
    @Nullable Vacb get(SharedCacheMap map, long number) {
        if (number >= map.sectionSize() >>> Vacb.VIEW_SHIFT) {
            return null;
        }
        long known = map.vacb(number);
        return known != 0 ? new Vacb(memory, known) : map(map, number);
    }

    private @Nullable Vacb map(SharedCacheMap map, long number) {
        Vacb view = cache.hasRoom() ? take() : null;
        if (view == null) {
            return null;
        }
        long offset = number * Vacb.VIEW_BYTES;
        cache.map(view.baseAddress(), controlArea(map), offset);
        view.setSharedCacheMap(map.address());
        view.setFileOffset(offset);
        memory.writeLong(slot(map, number), view.address());
        map.addMappedVacbs(1);
        count(KernelSymbols.CC_NUMBER_OF_MAPPED_VACBS, 1);
        count(view, 1);
        return view;
    }

    private void count(Vacb view, int delta) {
        long at = view.arrayHead() + VacbArrayHeaderLayout.MAPPING_COUNT;
        memory.writeInt(at, memory.readInt(at) + delta);
    }

    private long controlArea(SharedCacheMap map) {
        return new Section(memory, map.section()).controlArea().address();
    }

    private @Nullable Vacb take() {
        if (freeList().isEmpty() && !addArray() && !recycle()) {
            return null;
        }
        Vacb view = Vacb.ofLinks(memory, freeList().flink());
        view.links().remove();
        count(KernelSymbols.CC_NUMBER_OF_FREE_VACBS, -1);
        return view;
    }

    private boolean addArray() {
        int index = arrays();
        if (index == mostArrays || !cache.reserve(Vacb.IN_ARRAY)) {
            return false;
        }
        long array = pool.allocateZeroed(PoolType.NON_PAGED_POOL_NX, Vacb.ARRAY_BYTES, TAG_ARRAY);
        memory.writeInt(array + VacbArrayHeaderLayout.VACB_ARRAY_INDEX, index);
        memory.writeInt(array + VacbArrayHeaderLayout.HIGHEST_MAPPED_INDEX, Vacb.IN_ARRAY - 1);
        for (int i = 0; i < Vacb.IN_ARRAY; i++) {
            Vacb view = Vacb.at(memory, array, i);
            view.setArrayHead(array);
            view.setBaseAddress(cache.base() + ((long) index * Vacb.IN_ARRAY + i) * Vacb.VIEW_BYTES);
            freeList().insertTail(view.links().address());
        }
        long arrays = memory.readLong(kernelBase + KernelSymbols.CC_VACB_ARRAYS);
        memory.writeLong(arrays + index * (long) Long.BYTES, array);
        count(KernelSymbols.CC_VACB_ARRAYS_ALLOCATED, 1);
        memory.writeInt(kernelBase + KernelSymbols.CC_VACB_ARRAYS_HIGHEST_USED_INDEX, index);
        count(KernelSymbols.CC_NUMBER_OF_FREE_VACBS, Vacb.IN_ARRAY);
        return true;
    }

    /** Gives up a view that nobody uses this moment. */
    private boolean recycle() {
        int views = arrays() * Vacb.IN_ARRAY;
        for (int i = 0; i < views; i++) {
            Vacb view = vacb(hand);
            hand = (hand + 1) % views;
            if (view.sharedCacheMap() != 0 && view.activeCount() == 0) {
                unmap(view);
                return true;
            }
        }
        return false;
    }

    private void unmap(Vacb view) {
        SharedCacheMap map = new SharedCacheMap(memory, view.sharedCacheMap());
        long offset = view.fileOffset();
        cache.unmap(view.baseAddress(), controlArea(map), offset);
        memory.writeLong(map.slot(offset / Vacb.VIEW_BYTES), 0);
        map.addMappedVacbs(-1);
        count(KernelSymbols.CC_NUMBER_OF_MAPPED_VACBS, -1);
        count(view, -1);
        view.setSharedCacheMap(0);
        freeList().insertTail(view.links().address());
        count(KernelSymbols.CC_NUMBER_OF_FREE_VACBS, 1);
    }

    /** Ends all views of a file from a part of it on. */
    void unmapFrom(SharedCacheMap map, long number) {
        int levels = SharedCacheMap.levels(map.sectionSize());
        if (levels == 0) {
            unmapIn(map.initialVacbs(), 1, SharedCacheMap.INITIAL_ENTRIES, 0, number);
        } else {
            unmapIn(map.vacbs(), levels, SharedCacheMap.LEVEL_ENTRIES, 0, number);
        }
    }

    private void unmapIn(long array, int level, int entries, long firstNumber, long from) {
        long span = 1L << 7 * (level - 1);
        for (int i = 0; i < entries; i++) {
            long number = firstNumber + i * span;
            long entry = memory.readLong(array + i * (long) Long.BYTES);
            if (entry == 0 || number + span <= from) {
                continue;
            }
            if (level == 1) {
                unmap(new Vacb(memory, entry));
            } else {
                unmapIn(entry, level - 1, SharedCacheMap.LEVEL_ENTRIES, number, from);
            }
        }
    }

    /** Where the pointer to a view's VACB is, with all arrays of the index on the way. */
    private long slot(SharedCacheMap map, long number) {
        long array = map.vacbs();
        for (int level = SharedCacheMap.levels(map.sectionSize()); level > 1; level--) {
            long entry = array + SharedCacheMap.index(level, number) * (long) Long.BYTES;
            if (memory.readLong(entry) == 0) {
                memory.writeLong(entry, newLevel());
            }
            array = memory.readLong(entry);
        }
        return map.slot(number);
    }

    private long newLevel() {
        return pool.allocateZeroed(PoolType.NON_PAGED_POOL_NX, SharedCacheMap.LEVEL_BYTES, TAG_LEVEL);
    }

    /** The section has become larger: its index gets the levels that it needs. */
    void extended(SharedCacheMap map, long sectionBytes) {
        int have = SharedCacheMap.levels(map.sectionSize());
        int want = SharedCacheMap.levels(sectionBytes);
        for (int levels = have; levels < want; levels++) {
            long top = newLevel();
            if (levels == 0) {
                for (int i = 0; i < SharedCacheMap.INITIAL_ENTRIES; i++) {
                    long at = map.initialVacbs() + i * (long) Long.BYTES;
                    memory.writeLong(top + i * (long) Long.BYTES, memory.readLong(at));
                    memory.writeLong(at, 0);
                }
            } else {
                memory.writeLong(top, map.vacbs());
            }
            map.setVacbs(top);
        }
        map.setSectionSize(sectionBytes);
    }

    /** Gives the index of a file without views back. */
    void free(SharedCacheMap map) {
        int levels = SharedCacheMap.levels(map.sectionSize());
        if (levels > 0) {
            freeLevel(map.vacbs(), levels);
            map.setVacbs(map.initialVacbs());
        }
    }

    private void freeLevel(long array, int level) {
        for (int i = 0; level > 1 && i < SharedCacheMap.LEVEL_ENTRIES; i++) {
            long entry = memory.readLong(array + i * (long) Long.BYTES);
            if (entry != 0) {
                freeLevel(entry, level - 1);
            }
        }
        pool.free(array);
    }
}
