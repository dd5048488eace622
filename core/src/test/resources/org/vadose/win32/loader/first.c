/*
 * Two DLLs that import each other and forward one name in a circle, and a program that uses them, for the loader's tests.
 * Build: ./build
 */
#include <windows.h>

__declspec(dllimport) int second_value(void);
__declspec(dllexport) int first_variable = 11;
__declspec(dllexport) int *first_pointer = &first_variable;

__declspec(dllexport) int first_value(void) {
    return second_value() + first_variable;
}

BOOL WINAPI entry(HINSTANCE module, DWORD reason, LPVOID context) {
    return TRUE;
}
