// File mappings that cannot be: the error each call reports. And an image mapped as one and as data.
#include <stdio.h>
#include <string.h>
#include <windows.h>

#define NOT_MADE(what, call)                                        \
    do {                                                            \
        SetLastError(0);                                            \
        int made = (call) != 0;                                     \
        printf("%-28s %d error %lu\n", what, made, GetLastError()); \
    } while (0)

static const HANDLE paged = INVALID_HANDLE_VALUE;
static const HANDLE wrong = (HANDLE) 0x1234;

static void image(void) {
    char path[MAX_PATH];
    GetModuleFileNameA(NULL, path, sizeof path);
    HANDLE file = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    HANDLE mapping = CreateFileMappingA(file, NULL, PAGE_READONLY | SEC_IMAGE, 0, 0, NULL);
    char *view = MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0);
    MEMORY_BASIC_INFORMATION info;
    VirtualQuery(view + 0x1000, &info, sizeof info);
    printf("code of an image: protect %#lx of %#lx type %#lx, same %d\n", info.Protect, info.AllocationProtect, info.Type,
           !memcmp(view + 0x1000, (char *) GetModuleHandleA(NULL) + 0x1000, 256));
    HANDLE data = CreateFileMappingA(file, NULL, PAGE_READONLY, 0, 0, NULL);
    char *bytes = MapViewOfFile(data, FILE_MAP_READ, 0, 0, 0);
    VirtualQuery(bytes, &info, sizeof info);
    printf("as data: protect %#lx type %#lx, starts %.2s\n", info.Protect, info.Type, bytes);
    NOT_MADE("written through it", MapViewOfFile(data, FILE_MAP_WRITE, 0, 0, 0));
    NOT_MADE("executed through it", MapViewOfFile(data, FILE_MAP_READ | FILE_MAP_EXECUTE, 0, 0, 0));
    HANDLE copy;
    DuplicateHandle(GetCurrentProcess(), data, GetCurrentProcess(), &copy, FILE_MAP_READ, FALSE, 0);
    CloseHandle(data);
    NOT_MADE("through a duplicate", MapViewOfFile(copy, FILE_MAP_READ, 0, 0, 0));
    NOT_MADE("writable of read-only", CreateFileMappingA(file, NULL, PAGE_READWRITE, 0, 0, NULL));
}

int main(void) {
    image();
    DWORD done;
    HANDLE file = CreateFileA("mappings.tmp", GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);
    NOT_MADE("empty file", CreateFileMappingA(file, NULL, PAGE_READONLY, 0, 0, NULL));
    WriteFile(file, "abc", 3, &done, NULL);
    NOT_MADE("image of a text", CreateFileMappingA(file, NULL, PAGE_READONLY | SEC_IMAGE, 0, 0, NULL));
    NOT_MADE("larger, read-only", CreateFileMappingA(file, NULL, PAGE_READONLY, 0, 4, NULL));
    NOT_MADE("no size", CreateFileMappingA(paged, NULL, PAGE_READWRITE, 0, 0, NULL));
    NOT_MADE("no access", CreateFileMappingA(paged, NULL, PAGE_NOACCESS, 0, 1, NULL));
    NOT_MADE("reserved and committed", CreateFileMappingA(paged, NULL, PAGE_READWRITE | SEC_RESERVE | SEC_COMMIT, 0, 1, NULL));
    NOT_MADE("a wrong handle", CreateFileMappingA(wrong, NULL, PAGE_READWRITE, 0, 1, NULL));
    NOT_MADE("a name in no directory", CreateFileMappingA(paged, NULL, PAGE_READWRITE, 0, 1, "no\\such"));
    HANDLE event = CreateEventA(NULL, FALSE, FALSE, "VadoseExampleEvent");
    NOT_MADE("an event's name", CreateFileMappingA(paged, NULL, PAGE_READWRITE, 0, 1, "VadoseExampleEvent"));
    NOT_MADE("opened by it", OpenFileMappingA(FILE_MAP_READ, FALSE, "VadoseExampleEvent"));
    NOT_MADE("global", CreateFileMappingA(paged, NULL, PAGE_READWRITE, 0, 1, "Global\\VadoseExample"));
    NOT_MADE("opened as global", OpenFileMappingA(FILE_MAP_READ, FALSE, "Global\\VadoseExample"));
    NOT_MADE("opened under no name", OpenFileMappingA(FILE_MAP_READ, FALSE, "VadoseExampleNobody"));
    NOT_MADE("view of a wrong handle", MapViewOfFile(wrong, FILE_MAP_READ, 0, 0, 0));
    NOT_MADE("view of an event", MapViewOfFile(event, FILE_MAP_READ, 0, 0, 0));
    HANDLE mapping = CreateFileMappingA(paged, NULL, PAGE_READWRITE, 0, 0x30000, NULL);
    char *view = MapViewOfFile(mapping, FILE_MAP_WRITE, 0, 0, 0);
    NOT_MADE("view at another", MapViewOfFileEx(mapping, FILE_MAP_WRITE, 0, 0, 0, view + 0x10000));
    NOT_MADE("view at an odd address", MapViewOfFileEx(mapping, FILE_MAP_WRITE, 0, 0, 0, view + 0x1001000));
    NOT_MADE("unmapping inside", UnmapViewOfFile(view + 0x12345));
    NOT_MADE("unmapping again", UnmapViewOfFile(view));
    CloseHandle(file);
    return 0;
}
