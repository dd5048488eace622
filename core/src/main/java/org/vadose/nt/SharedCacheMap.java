package org.vadose.nt;

import org.vadose.layout.SharedCacheMapLayout;
import org.vadose.memory.Memory;

/**
 * What the cache manager knows of one file, whoever has it open ({@code _SHARED_CACHE_MAP}). Views of the file, each a
 * {@link Vacb}, are found by their number through {@code Vacbs}:
 *
 * <pre>
 *   section up to   Vacbs points to
 *   1 MB            InitialVacbs, 4 pointers in the structure itself
 *   32 MB           128 pointers in nonpaged pool
 *   4 GB, ...       128 pointers to such arrays, and so on for each seven bits more
 * </pre>
 */
public record SharedCacheMap(Memory memory, long address) {
    public static final long SIZE = SharedCacheMapLayout.SIZE;
    /** {@code CACHE_NTC_SHARED_CACHE_MAP}. */
    public static final int NODE_TYPE = 0x2FF;

    /** Of {@link #flags}: it is on the partition's list of dirty files. That this is the bit is inferred. */
    public static final int ON_DIRTY_LIST = 0x20;

    /** Pointers in one level of the index. */
    public static final int LEVEL_ENTRIES = 128;

    public static final long LEVEL_BYTES = LEVEL_ENTRIES * (long) Long.BYTES;
    /** Pointers in the structure itself. */
    public static final int INITIAL_ENTRIES = 4;

    private static final int LEVEL_SHIFT = 7;
    private static final long FAST_REFERENCE_BITS = 0xF;

    public static SharedCacheMap ofLinks(Memory memory, long links) {
        return new SharedCacheMap(memory, links - SharedCacheMapLayout.SHARED_CACHE_MAP_LINKS);
    }

    /** Fills a structure of zeros. */
    public void initialize(long fileObject) {
        memory.writeShort(address + SharedCacheMapLayout.NODE_TYPE_CODE, (short) NODE_TYPE);
        memory.writeShort(address + SharedCacheMapLayout.NODE_BYTE_SIZE, (short) SIZE);
        memory.writeLong(address + SharedCacheMapLayout.FILE_OBJECT_FAST_REF, fileObject | FAST_REFERENCE_BITS);
        memory.writeLong(address + SharedCacheMapLayout.VACBS, initialVacbs());
        new ListEntry(memory, address + SharedCacheMapLayout.BCB_LIST).initialize();
        new ListEntry(memory, address + SharedCacheMapLayout.LOGGED_STREAM_LINKS).initialize();
        privateMaps().initialize();
        links().initialize();
    }

    public int flags() {
        return memory.readInt(address + SharedCacheMapLayout.FLAGS);
    }

    /** @param flags {@link #ON_DIRTY_LIST} */
    public void setFlags(int flags) {
        memory.writeInt(address + SharedCacheMapLayout.FLAGS, flags);
    }

    public int nodeType() {
        return memory.readUnsignedShort(address + SharedCacheMapLayout.NODE_TYPE_CODE);
    }

    /** File objects that have the file open and cached. */
    public int openCount() {
        return memory.readInt(address + SharedCacheMapLayout.OPEN_COUNT);
    }

    public void addOpen(int delta) {
        memory.writeInt(address + SharedCacheMapLayout.OPEN_COUNT, openCount() + delta);
    }

    /** Bytes in the file. */
    public long fileSize() {
        return memory.readLong(address + SharedCacheMapLayout.FILE_SIZE);
    }

    /** Bytes up to which the file was ever written. */
    public long validDataLength() {
        return memory.readLong(address + SharedCacheMapLayout.VALID_DATA_LENGTH);
    }

    /** Sets both, since files of this system are valid to their end. */
    public void setFileSize(long bytes) {
        memory.writeLong(address + SharedCacheMapLayout.FILE_SIZE, bytes);
        memory.writeLong(address + SharedCacheMapLayout.VALID_DATA_LENGTH, bytes);
        memory.writeLong(address + SharedCacheMapLayout.VALID_DATA_GOAL, bytes);
    }

    /** Bytes that views can show, a multiple of a view. */
    public long sectionSize() {
        return memory.readLong(address + SharedCacheMapLayout.SECTION_SIZE);
    }

    public void setSectionSize(long bytes) {
        memory.writeLong(address + SharedCacheMapLayout.SECTION_SIZE, bytes);
    }

    /** The {@code _FILE_OBJECT} through which the file is read and written. */
    public long fileObject() {
        return memory.readLong(address + SharedCacheMapLayout.FILE_OBJECT_FAST_REF) & ~FAST_REFERENCE_BITS;
    }

    /** Body of the section object. */
    public long section() {
        return memory.readLong(address + SharedCacheMapLayout.SECTION);
    }

    public void setSection(long body) {
        memory.writeLong(address + SharedCacheMapLayout.SECTION, body);
    }

    public long partition() {
        return memory.readLong(address + SharedCacheMapLayout.PARTITION);
    }

    public void setPartition(long partition) {
        memory.writeLong(address + SharedCacheMapLayout.PARTITION, partition);
    }

    /** Pages written through the cache and not yet to the file. */
    public long dirtyPages() {
        return memory.readUnsignedInt(address + SharedCacheMapLayout.DIRTY_PAGES);
    }

    public void setDirtyPages(long pages) {
        memory.writeInt(address + SharedCacheMapLayout.DIRTY_PAGES, (int) pages);
    }

    /** The {@code _MBCB} that says which pages are dirty; 0 until the first one is. */
    public long mbcb() {
        return memory.readLong(address + SharedCacheMapLayout.MBCB);
    }

    public void setMbcb(long mbcb) {
        memory.writeLong(address + SharedCacheMapLayout.MBCB, mbcb);
    }

    /** Status of the last write behind, as an {@code NTSTATUS}. */
    public int status() {
        return memory.readInt(address + SharedCacheMapLayout.STATUS);
    }

    public void setStatus(int status) {
        memory.writeInt(address + SharedCacheMapLayout.STATUS, status);
    }

    /** Counts a pass of the lazy writer. */
    public void countPass() {
        long at = address + SharedCacheMapLayout.LAZY_WRITE_PASS_COUNT;
        memory.writeInt(at, memory.readInt(at) + 1);
    }

    /** Its link in the partition's list of clean or of dirty files. */
    public ListEntry links() {
        return new ListEntry(memory, address + SharedCacheMapLayout.SHARED_CACHE_MAP_LINKS);
    }

    /** Head of the {@code _PRIVATE_CACHE_MAP}s, one for each open file object. */
    public ListEntry privateMaps() {
        return new ListEntry(memory, address + SharedCacheMapLayout.PRIVATE_LIST);
    }

    /** The first of them is part of the structure. */
    public long embeddedPrivateMap() {
        return address + SharedCacheMapLayout.PRIVATE_CACHE_MAP;
    }

    public int mappedVacbs() {
        return memory.readInt(address + SharedCacheMapLayout.NUM_MAPPED_VACB);
    }

    public void addMappedVacbs(int delta) {
        memory.writeInt(address + SharedCacheMapLayout.NUM_MAPPED_VACB, mappedVacbs() + delta);
    }

    // --- the index of views ---

    public long initialVacbs() {
        return address + SharedCacheMapLayout.INITIAL_VACBS;
    }

    public long vacbs() {
        return memory.readLong(address + SharedCacheMapLayout.VACBS);
    }

    public void setVacbs(long top) {
        memory.writeLong(address + SharedCacheMapLayout.VACBS, top);
    }

    /** Levels of the index for so large a section: 0 when the initial pointers suffice. */
    public static int levels(long sectionBytes) {
        if (sectionBytes <= (long) INITIAL_ENTRIES << Vacb.VIEW_SHIFT) {
            return 0;
        }
        int levels = 1;
        while (sectionBytes > 1L << Vacb.VIEW_SHIFT + LEVEL_SHIFT * levels) {
            levels++;
        }
        return levels;
    }

    /** Index, in its array of a level (1 is that of the pointers to VACBs), of a view's pointer. */
    public static int index(int level, long view) {
        return (int) (view >>> LEVEL_SHIFT * (level - 1)) & LEVEL_ENTRIES - 1;
    }

    /** Address of the pointer to a view's VACB; 0 when an array of the index is not there. */
    public long slot(long view) {
        int levels = levels(sectionSize());
        if (levels == 0) {
            return initialVacbs() + view * Long.BYTES;
        }
        long array = vacbs();
        for (int level = levels; level > 1 && array != 0; level--) {
            array = memory.readLong(array + index(level, view) * (long) Long.BYTES);
        }
        return array == 0 ? 0 : array + index(1, view) * (long) Long.BYTES;
    }

    /** The VACB that shows a view of the file; 0 for none. */
    public long vacb(long view) {
        long slot = slot(view);
        return slot == 0 ? 0 : memory.readLong(slot);
    }
}
