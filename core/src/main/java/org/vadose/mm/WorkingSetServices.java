package org.vadose.mm;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.memory.X64PageTables;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Pte;
import org.vadose.nt.Vad;

/**
 * Limits of working sets and pages locked in them: what {@code EmptyWorkingSet}, {@code SetProcessWorkingSetSizeEx},
 * {@code NtLockVirtualMemory} and {@code NtUnlockVirtualMemory} do.
 */
public final class WorkingSetServices {
    /** {@code QUOTA_LIMITS_HARDWS_MIN_ENABLE} and its kin. */
    public static final int HARD_MINIMUM_ENABLE = 1;

    public static final int HARD_MINIMUM_DISABLE = 2;
    public static final int HARD_MAXIMUM_ENABLE = 4;
    public static final int HARD_MAXIMUM_DISABLE = 8;

    /** Pages that the documentation of SetProcessWorkingSetSize gives as the least minimum, and the least maximum. */
    private static final long LEAST_MINIMUM = 20;

    private static final long LEAST_MAXIMUM = 13;
    /** What of the minimum cannot be locked: the documentation speaks of a small overhead. */
    private static final long LOCK_OVERHEAD = 8;

    private final MemoryManager manager;
    private final Memory memory;
    private final AddressSpaces spaces;
    private final UserTables tables;
    private final UserPages pages;
    private final BalanceSet balance;

    WorkingSetServices(MemoryManager manager, AddressSpaces spaces, UserTables tables, UserPages pages) {
        this.manager = manager;
        this.memory = manager.kernelMemory();
        this.spaces = spaces;
        this.tables = tables;
        this.pages = pages;
        this.balance = manager.balance();
    }

    /** Takes all pages that are not locked out of a working set. */
    public void empty(Eprocess process) {
        balance.trim(process, Long.MAX_VALUE, Trimmer.Choice.ANY);
    }

    /**
     * Changes the limits of a working set.
     *
     * @param minimumBytes with the maximum -1: the working set is emptied and its limits stay; both 0: they stay
     * @param flags {@link #HARD_MINIMUM_ENABLE} and its kin; 0 makes both limits soft
     */
    public NtStatus setLimits(Eprocess process, long minimumBytes, long maximumBytes, int flags) {
        int hardMinimum = flags & (HARD_MINIMUM_ENABLE | HARD_MINIMUM_DISABLE);
        int hardMaximum = flags & (HARD_MAXIMUM_ENABLE | HARD_MAXIMUM_DISABLE);
        boolean isAmbiguous = Integer.bitCount(hardMinimum) > 1 || Integer.bitCount(hardMaximum) > 1;
        if (isAmbiguous || (hardMinimum | hardMaximum) != flags) {
            return NtStatus.INVALID_PARAMETER;
        }
        if (minimumBytes == -1 && maximumBytes == -1) {
            empty(process);
            return NtStatus.SUCCESS;
        }
        long minimum = process.minimumWorkingSetSize();
        long maximum = process.maximumWorkingSetSize();
        if (minimumBytes != 0 || maximumBytes != 0) {
            if (minimumBytes == 0 || maximumBytes == 0) {
                return NtStatus.INVALID_PARAMETER;
            }
            minimum = Math.max(LEAST_MINIMUM, minimumBytes >>> Pages.SHIFT);
            maximum = Math.max(LEAST_MAXIMUM, maximumBytes >>> Pages.SHIFT);
        }
        if (minimum > maximum || maximum > manager.pfns().frames()) {
            return NtStatus.BAD_WORKING_SET_LIMIT;
        }
        if (process.lockedPages() > minimum) {
            return NtStatus.BAD_WORKING_SET_LIMIT;
        }
        boolean wasHard = process.isMinimumWorkingSetHard();
        boolean wasHardMaximum = process.isMaximumWorkingSetHard();
        process.setWorkingSetLimits(
                minimum,
                maximum,
                hardMinimum == 0 ? wasHard && flags != 0 : hardMinimum == HARD_MINIMUM_ENABLE,
                hardMaximum == 0 ? wasHardMaximum && flags != 0 : hardMaximum == HARD_MAXIMUM_ENABLE);
        if (process.isMaximumWorkingSetHard() && process.workingSetSize() > maximum) {
            balance.trim(process, process.workingSetSize() - maximum, Trimmer.Choice.ANY);
        }
        return NtStatus.SUCCESS;
    }

    /**
     * Locks pages in the working set, after making them valid; none is locked unless all are.
     *
     * @param region holds the whole pages afterwards
     * @return WAS_LOCKED when one of them was locked before; ACCESS_VIOLATION, or what the touch raised, when one cannot be read;
     *     WORKING_SET_QUOTA when the minimum of the working set does not allow so many
     */
    public NtStatus lock(Eprocess process, Region region) {
        NtStatus status = align(process, region);
        if (!status.isSuccess()) {
            return status;
        }
        long before = spaces.enter(process);
        try {
            ProcessSpace space = spaces.entered();
            long end = region.base + region.sizeBytes;
            long fresh = 0;
            for (long page = region.base; page < end; page += Pages.SIZE) {
                fresh += isLocked(page) ? 0 : 1;
            }
            if (process.lockedPages() + fresh > process.minimumWorkingSetSize() - LOCK_OVERHEAD) {
                return isCommitted(space, region) ? NtStatus.WORKING_SET_QUOTA : NtStatus.ACCESS_VIOLATION;
            }
            status = fresh == Pages.count(region.sizeBytes) ? NtStatus.SUCCESS : NtStatus.WAS_LOCKED;
            NtStatus touched = touchAndLock(space, region.base, end);
            return touched.isSuccess() ? status : touched;
        } finally {
            spaces.leave(before);
        }
    }

    private NtStatus touchAndLock(ProcessSpace space, long first, long end) {
        for (long page = first; page < end; page += Pages.SIZE) {
            if (isLocked(page)) {
                continue;
            }
            NtStatus status = touch(page);
            if (!status.isSuccess()) {
                for (long done = first; done < page; done += Pages.SIZE) {
                    setLock(space, done, false);
                }
                return status;
            }
            setLock(space, page, true);
        }
        return NtStatus.SUCCESS;
    }

    private NtStatus touch(long page) {
        try {
            manager.mmu().user().readByte(page);
            return NtStatus.SUCCESS;
        } catch (MemoryFault e) {
            return e.status();
        }
    }

    /** Unlocks pages; NOT_LOCKED, with nothing changed, when one of them is not locked. */
    public NtStatus unlock(Eprocess process, Region region) {
        NtStatus status = align(process, region);
        if (!status.isSuccess()) {
            return status;
        }
        long before = spaces.enter(process);
        try {
            long end = region.base + region.sizeBytes;
            for (long page = region.base; page < end; page += Pages.SIZE) {
                if (!isLocked(page) || isInWindow(spaces.entered(), page)) {
                    return NtStatus.NOT_LOCKED;
                }
            }
            for (long page = region.base; page < end; page += Pages.SIZE) {
                setLock(spaces.entered(), page, false);
            }
            return NtStatus.SUCCESS;
        } finally {
            spaces.leave(before);
        }
    }

    private static NtStatus align(Eprocess process, Region region) {
        if (Long.compareUnsigned(region.base, process.userEnd()) >= 0) {
            return NtStatus.INVALID_PARAMETER_2;
        }
        if (region.sizeBytes == 0 || Long.compareUnsigned(region.sizeBytes, process.userEnd() - region.base) > 0) {
            return NtStatus.INVALID_PARAMETER_3;
        }
        long end = Pages.up(region.base + region.sizeBytes);
        region.base = Pages.down(region.base);
        region.sizeBytes = end - region.base;
        return NtStatus.SUCCESS;
    }

    private boolean isCommitted(ProcessSpace space, Region region) {
        long end = region.base + region.sizeBytes;
        for (long page = region.base; page < end; page += Pages.SIZE) {
            long node = space.vads().find(Pages.vpn(page));
            if (node == 0 || !pages.isCommitted(new Vad(memory, node), page, tables.read(page))) {
                return false;
            }
        }
        return true;
    }

    /** Pages that a process owns by number never leave RAM, too, but nobody locked them. */
    private boolean isInWindow(ProcessSpace space, long page) {
        long node = space.vads().find(Pages.vpn(page));
        return node != 0 && new Vad(memory, node).isAwe();
    }

    private boolean isLocked(long page) {
        if (tables.isLarge(page)) {
            // Large pages never leave RAM.
            return true;
        }
        long pte = tables.read(page);
        return (pte & X64PageTables.PRESENT) != 0 && Pte.isLocked(pte);
    }

    private void setLock(ProcessSpace space, long page, boolean locked) {
        long pte = tables.read(page);
        if (!tables.isLarge(page) && Pte.isLocked(pte) != locked) {
            tables.exchange(page, Pte.withLock(pte, locked));
            space.workingSet().addLocked(locked ? 1 : -1);
        }
    }
}
