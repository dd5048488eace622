package org.vadose.nt;

import org.vadose.layout.DispatcherHeaderLayout;
import org.vadose.layout.KtimerLayout;
import org.vadose.memory.Memory;

/** A timer ({@code _KTIMER}); while it is set it stands in the timer table of a processor. Times are interrupt time, 100 ns units. */
public record Ktimer(Memory memory, long address) {
    /** The timer whose link in the timer table stands there. */
    public static Ktimer ofTimerListEntry(Memory memory, long links) {
        return new Ktimer(memory, links - KtimerLayout.TIMER_LIST_ENTRY);
    }

    public DispatcherHeader header() {
        return new DispatcherHeader(memory, address);
    }

    public long dueTime() {
        return memory.readLong(address + KtimerLayout.DUE_TIME);
    }

    public void setDueTime(long interruptTime) {
        memory.writeLong(address + KtimerLayout.DUE_TIME, interruptTime);
    }

    /** Milliseconds, 0 for a timer that expires once. */
    public int periodMilliseconds() {
        return memory.readInt(address + KtimerLayout.PERIOD);
    }

    public void setPeriodMilliseconds(int milliseconds) {
        memory.writeInt(address + KtimerLayout.PERIOD, milliseconds);
    }

    /** Whether it is set: in the timer table. */
    public boolean isInserted() {
        return (flags() >>> DispatcherHeaderLayout.INSERTED_SHIFT & DispatcherHeaderLayout.INSERTED_MASK) != 0;
    }

    public void setInserted(boolean inserted) {
        int bit = (int) DispatcherHeaderLayout.INSERTED_MASK << DispatcherHeaderLayout.INSERTED_SHIFT;
        memory.writeByte(
                address + DispatcherHeaderLayout.TIMER_MISC_FLAGS, (byte) (inserted ? flags() | bit : flags() & ~bit));
    }

    private int flags() {
        return memory.readUnsignedByte(address + DispatcherHeaderLayout.TIMER_MISC_FLAGS);
    }

    /** Link in the timer table's list of its hand. */
    public ListEntry timerListEntry() {
        return new ListEntry(memory, address + KtimerLayout.TIMER_LIST_ENTRY);
    }
}
