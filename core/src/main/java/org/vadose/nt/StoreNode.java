package org.vadose.nt;

import org.vadose.memory.Memory;

/**
 * A node of a store's B+ tree, a page; keys are unsigned. Source: see {@link StoreManager}. The meaning of {@code Level} is
 * inferred: leaves have 0.
 *
 * <pre>
 *   +0 entries  +2 level  +3 is leaf  +8 child with the keys below the first  +10 entries
 *   leaf:   key (4), value (4)
 *   inner:  key (4), -, child with this key and those up to the next (8)
 * </pre>
 */
public record StoreNode(Memory memory, long address) {
    public static final int MOST_IN_LEAF = 510;
    public static final int MOST_IN_INNER = 255;
    /** {@link #find} found nothing. */
    public static final long NONE = -1;

    private static final long LEVEL = 2;
    private static final long LEAF = 3;
    private static final long FIRST_CHILD = 8;
    private static final long ENTRIES = 0x10;
    private static final int LEAF_ENTRY = 8;
    private static final int INNER_ENTRY = 16;
    private static final long VALUE = 4;
    private static final long CHILD = 8;
    private static final int DEEPEST = 8;

    public int count() {
        return memory.readUnsignedShort(address);
    }

    public void setCount(int count) {
        memory.writeShort(address, (short) count);
    }

    public boolean isLeaf() {
        return memory.readByte(address + LEAF) != 0;
    }

    public int level() {
        return memory.readUnsignedByte(address + LEVEL);
    }

    /** Makes the page an empty node. */
    public void initialize(int level) {
        memory.writeShort(address, (short) 0);
        memory.writeByte(address + LEVEL, (byte) level);
        memory.writeByte(address + LEAF, (byte) (level == 0 ? 1 : 0));
        setFirstChild(0);
    }

    public long firstChild() {
        return memory.readLong(address + FIRST_CHILD);
    }

    public void setFirstChild(long child) {
        memory.writeLong(address + FIRST_CHILD, child);
    }

    public int entryBytes() {
        return isLeaf() ? LEAF_ENTRY : INNER_ENTRY;
    }

    /** Address of an entry, also of the one behind the last. */
    public long entry(int index) {
        return address + ENTRIES + (long) index * entryBytes();
    }

    public int key(int index) {
        return memory.readInt(entry(index));
    }

    /** Of a leaf's entry. */
    public int value(int index) {
        return memory.readInt(entry(index) + VALUE);
    }

    public void setLeafEntry(int index, int key, int value) {
        long at = entry(index);
        memory.writeInt(at, key);
        memory.writeInt(at + VALUE, value);
    }

    /** Of an inner node's entry; -1 means the first child. */
    public long child(int index) {
        return index < 0 ? firstChild() : memory.readLong(entry(index) + CHILD);
    }

    public void setInnerEntry(int index, int key, long child) {
        long at = entry(index);
        memory.writeLong(at, key & 0xFFFF_FFFFL);
        memory.writeLong(at + CHILD, child);
    }

    public void setChild(int index, long child) {
        if (index < 0) {
            setFirstChild(child);
        } else {
            memory.writeLong(entry(index) + CHILD, child);
        }
    }

    /** Index of the last entry whose key is not above this one, -1 if there is none. */
    public int floor(int key) {
        int entryBytes = entryBytes();
        int low = 0;
        int high = count();
        while (low < high) {
            int middle = low + high >>> 1;
            if (Integer.compareUnsigned(memory.readInt(address + ENTRIES + (long) middle * entryBytes), key) <= 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low - 1;
    }

    /** The value of a key in the tree below this node, as 32 bits without sign; {@link #NONE} if it is not there. */
    public long find(int key) {
        StoreNode node = this;
        for (int depth = 0; depth < DEEPEST && node.address != 0; depth++) {
            int index = node.floor(key);
            if (node.isLeaf()) {
                return index >= 0 && node.key(index) == key ? node.value(index) & 0xFFFF_FFFFL : NONE;
            }
            node = new StoreNode(memory, node.child(index));
        }
        return NONE;
    }
}
