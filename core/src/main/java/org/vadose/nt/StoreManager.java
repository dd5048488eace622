package org.vadose.nt;

import org.vadose.memory.Memory;

/**
 * The store manager's globals, {@code nt!SmGlobals} ({@code _SM_GLOBALS}), as far as published research tells them: the public
 * symbols do not contain these types. Sources: O. Sardar and D. Andonov, "Extracting Compressed Pages from the Windows 10 Virtual
 * Store" (FireEye, 2019), with its plugins for Volatility and Rekall; MemProcFS, for build 19041.
 *
 * <pre>
 *   +000  32 pointers to rows of 32 entries of 0x28 bytes: +00 the _SMKM_STORE, +18 a process it belongs to
 *   +1C0  root of a B+ tree: page key -> store index, five bits row and five bits column
 * </pre>
 */
public record StoreManager(Memory memory, long address) {
    /** Rows, and entries of a row. */
    public static final int WIDTH = 32;

    public static final int ROW_BYTES = WIDTH * 0x28;

    private static final long ENTRY_BYTES = 0x28;
    private static final long KEY_TREE = 0x1C0;
    /** The page file's number in a page key. */
    private static final int NUMBER_SHIFT = 28;

    /** Most slots that keys can tell apart. */
    public static final long MOST_SLOTS = 1L << NUMBER_SHIFT;

    /** What the trees know a page by. */
    public static int pageKey(int pageFileNumber, long slot) {
        return pageFileNumber << NUMBER_SHIFT | (int) slot;
    }

    /** Address of the field that points to the root of the tree of all keys. */
    public long keyTreeField() {
        return address + KEY_TREE;
    }

    public long keyTree() {
        return memory.readLong(keyTreeField());
    }

    /** Address of the {@code _SMKM_STORE} of an index, 0 for none. */
    public long store(int index) {
        long row = memory.readLong(address + (index >>> 5 & WIDTH - 1) * 8L);
        return row == 0 ? 0 : memory.readLong(row + (index & WIDTH - 1) * ENTRY_BYTES);
    }

    /** Enters the first store. */
    public void setFirstStore(long row, long store) {
        memory.writeLong(row, store);
        memory.writeLong(address, row);
    }
}
