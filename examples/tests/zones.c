/*
 * Local times of the C library as the environment variable TZ has them, with the daylight saving of the United States. The msvcrt of
 * Wine 8 goes by the host's zone instead, so that the expected output is what Microsoft's documentation and these rules say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void show(__time64_t when)
{
    char text[64];
    struct tm *local = _localtime64(&when), again = *local;
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %Z", local);
    printf("%s dst %d", text, local->tm_isdst);
    again.tm_isdst = -1;
    printf(" %s\n", _mktime64(&again) == when ? "and back" : "ambiguous");
}

static void zone(const char *assignment)
{
    _putenv(assignment);
    _tzset();
    printf("%s: %ld %d %ld [%s] [%s]\n", assignment, _timezone, _daylight, _dstbias, _tzname[0], _tzname[1]);
}

int main(void)
{
    struct tm noon = {.tm_year = 109, .tm_mon = 6, .tm_mday = 4, .tm_hour = 12, .tm_isdst = 0};
    zone("TZ=PST8PDT");
    show(1236506400 - 1); /* 2009-03-08, two o'clock */
    show(1236506400);
    show(1257066000 - 1); /* 2009-11-01, the first two o'clock: one hour comes twice */
    show(1257066000);
    show(1144000000); /* 2006-04-02, by the older rules */
    show(1162100000); /* 2006-10-29 */
    printf("%ld\n", (long)_mktime64(&noon));
    printf("%d:00 dst %d\n", noon.tm_hour, noon.tm_isdst);
    zone("TZ=CET-1");
    show(1246708800);
    zone("TZ=IST-5:30:15");
    show(1246708800);
    zone("TZ=NST+3:30NDT");
    show(1246708800);
    zone("TZ=");
    show(1246708800);
    return 0;
}
