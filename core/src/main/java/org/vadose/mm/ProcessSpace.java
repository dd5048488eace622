package org.vadose.mm;

import java.util.function.Supplier;
import org.vadose.base.Pages;
import org.vadose.base.SeededRandom;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Mitigations;

/** What the manager keeps on the Java side of one process: views of it and hints, all of which RAM yields again. */
final class ProcessSpace {
    /** Where regions of a process with high entropy begin: somewhere in a terabyte, at one of 2^24 places. */
    private static final long HIGH_ENTROPY_LOWEST = 0x100_0000_0000L;

    private static final long HIGH_ENTROPY_PLACES = 1 << 24;
    private static final long CLASSIC_PLACES = 1 << 8;
    /** Regions that are wanted at the top begin up to 8 GB below the end. */
    private static final long HIGH_ENTROPY_TOPS = 1 << 17;

    /** Pages that are in RAM do not end a run. */
    private static final long RUN_GAP = 64 * Pages.SIZE;

    /** Guards the VADs, the user half of the page tables and the working set. */
    private final OrderedLock lock = new OrderedLock(OrderedLock.Rank.ADDRESS_SPACE);

    private final Eprocess process;
    private final long highest;
    private final VadTree vads;
    private final WorkingSet workingSet;
    private final HoleSearch holes;
    private long nextInRun;
    private long guardBitmap;
    private long pagesInRun;
    private long behindRun;

    ProcessSpace(Eprocess process, Supplier<Pool> pool, long seed) {
        this.process = process;
        this.highest = process.userEnd() - 1;
        this.vads = new VadTree(process);
        this.workingSet = new WorkingSet(process, pool);
        this.holes = new HoleSearch(vads, bottomUpStart(process, seed), topDownStart(process, seed));
        if (new Mitigations(process).hasControlFlowGuard()) {
            this.guardBitmap = ControlFlowGuard.find(vads.memory(), vads, process);
        }
    }

    /** Where automatic allocations begin, drawn when the process is made. */
    private static long bottomUpStart(Eprocess process, long seed) {
        Mitigations mitigations = new Mitigations(process);
        if (mitigations.isStackRandomizationDisabled()) {
            return VirtualMemoryServices.LOWEST_USER;
        }
        SeededRandom random = SeededRandom.of(seed ^ process.uniqueProcessId() << 32, "bottom-up");
        return mitigations.isHighEntropy()
                ? HIGH_ENTROPY_LOWEST + random.below(HIGH_ENTROPY_PLACES) * Pages.GRANULARITY
                : VirtualMemoryServices.LOWEST_USER + random.below(CLASSIC_PLACES) * Pages.GRANULARITY;
    }

    /** Where allocations from the top down begin. */
    private static long topDownStart(Eprocess process, long seed) {
        Mitigations mitigations = new Mitigations(process);
        long last = process.userEnd() - 1;
        if (mitigations.isStackRandomizationDisabled()) {
            return last;
        }
        boolean isHigh = mitigations.isHighEntropy() && last > HIGH_ENTROPY_LOWEST;
        return last
                - SeededRandom.of(seed ^ process.uniqueProcessId() << 32, "top-down")
                                .below(isHigh ? HIGH_ENTROPY_TOPS : CLASSIC_PLACES)
                        * Pages.GRANULARITY;
    }

    /** Where the bitmap of control flow guard is; 0 without one. */
    long guardBitmap() {
        return guardBitmap;
    }

    void setGuardBitmap(long address) {
        guardBitmap = address;
    }

    Eprocess process() {
        return process;
    }

    /** The last address the process may use. */
    long highest() {
        return highest;
    }

    OrderedLock lock() {
        return lock;
    }

    VadTree vads() {
        return vads;
    }

    WorkingSet workingSet() {
        return workingSet;
    }

    HoleSearch holes() {
        return holes;
    }

    /** How many pages were read one after the other up to this one; 0 if a hard fault on it does not go on where the last ended. */
    long run(long page) {
        return Long.compareUnsigned(page - nextInRun, RUN_GAP) < 0 ? pagesInRun : 0;
    }

    /** First page of the run that has not been taken back. */
    long behindRun() {
        return Math.max(nextInRun - pagesInRun * Pages.SIZE, behindRun);
    }

    /** The page that would go on with the run. */
    long endOfRun() {
        return nextInRun;
    }

    /** The run's pages below this one have been taken out of the working set. */
    void setBehindRun(long page) {
        behindRun = page;
    }

    /** Adjacent pages were read: those after the run's last, or the first of a new one. */
    void continueRun(long page, int pages) {
        pagesInRun = run(page) + pages;
        behindRun = pagesInRun == pages ? page : behindRun;
        nextInRun = page + pages * Pages.SIZE;
    }

    void endRun() {
        nextInRun = 0;
        pagesInRun = 0;
    }
}
