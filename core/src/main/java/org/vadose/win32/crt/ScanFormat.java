package org.vadose.win32.crt;

import java.util.function.LongSupplier;
import org.vadose.memory.Memory;

/** The {@code scanf} family's reading, with Microsoft's sizes and {@code %S}. */
final class ScanFormat {
    /** Characters to read, one at a time with one to put back. */
    interface Input {
        /** The next character, or -1. */
        int next();

        void putBack(int c);
    }

    private static final int END = -1;

    private final Memory memory;
    private final Input input;
    private final LongSupplier arguments;
    private final boolean isWide;
    private int read;
    private int stored;

    ScanFormat(Memory memory, Input input, LongSupplier arguments, boolean isWide) {
        this.memory = memory;
        this.input = input;
        this.arguments = arguments;
        this.isWide = isWide;
    }

    private int next() {
        int c = input.next();
        if (c != END) {
            read++;
        }
        return c;
    }

    private void putBack(int c) {
        if (c != END) {
            input.putBack(c);
            read--;
        }
    }

    private int skipSpace() {
        int c = next();
        while (c != END && Characters.isSpace(c)) {
            c = next();
        }
        return c;
    }

    /** Reads as the format says; returns how many values were stored, -1 when input ended before the first. */
    int scan(String format) {
        boolean any = false;
        for (int at = 0; at < format.length(); at++) {
            char f = format.charAt(at);
            if (Characters.isSpace(f)) {
                putBack(skipSpace());
                continue;
            }
            if (f != '%' || at + 1 < format.length() && format.charAt(at + 1) == '%') {
                at += f == '%' ? 1 : 0;
                int c = next();
                if (c != f) {
                    putBack(c);
                    return c == END && !any ? END : stored;
                }
                continue;
            }
            Conversion conversion = new Conversion();
            at = conversion.parse(format, at + 1);
            int before = stored;
            Outcome outcome = conversion.perform();
            if (outcome != Outcome.DONE) {
                return outcome == Outcome.ENDED && !any ? END : stored;
            }
            any |= stored > before || conversion.suppressed;
        }
        return stored;
    }

    private enum Outcome {
        DONE,
        MISMATCH,
        ENDED
    }

    private final class Conversion {
        private boolean suppressed;
        private int width;
        private int integerBytes = 4;
        private boolean isLong;
        private boolean isShort;
        private char type;
        private String set = "";

        int parse(String format, int start) {
            int at = start;
            if (at < format.length() && format.charAt(at) == '*') {
                suppressed = true;
                at++;
            }
            while (at < format.length() && Characters.isDigit(format.charAt(at))) {
                width = width * 10 + format.charAt(at++) - '0';
            }
            at = size(format, at);
            if (at >= format.length()) {
                return at;
            }
            type = format.charAt(at);
            if (type == '[') {
                int end = format.indexOf(
                        ']', at + (format.startsWith("[^]", at) ? 3 : format.startsWith("[]", at) ? 2 : 1));
                end = end < 0 ? format.length() - 1 : end;
                set = format.substring(at + 1, end);
                return end;
            }
            return at;
        }

        private int size(String format, int start) {
            int at = start;
            while (at < format.length()) {
                switch (format.charAt(at)) {
                    case 'h' -> {
                        integerBytes = isShort ? 1 : 2;
                        isShort = true;
                    }
                    case 'l' -> {
                        integerBytes = isLong ? 8 : 4;
                        isLong = true;
                    }
                    case 'L', 'w' -> isLong = true;
                    case 'z', 'j', 't' -> integerBytes = 8;
                    case 'I' -> {
                        boolean is32 = format.startsWith("I32", at);
                        integerBytes = is32 ? 4 : 8;
                        at += is32 || format.startsWith("I64", at) ? 2 : 0;
                    }
                    default -> {
                        return at;
                    }
                }
                at++;
            }
            return at;
        }

        private int limit() {
            return width == 0 ? Integer.MAX_VALUE : width;
        }

        Outcome perform() {
            return switch (type) {
                case 'd', 'u' -> integer(10);
                case 'i' -> integer(0);
                case 'o' -> integer(8);
                case 'x', 'X' -> integer(16);
                case 'p' -> {
                    integerBytes = 8;
                    yield integer(16);
                }
                case 'e', 'E', 'f', 'g', 'G', 'a' -> floating();
                case 's' -> text(wideTarget(isWide));
                case 'S' -> text(wideTarget(!isWide));
                case 'c' -> characters(wideTarget(isWide));
                case 'C' -> characters(wideTarget(!isWide));
                case '[' -> members(wideTarget(isWide));
                case 'n' -> {
                    if (!suppressed) {
                        memory.writeInt(arguments.getAsLong(), read);
                    }
                    yield Outcome.DONE;
                }
                default -> Outcome.MISMATCH;
            };
        }

        private boolean wideTarget(boolean byDefault) {
            return isShort ? false : isLong || byDefault;
        }

        private Outcome integer(int base) {
            int c = skipSpace();
            if (c == END) {
                return Outcome.ENDED;
            }
            StringBuilder text = new StringBuilder();
            int limit = limit();
            if ((c == '-' || c == '+') && limit > 1) {
                text.append((char) c);
                c = next();
            }
            int radix = base;
            if (c == '0' && text.length() < limit) {
                text.append('0');
                c = next();
                if ((c == 'x' || c == 'X') && (radix == 0 || radix == 16) && text.length() < limit) {
                    text.append((char) c);
                    c = next();
                    radix = 16;
                } else if (radix == 0) {
                    radix = 8;
                }
            } else if (radix == 0) {
                radix = 10;
            }
            while (c != END && c < 0x80 && Character.digit(c, radix) >= 0 && text.length() < limit) {
                text.append((char) c);
                c = next();
            }
            putBack(c);
            NumberText.Integral number = NumberText.integral(text, radix);
            boolean isPrefixAlone =
                    radix == 16 && text.length() > 0 && "xX".indexOf(text.charAt(text.length() - 1)) >= 0;
            if (number.end() == 0 || isPrefixAlone) {
                return Outcome.MISMATCH;
            }
            if (!suppressed) {
                store(number.isNegative() ? -number.magnitude() : number.magnitude());
            }
            return Outcome.DONE;
        }

        private void store(long value) {
            long at = arguments.getAsLong();
            switch (integerBytes) {
                case 1 -> memory.writeByte(at, (byte) value);
                case 2 -> memory.writeShort(at, (short) value);
                case 8 -> memory.writeLong(at, value);
                default -> memory.writeInt(at, (int) value);
            }
            stored++;
        }

        private Outcome floating() {
            int c = skipSpace();
            if (c == END) {
                return Outcome.ENDED;
            }
            StringBuilder text = new StringBuilder();
            boolean point = false;
            boolean exponent = false;
            while (c != END && text.length() < limit()) {
                boolean afterExponent = !text.isEmpty() && "eE".indexOf(text.charAt(text.length() - 1)) >= 0;
                if ((c == '-' || c == '+') && (text.isEmpty() || afterExponent)) {
                    text.append((char) c);
                } else if (c == '.' && !point && !exponent) {
                    point = true;
                    text.append('.');
                } else if ((c == 'e' || c == 'E') && !exponent && hasDigit(text)) {
                    exponent = true;
                    text.append((char) c);
                } else if (Characters.isDigit(c)) {
                    text.append((char) c);
                } else {
                    break;
                }
                c = next();
            }
            putBack(c);
            NumberText.Floating number = NumberText.floating(text);
            if (number.end() == 0) {
                return Outcome.MISMATCH;
            }
            if (!suppressed) {
                long at = arguments.getAsLong();
                if (isLong) {
                    memory.writeLong(at, Double.doubleToRawLongBits(number.value()));
                } else {
                    memory.writeInt(at, Float.floatToRawIntBits((float) number.value()));
                }
                stored++;
            }
            return Outcome.DONE;
        }

        private static boolean hasDigit(CharSequence text) {
            return text.chars().anyMatch(Characters::isDigit);
        }

        private Outcome text(boolean wideTarget) {
            int c = skipSpace();
            if (c == END) {
                return Outcome.ENDED;
            }
            StringBuilder text = new StringBuilder();
            while (c != END && !Characters.isSpace(c) && text.length() < limit()) {
                text.append((char) c);
                c = next();
            }
            putBack(c);
            storeText(text, wideTarget, true);
            return Outcome.DONE;
        }

        private Outcome characters(boolean wideTarget) {
            StringBuilder text = new StringBuilder();
            int wanted = width == 0 ? 1 : width;
            while (text.length() < wanted) {
                int c = next();
                if (c == END) {
                    return text.isEmpty() ? Outcome.ENDED : Outcome.MISMATCH;
                }
                text.append((char) c);
            }
            storeText(text, wideTarget, false);
            return Outcome.DONE;
        }

        private Outcome members(boolean wideTarget) {
            StringBuilder text = new StringBuilder();
            int c = next();
            if (c == END) {
                return Outcome.ENDED;
            }
            while (c != END && isMember((char) c) && text.length() < limit()) {
                text.append((char) c);
                c = next();
            }
            putBack(c);
            if (text.isEmpty()) {
                return Outcome.MISMATCH;
            }
            storeText(text, wideTarget, true);
            return Outcome.DONE;
        }

        private boolean isMember(char c) {
            boolean negated = set.startsWith("^");
            boolean found = false;
            for (int i = negated ? 1 : 0; i < set.length(); i++) {
                if (i + 2 < set.length() && set.charAt(i + 1) == '-') {
                    found |= c >= Math.min(set.charAt(i), set.charAt(i + 2))
                            && c <= Math.max(set.charAt(i), set.charAt(i + 2));
                    i += 2;
                } else {
                    found |= c == set.charAt(i);
                }
            }
            return found != negated;
        }

        private void storeText(StringBuilder text, boolean wideTarget, boolean terminated) {
            if (suppressed) {
                return;
            }
            long at = arguments.getAsLong();
            String all = terminated ? text + "\0" : text.toString();
            memory.write(
                    at, wideTarget ? all.getBytes(java.nio.charset.StandardCharsets.UTF_16LE) : GuestText.toBytes(all));
            stored++;
        }
    }
}
