/* Threads that use memory while they send each other from processor to processor. Arguments: processors, rounds. */
#define _WIN32_WINNT 0x0A00
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define THREADS 8
#define PAGES 24

static int processors;
static int rounds;
static HANDLE threads[THREADS];
static volatile LONG wrong;
static volatile LONG moves;
static HANDLE turn;

static unsigned next(unsigned *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static DWORD WINAPI wanders(void *argument) {
    int self = (int)(INT_PTR)argument;
    unsigned seed = 77 + self;
    for (int round = 0; round < rounds; round++) {
        volatile DWORD *memory = VirtualAlloc(NULL, PAGES * 4096, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
        if (!memory) {
            InterlockedIncrement(&wrong);
            return 1;
        }
        for (int page = 0; page < PAGES; page++) {
            memory[page * 1024] = self * 100000 + round * 100 + page;
            if (next(&seed) % 8 == 0) {
                DWORD_PTR mask = next(&seed) & (((DWORD_PTR)1 << processors) - 1);
                HANDLE whom = threads[next(&seed) % THREADS];
                if (mask && SetThreadAffinityMask(whom, mask)) {
                    InterlockedIncrement(&moves);
                }
            }
            if (next(&seed) % 16 == 0) {
                SetThreadPriority(threads[next(&seed) % THREADS], (int)(next(&seed) % 5) - 2);
            }
            if (next(&seed) % 32 == 0) {
                WaitForSingleObject(turn, 1);
            } else if (next(&seed) % 32 == 0) {
                SetEvent(turn);
            }
        }
        for (int page = 0; page < PAGES; page++) {
            if (memory[page * 1024] != (DWORD)(self * 100000 + round * 100 + page) || memory[page * 1024 + 1] != 0) {
                InterlockedIncrement(&wrong);
            }
        }
        DWORD old;
        if (round % 4 == 0) {
            VirtualProtect((void *)memory, 4096, PAGE_READONLY, &old);
        } else if (round % 4 == 1) {
            VirtualUnlock((void *)memory, PAGES * 4096);
            if (memory[1024] != (DWORD)(self * 100000 + round * 100 + 1)) {
                InterlockedIncrement(&wrong);
            }
        }
        VirtualFree((void *)memory, 0, MEM_RELEASE);
    }
    return 0;
}

int main(int argc, char **argv) {
    (void)argc;
    processors = atoi(argv[1]);
    rounds = atoi(argv[2]);
    turn = CreateEventA(NULL, FALSE, FALSE, NULL);
    for (int i = 0; i < THREADS; i++) {
        threads[i] = CreateThread(NULL, 0, wanders, (void *)(INT_PTR)i, CREATE_SUSPENDED, NULL);
    }
    for (int i = 0; i < THREADS; i++) {
        ResumeThread(threads[i]);
    }
    WaitForMultipleObjects(THREADS, threads, TRUE, INFINITE);
    printf("moved: %d, wrong: %ld\n", moves > rounds, wrong);
    return wrong != 0;
}
