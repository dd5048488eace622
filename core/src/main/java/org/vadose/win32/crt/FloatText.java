package org.vadose.win32.crt;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;

/**
 * Text of floating-point numbers as {@code msvcrt.dll} prints them. It converts to 17 significant digits first, which it then rounds
 * half up to what was asked for; digits beyond the 17th are zeros (Microsoft's notes on the change to the universal CRT describe
 * this). Infinities and NaNs take part as digits: {@code 1.#INF}, {@code 1.#QNAN}, {@code 1.#IND}.
 */
final class FloatText {
    private static final int SIGNIFICANT = 17;
    private static final int MANTISSA_BITS = 52;

    private FloatText() {}

    /** Digits d1 d2 d3 ... and the power of ten of d1. */
    private record Digits(String digits, int exponent) {
        /** Rounded half up to {@code count} digits, padded with zeros; {@code count} may be 0 or less. */
        Digits round(int count) {
            if (count < 0) {
                return new Digits("", exponent);
            }
            StringBuilder text = new StringBuilder(digits);
            while (text.length() <= count) {
                text.append('0');
            }
            boolean up = text.charAt(count) >= '5';
            text.setLength(count);
            if (!up) {
                return new Digits(text.toString(), exponent);
            }
            int at = count - 1;
            while (at >= 0 && text.charAt(at) == '9') {
                text.setCharAt(at--, '0');
            }
            if (at >= 0) {
                // Letters of a NaN go up like digits do: that is how 1.#J comes about.
                text.setCharAt(at, (char) (text.charAt(at) + 1));
                return new Digits(text.toString(), exponent);
            }
            return new Digits("1" + text, exponent + 1);
        }
    }

    private static Digits digits(double value) {
        double size = Math.abs(value);
        if (Double.isInfinite(value)) {
            return new Digits("1#INF", 0);
        }
        if (Double.isNaN(value)) {
            return new Digits(isIndefinite(value) ? "1#IND" : isQuiet(value) ? "1#QNAN" : "1#SNAN", 0);
        }
        if (size == 0) {
            return new Digits("0", 0);
        }
        BigDecimal rounded = new BigDecimal(size).round(new MathContext(SIGNIFICANT, RoundingMode.HALF_EVEN));
        String unscaled = rounded.unscaledValue().toString();
        return new Digits(unscaled, unscaled.length() - 1 - rounded.scale());
    }

    /** What an invalid operation makes on x86: negative, quiet, no payload. */
    private static boolean isIndefinite(double value) {
        return Double.doubleToRawLongBits(value) == 0xFFF8_0000_0000_0000L;
    }

    private static boolean isQuiet(double value) {
        return (Double.doubleToRawLongBits(value) >>> MANTISSA_BITS - 1 & 1) != 0;
    }

    static boolean isNegative(double value) {
        return Double.doubleToRawLongBits(value) < 0;
    }

    /** {@code %f} of the absolute value. */
    static String fixed(double value, int precision, boolean alternate) {
        Digits all = digits(value);
        Digits rounded = all.round(all.exponent + 1 + precision);
        String digits = rounded.digits;
        int whole = rounded.exponent + 1;
        StringBuilder text = new StringBuilder();
        if (whole <= 0 || digits.isEmpty()) {
            text.append('0');
        } else {
            text.append(digits, 0, Math.min(whole, digits.length()));
        }
        if (precision > 0 || alternate) {
            text.append('.');
        }
        for (int i = 0; i < precision; i++) {
            int at = whole + i;
            text.append(at >= 0 && at < digits.length() ? digits.charAt(at) : '0');
        }
        return text.toString();
    }

    /** {@code %e} of the absolute value. */
    static String exponential(double value, int precision, boolean alternate, char letter, int exponentDigits) {
        Digits rounded = digits(value).round(precision + 1);
        String digits = rounded.digits.substring(0, precision + 1);
        StringBuilder text = new StringBuilder().append(digits.charAt(0));
        if (precision > 0 || alternate) {
            text.append('.');
        }
        text.append(digits, 1, digits.length());
        appendExponent(text, rounded.exponent, letter, exponentDigits);
        return text.toString();
    }

    private static void appendExponent(StringBuilder text, int exponent, char letter, int least) {
        text.append(letter).append(exponent < 0 ? '-' : '+');
        String number = Integer.toString(Math.abs(exponent));
        text.append("0".repeat(Math.max(0, least - number.length()))).append(number);
    }

    /** {@code %g} of the absolute value. */
    static String general(double value, int precision, boolean alternate, char letter, int exponentDigits) {
        int significant = precision == 0 ? 1 : precision;
        int exponent = digits(value).round(significant).exponent;
        String text;
        if (exponent < -4 || exponent >= significant) {
            text = exponential(value, significant - 1, alternate, letter, exponentDigits);
            return alternate ? text : trimmed(text, letter);
        }
        text = fixed(value, significant - 1 - exponent, alternate);
        return alternate ? text : trimmed(text, letter);
    }

    /** Without zeros at the fraction's end. */
    private static String trimmed(String text, char letter) {
        int end = text.indexOf(letter);
        String mantissa = end < 0 ? text : text.substring(0, end);
        String rest = end < 0 ? "" : text.substring(end);
        if (mantissa.indexOf('.') < 0) {
            return text;
        }
        int last = mantissa.length();
        while (mantissa.charAt(last - 1) == '0') {
            last--;
        }
        if (mantissa.charAt(last - 1) == '.') {
            last--;
        }
        return mantissa.substring(0, last) + rest;
    }

    /** {@code %a} of the absolute value; a negative precision means all 13 digits. */
    static String hexadecimal(double value, int precision, boolean alternate, boolean upper) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            return fixed(value, precision < 0 ? 6 : precision, alternate);
        }
        int count = precision < 0 ? 13 : precision;
        long bits = Double.doubleToRawLongBits(value) & Long.MAX_VALUE;
        long fraction = bits & (1L << MANTISSA_BITS) - 1;
        int exponent = (int) (bits >>> MANTISSA_BITS);
        long lead = exponent == 0 ? 0 : 1;
        int power = bits == 0 ? 0 : exponent == 0 ? -1022 : exponent - 1023;
        if (count < 13) {
            long whole = lead << MANTISSA_BITS | fraction;
            int drop = MANTISSA_BITS - 4 * count;
            whole = whole + (1L << drop - 1) >>> drop << drop;
            lead = whole >>> MANTISSA_BITS;
            fraction = whole & (1L << MANTISSA_BITS) - 1;
        }
        StringBuilder hex = new StringBuilder();
        for (int i = 0; i < count; i++) {
            hex.append(i < 13 ? Character.forDigit((int) (fraction >>> 48 - 4 * i & 0xF), 16) : '0');
        }
        String text = "0x" + lead + (count > 0 || alternate ? "." : "") + hex + "p" + (power < 0 ? "-" : "+")
                + Math.abs(power);
        return upper ? text.toUpperCase(java.util.Locale.ROOT) : text;
    }
}
