package org.vadose.win32.crt;

import java.util.List;
import java.util.Set;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/**
 * Further names of functions that are there already: those that take a locale as their last argument, which here is always "C";
 * those for multi-byte strings, whose characters are single bytes in it; C++'s operators.
 */
final class OtherNames {
    /** Each with a twin {@code NAME_l}, the locale behind the arguments. */
    private static final List<String> WITH_LOCALE = List.of(
            "_stricmp",
            "_strnicmp",
            "_strcoll",
            "_stricoll",
            "_strlwr",
            "_strupr",
            "_strtod",
            "_strtol",
            "_strtoul",
            "_strtoi64",
            "_strtoui64",
            "_wcsicmp",
            "_wcsnicmp",
            "_wcscoll",
            "_wcslwr",
            "_wcsupr",
            "_wcstod",
            "_wcstol",
            "_wcstoul",
            "_wcstoi64",
            "_wcstoui64",
            "_tolower",
            "_toupper",
            "_towlower",
            "_towupper",
            "_isalnum",
            "_isalpha",
            "_iscntrl",
            "_isdigit",
            "_isgraph",
            "_islower",
            "_isprint",
            "_ispunct",
            "_isspace",
            "_isupper",
            "_isxdigit",
            "_iswalnum",
            "_iswalpha",
            "_iswcntrl",
            "_iswdigit",
            "_iswgraph",
            "_iswlower",
            "_iswprint",
            "_iswpunct",
            "_iswspace",
            "_iswupper",
            "_iswxdigit",
            "_atof",
            "_atoi",
            "_atol",
            "_atoi64",
            "_wtof",
            "_wtoi",
            "_wtol",
            "_wtoi64",
            "_mbstowcs",
            "_wcstombs",
            "_mblen",
            "_mbtowc",
            "_wctomb",
            "_memicmp",
            "_strxfrm");

    /** Pairs: the multi-byte name, the single-byte function. */
    private static final List<String> MULTIBYTE = List.of(
            "_mbscpy",
            "strcpy",
            "_mbscat",
            "strcat",
            "_mbscmp",
            "strcmp",
            "_mbsicmp",
            "_stricmp",
            "_mbsncmp",
            "strncmp",
            "_mbsnbcmp",
            "strncmp",
            "_mbsnicmp",
            "_strnicmp",
            "_mbsnbicmp",
            "_strnicmp",
            "_mbschr",
            "strchr",
            "_mbsrchr",
            "strrchr",
            "_mbsstr",
            "strstr",
            "_mbslen",
            "strlen",
            "_mbstrlen",
            "strlen",
            "_mbsspn",
            "strspn",
            "_mbscspn",
            "strcspn",
            "_mbspbrk",
            "strpbrk",
            "_mbstok",
            "strtok",
            "_mbsdup",
            "_strdup",
            "_mbsrev",
            "_strrev",
            "_mbslwr",
            "_strlwr",
            "_mbsupr",
            "_strupr",
            "_mbsset",
            "_strset",
            "_mbsnset",
            "_strnset",
            "_mbsncpy",
            "strncpy",
            "_mbsnbcpy",
            "strncpy",
            "_mbsncat",
            "strncat",
            "_mbsnbcat",
            "strncat",
            "_mbsnlen",
            "strnlen",
            "_mbscoll",
            "strcoll",
            "_mbscpy_s",
            "strcpy_s",
            "_mbscat_s",
            "strcat_s",
            "_mbsncpy_s",
            "strncpy_s",
            "_mbsnbcpy_s",
            "strncpy_s",
            "_mbsncat_s",
            "strncat_s",
            "_mbstok_s",
            "strtok_s");

    /** Pairs: another name, the function. */
    private static final List<String> SAME = List.of(
            "??2@YAPEAX_K@Z",
            "malloc",
            "??3@YAXPEAX@Z",
            "free",
            "??_U@YAPEAX_K@Z",
            "malloc",
            "??_V@YAXPEAX@Z",
            "free",
            "_strncoll",
            "strncmp",
            "_strnicoll",
            "_strnicmp",
            "_wcsncoll",
            "wcsncmp",
            "_wcsicoll",
            "_wcsicmp",
            "_wcsnicoll",
            "_wcsnicmp",
            "iswascii",
            "__iswascii");

    /** {@code _MB_CP_LOCALE}; the OEM, the ANSI and no code page are above it. */
    private static final int LOWEST_NAMED_PAGE = -4;

    private static final Set<Integer> SINGLE_BYTE_PAGES =
            Set.of(437, 737, 775, 850, 852, 855, 857, 858, 862, 866, 874, 20_127, 28_591);

    private OtherNames() {}

    static void addTo(ApiModule msvcrt) {
        for (String name : WITH_LOCALE) {
            same(msvcrt, name + "_l", msvcrt.export(name) != null ? name : name.substring(1));
        }
        pairs(msvcrt, MULTIBYTE);
        pairs(msvcrt, SAME);
        for (String name : List.of("_ismbblead", "_ismbbtrail", "_ismbslead", "_ismbstrail", "_getmbcp")) {
            msvcrt.function(name, call -> 0);
        }
        // Every code page of the machine has characters of one byte, which the library calls none.
        msvcrt.function("_setmbcp", OtherNames::setMultibytePage)
                .function("_mbsinc", call -> call.arg(0) + 1)
                .function("_mbsdec", call -> call.arg(1) <= call.arg(0) ? 0 : call.arg(1) - 1)
                .function("_mbsnextc", call -> call.memory().readUnsignedByte(call.arg(0)))
                .function("_mbclen", call -> 1);
    }

    private static long setMultibytePage(ApiCall call) {
        int codePage = call.intArg(0);
        boolean isNamed = codePage <= 0 && codePage >= LOWEST_NAMED_PAGE && codePage != -1;
        boolean isThere = isNamed || SINGLE_BYTE_PAGES.contains(codePage) || codePage >= 1250 && codePage <= 1258;
        return isThere ? 0 : CrtState.fail(call, CrtState.EINVAL);
    }

    private static void pairs(ApiModule msvcrt, List<String> names) {
        for (int i = 0; i < names.size(); i += 2) {
            same(msvcrt, names.get(i), names.get(i + 1));
        }
    }

    private static void same(ApiModule msvcrt, String name, String existing) {
        if (msvcrt.export(name) == null && msvcrt.export(existing) instanceof ApiModule.Function function) {
            msvcrt.function(name, function.body());
        }
    }
}
