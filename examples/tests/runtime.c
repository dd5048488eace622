/*
 * What the C library does when things go wrong, and what it keeps for a program: where it tells of errors, who hears of wrong parameters,
 * of arguments outside a function's domain and of exceptions; its locks; code pages of multi-byte strings.
 * The msvcrt of Wine 8 has no handlers of parameters and no modes, and a number for a code page of single bytes; those lines of the
 * expected output are Microsoft's documentation.
 */
#define _WIN32_WINNT 0x0A00
#include <errno.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

typedef void (*parameter_handler)(const wchar_t *, const wchar_t *, const wchar_t *, unsigned, uintptr_t);

static parameter_handler(*set_parameter_handler)(parameter_handler);
static int (*set_error_mode)(int);
static unsigned (*set_abort_behavior)(unsigned, unsigned);
static errno_t (*copy)(char *, size_t, const char *);
static int (*xcpt_filter)(unsigned, EXCEPTION_POINTERS *);
static void (*lock)(int), (*unlock)(int);
static void (*lock_file)(FILE *), (*unlock_file)(FILE *);
static void (*set_math_handler)(int (*)(struct _exception *));
static int (*set_page)(int), (*get_page)(void);
static double (*square_root)(double), (*logarithm)(double), (*exponential)(double);

static void *named(const char *name)
{
    return (void *)GetProcAddress(GetModuleHandleA("msvcrt"), name);
}

static void on_parameter(const wchar_t *expression, const wchar_t *function, const wchar_t *file, unsigned line, uintptr_t more)
{
    printf("invalid parameter %d %u\n", expression == NULL && function == NULL && file == NULL, line + (unsigned)more);
}

static void parameters(void)
{
    char small[4] = "abc";
    printf("handler %d", set_parameter_handler(on_parameter) != NULL);
    printf(" %d\n", set_parameter_handler(on_parameter) == on_parameter);
    errno = 0;
    printf("%d", copy(NULL, 4, "x"));
    printf(" errno %d\n", errno);
    printf("%d", copy(small, sizeof small, "four"));
    printf(" errno %d [%s]\n", errno, small);
    printf("%d [%s]\n", copy(small, sizeof small, "xyz"), small);
    set_parameter_handler(NULL);
    printf("%d\n", copy(NULL, 4, "x"));
}

static void modes(void)
{
    printf("error mode %d", set_error_mode(_OUT_TO_STDERR));
    printf(" %d", set_error_mode(_REPORT_ERRMODE));
    printf(" %d", set_error_mode(_OUT_TO_DEFAULT));
    errno = 0;
    printf(" %d", set_error_mode(17));
    printf(" errno %d\n", errno);
    set_abort_behavior(3, 3);
    printf("abort %x", set_abort_behavior(0, 1));
    printf(" %x", set_abort_behavior(0, 2));
    printf(" %x\n", set_abort_behavior(0, 0));
    SetErrorMode(0);
    ((void (*)(int))named("_seterrormode"))(SEM_FAILCRITICALERRORS);
    printf("process %x\n", GetErrorMode());
    SetErrorMode(0);
}

static int on_math(struct _exception *e)
{
    printf("%s %d (%g)", e->name, e->type, e->arg1);
    if (e->type != _DOMAIN) return 0;
    e->retval = 42;
    return 1;
}

static void arithmetic(void)
{
    set_math_handler(on_math);
    errno = 0;
    printf(" %g", square_root(-1.0));
    printf(" errno %d\n", errno);
    printf(" %g", logarithm(0.0));
    printf(" errno %d\n", errno);
    errno = 0;
    printf(" %g", exponential(1000.0));
    printf(" errno %d\n", errno);
    set_math_handler(NULL);
    errno = 0;
    printf("%d", square_root(-1.0) != square_root(-1.0));
    printf(" errno %d\n", errno);
}

static void on_signal(int number)
{
    printf("signal %d\n", number);
}

static void on_float(int number, int code)
{
    printf("signal %d code %x\n", number, code);
}

static int filtered(unsigned code)
{
    EXCEPTION_RECORD record = {.ExceptionCode = code};
    CONTEXT context = {0};
    EXCEPTION_POINTERS pointers = {&record, &context};
    return xcpt_filter(code, &pointers);
}

static void filters(void)
{
    printf("default %d\n", filtered(EXCEPTION_ACCESS_VIOLATION));
    signal(SIGSEGV, on_signal);
    printf("handled %d\n", filtered(EXCEPTION_ACCESS_VIOLATION));
    printf("again %d\n", filtered(EXCEPTION_ACCESS_VIOLATION));
    signal(SIGSEGV, SIG_IGN);
    printf("ignored %d\n", filtered(EXCEPTION_ACCESS_VIOLATION));
    signal(SIGSEGV, SIG_DFL);
    signal(SIGILL, on_signal);
    printf("illegal %d\n", filtered(EXCEPTION_ILLEGAL_INSTRUCTION));
    signal(SIGILL, on_signal);
    printf("privileged %d\n", filtered(EXCEPTION_PRIV_INSTRUCTION));
    signal(SIGILL, SIG_DFL);
    for (unsigned code = EXCEPTION_FLT_DENORMAL_OPERAND; code <= EXCEPTION_FLT_UNDERFLOW; code++) {
        signal(SIGFPE, (void (*)(int))on_float);
        printf("%d\n", filtered(code));
    }
    signal(SIGFPE, (void (*)(int))on_float);
    printf("breakpoint %d\n", filtered(EXCEPTION_BREAKPOINT));
    raise(SIGFPE);
}

static volatile LONG inside, most, turns;

static DWORD WINAPI worker(void *how)
{
    for (int i = 0; i < 20; i++) {
        how ? lock_file(stderr) : lock(8);
        how ? lock_file(stderr) : lock(8); /* once more is no matter for who has it */
        LONG now = InterlockedIncrement(&inside);
        if (now > most) most = now;
        Sleep(0);
        turns++;
        InterlockedDecrement(&inside);
        how ? unlock_file(stderr) : unlock(8);
        how ? unlock_file(stderr) : unlock(8);
    }
    return 0;
}

static void locks(void)
{
    for (int how = 0; how < 2; how++) {
        HANDLE threads[4];
        most = turns = 0;
        for (int i = 0; i < 4; i++) threads[i] = CreateThread(NULL, 0, worker, (void *)(INT_PTR)how, 0, NULL);
        WaitForMultipleObjects(4, threads, TRUE, INFINITE);
        for (int i = 0; i < 4; i++) CloseHandle(threads[i]);
        printf("%ld turns, at most %ld inside\n", turns, most);
    }
}

static DWORD WINAPI other(void *unused)
{
    printf("the other thread\n");
    return 0;
}

/* Who has a stream prints on; others wait. */
static void stream(void)
{
    HANDLE thread;
    lock_file(stdout);
    thread = CreateThread(NULL, 0, other, NULL, 0, NULL);
    Sleep(20);
    printf("the one that has the stream\n");
    unlock_file(stdout);
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}

static void pages(void)
{
    printf("page %d", get_page());
    printf(" %d", set_page(1252));
    printf(" %d", set_page(850));
    printf(" %d", set_page(-2));
    printf(" %d", set_page(0));
    printf(" %d\n", get_page());
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    set_parameter_handler = named("_set_invalid_parameter_handler");
    set_error_mode = named("_set_error_mode"), set_abort_behavior = named("_set_abort_behavior");
    copy = named("strcpy_s"), xcpt_filter = named("_XcptFilter");
    lock = named("_lock"), unlock = named("_unlock"), lock_file = named("_lock_file"), unlock_file = named("_unlock_file");
    set_math_handler = named("__setusermatherr"), set_page = named("_setmbcp"), get_page = named("_getmbcp");
    square_root = named("sqrt"), logarithm = named("log"), exponential = named("exp");
    if (set_parameter_handler) parameters();
    if (set_abort_behavior) modes();
    arithmetic();
    filters();
    locks();
    stream();
    pages();
    return 0;
}
