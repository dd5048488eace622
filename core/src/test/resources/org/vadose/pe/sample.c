/*
 * sample.exe: an image with exports, forwarders, imports by name, relocations and TLS callbacks, for the reader's tests.
 * Build: x86_64-w64-mingw32-gcc -Os -s -nostdlib -e start -Wl,--no-insert-timestamp -o sample.exe sample.c sample.def -lkernel32 -lmsvcrt
 */
#include <windows.h>
#include <stdio.h>

__thread int counter = 7;
ULONG _tls_index = 0;
__attribute__((section(".tls"))) char _tls_start = 0;
__attribute__((section(".tls$ZZZ"))) char _tls_end = 0;
int calls;

static void NTAPI first(PVOID module, DWORD reason, PVOID reserved) {
    calls += reason;
}

static void NTAPI second(PVOID module, DWORD reason, PVOID reserved) {
    calls *= 2;
}

__attribute__((section(".CRT$XLA"))) PIMAGE_TLS_CALLBACK callbacks[] = {first, second, 0};

const IMAGE_TLS_DIRECTORY64 _tls_used = {
    (ULONGLONG)&_tls_start, (ULONGLONG)&_tls_end, (ULONGLONG)&_tls_index, (ULONGLONG)callbacks, 0, 0};

int add(int a, int b) {
    return a + b;
}

int variable = 42;

void start(void) {
    DWORD written;
    WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), "sample\r\n", 8, &written, 0);
    puts("from msvcrt");
    ExitProcess(add(variable, calls));
}
