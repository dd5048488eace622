package org.vadose.mm;

import org.vadose.nt.PoolType;

/**
 * Where the manager gets room for its own structures: VADs, control areas, segments, prototype PTEs. The executive implements
 * it over pages that the manager provides.
 */
public interface Pool {
    /**
     * @param sizeBytes at least 1
     * @param tag see {@link org.vadose.nt.PoolTag}
     * @return address of the block, a multiple of 16 (of 4096 for a page or more), its bytes not zeroed
     */
    long allocate(PoolType type, long sizeBytes, int tag);

    /** Whether the next block of this size, at most {@code POOL_MAX_ALLOC}, surely needs no more pages. */
    default boolean hasRoom(PoolType type, long sizeBytes) {
        return false;
    }

    /** @param address what {@link #allocate} returned */
    void free(long address);
}
