/* Threads that count together, allocate and free beside each other, and hand a token around. */
#include <stdio.h>
#include <windows.h>

enum { THREADS = 4, ROUNDS = 200 };

static volatile LONG counted;
static LONG guarded_count;
static CRITICAL_SECTION section;
static HANDLE turn[THREADS];
static LONG bad;

static DWORD WINAPI work(void *number)
{
    int self = (int)(LONG_PTR)number;
    for (int i = 0; i < 20000; i++)
        InterlockedIncrement(&counted);
    for (int i = 0; i < 2000; i++) {
        EnterCriticalSection(&section);
        guarded_count++;
        LeaveCriticalSection(&section);
    }
    for (int i = 0; i < ROUNDS; i++) {
        char *memory = VirtualAlloc(NULL, 0x10000, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
        for (int page = 0; page < 16; page++)
            memory[page * 4096] = (char)(i + self + page);
        for (int page = 0; page < 16; page++)
            if (memory[page * 4096] != (char)(i + self + page) || memory[page * 4096 + 1])
                InterlockedIncrement(&bad);
        VirtualFree(memory, 0, MEM_RELEASE);
    }
    for (int i = 0; i < 3; i++) {
        WaitForSingleObject(turn[self], INFINITE);
        printf("round %d: thread %d\n", i, self);
        SetEvent(turn[(self + 1) % THREADS]);
    }
    return self + 100;
}

int main(void)
{
    HANDLE threads[THREADS];
    DWORD sum = 0, code;
    InitializeCriticalSection(&section);
    for (int i = 0; i < THREADS; i++)
        turn[i] = CreateEventA(NULL, FALSE, i == 0, NULL);
    for (int i = 0; i < THREADS; i++)
        threads[i] = CreateThread(NULL, 0, work, (void *)(LONG_PTR)i, 0, NULL);
    printf("all done: %lu\n", WaitForMultipleObjects(THREADS, threads, TRUE, INFINITE));
    for (int i = 0; i < THREADS; i++) {
        GetExitCodeThread(threads[i], &code);
        sum += code;
    }
    printf("counted %ld and %ld, bad %ld, exit codes add up to %lu\n", counted, guarded_count, bad, sum);
    return 0;
}
