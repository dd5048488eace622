// Waits for several objects, abandoned mutexes, timers that repeat, suspended waiters, ends of what is waited for, many waiters.
#include <windows.h>
#include <stdio.h>

static HANDLE gate, done, mutexes[2], events[8];
static volatile LONG passed, order[64], count;

static DWORD WINAPI throughGate(LPVOID p) {
    DWORD got = WaitForSingleObject(gate, INFINITE);
    InterlockedIncrement(&passed);
    return got * 100 + (DWORD)(INT_PTR)p;
}

static DWORD WINAPI ownAndGo(LPVOID p) {
    WaitForMultipleObjects(2, mutexes, TRUE, INFINITE);
    WaitForSingleObject(mutexes[0], INFINITE);
    if (p) SetEvent(done), Sleep(20);
    return 3;
}

static DWORD WINAPI all(LPVOID p) {
    DWORD got = WaitForMultipleObjects(8, events, TRUE, INFINITE);
    order[InterlockedIncrement(&count) - 1] = (LONG)(INT_PTR)p;
    return got;
}

static DWORD WINAPI any(LPVOID p) {
    DWORD got = WaitForMultipleObjects(8, events, FALSE, INFINITE);
    order[InterlockedIncrement(&count) - 1] = (LONG)(INT_PTR)p;
    return got;
}

static DWORD WINAPI signaller(LPVOID p) {
    Sleep(5);
    SetEvent((HANDLE)p);
    return 0;
}

static void join(HANDLE *threads, int n) {
    DWORD code;
    for (int i = 0; i < n; i++) {
        WaitForSingleObject(threads[i], INFINITE);
        GetExitCodeThread(threads[i], &code);
        printf(" %lx", code);
        CloseHandle(threads[i]);
    }
    printf("\n");
}

int main(void) {
    HANDLE t[64];
    DWORD code;
    setvbuf(stdout, 0, _IONBF, 0);

    // A manual-reset event lets everybody pass; an auto-reset event one each time; a semaphore as many as it counts.
    gate = CreateEventA(0, TRUE, FALSE, 0);
    for (int i = 0; i < 4; i++) t[i] = CreateThread(0, 0, throughGate, (LPVOID)(INT_PTR)i, 0, 0);
    Sleep(10);
    printf("before %ld\n", passed);
    SetEvent(gate);
    join(t, 4);
    CloseHandle(gate);
    gate = CreateEventA(0, FALSE, FALSE, 0);
    passed = 0;
    for (int i = 0; i < 3; i++) t[i] = CreateThread(0, 0, throughGate, (LPVOID)(INT_PTR)i, 0, 0);
    Sleep(10);
    for (int i = 0; i < 3; i++) {
        SetEvent(gate);
        Sleep(10);
        printf("auto %ld\n", passed);
    }
    join(t, 3);
    printf("reset %lx\n", WaitForSingleObject(gate, 0));
    CloseHandle(gate);
    gate = CreateSemaphoreA(0, 0, 10, 0);
    passed = 0;
    for (int i = 0; i < 5; i++) t[i] = CreateThread(0, 0, throughGate, (LPVOID)(INT_PTR)i, 0, 0);
    Sleep(10);
    LONG previous;
    printf("%d", ReleaseSemaphore(gate, 3, &previous));
    printf(" %ld", previous);
    Sleep(10);
    printf(" semaphore %ld\n", passed);
    ReleaseSemaphore(gate, 4, &previous);
    join(t, 5);
    printf("left %lx %lx %lx\n", WaitForSingleObject(gate, 0), WaitForSingleObject(gate, 0), WaitForSingleObject(gate, 0));
    CloseHandle(gate);

    // An owner that ends abandons what it owns, also towards those who wait already.
    mutexes[0] = CreateMutexA(0, FALSE, 0);
    mutexes[1] = CreateMutexA(0, FALSE, 0);
    done = CreateEventA(0, TRUE, FALSE, 0);
    t[0] = CreateThread(0, 0, ownAndGo, 0, 0, 0);
    join(t, 1);
    printf("abandoned %lx", WaitForMultipleObjects(2, mutexes, FALSE, 0));
    printf(" %lx", WaitForSingleObject(mutexes[1], 0));
    printf(" %lx\n", WaitForSingleObject(mutexes[1], 0));
    printf("%d %d %d %d", ReleaseMutex(mutexes[0]), ReleaseMutex(mutexes[1]), ReleaseMutex(mutexes[1]), ReleaseMutex(mutexes[1]));
    printf(" %lu\n", GetLastError());
    t[0] = CreateThread(0, 0, ownAndGo, (LPVOID)1, 0, 0);
    WaitForSingleObject(done, INFINITE);
    printf("owned %lx", WaitForSingleObject(mutexes[0], 0));
    printf(" all %lx", WaitForMultipleObjects(2, mutexes, TRUE, INFINITE));
    printf(" again %lx\n", WaitForSingleObject(mutexes[0], 0));
    join(t, 1);

    // Eight objects at once. All are taken, or none.
    for (int i = 0; i < 8; i++) events[i] = CreateEventA(0, i & 1, FALSE, 0);
    t[0] = CreateThread(0, 0, all, (LPVOID)1, 0, 0);
    Sleep(5);
    for (int i = 0; i < 7; i++) SetEvent(events[i]);
    Sleep(5);
    printf("not all %ld %lx\n", count, WaitForSingleObject(events[0], 0));
    SetEvent(events[7]);
    Sleep(5);
    printf("still not %ld\n", count);
    SetEvent(events[0]);
    join(t, 1);
    for (int i = 0; i < 8; i++) printf("%lx ", WaitForSingleObject(events[i], 0));
    for (int i = 0; i < 8; i++) ResetEvent(events[i]);
    printf("\n");
    count = 0;
    for (int i = 0; i < 3; i++) t[i] = CreateThread(0, 0, any, (LPVOID)(INT_PTR)i, 0, 0), Sleep(5);
    SetEvent(events[2]), Sleep(5);
    SetEvent(events[6]), Sleep(5);
    SetEvent(events[4]);
    join(t, 3);
    printf("in order %ld %ld %ld\n", order[0], order[1], order[2]);
    // Windows refuses the same object twice when all are wanted, Wine does not.
    HANDLE twice[2] = {events[0], events[0]};
    printf("twice %lx", WaitForMultipleObjects(2, twice, TRUE, 0));
    printf(" %lu", GetLastError());
    printf(" %lx", WaitForMultipleObjects(2, twice, FALSE, 0));
    SetEvent(events[0]);
    printf(" %lx\n", WaitForMultipleObjects(2, twice, FALSE, 0));
    PulseEvent(events[1]);
    printf("pulsed %lx\n", WaitForSingleObject(events[1], 0));

    // Timers: once, repeating, cancelled.
    HANDLE timer = CreateWaitableTimerA(0, FALSE, 0);
    LARGE_INTEGER due;
    due.QuadPart = -50000;
    SetWaitableTimer(timer, &due, 5, 0, 0, 0);
    DWORD started = GetTickCount();
    for (int i = 0; i < 4; i++) printf("tick %lx\n", WaitForSingleObject(timer, 1000));
    DWORD took = GetTickCount() - started;
    printf("took %d\n", took >= 14 && took < 500);
    printf("%d", CancelWaitableTimer(timer));
    printf(" %lx\n", WaitForSingleObject(timer, 30));
    due.QuadPart = -10000;
    SetWaitableTimer(timer, &due, 0, 0, 0, 0);
    HANDLE two[2] = {events[0], timer};
    printf("timer %lx\n", WaitForMultipleObjects(2, two, FALSE, INFINITE));
    printf("%d", SetEvent(timer));
    printf(" %lu\n", GetLastError());

    // A suspended thread takes what it waits for when it is resumed.
    gate = CreateEventA(0, TRUE, FALSE, 0);
    passed = 0;
    t[0] = CreateThread(0, 0, throughGate, (LPVOID)7, 0, 0);
    Sleep(5);
    printf("%ld", SuspendThread(t[0]));
    printf(" %ld", SuspendThread(t[0]));
    SetEvent(gate);
    Sleep(10);
    printf(" suspended %ld", passed);
    printf(" %ld %ld", ResumeThread(t[0]), ResumeThread(t[0]));
    join(t, 1);
    t[0] = CreateThread(0, 0, throughGate, 0, CREATE_SUSPENDED, 0);
    for (int i = 0; i < 126; i++) SuspendThread(t[0]);
    printf("%ld", SuspendThread(t[0]));
    printf(" %lu", GetLastError());
    TerminateThread(t[0], 0x55);
    join(t, 1);

    // A waiting thread can be ended; its object forgets it. What somebody waits for may be closed.
    ResetEvent(gate);
    t[0] = CreateThread(0, 0, throughGate, 0, 0, 0);
    Sleep(5);
    TerminateThread(t[0], 0x66);
    join(t, 1);
    SetEvent(gate);
    t[0] = CreateThread(0, 0, signaller, events[5], 0, 0);
    printf("one of %lx\n", SignalObjectAndWait(gate, events[5], 1000, FALSE));
    join(t, 1);
    printf("bad %lx", SignalObjectAndWait(timer, events[5], 1000, FALSE));
    printf(" %lu\n", GetLastError());

    // As many as there may be for one wait.
    ResetEvent(gate);
    for (int i = 0; i < 64; i++) t[i] = CreateThread(0, 65536, throughGate, (LPVOID)(INT_PTR)i, STACK_SIZE_PARAM_IS_A_RESERVATION, 0);
    printf("many %lx\n", WaitForMultipleObjects(64, t, TRUE, 20));
    printf("any %lx\n", WaitForMultipleObjects(64, t, FALSE, 0));
    SetEvent(gate);
    printf("ended %lx\n", WaitForMultipleObjects(64, t, TRUE, INFINITE));
    GetExitCodeThread(t[63], &code);
    printf("%lu\n", code);
    return 0;
}
