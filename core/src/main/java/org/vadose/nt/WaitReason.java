package org.vadose.nt;

/** Why a thread waits ({@code _KWAIT_REASON}); ordinals are the stored values. */
public enum WaitReason {
    EXECUTIVE("Executive"),
    FREE_PAGE("FreePage"),
    PAGE_IN("PageIn"),
    POOL_ALLOCATION("PoolAllocation"),
    DELAY_EXECUTION("DelayExecution"),
    SUSPENDED("Suspended"),
    USER_REQUEST("UserRequest"),
    WR_EXECUTIVE("WrExecutive"),
    WR_FREE_PAGE("WrFreePage"),
    WR_PAGE_IN("WrPageIn"),
    WR_POOL_ALLOCATION("WrPoolAllocation"),
    WR_DELAY_EXECUTION("WrDelayExecution"),
    WR_SUSPENDED("WrSuspended"),
    WR_USER_REQUEST("WrUserRequest"),
    WR_SPARE0("WrSpare0"),
    WR_QUEUE("WrQueue"),
    WR_LPC_RECEIVE("WrLpcReceive"),
    WR_LPC_REPLY("WrLpcReply"),
    WR_VIRTUAL_MEMORY("WrVirtualMemory"),
    WR_PAGE_OUT("WrPageOut"),
    WR_RENDEZVOUS("WrRendezvous"),
    WR_KEYED_EVENT("WrKeyedEvent"),
    WR_TERMINATED("WrTerminated"),
    WR_PROCESS_IN_SWAP("WrProcessInSwap"),
    WR_CPU_RATE_CONTROL("WrCpuRateControl"),
    WR_CALLOUT_STACK("WrCalloutStack"),
    WR_KERNEL("WrKernel"),
    WR_RESOURCE("WrResource"),
    WR_PUSH_LOCK("WrPushLock"),
    WR_MUTEX("WrMutex"),
    WR_QUANTUM_END("WrQuantumEnd"),
    WR_DISPATCH_INT("WrDispatchInt"),
    WR_PREEMPTED("WrPreempted"),
    WR_YIELD_EXECUTION("WrYieldExecution"),
    WR_FAST_MUTEX("WrFastMutex"),
    WR_GUARDED_MUTEX("WrGuardedMutex"),
    WR_RUNDOWN("WrRundown"),
    WR_ALERT_BY_THREAD_ID("WrAlertByThreadId"),
    WR_DEFERRED_PREEMPT("WrDeferredPreempt"),
    WR_PHYSICAL_FAULT("WrPhysicalFault"),
    UNKNOWN("Unknown");

    private static final WaitReason[] VALUES = values();

    private final String text;

    WaitReason(String text) {
        this.text = text;
    }

    public static WaitReason of(int value) {
        return value < UNKNOWN.ordinal() ? VALUES[value] : UNKNOWN;
    }

    /** The name debuggers print. */
    public String text() {
        return text;
    }
}
