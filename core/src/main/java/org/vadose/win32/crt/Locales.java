package org.vadose.win32.crt;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;
import org.vadose.win32.GuestProcess;

/**
 * {@code setlocale}. There are two locales: "C", and that of the machine, the United States, with any code page of single bytes. A
 * variable of the library says for each category which: a code page, or 0 for "C".
 */
final class Locales {
    static final int ALL = 0;
    static final int CTYPE = 2;
    static final int MONETARY = 3;
    static final int NUMERIC = 4;
    static final int TIME = 5;
    private static final String[] CATEGORIES = {
        "LC_ALL", "LC_COLLATE", "LC_CTYPE", "LC_MONETARY", "LC_NUMERIC", "LC_TIME"
    };

    private static final String PAGES = "__crt_locale_pages";
    private static final String HANDLES = "__lc_handle";
    private static final String CODE_PAGE = "__lc_codepage";
    private static final String DATA = "__crt_locale_data";

    private static final String NAME = "English_United States";
    private static final int US_ENGLISH = 0x409;
    private static final int ANSI_PAGE = 1252;
    private static final int OEM_PAGE = 437;

    /** What the library takes for the language, the country, or both. */
    private static final Set<String> LANGUAGES = Set.of(
            "english",
            "american",
            "american english",
            "american-english",
            "english-american",
            "english-us",
            "english-usa",
            "enu",
            "us",
            "usa");

    private static final Set<String> COUNTRIES = Set.of("", "united states", "united-states", "america", "us", "usa");

    // struct lconv: ten strings, then eight numbers of a byte.
    private static final int STRINGS = 10;
    private static final int NUMBERS = 8;
    private static final int DATA_BYTES = 8 * STRINGS + NUMBERS;
    private static final int NOT_AVAILABLE = 127;
    private static final String[] C_STRINGS = {".", "", "", "", "", "", "", "", "", ""};
    private static final String[] US_STRINGS = {".", ",", "\3", "USD", "$", ".", ",", "\3", "", "-"};
    private static final int[] US_NUMBERS = {2, 2, 1, 0, 1, 0, 3, 0};
    /** Decimal point, thousands and grouping belong to LC_NUMERIC, the others to LC_MONETARY. */
    private static final int NUMERIC_STRINGS = 3;

    private Locales() {}

    static void addTo(ApiModule msvcrt) {
        for (String name : new String[] {PAGES, HANDLES}) {
            msvcrt.data(
                    name,
                    Integer.BYTES * CATEGORIES.length,
                    (process, at) -> CrtState.of(process).placed(name, at));
        }
        msvcrt.data(
                        CODE_PAGE,
                        Integer.BYTES,
                        (process, at) -> CrtState.of(process).placed(CODE_PAGE, at))
                .data(DATA, DATA_BYTES, Locales::initializeData)
                .function("setlocale", call -> set(call, false))
                .function("_wsetlocale", call -> set(call, true))
                .function("localeconv", call -> CrtState.of(call).variable(DATA))
                .function("___lc_codepage_func", call -> page(call, CTYPE))
                .function("___lc_handle_func", call -> CrtState.of(call).variable(HANDLES));
    }

    // --- what others ask ---

    /** The code page of a category, 0 in the "C" locale. */
    static int page(ApiCall call, int category) {
        return call.memory().readInt(CrtState.of(call).variable(PAGES) + 4L * category);
    }

    private static Charset charset(int page) {
        if (page == 0) {
            return StandardCharsets.ISO_8859_1;
        }
        return Charset.forName(page >= 1250 && page <= 1258 ? "windows-" + page : "IBM" + page);
    }

    /** The character that a byte is in the present locale. */
    static char toWide(ApiCall call, int b) {
        int page = b < 0x80 ? 0 : page(call, CTYPE);
        return page == 0 ? (char) b : new String(new byte[] {(byte) b}, charset(page)).charAt(0);
    }

    /** The byte of a character in the present locale, -1 if it has none. */
    static int toByte(ApiCall call, int c) {
        int page = c < 0x80 ? 0 : page(call, CTYPE);
        if (page == 0) {
            return c > 0xFF ? -1 : c;
        }
        Charset charset = charset(page);
        return charset.newEncoder().canEncode((char) c)
                ? String.valueOf((char) c).getBytes(charset)[0] & 0xFF
                : -1;
    }

    static int toLower(ApiCall call, int c) {
        return mapped(call, c, false);
    }

    static int toUpper(ApiCall call, int c) {
        return mapped(call, c, true);
    }

    private static int mapped(ApiCall call, int c, boolean upper) {
        if (c < 0x80 || c > 0xFF || page(call, CTYPE) == 0) {
            return upper ? Characters.toUpper(c) : Characters.toLower(c);
        }
        char wide = toWide(call, c);
        int other = toByte(call, upper ? Character.toUpperCase(wide) : Character.toLowerCase(wide));
        return other < 0 ? c : other;
    }

    // --- setlocale ---

    /** The code page that a locale's name means, 0 for "C", -1 for a name of none. */
    private static int parse(String name) {
        if (name.equals("C")) {
            return 0;
        }
        String lower = name.toLowerCase(Locale.ROOT);
        int dot = lower.indexOf('.');
        int page = dot < 0 ? ANSI_PAGE : codePage(lower.substring(dot + 1));
        String place = dot < 0 ? lower : lower.substring(0, dot);
        int line = place.indexOf('_');
        String language = line < 0 ? place : place.substring(0, line);
        String country = line < 0 ? "" : place.substring(line + 1);
        boolean isOurs = place.isEmpty() || LANGUAGES.contains(language) && COUNTRIES.contains(country);
        return isOurs ? page : -1;
    }

    private static int codePage(String text) {
        if (text.equals("acp") || text.equals("ocp")) {
            return text.equals("acp") ? ANSI_PAGE : OEM_PAGE;
        }
        if (!text.matches("[0-9]{1,5}")) {
            return -1;
        }
        int page = Integer.parseInt(text);
        return page >= 1250 && page <= 1258 || page == OEM_PAGE || page == 850 || page == 852 ? page : -1;
    }

    private static String name(int page) {
        return page == 0 ? "C" : NAME + "." + page;
    }

    private static long set(ApiCall call, boolean wide) {
        int category = call.intArg(0);
        if (category < 0 || category >= CATEGORIES.length) {
            return 0;
        }
        if (call.arg(1) != 0) {
            String wanted =
                    wide ? GuestText.wide(call.memory(), call.arg(1)) : GuestText.ansi(call.memory(), call.arg(1));
            int[] pages = pages(call, category, wanted);
            if (pages == null) {
                return 0;
            }
            apply(call, pages);
        }
        String name = present(call, category);
        return wide
                ? call.process().constantWide("locale " + name, name)
                : call.process().constantText("locale " + name, name);
    }

    /** What every category shall be; null if the name is none. */
    private static int @Nullable [] pages(ApiCall call, int category, String wanted) {
        int[] pages = new int[CATEGORIES.length];
        for (int i = 1; i < pages.length; i++) {
            pages[i] = page(call, i);
        }
        if (category == ALL && wanted.startsWith("LC_")) {
            for (String part : wanted.split(";")) {
                int equals = part.indexOf('=');
                int which = equals < 0 ? -1 : java.util.List.of(CATEGORIES).indexOf(part.substring(0, equals));
                int page = which <= 0 ? -1 : parse(part.substring(equals + 1));
                if (page < 0) {
                    return null;
                }
                pages[which] = page;
            }
            return pages;
        }
        int page = parse(wanted);
        if (page < 0) {
            return null;
        }
        for (int i = 1; i < pages.length; i++) {
            pages[i] = category == ALL || category == i ? page : pages[i];
        }
        return pages;
    }

    private static String present(ApiCall call, int category) {
        if (category != ALL) {
            return name(page(call, category));
        }
        StringBuilder all = new StringBuilder();
        boolean areEqual = true;
        for (int i = 1; i < CATEGORIES.length; i++) {
            areEqual &= page(call, i) == page(call, 1);
            all.append(i == 1 ? "" : ";").append(CATEGORIES[i]).append('=').append(name(page(call, i)));
        }
        return areEqual ? name(page(call, 1)) : all.toString();
    }

    private static void apply(ApiCall call, int[] pages) {
        Memory memory = call.memory();
        CrtState crt = CrtState.of(call);
        for (int i = 1; i < pages.length; i++) {
            memory.writeInt(crt.variable(PAGES) + 4L * i, pages[i]);
            memory.writeInt(crt.variable(HANDLES) + 4L * i, pages[i] == 0 ? 0 : US_ENGLISH);
        }
        memory.writeInt(crt.variable(CODE_PAGE), pages[CTYPE]);
        Characters.fillTable(call.process(), pages[CTYPE] == 0 ? null : charset(pages[CTYPE]));
        writeData(call.process(), crt.variable(DATA), pages[NUMERIC] != 0, pages[MONETARY] != 0);
    }

    private static void initializeData(GuestProcess process, long at) {
        CrtState.of(process).placed(DATA, at);
        writeData(process, at, false, false);
    }

    private static void writeData(GuestProcess process, long at, boolean numeric, boolean monetary) {
        Memory memory = process.memory();
        for (int i = 0; i < STRINGS; i++) {
            boolean isOurs = i < NUMERIC_STRINGS ? numeric : monetary;
            String text = (isOurs ? US_STRINGS : C_STRINGS)[i];
            memory.writeLong(at + 8L * i, process.constantText("lconv " + text, text));
        }
        for (int i = 0; i < NUMBERS; i++) {
            memory.writeByte(at + 8L * STRINGS + i, (byte) (monetary ? US_NUMBERS[i] : NOT_AVAILABLE));
        }
    }
}
