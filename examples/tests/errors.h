/*
 * Tables of calls and the errors that Windows' documentation gives for them. A row is a call that fails, or, with 0, one that
 * succeeds; it prints the call and its last error, and what the documentation says where that is something else.
 */
#ifndef ERRORS_H
#define ERRORS_H

#define _WIN32_WINNT 0x0A00
#define NTDDI_VERSION 0x0A000008
#include <stdint.h>
#include <stdio.h>
#include <windows.h>

#ifndef ERROR_DYNAMIC_CODE_BLOCKED
#define ERROR_DYNAMIC_CODE_BLOCKED 1655
#endif

static int errors_wrong;

static void errors_row(const char *call, BOOL succeeded, DWORD error, DWORD documented)
{
    DWORD got = succeeded ? 0 : error;
    if (!succeeded && error == 0) got = 0xFFFFFFFF; /* failed, but did not say why */
    printf("%-94s %4ld", call, (long)got);
    if (got != documented) {
        errors_wrong++;
        printf("   documented: %ld", (long)documented);
    }
    printf("\n");
    fflush(stdout);
}

/* A call that returns non-zero when it succeeds. */
#define ROW(documented, call)                                     \
    do {                                                          \
        SetLastError(0);                                          \
        BOOL succeeded_ = (call) != 0;                            \
        errors_row(#call, succeeded_, GetLastError(), documented); \
    } while (0)

/* A call that fails; the documentation does not say with which error. */
#define FAILS(call)                                            \
    do {                                                       \
        SetLastError(0);                                       \
        BOOL succeeded_ = (call) != 0;                         \
        DWORD error_ = GetLastError();                         \
        errors_row(#call, succeeded_, error_, error_ ? error_ : 0xFFFFFFFF); \
    } while (0)

/* A call that returns its error, or an NTSTATUS. */
#define RETURNS(documented, call)                                          \
    do {                                                                   \
        unsigned got_ = (unsigned)(call);                                  \
        printf("%-90s %8x", #call, got_);                                  \
        if (got_ != (unsigned)(documented)) {                              \
            errors_wrong++;                                                \
            printf("   documented: %x", (unsigned)(documented));           \
        }                                                                  \
        printf("\n");                                                      \
    } while (0)

/*
 * A function that import libraries do not have, called by its own name all the same:
 *     IMPORT(VirtualAlloc2);
 *     #define VirtualAlloc2 VirtualAlloc2_
 * and LOAD(VirtualAlloc2) before the first call. Where it is absent, calls fail with ERROR_PROC_NOT_FOUND.
 */
#define IMPORT(name) static __typeof__(name) *name##_
#define LOAD(name) name##_ = (void *)errors_import(#name)

static ULONG_PTR errors_absent(void)
{
    SetLastError(ERROR_PROC_NOT_FOUND);
    return 0;
}

static void *errors_import(const char *name)
{
    static const char *const dlls[] = {"kernelbase.dll", "kernel32.dll", "ntdll.dll"};
    for (int i = 0; i < 3; i++) {
        void *function = (void *)GetProcAddress(GetModuleHandleA(dlls[i]), name);
        if (function) return function;
    }
    return (void *)errors_absent;
}

/* A function that neither import libraries nor headers have. */
#define OPTIONAL(dll, name) (name##_t) (void *)GetProcAddress(GetModuleHandleA(dll), #name)

static int errors_end(void)
{
    printf("%d differ from the documentation\n", errors_wrong);
    return errors_wrong != 0;
}

static BOOL enable_privilege(const char *name, BOOL on)
{
    HANDLE token;
    TOKEN_PRIVILEGES state = {.PrivilegeCount = 1};
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &token)) return FALSE;
    state.Privileges[0].Attributes = on ? SE_PRIVILEGE_ENABLED : 0;
    SetLastError(0);
    BOOL done = LookupPrivilegeValueA(NULL, name, &state.Privileges[0].Luid) &&
                AdjustTokenPrivileges(token, FALSE, &state, 0, NULL, NULL) && GetLastError() == ERROR_SUCCESS;
    CloseHandle(token);
    return done;
}

#endif
