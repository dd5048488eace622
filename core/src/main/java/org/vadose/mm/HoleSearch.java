package org.vadose.mm;

import java.util.Arrays;
import org.vadose.base.Pages;
import org.vadose.base.VpnRange;
import org.vadose.nt.Vad;

/**
 * Finds room for new regions: the lowest hole that is large enough, from a start drawn for the process upwards, or the highest below a
 * top drawn for it.
 *
 * <p>For each power of two a hint says below which address (or, for the search downwards, above which) no hole of that size is
 * left. Hints only ever err towards searching too much, so they may be forgotten at any time; with them a run of allocations
 * does not walk over the regions that the ones before it made.
 */
final class HoleSearch {
    private static final int CLASSES = 48;

    private final VadTree vads;
    private final long start;
    private final long top;
    private final long[] up = new long[CLASSES];
    private final long[] down = new long[CLASSES];
    private long successor;

    /**
     * @param start where the search upwards begins, a multiple of 64 KB
     * @param top where the search downwards begins: a last address
     */
    HoleSearch(VadTree vads, long start, long top) {
        this.vads = vads;
        this.start = start;
        this.top = top;
        Arrays.fill(up, start);
        Arrays.fill(down, Long.MAX_VALUE);
    }

    /** Where the search upwards begins. */
    long start() {
        return start;
    }

    /** The largest n for which every hole of {@code sizeBytes} has at least this many bytes: a page, then 64 KB, 128 KB … */
    private static int sizeClass(long sizeBytes) {
        return sizeBytes < Pages.GRANULARITY ? 0 : 64 - 16 - Long.numberOfLeadingZeros(sizeBytes);
    }

    private static long leastBytes(int sizeClass) {
        return sizeClass == 0 ? Pages.SIZE : Pages.GRANULARITY << sizeClass - 1;
    }

    /**
     * The lowest hole from the process's start on, else the lowest of all.
     *
     * @param sizeBytes a multiple of the page size
     * @param highest last address that the region may have
     * @return a multiple of 64 KB, or 0 when there is no such hole
     */
    long findUp(long sizeBytes, long highest) {
        long found = 0;
        if (start + sizeBytes - 1 <= highest) {
            int sizeClass = sizeClass(sizeBytes);
            found = firstFit(sizeBytes, up[sizeClass], highest, sizeClass);
        }
        return found != 0 ? found : firstFit(sizeBytes, VirtualMemoryServices.LOWEST_USER, highest, -1);
    }

    private long firstFit(long sizeBytes, long from, long highest, int sizeClass) {
        long at = from;
        long firstOfClass = -1;
        long least = sizeClass < 0 ? 0 : leastBytes(sizeClass);
        for (long node = vads.firstEndingAtOrAfter(Pages.vpn(from)); ; node = vads.next(node)) {
            VpnRange taken = node == 0 ? null : new Vad(vads.memory(), node).range();
            long end = taken == null ? highest + 1 : Math.min(highest + 1, taken.startAddress());
            if (firstOfClass < 0 && at + least <= end) {
                firstOfClass = at;
            }
            if (at + sizeBytes <= end) {
                successor = node;
                if (sizeClass >= 0) {
                    up[sizeClass] = Math.max(up[sizeClass], firstOfClass == at ? next(at, sizeBytes) : firstOfClass);
                    long behind = next(at, sizeBytes);
                    for (int c = sizeClass + 1; c < CLASSES; c++) {
                        up[c] = Math.max(up[c], behind);
                    }
                }
                return at;
            }
            if (taken == null || end > highest) {
                return 0;
            }
            at = Math.max(at, Pages.alignUp(taken.endAddress() + 1, Pages.GRANULARITY));
        }
    }

    /** The VAD behind the hole that {@link #findUp} found last, 0 for none. */
    long successor() {
        return successor;
    }

    private static long next(long at, long sizeBytes) {
        return at + Pages.alignUp(sizeBytes, Pages.GRANULARITY);
    }

    /**
     * The highest hole below the process's top, else the highest of all.
     *
     * @param sizeBytes a multiple of the page size
     * @param highest last address that the region may have
     * @return a multiple of 64 KB, or 0 when there is no such hole
     */
    long findDown(long sizeBytes, long highest) {
        long found = 0;
        if (highest < top) {
            // Hints speak of all below the top; a search below a lower limit teaches them nothing.
            boolean hinted = down[sizeClass(sizeBytes)] <= highest;
            found = lastFit(sizeBytes, hinted ? top : highest, hinted);
        } else {
            found = lastFit(sizeBytes, top, true);
        }
        return found != 0 || highest <= top ? found : lastFit(sizeBytes, highest, false);
    }

    /** @param withHints whether {@code highest} is the top */
    private long lastFit(long sizeBytes, long highest, boolean withHints) {
        int sizeClass = sizeClass(sizeBytes);
        long end = Pages.alignDown(highest + 1, Pages.GRANULARITY);
        if (withHints && down[sizeClass] < end) {
            end = down[sizeClass];
        }
        long node = vads.lastStartingAtOrBefore(Pages.vpn(end - 1));
        long firstOfClass = -1;
        long least = leastBytes(sizeClass);
        while (end - sizeBytes >= VirtualMemoryServices.LOWEST_USER) {
            long low = node == 0
                    ? VirtualMemoryServices.LOWEST_USER
                    : Pages.alignUp(new Vad(vads.memory(), node).range().endAddress() + 1, Pages.GRANULARITY);
            if (firstOfClass < 0 && Pages.alignDown(end - least, Pages.GRANULARITY) >= low) {
                firstOfClass = end;
            }
            long at = Pages.alignDown(end - sizeBytes, Pages.GRANULARITY);
            if (at >= low) {
                if (withHints) {
                    down[sizeClass] = Math.min(down[sizeClass], firstOfClass == end ? at : firstOfClass);
                    for (int c = sizeClass + 1; c < CLASSES; c++) {
                        down[c] = Math.min(down[c], at);
                    }
                }
                return at;
            }
            if (node == 0) {
                return 0;
            }
            end = Math.min(end, new Vad(vads.memory(), node).range().startAddress());
            node = vads.previous(node);
        }
        return 0;
    }

    /**
     * A hole grew.
     *
     * @param first lowest address of the hole as it is now
     * @param end the address behind it
     */
    void freed(long first, long end) {
        long at = Math.max(start, Pages.alignUp(first, Pages.GRANULARITY));
        // Two plain loops, since the compiler makes vector instructions of those.
        int classes = Math.min(CLASSES, sizeClass(end - first) + 1);
        for (int c = 0; c < classes; c++) {
            up[c] = Math.min(up[c], at);
        }
        for (int c = 0; c < classes; c++) {
            down[c] = Math.max(down[c], end);
        }
    }
}
