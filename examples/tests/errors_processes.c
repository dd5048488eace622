/* Processes, threads, tokens, handles and policies: every documented error. */
#include "errors.h"

IMPORT(GetProcessMitigationPolicy);
IMPORT(SetProcessMitigationPolicy);
IMPORT(SetProcessValidCallTargets);
#define GetProcessMitigationPolicy GetProcessMitigationPolicy_
#define SetProcessMitigationPolicy SetProcessMitigationPolicy_
#define SetProcessValidCallTargets SetProcessValidCallTargets_

static HANDLE self, powerless, event;
static const HANDLE wrong = (HANDLE)0x1234;
static char *committed;

static void tokens(void)
{
    HANDLE token, querying, none;
    LUID luid;
    DWORD size;
    ROW(0, OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &token));
    ROW(0, OpenProcessToken(self, TOKEN_QUERY, &querying));
    ROW(0, OpenProcessToken(self, TOKEN_DUPLICATE, &none));
    ROW(ERROR_INVALID_HANDLE, OpenProcessToken(wrong, TOKEN_QUERY, &none));
    ROW(ERROR_INVALID_HANDLE, OpenProcessToken(event, TOKEN_QUERY, &none));
    ROW(ERROR_ACCESS_DENIED, OpenProcessToken(powerless, TOKEN_QUERY, &none));
    ROW(ERROR_NOACCESS, OpenProcessToken(self, TOKEN_QUERY, NULL));
    ROW(ERROR_NO_TOKEN, OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &none));
    ROW(ERROR_INVALID_HANDLE, OpenThreadToken(wrong, TOKEN_QUERY, TRUE, &none));
    ROW(0, LookupPrivilegeValueA(NULL, "SeLockMemoryPrivilege", &luid));
    printf("number %lu\n", luid.LowPart);
    ROW(0, LookupPrivilegeValueA("", "selockmemoryprivilege", &luid));
    ROW(0, LookupPrivilegeValueW(NULL, L"SeDelegateSessionUserImpersonatePrivilege", &luid));
    ROW(ERROR_NO_SUCH_PRIVILEGE, LookupPrivilegeValueA(NULL, "SeLockMemory", &luid));
    ROW(ERROR_NO_SUCH_PRIVILEGE, LookupPrivilegeValueW(NULL, L"", &luid));
    ROW(RPC_S_SERVER_UNAVAILABLE, LookupPrivilegeValueA(" ", "SeLockMemoryPrivilege", &luid));
    ROW(RPC_S_SERVER_UNAVAILABLE, LookupPrivilegeValueW(L"no-such-machine", L"SeLockMemoryPrivilege", &luid));
    struct {
        DWORD PrivilegeCount;
        LUID_AND_ATTRIBUTES Privileges[2];
    } state = {1}, before;
    LookupPrivilegeValueA(NULL, "SeShutdownPrivilege", &state.Privileges[0].Luid);
    state.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
    TOKEN_PRIVILEGES *wanted = (TOKEN_PRIVILEGES *)&state, *was = (TOKEN_PRIVILEGES *)&before;
    ROW(ERROR_INVALID_HANDLE, AdjustTokenPrivileges(wrong, FALSE, wanted, 0, NULL, NULL));
    ROW(ERROR_INVALID_HANDLE, AdjustTokenPrivileges(event, FALSE, wanted, 0, NULL, NULL));
    ROW(ERROR_ACCESS_DENIED, AdjustTokenPrivileges(querying, FALSE, wanted, 0, NULL, NULL));
    ROW(ERROR_INVALID_PARAMETER, AdjustTokenPrivileges(token, FALSE, NULL, 0, NULL, NULL));
    ROW(ERROR_NOACCESS, AdjustTokenPrivileges(token, FALSE, (void *)16, 0, NULL, NULL));
    ROW(ERROR_INSUFFICIENT_BUFFER, AdjustTokenPrivileges(token, FALSE, wanted, 4, was, &size));
    printf("needs %lu\n", size);
    ROW(ERROR_NOACCESS, AdjustTokenPrivileges(token, FALSE, wanted, sizeof before, was, NULL));
    ROW(0, AdjustTokenPrivileges(token, FALSE, wanted, sizeof before, was, &size));
    printf("needed %lu, changed %lu, was %lu\n", size, before.PrivilegeCount, before.Privileges[0].Attributes & 2);
    ROW(0, AdjustTokenPrivileges(token, FALSE, wanted, sizeof before, was, &size));
    printf("needed %lu, changed %lu\n", size, before.PrivilegeCount);
    /* It succeeds, and the last error tells that not all could be set. */
    state.PrivilegeCount = 2;
    LookupPrivilegeValueA(NULL, "SeCreateTokenPrivilege", &state.Privileges[1].Luid);
    state.Privileges[1].Attributes = SE_PRIVILEGE_ENABLED;
    ROW(0, AdjustTokenPrivileges(token, FALSE, wanted, 0, NULL, NULL));
    RETURNS(ERROR_NOT_ALL_ASSIGNED, GetLastError());
    state.PrivilegeCount = 1;
    ROW(0, AdjustTokenPrivileges(token, FALSE, wanted, 0, NULL, NULL));
    RETURNS(ERROR_SUCCESS, GetLastError());
    ROW(0, AdjustTokenPrivileges(token, TRUE, NULL, 0, NULL, NULL));
    OpenProcessToken(self, TOKEN_ADJUST_PRIVILEGES, &none);
    ROW(0, AdjustTokenPrivileges(none, FALSE, wanted, 0, NULL, NULL));
    /* Telling what was takes the right to query. */
    ROW(ERROR_ACCESS_DENIED, AdjustTokenPrivileges(none, FALSE, wanted, sizeof before, was, &size));
    DWORD type;
    ROW(0, GetTokenInformation(token, TokenType, &type, sizeof type, &size));
    ROW(ERROR_INVALID_HANDLE, GetTokenInformation(wrong, TokenType, &type, sizeof type, &size));
    ROW(ERROR_ACCESS_DENIED, GetTokenInformation(none, TokenType, &type, sizeof type, &size));
    ROW(ERROR_INVALID_PARAMETER, GetTokenInformation(token, (TOKEN_INFORMATION_CLASS)99, &type, sizeof type, &size));
    ROW(ERROR_INSUFFICIENT_BUFFER, GetTokenInformation(token, TokenPrivileges, NULL, 0, &size));
    ROW(ERROR_NOACCESS, GetTokenInformation(token, TokenType, &type, sizeof type, NULL));
    ROW(0, CloseHandle(token));
}

static DWORD WINAPI nothing(void *argument)
{
    return (DWORD)(ULONG_PTR)argument;
}

static void handles(void)
{
    HANDLE copy, other;
    DWORD flags;
    HANDLE process = OpenProcess(PROCESS_DUP_HANDLE, FALSE, GetCurrentProcessId());
    ROW(0, DuplicateHandle(self, event, self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
    ROW(0, DuplicateHandle(process, event, process, &other, EVENT_MODIFY_STATE, FALSE, 0));
    ROW(0, SetEvent(other));
    ROW(ERROR_ACCESS_DENIED, WaitForSingleObject(other, 0) != WAIT_FAILED);
    ROW(0, DuplicateHandle(self, event, self, &other, SYNCHRONIZE, TRUE, 0));
    ROW(ERROR_ACCESS_DENIED, SetEvent(other));
    ROW(0, GetHandleInformation(other, &flags));
    printf("flags %lu\n", flags);
    ROW(0, DuplicateHandle(self, GetCurrentThread(), self, &other, 0, FALSE, DUPLICATE_SAME_ACCESS));
    ROW(0, DuplicateHandle(self, copy, self, &other, 0, FALSE, DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE));
    ROW(ERROR_INVALID_HANDLE, CloseHandle(copy));
    /* Without a target, the source is closed and nothing else. */
    ROW(0, DuplicateHandle(self, other, NULL, NULL, 0, FALSE, DUPLICATE_CLOSE_SOURCE));
    ROW(ERROR_INVALID_HANDLE, CloseHandle(other));
    ROW(ERROR_INVALID_HANDLE, DuplicateHandle(wrong, event, self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
    ROW(ERROR_INVALID_HANDLE, DuplicateHandle(self, wrong, self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
    ROW(ERROR_INVALID_HANDLE, DuplicateHandle(self, NULL, self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
    ROW(ERROR_INVALID_HANDLE, DuplicateHandle(self, event, wrong, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
    ROW(ERROR_INVALID_HANDLE, DuplicateHandle(event, event, self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
    ROW(ERROR_ACCESS_DENIED, DuplicateHandle(powerless, event, self, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
    ROW(ERROR_ACCESS_DENIED, DuplicateHandle(self, event, powerless, &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
    ROW(ERROR_INVALID_HANDLE, GetHandleInformation(wrong, &flags));
    ROW(ERROR_INVALID_HANDLE, SetHandleInformation(wrong, HANDLE_FLAG_INHERIT, 0));
    ROW(ERROR_INVALID_HANDLE, CloseHandle(NULL));
    ROW(ERROR_INVALID_HANDLE, CloseHandle(wrong));
}

static void objects(void)
{
    HANDLE mutex, blind, quiet;
    ROW(0, CreateEventA(NULL, TRUE, FALSE, "processes-event"));
    ROW(0, CreateEventA(NULL, TRUE, FALSE, "processes-event"));
    RETURNS(ERROR_ALREADY_EXISTS, GetLastError());
    ROW(ERROR_INVALID_HANDLE, CreateMutexA(NULL, FALSE, "processes-event"));
    ROW(ERROR_INVALID_HANDLE, CreateEventW(NULL, TRUE, FALSE, L"processes-mutex") && CreateMutexA(NULL, FALSE, "processes-mutex"));
    ROW(ERROR_PATH_NOT_FOUND, CreateEventA(NULL, TRUE, FALSE, "no\\such"));
    ROW(ERROR_FILE_NOT_FOUND, OpenEventA(SYNCHRONIZE, FALSE, "nothing"));
    ROW(ERROR_INVALID_PARAMETER, OpenEventA(SYNCHRONIZE, FALSE, NULL));
    ROW(ERROR_FILE_NOT_FOUND, OpenMutexA(SYNCHRONIZE, FALSE, "nothing"));
    ROW(ERROR_INVALID_HANDLE, OpenMutexA(SYNCHRONIZE, FALSE, "processes-event"));
    ROW(0, mutex = CreateMutexA(NULL, FALSE, NULL));
    ROW(ERROR_NOT_OWNER, ReleaseMutex(mutex));
    ROW(ERROR_INVALID_HANDLE, ReleaseMutex(event));
    ROW(ERROR_INVALID_HANDLE, ReleaseMutex(wrong));
    ROW(0, WaitForSingleObject(mutex, 0) == WAIT_OBJECT_0 && ReleaseMutex(mutex));
    ROW(0, SetEvent(event) && ResetEvent(event));
    ROW(ERROR_INVALID_HANDLE, SetEvent(mutex));
    ROW(ERROR_INVALID_HANDLE, ResetEvent(wrong));
    DuplicateHandle(self, event, self, &blind, EVENT_MODIFY_STATE, FALSE, 0);
    DuplicateHandle(self, event, self, &quiet, SYNCHRONIZE, FALSE, 0);
    ROW(ERROR_ACCESS_DENIED, WaitForSingleObject(blind, 0) != WAIT_FAILED);
    ROW(ERROR_ACCESS_DENIED, SetEvent(quiet));
    ROW(ERROR_ACCESS_DENIED, ResetEvent(quiet));
    ROW(ERROR_INVALID_HANDLE, WaitForSingleObject(wrong, 0) != WAIT_FAILED);
    ROW(ERROR_INVALID_PARAMETER, WaitForMultipleObjects(0, &event, FALSE, 0) != WAIT_FAILED);
    ROW(ERROR_INVALID_PARAMETER, WaitForMultipleObjects(65, &event, FALSE, 0) != WAIT_FAILED);
    ROW(ERROR_INVALID_PARAMETER, CreateSemaphoreA(NULL, 2, 1, NULL));
    ROW(ERROR_TOO_MANY_POSTS, ReleaseSemaphore(CreateSemaphoreA(NULL, 1, 1, NULL), 1, NULL));
    ROW(ERROR_INVALID_PARAMETER, ReleaseSemaphore(CreateSemaphoreA(NULL, 0, 1, NULL), 0, NULL));
}

static void threads(void)
{
    HANDLE thread;
    DWORD code, id;
    ULONG guarantee;
    ROW(0, thread = CreateThread(NULL, 0, nothing, (void *)5, 0, &id));
    WaitForSingleObject(thread, INFINITE);
    ROW(0, GetExitCodeThread(thread, &code));
    printf("code %lu\n", code);
    ROW(ERROR_NOT_ENOUGH_MEMORY, CreateThread(NULL, (SIZE_T)1 << 50, nothing, NULL, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL));
    ROW(ERROR_INVALID_HANDLE, GetExitCodeThread(wrong, &code));
    ROW(ERROR_INVALID_HANDLE, GetExitCodeThread(event, &code));
    ROW(ERROR_INVALID_PARAMETER, OpenThread(SYNCHRONIZE, FALSE, 0x7FFFFFF0));
    ROW(ERROR_INVALID_HANDLE, ResumeThread(wrong) != (DWORD)-1);
    ROW(ERROR_INVALID_HANDLE, SuspendThread(event) != (DWORD)-1);
    guarantee = 0;
    ROW(0, SetThreadStackGuarantee(&guarantee));
    printf("was %lu\n", guarantee);
    guarantee = 0x10000;
    ROW(0, SetThreadStackGuarantee(&guarantee));
    guarantee = 100; /* less: only tells */
    ROW(0, SetThreadStackGuarantee(&guarantee));
    printf("was %lx\n", guarantee);
    guarantee = 0;
    ROW(0, SetThreadStackGuarantee(&guarantee));
    printf("is %lx\n", guarantee);
    guarantee = 0x7FFFF000; /* more than the stack */
    ROW(ERROR_INVALID_PARAMETER, SetThreadStackGuarantee(&guarantee));
}

static void processes(void)
{
    STARTUPINFOA startup = {.cb = sizeof startup};
    STARTUPINFOW wide = {.cb = sizeof wide};
    PROCESS_INFORMATION made;
    DWORD code;
    char none[] = "no-such-program", folder[] = "C:\\Windows", text[MAX_PATH], self_path[MAX_PATH];
    WCHAR none_wide[] = L"no-such-program";
    ROW(ERROR_FILE_NOT_FOUND, CreateProcessA(NULL, none, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &made));
    ROW(ERROR_FILE_NOT_FOUND, CreateProcessW(NULL, none_wide, NULL, NULL, FALSE, 0, NULL, NULL, &wide, &made));
    ROW(ERROR_FILE_NOT_FOUND, CreateProcessA("C:\\no-such-program.exe", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &made));
    ROW(ERROR_PATH_NOT_FOUND, CreateProcessA("C:\\no\\such\\program.exe", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &made));
    ROW(ERROR_ACCESS_DENIED, CreateProcessA(folder, NULL, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &made));
    GetTempPathA(sizeof text, text);
    strcat(text, "no-program.exe");
    HANDLE file = CreateFileA(text, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    DWORD written;
    WriteFile(file, "no program at all", 17, &written, NULL);
    CloseHandle(file);
    ROW(ERROR_BAD_EXE_FORMAT, CreateProcessA(text, NULL, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &made));
    GetModuleFileNameA(NULL, self_path, sizeof self_path);
    ROW(ERROR_DIRECTORY, CreateProcessA(self_path, NULL, NULL, NULL, FALSE, 0, NULL, "C:\\no\\such", &startup, &made));
    ROW(ERROR_INVALID_PARAMETER, CreateProcessA(self_path, NULL, NULL, NULL, FALSE, CREATE_NEW_CONSOLE | DETACHED_PROCESS, NULL, NULL, &startup, &made));
    ROW(ERROR_INVALID_PARAMETER, OpenProcess(PROCESS_QUERY_INFORMATION, FALSE, 0));
    ROW(ERROR_INVALID_PARAMETER, OpenProcess(PROCESS_QUERY_INFORMATION, FALSE, 0x7FFFFFF0));
    ROW(ERROR_ACCESS_DENIED, OpenProcess(PROCESS_ALL_ACCESS, FALSE, 4));
    ROW(0, GetExitCodeProcess(self, &code));
    ROW(ERROR_INVALID_HANDLE, GetExitCodeProcess(wrong, &code));
    ROW(ERROR_ACCESS_DENIED, GetExitCodeProcess(powerless, &code));
    ROW(ERROR_INVALID_HANDLE, TerminateProcess(wrong, 0));
    ROW(ERROR_INVALID_HANDLE, TerminateProcess(NULL, 0));
    ROW(ERROR_ACCESS_DENIED, TerminateProcess(powerless, 0));
}

static void policies(void)
{
    DWORD flags[2];
    DWORD permanent;
    BOOL is;
    ROW(0, GetProcessMitigationPolicy(self, ProcessDEPPolicy, flags, 8));
    ROW(ERROR_INVALID_PARAMETER, GetProcessMitigationPolicy(self, ProcessDEPPolicy, flags, 4));
    ROW(ERROR_INVALID_PARAMETER, GetProcessMitigationPolicy(self, ProcessASLRPolicy, flags, 8));
    ROW(ERROR_INVALID_PARAMETER, GetProcessMitigationPolicy(self, (PROCESS_MITIGATION_POLICY)99, flags, 4));
    ROW(ERROR_INVALID_HANDLE, GetProcessMitigationPolicy(wrong, ProcessASLRPolicy, flags, 4));
    ROW(ERROR_ACCESS_DENIED, GetProcessMitigationPolicy(powerless, ProcessASLRPolicy, flags, 4));
    ROW(ERROR_NOACCESS, GetProcessMitigationPolicy(self, ProcessASLRPolicy, (void *)16, 4));
    for (int policy = ProcessASLRPolicy; policy <= 15; policy++) {
        if (policy == 5) continue; /* what a process can have at all, in a structure of its own */
        ROW(0, GetProcessMitigationPolicy(self, policy, flags, 4));
    }
    flags[0] = 1;
    ROW(ERROR_NOT_SUPPORTED, SetProcessMitigationPolicy(ProcessDEPPolicy, flags, 8));
    ROW(ERROR_INVALID_PARAMETER, SetProcessMitigationPolicy(ProcessDynamicCodePolicy, flags, 8));
    ROW(ERROR_INVALID_PARAMETER, SetProcessMitigationPolicy((PROCESS_MITIGATION_POLICY)99, flags, 4));
    ROW(ERROR_NOACCESS, SetProcessMitigationPolicy(ProcessDynamicCodePolicy, (void *)16, 4));
    flags[0] = 0x80000000;
    ROW(ERROR_INVALID_PARAMETER, SetProcessMitigationPolicy(ProcessDynamicCodePolicy, flags, 4));
    flags[0] = 1;
    ROW(0, SetProcessMitigationPolicy(ProcessDynamicCodePolicy, flags, 4));
    ROW(ERROR_DYNAMIC_CODE_BLOCKED, VirtualAlloc(NULL, 4096, MEM_RESERVE | MEM_COMMIT, PAGE_EXECUTE_READWRITE));
    flags[0] = 0;
    ROW(ERROR_ACCESS_DENIED, SetProcessMitigationPolicy(ProcessDynamicCodePolicy, flags, 4));
    RETURNS(2 /* OptIn */, GetSystemDEPPolicy());
    /* These two are for 32-bit programs. */
    ROW(ERROR_NOT_SUPPORTED, SetProcessDEPPolicy(PROCESS_DEP_ENABLE));
    ROW(ERROR_NOT_SUPPORTED, GetProcessDEPPolicy(self, &permanent, &is));
    CFG_CALL_TARGET_INFO target = {0, CFG_CALL_TARGET_VALID};
    ROW(ERROR_INVALID_HANDLE, SetProcessValidCallTargets(wrong, committed, 4096, 1, &target));
    ROW(ERROR_ACCESS_DENIED, SetProcessValidCallTargets(powerless, committed, 4096, 1, &target));
    ROW(ERROR_INVALID_PARAMETER, SetProcessValidCallTargets(self, committed, 4096, 0, &target));
    ROW(ERROR_NOACCESS, SetProcessValidCallTargets(self, committed, 4096, 1, (void *)16));
}

int main(void)
{
    LOAD(GetProcessMitigationPolicy);
    LOAD(SetProcessMitigationPolicy);
    LOAD(SetProcessValidCallTargets);
    self = GetCurrentProcess();
    powerless = OpenProcess(SYNCHRONIZE, FALSE, GetCurrentProcessId());
    event = CreateEventA(NULL, TRUE, FALSE, NULL);
    committed = VirtualAlloc(NULL, 65536, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    tokens();
    handles();
    objects();
    threads();
    processes();
    policies();
    return errors_end();
}
