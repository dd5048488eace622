package org.vadose.cpu;

import java.math.BigInteger;
import org.vadose.cpu.SoftFloat.Kind;
import org.vadose.cpu.SoftFloat.Value;

/**
 * The x87 instructions that are functions: remainder, scale, extract and the transcendentals. The latter are computed with
 * {@link DoubleDouble} and rounded once; a processor promises an error below one unit in the last place, so the last bit may differ
 * from a given one. Trigonometric arguments are reduced with a 66-bit pi, as processors do, exactly.
 */
final class X87Functions {
    /** pi * 2^66, the constant of the hardware. */
    private static final BigInteger HARDWARE_PI = new BigInteger("C90FDAA22168C234C", 16);

    private static final int PI_SCALE = 66;
    /** Below this exponent the first term of every series is the function to more than 64 bits. */
    private static final int TINY = -66;

    private static final int ALL_CONDITIONS = X87.C0 | X87.C1 | X87.C2 | X87.C3;

    private final X87 fpu;
    private final SoftFloat soft;
    private final Value a = new Value();
    private final Value b = new Value();
    private final Value left = new Value();
    private final Value right = new Value();

    X87Functions(X87 fpu) {
        this.fpu = fpu;
        this.soft = fpu.soft;
    }

    void execute(Mnemonic op) {
        boolean two = usesTwo(op);
        if (fpu.isEmpty(0) || two && fpu.isEmpty(1)) {
            stackUnderflow(op);
            return;
        }
        if (pushes(op) && !fpu.isEmpty(7)) {
            if (fpu.stackFault(true)) {
                soft.result.indefinite();
                fpu.write(0, soft.result);
                fpu.rotate(-1);
                fpu.write(0, soft.result);
            }
            return;
        }
        fpu.read(0, a);
        if (two) {
            fpu.read(1, b);
        }
        switch (op) {
            case FPREM, FPREM1 -> remainder(op == Mnemonic.FPREM1);
            case FSCALE -> finish(0, this::scale);
            case FXTRACT -> extract();
            case F2XM1 -> finish(0, this::powerMinusOne);
            case FYL2X -> finishPop(this::logarithm);
            case FYL2XP1 -> finishPop(this::logarithmOfOnePlus);
            case FPATAN -> finishPop(this::arcTangent);
            default -> trigonometric(op);
        }
    }

    private static boolean usesTwo(Mnemonic op) {
        return switch (op) {
            case FPREM, FPREM1, FSCALE, FYL2X, FYL2XP1, FPATAN -> true;
            default -> false;
        };
    }

    private static boolean pushes(Mnemonic op) {
        return op == Mnemonic.FXTRACT || op == Mnemonic.FPTAN || op == Mnemonic.FSINCOS;
    }

    private void stackUnderflow(Mnemonic op) {
        if (!fpu.stackFault(false)) {
            return;
        }
        soft.result.indefinite();
        switch (op) {
            case FYL2X, FYL2XP1, FPATAN -> {
                fpu.write(1, soft.result);
                fpu.pop();
            }
            case FXTRACT, FPTAN, FSINCOS -> {
                fpu.write(0, soft.result);
                fpu.rotate(-1);
                fpu.write(0, soft.result);
            }
            default -> {
                if (op == Mnemonic.FPREM || op == Mnemonic.FPREM1) {
                    fpu.setConditions(X87.C2, 0);
                }
                fpu.write(0, soft.result);
            }
        }
    }

    private void finish(int target, Runnable function) {
        function.run();
        if (fpu.accept()) {
            fpu.write(target, soft.result);
        }
    }

    private void finishPop(Runnable function) {
        function.run();
        if (fpu.accept()) {
            fpu.write(1, soft.result);
            fpu.pop();
        }
    }

    /** Rounds a double-double times 2^{@code exponent} into the result; no transcendental result counts as exact. */
    private void round(DoubleDouble value, int exponent, boolean negative) {
        left.ofDouble(Double.doubleToRawLongBits(negative ? -value.high() : value.high()));
        right.ofDouble(Double.doubleToRawLongBits(negative ? -value.low() : value.low()));
        left.exponent += exponent;
        right.exponent += exponent;
        soft.add(left, right);
        soft.flags |= SoftFloat.INEXACT;
    }

    private void remainder(boolean nearest) {
        if (soft.unordered(a, b) || invalidRemainder()) {
            fpu.setConditions(X87.C2, 0);
            if (fpu.accept()) {
                fpu.write(0, soft.result);
            }
            return;
        }
        soft.noteDenormals(a, b);
        if (a.isZero() || b.isInfinite()) {
            if (fpu.accept()) {
                fpu.setConditions(ALL_CONDITIONS, 0);
                fpu.write(0, a);
            }
            return;
        }
        int difference = a.exponent - b.exponent;
        boolean partial = difference >= 64;
        // How far a partial step reduces is the processor's choice between 32 and 63.
        int steps = partial ? difference & 31 | 32 : difference;
        long rest = a.significand;
        int exponent = partial ? b.exponent + difference - steps : b.exponent;
        boolean negative = a.negative;
        long quotient = 0;
        boolean carry = false;
        for (int i = steps; i >= 0; i--) {
            quotient <<= 1;
            if (carry || Long.compareUnsigned(rest, b.significand) >= 0) {
                rest -= b.significand;
                quotient |= 1;
            }
            if (i > 0) {
                carry = rest < 0;
                rest <<= 1;
            }
        }
        if (steps < 0) {
            exponent = a.exponent;
        }
        if (nearest && !partial && isAboveHalf(rest, steps, quotient)) {
            rest = steps == -1 ? (b.significand << 1) - rest : b.significand - rest;
            negative = !negative;
            quotient++;
        }
        if (rest == 0) {
            soft.result.zero(a.negative);
        } else {
            soft.normaliseAndRound(negative, exponent, rest, 0);
        }
        if (!fpu.accept()) {
            fpu.setConditions(X87.C2, 0);
            return;
        }
        fpu.setConditions(ALL_CONDITIONS, partial ? X87.C2 : quotientBits(quotient));
        fpu.write(0, soft.result);
    }

    private boolean invalidRemainder() {
        if (a.isInfinite() || b.isZero()) {
            soft.invalid();
            return true;
        }
        return false;
    }

    /** Whether the remainder is nearer to the next multiple: above half the divisor, or half with an odd quotient. */
    private boolean isAboveHalf(long rest, int steps, long quotient) {
        if (steps < -1) {
            return false;
        }
        int order = steps == -1 || rest < 0
                ? (steps == -1 ? Long.compareUnsigned(rest, b.significand) : 1)
                : Long.compareUnsigned(rest << 1, b.significand);
        return order > 0 || order == 0 && (quotient & 1) != 0;
    }

    private static int quotientBits(long quotient) {
        return ((quotient & 4) != 0 ? X87.C0 : 0)
                | ((quotient & 2) != 0 ? X87.C3 : 0)
                | ((quotient & 1) != 0 ? X87.C1 : 0);
    }

    private void scale() {
        if (soft.unordered(a, b)) {
            return;
        }
        if (b.isInfinite()) {
            scaleByInfinity();
            return;
        }
        soft.noteDenormals(a, b);
        if (a.kind != Kind.FINITE || b.isZero()) {
            soft.result.set(a);
            if (a.kind == Kind.FINITE) {
                soft.round(a.negative, a.exponent, a.significand, 0);
            }
            return;
        }
        int by;
        if (b.exponent < 0) {
            by = 0;
        } else if (b.exponent > 16) {
            by = 1 << 17;
        } else {
            by = (int) (b.significand >>> 63 - b.exponent);
        }
        soft.round(a.negative, a.exponent + (b.negative ? -by : by), a.significand, 0);
    }

    private void scaleByInfinity() {
        if (b.negative ? a.isInfinite() : a.isZero()) {
            soft.invalid();
            return;
        }
        soft.noteDenormals(a, b);
        if (b.negative) {
            soft.result.zero(a.negative);
        } else {
            soft.result.infinity(a.negative);
        }
    }

    /** st(0) becomes the exponent, and the significand is pushed. */
    private void extract() {
        if (soft.unordered(a, a)) {
            left.set(soft.result);
        } else if (a.isZero()) {
            soft.flags |= SoftFloat.DIVIDE_BY_ZERO;
            soft.result.infinity(true);
            left.set(a);
        } else if (a.isInfinite()) {
            soft.result.infinity(false);
            left.set(a);
        } else {
            soft.noteDenormals(a, a);
            soft.result.ofLong(a.exponent);
            left.finite(a.negative, 0, a.significand);
        }
        if (fpu.accept()) {
            fpu.write(0, soft.result);
            fpu.rotate(-1);
            fpu.write(0, left);
        }
    }

    /** 2^x - 1 for |x| up to 1; beyond, the result is undefined and a processor was seen to leave the operand. */
    private void powerMinusOne() {
        if (soft.unordered(a, a)) {
            return;
        }
        soft.noteDenormals(a, a);
        if (a.isZero()) {
            soft.result.set(a);
        } else if (a.isInfinite()) {
            if (a.negative) {
                soft.result.finite(true, 0, SoftFloat.INTEGER_BIT);
            } else {
                soft.result.infinity(false);
            }
        } else if (a.exponent >= 0) {
            powerBeyondOne();
        } else if (a.exponent < TINY) {
            round(DoubleDouble.ofSignificand(a.significand).times(DoubleDouble.LN_2), a.exponent, a.negative);
        } else {
            DoubleDouble x = DoubleDouble.ofSignificand(a.significand).scaled(a.exponent);
            round(exponentialMinusOne((a.negative ? x.negated() : x).times(DoubleDouble.LN_2)), 0, false);
        }
    }

    private void powerBeyondOne() {
        boolean isOne = a.exponent == 0 && a.significand == SoftFloat.INTEGER_BIT;
        if (isOne) {
            soft.result.finite(a.negative, a.negative ? -1 : 0, SoftFloat.INTEGER_BIT);
        } else {
            soft.result.set(a);
        }
        soft.flags |= SoftFloat.INEXACT;
    }

    private static DoubleDouble exponentialMinusOne(DoubleDouble y) {
        DoubleDouble term = y;
        DoubleDouble sum = y;
        double small = Math.abs(y.high()) * 0x1p-110;
        for (int n = 2; Math.abs(term.high()) > small; n++) {
            term = term.times(y).over(n);
            sum = sum.plus(term);
        }
        return sum;
    }

    /** st(1) * log2(st(0)). */
    private void logarithm() {
        if (soft.unordered(a, b)) {
            return;
        }
        if (a.negative && !a.isZero()) {
            soft.invalid();
            return;
        }
        boolean isOne = a.kind == Kind.FINITE && a.exponent == 0 && a.significand == SoftFloat.INTEGER_BIT;
        if (a.isZero() && b.isZero() || a.isInfinite() && b.isZero() || isOne && b.isInfinite()) {
            soft.invalid();
            return;
        }
        if (a.isZero()) {
            if (!b.isInfinite()) {
                soft.flags |= SoftFloat.DIVIDE_BY_ZERO;
            }
            soft.result.infinity(!b.negative);
            return;
        }
        soft.noteDenormals(a, b);
        boolean belowOne = a.exponent < 0;
        if (a.isInfinite() || b.isInfinite()) {
            soft.result.infinity(b.negative != belowOne);
        } else if (isOne || b.isZero()) {
            soft.result.zero(b.negative != belowOne);
        } else {
            DoubleDouble log = logarithmOf(DoubleDouble.ofSignificand(a.significand), a.exponent);
            round(log.times(DoubleDouble.ofSignificand(b.significand)), b.exponent, b.negative);
            // The logarithm of a power of two is exact, though processors report it as inexact.
            if (a.significand == SoftFloat.INTEGER_BIT) {
                left.ofLong(a.exponent);
                soft.multiply(left, b);
            }
        }
    }

    /** log2(m * 2^exponent) for 1 <= m < 2. */
    private static DoubleDouble logarithmOf(DoubleDouble m, int exponent) {
        boolean high = m.high() > 1.4142135623730951;
        DoubleDouble centred = high ? m.scaled(-1) : m;
        DoubleDouble ratio = centred.minus(DoubleDouble.ONE).over(centred.plus(DoubleDouble.ONE));
        return logarithmOfRatio(ratio).plus(DoubleDouble.of(high ? exponent + 1 : exponent));
    }

    /** log2((1 + s) / (1 - s)). */
    private static DoubleDouble logarithmOfRatio(DoubleDouble s) {
        return inverseTangentSeries(s, false).scaled(1).times(DoubleDouble.LOG2_E);
    }

    /** s + s^3/3 + s^5/5 ..., or with alternating signs. */
    private static DoubleDouble inverseTangentSeries(DoubleDouble s, boolean alternating) {
        DoubleDouble square = s.times(s);
        if (alternating) {
            square = square.negated();
        }
        DoubleDouble power = s;
        DoubleDouble sum = s;
        double small = Math.abs(s.high()) * 0x1p-110;
        for (int n = 3; Math.abs(power.high()) > small; n += 2) {
            power = power.times(square);
            sum = sum.plus(power.over(n));
        }
        return sum;
    }

    /** st(1) * log2(st(0) + 1), for st(0) between -(1 - sqrt(1/2)) and sqrt(2) - 1 (beyond, as far as it goes). */
    private void logarithmOfOnePlus() {
        if (soft.unordered(a, b)) {
            return;
        }
        boolean outside = a.negative && (a.isInfinite() || a.kind == Kind.FINITE && a.exponent >= 0);
        if (outside && !a.isInfinite()) {
            // Outside the domain the result is undefined; a processor was seen to give the operand.
            soft.noteDenormals(a, b);
            soft.result.set(a);
            soft.flags |= SoftFloat.INEXACT;
            return;
        }
        if (outside || a.isInfinite() && b.isZero() || a.isZero() && b.isInfinite()) {
            soft.invalid();
            return;
        }
        soft.noteDenormals(a, b);
        boolean negative = a.negative != b.negative;
        if (a.isZero() || b.isZero()) {
            soft.result.zero(negative);
        } else if (a.isInfinite() || b.isInfinite()) {
            soft.result.infinity(negative);
        } else if (a.exponent < TINY) {
            DoubleDouble x = DoubleDouble.ofSignificand(a.significand).times(DoubleDouble.LOG2_E);
            round(x.times(DoubleDouble.ofSignificand(b.significand)), a.exponent + b.exponent, negative);
        } else {
            DoubleDouble log = logarithmOfSum();
            round(log.times(DoubleDouble.ofSignificand(b.significand)), b.exponent, b.negative);
        }
    }

    /** log2(1 + a) for a finite a above -1. */
    private DoubleDouble logarithmOfSum() {
        DoubleDouble significand = DoubleDouble.ofSignificand(a.significand);
        if (a.exponent > 200) {
            return logarithmOf(significand, a.exponent);
        }
        DoubleDouble x = significand.scaled(a.exponent);
        x = a.negative ? x.negated() : x;
        if (a.exponent < -1) {
            return logarithmOfRatio(x.over(x.plus(DoubleDouble.of(2))));
        }
        // The series of the ratio converges badly from here on.
        DoubleDouble sum = x.plus(DoubleDouble.ONE);
        int exponent = Math.getExponent(sum.high());
        return logarithmOf(sum.scaled(-exponent), exponent);
    }

    /** The angle of the point (st(0), st(1)). */
    private void arcTangent() {
        if (soft.unordered(a, b)) {
            return;
        }
        soft.noteDenormals(a, b);
        boolean negative = b.negative;
        if (b.isZero() || a.isInfinite() && !b.isInfinite()) {
            if (a.negative) {
                round(DoubleDouble.PI, 0, negative);
            } else {
                soft.result.zero(negative);
            }
        } else if (a.isInfinite()) {
            DoubleDouble quarter = DoubleDouble.HALF_PI.scaled(-1);
            round(a.negative ? DoubleDouble.PI.minus(quarter) : quarter, 0, negative);
        } else if (a.isZero() || b.isInfinite()) {
            round(DoubleDouble.HALF_PI, 0, negative);
        } else {
            angle(negative);
        }
    }

    private void angle(boolean negative) {
        int difference = b.exponent - a.exponent;
        if (difference < 2 * TINY) {
            if (a.negative) {
                round(DoubleDouble.PI, 0, negative);
            } else {
                DoubleDouble y = DoubleDouble.ofSignificand(b.significand);
                round(y.over(DoubleDouble.ofSignificand(a.significand)), difference, negative);
            }
            return;
        }
        if (difference > -2 * TINY) {
            round(DoubleDouble.HALF_PI, 0, negative);
            return;
        }
        DoubleDouble x = DoubleDouble.ofSignificand(a.significand);
        DoubleDouble y = DoubleDouble.ofSignificand(b.significand).scaled(difference);
        boolean steep = y.high() > x.high();
        DoubleDouble angle = inverseTangent(steep ? x.over(y) : y.over(x));
        if (steep) {
            angle = DoubleDouble.HALF_PI.minus(angle);
        }
        round(a.negative ? DoubleDouble.PI.minus(angle) : angle, 0, negative);
    }

    /** For 0 <= t <= 1: the angle is halved three times, then the series. */
    private static DoubleDouble inverseTangent(DoubleDouble t) {
        DoubleDouble s = t;
        int halvings = 0;
        while (s.high() > 0.125) {
            DoubleDouble root = DoubleDouble.ONE.plus(s.times(s)).squareRoot();
            s = s.over(DoubleDouble.ONE.plus(root));
            halvings++;
        }
        return inverseTangentSeries(s, true).scaled(halvings);
    }

    private void trigonometric(Mnemonic op) {
        if (soft.unordered(a, a)) {
            storeTrigonometric(op, soft.result, soft.result);
            return;
        }
        if (a.isInfinite()) {
            soft.invalid();
            fpu.setConditions(X87.C2, 0);
            storeTrigonometric(op, soft.result, soft.result);
            return;
        }
        if (a.kind == Kind.FINITE && a.exponent >= 63) {
            fpu.setConditions(X87.C1 | X87.C2, X87.C2);
            return;
        }
        fpu.setConditions(X87.C2, 0);
        soft.noteDenormals(a, a);
        if (a.isZero()) {
            left.finite(false, 0, SoftFloat.INTEGER_BIT);
            storeTrigonometric(op, op == Mnemonic.FCOS ? left : a, left);
            return;
        }
        switch (op) {
            case FSIN -> sine();
            case FCOS -> cosine();
            case FPTAN -> tangent();
            default -> {
                cosine();
                b.set(soft.result);
                sine();
                storeTrigonometric(op, soft.result, b);
                return;
            }
        }
        left.finite(false, 0, SoftFloat.INTEGER_BIT);
        storeTrigonometric(op, soft.result, left);
    }

    /** Puts the value into st(0) and, for the instructions that push, the second one above it. */
    private void storeTrigonometric(Mnemonic op, Value value, Value second) {
        if (!fpu.accept()) {
            return;
        }
        boolean nan = value.isNan();
        fpu.write(0, value);
        if (pushes(op)) {
            fpu.rotate(-1);
            fpu.write(0, nan ? value : second);
        }
    }

    private DoubleDouble reduced = DoubleDouble.ZERO;
    private int quadrant;

    /** |a| = quadrant * pi/2 + reduced, |reduced| at most pi/4, with the hardware's pi. */
    private void reduce() {
        if (a.exponent < -1) {
            quadrant = 0;
            reduced = DoubleDouble.ofSignificand(a.significand).scaled(a.exponent);
            return;
        }
        // In units of 2^-67 half of pi is HARDWARE_PI, and the argument is an integer.
        BigInteger x = new BigInteger(Long.toUnsignedString(a.significand)).shiftLeft(a.exponent - 63 + PI_SCALE + 1);
        BigInteger[] parts = x.divideAndRemainder(HARDWARE_PI);
        BigInteger rest = parts[1];
        quadrant = parts[0].intValue() & 3;
        if (rest.shiftLeft(1).compareTo(HARDWARE_PI) > 0) {
            rest = rest.subtract(HARDWARE_PI);
            quadrant = quadrant + 1 & 3;
        }
        double high = rest.doubleValue();
        double low =
                rest.subtract(new java.math.BigDecimal(high).toBigInteger()).doubleValue();
        reduced = new DoubleDouble(high, low).scaled(-PI_SCALE - 1);
    }

    private void sine() {
        if (a.exponent < TINY / 2) {
            soft.normaliseAndRound(a.negative, a.exponent, a.significand - 1, -1L);
            return;
        }
        reduce();
        DoubleDouble value = (quadrant & 1) == 0 ? sineSeries(reduced) : cosineSeries(reduced);
        round(value, 0, a.negative != (quadrant & 2) > 0);
    }

    private void cosine() {
        if (a.exponent < TINY / 2) {
            soft.normaliseAndRound(false, 0, SoftFloat.INTEGER_BIT - 1, -1L);
            return;
        }
        reduce();
        DoubleDouble value = (quadrant & 1) == 0 ? cosineSeries(reduced) : sineSeries(reduced);
        round(value, 0, quadrant == 1 || quadrant == 2);
    }

    private void tangent() {
        if (a.exponent < TINY / 2) {
            soft.round(a.negative, a.exponent, a.significand, 1);
            return;
        }
        reduce();
        DoubleDouble sine = sineSeries(reduced);
        DoubleDouble cosine = cosineSeries(reduced);
        DoubleDouble value =
                (quadrant & 1) == 0 ? sine.over(cosine) : cosine.over(sine).negated();
        round(value, 0, a.negative);
    }

    private static DoubleDouble sineSeries(DoubleDouble x) {
        return alternatingSeries(x, x, 2);
    }

    private static DoubleDouble cosineSeries(DoubleDouble x) {
        return alternatingSeries(DoubleDouble.ONE, x, 1);
    }

    /** first - first * x^2 / (n (n + 1)) + ... */
    private static DoubleDouble alternatingSeries(DoubleDouble first, DoubleDouble x, int start) {
        DoubleDouble square = x.times(x).negated();
        DoubleDouble term = first;
        DoubleDouble sum = first;
        double small = Math.abs(first.high()) * 0x1p-110;
        for (int n = start; Math.abs(term.high()) > small; n += 2) {
            term = term.times(square).over((double) n * (n + 1));
            sum = sum.plus(term);
        }
        return sum;
    }
}
