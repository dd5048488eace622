package org.vadose.win32.crt;

import org.vadose.win32.ApiModule;

/** {@code ctype.h} and {@code wctype.h} in the "C" locale, where only ASCII has letters. */
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
        msvcrt.function("tolower", call -> toLower(call.intArg(0)))
                .function("toupper", call -> toUpper(call.intArg(0)))
                .function("_tolower", call -> call.intArg(0) + 32)
                .function("_toupper", call -> call.intArg(0) - 32)
                .function("towlower", call -> toLower(call.intArg(0) & 0xFFFF))
                .function("towupper", call -> toUpper(call.intArg(0) & 0xFFFF))
                .function("__isascii", call -> (call.intArg(0) & ~0x7F) == 0 ? 1 : 0)
                .function("isascii", call -> (call.intArg(0) & ~0x7F) == 0 ? 1 : 0)
                .function("__toascii", call -> call.intArg(0) & 0x7F)
                .function("__iscsym", call -> isWord(call.intArg(0)) || is(call.intArg(0), DIGIT) ? 1 : 0)
                .function("__iscsymf", call -> isWord(call.intArg(0)) ? 1 : 0)
                .function("_isctype", call -> classes(call.intArg(0)) & call.intArg(1))
                .function("iswctype", call -> classes(call.intArg(0) & 0xFFFF) & call.intArg(1))
                .function("__pctype_func", call -> CrtState.of(call).variable(TABLE) + 2)
                .data(TABLE, 2 * TABLE_ENTRIES, (process, at) -> {
                    CrtState.of(process).placed(TABLE, at);
                    for (int c = -1; c < 256; c++) {
                        process.memory().writeShort(at + 2L * (c + 1), (short) classes(c));
                    }
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
        msvcrt.function("is" + name, call -> classes(call.intArg(0)) & mask)
                .function("isw" + name, call -> classes(call.intArg(0) & 0xFFFF) & mask);
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
