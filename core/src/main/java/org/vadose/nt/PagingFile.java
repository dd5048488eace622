package org.vadose.nt;

import org.vadose.layout.MiPagingFileSpaceBitmapsLayout;
import org.vadose.layout.MmpagingFileLayout;
import org.vadose.layout.RtlBitmapLayout;
import org.vadose.memory.Memory;

/**
 * A page file ({@code _MMPAGING_FILE}); all sizes are pages. A slot holds one page; a set bit of the bitmap says that the slot is
 * taken. Slot 0 is never given out, so that no page-file PTE looks like a demand-zero one.
 */
public record PagingFile(Memory memory, long address) {
    public static final long SIZE = MmpagingFileLayout.SIZE;
    public static final long BITMAPS_SIZE = MiPagingFileSpaceBitmapsLayout.SIZE;

    public long size() {
        return memory.readLong(address + MmpagingFileLayout.SIZE_FIELD);
    }

    public void setSize(long pages) {
        memory.writeLong(address + MmpagingFileLayout.SIZE_FIELD, pages);
        memory.writeLong(address + MmpagingFileLayout.HIGHEST_PAGE, pages - 1);
    }

    public long minimumSize() {
        return memory.readLong(address + MmpagingFileLayout.MINIMUM_SIZE);
    }

    public long maximumSize() {
        return memory.readLong(address + MmpagingFileLayout.MAXIMUM_SIZE);
    }

    public void setLimits(long minimum, long maximum) {
        memory.writeLong(address + MmpagingFileLayout.MINIMUM_SIZE, minimum);
        memory.writeLong(address + MmpagingFileLayout.MAXIMUM_SIZE, maximum);
    }

    /** Slots that are not taken. */
    public long freeSpace() {
        return memory.readLong(address + MmpagingFileLayout.FREE_SPACE);
    }

    /** Changes the number of free slots, and the peak of those in use with it. */
    public void addFreeSpace(long delta) {
        long free = freeSpace() + delta;
        memory.writeLong(address + MmpagingFileLayout.FREE_SPACE, free);
        long used = size() - free;
        if (used > peakUsage()) {
            memory.writeLong(address + MmpagingFileLayout.PEAK_USAGE, used);
        }
    }

    public long peakUsage() {
        return memory.readLong(address + MmpagingFileLayout.PEAK_USAGE);
    }

    /** Where the next search for free slots begins. */
    public long allocationHint() {
        return memory.readUnsignedInt(address + MmpagingFileLayout.ALLOCATION_BITMAP_HINT);
    }

    public void setAllocationHint(long slot) {
        memory.writeInt(address + MmpagingFileLayout.ALLOCATION_BITMAP_HINT, (int) slot);
    }

    /** Its index among the page files, as page-file PTEs name it. */
    public int number() {
        return memory.readUnsignedShort(address + MmpagingFileLayout.PAGE_FILE_NUMBER)
                & (int) MmpagingFileLayout.PAGE_FILE_NUMBER_MASK;
    }

    public void setNumber(int number) {
        memory.writeShort(address + MmpagingFileLayout.PAGE_FILE_NUMBER, (short) number);
    }

    /** Whether its slots stand for pages in the compression store. */
    public boolean isVirtualStore() {
        return (memory.readUnsignedShort(address + MmpagingFileLayout.VIRTUAL_STORE_PAGEFILE)
                                >>> MmpagingFileLayout.VIRTUAL_STORE_PAGEFILE_SHIFT
                        & MmpagingFileLayout.VIRTUAL_STORE_PAGEFILE_MASK)
                != 0;
    }

    public void setVirtualStore() {
        long at = address + MmpagingFileLayout.VIRTUAL_STORE_PAGEFILE;
        memory.writeShort(
                at, (short) (memory.readUnsignedShort(at) | 1 << MmpagingFileLayout.VIRTUAL_STORE_PAGEFILE_SHIFT));
    }

    public UnicodeString name() {
        return new UnicodeString(memory, address + MmpagingFileLayout.PAGE_FILE_NAME);
    }

    /** The {@code _FILE_OBJECT}, 0 for none. */
    public long fileObject() {
        return memory.readLong(address + MmpagingFileLayout.FILE);
    }

    public void setFileObject(long file) {
        memory.writeLong(address + MmpagingFileLayout.FILE, file);
    }

    /** Address of the {@code _MI_PAGING_FILE_SPACE_BITMAPS}. */
    public long bitmaps() {
        return memory.readLong(address + MmpagingFileLayout.BITMAPS);
    }

    public void setBitmaps(long bitmaps) {
        memory.writeLong(address + MmpagingFileLayout.BITMAPS, bitmaps);
    }

    /** Address of the bits, 64-bit words of them, rising. */
    public long bits() {
        return memory.readLong(allocationBitmap() + RtlBitmapLayout.BUFFER);
    }

    public void setBits(long bits, long count) {
        memory.writeLong(allocationBitmap() + RtlBitmapLayout.BUFFER, bits);
        memory.writeInt(allocationBitmap() + RtlBitmapLayout.SIZE_OF_BIT_MAP, (int) count);
    }

    private long allocationBitmap() {
        return bitmaps() + MiPagingFileSpaceBitmapsLayout.ALLOCATION_BITMAP;
    }

    public boolean isTaken(long slot) {
        return (memory.readLong(bits() + (slot >>> 6 << 3)) >>> slot & 1) != 0;
    }
}
