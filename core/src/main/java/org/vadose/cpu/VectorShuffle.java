package org.vadose.cpu;

/** Vector instructions that move lanes without computing: shuffles, unpacks, blends, inserts, widening, byte shifts. */
final class VectorShuffle {
    private static final long LOW_32 = 0xFFFF_FFFFL;

    private VectorShuffle() {}

    static boolean knows(Mnemonic op) {
        return switch (op) {
            case MOVAPS,
                    MOVAPD,
                    MOVUPS,
                    MOVUPD,
                    MOVDQA,
                    MOVDQU,
                    LDDQU,
                    MOVNTDQA,
                    MOVSS,
                    MOVSD,
                    MOVQ,
                    MOVLPS,
                    MOVLPD,
                    MOVHPS,
                    MOVHPD,
                    MOVHLPS,
                    MOVLHPS,
                    MOVSLDUP,
                    MOVSHDUP,
                    MOVDDUP,
                    UNPCKLPS,
                    UNPCKLPD,
                    UNPCKHPS,
                    UNPCKHPD,
                    PUNPCKLQDQ,
                    PUNPCKHQDQ,
                    SHUFPS,
                    SHUFPD,
                    PSHUFD,
                    PSHUFLW,
                    PSHUFHW,
                    PSHUFB,
                    PALIGNR,
                    PSLLDQ,
                    PSRLDQ,
                    PINSRB,
                    PINSRW,
                    PINSRD,
                    PINSRQ,
                    INSERTPS,
                    BLENDPS,
                    BLENDPD,
                    PBLENDW,
                    PBLENDVB,
                    BLENDVPS,
                    BLENDVPD,
                    PMOVSXBW,
                    PMOVSXBD,
                    PMOVSXBQ,
                    PMOVSXWD,
                    PMOVSXWQ,
                    PMOVSXDQ,
                    PMOVZXBW,
                    PMOVZXBD,
                    PMOVZXBQ,
                    PMOVZXWD,
                    PMOVZXWQ,
                    PMOVZXDQ,
                    PHMINPOSUW,
                    MPSADBW -> true;
            default -> false;
        };
    }

    static void apply(Mnemonic op, long[] xmm, int d, long low, long high, int immediate) {
        long a = xmm[d];
        long b = xmm[d + 1];
        switch (op) {
            case MOVAPS, MOVAPD, MOVUPS, MOVUPD, MOVDQA, MOVDQU, LDDQU, MOVNTDQA -> set(xmm, d, low, high);
            case MOVSS -> xmm[d] = a & ~LOW_32 | low & LOW_32;
            case MOVSD, MOVLPS, MOVLPD -> xmm[d] = low;
            case MOVQ -> set(xmm, d, low, 0);
            case MOVHPS, MOVHPD, MOVLHPS, UNPCKLPD, PUNPCKLQDQ -> xmm[d + 1] = low;
            case MOVHLPS -> xmm[d] = high;
            case UNPCKHPD, PUNPCKHQDQ -> set(xmm, d, b, high);
            case MOVSLDUP -> set(xmm, d, low & LOW_32 | low << 32, high & LOW_32 | high << 32);
            case MOVSHDUP -> set(xmm, d, low >>> 32 | low & ~LOW_32, high >>> 32 | high & ~LOW_32);
            case MOVDDUP -> set(xmm, d, low, low);
            case UNPCKLPS -> set(xmm, d, a & LOW_32 | low << 32, a >>> 32 | low & ~LOW_32);
            case UNPCKHPS -> set(xmm, d, b & LOW_32 | high << 32, b >>> 32 | high & ~LOW_32);
            case SHUFPS ->
                set(
                        xmm,
                        d,
                        float4(a, b, immediate) | float4(a, b, immediate >> 2) << 32,
                        float4(low, high, immediate >> 4) | float4(low, high, immediate >> 6) << 32);
            case SHUFPD -> set(xmm, d, (immediate & 1) == 0 ? a : b, (immediate & 2) == 0 ? low : high);
            case PSHUFD ->
                set(
                        xmm,
                        d,
                        float4(low, high, immediate) | float4(low, high, immediate >> 2) << 32,
                        float4(low, high, immediate >> 4) | float4(low, high, immediate >> 6) << 32);
            case PSHUFLW -> set(xmm, d, PackedInteger.shuffleWords(low, immediate), high);
            case PSHUFHW -> set(xmm, d, low, PackedInteger.shuffleWords(high, immediate));
            case PSHUFB -> set(xmm, d, shuffleBytes(a, b, low, 15), shuffleBytes(a, b, high, 15));
            case PALIGNR -> set(xmm, d, window(low, high, a, b, immediate), window(low, high, a, b, immediate + 8));
            case PSRLDQ -> {
                int bytes = Math.min((int) low & 0xFF, 16);
                set(xmm, d, window(a, b, 0, 0, bytes), window(a, b, 0, 0, bytes + 8));
            }
            case PSLLDQ -> {
                int bytes = Math.min((int) low & 0xFF, 16);
                set(xmm, d, window(0, 0, a, b, 16 - bytes), window(0, 0, a, b, 24 - bytes));
            }
            case PINSRB, PINSRW, PINSRD, PINSRQ -> insert(op, xmm, d, low, immediate);
            case INSERTPS -> insertSingle(xmm, d, low, high, immediate);
            case BLENDPS, BLENDPD, PBLENDW, PBLENDVB, BLENDVPS, BLENDVPD -> {
                long maskLow = blendMask(op, xmm[0], immediate, 0);
                long maskHigh = blendMask(op, xmm[1], immediate, 1);
                set(xmm, d, a & ~maskLow | low & maskLow, b & ~maskHigh | high & maskHigh);
            }
            case PHMINPOSUW -> set(xmm, d, minimumPosition(low, high), 0);
            case MPSADBW -> sumsOfDifferences(xmm, d, low, high, immediate);
            default -> widen(op, xmm, d, low);
        }
    }

    static long applyMmx(Mnemonic op, long a, long source, int immediate) {
        return switch (op) {
            case MOVQ -> source;
            case PSHUFW -> PackedInteger.shuffleWords(source, immediate);
            case PINSRW -> {
                int shift = (immediate & 3) * 16;
                yield a & ~(0xFFFFL << shift) | (source & 0xFFFF) << shift;
            }
            case PSHUFB -> shuffleBytes(a, 0, source, 7);
            case PALIGNR -> window(source, a, 0, 0, immediate);
            default -> throw new IllegalArgumentException("not an mmx operation, mnemonic=" + op);
        };
    }

    private static void set(long[] xmm, int d, long low, long high) {
        xmm[d] = low;
        xmm[d + 1] = high;
    }

    /** The single chosen by two bits, in the low 32 bits. */
    private static long float4(long low, long high, int selector) {
        long half = (selector & 2) == 0 ? low : high;
        return (selector & 1) == 0 ? half & LOW_32 : half >>> 32;
    }

    private static long shuffleBytes(long low, long high, long order, int mask) {
        long result = 0;
        for (int shift = 0; shift < 64; shift += 8) {
            int selector = (int) (order >> shift) & 0xFF;
            if ((selector & 0x80) == 0) {
                int from = selector & mask;
                result |= ((from < 8 ? low : high) >>> (from & 7) * 8 & 0xFF) << shift;
            }
        }
        return result;
    }

    /** Eight bytes at byte {@code offset} of the 32 bytes q0..q3; zeros beyond. */
    private static long window(long q0, long q1, long q2, long q3, int offset) {
        long first = quad(q0, q1, q2, q3, offset >> 3);
        int shift = (offset & 7) * 8;
        return shift == 0 ? first : first >>> shift | quad(q0, q1, q2, q3, (offset >> 3) + 1) << 64 - shift;
    }

    private static long quad(long q0, long q1, long q2, long q3, int i) {
        return switch (i) {
            case 0 -> q0;
            case 1 -> q1;
            case 2 -> q2;
            case 3 -> q3;
            default -> 0;
        };
    }

    private static void insert(Mnemonic op, long[] xmm, int d, long value, int immediate) {
        int bits = switch (op) {
            case PINSRB -> 8;
            case PINSRW -> 16;
            case PINSRD -> 32;
            default -> 64;
        };
        int at = immediate * bits & 127;
        long mask = bits == 64 ? -1 : (1L << bits) - 1;
        int i = d + (at >> 6);
        int shift = at & 63;
        xmm[i] = xmm[i] & ~(mask << shift) | (value & mask) << shift;
    }

    /** A memory source is one single, given in {@code low}; its selector bits are then ignored, so the caller clears them. */
    private static void insertSingle(long[] xmm, int d, long low, long high, int immediate) {
        insert(Mnemonic.PINSRD, xmm, d, float4(low, high, immediate >> 6), immediate >> 4 & 3);
        for (int lane = 0; lane < 4; lane++) {
            if ((immediate >> lane & 1) != 0) {
                insert(Mnemonic.PINSRD, xmm, d, 0, lane);
            }
        }
    }

    /** Ones where the source is taken. The variable blends look at the sign bits of xmm0. */
    private static long blendMask(Mnemonic op, long xmm0, int immediate, int half) {
        long mask = 0;
        int bits = switch (op) {
            case PBLENDVB -> 8;
            case PBLENDW -> 16;
            case BLENDPS, BLENDVPS -> 32;
            default -> 64;
        };
        boolean variable = op == Mnemonic.PBLENDVB || op == Mnemonic.BLENDVPS || op == Mnemonic.BLENDVPD;
        long lane = bits == 64 ? -1 : (1L << bits) - 1;
        for (int i = 0; i < 64 / bits; i++) {
            boolean take =
                    variable ? (xmm0 >>> (i + 1) * bits - 1 & 1) != 0 : (immediate >> half * (64 / bits) + i & 1) != 0;
            if (take) {
                mask |= lane << i * bits;
            }
        }
        return mask;
    }

    private static long minimumPosition(long low, long high) {
        long best = 0x10000;
        int position = 0;
        for (int i = 0; i < 8; i++) {
            long word = (i < 4 ? low : high) >>> (i & 3) * 16 & 0xFFFF;
            if (word < best) {
                best = word;
                position = i;
            }
        }
        return best | (long) position << 16;
    }

    private static void sumsOfDifferences(long[] xmm, int d, long low, long high, int immediate) {
        long a = xmm[d];
        long b = xmm[d + 1];
        long block = window(low, high, 0, 0, (immediate & 3) * 4);
        int start = (immediate & 4) == 0 ? 0 : 4;
        for (int half = 0; half < 2; half++) {
            long sums = 0;
            for (int i = 0; i < 4; i++) {
                long bytes = window(a, b, 0, 0, start + half * 4 + i) & LOW_32;
                sums |= PackedInteger.lanes(Mnemonic.PSADBW, bytes, block & LOW_32) << i * 16;
            }
            xmm[d + half] = sums;
        }
    }

    private static void widen(Mnemonic op, long[] xmm, int d, long source) {
        boolean signed = switch (op) {
            case PMOVSXBW, PMOVSXBD, PMOVSXBQ, PMOVSXWD, PMOVSXWQ, PMOVSXDQ -> true;
            default -> false;
        };
        int from = switch (op) {
            case PMOVSXBW, PMOVSXBD, PMOVSXBQ, PMOVZXBW, PMOVZXBD, PMOVZXBQ -> 8;
            case PMOVSXWD, PMOVSXWQ, PMOVZXWD, PMOVZXWQ -> 16;
            case PMOVSXDQ, PMOVZXDQ -> 32;
            default -> throw new IllegalArgumentException("not a shuffle, mnemonic=" + op);
        };
        int to = switch (op) {
            case PMOVSXBW, PMOVZXBW -> 16;
            case PMOVSXBD, PMOVZXBD, PMOVSXWD, PMOVZXWD -> 32;
            default -> 64;
        };
        long mask = to == 64 ? -1 : (1L << to) - 1;
        long[] halves = new long[2];
        for (int i = 0; i < 128 / to; i++) {
            long lane = source << 64 - from - i * from;
            long wide = (signed ? lane >> 64 - from : lane >>> 64 - from) & mask;
            halves[i * to >> 6] |= wide << (i * to & 63);
        }
        set(xmm, d, halves[0], halves[1]);
    }
}
