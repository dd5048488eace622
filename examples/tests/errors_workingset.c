/* Working sets and counters: every documented error. */
#include "errors.h"
#include <psapi.h>

static HANDLE self, powerless, event;
static const HANDLE wrong = (HANDLE)0x1234;
static char *committed, *reserved;

static void locking(void)
{
    SIZE_T page = 4096, minimum, maximum;
    SetProcessWorkingSetSize(self, 50 * page, 345 * page);
    ROW(0, VirtualLock(committed, 2 * page));
    ROW(0, VirtualLock(committed, page));
    ROW(0, VirtualUnlock(committed, page));
    ROW(ERROR_NOT_LOCKED, VirtualUnlock(committed, page));
    ROW(ERROR_NOT_LOCKED, VirtualUnlock(committed, 2 * page));
    ROW(0, VirtualUnlock(committed + page, page));
    ROW(ERROR_NOT_LOCKED, VirtualUnlock(reserved, page));
    ROW(ERROR_NOACCESS, VirtualLock(reserved, page));
    ROW(ERROR_NOACCESS, VirtualLock((void *)0x10000, page));
    ROW(ERROR_NOACCESS, VirtualLock(committed + 63 * page, 2 * page));
    ROW(ERROR_INVALID_PARAMETER, VirtualLock(committed, 0));
    ROW(ERROR_INVALID_PARAMETER, VirtualLock((void *)0x7FFFFFFF0000, page));
    ROW(ERROR_INVALID_PARAMETER, VirtualUnlock((void *)0xFFFF800000000000, page));
    /* The most is the minimum of the working set less a small overhead. */
    ROW(ERROR_WORKING_SET_QUOTA, VirtualLock(committed, 50 * page));
    ROW(0, SetProcessWorkingSetSize(self, 80 * page, 345 * page));
    ROW(0, VirtualLock(committed, 50 * page));
    ROW(0, GetProcessWorkingSetSize(self, &minimum, &maximum));
    printf("minimum %lu, maximum %lu pages\n", (unsigned long)(minimum / page), (unsigned long)(maximum / page));
    ROW(0, VirtualUnlock(committed, 50 * page));
    DWORD old;
    VirtualProtect(committed, page, PAGE_NOACCESS, &old);
    ROW(ERROR_NOACCESS, VirtualLock(committed, page));
    VirtualProtect(committed, page, PAGE_READWRITE, &old);
}

static void limits(void)
{
    SIZE_T page = 4096, minimum, maximum;
    DWORD flags;
    ROW(ERROR_INVALID_HANDLE, GetProcessWorkingSetSize(wrong, &minimum, &maximum));
    ROW(ERROR_INVALID_HANDLE, GetProcessWorkingSetSize(event, &minimum, &maximum));
    ROW(ERROR_ACCESS_DENIED, GetProcessWorkingSetSize(powerless, &minimum, &maximum));
    ROW(ERROR_INVALID_HANDLE, GetProcessWorkingSetSizeEx(wrong, &minimum, &maximum, &flags));
    ROW(ERROR_NOACCESS, GetProcessWorkingSetSizeEx(self, &minimum, &maximum, NULL));
    ROW(ERROR_ACCESS_DENIED, SetProcessWorkingSetSize(powerless, 50 * page, 100 * page));
    ROW(ERROR_INVALID_HANDLE, SetProcessWorkingSetSize(wrong, 50 * page, 100 * page));
    ROW(ERROR_INVALID_PARAMETER, SetProcessWorkingSetSize(self, 100 * page, 50 * page));
    ROW(ERROR_INVALID_PARAMETER, SetProcessWorkingSetSize(self, 0, 100 * page));
    ROW(ERROR_INVALID_PARAMETER, SetProcessWorkingSetSize(self, 50 * page, 0));
    ROW(ERROR_INVALID_PARAMETER, SetProcessWorkingSetSizeEx(self, 50 * page, 100 * page, 3));
    ROW(ERROR_INVALID_PARAMETER, SetProcessWorkingSetSizeEx(self, 50 * page, 100 * page, 12));
    ROW(ERROR_INVALID_PARAMETER, SetProcessWorkingSetSizeEx(self, 50 * page, 100 * page, 16));
    ROW(0, SetProcessWorkingSetSizeEx(self, 50 * page, 345 * page, QUOTA_LIMITS_HARDWS_MIN_ENABLE));
    ROW(0, GetProcessWorkingSetSizeEx(self, &minimum, &maximum, &flags));
    printf("minimum %lu, maximum %lu pages, flags %lu\n", (unsigned long)(minimum / page),
           (unsigned long)(maximum / page), flags);
    ROW(0, SetProcessWorkingSetSizeEx(self, 50 * page, 345 * page, QUOTA_LIMITS_HARDWS_MIN_DISABLE));
    ROW(0, SetProcessWorkingSetSize(self, (SIZE_T)-1, (SIZE_T)-1));
    ROW(0, GetProcessWorkingSetSizeEx(self, &minimum, &maximum, &flags));
    printf("minimum %lu, maximum %lu pages, flags %lu\n", (unsigned long)(minimum / page),
           (unsigned long)(maximum / page), flags);
}

static BOOL CALLBACK page_file(LPVOID context, PENUM_PAGE_FILE_INFORMATION information, LPCSTR name)
{
    (void)name;
    ++*(int *)context;
    return information->cb == sizeof *information;
}

static void counters(void)
{
    PROCESS_MEMORY_COUNTERS_EX memory = {0};
    PERFORMANCE_INFORMATION performance = {0};
    MEMORYSTATUSEX status = {.dwLength = sizeof status};
    PSAPI_WORKING_SET_INFORMATION set[1];
    PSAPI_WORKING_SET_EX_INFORMATION page = {.VirtualAddress = committed};
    char name[64];
    ULONGLONG installed = 0;
    int files = 0;
    *committed = 1;
    ROW(0, K32GetProcessMemoryInfo(self, (PROCESS_MEMORY_COUNTERS *)&memory, sizeof memory));
    printf("cb %lu, grows: %d, peak holds: %d, private is page file: %d\n", memory.cb, memory.WorkingSetSize > 0,
           memory.PeakWorkingSetSize >= memory.WorkingSetSize && memory.PeakPagefileUsage >= memory.PagefileUsage,
           memory.PrivateUsage == memory.PagefileUsage && memory.PrivateUsage > 0);
    ROW(ERROR_INSUFFICIENT_BUFFER, K32GetProcessMemoryInfo(self, (PROCESS_MEMORY_COUNTERS *)&memory, 71));
    ROW(ERROR_INVALID_HANDLE, K32GetProcessMemoryInfo(wrong, (PROCESS_MEMORY_COUNTERS *)&memory, sizeof memory));
    ROW(ERROR_ACCESS_DENIED, K32GetProcessMemoryInfo(powerless, (PROCESS_MEMORY_COUNTERS *)&memory, sizeof memory));
    ROW(0, K32GetPerformanceInfo(&performance, sizeof performance));
    printf("cb %lu, pages of %lu, commit %d, physical %d, kernel %d, counts %d\n", performance.cb,
           (unsigned long)performance.PageSize,
           performance.CommitTotal <= performance.CommitPeak && performance.CommitTotal < performance.CommitLimit,
           performance.PhysicalAvailable < performance.PhysicalTotal,
           performance.KernelTotal == performance.KernelPaged + performance.KernelNonpaged,
           performance.ProcessCount > 0 && performance.ThreadCount >= performance.ProcessCount);
    ROW(ERROR_BAD_LENGTH, K32GetPerformanceInfo(&performance, sizeof performance - 1));
    ROW(0, GlobalMemoryStatusEx(&status));
    status.dwLength = 32;
    ROW(ERROR_INVALID_PARAMETER, GlobalMemoryStatusEx(&status));
    ROW(0, GetPhysicallyInstalledSystemMemory(&installed));
    ROW(ERROR_INVALID_PARAMETER, GetPhysicallyInstalledSystemMemory(NULL));
    ROW(0, K32EmptyWorkingSet(self));
    ROW(ERROR_INVALID_HANDLE, K32EmptyWorkingSet(wrong));
    ROW(ERROR_ACCESS_DENIED, K32EmptyWorkingSet(powerless));
    ROW(ERROR_BAD_LENGTH, K32QueryWorkingSet(self, set, sizeof set));
    printf("more pages than fit: %d\n", set[0].NumberOfEntries > 1);
    ROW(ERROR_INVALID_HANDLE, K32QueryWorkingSet(wrong, set, sizeof set));
    ROW(0, K32QueryWorkingSetEx(self, &page, sizeof page));
    printf("valid after emptying: %d\n", (int)page.VirtualAttributes.Valid);
    ROW(ERROR_BAD_LENGTH, K32QueryWorkingSetEx(self, &page, 8));
    ROW(ERROR_INVALID_HANDLE, K32QueryWorkingSetEx(wrong, &page, sizeof page));
    ROW(0, K32EnumPageFilesA(page_file, &files));
    ROW(ERROR_INVALID_PARAMETER, K32EnumPageFilesA(NULL, &files));
    ROW(ERROR_UNEXP_NET_ERR, K32GetMappedFileNameA(self, committed, name, sizeof name));
    ROW(ERROR_UNEXP_NET_ERR, K32GetMappedFileNameA(self, (void *)0x10000, name, sizeof name));
    ROW(ERROR_INVALID_HANDLE, K32GetMappedFileNameA(wrong, committed, name, sizeof name));
    ROW(0, K32GetMappedFileNameA(self, (void *)GetModuleHandleA(NULL), name, sizeof name));
    ROW(0, K32GetMappedFileNameA(self, (void *)GetModuleHandleA(NULL), name, 4));
    printf("cut name ends with %lu\n", GetLastError());
}

int main(void)
{
    self = OpenProcess(PROCESS_ALL_ACCESS, FALSE, GetCurrentProcessId());
    powerless = OpenProcess(SYNCHRONIZE, FALSE, GetCurrentProcessId());
    event = CreateEventA(NULL, TRUE, FALSE, NULL);
    committed = VirtualAlloc(NULL, 64 * 4096, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    reserved = VirtualAlloc(NULL, 65536, MEM_RESERVE, PAGE_READWRITE);
    locking();
    limits();
    counters();
    return errors_end();
}
