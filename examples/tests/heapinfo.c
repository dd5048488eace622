/*
 * What heaps can be told and asked, each class of HEAP_INFORMATION_CLASS and its errors; memory given back on request; a damaged
 * heap that ends the process past its own handlers. Wine 8 has no HeapOptimizeResources and does not end a process for a damaged
 * heap; those lines of the expected output are Windows' documentation. Vadose's heaps have no low-fragmentation front end and say so.
 */
#define _WIN32_WINNT 0x0A00
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

static void row(const char *what, BOOL done)
{
    DWORD error = GetLastError();
    printf("%-60s %s %lu\n", what, done ? "yes" : "no", done ? 0 : error);
}

#define ROW(call) (SetLastError(0), row(#call, (call) != 0))

static void classes(void)
{
    HANDLE heap = HeapCreate(0, 0, 0), plain = HeapCreate(HEAP_NO_SERIALIZE, 0, 0);
    ULONG kind = 77;
    SIZE_T size = 77;
    struct {
        DWORD version, flags;
    } optimize = {1, 0}, wrong = {2, 0};
    ROW(HeapQueryInformation(heap, HeapCompatibilityInformation, &kind, sizeof kind, &size));
    printf("kind %lu, size %lu\n", kind, (unsigned long)size);
    size = 77;
    ROW(HeapQueryInformation(heap, HeapCompatibilityInformation, NULL, 0, &size));
    printf("size %lu\n", (unsigned long)size);
    ROW(HeapQueryInformation(heap, HeapCompatibilityInformation, &kind, 3, NULL));
    ROW(HeapQueryInformation(heap, HeapCompatibilityInformation, &kind, 5, NULL));
    kind = 0;
    ROW(HeapSetInformation(heap, HeapCompatibilityInformation, &kind, 3));
    kind = 2;
    ROW(HeapSetInformation(plain, HeapCompatibilityInformation, &kind, sizeof kind));
    ROW(HeapQueryInformation(plain, HeapCompatibilityInformation, &kind, sizeof kind, NULL));
    printf("kind %lu\n", kind);
    kind = 1; /* look-aside lists are no longer there */
    ROW(HeapSetInformation(plain, HeapCompatibilityInformation, &kind, sizeof kind));
    ROW(HeapSetInformation(NULL, HeapEnableTerminationOnCorruption, NULL, 0));
    ROW(HeapSetInformation(heap, HeapEnableTerminationOnCorruption, NULL, 0));
    ROW(HeapSetInformation(NULL, (HEAP_INFORMATION_CLASS)3, &optimize, sizeof optimize));
    ROW(HeapSetInformation(heap, (HEAP_INFORMATION_CLASS)3, &optimize, sizeof optimize));
    ROW(HeapSetInformation(heap, (HEAP_INFORMATION_CLASS)3, &optimize, 4));
    ROW(HeapSetInformation(heap, (HEAP_INFORMATION_CLASS)3, &wrong, sizeof wrong));
    ROW(HeapDestroy(heap));
    ROW(HeapDestroy(plain));
}

/* Committed bytes of a heap's regions. */
static SIZE_T committed(HANDLE heap)
{
    PROCESS_HEAP_ENTRY entry = {0};
    SIZE_T sum = 0;
    while (HeapWalk(heap, &entry)) {
        if (entry.wFlags & PROCESS_HEAP_REGION) sum += entry.Region.dwCommittedSize;
    }
    return sum;
}

static void giving_back(void)
{
    enum { COUNT = 8 };
    void *blocks[COUNT];
    SIZE_T before;
    struct {
        DWORD version, flags;
    } optimize = {1, 0};
    HANDLE heap = HeapCreate(0, 0, 0);
    for (int i = 0; i < COUNT; i++) blocks[i] = HeapAlloc(heap, 0, 0x3000);
    for (int i = 0; i < COUNT; i += 2) HeapFree(heap, 0, blocks[i]);
    before = committed(heap);
    HeapSetInformation(heap, (HEAP_INFORMATION_CLASS)3, &optimize, sizeof optimize);
    printf("optimised, the heap has %s memory\n", committed(heap) < before ? "less" : "as much");
    for (int i = 1; i < COUNT; i += 2) HeapFree(heap, 0, blocks[i]);
    printf("largest free block %s\n", HeapCompact(heap, 0) >= 16 ? "found" : "missing");
    printf("sound %d\n", HeapValidate(heap, 0, NULL));
    HeapDestroy(heap);
    printf("_heapmin %d\n", _heapmin());
}

static LONG CALLBACK vectored(EXCEPTION_POINTERS *e)
{
    printf("vectored handler: %lx\n", e->ExceptionRecord->ExceptionCode);
    fflush(stdout);
    return EXCEPTION_CONTINUE_SEARCH;
}

static LONG CALLBACK last(EXCEPTION_POINTERS *e)
{
    printf("top-level filter: %lx\n", e->ExceptionRecord->ExceptionCode);
    fflush(stdout);
    return EXCEPTION_EXECUTE_HANDLER;
}

static int corrupt(void)
{
    char *block = HeapAlloc(GetProcessHeap(), 0, 64);
    AddVectoredExceptionHandler(1, vectored);
    SetUnhandledExceptionFilter(last);
    memset(block - 16, 0x55, 16);
    HeapFree(GetProcessHeap(), 0, block);
    printf("the program went on\n");
    return 0;
}

int main(int argc, char **argv)
{
    char command[MAX_PATH + 16];
    STARTUPINFOA start = {.cb = sizeof start};
    PROCESS_INFORMATION child;
    DWORD code;
    if (argc == 2 && strcmp(argv[1], "corrupt") == 0) return corrupt();
    classes();
    giving_back();
    fflush(stdout);
    sprintf(command, "\"%s\" corrupt", argv[0]);
    if (!CreateProcessA(NULL, command, NULL, NULL, TRUE, 0, NULL, NULL, &start, &child)) return 1;
    WaitForSingleObject(child.hProcess, INFINITE);
    GetExitCodeProcess(child.hProcess, &code);
    printf("exit %lx\n", code);
    return 0;
}
