package org.vadose.win32;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.vadose.memory.MemoryFault;
import org.vadose.memory.Mmu;
import org.vadose.mm.OrderedLock;
import org.vadose.nt.ThreadState;

/**
 * Says which guest thread runs on which processor, and when. Every guest thread has a Java thread and a processor that it stays
 * on; of a processor's threads one has the turn. It executes guest instructions beside those of other processors; for everything
 * else it holds {@link #kernel}, so the kernel does one thing at a time. Ready threads take turns in order of arrival, so on
 * one processor a run repeats exactly. A waiting thread's condition is asked whenever a turn ends. Time is simulated: when every
 * thread waits, the clock jumps to the first deadline.
 *
 * <p>A thread that must go, because it or its process was ended, gets one more turn and throws {@link ProcessEnded}: it takes its
 * leave like everything else, one at a time.
 *
 * <p>The lock is the first in the order of {@link OrderedLock}.
 */
final class Scheduler {
    /** No deadline. */
    static final long NEVER = Long.MAX_VALUE;

    /** What a thread without a turn waits for. */
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
    private final Runnable idle;
    private final Consumer<GuestProcess> onDeadlock;
    private final OrderedLock kernel;
    private final Condition moved;
    private final List<GuestProcessor> processors;
    private final List<Wait> waiting = new ArrayList<>();
    /** Java threads that are no guest's and want all processors, or have them. */
    private int outsiders;

    private boolean isTaken;
    private boolean isDispatching;
    /** Threads were ended while somebody else held the lock. */
    private volatile boolean someMustGo;

    /**
     * @param kernel held by whoever is in the kernel
     * @param idle what is done, with the lock held, when every thread waits
     * @param onDeadlock ends a process, with the lock held, when every thread waits without a deadline
     */
    Scheduler(
            OrderedLock kernel,
            List<GuestProcessor> processors,
            GuestClock clock,
            Runnable idle,
            Consumer<GuestProcess> onDeadlock) {
        this.kernel = kernel;
        this.moved = kernel.newCondition();
        this.processors = processors;
        this.clock = clock;
        this.idle = idle;
        this.onDeadlock = onDeadlock;
    }

    /** The processor with the fewest threads, for a new one. */
    GuestProcessor leastLoaded() {
        kernel.lock();
        try {
            GuestProcessor least = processors.getFirst();
            for (GuestProcessor processor : processors) {
                if (processor.threads < least.threads) {
                    least = processor;
                }
            }
            return least;
        } finally {
            kernel.unlock();
        }
    }

    /** A new thread may run; it gets a turn at once if nobody has its processor. */
    void admit(GuestThread thread) {
        kernel.lock();
        try {
            thread.processor().threads++;
            thread.processor().ready.addLast(thread);
            if (thread.processor().holder == null) {
                dispatch();
            }
        } finally {
            kernel.unlock();
        }
    }

    /** Blocks the calling Java thread until its guest thread has a turn; it is in the kernel then. */
    void awaitTurn(GuestThread thread) {
        kernel.lock();
        awaitTurnLocked(thread);
    }

    /** The thread goes on to execute guest instructions. */
    void leaveKernel(GuestThread thread) {
        if (someMustGo) {
            letGo(GuestThread::mustGo);
        }
        if (processors.size() > 1 && !waiting.isEmpty() && someoneIsIdle()) {
            dispatch();
        }
        load(thread);
        kernel.unlock();
        Mmu mmu = thread.processor().mmu();
        if (mmu != null) {
            mmu.enterGuest();
        }
    }

    /** The thread has executed guest instructions and now wants something of the kernel. */
    void enterKernel(GuestThread thread) {
        Mmu mmu = thread.processor().mmu();
        if (mmu != null) {
            mmu.leaveGuest();
        }
        kernel.lock();
        if (mmu != null) {
            mmu.catchUp();
        }
    }

    private boolean someoneIsIdle() {
        for (GuestProcessor processor : processors) {
            if (processor.holder == null) {
                return true;
            }
        }
        return false;
    }

    /** Lets the other ready threads of its processor go first. */
    void yield(GuestThread thread) {
        wakeLocked();
        GuestProcessor processor = thread.processor();
        if (processor.ready.isEmpty() && outsiders == 0) {
            load(thread);
            return;
        }
        processor.ready.addLast(thread);
        thread.showState(ThreadState.READY);
        passOn(processor);
        awaitTurnLocked(thread);
    }

    /**
     * Waits until the condition holds or simulated time passes the deadline.
     *
     * @param condition asked in the kernel; may take what it waits for as it answers true
     * @param deadline in the clock's ticks of 100 ns, or {@link #NEVER}
     * @return false when time ran out
     * @throws MemoryFault what the condition met
     */
    boolean await(GuestThread thread, Kind kind, BooleanSupplier condition, long deadline) {
        if (condition.getAsBoolean()) {
            return true;
        }
        if (deadline <= clock.now()) {
            return false;
        }
        thread.setWaitSatisfied(false);
        waiting.add(new Wait(thread, kind, condition, deadline));
        thread.showState(ThreadState.WAITING);
        passOn(thread.processor());
        awaitTurnLocked(thread);
        thread.throwWaitFault();
        return thread.isWaitSatisfied();
    }

    /** The thread is done, its processor another's. */
    void leave(GuestThread thread) {
        GuestProcessor processor = thread.processor();
        processor.threads--;
        processor.ready.remove(thread);
        waiting.removeIf(w -> w.thread == thread);
        if (processor.loaded == thread) {
            processor.loaded = null;
        }
        if (processor.holder == thread) {
            passOn(processor);
        }
        kernel.unlock();
    }

    /** Threads were ended by another, or their process was: they get a turn to go. From any Java thread; never waits long. */
    void release(Predicate<GuestThread> which) {
        someMustGo = true;
        if (kernel.tryLock()) {
            try {
                letGo(which);
            } finally {
                kernel.unlock();
            }
        }
    }

    private void letGo(Predicate<GuestThread> which) {
        someMustGo = false;
        for (Iterator<Wait> all = waiting.iterator(); all.hasNext(); ) {
            GuestThread thread = all.next().thread;
            if (which.test(thread)) {
                all.remove();
                thread.processor().ready.addLast(thread);
            }
        }
        if (!isDispatching && someoneIsIdle()) {
            dispatch();
        }
    }

    /** Does something in the kernel between the guest threads' turns; called by a Java thread that runs none. */
    <T> T exclusively(Supplier<T> work) {
        kernel.lock();
        try {
            outsiders++;
            while (!nobodyRuns() || isTaken) {
                moved.awaitUninterruptibly();
            }
            isTaken = true;
            try {
                return work.get();
            } finally {
                outsiders--;
                isTaken = false;
                processors.forEach(processor -> processor.loaded = null);
                dispatch();
            }
        } finally {
            kernel.unlock();
        }
    }

    private boolean nobodyRuns() {
        for (GuestProcessor processor : processors) {
            if (processor.holder != null) {
                return false;
            }
        }
        return true;
    }

    /** Puts the calling thread, whose turn it is, back on its processor after it did something for another process. */
    void restore(GuestThread thread) {
        thread.processor().loaded = null;
        load(thread);
    }

    /** Stops the other processors for as long as the calling thread stays in the kernel. */
    void haltOthers(GuestThread thread) {
        for (GuestProcessor processor : processors) {
            Mmu mmu = processor.mmu();
            if (processor != thread.processor() && mmu != null) {
                mmu.halt();
            }
        }
    }

    private void awaitTurnLocked(GuestThread thread) {
        while (thread.processor().holder != thread) {
            moved.awaitUninterruptibly();
        }
        Mmu mmu = thread.processor().mmu();
        if (mmu != null) {
            mmu.catchUp();
        }
        load(thread);
        thread.showState(ThreadState.RUNNING);
        if (thread.mustGo()) {
            throw new ProcessEnded();
        }
    }

    private static void load(GuestThread thread) {
        GuestProcessor processor = thread.processor();
        if (processor.loaded != thread) {
            processor.loaded = thread;
            thread.process().switchedTo(thread);
            Mmu mmu = processor.mmu();
            if (mmu != null) {
                mmu.setInterrupt(thread.cpu()::requestStop);
            }
        }
    }

    private void passOn(GuestProcessor processor) {
        processor.holder = null;
        dispatch();
    }

    /** Gives every processor without a thread its next one. When all threads wait, time passes until one need not. */
    private void dispatch() {
        if (outsiders == 0) {
            isDispatching = true;
            do {
                wakeLocked();
                setSuspendedAside();
            } while (!assign() && !waiting.isEmpty() && passTime());
            isDispatching = false;
        }
        moved.signalAll();
    }

    /** Returns whether any processor has a thread now. */
    private boolean assign() {
        boolean any = false;
        for (GuestProcessor processor : processors) {
            if (processor.holder == null) {
                processor.holder = processor.ready.pollFirst();
            }
            any |= processor.holder != null;
        }
        return any;
    }

    private boolean passTime() {
        idle.run();
        long first = NEVER;
        for (Wait wait : waiting) {
            first = Math.min(first, wait.deadline);
        }
        if (first == NEVER) {
            onDeadlock.accept(waiting.getFirst().thread.process());
        } else {
            clock.advanceTo(first);
        }
        return true;
    }

    /** A suspended thread is not ready, whatever it waited for before. */
    private void setSuspendedAside() {
        for (GuestProcessor processor : processors) {
            for (Iterator<GuestThread> all = processor.ready.iterator(); all.hasNext(); ) {
                GuestThread thread = all.next();
                if (thread.isSuspended() && !thread.mustGo()) {
                    all.remove();
                    waiting.add(new Wait(thread, Kind.SUSPENSION, () -> !thread.isSuspended(), NEVER));
                    thread.showState(ThreadState.WAITING);
                }
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
                wait.thread.showState(ThreadState.READY);
                wait.thread.processor().ready.addLast(wait.thread);
            }
        }
    }

    private boolean isOver(Wait wait) {
        if (wait.thread.mustGo()) {
            return false;
        }
        if (wait.kind == Kind.MEMORY) {
            int here = wait.thread.process().attach();
            processors.get(here).loaded = null;
        }
        try {
            return wait.condition.getAsBoolean();
        } catch (MemoryFault fault) {
            wait.thread.setWaitFault(fault);
            return true;
        }
    }
}
