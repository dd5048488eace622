package org.vadose.mm;

import org.vadose.base.NtStatus;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;

/**
 * Hard faults on page files. When a process's faults run upwards, what follows in the page table and in the page file is read in
 * the same I/O: more of it the longer the run is. At first it is put on standby, where a soft fault finds it; once the run is a long
 * one, it is made valid at once, as not accessed, so that it goes first if it is not wanted after all.
 */
final class PageIn {
    /** Pages that one fault reads at most. */
    private static final int CLUSTER = 64;
    /** What the first fault of a run that goes on reads. */
    private static final int SMALL_CLUSTER = 16;
    /** From so many pages on, a run is a long one. */
    private static final long LONG_RUN = 64;
    /** Free slots below which a page gives up its slot when it comes in, since it may be needed for another. */
    private static final long SCARCE_SLOTS = 256;

    private final PfnDatabase pfns;
    private final PageFiles files;
    private final UserTables tables;
    private final long spareFrames;
    private final long[] frames = new long[CLUSTER];
    private final long[] entries = new long[CLUSTER];

    PageIn(MemoryManager manager, PageFiles files, UserTables tables, BalanceSet balance) {
        this.pfns = manager.pfns();
        this.files = files;
        this.tables = tables;
        this.spareFrames = balance.lowPages() / 2;
    }

    /** Makes the page of a page-file PTE valid; the access is allowed. */
    NtStatus readPrivate(ProcessSpace space, long page, long pte, boolean write) {
        if (files.isCompressed(pte)) {
            return decompress(space, page, pte, write);
        }
        long run = space.run(page);
        if (run >= LONG_RUN) {
            pfns.makeAvailable(CLUSTER);
        }
        int count = run == 0 ? 1 : cluster(page, pte, (int) Math.clamp(run, SMALL_CLUSTER, CLUSTER));
        entries[0] = pte;
        long pteAddress = tables.pteAddress(page);
        count = pfns.allocateForOverwrite(frames, count, pteAddress, tables.tableFrame(pteAddress), entries);
        if (count == 0) {
            return NtStatus.NO_MEMORY;
        }
        space.workingSet().countHardFault();
        NtStatus status = files.read(Pte.pageFileNumber(pte), Pte.slot(pte), frames, count);
        if (!status.isSuccess()) {
            for (int i = 0; i < count; i++) {
                pfns.pfn(frames[i]).setOriginalPte(0);
                pfns.free(frames[i]);
            }
            // The error may be that of a neighbour which nobody asked for.
            space.endRun();
            return count > 1 ? readPrivate(space, page, pte, write) : PageFiles.inPage(status);
        }
        boolean isLong = run >= LONG_RUN && !space.process().isMaximumWorkingSetHard();
        boolean isScarce = files.freeSlots() < SCARCE_SLOTS;
        long leaves = 1;
        for (int i = 0; i < count; i++) {
            long paged = entries[i];
            int protection = Pte.protection(paged);
            if (isScarce) {
                giveUpSlot(frames[i], paged);
            }
            if (i == 0) {
                entries[i] = Pte.validUser(frames[i], protection, write);
            } else if (isLong && UserPages.isMappable(protection)) {
                entries[i] = Pte.validUser(frames[i], protection, false) & ~X64PageTables.ACCESSED;
                leaves++;
            } else {
                entries[i] = Pte.transition(frames[i], protection);
                pfns.release(frames[i], false);
            }
        }
        tables.writeRun(page, entries, count);
        space.workingSet().addLeaf(leaves, true);
        space.continueRun(page, count);
        return NtStatus.SUCCESS;
    }

    /** Brings a page back from the compression store, where it is no more afterwards. */
    private NtStatus decompress(ProcessSpace space, long page, long pte, boolean write) {
        long pteAddress = tables.pteAddress(page);
        long frame = pfns.allocateForOverwrite(pteAddress, tables.tableFrame(pteAddress));
        if (frame == PfnDatabase.NONE) {
            return NtStatus.NO_MEMORY;
        }
        space.workingSet().countHardFault();
        NtStatus status = files.read(pte, frame);
        if (!status.isSuccess()) {
            pfns.free(frame);
            return status;
        }
        giveUpSlot(frame, pte);
        tables.write(space.workingSet(), page, Pte.validUser(frame, Pte.protection(pte), write));
        space.workingSet().addLeaf(1, true);
        return NtStatus.SUCCESS;
    }

    /** Pages from this one on that can be read in one I/O. */
    private int cluster(long page, long pte, int wanted) {
        long room = pfns.availablePages() - spareFrames;
        int most = (int) Math.clamp(Math.min(room, tables.pagesToEndOfTable(page)), 1, wanted);
        tables.readRun(page, entries, most);
        int count = 1;
        while (count < most) {
            long next = entries[count];
            if (Pte.kind(next) != Pte.Kind.PAGE_FILE
                    || Pte.pageFileNumber(next) != Pte.pageFileNumber(pte)
                    || Pte.slot(next) != Pte.slot(pte) + count) {
                break;
            }
            count++;
        }
        return count;
    }

    private void giveUpSlot(long frame, long pte) {
        files.free(pte);
        Pfn pfn = pfns.pfn(frame);
        pfn.setOriginalPte(Pte.withoutSlot(pte));
        pfn.setModified(true);
    }
}
