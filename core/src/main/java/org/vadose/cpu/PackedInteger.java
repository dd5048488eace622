package org.vadose.cpu;

/**
 * MMX and SSE integer arithmetic on 64 bits of lanes; an xmm register is two such halves. Pure functions, no state.
 *
 * <p>Three shapes cover nearly all: {@link #lanes} maps equal lanes of both operands, {@link #shift} shifts every lane by one
 * count, {@link #join} makes 64 bits out of 128 (packs and horizontal sums), where the 128 bits are both mmx operands or both
 * halves of one xmm operand.
 */
final class PackedInteger {
    private static final long HIGH_BITS_8 = 0x8080_8080_8080_8080L;
    private static final long HIGH_BITS_16 = 0x8000_8000_8000_8000L;
    private static final long HIGH_BITS_32 = 0x8000_0000_8000_0000L;
    private static final long LOW_32 = 0xFFFF_FFFFL;

    private PackedInteger() {}

    static long lanes(Mnemonic op, long a, long b) {
        return switch (op) {
            case PAND, ANDPS, ANDPD -> a & b;
            case PANDN, ANDNPS, ANDNPD -> ~a & b;
            case POR, ORPS, ORPD -> a | b;
            case PXOR, XORPS, XORPD -> a ^ b;
            case PADDB -> add(a, b, HIGH_BITS_8);
            case PADDW -> add(a, b, HIGH_BITS_16);
            case PADDD -> add(a, b, HIGH_BITS_32);
            case PADDQ -> a + b;
            case PSUBB -> subtract(a, b, HIGH_BITS_8);
            case PSUBW -> subtract(a, b, HIGH_BITS_16);
            case PSUBD -> subtract(a, b, HIGH_BITS_32);
            case PSUBQ -> a - b;
            case PCMPEQB -> equal(a, b, HIGH_BITS_8, 7);
            case PCMPEQW -> equal(a, b, HIGH_BITS_16, 15);
            case PCMPEQD -> equal(a, b, HIGH_BITS_32, 31);
            case PCMPEQQ -> a == b ? -1 : 0;
            case PCMPGTQ -> a > b ? -1 : 0;
            case PMULUDQ -> (a & LOW_32) * (b & LOW_32);
            case PMULDQ -> (long) (int) a * (int) b;
            case PSADBW -> sumOfDifferences(a, b);
            case PMADDWD -> multiplyAddWords(a, b);
            case PADDSB, PADDUSB, PSUBSB, PSUBUSB, PCMPGTB, PAVGB, PMINUB, PMAXUB, PMINSB, PMAXSB, PSIGNB, PABSB ->
                bytes(op, a, b);
            case PCMPGTD, PMINSD, PMAXSD, PMINUD, PMAXUD, PMULLD, PSIGND, PABSD -> doublewords(op, a, b);
            default -> words(op, a, b);
        };
    }

    private static long add(long a, long b, long highBits) {
        return ((a & ~highBits) + (b & ~highBits)) ^ ((a ^ b) & highBits);
    }

    private static long subtract(long a, long b, long highBits) {
        return ((a | highBits) - (b & ~highBits)) ^ ((a ^ ~b) & highBits);
    }

    private static long equal(long a, long b, long highBits, int width) {
        long difference = a ^ b;
        long zero = ~(((difference & ~highBits) + ~highBits) | difference) & highBits;
        // The sign bit of each equal lane, smeared downwards over its lane.
        return (zero - (zero >>> width)) | zero;
    }

    private static long bytes(Mnemonic op, long a, long b) {
        long result = 0;
        for (int shift = 0; shift < 64; shift += 8) {
            result |= (byteLane(op, (byte) (a >> shift), (byte) (b >> shift)) & 0xFFL) << shift;
        }
        return result;
    }

    private static int byteLane(Mnemonic op, int a, int b) {
        return switch (op) {
            case PADDSB -> Math.clamp(a + b, -128, 127);
            case PSUBSB -> Math.clamp(a - b, -128, 127);
            case PADDUSB -> Math.min((a & 0xFF) + (b & 0xFF), 255);
            case PSUBUSB -> Math.max((a & 0xFF) - (b & 0xFF), 0);
            case PCMPGTB -> a > b ? -1 : 0;
            case PAVGB -> ((a & 0xFF) + (b & 0xFF) + 1) >> 1;
            case PMINUB -> Math.min(a & 0xFF, b & 0xFF);
            case PMAXUB -> Math.max(a & 0xFF, b & 0xFF);
            case PMINSB -> Math.min(a, b);
            case PMAXSB -> Math.max(a, b);
            case PSIGNB -> a * Integer.signum(b);
            case PABSB -> Math.abs(b);
            default -> throw notPacked(op);
        };
    }

    private static long words(Mnemonic op, long a, long b) {
        long result = 0;
        for (int shift = 0; shift < 64; shift += 16) {
            result |= (wordLane(op, (short) (a >> shift), (short) (b >> shift)) & 0xFFFFL) << shift;
        }
        return result;
    }

    private static int wordLane(Mnemonic op, int a, int b) {
        return switch (op) {
            case PADDSW -> saturate(a + b);
            case PSUBSW -> saturate(a - b);
            case PADDUSW -> Math.min((a & 0xFFFF) + (b & 0xFFFF), 0xFFFF);
            case PSUBUSW -> Math.max((a & 0xFFFF) - (b & 0xFFFF), 0);
            case PCMPGTW -> a > b ? -1 : 0;
            case PAVGW -> ((a & 0xFFFF) + (b & 0xFFFF) + 1) >> 1;
            case PMINSW -> Math.min(a, b);
            case PMAXSW -> Math.max(a, b);
            case PMINUW -> Math.min(a & 0xFFFF, b & 0xFFFF);
            case PMAXUW -> Math.max(a & 0xFFFF, b & 0xFFFF);
            case PMULLW -> a * b;
            case PMULHW -> (a * b) >> 16;
            case PMULHUW -> ((a & 0xFFFF) * (b & 0xFFFF)) >>> 16;
            case PMULHRSW -> (((a * b) >> 14) + 1) >> 1;
            case PMADDUBSW -> saturate((a & 0xFF) * (byte) b + ((a >> 8) & 0xFF) * (b >> 8));
            case PSIGNW -> a * Integer.signum(b);
            case PABSW -> Math.abs(b);
            default -> throw notPacked(op);
        };
    }

    private static long doublewords(Mnemonic op, long a, long b) {
        long low = doublewordLane(op, (int) a, (int) b) & LOW_32;
        return low | (long) doublewordLane(op, (int) (a >> 32), (int) (b >> 32)) << 32;
    }

    private static int doublewordLane(Mnemonic op, int a, int b) {
        return switch (op) {
            case PCMPGTD -> a > b ? -1 : 0;
            case PMINSD -> Math.min(a, b);
            case PMAXSD -> Math.max(a, b);
            case PMINUD -> Integer.compareUnsigned(a, b) < 0 ? a : b;
            case PMAXUD -> Integer.compareUnsigned(a, b) > 0 ? a : b;
            case PMULLD -> a * b;
            case PSIGND -> a * Integer.signum(b);
            case PABSD -> b < 0 ? -b : b;
            default -> throw notPacked(op);
        };
    }

    private static long multiplyAddWords(long a, long b) {
        int low = (short) a * (short) b + (short) (a >> 16) * (short) (b >> 16);
        int high = (short) (a >> 32) * (short) (b >> 32) + (short) (a >> 48) * (short) (b >> 48);
        return low & LOW_32 | (long) high << 32;
    }

    private static long sumOfDifferences(long a, long b) {
        int sum = 0;
        for (int shift = 0; shift < 64; shift += 8) {
            sum += Math.abs((int) (a >> shift & 0xFF) - (int) (b >> shift & 0xFF));
        }
        return sum;
    }

    /** Every lane of {@code a} shifted by the whole of {@code count}, an unsigned number. */
    static long shift(Mnemonic op, long a, long count) {
        int width = switch (op) {
            case PSRLW, PSRAW, PSLLW -> 16;
            case PSRLD, PSRAD, PSLLD -> 32;
            default -> 64;
        };
        boolean over = Long.compareUnsigned(count, width) >= 0;
        int n = over ? width - 1 : (int) count;
        if (over && op != Mnemonic.PSRAW && op != Mnemonic.PSRAD) {
            return 0;
        }
        return switch (op) {
            case PSRLQ -> a >>> n;
            case PSLLQ -> a << n;
            case PSRLD -> (a & LOW_32) >>> n | (a >>> 32 >>> n) << 32;
            case PSLLD -> (a << n) & LOW_32 | (a >>> 32 << n) << 32;
            case PSRAD -> ((int) a >> n) & LOW_32 | (long) ((int) (a >> 32) >> n) << 32;
            default -> {
                long result = 0;
                for (int shift = 0; shift < 64; shift += 16) {
                    int lane = (short) (a >> shift);
                    int shifted = switch (op) {
                        case PSRLW -> (lane & 0xFFFF) >>> n;
                        case PSLLW -> lane << n;
                        case PSRAW -> lane >> n;
                        default -> throw notPacked(op);
                    };
                    result |= (shifted & 0xFFFFL) << shift;
                }
                yield result;
            }
        };
    }

    /** 64 bits out of 128: packs with saturation, and sums or differences of neighbours. */
    static long join(Mnemonic op, long low, long high) {
        return switch (op) {
            case PACKSSWB -> packWords(low, true) | packWords(high, true) << 32;
            case PACKUSWB -> packWords(low, false) | packWords(high, false) << 32;
            case PACKSSDW -> packDoublewords(low, true) | packDoublewords(high, true) << 32;
            case PACKUSDW -> packDoublewords(low, false) | packDoublewords(high, false) << 32;
            case PHADDD -> (int) low + (int) (low >> 32) & LOW_32 | (long) ((int) high + (int) (high >> 32)) << 32;
            case PHSUBD -> (int) low - (int) (low >> 32) & LOW_32 | (long) ((int) high - (int) (high >> 32)) << 32;
            default -> neighbours(op, low) | neighbours(op, high) << 32;
        };
    }

    private static long neighbours(Mnemonic op, long value) {
        long first = neighbour(op, (short) value, (short) (value >> 16)) & 0xFFFFL;
        return first | (neighbour(op, (short) (value >> 32), (short) (value >> 48)) & 0xFFFFL) << 16;
    }

    private static int neighbour(Mnemonic op, int a, int b) {
        return switch (op) {
            case PHADDW -> a + b;
            case PHADDSW -> saturate(a + b);
            case PHSUBW -> a - b;
            case PHSUBSW -> saturate(a - b);
            default -> throw notPacked(op);
        };
    }

    private static long packWords(long value, boolean signed) {
        long result = 0;
        for (int i = 0; i < 4; i++) {
            int word = (short) (value >> i * 16);
            int packed = signed ? Math.clamp(word, -128, 127) : Math.clamp(word, 0, 255);
            result |= (packed & 0xFFL) << i * 8;
        }
        return result;
    }

    private static long packDoublewords(long value, boolean signed) {
        int low = (int) value;
        int high = (int) (value >> 32);
        if (signed) {
            return saturate(low) & 0xFFFFL | (saturate(high) & 0xFFFFL) << 16;
        }
        return (long) Math.clamp(low, 0, 0xFFFF) | (long) Math.clamp(high, 0, 0xFFFF) << 16;
    }

    private static int saturate(int value) {
        return Math.clamp(value, Short.MIN_VALUE, Short.MAX_VALUE);
    }

    /** The low halves of {@code a} and {@code b}, lanes alternating, {@code a}'s first. */
    static long interleaveLow(Mnemonic op, long a, long b) {
        return switch (op) {
            case PUNPCKLBW, PUNPCKHBW -> spreadBytes(a) | spreadBytes(b) << 8;
            case PUNPCKLWD, PUNPCKHWD -> spreadWords(a) | spreadWords(b) << 16;
            default -> a & LOW_32 | b << 32;
        };
    }

    static long interleaveHigh(Mnemonic op, long a, long b) {
        return interleaveLow(op, a >>> 32, b >>> 32);
    }

    private static long spreadWords(long value) {
        return value & 0xFFFFL | (value & 0xFFFF_0000L) << 16;
    }

    private static long spreadBytes(long value) {
        long words = spreadWords(value);
        return words & 0x0000_00FF_0000_00FFL | (words & 0x0000_FF00_0000_FF00L) << 8;
    }

    /** Four words chosen from {@code value} by two-bit fields. */
    static long shuffleWords(long value, int order) {
        long result = 0;
        for (int i = 0; i < 4; i++) {
            result |= (value >>> ((order >> i * 2) & 3) * 16 & 0xFFFFL) << i * 16;
        }
        return result;
    }

    /** The sign bits of eight bytes. */
    static int byteMask(long value) {
        // Gathers bit 7 of every byte into the top byte.
        return (int) (((value & HIGH_BITS_8) >>> 7) * 0x0102_0408_1020_4080L >>> 56);
    }

    private static IllegalArgumentException notPacked(Mnemonic op) {
        return new IllegalArgumentException("not a packed integer operation, mnemonic=" + op);
    }
}
