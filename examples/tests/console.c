/*
 * A console and who is on it: title, code pages, modes, coming and going, Ctrl-C and Ctrl-Break within a process and between
 * processes. Standard output may be a file; the console is opened by its name. Wine 8 on a terminal does the first part, and has no
 * Ctrl-C and no second console there; that part of the expected output is Windows' documentation.
 */
#define _WIN32_WINNT 0x0A00
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

static HANDLE heard;
static const char *self;

static void row(const char *what, BOOL done)
{
    DWORD error = GetLastError();
    printf("%-72s %s %lu\n", what, done ? "yes" : "no", done ? 0 : error);
}

#define ROW(call) (SetLastError(0), row(#call, (call) != 0))

static HANDLE open_console(const char *name)
{
    return CreateFileA(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
}

static void titles(void)
{
    WCHAR wide[16];
    char narrow[16];
    ROW(SetConsoleTitleW(L"caf\x00E9"));
    printf("%lu", GetConsoleTitleW(wide, 16));
    printf(" %x\n", wide[3]);
    ROW(SetConsoleTitleA("title"));
    printf("%lu", GetConsoleTitleW(wide, 16));
    printf(" %ls\n", wide);
    printf("%lu", GetConsoleTitleA(narrow, 16));
    printf(" %s\n", narrow);
    printf("%lu\n", GetConsoleTitleA(narrow, 0));
}

static void code_pages(void)
{
    ROW(SetConsoleOutputCP(1252));
    ROW(SetConsoleCP(850));
    printf("%u %u\n", GetConsoleOutputCP(), GetConsoleCP());
    ROW(SetConsoleOutputCP(65001));
    ROW(SetConsoleOutputCP(12345));
    printf("%u %u\n", GetConsoleOutputCP(), GetConsoleCP());
    ROW(SetConsoleOutputCP(437));
    ROW(SetConsoleCP(437));
}

static void modes(void)
{
    HANDLE screen = open_console("CONOUT$"), keyboard = open_console("CONIN$"), other = open_console("NUL");
    CONSOLE_SCREEN_BUFFER_INFO info;
    DWORD mode = 0, events = 77;
    ROW(GetConsoleMode(screen, &mode));
    ROW(SetConsoleMode(screen, ENABLE_PROCESSED_OUTPUT));
    ROW(GetConsoleMode(screen, &mode));
    printf("screen %lx\n", mode);
    ROW(SetConsoleMode(keyboard, ENABLE_LINE_INPUT | ENABLE_PROCESSED_INPUT));
    ROW(GetConsoleMode(keyboard, &mode));
    printf("keyboard %lx\n", mode & (ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT | ENABLE_PROCESSED_INPUT));
    ROW(GetConsoleMode(other, &mode));
    ROW(SetConsoleMode((HANDLE)0x1234, 0));
    ROW(SetConsoleTextAttribute(screen, FOREGROUND_GREEN | BACKGROUND_BLUE));
    ROW(GetConsoleScreenBufferInfo(screen, &info));
    printf("attributes %x\n", info.wAttributes);
    ROW(SetConsoleTextAttribute(screen, 7));
    ROW(FlushConsoleInputBuffer(keyboard));
    ROW(GetNumberOfConsoleInputEvents(keyboard, &events));
    printf("%lu events\n", events);
    ROW(FlushConsoleInputBuffer(other));
    CloseHandle(screen), CloseHandle(keyboard), CloseHandle(other);
}

static void coming_and_going(void)
{
    DWORD list[8];
    ROW(AllocConsole());
    ROW(AttachConsole(ATTACH_PARENT_PROCESS));
    ROW(GetConsoleProcessList(list, 0));
    printf("on the console: %lu\n", GetConsoleProcessList(list, 8));
    ROW(FreeConsole());
    printf("code page %u\n", GetConsoleCP());
    printf("window %d\n", GetConsoleWindow() != NULL);
    ROW(SetConsoleTitleA("nobody reads this"));
    ROW(SetConsoleOutputCP(437));
    ROW(GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0));
    ROW(open_console("CONOUT$") != INVALID_HANDLE_VALUE);
    ROW(AllocConsole());
}

static BOOL WINAPI first(DWORD event)
{
    printf("first hears %lu\n", event);
    SetEvent(heard);
    return TRUE;
}

static BOOL WINAPI second(DWORD event)
{
    printf("second hears %lu\n", event);
    if (event == CTRL_BREAK_EVENT) return FALSE;
    SetEvent(heard);
    return TRUE;
}

static void by_signal(int number)
{
    printf("signal %d\n", number);
    SetEvent(heard);
}

static void await(void)
{
    WaitForSingleObject(heard, INFINITE);
    fflush(stdout);
}

static void within(void)
{
    heard = CreateEventA(NULL, FALSE, FALSE, NULL);
    ROW(SetConsoleCtrlHandler(first, FALSE));
    ROW(SetConsoleCtrlHandler(first, TRUE));
    ROW(SetConsoleCtrlHandler(second, TRUE));
    ROW(GenerateConsoleCtrlEvent(CTRL_CLOSE_EVENT, 0));
    ROW(GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, 0));
    await();
    ROW(GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0));
    await();
    ROW(SetConsoleCtrlHandler(second, FALSE));
    ROW(GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0));
    await();
    ROW(SetConsoleCtrlHandler(NULL, TRUE));
    ROW(GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0));
    printf("ignored %d\n", WaitForSingleObject(heard, 50) == WAIT_TIMEOUT);
    ROW(SetConsoleCtrlHandler(NULL, FALSE));
    signal(SIGINT, by_signal);
    signal(SIGBREAK, by_signal);
    ROW(GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0));
    await();
    ROW(GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, 0));
    await();
    ROW(GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0)); /* the signal's action is the default one again: the next handler */
    await();
    signal(SIGINT, SIG_IGN);
    ROW(GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0));
    printf("ignored %d\n", WaitForSingleObject(heard, 50) == WAIT_TIMEOUT);
}

static BOOL WINAPI childs(DWORD event)
{
    ExitProcess(40 + event);
}

static int child(const char *what)
{
    HANDLE ready = OpenEventA(EVENT_MODIFY_STATE, FALSE, "consoleReady");
    if (strcmp(what, "handles") == 0) SetConsoleCtrlHandler(childs, TRUE);
    SetEvent(ready);
    for (;;) Sleep(10);
}

static void between(const char *what, DWORD flags)
{
    HANDLE ready = CreateEventA(NULL, FALSE, FALSE, "consoleReady");
    char command[MAX_PATH + 32];
    STARTUPINFOA start = {.cb = sizeof start};
    PROCESS_INFORMATION made;
    DWORD code, list[8];
    sprintf(command, "\"%s\" child %s", self, what);
    CreateProcessA(NULL, command, NULL, NULL, TRUE, flags, NULL, NULL, &start, &made);
    WaitForSingleObject(ready, INFINITE);
    printf("%s: on the console %lu\n", what, GetConsoleProcessList(list, 8));
    ROW(GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, made.dwProcessId));
    if (WaitForSingleObject(made.hProcess, flags & DETACHED_PROCESS ? 50 : INFINITE)) TerminateProcess(made.hProcess, 99);
    WaitForSingleObject(made.hProcess, INFINITE);
    GetExitCodeProcess(made.hProcess, &code);
    printf("%s: exit %lx\n", what, code);
    CloseHandle(made.hProcess), CloseHandle(made.hThread), CloseHandle(ready);
}

int main(int argc, char **argv)
{
    self = argv[0];
    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc == 3 && strcmp(argv[1], "child") == 0) return child(argv[2]);
    if (!GetConsoleCP()) AllocConsole();
    titles();
    code_pages();
    modes();
    within();
    between("nothing", CREATE_NEW_PROCESS_GROUP);
    between("handles", CREATE_NEW_PROCESS_GROUP);
    between("detached", DETACHED_PROCESS);
    coming_and_going();
    return 0;
}
