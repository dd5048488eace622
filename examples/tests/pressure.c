/* Threads that together use more memory than there is RAM, each of which knows what must be in every word of its own. */
#define _WIN32_WINNT 0x0A00
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#define PSAPI_VERSION 2
#include <psapi.h>

enum { THREADS = 4, PAGE = 4096, PAGES = 3000, WORDS = 4, SHARED_PAGES = 64, CODES = 8 };

typedef struct {
    unsigned number, state;
    unsigned char *base, *code;
    unsigned wrong, calls;
    unsigned words[PAGES][WORDS];
    unsigned shared[SHARED_PAGES];
    unsigned char writable[PAGES];
} Worker;

static Worker workers[THREADS];
static unsigned char *views[2];
static volatile LONG total;
static unsigned rounds = 10000;

static unsigned next(Worker *w)
{
    w->state = w->state * 1664525 + 1013904223;
    return w->state >> 8;
}

static unsigned *word(Worker *w, unsigned page, unsigned i)
{
    return (unsigned *)(w->base + (SIZE_T)page * PAGE + i * 1024 + page % 256 * 4);
}

static void verify(Worker *w, unsigned page)
{
    for (unsigned i = 0; i < WORDS; i++) w->wrong += *word(w, page, i) != w->words[page][i];
}

static void set(Worker *w, unsigned page)
{
    unsigned i = next(w) % WORDS, value = next(w);
    if (!w->writable[page]) return;
    *word(w, page, i) = value;
    w->words[page][i] = value;
}

static void drop(Worker *w, unsigned page)
{
    VirtualFree(w->base + (SIZE_T)page * PAGE, PAGE, MEM_DECOMMIT);
    if (!VirtualAlloc(w->base + (SIZE_T)page * PAGE, PAGE, MEM_COMMIT, PAGE_READWRITE)) w->wrong++;
    memset(w->words[page], 0, sizeof w->words[page]);
    w->writable[page] = 1;
}

static void protect(Worker *w, unsigned page)
{
    DWORD old;
    w->writable[page] = !w->writable[page];
    if (!VirtualProtect(w->base + (SIZE_T)page * PAGE, PAGE, w->writable[page] ? PAGE_READWRITE : PAGE_READONLY, &old)
        || old != (DWORD)(w->writable[page] ? PAGE_READONLY : PAGE_READWRITE))
        w->wrong++;
}

/* A word of each thread's own on every shared page, written through one view and read through the other. */
static void share(Worker *w)
{
    unsigned page = next(w) % SHARED_PAGES, side = next(w) % 2;
    SIZE_T at = (SIZE_T)page * PAGE + w->number * 4;
    w->wrong += *(volatile unsigned *)(views[side] + at) != w->shared[page];
    w->shared[page] = next(w);
    *(volatile unsigned *)(views[!side] + at) = w->shared[page];
    w->wrong += *(volatile unsigned *)(views[side] + at) != w->shared[page];
    InterlockedIncrement(&total);
}

/* Writes a function and calls it. */
static void call(Worker *w)
{
    unsigned char *code = w->code + next(w) % CODES * PAGE + 16 * (next(w) % 200);
    unsigned value = next(w);
    code[0] = 0xB8;
    memcpy(code + 1, &value, 4);
    code[5] = 0xC3;
    FlushInstructionCache(GetCurrentProcess(), code, 6);
    w->wrong += ((unsigned (*)(void))code)() != value;
    w->calls++;
}

static DWORD WINAPI work(void *argument)
{
    Worker *w = argument;
    for (unsigned i = 0; i < rounds; i++) {
        unsigned page = next(w) % PAGES;
        switch (next(w) % 16) {
        case 0: drop(w, page); break;
        case 1: protect(w, page); break;
        case 2: case 3: share(w); break;
        case 4: call(w); break;
        case 5: if (next(w) % 512 == 0) EmptyWorkingSet(GetCurrentProcess()); break;
        case 6: case 7: case 8: verify(w, page); break;
        default: set(w, page); break;
        }
    }
    for (unsigned page = 0; page < PAGES; page++) verify(w, page);
    return w->wrong;
}

int main(int count, char **arguments)
{
    HANDLE section, threads[THREADS];
    if (count == 2) rounds = strtoul(arguments[1], NULL, 10);
    section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, SHARED_PAGES * PAGE, NULL);
    for (int i = 0; i < 2; i++) views[i] = MapViewOfFile(section, FILE_MAP_ALL_ACCESS, 0, 0, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        Worker *w = &workers[i];
        w->number = i;
        w->state = i + 1;
        w->base = VirtualAlloc(NULL, PAGES * PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
        w->code = VirtualAlloc(NULL, CODES * PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_EXECUTE_READWRITE);
        memset(w->writable, 1, sizeof w->writable);
        for (unsigned page = 0; page < PAGES; page++) set(w, page);
    }
    for (unsigned i = 0; i < THREADS; i++) threads[i] = CreateThread(NULL, 0, work, &workers[i], 0, NULL);
    WaitForMultipleObjects(THREADS, threads, TRUE, INFINITE);
    for (unsigned i = 0; i < THREADS; i++)
        printf("thread %u: %u functions called, %u wrong\n", i, workers[i].calls, workers[i].wrong);
    printf("shared words written: %ld\n", total);
    return 0;
}
