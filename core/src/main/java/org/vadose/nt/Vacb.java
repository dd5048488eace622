package org.vadose.nt;

import org.vadose.layout.VacbArrayHeaderLayout;
import org.vadose.layout.VacbLayout;
import org.vadose.memory.Memory;

/**
 * One view of a file in the system cache ({@code _VACB}), 256 KB of it. The views stand in arrays of a page of nonpaged pool
 * each, which {@code nt!CcVacbArrays} points to.
 *
 * <pre>
 * +00 BaseAddress      where the view is; stays when the view is given up
 * +08 SharedCacheMap   of the file; 0 when it is free
 * +10 Overlay          offset in the file, and in its low 16 bits how many use the view now; or links of nt!CcVacbFreeList
 * +20 ArrayHead        the _VACB_ARRAY_HEADER it stands behind
 * </pre>
 */
public record Vacb(Memory memory, long address) {
    public static final long SIZE = VacbLayout.SIZE;
    public static final int VIEW_SHIFT = 18;
    public static final long VIEW_BYTES = 1L << VIEW_SHIFT;
    /** Bytes of an array. */
    public static final long ARRAY_BYTES = 4096;
    /** Views in an array. */
    public static final int IN_ARRAY = (int) ((ARRAY_BYTES - VacbArrayHeaderLayout.SIZE) / SIZE);

    private static final long ACTIVE_MASK = 0xFFFF;

    /** The one at this place of an array. */
    public static Vacb at(Memory memory, long array, int index) {
        return new Vacb(memory, array + VacbArrayHeaderLayout.SIZE + index * SIZE);
    }

    public static Vacb ofLinks(Memory memory, long links) {
        return new Vacb(memory, links - VacbLayout.OVERLAY_LINKS);
    }

    public long baseAddress() {
        return memory.readLong(address + VacbLayout.BASE_ADDRESS);
    }

    public void setBaseAddress(long base) {
        memory.writeLong(address + VacbLayout.BASE_ADDRESS, base);
    }

    public long sharedCacheMap() {
        return memory.readLong(address + VacbLayout.SHARED_CACHE_MAP);
    }

    public void setSharedCacheMap(long map) {
        memory.writeLong(address + VacbLayout.SHARED_CACHE_MAP, map);
    }

    public long fileOffset() {
        return memory.readLong(address + VacbLayout.OVERLAY_FILE_OFFSET) & ~ACTIVE_MASK;
    }

    public int activeCount() {
        return (int) (memory.readLong(address + VacbLayout.OVERLAY_FILE_OFFSET) & ACTIVE_MASK);
    }

    public void setFileOffset(long offset) {
        memory.writeLong(address + VacbLayout.OVERLAY_FILE_OFFSET, offset);
    }

    public void addActive(int delta) {
        long at = address + VacbLayout.OVERLAY_FILE_OFFSET;
        memory.writeLong(at, memory.readLong(at) + delta);
    }

    /** Its link in the list of free ones. */
    public ListEntry links() {
        return new ListEntry(memory, address + VacbLayout.OVERLAY_LINKS);
    }

    public long arrayHead() {
        return memory.readLong(address + VacbLayout.ARRAY_HEAD);
    }

    public void setArrayHead(long header) {
        memory.writeLong(address + VacbLayout.ARRAY_HEAD, header);
    }
}
