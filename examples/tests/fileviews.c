/* Views of files: beyond the end, growing, flushed, under names, in two processes. */
#define _WIN32_WINNT 0x0A00
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { PAGE = 4096 };

static const char *folder;

static const char *at(const char *name)
{
    static char path[MAX_PATH];
    snprintf(path, sizeof path, "%s%s", folder, name);
    return path;
}

static HANDLE make(const char *name, DWORD size)
{
    HANDLE file = CreateFileA(at(name), GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
            NULL, CREATE_ALWAYS, 0, NULL);
    static char line[64];
    DWORD done;
    for (DWORD i = 0; i < size; i += 64) {
        memset(line, 'a' + i / 64 % 26, sizeof line);
        WriteFile(file, line, size - i < 64 ? size - i : 64, &done, NULL);
    }
    return file;
}

static void beyond(void)
{
    HANDLE file = make("beyond.tmp", 0x12345);
    HANDLE section = CreateFileMappingA(file, NULL, PAGE_READWRITE, 0, 0, NULL);
    static const struct { DWORD offset, size; } views[] = {
        {0, 0}, {0, 0x12345}, {0, 0x12346}, {0, 0x13000}, {0, 0x13001}, {0x10000, 0}, {0x10000, 0x2345}, {0x10000, 0x3000},
        {0x10000, 0x3001}, {0x12000, 0}, {1, 0}, {0x10000, 0xFFFFFFFF},
    };
    for (unsigned i = 0; i < sizeof views / sizeof *views; i++) {
        SetLastError(0);
        char *view = MapViewOfFile(section, FILE_MAP_READ, 0, views[i].offset, views[i].size);
        DWORD error = GetLastError();
        MEMORY_BASIC_INFORMATION info = {0};
        if (view) VirtualQuery(view, &info, sizeof info);
        printf("view %lx+%lx: %d, error %lu, size %llx, byte %d\n", views[i].offset, views[i].size, view != NULL, error,
                (unsigned long long)info.RegionSize, view ? view[0x2344] : 0);
        if (view) {
            int not_zero = 0;
            for (SIZE_T b = 0x12345 - views[i].offset; b < info.RegionSize; b++) not_zero += view[b] != 0;
            printf("  not zero behind the end: %d\n", not_zero);
            UnmapViewOfFile(view);
        }
    }
    CloseHandle(section);
    section = CreateFileMappingA(file, NULL, PAGE_READONLY, 0, 0x20000, NULL);
    printf("longer, read-only: %d, error %lu\n", section != NULL, GetLastError());
    section = CreateFileMappingA(file, NULL, PAGE_READWRITE, 0, 0x20001, NULL);
    printf("longer: %d, file size %lx\n", section != NULL, GetFileSize(file, NULL));
    char *view = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0x10000, 0);
    printf("view of the new end: bytes %d %d\n", view[0x2344], view[0x10000]);
    view[0x10000] = 'Z';
    SetFilePointer(file, 0x1000, NULL, FILE_BEGIN);
    BOOL cut = SetEndOfFile(file);
    printf("cut while mapped: %d, error %lu\n", cut, GetLastError());
    SetFilePointer(file, 0x30000, NULL, FILE_BEGIN);
    BOOL grown = SetEndOfFile(file);
    printf("grown while mapped: %d, size %lx\n", grown, GetFileSize(file, NULL));
    UnmapViewOfFile(view);
    CloseHandle(section);
    char byte = 0;
    DWORD done;
    SetFilePointer(file, 0x20000, NULL, FILE_BEGIN);
    ReadFile(file, &byte, 1, &done, NULL);
    printf("byte at 20000: %c\n", byte);
    SetFilePointer(file, 0x1000, NULL, FILE_BEGIN);
    cut = SetEndOfFile(file);
    printf("cut: %d, size %lx\n", cut, GetFileSize(file, NULL));
    CloseHandle(file);
    printf("delete: %d\n", DeleteFileA(at("beyond.tmp")));
}

static void flushed(void)
{
    HANDLE file = make("flushed.tmp", 3 * PAGE + 100);
    HANDLE section = CreateFileMappingA(file, NULL, PAGE_READWRITE, 0, 0, NULL);
    char *view = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    memcpy(view + PAGE, "through the view", 16);
    memcpy(view + 3 * PAGE + 90, "to the last", 10);
    view[3 * PAGE + 100] = '!'; /* behind the end: not in the file */
    BOOL ok = FlushViewOfFile(view, 0);
    printf("flush: %d, buffers %d\n", ok, FlushFileBuffers(file));
    char text[20] = {0};
    DWORD done;
    HANDLE other = CreateFileA(at("flushed.tmp"), GENERIC_READ, 7, NULL, OPEN_EXISTING, FILE_FLAG_NO_BUFFERING, NULL);
    static char __attribute__((aligned(4096))) page[PAGE];
    SetFilePointer(other, PAGE, NULL, FILE_BEGIN);
    ok = ReadFile(other, page, PAGE, &done, NULL);
    printf("past the cache: %d %lu %.16s\n", ok, done, page);
    CloseHandle(other);
    SetFilePointer(file, 3 * PAGE + 90, NULL, FILE_BEGIN);
    ReadFile(file, text, 19, &done, NULL);
    printf("the end: %lu %s\n", done, text);
    SetFilePointer(file, 0, NULL, FILE_BEGIN);
    WriteFile(file, "by WriteFile", 12, &done, NULL);
    printf("in the view: %.12s\n", view);
    UnmapViewOfFile(view);
    CloseHandle(section);
    CloseHandle(file);
    printf("delete: %d\n", DeleteFileA(at("flushed.tmp")));
}

static void unnamed(void)
{
    HANDLE file = make("deleted.tmp", 2 * PAGE);
    HANDLE section = CreateFileMappingA(file, NULL, PAGE_READWRITE, 0, 0, NULL);
    char *view = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    CloseHandle(section);
    CloseHandle(file);
    printf("the view: %c\n", view[PAGE]);
    view[0] = 'Q';
    UnmapViewOfFile(view);
    BOOL ok = DeleteFileA(at("deleted.tmp"));
    printf("delete: %d\n", ok);
    ok = GetFileAttributesA(at("deleted.tmp")) != INVALID_FILE_ATTRIBUTES;
    printf("there: %d\n", ok);
}

static int child(char **arguments)
{
    HANDLE inherited = (HANDLE)(ULONG_PTR)strtoull(arguments[2], NULL, 16);
    char *view = MapViewOfFile(inherited, FILE_MAP_WRITE, 0, 0, 0);
    char *copy = MapViewOfFile(inherited, FILE_MAP_COPY, 0, 0, 0);
    printf("child: inherited %d, byte %c\n", view != NULL, view[0]);
    view[PAGE] = 'c';
    copy[0] = 'x';
    HANDLE local = OpenFileMappingA(FILE_MAP_READ, FALSE, "Local\\vadose names");
    HANDLE plain = OpenFileMappingA(FILE_MAP_READ, FALSE, "vadose names");
    HANDLE cased = OpenFileMappingA(FILE_MAP_READ, FALSE, "VADOSE NAMES");
    printf("child: local %d, plain %d, other case %d\n", local != NULL, plain != NULL, cased != NULL);
    char *names = MapViewOfFile(plain, FILE_MAP_READ, 0, 0, 0);
    printf("child: %s\n", names);
    char *writable = MapViewOfFile(plain, FILE_MAP_WRITE, 0, 0, 0);
    printf("child: writable through a handle to read: %d, error %lu\n", writable != NULL, GetLastError());
    HANDLE file_section = OpenFileMappingA(FILE_MAP_WRITE, FALSE, "vadose file");
    char *file = MapViewOfFile(file_section, FILE_MAP_WRITE, 0, 0, 0);
    file[10] = 'C';
    fflush(stdout);
    return 17;
}

static void two_processes(const char *self)
{
    SECURITY_ATTRIBUTES inheritable = {sizeof inheritable, NULL, TRUE};
    HANDLE section = CreateFileMappingA(INVALID_HANDLE_VALUE, &inheritable, PAGE_READWRITE, 0, 4 * PAGE, NULL);
    char *view = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    char *copy = MapViewOfFile(section, FILE_MAP_COPY, 0, 0, 0);
    view[0] = 'p';
    copy[PAGE] = 'o';
    HANDLE named = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, PAGE, "Local\\vadose names");
    strcpy(MapViewOfFile(named, FILE_MAP_WRITE, 0, 0, 0), "under a name");
    HANDLE file = make("two.tmp", PAGE);
    HANDLE file_section = CreateFileMappingA(file, NULL, PAGE_READWRITE, 0, 0, "vadose file");
    char *file_view = MapViewOfFile(file_section, FILE_MAP_READ, 0, 0, 0);
    char line[MAX_PATH + 80];
    snprintf(line, sizeof line, "\"%s\" child %llx", self, (unsigned long long)(ULONG_PTR)section);
    STARTUPINFOA start = {.cb = sizeof start};
    PROCESS_INFORMATION process;
    fflush(stdout);
    BOOL ok = CreateProcessA(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &start, &process);
    DWORD code = 0;
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    printf("child made: %d, exit code %lu\n", ok, code);
    printf("parent: %c %c, copy %c\n", view[0], view[PAGE], copy[PAGE]);
    printf("file through the child's view: %c\n", file_view[10]);
    HANDLE again = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 100 * PAGE, "vadose names");
    printf("made again: %d, error %lu\n", again != NULL, GetLastError());
    HANDLE mutex = CreateMutexA(NULL, FALSE, "vadose names");
    printf("a mutex of that name: %d, error %lu\n", mutex != NULL, GetLastError());
    CloseHandle(again);
    CloseHandle(named);
    UnmapViewOfFile(file_view);
    CloseHandle(file_section);
    CloseHandle(file);
    printf("delete: %d\n", DeleteFileA(at("two.tmp")));
}

int main(int count, char **arguments)
{
    if (count == 3 && strcmp(arguments[1], "child") == 0) return child(arguments);
    folder = count > 1 && arguments[1][1] == ':' ? arguments[1] : "";
    char self[MAX_PATH];
    GetModuleFileNameA(NULL, self, sizeof self);
    beyond();
    flushed();
    unnamed();
    two_processes(self);
    return 0;
}
