package org.vadose.nt;

import org.vadose.layout.PrivateCacheMapFlagsLayout;
import org.vadose.layout.PrivateCacheMapLayout;
import org.vadose.memory.Memory;

/** What the cache manager remembers of the reads through one file object ({@code _PRIVATE_CACHE_MAP}). */
public record PrivateCacheMap(Memory memory, long address) {
    public static final long SIZE = PrivateCacheMapLayout.SIZE;
    /** {@code CACHE_NTC_PRIVATE_CACHE_MAP}. */
    public static final int NODE_TYPE = 0x2FE;

    public static PrivateCacheMap ofLinks(Memory memory, long links) {
        return new PrivateCacheMap(memory, links - PrivateCacheMapLayout.PRIVATE_LINKS);
    }

    /**
     * Fills a structure of zeros.
     *
     * @param granularityBytes what read-ahead is rounded to, a power of two
     */
    public void initialize(long fileObject, long granularityBytes, boolean readsAhead) {
        memory.writeInt(
                address + PrivateCacheMapLayout.FLAGS,
                NODE_TYPE | (readsAhead ? 1 << PrivateCacheMapFlagsLayout.READ_AHEAD_ENABLED_SHIFT : 0));
        memory.writeInt(address + PrivateCacheMapLayout.READ_AHEAD_MASK, (int) granularityBytes - 1);
        memory.writeLong(address + PrivateCacheMapLayout.FILE_OBJECT, fileObject);
    }

    public int nodeType() {
        return memory.readUnsignedShort(address + PrivateCacheMapLayout.NODE_TYPE_CODE);
    }

    public long fileObject() {
        return memory.readLong(address + PrivateCacheMapLayout.FILE_OBJECT);
    }

    public boolean readsAhead() {
        return (memory.readInt(address + PrivateCacheMapLayout.FLAGS)
                        & 1 << PrivateCacheMapFlagsLayout.READ_AHEAD_ENABLED_SHIFT)
                != 0;
    }

    public ListEntry links() {
        return new ListEntry(memory, address + PrivateCacheMapLayout.PRIVATE_LINKS);
    }

    /** Where the last read began. */
    public long lastOffset() {
        return memory.readLong(address + PrivateCacheMapLayout.FILE_OFFSET2);
    }

    /** Where the last read ended. */
    public long lastEnd() {
        return memory.readLong(address + PrivateCacheMapLayout.BEYOND_LAST_BYTE2);
    }

    /** Notes a read; what was the last becomes the one before. */
    public void note(long offset, long end, boolean isSequential) {
        memory.writeLong(address + PrivateCacheMapLayout.FILE_OFFSET1, lastOffset());
        memory.writeLong(address + PrivateCacheMapLayout.BEYOND_LAST_BYTE1, lastEnd());
        memory.writeLong(address + PrivateCacheMapLayout.FILE_OFFSET2, offset);
        memory.writeLong(address + PrivateCacheMapLayout.BEYOND_LAST_BYTE2, end);
        memory.writeInt(
                address + PrivateCacheMapLayout.SEQUENTIAL_READ_COUNT, isSequential ? sequentialReads() + 1 : 0);
    }

    /** Reads in a row that each began where the one before ended. */
    public int sequentialReads() {
        return memory.readInt(address + PrivateCacheMapLayout.SEQUENTIAL_READ_COUNT);
    }

    /** How far was read ahead. */
    public long readAheadEnd() {
        return memory.readLong(address + PrivateCacheMapLayout.READ_AHEAD_BEYOND_LAST_BYTE);
    }

    /** What was read ahead last. */
    public void setReadAhead(long offset, long end) {
        memory.writeLong(address + PrivateCacheMapLayout.READ_AHEAD_OFFSET, offset);
        memory.writeInt(address + PrivateCacheMapLayout.READ_AHEAD_LENGTH, (int) (end - offset));
        memory.writeLong(address + PrivateCacheMapLayout.READ_AHEAD_BEYOND_LAST_BYTE, end);
    }
}
