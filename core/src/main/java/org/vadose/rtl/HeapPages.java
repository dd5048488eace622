package org.vadose.rtl;

/** Where a heap gets its address space and pages: the virtual-memory services of its process. Sizes are whole pages, in bytes. */
public interface HeapPages {
    /** Reserves address space on a 64 KB boundary; returns its address, or 0 when there is none. */
    long reserve(long bytes);

    /** As {@link #reserve}, for a new heap, whose place may be drawn. */
    default long reserveHeap(long bytes) {
        return reserve(bytes);
    }

    /** Makes reserved pages usable and zero; false when the commit limit forbids it. */
    boolean commit(long address, long bytes, boolean executable);

    /** Gives back the pages, keeps the address space. */
    void decommit(long address, long bytes);

    /** Gives back a whole reservation. */
    void release(long address);
}
