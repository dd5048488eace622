// One file through many doors: small writes, large reads, two handles, a view, past the cache and with write-through.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define RECORDS 20000
#define LINE 37

static const char *name = "cached.tmp";

static HANDLE open_file(DWORD creation, DWORD flags) {
    return CreateFileA(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, creation, flags, NULL);
}

static unsigned sum(const unsigned char *bytes, size_t count) {
    unsigned hash = 2166136261u;
    for (size_t i = 0; i < count; i++) {
        hash = (hash ^ bytes[i]) * 16777619u;
    }
    return hash;
}

static BOOL write_at(HANDLE file, DWORD offset, const void *bytes, DWORD count) {
    DWORD done = 0;
    SetFilePointer(file, offset, NULL, FILE_BEGIN);
    return WriteFile(file, bytes, count, &done, NULL) && done == count;
}

static DWORD read_at(HANDLE file, DWORD offset, void *bytes, DWORD count) {
    DWORD done = 0;
    SetFilePointer(file, offset, NULL, FILE_BEGIN);
    return ReadFile(file, bytes, count, &done, NULL) ? done : (DWORD) -1;
}

int main(void) {
    HANDLE file = open_file(CREATE_ALWAYS, 0);
    char line[LINE + 1];
    DWORD done;
    for (int i = 0; i < RECORDS; i++) {
        snprintf(line, sizeof line, "record %05d of twenty thousand ......\n", i);
        WriteFile(file, line, LINE, &done, NULL);
    }
    DWORD size = GetFileSize(file, NULL);
    printf("written %lu bytes in %d writes\n", size, RECORDS);

    // Read with another handle, in pieces that fit neither pages nor views.
    HANDLE reader = open_file(OPEN_EXISTING, FILE_FLAG_SEQUENTIAL_SCAN);
    unsigned char *all = malloc(size + 10000);
    DWORD got = 0;
    while (ReadFile(reader, all + got, 9973, &done, NULL) && done != 0) {
        got += done;
    }
    printf("read    %lu bytes, sum %08x, record 12345 %.12s\n", got, sum(all, got), all + 12345 * LINE);

    // A view of the middle, 256 KB and more into the file.
    HANDLE mapping = CreateFileMappingA(file, NULL, PAGE_READWRITE, 0, 0, NULL);
    unsigned char *view = MapViewOfFile(mapping, FILE_MAP_WRITE, 0, 0x40000, 0);
    printf("view is the file: %d\n", memcmp(view, all + 0x40000, size - 0x40000) == 0);
    memset(view + 5000, '#', 3000);
    read_at(reader, 0x40000 + 4990, all, 3020);
    printf("view to read: %.10s%.3s .. %.3s%.10s\n", all, all + 10, all + 3007, all + 3010);
    write_at(file, 0x40000 + 6000, "<written>", 9);
    printf("write to view: %.13s\n", view + 5998);
    printf("flush %d %d\n", FlushFileBuffers(file), FlushViewOfFile(view, 0));

    // Past the cache: whole sectors; what others see changes at once.
    HANDLE direct = open_file(OPEN_EXISTING, FILE_FLAG_NO_BUFFERING);
    unsigned char *sector = VirtualAlloc(NULL, 4096, MEM_COMMIT, PAGE_READWRITE);
    done = read_at(direct, 0x41000, sector, 4096);
    printf("direct read %lu: %.9s\n", done, sector + 0x40000 + 6000 - 0x41000);
    memset(sector, 'd', 4096);
    BOOL written = write_at(direct, 0x41000, sector, 4096);
    done = read_at(reader, 0x41000 + 77, line, 1);
    printf("direct write %d, in the view %c, read %lu %c\n", written, view[0x1000 + 77], done, line[0]);
    HANDLE through = open_file(OPEN_EXISTING, FILE_FLAG_WRITE_THROUGH);
    written = write_at(through, 0x41100, "INK!!", 5);
    printf("write-through %d, in the view %.5s\n", written, view + 0x1100);

    // The file grows by a write behind its end and is cut again.
    SetFilePointer(file, 100, NULL, FILE_BEGIN);
    printf("cut while mapped %d", SetEndOfFile(file));
    printf(" error %lu\n", GetLastError());
    UnmapViewOfFile(view);
    CloseHandle(mapping);
    write_at(file, 1500000, "end", 3);
    read_at(reader, 1000000, line, 1);
    printf("grown to %lu, between %d", GetFileSize(reader, NULL), line[0]);
    read_at(reader, 1500000, line, 3);
    printf(" end %.3s\n", line);
    SetFilePointer(file, 300000, NULL, FILE_BEGIN);
    printf("cut %d", SetEndOfFile(file));
    printf(" to %lu, read behind %lu\n", GetFileSize(reader, NULL), read_at(reader, 299990, line, 30));
    write_at(file, 300100, "x", 1);
    read_at(reader, 300000, line, 30);
    printf("grown again, zeros %d %d\n", line[0], line[29]);

    CloseHandle(through);
    CloseHandle(direct);
    CloseHandle(reader);
    CloseHandle(file);
    file = open_file(OPEN_EXISTING, FILE_FLAG_DELETE_ON_CLOSE);
    size = GetFileSize(file, NULL);
    read_at(file, 0, all, size);
    printf("opened again %lu, sum %08x\n", size, sum(all, size));
    write_at(file, 0, "gone", 4);
    CloseHandle(file);
    file = open_file(OPEN_EXISTING, 0);
    printf("deleted %d error %lu\n", file == INVALID_HANDLE_VALUE, GetLastError());
    return 0;
}
