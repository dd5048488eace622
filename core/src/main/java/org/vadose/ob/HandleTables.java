package org.vadose.ob;

import org.vadose.base.Pages;
import org.vadose.base.ResourcesException;
import org.vadose.ex.PoolAllocator;
import org.vadose.layout.HandleTableFreeListLayout;
import org.vadose.layout.HandleTableLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.memory.Memory;
import org.vadose.nt.HandleTable;
import org.vadose.nt.HandleTableEntry;
import org.vadose.nt.ListEntry;
import org.vadose.nt.PoolQuota;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;

/**
 * The mechanism of {@code _HANDLE_TABLE}: makes tables, grows them a page of entries at a time up to three levels, hands out and
 * takes back entries. What an entry points at is the caller's business. Freed entries are reused last in, first out; in a strict
 * table first in, first out, so that a process id comes back as late as may be.
 *
 * <p>Lock: the monitor of this object, for all tables.
 */
public final class HandleTables {
    private static final int TAG = PoolTag.of("Obtb");
    private static final int STRICT_FIFO = 1;
    /** 2^24 handles, what three levels are allowed to hold. */
    private static final long MOST_VALUES = 1L << 26;

    private final Memory memory;
    private final PoolAllocator pool;
    private final ListEntry tables;

    public HandleTables(Memory memory, PoolAllocator pool, long kernelBase) {
        this.memory = memory;
        this.pool = pool;
        this.tables = new ListEntry(memory, kernelBase + KernelSymbols.HANDLE_TABLE_LIST_HEAD);
    }

    /** Makes the list of tables empty. Once, at boot. */
    public void initialize() {
        tables.initialize();
    }

    /**
     * Makes a table with its first page of entries and puts it on the list of tables.
     *
     * @param quotaProcess address of the {@code _EPROCESS} it is charged to; 0 for none
     */
    public synchronized HandleTable create(long quotaProcess, long uniqueProcessId) {
        HandleTable table = createTable(quotaProcess, uniqueProcessId, 0);
        tables.insertTail(table.address() + HandleTableLayout.HANDLE_TABLE_LIST);
        return table;
    }

    /** Makes a strict table that is on no list: that of process and thread ids. */
    public synchronized HandleTable createStrict() {
        HandleTable table = createTable(0, 0, STRICT_FIFO);
        new ListEntry(memory, table.address() + HandleTableLayout.HANDLE_TABLE_LIST).initialize();
        return table;
    }

    private HandleTable createTable(long quotaProcess, long uniqueProcessId, int flags) {
        long address = pool.allocateZeroed(PoolType.PAGED_POOL, HandleTableLayout.SIZE, TAG);
        HandleTable table = new HandleTable(memory, address);
        memory.writeLong(address + HandleTableLayout.QUOTA_PROCESS, quotaProcess);
        memory.writeInt(address + HandleTableLayout.UNIQUE_PROCESS_ID, (int) uniqueProcessId);
        memory.writeInt(address + HandleTableLayout.FLAGS, flags);
        long page;
        try {
            page = newPage(table);
        } catch (ResourcesException exhausted) {
            pool.free(address);
            throw exhausted;
        }
        PoolQuota.chargeFor(table, HandleTableLayout.SIZE);
        memory.writeLong(address + HandleTableLayout.TABLE_CODE, page);
        addEntries(table, page);
        return table;
    }

    /** Frees a table and its pages; the caller has closed its handles. */
    public synchronized void destroy(HandleTable table) {
        ListEntry links = new ListEntry(memory, table.address() + HandleTableLayout.HANDLE_TABLE_LIST);
        if (!links.isEmpty()) {
            links.remove();
        }
        PoolQuota.chargeFor(table, -PoolQuota.of(table));
        freePages(table.topPage(), table.level());
        pool.free(table.address());
    }

    private void freePages(long page, int level) {
        if (level > 0) {
            for (int i = 0; i < HandleTable.POINTERS_A_PAGE; i++) {
                long below = memory.readLong(page + 8L * i);
                if (below != 0) {
                    freePages(below, level - 1);
                }
            }
        }
        pool.free(page);
    }

    /**
     * Takes a free entry, growing the table when there is none, and fills it.
     *
     * @return the handle's value, a multiple of 4; 0 when the table is as big as one can be
     */
    public synchronized int insert(
            HandleTable table, long object, int cachedReferences, int attributes, int grantedAccess) {
        long freeList = table.freeList();
        long at = memory.readLong(freeList + HandleTableFreeListLayout.FIRST_FREE_HANDLE_ENTRY);
        if (at == 0) {
            if (!tryGrow(table)) {
                return 0;
            }
            at = memory.readLong(freeList + HandleTableFreeListLayout.FIRST_FREE_HANDLE_ENTRY);
        }
        HandleTableEntry entry = new HandleTableEntry(memory, at);
        long next = entry.nextFree();
        memory.writeLong(freeList + HandleTableFreeListLayout.FIRST_FREE_HANDLE_ENTRY, next);
        if (next == 0) {
            memory.writeLong(freeList + HandleTableFreeListLayout.LAST_FREE_HANDLE_ENTRY, 0);
        }
        entry.write(object, cachedReferences, attributes, grantedAccess);
        countOne(table);
        return valueOf(table, at);
    }

    /**
     * Fills the entry of a value, growing the table as far as need be.
     *
     * @return false when the value is in use already, or beyond what a table can hold
     */
    public synchronized boolean insertAt(
            HandleTable table, long value, long object, int cachedReferences, int attributes, int grantedAccess) {
        while (value >= Integer.toUnsignedLong(table.nextHandleNeedingPool())) {
            if (!tryGrow(table)) {
                return false;
            }
        }
        long freeList = table.freeList();
        long wanted = table.entryAddress(value);
        long before = 0;
        long at = memory.readLong(freeList + HandleTableFreeListLayout.FIRST_FREE_HANDLE_ENTRY);
        while (at != wanted) {
            if (at == 0) {
                return false;
            }
            before = at;
            at = new HandleTableEntry(memory, at).nextFree();
        }
        HandleTableEntry entry = new HandleTableEntry(memory, at);
        long next = entry.nextFree();
        if (before == 0) {
            memory.writeLong(freeList + HandleTableFreeListLayout.FIRST_FREE_HANDLE_ENTRY, next);
        } else {
            new HandleTableEntry(memory, before).writeFree(next);
        }
        if (next == 0) {
            memory.writeLong(freeList + HandleTableFreeListLayout.LAST_FREE_HANDLE_ENTRY, before);
        }
        entry.write(object, cachedReferences, attributes, grantedAccess);
        countOne(table);
        return true;
    }

    private void countOne(HandleTable table) {
        long freeList = table.freeList();
        int count = table.handleCount() + 1;
        memory.writeInt(freeList + HandleTableFreeListLayout.HANDLE_COUNT, count);
        if (count > memory.readInt(freeList + HandleTableFreeListLayout.HIGH_WATER_MARK)) {
            memory.writeInt(freeList + HandleTableFreeListLayout.HIGH_WATER_MARK, count);
        }
    }

    /** Gives an entry in use back. */
    public synchronized void remove(HandleTable table, HandleTableEntry entry) {
        long freeList = table.freeList();
        long last = memory.readLong(freeList + HandleTableFreeListLayout.LAST_FREE_HANDLE_ENTRY);
        long first = memory.readLong(freeList + HandleTableFreeListLayout.FIRST_FREE_HANDLE_ENTRY);
        if (first == 0) {
            entry.writeFree(0);
            memory.writeLong(freeList + HandleTableFreeListLayout.FIRST_FREE_HANDLE_ENTRY, entry.address());
            memory.writeLong(freeList + HandleTableFreeListLayout.LAST_FREE_HANDLE_ENTRY, entry.address());
        } else if (table.isStrictFifo()) {
            entry.writeFree(0);
            new HandleTableEntry(memory, last).writeFree(entry.address());
            memory.writeLong(freeList + HandleTableFreeListLayout.LAST_FREE_HANDLE_ENTRY, entry.address());
        } else {
            entry.writeFree(first);
            memory.writeLong(freeList + HandleTableFreeListLayout.FIRST_FREE_HANDLE_ENTRY, entry.address());
        }
        memory.writeInt(freeList + HandleTableFreeListLayout.HANDLE_COUNT, table.handleCount() - 1);
    }

    /** False also when there is no pool for more entries. */
    private boolean tryGrow(HandleTable table) {
        try {
            return grow(table);
        } catch (ResourcesException exhausted) {
            return false;
        }
    }

    private boolean grow(HandleTable table) {
        long next = Integer.toUnsignedLong(table.nextHandleNeedingPool());
        if (next >= MOST_VALUES) {
            return false;
        }
        long pageNumber = next / HandleTable.VALUES_A_PAGE;
        if (table.level() == 0) {
            addLevel(table);
        }
        if (table.level() == 1 && pageNumber == HandleTable.POINTERS_A_PAGE) {
            addLevel(table);
        }
        long pointers = table.topPage();
        if (table.level() == 2) {
            long slot = pointers + 8 * (pageNumber / HandleTable.POINTERS_A_PAGE);
            pointers = memory.readLong(slot);
            if (pointers == 0) {
                pointers = newPage(table);
                memory.writeLong(slot, pointers);
            }
        }
        long page = newPage(table);
        memory.writeLong(pointers + 8 * (pageNumber % HandleTable.POINTERS_A_PAGE), page);
        addEntries(table, page);
        return true;
    }

    private void addLevel(HandleTable table) {
        long pointers = newPage(table);
        memory.writeLong(pointers, table.topPage());
        memory.writeLong(table.address() + HandleTableLayout.TABLE_CODE, pointers | (table.level() + 1));
    }

    /** Puts a fresh page's entries, all but the first, before the free list. */
    private void addEntries(HandleTable table, long page) {
        long freeList = table.freeList();
        long rest = memory.readLong(freeList + HandleTableFreeListLayout.FIRST_FREE_HANDLE_ENTRY);
        for (int i = 1; i < HandleTable.ENTRIES_A_PAGE; i++) {
            long at = page + i * HandleTableEntry.SIZE;
            new HandleTableEntry(memory, at)
                    .writeFree(i + 1 < HandleTable.ENTRIES_A_PAGE ? at + HandleTableEntry.SIZE : rest);
        }
        memory.writeLong(freeList + HandleTableFreeListLayout.FIRST_FREE_HANDLE_ENTRY, page + HandleTableEntry.SIZE);
        if (rest == 0) {
            memory.writeLong(
                    freeList + HandleTableFreeListLayout.LAST_FREE_HANDLE_ENTRY,
                    page + (HandleTable.ENTRIES_A_PAGE - 1) * HandleTableEntry.SIZE);
        }
        memory.writeInt(
                table.address() + HandleTableLayout.NEXT_HANDLE_NEEDING_POOL,
                table.nextHandleNeedingPool() + HandleTable.VALUES_A_PAGE);
    }

    private long newPage(HandleTable table) {
        long page = pool.allocateZeroed(PoolType.PAGED_POOL, Pages.SIZE, TAG);
        PoolQuota.chargeFor(table, Pages.SIZE);
        return page;
    }

    /** The value whose entry stands at an address: the page it is in, found among the table's pages. */
    private int valueOf(HandleTable table, long at) {
        long page = Pages.down(at);
        int inPage = (int) ((at - page) / HandleTableEntry.SIZE) * 4;
        if (table.level() == 0) {
            return inPage;
        }
        long pages = Integer.toUnsignedLong(table.nextHandleNeedingPool()) / HandleTable.VALUES_A_PAGE;
        // The newest page is where free entries mostly are.
        for (long i = pages - 1; i >= 0; i--) {
            if (table.entryAddress(i * HandleTable.VALUES_A_PAGE) == page) {
                return (int) (i * HandleTable.VALUES_A_PAGE) + inPage;
            }
        }
        throw new IllegalStateException("handle entry outside its table table=" + table.address() + " entry=" + at);
    }
}
