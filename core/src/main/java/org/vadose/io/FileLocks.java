package org.vadose.io;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.vadose.base.NtStatus;

/**
 * The byte ranges of a file that are locked. A lock belongs to a file object, a process and a key together.
 *
 * <ul>
 *   <li>An exclusive lock overlaps no other lock, but that its owner may lay shared ones over it.
 *   <li>Where a shared lock is, nobody writes; where an exclusive one is, only its owner reads and writes.
 *   <li>A lock of no bytes overlaps nothing.
 * </ul>
 */
public final class FileLocks {
    /**
     * Who locks, reads or writes.
     *
     * @param process address of its process
     */
    public record Owner(OpenFile file, long process, int key) {}

    private record Lock(Owner owner, long start, long length, boolean isExclusive, BooleanSupplier isGone) {
        /** Bounds are unsigned. */
        boolean overlaps(long otherStart, long otherLength) {
            return length != 0
                    && otherLength != 0
                    && Long.compareUnsigned(start, otherStart + otherLength - 1) <= 0
                    && Long.compareUnsigned(otherStart, start + length - 1) <= 0;
        }
    }

    private final List<Lock> locks = new ArrayList<>();
    private final List<Runnable> waiting = new ArrayList<>();

    FileLocks() {}

    /**
     * Locks a range.
     *
     * @param isGone whether the owner's process has ended, and the lock with it
     * @return LOCK_NOT_GRANTED when others are in the way, INVALID_LOCK_RANGE when the range ends beyond what numbers say
     */
    public NtStatus lock(Owner owner, long start, long length, boolean isExclusive, BooleanSupplier isGone) {
        if (length != 0 && Long.compareUnsigned(start + length - 1, start) < 0) {
            return NtStatus.INVALID_LOCK_RANGE;
        }
        forgetGone();
        for (Lock lock : locks) {
            boolean isInTheWay = isExclusive || lock.isExclusive && !lock.owner.equals(owner);
            if (isInTheWay && lock.overlaps(start, length)) {
                return NtStatus.LOCK_NOT_GRANTED;
            }
        }
        locks.add(new Lock(owner, start, length, isExclusive, isGone));
        return NtStatus.SUCCESS;
    }

    /**
     * Gives one lock back, an exclusive one before a shared one.
     *
     * @return RANGE_NOT_LOCKED when the owner has none of just this range
     */
    public NtStatus unlock(Owner owner, long start, long length) {
        Lock found = null;
        for (Lock lock : locks) {
            if (lock.owner.equals(owner) && lock.start == start && lock.length == length) {
                found = found == null || lock.isExclusive ? lock : found;
            }
        }
        if (found == null) {
            return NtStatus.RANGE_NOT_LOCKED;
        }
        locks.remove(found);
        wake();
        return NtStatus.SUCCESS;
    }

    /** The file object's last handle is closed. */
    void release(OpenFile file) {
        if (locks.removeIf(lock -> lock.owner.file == file)) {
            wake();
        }
    }

    private void forgetGone() {
        for (Iterator<Lock> all = locks.iterator(); all.hasNext(); ) {
            if (all.next().isGone.getAsBoolean()) {
                all.remove();
            }
        }
    }

    /** @throws FileException FILE_LOCK_CONFLICT */
    void check(Owner owner, long start, long length, boolean writes) {
        forgetGone();
        for (Lock lock : locks) {
            boolean isOwn = lock.isExclusive && lock.owner.equals(owner);
            if ((writes || lock.isExclusive) && !isOwn && lock.overlaps(start, length)) {
                throw new FileException(NtStatus.FILE_LOCK_CONFLICT);
            }
        }
    }

    /** Has somebody woken at every lock that goes. */
    public void addWaiting(Runnable wakeUp) {
        waiting.add(wakeUp);
    }

    public void removeWaiting(Runnable wakeUp) {
        waiting.remove(wakeUp);
    }

    private void wake() {
        List.copyOf(waiting).forEach(Runnable::run);
    }
}
