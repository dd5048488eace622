package org.vadose.debug;

import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.vadose.target.UnreadableMemoryException;

/**
 * Evaluates MASM-style expressions, the debuggers' default: numbers are hexadecimal unless they say otherwise, names are registers
 * ({@code @rax}) or symbols ({@code nt!MmPfnDatabase}), {@code poi(x)} reads memory. All arithmetic is on 64 bits, unsigned.
 *
 * <pre>
 * or          xor      {(| | or) xor}
 * xor         and      {(^ | xor) and}
 * and         compare  {(& | and) compare}
 * compare     shift    {(== | = | != | < | > | <= | >=) shift}
 * shift       sum      {(<< | >> | >>>) sum}
 * sum         product  {(+ | -) product}
 * product     unary    {(* | / | % | mod) unary}
 * unary       [+ | - | ~ | not | hi | low | by | wo | dwo | qwo | poi] unary, (or), [or], number, name
 * </pre>
 */
final class Expression {
    private static final int MAXIMUM_DEPTH = 200;

    private final String text;
    private final Names names;
    private int at;
    private int depth;

    /** What an expression can name or read. */
    interface Names {
        /**
         * Value of a register, pseudo-register, module or symbol.
         *
         * @throws CommandException if there is none of that name
         */
        long resolve(String name);

        /** Little-endian number of 1, 2, 4 or 8 bytes at a virtual address. */
        long read(long address, int sizeBytes);

        /** 16 by default. */
        int radix();
    }

    private Expression(String text, Names names) {
        this.text = text;
        this.names = names;
    }

    /** Evaluates all of {@code text}. */
    static long evaluate(String text, Names names) {
        Expression expression = new Expression(text, names);
        long value = expression.or();
        expression.skipBlanks();
        if (expression.at < text.length()) {
            throw new CommandException("Extra character error in '" + text.substring(expression.at) + "'");
        }
        return value;
    }

    private long or() {
        if (++depth > MAXIMUM_DEPTH) {
            throw new CommandException("Overflow error in '" + text + "'");
        }
        long value = xor();
        while (true) {
            if (operator("|") || word("or")) {
                value |= xor();
            } else {
                depth--;
                return value;
            }
        }
    }

    private long xor() {
        long value = and();
        while (operator("^") || word("xor")) {
            value ^= and();
        }
        return value;
    }

    private long and() {
        long value = comparison();
        while (operator("&") || word("and")) {
            value &= comparison();
        }
        return value;
    }

    private long comparison() {
        long value = shift();
        while (true) {
            if (operator("==") || !startsWith("==") && operator("=")) {
                value = bit(value == shift());
            } else if (operator("!=")) {
                value = bit(value != shift());
            } else if (operator("<=")) {
                value = bit(Long.compareUnsigned(value, shift()) <= 0);
            } else if (operator(">=")) {
                value = bit(Long.compareUnsigned(value, shift()) >= 0);
            } else if (!startsWith("<<") && operator("<")) {
                value = bit(Long.compareUnsigned(value, shift()) < 0);
            } else if (!startsWith(">>") && operator(">")) {
                value = bit(Long.compareUnsigned(value, shift()) > 0);
            } else {
                return value;
            }
        }
    }

    private static long bit(boolean value) {
        return value ? 1 : 0;
    }

    private long shift() {
        long value = sum();
        while (true) {
            if (operator("<<")) {
                long count = sum();
                value = Long.compareUnsigned(count, 64) < 0 ? value << count : 0;
            } else if (operator(">>>")) {
                value >>= Math.min(63, sum() & 0xFF);
            } else if (operator(">>")) {
                long count = sum();
                value = Long.compareUnsigned(count, 64) < 0 ? value >>> count : 0;
            } else {
                return value;
            }
        }
    }

    private long sum() {
        long value = product();
        while (true) {
            if (operator("+")) {
                value += product();
            } else if (operator("-")) {
                value -= product();
            } else {
                return value;
            }
        }
    }

    private long product() {
        long value = unary();
        while (true) {
            if (operator("*")) {
                value *= unary();
            } else if (operator("/")) {
                value = Long.divideUnsigned(value, divisor());
            } else if (operator("%") || word("mod")) {
                value = Long.remainderUnsigned(value, divisor());
            } else {
                return value;
            }
        }
    }

    private long divisor() {
        long value = unary();
        if (value == 0) {
            throw new CommandException("Divide by zero error in '" + text + "'");
        }
        return value;
    }

    private long unary() {
        if (++depth > MAXIMUM_DEPTH) {
            throw new CommandException("Overflow error in '" + text + "'");
        }
        try {
            return unaryInner();
        } finally {
            depth--;
        }
    }

    private long unaryInner() {
        if (operator("-")) {
            return -unary();
        }
        if (operator("+")) {
            return unary();
        }
        if (operator("~")) {
            return ~unary();
        }
        if (operator("(") || operator("[")) {
            char close = text.charAt(at - 1) == '(' ? ')' : ']';
            long value = or();
            if (!operator(String.valueOf(close))) {
                throw syntax();
            }
            return value;
        }
        skipBlanks();
        int start = at;
        while (at < text.length() && isNameCharacter(text.charAt(at), at > start) && !text.startsWith("!=", at)) {
            at++;
        }
        if (start == at) {
            throw syntax();
        }
        String name = text.substring(start, at);
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "poi", "qwo" -> read(8);
            case "dwo" -> read(4);
            case "wo" -> read(2);
            case "by" -> read(1);
            case "low" -> unary() & 0xFFFF;
            case "hi" -> unary() >>> 16 & 0xFFFF;
            case "not" -> bit(unary() == 0);
            default -> atom(name);
        };
    }

    private long read(int sizeBytes) {
        int start = at;
        long address = unary();
        try {
            return names.read(address, sizeBytes);
        } catch (UnreadableMemoryException e) {
            throw new CommandException(
                    "Memory access error at '" + text.substring(start).strip() + "'");
        }
    }

    private long atom(String name) {
        Long number = number(name);
        return number != null ? number : names.resolve(name);
    }

    /** A number in any of the notations, or null if the name is none. */
    private @Nullable Long number(String name) {
        String digits = name.replace("`", "");
        int radix = names.radix();
        if (digits.length() > 2 && digits.charAt(0) == '0') {
            int prefix = switch (Character.toLowerCase(digits.charAt(1))) {
                case 'x' -> 16;
                case 'n' -> 10;
                case 't' -> 8;
                case 'y' -> 2;
                default -> 0;
            };
            if (prefix != 0) {
                radix = prefix;
                digits = digits.substring(2);
            }
        }
        if (digits.length() > 1
                && radix == names.radix()
                && Character.isDigit(digits.charAt(0))
                && Character.toLowerCase(digits.charAt(digits.length() - 1)) == 'h') {
            radix = 16;
            digits = digits.substring(0, digits.length() - 1);
        }
        for (int i = 0; i < digits.length(); i++) {
            if (Character.digit(digits.charAt(i), radix) < 0) {
                return null;
            }
        }
        if (digits.isEmpty()) {
            return null;
        }
        try {
            return Long.parseUnsignedLong(digits, radix);
        } catch (NumberFormatException e) {
            throw new CommandException("Overflow error in '" + name + "'");
        }
    }

    private static boolean isNameCharacter(char c, boolean inside) {
        return Character.isLetterOrDigit(c)
                || c == '_'
                || c == '@'
                || c == '$'
                || c == '?'
                || c == '`'
                || inside && (c == '!' || c == ':' || c == '.');
    }

    private CommandException syntax() {
        return new CommandException("Syntax error in '" + text.substring(Math.min(at, text.length())) + "'");
    }

    private boolean startsWith(String operator) {
        skipBlanks();
        return text.startsWith(operator, at);
    }

    private boolean operator(String operator) {
        if (!startsWith(operator)) {
            return false;
        }
        at += operator.length();
        return true;
    }

    private boolean word(String word) {
        skipBlanks();
        int end = at + word.length();
        if (!text.regionMatches(true, at, word, 0, word.length())
                || end < text.length() && isNameCharacter(text.charAt(end), true)) {
            return false;
        }
        at = end;
        return true;
    }

    private void skipBlanks() {
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
    }
}
