package org.vadose.win32.crt;

import java.nio.charset.Charset;
import org.jspecify.annotations.Nullable;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestProcess;

/**
 * {@code ctype.h} and {@code wctype.h}. What a byte is stands in the library's table, which {@code setlocale} changes; in the "C"
 * locale only ASCII has letters.
 */
final class Characters {
    // Bits of the classification table that _pctype points to.
    private static final int UPPER = 0x1;
    private static final int LOWER = 0x2;
    private static final int DIGIT = 0x4;
    private static final int SPACE = 0x8;
    private static final int PUNCTUATION = 0x10;
    private static final int CONTROL = 0x20;
    private static final int BLANK = 0x40;
    private static final int HEX = 0x80;
    private static final int ALPHABETIC = 0x100;
    private static final int LETTER = UPPER | LOWER | ALPHABETIC;

    private static final String TABLE = "__crt_ctype_table";
    private static final int TABLE_ENTRIES = 257;

    private static final char NO_BREAK_SPACE = 0xA0;
    private static final char LAST_SIGN = 0xBF;
    /** Of a byte that the code page does not have. */
    private static final char NO_CHARACTER = 0xFFFD;

    private Characters() {}

    static void addTo(ApiModule msvcrt) {
        addClass(msvcrt, "alpha", LETTER);
        addClass(msvcrt, "upper", UPPER);
        addClass(msvcrt, "lower", LOWER);
        addClass(msvcrt, "digit", DIGIT);
        addClass(msvcrt, "xdigit", HEX);
        addClass(msvcrt, "space", SPACE);
        addClass(msvcrt, "punct", PUNCTUATION);
        addClass(msvcrt, "alnum", LETTER | DIGIT);
        addClass(msvcrt, "print", BLANK | PUNCTUATION | LETTER | DIGIT);
        addClass(msvcrt, "graph", PUNCTUATION | LETTER | DIGIT);
        addClass(msvcrt, "cntrl", CONTROL);
        msvcrt.function("tolower", call -> Locales.toLower(call, call.intArg(0)))
                .function("toupper", call -> Locales.toUpper(call, call.intArg(0)))
                .function("_tolower", call -> call.intArg(0) + 32)
                .function("_toupper", call -> call.intArg(0) - 32)
                .function("towlower", call -> toLower(call.intArg(0) & 0xFFFF))
                .function("towupper", call -> toUpper(call.intArg(0) & 0xFFFF))
                .function("__isascii", call -> (call.intArg(0) & ~0x7F) == 0 ? 1 : 0)
                .function("isascii", call -> (call.intArg(0) & ~0x7F) == 0 ? 1 : 0)
                .function("__toascii", call -> call.intArg(0) & 0x7F)
                .function("__iscsym", call -> isWord(call.intArg(0)) || is(call.intArg(0), DIGIT) ? 1 : 0)
                .function("__iscsymf", call -> isWord(call.intArg(0)) ? 1 : 0)
                .function("_isctype", call -> classes(call, call.intArg(0)) & call.intArg(1))
                .function("iswctype", call -> classes(call.intArg(0) & 0xFFFF) & call.intArg(1))
                .function("__pctype_func", call -> CrtState.of(call).variable(TABLE) + 2)
                .data(TABLE, 2 * TABLE_ENTRIES, (process, at) -> {
                    CrtState.of(process).placed(TABLE, at);
                    fillTable(process, null);
                })
                .data(
                        "_pctype",
                        Long.BYTES,
                        (process, at) -> process.memory()
                                .writeLong(at, CrtState.of(process).variable(TABLE) + 2))
                .data(
                        "__mb_cur_max",
                        Integer.BYTES,
                        (process, at) -> process.memory().writeInt(at, 1))
                .function("___mb_cur_max_func", call -> 1);
    }

    private static void addClass(ApiModule msvcrt, String name, int mask) {
        msvcrt.function("is" + name, call -> classes(call, call.intArg(0)) & mask)
                .function("isw" + name, call -> classes(call.intArg(0) & 0xFFFF) & mask);
    }

    /** What a byte is in the present locale. */
    private static int classes(ApiCall call, int c) {
        return c < -1 || c > 0xFF
                ? 0
                : call.memory().readUnsignedShort(CrtState.of(call).variable(TABLE) + 2L * (c + 1));
    }

    /** @param charset of the bytes beyond ASCII; null in the "C" locale */
    static void fillTable(GuestProcess process, @Nullable Charset charset) {
        long table = CrtState.of(process).variable(TABLE);
        for (int c = -1; c < 256; c++) {
            int classes = charset == null || c < 0x80
                    ? classes(c)
                    : classesOf(new String(new byte[] {(byte) c}, charset).charAt(0));
            process.memory().writeShort(table + 2L * (c + 1), (short) classes);
        }
    }

    /** As {@code GetStringType} has them: signs of Latin-1 are punctuation, even letters among them, other symbols nothing. */
    private static int classesOf(char c) {
        if (c < NO_BREAK_SPACE || c == NO_CHARACTER) {
            return CONTROL;
        }
        if (c == NO_BREAK_SPACE) {
            return SPACE | BLANK;
        }
        int sign = c <= LAST_SIGN ? PUNCTUATION : 0;
        if (Character.isLetter(c)) {
            return sign | ALPHABETIC | (Character.isUpperCase(c) ? UPPER : Character.isLowerCase(c) ? LOWER : 0);
        }
        return switch (Character.getType(c)) {
            case Character.OTHER_NUMBER -> sign | (c == 0xB2 || c == 0xB3 || c == 0xB9 ? DIGIT : 0);
            case Character.FORMAT -> sign | CONTROL;
            case Character.CONNECTOR_PUNCTUATION,
                    Character.DASH_PUNCTUATION,
                    Character.START_PUNCTUATION,
                    Character.END_PUNCTUATION,
                    Character.INITIAL_QUOTE_PUNCTUATION,
                    Character.FINAL_QUOTE_PUNCTUATION,
                    Character.OTHER_PUNCTUATION -> PUNCTUATION;
            default -> c <= 0xFF ? PUNCTUATION : sign;
        };
    }

    private static boolean isWord(int c) {
        return c == '_' || is(c, LETTER);
    }

    private static boolean is(int c, int mask) {
        return (classes(c) & mask) != 0;
    }

    static boolean isSpace(int c) {
        return is(c, SPACE);
    }

    static boolean isDigit(int c) {
        return c >= '0' && c <= '9';
    }

    /** The table's bits for a character code; 0 for end-of-file and all beyond ASCII. */
    static int classes(int c) {
        if (c < 0 || c > 0x7F) {
            return 0;
        }
        if (c >= '0' && c <= '9') {
            return DIGIT | HEX;
        }
        if (c >= 'A' && c <= 'Z') {
            return UPPER | (c <= 'F' ? HEX : 0);
        }
        if (c >= 'a' && c <= 'z') {
            return LOWER | (c <= 'f' ? HEX : 0);
        }
        if (c == ' ') {
            return SPACE | BLANK;
        }
        if (c >= '\t' && c <= '\r') {
            return SPACE | CONTROL;
        }
        return c < ' ' || c == 0x7F ? CONTROL : PUNCTUATION;
    }

    static int toLower(int c) {
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    }

    static int toUpper(int c) {
        return c >= 'a' && c <= 'z' ? c - 32 : c;
    }
}
