package org.vadose.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** Single facts; the recorded vectors cover the instructions at large. */
class VectorUnitTest {
    private final VectorUnit unit = new VectorUnit();

    private double run(Mnemonic op, double a, double b) {
        unit.xmm[0] = Double.doubleToRawLongBits(a);
        unit.apply(op, 0, Double.doubleToRawLongBits(b), 0, 0);
        return Double.longBitsToDouble(unit.xmm[0]);
    }

    @Test
    void arithmeticFollowsTheRoundingMode() {
        assertEquals(1.0, run(Mnemonic.ADDSD, 1.0, 0x1p-60));
        unit.setMxcsr(0x1F80 | 2 << 13);
        assertEquals(Math.nextUp(1.0), run(Mnemonic.ADDSD, 1.0, 0x1p-60));
        unit.setMxcsr(0x1F80 | 3 << 13);
        assertEquals(-Math.nextDown(1.0), run(Mnemonic.SUBSD, 0x1p-60, 1.0));
    }

    @Test
    void flagsAreSticky() {
        run(Mnemonic.ADDSD, 1.0, 2.0);
        assertEquals(0x1F80, unit.mxcsr());
        run(Mnemonic.DIVSD, 1.0, 3.0);
        assertEquals(0x1FA0, unit.mxcsr());
        run(Mnemonic.DIVSD, 1.0, 0.0);
        assertEquals(0x1FA4, unit.mxcsr());
        run(Mnemonic.SQRTSD, 0.0, -1.0);
        assertEquals(0x1FA5, unit.mxcsr());
    }

    @Test
    void unmaskedExceptionLeavesTheRegister() {
        unit.setMxcsr(0x1F80 & ~(1 << 9));
        assertEquals(1.0, run(Mnemonic.DIVSD, 1.0, 0.0));
        assertTrue(unit.hasUnmasked());
    }

    @Test
    void minimumOfUnorderedIsTheSecond() {
        assertEquals(5.0, run(Mnemonic.MINSD, Double.NaN, 5.0));
        assertTrue(Double.isNaN(run(Mnemonic.MAXSD, 5.0, Double.NaN)));
        assertEquals(-0.0, run(Mnemonic.MAXSD, 0.0, -0.0));
    }

    @Test
    void conversionsGiveTheIntegerIndefinite() {
        long tooBig = Double.doubleToRawLongBits(3e9);
        assertEquals(0x8000_0000L, unit.toInteger(Mnemonic.CVTTSD2SI, tooBig, false));
        assertEquals(3_000_000_000L, unit.toInteger(Mnemonic.CVTTSD2SI, tooBig, true));
        assertEquals(2, unit.toInteger(Mnemonic.CVTSD2SI, Double.doubleToRawLongBits(2.5), true));
    }

    /** The software path gives what the JVM gives, for every kind of operand, wherever both are defined. */
    @Test
    void softwareAgreesWithTheJvm() {
        long seed = 754;
        Random random = new Random(seed);
        SoftFloat soft = new SoftFloat();
        soft.format = SoftFloat.DOUBLE;
        SoftFloat.Value a = new SoftFloat.Value();
        SoftFloat.Value b = new SoftFloat.Value();
        for (int i = 0; i < 200_000; i++) {
            long x = random.nextLong();
            long y = random.nextBoolean() ? random.nextLong() : x ^ random.nextLong() >>> random.nextInt(64);
            if (random.nextInt(8) == 0) {
                x &= 0x800F_FFFF_FFFF_FFFFL;
            }
            double p = Double.longBitsToDouble(x);
            double q = Double.longBitsToDouble(y);
            if (Double.isNaN(p) || Double.isNaN(q)) {
                continue;
            }
            String at = "seed=" + seed + " i=" + i + " p=" + p + " q=" + q;
            a.ofDouble(x);
            b.ofDouble(y);
            soft.add(a, b);
            assertSame(p + q, soft, at);
            soft.subtract(a, b);
            assertSame(p - q, soft, at);
            soft.multiply(a, b);
            assertSame(p * q, soft, at);
            soft.divide(a, b);
            assertSame(p / q, soft, at);
            soft.squareRoot(a);
            assertSame(Math.sqrt(p), soft, at);
            soft.roundToIntegral(a, true);
            assertSame(Math.rint(p), soft, at);
        }
    }

    private static void assertSame(double expected, SoftFloat soft, String at) {
        if (Double.isNaN(expected)) {
            assertTrue(soft.result.isNan(), at);
        } else {
            assertEquals(Double.doubleToRawLongBits(expected), soft.result.toDouble(), at);
        }
    }
}
