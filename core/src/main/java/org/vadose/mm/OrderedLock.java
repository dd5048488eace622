package org.vadose.mm;

import java.util.concurrent.locks.ReentrantLock;

/**
 * A lock with a place in the one order in which locks are taken. With assertions on, a thread that takes one out of order fails.
 *
 * <pre>
 *   KERNEL          everything a system call or a rare page fault does; scheduling
 *   ADDRESS_SPACE   one process's VADs, page tables and working set
 *   FRAMES          lists of frames and the count of available ones
 *   COLOURS         the frames that one processor, or the few that share its colours, has at hand
 * </pre>
 *
 * A common page fault takes ADDRESS_SPACE and COLOURS alone, and FRAMES once for a hundred frames. Who holds KERNEL may hold several
 * of ADDRESS_SPACE: nobody else ever waits for one with another in hand.
 */
public final class OrderedLock extends ReentrantLock {
    private static final long serialVersionUID = 1;

    /** In the order in which they are taken. */
    public enum Rank {
        KERNEL,
        ADDRESS_SPACE,
        FRAMES,
        COLOURS
    }

    private static final int SPINS = 1000;

    /** How many locks of each rank a thread holds. */
    private static final ThreadLocal<int[]> HELD = ThreadLocal.withInitial(() -> new int[Rank.values().length]);

    private final Rank rank;

    public OrderedLock(Rank rank) {
        this.rank = rank;
    }

    @Override
    public void lock() {
        assert isHeldByCurrentThread() || mayBeTaken(rank) : "locks are taken out of order wanted=" + rank;
        if (rank != Rank.FRAMES || !spin()) {
            super.lock();
        }
        assert count(rank, 1);
    }

    /**
     * For a lock of another kind that has a rank: says, under {@code assert}, that the calling thread is about to take it.
     *
     * @return true
     */
    static boolean entered(Rank rank) {
        assert mayBeTaken(rank) : "locks are taken out of order wanted=" + rank;
        return count(rank, 1);
    }

    /** Says, under {@code assert}, that the calling thread has given it back. */
    static boolean left(Rank rank) {
        return count(rank, -1);
    }

    /** What this rank guards takes less time than putting a thread to sleep. */
    private boolean spin() {
        for (int i = 0; i < SPINS; i++) {
            if (super.tryLock()) {
                return true;
            }
            Thread.onSpinWait();
        }
        return false;
    }

    @Override
    public boolean tryLock() {
        boolean taken = super.tryLock();
        assert !taken || count(rank, 1);
        return taken;
    }

    @Override
    public void unlock() {
        assert count(rank, -1);
        super.unlock();
    }

    private static boolean mayBeTaken(Rank rank) {
        int[] held = HELD.get();
        for (int later = rank.ordinal() + 1; later < held.length; later++) {
            if (held[later] != 0) {
                return false;
            }
        }
        return held[rank.ordinal()] == 0 || rank == Rank.ADDRESS_SPACE && held[Rank.KERNEL.ordinal()] != 0;
    }

    private static boolean count(Rank rank, int delta) {
        HELD.get()[rank.ordinal()] += delta;
        return true;
    }
}
