/* What a program learns of data execution prevention, and what it may change: a 64-bit program nothing. Boot with --nx to see the
   other policies: only AlwaysOff takes the protection away. */
#include <stdio.h>
#include <windows.h>

static BOOL(WINAPI *mitigation)(HANDLE, int, PVOID, SIZE_T);

int main(void)
{
    static const char *const names[] = {"AlwaysOff", "AlwaysOn", "OptIn", "OptOut"};
    typedef int(WINAPI * system_policy)(void);
    typedef BOOL(WINAPI * get_policy)(HANDLE, LPDWORD, PBOOL);
    typedef BOOL(WINAPI * set_policy)(DWORD);
    HMODULE kernel32 = GetModuleHandleA("kernel32.dll");
    system_policy system = (system_policy)(void *)GetProcAddress(kernel32, "GetSystemDEPPolicy");
    get_policy get = (get_policy)(void *)GetProcAddress(kernel32, "GetProcessDEPPolicy");
    set_policy set = (set_policy)(void *)GetProcAddress(kernel32, "SetProcessDEPPolicy");
    mitigation = (void *)GetProcAddress(kernel32, "GetProcessMitigationPolicy");

    printf("system policy: %s\n", names[system() & 3]);
    printf("PF_NX_ENABLED: %d\n", IsProcessorFeaturePresent(PF_NX_ENABLED));

    DWORD flags = 0;
    BOOL permanent = FALSE;
    SetLastError(0);
    BOOL done = get(GetCurrentProcess(), &flags, &permanent);
    printf("GetProcessDEPPolicy: %d error %lu\n", done, GetLastError());
    SetLastError(0);
    done = set(0);
    printf("SetProcessDEPPolicy(0): %d error %lu\n", done, GetLastError());

    DWORD dep[2] = {0, 0};
    SetLastError(0);
    done = mitigation(GetCurrentProcess(), 0, dep, 8);
    printf("mitigation policy: %d, enabled %lu, permanent %lu\n", done, dep[0] & 1, dep[1] & 0xFF);
    return 0;
}
