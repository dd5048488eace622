/* Every documented answer of the functions about mitigation policies. Wine 8.0 knows few policies and does not keep them: the lines
   about them are those of Windows' documentation. */
#include <stdio.h>
#include <windows.h>

typedef BOOL(WINAPI *get_policy)(HANDLE, int, PVOID, SIZE_T);
typedef BOOL(WINAPI *set_policy)(int, PVOID, SIZE_T);
typedef LONG(WINAPI *query_process)(HANDLE, int, PVOID, ULONG, PULONG);
typedef LONG(WINAPI *set_process)(HANDLE, int, PVOID, ULONG);

static get_policy get;
static set_policy put;

static void show(const char *what, int policy)
{
    DWORD flags[2] = {0, 0};
    SetLastError(0);
    BOOL done = get(GetCurrentProcess(), policy, flags, policy ? 4 : 8);
    printf("%s: %d error %lu flags %lX\n", what, done, GetLastError(), flags[0]);
}

static void change(const char *what, int policy, DWORD flags, SIZE_T size)
{
    SetLastError(0);
    BOOL done = put(policy, &flags, size);
    printf("%s to %lX: %d error %lu\n", what, flags, done, GetLastError());
}

int main(void)
{
    HMODULE kernel32 = GetModuleHandleA("kernel32.dll"), ntdll = GetModuleHandleA("ntdll.dll");
    get = (get_policy)(void *)GetProcAddress(kernel32, "GetProcessMitigationPolicy");
    put = (set_policy)(void *)GetProcAddress(kernel32, "SetProcessMitigationPolicy");
    query_process query = (query_process)(void *)GetProcAddress(ntdll, "NtQueryInformationProcess");
    set_process set = (set_process)(void *)GetProcAddress(ntdll, "NtSetInformationProcess");

    show("DEP", 0);
    change("DEP", 0, 1, 8);
    show("ASLR", 1);
    change("ASLR", 1, 0x10, 4);
    change("ASLR, wrong size", 1, 2, 8);
    change("ASLR", 1, 7, 4);
    show("ASLR", 1);
    change("ASLR", 1, 15, 4);
    change("ASLR", 1, 7, 4);
    show("ASLR", 1);
    show("CFG", 7);
    change("CFG", 7, 1, 4);
    change("CFG", 7, 4, 4);
    change("CFG", 7, 0, 4);
    change("CFG", 7, 8, 4);
    show("no such policy", 99);
    change("no such policy", 99, 0, 4);

    show("dynamic code", 2);
    change("dynamic code", 2, 1, 4);
    change("dynamic code", 2, 0, 4);
    SetLastError(0);
    void *code = VirtualAlloc(NULL, 4096, MEM_RESERVE | MEM_COMMIT, PAGE_EXECUTE_READWRITE);
    printf("code at run time: %d error %lu\n", code != NULL, GetLastError());
    void *data = VirtualAlloc(NULL, 4096, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    DWORD old;
    SetLastError(0);
    BOOL done = VirtualProtect(data, 4096, PAGE_EXECUTE_READ, &old);
    printf("data made code: %d error %lu\n", done, GetLastError());

    ULONG flags = 0, size = 0;
    LONG status = query(GetCurrentProcess(), 34, &flags, sizeof flags, &size);
    printf("execute flags: %08lX, %lX, %lu bytes\n", status, flags, size);
    printf("with another size: %08lX\n", query(GetCurrentProcess(), 34, &flags, 8, NULL));
    flags = 2;
    printf("execution enabled: %08lX\n", set(GetCurrentProcess(), 34, &flags, sizeof flags));
    return 0;
}
