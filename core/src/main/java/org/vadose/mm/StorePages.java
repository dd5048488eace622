package org.vadose.mm;

import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.nt.CompressedStore;
import org.vadose.nt.CompressedStore.Own;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;

/**
 * Pages of nonpaged pool that a store keeps in reserve: where it puts a page or takes one out, it cannot ask the pool, which may be
 * in the middle of something.
 */
final class StorePages {
    private static final int TAG = PoolTag.of("smNp");

    private final MemoryManager manager;
    private final Memory memory;
    private final CompressedStore store;

    StorePages(MemoryManager manager, CompressedStore store) {
        this.manager = manager;
        this.memory = manager.kernelMemory();
        this.store = store;
    }

    long count() {
        return store.get(Own.SPARE_COUNT);
    }

    /** Takes a page of the reserve, its contents undefined. */
    long take() {
        long page = store.get(Own.SPARE_PAGES);
        if (page == 0) {
            throw new IllegalStateException("store has no spare page");
        }
        store.set(Own.SPARE_PAGES, memory.readLong(page));
        store.add(Own.SPARE_COUNT, -1);
        return page;
    }

    void give(long page) {
        memory.writeLong(page, store.get(Own.SPARE_PAGES));
        store.set(Own.SPARE_PAGES, page);
        store.add(Own.SPARE_COUNT, 1);
    }

    /** Fills the reserve up from the pool, or gives what is too much back. */
    void keep(long least, long most) {
        while (count() < least) {
            give(manager.pool().allocate(PoolType.NON_PAGED_POOL_NX, Pages.SIZE, TAG));
        }
        while (count() > most) {
            manager.pool().free(take());
        }
    }
}
