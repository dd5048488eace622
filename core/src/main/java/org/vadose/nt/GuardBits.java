package org.vadose.nt;

import org.vadose.base.Pages;

/**
 * The bitmap of control flow guard: two bits for each 16 bytes of user space.
 *
 * <pre>
 *  bits (high, low)   an indirect call may go
 *  00                 nowhere in these 16 bytes
 *  01                 to the first of them
 *  10                 to the first once the export is called valid (export suppression)
 *  11                 to any of them
 * </pre>
 */
public final class GuardBits {
    /** Bytes of memory that share two bits. */
    public static final long GRAIN = 16;

    private static final int BYTES_PER_LONG_SHIFT = 9;

    private GuardBits() {}

    /** Size of the bitmap of a user space that ends there, in whole pages. */
    public static long sizeBytes(long userEnd) {
        return Pages.up(userEnd >>> BYTES_PER_LONG_SHIFT - 3);
    }

    /** Where in the bitmap the 64 bits are that speak of an address, in bytes. */
    public static long offset(long address) {
        return address >>> BYTES_PER_LONG_SHIFT << 3;
    }

    /** Both bits of an address's 16 bytes, in those 64. */
    public static long pair(long address) {
        return 3L << (address >>> 3 & 62);
    }

    /** The bits that allow calls to an address, in those 64. */
    public static long mask(long address) {
        return (address & GRAIN - 1) == 0 ? 1L << (address >>> 3 & 62) : pair(address);
    }
}
