package org.vadose.io;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.io.FileLocks.Owner;

class FileLocksTest {
    private final FileLocks locks = new FileLocks();
    private final Owner one = new Owner(new OpenFile.Stream("one", null, null, false), 1, 0);
    private final Owner two = new Owner(new OpenFile.Stream("two", null, null, false), 1, 0);

    private NtStatus lock(Owner owner, long start, long length, boolean isExclusive) {
        return locks.lock(owner, start, length, isExclusive, () -> false);
    }

    private void refused(Owner owner, long start, long length, boolean writes) {
        FileException refusal = assertThrows(FileException.class, () -> locks.check(owner, start, length, writes));
        assertEquals(NtStatus.FILE_LOCK_CONFLICT, refusal.status());
    }

    private void allowed(Owner owner, long start, long length, boolean writes) {
        assertDoesNotThrow(() -> locks.check(owner, start, length, writes));
    }

    @Test
    void everyPairOfLocksThatOverlapsObeysTheTable() {
        for (boolean held : new boolean[] {false, true}) {
            for (boolean wanted : new boolean[] {false, true}) {
                for (Owner owner : new Owner[] {one, two}) {
                    for (long start = 0; start < 12; start++) {
                        for (long length = 0; length < 12; length++) {
                            FileLocks fresh = new FileLocks();
                            assertEquals(NtStatus.SUCCESS, fresh.lock(one, 4, 4, held, () -> false));
                            boolean overlaps = length > 0 && start < 8 && start + length > 4;
                            boolean conflicts = overlaps && (wanted || held && owner != one);
                            assertEquals(
                                    conflicts ? NtStatus.LOCK_NOT_GRANTED : NtStatus.SUCCESS,
                                    fresh.lock(owner, start, length, wanted, () -> false));
                        }
                    }
                }
            }
        }
    }

    @Test
    void exclusiveLocksKeepOthersOutAndSharedOnesAllWriters() {
        lock(one, 10, 10, true);
        allowed(one, 0, 30, true);
        allowed(two, 0, 10, true);
        refused(two, 0, 11, false);
        refused(new Owner(one.file(), 2, 0), 15, 1, false);
        refused(new Owner(one.file(), 1, 7), 15, 1, false);
        locks.unlock(one, 10, 10);
        lock(one, 10, 10, false);
        allowed(two, 10, 10, false);
        refused(two, 10, 10, true);
        refused(one, 10, 10, true);
    }

    @Test
    void exclusiveLockGoesBeforeTheSharedOneOverIt() {
        lock(one, 0, 8, true);
        lock(one, 0, 8, false);
        refused(two, 0, 8, false);
        assertEquals(NtStatus.SUCCESS, locks.unlock(one, 0, 8));
        allowed(two, 0, 8, false);
        refused(two, 0, 8, true);
        assertEquals(NtStatus.SUCCESS, locks.unlock(one, 0, 8));
        allowed(two, 0, 8, true);
        assertEquals(NtStatus.RANGE_NOT_LOCKED, locks.unlock(one, 0, 8));
    }

    @Test
    void rangesAreUnsignedAndDoNotWrap() {
        assertEquals(NtStatus.SUCCESS, lock(one, -8, 8, true));
        assertEquals(NtStatus.INVALID_LOCK_RANGE, lock(two, -8, 9, true));
        assertEquals(NtStatus.LOCK_NOT_GRANTED, lock(two, Long.MAX_VALUE, -1 - Long.MAX_VALUE, true));
    }

    @Test
    void locksGoWithTheirFileAndTheirProcess() {
        AtomicInteger woken = new AtomicInteger();
        locks.addWaiting(woken::incrementAndGet);
        lock(one, 0, 4, true);
        locks.release(two.file());
        assertEquals(0, woken.get());
        locks.release(one.file());
        assertEquals(1, woken.get());
        AtomicBoolean isGone = new AtomicBoolean();
        locks.lock(one, 0, 4, true, isGone::get);
        refused(two, 0, 1, false);
        isGone.set(true);
        allowed(two, 0, 1, false);
        assertEquals(NtStatus.SUCCESS, lock(two, 0, 4, true));
    }
}
