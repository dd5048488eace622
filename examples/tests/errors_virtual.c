/* Virtual memory: every documented error. */
#include "errors.h"

static HANDLE self, powerless, querying, event;
static const HANDLE wrong = (HANDLE)0x1234;
static char *committed, *reserved, *view;
enum { PAGE = 4096, K64 = 65536 };

static void allocating(void)
{
    const DWORD both = MEM_RESERVE | MEM_COMMIT;
    ROW(0, VirtualAlloc(NULL, 1, MEM_RESERVE, PAGE_NOACCESS));
    ROW(0, VirtualAlloc(NULL, 1, MEM_COMMIT, PAGE_READWRITE));
    ROW(0, VirtualAlloc(NULL, K64, both | MEM_TOP_DOWN, PAGE_READWRITE));
    ROW(0, VirtualAlloc(NULL, K64, both | MEM_WRITE_WATCH, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, 0, both, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, K64, 0, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, K64, MEM_TOP_DOWN, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, K64, both | MEM_DECOMMIT, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, K64, both | MEM_RELEASE, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, K64, both, 0));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, K64, both, PAGE_READWRITE | PAGE_READONLY));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, K64, both, PAGE_WRITECOPY));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, K64, both, PAGE_EXECUTE_WRITECOPY));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, K64, both, PAGE_NOACCESS | PAGE_GUARD));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, K64, both, PAGE_NOACCESS | PAGE_NOCACHE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, K64, both, PAGE_READWRITE | PAGE_NOCACHE | PAGE_WRITECOMBINE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, K64, both, PAGE_READWRITE | PAGE_GUARD | PAGE_NOCACHE));
    ROW(0, VirtualAlloc(NULL, K64, both, PAGE_READWRITE | PAGE_GUARD));
    ROW(0, VirtualAlloc(NULL, K64, both, PAGE_READWRITE | PAGE_NOCACHE));
    ROW(0, VirtualAlloc(NULL, K64, both, PAGE_READWRITE | PAGE_WRITECOMBINE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc((void *)0x1000, K64, both, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc((void *)0x7FFFFFFF0000, K64, both, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc((void *)0xFFFF800000000000, K64, both, PAGE_READWRITE));
    ROW(ERROR_NOT_ENOUGH_MEMORY, VirtualAlloc(NULL, 0x7FFFFFFE0000, MEM_RESERVE, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, 0x800000000000, MEM_RESERVE, PAGE_READWRITE));
    ROW(ERROR_INVALID_ADDRESS, VirtualAlloc(committed, K64, MEM_RESERVE, PAGE_READWRITE));
    ROW(ERROR_INVALID_ADDRESS, VirtualAlloc((void *)0x10000, PAGE, MEM_COMMIT, PAGE_READWRITE));
    ROW(ERROR_INVALID_ADDRESS, VirtualAlloc(reserved + K64 - PAGE, 2 * PAGE, MEM_COMMIT, PAGE_READWRITE));
    ROW(0, VirtualAlloc(committed, PAGE, MEM_COMMIT, PAGE_READONLY));
    ROW(0, VirtualAlloc(committed, PAGE, MEM_COMMIT, PAGE_READWRITE));
    ROW(0, VirtualAlloc(committed, PAGE, MEM_RESET, PAGE_NOACCESS));
    ROW(0, VirtualAlloc(committed, PAGE, MEM_RESET_UNDO, PAGE_NOACCESS));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(committed, PAGE, MEM_RESET | MEM_COMMIT, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(committed, PAGE, MEM_RESET | MEM_RESET_UNDO, PAGE_READWRITE));
    ROW(ERROR_INVALID_ADDRESS, VirtualAlloc((void *)0x10000, PAGE, MEM_RESET, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(reserved, PAGE, MEM_COMMIT | MEM_WRITE_WATCH, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, K64, both | MEM_PHYSICAL, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, K64, MEM_RESERVE | MEM_PHYSICAL, PAGE_READONLY));
    ROW(ERROR_PRIVILEGE_NOT_HELD, VirtualAlloc(NULL, 2 << 20, both | MEM_LARGE_PAGES, PAGE_READWRITE));
    ROW(ERROR_COMMITMENT_LIMIT, VirtualAlloc(NULL, (SIZE_T)1 << 42, both, PAGE_READWRITE));
    ROW(ERROR_INVALID_HANDLE, VirtualAllocEx(wrong, NULL, K64, both, PAGE_READWRITE));
    ROW(ERROR_INVALID_HANDLE, VirtualAllocEx(event, NULL, K64, both, PAGE_READWRITE));
    ROW(ERROR_ACCESS_DENIED, VirtualAllocEx(powerless, NULL, K64, both, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAllocExNuma(self, NULL, K64, both, PAGE_READWRITE, 99));
    ROW(0, VirtualAllocExNuma(self, NULL, K64, both, PAGE_READWRITE, 0));
}

static void protecting(void)
{
    DWORD old;
    ROW(0, VirtualProtect(committed, PAGE, PAGE_READONLY, &old));
    printf("was %lx\n", old);
    ROW(0, VirtualProtect(committed, PAGE, PAGE_READWRITE, &old));
    ROW(ERROR_INVALID_PARAMETER, VirtualProtect(committed, PAGE, 0, &old));
    ROW(ERROR_INVALID_PARAMETER, VirtualProtect(committed, PAGE, 3, &old));
    ROW(ERROR_INVALID_PARAMETER, VirtualProtect(committed, PAGE, PAGE_WRITECOPY, &old));
    ROW(ERROR_INVALID_PARAMETER, VirtualProtect(committed, PAGE, PAGE_NOACCESS | PAGE_GUARD, &old));
    ROW(ERROR_NOACCESS, VirtualProtect(committed, PAGE, PAGE_READONLY, NULL));
    ROW(ERROR_NOACCESS, VirtualProtect(committed, PAGE, PAGE_READONLY, (DWORD *)16));
    ROW(ERROR_INVALID_ADDRESS, VirtualProtect(reserved, PAGE, PAGE_READONLY, &old));
    ROW(ERROR_INVALID_ADDRESS, VirtualProtect((void *)0x10000, PAGE, PAGE_READONLY, &old));
    ROW(ERROR_INVALID_ADDRESS, VirtualProtect(committed, 2 * K64, PAGE_READONLY, &old));
    ROW(ERROR_INVALID_PARAMETER, VirtualProtect(committed, 0, PAGE_READONLY, &old));
    ROW(ERROR_INVALID_PARAMETER, VirtualProtect((void *)0xFFFF800000000000, PAGE, PAGE_READONLY, &old));
    ROW(ERROR_INVALID_PARAMETER, VirtualProtect(view, PAGE, PAGE_EXECUTE_READ, &old));
    ROW(ERROR_INVALID_HANDLE, VirtualProtectEx(wrong, committed, PAGE, PAGE_READONLY, &old));
    ROW(ERROR_ACCESS_DENIED, VirtualProtectEx(powerless, committed, PAGE, PAGE_READONLY, &old));
}

static void freeing(void)
{
    char *p = VirtualAlloc(NULL, 2 * K64, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    ROW(ERROR_INVALID_PARAMETER, VirtualFree(p, K64, MEM_RELEASE));
    ROW(ERROR_INVALID_PARAMETER, VirtualFree(p, 0, 0));
    ROW(ERROR_INVALID_PARAMETER, VirtualFree(p, 0, MEM_RELEASE | MEM_DECOMMIT));
    ROW(ERROR_INVALID_PARAMETER, VirtualFree(p, 0, MEM_COMMIT));
    ROW(ERROR_INVALID_ADDRESS, VirtualFree(p + K64, 0, MEM_RELEASE));
    ROW(ERROR_INVALID_ADDRESS, VirtualFree(p + PAGE, 0, MEM_DECOMMIT));
    ROW(ERROR_INVALID_PARAMETER, VirtualFree(p + K64, 2 * K64, MEM_DECOMMIT));
    ROW(ERROR_INVALID_ADDRESS, VirtualFree((void *)0x10000, 0, MEM_RELEASE));
    ROW(ERROR_INVALID_PARAMETER, VirtualFree((void *)0xFFFF800000000000, 0, MEM_RELEASE));
    ROW(ERROR_INVALID_PARAMETER, VirtualFree(view, 0, MEM_RELEASE));
    ROW(ERROR_INVALID_PARAMETER, VirtualFree(view, PAGE, MEM_DECOMMIT));
    ROW(0, VirtualFree(p + PAGE, PAGE, MEM_DECOMMIT));
    ROW(0, VirtualFree(p + PAGE, PAGE, MEM_DECOMMIT));
    ROW(0, VirtualFree(p, 0, MEM_DECOMMIT));
    ROW(ERROR_INVALID_HANDLE, VirtualFreeEx(wrong, p, 0, MEM_RELEASE));
    ROW(ERROR_ACCESS_DENIED, VirtualFreeEx(powerless, p, 0, MEM_RELEASE));
    ROW(0, VirtualFree(p, 0, MEM_RELEASE));
    ROW(ERROR_INVALID_ADDRESS, VirtualFree(p, 0, MEM_RELEASE));
}

static void asking(void)
{
    MEMORY_BASIC_INFORMATION information;
    SIZE_T done;
    char buffer[16];
    ROW(0, VirtualQuery(committed, &information, sizeof information));
    ROW(0, VirtualQuery(NULL, &information, sizeof information));
    ROW(ERROR_BAD_LENGTH, VirtualQuery(committed, &information, sizeof information - 1));
    ROW(ERROR_INVALID_PARAMETER, VirtualQuery((void *)0xFFFF800000000000, &information, sizeof information));
    ROW(ERROR_NOACCESS, VirtualQuery(committed, (void *)16, sizeof information));
    ROW(ERROR_INVALID_HANDLE, VirtualQueryEx(wrong, committed, &information, sizeof information));
    ROW(ERROR_ACCESS_DENIED, VirtualQueryEx(powerless, committed, &information, sizeof information));
    ROW(0, VirtualQueryEx(querying, committed, &information, sizeof information));
    ROW(0, ReadProcessMemory(self, committed, buffer, 16, &done));
    ROW(ERROR_PARTIAL_COPY, ReadProcessMemory(self, reserved, buffer, 16, &done));
    ROW(ERROR_PARTIAL_COPY, ReadProcessMemory(self, (void *)0x10000, buffer, 16, &done));
    ROW(ERROR_ACCESS_DENIED, ReadProcessMemory(querying, committed, buffer, 16, &done));
    ROW(ERROR_INVALID_HANDLE, ReadProcessMemory(wrong, committed, buffer, 16, &done));
    ROW(0, WriteProcessMemory(self, committed, buffer, 16, &done));
    ROW(ERROR_NOACCESS, WriteProcessMemory(self, reserved, buffer, 16, &done));
    ROW(ERROR_ACCESS_DENIED, WriteProcessMemory(querying, committed, buffer, 16, &done));
    ROW(ERROR_INVALID_HANDLE, WriteProcessMemory(wrong, committed, buffer, 16, &done));
    ROW(0, FlushInstructionCache(self, committed, PAGE));
    ROW(ERROR_INVALID_HANDLE, FlushInstructionCache(wrong, committed, PAGE));
    WIN32_MEMORY_RANGE_ENTRY range = {committed, PAGE};
    ROW(0, PrefetchVirtualMemory(self, 1, &range, 0));
    ROW(ERROR_INVALID_PARAMETER, PrefetchVirtualMemory(self, 0, &range, 0));
    ROW(ERROR_INVALID_PARAMETER, PrefetchVirtualMemory(self, 1, &range, 1));
    ROW(ERROR_INVALID_HANDLE, PrefetchVirtualMemory(wrong, 1, &range, 0));
    ROW(ERROR_NOACCESS, PrefetchVirtualMemory(self, 1, (void *)16, 0));
}

static void watching(void)
{
    char *p = VirtualAlloc(NULL, K64, MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH, PAGE_READWRITE);
    void *written[16];
    ULONG_PTR count = 16;
    DWORD granularity;
    p[0] = p[PAGE] = 1;
    RETURNS(0, GetWriteWatch(0, p, K64, written, &count, &granularity));
    printf("written: %lu\n", (unsigned long)count);
    RETURNS(0xFFFFFFFF, GetWriteWatch(2, p, K64, written, &count, &granularity));
    RETURNS(0xFFFFFFFF, GetWriteWatch(0, committed, PAGE, written, &count, &granularity));
    RETURNS(0xFFFFFFFF, GetWriteWatch(0, p, 2 * K64, written, &count, &granularity));
    RETURNS(0xFFFFFFFF, GetWriteWatch(0, p, K64, written, NULL, &granularity));
    RETURNS(0, ResetWriteWatch(p, K64));
    RETURNS(0xFFFFFFFF, ResetWriteWatch(committed, PAGE));
}

int main(void)
{
    self = GetCurrentProcess();
    powerless = OpenProcess(SYNCHRONIZE, FALSE, GetCurrentProcessId());
    querying = OpenProcess(PROCESS_QUERY_INFORMATION, FALSE, GetCurrentProcessId());
    event = CreateEventA(NULL, TRUE, FALSE, NULL);
    committed = VirtualAlloc(NULL, K64, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    reserved = VirtualAlloc(NULL, K64, MEM_RESERVE, PAGE_READWRITE);
    HANDLE section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, K64, NULL);
    view = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    *committed = 1;
    allocating();
    protecting();
    freeing();
    asking();
    watching();
    return errors_end();
}
