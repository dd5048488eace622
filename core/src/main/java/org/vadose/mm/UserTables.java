package org.vadose.mm;

import java.util.Arrays;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.MmpteSoftwareLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.Mmus;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;
import org.vadose.nt.SelfMap;

/**
 * The user half of the current address space's page tables, seen through the self-map. Tables come with their first entry and
 * go with their last. Of a table's frame, {@code OriginalPte.UsedPageTableEntries} counts entries that are not zero, the share
 * count those that are valid or in transition, and one for the entry that maps the table.
 */
final class UserTables {
    private static final long TABLE_BITS = X64PageTables.PRESENT
            | X64PageTables.WRITE
            | X64PageTables.USER
            | X64PageTables.ACCESSED
            | X64PageTables.DIRTY
            | Pte.SOFTWARE_WRITE;
    private static final long ONE_USED = 1L << MmpteSoftwareLayout.USED_PAGE_TABLE_ENTRIES_SHIFT;
    /** Stands where a level is expected: a large page is mapped there. */
    private static final int LARGE_PAGE = -1;

    private static final int TOP_LEVEL = X64PageTables.LEVELS;

    /** What one table of the lowest level maps. */
    private static final int TABLE_SHIFT = Pages.SHIFT + 9;
    /** Above the number of a user address's table; the root's own low bits are zeros. */
    private static final int KEY_ROOT_SHIFT = 47 - TABLE_SHIFT - Pages.SHIFT;

    private static final int KNOWN_TABLES = 64;

    private final Mmus mmu;
    private final long validBits;
    private final Memory memory;
    private final SelfMap selfMap;
    private final PfnDatabase pfns;
    private final Commit commit;
    /** Tables of the lowest level that were found to be there lately, until one is dropped. */
    private final long[] known = new long[KNOWN_TABLES];

    UserTables(Mmus mmu, SelfMap selfMap, PfnDatabase pfns, Commit commit) {
        this.mmu = mmu;
        this.validBits = mmu.format().validBits();
        this.memory = mmu.kernel();
        this.selfMap = selfMap;
        this.pfns = pfns;
        this.commit = commit;
    }

    /** The PTE of an address, 0 also where no table holds one; for a large page, what it would be if the page were small. */
    long read(long virtualAddress) {
        if (isKnown(virtualAddress)) {
            return memory.readLong(selfMap.pte(virtualAddress));
        }
        int level = missingLevel(virtualAddress);
        return switch (level) {
            case 0 -> {
                known[slot(virtualAddress)] = key(virtualAddress);
                yield memory.readLong(selfMap.pte(virtualAddress));
            }
            case LARGE_PAGE -> {
                long entry = memory.readLong(selfMap.entry(2, virtualAddress));
                yield (entry & ~X64PageTables.LARGE) + (virtualAddress & Pages.LARGE_SIZE - 1 & ~Pages.OFFSET_MASK);
            }
            default -> 0;
        };
    }

    private boolean isKnown(long virtualAddress) {
        return known[slot(virtualAddress)] == key(virtualAddress);
    }

    private static int slot(long virtualAddress) {
        return (int) (virtualAddress >>> TABLE_SHIFT) & KNOWN_TABLES - 1;
    }

    private long key(long virtualAddress) {
        return mmu.root() << KEY_ROOT_SHIFT | virtualAddress >>> TABLE_SHIFT;
    }

    boolean isLarge(long virtualAddress) {
        return missingLevel(virtualAddress) == LARGE_PAGE;
    }

    /** Bytes from a page on, and below {@code end}, that no entry says anything about: their PTEs are 0 or their tables missing. */
    long gap(long page, long end) {
        long at = page;
        while (at < end) {
            int level = missingLevel(at);
            if (level == LARGE_PAGE) {
                return at - page;
            }
            if (level != 0) {
                at = endOfEntry(level, at);
                continue;
            }
            long tableEnd = Math.min(end, endOfEntry(2, at));
            at += (long) memory.zeroLongs(selfMap.pte(at), (int) Pages.count(tableEnd - at)) << Pages.SHIFT;
            if (at < tableEnd) {
                return at - page;
            }
        }
        return end - page;
    }

    /** The address behind what an entry of this level maps. */
    private static long endOfEntry(int level, long address) {
        long span = Pages.SIZE << 9 * (level - 1);
        return (address | span - 1) + 1;
    }

    /** The highest level whose entry for this address is absent, 0 when all tables are there, or that a large page is. */
    private int missingLevel(long virtualAddress) {
        long pte = selfMap.pte(virtualAddress);
        long pde = selfMap.pte(pte);
        long ppe = selfMap.pte(pde);
        if ((memory.readLong(selfMap.pte(ppe)) & X64PageTables.PRESENT) == 0) {
            return 4;
        }
        if ((memory.readLong(ppe) & X64PageTables.PRESENT) == 0) {
            return 3;
        }
        long entry = memory.readLong(pde);
        if ((entry & X64PageTables.PRESENT) == 0) {
            return 2;
        }
        return (entry & X64PageTables.LARGE) != 0 ? LARGE_PAGE : 0;
    }

    /**
     * Makes the tables that hold the PTE of an address.
     *
     * @return false when there is no RAM or commitment for a table; then nothing has changed
     */
    boolean ensure(WorkingSet workingSet, long virtualAddress) {
        if (isKnown(virtualAddress) || missingLevel(virtualAddress) == 0) {
            return true;
        }
        pfns.makeAvailable(TOP_LEVEL);
        return makeTables(workingSet, virtualAddress, missingLevel(virtualAddress));
    }

    /**
     * As {@link #ensure}, for who does not hold the kernel's lock: takes frames that nobody uses, and none from their owners.
     *
     * @return false when there are too few of them
     */
    boolean ensureFromUnused(WorkingSet workingSet, long virtualAddress) {
        int missing = missingLevel(virtualAddress);
        if (missing == 0) {
            return true;
        }
        pfns.lock().lock();
        try {
            return pfns.unusedPages() >= TOP_LEVEL && makeTables(workingSet, virtualAddress, missing);
        } finally {
            pfns.lock().unlock();
        }
    }

    private boolean makeTables(WorkingSet workingSet, long virtualAddress, int missing) {
        return makeTables(workingSet, virtualAddress, missing, 2);
    }

    /** @param lowest level of the entries that are to name a table, 2 or 3 */
    private boolean makeTables(WorkingSet workingSet, long virtualAddress, int missing, int lowest) {
        int tables = missing - lowest + 1;
        if (pfns.availablePages() < tables || !commit.chargeSystem(tables)) {
            return false;
        }
        for (int level = missing; level >= lowest; level--) {
            long entry = selfMap.entry(level, virtualAddress);
            long frame = pfns.allocate(entry, tableFrame(entry));
            workingSet.addTable(1);
            writeEntry(workingSet, level, virtualAddress, frame << Pages.SHIFT | TABLE_BITS);
        }
        return true;
    }

    /**
     * Makes a large page valid where nothing is mapped.
     *
     * @param entry with its large bit
     * @return false when there is no RAM or commitment for a table; then nothing has changed
     */
    boolean mapLarge(WorkingSet workingSet, long virtualAddress, long entry) {
        pfns.makeAvailable(TOP_LEVEL);
        int missing = missingLevel(virtualAddress);
        if (missing == 0 || missing == LARGE_PAGE) {
            throw new IllegalStateException("page table where a large page is to be va=" + Hex.address(virtualAddress));
        }
        if (missing > 2 && !makeTables(workingSet, virtualAddress, missing, 3)) {
            return false;
        }
        writeEntry(workingSet, 2, virtualAddress, allowed(entry));
        return true;
    }

    /** Changes or, with 0, removes a large page's entry; tables left empty go, too. */
    void writeLarge(WorkingSet workingSet, long virtualAddress, long entry) {
        writeEntry(workingSet, 2, virtualAddress, allowed(entry));
        mmu.invalidateAll();
    }

    /** Frame of the table that holds the entry of a large page. */
    long largeTableFrame(long virtualAddress) {
        return tableFrame(selfMap.entry(2, virtualAddress));
    }

    long largeEntryAddress(long virtualAddress) {
        return selfMap.entry(2, virtualAddress);
    }

    /**
     * Sets the PTE of an address whose tables exist, or clears it, dropping tables that become empty. Cached translations of the
     * address are forgotten.
     */
    void write(WorkingSet workingSet, long virtualAddress, long value) {
        writeEntry(workingSet, 1, virtualAddress, allowed(value));
    }

    /**
     * Sets the PTE of an address to something else than zero where it was not zero. Cached translations of the address stay: the
     * caller forgets them all before anybody may rely on the page being gone.
     *
     * @return what was there, with all that other processors noted in it
     */
    long exchange(long virtualAddress, long value) {
        return exchange(virtualAddress, memory.readLong(selfMap.pte(virtualAddress)), value);
    }

    /** @param likely what is there, if nobody noted anything in it since it was read */
    long exchange(long virtualAddress, long likely, long wanted) {
        long value = allowed(wanted);
        long at = selfMap.pte(virtualAddress);
        long old = likely;
        if (mmu.isShared()) {
            while (!memory.compareAndSetLong(at, old, value)) {
                old = memory.readLong(at);
            }
        } else {
            memory.writeLong(at, value);
        }
        boolean held = Pte.holdsFrame(old);
        boolean holds = Pte.holdsFrame(value);
        if (held != holds) {
            pfns.pfn(tableFrame(at)).addShares(holds ? 1 : -1);
        }
        return old;
    }

    /** The PTEs of adjacent pages whose table exists and holds them all. */
    void readRun(long virtualAddress, long[] entries, int count) {
        long at = selfMap.pte(virtualAddress);
        for (int i = 0; i < count; i++) {
            entries[i] = memory.readLong(at + (long) i * Long.BYTES);
        }
    }

    /** Sets PTEs of adjacent pages, all in one table, that are neither zero nor hold a frame to such that hold one. */
    void writeRun(long virtualAddress, long[] entries, int count) {
        long at = selfMap.pte(virtualAddress);
        for (int i = 0; i < count; i++) {
            memory.writeLong(at + (long) i * Long.BYTES, allowed(entries[i]));
        }
        pfns.pfn(tableFrame(at)).addShares(count);
    }

    /** An entry without what the processor refuses in present ones: NX while execution protection is off. */
    long allowed(long entry) {
        return (entry & X64PageTables.PRESENT) != 0 ? entry & validBits : entry;
    }

    private void writeEntry(WorkingSet workingSet, int level, long virtualAddress, long value) {
        long at = selfMap.entry(level, virtualAddress);
        long old = memory.readLong(at);
        memory.writeLong(at, value);
        if ((old & X64PageTables.PRESENT) != 0) {
            mmu.invalidatePage(level == 1 ? virtualAddress : selfMap.entry(level - 1, virtualAddress));
        }
        boolean held = Pte.holdsFrame(old);
        boolean holds = Pte.holdsFrame(value);
        if (held == holds && (old == 0) == (value == 0)) {
            return;
        }
        Pfn table = pfns.pfn(tableFrame(at));
        if (held != holds) {
            table.addShares(holds ? 1 : -1);
        }
        if (level == TOP_LEVEL || (old == 0) == (value == 0)) {
            return;
        }
        long used = table.originalPte() + (value != 0 ? ONE_USED : -ONE_USED);
        table.setOriginalPte(used);
        if (used == 0) {
            dropTable(workingSet, level + 1, virtualAddress);
        }
    }

    /** Frees the empty table that the entry of this level names. */
    private void dropTable(WorkingSet workingSet, int level, long virtualAddress) {
        long entry = memory.readLong(selfMap.entry(level, virtualAddress));
        long frame = Pte.frame(entry);
        long shareCount = pfns.pfn(frame).shareCount();
        if (shareCount != 1) {
            throw new IllegalStateException(
                    "page table in use is dropped pfn=" + Hex.plain(frame) + " shareCount=" + shareCount);
        }
        Arrays.fill(known, 0);
        writeEntry(workingSet, level, virtualAddress, 0);
        pfns.free(frame);
        workingSet.addTable(-1);
        commit.releaseSystem(1);
    }

    /** Address of the PTE of an address. */
    long pteAddress(long virtualAddress) {
        return selfMap.pte(virtualAddress);
    }

    /** Pages from this one to the last that the same table maps. */
    long pagesToEndOfTable(long virtualAddress) {
        return 512 - (virtualAddress >>> Pages.SHIFT & 511);
    }

    /** Frame of the table that an entry, given by its address, lies in; also of a page that holds prototype PTEs. */
    long tableFrame(long entry) {
        return Pte.frame(memory.readLong(selfMap.pte(entry)));
    }
}
