package org.vadose.win32;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.ThreadState;

/**
 * Hands one baton among the Java threads of all guest threads: the holder alone runs, so the simulated processor does one
 * thing at a time and a run repeats exactly. Ready threads take turns in order of arrival. A waiting thread's condition is
 * asked whenever the baton moves. Time is simulated: when every thread waits, the clock jumps to the first deadline.
 *
 * <p>A thread that must go, because it or its process was ended, gets the baton once more and throws {@link ProcessEnded}: it
 * takes its leave like everything else, one at a time.
 *
 * <p>Lock order: {@code lock} is a leaf, save that wait conditions run under it and may read guest memory.
 */
final class Scheduler {
    /** No deadline. */
    static final long NEVER = Long.MAX_VALUE;

    /** What a thread that does not hold the baton waits for. */
    private static final class Wait {
        final GuestThread thread;
        final Kind kind;
        final BooleanSupplier condition;
        final long deadline;

        Wait(GuestThread thread, Kind kind, BooleanSupplier condition, long deadline) {
            this.thread = thread;
            this.kind = kind;
            this.condition = condition;
            this.deadline = deadline;
        }
    }

    /** What a wait's condition looks at. */
    enum Kind {
        /** Kernel objects or time. */
        OBJECTS,
        /** The process's own memory, which must be the one the processor sees. */
        MEMORY,
        /** Whether somebody suspended the thread: not what the thread itself asked for. */
        SUSPENSION
    }

    private final GuestClock clock;
    private final Consumer<GuestProcess> onDeadlock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition moved = lock.newCondition();
    private final Deque<GuestThread> ready = new ArrayDeque<>();
    private final List<Wait> waiting = new ArrayList<>();
    private @Nullable GuestThread holder;
    private @Nullable GuestThread onProcessor;
    /** Java threads that are no guest's and want the processor, or have it. */
    private int outsiders;

    private boolean isTaken;
    private boolean isPassing;

    /** @param onDeadlock ends a process, with the lock held, when every thread waits without a deadline */
    Scheduler(GuestClock clock, Consumer<GuestProcess> onDeadlock) {
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
            if (ready.isEmpty() && outsiders == 0) {
                putOnProcessor(thread);
                return;
            }
            ready.addLast(thread);
            thread.showState(ThreadState.READY);
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
     * @throws MemoryFault what the condition met
     */
    boolean await(GuestThread thread, Kind kind, BooleanSupplier condition, long deadline) {
        lock.lock();
        try {
            if (condition.getAsBoolean()) {
                return true;
            }
            if (deadline <= clock.now()) {
                return false;
            }
            thread.setWaitSatisfied(false);
            waiting.add(new Wait(thread, kind, condition, deadline));
            thread.showState(ThreadState.WAITING);
            passOn();
            awaitTurnLocked(thread);
            thread.throwWaitFault();
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
            if (onProcessor == thread) {
                onProcessor = null;
            }
            if (holder == thread) {
                passOn();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Threads were ended by another, or their process was: they get the baton to go. */
    void release(Predicate<GuestThread> which) {
        lock.lock();
        try {
            for (Iterator<Wait> all = waiting.iterator(); all.hasNext(); ) {
                GuestThread thread = all.next().thread;
                if (which.test(thread)) {
                    all.remove();
                    ready.addLast(thread);
                }
            }
            if (holder == null && !isPassing) {
                passOn();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Does something on the processor between the guest threads' turns; called by a Java thread that runs none. */
    <T> T exclusively(Supplier<T> work) {
        lock.lock();
        try {
            outsiders++;
            while (holder != null || isTaken) {
                moved.awaitUninterruptibly();
            }
            isTaken = true;
        } finally {
            lock.unlock();
        }
        try {
            return work.get();
        } finally {
            lock.lock();
            try {
                outsiders--;
                isTaken = false;
                onProcessor = null;
                passOn();
            } finally {
                lock.unlock();
            }
        }
    }

    /** Puts the calling thread, which holds the baton, back on the processor after it did something for another process. */
    void restore(GuestThread thread) {
        lock.lock();
        try {
            onProcessor = null;
            putOnProcessor(thread);
        } finally {
            lock.unlock();
        }
    }

    private void awaitTurnLocked(GuestThread thread) {
        while (holder != thread) {
            moved.awaitUninterruptibly();
        }
        putOnProcessor(thread);
        thread.showState(ThreadState.RUNNING);
        if (thread.mustGo()) {
            throw new ProcessEnded();
        }
    }

    private void putOnProcessor(GuestThread thread) {
        if (onProcessor != thread) {
            onProcessor = thread;
            thread.process().switchedTo(thread);
        }
    }

    private void passOn() {
        holder = null;
        if (outsiders == 0) {
            isPassing = true;
            holder = next();
            isPassing = false;
        }
        moved.signalAll();
    }

    /** The thread whose turn it is; null when there is none left. */
    private @Nullable GuestThread next() {
        wakeLocked();
        setSuspendedAside();
        while (ready.isEmpty()) {
            if (waiting.isEmpty()) {
                return null;
            }
            long first = NEVER;
            for (Wait wait : waiting) {
                first = Math.min(first, wait.deadline);
            }
            if (first == NEVER) {
                onDeadlock.accept(waiting.getFirst().thread.process());
            } else {
                clock.advanceTo(first);
            }
            wakeLocked();
            setSuspendedAside();
        }
        return ready.pollFirst();
    }

    /** A suspended thread is not ready, whatever it waited for before. */
    private void setSuspendedAside() {
        for (Iterator<GuestThread> all = ready.iterator(); all.hasNext(); ) {
            GuestThread thread = all.next();
            if (thread.isSuspended() && !thread.mustGo()) {
                all.remove();
                waiting.add(new Wait(thread, Kind.SUSPENSION, () -> !thread.isSuspended(), NEVER));
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
            boolean satisfied = isOver(wait);
            if (satisfied || wait.deadline <= now || wait.thread.mustGo()) {
                all.remove();
                if (wait.kind != Kind.SUSPENSION) {
                    wait.thread.setWaitSatisfied(satisfied);
                }
                ready.addLast(wait.thread);
            }
        }
    }

    private boolean isOver(Wait wait) {
        if (wait.kind == Kind.MEMORY && !wait.thread.mustGo()) {
            putOnProcessor(wait.thread);
        }
        try {
            return !wait.thread.mustGo() && wait.condition.getAsBoolean();
        } catch (MemoryFault fault) {
            wait.thread.setWaitFault(fault);
            return true;
        }
    }
}
