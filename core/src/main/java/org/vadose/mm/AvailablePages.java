package org.vadose.mm;

import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.memory.Memory;

/** How many frames can be had at once: {@code AvailablePages} of {@code nt!MiSystemPartition}. Changed under the lock of frames. */
final class AvailablePages {
    private final Memory memory;
    private final long address;

    AvailablePages(Memory memory, long kernelBase) {
        this.memory = memory;
        address = kernelBase
                + KernelSymbols.MI_SYSTEM_PARTITION
                + MiPartitionLayout.VP
                + MiVisiblePartitionLayout.AVAILABLE_PAGES;
    }

    long get() {
        return memory.readLong(address);
    }

    void set(long frames) {
        memory.writeLong(address, frames);
    }

    void add(long frames) {
        memory.writeLong(address, memory.readLong(address) + frames);
    }
}
