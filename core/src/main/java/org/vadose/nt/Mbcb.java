package org.vadose.nt;

import org.vadose.layout.BitmapRangeLayout;
import org.vadose.layout.MbcbLayout;
import org.vadose.memory.Memory;

/**
 * Which pages of a file were written through the cache and not yet to the file ({@code _MBCB}): a list, by page, of
 * {@code _BITMAP_RANGE}s with a bit for each page. Three of them are part of the structure.
 */
public record Mbcb(Memory memory, long address) {
    public static final long SIZE = MbcbLayout.SIZE;
    /** {@code CACHE_NTC_MBCB}. */
    public static final int NODE_TYPE = 0x2FB;

    /** Ranges that are part of the structure. */
    public static final int OWN_RANGES = 3;

    /** Bytes of a range's bitmap. That it is so many is ours. */
    public static final long BITMAP_BYTES = 512;

    /** Pages of a range. */
    public static final long RANGE_PAGES = BITMAP_BYTES * 8;

    private static final long[] OWN = {MbcbLayout.BITMAP_RANGE1, MbcbLayout.BITMAP_RANGE2, MbcbLayout.BITMAP_RANGE3};

    /** Fills a structure of zeros. */
    public void initialize() {
        memory.writeShort(address + MbcbLayout.NODE_TYPE_CODE, (short) NODE_TYPE);
        ranges().initialize();
    }

    /** Head of the ranges, in order of their pages. */
    public ListEntry ranges() {
        return new ListEntry(memory, address + MbcbLayout.BITMAP_RANGES);
    }

    /** A range that is part of the structure. */
    public Range own(int index) {
        return new Range(memory, address + OWN[index]);
    }

    public boolean isOwn(Range range) {
        return range.address() > address && range.address() < address + SIZE;
    }

    public long dirtyPages() {
        return memory.readUnsignedInt(address + MbcbLayout.DIRTY_PAGES);
    }

    public void addDirtyPages(long delta) {
        memory.writeInt(address + MbcbLayout.DIRTY_PAGES, (int) (dirtyPages() + delta));
    }

    /** A run of pages, {@code _BITMAP_RANGE}. */
    public record Range(Memory memory, long address) {
        public static final long SIZE = BitmapRangeLayout.SIZE;

        public long firstPage() {
            return memory.readLong(address + BitmapRangeLayout.BASE_PAGE);
        }

        public long bitmap() {
            return memory.readLong(address + BitmapRangeLayout.BITMAP);
        }

        public void initialize(long firstPage, long bitmap) {
            memory.writeLong(address + BitmapRangeLayout.BASE_PAGE, firstPage);
            memory.writeLong(address + BitmapRangeLayout.BITMAP, bitmap);
            memory.writeInt(address + BitmapRangeLayout.FIRST_DIRTY_PAGE, -1);
            memory.writeInt(address + BitmapRangeLayout.LAST_DIRTY_PAGE, 0);
        }

        public long dirtyPages() {
            return memory.readUnsignedInt(address + BitmapRangeLayout.DIRTY_PAGES);
        }

        /** Lowest page, counted in the range, that may be dirty; behind {@link #lastDirty} when none is. */
        public long firstDirty() {
            return memory.readUnsignedInt(address + BitmapRangeLayout.FIRST_DIRTY_PAGE);
        }

        public long lastDirty() {
            return memory.readUnsignedInt(address + BitmapRangeLayout.LAST_DIRTY_PAGE);
        }

        public boolean isDirty(long page) {
            return (memory.readByte(bitmap() + (page >>> 3)) >>> (int) (page & 7) & 1) != 0;
        }

        /**
         * Marks a page, counted in the range.
         *
         * @return whether that changed anything
         */
        public boolean set(long page, boolean dirty) {
            long at = bitmap() + (page >>> 3);
            int bit = 1 << (int) (page & 7);
            int old = memory.readByte(at);
            if ((old & bit) != 0 == dirty) {
                return false;
            }
            memory.writeByte(at, (byte) (old ^ bit));
            long pages = dirtyPages() + (dirty ? 1 : -1);
            memory.writeInt(address + BitmapRangeLayout.DIRTY_PAGES, (int) pages);
            if (dirty) {
                memory.writeInt(address + BitmapRangeLayout.FIRST_DIRTY_PAGE, (int) Math.min(firstDirty(), page));
                memory.writeInt(address + BitmapRangeLayout.LAST_DIRTY_PAGE, (int) Math.max(lastDirty(), page));
            } else if (pages == 0) {
                memory.writeInt(address + BitmapRangeLayout.FIRST_DIRTY_PAGE, -1);
                memory.writeInt(address + BitmapRangeLayout.LAST_DIRTY_PAGE, 0);
            }
            return true;
        }
    }
}
