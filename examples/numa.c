/* Memory that is to come from one node or another. Run with --nodes 2 --processors 2; with one node the second half says so. */
#define _WIN32_WINNT 0x0A00
#include <windows.h>
#include <psapi.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGES 64

static void *exported(const char *name) { return (void *)GetProcAddress(GetModuleHandleA("kernel32.dll"), name); }

typedef struct {
    PVOID address;
    ULONG_PTR flags;
} Page;

typedef BOOL(WINAPI *QueryPages)(HANDLE, PVOID, DWORD);

/* How many of a region's pages are in memory on a node. */
static int pages_on(unsigned node, char *base) {
    QueryPages query = (QueryPages)exported("K32QueryWorkingSetEx");
    Page pages[PAGES];
    int count = 0;
    for (int i = 0; i < PAGES; i++) pages[i].address = base + i * 4096;
    if (!query(GetCurrentProcess(), pages, sizeof pages)) printf("QueryWorkingSetEx: error %lu\n", GetLastError());
    for (int i = 0; i < PAGES; i++) count += (pages[i].flags & 1) && (pages[i].flags >> 16 & 63) == node;
    return count;
}

static void touch(char *base) {
    for (int i = 0; i < PAGES; i++) base[i * 4096] = (char)i;
}

static void machine(ULONG highest) {
    for (ULONG node = 0; node <= highest; node++) {
        ULONGLONG mask = 0, available = 0;
        GROUP_AFFINITY affinity = {0};
        GetNumaNodeProcessorMask((UCHAR)node, &mask);
        GetNumaNodeProcessorMaskEx((USHORT)node, &affinity);
        GetNumaAvailableMemoryNode((UCHAR)node, &available);
        printf("node %lu: processors %llx (%llx in group %u), memory available: %s\n", node, mask,
               (unsigned long long)affinity.Mask, affinity.Group, available ? "yes" : "no");
    }
    ULONGLONG mask;
    SetLastError(0);
    BOOL done = GetNumaNodeProcessorMask((UCHAR)(highest + 1), &mask);
    printf("one more: %d, error %lu\n", done, GetLastError());
    UCHAR node = 0;
    done = GetNumaProcessorNode(0, &node);
    printf("processor 0 is of node %u: %d\n", node, done);
    done = GetNumaProcessorNode(200, &node);
    printf("processor 200 is of node %u: %d, error %lu\n", node, done, GetLastError());

    DWORD length = 0;
    done = GetLogicalProcessorInformation(NULL, &length);
    printf("records: %d, error %lu, multiple of 32: %d\n", done, GetLastError(), length % 32 == 0);
    SYSTEM_LOGICAL_PROCESSOR_INFORMATION *records = malloc(length);
    GetLogicalProcessorInformation(records, &length);
    int cores = 0, nodes = 0, caches = 0, packages = 0;
    for (DWORD i = 0; i < length / sizeof *records; i++) {
        cores += records[i].Relationship == RelationProcessorCore;
        nodes += records[i].Relationship == RelationNumaNode;
        caches += records[i].Relationship == RelationCache;
        packages += records[i].Relationship == RelationProcessorPackage;
    }
    printf("cores %d, nodes %d, caches %d, packages %d\n", cores, nodes, caches, packages);
}

static void memory(ULONG highest) {
    for (ULONG node = 0; node <= highest; node++) {
        char *base = VirtualAllocExNuma(GetCurrentProcess(), NULL, PAGES * 4096, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE,
                                        node);
        touch(base);
        printf("VirtualAllocExNuma %lu: %d of %d pages there\n", node, pages_on(node, base), PAGES);
        VirtualFree(base, 0, MEM_RELEASE);

        HANDLE section = CreateFileMappingNumaA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, PAGES * 4096, NULL, node);
        base = MapViewOfFile(section, FILE_MAP_ALL_ACCESS, 0, 0, 0);
        touch(base);
        printf("CreateFileMappingNuma %lu: %d\n", node, pages_on(node, base));
        UnmapViewOfFile(base);
        CloseHandle(section);

        section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, PAGES * 4096, NULL);
        base = MapViewOfFileExNuma(section, FILE_MAP_ALL_ACCESS, 0, 0, 0, NULL, node);
        touch(base);
        printf("MapViewOfFileExNuma %lu: %d\n", node, pages_on(node, base));
        UnmapViewOfFile(base);
        CloseHandle(section);
    }
    SetLastError(0);
    void *none = VirtualAllocExNuma(GetCurrentProcess(), NULL, 4096, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE, highest + 1);
    printf("a node too many: %d, error %lu\n", none != NULL, GetLastError());
    char *base = VirtualAllocExNuma(GetCurrentProcess(), NULL, PAGES * 4096, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE,
                                    (DWORD)-1);
    touch(base);
    int found = 0;
    for (ULONG node = 0; node <= highest; node++) found += pages_on(node, base);
    printf("no node preferred: %d pages\n", found);
    VirtualFree(base, 0, MEM_RELEASE);
}

static DWORD WINAPI where(LPVOID ideal_out) {
    PROCESSOR_NUMBER ideal = {0};
    GetThreadIdealProcessorEx(GetCurrentThread(), &ideal);
    *(int *)ideal_out = ideal.Number;
    return GetCurrentProcessorNumber();
}

/* Which processors threads are best off on, and whether they get them. */
static void threads(void) {
    int ideal = 0;
    DWORD got = where(&ideal);
    printf("first thread is on its ideal processor: %d\n", got == (DWORD)ideal);
    HANDLE thread = CreateThread(NULL, 0, where, &ideal, 0, NULL);
    WaitForSingleObject(thread, INFINITE);
    GetExitCodeThread(thread, &got);
    CloseHandle(thread);
    printf("second one: %d\n", got == (DWORD)ideal);

    DWORD before = SetThreadIdealProcessor(GetCurrentThread(), MAXIMUM_PROCESSORS);
    printf("SetThreadIdealProcessor that asks, then sets: %d %d\n", before == SetThreadIdealProcessor(GetCurrentThread(), 0),
           SetThreadIdealProcessor(GetCurrentThread(), MAXIMUM_PROCESSORS) == 0);
    SetLastError(0);
    before = SetThreadIdealProcessor(GetCurrentThread(), 65);
    printf("processor 65: %d, error %lu\n", (int)before, GetLastError());
    PROCESSOR_NUMBER number = {0, 0, 0}, old = {9, 9, 9};
    BOOL done = SetThreadIdealProcessorEx(GetCurrentThread(), &number, &old);
    printf("SetThreadIdealProcessorEx: %d, before: group %u processor %u\n", done, old.Group, old.Number);
    number.Group = 7;
    SetLastError(0);
    done = SetThreadIdealProcessorEx(GetCurrentThread(), &number, NULL);
    printf("group 7: %d, error %lu\n", done, GetLastError());
    UCHAR node = 99;
    done = GetNumaProximityNode(0, &node);
    printf("GetNumaProximityNode 0: %d, node %u\n", done, node);
    USHORT wide = 99;
    ULONGLONG available = 0;
    done = GetNumaProximityNodeEx(0, &wide);
    printf("GetNumaProximityNodeEx 0: %d, node %u\n", done, wide);
    done = GetNumaAvailableMemoryNodeEx(0, &available);
    printf("GetNumaAvailableMemoryNodeEx 0: %d, some: %d\n", done, available != 0);
    SetLastError(0);
    done = GetNumaAvailableMemoryNodeEx(99, &available);
    printf("GetNumaAvailableMemoryNodeEx 99: %d, error %lu\n", done, GetLastError());
}

int main(void) {
    ULONG highest = 99;
    GetNumaHighestNodeNumber(&highest);
    printf("highest node: %lu\n", highest);
    machine(highest);
    memory(highest);
    threads();
    return 0;
}
