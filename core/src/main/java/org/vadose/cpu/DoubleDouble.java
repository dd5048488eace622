package org.vadose.cpu;

/**
 * An unevaluated sum of two doubles, some 106 bits: what the x87's transcendental functions are computed with, so that their
 * 64-bit results are right in nearly every last bit.
 */
record DoubleDouble(double high, double low) {
    static final DoubleDouble ZERO = new DoubleDouble(0, 0);
    static final DoubleDouble ONE = new DoubleDouble(1, 0);
    static final DoubleDouble LN_2 = new DoubleDouble(0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56);
    static final DoubleDouble LOG2_E = new DoubleDouble(0x1.71547652b82fep0, 0x1.777d0ffda0d24p-56);
    static final DoubleDouble PI = new DoubleDouble(0x1.921fb54442d18p1, 0x1.1a62633145c07p-53);
    static final DoubleDouble HALF_PI = new DoubleDouble(0x1.921fb54442d18p0, 0x1.1a62633145c07p-54);

    static DoubleDouble of(double value) {
        return new DoubleDouble(value, 0);
    }

    /** {@code significand * 2^-63}, exactly: in [1, 2) for a normalised one. */
    static DoubleDouble ofSignificand(long significand) {
        double high = (significand >>> 11) * 0x1p-52;
        double low = (significand & 0x7FF) * 0x1p-63;
        return sum(high, low);
    }

    /** |a| >= |b|. */
    private static DoubleDouble sum(double a, double b) {
        double s = a + b;
        return new DoubleDouble(s, b - (s - a));
    }

    private static DoubleDouble anySum(double a, double b) {
        double s = a + b;
        double part = s - a;
        return new DoubleDouble(s, (a - (s - part)) + (b - part));
    }

    DoubleDouble plus(DoubleDouble other) {
        DoubleDouble highs = anySum(high, other.high);
        DoubleDouble lows = anySum(low, other.low);
        DoubleDouble first = sum(highs.high, highs.low + lows.high);
        return sum(first.high, first.low + lows.low);
    }

    DoubleDouble minus(DoubleDouble other) {
        return plus(other.negated());
    }

    DoubleDouble negated() {
        return new DoubleDouble(-high, -low);
    }

    DoubleDouble times(DoubleDouble other) {
        double product = high * other.high;
        double error = Math.fma(high, other.high, -product);
        return sum(product, error + (high * other.low + low * other.high));
    }

    DoubleDouble over(DoubleDouble other) {
        double q1 = high / other.high;
        DoubleDouble rest = minus(other.times(of(q1)));
        double q2 = rest.high / other.high;
        rest = rest.minus(other.times(of(q2)));
        double q3 = rest.high / other.high;
        return sum(q1, q2).plus(of(q3));
    }

    DoubleDouble over(double divisor) {
        return over(of(divisor));
    }

    DoubleDouble squareRoot() {
        double root = Math.sqrt(high);
        if (root == 0) {
            return ZERO;
        }
        DoubleDouble square = new DoubleDouble(root * root, Math.fma(root, root, -(root * root)));
        return sum(root, minus(square).high / (2 * root));
    }

    /** Multiplied by 2^{@code exponent}. */
    DoubleDouble scaled(int exponent) {
        return new DoubleDouble(Math.scalb(high, exponent), Math.scalb(low, exponent));
    }
}
