package org.vadose.check;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.PoolTrackerBigPagesLayout;
import org.vadose.layout.PoolTrackerTableLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.PoolHeader;
import org.vadose.nt.PoolTag;
import org.vadose.target.UnreadableMemoryException;

/**
 * Proves that the pools add up: headers of a page chain to its end, and the blocks found plus the big-page table equal
 * {@code PoolTrackTable} tag by tag.
 */
public final class PoolCheck {
    private static final int UNITS_A_PAGE = (int) Pages.SIZE / PoolHeader.UNIT;
    private static final int MOST_SLOTS = 1 << 24;

    private final Memory memory;
    private final long kernelBase;
    private final Findings findings;
    private final Map<Integer, long[]> found = new HashMap<>();
    private final Set<Long> bigPages = new HashSet<>();

    public PoolCheck(Memory memory, long kernelBase, Findings findings) {
        this.memory = memory;
        this.kernelBase = kernelBase;
        this.findings = findings;
    }

    /**
     * Checks everything.
     *
     * @param nonPaged addresses of the pages that nonpaged pool holds, in any order
     * @param paged the same of paged pool
     */
    public void run(Iterable<Long> nonPaged, Iterable<Long> paged) {
        readBigPages(count(nonPaged) + count(paged));
        walk(nonPaged, false);
        walk(paged, true);
        compareTracker();
    }

    private static long count(Iterable<Long> pages) {
        long count = 0;
        for (Long ignored : pages) {
            count++;
        }
        return count;
    }

    private void walk(Iterable<Long> pages, boolean paged) {
        for (long page : pages) {
            if (!bigPages.contains(page)) {
                try {
                    walkPage(page, paged);
                } catch (MemoryFault | UnreadableMemoryException e) {
                    findings.add("pool page unreadable at=" + Hex.address(page));
                }
            }
        }
    }

    private void walkPage(long page, boolean paged) {
        int previous = 0;
        boolean previousFree = false;
        for (int at = 0; at < UNITS_A_PAGE; ) {
            PoolHeader header = new PoolHeader(memory, page + (long) at * PoolHeader.UNIT);
            int units = header.units();
            if (units == 0 || at + units > UNITS_A_PAGE) {
                findings.add("pool block size at=" + Hex.address(header.address()) + " units=" + units);
                return;
            }
            findings.expectEqual("pool PreviousSize", header.address(), previous, header.previousUnits());
            if (header.isFree()) {
                if (previousFree) {
                    findings.add("pool neighbours both free at=" + Hex.address(header.address()));
                }
            } else {
                findings.expectEqual("pool PoolType", header.address(), paged ? 1 : 0, header.isPaged() ? 1 : 0);
                count(header.tag(), paged, (long) units * PoolHeader.UNIT);
            }
            previousFree = header.isFree();
            previous = units;
            at += units;
        }
    }

    /** @param pages that the pools have, and so the most that an allocation can have */
    private void readBigPages(long pages) {
        long table = memory.readLong(kernelBase + KernelSymbols.POOL_BIG_PAGE_TABLE);
        long slots = memory.readLong(kernelBase + KernelSymbols.POOL_BIG_PAGE_TABLE_SIZE);
        if (slots < 0 || slots > MOST_SLOTS) {
            findings.add("PoolBigPageTableSize unbelievable value=" + Hex.plain(slots));
            return;
        }
        for (long i = 0; i < slots; i++) {
            long entry = table + i * PoolTrackerBigPagesLayout.SIZE;
            long va = memory.readLong(entry + PoolTrackerBigPagesLayout.VA);
            if ((va & 1) != 0) {
                continue;
            }
            long bytes = memory.readLong(entry + PoolTrackerBigPagesLayout.NUMBER_OF_BYTES);
            if (Pages.offset(va) != 0 || bytes <= 0 || Pages.count(bytes) > pages) {
                findings.add("PoolBigPageTable entry at=" + Hex.address(entry) + " va=" + Hex.address(va) + " bytes="
                        + Hex.plain(bytes));
                continue;
            }
            for (long page = va; page < va + bytes; page += Pages.SIZE) {
                if (!bigPages.add(page)) {
                    findings.add("big pool allocations overlap at=" + Hex.address(page));
                }
            }
            int type = memory.readInt(entry + PoolTrackerBigPagesLayout.POOL_TYPE)
                    >>> PoolTrackerBigPagesLayout.POOL_TYPE_SHIFT;
            count(memory.readInt(entry + PoolTrackerBigPagesLayout.KEY), (type & 1) != 0, bytes);
        }
    }

    private void compareTracker() {
        long table = memory.readLong(kernelBase + KernelSymbols.POOL_TRACK_TABLE);
        long slots = memory.readLong(kernelBase + KernelSymbols.POOL_TRACK_TABLE_SIZE);
        if (slots < 0 || slots > MOST_SLOTS) {
            findings.add("PoolTrackTableSize unbelievable value=" + Hex.plain(slots));
            return;
        }
        Map<Integer, long[]> left = new HashMap<>(found);
        for (long i = 0; i < slots; i++) {
            long entry = table + i * PoolTrackerTableLayout.SIZE;
            int key = memory.readInt(entry + PoolTrackerTableLayout.KEY);
            if (key == 0) {
                continue;
            }
            long[] counts = left.remove(key);
            counts = counts == null ? new long[4] : counts;
            String tag = " tag=" + PoolTag.text(key);
            findings.expectEqual(
                    "nonpaged bytes" + tag,
                    entry,
                    counts[0],
                    memory.readLong(entry + PoolTrackerTableLayout.NON_PAGED_BYTES));
            findings.expectEqual(
                    "nonpaged blocks" + tag,
                    entry,
                    counts[1],
                    memory.readLong(entry + PoolTrackerTableLayout.NON_PAGED_ALLOCS)
                            - memory.readLong(entry + PoolTrackerTableLayout.NON_PAGED_FREES));
            findings.expectEqual(
                    "paged bytes" + tag, entry, counts[2], memory.readLong(entry + PoolTrackerTableLayout.PAGED_BYTES));
            findings.expectEqual(
                    "paged blocks" + tag,
                    entry,
                    counts[3],
                    memory.readLong(entry + PoolTrackerTableLayout.PAGED_ALLOCS)
                            - memory.readLong(entry + PoolTrackerTableLayout.PAGED_FREES));
        }
        left.forEach((tag, counts) -> findings.add("pool tag without tracker entry tag=" + PoolTag.text(tag)));
    }

    private void count(int tag, boolean paged, long bytes) {
        long[] counts = found.computeIfAbsent(tag, t -> new long[4]);
        counts[paged ? 2 : 0] += bytes;
        counts[paged ? 3 : 1]++;
    }
}
