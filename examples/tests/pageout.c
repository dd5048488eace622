/* What page-out, protection, guard pages, locks, watches and copies do to each other. */
#define _WIN32_WINNT 0x0A00
#include <stdio.h>
#include <string.h>
#include <windows.h>
#define PSAPI_VERSION 2
#include <psapi.h>

enum { PAGE = 4096 };

static volatile LONG guards, violations;
static void *volatile armed;

static LONG CALLBACK handler(EXCEPTION_POINTERS *info)
{
    EXCEPTION_RECORD *record = info->ExceptionRecord;
    if (record->ExceptionCode == (DWORD)STATUS_GUARD_PAGE_VIOLATION) {
        guards++;
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    if (record->ExceptionCode == (DWORD)EXCEPTION_ACCESS_VIOLATION && armed) {
        DWORD old;
        violations++;
        VirtualProtect(armed, PAGE, PAGE_READWRITE, &old);
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    return EXCEPTION_CONTINUE_SEARCH;
}

static void out(void)
{
    EmptyWorkingSet(GetCurrentProcess());
}

static unsigned char *commit(SIZE_T pages, DWORD extra)
{
    unsigned char *p = VirtualAlloc(NULL, pages * PAGE, MEM_RESERVE | MEM_COMMIT | extra, PAGE_READWRITE);
    for (SIZE_T i = 0; i < pages * PAGE; i += 64) p[i] = (unsigned char)(i / 64 * 7 + 1);
    return p;
}

static int wrong(const unsigned char *p, SIZE_T pages)
{
    int count = 0;
    for (SIZE_T i = 0; i < pages * PAGE; i += 64) count += p[i] != (unsigned char)(i / 64 * 7 + 1);
    return count;
}

static const char *state(const void *p)
{
    static char text[80];
    MEMORY_BASIC_INFORMATION info;
    VirtualQuery(p, &info, sizeof info);
    sprintf(text, "state %lx, protect %lx, type %lx, pages %u", info.State, info.Protect, info.Type,
            (unsigned)(info.RegionSize / PAGE));
    return text;
}

static void guard(void)
{
    DWORD old;
    unsigned char *p = commit(16, 0);
    BOOL ok = VirtualProtect(p + 4 * PAGE, 4 * PAGE, PAGE_READWRITE | PAGE_GUARD, &old);
    out();
    printf("guarded: %d, was %lx, %s\n", ok, old, state(p + 4 * PAGE));
    guards = 0;
    volatile unsigned char c = ((volatile unsigned char *)p)[5 * PAGE];
    printf("first touch: %ld guards, byte %d, %s\n", guards, c, state(p + 5 * PAGE));
    c = ((volatile unsigned char *)p)[5 * PAGE];
    ((volatile unsigned char *)p)[6 * PAGE] = p[6 * PAGE];
    printf("more: %ld guards, %s\n", guards, state(p + 4 * PAGE));
    out();
    c = ((volatile unsigned char *)p)[4 * PAGE];
    c = ((volatile unsigned char *)p)[7 * PAGE];
    printf("all: %ld guards, %d wrong, %s\n", guards, wrong(p, 16), state(p));
    VirtualFree(p, 0, MEM_RELEASE);
}

static void no_access(void)
{
    DWORD old;
    unsigned char *p = commit(16, 0);
    VirtualProtect(p, 16 * PAGE, PAGE_NOACCESS, &old);
    out();
    armed = p + 3 * PAGE;
    violations = 0;
    ((volatile unsigned char *)p)[3 * PAGE + 5] = 99;
    armed = NULL;
    printf("no access: %ld violations, %s\n", violations, state(p + 3 * PAGE));
    VirtualProtect(p, 16 * PAGE, PAGE_READONLY, &old);
    printf("old protection of the first page: %lx, %d wrong, byte %d\n", old, wrong(p, 16), p[3 * PAGE + 5]);
    out();
    armed = p;
    violations = 0;
    ((volatile unsigned char *)p)[0] = 7;
    armed = NULL;
    printf("read-only: %ld violations, byte %d, %s\n", violations, p[0], state(p));
    VirtualFree(p, 0, MEM_RELEASE);
}

static void decommit(void)
{
    unsigned char *p = commit(32, 0);
    out();
    printf("decommit: %d\n", VirtualFree(p + 8 * PAGE, 8 * PAGE, MEM_DECOMMIT));
    printf("%s\n", state(p + 8 * PAGE));
    printf("commit again: %d\n", VirtualAlloc(p + 10 * PAGE, 2 * PAGE, MEM_COMMIT, PAGE_READONLY) == p + 10 * PAGE);
    printf("%s\n", state(p + 10 * PAGE));
    int not_zero = 0;
    for (int i = 0; i < 2 * PAGE; i++) not_zero += p[10 * PAGE + i] != 0;
    printf("not zero: %d, wrong before %d\n", not_zero, wrong(p, 8));
    printf("commit all: %d\n", VirtualAlloc(p, 32 * PAGE, MEM_COMMIT, PAGE_READWRITE) == p);
    printf("%s, wrong before %d\n", state(p), wrong(p, 8));
    VirtualFree(p, 0, MEM_RELEASE);
}

static ULONG_PTR written(void *base, SIZE_T pages, DWORD flags, char *map)
{
    void *list[64];
    ULONG_PTR count = 64;
    ULONG granularity;
    memset(map, '.', pages);
    map[pages] = 0;
    if (GetWriteWatch(flags, base, pages * PAGE, list, &count, &granularity)) return 999;
    for (ULONG_PTR i = 0; i < count; i++) map[((char *)list[i] - (char *)base) / PAGE] = 'w';
    return count;
}

static void watch(void)
{
    char map[65];
    DWORD old;
    unsigned char *p = commit(16, MEM_WRITE_WATCH);
    printf("watch: %llu %s\n", (unsigned long long)written(p, 16, WRITE_WATCH_FLAG_RESET, map), map);
    out();
    ((volatile unsigned char *)p)[1 * PAGE] = p[1 * PAGE];
    volatile unsigned char c = ((volatile unsigned char *)p)[2 * PAGE];
    p[9 * PAGE] = 1 + c;
    printf("after page-out: %llu %s\n", (unsigned long long)written(p, 16, 0, map), map);
    out();
    printf("after another: %llu %s\n", (unsigned long long)written(p, 16, WRITE_WATCH_FLAG_RESET, map), map);
    VirtualProtect(p, 8 * PAGE, PAGE_READONLY, &old);
    VirtualProtect(p, 8 * PAGE, PAGE_READWRITE, &old);
    ((volatile unsigned char *)p)[0] = p[0];
    ((volatile unsigned char *)p)[7 * PAGE] = p[7 * PAGE];
    printf("after protection: %llu %s\n", (unsigned long long)written(p, 16, 0, map), map);
    printf("reset: %u\n", ResetWriteWatch(p, 16 * PAGE));
    printf("reset: %llu %s\n", (unsigned long long)written(p, 16, 0, map), map);
    VirtualFree(p, 0, MEM_RELEASE);
}

static void reset(void)
{
    unsigned char *p = commit(16, 0);
    printf("reset: %d\n", VirtualAlloc(p, 16 * PAGE, MEM_RESET, PAGE_NOACCESS) == p);
    printf("%s\n", state(p));
    for (SIZE_T i = 0; i < 16 * PAGE; i += 64) p[i] = (unsigned char)(i / 64 * 7 + 1);
    out();
    printf("written after reset: %d wrong\n", wrong(p, 16));
    VirtualFree(p, 0, MEM_RELEASE);
}

static void copies(void)
{
    HANDLE section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 16 * PAGE, NULL);
    unsigned char *shared = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    for (SIZE_T i = 0; i < 16 * PAGE; i += 64) shared[i] = (unsigned char)(i / 64 * 7 + 1);
    unsigned char *copy = MapViewOfFile(section, FILE_MAP_COPY, 0, 0, 0);
    unsigned char *again = MapViewOfFile(section, FILE_MAP_COPY, 0, 0, 0);
    out();
    copy[3 * PAGE] = 200;
    out();
    printf("copy: %d, shared %d, other copy %d\n", copy[3 * PAGE], shared[3 * PAGE] == 1, again[3 * PAGE] == copy[3 * PAGE]);
    MEMORY_BASIC_INFORMATION info; /* Wine goes on calling it PAGE_WRITECOPY */
    VirtualQuery(copy + 3 * PAGE, &info, sizeof info);
    printf("copied page: writable %d\n", info.Protect == PAGE_READWRITE || info.Protect == PAGE_WRITECOPY);
    printf("not copied: %s\n", state(copy + 4 * PAGE));
    shared[3 * PAGE + 1] = 77;
    shared[4 * PAGE + 1] = 78;
    out();
    printf("copy sees %d %d, other copy %d %d\n", copy[3 * PAGE + 1], copy[4 * PAGE + 1], again[3 * PAGE + 1], again[4 * PAGE + 1]);
    CloseHandle(section);
    UnmapViewOfFile(shared);
    out();
    printf("section closed, view gone: %d wrong in the other copy\n", wrong(again, 16));
    UnmapViewOfFile(copy);
    printf("%d wrong in the other copy\n", wrong(again, 16));
    BOOL ok = VirtualFree(again, 0, MEM_RELEASE);
    printf("release of a view: %d, error %lu\n", ok, GetLastError());
    UnmapViewOfFile(again);
}

static void reserved_section(void)
{
    HANDLE section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE | SEC_RESERVE, 0, 64 * PAGE, NULL);
    unsigned char *a = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    unsigned char *b = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    printf("reserved: %s\n", state(a));
    printf("commit in one: %d\n", VirtualAlloc(a + 8 * PAGE, 4 * PAGE, MEM_COMMIT, PAGE_READWRITE) == a + 8 * PAGE);
    a[8 * PAGE] = 5;
    printf("in the other: %s, byte %d\n", state(b + 8 * PAGE), b[8 * PAGE]);
    BOOL ok = VirtualFree(a + 8 * PAGE, PAGE, MEM_DECOMMIT);
    printf("decommit a view: %d, error %lu\n", ok, GetLastError());
    out();
    printf("byte %d\n", b[8 * PAGE]);
    UnmapViewOfFile(a);
    UnmapViewOfFile(b + 9 * PAGE);
    printf("after unmapping by an address inside: state free %d\n", strstr(state(b), "state 10000") != NULL);
    CloseHandle(section);
}

static void locked(void)
{
    unsigned char *p = commit(8, 0);
    printf("lock: %d\n", VirtualLock(p, 8 * PAGE));
    out();
    PSAPI_WORKING_SET_EX_INFORMATION info[8];
    for (int i = 0; i < 8; i++) info[i].VirtualAddress = p + i * PAGE;
    QueryWorkingSetEx(GetCurrentProcess(), info, sizeof info);
    int valid = 0;
    for (int i = 0; i < 8; i++) valid += info[i].VirtualAttributes.Valid;
    printf("valid after emptying: %d\n", valid);
    printf("free while locked: %d\n", VirtualFree(p, 0, MEM_RELEASE));
}

int main(void)
{
    AddVectoredExceptionHandler(1, handler);
    guard();
    no_access();
    decommit();
    watch();
    reset();
    copies();
    reserved_section();
    locked();
    return 0;
}
