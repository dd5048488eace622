/* Two processes: a parent starts itself again, hands it an event, watches and reads it, and ends another one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static char shared_secret[32] = "not yet";

static int child(char **argv)
{
    HANDLE event = (HANDLE)(ULONG_PTR)strtoull(argv[2], NULL, 16);
    printf("child: event handle works: %d\n", SetEvent(event));
    printf("child: variable is %s\n", getenv("VADOSE_CHILD"));
    fflush(stdout);
    return 42;
}

static PROCESS_INFORMATION start(const char *arguments, DWORD flags, BOOL inherit)
{
    char program[MAX_PATH], line[MAX_PATH + 100];
    STARTUPINFOA startup = {.cb = sizeof startup};
    PROCESS_INFORMATION made = {0};
    GetModuleFileNameA(NULL, program, sizeof program);
    snprintf(line, sizeof line, "\"%s\" %s", program, arguments);
    if (!CreateProcessA(NULL, line, NULL, NULL, inherit, flags, NULL, NULL, &startup, &made))
        printf("no process: %lu\n", GetLastError());
    return made;
}

int main(int argc, char **argv)
{
    if (argc > 2 && !strcmp(argv[1], "child"))
        return child(argv);
    if (argc > 1 && !strcmp(argv[1], "owner")) {
        HANDLE mutex = OpenMutexA(SYNCHRONIZE, FALSE, "Local\\vadose-mutex");
        WaitForSingleObject(mutex, INFINITE);
        SetEvent(OpenEventA(EVENT_MODIFY_STATE, FALSE, "vadose-event"));
        return 0; /* with the mutex */
    }
    if (argc > 1 && !strcmp(argv[1], "sleeper")) {
        Sleep(INFINITE);
        return 1;
    }

    SECURITY_ATTRIBUTES inheritable = {sizeof inheritable, NULL, TRUE};
    HANDLE event = CreateEventA(&inheritable, TRUE, FALSE, NULL);
    DWORD code = 0, flags = 0;
    char arguments[64];
    GetHandleInformation(event, &flags);
    printf("inheritable: %lu\n", flags);
    SetEnvironmentVariableA("VADOSE_CHILD", "seen");
    snprintf(arguments, sizeof arguments, "child %llx", (unsigned long long)(ULONG_PTR)event);
    fflush(stdout);

    PROCESS_INFORMATION p = start(arguments, CREATE_SUSPENDED, TRUE);
    printf("suspended, event set: %lu\n", WaitForSingleObject(event, 0));
    strcpy(shared_secret, "mine");
    char theirs[32] = "";
    SIZE_T done = 0;
    /* Both processes have the image at the same place. */
    ReadProcessMemory(p.hProcess, shared_secret, theirs, sizeof theirs, &done);
    printf("read %d bytes: theirs is '%s', ours is '%s'\n", (int)done, theirs, shared_secret);
    GetExitCodeProcess(p.hProcess, &code);
    printf("still active: %d\n", code == STILL_ACTIVE);
    fflush(stdout);
    ResumeThread(p.hThread);
    printf("waited: %lu\n", WaitForSingleObject(p.hProcess, INFINITE));
    GetExitCodeProcess(p.hProcess, &code);
    printf("exit code %lu, event set: %lu\n", code, WaitForSingleObject(event, 0));
    CloseHandle(p.hThread);
    CloseHandle(p.hProcess);

    p = start("sleeper", 0, FALSE);
    void *theirs_too = VirtualAllocEx(p.hProcess, NULL, 0x5000, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    int number = 1234, back = 0;
    printf("written: %d\n", WriteProcessMemory(p.hProcess, theirs_too, &number, sizeof number, NULL));
    printf("read back: %d", ReadProcessMemory(p.hProcess, theirs_too, &back, sizeof back, NULL));
    printf(" %d\n", back);
    printf("not ended: %d\n", WaitForSingleObject(p.hProcess, 10) == WAIT_TIMEOUT);
    printf("ended: %d\n", TerminateProcess(p.hProcess, 7));
    WaitForSingleObject(p.hProcess, INFINITE);
    GetExitCodeProcess(p.hProcess, &code);
    printf("exit code %lu\n", code);

    HANDLE mutex = CreateMutexA(NULL, FALSE, "vadose-mutex");
    HANDLE named = CreateEventA(NULL, TRUE, FALSE, "Local\\vadose-event");
    HANDLE again = CreateEventA(NULL, TRUE, FALSE, "vadose-event");
    printf("made twice: %d, error %lu\n", again != NULL, GetLastError());
    HANDLE other = CreateMutexA(NULL, FALSE, "vadose-event");
    printf("another kind: %d, error %lu\n", other != NULL, GetLastError());
    HANDLE none = OpenEventA(SYNCHRONIZE, FALSE, "vadose-none");
    printf("opened: %d, error %lu\n", none != NULL, GetLastError());
    p = start("owner", 0, FALSE);
    printf("event by name: %lu\n", WaitForSingleObject(named, INFINITE));
    WaitForSingleObject(p.hProcess, INFINITE);
    printf("mutex abandoned: %lu\n", WaitForSingleObject(mutex, INFINITE));
    printf("once more: %lu", WaitForSingleObject(mutex, 0));
    for (int i = 0; i < 3; i++)
        printf(", released %d", ReleaseMutex(mutex));
    printf("\n");

    STARTUPINFOA startup = {.cb = sizeof startup};
    BOOL made = CreateProcessA("C:\\no\\such.exe", NULL, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &p);
    DWORD error = GetLastError();
    printf("no such program: %d, error %d\n", made, error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND);
    return 0;
}
