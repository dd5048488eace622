package org.vadose.nt;

import org.vadose.layout.ClientIdLayout;
import org.vadose.layout.EthreadLayout;
import org.vadose.layout.GroupAffinityLayout;
import org.vadose.layout.KprocessLayout;
import org.vadose.layout.KthreadLayout;
import org.vadose.memory.Memory;

/** A thread ({@code _ETHREAD}, with its {@code _KTHREAD} at its start). */
public record Ethread(Memory memory, long address) {
    private static final int TERMINATED = 1;

    /** The thread whose {@code _ETHREAD.ThreadListEntry} stands there. */
    public static Ethread ofThreadListEntry(Memory memory, long links) {
        return new Ethread(memory, links - EthreadLayout.THREAD_LIST_ENTRY);
    }

    public long uniqueProcessId() {
        return memory.readLong(address + EthreadLayout.CID + ClientIdLayout.UNIQUE_PROCESS);
    }

    public long uniqueThreadId() {
        return memory.readLong(address + EthreadLayout.CID + ClientIdLayout.UNIQUE_THREAD);
    }

    public Eprocess process() {
        return new Eprocess(memory, memory.readLong(address + KthreadLayout.PROCESS));
    }

    public long teb() {
        return memory.readLong(address + KthreadLayout.TEB);
    }

    /** What the program calls it ({@code SetThreadDescription}); empty for no name. */
    public String name() {
        long string = memory.readLong(address + EthreadLayout.THREAD_NAME);
        return string == 0 ? "" : new UnicodeString(memory, string).text();
    }

    public ThreadState state() {
        return ThreadState.of(memory.readUnsignedByte(address + KthreadLayout.STATE));
    }

    public void setState(ThreadState state) {
        memory.writeByte(address + KthreadLayout.STATE, (byte) state.ordinal());
    }

    /** Whether it waits so that a queued call ends the wait. */
    public boolean isAlertable() {
        return (memory.readInt(address + KthreadLayout.ALERTABLE) >>> KthreadLayout.ALERTABLE_SHIFT
                        & KthreadLayout.ALERTABLE_MASK)
                != 0;
    }

    /** Processor cycles it has used. */
    public long cycleTime() {
        return memory.readLong(address + KthreadLayout.CYCLE_TIME);
    }

    /**
     * It, and its process, used so much more processor time.
     *
     * @param userTicks clock ticks that came while it ran in user mode
     * @param kernelTicks those that came while it was in the kernel
     */
    public void chargeTime(long cycles, int userTicks, int kernelTicks) {
        long process = process().address();
        memory.writeLong(address + KthreadLayout.CYCLE_TIME, cycleTime() + cycles);
        memory.writeLong(
                process + KprocessLayout.CYCLE_TIME, memory.readLong(process + KprocessLayout.CYCLE_TIME) + cycles);
        if (userTicks != 0) {
            add(address + KthreadLayout.USER_TIME, userTicks);
            add(process + KprocessLayout.USER_TIME, userTicks);
        }
        if (kernelTicks != 0) {
            add(address + KthreadLayout.KERNEL_TIME, kernelTicks);
            add(process + KprocessLayout.KERNEL_TIME, kernelTicks);
        }
    }

    private void add(long field, int ticks) {
        memory.writeInt(field, memory.readInt(field) + ticks);
    }

    /** Clock ticks it spent in user mode. */
    public long userTime() {
        return memory.readUnsignedInt(address + KthreadLayout.USER_TIME);
    }

    /** Clock ticks it spent in the kernel. */
    public long kernelTime() {
        return memory.readUnsignedInt(address + KthreadLayout.KERNEL_TIME);
    }

    /** It gets a processor. */
    public void countSwitch() {
        add(address + KthreadLayout.CONTEXT_SWITCHES, 1);
    }

    public int suspendCount() {
        return memory.readByte(address + KthreadLayout.SUSPEND_COUNT);
    }

    /** {@code _KWAIT_REASON}; means something while the thread waits. */
    public WaitReason waitReason() {
        return WaitReason.of(memory.readUnsignedByte(address + KthreadLayout.WAIT_REASON));
    }

    /** Whether it waits on behalf of user mode. */
    public boolean isUserModeWait() {
        return memory.readByte(address + KthreadLayout.WAIT_MODE) != 0;
    }

    public boolean isTerminated() {
        return (memory.readInt(address + EthreadLayout.CROSS_THREAD_FLAGS) & TERMINATED) != 0;
    }

    /** What the pages that it touches are worth: 0 to 7. */
    public int pagePriority() {
        return (int) (memory.readInt(address + EthreadLayout.THREAD_PAGE_PRIORITY)
                        >>> EthreadLayout.THREAD_PAGE_PRIORITY_SHIFT
                & EthreadLayout.THREAD_PAGE_PRIORITY_MASK);
    }

    public void setPagePriority(int priority) {
        long at = address + EthreadLayout.THREAD_PAGE_PRIORITY;
        int others = memory.readInt(at)
                & ~((int) EthreadLayout.THREAD_PAGE_PRIORITY_MASK << EthreadLayout.THREAD_PAGE_PRIORITY_SHIFT);
        memory.writeInt(at, others | priority << EthreadLayout.THREAD_PAGE_PRIORITY_SHIFT);
    }

    /** As {@link #pagePriority}, but no more than its process gives. That the lower of both counts is inferred. */
    public int effectivePagePriority() {
        return Math.min(pagePriority(), process().pagePriority());
    }

    public int priority() {
        return memory.readByte(address + KthreadLayout.PRIORITY);
    }

    public void setPriority(int priority) {
        memory.writeByte(address + KthreadLayout.PRIORITY, (byte) priority);
    }

    public void setBasePriority(int priority) {
        memory.writeByte(address + KthreadLayout.BASE_PRIORITY, (byte) priority);
    }

    /** 1 or -1 if its base priority is one end of its class's range whatever the process's is, else 0. */
    public int saturation() {
        return memory.readByte(address + KthreadLayout.SATURATION);
    }

    public void setSaturation(int saturation) {
        memory.writeByte(address + KthreadLayout.SATURATION, (byte) saturation);
    }

    /** Whether what it waited for never raises its priority. */
    public boolean isBoostDisabled() {
        return (memory.readInt(address + KthreadLayout.DISABLE_BOOST) >>> KthreadLayout.DISABLE_BOOST_SHIFT & 1) != 0;
    }

    public void setBoostDisabled(boolean disabled) {
        int bit = 1 << KthreadLayout.DISABLE_BOOST_SHIFT;
        int flags = memory.readInt(address + KthreadLayout.DISABLE_BOOST);
        memory.writeInt(address + KthreadLayout.DISABLE_BOOST, disabled ? flags | bit : flags & ~bit);
    }

    public int basePriority() {
        return memory.readByte(address + KthreadLayout.BASE_PRIORITY);
    }

    public long startAddress() {
        return memory.readLong(address + EthreadLayout.START_ADDRESS);
    }

    public long win32StartAddress() {
        return memory.readLong(address + EthreadLayout.WIN32_START_ADDRESS);
    }

    /** 100 ns units since 1601. */
    public long createTime() {
        return memory.readLong(address + EthreadLayout.CREATE_TIME);
    }

    /** Valid once the thread has terminated; before, the field holds list links. */
    public long exitTime() {
        return memory.readLong(address + EthreadLayout.EXIT_TIME);
    }

    public int exitStatus() {
        return memory.readInt(address + EthreadLayout.EXIT_STATUS);
    }

    public long kernelStackBase() {
        return memory.readLong(address + KthreadLayout.STACK_BASE);
    }

    public long kernelStackLimit() {
        return memory.readLong(address + KthreadLayout.STACK_LIMIT);
    }

    public long initialStack() {
        return memory.readLong(address + KthreadLayout.INITIAL_STACK);
    }

    public long kernelStack() {
        return memory.readLong(address + KthreadLayout.KERNEL_STACK);
    }

    public long trapFrame() {
        return memory.readLong(address + KthreadLayout.TRAP_FRAME);
    }

    public long win32Thread() {
        return memory.readLong(address + KthreadLayout.WIN32_THREAD);
    }

    /** First of the wait blocks of the current wait. */
    public long waitBlockList() {
        return memory.readLong(address + KthreadLayout.WAIT_BLOCK_LIST);
    }

    public int waitBlockCount() {
        return memory.readUnsignedByte(address + KthreadLayout.WAIT_BLOCK_COUNT);
    }

    public long contextSwitches() {
        return memory.readUnsignedInt(address + KthreadLayout.CONTEXT_SWITCHES);
    }

    /** The thread had the processor once more. */
    public void countContextSwitch() {
        memory.writeInt(address + KthreadLayout.CONTEXT_SWITCHES, (int) contextSwitches() + 1);
    }

    /** Link in the process's list of kernel threads. */
    public ListEntry kernelThreadListEntry() {
        return new ListEntry(memory, address + KthreadLayout.THREAD_LIST_ENTRY);
    }

    /** Link in the process's list of threads. */
    public ListEntry threadListEntry() {
        return new ListEntry(memory, address + EthreadLayout.THREAD_LIST_ENTRY);
    }

    /** Number of the processor it is best off on. */
    public int idealProcessor() {
        return memory.readInt(address + KthreadLayout.IDEAL_PROCESSOR);
    }

    public void setIdealProcessor(int number) {
        memory.writeInt(address + KthreadLayout.IDEAL_PROCESSOR, number);
        memory.writeInt(address + KthreadLayout.USER_IDEAL_PROCESSOR, number);
    }

    /** Number of the processor that it runs on, or will. */
    public int nextProcessor() {
        return memory.readInt(address + KthreadLayout.NEXT_PROCESSOR);
    }

    public void setNextProcessor(int number) {
        memory.writeInt(address + KthreadLayout.NEXT_PROCESSOR, number);
    }

    /** The processors of the first group that it may run on, a bit each. */
    public long affinity() {
        return memory.readLong(address + KthreadLayout.AFFINITY + GroupAffinityLayout.MASK);
    }

    /** {@link #affinity}, which is what the program wished ({@code UserAffinity}), too. */
    public void setAffinity(long mask) {
        memory.writeLong(address + KthreadLayout.AFFINITY + GroupAffinityLayout.MASK, mask);
        memory.writeLong(address + KthreadLayout.USER_AFFINITY + GroupAffinityLayout.MASK, mask);
    }
}
