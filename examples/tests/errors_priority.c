/* Memory priorities of processes and threads, and that pages have them. */
#include "errors.h"
#include <psapi.h>

static int priority_of(volatile char *page)
{
    PSAPI_WORKING_SET_EX_INFORMATION page_information = {(void *)page};
    if (!K32QueryWorkingSetEx(GetCurrentProcess(), &page_information, sizeof page_information)) return -1;
    return page_information.VirtualAttributes.Valid ? (int)(page_information.VirtualAttributes.Flags >> 24 & 7) : -2;
}

static DWORD WINAPI touch(void *page)
{
    *(volatile char *)page = 1;
    return 0;
}

int main(void)
{
    HANDLE self = GetCurrentProcess(), thread = GetCurrentThread(), wrong = (HANDLE)0x7770, other;
    HANDLE limited = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, GetCurrentProcessId());
    HANDLE powerless = OpenThread(SYNCHRONIZE, FALSE, GetCurrentThreadId());
    MEMORY_PRIORITY_INFORMATION got = {77}, low = {MEMORY_PRIORITY_LOW}, very_low = {MEMORY_PRIORITY_VERY_LOW},
                                normal = {MEMORY_PRIORITY_NORMAL}, high = {6};
    volatile char *pages = VirtualAlloc(NULL, 65536, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);

    ROW(0, GetThreadInformation(thread, ThreadMemoryPriority, &got, sizeof got));
    printf("thread begins with %lu\n", got.MemoryPriority);
    ROW(0, GetProcessInformation(self, ProcessMemoryPriority, &got, sizeof got));
    printf("process begins with %lu\n", got.MemoryPriority);
    ROW(ERROR_BAD_LENGTH, GetThreadInformation(thread, ThreadMemoryPriority, &got, 8));
    ROW(ERROR_BAD_LENGTH, GetProcessInformation(self, ProcessMemoryPriority, &got, 2));
    ROW(ERROR_INVALID_HANDLE, GetThreadInformation(wrong, ThreadMemoryPriority, &got, sizeof got));
    ROW(ERROR_INVALID_HANDLE, GetProcessInformation(wrong, ProcessMemoryPriority, &got, sizeof got));
    ROW(ERROR_ACCESS_DENIED, GetThreadInformation(powerless, ThreadMemoryPriority, &got, sizeof got));
    ROW(ERROR_ACCESS_DENIED, GetProcessInformation(limited, ProcessMemoryPriority, &got, sizeof got));
    ROW(ERROR_INVALID_PARAMETER, SetThreadInformation(thread, ThreadMemoryPriority, &high, sizeof high));
    ROW(ERROR_INVALID_PARAMETER, SetProcessInformation(self, ProcessMemoryPriority, &high, sizeof high));
    ROW(ERROR_BAD_LENGTH, SetThreadInformation(thread, ThreadMemoryPriority, &low, 2));
    ROW(ERROR_BAD_LENGTH, SetProcessInformation(self, ProcessMemoryPriority, &low, 8));
    ROW(ERROR_INVALID_PARAMETER, SetThreadInformation(thread, (THREAD_INFORMATION_CLASS)99, &low, sizeof low));
    ROW(ERROR_INVALID_PARAMETER, SetProcessInformation(self, (PROCESS_INFORMATION_CLASS)99, &low, sizeof low));
    ROW(ERROR_ACCESS_DENIED, SetThreadInformation(powerless, ThreadMemoryPriority, &low, sizeof low));
    ROW(ERROR_ACCESS_DENIED, SetProcessInformation(limited, ProcessMemoryPriority, &low, sizeof low));

    pages[0] = 1;
    ROW(0, SetThreadInformation(thread, ThreadMemoryPriority, &low, sizeof low));
    pages[4096] = 1;
    ROW(0, GetThreadInformation(thread, ThreadMemoryPriority, &got, sizeof got));
    printf("thread has %lu; pages before and after %d %d\n", got.MemoryPriority, priority_of(pages),
           priority_of(pages + 4096));
    other = CreateThread(NULL, 0, touch, (void *)(pages + 8192), 0, NULL);
    WaitForSingleObject(other, INFINITE);
    printf("another thread's page %d\n", priority_of(pages + 8192));
    ROW(0, SetThreadInformation(thread, ThreadMemoryPriority, &normal, sizeof normal));
    ROW(0, SetProcessInformation(self, ProcessMemoryPriority, &very_low, sizeof very_low));
    pages[12288] = 1;
    other = CreateThread(NULL, 0, touch, (void *)(pages + 16384), 0, NULL);
    WaitForSingleObject(other, INFINITE);
    printf("pages of both threads in a process of low priority %d %d\n", priority_of(pages + 12288),
           priority_of(pages + 16384));
    printf("pages that were there %d\n", priority_of(pages));
    return errors_end();
}
