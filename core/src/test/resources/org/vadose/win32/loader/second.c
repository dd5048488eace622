/* See first.c. */
#include <windows.h>

__declspec(dllimport) int first_value(void);
ULONG _tls_index = 0;
__attribute__((section(".tls"))) char _tls_start[8] = "template";
__attribute__((section(".tls$ZZZ"))) char _tls_end = 0;
const IMAGE_TLS_DIRECTORY64 _tls_used = {
    (ULONGLONG)&_tls_start, (ULONGLONG)&_tls_end, (ULONGLONG)&_tls_index, 0, 24, 0};

__declspec(dllexport) int second_value(void) {
    return 31;
}

__declspec(dllexport) int again(void) {
    return first_value();
}

BOOL WINAPI entry(HINSTANCE module, DWORD reason, LPVOID context) {
    return TRUE;
}
