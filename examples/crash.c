/* Ends in the way its argument names; with none, lists the ways. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static volatile int zero, seven = 7;

static void divide(void)
{
    exit(seven / zero);
}

static void illegal(void)
{
    __asm__ volatile("ud2");
}

static void privileged(void)
{
    __asm__ volatile("hlt");
}

static void null_call(void)
{
    void (*volatile function)(void) = NULL;
    function();
}

static void null_read(void)
{
    int *volatile p = NULL;
    exit(p[4]);
}

static void write_code(void)
{
    *(volatile char *)(void *)illegal = 0;
}

/* Bits 48 to 63 are no copies of bit 47: the processor refuses the address itself. */
static void no_address(void)
{
    int *volatile p = (int *)0x8000000000000000;
    exit(*p);
}

static __attribute__((noinline)) int deeper(int n)
{
    volatile char room[2000];
    room[n % 2000] = 1;
    return deeper(n + 1) + room[0];
}

static void overflow(void)
{
    exit(deeper(0));
}

static void breakpoint(void)
{
    __asm__ volatile("int3");
}

static void fast_fail(void)
{
    __asm__ volatile("int $0x29" : : "c"(7));
}

static void raise_own(void)
{
    ULONG_PTR arguments[2] = {1, 2};
    RaiseException(0xE0001234, EXCEPTION_NONCONTINUABLE, 2, arguments);
}

static void end_process(void)
{
    ExitProcess(21);
}

static void terminate(void)
{
    TerminateProcess(GetCurrentProcess(), 22);
}

static DWORD WINAPI second_thread(void *code)
{
    Sleep(10);
    return (DWORD)(ULONG_PTR)code;
}

/* The process lives until its last thread ends, and has that one's exit code. */
static void last_thread(void)
{
    CloseHandle(CreateThread(NULL, 0, second_thread, (void *)23, 0, NULL));
    ExitThread(1);
}

static DWORD WINAPI crash_there(void *unused)
{
    (void)unused;
    null_read();
    return 0;
}

static void other_thread(void)
{
    WaitForSingleObject(CreateThread(NULL, 0, crash_there, NULL, 0, NULL), INFINITE);
}

static void leave(void)
{
    abort();
}

static const struct {
    const char *name;
    void (*function)(void);
} ways[] = {
    {"divide", divide},           {"illegal", illegal},         {"privileged", privileged},
    {"null-call", null_call},     {"null-read", null_read},     {"write-code", write_code},
    {"no-address", no_address},   {"overflow", overflow},       {"breakpoint", breakpoint},
    {"fast-fail", fast_fail},     {"raise", raise_own},         {"exit-process", end_process},
    {"terminate", terminate},     {"last-thread", last_thread}, {"other-thread", other_thread},
    {"abort", leave},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (argc < 2)
            puts(ways[i].name);
        else if (strcmp(argv[1], ways[i].name) == 0)
            ways[i].function();
    return 0;
}
