package org.vadose.win32.crt;

/** Numbers read from text, as {@code strtol}, {@code strtod} and {@code scanf} read them. */
final class NumberText {
    /**
     * What an integer conversion found.
     *
     * @param magnitude absolute value, unsigned; all ones when it did not fit
     * @param end index after the last character used, 0 when there was no number
     */
    record Integral(long magnitude, boolean isNegative, boolean overflowed, int end) {}

    /** What a floating conversion found; {@code end} is 0 when there was no number. */
    record Floating(double value, int end) {}

    private NumberText() {}

    /** @param base 2 to 36, or 0 to take it from the text */
    static Integral integral(CharSequence text, int base) {
        int at = 0;
        int length = text.length();
        while (at < length && Characters.isSpace(text.charAt(at))) {
            at++;
        }
        boolean negative = at < length && text.charAt(at) == '-';
        if (at < length && (text.charAt(at) == '-' || text.charAt(at) == '+')) {
            at++;
        }
        int radix = base;
        boolean zero = at < length && text.charAt(at) == '0';
        boolean prefix = zero && at + 1 < length && (text.charAt(at + 1) | 0x20) == 'x';
        if (radix == 0) {
            radix = prefix ? 16 : zero ? 8 : 10;
        }
        if (radix == 16 && prefix) {
            at += 2;
        }
        int start = at;
        long value = 0;
        boolean overflow = false;
        while (at < length) {
            int digit = digit(text.charAt(at), radix);
            if (digit < 0) {
                break;
            }
            overflow |= Math.unsignedMultiplyHigh(value, radix) != 0;
            long next = value * radix + digit;
            overflow |= Long.compareUnsigned(next, value * radix) < 0;
            value = next;
            at++;
        }
        return new Integral(overflow ? -1 : value, negative, overflow, at == start ? 0 : at);
    }

    private static int digit(char c, int radix) {
        return c > 0x7F ? -1 : Character.digit(c, radix);
    }

    static Floating floating(CharSequence text) {
        int at = 0;
        int length = text.length();
        while (at < length && Characters.isSpace(text.charAt(at))) {
            at++;
        }
        int start = at;
        if (at < length && (text.charAt(at) == '-' || text.charAt(at) == '+')) {
            at++;
        }
        int digits = 0;
        while (at < length && Characters.isDigit(text.charAt(at))) {
            at++;
            digits++;
        }
        if (at < length && text.charAt(at) == '.') {
            at++;
            while (at < length && Characters.isDigit(text.charAt(at))) {
                at++;
                digits++;
            }
        }
        if (digits == 0) {
            return new Floating(0, 0);
        }
        int end = at;
        // The library takes Fortran's letter for an exponent too.
        if (at < length && "eEdD".indexOf(text.charAt(at)) >= 0) {
            at++;
            if (at < length && (text.charAt(at) == '-' || text.charAt(at) == '+')) {
                at++;
            }
            int exponent = at;
            while (at < length && Characters.isDigit(text.charAt(at))) {
                at++;
            }
            if (at > exponent) {
                end = at;
            }
        }
        String number =
                text.subSequence(start, end).toString().replace('d', 'e').replace('D', 'e');
        return new Floating(Double.parseDouble(number), end);
    }
}
