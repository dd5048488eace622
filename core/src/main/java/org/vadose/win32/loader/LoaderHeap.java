package org.vadose.win32.loader;

/** The process heap, which holds what the loader keeps for the guest to see. */
public interface LoaderHeap {
    /**
     * Zeroed memory, aligned to 16 bytes.
     *
     * @throws LoaderException with STATUS_NO_MEMORY
     */
    long allocate(long sizeBytes);

    void free(long address);
}
