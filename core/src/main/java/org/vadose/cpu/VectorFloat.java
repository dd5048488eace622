package org.vadose.cpu;

import org.vadose.cpu.SoftFloat.Value;

/**
 * SSE floating point with MXCSR. Common cases (round to nearest, ordinary operands and results) use the JVM's arithmetic, which is
 * the same IEEE 754, and find inexactness from the rounding error; everything else goes through {@link SoftFloat}.
 */
final class VectorFloat {
    private static final long LOW_32 = 0xFFFF_FFFFL;
    private static final int MXCSR_RESET = 0x1F80;
    private static final int DENORMALS_ARE_ZERO = 1 << 6;
    private static final int FLUSH_TO_ZERO = 1 << 15;
    private static final int MASKS_SHIFT = 7;
    private static final int ROUNDING_SHIFT = 13;
    private static final int FLAGS = 0x3F;
    /** Below this exponent field the error of a product may itself underflow. */
    private static final int SAFE_EXPONENT = 128;

    /** Up to here every integer is a double. */
    private static final long EXACT_INTEGERS = 1L << 53;

    private enum Arithmetic {
        ADD,
        SUBTRACT,
        MULTIPLY,
        DIVIDE,
        SQUARE_ROOT,
        MINIMUM,
        MAXIMUM
    }

    private final SoftFloat soft = new SoftFloat();
    private final Value a = new Value();
    private final Value b = new Value();
    private final long[] out = new long[2];
    private int mxcsr = MXCSR_RESET;
    /** Round to nearest, everything masked, denormals honoured: what the fast path can do. */
    private boolean plain = true;

    private boolean unmasked;

    int mxcsr() {
        return mxcsr;
    }

    void setMxcsr(int value) {
        mxcsr = value;
        plain = (value & ~FLAGS) == MXCSR_RESET;
        soft.rounding = value >> ROUNDING_SHIFT & 3;
        soft.underflowUnmasked = (value >> MASKS_SHIFT & SoftFloat.UNDERFLOW) == 0;
        soft.flushToZero = (value & FLUSH_TO_ZERO) != 0 && !soft.underflowUnmasked;
    }

    boolean hasUnmasked() {
        return unmasked;
    }

    static boolean computes(Mnemonic op) {
        return switch (op) {
            case ADDPS,
                    ADDPD,
                    ADDSS,
                    ADDSD,
                    SUBPS,
                    SUBPD,
                    SUBSS,
                    SUBSD,
                    MULPS,
                    MULPD,
                    MULSS,
                    MULSD,
                    DIVPS,
                    DIVPD,
                    DIVSS,
                    DIVSD,
                    MINPS,
                    MINPD,
                    MINSS,
                    MINSD,
                    MAXPS,
                    MAXPD,
                    MAXSS,
                    MAXSD,
                    SQRTPS,
                    SQRTPD,
                    SQRTSS,
                    SQRTSD,
                    CMPPS,
                    CMPPD,
                    CMPSS,
                    CMPSD,
                    CVTPI2PS,
                    CVTPI2PD,
                    CVTSI2SS,
                    CVTSI2SD,
                    CVTPS2PD,
                    CVTPD2PS,
                    CVTSS2SD,
                    CVTSD2SS,
                    CVTDQ2PS,
                    CVTPS2DQ,
                    CVTTPS2DQ,
                    CVTTPD2DQ,
                    CVTDQ2PD,
                    CVTPD2DQ,
                    RCPPS,
                    RCPSS,
                    RSQRTPS,
                    RSQRTSS,
                    HADDPS,
                    HADDPD,
                    HSUBPS,
                    HSUBPD,
                    ADDSUBPS,
                    ADDSUBPD,
                    ROUNDPS,
                    ROUNDPD,
                    ROUNDSS,
                    ROUNDSD,
                    DPPS,
                    DPPD -> true;
            default -> false;
        };
    }

    /** Conversions and compares whose result is not in an xmm register. */
    static boolean converts(Mnemonic op) {
        return switch (op) {
            case CVTTPS2PI,
                    CVTTPD2PI,
                    CVTTSS2SI,
                    CVTTSD2SI,
                    CVTPS2PI,
                    CVTPD2PI,
                    CVTSS2SI,
                    CVTSD2SI,
                    UCOMISS,
                    UCOMISD,
                    COMISS,
                    COMISD -> true;
            default -> false;
        };
    }

    /** Commits {@link #out} and the flags, or raises an unmasked exception and leaves the register alone. */
    void apply(Mnemonic op, long[] xmm, int d, long low, long high, int immediate) {
        soft.flags = 0;
        out[0] = xmm[d];
        out[1] = xmm[d + 1];
        compute(op, xmm[d], xmm[d + 1], low, high, immediate);
        if (finish()) {
            xmm[d] = out[0];
            xmm[d + 1] = out[1];
        }
    }

    /** Folds the flags into MXCSR; false when an exception is unmasked. */
    private boolean finish() {
        int flags = soft.flags;
        mxcsr |= flags;
        unmasked = (flags & ~(mxcsr >> MASKS_SHIFT) & FLAGS) != 0;
        return !unmasked;
    }

    private void compute(Mnemonic op, long x0, long x1, long y0, long y1, int immediate) {
        switch (op) {
            case ADDSD -> out[0] = binary64(Arithmetic.ADD, x0, y0);
            case SUBSD -> out[0] = binary64(Arithmetic.SUBTRACT, x0, y0);
            case MULSD -> out[0] = binary64(Arithmetic.MULTIPLY, x0, y0);
            case DIVSD -> out[0] = binary64(Arithmetic.DIVIDE, x0, y0);
            case MINSD -> out[0] = binary64(Arithmetic.MINIMUM, x0, y0);
            case MAXSD -> out[0] = binary64(Arithmetic.MAXIMUM, x0, y0);
            case SQRTSD -> out[0] = binary64(Arithmetic.SQUARE_ROOT, y0, y0);
            case ADDSS -> out[0] = single(Arithmetic.ADD, x0, y0);
            case SUBSS -> out[0] = single(Arithmetic.SUBTRACT, x0, y0);
            case MULSS -> out[0] = single(Arithmetic.MULTIPLY, x0, y0);
            case DIVSS -> out[0] = single(Arithmetic.DIVIDE, x0, y0);
            case MINSS -> out[0] = single(Arithmetic.MINIMUM, x0, y0);
            case MAXSS -> out[0] = single(Arithmetic.MAXIMUM, x0, y0);
            case SQRTSS -> out[0] = x0 & ~LOW_32 | binary32(Arithmetic.SQUARE_ROOT, (int) y0, (int) y0) & LOW_32;
            case ADDPD, SUBPD, MULPD, DIVPD, MINPD, MAXPD -> {
                Arithmetic f = arithmetic(op);
                out[0] = binary64(f, x0, y0);
                out[1] = binary64(f, x1, y1);
            }
            case SQRTPD -> {
                out[0] = binary64(Arithmetic.SQUARE_ROOT, y0, y0);
                out[1] = binary64(Arithmetic.SQUARE_ROOT, y1, y1);
            }
            case ADDPS, SUBPS, MULPS, DIVPS, MINPS, MAXPS -> {
                Arithmetic f = arithmetic(op);
                out[0] = pair(f, x0, y0);
                out[1] = pair(f, x1, y1);
            }
            case SQRTPS -> {
                out[0] = pair(Arithmetic.SQUARE_ROOT, y0, y0);
                out[1] = pair(Arithmetic.SQUARE_ROOT, y1, y1);
            }
            case CMPPS, CMPPD, CMPSS, CMPSD -> compare(op, x0, x1, y0, y1, immediate & 7);
            case HADDPS, HADDPD, HSUBPS, HSUBPD, ADDSUBPS, ADDSUBPD -> horizontal(op, x0, x1, y0, y1);
            case ROUNDPS, ROUNDPD, ROUNDSS, ROUNDSD -> roundIntegral(op, x0, y0, y1, immediate);
            case DPPS, DPPD -> dotProduct(op, x0, x1, y0, y1, immediate);
            case RCPPS, RCPSS, RSQRTPS, RSQRTSS -> estimate(op, x0, y0, y1);
            default -> convert(op, x0, x1, y0, y1);
        }
    }

    private static Arithmetic arithmetic(Mnemonic op) {
        return switch (op) {
            case ADDPD, ADDPS -> Arithmetic.ADD;
            case SUBPD, SUBPS -> Arithmetic.SUBTRACT;
            case MULPD, MULPS -> Arithmetic.MULTIPLY;
            case DIVPD, DIVPS -> Arithmetic.DIVIDE;
            case MINPD, MINPS -> Arithmetic.MINIMUM;
            default -> Arithmetic.MAXIMUM;
        };
    }

    private long single(Arithmetic f, long x, long y) {
        return x & ~LOW_32 | binary32(f, (int) x, (int) y) & LOW_32;
    }

    private long pair(Arithmetic f, long x, long y) {
        return pack(binary32(f, (int) x, (int) y), binary32(f, (int) (x >> 32), (int) (y >> 32)));
    }

    private static long pack(int low, int high) {
        return low & LOW_32 | (long) high << 32;
    }

    private long binary64(Arithmetic f, long x, long y) {
        if (plain && isOrdinary64(x) && isOrdinary64(y)) {
            double p = Double.longBitsToDouble(x);
            double q = Double.longBitsToDouble(y);
            double r;
            double error;
            switch (f) {
                case ADD, SUBTRACT -> {
                    double addend = f == Arithmetic.ADD ? q : -q;
                    r = p + addend;
                    double part = r - p;
                    error = (p - (r - part)) + (addend - part);
                }
                case MULTIPLY -> {
                    r = p * q;
                    error = Math.fma(p, q, -r);
                }
                case DIVIDE -> {
                    r = p / q;
                    error = Math.fma(-r, q, p);
                }
                case SQUARE_ROOT -> {
                    r = Math.sqrt(p);
                    error = Math.fma(-r, r, p);
                }
                case MINIMUM -> {
                    return p < q ? x : y;
                }
                default -> {
                    return p > q ? x : y;
                }
            }
            long bits = Double.doubleToRawLongBits(r);
            int exponent = (int) (bits >>> 52) & 0x7FF;
            // Operands of middling size too: the error term of a quotient is as small as the dividend's last place.
            if (exponent > SAFE_EXPONENT && exponent < 0x7FF && ((int) (x >>> 52) & 0x7FF) > SAFE_EXPONENT) {
                if (error != 0) {
                    soft.flags |= SoftFloat.INEXACT;
                }
                return bits;
            }
        }
        load64(a, x);
        load64(b, y);
        if (f == Arithmetic.MINIMUM || f == Arithmetic.MAXIMUM) {
            boolean first = takesFirst(f);
            return chosen64(first ? a : b, first ? x : y);
        }
        soft.format = SoftFloat.DOUBLE;
        run(f);
        return soft.result.toDouble();
    }

    /** With denormals read as zeros, a minimum or maximum passes on the zero, not the denormal. */
    private static long chosen64(Value value, long bits) {
        return value.isZero() ? value.negative ? 1L << 63 : 0 : bits;
    }

    private static int chosen32(Value value, int bits) {
        return value.isZero() ? value.negative ? SIGN_32 : 0 : bits;
    }

    private int binary32(Arithmetic f, int x, int y) {
        if (plain && isOrdinary32(x) && isOrdinary32(y)) {
            float p = Float.intBitsToFloat(x);
            float q = Float.intBitsToFloat(y);
            float r;
            boolean exact;
            switch (f) {
                case ADD, SUBTRACT -> {
                    float addend = f == Arithmetic.ADD ? q : -q;
                    r = p + addend;
                    double sum = (double) p + addend;
                    double part = sum - p;
                    exact = sum == r && (p - (sum - part)) + (addend - part) == 0;
                }
                case MULTIPLY -> {
                    r = p * q;
                    exact = (double) p * q == r;
                }
                case DIVIDE -> {
                    r = p / q;
                    exact = (double) r * q == p;
                }
                case SQUARE_ROOT -> {
                    r = (float) Math.sqrt(p);
                    exact = (double) r * r == p;
                }
                case MINIMUM -> {
                    return p < q ? x : y;
                }
                default -> {
                    return p > q ? x : y;
                }
            }
            int bits = Float.floatToRawIntBits(r);
            int exponent = bits >>> 23 & 0xFF;
            if (exponent > 1 && exponent < 0xFF) {
                if (!exact) {
                    soft.flags |= SoftFloat.INEXACT;
                }
                return bits;
            }
        }
        load32(a, x);
        load32(b, y);
        if (f == Arithmetic.MINIMUM || f == Arithmetic.MAXIMUM) {
            boolean first = takesFirst(f);
            return chosen32(first ? a : b, first ? x : y);
        }
        soft.format = SoftFloat.SINGLE;
        run(f);
        return soft.result.toSingle();
    }

    /** Normal numbers of either sign, and zeros. */
    private static boolean isOrdinary64(long bits) {
        int exponent = (int) (bits >>> 52) & 0x7FF;
        return exponent != 0x7FF && exponent != 0 || bits << 1 == 0;
    }

    private static boolean isOrdinary32(int bits) {
        int exponent = bits >>> 23 & 0xFF;
        return exponent != 0xFF && exponent != 0 || bits << 1 == 0;
    }

    /** Minimum and maximum give the second operand when equal or unordered. */
    private boolean takesFirst(Arithmetic f) {
        int order = soft.compare(a, b, true);
        return order == (f == Arithmetic.MINIMUM ? -1 : 1);
    }

    private void run(Arithmetic f) {
        switch (f) {
            case ADD -> soft.add(a, b);
            case SUBTRACT -> soft.subtract(a, b);
            case MULTIPLY -> soft.multiply(a, b);
            case DIVIDE -> soft.divide(a, b);
            case SQUARE_ROOT -> soft.squareRoot(b);
            default -> throw new IllegalStateException("no arithmetic, operation=" + f);
        }
    }

    private void load64(Value value, long bits) {
        value.ofDouble(bits);
        denormalsAreZero(value);
    }

    private void load32(Value value, int bits) {
        value.ofSingle(bits);
        denormalsAreZero(value);
    }

    private void denormalsAreZero(Value value) {
        if (value.denormal && (mxcsr & DENORMALS_ARE_ZERO) != 0) {
            value.zero(value.negative);
        }
    }

    private void compare(Mnemonic op, long x0, long x1, long y0, long y1, int predicate) {
        switch (op) {
            case CMPSD -> out[0] = compare64(x0, y0, predicate);
            case CMPPD -> {
                out[0] = compare64(x0, y0, predicate);
                out[1] = compare64(x1, y1, predicate);
            }
            case CMPSS -> out[0] = x0 & ~LOW_32 | compare32((int) x0, (int) y0, predicate) & LOW_32;
            default -> {
                out[0] = comparePair(x0, y0, predicate);
                out[1] = comparePair(x1, y1, predicate);
            }
        }
    }

    private long comparePair(long x, long y, int predicate) {
        return pack(compare32((int) x, (int) y, predicate), compare32((int) (x >> 32), (int) (y >> 32), predicate));
    }

    private long compare64(long x, long y, int predicate) {
        load64(a, x);
        load64(b, y);
        return holds(predicate) ? -1 : 0;
    }

    private int compare32(int x, int y, int predicate) {
        load32(a, x);
        load32(b, y);
        return holds(predicate) ? -1 : 0;
    }

    /** eq lt le unord neq nlt nle ord; the ordering ones signal on quiet NaNs. */
    private boolean holds(int predicate) {
        int order = soft.compare(a, b, (predicate & 3) == 1 || (predicate & 3) == 2);
        boolean direct = switch (predicate & 3) {
            case 0 -> order == 0;
            case 1 -> order == -1;
            case 2 -> order == -1 || order == 0;
            default -> order == 2;
        };
        return direct != (predicate >= 4);
    }

    int compareFlags(Mnemonic op, long x, long y) {
        soft.flags = 0;
        boolean isDouble = op == Mnemonic.COMISD || op == Mnemonic.UCOMISD;
        if (isDouble && isOrdinary64(x) && isOrdinary64(y)) {
            unmasked = false;
            double p = Double.longBitsToDouble(x);
            double q = Double.longBitsToDouble(y);
            return p < q ? 1 : p > q ? 0 : 0x40;
        }
        if (isDouble) {
            load64(a, x);
            load64(b, y);
        } else {
            load32(a, (int) x);
            load32(b, (int) y);
        }
        int order = soft.compare(a, b, op == Mnemonic.COMISS || op == Mnemonic.COMISD);
        finish();
        return switch (order) {
            case -1 -> 1;
            case 0 -> 0x40;
            case 1 -> 0;
            default -> 0x45;
        };
    }

    private void horizontal(Mnemonic op, long x0, long x1, long y0, long y1) {
        switch (op) {
            case HADDPD -> {
                out[0] = binary64(Arithmetic.ADD, x0, x1);
                out[1] = binary64(Arithmetic.ADD, y0, y1);
            }
            case HSUBPD -> {
                out[0] = binary64(Arithmetic.SUBTRACT, x0, x1);
                out[1] = binary64(Arithmetic.SUBTRACT, y0, y1);
            }
            case ADDSUBPD -> {
                out[0] = binary64(Arithmetic.SUBTRACT, x0, y0);
                out[1] = binary64(Arithmetic.ADD, x1, y1);
            }
            case ADDSUBPS -> {
                out[0] = addSubtract(x0, y0);
                out[1] = addSubtract(x1, y1);
            }
            default -> {
                Arithmetic f = op == Mnemonic.HADDPS ? Arithmetic.ADD : Arithmetic.SUBTRACT;
                out[0] = pack(within(f, x0), within(f, x1));
                out[1] = pack(within(f, y0), within(f, y1));
            }
        }
    }

    private int within(Arithmetic f, long pair) {
        return binary32(f, (int) pair, (int) (pair >> 32));
    }

    private long addSubtract(long x, long y) {
        return pack(binary32(Arithmetic.SUBTRACT, (int) x, (int) y), binary32(Arithmetic.ADD, (int) (x >> 32), (int)
                (y >> 32)));
    }

    private void roundIntegral(Mnemonic op, long x0, long y0, long y1, int immediate) {
        int before = soft.rounding;
        if ((immediate & 4) == 0) {
            soft.rounding = immediate & 3;
        }
        boolean quietly = (immediate & 8) != 0;
        switch (op) {
            case ROUNDSD -> out[0] = integral64(y0, quietly);
            case ROUNDPD -> {
                out[0] = integral64(y0, quietly);
                out[1] = integral64(y1, quietly);
            }
            case ROUNDSS -> out[0] = x0 & ~LOW_32 | integral32((int) y0, quietly) & LOW_32;
            default -> {
                out[0] = pack(integral32((int) y0, quietly), integral32((int) (y0 >> 32), quietly));
                out[1] = pack(integral32((int) y1, quietly), integral32((int) (y1 >> 32), quietly));
            }
        }
        soft.rounding = before;
    }

    private long integral64(long x, boolean quietly) {
        load64(a, x);
        // Rounding to integral does not look at denormals: it raises no denormal exception.
        a.denormal = false;
        soft.format = SoftFloat.DOUBLE;
        soft.roundToIntegral(a, quietly);
        return soft.result.toDouble();
    }

    private int integral32(int x, boolean quietly) {
        load32(a, x);
        a.denormal = false;
        soft.format = SoftFloat.SINGLE;
        soft.roundToIntegral(a, quietly);
        return soft.result.toSingle();
    }

    private void dotProduct(Mnemonic op, long x0, long x1, long y0, long y1, int immediate) {
        if (op == Mnemonic.DPPD) {
            long p0 = (immediate & 0x10) != 0 ? binary64(Arithmetic.MULTIPLY, x0, y0) : 0;
            long p1 = (immediate & 0x20) != 0 ? binary64(Arithmetic.MULTIPLY, x1, y1) : 0;
            long sum = binary64(Arithmetic.ADD, p0, p1);
            out[0] = (immediate & 1) != 0 ? sum : 0;
            out[1] = (immediate & 2) != 0 ? sum : 0;
            return;
        }
        int p0 = product(immediate & 0x10, x0, y0, 0);
        int p1 = product(immediate & 0x20, x0, y0, 32);
        int p2 = product(immediate & 0x40, x1, y1, 0);
        int p3 = product(immediate & 0x80, x1, y1, 32);
        int sum = binary32(Arithmetic.ADD, binary32(Arithmetic.ADD, p0, p1), binary32(Arithmetic.ADD, p2, p3));
        out[0] = pack((immediate & 1) != 0 ? sum : 0, (immediate & 2) != 0 ? sum : 0);
        out[1] = pack((immediate & 4) != 0 ? sum : 0, (immediate & 8) != 0 ? sum : 0);
    }

    private int product(int enabled, long x, long y, int shift) {
        return enabled == 0 ? 0 : binary32(Arithmetic.MULTIPLY, (int) (x >> shift), (int) (y >> shift));
    }

    /**
     * Reciprocals: processors differ in these estimates and promise a relative error of at most 1.5 * 2^-12; here the correctly
     * rounded value, cut to twelve bits of fraction. They raise nothing and read and write denormals as zeros.
     */
    private void estimate(Mnemonic op, long x0, long y0, long y1) {
        switch (op) {
            case RCPSS -> out[0] = x0 & ~LOW_32 | reciprocal((int) y0) & LOW_32;
            case RSQRTSS -> out[0] = x0 & ~LOW_32 | reciprocalRoot((int) y0) & LOW_32;
            case RCPPS -> {
                out[0] = pack(reciprocal((int) y0), reciprocal((int) (y0 >> 32)));
                out[1] = pack(reciprocal((int) y1), reciprocal((int) (y1 >> 32)));
            }
            default -> {
                out[0] = pack(reciprocalRoot((int) y0), reciprocalRoot((int) (y0 >> 32)));
                out[1] = pack(reciprocalRoot((int) y1), reciprocalRoot((int) (y1 >> 32)));
            }
        }
    }

    private static final int ESTIMATE_MASK = -1 << 11;
    private static final int SIGN_32 = 1 << 31;
    private static final int INFINITY_32 = 0x7F80_0000;
    private static final int QUIET_32 = 0x40_0000;

    private static int reciprocal(int bits) {
        int sign = bits & SIGN_32;
        int exponent = bits & INFINITY_32;
        if ((bits & ~SIGN_32) > INFINITY_32) {
            return bits | QUIET_32;
        }
        if (exponent == 0) {
            return sign | INFINITY_32;
        }
        int result = Float.floatToRawIntBits(1f / Float.intBitsToFloat(bits)) & ESTIMATE_MASK;
        return (result & INFINITY_32) == 0 ? sign : result;
    }

    private static int reciprocalRoot(int bits) {
        if ((bits & ~SIGN_32) > INFINITY_32) {
            return bits | QUIET_32;
        }
        if ((bits & INFINITY_32) == 0) {
            return bits & SIGN_32 | INFINITY_32;
        }
        if (bits < 0) {
            return SIGN_32 | INFINITY_32 | QUIET_32;
        }
        return Float.floatToRawIntBits((float) (1 / Math.sqrt(Float.intBitsToFloat(bits)))) & ESTIMATE_MASK;
    }

    private void convert(Mnemonic op, long x0, long x1, long y0, long y1) {
        switch (op) {
            case CVTSI2SD -> out[0] = fromInteger64(y0);
            case CVTSI2SS -> out[0] = x0 & ~LOW_32 | fromInteger32(y0) & LOW_32;
            case CVTPI2PS -> out[0] = pack(fromInteger32((int) y0), fromInteger32((int) (y0 >> 32)));
            case CVTPI2PD, CVTDQ2PD -> {
                out[0] = fromInteger64((int) y0);
                out[1] = fromInteger64((int) (y0 >> 32));
            }
            case CVTDQ2PS -> {
                out[0] = pack(fromInteger32((int) y0), fromInteger32((int) (y0 >> 32)));
                out[1] = pack(fromInteger32((int) y1), fromInteger32((int) (y1 >> 32)));
            }
            case CVTSS2SD -> out[0] = widen((int) y0);
            case CVTSD2SS -> out[0] = x0 & ~LOW_32 | narrow(y0) & LOW_32;
            case CVTPS2PD -> {
                out[0] = widen((int) y0);
                out[1] = widen((int) (y0 >> 32));
            }
            case CVTPD2PS -> {
                out[0] = pack(narrow(y0), narrow(y1));
                out[1] = 0;
            }
            case CVTPS2DQ, CVTTPS2DQ -> {
                boolean truncate = op == Mnemonic.CVTTPS2DQ;
                out[0] = pack(integer32((int) y0, truncate), integer32((int) (y0 >> 32), truncate));
                out[1] = pack(integer32((int) y1, truncate), integer32((int) (y1 >> 32), truncate));
            }
            case CVTPD2DQ, CVTTPD2DQ -> {
                boolean truncate = op == Mnemonic.CVTTPD2DQ;
                out[0] = pack((int) integer64(y0, truncate, 32), (int) integer64(y1, truncate, 32));
                out[1] = 0;
            }
            default ->
                throw new IllegalArgumentException(
                        "not a floating-point operation, mnemonic=" + op + " destination=" + x1);
        }
    }

    private long fromInteger64(long value) {
        if (Math.abs(value) <= EXACT_INTEGERS && value != Long.MIN_VALUE) {
            return Double.doubleToRawLongBits(value);
        }
        a.ofLong(value);
        soft.format = SoftFloat.DOUBLE;
        soft.convert(a);
        return soft.result.toDouble();
    }

    private int fromInteger32(long value) {
        a.ofLong(value);
        soft.format = SoftFloat.SINGLE;
        soft.convert(a);
        return soft.result.toSingle();
    }

    private long widen(int bits) {
        if (isOrdinary32(bits)) {
            return Double.doubleToRawLongBits(Float.intBitsToFloat(bits));
        }
        load32(a, bits);
        soft.format = SoftFloat.DOUBLE;
        soft.convert(a);
        return soft.result.toDouble();
    }

    private int narrow(long bits) {
        if (plain && isOrdinary64(bits)) {
            double wide = Double.longBitsToDouble(bits);
            float result = (float) wide;
            int resultBits = Float.floatToRawIntBits(result);
            int exponent = resultBits >>> 23 & 0xFF;
            if (exponent > 1 && exponent < 0xFF) {
                if (result != wide) {
                    soft.flags |= SoftFloat.INEXACT;
                }
                return resultBits;
            }
        }
        load64(a, bits);
        soft.format = SoftFloat.SINGLE;
        soft.convert(a);
        return soft.result.toSingle();
    }

    private int integer32(int bits, boolean truncate) {
        load32(a, bits);
        return (int) integer(truncate, 32);
    }

    private long integer64(long bits, boolean truncate, int width) {
        if (truncate && isOrdinary64(bits)) {
            double value = Double.longBitsToDouble(bits);
            if (Math.abs(value) < 0x1p31) {
                long whole = (long) value;
                if (whole != value) {
                    soft.flags |= SoftFloat.INEXACT;
                }
                return whole;
            }
        }
        load64(a, bits);
        return integer(truncate, width);
    }

    private long integer(boolean truncate, int width) {
        int before = soft.rounding;
        if (truncate) {
            soft.rounding = SoftFloat.TO_ZERO;
        }
        long value = soft.toInteger(a, width);
        soft.rounding = before;
        return value;
    }

    long toInteger(Mnemonic op, long source, boolean wide) {
        soft.flags = 0;
        int width = wide ? 64 : 32;
        if (op == Mnemonic.CVTSS2SI || op == Mnemonic.CVTTSS2SI) {
            load32(a, (int) source);
        }
        boolean truncate = op == Mnemonic.CVTTSS2SI || op == Mnemonic.CVTTSD2SI;
        boolean isDouble = op == Mnemonic.CVTSD2SI || op == Mnemonic.CVTTSD2SI;
        long value = isDouble ? integer64(source, truncate, width) : integer(truncate, width);
        finish();
        return wide ? value : value & LOW_32;
    }

    long toMmx(Mnemonic op, long low, long high) {
        soft.flags = 0;
        boolean truncate = op == Mnemonic.CVTTPS2PI || op == Mnemonic.CVTTPD2PI;
        long value = op == Mnemonic.CVTPS2PI || op == Mnemonic.CVTTPS2PI
                ? pack(integer32((int) low, truncate), integer32((int) (low >> 32), truncate))
                : pack((int) integer64(low, truncate, 32), (int) integer64(high, truncate, 32));
        finish();
        return value;
    }
}
