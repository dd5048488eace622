package org.vadose.cpu;

/** Division of 128 bits by 64, which Java lacks. */
final class Division {
    private static final long LOW_32 = 0xFFFF_FFFFL;

    private Division() {}

    /**
     * The unsigned quotient of {@code high:low} by {@code divisor}, which must be greater than {@code high}. Schoolbook division in
     * base 2^32 (Knuth, volume 2, 4.3.1, algorithm D) with a normalised divisor.
     */
    static long quotient(long high, long low, long divisor) {
        int shift = Long.numberOfLeadingZeros(divisor);
        long d = divisor << shift;
        long top = shift == 0 ? high : high << shift | low >>> 64 - shift;
        long bottom = low << shift;
        long q1 = digit(top, bottom >>> 32, d);
        long middle = (top << 32 | bottom >>> 32) - q1 * d;
        long q0 = digit(middle, bottom & LOW_32, d);
        return (q1 << 32) + q0;
    }

    /** One digit of the quotient: (top:next) / d where next is 32 bits and the result fits in 32. */
    private static long digit(long top, long next, long d) {
        long dHigh = d >>> 32;
        long dLow = d & LOW_32;
        long q = Long.divideUnsigned(top, dHigh);
        long rest = top - q * dHigh;
        while (q >>> 32 != 0 || Long.compareUnsigned(q * dLow, rest << 32 | next) > 0) {
            q--;
            rest += dHigh;
            if (rest >>> 32 != 0) {
                break;
            }
        }
        return q;
    }
}
