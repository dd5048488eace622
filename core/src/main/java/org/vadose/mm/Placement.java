package org.vadose.mm;

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
record Placement(long lowest, long highest, long alignment) {
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
