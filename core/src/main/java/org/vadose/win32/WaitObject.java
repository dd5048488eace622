package org.vadose.win32;

import java.util.List;
import org.vadose.layout.DispatcherHeaderLayout;
import org.vadose.layout.KsemaphoreLayout;
import org.vadose.layout.KtimerLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.DispatcherHeader;
import org.vadose.nt.Kmutant;
import org.vadose.ob.KnownType;

/**
 * Something threads wait for ({@code _DISPATCHER_HEADER}): signalled while {@code SignalState} is positive. What taking it changes
 * depends on the type.
 */
public record WaitObject(Memory kernel, long address) {
    /** Object types whose bodies begin with a dispatcher header. */
    static final List<KnownType> TYPES = List.of(
            KnownType.EVENT,
            KnownType.MUTANT,
            KnownType.SEMAPHORE,
            KnownType.THREAD,
            KnownType.PROCESS,
            KnownType.TIMER);

    private static final int TYPE_MASK = 0x7F;
    private static final long TICKS_PER_MILLISECOND = 10_000;

    private int type() {
        return kernel.readUnsignedByte(address + DispatcherHeaderLayout.TYPE) & TYPE_MASK;
    }

    public int signalState() {
        return kernel.readInt(address + DispatcherHeaderLayout.SIGNAL_STATE);
    }

    public void setSignalState(int state) {
        kernel.writeInt(address + DispatcherHeaderLayout.SIGNAL_STATE, state);
    }

    private Kmutant mutant() {
        return new Kmutant(kernel, address);
    }

    private boolean isTimer() {
        return type() == DispatcherHeader.NOTIFICATION_TIMER || type() == DispatcherHeader.SYNCHRONIZATION_TIMER;
    }

    /**
     * Sets a timer, whose state becomes not signalled.
     *
     * @param due in the clock's ticks
     * @param periodMilliseconds 0 for once
     */
    public void setTimer(long due, int periodMilliseconds) {
        setSignalState(0);
        kernel.writeLong(address + KtimerLayout.DUE_TIME, Math.max(due, 1));
        kernel.writeInt(address + KtimerLayout.PERIOD, periodMilliseconds);
    }

    /** Makes a timer not expire; its state stays. */
    public void cancelTimer() {
        kernel.writeLong(address + KtimerLayout.DUE_TIME, 0);
    }

    /** When a timer that is set expires next, in the clock's ticks; never for others. */
    public long nextDueTime() {
        long due = isTimer() ? kernel.readLong(address + KtimerLayout.DUE_TIME) : 0;
        return due == 0 ? GuestThread.NEVER : due;
    }

    private void expireBy(long now) {
        long due = nextDueTime();
        if (due > now) {
            return;
        }
        setSignalState(1);
        long period = kernel.readInt(address + KtimerLayout.PERIOD) * TICKS_PER_MILLISECOND;
        long next = period == 0 ? 0 : due + (now - due) / period * period + period;
        kernel.writeLong(address + KtimerLayout.DUE_TIME, next);
    }

    /** Whether a wait by this thread would be over at once. */
    public boolean isSignalled(GuestThread thread) {
        if (isTimer()) {
            expireBy(thread.process().clock().now());
        }
        return type() == DispatcherHeader.MUTANT
                ? mutant().isFreeFor(thread.ethread().address())
                : signalState() > 0;
    }

    /**
     * Takes what a satisfied wait takes: an event resets, a semaphore counts down, a mutex gets its owner.
     *
     * @return whether it is a mutex whose last owner ended without giving it back
     */
    public boolean take(GuestThread thread) {
        switch (type()) {
            case DispatcherHeader.SYNCHRONIZATION_EVENT, DispatcherHeader.SYNCHRONIZATION_TIMER -> setSignalState(0);
            case DispatcherHeader.SEMAPHORE -> setSignalState(signalState() - 1);
            case DispatcherHeader.MUTANT -> {
                return mutant().acquire(thread.ethread().address());
            }
            default -> {
                // Stays signalled.
            }
        }
        return false;
    }

    /** Gives a mutex back once; false if it is not the thread's. */
    public boolean releaseMutant(GuestThread thread) {
        return type() == DispatcherHeader.MUTANT
                && mutant().release(thread.ethread().address());
    }

    /** Most a semaphore counts to. */
    public int limit() {
        return kernel.readInt(address + KsemaphoreLayout.LIMIT);
    }
}
