package org.vadose.ex;

/** Where the pools get whole pages: the memory manager's nonpaged and paged pool regions. */
public interface PoolPages {
    /**
     * @param pages at least 1
     * @return address of the first page of a run, zeroed
     */
    long allocatePages(boolean paged, long pages);

    /** @param address what {@link #allocatePages} returned, with the same number of pages */
    void freePages(boolean paged, long address, long pages);
}
