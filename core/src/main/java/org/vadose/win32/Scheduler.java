package org.vadose.win32;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Hands one baton among the Java threads of a process's guest threads: the holder alone runs, so the simulated processor does one
 * thing at a time and a run repeats exactly. Ready threads take turns in order of arrival. A waiting thread's condition is
 * asked whenever the baton moves. Time is simulated: when every thread waits, the clock jumps to the first deadline.
 *
 * <p>Lock order: {@code lock} is a leaf, save that wait conditions run under it and may read guest memory.
 */
final class Scheduler {
    /** No deadline. */
    static final long NEVER = Long.MAX_VALUE;

    /** What a thread that does not hold the baton waits for. */
    private static final class Wait {
        final GuestThread thread;
        final BooleanSupplier condition;
        final long deadline;
        /** Not what the thread itself asked for. */
        final boolean isSuspension;

        Wait(GuestThread thread, BooleanSupplier condition, long deadline, boolean isSuspension) {
            this.thread = thread;
            this.condition = condition;
            this.deadline = deadline;
            this.isSuspension = isSuspension;
        }
    }

    private final GuestClock clock;
    private final Runnable onDeadlock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition moved = lock.newCondition();
    private final Deque<GuestThread> ready = new ArrayDeque<>();
    private final List<Wait> waiting = new ArrayList<>();
    private @Nullable GuestThread holder;
    private @Nullable GuestThread onProcessor;
    private boolean ended;

    /** @param onDeadlock told, with the lock held, when every thread waits without a deadline */
    Scheduler(GuestClock clock, Runnable onDeadlock) {
        this.clock = clock;
        this.onDeadlock = onDeadlock;
    }

    /** A new thread may run; it takes the baton if nobody holds it. */
    void admit(GuestThread thread) {
        lock.lock();
        try {
            ready.addLast(thread);
            if (holder == null) {
                passOn();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Blocks the calling Java thread until its guest thread holds the baton. */
    void awaitTurn(GuestThread thread) {
        lock.lock();
        try {
            awaitTurnLocked(thread);
        } finally {
            lock.unlock();
        }
    }

    /** Lets the other ready threads go first. */
    void yield(GuestThread thread) {
        lock.lock();
        try {
            wakeLocked();
            if (ready.isEmpty()) {
                return;
            }
            ready.addLast(thread);
            passOn();
            awaitTurnLocked(thread);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until the condition holds or simulated time passes the deadline.
     *
     * @param condition asked with the baton free; may take what it waits for as it answers true
     * @param deadline in the clock's ticks of 100 ns, or {@link #NEVER}
     * @return false when time ran out
     */
    boolean await(GuestThread thread, BooleanSupplier condition, long deadline) {
        lock.lock();
        try {
            if (condition.getAsBoolean()) {
                return true;
            }
            if (deadline <= clock.now()) {
                return false;
            }
            thread.setWaitSatisfied(false);
            waiting.add(new Wait(thread, condition, deadline, false));
            passOn();
            awaitTurnLocked(thread);
            return thread.isWaitSatisfied();
        } finally {
            lock.unlock();
        }
    }

    /** The thread is done; the baton goes on. */
    void leave(GuestThread thread) {
        lock.lock();
        try {
            ready.remove(thread);
            waiting.removeIf(w -> w.thread == thread);
            if (holder == thread) {
                holder = null;
                if (!ended && !(ready.isEmpty() && waiting.isEmpty())) {
                    passOn();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** A thread was ended by another: it wakes only to go. */
    void leaveLater(GuestThread thread) {
        lock.lock();
        try {
            ready.remove(thread);
            waiting.removeIf(w -> w.thread == thread);
            moved.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Ends every thread that waits for the baton. */
    void end() {
        lock.lock();
        try {
            ended = true;
            moved.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void awaitTurnLocked(GuestThread thread) {
        while (holder != thread && !ended && !thread.hasEnded()) {
            moved.awaitUninterruptibly();
        }
        if (ended || thread.hasEnded()) {
            throw new ProcessEnded();
        }
        if (onProcessor != thread) {
            onProcessor = thread;
            thread.process().switchedTo(thread);
        }
    }

    private void passOn() {
        wakeLocked();
        setSuspendedAside();
        while (ready.isEmpty()) {
            long first = NEVER;
            for (Wait wait : waiting) {
                first = Math.min(first, wait.deadline);
            }
            if (first == NEVER) {
                holder = null;
                onDeadlock.run();
                return;
            }
            clock.advanceTo(first);
            wakeLocked();
            setSuspendedAside();
        }
        holder = ready.pollFirst();
        moved.signalAll();
    }

    /** A suspended thread is not ready, whatever it waited for before. */
    private void setSuspendedAside() {
        for (Iterator<GuestThread> all = ready.iterator(); all.hasNext(); ) {
            GuestThread thread = all.next();
            if (thread.isSuspended()) {
                all.remove();
                waiting.add(new Wait(thread, () -> !thread.isSuspended(), NEVER, true));
            }
        }
    }

    private void wakeLocked() {
        if (waiting.isEmpty()) {
            return;
        }
        long now = clock.now();
        for (Iterator<Wait> all = waiting.iterator(); all.hasNext(); ) {
            Wait wait = all.next();
            boolean satisfied = wait.condition.getAsBoolean();
            if (satisfied || wait.deadline <= now) {
                all.remove();
                if (!wait.isSuspension) {
                    wait.thread.setWaitSatisfied(satisfied);
                }
                ready.addLast(wait.thread);
            }
        }
    }
}
