package org.vadose.mm;

import java.lang.foreign.MemorySegment;
import org.vadose.base.NtStatus;

/**
 * What holds a page file's bytes: a file of the host, or memory. A slot is a page; what was never written reads as zeros. Calls
 * come one at a time.
 */
public interface BackingStore extends AutoCloseable {
    /**
     * Reads adjacent pages.
     *
     * @param buffer native memory; filled from its start
     * @return SUCCESS; INSUFFICIENT_RESOURCES when trying again may help; anything else is an error of the device
     */
    NtStatus read(long slot, int pages, MemorySegment buffer);

    /** Writes adjacent pages; statuses as for {@link #read}, DISK_FULL included. */
    NtStatus write(long slot, int pages, MemorySegment buffer);

    /** Gives the storage back. */
    @Override
    void close();
}
