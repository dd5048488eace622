package org.vadose.mm;

import org.vadose.base.NtStatus;
import org.vadose.memory.PhysicalMemory;

/**
 * What holds a page file's bytes: a file of the host, or memory. A slot is a page; what was never written reads as zeros. Calls
 * come one at a time.
 */
public interface BackingStore extends AutoCloseable {
    /**
     * Reads adjacent slots into frames, the first of them into the first.
     *
     * @return SUCCESS; INSUFFICIENT_RESOURCES when trying again may help; anything else is an error of the device
     */
    NtStatus read(long slot, PhysicalMemory ram, long[] frames, int count);

    /** Writes frames to adjacent slots; statuses as for {@link #read}, DISK_FULL included. */
    NtStatus write(long slot, PhysicalMemory ram, long[] frames, int count);

    /** Gives the storage back. */
    @Override
    void close();
}
