/*
 * What a program asks about itself and others, and gets no constant for: names and handles of processes, versions, hidden pointers,
 * the window of its console, periods of the clock, drives. Wine 8 counts no handles, has no window without a display and takes every
 * tone; those lines of the expected output are Windows' documentation.
 */
#define _WIN32_WINNT 0x0A00
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static const HANDLE wrong = (HANDLE)0x1234;

static void row(const char *what, BOOL done)
{
    DWORD error = GetLastError();
    printf("%-64s %s %lu\n", what, done ? "yes" : "no", done ? 0 : error);
}

#define ROW(call) (SetLastError(0), row(#call, (call) != 0))

static const char *last(const char *path)
{
    return strrchr(path, '\\') + 1;
}

static void processes(const char *self)
{
    char command[MAX_PATH + 16], name[MAX_PATH];
    STARTUPINFOA start = {.cb = sizeof start};
    PROCESS_INFORMATION child;
    DWORD size = sizeof name, before, after, session = 77;
    HANDLE more;
    BOOL in_job = 77;
    sprintf(command, "\"%s\" child", self);
    CreateProcessA(NULL, command, NULL, NULL, FALSE, CREATE_SUSPENDED, NULL, NULL, &start, &child);
    ROW(QueryFullProcessImageNameA(child.hProcess, 0, name, &size));
    printf("%c%c %s %d\n", name[0] & 0xDF, name[1], last(name), size == strlen(name));
    size = sizeof name;
    ROW(QueryFullProcessImageNameA(GetCurrentProcess(), PROCESS_NAME_NATIVE, name, &size));
    printf("%.8s %s\n", name, last(name));
    size = 5;
    ROW(QueryFullProcessImageNameA(GetCurrentProcess(), 0, name, &size));
    ROW(QueryFullProcessImageNameA(wrong, 0, name, &size));
    ROW(GetProcessHandleCount(GetCurrentProcess(), &before));
    more = CreateEventA(NULL, FALSE, FALSE, NULL);
    GetProcessHandleCount(GetCurrentProcess(), &after);
    printf("handles %+ld", (long)(after - before));
    CloseHandle(more);
    GetProcessHandleCount(GetCurrentProcess(), &after);
    printf(" %+ld\n", (long)(after - before));
    ROW(GetProcessHandleCount(wrong, &before));
    ROW(ProcessIdToSessionId(child.dwProcessId, &session));
    ROW(ProcessIdToSessionId(0x7FFFFFF0, &session));
    ROW(IsProcessInJob(wrong, NULL, &in_job));
    printf("version %lx %d\n", GetProcessVersion(0), GetProcessVersion(0) == GetProcessVersion(child.dwProcessId));
    ROW(GetProcessVersion(0x7FFFFFF0));
    TerminateProcess(child.hProcess, 0);
}

static void pointers(void)
{
    void *hidden = EncodePointer((void *)processes);
    printf("hidden %d, found %d, null %d\n", hidden != (void *)processes, DecodePointer(hidden) == (void *)processes,
           DecodePointer(EncodePointer(NULL)) == NULL);
}

static void sections(void)
{
    CRITICAL_SECTION section;
    ROW(InitializeCriticalSectionAndSpinCount(&section, 4000));
    printf("spins %d\n", section.SpinCount == SetCriticalSectionSpinCount(&section, 100));
    DeleteCriticalSection(&section);
}

static void windows(void)
{
    HMODULE user = LoadLibraryA("user32");
    BOOL(WINAPI * is_window)(HWND) = (void *)GetProcAddress(user, "IsWindow");
    BOOL(WINAPI * is_visible)(HWND) = (void *)GetProcAddress(user, "IsWindowVisible");
    BOOL(WINAPI * show)(HWND, int) = (void *)GetProcAddress(user, "ShowWindow");
    HWND console = GetConsoleWindow();
    printf("console %d %d", is_window(console), is_visible(console));
    printf(" %d", show(console, SW_HIDE));
    printf(" %d", is_visible(console));
    printf(" %d", show(console, SW_SHOW));
    printf(" %d\n", is_visible(console));
    ROW(is_window((HWND)0x7654));
    ROW(show((HWND)0x7654, SW_HIDE));
}

static void formats(void)
{
    char text[1100], longer[1200];
    WCHAR wide[64];
    HMODULE user = LoadLibraryA("user32");
    int(WINAPIV * format)(char *, const char *, ...) = (void *)GetProcAddress(user, "wsprintfA");
    int(WINAPIV * format_wide)(WCHAR *, const WCHAR *, ...) = (void *)GetProcAddress(user, "wsprintfW");
    printf("%d", format(text, "%d %5u|%-5x|%05lX|%#x %c %s %ls %%", -7, 42u, 0xABCu, 0xABCDUL, 255, 'q', "narrow", L"wide"));
    printf(" [%s]\n", text);
    printf("%d", format(text, "%I64d %.3s", -12345678901LL, "abcdef"));
    printf(" [%s]\n", text);
    printf("%d", format_wide(wide, L"%s %hs %d", L"wide", "narrow", 12));
    printf(" [%ls]\n", wide);
    memset(longer, 'x', sizeof longer);
    longer[1100] = 0;
    printf("%d\n", format(text, "%s", longer) < 1100);
}

static void periods(void)
{
    HMODULE media = LoadLibraryA("winmm");
    UINT(WINAPI * begin)(UINT) = (void *)GetProcAddress(media, "timeBeginPeriod");
    printf("period %u %u\n", begin(1), begin(0));
    ROW(Beep(10, 1));
    ROW(Beep(440, 1));
}

static void drives(void)
{
    ULARGE_INTEGER available;
    char volume[32];
    ROW(GetDiskFreeSpaceExA("C:\\", &available, NULL, NULL));
    ROW(GetDiskFreeSpaceExA("Q:\\", &available, NULL, NULL));
    ROW(GetVolumeInformationA("Q:\\", volume, sizeof volume, NULL, NULL, NULL, NULL, 0));
}

int main(int argc, char **argv)
{
    if (argc == 2) return 0;
    setvbuf(stdout, NULL, _IONBF, 0);
    processes(argv[0]);
    pointers();
    sections();
    windows();
    formats();
    periods();
    drives();
    return 0;
}
