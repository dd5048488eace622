package org.vadose.nt;

import org.vadose.layout.PoolHeaderLayout;
import org.vadose.memory.Memory;

/**
 * The 16 bytes before every pool block of less than a page ({@code _POOL_HEADER}). Sizes are in units of 16 bytes, the header
 * included. {@code PoolType} is 0 in a free block, else 2 in nonpaged and 3 in paged pool.
 */
public record PoolHeader(Memory memory, long address) {
    /** Bytes of a header, and the unit of {@code BlockSize}. */
    public static final int UNIT = 16;

    private static final int PAGED = 1;

    /** The header of the block whose first usable byte is at {@code blockAddress}. */
    public static PoolHeader of(Memory memory, long blockAddress) {
        return new PoolHeader(memory, blockAddress - UNIT);
    }

    /** Units of the block just before this one in the page; 0 for the first. */
    public int previousUnits() {
        return memory.readUnsignedByte(address + PoolHeaderLayout.PREVIOUS_SIZE);
    }

    /** Units of this block. */
    public int units() {
        return memory.readUnsignedByte(address + PoolHeaderLayout.BLOCK_SIZE);
    }

    public boolean isFree() {
        return poolTypeByte() == 0;
    }

    public boolean isPaged() {
        return (poolTypeByte() & PAGED) != 0;
    }

    public int tag() {
        return memory.readInt(address + PoolHeaderLayout.POOL_TAG);
    }

    /** First usable byte. */
    public long block() {
        return address + UNIT;
    }

    public void setPreviousUnits(int units) {
        memory.writeByte(address + PoolHeaderLayout.PREVIOUS_SIZE, (byte) units);
    }

    /** Writes a whole header of a free block; the tag of its last owner stays readable, as it does on Windows. */
    public void writeFree(int previousUnits, int units, int tag) {
        write(previousUnits, units, 0, tag);
    }

    private void write(int previousUnits, int units, int type, int tag) {
        memory.writeLong(address, (tag & 0xFFFF_FFFFL) << 32 | (long) type << 24 | (long) units << 16 | previousUnits);
        memory.writeLong(address + PoolHeaderLayout.PROCESS_BILLED, 0);
    }

    /** PoolType occupies the high half of the second 16-bit field. */
    private int poolTypeByte() {
        return memory.readUnsignedShort(address + PoolHeaderLayout.POOL_TYPE) >>> PoolHeaderLayout.POOL_TYPE_SHIFT;
    }
}
