/* A ring buffer that is in the address space twice in a row, so that nothing in it is ever cut in two. */
#define _WIN32_WINNT 0x0A00
#include <stdio.h>
#include <string.h>
#include <windows.h>

#ifndef MEM_REPLACE_PLACEHOLDER
#define MEM_REPLACE_PLACEHOLDER 0x4000
#define MEM_RESERVE_PLACEHOLDER 0x40000
#define MEM_COALESCE_PLACEHOLDERS 1
#define MEM_PRESERVE_PLACEHOLDER 2
#endif

typedef PVOID(WINAPI *VirtualAlloc2_t)(HANDLE, PVOID, SIZE_T, ULONG, ULONG, void *, ULONG);
typedef PVOID(WINAPI *MapViewOfFile3_t)(HANDLE, HANDLE, PVOID, ULONG64, SIZE_T, ULONG, ULONG, void *, ULONG);
typedef BOOL(WINAPI *UnmapViewOfFile2_t)(HANDLE, PVOID, ULONG);

static int regions(const char *from, const char *to)
{
    MEMORY_BASIC_INFORMATION information;
    int count = 0;
    for (; from < to && VirtualQuery(from, &information, sizeof information); count++)
        from = (char *)information.BaseAddress + information.RegionSize;
    return count;
}

int main(void)
{
    enum { SIZE = 65536 };
    HMODULE base = GetModuleHandleA("kernelbase.dll");
    VirtualAlloc2_t allocate = (VirtualAlloc2_t)(void *)GetProcAddress(base, "VirtualAlloc2");
    MapViewOfFile3_t map = (MapViewOfFile3_t)(void *)GetProcAddress(base, "MapViewOfFile3");
    UnmapViewOfFile2_t unmap = (UnmapViewOfFile2_t)(void *)GetProcAddress(base, "UnmapViewOfFile2");
    HANDLE process = GetCurrentProcess();
    if (!allocate || !map || !unmap) return 1;

    char *ring = allocate(process, NULL, 2 * SIZE, MEM_RESERVE | MEM_RESERVE_PLACEHOLDER, PAGE_NOACCESS, NULL, 0);
    printf("placeholder: %s\n", ring ? "yes" : "no");
    printf("split: %d\n", VirtualFree(ring, SIZE, MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER));
    HANDLE section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, SIZE, NULL);
    for (int i = 0; i < 2; i++) {
        char *at = map(section, process, ring + i * SIZE, 0, SIZE, MEM_REPLACE_PLACEHOLDER, PAGE_READWRITE, NULL, 0);
        printf("view %d: %s\n", i, at == ring + i * SIZE ? "in its place" : "refused");
        if (!at) return 2;
    }
    strcpy(ring + SIZE - 6, "around the corner");
    printf("at the end: %s\n", ring + SIZE - 6);
    printf("at the start: %s\n", ring + 1);
    /* Messages of 1000 bytes, put in and taken out without a thought to the end. */
    unsigned in = 0, out = 0, sum = 0;
    for (int i = 0; i < 1000; i++) {
        memset(ring + in % SIZE, i & 0x7F, 1000);
        in += 1000;
        for (unsigned j = 0; j < 1000; j++) sum += (unsigned char)ring[out % SIZE + j];
        out += 1000;
    }
    printf("sum: %u\n", sum);
    for (int i = 0; i < 2; i++) printf("back to a placeholder: %d\n", unmap(process, ring + i * SIZE, MEM_PRESERVE_PLACEHOLDER));
    printf("joined: %d, regions: ", VirtualFree(ring, 2 * SIZE, MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS));
    printf("%d\n", regions(ring, ring + 2 * SIZE));
    printf("released: %d\n", VirtualFree(ring, 0, MEM_RELEASE));
    return 0;
}
