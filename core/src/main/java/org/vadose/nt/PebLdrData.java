package org.vadose.nt;

import org.vadose.layout.PebLdrDataLayout;
import org.vadose.memory.Memory;

/** The heads of a process's three module lists ({@code _PEB_LDR_DATA}). */
public record PebLdrData(Memory memory, long address) {
    /** Makes all lists empty. */
    public void initialize() {
        memory.fill(address, PebLdrDataLayout.SIZE, (byte) 0);
        memory.writeInt(address + PebLdrDataLayout.LENGTH, (int) PebLdrDataLayout.SIZE);
        memory.writeByte(address + PebLdrDataLayout.INITIALIZED, (byte) 1);
        loadOrder().initialize();
        memoryOrder().initialize();
        initializationOrder().initialize();
    }

    public ListEntry loadOrder() {
        return new ListEntry(memory, address + PebLdrDataLayout.IN_LOAD_ORDER_MODULE_LIST);
    }

    public ListEntry memoryOrder() {
        return new ListEntry(memory, address + PebLdrDataLayout.IN_MEMORY_ORDER_MODULE_LIST);
    }

    public ListEntry initializationOrder() {
        return new ListEntry(memory, address + PebLdrDataLayout.IN_INITIALIZATION_ORDER_MODULE_LIST);
    }

    /** {@code RtlDllShutdownInProgress}: the process is running its last detach routines. */
    public void setShutdownInProgress(long threadId) {
        memory.writeByte(address + PebLdrDataLayout.SHUTDOWN_IN_PROGRESS, (byte) 1);
        memory.writeLong(address + PebLdrDataLayout.SHUTDOWN_THREAD_ID, threadId);
    }
}
