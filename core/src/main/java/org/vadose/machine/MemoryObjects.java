package org.vadose.machine;

import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionCoreLayout;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.MemoryEvents;
import org.vadose.mm.MemoryManager;
import org.vadose.nt.DispatcherHeader;
import org.vadose.ob.ObjectManager;
import org.vadose.ob.ObjectNamespace;
import org.vadose.ps.ProcessManager;

/** What the memory manager has in {@code \KernelObjects}: events that tell how much memory is left, and its only partition. */
final class MemoryObjects {
    /** In the order of {@code _MI_MEMORY_EVENT_TYPES}; names as WinObj shows them. */
    private static final String[] EVENTS = {
        "LowPagedPoolCondition",
        "HighPagedPoolCondition",
        "LowNonPagedPoolCondition",
        "HighNonPagedPoolCondition",
        "LowMemoryCondition",
        "HighMemoryCondition",
        "LowCommitCondition",
        "HighCommitCondition",
        "MaximumCommitCondition",
        "MemoryErrors",
        "PhysicalMemoryChange"
    };

    private MemoryObjects() {}

    static void create(MemoryManager manager, ObjectManager objects, ProcessManager processes) {
        ObjectNamespace names = objects.namespace();
        long directory = names.find(names.root(), "KernelObjects");
        long[] events = new long[MemoryEvents.COUNT];
        for (int i = 0; i < events.length; i++) {
            events[i] = processes.createEvent(DispatcherHeader.NOTIFICATION_EVENT, EVENTS[i]);
            names.insert(directory, events[i]);
        }
        manager.memoryEvents().connect(events, processes.waits()::signal, processes.waits()::reset);
        Memory memory = manager.kernelMemory();
        long partition = memory.readLong(manager.kernelBase() + KernelSymbols.PSP_SYSTEM_PARTITION);
        names.insert(directory, partition);
        memory.writeLong(
                manager.kernelBase()
                        + KernelSymbols.MI_SYSTEM_PARTITION
                        + MiPartitionLayout.CORE
                        + MiPartitionCoreLayout.PARTITION_OBJECT,
                partition);
    }
}
