package org.vadose.nt;

import org.vadose.memory.Memory;

/**
 * A store of compressed pages ({@code _SMKM_STORE}). Up to {@code +19C0} as published for build 19041 (see {@link StoreManager}); what
 * was not published is zero. Behind that, in the part marked so, is our own book-keeping.
 *
 * <pre>
 *   _SMKM_STORE  +0050 _ST_DATA_MGR
 *                        +000 root of a B+ tree: page key -> record number
 *                        +0C0 _SMHP_CHUNK_METADATA: +000 32 rows of chunks, row n has 2^n entries of 16 bytes, each a chunk's address
 *                             +108 8: bits of a record number below the chunk's  +10C 0xFF  +110 12 bytes a record  +118 16: header
 *                        +320 _SMKM_STORE   +328 region's units - 1   +32C 13: bits of a location below the region's
 *                        +3E0 3: COMPRESSION_FORMAT_XPRESS
 *                +1848 regions: addresses in the owner's user space, 0 for none
 *                +19B8 owner's _EPROCESS, MemCompression
 *                +1A00 own: see {@link Own}
 *   _ST_PAGE_RECORD  +0 location: region, unit of 16 bytes   +4 compressed bytes, 4096: not compressed   +8 own: page key
 * </pre>
 *
 * A chunk's number has its row as its highest bit: chunk 1 is row 0, chunks 2 and 3 are row 1. There is no chunk 0.
 */
public record CompressedStore(Memory memory, long address) {
    public static final long SIZE = 0x2000;
    public static final int UNIT = 16;
    public static final int REGION_SHIFT = 13;
    public static final int REGION_UNITS = 1 << REGION_SHIFT;
    public static final int REGION_BYTES = REGION_UNITS * UNIT;
    public static final int RECORD_BYTES = 12;
    public static final int RECORD_SHIFT = 8;
    public static final int RECORDS_OF_CHUNK = 1 << RECORD_SHIFT;
    public static final int CHUNK_HEADER = 16;
    public static final int CHUNK_ENTRY = 16;
    public static final int ROWS = 32;
    /** Location of a record that only names another one; we make none. */
    public static final int NO_LOCATION = -1;

    private static final long DATA_MANAGER = 0x50;
    private static final long PAGES_TREE = DATA_MANAGER;
    private static final long CHUNKS = DATA_MANAGER + 0xC0;
    private static final long CHUNK_SHIFT = CHUNKS + 0x108;
    private static final long CHUNK_RECORDS_MASK = CHUNKS + 0x10C;
    private static final long CHUNK_RECORD_BYTES = CHUNKS + 0x110;
    private static final long CHUNK_HEADER_BYTES = CHUNKS + 0x118;
    private static final long STORE = DATA_MANAGER + 0x320;
    private static final long REGION_MASK = DATA_MANAGER + 0x328;
    private static final long REGION_BITS = DATA_MANAGER + 0x32C;
    private static final long ALGORITHM = DATA_MANAGER + 0x3E0;
    private static final long REGIONS = 0x1848;
    private static final long OWNER = 0x19B8;
    private static final int XPRESS = 3;

    /** Our own fields, by their offset. */
    public enum Own {
        /** Regions that there can be. */
        MOST_REGIONS(0x1A00),
        /** For every region 16 bytes: units in use (4), address of its bitmap or 0 (8, at 8). */
        REGION_STATES(0x1A08),
        /** Chunks made, from 1 on. */
        CHUNKS_MADE(0x1A10),
        /** First free record; the others follow by page key. 0 is none. */
        FREE_RECORD(0x1A18),
        /** Spare pages for nodes, chunks and bitmaps: first one, linked by their first 8 bytes. */
        SPARE_PAGES(0x1A20),
        SPARE_COUNT(0x1A28),
        /** Pages in the store, and what they take compressed. */
        PAGES(0x1A30),
        COMPRESSED_BYTES(0x1A38),
        /** Since boot: pages stored, fetched again, refused because they hardly get smaller. */
        STORED(0x1A40),
        FETCHED(0x1A48),
        REFUSED(0x1A50),
        REGIONS_IN_USE(0x1A58),
        /** Regions in use that hold nothing. */
        EMPTY_REGIONS(0x1A60);

        private final long offset;

        Own(long offset) {
            this.offset = offset;
        }
    }

    /** Writes what never changes. */
    public void initialize(long owner) {
        memory.fill(address, SIZE, (byte) 0);
        memory.writeInt(address + CHUNK_SHIFT, RECORD_SHIFT);
        memory.writeInt(address + CHUNK_RECORDS_MASK, RECORDS_OF_CHUNK - 1);
        memory.writeInt(address + CHUNK_RECORD_BYTES, RECORD_BYTES);
        memory.writeInt(address + CHUNK_HEADER_BYTES, CHUNK_HEADER);
        memory.writeLong(address + STORE, address);
        memory.writeInt(address + REGION_MASK, REGION_UNITS - 1);
        memory.writeInt(address + REGION_BITS, REGION_SHIFT);
        memory.writeShort(address + ALGORITHM, (short) XPRESS);
        memory.writeLong(address + OWNER, owner);
    }

    public long get(Own field) {
        return memory.readLong(address + field.offset);
    }

    public void set(Own field, long value) {
        memory.writeLong(address + field.offset, value);
    }

    public void add(Own field, long delta) {
        set(field, get(field) + delta);
    }

    /** Address of the field that points to the root of the tree of pages. */
    public long pagesTreeField() {
        return address + PAGES_TREE;
    }

    public long pagesTree() {
        return memory.readLong(pagesTreeField());
    }

    public boolean isXpress() {
        return memory.readShort(address + ALGORITHM) == XPRESS;
    }

    /** The {@code _EPROCESS} whose user space holds the regions. */
    public long owner() {
        return memory.readLong(address + OWNER);
    }

    public void setRow(int row, long chunks) {
        memory.writeLong(address + CHUNKS + 8L * row, chunks);
    }

    /** Where a chunk's address stands; 0 when there is no such row. */
    private long chunkEntry(int chunk) {
        int row = 31 - Integer.numberOfLeadingZeros(chunk);
        if (row < 0) {
            return 0;
        }
        long chunks = memory.readLong(address + CHUNKS + 8L * row);
        return chunks == 0 ? 0 : chunks + (long) (chunk ^ 1 << row) * CHUNK_ENTRY;
    }

    public void setChunk(int chunk, long page) {
        memory.writeLong(chunkEntry(chunk), page);
    }

    /** The record of a number, by the sizes that the store itself tells; 0 for none. */
    public long record(int number) {
        long entry = chunkEntry(number >>> memory.readInt(address + CHUNK_SHIFT));
        long chunk = entry == 0 ? 0 : memory.readLong(entry);
        if (chunk == 0) {
            return 0;
        }
        int index = number & memory.readInt(address + CHUNK_RECORDS_MASK);
        return chunk
                + memory.readInt(address + CHUNK_HEADER_BYTES)
                + (long) index * memory.readInt(address + CHUNK_RECORD_BYTES);
    }

    public int location(long record) {
        return memory.readInt(record);
    }

    public int compressedBytes(long record) {
        return memory.readUnsignedShort(record + 4);
    }

    public int pageKey(long record) {
        return memory.readInt(record + 8);
    }

    public void setRecord(long record, int location, int compressedBytes, int pageKey) {
        memory.writeInt(record, location);
        memory.writeInt(record + 4, compressedBytes);
        memory.writeInt(record + 8, pageKey);
    }

    public void setRegions(long regions) {
        memory.writeLong(address + REGIONS, regions);
    }

    /** Address of a region in the owner's user space, 0 for none. */
    public long region(int index) {
        return memory.readLong(memory.readLong(address + REGIONS) + 8L * index);
    }

    public void setRegion(int index, long base) {
        memory.writeLong(memory.readLong(address + REGIONS) + 8L * index, base);
    }

    /** Where in the owner's user space a record's bytes are; 0 when there is no such region. */
    public long dataAddress(long record) {
        int location = location(record);
        int shift = memory.readInt(address + REGION_BITS);
        long base = region(location >>> shift);
        return base == 0 ? 0 : base + (long) (location & memory.readInt(address + REGION_MASK)) * UNIT;
    }

    public long regionState(int index) {
        return get(Own.REGION_STATES) + 16L * index;
    }

    public int usedUnits(int region) {
        return memory.readInt(regionState(region));
    }

    public void addUsedUnits(int region, int delta) {
        memory.writeInt(regionState(region), usedUnits(region) + delta);
    }

    /** Address of the 1024 bytes whose bits say which units of a region are in use, 0 for none. */
    public long regionBitmap(int region) {
        return memory.readLong(regionState(region) + 8);
    }

    public void setRegionBitmap(int region, long bitmap) {
        memory.writeLong(regionState(region) + 8, bitmap);
    }
}
