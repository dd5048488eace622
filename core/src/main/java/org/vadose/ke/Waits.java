package org.vadose.ke;

import org.vadose.base.NtStatus;
import org.vadose.layout.KmutantLayout;
import org.vadose.layout.KsemaphoreLayout;
import org.vadose.layout.KthreadLayout;
import org.vadose.layout.KwaitBlockLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.DispatcherHeader;
import org.vadose.nt.Ethread;
import org.vadose.nt.Kmutant;
import org.vadose.nt.Ktimer;
import org.vadose.nt.KwaitBlock;
import org.vadose.nt.ListEntry;
import org.vadose.nt.SharedUserData;
import org.vadose.nt.ThreadState;
import org.vadose.nt.WaitReason;

/**
 * Waiting threads and what they wait for. A waiting thread has a {@code _KWAIT_BLOCK} on the list of every object it waits for;
 * signalling an object looks at the blocks on its list and at nothing else.
 *
 * <pre>
 *   _KTHREAD.WaitBlockList ---> block 0 --WaitListEntry--> object A.WaitListHead
 *           .WaitBlockCount     block 1 --WaitListEntry--> object B.WaitListHead
 *           .WaitBlock[3] ------------------------------> _KTHREAD.Timer.WaitListHead   (a wait with a deadline)
 * </pre>
 *
 * <p>Up to {@value #THREAD_WAIT_OBJECTS} blocks are the thread's own, more come from pool. A thread that only lets time pass waits
 * for its timer alone: its block list is {@code WaitBlock[3]}. The end of a wait is in {@code _KTHREAD.WaitStatus}, as a status:
 * the index of the object, {@code STATUS_ABANDONED_WAIT_0} and the index, {@code STATUS_TIMEOUT} or what {@link #end} was told.
 *
 * <p>Callers hold the kernel's lock.
 */
public final class Waits {
    /** {@link #tryWait}: the thread has to wait. */
    public static final int MUST_WAIT = -1;

    /** Added to an object's index: it is a mutant whose owner ended. */
    public static final int ABANDONED = 0x80;

    /** No deadline. */
    public static final long NEVER = Long.MAX_VALUE;

    /** Most objects of one wait. */
    public static final int MAXIMUM_WAIT_OBJECTS = 64;

    /** Wait blocks that a thread has of its own for objects. */
    private static final int THREAD_WAIT_OBJECTS = 3;

    private static final int TIMER_BLOCK = 3;
    private static final long UNITS_PER_MILLISECOND = 10_000;
    private static final int LARGEST_SUSPEND_COUNT = 127;

    /** Where wait blocks come from that do not fit into a thread. */
    public interface BlockSource {
        /** Zeroed or not; 0 when there is no memory. */
        long allocate(long bytes);

        void free(long address);
    }

    /** Is told of threads whose wait is over. */
    @FunctionalInterface
    public interface ReadyListener {
        void ready(long thread, int status);
    }

    /**
     * How a thread waits.
     *
     * @param isForAll whether all objects must be signalled, or one
     * @param deadline in interrupt time, or {@link #NEVER}
     */
    public record How(boolean isForAll, WaitReason reason, boolean isUserMode, boolean isAlertable, long deadline) {}

    private final Memory memory;
    private final BlockSource source;
    private final TimerTable timers;
    private ReadyListener listener = (thread, status) -> {};

    public Waits(Memory memory, long kernelBase, BlockSource source) {
        this.memory = memory;
        this.source = source;
        this.timers = new TimerTable(memory, kernelBase);
    }

    /** Who drives the processors. */
    public void setListener(ReadyListener newListener) {
        listener = newListener;
    }

    // --- waiting ---

    private DispatcherHeader header(long object) {
        return new DispatcherHeader(memory, object);
    }

    private Kmutant mutant(long object) {
        return new Kmutant(memory, object);
    }

    /** Whether a wait of this thread for the object would be over at once. */
    public boolean isSignalled(long object, long thread) {
        DispatcherHeader header = header(object);
        return header.type() == DispatcherHeader.MUTANT ? mutant(object).isFreeFor(thread) : header.signalState() > 0;
    }

    /** Takes what a satisfied wait takes; returns {@link #ABANDONED} or 0. */
    private int take(long object, long thread) {
        DispatcherHeader header = header(object);
        switch (header.type()) {
            case DispatcherHeader.SYNCHRONIZATION_EVENT, DispatcherHeader.SYNCHRONIZATION_TIMER ->
                header.setSignalState(0);
            case DispatcherHeader.SEMAPHORE -> header.setSignalState(header.signalState() - 1);
            case DispatcherHeader.MUTANT -> {
                return mutant(object).acquire(thread) ? ABANDONED : 0;
            }
            default -> {
                // Stays signalled.
            }
        }
        return 0;
    }

    /**
     * Takes what the thread wants if it is there.
     *
     * @param objects addresses of dispatcher headers; different ones if all are wanted
     * @return what the wait comes to, or {@link #MUST_WAIT}
     */
    public int tryWait(long thread, long[] objects, boolean all) {
        if (all) {
            return objects.length == 0 ? MUST_WAIT : tryAll(thread, objects);
        }
        for (int i = 0; i < objects.length; i++) {
            if (isSignalled(objects[i], thread)) {
                return i + take(objects[i], thread);
            }
        }
        return MUST_WAIT;
    }

    private int tryAll(long thread, long[] objects) {
        for (long object : objects) {
            if (!isSignalled(object, thread)) {
                return MUST_WAIT;
            }
        }
        int abandoned = 0;
        for (long object : objects) {
            abandoned |= take(object, thread);
        }
        return abandoned;
    }

    /**
     * Makes a thread wait. It may wait for no object at all: until its deadline, or until {@link #end}.
     *
     * @param objects at most {@link #MAXIMUM_WAIT_OBJECTS}
     * @return false if there is no memory for the wait blocks; the thread does not wait then
     */
    public boolean begin(long thread, long[] objects, How how) {
        boolean isForTimeAlone = objects.length == 0 && how.deadline != NEVER;
        long own = thread + KthreadLayout.WAIT_BLOCK;
        long blocks = own;
        if (objects.length > THREAD_WAIT_OBJECTS) {
            blocks = source.allocate(objects.length * KwaitBlockLayout.SIZE);
            if (blocks == 0) {
                return false;
            }
        }
        int type = how.isForAll ? KwaitBlock.WAIT_ALL : KwaitBlock.WAIT_ANY;
        for (int i = 0; i < objects.length; i++) {
            KwaitBlock.of(memory, blocks, i).insert(thread, objects[i], type, i);
        }
        if (how.deadline != NEVER) {
            Ktimer timer = timer(thread);
            timer.header().setSignalState(0);
            KwaitBlock.of(memory, own, TIMER_BLOCK)
                    .insert(thread, timer.address(), KwaitBlock.WAIT_ANY, NtStatus.TIMEOUT.code());
            timers.insert(timer, how.deadline);
            setFlag(thread, KthreadLayout.TIMER_ACTIVE, KthreadLayout.TIMER_ACTIVE_SHIFT, true);
        }
        memory.writeLong(
                thread + KthreadLayout.WAIT_BLOCK_LIST,
                isForTimeAlone ? own + TIMER_BLOCK * KwaitBlockLayout.SIZE : blocks);
        memory.writeByte(thread + KthreadLayout.WAIT_BLOCK_COUNT, (byte) (isForTimeAlone ? 1 : objects.length));
        memory.writeByte(thread + KthreadLayout.WAIT_REASON, (byte) how.reason.ordinal());
        memory.writeByte(thread + KthreadLayout.WAIT_MODE, (byte) (how.isUserMode ? 1 : 0));
        setFlag(thread, KthreadLayout.ALERTABLE, KthreadLayout.ALERTABLE_SHIFT, how.isAlertable);
        memory.writeInt(thread + KthreadLayout.WAIT_TIME, (int)
                SharedUserData.kernel(memory).tickCount());
        memory.writeLong(thread + KthreadLayout.WAIT_STATUS, NtStatus.WAIT_1.code());
        memory.writeByte(thread + KthreadLayout.STATE, (byte) ThreadState.WAITING.ordinal());
        return true;
    }

    private Ktimer timer(long thread) {
        return new Ktimer(memory, thread + KthreadLayout.TIMER);
    }

    private void setFlag(long thread, long word, int shift, boolean value) {
        int flags = memory.readInt(thread + word);
        memory.writeInt(thread + word, value ? flags | 1 << shift : flags & ~(1 << shift));
    }

    /** Ends a thread's wait, whatever it waits for: its time is over, it got a call to make, it was ended. */
    public void end(long thread, int status) {
        Ethread ethread = new Ethread(memory, thread);
        if (ethread.state() != ThreadState.WAITING) {
            return;
        }
        long blocks = ethread.waitBlockList();
        int count = ethread.waitBlockCount();
        for (int i = 0; i < count; i++) {
            KwaitBlock.of(memory, blocks, i).remove();
        }
        long timerBlock = thread + KthreadLayout.WAIT_BLOCK + TIMER_BLOCK * KwaitBlockLayout.SIZE;
        if ((memory.readInt(thread + KthreadLayout.TIMER_ACTIVE) >>> KthreadLayout.TIMER_ACTIVE_SHIFT & 1) != 0) {
            if (blocks != timerBlock || count == 0) {
                new KwaitBlock(memory, timerBlock).remove();
            }
            Ktimer timer = timer(thread);
            if (timer.isInserted()) {
                timers.remove(timer);
            }
            setFlag(thread, KthreadLayout.TIMER_ACTIVE, KthreadLayout.TIMER_ACTIVE_SHIFT, false);
        }
        if (count > THREAD_WAIT_OBJECTS) {
            source.free(blocks);
        }
        memory.writeByte(thread + KthreadLayout.WAIT_BLOCK_COUNT, (byte) 0);
        setFlag(thread, KthreadLayout.ALERTABLE, KthreadLayout.ALERTABLE_SHIFT, false);
        memory.writeLong(thread + KthreadLayout.WAIT_STATUS, status);
        memory.writeByte(thread + KthreadLayout.STATE, (byte) ThreadState.READY.ordinal());
        listener.ready(thread, status);
    }

    /** Lets those who wait for an object take from it as long as it is signalled, in order of arrival. */
    private void test(long object) {
        DispatcherHeader header = header(object);
        long head = header.waitListHead().address();
        long at = header.waitListHead().flink();
        while (at != head && header.signalState() > 0) {
            KwaitBlock block = new KwaitBlock(memory, at);
            long thread = block.thread();
            at = block.links().flink();
            int status = block.isForAll() ? tryAll(thread, objectsOf(thread)) : block.waitKey() + take(object, thread);
            if (status != MUST_WAIT) {
                // The thread's other blocks go with this one; the same object may have been named twice.
                while (at != head && new KwaitBlock(memory, at).thread() == thread) {
                    at = new ListEntry(memory, at).flink();
                }
                end(thread, status);
            }
        }
    }

    private long[] objectsOf(long thread) {
        Ethread ethread = new Ethread(memory, thread);
        long[] objects = new long[ethread.waitBlockCount()];
        for (int i = 0; i < objects.length; i++) {
            objects[i] = KwaitBlock.of(memory, ethread.waitBlockList(), i).object();
        }
        return objects;
    }

    // --- signalling ---

    /** Makes an object that stays signalled, or an event, signalled. */
    public void signal(long object) {
        header(object).setSignalState(1);
        test(object);
    }

    /** Makes an event, or a timer, not signalled. */
    public void reset(long object) {
        header(object).setSignalState(0);
    }

    /** Adds to a semaphore; false, and nothing is changed, if that is more than its limit. */
    public boolean releaseSemaphore(long semaphore, int count) {
        long state = (long) header(semaphore).signalState() + count;
        if (state > memory.readInt(semaphore + KsemaphoreLayout.LIMIT)) {
            return false;
        }
        header(semaphore).setSignalState((int) state);
        test(semaphore);
        return true;
    }

    /** A mutant's owner gives it back once; false if the thread is not the owner. */
    public boolean releaseMutant(long object, long thread) {
        boolean released = mutant(object).release(thread);
        if (released) {
            test(object);
        }
        return released;
    }

    /** What a thread that ends still owns becomes free, and says so to who acquires it next. */
    public void abandonMutants(long thread) {
        ListEntry owned = new ListEntry(memory, thread + KthreadLayout.MUTANT_LIST_HEAD);
        while (!owned.isEmpty()) {
            long object = owned.flink() - KmutantLayout.MUTANT_LIST_ENTRY;
            mutant(object).abandon();
            test(object);
        }
    }

    // --- time ---

    /**
     * Sets a timer, whose state becomes not signalled.
     *
     * @param due in interrupt time
     * @param periodMilliseconds 0 for once
     */
    public void setTimer(long object, long due, int periodMilliseconds) {
        cancelTimer(object);
        Ktimer timer = new Ktimer(memory, object);
        timer.header().setSignalState(0);
        timer.setPeriodMilliseconds(periodMilliseconds);
        timers.insert(timer, due);
    }

    /** Makes a timer not expire, its state stays; false if it was not set. */
    public boolean cancelTimer(long object) {
        Ktimer timer = new Ktimer(memory, object);
        boolean wasSet = timer.isInserted();
        if (wasSet) {
            timers.remove(timer);
        }
        return wasSet;
    }

    /** Lets the timers expire that are due. */
    public void expire(long now) {
        while (timers.nextDue() <= now) {
            Ktimer timer = timers.first();
            timers.remove(timer);
            long period = timer.periodMilliseconds() * UNITS_PER_MILLISECOND;
            if (period != 0) {
                long due = timer.dueTime();
                timers.insert(timer, due + (now - due) / period * period + period);
            }
            signal(timer.address());
        }
    }

    /** When the first timer expires that anybody waits for could; {@link #NEVER} when nobody waits for any. */
    public long nextDue() {
        return timers.nextDue() == NEVER || !timers.someoneWaits() ? NEVER : timers.nextDue();
    }

    /** When the first timer of all expires. */
    public long nextExpiry() {
        return timers.nextDue();
    }

    // --- suspension ---

    /**
     * Suspends a thread once more, or once less.
     *
     * @param delta 1 or -1
     * @return how often it was suspended before, or -1 if it cannot be more often
     */
    public int suspend(long thread, int delta) {
        int before = memory.readByte(thread + KthreadLayout.SUSPEND_COUNT);
        if (delta > 0 && before == LARGEST_SUSPEND_COUNT) {
            return -1;
        }
        int count = Math.max(0, before + delta);
        memory.writeByte(thread + KthreadLayout.SUSPEND_COUNT, (byte) count);
        long event = thread + KthreadLayout.SUSPEND_EVENT;
        if (count == 0) {
            signal(event);
        } else if (before == 0) {
            reset(event);
        }
        return before;
    }

    public boolean isSuspended(long thread) {
        return memory.readByte(thread + KthreadLayout.SUSPEND_COUNT) > 0;
    }

    /** Makes a suspended thread wait until it is resumed. */
    public void beginSuspension(long thread) {
        begin(
                thread,
                new long[] {thread + KthreadLayout.SUSPEND_EVENT},
                new How(false, WaitReason.SUSPENDED, false, false, NEVER));
    }
}
