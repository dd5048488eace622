/* System services about files, processes and the system's memory: every documented answer. */
#include "errors.h"
#include <psapi.h>
#include <winternl.h>

typedef struct {
    SIZE_T PeakVirtualSize, VirtualSize;
    ULONG PageFaultCount;
    SIZE_T PeakWorkingSetSize, WorkingSetSize, QuotaPeakPagedPoolUsage, QuotaPagedPoolUsage, QuotaPeakNonPagedPoolUsage,
        QuotaNonPagedPoolUsage, PagefileUsage, PeakPagefileUsage, PrivateUsage, PrivateWorkingSetSize, SharedCommitUsage;
} VM;

static NTSTATUS(WINAPI *NtCreateFile_)(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES, PIO_STATUS_BLOCK, PLARGE_INTEGER, ULONG, ULONG,
                                       ULONG, ULONG, PVOID, ULONG);
static NTSTATUS(WINAPI *NtOpenFile_)(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES, PIO_STATUS_BLOCK, ULONG, ULONG);
static NTSTATUS(WINAPI *NtReadFile_)(HANDLE, HANDLE, void *, void *, PIO_STATUS_BLOCK, void *, ULONG, PLARGE_INTEGER, PULONG);
static NTSTATUS(WINAPI *NtWriteFile_)(HANDLE, HANDLE, void *, void *, PIO_STATUS_BLOCK, const void *, ULONG, PLARGE_INTEGER, PULONG);
static NTSTATUS(WINAPI *NtFlushBuffersFile_)(HANDLE, PIO_STATUS_BLOCK);
static NTSTATUS(WINAPI *NtQueryInformationFile_)(HANDLE, PIO_STATUS_BLOCK, void *, ULONG, int);
static NTSTATUS(WINAPI *NtSetInformationFile_)(HANDLE, PIO_STATUS_BLOCK, void *, ULONG, int);
static NTSTATUS(WINAPI *NtQueryInformationProcess_)(HANDLE, int, void *, ULONG, PULONG);
static NTSTATUS(WINAPI *NtSetInformationProcess_)(HANDLE, int, void *, ULONG);
static NTSTATUS(WINAPI *NtQuerySystemInformation_)(int, void *, ULONG, PULONG);
static NTSTATUS(WINAPI *NtSetSystemInformation_)(int, void *, ULONG);
static NTSTATUS(WINAPI *NtClose_)(HANDLE);
#define NtCreateFile NtCreateFile_
#define NtOpenFile NtOpenFile_
#define NtReadFile NtReadFile_
#define NtWriteFile NtWriteFile_
#define NtFlushBuffersFile NtFlushBuffersFile_
#define NtQueryInformationFile NtQueryInformationFile_
#define NtSetInformationFile NtSetInformationFile_
#define NtQueryInformationProcess NtQueryInformationProcess_
#define NtSetInformationProcess NtSetInformationProcess_
#define NtQuerySystemInformation NtQuerySystemInformation_
#define NtSetSystemInformation NtSetSystemInformation_
#define NtClose NtClose_

static HANDLE self, powerless, event;
static const HANDLE wrong = (HANDLE)0x1234;

static OBJECT_ATTRIBUTES *named(const WCHAR *name)
{
    static UNICODE_STRING text;
    static OBJECT_ATTRIBUTES attributes;
    text.Buffer = (WCHAR *)name;
    text.Length = text.MaximumLength = wcslen(name) * 2;
    InitializeObjectAttributes(&attributes, &text, OBJ_CASE_INSENSITIVE, NULL, NULL);
    return &attributes;
}

static LARGE_INTEGER *at(LONGLONG position)
{
    static LARGE_INTEGER where;
    where.QuadPart = position;
    return &where;
}

static void files(void)
{
    enum { RW = GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE | DELETE, SHARED = 7, OPEN = 1, CREATE = 2, OPEN_IF = 3, OVERWRITE_IF = 5, SYNC = 0x20, FOLDER = 1, FILES = 0x40 };
    WCHAR temp[MAX_PATH], path[MAX_PATH + 8] = L"\\??\\";
    HANDLE file, other;
    IO_STATUS_BLOCK io;
    char buffer[64];
    LONGLONG information[16];
    GetTempPathW(MAX_PATH, temp);
    wcscat(path, temp);
    wcscat(path, L"services.bin");
    RETURNS(0, NtCreateFile(&file, RW, named(path), &io, NULL, 0, SHARED, OVERWRITE_IF, SYNC | FILES, NULL, 0));
    RETURNS(0xC0000035, NtCreateFile(&other, RW, named(path), &io, NULL, 0, SHARED, CREATE, SYNC | FILES, NULL, 0));
    RETURNS(0xC0000103, NtCreateFile(&other, RW, named(path), &io, NULL, 0, SHARED, OPEN, SYNC | FOLDER, NULL, 0));
    RETURNS(0xC000000D, NtCreateFile(&other, RW, named(path), &io, NULL, 0, SHARED, OPEN, SYNC | FOLDER | FILES, NULL, 0));
    RETURNS(0xC000000D, NtCreateFile(&other, RW, named(path), &io, NULL, 0, SHARED, 9, SYNC, NULL, 0));
    RETURNS(0xC0000034, NtOpenFile(&other, RW, named(L"\\??\\C:\\no-such-file"), &io, SHARED, SYNC));
    RETURNS(0xC000003A, NtOpenFile(&other, RW, named(L"\\??\\C:\\no\\such\\file"), &io, SHARED, SYNC));
    RETURNS(0xC000003B, NtOpenFile(&other, RW, named(L"C:\\no-such-file"), &io, SHARED, SYNC));
    RETURNS(0xC0000005, NtOpenFile(NULL, RW, named(path), &io, SHARED, SYNC));
    RETURNS(0, NtOpenFile(&other, GENERIC_READ | SYNCHRONIZE, named(path), &io, SHARED, SYNC));
    printf("opened %lu\n", (unsigned long)io.Information);
    RETURNS(0, NtWriteFile(file, NULL, NULL, NULL, &io, "0123456789", 10, NULL, NULL));
    printf("wrote %lu\n", (unsigned long)io.Information);
    RETURNS(0, NtWriteFile(file, event, NULL, NULL, &io, "ab", 2, at(-1), NULL));
    printf("event %lx\n", WaitForSingleObject(event, 0));
    RETURNS(0xC0000022, NtWriteFile(other, NULL, NULL, NULL, &io, "ab", 2, at(0), NULL));
    RETURNS(0xC000000D, NtWriteFile(file, NULL, NULL, NULL, &io, "ab", 2, at(-7), NULL));
    RETURNS(0xC0000008, NtWriteFile(wrong, NULL, NULL, NULL, &io, "ab", 2, at(0), NULL));
    RETURNS(0xC0000024, NtWriteFile(event, NULL, NULL, NULL, &io, "ab", 2, at(0), NULL));
    RETURNS(0xC00000E8, NtWriteFile(file, NULL, NULL, NULL, &io, (void *)16, 2, at(0), NULL));
    RETURNS(0, NtReadFile(other, NULL, NULL, NULL, &io, buffer, sizeof buffer, at(2), NULL));
    printf("read %.*s\n", (int)io.Information, buffer);
    RETURNS(0xC0000011, NtReadFile(other, NULL, NULL, NULL, &io, buffer, sizeof buffer, at(12), NULL));
    RETURNS(0xC0000011, NtReadFile(other, NULL, NULL, NULL, &io, buffer, sizeof buffer, NULL, NULL));
    RETURNS(0, NtReadFile(other, NULL, NULL, NULL, &io, buffer, 0, at(0), NULL));
    RETURNS(0xC0000008, NtReadFile(wrong, NULL, NULL, NULL, &io, buffer, 1, at(0), NULL));
    RETURNS(0xC0000024, NtReadFile(event, NULL, NULL, NULL, &io, buffer, 1, at(0), NULL));
    RETURNS(0xC0000008, NtReadFile(other, wrong, NULL, NULL, &io, buffer, 1, at(0), NULL));
    RETURNS(0xC0000005, NtReadFile(other, NULL, NULL, NULL, &io, (void *)16, 1, at(0), NULL));
    RETURNS(0, NtFlushBuffersFile(file, &io));
    RETURNS(0xC0000008, NtFlushBuffersFile(wrong, &io));
    RETURNS(0xC0000022, NtFlushBuffersFile(other, &io));
    RETURNS(0, NtQueryInformationFile(file, &io, information, 24, 5));
    printf("size %ld, links %d, folder %d\n", (long)information[1], *(int *)(information + 2), ((char *)information)[21]);
    RETURNS(0xC0000004, NtQueryInformationFile(file, &io, information, 23, 5));
    RETURNS(0xC0000003, NtQueryInformationFile(file, &io, information, sizeof information, 9999));
    RETURNS(0xC0000008, NtQueryInformationFile(wrong, &io, information, 24, 5));
    RETURNS(0, NtQueryInformationFile(file, &io, information, 8, 14));
    printf("position %ld\n", (long)information[0]);
    RETURNS(0, NtQueryInformationFile(file, &io, information, 40, 4));
    RETURNS(0x80000005, NtQueryInformationFile(file, &io, information, 10, 9));
    information[0] = 4;
    RETURNS(0, NtSetInformationFile(file, &io, information, 8, 14));
    RETURNS(0, NtReadFile(file, NULL, NULL, NULL, &io, buffer, 3, NULL, NULL));
    printf("read %.*s\n", (int)io.Information, buffer);
    RETURNS(0, NtSetInformationFile(file, &io, information, 8, 20));
    RETURNS(0xC0000022, NtSetInformationFile(other, &io, information, 8, 20));
    RETURNS(0xC0000004, NtSetInformationFile(file, &io, information, 7, 20));
    RETURNS(0xC0000003, NtSetInformationFile(file, &io, information, 8, 9999));
    information[0] = -1;
    RETURNS(0xC000000D, NtSetInformationFile(file, &io, information, 8, 14));
    printf("size %lu\n", GetFileSize(file, NULL));
    *(char *)information = 1;
    RETURNS(0, NtSetInformationFile(file, &io, information, 1, 13));
    RETURNS(0, NtClose(other));
    RETURNS(0, NtClose(file));
    RETURNS(0xC0000008, NtClose(file));
    RETURNS(0xC0000034, NtOpenFile(&other, RW, named(path), &io, SHARED, SYNC));
}

static void processes(void)
{
    VM vm = {0};
    ULONG_PTR fields[16];
    ULONG length = 0, value;
    char buffer[600];
    UNICODE_STRING *name = (UNICODE_STRING *)buffer;
    RETURNS(0, NtQueryInformationProcess(self, 0, fields, 48, &length));
    printf("length %lu, own number %d\n", length, fields[4] == GetCurrentProcessId());
    RETURNS(0xC0000004, NtQueryInformationProcess(self, 0, fields, 47, &length));
    RETURNS(0xC0000004, NtQueryInformationProcess(self, 0, fields, 56, &length));
    RETURNS(0xC0000008, NtQueryInformationProcess(wrong, 0, fields, 48, &length));
    RETURNS(0xC0000024, NtQueryInformationProcess(event, 0, fields, 48, &length));
    RETURNS(0xC0000022, NtQueryInformationProcess(powerless, 0, fields, 48, &length));
    RETURNS(0xC0000005, NtQueryInformationProcess(self, 0, (void *)16, 48, &length));
    RETURNS(0xC0000003, NtQueryInformationProcess(self, 9999, fields, 48, &length));
    /* ProcessVmCounters, in the three sizes it has had */
    RETURNS(0, NtQueryInformationProcess(self, 3, &vm, 88, &length));
    printf("length %lu, size %d, set %d, page file %d\n", length, vm.PeakVirtualSize >= vm.VirtualSize && vm.VirtualSize > 0,
           vm.PeakWorkingSetSize >= vm.WorkingSetSize && vm.WorkingSetSize > 0, vm.PeakPagefileUsage >= vm.PagefileUsage);
    RETURNS(0, NtQueryInformationProcess(self, 3, &vm, 96, &length));
    printf("length %lu, private %d\n", length, vm.PrivateUsage == vm.PagefileUsage);
    RETURNS(0, NtQueryInformationProcess(self, 3, &vm, 112, &length));
    printf("pools %d %d\n", vm.QuotaPagedPoolUsage > 4096 && vm.QuotaPagedPoolUsage <= vm.QuotaPeakPagedPoolUsage,
           vm.QuotaNonPagedPoolUsage > 0 && vm.QuotaNonPagedPoolUsage <= vm.QuotaPeakNonPagedPoolUsage);
    printf("length %lu, private set %d\n", length, vm.PrivateWorkingSetSize > 0 && vm.PrivateWorkingSetSize <= vm.WorkingSetSize);
    RETURNS(0xC0000004, NtQueryInformationProcess(self, 3, &vm, 80, &length));
    RETURNS(0xC0000004, NtQueryInformationProcess(self, 3, &vm, 104, &length));
    /* ProcessQuotaLimits */
    RETURNS(0, SetProcessWorkingSetSize(self, 50 * 4096, 345 * 4096) - 1);
    RETURNS(0, NtQueryInformationProcess(self, 1, fields, 48, &length));
    printf("minimum %lu, maximum %lu pages\n", (unsigned long)(fields[2] / 4096), (unsigned long)(fields[3] / 4096));
    RETURNS(0, NtQueryInformationProcess(self, 1, fields, 88, &length));
    printf("flags %lx\n", (unsigned long)fields[10]);
    fields[2] = 60 * 4096;
    RETURNS(0, NtSetInformationProcess(self, 1, fields, 48));
    RETURNS(0, NtQueryInformationProcess(self, 1, fields, 48, &length));
    printf("minimum %lu pages\n", (unsigned long)(fields[2] / 4096));
    fields[2] = 400 * 4096;
    RETURNS(0xC000004C, NtSetInformationProcess(self, 1, fields, 48));
    RETURNS(0xC0000004, NtSetInformationProcess(self, 1, fields, 40));
    RETURNS(0xC0000022, NtSetInformationProcess(powerless, 1, fields, 48));
    /* ProcessPooledUsageAndLimits */
    RETURNS(0, NtQueryInformationProcess(self, 14, fields, 72, &length));
    RETURNS(0xC0000004, NtQueryInformationProcess(self, 14, fields, 64, &length));
    /* ProcessDefaultHardErrorMode: the first flag is the other way round. */
    SetErrorMode(SEM_FAILCRITICALERRORS);
    RETURNS(SEM_FAILCRITICALERRORS, SetErrorMode(SEM_NOGPFAULTERRORBOX));
    RETURNS(0, NtQueryInformationProcess(self, 12, &value, 4, &length));
    printf("mode %lx\n", value);
    value = 1;
    RETURNS(0, NtSetInformationProcess(self, 12, &value, 4));
    RETURNS(0, GetErrorMode());
    RETURNS(0xC0000004, NtSetInformationProcess(self, 12, &value, 2));
    /* Names */
    RETURNS(0, NtQueryInformationProcess(self, 27, buffer, sizeof buffer, &length));
    printf("a device's %d, length %d\n", !wcsncmp(name->Buffer, L"\\Device\\", 8), length == 16 + name->MaximumLength);
    RETURNS(0xC0000004, NtQueryInformationProcess(self, 27, buffer, 20, &length));
    RETURNS(0, NtQueryInformationProcess(self, 43, buffer, sizeof buffer, &length));
    printf("a drive's %d\n", name->Buffer[1] == ':');
    /* Numbers */
    RETURNS(0, NtQueryInformationProcess(self, 20, &value, 4, &length));
    printf("handles %d\n", value > 3);
    RETURNS(0, NtQueryInformationProcess(self, 26, fields, 8, &length));
    printf("32 bits %d\n", fields[0] != 0);
    RETURNS(0xC0000353, NtQueryInformationProcess(self, 30, fields, 8, &length));
    RETURNS(0, NtQueryInformationProcess(self, 39, &value, 4, &length));
    printf("page priority %lu\n", value);
    value = 6;
    RETURNS(0xC000000D, NtSetInformationProcess(self, 39, &value, 4));
    value = 3;
    RETURNS(0, NtSetInformationProcess(self, 39, &value, 4));
    RETURNS(0, NtQueryInformationProcess(self, 39, &value, 4, &length));
    printf("page priority %lu\n", value);
    value = 5;
    NtSetInformationProcess(self, 39, &value, 4);
    /* ProcessExecuteFlags: 64-bit processes have protection for good. */
    RETURNS(0, NtQueryInformationProcess(self, 34, &value, 4, &length));
    printf("flags %lx\n", value);
    value = 2;
    RETURNS(0xC000000D, NtSetInformationProcess(self, 34, &value, 4));
    RETURNS(0xC0000004, NtSetInformationProcess(self, 34, &value, 8));
    /* ProcessMitigationPolicy: in and out */
    ULONG policy[2] = {8, 0};
    RETURNS(0, NtQueryInformationProcess(self, 52, policy, 8, &length));
    RETURNS(0xC0000004, NtQueryInformationProcess(self, 52, policy, 4, &length));
    policy[0] = 99;
    RETURNS(0xC000000D, NtQueryInformationProcess(self, 52, policy, 8, &length));
    RETURNS(0xC0000003, NtSetInformationProcess(self, 9999, fields, 8));
}

static void system_wide(void)
{
    ULONG length = 0;
    ULONG_PTR fields[64];
    static char buffer[1 << 16];
    RETURNS(0, NtQuerySystemInformation(0, fields, 64, &length));
    printf("page %lu, granularity %lu, processors %d\n", ((ULONG *)fields)[2], ((ULONG *)fields)[6], ((char *)fields)[56]);
    RETURNS(0xC0000004, NtQuerySystemInformation(0, fields, 63, &length));
    printf("length %lu\n", length);
    RETURNS(0xC0000004, NtQuerySystemInformation(0, fields, 65, &length));
    RETURNS(0xC0000005, NtQuerySystemInformation(0, (void *)16, 64, &length));
    RETURNS(0xC0000003, NtQuerySystemInformation(9999, fields, 64, &length));
    /* SystemPerformanceInformation */
    RETURNS(0, NtQuerySystemInformation(2, fields, 312, &length));
    RETURNS(0, NtQuerySystemInformation(2, fields, 344, &length));
    printf("available %d, committed %d\n", ((ULONG *)fields)[11] > 0, ((ULONG *)fields)[12] < ((ULONG *)fields)[13]);
    printf("faults %d, zeros %d\n", ((ULONG *)fields)[15] > 0, ((ULONG *)fields)[19] > 0);
    RETURNS(0xC0000004, NtQuerySystemInformation(2, fields, 311, &length));
    /* SystemProcessInformation */
    RETURNS(0xC0000004, NtQuerySystemInformation(5, buffer, 0, &length));
    RETURNS(0, NtQuerySystemInformation(5, buffer, sizeof buffer, &length));
    int own = 0, count = 0;
    for (char *p = buffer;; p += *(ULONG *)p) {
        count++;
        if (*(ULONG_PTR *)(p + 80) == GetCurrentProcessId())
            own = *(ULONG *)(p + 4) > 0 && *(ULONG_PTR *)(p + 120) > 0 && wcsstr(((UNICODE_STRING *)(p + 56))->Buffer, L".exe");
        if (!*(ULONG *)p) break;
    }
    printf("several %d, itself %d\n", count > 2, own);
    /* SystemPageFileInformation */
    RETURNS(0, NtQuerySystemInformation(18, buffer, sizeof buffer, &length));
    printf("used %d\n", ((ULONG *)buffer)[2] <= ((ULONG *)buffer)[1]);
    RETURNS(0xC0000004, NtQuerySystemInformation(18, buffer, 16, &length));
    /* SystemFileCacheInformation */
    RETURNS(0, NtQuerySystemInformation(21, fields, 64, &length));
    RETURNS(0, NtQuerySystemInformation(81, fields, 64, &length));
    RETURNS(0xC0000004, NtQuerySystemInformation(21, fields, 32, &length));
    /* SystemMemoryListInformation, and its commands */
    RETURNS(0, NtQuerySystemInformation(80, fields, 176, &length));
    RETURNS(0xC0000004, NtQuerySystemInformation(80, fields, 168, &length));
    ULONG command = 2;
    enable_privilege("SeProfileSingleProcessPrivilege", FALSE);
    RETURNS(0xC0000061, NtSetSystemInformation(80, &command, 4));
    if (!enable_privilege("SeProfileSingleProcessPrivilege", TRUE)) return;
    char *memory = VirtualAlloc(NULL, 64 * 4096, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    for (int i = 0; i < 64; i++) memory[i * 4096] = i;
    RETURNS(0, NtSetSystemInformation(80, &command, 4));
    PSAPI_WORKING_SET_EX_INFORMATION page = {.VirtualAddress = memory};
    QueryWorkingSetEx(self, &page, sizeof page);
    printf("valid %d\n", (int)page.VirtualAttributes.Valid);
    command = 3; /* write modified pages */
    RETURNS(0, NtSetSystemInformation(80, &command, 4));
    NtQuerySystemInformation(80, fields, 176, &length);
    printf("standby %d\n", fields[5 + 5] > 32);
    command = 5; /* free those of the lowest priority */
    RETURNS(0, NtSetSystemInformation(80, &command, 4));
    NtQuerySystemInformation(80, fields, 176, &length);
    printf("standby %d\n", fields[5 + 5] > 32);
    command = 4; /* free all of them */
    RETURNS(0, NtSetSystemInformation(80, &command, 4));
    NtQuerySystemInformation(80, fields, 176, &length);
    printf("standby %d\n", fields[5 + 5] > 32);
    int right = 0;
    for (int i = 0; i < 64; i++) right += memory[i * 4096] == i;
    printf("right: %d\n", right);
    command = 6;
    RETURNS(0xC000000D, NtSetSystemInformation(80, &command, 4));
    RETURNS(0xC0000004, NtSetSystemInformation(80, &command, 8));
    RETURNS(0xC0000005, NtSetSystemInformation(80, (void *)16, 4));
    RETURNS(0xC0000003, NtSetSystemInformation(9999, &command, 4));
}

static void statuses(void)
{
    DWORD numbers[256], size;
    HMODULE modules[64];
    MODULEINFO information;
    char name[MAX_PATH];
    HANDLE querying = OpenProcess(PROCESS_QUERY_INFORMATION, FALSE, GetCurrentProcessId());
    HANDLE reading = OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, FALSE, GetCurrentProcessId());
    ROW(0, EnumProcesses(NULL, 0, &size));
    printf("size %lu\n", size);
    ROW(0, EnumProcesses(numbers, 4, &size));
    printf("size %lu\n", size);
    ROW(0, EnumProcesses(numbers, sizeof numbers, &size));
    int own = 0;
    for (DWORD i = 0; i < size / 4; i++) own += numbers[i] == GetCurrentProcessId();
    printf("itself %d\n", own);
    ROW(ERROR_NOACCESS, EnumProcesses(numbers, sizeof numbers, NULL));
    ROW(ERROR_INVALID_HANDLE, EnumProcessModules(NULL, modules, sizeof modules, &size));
    ROW(ERROR_ACCESS_DENIED, EnumProcessModules(querying, modules, sizeof modules, &size));
    ROW(ERROR_NOACCESS, EnumProcessModules(reading, modules, sizeof modules, NULL));
    ROW(ERROR_NOACCESS, EnumProcessModules(reading, NULL, sizeof modules, &size));
    ROW(0, EnumProcessModules(reading, NULL, 0, &size));
    ROW(0, EnumProcessModules(reading, modules, sizeof modules, &size));
    printf("program first %d\n", modules[0] == GetModuleHandleA(NULL));
    ROW(0, EnumProcessModulesEx(reading, modules, sizeof modules, &size, LIST_MODULES_32BIT));
    printf("size %lu\n", size);
    ROW(0, GetModuleInformation(reading, modules[0], &information, sizeof information));
    printf("entry inside %d\n", (char *)information.EntryPoint > (char *)modules[0] &&
                                    (char *)information.EntryPoint < (char *)modules[0] + information.SizeOfImage);
    ROW(ERROR_INSUFFICIENT_BUFFER, GetModuleInformation(reading, modules[0], &information, sizeof information - 1));
    ROW(ERROR_INVALID_HANDLE, GetModuleInformation(reading, (HMODULE)0x1234, &information, sizeof information));
    ROW(ERROR_ACCESS_DENIED, GetModuleInformation(querying, modules[0], &information, sizeof information));
    ROW(0, GetModuleBaseNameA(reading, modules[0], name, sizeof name));
    printf("name %s\n", name);
    ROW(ERROR_INVALID_HANDLE, GetModuleBaseNameA(NULL, modules[0], name, sizeof name));
    ROW(0, GetProcessImageFileNameA(querying, name, sizeof name));
    ROW(ERROR_INSUFFICIENT_BUFFER, GetProcessImageFileNameA(querying, name, 4));
    ROW(ERROR_ACCESS_DENIED, GetProcessImageFileNameA(powerless, name, sizeof name));
}

int main(void)
{
    LOAD(NtCreateFile);
    LOAD(NtOpenFile);
    LOAD(NtReadFile);
    LOAD(NtWriteFile);
    LOAD(NtFlushBuffersFile);
    LOAD(NtQueryInformationFile);
    LOAD(NtSetInformationFile);
    LOAD(NtQueryInformationProcess);
    LOAD(NtSetInformationProcess);
    LOAD(NtQuerySystemInformation);
    LOAD(NtSetSystemInformation);
    LOAD(NtClose);
    self = GetCurrentProcess();
    powerless = OpenProcess(SYNCHRONIZE, FALSE, GetCurrentProcessId());
    event = CreateEventA(NULL, TRUE, FALSE, NULL);
    files();
    processes();
    system_wide();
    statuses();
    return errors_end();
}
