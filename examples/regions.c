/*
 * Walks its own address space with VirtualQuery. Addresses differ from run to run, so it prints what does not: sums, offsets
 * inside an allocation, protections.
 */
#include <stdio.h>
#include <windows.h>

static const char *state(DWORD s)
{
    return s == MEM_COMMIT ? "commit " : s == MEM_RESERVE ? "reserve" : "free   ";
}

/* Every region of one allocation, as offsets from its start. */
static void show(const char *title, BYTE *base)
{
    MEMORY_BASIC_INFORMATION m;
    printf("%s\n", title);
    for (BYTE *at = base; VirtualQuery(at, &m, sizeof m) == sizeof m && m.AllocationBase == base;
         at = (BYTE *)m.BaseAddress + m.RegionSize)
        printf("  +%05llX %6llX %s protect %02lX allocated as %02lX%s\n",
               (unsigned long long)((BYTE *)m.BaseAddress - base), (unsigned long long)m.RegionSize, state(m.State),
               m.Protect, m.AllocationProtect, m.Type == MEM_PRIVATE ? " private" : "");
}

static void walk(void)
{
    MEMORY_BASIC_INFORMATION m;
    unsigned long long sum = 0, holes = 0, misaligned = 0;
    for (BYTE *at = NULL; VirtualQuery(at, &m, sizeof m) == sizeof m; at = (BYTE *)m.BaseAddress + m.RegionSize) {
        holes += m.BaseAddress != at;
        sum += m.RegionSize;
        misaligned += m.State != MEM_FREE && ((ULONG_PTR)m.AllocationBase & 0xFFFF) != 0 && m.AllocationBase != (void *)0x7FFE0000;
    }
    printf("regions add up to %012llX, %llu holes\n", sum, holes);
    printf("allocations off the 64 KB grid: %llu\n", misaligned);
    SetLastError(0);
    SIZE_T n = VirtualQuery((void *)0x7FFFFFFF0000, &m, sizeof m);
    printf("beyond the end: %llu, error %lu\n", (unsigned long long)n, GetLastError());
}

int main(void)
{
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    printf("page %lX, granularity %lX, %p to %p\n", info.dwPageSize, info.dwAllocationGranularity,
           info.lpMinimumApplicationAddress, info.lpMaximumApplicationAddress);
    walk();

    BYTE *block = VirtualAlloc(NULL, 0x12345, MEM_RESERVE, PAGE_READWRITE);
    show("reserved 12345 bytes", block);
    VirtualAlloc(block + 0x3001, 0x1000, MEM_COMMIT, PAGE_READWRITE);
    show("committed 1000 bytes at +3001", block);
    DWORD old;
    printf("protect: %d", VirtualProtect(block + 0x4000, 1, PAGE_READONLY, &old));
    printf(", was %02lX\n", old);
    show("second page read-only", block);
    SetLastError(0);
    printf("protecting reserved memory: %d", VirtualProtect(block, 1, PAGE_READONLY, &old));
    printf(", error %lu\n", GetLastError());
    VirtualAlloc(block, 0x12345, MEM_COMMIT, PAGE_EXECUTE_READ);
    show("all committed, execute-read", block);
    VirtualFree(block + 0x1000, 0x2000, MEM_DECOMMIT);
    show("two pages decommitted", block);
    SetLastError(0);
    printf("release in the middle: %d", VirtualFree(block + 0x1000, 0, MEM_RELEASE));
    printf(", error %lu\n", GetLastError());
    printf("release: %d\n", VirtualFree(block, 0, MEM_RELEASE));
    MEMORY_BASIC_INFORMATION m;
    VirtualQuery(block, &m, sizeof m);
    printf("then it is %s\n", state(m.State));

    /* The headers and the code of this program. */
    BYTE *image = (BYTE *)GetModuleHandleA(NULL);
    VirtualQuery(image, &m, sizeof m);
    printf("headers: %s protect %02lX %s\n", state(m.State), m.Protect, m.Type == MEM_IMAGE ? "image" : "?");
    VirtualQuery((void *)main, &m, sizeof m);
    printf("code: at +%llX %s protect %02lX allocated as %02lX\n", (unsigned long long)((BYTE *)m.BaseAddress - image),
           state(m.State), m.Protect, m.AllocationProtect);
    return 0;
}
