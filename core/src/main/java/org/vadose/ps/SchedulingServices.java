package org.vadose.ps;

import java.util.ArrayList;
import java.util.List;
import org.vadose.base.NtStatus;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.EthreadLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.NodeTopology;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.Token;

/**
 * What processes and threads may say about their scheduling, with the rules of {@code NtSetInformationProcess} and
 * {@code NtSetInformationThread}: on which processors threads run, and their priorities (Windows Internals, 7th edition, part 1,
 * chapter 4). The state is in {@code _KPROCESS} and {@code _KTHREAD}; who drives the processors is told of what changed.
 *
 * <pre>
 *   class          base       threads                     saturated down, up
 *   idle              4       -2 to 2 around it, 1 to 15      1, 15
 *   below normal      6
 *   normal            8
 *   above normal     10
 *   high             13
 *   real time        24       -7 to 6 around it, 16 to 31    16, 31
 * </pre>
 *
 * <p>Callers hold the kernel's lock.
 */
public final class SchedulingServices {
    public static final int IDLE_CLASS = 1;
    public static final int NORMAL_CLASS = 2;
    public static final int HIGH_CLASS = 3;
    public static final int REAL_TIME_CLASS = 4;
    public static final int BELOW_NORMAL_CLASS = 5;
    public static final int ABOVE_NORMAL_CLASS = 6;

    /** Relative base priority, or minus that, of a thread that is at one end of its range: {@code THREAD_BASE_PRIORITY_LOWRT + 1}. */
    public static final int SATURATED = 16;

    /** {@code MAXIMUM_PROCESSORS}: asks for the ideal processor without changing it. */
    public static final int ASK_PROCESSOR = 64;

    private static final int MOST_RELATIVE = 2;
    private static final int LOWEST_REAL_TIME_RELATIVE = -7;
    private static final int HIGHEST_REAL_TIME_RELATIVE = 6;
    private static final int LOWEST = 1;
    private static final int HIGHEST = 15;
    private static final int LOWEST_REAL_TIME = 16;
    private static final int HIGHEST_REAL_TIME = 31;
    /** What background mode means for the processor, for memory and for I/O. */
    private static final int BACKGROUND_PRIORITY = 4;

    private static final int BACKGROUND_PAGE_PRIORITY = 1;
    private static final int NORMAL_PAGE_PRIORITY = 5;
    private static final int VERY_LOW_IO = 0;
    private static final int NORMAL_IO = 2;
    private static final int MOST_THREADS = 1 << 20;
    /** Base priorities by class. */
    private static final int[] BASES = {8, 4, 8, 13, 24, 6, 10};

    /** Is told of threads whose scheduling changed, by the addresses of their {@code _ETHREAD}s. */
    public interface Listener {
        void affinityChanged(long thread);

        void priorityChanged(long thread);
    }

    private static final Listener NOBODY = new Listener() {
        @Override
        public void affinityChanged(long thread) {}

        @Override
        public void priorityChanged(long thread) {}
    };

    private final NodeTopology topology;
    private Listener listener = NOBODY;

    SchedulingServices(NodeTopology topology) {
        this.topology = topology;
    }

    /** Who drives the processors. */
    public void setListener(Listener newListener) {
        listener = newListener;
    }

    private static List<Ethread> threads(Eprocess process) {
        List<Ethread> threads = new ArrayList<>();
        for (long links : process.threadListHead().entries(MOST_THREADS)) {
            Ethread thread = Ethread.ofThreadListEntry(process.memory(), links);
            if (!thread.isTerminated()) {
                threads.add(thread);
            }
        }
        return threads;
    }

    // --- processors ---

    /** All processors, a bit each. */
    public long processors() {
        return -1L >>> -topology.processors();
    }

    /**
     * Says on which processors a process's threads run, all of them.
     *
     * @return {@code INVALID_PARAMETER} for none, or one that the machine has not
     */
    public NtStatus setAffinity(Eprocess process, long mask) {
        if (mask == 0 || (mask & ~processors()) != 0) {
            return NtStatus.INVALID_PARAMETER;
        }
        process.setAffinity(mask);
        threads(process).forEach(thread -> use(thread, mask));
        return NtStatus.SUCCESS;
    }

    /**
     * Says on which processors a thread runs.
     *
     * @return {@code INVALID_PARAMETER} for none, or one that the process's threads may not use
     */
    public NtStatus setAffinity(Ethread thread, long mask) {
        if (mask == 0 || (mask & ~thread.process().affinity()) != 0) {
            return NtStatus.INVALID_PARAMETER;
        }
        if (thread.isTerminated()) {
            return NtStatus.THREAD_IS_TERMINATING;
        }
        use(thread, mask);
        return NtStatus.SUCCESS;
    }

    /** A thread whose ideal processor it may not use any more gets the next lower one that it may, the highest below none. */
    private void use(Ethread thread, long mask) {
        thread.setAffinity(mask);
        int ideal = thread.idealProcessor();
        if ((mask >>> ideal & 1) == 0) {
            long lower = mask & (1L << ideal) - 1;
            thread.setIdealProcessor(Long.SIZE - 1 - Long.numberOfLeadingZeros(lower != 0 ? lower : mask));
        }
        listener.affinityChanged(thread.address());
    }

    /**
     * Says which processor suits a thread best; one that it may not use changes nothing.
     *
     * @param number {@link #ASK_PROCESSOR} to change nothing
     * @return {@code INVALID_PARAMETER} for one that the machine has not
     */
    public NtStatus setIdealProcessor(Ethread thread, int number) {
        if (number == ASK_PROCESSOR) {
            return NtStatus.SUCCESS;
        }
        if (number < 0 || number >= topology.processors()) {
            return NtStatus.INVALID_PARAMETER;
        }
        if ((thread.affinity() >>> number & 1) != 0) {
            thread.setIdealProcessor(number);
        }
        return NtStatus.SUCCESS;
    }

    // --- priorities ---

    /**
     * Says a process's priority class; its threads keep their distance from its base priority.
     *
     * @param caller who wishes it: for {@link #REAL_TIME_CLASS} it needs SeIncreaseBasePriorityPrivilege
     */
    public NtStatus setPriorityClass(Eprocess process, int priorityClass, Token caller) {
        if (priorityClass < IDLE_CLASS || priorityClass > ABOVE_NORMAL_CLASS) {
            return NtStatus.INVALID_PARAMETER;
        }
        if (priorityClass == REAL_TIME_CLASS
                && process.priorityClass() != REAL_TIME_CLASS
                && !caller.holds(Token.SE_INCREASE_BASE_PRIORITY)) {
            return NtStatus.PRIVILEGE_NOT_HELD;
        }
        process.setPriorityClass(priorityClass);
        setBase(process, isBackground(process) ? BACKGROUND_PRIORITY : BASES[priorityClass]);
        return NtStatus.SUCCESS;
    }

    /**
     * Says a process's base priority, whatever its class: 1 to 31. More than before needs SeIncreaseBasePriorityPrivilege.
     *
     * @param caller who wishes it
     */
    public NtStatus setBasePriority(Eprocess process, int base, Token caller) {
        if (base < LOWEST || base > HIGHEST_REAL_TIME) {
            return NtStatus.INVALID_PARAMETER;
        }
        if (base > process.basePriority() && !caller.holds(Token.SE_INCREASE_BASE_PRIORITY)) {
            return NtStatus.PRIVILEGE_NOT_HELD;
        }
        setBase(process, base);
        return NtStatus.SUCCESS;
    }

    private void setBase(Eprocess process, int base) {
        int before = process.basePriority();
        process.setBasePriority(base);
        for (Ethread thread : threads(process)) {
            setBase(thread, base, thread.basePriority() - before);
        }
    }

    private void setBase(Ethread thread, int processBase, int relative) {
        boolean isRealTime = processBase >= LOWEST_REAL_TIME;
        int lowest = isRealTime ? LOWEST_REAL_TIME : LOWEST;
        int highest = isRealTime ? HIGHEST_REAL_TIME : HIGHEST;
        int base = switch (thread.saturation()) {
            case 1 -> highest;
            case -1 -> lowest;
            default -> Math.clamp((long) processBase + relative, lowest, highest);
        };
        thread.setBasePriority(base);
        thread.setPriority(base);
        listener.priorityChanged(thread.address());
    }

    /**
     * Says a thread's base priority.
     *
     * @param relative to its process's, or plus or minus {@link #SATURATED}
     * @return {@code INVALID_PARAMETER} for what its class does not have
     */
    public NtStatus setRelativePriority(Ethread thread, int relative) {
        Eprocess process = thread.process();
        boolean isEnd = relative == SATURATED || relative == -SATURATED;
        boolean isRealTime = process.priorityClass() == REAL_TIME_CLASS;
        int lowest = isRealTime ? LOWEST_REAL_TIME_RELATIVE : -MOST_RELATIVE;
        int highest = isRealTime ? HIGHEST_REAL_TIME_RELATIVE : MOST_RELATIVE;
        if (!isEnd && (relative < lowest || relative > highest)) {
            return NtStatus.INVALID_PARAMETER;
        }
        thread.setSaturation(isEnd ? Integer.signum(relative) : 0);
        setBase(thread, process.basePriority(), relative);
        return NtStatus.SUCCESS;
    }

    /** What {@link #setRelativePriority} would set. */
    public int relativePriority(Ethread thread) {
        return thread.saturation() != 0
                ? thread.saturation() * SATURATED
                : thread.basePriority() - thread.process().basePriority();
    }

    /** {@link Eprocess#setBoostDisabled}, for the threads that there are, too. */
    public void setBoostDisabled(Eprocess process, boolean disabled) {
        process.setBoostDisabled(disabled);
        threads(process).forEach(thread -> thread.setBoostDisabled(disabled));
    }

    // --- background mode ---

    public boolean isBackground(Eprocess process) {
        return (process.memory().readInt(process.address() + EprocessLayout.FLAGS2) >>> EprocessLayout.BACKGROUND_SHIFT
                        & 1)
                != 0;
    }

    /** A process in background mode has the lowest priorities, whatever its class. */
    public void setBackground(Eprocess process, boolean isBackground) {
        Memory memory = process.memory();
        long at = process.address() + EprocessLayout.FLAGS2;
        int bit = 1 << EprocessLayout.BACKGROUND_SHIFT;
        int flags = memory.readInt(at);
        memory.writeInt(at, isBackground ? flags | bit : flags & ~bit);
        process.setPagePriority(isBackground ? BACKGROUND_PAGE_PRIORITY : NORMAL_PAGE_PRIORITY);
        setBase(process, isBackground ? BACKGROUND_PRIORITY : BASES[process.priorityClass()]);
    }

    public boolean isBackground(Ethread thread) {
        return ioPriority(thread) == VERY_LOW_IO;
    }

    private static int ioPriority(Ethread thread) {
        return (int) (thread.memory().readInt(thread.address() + EthreadLayout.THREAD_IO_PRIORITY)
                        >>> EthreadLayout.THREAD_IO_PRIORITY_SHIFT
                & EthreadLayout.THREAD_IO_PRIORITY_MASK);
    }

    private static void setIoPriority(Ethread thread, int priority) {
        long at = thread.address() + EthreadLayout.THREAD_IO_PRIORITY;
        int others = thread.memory().readInt(at)
                & ~((int) EthreadLayout.THREAD_IO_PRIORITY_MASK << EthreadLayout.THREAD_IO_PRIORITY_SHIFT);
        thread.memory().writeInt(at, others | priority << EthreadLayout.THREAD_IO_PRIORITY_SHIFT);
    }

    /** A new thread's priorities besides the processor's. */
    static void initialize(Ethread thread) {
        setIoPriority(thread, NORMAL_IO);
    }

    /** A thread in background mode has the lowest priorities; when it ends the process's, whatever it had before, which is inferred. */
    public void setBackground(Ethread thread, boolean isBackground) {
        setIoPriority(thread, isBackground ? VERY_LOW_IO : NORMAL_IO);
        thread.setPagePriority(isBackground ? BACKGROUND_PAGE_PRIORITY : NORMAL_PAGE_PRIORITY);
        thread.setSaturation(0);
        int base = thread.process().basePriority();
        setBase(thread, base, isBackground ? BACKGROUND_PRIORITY - base : 0);
    }

    /** A new process has its parent's processors, and of its parent's classes the two lowest. */
    public void inherit(Eprocess parent, Eprocess child) {
        child.setAffinity(parent.affinity());
        int inherited = parent.priorityClass();
        if (inherited == IDLE_CLASS || inherited == BELOW_NORMAL_CLASS) {
            child.setPriorityClass(inherited);
            child.setBasePriority(BASES[inherited]);
        }
    }
}
