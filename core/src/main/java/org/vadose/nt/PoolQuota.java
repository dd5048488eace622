package org.vadose.nt;

import org.vadose.base.Pages;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.HandleTableLayout;

/**
 * What pool a process is charged for ({@code _EPROCESS.ProcessQuotaUsage} and {@code ProcessQuotaPeak}, first the nonpaged pool's,
 * then the paged pool's): its handle table and the VADs of its views. The VADs of private regions, 64 bytes each, are not charged.
 * There is no limit. The block that processes of one account share ({@code QuotaBlock}) is of a type that the build's symbols do not
 * describe, and stays empty.
 */
public record PoolQuota(Eprocess process) {
    /** Whose own tables are charged to nobody. */
    private static final long SYSTEM_ID = 4;

    private long field(long of, boolean paged) {
        return process.address() + of + (paged ? Long.BYTES : 0);
    }

    /** Bytes in use. */
    public long usage(boolean paged) {
        return process.memory().readLong(field(EprocessLayout.PROCESS_QUOTA_USAGE, paged));
    }

    public long peak(boolean paged) {
        return process.memory().readLong(field(EprocessLayout.PROCESS_QUOTA_PEAK, paged));
    }

    /** @param bytes negative to give back */
    public void charge(boolean paged, long bytes) {
        long now = process.memory().getAndAddLong(field(EprocessLayout.PROCESS_QUOTA_USAGE, paged), bytes) + bytes;
        if (now > peak(paged)) {
            process.memory().writeLong(field(EprocessLayout.PROCESS_QUOTA_PEAK, paged), now);
        }
    }

    /** Charges the process that a handle table belongs to, or gives back. */
    public static void chargeFor(HandleTable table, long bytes) {
        long process = table.quotaProcess();
        if (process != 0 && table.uniqueProcessId() != SYSTEM_ID) {
            new PoolQuota(new Eprocess(table.memory(), process)).charge(true, bytes);
        }
    }

    /** What a handle table costs, pages of entries and of pointers to them included. */
    public static long of(HandleTable table) {
        if (table.quotaProcess() == 0 || table.uniqueProcessId() == SYSTEM_ID) {
            return 0;
        }
        long pages = Integer.toUnsignedLong(table.nextHandleNeedingPool()) / HandleTable.VALUES_A_PAGE;
        long pointers = table.level() == 0
                ? 0
                : table.level() == 1 ? 1 : 1 + (pages + HandleTable.POINTERS_A_PAGE - 1) / HandleTable.POINTERS_A_PAGE;
        return HandleTableLayout.SIZE + (pages + pointers) * Pages.SIZE;
    }
}
