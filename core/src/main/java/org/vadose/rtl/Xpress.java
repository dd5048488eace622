package org.vadose.rtl;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Xpress, the plain LZ77 variant that Windows compresses memory with ([MS-XCA] 2.3 and 2.4).
 *
 * <pre>
 *   32 flags, first one highest:  0 a literal byte   1 a match
 *   match, 16 bits:               distance - 1 in the upper 13, length - 3 in the lower 3
 *     if these are 7:             length - 10 in half a byte, two matches share one
 *     if these are 15:            length - 25 in a byte
 *     if that is 255:             length - 3 in 16 bits
 *     if these are 0:             length - 3 in 32 bits
 * </pre>
 *
 * An instance holds the tables of one compression at a time, so that a call allocates nothing. Decompression needs none.
 */
public final class Xpress {
    /** Instead of a size: the result does not fit, or the input is no Xpress data. */
    public static final int FAILED = -1;

    private static final VarHandle SHORTS =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final int WINDOW = 1 << 13;
    private static final int SHORTEST = 3;
    private static final int HASH_BITS = 12;
    private static final int HASH_FACTOR = 0x9E3779B1;
    private static final int FLAGS = 32;
    private static final int FLAG_BYTES = 4;
    private static final int NO_HALF = -1;
    /** A match takes ten bytes at most, the next flags four. */
    private static final int MOST_OF_A_STEP = 14;

    private static final int SHORT_LENGTHS = 7;
    private static final int HALF_LENGTHS = 15;
    private static final int BYTE_LENGTHS = 255;
    private static final int WORD = 0xFFFF;

    private final int depth;
    /** By hash of three bytes: where they were last, plus 1. */
    private final int[] last = new int[1 << HASH_BITS];
    /** By position in the window: where the same hash was before, plus 1. */
    private final int[] before;

    /**
     * Makes a compressor.
     *
     * @param candidates earlier places that are looked at for the longest match, at least 1
     */
    public Xpress(int candidates) {
        depth = candidates;
        before = new int[candidates > 1 ? WINDOW : 0];
    }

    /**
     * Compresses.
     *
     * @param limit where the output must end at the latest; no attempt is made to use the last {@value #MOST_OF_A_STEP} bytes
     * @return bytes of output, or {@link #FAILED} when that is not enough room
     */
    public int compress(byte[] input, int start, int length, byte[] output, int outputStart, int limit) {
        Arrays.fill(last, 0);
        int end = start + length;
        int at = start;
        int flagsAt = outputStart;
        int out = outputStart + FLAG_BYTES;
        int flags = 0;
        int flagCount = 0;
        int half = NO_HALF;
        int safe = limit - MOST_OF_A_STEP;
        while (at < end) {
            if (out > safe) {
                return FAILED;
            }
            int matched = 0;
            int distance = 0;
            if (end - at >= SHORTEST) {
                int hash = hash(input, at, end);
                int candidate = last[hash] - 1;
                last[hash] = at + 1;
                if (depth > 1) {
                    before[at & WINDOW - 1] = candidate + 1;
                }
                for (int tries = depth; candidate >= start && at - candidate <= WINDOW && tries > 0; tries--) {
                    int same = same(input, candidate, at, end);
                    if (same > matched) {
                        matched = same;
                        distance = at - candidate;
                    }
                    int earlier = depth > 1 ? before[candidate & WINDOW - 1] - 1 : -1;
                    if (earlier >= candidate) {
                        break;
                    }
                    candidate = earlier;
                }
            }
            flags <<= 1;
            if (matched < SHORTEST) {
                output[out++] = input[at++];
            } else {
                flags |= 1;
                int rest = matched - SHORTEST;
                SHORTS.set(output, out, (short) (distance - 1 << 3 | Math.min(rest, SHORT_LENGTHS)));
                out += 2;
                if (rest >= SHORT_LENGTHS) {
                    int nibble = Math.min(rest - SHORT_LENGTHS, HALF_LENGTHS);
                    if (half == NO_HALF) {
                        half = out;
                        output[out++] = (byte) nibble;
                    } else {
                        output[half] |= (byte) (nibble << 4);
                        half = NO_HALF;
                    }
                    if (nibble == HALF_LENGTHS) {
                        out = putLongLength(output, out, rest);
                    }
                }
                int next = at + matched;
                for (at++; at < next; at++) {
                    enter(input, at, end);
                }
            }
            if (++flagCount == FLAGS) {
                INTS.set(output, flagsAt, flags);
                flagsAt = out;
                out += FLAG_BYTES;
                flags = 0;
                flagCount = 0;
            }
        }
        int unused = FLAGS - flagCount;
        // A shift by 32 would shift by nothing.
        INTS.set(output, flagsAt, flagCount == 0 ? -1 : flags << unused | (1 << unused) - 1);
        return out - outputStart;
    }

    /** Room that always suffices to compress so many bytes. */
    public static int mostCompressed(int length) {
        return length + length / FLAGS * FLAG_BYTES + 2 * FLAGS;
    }

    private static int putLongLength(byte[] output, int at, int rest) {
        int out = at;
        int more = rest - SHORT_LENGTHS - HALF_LENGTHS;
        output[out++] = (byte) Math.min(more, BYTE_LENGTHS);
        if (more >= BYTE_LENGTHS) {
            if (rest <= WORD) {
                SHORTS.set(output, out, (short) rest);
                out += 2;
            } else {
                SHORTS.set(output, out, (short) 0);
                INTS.set(output, out + 2, rest);
                out += 6;
            }
        }
        return out;
    }

    private void enter(byte[] input, int at, int end) {
        if (end - at < SHORTEST) {
            return;
        }
        int hash = hash(input, at, end);
        if (depth > 1) {
            before[at & WINDOW - 1] = last[hash];
        }
        last[hash] = at + 1;
    }

    private static int hash(byte[] input, int at, int end) {
        int three = end - at >= Integer.BYTES
                ? (int) INTS.get(input, at) & 0xFFFFFF
                : input[at] & 0xFF | (input[at + 1] & 0xFF) << 8 | (input[at + 2] & 0xFF) << 16;
        return three * HASH_FACTOR >>> Integer.SIZE - HASH_BITS;
    }

    private static int same(byte[] input, int candidate, int at, int end) {
        int earlier = candidate;
        int later = at;
        while (end - later >= Long.BYTES) {
            long differing = (long) LONGS.get(input, earlier) ^ (long) LONGS.get(input, later);
            if (differing != 0) {
                return later - at + (Long.numberOfTrailingZeros(differing) >>> 3);
            }
            earlier += Long.BYTES;
            later += Long.BYTES;
        }
        while (later < end && input[earlier] == input[later]) {
            earlier++;
            later++;
        }
        return later - at;
    }

    /**
     * Decompresses until the input ends or the output is full.
     *
     * @param limit where the output must end at the latest
     * @return bytes of output, or {@link #FAILED} when the input is damaged
     */
    public static int decompress(byte[] input, int start, int length, byte[] output, int outputStart, int limit) {
        int end = start + length;
        int in = start;
        int out = outputStart;
        int flags = 0;
        int flagCount = 0;
        int half = NO_HALF;
        while (out < limit) {
            if (flagCount == 0) {
                if (end - in < FLAG_BYTES) {
                    return in == end ? out - outputStart : FAILED;
                }
                flags = (int) INTS.get(input, in);
                in += FLAG_BYTES;
                flagCount = FLAGS;
            }
            if (in == end) {
                return out - outputStart;
            }
            flagCount--;
            if ((flags >>> flagCount & 1) == 0) {
                output[out++] = input[in++];
                continue;
            }
            if (end - in < 2) {
                return FAILED;
            }
            int pair = (short) SHORTS.get(input, in) & WORD;
            in += 2;
            int distance = (pair >>> 3) + 1;
            int count = pair & SHORT_LENGTHS;
            if (count == SHORT_LENGTHS) {
                int nibble;
                if (half != NO_HALF) {
                    nibble = (input[half] & 0xFF) >>> 4;
                    half = NO_HALF;
                } else if (in < end) {
                    nibble = input[in] & HALF_LENGTHS;
                    half = in++;
                } else {
                    return FAILED;
                }
                count += nibble;
                if (nibble == HALF_LENGTHS) {
                    if (in == end) {
                        return FAILED;
                    }
                    int more = input[in++] & 0xFF;
                    count += more;
                    if (more == BYTE_LENGTHS) {
                        if (end - in < 2) {
                            return FAILED;
                        }
                        count = (short) SHORTS.get(input, in) & WORD;
                        in += 2;
                        if (count == 0) {
                            if (end - in < Integer.BYTES) {
                                return FAILED;
                            }
                            count = (int) INTS.get(input, in);
                            in += Integer.BYTES;
                        }
                        if (count < SHORT_LENGTHS + HALF_LENGTHS) {
                            return FAILED;
                        }
                    }
                }
            }
            count = Math.min(count, Integer.MAX_VALUE - SHORTEST) + SHORTEST;
            if (distance > out - outputStart) {
                return FAILED;
            }
            count = Math.min(count, limit - out);
            copy(output, out, distance, count);
            out += count;
        }
        return out - outputStart;
    }

    private static void copy(byte[] output, int to, int distance, int count) {
        if (distance == 1) {
            Arrays.fill(output, to, to + count, output[to - 1]);
        } else if (distance >= count) {
            System.arraycopy(output, to - distance, output, to, count);
        } else {
            for (int i = to; i < to + count; i++) {
                output[i] = output[i - distance];
            }
        }
    }
}
