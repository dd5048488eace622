package org.vadose.mm;

import java.util.function.Supplier;
import org.vadose.base.Pages;
import org.vadose.base.SeededRandom;
import org.vadose.nt.Eprocess;

/** What the manager keeps on the Java side of one process: views of it and hints, all of which RAM yields again. */
final class ProcessSpace {
    /** Where automatic allocations begin: somewhere in these two terabytes, as with high-entropy ASLR. */
    private static final long BOTTOM_UP_LOWEST = 0x100_0000_0000L;

    private static final long BOTTOM_UP_RANGE = 0x200_0000_0000L;

    /** Guards the VADs, the user half of the page tables and the working set. */
    private final OrderedLock lock = new OrderedLock(OrderedLock.Rank.ADDRESS_SPACE);

    private final Eprocess process;
    private final VadTree vads;
    private final WorkingSet workingSet;
    private final HoleSearch holes;
    private long nextInRun;

    ProcessSpace(Eprocess process, Supplier<Pool> pool, long seed) {
        this.process = process;
        this.vads = new VadTree(process);
        this.workingSet = new WorkingSet(process, pool);
        long start = BOTTOM_UP_LOWEST
                + SeededRandom.of(seed ^ process.uniqueProcessId() << 32, "bottom-up")
                        .below(BOTTOM_UP_RANGE);
        this.holes = new HoleSearch(vads, Pages.alignDown(start, Pages.GRANULARITY));
    }

    Eprocess process() {
        return process;
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

    /** Whether a hard fault on this page goes on where the one before it ended. */
    boolean isNextInRun(long page) {
        return page == nextInRun;
    }

    void continueRun(long next) {
        nextInRun = next;
    }

    void endRun() {
        nextInRun = 0;
    }
}
