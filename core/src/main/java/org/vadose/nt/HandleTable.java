package org.vadose.nt;

import org.vadose.base.Pages;
import org.vadose.layout.HandleTableFreeListLayout;
import org.vadose.layout.HandleTableLayout;
import org.vadose.memory.Memory;

/**
 * A table of handles ({@code _HANDLE_TABLE}) of one to three levels. {@code TableCode} is the top page's address with the number
 * of levels above the entries in its low bits. A page of entries holds 256, its first never used; a handle's value is four times
 * its entry's number. A page above holds 512 pointers.
 */
public record HandleTable(Memory memory, long address) {
    public static final int ENTRIES_A_PAGE = (int) (Pages.SIZE / HandleTableEntry.SIZE);
    public static final int POINTERS_A_PAGE = (int) (Pages.SIZE / Long.BYTES);
    /** Windows gives a process at most 16 M handles. */
    private static final long MOST_VALUES = 1L << 26;

    /** Values a page of entries covers. */
    public static final int VALUES_A_PAGE = ENTRIES_A_PAGE * 4;

    private static final long LEVEL_MASK = 7;

    public long tableCode() {
        return memory.readLong(address + HandleTableLayout.TABLE_CODE);
    }

    /** 0 when the top page holds entries, 1 or 2 when it holds pointers. */
    public int level() {
        return (int) (tableCode() & LEVEL_MASK);
    }

    public long topPage() {
        return tableCode() & ~LEVEL_MASK;
    }

    /** The first value beyond the pages there are. */
    public int nextHandleNeedingPool() {
        return memory.readInt(address + HandleTableLayout.NEXT_HANDLE_NEEDING_POOL);
    }

    /** Handles open. */
    public int handleCount() {
        return memory.readInt(freeList() + HandleTableFreeListLayout.HANDLE_COUNT);
    }

    public long quotaProcess() {
        return memory.readLong(address + HandleTableLayout.QUOTA_PROCESS);
    }

    public int uniqueProcessId() {
        return memory.readInt(address + HandleTableLayout.UNIQUE_PROCESS_ID);
    }

    public boolean isStrictFifo() {
        return (memory.readUnsignedByte(address + HandleTableLayout.FLAGS) & 1) != 0;
    }

    /** Where the {@code _HANDLE_TABLE_FREE_LIST} stands. */
    public long freeList() {
        return address + HandleTableLayout.FREE_LISTS;
    }

    /** Address of the entry of a handle value, 0 if there is no such place. The low two bits of a value do not count. */
    public long entryAddress(long value) {
        long limit = Integer.toUnsignedLong(nextHandleNeedingPool());
        if (Long.compareUnsigned(value, limit) >= 0) {
            return 0;
        }
        long index = value >>> 2;
        long page = topPage();
        int level = level();
        if (level == 2) {
            page = memory.readLong(page + 8 * (index / ((long) ENTRIES_A_PAGE * POINTERS_A_PAGE)));
        }
        if (level >= 1 && page != 0) {
            page = memory.readLong(page + 8 * (index / ENTRIES_A_PAGE % POINTERS_A_PAGE));
        }
        return page == 0 ? 0 : page + index % ENTRIES_A_PAGE * HandleTableEntry.SIZE;
    }

    /** The most that {@link #nextHandleNeedingPool} can be with tables of this {@link #level}. */
    public long capacity() {
        return switch (level()) {
            case 0 -> VALUES_A_PAGE;
            case 1 -> (long) POINTERS_A_PAGE * VALUES_A_PAGE;
            default -> MOST_VALUES;
        };
    }

    /** Told of each open handle. */
    @FunctionalInterface
    public interface Visitor {
        void visit(int value, HandleTableEntry entry);
    }

    /** Visits the handles in use by rising value. */
    public void forEach(Visitor visitor) {
        long limit = Math.min(Integer.toUnsignedLong(nextHandleNeedingPool()), capacity());
        for (long value = 4; value < limit; value += 4) {
            if (value % VALUES_A_PAGE == 0) {
                continue;
            }
            long at = entryAddress(value);
            if (at == 0) {
                value += VALUES_A_PAGE - value % VALUES_A_PAGE - 4;
                continue;
            }
            HandleTableEntry entry = new HandleTableEntry(memory, at);
            if (!entry.isFree()) {
                visitor.visit((int) value, entry);
            }
        }
    }
}
