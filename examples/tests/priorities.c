/* Priority classes and priorities: what may be set, what is told, who runs first. For one processor. */
#define _WIN32_WINNT 0x0A00
#include <stdio.h>
#include <string.h>
#include <windows.h>
#include <winternl.h>

typedef NTSTATUS(NTAPI *SetType)(HANDLE, ULONG, PVOID, ULONG);
typedef NTSTATUS(NTAPI *QueryType)(HANDLE, ULONG, PVOID, ULONG, PULONG);

static SetType set_thread, set_process;
static QueryType query_thread, query_process;

struct basic {
    NTSTATUS status;
    void *teb;
    HANDLE process, thread;
    ULONG_PTR mask;
    LONG priority, base;
};

static void failed(const char *what, BOOL result) {
    printf("%s: %d, error %lu\n", what, result, result ? 0 : GetLastError());
}

static void show(const char *when) {
    struct basic basic;
    query_thread(GetCurrentThread(), 0, &basic, sizeof basic, NULL);
    printf("%s: class %lx, priority %d, in the kernel %ld and %ld\n", when, GetPriorityClass(GetCurrentProcess()),
           GetThreadPriority(GetCurrentThread()), basic.priority, basic.base);
}

static void classes(void) {
    static const DWORD all[] = {IDLE_PRIORITY_CLASS, BELOW_NORMAL_PRIORITY_CLASS, NORMAL_PRIORITY_CLASS,
                                ABOVE_NORMAL_PRIORITY_CLASS, HIGH_PRIORITY_CLASS};
    static const int levels[] = {THREAD_PRIORITY_IDLE, THREAD_PRIORITY_LOWEST, THREAD_PRIORITY_NORMAL, THREAD_PRIORITY_HIGHEST,
                                 THREAD_PRIORITY_TIME_CRITICAL};
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 5; j++) {
            if (!SetPriorityClass(GetCurrentProcess(), all[i]) || !SetThreadPriority(GetCurrentThread(), levels[j])) {
                printf("refused\n");
            }
            struct basic basic;
            query_thread(GetCurrentThread(), 0, &basic, sizeof basic, NULL);
            printf("%s%ld", j ? " " : "", basic.priority);
            if (GetThreadPriority(GetCurrentThread()) != levels[j]) {
                printf("?");
            }
        }
        printf("\n");
    }
    SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_LOWEST);
    SetPriorityClass(GetCurrentProcess(), NORMAL_PRIORITY_CLASS);
    show("from high to normal");
    SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_NORMAL);
    failed("real time", SetPriorityClass(GetCurrentProcess(), REALTIME_PRIORITY_CLASS));
    show("without the privilege");
    SetPriorityClass(GetCurrentProcess(), NORMAL_PRIORITY_CLASS);
    failed("no class", SetPriorityClass(GetCurrentProcess(), 3));
    failed("no process", SetPriorityClass((HANDLE)0x1234, NORMAL_PRIORITY_CLASS));
    printf("class of no process: %lu, error %lu\n", GetPriorityClass((HANDLE)0x1234), GetLastError());
    HANDLE weak = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, GetCurrentProcessId());
    failed("no right", SetPriorityClass(weak, NORMAL_PRIORITY_CLASS));
    printf("may ask: %lx\n", GetPriorityClass(weak));
    failed("no right for its boost", SetProcessPriorityBoost(weak, TRUE));
}

static void levels(void) {
    HANDLE self = GetCurrentThread();
    failed("three up", SetThreadPriority(self, 3));
    failed("sixteen up", SetThreadPriority(self, 16));
    failed("seven down", SetThreadPriority(self, -7));
    failed("no thread", SetThreadPriority((HANDLE)0x1234, 0));
    printf("priority of no thread: %x, error %lu\n", GetThreadPriority((HANDLE)0x1234), GetLastError());
    HANDLE weak = OpenThread(THREAD_QUERY_LIMITED_INFORMATION, FALSE, GetCurrentThreadId());
    failed("no right", SetThreadPriority(weak, 1));
    printf("may ask: %d\n", GetThreadPriority(weak));
    LONG wanted = 16;
    printf("service: %lx", (unsigned long)set_thread(self, 3, &wanted, sizeof wanted));
    printf(" %d\n", GetThreadPriority(self));
    wanted = 15;
    printf("service: %lx\n", (unsigned long)set_thread(self, 3, &wanted, sizeof wanted));
    SetThreadPriority(self, 0);
    struct {
        BOOLEAN foreground;
        UCHAR number;
    } class = {0, 6};
    printf("service: %lx\n", (unsigned long)set_process(GetCurrentProcess(), 18, &class, sizeof class));
    show("above normal");
    class.number = 4;
    printf("real time: %lx\n", (unsigned long)set_process(GetCurrentProcess(), 18, &class, sizeof class));
    class.number = 7;
    printf("no class: %lx\n", (unsigned long)set_process(GetCurrentProcess(), 18, &class, sizeof class));
    query_process(GetCurrentProcess(), 18, &class, sizeof class, NULL);
    printf("asked: %d\n", class.number);
    SetPriorityClass(GetCurrentProcess(), NORMAL_PRIORITY_CLASS);
}

static void boosts(void) {
    BOOL thread = 7, process = 7;
    HANDLE self = GetCurrentThread();
    GetThreadPriorityBoost(self, &thread);
    GetProcessPriorityBoost(GetCurrentProcess(), &process);
    printf("boosts disabled: %d %d\n", thread, process);
    SetThreadPriorityBoost(self, TRUE);
    GetThreadPriorityBoost(self, &thread);
    GetProcessPriorityBoost(GetCurrentProcess(), &process);
    printf("the thread's: %d %d\n", thread, process);
    SetThreadPriorityBoost(self, FALSE);
    SetProcessPriorityBoost(GetCurrentProcess(), TRUE);
    GetThreadPriorityBoost(self, &thread);
    GetProcessPriorityBoost(GetCurrentProcess(), &process);
    printf("the process's: %d %d\n", thread, process);
    SetProcessPriorityBoost(GetCurrentProcess(), FALSE);
    failed("no thread", SetThreadPriorityBoost((HANDLE)0x1234, TRUE));
}

static void background(void) {
    HANDLE self = GetCurrentThread();
    failed("not in background", SetThreadPriority(self, THREAD_MODE_BACKGROUND_END));
    failed("begins", SetThreadPriority(self, THREAD_MODE_BACKGROUND_BEGIN));
    show("thread in background");
    failed("again", SetThreadPriority(self, THREAD_MODE_BACKGROUND_BEGIN));
    failed("ends", SetThreadPriority(self, THREAD_MODE_BACKGROUND_END));
    show("after it");
    failed("process not in background", SetPriorityClass(GetCurrentProcess(), PROCESS_MODE_BACKGROUND_END));
    failed("begins", SetPriorityClass(GetCurrentProcess(), PROCESS_MODE_BACKGROUND_BEGIN));
    show("process in background");
    failed("again", SetPriorityClass(GetCurrentProcess(), PROCESS_MODE_BACKGROUND_BEGIN));
    failed("ends", SetPriorityClass(GetCurrentProcess(), PROCESS_MODE_BACKGROUND_END));
    show("after it");
}

static const char *volatile order[8];
static volatile LONG arrived;

static DWORD WINAPI arrives(void *name) {
    order[InterlockedIncrement(&arrived) - 1] = name;
    return 0;
}

/* All are ready before the first may run. */
static void who_is_first(void) {
    static const struct {
        const char *name;
        int priority;
    } runners[] = {{"idle", -15}, {"lowest", -2}, {"normal", 0}, {"other normal", 0}, {"highest", 2}, {"critical", 15}};
    HANDLE threads[6];
    SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_TIME_CRITICAL);
    for (int i = 0; i < 6; i++) {
        threads[i] = CreateThread(NULL, 0, arrives, (void *)runners[i].name, CREATE_SUSPENDED, NULL);
        SetThreadPriority(threads[i], runners[i].priority);
        ResumeThread(threads[i]);
    }
    WaitForMultipleObjects(6, threads, TRUE, INFINITE);
    for (int i = 0; i < 6; i++) {
        printf("%s%s", i ? ", " : "", order[i]);
    }
    printf("\n");
    SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_NORMAL);
}

static HANDLE event;
static volatile LONG woken;

static DWORD WINAPI wakes_up(void *unused) {
    (void)unused;
    for (int i = 0; i < 3; i++) {
        WaitForSingleObject(event, INFINITE);
        woken++;
    }
    return 0;
}

/* A thread of a higher priority runs as soon as it can. */
static void comes_between(void) {
    event = CreateEventA(NULL, FALSE, FALSE, NULL);
    HANDLE thread = CreateThread(NULL, 0, wakes_up, NULL, 0, NULL);
    SetThreadPriority(thread, THREAD_PRIORITY_HIGHEST);
    while (woken < 3) {
        LONG before = woken;
        SetEvent(event);
        printf("woken at once: %d\n", woken == before + 1);
    }
    WaitForSingleObject(thread, INFINITE);
    SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_HIGHEST);
    thread = CreateThread(NULL, 0, wakes_up, NULL, 0, NULL);
    LONG before = woken;
    for (int i = 0; i < 3; i++) {
        SetEvent(event);
    }
    printf("a lower one waits: %d\n", woken == before);
    SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_LOWEST);
    while (woken < before + 3) {
        SetEvent(event);
    }
    WaitForSingleObject(thread, INFINITE);
    SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_NORMAL);
}

static volatile LONG done;

static DWORD WINAPI says_done(void *unused) {
    (void)unused;
    done = 1;
    return 0;
}

/* What waits for a lower one by spinning gets on, since nobody is passed over for ever. */
static void nobody_starves(void) {
    HANDLE thread = CreateThread(NULL, 0, says_done, NULL, CREATE_SUSPENDED, NULL);
    SetThreadPriority(thread, THREAD_PRIORITY_IDLE);
    SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_TIME_CRITICAL);
    ResumeThread(thread);
    while (!done) {
    }
    WaitForSingleObject(thread, INFINITE);
    printf("not starved, priority %d\n", GetThreadPriority(thread));
    SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_NORMAL);
}

static DWORD WINAPI wakes_always(void *unused) {
    (void)unused;
    while (!done) {
        WaitForSingleObject(event, INFINITE);
    }
    return 0;
}

/* One that is interrupted all the time uses up its time slice all the same. */
static void equals_take_turns(void) {
    done = 0;
    HANDLE higher = CreateThread(NULL, 0, wakes_always, NULL, 0, NULL);
    SetThreadPriority(higher, THREAD_PRIORITY_HIGHEST);
    HANDLE equal = CreateThread(NULL, 0, says_done, NULL, 0, NULL);
    while (!done) {
        SetEvent(event);
    }
    SetEvent(event);
    WaitForSingleObject(higher, INFINITE);
    WaitForSingleObject(equal, INFINITE);
    printf("equals take turns\n");
}

static void child(DWORD flags) {
    char command[300];
    GetModuleFileNameA(NULL, command, 200);
    strcat(command, " child");
    STARTUPINFOA startup = {sizeof startup};
    PROCESS_INFORMATION made;
    CreateProcessA(NULL, command, NULL, NULL, FALSE, flags, NULL, NULL, &startup, &made);
    WaitForSingleObject(made.hProcess, INFINITE);
    DWORD code = 0;
    GetExitCodeProcess(made.hProcess, &code);
    printf("child: %lx\n", code);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "child") == 0) {
        return (int)GetPriorityClass(GetCurrentProcess());
    }
    HMODULE ntdll = GetModuleHandleA("ntdll");
    set_thread = (SetType)(void *)GetProcAddress(ntdll, "NtSetInformationThread");
    set_process = (SetType)(void *)GetProcAddress(ntdll, "NtSetInformationProcess");
    query_thread = (QueryType)(void *)GetProcAddress(ntdll, "NtQueryInformationThread");
    query_process = (QueryType)(void *)GetProcAddress(ntdll, "NtQueryInformationProcess");
    show("at first");
    classes();
    levels();
    boosts();
    background();
    who_is_first();
    comes_between();
    nobody_starves();
    equals_take_turns();
    child(0);
    child(HIGH_PRIORITY_CLASS);
    SetPriorityClass(GetCurrentProcess(), BELOW_NORMAL_PRIORITY_CLASS);
    child(0);
    child(NORMAL_PRIORITY_CLASS);
    SetPriorityClass(GetCurrentProcess(), ABOVE_NORMAL_PRIORITY_CLASS);
    child(0);
    return 0;
}
