// A file edited through views: in place, grown, read and written by both ways at once, cut.
#include <stdio.h>
#include <string.h>
#include <windows.h>

static const char *name = "mapedit.tmp";

static void show(const char *what, HANDLE file) {
    char text[64];
    DWORD got = 0;
    SetFilePointer(file, 0, NULL, FILE_BEGIN);
    ReadFile(file, text, sizeof text - 1, &got, NULL);
    text[got] = 0;
    printf("%-22s %2lu bytes: %s\n", what, GetFileSize(file, NULL), text);
}

static void region(const char *what, void *at) {
    MEMORY_BASIC_INFORMATION info;
    VirtualQuery(at, &info, sizeof info);
    printf("%-22s size %#lx state %#lx protect %#lx of %#lx type %#lx\n", what, (unsigned long) info.RegionSize, info.State,
           info.Protect, info.AllocationProtect, info.Type);
}

int main(void) {
    HANDLE file = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    DWORD done;
    HANDLE mapping = CreateFileMappingA(file, NULL, PAGE_READWRITE, 0, 0, NULL);
    printf("empty file: mapping %d error %lu\n", mapping != NULL, GetLastError());
    WriteFile(file, "The quick brown fox", 19, &done, NULL);
    show("written", file);

    mapping = CreateFileMappingA(file, NULL, PAGE_READWRITE, 0, 0, NULL);
    char *view = MapViewOfFile(mapping, FILE_MAP_WRITE, 0, 0, 0);
    region("view", view);
    memcpy(view + 4, "QUICK", 5);
    show("edited in the view", file);
    SetFilePointer(file, 10, NULL, FILE_BEGIN);
    WriteFile(file, "BROWN", 5, &done, NULL);
    printf("%-22s %.19s\n", "written, in the view", view);
    printf("flush %d\n", FlushViewOfFile(view, 0));

    // The page's rest is zero, and is no part of the file.
    printf("behind the end %d %d\n", view[19], view[4095]);
    view[19] = '!';
    show("written behind it", file);

    SetFilePointer(file, 5, NULL, FILE_BEGIN);
    printf("cut while mapped: %d", SetEndOfFile(file));
    printf(" error %lu\n", GetLastError());
    HANDLE again = CreateFileMappingA(file, NULL, PAGE_READWRITE, 0, 0x12000, NULL);
    printf("larger mapping: %d, file now %#lx bytes\n", again != NULL, GetFileSize(file, NULL));
    char *far_view = MapViewOfFile(again, FILE_MAP_WRITE, 0, 0x10000, 0);
    region("second 64 KB", far_view);
    far_view[0x1fff] = 'z';
    char *read_view = MapViewOfFile(again, FILE_MAP_READ, 0, 0, 0);
    region("all of it", read_view);
    printf("seen there: %c, start %.9s\n", read_view[0x11fff], read_view);
    CloseHandle(mapping);
    CloseHandle(again);
    UnmapViewOfFile(view);
    UnmapViewOfFile(far_view);
    char last = 0;
    SetFilePointer(file, 0x11fff, NULL, FILE_BEGIN);
    ReadFile(file, &last, 1, &done, NULL);
    printf("last byte read: %c\n", last);
    UnmapViewOfFile(read_view);

    SetFilePointer(file, 19, NULL, FILE_BEGIN);
    printf("cut: %d\n", SetEndOfFile(file));
    show("cut", file);
    CloseHandle(file);
    file = CreateFileA(name, GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
    show("opened again", file);
    mapping = CreateFileMappingA(file, NULL, PAGE_READWRITE, 0, 0, NULL);
    printf("writable mapping of a read-only handle: %d error %lu\n", mapping != NULL, GetLastError());
    mapping = CreateFileMappingA(file, NULL, PAGE_READONLY, 0, 100, NULL);
    printf("larger mapping of a read-only handle: %d error %lu\n", mapping != NULL, GetLastError());
    CloseHandle(file);
    printf("deleted: %d\n", DeleteFileA(name));
    return 0;
}
