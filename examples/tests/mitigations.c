/* Policies that a parent gives its children, and what they do. Wine 8.0 keeps none of them: what is expected here is what Windows'
   documentation says. */
#define _WIN32_WINNT 0x0A00
#define NTDDI_VERSION 0x0A000008
#include <stdio.h>
#include <windows.h>

#ifndef PROC_THREAD_ATTRIBUTE_CHILD_PROCESS_POLICY
#define PROC_THREAD_ATTRIBUTE_CHILD_PROCESS_POLICY 0x2000E
#endif

static LONG CALLBACK seen(EXCEPTION_POINTERS *pointers)
{
    printf("    exception %lx\n", pointers->ExceptionRecord->ExceptionCode);
    fflush(stdout);
    return pointers->ExceptionRecord->ExceptionCode == 0xC0000008 ? EXCEPTION_CONTINUE_EXECUTION : EXCEPTION_CONTINUE_SEARCH;
}

static int child(void)
{
    BOOL(WINAPI * get)(HANDLE, int, PVOID, SIZE_T) =
        (void *)GetProcAddress(GetModuleHandleA("kernel32.dll"), "GetProcessMitigationPolicy");
    printf("   ");
    for (int policy = 1; policy <= 15; policy++) {
        DWORD flags = 0;
        if (policy != 5 && get(GetCurrentProcess(), policy, &flags, 4) && flags) printf(" %d:%lx", policy, flags);
    }
    printf("\n");
    SetLastError(0);
    void *code = VirtualAlloc(NULL, 4096, MEM_RESERVE | MEM_COMMIT, PAGE_EXECUTE_READWRITE);
    printf("    code %d error %lu\n", code != NULL, GetLastError());
    char path[MAX_PATH];
    GetModuleFileNameA(NULL, path, sizeof path);
    STARTUPINFOA startup = {.cb = sizeof startup};
    PROCESS_INFORMATION made;
    char line[] = "x grandchild";
    SetLastError(0);
    BOOL started = CreateProcessA(path, line, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &made);
    printf("    child %d error %lu\n", started, started ? 0 : GetLastError());
    if (started) WaitForSingleObject(made.hProcess, INFINITE);
    AddVectoredExceptionHandler(1, seen);
    SetLastError(0);
    BOOL closed = CloseHandle((HANDLE)0x1234);
    printf("    close %d\n", closed);
    /* Any image will do; this one is nobody's but ours. */
    char temp[MAX_PATH];
    GetTempPathA(sizeof temp, temp);
    strcat(temp, "unsigned.dll");
    CopyFileA(path, temp, FALSE);
    SetLastError(0);
    HMODULE library = LoadLibraryA(temp);
    printf("    library %d error %lu\n", library != NULL, library ? 0 : GetLastError());
    fflush(stdout);
    return 7;
}

static void with(const char *what, DWORD_PTR attribute, void *value, SIZE_T size)
{
    char path[MAX_PATH], line[] = "x child";
    SIZE_T bytes = 0;
    DWORD code = 0;
    STARTUPINFOEXA startup = {.StartupInfo.cb = sizeof startup};
    PROCESS_INFORMATION made;
    GetModuleFileNameA(NULL, path, sizeof path);
    InitializeProcThreadAttributeList(NULL, 1, 0, &bytes);
    startup.lpAttributeList = malloc(bytes);
    BOOL first = InitializeProcThreadAttributeList(startup.lpAttributeList, 1, 0, &bytes);
    BOOL second = !attribute || UpdateProcThreadAttribute(startup.lpAttributeList, 0, attribute, value, size, NULL, NULL);
    printf("%s: %d %d\n", what, first, second);
    fflush(stdout);
    SetLastError(0);
    if (CreateProcessA(path, line, NULL, NULL, FALSE, EXTENDED_STARTUPINFO_PRESENT, NULL, NULL, &startup.StartupInfo, &made)) {
        WaitForSingleObject(made.hProcess, INFINITE);
        GetExitCodeProcess(made.hProcess, &code);
        printf("  ended with %lx\n", code);
    } else {
        printf("  refused, error %lu\n", GetLastError());
    }
    fflush(stdout);
    DeleteProcThreadAttributeList(startup.lpAttributeList);
    free(startup.lpAttributeList);
}

static void policy(const char *what, DWORD64 options)
{
    with(what, PROC_THREAD_ATTRIBUTE_MITIGATION_POLICY, &options, sizeof options);
}

static void lists(void)
{
    char list[256];
    SIZE_T size = 0;
    DWORD64 value = 0;
    LPPROC_THREAD_ATTRIBUTE_LIST at = (LPPROC_THREAD_ATTRIBUTE_LIST)list;
    SetLastError(0);
    BOOL done = InitializeProcThreadAttributeList(NULL, 2, 0, &size);
    printf("size: %d error %lu, %lu bytes\n", done, GetLastError(), (unsigned long)size);
    done = InitializeProcThreadAttributeList(NULL, 2, 1, &size);
    printf("flags: %d error %lu\n", done, GetLastError());
    printf("made: %d\n", InitializeProcThreadAttributeList(at, 2, 0, &size));
    done = UpdateProcThreadAttribute(at, 0, 0xCAFE, &value, 8, NULL, NULL);
    printf("unknown: %d error %lu\n", done, GetLastError());
    done = UpdateProcThreadAttribute(at, 0, PROC_THREAD_ATTRIBUTE_PARENT_PROCESS, &value, 4, NULL, NULL);
    printf("short: %d error %lu\n", done, GetLastError());
    done = UpdateProcThreadAttribute(at, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, &value, 0, NULL, NULL);
    printf("empty: %d error %lu\n", done, GetLastError());
    printf("parent: %d\n", UpdateProcThreadAttribute(at, 0, PROC_THREAD_ATTRIBUTE_PARENT_PROCESS, &value, 8, NULL, NULL));
    done = UpdateProcThreadAttribute(at, 0, PROC_THREAD_ATTRIBUTE_PARENT_PROCESS, &value, 8, NULL, NULL);
    printf("twice: %d error %lu\n", done, GetLastError());
    printf("handles: %d\n", UpdateProcThreadAttribute(at, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, &value, 8, NULL, NULL));
    done = UpdateProcThreadAttribute(at, 0, PROC_THREAD_ATTRIBUTE_MITIGATION_POLICY, &value, 8, NULL, NULL);
    printf("full: %d error %lu\n", done, GetLastError());
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "grandchild")) return 0;
    if (argc == 2 && !strcmp(argv[1], "child")) return child();
    lists();
    with("nothing", 0, NULL, 0);
    policy("no code", 1ull << 36);
    policy("no code but for threads that may", 3ull << 36);
    policy("strict handles", 1ull << 24);
    policy("signed images", 1ull << 44);
    policy("no fonts, extensions, remote images; no windows", 1ull << 48 | 1ull << 32 | 1ull << 52 | 1ull << 28);
    policy("nothing at random", 2ull << 16);
    policy("regions within a terabyte", 2ull << 20);
    policy("all images moved", 1ull << 8);
    policy("no such option", 1ull << 10);
    DWORD children = 1;
    with("no children", PROC_THREAD_ATTRIBUTE_CHILD_PROCESS_POLICY, &children, sizeof children);
    return 0;
}
