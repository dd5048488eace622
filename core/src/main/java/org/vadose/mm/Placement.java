package org.vadose.mm;

import org.jspecify.annotations.Nullable;
import org.vadose.base.Pages;
import org.vadose.nt.Vad;

/**
 * Where a region may go, beyond what {@link HoleSearch} knows: between two addresses, at a multiple of more than 64 KB
 * ({@code MEM_ADDRESS_REQUIREMENTS}, large pages).
 *
 * @param lowest first address the region may have
 * @param highest last address it may have
 * @param alignment a power of two, at least 64 KB
 */
public record Placement(long lowest, long highest, long alignment) {
    /**
     * What {@code MEM_ADDRESS_REQUIREMENTS} says; 0 leaves each to the system.
     *
     * @param userEnd where the process's part of its address space ends
     * @return null when the requirements contradict the rules: a start at a multiple of 64 KB, an end just below one of the page
     *     size, an alignment that is a power of two and at least 64 KB
     */
    public static @Nullable Placement of(long userEnd, long lowest, long highest, long alignment) {
        long last = highest == 0 ? userEnd - 1 : highest;
        long step = alignment == 0 ? Pages.GRANULARITY : alignment;
        boolean valid = Pages.alignDown(lowest, Pages.GRANULARITY) == lowest
                && Long.compareUnsigned(last, userEnd) < 0
                && Pages.offset(last + 1) == 0
                && Long.compareUnsigned(lowest, last) < 0
                && Long.bitCount(step) == 1
                && Long.compareUnsigned(step, Pages.GRANULARITY) >= 0;
        return valid ? new Placement(lowest, last, step) : null;
    }

    /**
     * The lowest such hole, or the highest.
     *
     * @param sizeBytes a multiple of the page size
     * @return its address, 0 when there is none
     */
    long find(VadTree vads, long sizeBytes, boolean topDown) {
        long from = Math.max(lowest, VirtualMemoryServices.LOWEST_USER);
        long best = 0;
        long at = Pages.alignUp(from, alignment);
        for (long node = vads.firstEndingAtOrAfter(Pages.vpn(from)); ; node = vads.next(node)) {
            Vad vad = new Vad(vads.memory(), node);
            long end = node == 0 ? highest + 1 : Math.min(highest + 1, vad.startingVpn() << Pages.SHIFT);
            if (end - sizeBytes >= at) {
                best = topDown ? Pages.alignDown(end - sizeBytes, alignment) : at;
                if (!topDown) {
                    return best;
                }
            }
            if (node == 0 || end > highest) {
                return best;
            }
            at = Math.max(at, Pages.alignUp(vad.endingVpn() + 1 << Pages.SHIFT, alignment));
        }
    }
}
