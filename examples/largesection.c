/* A section in large pages, mapped in two processes; what it needs and what it refuses. */
#define _WIN32_WINNT 0x0A00
#include <stdio.h>
#include <string.h>
#include <windows.h>
#include <psapi.h>

#ifndef SEC_LARGE_PAGES
#define SEC_LARGE_PAGES 0x80000000
#endif
#ifndef FILE_MAP_LARGE_PAGES
#define FILE_MAP_LARGE_PAGES 0x20000000
#endif

typedef BOOL(WINAPI *QueryWorkingSetEx_t)(HANDLE, PVOID, DWORD);
static QueryWorkingSetEx_t query_working_set;
static SIZE_T large;

static int set_privilege(BOOL on)
{
    HANDLE token;
    TOKEN_PRIVILEGES state;
    state.PrivilegeCount = 1;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &token)) return 0;
    if (!LookupPrivilegeValueA(NULL, "SeLockMemoryPrivilege", &state.Privileges[0].Luid)) return 0;
    state.Privileges[0].Attributes = on ? SE_PRIVILEGE_ENABLED : 0;
    SetLastError(0);
    int done = AdjustTokenPrivileges(token, FALSE, &state, 0, NULL, NULL) && GetLastError() == ERROR_SUCCESS;
    CloseHandle(token);
    return done;
}

static HANDLE try_section(const char *when, DWORD size, DWORD protect)
{
    SetLastError(0);
    HANDLE section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, protect, 0, size, "large-section");
    printf("section, %s: %s, error %lu\n", when, section ? "made" : "refused", section ? 0 : GetLastError());
    return section;
}

static unsigned char *try_view(const char *when, HANDLE section, DWORD access, DWORD offset, SIZE_T size)
{
    SetLastError(0);
    unsigned char *view = MapViewOfFile(section, access, 0, offset, size);
    printf("view, %s: %s, error %lu\n", when, view ? "mapped" : "refused", view ? 0 : GetLastError());
    return view;
}

static void describe(const char *what, void *address)
{
    MEMORY_BASIC_INFORMATION info;
    PSAPI_WORKING_SET_EX_INFORMATION page = {.VirtualAddress = address};
    VirtualQuery(address, &info, sizeof info);
    query_working_set(GetCurrentProcess(), &page, sizeof page);
    unsigned long long flags = page.VirtualAttributes.Flags;
    printf("%s: %lu KB, protect %lx, type %lx, large page %d, shared %d\n", what, (unsigned long)(info.RegionSize / 1024),
           info.Protect, info.Type, (int)(flags >> 23 & 1), (int)(flags >> 15 & 1));
}

/* The child finds what its parent wrote, and answers in the second large page. */
static int child(void)
{
    HANDLE section = OpenFileMappingA(FILE_MAP_READ | FILE_MAP_WRITE, FALSE, "large-section");
    unsigned char *view = MapViewOfFile(section, FILE_MAP_WRITE | FILE_MAP_LARGE_PAGES, 0, 0, 0);
    if (!view) return 1;
    printf("child reads: %s\n", view + 4096);
    strcpy((char *)view + large + 4096, "from the child");
    return 0;
}

int main(int argc, char **argv)
{
    query_working_set = (QueryWorkingSetEx_t)(void *)GetProcAddress(GetModuleHandleA("kernel32.dll"), "K32QueryWorkingSetEx");
    large = GetLargePageMinimum();
    if (argc > 1) return child();
    const DWORD both = PAGE_READWRITE | SEC_COMMIT | SEC_LARGE_PAGES;
    set_privilege(FALSE);
    try_section("privilege disabled", 2 * large, both);
    if (!set_privilege(TRUE)) {
        printf("this account may not lock pages, error %lu\n", GetLastError());
        return 2;
    }
    try_section("reserved", 2 * large, PAGE_READWRITE | SEC_RESERVE | SEC_LARGE_PAGES);
    try_section("odd size", 2 * large + 4096, both);
    HANDLE section = try_section("two large pages", 2 * large, both);
    if (!section) return 3;
    const DWORD access = FILE_MAP_WRITE | FILE_MAP_LARGE_PAGES;
    try_view("odd offset", section, access, 65536, large);
    try_view("odd size", section, access, 0, 4096);
    unsigned char *view = try_view("both large pages", section, access, 0, 0);
    if (!view) return 4;
    printf("aligned: %s\n", ((ULONG_PTR)view & (large - 1)) == 0 ? "yes" : "no");
    unsigned long sum = 0;
    for (SIZE_T i = 0; i < 2 * large; i += 4096) sum += view[i];
    printf("sum: %lu\n", sum);
    strcpy((char *)view + 4096, "from the parent");
    describe("large view", view);
    /* Only views that ask for large pages get them. */
    char *small = (char *)try_view("of 64 KB, small pages", section, FILE_MAP_READ, 0, 65536);
    printf("it reads: %s\n", small + 4096);
    describe("small view", small);
    fflush(stdout);
    char command[MAX_PATH + 8];
    STARTUPINFOA startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;
    snprintf(command, sizeof command, "\"%s\" child", argv[0]);
    if (!CreateProcessA(NULL, command, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process)) {
        printf("no child, error %lu\n", GetLastError());
        return 5;
    }
    WaitForSingleObject(process.hProcess, INFINITE);
    printf("parent reads: %s\n", (char *)view + large + 4096);
    printf("unmapped: %d %d\n", UnmapViewOfFile(small), UnmapViewOfFile(view));
    CloseHandle(section);
    section = OpenFileMappingA(FILE_MAP_READ, FALSE, "large-section");
    printf("gone: %d, error %lu\n", section == NULL, GetLastError());
    return 0;
}
