/*
 * What a process and its threads set for themselves: error modes, names of threads, search modes, places of DLLs, order of shutting
 * down, code page of file names, locale. Wine 8 takes any shutdown level, lets alignment faults be taken
 * back, keeps no execution state and looks into the current directory after SetDllDirectory(""); those lines of the expected output
 * are Windows' documentation.
 */
#define _WIN32_WINNT 0x0A00
#include <stdio.h>
#include <string.h>
#include <windows.h>

static void row(const char *what, BOOL done)
{
    DWORD error = GetLastError();
    printf("%-72s %s %lu\n", what, done ? "yes" : "no", done ? 0 : error);
}

#define ROW(call) (SetLastError(0), row(#call, (call) != 0))

static void error_modes(void)
{
    DWORD before = 77;
    printf("process %x\n", SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOOPENFILEERRORBOX));
    printf("process %x\n", GetErrorMode());
    ROW(SetThreadErrorMode(SEM_NOGPFAULTERRORBOX, &before));
    printf("thread %lx, then %lx\n", before, GetThreadErrorMode());
    ROW(SetThreadErrorMode(SEM_NOALIGNMENTFAULTEXCEPT, &before));
    ROW(SetThreadErrorMode(0x10, NULL));
    ROW(SetThreadErrorMode(SEM_FAILCRITICALERRORS | SEM_NOOPENFILEERRORBOX, &before));
    printf("thread %lx, then %lx\n", before, GetThreadErrorMode());
    SetErrorMode(SEM_NOALIGNMENTFAULTEXCEPT);
    SetErrorMode(0);
    printf("not taken back %x\n", GetErrorMode() & SEM_NOALIGNMENTFAULTEXCEPT);
}

static DWORD WINAPI other(void *gate)
{
    printf("new thread: error mode %lx, locale %lx\n", GetThreadErrorMode(), GetThreadLocale());
    fflush(stdout);
    WaitForSingleObject(gate, INFINITE);
    return 0;
}

static void names(void)
{
    HRESULT(WINAPI * set)(HANDLE, PCWSTR) = (void *)GetProcAddress(GetModuleHandleA("kernelbase"), "SetThreadDescription");
    HRESULT(WINAPI * get)(HANDLE, PWSTR *) = (void *)GetProcAddress(GetModuleHandleA("kernelbase"), "GetThreadDescription");
    HANDLE gate = CreateEventA(NULL, TRUE, FALSE, NULL), thread = CreateThread(NULL, 0, other, gate, 0, NULL), blind;
    WCHAR *name = NULL;
    Sleep(20);
    printf("%lx", get(thread, &name));
    printf(" [%ls]\n", name);
    LocalFree(name);
    printf("%lx", set(thread, L"worker"));
    printf(" %lx", get(thread, &name));
    printf(" [%ls]\n", name);
    LocalFree(name);
    printf("%lx", set(GetCurrentThread(), L"main"));
    printf(" %lx", get(GetCurrentThread(), &name));
    printf(" [%ls]\n", name);
    LocalFree(name);
    printf("%lx", set(thread, NULL));
    printf(" %lx", get(thread, &name));
    printf(" [%ls]\n", name);
    LocalFree(name);
    DuplicateHandle(GetCurrentProcess(), thread, GetCurrentProcess(), &blind, SYNCHRONIZE, FALSE, 0);
    printf("blind %lx, no handle %lx, no thread %lx\n", set(blind, L"x"), set((HANDLE)0x1234, L"x"), set(gate, L"x"));
    SetEvent(gate);
    WaitForSingleObject(thread, INFINITE);
}

static void searching(void)
{
    char place[MAX_PATH], found[MAX_PATH], *part;
    GetTempPathA(sizeof place, place);
    SetCurrentDirectoryA(place);
    fclose(fopen("notepad.exe", "w"));
    CreateDirectoryA("drawer", NULL);
    fclose(fopen("drawer\\letter.txt", "w"));
    ROW(SetSearchPathMode(0));
    ROW(SetSearchPathMode(BASE_SEARCH_PATH_PERMANENT));
    ROW(SetSearchPathMode(BASE_SEARCH_PATH_DISABLE_SAFE_SEARCHMODE | BASE_SEARCH_PATH_PERMANENT));
    ROW(SetSearchPathMode(BASE_SEARCH_PATH_ENABLE_SAFE_SEARCHMODE));
    ROW(SetSearchPathMode(BASE_SEARCH_PATH_DISABLE_SAFE_SEARCHMODE));
    ROW(SearchPathA(NULL, "drawer\\letter", ".txt", sizeof found, found, &part));
    printf("%s\n", part);
    ROW(SearchPathA("drawer", "letter.txt", NULL, sizeof found, found, &part));
    printf("%s\n", part);
    ROW(SearchPathA("drawer", "nothing", ".txt", sizeof found, found, &part));
    ROW(SetSearchPathMode(BASE_SEARCH_PATH_ENABLE_SAFE_SEARCHMODE | BASE_SEARCH_PATH_PERMANENT));
    ROW(SetSearchPathMode(BASE_SEARCH_PATH_DISABLE_SAFE_SEARCHMODE));
    ROW(SetSearchPathMode(BASE_SEARCH_PATH_ENABLE_SAFE_SEARCHMODE | BASE_SEARCH_PATH_PERMANENT));
    DeleteFileA("notepad.exe");
    DeleteFileA("drawer\\letter.txt");
    RemoveDirectoryA("drawer");
}

static void dll_directories(void)
{
    DLL_DIRECTORY_COOKIE cookie;
    WCHAR place[MAX_PATH], full[MAX_PATH];
    char self[MAX_PATH];
    GetTempPathW(MAX_PATH, place);
    SetCurrentDirectoryW(place);
    wcscat(wcscpy(full, place), L"dlls");
    CreateDirectoryW(full, NULL);
    GetModuleFileNameA(NULL, self, sizeof self);
    CopyFileA(self, "dlls\\extra.dll", FALSE);
    ROW(SetDefaultDllDirectories(0));
    ROW(SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR));
    ROW(AddDllDirectory(L"dlls"));
    ROW(AddDllDirectory(L"C:\\not\\there"));
    ROW(LoadLibraryExW(L"extra.dll", NULL, LOAD_LIBRARY_SEARCH_USER_DIRS));
    ROW(cookie = AddDllDirectory(full));
    ROW(LoadLibraryExW(L"extra.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32));
    ROW(LoadLibraryExW(L"extra.dll", NULL, 0));
    ROW(LoadLibraryExW(L"extra.dll", NULL, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR));
    ROW(LoadLibraryExW(L"extra.dll", NULL, LOAD_LIBRARY_SEARCH_USER_DIRS | LOAD_WITH_ALTERED_SEARCH_PATH));
    ROW(LoadLibraryExW(L"extra.dll", NULL, LOAD_LIBRARY_SEARCH_USER_DIRS));
    ROW(FreeLibrary(GetModuleHandleA("extra.dll")));
    ROW(RemoveDllDirectory(cookie));
    ROW(LoadLibraryExW(L"extra.dll", NULL, LOAD_LIBRARY_SEARCH_USER_DIRS));
    ROW(SetDllDirectoryW(full));
    printf("%ls\n", (GetDllDirectoryW(MAX_PATH, full), wcsrchr(full, L'\\') + 1));
    ROW(LoadLibraryW(L"extra.dll"));
    ROW(FreeLibrary(GetModuleHandleA("extra.dll")));
    SetDllDirectoryW(NULL);
    SetCurrentDirectoryW(full);
    ROW(LoadLibraryW(L"extra.dll"));
    ROW(FreeLibrary(GetModuleHandleA("extra.dll")));
    ROW(SetDllDirectoryW(L"")); /* the current directory is no place then */
    ROW(LoadLibraryW(L"extra.dll"));
    FreeLibrary(GetModuleHandleA("extra.dll"));
    SetDllDirectoryW(NULL);
    ROW(SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32));
    ROW(LoadLibraryW(L"extra.dll"));
    ROW(cookie = AddDllDirectory(full));
    ROW(SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_DEFAULT_DIRS));
    ROW(LoadLibraryW(L"extra.dll"));
    ROW(FreeLibrary(GetModuleHandleA("extra.dll")));
    DeleteFileA("extra.dll");
    SetCurrentDirectoryW(place);
    RemoveDirectoryA("dlls");
}

static void shutting_down(void)
{
    DWORD level = 77, flags = 77;
    GetProcessShutdownParameters(&level, &flags);
    printf("shutdown %lx %lx\n", level, flags);
    ROW(SetProcessShutdownParameters(0x100, SHUTDOWN_NORETRY));
    ROW(SetProcessShutdownParameters(0x500, 0));
    ROW(SetProcessShutdownParameters(0x300, 2));
    GetProcessShutdownParameters(&level, &flags);
    printf("shutdown %lx %lx\n", level, flags);
}

static void file_names(void)
{
    WIN32_FIND_DATAW found;
    char place[MAX_PATH];
    HANDLE file;
    GetTempPathA(sizeof place, place);
    SetCurrentDirectoryA(place);
    printf("ANSI %d\n", AreFileApisANSI());
    SetFileApisToOEM();
    printf("ANSI %d\n", AreFileApisANSI());
    file = CreateFileA("caf\x82.txt", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    CloseHandle(file);
    file = FindFirstFileW(L"caf*.txt", &found);
    printf("OEM 82 is U+%04X\n", found.cFileName[3]);
    FindClose(file);
    SetFileApisToANSI();
    ROW(DeleteFileA("caf\x82.txt"));
    ROW(DeleteFileA("caf\xE9.txt"));
}

static void locales(void)
{
    printf("thread %lx\n", GetThreadLocale());
    ROW(SetThreadLocale(0x0C33));
    ROW(SetThreadLocale(LOCALE_USER_DEFAULT));
    printf("thread %lx, default %lx %lx\n", GetThreadLocale(), ConvertDefaultLocale(LOCALE_USER_DEFAULT),
           ConvertDefaultLocale(MAKELCID(MAKELANGID(LANG_ENGLISH, SUBLANG_NEUTRAL), SORT_DEFAULT)));
    printf("name %lx %lx %lx\n", LocaleNameToLCID(L"en-US", 0), LocaleNameToLCID(L"", 0), LocaleNameToLCID(NULL, 0));
    ROW(LocaleNameToLCID(L"no-such-place", 0));
}

static void staying_awake(void)
{
    printf("%lx", SetThreadExecutionState(ES_CONTINUOUS | ES_SYSTEM_REQUIRED));
    printf(" %lx", SetThreadExecutionState(ES_DISPLAY_REQUIRED));
    printf(" %lx", SetThreadExecutionState(ES_CONTINUOUS));
    printf(" %lx\n", SetThreadExecutionState(ES_CONTINUOUS));
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    error_modes();
    names();
    searching();
    dll_directories();
    shutting_down();
    file_names();
    locales();
    staying_awake();
    return 0;
}
