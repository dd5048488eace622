/* Placeholders: address space that is split, filled, emptied and joined again. */
#include <stdio.h>
#include <windows.h>

#define RESERVE_PLACEHOLDER 0x40000
#define REPLACE_PLACEHOLDER 0x4000
#define COALESCE 1
#define PRESERVE 2

typedef PVOID (WINAPI *alloc2_t)(HANDLE, PVOID, SIZE_T, ULONG, ULONG, void *, ULONG);

static void show(const char *when, char *base, SIZE_T size)
{
    printf("%s:", when);
    for (char *at = base; at < base + size;) {
        MEMORY_BASIC_INFORMATION info;
        VirtualQuery(at, &info, sizeof info);
        SIZE_T length = info.RegionSize;
        if (at + length > base + size) length = base + size - at;
        printf(" [%luK of %ld state %lx]", (unsigned long)(length / 1024),
               info.State == MEM_FREE ? -1 : (long)((at - (char *)info.AllocationBase) / 1024), info.State);
        at += length;
    }
    printf("\n");
}

int main(void)
{
    alloc2_t alloc2 = (alloc2_t)(void *)GetProcAddress(GetModuleHandleA("kernelbase.dll"), "VirtualAlloc2");
    if (!alloc2) {
        printf("no VirtualAlloc2\n");
        return 1;
    }
    const SIZE_T k64 = 65536, size = 4 * k64;
    char *base = alloc2(NULL, NULL, size, MEM_RESERVE | RESERVE_PLACEHOLDER, PAGE_NOACCESS, NULL, 0);
    if (!base) {
        printf("no placeholder, error %lu\n", GetLastError());
        return 2;
    }
    show("reserved", base, size);
    printf("split: %d\n", VirtualFree(base + k64, k64, MEM_RELEASE | PRESERVE));
    show("split", base, size);
    char *filled = alloc2(NULL, base + k64, k64, MEM_RESERVE | MEM_COMMIT | REPLACE_PLACEHOLDER, PAGE_READWRITE, NULL, 0);
    printf("replaced: %s\n", filled == base + k64 ? "yes" : "no");
    if (filled) filled[100] = 7;
    show("replaced", base, size);
    SetLastError(0);
    void *wrong = alloc2(NULL, base + 2 * k64, k64, MEM_RESERVE | REPLACE_PLACEHOLDER, PAGE_READWRITE, NULL, 0);
    printf("part of a placeholder: %s, error %lu\n", wrong ? "given" : "refused", GetLastError());
    SetLastError(0);
    BOOL joined = VirtualFree(base, size, MEM_RELEASE | COALESCE);
    printf("joined too early: %d, error %lu\n", joined, GetLastError());
    printf("put back: %d\n", VirtualFree(filled, k64, MEM_RELEASE | PRESERVE));
    show("put back", base, size);
    printf("joined: %d\n", VirtualFree(base, size, MEM_RELEASE | COALESCE));
    show("joined", base, size);
    printf("freed: %d\n", VirtualFree(base, 0, MEM_RELEASE));
    return 0;
}
