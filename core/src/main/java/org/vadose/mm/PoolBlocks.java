package org.vadose.mm;

import org.vadose.memory.Memory;
import org.vadose.nt.PoolType;

/** Blocks of pool that are had together or not at all: what was allocated is freed again unless it is {@link #keep kept}. */
final class PoolBlocks implements AutoCloseable {
    private static final int MOST = 4;

    private final Pool pool;
    private final Memory memory;
    private final long[] blocks = new long[MOST];
    private int count;

    PoolBlocks(MemoryManager manager) {
        this.pool = manager.pool();
        this.memory = manager.kernelMemory();
    }

    /**
     * A block of zeros.
     *
     * @throws org.vadose.base.ResourcesException when the pool is exhausted
     */
    long allocate(PoolType type, long sizeBytes, int tag) {
        long address = pool.allocate(type, sizeBytes, tag);
        blocks[count++] = address;
        memory.fill(address, sizeBytes, (byte) 0);
        return address;
    }

    /** All blocks are in use from now on. */
    void keep() {
        count = 0;
    }

    @Override
    public void close() {
        while (count > 0) {
            pool.free(blocks[--count]);
        }
    }
}
