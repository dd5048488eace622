package org.vadose.mm;

import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.Mmus;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;
import org.vadose.nt.SelfMap;
import org.vadose.nt.SharedUserData;

/**
 * Takes pages out of working sets. Which, and how many, is {@link BalanceSet}'s business.
 *
 * <pre>
 *  a valid page                               its PTE afterwards    its frame
 *  locked, large                              as it was
 *  shared                                     prototype             as its last mapping: standby, or modified
 *  private, has a slot, not written since     transition            standby
 *  private, written                           transition            modified
 *  private, never written                     demand-zero           free
 * </pre>
 */
final class Trimmer {
    private static final long END = VirtualMemoryServices.HIGHEST_USER + 1;
    private static final long TABLE_SPAN = Pages.LARGE_SIZE;

    /** What a run's last pages are still wanted for is not known. */
    private static final long LEFT_OF_RUN = 64 * Pages.SIZE;

    /** Which pages go. */
    enum Choice {
        /** Of those not accessed the oldest, as far as their ages are known. */
        OLDEST,
        /** Those not accessed since the hand passed them last; the others are marked as not accessed. */
        NOT_ACCESSED,
        /** All that can. */
        ANY
    }

    private final Mmus mmu;
    private final Memory memory;
    private final SelfMap selfMap;
    private final UserTables tables;
    private final UserPages pages;
    private final PfnDatabase pfns;
    private final WriteWatch writeWatch;
    private final PageCombining combining;

    /** Frames on their way to lists, as {@link PfnDatabase#releaseAll} takes them. */
    private final long[] released = new long[PageFiles.CLUSTER_PAGES];

    private int releasedCount;

    /** Frames of pages that were never written: somebody else may take them at once, so they are freed when all have been forgotten. */
    private final long[] unwritten = new long[PageFiles.CLUSTER_PAGES];

    private int unwrittenCount;
    private long privateLeaves;
    /** What needs to be forgotten lies between. */
    private long firstChanged;

    private long endChanged;
    private boolean mayWrite;
    private long wanted;
    private Choice choice = Choice.ANY;
    private int leastAge;
    private final long[] trimmedOfAge = new long[Ager.AGES];

    Trimmer(MemoryManager manager, UserTables tables, UserPages pages) {
        this.mmu = manager.mmu();
        this.memory = manager.kernelMemory();
        this.selfMap = manager.selfMap();
        this.tables = tables;
        this.pages = pages;
        this.pfns = manager.pfns();
        this.writeWatch = manager.writeWatch();
        this.combining = manager.combining();
    }

    /**
     * Trims the working set of the process whose address space is loaded, going on where it left off the last time, once around.
     *
     * @param mostPages to trim
     * @param writable whether modified pages can be written, so that trimming them is of use
     * @return pages trimmed
     */
    long trim(ProcessSpace space, long mostPages, Choice which, boolean writable) {
        begin(mostPages, which, writable);
        leastAge = which == Choice.OLDEST ? leastAge(space.workingSet(), mostPages) : 0;
        long nextPte = space.workingSet().nextPteToTrim();
        long hand = nextPte == 0 ? 0 : selfMap.mapped(nextPte);
        long reached = scan(space, hand, END);
        if (wanted > 0) {
            reached = scan(space, 0, hand);
        }
        space.workingSet().setNextPteToTrim(selfMap.pte(reached >= END ? 0 : reached));
        return end(space, mostPages);
    }

    /**
     * Trims what a long run of hard faults has left behind: whoever reads more than fits in RAM from its first page to its last, over
     * and over, would otherwise lose each page just before wanting it again.
     *
     * @return pages trimmed
     */
    long trimBehindRun(ProcessSpace space, long mostPages, boolean writable) {
        long end = space.endOfRun() - LEFT_OF_RUN;
        long from = space.behindRun();
        if (from >= end) {
            return 0;
        }
        begin(mostPages, Choice.ANY, writable);
        space.setBehindRun(scan(space, from, end));
        return end(space, mostPages);
    }

    /** The highest age that as many pages have reached as are wanted. */
    private static int leastAge(WorkingSet workingSet, long pages) {
        int age = Ager.AGES - 1;
        for (long old = workingSet.pagesOfAge(age); age > 0 && old < pages; old += workingSet.pagesOfAge(age)) {
            age--;
        }
        return age;
    }

    private void begin(long mostPages, Choice which, boolean writable) {
        wanted = mostPages;
        choice = which;
        mayWrite = writable;
        privateLeaves = 0;
        firstChanged = END;
        endChanged = 0;
    }

    private long end(ProcessSpace space, long mostPages) {
        flush();
        space.workingSet().addLeaf(-privateLeaves, true);
        forget();
        for (int age = 0; age < Ager.AGES; age++) {
            long before = space.workingSet().pagesOfAge(age);
            if (trimmedOfAge[age] != 0 && before != 0) {
                space.workingSet().setPagesOfAge(age, Math.max(0, before - trimmedOfAge[age]));
            }
            trimmedOfAge[age] = 0;
        }
        long trimmed = mostPages - wanted;
        space.workingSet().countTrimmed(trimmed);
        return trimmed;
    }

    /** Sees to it that no processor has a translation of what was trimmed, and gives up what needs no list. */
    private void forget() {
        if (firstChanged < endChanged) {
            mmu.invalidateRange(firstChanged, endChanged - firstChanged >>> Pages.SHIFT);
        }
        firstChanged = END;
        endChanged = 0;
        for (int i = 0; i < unwrittenCount; i++) {
            pfns.free(unwritten[i]);
        }
        unwrittenCount = 0;
    }

    /** Puts the frames that were taken out of the working set on their lists. */
    private void flush() {
        pfns.releaseAll(released, releasedCount);
        releasedCount = 0;
    }

    /** Answers how far it came. */
    private long scan(ProcessSpace space, long from, long to) {
        long page = from;
        while (page < to && wanted > 0) {
            long gap = tables.gap(page, to);
            if (gap != 0) {
                page += gap;
                continue;
            }
            long end = Math.min(to, (page & -TABLE_SPAN) + TABLE_SPAN);
            if (tables.isLarge(page)) {
                page = end;
                continue;
            }
            for (; page < end && wanted > 0; page += Pages.SIZE) {
                long pte = memory.readLong(selfMap.pte(page));
                if ((pte & X64PageTables.PRESENT) != 0) {
                    visit(space, page, pte);
                }
            }
        }
        return page;
    }

    private void visit(ProcessSpace space, long page, long pte) {
        if (Pte.isLocked(pte) || page == SharedUserData.USER_ADDRESS) {
            return;
        }
        if (choice != Choice.ANY && (pte & X64PageTables.ACCESSED) != 0) {
            // If another processor notes something there this very moment, the page is in use: it stays as it is.
            memory.compareAndSetLong(selfMap.pte(page), pte, Pte.withAge(pte & ~X64PageTables.ACCESSED, 0));
            changed(page);
            return;
        }
        if (choice == Choice.OLDEST && Pte.age(pte) < leastAge) {
            return;
        }
        long before = wanted;
        changed(page);
        trim(space, page, pte);
        if (wanted != before) {
            trimmedOfAge[Pte.age(pte)]++;
        }
    }

    private void changed(long page) {
        firstChanged = Math.min(firstChanged, page);
        endChanged = Math.max(endChanged, page + Pages.SIZE);
    }

    private void trim(ProcessSpace space, long page, long pte) {
        long frame = Pte.frame(pte);
        Pfn pfn = pfns.pfn(frame);
        if (pfn.isPrototype()) {
            int protection = pages.validProtection(pte);
            long old = tables.exchange(
                    page,
                    combining.isCombined(pfn)
                            ? Pte.combined(pfn.pteAddress(), protection)
                            : Pte.lookupNeeded(protection));
            space.workingSet().addLeaf(-1, false);
            pages.unshare(frame, (old & X64PageTables.DIRTY) != 0);
            wanted--;
        } else {
            trimPrivate(space, page, pte, pfn);
        }
    }

    private void trimPrivate(ProcessSpace space, long page, long pte, Pfn pfn) {
        long frame = Pte.frame(pte);
        long original = pfn.originalPte();
        boolean wasModified = pfn.isModified();
        if (!mayWrite && ((pte & X64PageTables.DIRTY) != 0 || wasModified)) {
            return;
        }
        long old = tables.exchange(page, pte, Pte.transition(frame, Pte.protection(original)));
        privateLeaves++;
        boolean isDirty = (old & X64PageTables.DIRTY) != 0;
        if (isDirty) {
            writeWatch.capture(space, page);
        }
        if (isDirty || wasModified || Pte.holdsSlot(original)) {
            released[releasedCount++] = frame << 1 | (isDirty ? 1 : 0);
            if (releasedCount == released.length) {
                flush();
            }
        } else {
            tables.exchange(page, original);
            unwritten[unwrittenCount++] = frame;
            if (unwrittenCount == unwritten.length) {
                forget();
            }
            space.process().addPrivatePages(-1);
        }
        wanted--;
    }
}
