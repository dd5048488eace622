/* What is asked of memory, and mappings in the forms of their own: every documented error. */
#include "errors.h"
#include <psapi.h>
#include <winternl.h>

IMPORT(CreateFileMapping2);
IMPORT(CreateFileMappingFromApp);
IMPORT(OpenFileMappingFromApp);
IMPORT(MapViewOfFileFromApp);
IMPORT(MapViewOfFileNuma2);
IMPORT(VirtualAllocFromApp);
IMPORT(VirtualAlloc2FromApp);
IMPORT(VirtualProtectFromApp);
IMPORT(QueryVirtualMemoryInformation);
#define CreateFileMapping2 CreateFileMapping2_
#define CreateFileMappingFromApp CreateFileMappingFromApp_
#define OpenFileMappingFromApp OpenFileMappingFromApp_
#define MapViewOfFileFromApp MapViewOfFileFromApp_
#define MapViewOfFileNuma2 MapViewOfFileNuma2_
#define VirtualAllocFromApp VirtualAllocFromApp_
#define VirtualAlloc2FromApp VirtualAlloc2FromApp_
#define VirtualProtectFromApp VirtualProtectFromApp_
#define QueryVirtualMemoryInformation QueryVirtualMemoryInformation_

static NTSTATUS(WINAPI *NtQueryVirtualMemory_)(HANDLE, const void *, int, void *, SIZE_T, SIZE_T *);
#define NtQueryVirtualMemory NtQueryVirtualMemory_

static HANDLE self, powerless, querying, event, section;
static const HANDLE wrong = (HANDLE)0x1234;
static char *committed, *reserved, *view;
enum { PAGE = 4096, K64 = 65536 };

static void classes(void)
{
    char buffer[512];
    SIZE_T done = 0;
    void *image = GetModuleHandleA(NULL), *high = (void *)0xFFFF800000000000;
    PSAPI_WORKING_SET_EX_INFORMATION *page = (void *)buffer;
    /* MemoryBasicInformation */
    RETURNS(0, NtQueryVirtualMemory(self, committed, 0, buffer, 48, &done));
    printf("length %lu\n", (unsigned long)done);
    RETURNS(0, NtQueryVirtualMemory(self, committed, 0, buffer, 64, &done));
    printf("length %lu\n", (unsigned long)done);
    RETURNS(0, NtQueryVirtualMemory(self, committed, 0, buffer, 48, NULL));
    RETURNS(0xC0000004, NtQueryVirtualMemory(self, committed, 0, buffer, 47, &done));
    RETURNS(0xC000000D, NtQueryVirtualMemory(self, high, 0, buffer, 48, &done));
    RETURNS(0xC0000005, NtQueryVirtualMemory(self, committed, 0, (void *)16, 48, &done));
    RETURNS(0xC0000008, NtQueryVirtualMemory(wrong, committed, 0, buffer, 48, &done));
    RETURNS(0xC0000024, NtQueryVirtualMemory(event, committed, 0, buffer, 48, &done));
    RETURNS(0xC0000022, NtQueryVirtualMemory(powerless, committed, 0, buffer, 48, &done));
    RETURNS(0xC0000003, NtQueryVirtualMemory(self, committed, 99, buffer, 48, &done));
    /* MemoryWorkingSetInformation: more pages than fit */
    RETURNS(0xC0000004, NtQueryVirtualMemory(self, NULL, 1, buffer, 4, &done));
    RETURNS(0xC0000004, NtQueryVirtualMemory(self, NULL, 1, buffer, 16, &done));
    RETURNS(0xC0000022, NtQueryVirtualMemory(powerless, NULL, 1, buffer, 16, &done));
    /* MemoryMappedFilenameInformation */
    RETURNS(0, NtQueryVirtualMemory(self, image, 2, buffer, sizeof buffer, &done));
    RETURNS(0xC0000004, NtQueryVirtualMemory(self, image, 2, buffer, 8, &done));
    RETURNS(0x80000005, NtQueryVirtualMemory(self, image, 2, buffer, 20, &done));
    RETURNS(0xC0000141, NtQueryVirtualMemory(self, committed, 2, buffer, sizeof buffer, &done));
    RETURNS(0xC0000141, NtQueryVirtualMemory(self, (void *)0x10000, 2, buffer, sizeof buffer, &done));
    RETURNS(0xC0000098, NtQueryVirtualMemory(self, view, 2, buffer, sizeof buffer, &done));
    /* MemoryRegionInformation */
    RETURNS(0, NtQueryVirtualMemory(self, committed + PAGE, 3, buffer, 24, &done));
    printf("base %d, protection %lx, type %lx, size %lx\n", *(char **)buffer == committed, *(ULONG *)(buffer + 8),
           *(ULONG *)(buffer + 12), (unsigned long)*(SIZE_T *)(buffer + 16));
    RETURNS(0xC0000004, NtQueryVirtualMemory(self, committed, 3, buffer, 16, &done));
    RETURNS(0xC0000141, NtQueryVirtualMemory(self, (void *)0x10000, 3, buffer, 24, &done));
    /* MemoryWorkingSetExInformation */
    *committed = 1;
    page->VirtualAddress = committed;
    RETURNS(0, NtQueryVirtualMemory(self, NULL, 4, buffer, 16, &done));
    printf("valid %d, protection %d\n", (int)page->VirtualAttributes.Valid, (int)page->VirtualAttributes.Win32Protection);
    RETURNS(0xC0000004, NtQueryVirtualMemory(self, NULL, 4, buffer, 8, &done));
    /* MemorySharedCommitInformation */
    RETURNS(0, NtQueryVirtualMemory(self, NULL, 5, buffer, 8, &done));
    RETURNS(0xC0000004, NtQueryVirtualMemory(self, NULL, 5, buffer, 4, &done));
    /* MemoryImageInformation */
    RETURNS(0, NtQueryVirtualMemory(self, image, 6, buffer, 24, &done));
    printf("base %d\n", *(void **)buffer == image);
    RETURNS(0xC0000004, NtQueryVirtualMemory(self, image, 6, buffer, 16, &done));
    RETURNS(0xC0000141, NtQueryVirtualMemory(self, committed, 6, buffer, 24, &done));
}

static void win32(void)
{
    WIN32_MEMORY_REGION_INFORMATION region;
    SIZE_T size;
    PSAPI_WORKING_SET_EX_INFORMATION pages[2] = {{.VirtualAddress = committed}, {.VirtualAddress = (void *)0x10000}};
    PERFORMANCE_INFORMATION performance;
    PROCESS_MEMORY_COUNTERS_EX counters;
    MEMORYSTATUSEX status = {.dwLength = sizeof status};
    SYSTEM_INFO system;
    char name[MAX_PATH];
    WCHAR wide[MAX_PATH];
    void *image = GetModuleHandleA(NULL);
    ULONG_PTR set[4096];
    ROW(0, QueryVirtualMemoryInformation(self, committed, MemoryRegionInfo, &region, sizeof region, &size));
    printf("size %lu, base %d, commit %lx, private %d\n", (unsigned long)size, region.AllocationBase == committed,
           (unsigned long)region.CommitSize, (int)region.Private);
    ROW(0, QueryVirtualMemoryInformation(self, view, MemoryRegionInfo, &region, sizeof region, NULL));
    printf("of a page file %d, of a file %d\n", (int)region.MappedPageFile, (int)region.MappedDataFile);
    ROW(0, QueryVirtualMemoryInformation(querying, image, MemoryRegionInfo, &region, sizeof region, NULL));
    printf("image %d\n", (int)region.MappedImage);
    ROW(ERROR_BAD_LENGTH, QueryVirtualMemoryInformation(self, committed, MemoryRegionInfo, &region, 16, &size));
    ROW(ERROR_INVALID_PARAMETER, QueryVirtualMemoryInformation(self, committed, (WIN32_MEMORY_INFORMATION_CLASS)7, &region, sizeof region, &size));
    FAILS(QueryVirtualMemoryInformation(self, (void *)0x10000, MemoryRegionInfo, &region, sizeof region, &size));
    ROW(ERROR_NOACCESS, QueryVirtualMemoryInformation(self, committed, MemoryRegionInfo, (void *)16, sizeof region, &size));
    ROW(ERROR_INVALID_HANDLE, QueryVirtualMemoryInformation(wrong, committed, MemoryRegionInfo, &region, sizeof region, &size));
    ROW(ERROR_ACCESS_DENIED, QueryVirtualMemoryInformation(powerless, committed, MemoryRegionInfo, &region, sizeof region, &size));
    ROW(0, QueryWorkingSet(self, set, sizeof set));
    printf("as many as the working set: %d\n", set[0] > 10 && set[0] < 4096);
    ROW(ERROR_NOACCESS, QueryWorkingSet(self, (void *)16, sizeof set));
    ROW(ERROR_ACCESS_DENIED, QueryWorkingSet(powerless, set, sizeof set));
    ROW(0, QueryWorkingSetEx(self, pages, sizeof pages));
    printf("valid %d %d\n", (int)pages[0].VirtualAttributes.Valid, (int)pages[1].VirtualAttributes.Valid);
    ROW(ERROR_NOACCESS, QueryWorkingSetEx(self, (void *)16, sizeof pages));
    ROW(ERROR_ACCESS_DENIED, QueryWorkingSetEx(powerless, pages, sizeof pages));
    ROW(0, GetMappedFileNameA(self, image, name, sizeof name));
    printf("a device's: %d\n", !strncmp(name, "\\Device\\", 8));
    ROW(0, GetMappedFileNameW(self, image, wide, MAX_PATH));
    ROW(ERROR_ACCESS_DENIED, GetMappedFileNameA(powerless, image, name, sizeof name));
    ROW(ERROR_INVALID_PARAMETER, GetMappedFileNameW(self, image, NULL, MAX_PATH));
    ROW(ERROR_FILE_INVALID, GetMappedFileNameA(self, view, name, sizeof name));
    ROW(0, GetPerformanceInfo(&performance, sizeof performance));
    ROW(ERROR_BAD_LENGTH, GetPerformanceInfo(&performance, 0));
    ROW(ERROR_NOACCESS, GetPerformanceInfo((void *)16, sizeof performance));
    memset(&counters, 0, sizeof counters);
    ROW(0, GetProcessMemoryInfo(querying, (PROCESS_MEMORY_COUNTERS *)&counters, sizeof(PROCESS_MEMORY_COUNTERS)));
    printf("cb %lu, private %d\n", counters.cb, counters.PrivateUsage != 0);
    ROW(0, GetProcessMemoryInfo(self, (PROCESS_MEMORY_COUNTERS *)&counters, sizeof counters));
    printf("cb %lu, private %d, pools %d\n", counters.cb, counters.PrivateUsage != 0,
           counters.QuotaPagedPoolUsage <= counters.QuotaPeakPagedPoolUsage &&
               counters.QuotaNonPagedPoolUsage <= counters.QuotaPeakNonPagedPoolUsage);
    ROW(ERROR_INSUFFICIENT_BUFFER, GetProcessMemoryInfo(self, (PROCESS_MEMORY_COUNTERS *)&counters, 0));
    ROW(ERROR_NOACCESS, GetProcessMemoryInfo(self, (void *)16, sizeof counters));
    ROW(0, GlobalMemoryStatusEx(&status));
    for (status.dwLength = 0; status.dwLength < 80; status.dwLength += 72)
        ROW(ERROR_INVALID_PARAMETER, GlobalMemoryStatusEx(&status));
    memset(&system, 0xFF, sizeof system);
    GetSystemInfo(&system);
    RETURNS(PAGE, (GetSystemInfo(&system), system.dwPageSize));
    RETURNS(K64, (GetNativeSystemInfo(&system), system.dwAllocationGranularity));
    SIZE_T least, most;
    DWORD flags;
    ROW(0, GetSystemFileCacheSize(&least, &most, &flags));
    ROW(ERROR_NOACCESS, GetSystemFileCacheSize((void *)16, &most, &flags));
    enable_privilege("SeIncreaseQuotaPrivilege", FALSE);
    ROW(ERROR_PRIVILEGE_NOT_HELD, SetSystemFileCacheSize(4 << 20, 64 << 20, 0));
    if (enable_privilege("SeIncreaseQuotaPrivilege", TRUE)) {
        ROW(ERROR_INVALID_PARAMETER, SetSystemFileCacheSize(64 << 20, 4 << 20, 0));
        ROW(ERROR_INVALID_PARAMETER, SetSystemFileCacheSize(4 << 20, 64 << 20, FILE_CACHE_MAX_HARD_ENABLE | FILE_CACHE_MAX_HARD_DISABLE));
        ROW(ERROR_INVALID_PARAMETER, SetSystemFileCacheSize(4 << 20, 64 << 20, 0x100));
        ROW(0, SetSystemFileCacheSize(4 << 20, 64 << 20, FILE_CACHE_MAX_HARD_DISABLE));
        ROW(0, SetSystemFileCacheSize((SIZE_T)-1, (SIZE_T)-1, 0));
    }
}

static void mappings(void)
{
    const HANDLE none = INVALID_HANDLE_VALUE;
    HANDLE made, read_only;
    DWORD access = SECTION_MAP_READ | SECTION_MAP_WRITE;
    char *at, *other;
    ULONG old;
    ROW(0, made = CreateFileMapping2(none, NULL, access, PAGE_READWRITE, SEC_COMMIT, K64, L"queries", NULL, 0));
    ROW(0, CreateFileMapping2(none, NULL, access, PAGE_READWRITE, SEC_COMMIT, K64, L"queries", NULL, 0));
    RETURNS(ERROR_ALREADY_EXISTS, GetLastError());
    ROW(0, read_only = CreateFileMapping2(none, NULL, SECTION_MAP_READ, PAGE_READWRITE, SEC_COMMIT, K64, NULL, NULL, 0));
    ROW(ERROR_ACCESS_DENIED, MapViewOfFile(read_only, FILE_MAP_WRITE, 0, 0, 0));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMapping2(none, NULL, access, PAGE_READWRITE, SEC_COMMIT, 0, NULL, NULL, 0));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMapping2(none, NULL, access, PAGE_NOACCESS, SEC_COMMIT, K64, NULL, NULL, 0));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMapping2(none, NULL, access, PAGE_READWRITE, SEC_COMMIT, K64, NULL, NULL, 1));
    ROW(ERROR_INVALID_HANDLE, CreateFileMapping2(wrong, NULL, access, PAGE_READWRITE, SEC_COMMIT, K64, NULL, NULL, 0));
    ROW(ERROR_INVALID_HANDLE, CreateFileMapping2(event, NULL, access, PAGE_READWRITE, SEC_COMMIT, K64, NULL, NULL, 0));
    ROW(0, CreateFileMappingFromApp(none, NULL, PAGE_READWRITE, K64, L"queries-app"));
    ROW(0, CreateFileMappingFromApp(none, NULL, PAGE_READWRITE | SEC_RESERVE, K64, NULL));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingFromApp(none, NULL, PAGE_READWRITE, 0, NULL));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingFromApp(none, NULL, PAGE_EXECUTE_READWRITE, K64, NULL));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingFromApp(none, NULL, PAGE_EXECUTE_READ, K64, NULL));
    ROW(ERROR_INVALID_HANDLE, CreateFileMappingFromApp(wrong, NULL, PAGE_READWRITE, 0, NULL));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingNumaA(none, NULL, PAGE_READWRITE, 0, K64, NULL, 99));
    ROW(0, CreateFileMappingNumaA(none, NULL, PAGE_READWRITE, 0, K64, NULL, 0));
    ROW(0, CreateFileMappingW(none, NULL, PAGE_READWRITE, 0, K64, L"queries-wide"));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingW(none, NULL, PAGE_READWRITE, 0, 0, L"queries-wide"));
    ROW(ERROR_FILE_NOT_FOUND, OpenFileMappingW(FILE_MAP_READ, FALSE, L"nothing"));
    ROW(0, OpenFileMappingFromApp(FILE_MAP_READ, FALSE, L"queries-app"));
    ROW(ERROR_FILE_NOT_FOUND, OpenFileMappingFromApp(FILE_MAP_READ, FALSE, L"nothing"));
    ROW(ERROR_INVALID_PARAMETER, OpenFileMappingFromApp(FILE_MAP_READ, FALSE, NULL));
    ROW(0, at = MapViewOfFileFromApp(section, FILE_MAP_WRITE, K64, K64));
    ROW(ERROR_MAPPED_ALIGNMENT, MapViewOfFileFromApp(section, FILE_MAP_READ, 4096, 0));
    ROW(ERROR_ACCESS_DENIED, MapViewOfFileFromApp(section, FILE_MAP_READ, 0, 3 * K64));
    ROW(ERROR_INVALID_HANDLE, MapViewOfFileFromApp(wrong, FILE_MAP_READ, 0, 0));
    ROW(ERROR_INVALID_HANDLE, MapViewOfFileFromApp(event, FILE_MAP_READ, 0, 0));
    ROW(ERROR_INVALID_PARAMETER, MapViewOfFileFromApp(section, FILE_MAP_READ | FILE_MAP_EXECUTE, 0, 0));
    ROW(0, other = MapViewOfFileNuma2(section, self, 0, NULL, 0, 0, PAGE_READWRITE, NUMA_NO_PREFERRED_NODE));
    ROW(0, UnmapViewOfFileEx(other, 0));
    ROW(ERROR_INVALID_ADDRESS, UnmapViewOfFileEx(other, 0));
    ROW(ERROR_INVALID_PARAMETER, UnmapViewOfFileEx(at, 0x100));
    ROW(ERROR_INVALID_PARAMETER, MapViewOfFileNuma2(section, self, 0, NULL, 0, 0, PAGE_READWRITE, 99));
    ROW(ERROR_MAPPED_ALIGNMENT, MapViewOfFileNuma2(section, self, 4096, NULL, 0, 0, PAGE_READWRITE, NUMA_NO_PREFERRED_NODE));
    ROW(ERROR_INVALID_HANDLE, MapViewOfFileNuma2(wrong, self, 0, NULL, 0, 0, PAGE_READWRITE, NUMA_NO_PREFERRED_NODE));
    ROW(ERROR_INVALID_HANDLE, MapViewOfFileNuma2(section, wrong, 0, NULL, 0, 0, PAGE_READWRITE, NUMA_NO_PREFERRED_NODE));
    ROW(ERROR_ACCESS_DENIED, MapViewOfFileNuma2(section, powerless, 0, NULL, 0, 0, PAGE_READWRITE, NUMA_NO_PREFERRED_NODE));
    ROW(ERROR_INVALID_PARAMETER, MapViewOfFileNuma2(section, self, 0, NULL, 0, 0, 3, NUMA_NO_PREFERRED_NODE));
    ROW(ERROR_INVALID_ADDRESS, MapViewOfFileNuma2(section, self, 0, committed, 0, 0, PAGE_READWRITE, NUMA_NO_PREFERRED_NODE));
    /* What apps may not: memory that executes, unless they become it later, and then not writable. */
    const DWORD both = MEM_RESERVE | MEM_COMMIT;
    ROW(0, at = VirtualAllocFromApp(NULL, K64, both, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAllocFromApp(NULL, K64, both, PAGE_EXECUTE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAllocFromApp(NULL, K64, both, PAGE_EXECUTE_READ));
    ROW(ERROR_INVALID_PARAMETER, VirtualAllocFromApp(NULL, K64, both, PAGE_EXECUTE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAllocFromApp(NULL, K64, both, PAGE_EXECUTE_WRITECOPY));
    ROW(ERROR_INVALID_PARAMETER, VirtualAllocFromApp(NULL, 0, both, PAGE_READWRITE));
    ROW(ERROR_INVALID_ADDRESS, VirtualAllocFromApp(committed, K64, MEM_RESERVE, PAGE_READWRITE));
    ROW(0, VirtualAlloc2FromApp(NULL, NULL, K64, both, PAGE_READWRITE, NULL, 0));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc2FromApp(NULL, NULL, K64, both, PAGE_EXECUTE_READ, NULL, 0));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc2FromApp(NULL, NULL, K64, both, PAGE_EXECUTE_READWRITE, NULL, 0));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc2FromApp(NULL, NULL, 0, both, PAGE_READWRITE, NULL, 0));
    ROW(ERROR_INVALID_HANDLE, VirtualAlloc2FromApp(wrong, NULL, K64, both, PAGE_READWRITE, NULL, 0));
    ROW(0, VirtualProtectFromApp(at, PAGE, PAGE_EXECUTE_READ, &old));
    printf("was %lx\n", old);
    ROW(ERROR_INVALID_PARAMETER, VirtualProtectFromApp(at, PAGE, PAGE_EXECUTE_READWRITE, &old));
    ROW(ERROR_INVALID_PARAMETER, VirtualProtectFromApp(at, PAGE, PAGE_EXECUTE_WRITECOPY, &old));
    ROW(ERROR_INVALID_PARAMETER, VirtualProtectFromApp(at, PAGE, 3, &old));
    ROW(ERROR_INVALID_ADDRESS, VirtualProtectFromApp(reserved, PAGE, PAGE_READONLY, &old));
    ROW(ERROR_NOACCESS, VirtualProtectFromApp(at, PAGE, PAGE_READONLY, NULL));
}

int main(void)
{
    LOAD(CreateFileMapping2);
    LOAD(CreateFileMappingFromApp);
    LOAD(OpenFileMappingFromApp);
    LOAD(MapViewOfFileFromApp);
    LOAD(MapViewOfFileNuma2);
    LOAD(VirtualAllocFromApp);
    LOAD(VirtualAlloc2FromApp);
    LOAD(VirtualProtectFromApp);
    LOAD(QueryVirtualMemoryInformation);
    LOAD(NtQueryVirtualMemory);
    self = GetCurrentProcess();
    powerless = OpenProcess(SYNCHRONIZE, FALSE, GetCurrentProcessId());
    querying = OpenProcess(PROCESS_QUERY_INFORMATION, FALSE, GetCurrentProcessId());
    event = CreateEventA(NULL, TRUE, FALSE, NULL);
    committed = VirtualAlloc(NULL, K64, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    reserved = VirtualAlloc(NULL, K64, MEM_RESERVE, PAGE_READWRITE);
    section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 2 * K64, NULL);
    view = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    classes();
    win32();
    mappings();
    return errors_end();
}
