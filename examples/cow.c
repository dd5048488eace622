// Copy-on-write: views of one file, one shared and two private, and what each sees after the others wrote.
#include <stdio.h>
#include <string.h>
#include <windows.h>

static const char *name = "cow.tmp";

static const char *protection(void *at) {
    MEMORY_BASIC_INFORMATION info;
    VirtualQuery(at, &info, sizeof info);
    switch (info.Protect) {
    case PAGE_NOACCESS: return "NOACCESS";
    case PAGE_READONLY: return "READONLY";
    case PAGE_READWRITE: return "READWRITE";
    case PAGE_WRITECOPY: return "WRITECOPY";
    default: return "?";
    }
}

static void show(const char *what, char *shared, char *one, char *two) {
    printf("%-24s %.5s %.5s %.5s\n", what, shared, one, two);
}

int main(void) {
    HANDLE file = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    char page[4096];
    DWORD done, old;
    memset(page, '-', sizeof page);
    for (int i = 0; i < 3; i++) WriteFile(file, page, sizeof page, &done, NULL);
    HANDLE mapping = CreateFileMappingA(file, NULL, PAGE_READWRITE, 0, 0, NULL);
    char *shared = MapViewOfFile(mapping, FILE_MAP_WRITE, 0, 0, 0);
    char *one = MapViewOfFile(mapping, FILE_MAP_COPY, 0, 0, 0);
    char *two = MapViewOfFile(mapping, FILE_MAP_COPY, 0, 0, 0);
    printf("protections %s %s\n", protection(shared), protection(one));
    memcpy(shared, "first", 5);
    show("shared written", shared, one, two);
    memcpy(one, "mine ", 5);
    show("copy written", shared, one, two);
    memcpy(shared, "again", 5);
    show("shared written again", shared, one, two);
    show("next page", shared + 4096, one + 4096, two + 4096);

    printf("protect copy's page 2 read-only: %d", VirtualProtect(one + 8192, 4096, PAGE_READONLY, &old));
    printf(" was %#lx now %s\n", old, protection(one + 8192));
    printf("and read-write: %d", VirtualProtect(one + 8192, 4096, PAGE_READWRITE, &old));
    printf(" error %lu\n", GetLastError());
    printf("and write-copy: %d", VirtualProtect(one + 8192, 4096, PAGE_WRITECOPY, &old));
    printf(" was %#lx now %s\n", old, protection(one + 8192));
    printf("commit over a view: %d", VirtualAlloc(one, 4096, MEM_COMMIT, PAGE_READWRITE) != NULL);
    printf(" error %lu\n", GetLastError());
    printf("free a view: %d", VirtualFree(one, 0, MEM_RELEASE));
    printf(" error %lu\n", GetLastError());

    UnmapViewOfFile(one);
    one = MapViewOfFile(mapping, FILE_MAP_COPY, 0, 0, 0);
    show("copy mapped anew", shared, one, two);
    UnmapViewOfFile(shared);
    UnmapViewOfFile(one);
    UnmapViewOfFile(two);
    CloseHandle(mapping);
    SetFilePointer(file, 0, NULL, FILE_BEGIN);
    ReadFile(file, page, 5, &done, NULL);
    printf("in the file: %.5s\n", page);
    CloseHandle(file);
    DeleteFileA(name);
    return 0;
}
