package org.vadose.win32;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.ke.Waits;
import org.vadose.memory.Mmu;
import org.vadose.memory.ProcessorThread;
import org.vadose.mm.NodeTopology;
import org.vadose.mm.OrderedLock;
import org.vadose.nt.Ethread;
import org.vadose.nt.ThreadState;
import org.vadose.nt.WaitReason;
import org.vadose.ps.SchedulingServices;

/**
 * Says which guest thread runs on which processor, and when. Every guest thread has a Java thread and a processor that it stays
 * on while its affinity allows; of a processor's threads one has the turn. It executes guest instructions beside those of other
 * processors; for everything else it holds {@link #kernel}, so the kernel does one thing at a time. Ready threads take turns by
 * priority and then in order of arrival ({@link ReadyQueue}), so on one processor a run repeats exactly. Time is simulated: when every thread waits, the clock jumps to when the first timer expires.
 *
 * <p>What a thread waits for is in RAM ({@link Waits}), which tells {@link #becameReady} of it when the wait is over. So a thread
 * is in one of three places: it holds a processor, is on a processor's ready queue, or is in {@link #waiting}.
 *
 * <p>A thread that must go, because it or its process was ended, gets one more turn and throws {@link ProcessEnded}: it takes its
 * leave like everything else, one at a time.
 *
 * <p>The lock is the first in the order of {@link OrderedLock}.
 */
final class Scheduler implements SchedulingServices.Listener {
    /** No deadline. */
    static final long NEVER = Waits.NEVER;

    private static final long[] NO_OBJECTS = {};
    /** A millisecond. */
    private static final long SHOWN_TIME_STEP = 10_000;

    private static final long NANOSECONDS_IN_TICK = 100;

    private final GuestClock clock;
    private final LongConsumer onTime;
    private final Runnable idle;
    private final Consumer<GuestProcessor> onVacated;
    private final Predicate<GuestProcess> onDeadlock;
    private final OrderedLock kernel;
    /** Null for processes of memory alone, whose threads cannot wait for each other. */
    private final @Nullable Waits waits;
    /** Where outsiders wait. */
    private final Condition nobodyRuns;

    /** Tells of what came from outside; one object, so that listeners know it. */
    private final Runnable onArrival = this::came;

    private final List<GuestProcessor> processors;
    /** Null for processes of memory alone. */
    private final @Nullable NodeTopology topology;
    /** By address of the {@code _ETHREAD}. */
    private final Map<Long, GuestThread> threads = new HashMap<>();

    private final Set<GuestThread> waiting = new LinkedHashSet<>();
    /** Of those the ones that wait for something from outside the machine, in order of arrival. */
    private final Map<GuestThread, Outside> outside = new LinkedHashMap<>();
    /** Java threads that are no guest's and want all processors, or have them. */
    private int outsiders;

    private long shownTime;
    private boolean isTaken;
    private boolean isDispatching;
    /** Threads were ended while somebody else held the lock. */
    private volatile boolean someMustGo;
    /** Something from outside has come that nobody has looked at. */
    private boolean somethingCame;
    /** Threads shall look whether their process is wanted. */
    private boolean someAreWanted;

    /**
     * What is awaited from outside the machine.
     *
     * @param object is signalled when it has come
     */
    private record Outside(long object, BooleanSupplier hasCome) {}

    /**
     * @param kernel held by whoever is in the kernel
     * @param onTime is told the time, in the clock's ticks, every now and then
     * @param idle what is done, with the lock held, when every thread waits
     * @param onVacated is told of processors whose thread has gone to another one
     * @param onDeadlock ends a process, with the lock held, when every thread waits without a deadline; false if it lets them wait
     */
    Scheduler(
            OrderedLock kernel,
            @Nullable Waits waits,
            List<GuestProcessor> processors,
            @Nullable NodeTopology topology,
            GuestClock clock,
            LongConsumer onTime,
            Runnable idle,
            Consumer<GuestProcessor> onVacated,
            Predicate<GuestProcess> onDeadlock) {
        this.kernel = kernel;
        this.waits = waits;
        this.nobodyRuns = kernel.newCondition();
        this.processors = processors;
        this.topology = topology;
        this.clock = clock;
        this.onTime = onTime;
        this.idle = idle;
        this.onVacated = onVacated;
        this.onDeadlock = onDeadlock;
        if (waits != null) {
            waits.setListener(this::becameReady);
        }
    }

    /**
     * The processor for a thread: of those it may run on that have the fewest threads its ideal one, else one of the ideal one's
     * node.
     */
    GuestProcessor placeFor(Ethread thread) {
        kernel.lock();
        try {
            long allowed = thread.affinity();
            int ideal = thread.idealProcessor();
            GuestProcessor best = null;
            for (GuestProcessor processor : processors) {
                if ((allowed >>> processor.number() & 1) != 0
                        && (best == null
                                || processor.threads < best.threads
                                || processor.threads == best.threads
                                        && distance(processor, ideal) < distance(best, ideal))) {
                    best = processor;
                }
            }
            return best == null ? processors.getFirst() : best;
        } finally {
            kernel.unlock();
        }
    }

    private int distance(GuestProcessor processor, int ideal) {
        if (processor.number() == ideal) {
            return 0;
        }
        return topology == null || topology.ofProcessor(processor.number()) == topology.ofProcessor(ideal) ? 1 : 2;
    }

    // --- changes of what a thread may do; the caller holds the lock ---

    /** Takes a thread off a processor that it may not run on any more; one that runs goes itself before its next instruction. */
    @Override
    public void affinityChanged(long ethread) {
        GuestThread thread = threads.get(ethread);
        if (thread == null || isInPlace(thread)) {
            return;
        }
        GuestProcessor from = thread.processor();
        if (from.holder == thread) {
            lookSoon(from, thread);
        } else if (from.ready.remove(thread)) {
            relocate(thread);
            enqueue(thread);
        } else {
            relocate(thread);
        }
    }

    /** Its place in the order of ready threads is another one; one that runs may have to make way. */
    @Override
    public void priorityChanged(long ethread) {
        GuestThread thread = threads.get(ethread);
        if (thread == null) {
            return;
        }
        GuestProcessor processor = thread.processor();
        if (processor.holder == thread) {
            lookSoon(processor, thread);
        } else if (processor.ready.remove(thread)) {
            enqueue(thread);
        }
    }

    private static boolean isInPlace(GuestThread thread) {
        return thread.mustGo()
                || (thread.ethread().affinity() >>> thread.processor().number() & 1) != 0;
    }

    private void relocate(GuestThread thread) {
        GuestProcessor from = thread.processor();
        GuestProcessor to = placeFor(thread.ethread());
        if (from.loaded == thread) {
            from.loaded = null;
            onVacated.accept(from);
        }
        from.threads--;
        to.threads++;
        thread.setProcessor(to);
    }

    private static void lookSoon(GuestProcessor processor, GuestThread holder) {
        processor.mustLook = true;
        holder.cpu().requestStop();
    }

    /** The holder of a processor is about to execute guest instructions, and perhaps should not, or not here. */
    private void look(GuestThread thread) {
        GuestProcessor processor = thread.processor();
        processor.mustLook = false;
        if (waits == null) {
            return;
        }
        if (!isInPlace(thread)) {
            thread.pauses();
            relocate(thread);
            enqueue(thread);
        } else if (processor.ready.highest() > thread.priority()) {
            thread.pauses();
            thread.showState(ThreadState.READY);
            processor.ready.addFirst(thread, clock.now());
        } else {
            return;
        }
        passOn(processor);
        awaitTurnLocked(thread);
    }

    /** A new thread may run, unless it is suspended; it gets a turn at once if nobody has its processor. */
    void admit(GuestThread thread) {
        kernel.lock();
        try {
            thread.setTurn(kernel.newCondition());
            thread.processor().threads++;
            thread.setProcessor(thread.processor());
            threads.put(thread.ethread().address(), thread);
            if (waits != null && isToBeSuspended(thread)) {
                waits.beginSuspension(thread.ethread().address());
                waiting.add(thread);
            } else {
                makeReady(thread);
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
            letGo();
        }
        while (thread.processor().mustLook) {
            look(thread);
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
        if (thread.mustGo()) {
            throw new ProcessEnded();
        }
    }

    /** Lets the other ready threads of its processor go first; if the thread is suspended, until it is resumed. */
    void yield(GuestThread thread) {
        expireTimers();
        GuestProcessor processor = thread.processor();
        if (processor.ready.isEmpty() && outsiders == 0) {
            load(thread);
            stayWhileSuspended(thread);
            return;
        }
        thread.pauses();
        thread.showState(ThreadState.READY);
        processor.ready.addLast(thread, clock.now());
        passOn(processor);
        awaitTurnLocked(thread);
    }

    /**
     * Waits for objects, or for {@link Waits#end}, or until the deadline passes.
     *
     * @return what the wait came to: an index, perhaps with {@link Waits#ABANDONED}, or a status
     */
    int await(GuestThread thread, long[] objects, Waits.How how) {
        Waits kernelWaits = waits;
        if (kernelWaits == null) {
            return awaitAlone(thread, how.deadline());
        }
        if (thread.mustGo()) {
            throw new ProcessEnded();
        }
        expireTimers();
        long ethread = thread.ethread().address();
        int status = kernelWaits.tryWait(ethread, objects, how.isForAll());
        if (status != Waits.MUST_WAIT) {
            return status;
        }
        if (how.deadline() <= clock.now()) {
            return NtStatus.TIMEOUT.code();
        }
        thread.pauses();
        if (!kernelWaits.begin(ethread, objects, how)) {
            return NtStatus.INSUFFICIENT_RESOURCES.code();
        }
        waiting.add(thread);
        passOn(thread.processor());
        awaitProcessor(thread);
        thread.beginSlice();
        status = thread.waitStatus();
        settle(thread);
        return status;
    }

    /** {@link #await} for time or {@link Waits#end} only. */
    int await(GuestThread thread, WaitReason reason, long deadline) {
        return await(thread, NO_OBJECTS, new Waits.How(false, reason, true, false, deadline));
    }

    /**
     * Waits for something from outside the machine, which has come when the condition holds. Whoever brings it says so by
     * {@link #onArrival}. Meanwhile time that passes for nobody's instructions passes as the host's does.
     *
     * @param object is signalled then; others may wait for it, too
     * @return a status: {@code WAIT_0}, or {@code ALERTED} after {@link #alert}
     */
    int awaitOutside(GuestThread thread, long object, BooleanSupplier hasCome) {
        outside.put(thread, new Outside(object, hasCome));
        try {
            return await(thread, new long[] {object}, new Waits.How(false, WaitReason.EXECUTIVE, true, false, NEVER));
        } finally {
            outside.remove(thread);
        }
    }

    /** What says that something that some thread awaits from outside has come: on any Java thread. */
    Runnable onArrival() {
        return onArrival;
    }

    private void came() {
        kernel.lock();
        try {
            somethingCame = true;
            signalMinder();
        } finally {
            kernel.unlock();
        }
    }

    private void lookOutside() {
        if (somethingCame) {
            somethingCame = false;
            for (Outside awaited : List.copyOf(outside.values())) {
                if (awaited.hasCome().getAsBoolean()) {
                    Objects.requireNonNull(waits).signal(awaited.object());
                }
            }
        }
    }

    /**
     * Threads that await something from outside shall look whether their process is wanted: their waits end as alerted if nobody runs.
     * From any Java thread; never waits.
     */
    void alert() {
        Thread teller = new Thread(
                () -> {
                    kernel.lock();
                    try {
                        someAreWanted = true;
                        signalMinder();
                    } finally {
                        kernel.unlock();
                    }
                },
                "alert");
        teller.setDaemon(true);
        teller.start();
    }

    private void alertWanted() {
        someAreWanted = false;
        for (GuestThread thread : List.copyOf(outside.keySet())) {
            if (thread.process().isWanted()) {
                Objects.requireNonNull(waits).end(thread.ethread().address(), NtStatus.ALERTED.code());
            }
        }
    }

    /** Of the threads that await something from outside the first minds the time while every thread waits. */
    private boolean isMinder(GuestThread thread) {
        return !outside.isEmpty() && outside.keySet().iterator().next() == thread;
    }

    private void signalMinder() {
        if (!outside.isEmpty()) {
            outside.keySet().iterator().next().turn().signal();
        }
    }

    /** On the Java thread of the minder, which has nothing else to do, and on its processor, which nobody uses. */
    private void mindTime(GuestThread minder) {
        long before = System.nanoTime();
        if (!somethingCame && !someMustGo && !someAreWanted) {
            long due = waits == null ? NEVER : waits.nextDue();
            try {
                long ignored =
                        minder.turn().awaitNanos(due == NEVER ? NEVER : (due - clock.now()) * NANOSECONDS_IN_TICK);
            } catch (InterruptedException e) {
                // Nobody means to end the wait of a guest's thread that way.
                return;
            }
        }
        if (isNobodyAbout()) {
            minder.board();
            Mmu mmu = minder.processor().mmu();
            if (mmu != null) {
                mmu.catchUp();
            }
            clock.advanceTo(clock.now() + (System.nanoTime() - before) / NANOSECONDS_IN_TICK);
            if (someAreWanted) {
                alertWanted();
            }
            dispatch();
        }
    }

    private boolean isNobodyAbout() {
        return outsiders == 0 && !someoneRuns();
    }

    private int awaitAlone(GuestThread thread, long deadline) {
        if (deadline == NEVER) {
            boolean ignored = onDeadlock.test(thread.process());
            throw new ProcessEnded();
        }
        clock.advanceTo(deadline);
        return NtStatus.TIMEOUT.code();
    }

    /** A thread's wait is over; from {@link Waits}, with the lock held. */
    private void becameReady(long ethread, int status) {
        GuestThread thread = threads.get(ethread);
        if (thread != null && waiting.remove(thread)) {
            outside.remove(thread);
            thread.setWaitStatus(status);
            makeReady(thread);
        }
    }

    private void makeReady(GuestThread thread) {
        if (waits != null && !isInPlace(thread)) {
            relocate(thread);
        }
        enqueue(thread);
    }

    private void enqueue(GuestThread thread) {
        thread.showState(ThreadState.READY);
        GuestProcessor processor = thread.processor();
        processor.ready.addLast(thread, clock.now());
        GuestThread holder = processor.holder;
        if (holder == null) {
            if (!isDispatching && outsiders == 0) {
                assign();
            }
        } else if (thread.priority() > holder.priority()) {
            lookSoon(processor, holder);
        }
    }

    /** The thread is done, its processor another's. */
    void leave(GuestThread thread) {
        GuestProcessor processor = thread.processor();
        processor.threads--;
        processor.ready.remove(thread);
        threads.remove(thread.ethread().address(), thread);
        waiting.remove(thread);
        if (processor.loaded == thread) {
            processor.loaded = null;
        }
        if (processor.holder == thread) {
            passOn(processor);
        }
        kernel.unlock();
    }

    /** The thread of a {@code _ETHREAD}; null for one that has no program to run. The caller holds the lock. */
    @Nullable GuestThread find(long ethread) {
        return threads.get(ethread);
    }

    /** A thread was ended: it gets a turn to go. The caller holds the lock. */
    void release(GuestThread thread) {
        if (waits != null && waiting.contains(thread)) {
            waits.end(thread.ethread().address(), NtStatus.THREAD_IS_TERMINATING.code());
        }
    }

    /** A process was ended: its threads get a turn to go. From any Java thread; never waits long. */
    void release(GuestProcess process) {
        someMustGo = true;
        if (kernel.tryLock()) {
            try {
                // Whoever runs sees it soon; an outsider has no processor while one runs.
                if (Thread.currentThread() instanceof ProcessorThread || !someoneRuns()) {
                    letGo();
                }
            } finally {
                kernel.unlock();
            }
        }
    }

    private void letGo() {
        someMustGo = false;
        if (waits != null) {
            for (GuestThread thread : List.copyOf(waiting)) {
                if (thread.mustGo()) {
                    waits.end(thread.ethread().address(), NtStatus.THREAD_IS_TERMINATING.code());
                }
            }
        }
    }

    /** Does something in the kernel between the guest threads' turns; called by a Java thread that runs none. */
    <T> T exclusively(Supplier<T> work) {
        kernel.lock();
        try {
            outsiders++;
            while (someoneRuns() || isTaken) {
                nobodyRuns.awaitUninterruptibly();
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

    private boolean someoneRuns() {
        for (GuestProcessor processor : processors) {
            if (processor.holder != null) {
                return true;
            }
        }
        return false;
    }

    /** Puts the calling thread, whose turn it is, back on its processor after it did something for another process. */
    void restore(GuestThread thread) {
        thread.processor().loaded = null;
        load(thread);
    }

    private void awaitTurnLocked(GuestThread thread) {
        awaitProcessor(thread);
        settle(thread);
    }

    private void awaitProcessor(GuestThread thread) {
        while (thread.processor().holder != thread) {
            if (isMinder(thread) && isNobodyAbout()) {
                mindTime(thread);
            } else {
                thread.turn().awaitUninterruptibly();
            }
        }
        thread.board();
        Mmu mmu = thread.processor().mmu();
        if (mmu != null) {
            mmu.catchUp();
        }
        thread.resumes();
    }

    /** The thread has got its processor and is about to use it. */
    private void settle(GuestThread thread) {
        load(thread);
        thread.showState(ThreadState.RUNNING);
        if (thread.mustGo()) {
            throw new ProcessEnded();
        }
        stayWhileSuspended(thread);
    }

    private void stayWhileSuspended(GuestThread thread) {
        while (waits != null && isToBeSuspended(thread)) {
            thread.pauses();
            waits.beginSuspension(thread.ethread().address());
            waiting.add(thread);
            passOn(thread.processor());
            awaitProcessor(thread);
            load(thread);
            thread.showState(ThreadState.RUNNING);
            if (thread.mustGo()) {
                throw new ProcessEnded();
            }
        }
    }

    private boolean isToBeSuspended(GuestThread thread) {
        return waits != null
                && !thread.mustGo()
                && waits.isSuspended(thread.ethread().address());
    }

    private static void load(GuestThread thread) {
        if (thread.hasEnded()) {
            // Nobody may have a handle of its kernel thread any more: that is gone, then.
            throw new ProcessEnded();
        }
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

    /**
     * Gives every processor without a thread its next one. When all threads wait, time passes until one need not, at once unless one
     * awaits something from outside.
     */
    private void dispatch() {
        if (outsiders == 0) {
            isDispatching = true;
            expireTimers();
            while (!assign() && !waiting.isEmpty()) {
                if (someMustGo) {
                    letGo();
                } else if (!passTime()) {
                    break;
                }
            }
            isDispatching = false;
        } else if (!someoneRuns()) {
            nobodyRuns.signalAll();
        }
    }

    /** Returns whether any processor has a thread now. */
    private boolean assign() {
        boolean any = false;
        for (GuestProcessor processor : processors) {
            if (processor.holder == null) {
                GuestThread next = processor.ready.poll(clock.now());
                if (next != null) {
                    processor.holder = next;
                    next.turn().signal();
                }
            }
            any |= processor.holder != null;
        }
        return any;
    }

    private void expireTimers() {
        if (waits != null) {
            lookOutside();
            long now = clock.now();
            if (now - shownTime >= SHOWN_TIME_STEP) {
                shownTime = now;
                onTime.accept(now);
            }
            if (waits.nextExpiry() <= now) {
                waits.expire(now);
            }
        }
    }

    /** Returns false if time passes by itself, {@link #mindTime}, or stands still until a person does something. */
    private boolean passTime() {
        idle.run();
        if (processors.stream().anyMatch(processor -> !processor.ready.isEmpty())) {
            return true;
        }
        if (!outside.isEmpty()) {
            signalMinder();
            return false;
        }
        long next = waits == null ? NEVER : waits.nextDue();
        if (next == NEVER) {
            return onDeadlock.test(waiting.iterator().next().process());
        } else {
            clock.advanceTo(next);
            expireTimers();
        }
        return true;
    }
}
