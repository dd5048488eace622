package org.vadose.ex;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;

/** Pages out of flat memory, for tests of what stands on the pools. */
public final class PlainPages implements PoolPages {
    private final Memory memory;
    private final Map<Long, ArrayDeque<Long>> free = new HashMap<>();
    private final Set<Long> nonPaged = new TreeSet<>();
    private final Set<Long> paged = new TreeSet<>();
    private long next;

    public PlainPages(Memory memory, long first) {
        this.memory = memory;
        this.next = first;
    }

    @Override
    public long allocatePages(boolean isPaged, long pages) {
        ArrayDeque<Long> runs = free.get(pages);
        long address;
        if (runs != null && !runs.isEmpty()) {
            address = runs.pop();
        } else {
            address = next;
            next += pages * Pages.SIZE;
        }
        memory.fill(address, pages * Pages.SIZE, (byte) 0);
        for (long i = 0; i < pages; i++) {
            of(isPaged).add(address + i * Pages.SIZE);
        }
        return address;
    }

    @Override
    public void freePages(boolean isPaged, long address, long pages) {
        for (long i = 0; i < pages; i++) {
            if (!of(isPaged).remove(address + i * Pages.SIZE)) {
                throw new IllegalStateException("freed twice");
            }
        }
        free.computeIfAbsent(pages, p -> new ArrayDeque<>()).push(address);
    }

    /** Pages held, of one pool. */
    public Set<Long> of(boolean isPaged) {
        return isPaged ? paged : nonPaged;
    }
}
