package org.vadose.win32;

/** The process heap, which holds what the loader keeps for the guest to see. */
public interface LoaderHeap {
    /**
     * Zeroed memory, aligned to 16 bytes.
     *
     * @throws org.vadose.win32.loader.LoaderException with STATUS_NO_MEMORY
     */
    long allocate(long sizeBytes);

    void free(long address);
}
