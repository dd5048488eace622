// Equal pages become one, by the call that Windows makes when it is idle, until somebody writes to one of them.
#include <stdio.h>
#include <string.h>
#include <windows.h>
#include <psapi.h>

enum { PAGE = 4096, PAGES = 256, COMBINE = 130 };

typedef struct {
    HANDLE handle;
    ULONG_PTR combined;
} Information;

typedef LONG(NTAPI *Set)(ULONG, void *, ULONG);

static int enable(void) {
    HANDLE token;
    TOKEN_PRIVILEGES wanted = {.PrivilegeCount = 1};
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &token)
        || !LookupPrivilegeValueA(NULL, "SeProfileSingleProcessPrivilege", &wanted.Privileges[0].Luid)) {
        return 0;
    }
    wanted.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
    return AdjustTokenPrivileges(token, FALSE, &wanted, 0, NULL, NULL) && GetLastError() == 0;
}

static int wrong(const char *memory, int except) {
    int count = 0;
    for (int i = 0; i < PAGES; i++) {
        for (int j = 0; j < PAGE; j++) {
            count += memory[i * PAGE + j] != (j == 0 && i == except ? '!' : (char)(j % 7));
        }
    }
    return count;
}

static int shared(char *memory) {
    static PSAPI_WORKING_SET_EX_INFORMATION pages[PAGES];
    int count = 0;
    for (int i = 0; i < PAGES; i++) {
        pages[i].VirtualAddress = memory + i * PAGE;
    }
    if (!K32QueryWorkingSetEx(GetCurrentProcess(), pages, sizeof pages)) {
        return -1;
    }
    for (int i = 0; i < PAGES; i++) {
        count += pages[i].VirtualAttributes.Valid && pages[i].VirtualAttributes.Shared;
    }
    return count;
}

int main(void) {
    Set set = (Set)(void *)GetProcAddress(GetModuleHandleA("ntdll.dll"), "NtSetSystemInformation");
    Information information = {0};
    char *memory = VirtualAlloc(NULL, PAGES * PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    for (int i = 0; i < PAGES * PAGE; i++) {
        memory[i] = (char)(i % PAGE % 7);
    }
    printf("without the privilege: %08lx\n", set(COMBINE, &information, sizeof information));
    printf("privilege enabled: %d\n", enable());
    printf("wrong length: %08lx\n", set(COMBINE, &information, 3));
    LONG status = set(COMBINE, &information, sizeof information);
    printf("combined: %08lx, as many as there are: %d\n", status, information.combined >= PAGES - 1);
    printf("%d bytes wrong, %d pages shared\n", wrong(memory, -1), shared(memory));
    memory[100 * PAGE] = '!';
    printf("%d bytes wrong, %d pages shared\n", wrong(memory, 100), shared(memory));
    memory[100 * PAGE] = 0;
    status = set(COMBINE, &information, sizeof information);
    printf("again: %08lx, one page: %d\n", status, information.combined >= 1 && information.combined < 20);
    printf("%d bytes wrong, %d pages shared\n", wrong(memory, -1), shared(memory));
    DWORD old;
    printf("protected: %d", VirtualProtect(memory, 10 * PAGE, PAGE_READONLY, &old));
    printf(" %d\n", old == PAGE_READWRITE);
    MEMORY_BASIC_INFORMATION region;
    VirtualQuery(memory, &region, sizeof region);
    printf("read-only: %d pages\n", (int)(region.RegionSize / PAGE));
    printf("released: %d\n", VirtualFree(memory, 0, MEM_RELEASE));
    return 0;
}
