/*
 * The C library's locales: their names, code pages, kinds and cases of characters, conversions, numbers and dates, each category for
 * itself. Wine 8 compares without case as if code page 437 were Latin-1; there the expected output was corrected by hand.
 */
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>
#include <windows.h>

static unsigned (*code_page)(void);
static int (*longest)(void);

static void try(int category, const char *name)
{
    const char *got = setlocale(category, name);
    printf("%d %s: %s, page %u, longest %d\n", category, name ? name : "(asked)", got ? got : "no", code_page(), longest());
}

static void kinds(void)
{
    static int (*const is[])(int) = {isalpha, isupper, islower, isdigit, isspace, ispunct, iscntrl, isprint};
    static const char *const names[] = {"alpha", "upper", "lower", "digit", "space", "punct", "cntrl", "print"};
    for (int k = 0; k < 8; k++) {
        unsigned long bits[4] = {0};
        for (int c = 0x80; c < 0x100; c++) {
            if (is[k](c)) bits[(c - 0x80) / 32] |= 1UL << c % 32;
        }
        printf("%s %08lx %08lx %08lx %08lx\n", names[k], bits[0], bits[1], bits[2], bits[3]);
    }
    printf("cases");
    for (int c = 0x80; c < 0x100; c++) {
        if (toupper(c) != c) printf(" %x>%x", c, toupper(c));
        if (tolower(c) != c) printf(" %x>%x", c, tolower(c));
    }
    printf("\n");
}

static void conversions(void)
{
    wchar_t wide[8] = {0};
    char narrow[8] = {0};
    printf("%d", (int)mbstowcs(wide, "a\x80\xE9", 8));
    printf(" %x %x %x\n", wide[0], wide[1], wide[2]);
    errno = 0;
    printf("%d", (int)wcstombs(narrow, L"a\x20AC\x00E9", 8));
    printf(" errno %d %x %x\n", errno, narrow[1] & 0xFF, narrow[2] & 0xFF);
    printf("%d", mbtowc(wide, "\x99", 1));
    printf(" %x", wide[0]);
    printf(" %d", wctomb(narrow, 0xE9));
    printf(" %d\n", wctomb(narrow, 0x4E2D));
    printf("%d %s\n", _stricmp("\xC9t\xC9", "\xE9t\xE9"), strcmp(strcpy(narrow, "\xE9"), "\xE9") ? "?" : _strupr(narrow));
}

static void numbers_and_dates(void)
{
    struct lconv *l = localeconv();
    struct tm day = {.tm_year = 123, .tm_mon = 6, .tm_mday = 4, .tm_hour = 15, .tm_min = 5, .tm_sec = 9, .tm_wday = 2, .tm_yday = 184};
    char text[64];
    printf("[%s] [%s] [%s] [%s] [%s] [%s] %d %d %d %d\n", l->decimal_point, l->thousands_sep, l->int_curr_symbol, l->currency_symbol,
           l->mon_thousands_sep, l->negative_sign, l->frac_digits, l->p_cs_precedes, l->n_sep_by_space, l->n_sign_posn);
    strftime(text, sizeof text, "%c | %x | %X", &day);
    printf("%s\n", text);
    strftime(text, sizeof text, "%#c | %#x", &day);
    printf("%s\n", text);
}

static void all(void)
{
    kinds();
    conversions();
    numbers_and_dates();
}

int main(void)
{
    HMODULE library = GetModuleHandleA("msvcrt");
    code_page = (void *)GetProcAddress(library, "___lc_codepage_func");
    longest = (void *)GetProcAddress(library, "___mb_cur_max_func");
    try(LC_ALL, NULL);
    all();
    try(LC_ALL, "English_United States.1252");
    all();
    try(LC_ALL, "C");
    try(LC_CTYPE, "English_United States.437");
    try(LC_CTYPE, NULL);
    try(LC_ALL, NULL);
    conversions();
    numbers_and_dates();
    try(LC_CTYPE, ".1252");
    try(LC_TIME, "English_United States");
    try(LC_ALL, NULL);
    try(LC_ALL, "Klingon");
    try(LC_ALL, "English_United States.99999");
    try(99, "C");
    try(-1, NULL);
    try(LC_ALL, "LC_COLLATE=C;LC_CTYPE=English_United States.1252;LC_MONETARY=C;LC_NUMERIC=C;LC_TIME=C");
    try(LC_MONETARY, NULL);
    printf("%ls\n", _wsetlocale(LC_CTYPE, NULL));
    printf("%ls\n", _wsetlocale(LC_ALL, L"C"));
    printf("%d\n", setlocale(LC_ALL, "") != NULL && strcmp(setlocale(LC_ALL, NULL), "C") != 0);
    return 0;
}
