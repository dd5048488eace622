package org.vadose.mm;

import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.MmpteSoftwareLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.Mmu;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.Pfn;
import org.vadose.nt.SelfMap;

/**
 * The user half of the current address space's page tables, through the self-map. Tables come into being with their first
 * entry and go with their last: how many entries of a table are not zero stands in {@code UsedPageTableEntries} of its frame's
 * {@code OriginalPte}, how many are valid in its share count.
 */
final class UserTables {
    private static final long TABLE_BITS = X64PageTables.PRESENT
            | X64PageTables.WRITE
            | X64PageTables.USER
            | X64PageTables.ACCESSED
            | X64PageTables.DIRTY
            | 1L << 11;
    private static final long ONE_USED = 1L << MmpteSoftwareLayout.USED_PAGE_TABLE_ENTRIES_SHIFT;

    private final Mmu mmu;
    private final Memory memory;
    private final SelfMap selfMap;
    private final PfnDatabase pfns;
    private final Commit commit;

    UserTables(Mmu mmu, SelfMap selfMap, PfnDatabase pfns, Commit commit) {
        this.mmu = mmu;
        this.memory = mmu.kernel();
        this.selfMap = selfMap;
        this.pfns = pfns;
        this.commit = commit;
    }

    /** The PTE of an address, 0 also where no table holds one. */
    long read(long virtualAddress) {
        return missingLevel(virtualAddress) == 0 ? memory.readLong(selfMap.pte(virtualAddress)) : 0;
    }

    /** Bytes from an address to the end of what the lowest missing table would map; 0 when the PTE's table exists. */
    long gap(long virtualAddress) {
        int level = missingLevel(virtualAddress);
        if (level == 0) {
            return 0;
        }
        long span = Pages.SIZE << 9 * (level - 1);
        return span - (virtualAddress & span - 1);
    }

    /** The highest level whose entry for this address is absent, 0 when all tables are there. */
    private int missingLevel(long virtualAddress) {
        for (int level = 4; level >= 2; level--) {
            if ((memory.readLong(selfMap.entry(level, virtualAddress)) & X64PageTables.PRESENT) == 0) {
                return level;
            }
        }
        return 0;
    }

    /**
     * Sets the PTE of an address, making tables it needs and dropping those it leaves empty. Cached translations of the
     * address are forgotten.
     *
     * @return false when there is no RAM for a table
     */
    boolean write(long virtualAddress, long value) {
        int missing = missingLevel(virtualAddress);
        if (missing != 0) {
            if (value == 0) {
                return true;
            }
            if (!makeTables(virtualAddress, missing)) {
                return false;
            }
        }
        writeEntry(1, virtualAddress, value);
        return true;
    }

    private boolean makeTables(long virtualAddress, int missing) {
        for (int level = missing; level >= 2; level--) {
            long entry = selfMap.entry(level, virtualAddress);
            long frame = pfns.allocate(entry, tableFrame(entry));
            if (frame == PfnDatabase.NONE) {
                return false;
            }
            commit.chargeSystem(1);
            writeEntry(level, virtualAddress, frame << Pages.SHIFT | TABLE_BITS);
        }
        return true;
    }

    private void writeEntry(int level, long virtualAddress, long value) {
        long at = selfMap.entry(level, virtualAddress);
        long old = memory.readLong(at);
        memory.writeLong(at, value);
        boolean wasValid = (old & X64PageTables.PRESENT) != 0;
        boolean isValid = (value & X64PageTables.PRESENT) != 0;
        if (wasValid) {
            mmu.invalidatePage(level == 1 ? virtualAddress : selfMap.entry(level - 1, virtualAddress));
        }
        if (wasValid == isValid && (old == 0) == (value == 0)) {
            return;
        }
        Pfn table = pfns.pfn(tableFrame(at));
        if (wasValid != isValid) {
            table.setShareCount(table.shareCount() + (isValid ? 1 : -1));
        }
        long used = table.originalPte();
        if ((old == 0) != (value == 0)) {
            used += value != 0 ? ONE_USED : -ONE_USED;
            table.setOriginalPte(used);
        }
        if (value == 0 && level < 4 && used == 0) {
            dropTable(level + 1, virtualAddress);
        }
    }

    /** Frees the empty table that the entry of this level names. */
    private void dropTable(int level, long virtualAddress) {
        long entry = memory.readLong(selfMap.entry(level, virtualAddress));
        long frame = (entry & X64PageTables.FRAME_MASK) >>> Pages.SHIFT;
        if (pfns.pfn(frame).shareCount() != 1) {
            throw new IllegalStateException("page table in use is dropped pfn=" + Hex.plain(frame) + " shareCount="
                    + pfns.pfn(frame).shareCount());
        }
        writeEntry(level, virtualAddress, 0);
        pfns.free(frame);
        commit.releaseSystem(1);
    }

    /** Frame of the table that an entry, given by its self-map address, lies in. */
    long tableFrame(long entry) {
        return (memory.readLong(selfMap.pte(entry)) & X64PageTables.FRAME_MASK) >>> Pages.SHIFT;
    }
}
