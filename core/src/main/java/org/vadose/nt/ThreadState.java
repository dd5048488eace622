package org.vadose.nt;

/** What a thread is doing ({@code _KTHREAD_STATE}); ordinals are the stored values. */
public enum ThreadState {
    INITIALIZED,
    READY,
    RUNNING,
    STANDBY,
    TERMINATED,
    WAITING,
    TRANSITION,
    DEFERRED_READY,
    GATE_WAIT_OBSOLETE,
    WAITING_FOR_PROCESS_IN_SWAP,
    UNKNOWN;

    private static final ThreadState[] VALUES = values();

    public static ThreadState of(int value) {
        return value < UNKNOWN.ordinal() ? VALUES[value] : UNKNOWN;
    }
}
