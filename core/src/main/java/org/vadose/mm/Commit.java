package org.vadose.mm;

import org.vadose.layout.EprocessLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionCommitLayout;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;

/**
 * Commitment: pages that somebody has been promised. {@code TotalCommittedPages} = private and copy-on-write pages of all
 * processes + page tables + the kernel's own pages, and never passes {@code TotalCommitLimit}.
 */
final class Commit {
    private final Memory memory;
    private final long total;
    private final long limit;
    private final long peak;

    Commit(Memory memory, long kernelBase) {
        this.memory = memory;
        long partition = kernelBase + KernelSymbols.MI_SYSTEM_PARTITION;
        long visible = partition + MiPartitionLayout.VP;
        total = visible + MiVisiblePartitionLayout.TOTAL_COMMITTED_PAGES;
        limit = visible + MiVisiblePartitionLayout.TOTAL_COMMIT_LIMIT;
        peak = partition + MiPartitionLayout.COMMIT + MiPartitionCommitLayout.PEAK_COMMITMENT;
    }

    long total() {
        return memory.readLong(total);
    }

    long limit() {
        return memory.readLong(limit);
    }

    void setLimit(long pages) {
        memory.writeLong(limit, pages);
    }

    /** Charges a process; false, with nothing charged, when the limit or the process's own would be passed. */
    boolean charge(Eprocess process, long pages) {
        long now = total() + pages;
        long own = memory.readLong(process.address() + EprocessLayout.COMMIT_CHARGE_LIMIT);
        if (now > limit() || own != 0 && process.commitCharge() + pages > own) {
            return false;
        }
        set(now);
        process.addCommitCharge(pages);
        return true;
    }

    void release(Eprocess process, long pages) {
        set(total() - pages);
        process.addCommitCharge(-pages);
    }

    /** Charges what the system needs for itself and has taken already. */
    void chargeSystem(long pages) {
        set(total() + pages);
    }

    void releaseSystem(long pages) {
        set(total() - pages);
    }

    private void set(long pages) {
        memory.writeLong(total, pages);
        if (pages > memory.readLong(peak)) {
            memory.writeLong(peak, pages);
        }
    }
}
