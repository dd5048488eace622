/* Threads that are pinned to processors, and what says no. The argument is how many processors the machine has. */
#define _WIN32_WINNT 0x0A00
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>
#include <winternl.h>

#define MOST 64

typedef NTSTATUS(NTAPI *SetType)(HANDLE, ULONG, PVOID, ULONG);
typedef NTSTATUS(NTAPI *QueryType)(HANDLE, ULONG, PVOID, ULONG, PULONG);
typedef ULONG(NTAPI *NumberType)(void);

static int processors;
static HANDLE go;
static volatile LONG wrong;

static void check(const char *what, int holds) {
    if (!holds) {
        printf("%s: no, error %lu\n", what, GetLastError());
        wrong++;
    }
}

static void refused(const char *what, ULONG_PTR result, DWORD error) {
    DWORD got = GetLastError();
    if (result != 0 || got != error) {
        printf("%s: %llu, error %lu\n", what, (unsigned long long)result, got);
        wrong++;
    }
}

struct pinned {
    int processor;
    int seen;
    volatile long counter;
};

/* Is on its processor whenever it looks. */
static DWORD WINAPI runs_pinned(void *argument) {
    struct pinned *mine = argument;
    WaitForSingleObject(go, INFINITE);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 2000; i++) {
            mine->counter++;
        }
        PROCESSOR_NUMBER number = {9, 9, 9};
        GetCurrentProcessorNumberEx(&number);
        if (GetCurrentProcessorNumber() != (DWORD)mine->processor || number.Number != mine->processor || number.Group != 0 ||
            number.Reserved != 0) {
            InterlockedIncrement(&wrong);
        }
        SwitchToThread();
    }
    mine->seen = (int)GetCurrentProcessorNumber();
    return 0;
}

static volatile LONG stop;
static volatile LONG place;

static DWORD WINAPI tells_its_place(void *unused) {
    (void)unused;
    while (!stop) {
        place = (LONG)GetCurrentProcessorNumber();
    }
    return 0;
}

static volatile LONG spins;

static DWORD WINAPI only_counts(void *unused) {
    (void)unused;
    while (!stop) {
        spins++;
    }
    return GetCurrentProcessorNumber();
}

static void pin_everyone(void) {
    static struct pinned all[2 * MOST];
    HANDLE threads[2 * MOST];
    int count = 2 * processors;
    go = CreateEventA(NULL, TRUE, FALSE, NULL);
    for (int i = 0; i < count; i++) {
        all[i].processor = i % processors;
        threads[i] = CreateThread(NULL, 0, runs_pinned, &all[i], i < processors ? 0 : CREATE_SUSPENDED, NULL);
        DWORD_PTR mask = (DWORD_PTR)1 << all[i].processor;
        DWORD_PTR whole = processors == 64 ? ~(DWORD_PTR)0 : ((DWORD_PTR)1 << processors) - 1;
        check("mask before", SetThreadAffinityMask(threads[i], mask) == whole);
        check("mask after", SetThreadAffinityMask(threads[i], mask) == mask);
        PROCESSOR_NUMBER ideal;
        check("ideal", GetThreadIdealProcessorEx(threads[i], &ideal) && ideal.Number == all[i].processor);
    }
    for (int i = 0; i < count; i++) {
        ResumeThread(threads[i]);
    }
    SetEvent(go);
    for (int i = 0; i < count; i++) {
        WaitForSingleObject(threads[i], INFINITE);
        check("ran where it should", all[i].seen == all[i].processor && all[i].counter == 40000);
        CloseHandle(threads[i]);
    }
    printf("pinned %d threads\n", count);
}

/* One that runs is moved by another, from processor to processor. */
static void move_one(void) {
    HANDLE thread = CreateThread(NULL, 0, tells_its_place, NULL, 0, NULL);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < processors; i++) {
            check("move", SetThreadAffinityMask(thread, (DWORD_PTR)1 << i) != 0);
            while (place != i) {
                SwitchToThread();
            }
        }
    }
    HANDLE counter = CreateThread(NULL, 0, only_counts, NULL, 0, NULL);
    for (int i = 0; i < processors; i++) {
        check("move a counter", SetThreadAffinityMask(counter, (DWORD_PTR)1 << i) != 0);
        LONG before = spins;
        while (spins == before) {
            SwitchToThread();
        }
    }
    stop = 1;
    WaitForSingleObject(thread, INFINITE);
    WaitForSingleObject(counter, INFINITE);
    DWORD last = 99;
    GetExitCodeThread(counter, &last);
    check("ended on the last one", last == (DWORD)processors - 1);
    printf("moved one that runs\n");
}

/* A thread moves itself: it is there when the call returns. */
static void move_oneself(void) {
    HANDLE self = GetCurrentThread();
    DWORD_PTR before = SetThreadAffinityMask(self, 1);
    for (int i = processors - 1; i >= 0; i--) {
        GROUP_AFFINITY old, wanted = {(KAFFINITY)1 << i, 0, {0, 0, 0}};
        check("SetThreadGroupAffinity", SetThreadGroupAffinity(self, &wanted, &old));
        check("at once", GetCurrentProcessorNumber() == (DWORD)i);
        GROUP_AFFINITY now;
        check("GetThreadGroupAffinity", GetThreadGroupAffinity(self, &now) && now.Mask == wanted.Mask && now.Group == 0);
    }
    SetThreadAffinityMask(self, before);
    printf("moved itself\n");
}

static void refuse_threads(void) {
    HANDLE self = GetCurrentThread();
    DWORD_PTR beyond = (DWORD_PTR)1 << processors;
    refused("no processor", SetThreadAffinityMask(self, 0), ERROR_INVALID_PARAMETER);
    refused("a processor too many", SetThreadAffinityMask(self, beyond), ERROR_INVALID_PARAMETER);
    refused("one of two is there", SetThreadAffinityMask(self, beyond | 1), ERROR_INVALID_PARAMETER);
    refused("no thread", SetThreadAffinityMask((HANDLE)0x1234, 1), ERROR_INVALID_HANDLE);
    refused("a process", SetThreadAffinityMask(GetCurrentProcess(), 1), ERROR_INVALID_HANDLE);
    GROUP_AFFINITY group = {1, 1, {0, 0, 0}};
    refused("no such group", SetThreadGroupAffinity(self, &group, NULL), ERROR_INVALID_PARAMETER);
    group.Group = 0;
    group.Reserved[1] = 1;
    refused("reserved words", SetThreadGroupAffinity(self, &group, NULL), ERROR_INVALID_PARAMETER);
    group.Reserved[1] = 0;
    HANDLE weak = OpenThread(THREAD_QUERY_LIMITED_INFORMATION, FALSE, GetCurrentThreadId());
    refused("no right to set", SetThreadAffinityMask(weak, 1), ERROR_ACCESS_DENIED);
    refused("no right to set a group", SetThreadGroupAffinity(weak, &group, NULL), ERROR_ACCESS_DENIED);
    GROUP_AFFINITY now;
    check("the right to ask", GetThreadGroupAffinity(weak, &now));
    CloseHandle(weak);

    check("no such ideal processor", SetThreadIdealProcessor(self, processors) == (DWORD)-1 && GetLastError() == 87);
    DWORD ideal = SetThreadIdealProcessor(self, MAXIMUM_PROCESSORS);
    check("an ideal processor", ideal < (DWORD)processors);
    check("the last as the ideal", SetThreadIdealProcessor(self, processors - 1) == ideal);
    check("is so", SetThreadIdealProcessor(self, MAXIMUM_PROCESSORS) == (DWORD)processors - 1);
    PROCESSOR_NUMBER number = {0, 0, 0}, old;
    check("the first as the ideal", SetThreadIdealProcessorEx(self, &number, &old) && old.Number == processors - 1);
    number.Reserved = 1;
    refused("a reserved byte", SetThreadIdealProcessorEx(self, &number, NULL), ERROR_INVALID_PARAMETER);
    printf("refused for threads\n");
}

static void whole_process(void) {
    HANDLE self = GetCurrentProcess();
    DWORD_PTR process = 0, system = 0;
    DWORD_PTR whole = ((DWORD_PTR)1 << processors) - 1;
    check("masks", GetProcessAffinityMask(self, &process, &system) && process == whole && system == whole);
    refused("no processor", SetProcessAffinityMask(self, 0), ERROR_INVALID_PARAMETER);
    refused("one too many", SetProcessAffinityMask(self, whole + 1), ERROR_INVALID_PARAMETER);
    refused("no process", SetProcessAffinityMask((HANDLE)0x1234, 1), ERROR_INVALID_HANDLE);
    HANDLE weak = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, GetCurrentProcessId());
    refused("no right", SetProcessAffinityMask(weak, 1), ERROR_ACCESS_DENIED);
    CloseHandle(weak);

    DWORD_PTR last = (DWORD_PTR)1 << (processors - 1);
    check("the last alone", SetProcessAffinityMask(self, last));
    check("is there", GetCurrentProcessorNumber() == (DWORD)processors - 1);
    check("says so", GetProcessAffinityMask(self, &process, &system) && process == last && system == whole);
    if (processors > 1) {
        refused("not the process's", SetThreadAffinityMask(GetCurrentThread(), 1), ERROR_INVALID_PARAMETER);
    }
    stop = 1;
    HANDLE thread = CreateThread(NULL, 0, only_counts, NULL, 0, NULL);
    WaitForSingleObject(thread, INFINITE);
    DWORD where = 99;
    GetExitCodeThread(thread, &where);
    check("new threads, too", where == (DWORD)processors - 1);

    char command[300];
    GetModuleFileNameA(NULL, command, 200);
    sprintf(command + strlen(command), " child %d", processors);
    STARTUPINFOA startup = {sizeof startup};
    PROCESS_INFORMATION child;
    check("a child", CreateProcessA(NULL, command, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &child));
    WaitForSingleObject(child.hProcess, INFINITE);
    DWORD code = 0;
    GetExitCodeProcess(child.hProcess, &code);
    check("children inherit it", code == (DWORD)(100 + processors - 1));
    check("all again", SetProcessAffinityMask(self, whole));
    check("for threads", SetThreadAffinityMask(GetCurrentThread(), whole) == whole);

    USHORT count = 0, groups[2] = {7, 7};
    refused("no room for groups", GetProcessGroupAffinity(self, &count, groups), ERROR_INSUFFICIENT_BUFFER);
    check("one group", count == 1 && GetProcessGroupAffinity(self, &count, groups) && count == 1 && groups[0] == 0);
    check("counts", GetActiveProcessorCount(0) == (DWORD)processors && GetActiveProcessorCount(ALL_PROCESSOR_GROUPS) == (DWORD)processors);
    check("no such group", GetActiveProcessorCount(1) == 0 && GetLastError() == ERROR_INVALID_PARAMETER);
    printf("the whole process\n");
}

static void services(void) {
    HMODULE ntdll = GetModuleHandleA("ntdll");
    SetType set = (SetType)(void *)GetProcAddress(ntdll, "NtSetInformationThread");
    QueryType query = (QueryType)(void *)GetProcAddress(ntdll, "NtQueryInformationThread");
    SetType set_process = (SetType)(void *)GetProcAddress(ntdll, "NtSetInformationProcess");
    NumberType number = (NumberType)(void *)GetProcAddress(ntdll, "NtGetCurrentProcessorNumber");
    HANDLE self = GetCurrentThread();
    DWORD_PTR whole = ((DWORD_PTR)1 << processors) - 1;
    DWORD_PTR last = (DWORD_PTR)1 << (processors - 1);
    check("ThreadAffinityMask", set(self, 4, &last, sizeof last) == 0);
    check("number", number() == (ULONG)processors - 1);
    struct {
        NTSTATUS status;
        void *teb;
        HANDLE process, thread;
        ULONG_PTR mask;
        LONG priority, base;
    } basic;
    ULONG size = 0;
    check("ThreadBasicInformation", query(self, 0, &basic, sizeof basic, &size) == 0 && size == sizeof basic);
    check("says so", basic.mask == last && basic.priority == 8 && basic.base == 0 && basic.teb == (void *)NtCurrentTeb() &&
                         basic.thread == (HANDLE)(ULONG_PTR)GetCurrentThreadId() && basic.status == 0x103);
    DWORD_PTR none = 0;
    check("none", set(self, 4, &none, sizeof none) == (NTSTATUS)0xC000000D);
    check("size", set(self, 4, &last, 4) == (NTSTATUS)0xC0000004);
    check("class", set(self, 99, &last, 4) == (NTSTATUS)0xC0000003);
    check("type", set(GetCurrentProcess(), 4, &last, sizeof last) == (NTSTATUS)0xC0000008);
    GROUP_AFFINITY group = {whole, 0, {0, 0, 0}};
    check("ThreadGroupInformation", set(self, 30, &group, sizeof group) == 0);
    check("asked", query(self, 30, &group, sizeof group, NULL) == 0 && group.Mask == whole);
    ULONG ideal = processors - 1;
    check("ThreadIdealProcessor", set(self, 13, &ideal, sizeof ideal) >= 0);
    ideal = MAXIMUM_PROCESSORS;
    check("asked", set(self, 13, &ideal, sizeof ideal) == processors - 1);
    PROCESSOR_NUMBER ex = {0, 0, 0};
    check("ThreadIdealProcessorEx", set(self, 33, &ex, sizeof ex) == 0 && ex.Number == processors - 1);
    check("asked", query(self, 33, &ex, sizeof ex, NULL) == 0 && ex.Number == 0);
    check("ProcessAffinityMask", set_process(GetCurrentProcess(), 21, &whole, sizeof whole) == 0);
    check("none", set_process(GetCurrentProcess(), 21, &none, sizeof none) == (NTSTATUS)0xC000000D);
    printf("services\n");
}

int main(int argc, char **argv) {
    if (argc > 2) {
        DWORD_PTR process = 0, system = 0;
        GetProcessAffinityMask(GetCurrentProcess(), &process, &system);
        return process == (DWORD_PTR)1 << (atoi(argv[2]) - 1) ? 100 + (int)GetCurrentProcessorNumber() : 1;
    }
    processors = atoi(argv[1]);
    pin_everyone();
    move_one();
    move_oneself();
    refuse_threads();
    whole_process();
    services();
    printf("wrong: %ld\n", wrong);
    return wrong != 0;
}
