package org.vadose.win32.crt;

import java.util.function.LongSupplier;
import org.vadose.memory.Memory;

/**
 * The {@code printf} family's formatting, as {@code msvcrt.dll} does it: Microsoft's sizes ({@code I64}, {@code I32}, {@code I},
 * {@code w}), {@code %S} for strings of the other width, 16 upper-case digits for {@code %p}, exponents of three digits,
 * {@code %n} refused, an unknown conversion printed as it stands.
 */
final class PrintFormat {
    /** What {@code printf} returns when it cannot go on. */
    static final class Invalid extends RuntimeException {
        private static final long serialVersionUID = 1;

        Invalid() {
            super(null, null, false, false);
        }
    }

    private static final int LONGEST_PADDING = 1 << 24;
    private static final String NULL_TEXT = "(null)";

    private static final int LEFT = 1;
    private static final int PLUS = 2;
    private static final int SPACE = 4;
    private static final int ALTERNATE = 8;
    private static final int ZERO = 16;

    private final Memory memory;
    private final LongSupplier arguments;
    private final boolean isWide;
    private final int exponentDigits;
    private final StringBuilder output = new StringBuilder();

    private int flags;
    private int width;
    private int precision;
    private Size size = Size.PLAIN;

    private enum Size {
        PLAIN,
        SHORT,
        LONG,
        WIDE,
        INT64
    }

    /**
     * @param arguments eight bytes each; a floating argument by its bits
     * @param isWide whether the function is one of the wide ones, in which {@code %s} is a wide string
     * @param exponentDigits fewest digits of an exponent: 3, or 2 after {@code _set_output_format}
     */
    PrintFormat(Memory memory, LongSupplier arguments, boolean isWide, int exponentDigits) {
        this.memory = memory;
        this.arguments = arguments;
        this.isWide = isWide;
        this.exponentDigits = exponentDigits;
    }

    /**
     * The text; of a narrow function each character is a byte.
     *
     * @throws Invalid when the format asks for what is refused
     */
    CharSequence format(String format) {
        int length = format.length();
        int at = 0;
        while (at < length) {
            int percent = format.indexOf('%', at);
            if (percent < 0) {
                output.append(format, at, length);
                break;
            }
            output.append(format, at, percent);
            at = conversion(format, percent + 1);
        }
        return output;
    }

    /** Handles what follows a percent sign; returns where it ends. */
    private int conversion(String format, int start) {
        int at = flags(format, start);
        at = width(format, at);
        at = precision(format, at);
        at = size(format, at);
        if (at < format.length()) {
            convert(format.charAt(at));
        }
        return at + 1;
    }

    private int flags(String format, int start) {
        flags = 0;
        int at = start;
        while (at < format.length()) {
            int flag = switch (format.charAt(at)) {
                case '-' -> LEFT;
                case '+' -> PLUS;
                case ' ' -> SPACE;
                case '#' -> ALTERNATE;
                case '0' -> ZERO;
                default -> 0;
            };
            if (flag == 0) {
                break;
            }
            flags |= flag;
            at++;
        }
        return at;
    }

    private boolean has(int flag) {
        return (flags & flag) != 0;
    }

    private int width(String format, int start) {
        width = 0;
        if (start < format.length() && format.charAt(start) == '*') {
            width = Math.clamp((int) arguments.getAsLong(), -LONGEST_PADDING, LONGEST_PADDING);
            if (width < 0) {
                flags |= LEFT;
                width = -width;
            }
            return start + 1;
        }
        int at = start;
        while (at < format.length() && isDigit(format.charAt(at))) {
            width = Math.min(width * 10 + format.charAt(at++) - '0', LONGEST_PADDING);
        }
        return at;
    }

    private int precision(String format, int start) {
        precision = -1;
        if (start >= format.length() || format.charAt(start) != '.') {
            return start;
        }
        int at = start + 1;
        if (at < format.length() && format.charAt(at) == '*') {
            precision = Math.clamp((int) arguments.getAsLong(), -1, LONGEST_PADDING);
            return at + 1;
        }
        precision = 0;
        while (at < format.length() && isDigit(format.charAt(at))) {
            precision = Math.min(precision * 10 + format.charAt(at++) - '0', LONGEST_PADDING);
        }
        return at;
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private int size(String format, int start) {
        size = Size.PLAIN;
        int at = start;
        while (at < format.length()) {
            switch (format.charAt(at)) {
                case 'h' -> size = Size.SHORT;
                case 'l' -> size = size == Size.LONG ? Size.INT64 : Size.LONG;
                case 'w' -> size = Size.WIDE;
                case 'L', 'N' -> {
                    // A long double is a double here.
                }
                case 'z', 'j', 't' -> size = Size.INT64;
                case 'I' -> {
                    if (format.startsWith("I64", at)) {
                        size = Size.INT64;
                        at += 2;
                    } else if (format.startsWith("I32", at)) {
                        size = Size.PLAIN;
                        at += 2;
                    } else {
                        size = Size.INT64;
                    }
                }
                default -> {
                    return at;
                }
            }
            at++;
        }
        return at;
    }

    private void convert(char type) {
        switch (type) {
            case 'd', 'i' -> signed();
            case 'u' -> integer(unsignedArgument(), 10, false, "");
            case 'o' -> octal();
            case 'x' -> hexadecimal(false);
            case 'X' -> hexadecimal(true);
            case 'p' -> pointer();
            case 'c' -> character(isWideText(isWide));
            case 'C' -> character(isWideText(!isWide));
            case 's' -> string(isWideText(isWide));
            case 'S' -> string(isWideText(!isWide));
            case 'Z' -> countedString();
            case 'e', 'E', 'f', 'F', 'g', 'G', 'a', 'A' -> floating(type);
            case 'n' -> throw new Invalid();
            default -> output.append(type);
        }
    }

    private boolean isWideText(boolean byDefault) {
        return switch (size) {
            case SHORT -> false;
            case LONG, WIDE, INT64 -> true;
            default -> byDefault;
        };
    }

    // ---- numbers
    // -----------------------------------------------------------------------------------------------------

    private long unsignedArgument() {
        long value = arguments.getAsLong();
        return switch (size) {
            case INT64 -> value;
            case SHORT -> value & 0xFFFF;
            default -> value & 0xFFFF_FFFFL;
        };
    }

    private void signed() {
        long value = arguments.getAsLong();
        value = switch (size) {
            case INT64 -> value;
            case SHORT -> (short) value;
            default -> (int) value;
        };
        String sign = value < 0 ? "-" : has(PLUS) ? "+" : has(SPACE) ? " " : "";
        // The smallest number has itself for its negative, which is right when read as unsigned.
        integer(value < 0 ? -value : value, 10, false, sign);
    }

    private void hexadecimal(boolean upper) {
        long value = unsignedArgument();
        integer(value, 16, upper, has(ALTERNATE) && value != 0 ? upper ? "0X" : "0x" : "");
    }

    private void octal() {
        long value = unsignedArgument();
        String digits = digits(value, 8);
        if (has(ALTERNATE) && value != 0 && precision <= digits.length()) {
            precision = digits.length() + 1;
        }
        integer(value, 8, false, "");
    }

    private void pointer() {
        long value = arguments.getAsLong();
        precision = 16;
        integer(value, 16, true, has(ALTERNATE) ? "0X" : "");
    }

    private static String digits(long value, int radix) {
        return Long.toUnsignedString(value, radix);
    }

    private void integer(long value, int radix, boolean upper, String prefix) {
        String digits = value == 0 && precision == 0 ? "" : digits(value, radix);
        if (upper) {
            digits = digits.toUpperCase(java.util.Locale.ROOT);
        }
        if (precision > digits.length()) {
            digits = "0".repeat(precision - digits.length()) + digits;
        }
        number(prefix, digits, has(ZERO) && precision < 0);
    }

    private void number(String prefix, String digits, boolean zeroFill) {
        int padding = width - prefix.length() - digits.length();
        if (!has(LEFT) && !zeroFill) {
            pad(' ', padding);
        }
        output.append(prefix);
        if (!has(LEFT) && zeroFill) {
            pad('0', padding);
        }
        output.append(digits);
        if (has(LEFT)) {
            pad(' ', padding);
        }
    }

    private void pad(char c, int count) {
        if (count > 0) {
            output.repeat(c, count);
        }
    }

    private void floating(char type) {
        double value = Double.longBitsToDouble(arguments.getAsLong());
        boolean alternate = has(ALTERNATE);
        int digits = precision < 0 ? 6 : precision;
        String text = switch (type) {
            case 'f', 'F' -> FloatText.fixed(value, digits, alternate);
            case 'e' -> FloatText.exponential(value, digits, alternate, 'e', exponentDigits);
            case 'E' -> FloatText.exponential(value, digits, alternate, 'E', exponentDigits);
            case 'g' -> FloatText.general(value, digits, alternate, 'e', exponentDigits);
            case 'G' -> FloatText.general(value, digits, alternate, 'E', exponentDigits);
            default -> FloatText.hexadecimal(value, precision, alternate, type == 'A');
        };
        String sign = FloatText.isNegative(value) ? "-" : has(PLUS) ? "+" : has(SPACE) ? " " : "";
        number(sign, text, has(ZERO));
    }

    // ---- text
    // --------------------------------------------------------------------------------------------------------

    private void character(boolean wideArgument) {
        char c = (char) (int) arguments.getAsLong();
        if (!wideArgument) {
            c &= 0xFF;
        } else if (!isWide && c > 0xFF) {
            return;
        }
        text(String.valueOf(c));
    }

    private void string(boolean wideArgument) {
        long address = arguments.getAsLong();
        int limit = precision < 0 ? Integer.MAX_VALUE : precision;
        if (address == 0) {
            text(NULL_TEXT.substring(0, Math.min(limit, NULL_TEXT.length())));
        } else if (wideArgument) {
            text(narrowable(GuestText.wide(memory, address, limit)));
        } else {
            text(GuestText.ansi(memory, address, limit));
        }
    }

    /** {@code %Z}: an {@code ANSI_STRING} or, with a size, a {@code UNICODE_STRING}. */
    private void countedString() {
        long descriptor = arguments.getAsLong();
        long buffer = descriptor == 0 ? 0 : memory.readLong(descriptor + 8);
        if (buffer == 0) {
            text(NULL_TEXT);
            return;
        }
        int bytes = memory.readUnsignedShort(descriptor);
        text(
                size == Size.LONG || size == Size.WIDE
                        ? narrowable(memory.readUtf16(buffer, bytes))
                        : GuestText.fromBytes(memory.read(buffer, bytes)));
    }

    private String narrowable(String text) {
        if (!isWide) {
            for (int i = 0; i < text.length(); i++) {
                if (text.charAt(i) > 0xFF) {
                    throw new Invalid();
                }
            }
        }
        return text;
    }

    private void text(String text) {
        int padding = width - text.length();
        if (!has(LEFT)) {
            pad(has(ZERO) ? '0' : ' ', padding);
        }
        output.append(text);
        if (has(LEFT)) {
            pad(' ', padding);
        }
    }
}
