/* Pages that stay in memory: how many may be locked, and what emptying the working set leaves. */
#define _WIN32_WINNT 0x0A00
#include <stdio.h>
#include <windows.h>
#include <psapi.h>

static int valid(const char *from, int pages)
{
    int count = 0;
    for (int i = 0; i < pages; i++) {
        PSAPI_WORKING_SET_EX_INFORMATION page = {.VirtualAddress = (void *)(from + i * 4096)};
        if (K32QueryWorkingSetEx(GetCurrentProcess(), &page, sizeof page)) count += page.VirtualAttributes.Valid;
    }
    return count;
}

int main(void)
{
    enum { PAGE = 4096, PAGES = 256 };
    HANDLE process = GetCurrentProcess();
    SIZE_T minimum, maximum;
    char *memory = VirtualAlloc(NULL, PAGES * PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    for (int i = 0; i < PAGES; i++) memory[i * PAGE] = (char)i;
    SetProcessWorkingSetSize(process, 50 * PAGE, 345 * PAGE);
    printf("valid: %d of %d\n", valid(memory, PAGES), PAGES);
    SetLastError(0);
    BOOL done = VirtualLock(memory, 64 * PAGE);
    printf("locking 64 with a minimum of 50: %d, error %lu\n", done, GetLastError());
    SetProcessWorkingSetSize(process, 100 * PAGE, 345 * PAGE);
    GetProcessWorkingSetSize(process, &minimum, &maximum);
    printf("with a minimum of %lu: %d\n", (unsigned long)(minimum / PAGE), VirtualLock(memory, 64 * PAGE));
    printf("emptied: %d\n", K32EmptyWorkingSet(process));
    printf("valid: %d of %d\n", valid(memory, PAGES), PAGES);
    int wrong = 0;
    for (int i = 0; i < PAGES; i++) wrong += memory[i * PAGE] != (char)i;
    printf("wrong: %d, valid: %d\n", wrong, valid(memory, PAGES));
    printf("unlocked: %d\n", VirtualUnlock(memory, 64 * PAGE));
    done = VirtualUnlock(memory, PAGE);
    printf("again: %d, error %lu\n", done, GetLastError());
    SetProcessWorkingSetSize(process, (SIZE_T)-1, (SIZE_T)-1);
    printf("valid: %d\n", valid(memory, PAGES));
    return 0;
}
