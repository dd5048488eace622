package org.vadose.mm;

import java.util.function.LongPredicate;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionCommitLayout;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;

/**
 * Commitment: pages that somebody has been promised.
 *
 * <pre>
 *   TotalCommittedPages = sum of the processes' CommitCharge (private and copy-on-write pages)
 *                       + SharedCommit (pages of sections that are written in place)
 *                       + frames of the kernel half and of all user page tables
 *                      &lt;= TotalCommitLimit
 * </pre>
 *
 * The last {@code SystemCommitReserve} pages below the limit are the system's own: programs cannot be promised them, so that there
 * is always something for the page tables of what they were promised and for the pools.
 *
 * The total is charged without a lock.
 */
final class Commit {
    private static final long RESERVE_PART = 64;
    private static final long LEAST_RESERVE = 128;
    private static final long MOST_RESERVE = 4096;

    private final Memory memory;
    private final long total;
    private final long limit;
    private final long peak;
    private final long shared;
    private final long reserve;
    private LongPredicate growth = pages -> false;

    Commit(Memory memory, long kernelBase) {
        this.memory = memory;
        long partition = kernelBase + KernelSymbols.MI_SYSTEM_PARTITION;
        long visible = partition + MiPartitionLayout.VP;
        total = visible + MiVisiblePartitionLayout.TOTAL_COMMITTED_PAGES;
        limit = visible + MiVisiblePartitionLayout.TOTAL_COMMIT_LIMIT;
        shared = visible + MiVisiblePartitionLayout.SHARED_COMMIT;
        reserve = partition + MiPartitionLayout.COMMIT + MiPartitionCommitLayout.SYSTEM_COMMIT_RESERVE;
        peak = partition + MiPartitionLayout.COMMIT + MiPartitionCommitLayout.PEAK_COMMITMENT;
    }

    long total() {
        return memory.readLong(total);
    }

    long limit() {
        return memory.readLong(limit);
    }

    /** The most pages that were ever committed. */
    long peakPages() {
        return memory.readLong(peak);
    }

    /** Pages below the limit that only the system can have. */
    long reserve() {
        return memory.readLong(reserve);
    }

    /** @param frames of RAM that there are */
    void setReserve(long frames) {
        memory.writeLong(reserve, Math.clamp(frames / RESERVE_PART, LEAST_RESERVE, MOST_RESERVE));
    }

    /** Whether the pools may grow for a program's sake: half of the reserve stays for page tables. */
    boolean mayPoolsGrow() {
        return total() + reserve() / 2 <= limit();
    }

    /** Whether something of the reserve would be left for page tables after the pools have grown by so many pages. */
    boolean leavesReserve(long pages) {
        return total() + pages + reserve() / 4 <= limit();
    }

    void setLimit(long pages) {
        memory.writeLong(limit, pages);
    }

    /** @param byPages raises the limit by at least so many pages, if it can */
    void setGrowth(LongPredicate byPages) {
        growth = byPages;
    }

    /** Charges a program's pages, raising the limit if need and can be. Pools must not be in the middle of something. */
    private boolean chargeProgram(long pages) {
        if (pages == 0) {
            return true;
        }
        long before;
        do {
            before = total();
            for (long missing; (missing = before + pages + reserve() - limit()) > 0; before = total()) {
                // Growing costs some commitment itself.
                if (!growth.test(missing)) {
                    return false;
                }
            }
        } while (!tryCharge(before, pages));
        return true;
    }

    private boolean tryCharge(long before, long pages) {
        long after = before + pages;
        if (!memory.compareAndSetLong(total, before, after)) {
            return false;
        }
        if (after > memory.readLong(peak)) {
            memory.writeLong(peak, after);
        }
        return true;
    }

    /** Charges a process; false, with nothing charged, when the limit or the process's own would be passed. */
    boolean charge(Eprocess process, long pages) {
        long own = memory.readLong(process.address() + EprocessLayout.COMMIT_CHARGE_LIMIT);
        if (own != 0 && process.commitCharge() + pages > own || !chargeProgram(pages)) {
            return false;
        }
        process.addCommitCharge(pages);
        return true;
    }

    void release(Eprocess process, long pages) {
        releaseSystem(pages);
        process.addCommitCharge(-pages);
    }

    /** Charges what the system needs for itself; false, with nothing charged, when the limit would be passed. */
    boolean chargeSystem(long pages) {
        long before;
        do {
            before = total();
            if (before + pages > limit()) {
                return false;
            }
        } while (!tryCharge(before, pages));
        return true;
    }

    void releaseSystem(long pages) {
        memory.getAndAddLong(total, -pages);
    }

    /** Charges pages of a section that are written in place, whoever maps them; false when the limit would be passed. */
    boolean chargeShared(long pages) {
        if (!chargeProgram(pages)) {
            return false;
        }
        memory.writeLong(shared, memory.readLong(shared) + pages);
        return true;
    }

    long sharedPages() {
        return memory.readLong(shared);
    }

    void releaseShared(long pages) {
        releaseSystem(pages);
        memory.writeLong(shared, memory.readLong(shared) - pages);
    }
}
