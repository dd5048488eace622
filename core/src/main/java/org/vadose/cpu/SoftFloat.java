package org.vadose.cpu;

/**
 * Binary floating point in software, for what the Java primitives cannot do: the x87's 64-bit significands, precision and rounding
 * control, and the exception flags of SSE. One object is one unit's arithmetic state; operations leave their outcome in
 * {@link #result} and add to {@link #flags}.
 *
 * <p>A {@link Value} holds any operand exactly. An operation computes significand and exponent with 128 bits, the lowest being
 * "anything below", and {@link #round} brings that to the {@link #format}. Tininess is detected after rounding, as x86 does.
 */
final class SoftFloat {
    /** Exception flags, at the bits where both MXCSR and the x87 status word have them. */
    static final int INVALID = 1;

    static final int DENORMAL = 2;
    static final int DIVIDE_BY_ZERO = 4;
    static final int OVERFLOW = 8;
    static final int UNDERFLOW = 16;
    static final int INEXACT = 32;

    /** Rounding modes as the RC fields encode them. */
    static final int NEAREST = 0;

    static final int DOWN = 1;
    static final int UP = 2;
    static final int TO_ZERO = 3;

    /** Significant bits (the leading one included) and the exponents of normal numbers. */
    record Format(int precision, int minimumExponent, int maximumExponent) {}

    static final Format SINGLE = new Format(24, -126, 127);
    static final Format DOUBLE = new Format(53, -1022, 1023);
    static final Format EXTENDED = new Format(64, -16382, 16383);
    /** x87 registers under reduced precision control: short significand, full exponent range. */
    static final Format EXTENDED_24 = new Format(24, -16382, 16383);

    static final Format EXTENDED_53 = new Format(53, -16382, 16383);

    /** What an unmasked overflow takes off the exponent of a register, and an unmasked underflow adds. */
    private static final int WRAP = 24576;

    static final long INTEGER_BIT = 1L << 63;
    static final long QUIET_BIT = 1L << 62;

    /** What a value is. */
    enum Kind {
        ZERO,
        FINITE,
        INFINITY,
        QUIET_NAN,
        SIGNALING_NAN,
        /** An 80-bit encoding with the wrong integer bit, which no operation accepts. */
        UNSUPPORTED
    }

    /**
     * A number: {@code significand * 2^(exponent - 63)} with the top bit of the significand set when FINITE. A NaN's significand is
     * as an 80-bit register would have it.
     */
    static final class Value {
        Kind kind = Kind.ZERO;
        boolean negative;
        int exponent;
        long significand;
        /** The encoding was denormal; the value here is normalised all the same. */
        boolean denormal;

        void set(Value other) {
            kind = other.kind;
            negative = other.negative;
            exponent = other.exponent;
            significand = other.significand;
            denormal = other.denormal;
        }

        void zero(boolean isNegative) {
            kind = Kind.ZERO;
            negative = isNegative;
            exponent = 0;
            significand = 0;
            denormal = false;
        }

        void infinity(boolean isNegative) {
            kind = Kind.INFINITY;
            negative = isNegative;
            significand = INTEGER_BIT;
            denormal = false;
        }

        void finite(boolean isNegative, int withExponent, long withSignificand) {
            kind = Kind.FINITE;
            negative = isNegative;
            exponent = withExponent;
            significand = withSignificand;
            denormal = false;
        }

        /** The real indefinite: what masked invalid operations give. */
        void indefinite() {
            kind = Kind.QUIET_NAN;
            negative = true;
            significand = INTEGER_BIT | QUIET_BIT;
            denormal = false;
        }

        boolean isNan() {
            return kind == Kind.QUIET_NAN || kind == Kind.SIGNALING_NAN;
        }

        boolean isZero() {
            return kind == Kind.ZERO;
        }

        boolean isInfinite() {
            return kind == Kind.INFINITY;
        }

        void ofSingle(int bits) {
            of(bits < 0, bits >>> 23 & 0xFF, 0xFF, 127, (long) bits << 40 & ~INTEGER_BIT, 1);
        }

        void ofDouble(long bits) {
            of(bits < 0, (int) (bits >>> 52) & 0x7FF, 0x7FF, 1023, bits << 11 & ~INTEGER_BIT, 1);
        }

        /** {@code fraction} is aligned below the integer bit. */
        private void of(boolean isNegative, int field, int maximum, int bias, long fraction, int denormalField) {
            negative = isNegative;
            denormal = false;
            if (field == maximum) {
                significand = fraction | INTEGER_BIT;
                kind = fraction == 0
                        ? Kind.INFINITY
                        : (fraction & QUIET_BIT) != 0 ? Kind.QUIET_NAN : Kind.SIGNALING_NAN;
            } else if (field != 0) {
                kind = Kind.FINITE;
                exponent = field - bias;
                significand = fraction | INTEGER_BIT;
            } else if (fraction == 0) {
                zero(isNegative);
            } else {
                kind = Kind.FINITE;
                denormal = true;
                int shift = Long.numberOfLeadingZeros(fraction);
                exponent = denormalField - bias - shift;
                significand = fraction << shift;
            }
        }

        /** From an 80-bit register: sign and exponent in the low 16 bits, and the significand. */
        void ofExtended(int signExponent, long bits) {
            negative = (signExponent & 0x8000) != 0;
            int field = signExponent & 0x7FFF;
            denormal = false;
            significand = bits;
            if (field == 0) {
                if (bits == 0) {
                    zero(negative);
                } else {
                    kind = Kind.FINITE;
                    denormal = true;
                    int shift = Long.numberOfLeadingZeros(bits);
                    exponent = -16382 - shift;
                    significand = bits << shift;
                }
            } else if (bits >= 0) {
                kind = Kind.UNSUPPORTED;
            } else if (field == 0x7FFF) {
                kind = bits << 1 == 0 ? Kind.INFINITY : (bits & QUIET_BIT) != 0 ? Kind.QUIET_NAN : Kind.SIGNALING_NAN;
            } else {
                kind = Kind.FINITE;
                exponent = field - 16383;
            }
        }

        void ofLong(long value) {
            if (value == 0) {
                zero(false);
                return;
            }
            long magnitude = Math.abs(value);
            int shift = Long.numberOfLeadingZeros(magnitude);
            finite(value < 0, 63 - shift, magnitude << shift);
        }

        int toSingle() {
            int sign = negative ? 1 << 31 : 0;
            return switch (kind) {
                case ZERO -> sign;
                case FINITE -> sign | (int) magnitude(24, -126, 127);
                default -> sign | 0x7F80_0000 | (int) (significand >>> 40) & 0x7F_FFFF;
            };
        }

        long toDouble() {
            long sign = negative ? 1L << 63 : 0;
            return switch (kind) {
                case ZERO -> sign;
                case FINITE -> sign | magnitude(53, -1022, 1023);
                default -> sign | 0x7FFL << 52 | (significand >>> 11) & ((1L << 52) - 1);
            };
        }

        /** Exponent field and fraction of a value that already has been rounded to the format. */
        private long magnitude(int precision, int minimumExponent, int bias) {
            int shift = 64 - precision;
            if (exponent < minimumExponent) {
                return significand >>> shift + minimumExponent - exponent;
            }
            long fraction = (significand & ~INTEGER_BIT) >>> shift;
            return (long) (exponent + bias) << precision - 1 | fraction;
        }

        int toSignExponent() {
            int sign = negative ? 0x8000 : 0;
            return switch (kind) {
                case ZERO -> sign;
                case FINITE -> sign | Math.max(exponent + 16383, 0);
                default -> sign | 0x7FFF;
            };
        }

        long toSignificand() {
            if (kind != Kind.FINITE) {
                return significand;
            }
            return exponent < -16382 ? significand >>> -16382 - exponent : significand;
        }
    }

    /** Outcome of the last operation. */
    final Value result = new Value();

    Format format = EXTENDED;
    int rounding = NEAREST;
    /** Flags raised since the caller cleared them. */
    int flags;
    /** Whether the last rounding increased the magnitude: C1 of the x87. */
    boolean roundedUp;
    /** x87 rule for two NaNs (larger significand wins); otherwise the first operand wins, as in SSE. */
    boolean x87;

    boolean flushToZero;
    /** Whether a denormal result that lost nothing raises UNDERFLOW too. */
    boolean underflowUnmasked;
    /** With {@link #x87}: an overflow wraps the exponent instead of giving infinity. */
    boolean overflowUnmasked;

    private final Value left = new Value();
    private final Value right = new Value();

    void add(Value a, Value b) {
        sum(a, b, b.negative);
    }

    void subtract(Value a, Value b) {
        sum(a, b, !b.negative);
    }

    private void sum(Value a, Value b, boolean bNegative) {
        roundedUp = false;
        if (unordered(a, b)) {
            return;
        }
        if (a.isInfinite() && b.isInfinite() && a.negative != bNegative) {
            invalid();
            return;
        }
        noteDenormals(a, b);
        if (a.isInfinite() || b.isInfinite()) {
            result.infinity(a.isInfinite() ? a.negative : bNegative);
        } else if (a.isZero() && b.isZero()) {
            result.zero(a.negative == bNegative ? a.negative : rounding == DOWN);
        } else if (b.isZero()) {
            round(a.negative, a.exponent, a.significand, 0);
        } else if (a.isZero()) {
            round(bNegative, b.exponent, b.significand, 0);
        } else if (a.negative == bNegative) {
            addMagnitudes(a, b);
        } else {
            subtractMagnitudes(a, b, bNegative);
        }
    }

    private void addMagnitudes(Value a, Value b) {
        Value big = a.exponent >= b.exponent ? a : b;
        Value small = big == a ? b : a;
        int shift = big.exponent - small.exponent;
        long low = shiftedLow(small.significand, shift);
        long high = big.significand + shiftedHigh(small.significand, shift);
        int exponent = big.exponent;
        if (Long.compareUnsigned(high, big.significand) < 0) {
            low = low >>> 1 | high << 63 | low & 1;
            high = high >>> 1 | INTEGER_BIT;
            exponent++;
        }
        round(a.negative, exponent, high, low);
    }

    private void subtractMagnitudes(Value a, Value b, boolean bNegative) {
        int order = a.exponent != b.exponent
                ? Integer.compare(a.exponent, b.exponent)
                : Long.compareUnsigned(a.significand, b.significand);
        if (order == 0) {
            result.zero(rounding == DOWN);
            return;
        }
        Value big = order > 0 ? a : b;
        Value small = order > 0 ? b : a;
        int shift = big.exponent - small.exponent;
        long smallLow = shiftedLow(small.significand, shift);
        long low = -smallLow;
        long high = big.significand - shiftedHigh(small.significand, shift) - (smallLow != 0 ? 1 : 0);
        normaliseAndRound(order > 0 ? a.negative : bNegative, big.exponent, high, low);
    }

    private static long shiftedHigh(long significand, int shift) {
        return shift < 64 ? significand >>> shift : 0;
    }

    /** The 64 bits below {@link #shiftedHigh}, with anything lower collected in the lowest. */
    private static long shiftedLow(long significand, int shift) {
        if (shift == 0) {
            return 0;
        }
        if (shift < 64) {
            return significand << 64 - shift;
        }
        if (shift == 64) {
            return significand;
        }
        if (shift < 128) {
            long lost = significand << 128 - shift;
            return significand >>> shift - 64 | (lost != 0 ? 1 : 0);
        }
        return 1;
    }

    void normaliseAndRound(boolean negative, int exponent, long high, long low) {
        int e = exponent;
        long h = high;
        long l = low;
        if (h == 0) {
            h = l;
            l = 0;
            e -= 64;
        }
        int shift = Long.numberOfLeadingZeros(h);
        if (shift != 0) {
            h = h << shift | l >>> 64 - shift;
            l <<= shift;
            e -= shift;
        }
        round(negative, e, h, l);
    }

    void multiply(Value a, Value b) {
        roundedUp = false;
        if (unordered(a, b)) {
            return;
        }
        boolean negative = a.negative != b.negative;
        if (a.isInfinite() && b.isZero() || a.isZero() && b.isInfinite()) {
            invalid();
            return;
        }
        noteDenormals(a, b);
        if (a.isInfinite() || b.isInfinite()) {
            result.infinity(negative);
        } else if (a.isZero() || b.isZero()) {
            result.zero(negative);
        } else {
            long high = Math.unsignedMultiplyHigh(a.significand, b.significand);
            normaliseAndRound(negative, a.exponent + b.exponent + 1, high, a.significand * b.significand);
        }
    }

    void divide(Value a, Value b) {
        roundedUp = false;
        if (unordered(a, b)) {
            return;
        }
        boolean negative = a.negative != b.negative;
        if (a.isInfinite() && b.isInfinite() || a.isZero() && b.isZero()) {
            invalid();
            return;
        }
        if (b.isZero() && !a.isInfinite()) {
            flags |= DIVIDE_BY_ZERO;
            result.infinity(negative);
            return;
        }
        noteDenormals(a, b);
        if (a.isInfinite()) {
            result.infinity(negative);
        } else if (a.isZero() || b.isInfinite()) {
            result.zero(negative);
        } else {
            divideFinite(a, b, negative);
        }
    }

    private void divideFinite(Value a, Value b, boolean negative) {
        long divisor = b.significand;
        int exponent = a.exponent - b.exponent;
        long remainder = a.significand;
        long quotient = 0;
        if (Long.compareUnsigned(remainder, divisor) < 0) {
            exponent--;
        } else {
            remainder -= divisor;
            quotient = 1;
        }
        for (int bits = quotient == 0 ? 64 : 63; bits > 0; bits--) {
            boolean carry = remainder < 0;
            remainder <<= 1;
            quotient <<= 1;
            if (carry || Long.compareUnsigned(remainder, divisor) >= 0) {
                remainder -= divisor;
                quotient |= 1;
            }
        }
        round(negative, exponent, quotient, fractionOf(remainder, divisor));
    }

    /** Half bit and sticky bits of {@code remainder / divisor}: enough for rounding. */
    private static long fractionOf(long remainder, long divisor) {
        if (remainder == 0) {
            return 0;
        }
        boolean carry = remainder < 0;
        int order = carry ? 1 : Long.compareUnsigned(remainder << 1, divisor);
        return order == 0 ? INTEGER_BIT : order > 0 ? INTEGER_BIT | 1 : 1;
    }

    void squareRoot(Value a) {
        roundedUp = false;
        if (unordered(a, a)) {
            return;
        }
        if (a.isZero()) {
            result.zero(a.negative);
        } else if (a.negative) {
            invalid();
        } else if (a.isInfinite()) {
            result.infinity(false);
        } else {
            noteDenormals(a, a);
            squareRootFinite(a);
        }
    }

    /** Digit by digit: 64 bits of root; the remainder says whether more follow. */
    private void squareRootFinite(Value a) {
        boolean odd = (a.exponent & 1) != 0;
        // The radicand, as 128 bits with two or one integer bits, so that the root has its top bit at 63.
        long high = odd ? a.significand : a.significand >>> 1;
        long low = odd ? 0 : a.significand << 63;
        long root = 0;
        long remainderHigh = 0;
        long remainderLow = 0;
        for (int i = 0; i < 64; i++) {
            remainderHigh = remainderHigh << 2 | remainderLow >>> 62;
            remainderLow = remainderLow << 2 | high >>> 62;
            high = high << 2 | low >>> 62;
            low <<= 2;
            long trialHigh = root >>> 62;
            long trialLow = root << 2 | 1;
            int order = remainderHigh != trialHigh
                    ? Long.compareUnsigned(remainderHigh, trialHigh)
                    : Long.compareUnsigned(remainderLow, trialLow);
            root <<= 1;
            if (order >= 0) {
                remainderHigh -= trialHigh + (Long.compareUnsigned(remainderLow, trialLow) < 0 ? 1 : 0);
                remainderLow -= trialLow;
                root |= 1;
            }
        }
        // remainder > root means the next bit is one (2 * root + 1/2 ... is never hit exactly).
        long rest = 0;
        if ((remainderHigh | remainderLow) != 0) {
            boolean aboveHalf = remainderHigh != 0 || Long.compareUnsigned(remainderLow, root) > 0;
            rest = aboveHalf ? INTEGER_BIT | 1 : 1;
        }
        round(false, Math.floorDiv(a.exponent, 2), root, rest);
    }

    /** Rounds a value that is exact so far into the format; NaNs become quiet, with INVALID if they signalled. */
    void convert(Value a) {
        roundedUp = false;
        switch (a.kind) {
            case FINITE -> {
                noteDenormals(a, a);
                round(a.negative, a.exponent, a.significand, 0);
            }
            case UNSUPPORTED -> invalid();
            case SIGNALING_NAN, QUIET_NAN -> unordered(a, a);
            default -> result.set(a);
        }
    }

    /** To an integral value of the format, by the rounding mode; signals INEXACT unless {@code quietly}. */
    void roundToIntegral(Value a, boolean quietly) {
        roundedUp = false;
        if (a.kind != Kind.FINITE) {
            convert(a);
            return;
        }
        noteDenormals(a, a);
        if (a.exponent >= 63) {
            result.set(a);
            result.denormal = false;
            return;
        }
        long magnitude = integralMagnitude(a, quietly);
        if (magnitude == 0) {
            result.zero(a.negative);
        } else {
            int shift = Long.numberOfLeadingZeros(magnitude);
            result.finite(a.negative, 63 - shift, magnitude << shift);
        }
    }

    /** |a| as an integer, a below 2^64 before and after rounding; sets INEXACT and {@link #roundedUp}. */
    private long integralMagnitude(Value a, boolean quietly) {
        roundedUp = false;
        if (a.exponent >= 63) {
            return a.significand;
        }
        long whole = a.exponent < 0 ? 0 : a.significand >>> 63 - a.exponent;
        // The fraction's top bit at 63; what a tiny value loses still counts.
        long rest = a.exponent >= 0 ? a.significand << a.exponent + 1 : a.exponent == -1 ? a.significand : 1;
        if (rest == 0) {
            return whole;
        }
        if (!quietly) {
            flags |= INEXACT;
        }
        if (roundsUp(a.negative, (whole & 1) != 0, rest)) {
            roundedUp = true;
            whole++;
        }
        return whole;
    }

    /**
     * To a signed integer of 16, 32 or 64 bits by the rounding mode. What does not fit gives the integer indefinite (only the top
     * bit set) and INVALID alone.
     */
    long toInteger(Value a, int bits) {
        roundedUp = false;
        long indefinite = -1L << bits - 1;
        if (a.isZero()) {
            return 0;
        }
        if (a.kind != Kind.FINITE
                || a.exponent >= 63 && !(a.exponent == 63 && a.negative && a.significand == INTEGER_BIT)) {
            flags |= INVALID;
            return indefinite;
        }
        int before = flags;
        long magnitude = integralMagnitude(a, false);
        boolean fits = magnitude >= 0
                ? (a.negative ? -magnitude >= indefinite : magnitude <= ~indefinite)
                : a.negative && magnitude == INTEGER_BIT && bits == 64;
        if (!fits) {
            flags = before | INVALID;
            roundedUp = false;
            return indefinite;
        }
        return a.negative ? -magnitude : magnitude;
    }

    /** Order of two numbers: -1, 0, 1, or 2 when unordered. A quiet NaN raises INVALID only if {@code signalling}. */
    int compare(Value a, Value b, boolean signalling) {
        if (a.kind == Kind.UNSUPPORTED || b.kind == Kind.UNSUPPORTED) {
            flags |= INVALID;
            return 2;
        }
        if (a.isNan() || b.isNan()) {
            if (signalling || a.kind == Kind.SIGNALING_NAN || b.kind == Kind.SIGNALING_NAN) {
                flags |= INVALID;
            }
            return 2;
        }
        noteDenormals(a, b);
        if (a.isZero() && b.isZero()) {
            return 0;
        }
        if (a.isZero()) {
            return b.negative ? 1 : -1;
        }
        if (b.isZero() || a.negative != b.negative) {
            return a.negative ? -1 : 1;
        }
        int order = compareMagnitudes(a, b);
        return a.negative ? -order : order;
    }

    private static int compareMagnitudes(Value a, Value b) {
        if (a.isInfinite() || b.isInfinite()) {
            return Boolean.compare(a.isInfinite(), b.isInfinite());
        }
        return a.exponent != b.exponent
                ? Integer.compare(a.exponent, b.exponent)
                : Integer.signum(Long.compareUnsigned(a.significand, b.significand));
    }

    /** When an operand is no number, puts the NaN that results into {@link #result} and returns true. */
    boolean unordered(Value a, Value b) {
        if (a.kind == Kind.UNSUPPORTED || b.kind == Kind.UNSUPPORTED) {
            invalid();
            return true;
        }
        if (!a.isNan() && !b.isNan()) {
            return false;
        }
        boolean aSignals = a.kind == Kind.SIGNALING_NAN;
        boolean bSignals = b.kind == Kind.SIGNALING_NAN;
        if (aSignals || bSignals) {
            flags |= INVALID;
        }
        result.set(chooseNan(a, b));
        result.kind = Kind.QUIET_NAN;
        result.significand |= QUIET_BIT;
        return true;
    }

    private Value chooseNan(Value a, Value b) {
        if (!b.isNan()) {
            return a;
        }
        if (!a.isNan()) {
            return b;
        }
        if (!x87) {
            return a;
        }
        // A quiet NaN beats a signalling one; of two alike the larger significand wins, then the positive one.
        if (a.kind != b.kind) {
            return a.kind == Kind.QUIET_NAN ? a : b;
        }
        int order = Long.compareUnsigned(a.significand, b.significand);
        if (order != 0) {
            return order > 0 ? a : b;
        }
        return a.negative ? b : a;
    }

    void invalid() {
        flags |= INVALID;
        roundedUp = false;
        result.indefinite();
    }

    void noteDenormals(Value a, Value b) {
        if (a.denormal || b.denormal) {
            flags |= DENORMAL;
        }
    }

    /**
     * Rounds {@code high:low * 2^(exponent - 127)}, top bit of {@code high} set and the lowest bit of {@code low} standing for
     * anything below, into {@link #format} by {@link #rounding}.
     */
    void round(boolean negative, int exponent, long high, long low) {
        roundedUp = false;
        if (exponent < format.minimumExponent) {
            roundTiny(negative, exponent, high, low);
        } else {
            roundNormal(negative, exponent, high, low);
        }
    }

    private void roundNormal(boolean negative, int exponent, long high, long low) {
        int precision = format.precision;
        boolean inexact = !isExact(high, low, precision);
        long kept = keep(high, precision);
        int e = exponent;
        if (inexact) {
            flags |= INEXACT;
            if (roundsUp(negative, (kept >>> 64 - precision & 1) != 0, rest(high, low, precision))) {
                roundedUp = true;
                kept += 1L << 64 - precision;
                if (kept >= 0) {
                    kept = INTEGER_BIT;
                    e++;
                }
            }
        }
        if (e <= format.maximumExponent) {
            result.finite(negative, e, kept);
        } else if (!x87 || !overflowUnmasked || isRegisterFormat() && e - WRAP > format.maximumExponent) {
            overflow(negative);
        } else if (isRegisterFormat()) {
            flags |= OVERFLOW;
            result.finite(negative, e - WRAP, kept);
        } else {
            refuse(OVERFLOW);
        }
    }

    /** A store that an unmasked exception stops reports that exception alone. */
    private void refuse(int exception) {
        flags = flags & ~INEXACT | exception;
        roundedUp = false;
        result.zero(false);
    }

    private boolean isRegisterFormat() {
        return format.maximumExponent == EXTENDED.maximumExponent;
    }

    private void roundTiny(boolean negative, int exponent, long high, long low) {
        int lost = format.minimumExponent - exponent;
        int bits = format.precision - lost;
        boolean exact = bits > 0 && isExact(high, low, bits);
        boolean tiny = lost > 1 || !roundsToNormal(negative, high, low);
        boolean wraps = exponent + WRAP >= format.minimumExponent;
        if (tiny && x87 && underflowUnmasked && (wraps || !isRegisterFormat())) {
            if (isRegisterFormat()) {
                flags |= UNDERFLOW;
                roundNormal(negative, exponent + WRAP, high, low);
            } else {
                refuse(UNDERFLOW);
            }
            return;
        }
        if (tiny && flushToZero) {
            flags |= UNDERFLOW | INEXACT;
            result.zero(negative);
            return;
        }
        if (exact) {
            if (tiny && underflowUnmasked) {
                flags |= UNDERFLOW;
            }
            result.finite(negative, exponent, high);
            return;
        }
        flags |= INEXACT;
        if (tiny) {
            flags |= UNDERFLOW;
        }
        long kept = bits > 0 ? keep(high, bits) : 0;
        boolean odd = bits > 0 && (kept >>> 64 - bits & 1) != 0;
        long rest = bits > 0 ? rest(high, low, bits) : bits == 0 ? high | (low != 0 ? 1 : 0) : 1;
        roundedUp = roundsUp(negative, odd, rest);
        int e = exponent;
        if (roundedUp) {
            if (bits > 0) {
                kept += 1L << 64 - bits;
                if (kept >= 0) {
                    kept = INTEGER_BIT;
                    e++;
                }
            } else {
                // The smallest denormal.
                kept = INTEGER_BIT;
                e = format.minimumExponent - format.precision + 1;
            }
        }
        if (kept == 0) {
            result.zero(negative);
        } else {
            result.finite(negative, e, kept);
        }
    }

    /** Whether rounding with unlimited exponents carries a value just below the smallest normal up to it. */
    private boolean roundsToNormal(boolean negative, long high, long low) {
        int precision = format.precision;
        long kept = keep(high, precision);
        if (kept != keep(-1L, precision) || isExact(high, low, precision)) {
            return false;
        }
        return roundsUp(negative, true, rest(high, low, precision));
    }

    private static boolean isExact(long high, long low, int bits) {
        return low == 0 && (bits == 64 || high << bits == 0);
    }

    private static long keep(long high, int bits) {
        return bits == 64 ? high : high & -1L << 64 - bits;
    }

    /** What lies below the kept bits, aligned so that one half is the top bit. */
    private static long rest(long high, long low, int bits) {
        return bits == 64 ? low : high << bits | (low != 0 ? 1 : 0);
    }

    private boolean roundsUp(boolean negative, boolean odd, long rest) {
        return switch (rounding) {
            case NEAREST -> rest < 0 && (odd || rest << 1 != 0);
            case DOWN -> negative;
            case UP -> !negative;
            default -> false;
        };
    }

    private void overflow(boolean negative) {
        flags |= OVERFLOW | INEXACT;
        boolean toInfinity = rounding == NEAREST || rounding == (negative ? DOWN : UP);
        roundedUp = toInfinity;
        if (toInfinity) {
            result.infinity(negative);
        } else {
            result.finite(negative, format.maximumExponent, keep(-1L, format.precision));
        }
    }

    /** Scratch operands for callers with packed numbers. */
    Value left() {
        return left;
    }

    Value right() {
        return right;
    }
}
