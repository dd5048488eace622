/* Memory whose writes the system keeps book of, as a garbage collector uses it. */
#include <stdio.h>
#include <windows.h>

#define PAGES 32
static char *base;

static void show(const char *when, DWORD flags)
{
    PVOID pages[PAGES];
    ULONG_PTR count = PAGES;
    DWORD granularity = 0;
    UINT result = GetWriteWatch(flags, base, PAGES * 4096, pages, &count, &granularity);
    printf("%s: result %u, granularity %lu, pages", when, result, granularity);
    for (ULONG_PTR i = 0; i < count; i++) printf(" %ld", (long)(((char *)pages[i] - base) / 4096));
    printf("\n");
}

int main(void)
{
    base = VirtualAlloc(NULL, PAGES * 4096, MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH, PAGE_READWRITE);
    if (!base) {
        printf("no watched memory, error %lu\n", GetLastError());
        return 1;
    }
    show("fresh", 0);
    volatile char c = base[2 * 4096];
    show("after a read", 0);
    for (int i = 3; i < PAGES; i += 7) base[i * 4096 + i] = c + 1;
    show("after writes", 0);
    show("again, with reset", WRITE_WATCH_FLAG_RESET);
    show("after the reset", 0);
    memset(base + 4096 * 8 - 2, 5, 4);
    show("a write across a border", 0);
    printf("reset: %u\n", ResetWriteWatch(base, PAGES * 4096));
    show("after that reset", 0);
    char *plain = VirtualAlloc(NULL, 4096, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    SetLastError(0);
    UINT result = ResetWriteWatch(plain, 4096);
    printf("plain memory: %s, error %lu\n", result ? "refused" : "done", GetLastError());
    printf("%d %d\n", base[3 * 4096 + 3], base[8 * 4096]);
    return 0;
}
