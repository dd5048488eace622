package org.vadose.rtl;

import java.util.Arrays;

/**
 * LZNT1, the format of {@code RtlCompressBuffer} that NTFS compresses files with ([MS-XCA] 2.5).
 *
 * <pre>
 *   chunk of 4096 bytes:  header, 16 bits: bytes that follow - 1 (0 to 11), 011 (12 to 14), compressed (15)
 *   compressed:           8 flags, first one lowest:  0 a literal byte   1 a match
 *   match, 16 bits:       distance - 1 above, length - 3 below; the more of the chunk is done, the more bits for the distance
 * </pre>
 */
public final class Lznt1 {
    /** Instead of a size: the result does not fit, or the input is damaged. */
    public static final int FAILED = -1;

    private static final int CHUNK = 4096;
    private static final int SIZE_MASK = CHUNK - 1;
    private static final int SIGNATURE = 0x3000;
    private static final int SIGNATURE_MASK = 0x7000;
    private static final int COMPRESSED = 0x8000;
    private static final int HEADER_BYTES = 2;
    private static final int SHORTEST = 3;
    private static final int LEAST_DISTANCE_BITS = 4;
    private static final int PAIR_BITS = 16;
    private static final int FLAGS = 8;
    private static final int HASH_BITS = 11;
    private static final int HASH_FACTOR = 0x9E3779B1;

    private final int[] last = new int[1 << HASH_BITS];
    private final int[] before = new int[CHUNK];
    private final int depth;
    private final byte[] packed = new byte[CHUNK + CHUNK / FLAGS];

    /** @param candidates earlier places that are looked at for the longest match, at least 1 */
    public Lznt1(int candidates) {
        depth = candidates;
    }

    /**
     * Compresses.
     *
     * @return bytes of output, or {@link #FAILED} when the output would pass its limit
     */
    public int compress(byte[] input, int start, int length, byte[] output, int outputStart, int limit) {
        int out = outputStart;
        for (int at = start; at < start + length; at += CHUNK) {
            int size = Math.min(CHUNK, start + length - at);
            int packedSize = pack(input, at, size);
            boolean isSmaller = packedSize < size;
            int stored = isSmaller ? packedSize : size;
            if (limit - out < HEADER_BYTES + stored) {
                return FAILED;
            }
            putShort(output, out, stored - 1 | SIGNATURE | (isSmaller ? COMPRESSED : 0));
            System.arraycopy(isSmaller ? packed : input, isSmaller ? 0 : at, output, out + HEADER_BYTES, stored);
            out += HEADER_BYTES + stored;
        }
        return out - outputStart;
    }

    private int pack(byte[] input, int start, int size) {
        Arrays.fill(last, 0);
        int end = start + size;
        int at = start;
        int flagsAt = 0;
        int flagCount = 0;
        int out = 1;
        packed[0] = 0;
        while (at < end) {
            if (flagCount == FLAGS) {
                flagCount = 0;
                flagsAt = out;
                packed[out++] = 0;
            }
            int lengthBits = PAIR_BITS - distanceBits(at - start);
            int most = Math.min(end - at, (1 << lengthBits) - 1 + SHORTEST);
            long match = longest(input, start, at, end, most);
            int matched = (int) match;
            if (matched < SHORTEST) {
                packed[out++] = input[at];
                enter(input, start, at++, end);
            } else {
                packed[flagsAt] |= (byte) (1 << flagCount);
                int distance = (int) (match >>> Integer.SIZE);
                putShort(packed, out, distance - 1 << lengthBits | matched - SHORTEST);
                out += 2;
                for (int next = at + matched; at < next; at++) {
                    enter(input, start, at, end);
                }
            }
            flagCount++;
        }
        return out;
    }

    /** Distance above, length below. */
    private long longest(byte[] input, int start, int at, int end, int most) {
        if (end - at < SHORTEST) {
            return 0;
        }
        int matched = 0;
        int distance = 0;
        int candidate = last[hash(input, at)] - 1;
        for (int tries = depth; candidate >= 0 && tries > 0; tries--) {
            int same = 0;
            while (same < most && input[start + candidate + same] == input[at + same]) {
                same++;
            }
            if (same > matched) {
                matched = same;
                distance = at - start - candidate;
            }
            candidate = before[candidate] - 1;
        }
        return (long) distance << Integer.SIZE | matched;
    }

    private void enter(byte[] input, int start, int at, int end) {
        if (end - at >= SHORTEST) {
            int hash = hash(input, at);
            before[at - start] = last[hash];
            last[hash] = at - start + 1;
        }
    }

    private static int hash(byte[] input, int at) {
        int three = input[at] & 0xFF | (input[at + 1] & 0xFF) << 8 | (input[at + 2] & 0xFF) << 16;
        return three * HASH_FACTOR >>> Integer.SIZE - HASH_BITS;
    }

    /** Bits of a match that hold the distance when so much of the chunk is done. */
    private static int distanceBits(int done) {
        return Math.max(LEAST_DISTANCE_BITS, Integer.SIZE - Integer.numberOfLeadingZeros(Math.max(0, done - 1)));
    }

    /**
     * Decompresses until the input ends or the output is full. A chunk that ends early is filled up with zeros if another follows.
     *
     * @return bytes of output, or {@link #FAILED} when the input is damaged
     */
    public static int decompress(byte[] input, int start, int length, byte[] output, int outputStart, int limit) {
        int end = start + length;
        int in = start;
        int out = outputStart;
        while (end - in >= HEADER_BYTES && out < limit) {
            int header = getShort(input, in);
            if (header == 0) {
                break;
            }
            in += HEADER_BYTES;
            int stored = (header & SIZE_MASK) + 1;
            if ((header & SIGNATURE_MASK) != SIGNATURE || stored > end - in) {
                return FAILED;
            }
            int chunkLimit = Math.min(limit, out + CHUNK);
            int done;
            if ((header & COMPRESSED) != 0) {
                done = unpack(input, in, in + stored, output, out, chunkLimit);
                if (done == FAILED) {
                    return FAILED;
                }
            } else {
                done = Math.min(stored, chunkLimit - out);
                System.arraycopy(input, in, output, out, done);
            }
            in += stored;
            out += done;
            boolean isFollowed = end - in >= HEADER_BYTES && getShort(input, in) != 0;
            if (isFollowed && out < chunkLimit) {
                Arrays.fill(output, out, chunkLimit, (byte) 0);
                out = chunkLimit;
            }
        }
        return out - outputStart;
    }

    private static int unpack(byte[] input, int start, int end, byte[] output, int outputStart, int limit) {
        int in = start;
        int out = outputStart;
        while (in < end && out < limit) {
            int flags = input[in++];
            for (int i = 0; i < FLAGS && in < end && out < limit; i++, flags >>= 1) {
                if ((flags & 1) == 0) {
                    output[out++] = input[in++];
                    continue;
                }
                if (end - in < 2 || out == outputStart) {
                    return FAILED;
                }
                int pair = getShort(input, in);
                in += 2;
                int lengthBits = PAIR_BITS - distanceBits(out - outputStart);
                int distance = (pair >>> lengthBits) + 1;
                if (distance > out - outputStart) {
                    return FAILED;
                }
                int next = Math.min(limit, out + (pair & (1 << lengthBits) - 1) + SHORTEST);
                for (; out < next; out++) {
                    output[out] = output[out - distance];
                }
            }
        }
        return out - outputStart;
    }

    private static int getShort(byte[] bytes, int at) {
        return bytes[at] & 0xFF | (bytes[at + 1] & 0xFF) << 8;
    }

    private static void putShort(byte[] bytes, int at, int value) {
        bytes[at] = (byte) value;
        bytes[at + 1] = (byte) (value >>> 8);
    }
}
