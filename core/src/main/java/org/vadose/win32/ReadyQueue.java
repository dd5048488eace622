package org.vadose.win32;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Threads that are ready to run on one processor: the highest priority first, within a priority in order of arrival. A thread that
 * has been passed over for {@link #PATIENCE} comes first, as on Windows, whose balance set manager raises threads that were ready for
 * some seconds; here it is sooner, since simulated seconds are long.
 *
 * <p>Guarded by the scheduler's lock.
 */
final class ReadyQueue {
    /** Priorities: 0 to 31. */
    static final int LEVELS = 32;

    /** What a thread that was passed over is raised to for a time slice. */
    static final int RAISED = 15;

    /** In ticks of the guests' clock: a tenth of a second. */
    static final long PATIENCE = 1_000_000;

    private final List<Deque<GuestThread>> levels = new ArrayList<>();
    /** Bit n: there are threads of priority n. */
    private int summary;

    ReadyQueue() {
        for (int i = 0; i < LEVELS; i++) {
            levels.add(new ArrayDeque<>());
        }
    }

    boolean isEmpty() {
        return summary == 0;
    }

    /** Priority of the thread that is next, -1 for none. */
    int highest() {
        return LEVELS - 1 - Integer.numberOfLeadingZeros(summary);
    }

    private Deque<GuestThread> enter(GuestThread thread, long now) {
        int level = thread.priority();
        thread.setReady(level, now);
        summary |= 1 << level;
        return levels.get(level);
    }

    /** Behind all of its priority. */
    void addLast(GuestThread thread, long now) {
        enter(thread, now).addLast(thread);
    }

    /** Before all of its priority: it was interrupted. */
    void addFirst(GuestThread thread, long now) {
        enter(thread, now).addFirst(thread);
    }

    /** Returns whether it was there. */
    boolean remove(GuestThread thread) {
        int level = thread.readyLevel();
        boolean wasThere = levels.get(level).remove(thread);
        forgetEmpty(level);
        return wasThere;
    }

    private void forgetEmpty(int level) {
        if (levels.get(level).isEmpty()) {
            summary &= ~(1 << level);
        }
    }

    /** Takes the next one; null for none. */
    @Nullable GuestThread poll(long now) {
        if (summary == 0) {
            return null;
        }
        int level = highest();
        int others = summary & ~(1 << level);
        if (others != 0) {
            level = passedOver(others, level, now);
        }
        GuestThread next = levels.get(level).pollFirst();
        forgetEmpty(level);
        return next;
    }

    /** The level of the thread that was passed over for longest, if too long. */
    private int passedOver(int others, int highest, long now) {
        int chosen = highest;
        long since = now - PATIENCE;
        for (int left = others; left != 0; left &= left - 1) {
            int level = Integer.numberOfTrailingZeros(left);
            GuestThread first = levels.get(level).getFirst();
            if (first.readySince() <= since) {
                since = first.readySince() - 1;
                chosen = level;
            }
        }
        if (chosen != highest) {
            levels.get(chosen).getFirst().raise(RAISED);
        }
        return chosen;
    }
}
