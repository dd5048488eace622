package org.vadose.base;

/** Hexadecimal text the way the debuggers print it: lower case, fixed width, with or without the backtick. */
public final class Hex {
    private Hex() {}

    /** Sixteen digits: {@code ffffa604f6820080}. */
    public static String address(long value) {
        return digits(value, 16);
    }

    /** Sixteen digits with a backtick in the middle: {@code ffffa604`f6820080}. */
    public static String ticked(long value) {
        return digits(value >>> 32, 8) + "`" + digits(value & 0xFFFF_FFFFL, 8);
    }

    /** No leading zeros. */
    public static String plain(long value) {
        return Long.toHexString(value);
    }

    /** At least {@code width} digits, zero filled. */
    public static String digits(long value, int width) {
        String text = Long.toHexString(value);
        return text.length() >= width ? text : "0".repeat(width - text.length()) + text;
    }
}
