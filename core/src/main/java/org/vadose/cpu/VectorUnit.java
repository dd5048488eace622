package org.vadose.cpu;

/**
 * The vector half of one processor: sixteen xmm registers, MXCSR, and what SSE instructions compute.
 *
 * <p>Register n is {@code xmm[2n]} (low 64 bits) and {@code xmm[2n + 1]}; the interpreter moves data in and out of that array
 * itself and calls here for the rest:
 *
 * <ul>
 *   <li>{@link #apply}: destination = f(destination, source, immediate), source already read from register or memory (a narrower
 *       memory operand zero-extended; for cvtsi2ss/sd and cvtpi2ps/pd the integer source in {@code low}). Covers arithmetic,
 *       logic, shuffles, conversions within xmm, and the <em>register</em> forms of movss, movsd, movlps, movhlps and kin, which
 *       merge; loads of those that clear the rest of the register are the interpreter's.
 *   <li>{@link #applyMmx}: the same for an mmx destination; mm registers live in {@link X87}.
 *   <li>{@link #extract}: vector to general register: movmskps/pd, pmovmskb, pextr*, extractps.
 *   <li>{@link #toInteger}: cvt(t)ss2si, cvt(t)sd2si. {@link #toMmx}: cvt(t)ps2pi, cvt(t)pd2pi.
 *   <li>{@link #compareFlags}: (u)comiss, (u)comisd, ptest.
 * </ul>
 *
 * <p>Exceptions: status bits go to MXCSR. When one is unmasked, nothing is written and {@link #hasUnmasked()} is true until the
 * next operation: the interpreter then raises #XM. Operations that cannot raise leave it untouched, so ask only after
 * {@link #raises} instructions.
 */
public final class VectorUnit {
    private static final long LOW_32 = 0xFFFF_FFFFL;

    /** Registers; see the class comment. */
    public final long[] xmm = new long[32];

    private final VectorFloat floats = new VectorFloat();

    /** MXCSR; 1F80h after reset and at the start of every Windows thread. */
    public int mxcsr() {
        return floats.mxcsr();
    }

    /** Bits above 15 must be zero: the instruction that loads them raises #GP otherwise. */
    public void setMxcsr(int value) {
        floats.setMxcsr(value);
    }

    public boolean hasUnmasked() {
        return floats.hasUnmasked();
    }

    /** Whether the instruction can set MXCSR status and so raise #XM. */
    public static boolean raises(Mnemonic op) {
        return VectorFloat.computes(op) || VectorFloat.converts(op);
    }

    /** Whether {@link #apply} knows the instruction. */
    public static boolean knows(Mnemonic op) {
        return shape(op) != Shape.UNKNOWN;
    }

    private enum Shape {
        LANES,
        SHIFT,
        JOIN,
        INTERLEAVE_LOW,
        INTERLEAVE_HIGH,
        SHUFFLE,
        FLOAT,
        UNKNOWN
    }

    private static Shape shape(Mnemonic op) {
        return switch (op) {
            case PAND,
                    PANDN,
                    POR,
                    PXOR,
                    ANDPS,
                    ANDPD,
                    ANDNPS,
                    ANDNPD,
                    ORPS,
                    ORPD,
                    XORPS,
                    XORPD,
                    PADDB,
                    PADDW,
                    PADDD,
                    PADDQ,
                    PSUBB,
                    PSUBW,
                    PSUBD,
                    PSUBQ,
                    PCMPEQB,
                    PCMPEQW,
                    PCMPEQD,
                    PCMPEQQ,
                    PCMPGTB,
                    PCMPGTW,
                    PCMPGTD,
                    PCMPGTQ,
                    PMULUDQ,
                    PMULDQ,
                    PSADBW,
                    PMADDWD,
                    PADDSB,
                    PADDUSB,
                    PSUBSB,
                    PSUBUSB,
                    PAVGB,
                    PMINUB,
                    PMAXUB,
                    PMINSB,
                    PMAXSB,
                    PSIGNB,
                    PABSB,
                    PMINSD,
                    PMAXSD,
                    PMINUD,
                    PMAXUD,
                    PMULLD,
                    PSIGND,
                    PABSD,
                    PADDSW,
                    PSUBSW,
                    PADDUSW,
                    PSUBUSW,
                    PAVGW,
                    PMINSW,
                    PMAXSW,
                    PMINUW,
                    PMAXUW,
                    PMULLW,
                    PMULHW,
                    PMULHUW,
                    PMULHRSW,
                    PMADDUBSW,
                    PSIGNW,
                    PABSW -> Shape.LANES;
            case PSRLW, PSRLD, PSRLQ, PSRAW, PSRAD, PSLLW, PSLLD, PSLLQ -> Shape.SHIFT;
            case PACKSSWB, PACKUSWB, PACKSSDW, PACKUSDW, PHADDW, PHADDD, PHADDSW, PHSUBW, PHSUBD, PHSUBSW -> Shape.JOIN;
            case PUNPCKLBW, PUNPCKLWD, PUNPCKLDQ -> Shape.INTERLEAVE_LOW;
            case PUNPCKHBW, PUNPCKHWD, PUNPCKHDQ -> Shape.INTERLEAVE_HIGH;
            default -> {
                if (VectorFloat.computes(op)) {
                    yield Shape.FLOAT;
                }
                yield VectorShuffle.knows(op) ? Shape.SHUFFLE : Shape.UNKNOWN;
            }
        };
    }

    /**
     * Runs an instruction whose destination is xmm register {@code destination}.
     *
     * @param low low half of the source (or its integer, or the shift count when the count is immediate)
     * @param high high half of the source
     */
    public void apply(Mnemonic op, int destination, long low, long high, int immediate) {
        int d = destination * 2;
        switch (shape(op)) {
            case LANES -> {
                xmm[d] = PackedInteger.lanes(op, xmm[d], low);
                xmm[d + 1] = PackedInteger.lanes(op, xmm[d + 1], high);
            }
            case SHIFT -> {
                xmm[d] = PackedInteger.shift(op, xmm[d], low);
                xmm[d + 1] = PackedInteger.shift(op, xmm[d + 1], low);
            }
            case JOIN -> {
                xmm[d] = PackedInteger.join(op, xmm[d], xmm[d + 1]);
                xmm[d + 1] = PackedInteger.join(op, low, high);
            }
            case INTERLEAVE_LOW -> {
                long a = xmm[d];
                xmm[d] = PackedInteger.interleaveLow(op, a, low);
                xmm[d + 1] = PackedInteger.interleaveHigh(op, a, low);
            }
            case INTERLEAVE_HIGH -> {
                long a = xmm[d + 1];
                xmm[d] = PackedInteger.interleaveLow(op, a, high);
                xmm[d + 1] = PackedInteger.interleaveHigh(op, a, high);
            }
            case SHUFFLE -> VectorShuffle.apply(op, xmm, d, low, high, immediate);
            case FLOAT -> floats.apply(op, xmm, d, low, high, immediate);
            case UNKNOWN -> throw new IllegalArgumentException("not a vector operation, mnemonic=" + op);
        }
    }

    /** Runs an instruction on an mmx destination and returns its new value; {@code source} as in {@link #apply}. */
    public long applyMmx(Mnemonic op, long destination, long source, int immediate) {
        return switch (shape(op)) {
            case LANES -> PackedInteger.lanes(op, destination, source);
            case SHIFT -> PackedInteger.shift(op, destination, source);
            case JOIN -> PackedInteger.join(op, destination, source);
            case INTERLEAVE_LOW -> PackedInteger.interleaveLow(op, destination, source);
            case INTERLEAVE_HIGH -> PackedInteger.interleaveHigh(op, destination, source);
            default -> VectorShuffle.applyMmx(op, destination, source, immediate);
        };
    }

    /** What the instruction puts, zero-extended, into a general register or memory; an mmx source has {@code high} 0. */
    public static long extract(Mnemonic op, long low, long high, int immediate) {
        return switch (op) {
            case MOVMSKPS -> low >>> 31 & 1 | low >>> 62 & 2 | high >>> 29 & 4 | high >>> 60 & 8;
            case MOVMSKPD -> low >>> 63 | high >>> 62 & 2;
            case PMOVMSKB -> PackedInteger.byteMask(low) | PackedInteger.byteMask(high) << 8;
            case PEXTRB -> ((immediate & 8) == 0 ? low : high) >>> (immediate & 7) * 8 & 0xFF;
            case PEXTRW -> ((immediate & 4) == 0 ? low : high) >>> (immediate & 3) * 16 & 0xFFFF;
            case PEXTRD, EXTRACTPS -> ((immediate & 2) == 0 ? low : high) >>> (immediate & 1) * 32 & LOW_32;
            case PEXTRQ -> (immediate & 1) == 0 ? low : high;
            default -> throw new IllegalArgumentException("not an extraction, mnemonic=" + op);
        };
    }

    /** {@link #extract} from an mmx register: pmovmskb and pextrw, which looks at two bits of its immediate only. */
    public static long extractMmx(Mnemonic op, long value, int immediate) {
        return extract(op, value, 0, immediate & 3);
    }

    /** cvtss2si, cvttss2si, cvtsd2si, cvttsd2si: the integer, zero-extended from 32 bits unless {@code wide}. */
    public long toInteger(Mnemonic op, long source, boolean wide) {
        return floats.toInteger(op, source, wide);
    }

    /** cvtps2pi, cvttps2pi, cvtpd2pi, cvttpd2pi. */
    public long toMmx(Mnemonic op, long low, long high) {
        return floats.toMmx(op, low, high);
    }

    /** ZF, PF and CF (with OF, SF, AF clear) as bits of EFLAGS for comiss, ucomiss, comisd, ucomisd: first operand against second. */
    public int compareFlags(Mnemonic op, long first, long second) {
        return floats.compareFlags(op, first, second);
    }

    /** ptest: ZF when source and destination share no bit, CF when source has no bit outside destination. */
    public int testFlags(int destination, long low, long high) {
        long a = xmm[destination * 2];
        long b = xmm[destination * 2 + 1];
        boolean zero = ((a & low) | (b & high)) == 0;
        boolean carry = ((~a & low) | (~b & high)) == 0;
        return (zero ? 0x40 : 0) | (carry ? 1 : 0);
    }
}
