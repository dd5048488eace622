/* Large pages: what they need, and what they refuse. */
#include <stdio.h>
#include <windows.h>

static void *try_large(const char *when, SIZE_T size, DWORD type, DWORD protect)
{
    SetLastError(0);
    void *p = VirtualAlloc(NULL, size, type | MEM_LARGE_PAGES, protect);
    printf("%s: %s, error %lu\n", when, p ? "given" : "refused", p ? 0 : GetLastError());
    return p;
}

static int set_privilege(HANDLE token, BOOL on)
{
    TOKEN_PRIVILEGES state;
    state.PrivilegeCount = 1;
    if (!LookupPrivilegeValueA(NULL, "SeLockMemoryPrivilege", &state.Privileges[0].Luid)) return 0;
    state.Privileges[0].Attributes = on ? SE_PRIVILEGE_ENABLED : 0;
    SetLastError(0);
    return AdjustTokenPrivileges(token, FALSE, &state, 0, NULL, NULL) && GetLastError() == ERROR_SUCCESS;
}

int main(void)
{
    SIZE_T large = GetLargePageMinimum();
    printf("large page: %lu KB\n", (unsigned long)(large / 1024));
    HANDLE token;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &token)) {
        printf("no token, error %lu\n", GetLastError());
        return 1;
    }
    set_privilege(token, FALSE);
    try_large("privilege disabled", large, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (!set_privilege(token, TRUE)) {
        printf("this account may not lock pages, error %lu\n", GetLastError());
        return 2;
    }
    try_large("reserved only", large, MEM_RESERVE, PAGE_READWRITE);
    try_large("odd size", large + 4096, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    unsigned char *p = try_large("two large pages", 2 * large, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (!p) return 3;
    printf("aligned: %s\n", ((ULONG_PTR)p & (large - 1)) == 0 ? "yes" : "no");
    unsigned long sum = 0;
    for (SIZE_T i = 0; i < 2 * large; i += 4096) sum += p[i];
    for (SIZE_T i = 0; i < 2 * large; i += 4096) p[i] = (unsigned char)(i >> 12);
    for (SIZE_T i = 0; i < 2 * large; i += 4096) sum += p[i];
    printf("sum: %lu\n", sum);
    MEMORY_BASIC_INFORMATION info;
    VirtualQuery(p, &info, sizeof info);
    printf("region: %lu KB, state %lx, protect %lx, type %lx\n", (unsigned long)(info.RegionSize / 1024), info.State,
           info.Protect, info.Type);
    SetLastError(0);
    BOOL done = VirtualFree(p, 4096, MEM_DECOMMIT);
    printf("decommit one page: %d\n", done);
    printf("free: %d\n", VirtualFree(p, 0, MEM_RELEASE));
    CloseHandle(token);
    return 0;
}
