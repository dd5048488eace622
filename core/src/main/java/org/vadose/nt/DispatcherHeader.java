package org.vadose.nt;

import org.vadose.layout.DispatcherHeaderLayout;
import org.vadose.memory.Memory;

/** What every object that can be waited for begins with ({@code _DISPATCHER_HEADER}). */
public record DispatcherHeader(Memory memory, long address) {
    /** Types ({@code _KOBJECTS}). */
    public static final int NOTIFICATION_EVENT = 0;

    public static final int SYNCHRONIZATION_EVENT = 1;
    public static final int MUTANT = 2;
    public static final int PROCESS = 3;
    public static final int QUEUE = 4;
    public static final int SEMAPHORE = 5;
    public static final int THREAD = 6;
    public static final int NOTIFICATION_TIMER = 8;
    public static final int SYNCHRONIZATION_TIMER = 9;

    public int type() {
        return memory.readUnsignedByte(address + DispatcherHeaderLayout.TYPE) & 0x7F;
    }

    public int signalState() {
        return memory.readInt(address + DispatcherHeaderLayout.SIGNAL_STATE);
    }

    public void setSignalState(int state) {
        memory.writeInt(address + DispatcherHeaderLayout.SIGNAL_STATE, state);
    }

    /** Head of the wait blocks of those who wait. */
    public ListEntry waitListHead() {
        return new ListEntry(memory, address + DispatcherHeaderLayout.WAIT_LIST_HEAD);
    }

    /**
     * Writes a header with nobody waiting.
     *
     * @param sizeBytes of the whole object; kept in units of 4, its low byte
     */
    public void initialize(int type, long sizeBytes, int signalState) {
        memory.writeByte(address + DispatcherHeaderLayout.TYPE, (byte) type);
        memory.writeByte(address + DispatcherHeaderLayout.SIZE_FIELD, (byte) (sizeBytes / 4));
        setSignalState(signalState);
        waitListHead().initialize();
    }
}
