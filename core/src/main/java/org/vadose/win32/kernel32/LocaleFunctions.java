package org.vadose.win32.kernel32;

import java.text.Collator;
import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.TextStyle;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vadose.layout.TebLayout;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/** What a locale says: order and kind of characters, dates, numbers. The machine knows one, en-US. */
final class LocaleFunctions {
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int US_ENGLISH = 0x409;
    private static final int NEUTRAL_ENGLISH = 0x9;
    private static final int INVARIANT = 0x7F;
    private static final String NAME = "en-US";
    private static final String SYSTEM_DEFAULT_NAME = "!x-sys-default-locale";
    private static final int LESS = 1;
    private static final int EQUAL = 2;
    private static final int GREATER = 3;
    private static final int IGNORE_CASE = 0x1 | 0x10 | 0x0800_0000;
    private static final int LOWER = 0x100;
    private static final int UPPER = 0x200;
    private static final int SORT_KEY = 0x400;
    private static final int RETURN_NUMBER = 0x2000_0000;
    private static final int NO_USER_OVERRIDE = 0x8000_0000;
    private static final int DATE_LONG = 2;

    private static final int FIRST_DAY_NAME = 0x2A;
    private static final int FIRST_DAY_ABBREVIATION = 0x31;
    private static final int FIRST_MONTH_NAME = 0x38;
    private static final int FIRST_MONTH_ABBREVIATION = 0x44;

    /** {@code LOCALE_} numbers (winnls.h) and their values. */
    private static final Map<Integer, String> FACTS = Map.ofEntries(
            Map.entry(0x1, "0409"),
            Map.entry(0x2, "English (United States)"),
            Map.entry(0x3, "ENU"),
            Map.entry(0x4, "English"),
            Map.entry(0x5, "1"),
            Map.entry(0x6, "United States"),
            Map.entry(0x7, "USA"),
            Map.entry(0x8, "United States"),
            Map.entry(0x9, "0409"),
            Map.entry(0xB, "437"),
            Map.entry(0xC, ","),
            Map.entry(0xD, "1"),
            Map.entry(0xE, "."),
            Map.entry(0xF, ","),
            Map.entry(0x10, "3;0"),
            Map.entry(0x11, "2"),
            Map.entry(0x12, "1"),
            Map.entry(0x14, "$"),
            Map.entry(0x15, "USD"),
            Map.entry(0x16, "."),
            Map.entry(0x17, ","),
            Map.entry(0x1D, "/"),
            Map.entry(0x1E, ":"),
            Map.entry(0x1F, "M/d/yyyy"),
            Map.entry(0x20, "dddd, MMMM d, yyyy"),
            Map.entry(0x21, "0"),
            Map.entry(0x23, "0"),
            Map.entry(0x28, "AM"),
            Map.entry(0x29, "PM"),
            Map.entry(0x51, "-"),
            Map.entry(0x59, "en"),
            Map.entry(0x5A, "US"),
            Map.entry(0x5C, NAME),
            Map.entry(0x1001, "English"),
            Map.entry(0x1002, "United States"),
            Map.entry(0x1003, "h:mm:ss tt"),
            Map.entry(0x1004, "1252"),
            Map.entry(0x1007, "US Dollar"),
            Map.entry(0x1009, "1"),
            Map.entry(0x100A, "0"));

    private LocaleFunctions() {}

    static void addTo(ApiModule kernel32) {
        for (boolean wide : new boolean[] {false, true}) {
            String letter = wide ? "W" : "A";
            kernel32.function("CompareString" + letter, call -> compare(call, wide))
                    .function("LCMapString" + letter, call -> map(call, wide))
                    .function("GetStringTypeEx" + letter, call -> stringType(call, wide, 1))
                    .function("GetLocaleInfo" + letter, call -> localeInfo(call, call.intArg(1), wide))
                    .function("GetDateFormat" + letter, call -> dateFormat(call, wide))
                    .function("GetTimeFormat" + letter, call -> timeFormat(call, wide));
        }
        kernel32.function("CompareStringEx", call -> compare(call, true))
                .function("CompareStringOrdinal", LocaleFunctions::compareOrdinal)
                .function("LCMapStringEx", call -> map(call, true))
                .function("GetStringTypeA", call -> stringType(call, false, 1))
                .function("GetStringTypeW", call -> stringType(call, true, 0))
                .function("GetLocaleInfoEx", call -> localeInfo(call, call.intArg(1), true))
                .function("GetDateFormatEx", call -> dateFormat(call, true))
                .function("GetTimeFormatEx", call -> timeFormat(call, true))
                .function("GetUserDefaultLocaleName", call -> name(call, call.arg(0), call.intArg(1)))
                .function("GetSystemDefaultLocaleName", call -> name(call, call.arg(0), call.intArg(1)))
                .function("LCIDToLocaleName", call -> name(call, call.arg(1), call.intArg(2)))
                .function("LocaleNameToLCID", LocaleFunctions::number)
                .function("ConvertDefaultLocale", call -> convertDefault(call.intArg(0)))
                .function("IsValidLocale", call -> isEnglish(call.intArg(0)) ? 1 : 0)
                .function("IsValidLocaleName", call -> call.wide(call.arg(0)).equalsIgnoreCase(NAME) ? 1 : 0)
                .function("GetSystemDefaultUILanguage", call -> US_ENGLISH)
                .function("GetThreadUILanguage", call -> US_ENGLISH)
                .function(
                        "GetThreadLocale",
                        call -> call.memory().readInt(call.thread().teb() + TebLayout.CURRENT_LOCALE))
                .function("SetThreadLocale", LocaleFunctions::setThreadLocale)
                .function("SetThreadUILanguage", call -> US_ENGLISH);
    }

    /** LCIDs that stand for a default; others are themselves. */
    private static int convertDefault(int id) {
        return switch (id) {
            case 0, 0x400, 0x800, 0x9 -> US_ENGLISH;
            default -> id;
        };
    }

    /** Name, flags. */
    private static long number(ApiCall call) {
        String name = Texts.read(call, call.arg(0), true);
        if (name == null || name.equalsIgnoreCase(NAME) || name.equals(SYSTEM_DEFAULT_NAME)) {
            return US_ENGLISH;
        }
        if (name.isEmpty()) {
            return INVARIANT;
        }
        return name.equalsIgnoreCase("en") ? NEUTRAL_ENGLISH : call.fail(ERROR_INVALID_PARAMETER);
    }

    private static long setThreadLocale(ApiCall call) {
        int id = convertDefault(call.intArg(0));
        if (!isEnglish(id)) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        call.memory().writeInt(call.thread().teb() + TebLayout.CURRENT_LOCALE, id);
        return 1;
    }

    private static boolean isEnglish(int id) {
        return id == US_ENGLISH || id == 0x400 || id == 0x800 || id == 0 || id == 0x7F || id == 0x9;
    }

    /** {@code count} characters, or up to the terminator when it is negative; null for a null pointer. */
    private static @Nullable String text(ApiCall call, long at, int count, boolean wide) {
        if (at == 0 || count < 0) {
            return Texts.read(call, at, wide);
        }
        if (!wide) {
            return new String(call.memory().read(at, count), CodePages.ansi());
        }
        return call.memory().readUtf16(at, (int) Math.min(2L * count, Integer.MAX_VALUE - 1));
    }

    // --- order ---

    private static int answer(int order) {
        return order < 0 ? LESS : order > 0 ? GREATER : EQUAL;
    }

    private static long compare(ApiCall call, boolean wide) {
        String left = text(call, call.arg(2), call.intArg(3), wide);
        String right = text(call, call.arg(4), call.intArg(5), wide);
        if (left == null || right == null) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        Collator collator = Collator.getInstance(Locale.US);
        collator.setStrength((call.intArg(1) & IGNORE_CASE) != 0 ? Collator.SECONDARY : Collator.TERTIARY);
        return answer(collator.compare(left, right));
    }

    private static long compareOrdinal(ApiCall call) {
        String left = text(call, call.arg(0), call.intArg(1), true);
        String right = text(call, call.arg(2), call.intArg(3), true);
        if (left == null || right == null) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        return answer(
                call.boolArg(4)
                        ? left.toUpperCase(Locale.ROOT).compareTo(right.toUpperCase(Locale.ROOT))
                        : left.compareTo(right));
    }

    // --- mapping and kinds ---

    /** Locale, flags, source and its length, target and its length, in characters. */
    private static long map(ApiCall call, boolean wide) {
        int flags = call.intArg(1);
        int count = call.intArg(3);
        String source = text(call, call.arg(2), count, wide);
        if (source == null || count == 0 || call.intArg(5) < 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        if ((flags & SORT_KEY) != 0) {
            byte[] key = Collator.getInstance(Locale.US).getCollationKey(source).toByteArray();
            if (call.intArg(5) == 0) {
                return key.length;
            }
            if (key.length > call.intArg(5)) {
                return call.fail(Texts.ERROR_INSUFFICIENT_BUFFER);
            }
            call.memory().write(call.arg(4), key);
            return key.length;
        }
        StringBuilder mapped = new StringBuilder();
        for (int i = 0; i < source.length(); i++) {
            char c = source.charAt(i);
            mapped.append(
                    (flags & UPPER) != 0
                            ? Character.toUpperCase(c)
                            : (flags & LOWER) != 0 ? Character.toLowerCase(c) : c);
        }
        if (count < 0) {
            mapped.append('\0');
        }
        int room = call.intArg(5);
        if (room == 0) {
            return mapped.length();
        }
        if (mapped.length() > room) {
            return call.fail(Texts.ERROR_INSUFFICIENT_BUFFER);
        }
        byte[] bytes = wide
                ? mapped.toString().getBytes(java.nio.charset.StandardCharsets.UTF_16LE)
                : CodePages.encode(mapped.toString());
        call.memory().write(call.arg(4), bytes);
        return mapped.length();
    }

    private static long stringType(ApiCall call, boolean wide, int first) {
        int kind = call.intArg(first);
        int count = call.intArg(first + 2);
        String text = text(call, call.arg(first + 1), count, wide);
        if (text == null || kind < 1 || kind > 4 || Integer.bitCount(kind) != 1) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        String all = count < 0 ? text + "\0" : text;
        for (int i = 0; i < all.length(); i++) {
            char c = all.charAt(i);
            int value = kind == 1 ? classes(c) : kind == 2 ? direction(c) : Character.isLetter(c) ? 0x8000 : 0;
            call.memory().writeShort(call.arg(first + 3) + 2L * i, (short) value);
        }
        return 1;
    }

    /** CT_CTYPE1. */
    private static int classes(char c) {
        int bits = 0x200;
        bits |= Character.isUpperCase(c) ? 0x1 : 0;
        bits |= Character.isLowerCase(c) ? 0x2 : 0;
        bits |= Character.isDigit(c) ? 0x4 : 0;
        bits |= Character.isWhitespace(c) || c == 0xA0 || c == 0x85 ? 0x8 : 0;
        bits |= Character.isISOControl(c) ? 0x20 : 0;
        bits |= c == ' ' || c == '\t' || c == 0xA0 ? 0x40 : 0;
        bits |= c < 0x80 && Character.digit(c, 16) >= 0 ? 0x80 : 0;
        bits |= Character.isLetter(c) ? 0x100 : 0;
        boolean isPlain = (bits & ~0x200) == 0;
        return isPlain ? bits | 0x10 : bits;
    }

    /** CT_CTYPE2: left to right, European number, other neutral. */
    private static int direction(char c) {
        return Character.isLetter(c) ? 1 : Character.isDigit(c) ? 3 : c == 0 ? 0 : 11;
    }

    // --- facts ---

    private static long name(ApiCall call, long target, int room) {
        return put(call, target, room, NAME, true);
    }

    /** Characters written with the terminator; a room of 0 asks how many. */
    private static long put(ApiCall call, long target, int room, String text, boolean wide) {
        int needed = Texts.length(text, wide) + 1;
        if (room == 0) {
            return needed;
        }
        if (room < needed || target == 0) {
            return call.fail(room < 0 || target == 0 ? ERROR_INVALID_PARAMETER : Texts.ERROR_INSUFFICIENT_BUFFER);
        }
        Texts.write(call, target, text, wide);
        return needed;
    }

    private static long localeInfo(ApiCall call, int type, boolean wide) {
        int number = type & ~(RETURN_NUMBER | NO_USER_OVERRIDE | 0x4000_0000);
        String value = fact(number);
        if (value == null) {
            return call.fail(1004);
        }
        if ((type & RETURN_NUMBER) == 0) {
            return put(call, call.arg(2), call.intArg(3), value, wide);
        }
        if (!value.matches("\\d{1,9}")) {
            return call.fail(1004);
        }
        int chars = wide ? 2 : 4;
        if (call.intArg(3) == 0) {
            return chars;
        }
        if (call.intArg(3) < chars) {
            return call.fail(Texts.ERROR_INSUFFICIENT_BUFFER);
        }
        boolean isHex = number == 1 || number == 9;
        call.memory().writeInt(call.arg(2), Integer.parseInt(value, isHex ? 16 : 10));
        return chars;
    }

    private static @Nullable String fact(int number) {
        if (number >= FIRST_DAY_NAME && number < FIRST_DAY_NAME + 7) {
            return day(number - FIRST_DAY_NAME + 1, TextStyle.FULL);
        }
        if (number >= FIRST_DAY_ABBREVIATION && number < FIRST_DAY_ABBREVIATION + 7) {
            return day(number - FIRST_DAY_ABBREVIATION + 1, TextStyle.SHORT);
        }
        if (number >= FIRST_MONTH_NAME && number < FIRST_MONTH_NAME + 12) {
            return month(number - FIRST_MONTH_NAME + 1, TextStyle.FULL);
        }
        if (number >= FIRST_MONTH_ABBREVIATION && number < FIRST_MONTH_ABBREVIATION + 12) {
            return month(number - FIRST_MONTH_ABBREVIATION + 1, TextStyle.SHORT);
        }
        return FACTS.get(number);
    }

    /** @param day from Monday, 1 */
    private static String day(int day, TextStyle style) {
        return java.time.DayOfWeek.of(day).getDisplayName(style, Locale.US);
    }

    private static String month(int month, TextStyle style) {
        return java.time.Month.of(month).getDisplayName(style, Locale.US);
    }

    // --- dates ---

    private static @Nullable LocalDateTime time(ApiCall call) {
        Memory memory = call.memory();
        long at = call.arg(2);
        if (at == 0) {
            long unix = call.process().clock().systemTime() - 116_444_736_000_000_000L;
            return LocalDateTime.ofEpochSecond(Math.floorDiv(unix, 10_000_000L), 0, ZoneOffset.UTC);
        }
        try {
            return LocalDateTime.of(
                    memory.readUnsignedShort(at),
                    memory.readUnsignedShort(at + 2),
                    memory.readUnsignedShort(at + 6),
                    memory.readUnsignedShort(at + 8),
                    memory.readUnsignedShort(at + 10),
                    memory.readUnsignedShort(at + 12));
        } catch (DateTimeException noSuchTime) {
            return null;
        }
    }

    private static long dateFormat(ApiCall call, boolean wide) {
        boolean isLong = (call.intArg(1) & DATE_LONG) != 0;
        String standard = isLong ? "dddd, MMMM d, yyyy" : "M/d/yyyy";
        return formatted(call, wide, standard, "dMyg");
    }

    private static long timeFormat(ApiCall call, boolean wide) {
        return formatted(call, wide, "h:mm:ss tt", "hHmst");
    }

    private static long formatted(ApiCall call, boolean wide, String standard, String letters) {
        LocalDateTime time = time(call);
        if (time == null) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        String given = Texts.read(call, call.arg(3), wide);
        return put(call, call.arg(4), call.intArg(5), picture(time, given == null ? standard : given, letters), wide);
    }

    /** A format picture: runs of letters stand for parts, text in single quotes for itself. */
    private static String picture(LocalDateTime time, String format, String letters) {
        StringBuilder out = new StringBuilder();
        for (int at = 0; at < format.length(); ) {
            char c = format.charAt(at);
            if (c == '\'') {
                int close = format.indexOf('\'', at + 1);
                int end = close < 0 ? format.length() : close;
                out.append(format, at + 1, end);
                if (end == at + 1 && close >= 0) {
                    out.append('\'');
                }
                at = end + 1;
                continue;
            }
            int run = at;
            while (run < format.length() && format.charAt(run) == c) {
                run++;
            }
            out.append(letters.indexOf(c) >= 0 ? part(time, c, run - at) : format.substring(at, run));
            at = run;
        }
        return out.toString();
    }

    private static String part(LocalDateTime time, char letter, int count) {
        return switch (letter) {
            case 'd' ->
                count > 2
                        ? day(time.getDayOfWeek().getValue(), count > 3 ? TextStyle.FULL : TextStyle.SHORT)
                        : number(time.getDayOfMonth(), count);
            case 'M' ->
                count > 2
                        ? month(time.getMonthValue(), count > 3 ? TextStyle.FULL : TextStyle.SHORT)
                        : number(time.getMonthValue(), count);
            case 'y' -> count > 2 ? "%04d".formatted(time.getYear()) : number(time.getYear() % 100, count);
            case 'h' -> number((time.getHour() + 11) % 12 + 1, count);
            case 'H' -> number(time.getHour(), count);
            case 'm' -> number(time.getMinute(), count);
            case 's' -> number(time.getSecond(), count);
            case 't' -> (time.getHour() < 12 ? "AM" : "PM").substring(0, Math.min(2, count));
            default -> "";
        };
    }

    private static String number(int value, int count) {
        return count > 1 ? "%02d".formatted(value) : Integer.toString(value);
    }
}
