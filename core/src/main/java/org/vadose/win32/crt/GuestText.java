package org.vadose.win32.crt;

import java.nio.charset.StandardCharsets;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;

/** Runs of guest memory taken a word or a page at a time. Reading ahead never leaves the page of a byte that must be read. */
final class GuestText {
    private static final long ONES = 0x0101_0101_0101_0101L;
    private static final long HIGHS = 0x8080_8080_8080_8080L;
    private static final int CHUNK = 1 << 16;

    private GuestText() {}

    private static boolean hasZero(long word) {
        return (word - ONES & ~word & HIGHS) != 0;
    }

    /** {@code strlen}. */
    static long length(Memory memory, long address) {
        return length(memory, address, Long.MAX_VALUE);
    }

    /** {@code strnlen}. */
    static long length(Memory memory, long address, long limit) {
        long at = 0;
        while (at < limit && (address + at & 7) != 0) {
            if (memory.readByte(address + at) == 0) {
                return at;
            }
            at++;
        }
        while (at < limit) {
            long word = memory.readLong(address + at);
            if (hasZero(word)) {
                long found = at + (Long.numberOfTrailingZeros(word - ONES & ~word & HIGHS) >>> 3);
                return Math.min(found, limit);
            }
            at += 8;
        }
        return limit;
    }

    /** {@code wcslen}, in characters. */
    static long wideLength(Memory memory, long address) {
        return wideLength(memory, address, Long.MAX_VALUE);
    }

    static long wideLength(Memory memory, long address, long limit) {
        long count = 0;
        while (count < limit && memory.readShort(address + 2 * count) != 0) {
            count++;
        }
        return count;
    }

    static String fromBytes(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    /** The text as bytes; characters beyond a byte become question marks. */
    static byte[] toBytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    static String ansi(Memory memory, long address) {
        return ansi(memory, address, Integer.MAX_VALUE);
    }

    static String ansi(Memory memory, long address, long limit) {
        return fromBytes(memory.read(address, (int) length(memory, address, limit)));
    }

    static String wide(Memory memory, long address) {
        return wide(memory, address, Integer.MAX_VALUE);
    }

    static String wide(Memory memory, long address, long limit) {
        return memory.readUtf16(address, (int) (2 * wideLength(memory, address, limit)));
    }

    /** Writes the bytes of a text and a zero. */
    static void writeAnsi(Memory memory, long address, CharSequence text) {
        memory.write(address, toBytes(text + "\0"));
    }

    static void writeWide(Memory memory, long address, CharSequence text) {
        memory.write(address, (text + "\0").getBytes(StandardCharsets.UTF_16LE));
    }

    /** {@code memmove}; a length beyond all memory ends in a fault. */
    static void copy(Memory memory, long from, long to, long length) {
        byte[] buffer = new byte[smaller(length, CHUNK)];
        boolean backward = Long.compareUnsigned(to - from, length) < 0;
        for (long done = 0; done != length; ) {
            int run = smaller(length - done, CHUNK);
            long at = backward ? length - done - run : done;
            memory.read(from + at, buffer, 0, run);
            memory.write(to + at, buffer, 0, run);
            done += run;
        }
    }

    private static int smaller(long length, int limit) {
        return Long.compareUnsigned(length, limit) < 0 ? (int) length : limit;
    }

    private static boolean mayReadWord(long address) {
        return Pages.offset(address) <= Pages.SIZE - 8;
    }

    /** {@code memcmp}: negative, 0, positive. */
    static int compare(Memory memory, long a, long b, long length) {
        long at = 0;
        while (at != length) {
            if (Long.compareUnsigned(length - at, 8) >= 0 && memory.readLong(a + at) == memory.readLong(b + at)) {
                at += 8;
                continue;
            }
            int difference = memory.readUnsignedByte(a + at) - memory.readUnsignedByte(b + at);
            if (difference != 0) {
                return difference < 0 ? -1 : 1;
            }
            at++;
        }
        return 0;
    }

    /** {@code strncmp}: -1, 0 or 1. */
    static int compareText(Memory memory, long a, long b, long limit) {
        long at = 0;
        while (at < limit) {
            if (mayReadWord(a + at) && mayReadWord(b + at)) {
                long word = memory.readLong(a + at);
                if (word == memory.readLong(b + at) && !hasZero(word)) {
                    at += 8;
                    continue;
                }
            }
            int left = memory.readUnsignedByte(a + at);
            int right = memory.readUnsignedByte(b + at);
            if (left != right) {
                return left < right ? -1 : 1;
            }
            if (left == 0) {
                return 0;
            }
            at++;
        }
        return 0;
    }

    /** {@code memchr}, or -1. */
    static long indexOf(Memory memory, long address, int value, long length) {
        for (long at = 0; at != length; at++) {
            if (memory.readUnsignedByte(address + at) == (value & 0xFF)) {
                return at;
            }
        }
        return -1;
    }
}
