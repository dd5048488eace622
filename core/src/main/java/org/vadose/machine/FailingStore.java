package org.vadose.machine;

import org.vadose.base.NtStatus;
import org.vadose.base.SeededRandom;
import org.vadose.memory.PhysicalMemory;
import org.vadose.mm.BackingStore;

/**
 * A page file on a bad disk: some of its reads and writes fail, and nothing is moved by those. Half of the failures are ones that
 * pass when it is tried again. Which calls fail comes from the machine's seed.
 */
final class FailingStore implements BackingStore {
    private static final int ALL = 1000;

    private final BackingStore disk;
    private final PageFileSetup.Disk plan;
    private final SeededRandom random;

    FailingStore(BackingStore disk, PageFileSetup.Disk plan, SeededRandom random) {
        this.disk = disk;
        this.plan = plan;
        this.random = random;
    }

    private NtStatus luck(int failing) {
        if (random.below(ALL) >= failing) {
            return NtStatus.SUCCESS;
        }
        return random.below(2) == 0 ? NtStatus.INSUFFICIENT_RESOURCES : NtStatus.UNSUCCESSFUL;
    }

    @Override
    public NtStatus read(long slot, PhysicalMemory ram, long[] frames, int count) {
        NtStatus luck = luck(plan.failingReads());
        return luck.isSuccess() ? disk.read(slot, ram, frames, count) : luck;
    }

    @Override
    public NtStatus write(long slot, PhysicalMemory ram, long[] frames, int count) {
        NtStatus luck = luck(plan.failingWrites());
        return luck.isSuccess() ? disk.write(slot, ram, frames, count) : luck;
    }

    @Override
    public void close() {
        disk.close();
    }
}
