package org.vadose.mm;

import java.util.Arrays;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.Mmus;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.Pte;
import org.vadose.nt.SelfMap;
import org.vadose.nt.SharedUserData;

/**
 * Ages working sets, so that trimming can begin with what has not been used for longest.
 *
 * <pre>
 *   passed and accessed since the last pass    age 0, marked as not accessed
 *   passed and not accessed                    one older, up to 7
 * </pre>
 *
 * The age stands in the PTE ({@code _MMPTE_HARDWARE.WsleAge}), and how many pages have each age, as the last pass left them, in
 * {@code _MMSUPPORT_INSTANCE.AgeDistribution}. Pages that are locked, and large ones, have no age: they stay.
 */
final class Ager {
    /** Ages go from 0 to 7. */
    static final int AGES = 8;

    private static final long TABLE_SPAN = Pages.LARGE_SIZE;

    private final Mmus mmu;
    private final Memory memory;
    private final SelfMap selfMap;
    private final UserTables tables;
    private final long[] found = new long[AGES];

    Ager(MemoryManager manager, UserTables tables) {
        this.mmu = manager.mmu();
        this.memory = manager.kernelMemory();
        this.selfMap = manager.selfMap();
        this.tables = tables;
    }

    /** Passes the whole working set of the process whose address space is loaded and locked. */
    void age(ProcessSpace space) {
        Arrays.fill(found, 0);
        long end = VirtualMemoryServices.HIGHEST_USER + 1;
        for (long page = 0; page < end; ) {
            long gap = tables.gap(page, end);
            if (gap != 0) {
                page += gap;
                continue;
            }
            long tableEnd = Math.min(end, (page & -TABLE_SPAN) + TABLE_SPAN);
            if (!tables.isLarge(page)) {
                ageTable(page, tableEnd);
            }
            page = tableEnd;
        }
        mmu.invalidateAll();
        for (int age = 0; age < AGES; age++) {
            space.workingSet().setPagesOfAge(age, found[age]);
        }
    }

    private void ageTable(long from, long end) {
        for (long page = from; page < end; page += Pages.SIZE) {
            long pte = memory.readLong(selfMap.pte(page));
            if ((pte & X64PageTables.PRESENT) == 0 || Pte.isLocked(pte) || page == SharedUserData.USER_ADDRESS) {
                continue;
            }
            boolean isAccessed = (pte & X64PageTables.ACCESSED) != 0;
            int age = isAccessed ? 0 : Math.min(Pte.age(pte) + 1, AGES - 1);
            // If another processor notes something there this very moment, the page is in use.
            boolean isAged =
                    memory.compareAndSetLong(selfMap.pte(page), pte, Pte.withAge(pte & ~X64PageTables.ACCESSED, age));
            found[isAged ? age : 0]++;
        }
    }
}
