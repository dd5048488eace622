/* Address windowing: 4 MB of pages seen through a window of 256 KB, no byte copied. */
#include <stdio.h>
#include <windows.h>

#define PAGES 1024
#define WINDOW 64

static int enable_lock_pages(void)
{
    HANDLE token;
    TOKEN_PRIVILEGES state = {.PrivilegeCount = 1};
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES, &token)) return 0;
    LookupPrivilegeValueA(NULL, "SeLockMemoryPrivilege", &state.Privileges[0].Luid);
    state.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
    return AdjustTokenPrivileges(token, FALSE, &state, 0, NULL, NULL) && GetLastError() == ERROR_SUCCESS;
}

int main(void)
{
    static ULONG_PTR frames[PAGES];
    ULONG_PTR count = PAGES;
    SetLastError(0);
    BOOL given = AllocateUserPhysicalPages(GetCurrentProcess(), &count, frames);
    printf("without the privilege: %d, error %lu\n", given, GetLastError());
    if (!enable_lock_pages()) {
        printf("this account may not lock pages\n");
        return 2;
    }
    count = PAGES;
    given = AllocateUserPhysicalPages(GetCurrentProcess(), &count, frames);
    printf("with it: %d, pages %lu\n", given, (unsigned long)count);
    unsigned *window = VirtualAlloc(NULL, WINDOW * 4096, MEM_RESERVE | MEM_PHYSICAL, PAGE_READWRITE);
    if (!given || !window) return 3;
    for (unsigned part = 0; part < PAGES / WINDOW; part++) {
        if (!MapUserPhysicalPages(window, WINDOW, frames + part * WINDOW)) return 4;
        for (unsigned i = 0; i < WINDOW * 1024; i++) window[i] = part * WINDOW * 1024 + i;
    }
    unsigned wrong = 0;
    for (int part = PAGES / WINDOW - 1; part >= 0; part--) {
        if (!MapUserPhysicalPages(window, WINDOW, frames + part * WINDOW)) return 5;
        for (unsigned i = 0; i < WINDOW * 1024; i++) wrong += window[i] != part * WINDOW * 1024 + i;
    }
    printf("wrong words: %u\n", wrong);
    PVOID places[2] = {window + 1024, window};
    printf("two pages change places: %d\n", MapUserPhysicalPagesScatter(places, 2, frames));
    printf("first words: %u %u\n", window[0], window[1024]);
    SetLastError(0);
    given = MapUserPhysicalPages((char *)window + 8 * 4096, 1, frames);
    printf("one page at two places: %d\n", given);
    printf("nothing: %d\n", MapUserPhysicalPages(window, WINDOW, NULL));
    count = PAGES;
    given = FreeUserPhysicalPages(GetCurrentProcess(), &count, frames);
    printf("freed: %d, pages %lu\n", given, (unsigned long)count);
    printf("window closed: %d\n", VirtualFree(window, 0, MEM_RELEASE));
    return 0;
}
