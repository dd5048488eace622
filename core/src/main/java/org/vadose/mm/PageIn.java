package org.vadose.mm;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;

/**
 * Hard faults on page files. When a process's faults run upwards, what follows in the page table and in the page file is read in
 * the same I/O and put on standby, where a soft fault finds it.
 */
final class PageIn {
    /** Pages that one fault reads at most. */
    private static final int CLUSTER = 16;
    /** Free slots below which a page gives up its slot when it comes in, since it may be needed for another. */
    private static final long SCARCE_SLOTS = 256;

    private final PfnDatabase pfns;
    private final PageFiles files;
    private final UserTables tables;
    private final long spareFrames;
    private final long[] frames = new long[CLUSTER];

    PageIn(MemoryManager manager, PageFiles files, UserTables tables, BalanceSet balance) {
        this.pfns = manager.pfns();
        this.files = files;
        this.tables = tables;
        this.spareFrames = balance.lowPages() / 2 + CLUSTER;
    }

    /** Makes the page of a page-file PTE valid; the access is allowed. */
    NtStatus readPrivate(ProcessSpace space, long page, long pte, boolean write) {
        int count = space.isNextInRun(page) ? cluster(page, pte) : 1;
        for (int i = 0; i < count; i++) {
            long pteAddress = tables.pteAddress(page + i * Pages.SIZE);
            frames[i] = pfns.allocateForOverwrite(pteAddress, tables.tableFrame(pteAddress));
            if (frames[i] == PfnDatabase.NONE) {
                count = i;
            }
        }
        if (count == 0) {
            return NtStatus.NO_MEMORY;
        }
        space.workingSet().countHardFault();
        NtStatus status = files.read(Pte.pageFileNumber(pte), Pte.slot(pte), frames, count);
        if (!status.isSuccess()) {
            for (int i = 0; i < count; i++) {
                pfns.free(frames[i]);
            }
            // The error may be that of a neighbour which nobody asked for.
            space.endRun();
            return count > 1 ? readPrivate(space, page, pte, write) : PageFiles.inPage(status);
        }
        for (int i = count - 1; i > 0; i--) {
            long neighbour = page + i * Pages.SIZE;
            long paged = tables.read(neighbour);
            own(frames[i], paged);
            tables.write(space.workingSet(), neighbour, Pte.transition(frames[i], Pte.protection(paged)));
            pfns.release(frames[i], false);
        }
        own(frames[0], pte);
        tables.write(space.workingSet(), page, Pte.validUser(frames[0], Pte.protection(pte), write));
        space.workingSet().addLeaf(1, true);
        space.continueRun(page + count * Pages.SIZE);
        return NtStatus.SUCCESS;
    }

    /** Pages from this one on that can be read in one I/O. */
    private int cluster(long page, long pte) {
        long room = pfns.availablePages() - spareFrames;
        int most = (int) Math.min(CLUSTER, Math.min(room, tables.pagesToEndOfTable(page)));
        int count = 1;
        while (count < most) {
            long next = tables.read(page + count * Pages.SIZE);
            if (Pte.kind(next) != Pte.Kind.PAGE_FILE
                    || Pte.pageFileNumber(next) != Pte.pageFileNumber(pte)
                    || Pte.slot(next) != Pte.slot(pte) + count) {
                break;
            }
            count++;
        }
        return count;
    }

    private void own(long frame, long pte) {
        Pfn pfn = pfns.pfn(frame);
        if (files.freeSlots() < SCARCE_SLOTS) {
            files.free(pte);
            pfn.setOriginalPte(Pte.withoutSlot(pte));
            pfn.setModified(true);
        } else {
            pfn.setOriginalPte(pte);
        }
    }
}
