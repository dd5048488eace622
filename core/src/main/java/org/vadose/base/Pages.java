package org.vadose.base;

/**
 * Page arithmetic for x64: 4 KB pages, 64 KB allocation granularity. Addresses are bytes and unsigned; a {@code vpn} is an
 * address shifted right by twelve and never an address.
 */
public final class Pages {
    public static final int SHIFT = 12;
    public static final long SIZE = 1L << SHIFT;
    public static final long OFFSET_MASK = SIZE - 1;
    public static final long LARGE_SIZE = 2L << 20;
    public static final long HUGE_SIZE = 1L << 30;
    /** What {@code GetSystemInfo} calls the allocation granularity. */
    public static final long GRANULARITY = 64 << 10;

    private Pages() {}

    public static long down(long address) {
        return address & -SIZE;
    }

    public static long up(long address) {
        return (address + OFFSET_MASK) & -SIZE;
    }

    public static long alignDown(long value, long powerOfTwo) {
        return value & -powerOfTwo;
    }

    public static long alignUp(long value, long powerOfTwo) {
        return (value + powerOfTwo - 1) & -powerOfTwo;
    }

    /** Pages needed for so many bytes, rounded up. */
    public static long count(long bytes) {
        return (bytes + OFFSET_MASK) >>> SHIFT;
    }

    public static long vpn(long address) {
        return address >>> SHIFT;
    }

    public static int offset(long address) {
        return (int) (address & OFFSET_MASK);
    }

    /** Bits 48 to 63 repeat bit 47. */
    public static boolean isCanonical(long address) {
        return address << 16 >> 16 == address;
    }
}
