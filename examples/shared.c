// Shared memory with a name: two views in one process, a counter in two processes, and pages committed later.
#include <stdio.h>
#include <string.h>
#include <windows.h>

static const char *name = "Local\\VadoseExampleShared";

struct shared {
    volatile LONG count;
    char text[100];
};

static int child(void) {
    HANDLE mapping = OpenFileMappingA(FILE_MAP_WRITE, FALSE, name);
    if (!mapping) {
        printf("child: no mapping, error %lu\n", GetLastError());
        return 1;
    }
    struct shared *shared = MapViewOfFile(mapping, FILE_MAP_WRITE, 0, 0, 0);
    printf("child sees \"%s\", count %ld\n", shared->text, shared->count);
    fflush(stdout);
    for (int i = 0; i < 1000; i++) InterlockedIncrement(&shared->count);
    strcpy(shared->text, "from the child");
    return 0;
}

static void open_again(const char *what) {
    HANDLE other = OpenFileMappingA(FILE_MAP_READ, FALSE, name);
    printf("%s: open %d error %lu\n", what, other != NULL, other ? 0 : GetLastError());
    if (other) CloseHandle(other);
}

static void commit_later(void) {
    HANDLE mapping = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE | SEC_RESERVE, 0, 0x40000, NULL);
    char *one = MapViewOfFile(mapping, FILE_MAP_WRITE, 0, 0, 0);
    char *two = MapViewOfFile(mapping, FILE_MAP_WRITE, 0, 0, 0);
    MEMORY_BASIC_INFORMATION info;
    VirtualQuery(one, &info, sizeof info);
    printf("reserved: size %#lx state %#lx protect %#lx of %#lx type %#lx\n", (unsigned long) info.RegionSize, info.State,
           info.Protect, info.AllocationProtect, info.Type);
    VirtualAlloc(one + 0x10000, 0x8000, MEM_COMMIT, PAGE_READWRITE);
    VirtualQuery(two + 0x10000, &info, sizeof info);
    printf("committed in the other view: size %#lx state %#lx protect %#lx type %#lx\n", (unsigned long) info.RegionSize,
           info.State, info.Protect, info.Type);
    strcpy(one + 0x17ff0, "late");
    printf("seen there: %s\n", two + 0x17ff0);
    UnmapViewOfFile(one);
    UnmapViewOfFile(two);
    CloseHandle(mapping);
}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "child")) return child();

    open_again("before");
    HANDLE mapping = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, sizeof(struct shared), name);
    printf("created, error %lu\n", GetLastError());
    HANDLE same = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 123456, name);
    printf("created again: %d error %lu\n", same != NULL, GetLastError());
    struct shared *one = MapViewOfFile(mapping, FILE_MAP_WRITE, 0, 0, 0);
    const struct shared *two = MapViewOfFile(same, FILE_MAP_READ, 0, 0, 0);
    CloseHandle(same);
    strcpy(one->text, "from the parent");
    printf("two views, %s one address: \"%s\"\n", one == two ? "at" : "not at", two->text);

    char line[MAX_PATH + 20];
    STARTUPINFOA startup = {.cb = sizeof startup};
    PROCESS_INFORMATION made;
    char path[MAX_PATH];
    GetModuleFileNameA(NULL, path, sizeof path);
    sprintf(line, "\"%s\" child", path);
    for (int i = 0; i < 2; i++) {
        fflush(stdout);
        if (!CreateProcessA(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &made)) {
            printf("no child, error %lu\n", GetLastError());
            return 1;
        }
        WaitForSingleObject(made.hProcess, INFINITE);
        CloseHandle(made.hThread);
        CloseHandle(made.hProcess);
    }
    printf("count %ld, \"%s\"\n", two->count, two->text);

    printf("view larger than the section: %d", MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0x2000) != NULL);
    printf(" error %lu\n", GetLastError());
    printf("view at an odd offset: %d", MapViewOfFile(mapping, FILE_MAP_READ, 0, 0x1000, 0) != NULL);
    printf(" error %lu\n", GetLastError());
    printf("unmap elsewhere: %d", UnmapViewOfFile(line));
    printf(" error %lu\n", GetLastError());
    CloseHandle(mapping);
    UnmapViewOfFile(one);
    UnmapViewOfFile((void *) two);
    open_again("after");
    commit_later();
    return 0;
}
