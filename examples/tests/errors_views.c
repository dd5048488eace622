/* File mappings and views: every documented error. */
#include "errors.h"

IMPORT(MapViewOfFile3);
IMPORT(MapViewOfFile3FromApp);
IMPORT(VirtualAlloc2);
IMPORT(UnmapViewOfFile2);
#define MapViewOfFile3 MapViewOfFile3_
#define MapViewOfFile3FromApp MapViewOfFile3FromApp_
#define VirtualAlloc2 VirtualAlloc2_
#define UnmapViewOfFile2 UnmapViewOfFile2_

static HANDLE self, powerless, event, section, file, readable, readonly_section, image_file, image;
static const HANDLE wrong = (HANDLE)0x1234;
enum { K64 = 65536 };

#ifndef MEM_REPLACE_PLACEHOLDER
#define MEM_REPLACE_PLACEHOLDER 0x4000
#define MEM_RESERVE_PLACEHOLDER 0x40000
#define MEM_COALESCE_PLACEHOLDERS 1
#define MEM_PRESERVE_PLACEHOLDER 2
#endif
#ifndef SEC_LARGE_PAGES
#define SEC_LARGE_PAGES 0x80000000
#endif

static void creating(void)
{
    char path[MAX_PATH], self_path[MAX_PATH];
    GetTempPathA(sizeof path, path);
    strcat(path, "views.bin");
    file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, CREATE_ALWAYS, 0, NULL);
    readable = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    GetModuleFileNameA(NULL, self_path, sizeof self_path);
    image_file = CreateFileA(self_path, GENERIC_READ | GENERIC_EXECUTE, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    const HANDLE none = INVALID_HANDLE_VALUE;
    ROW(ERROR_FILE_INVALID, CreateFileMappingA(file, NULL, PAGE_READWRITE, 0, 0, NULL));
    ROW(0, SetFilePointer(file, 4 * K64, NULL, FILE_BEGIN) && SetEndOfFile(file));
    ROW(0, section = CreateFileMappingA(none, NULL, PAGE_READWRITE, 0, 4 * K64, NULL));
    ROW(0, readonly_section = CreateFileMappingA(readable, NULL, PAGE_READONLY, 0, 0, NULL));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingA(none, NULL, PAGE_READWRITE, 0, 0, NULL));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingA(none, NULL, 0, 0, K64, NULL));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingA(none, NULL, PAGE_NOACCESS, 0, K64, NULL));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingA(none, NULL, PAGE_READWRITE | PAGE_READONLY, 0, K64, NULL));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingA(none, NULL, PAGE_READWRITE | SEC_COMMIT | SEC_RESERVE, 0, K64, NULL));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingA(none, NULL, PAGE_READWRITE | SEC_NOCACHE, 0, K64, NULL));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingA(none, NULL, PAGE_READWRITE | SEC_WRITECOMBINE, 0, K64, NULL));
    ROW(0, CreateFileMappingA(none, NULL, PAGE_READWRITE | SEC_COMMIT | SEC_NOCACHE, 0, K64, NULL));
    ROW(0, CreateFileMappingA(none, NULL, PAGE_READWRITE | SEC_COMMIT | SEC_WRITECOMBINE, 0, K64, NULL));
    ROW(0, CreateFileMappingA(none, NULL, PAGE_READWRITE | SEC_RESERVE, 0, K64, NULL));
    ROW(ERROR_BAD_EXE_FORMAT, CreateFileMappingA(none, NULL, PAGE_READONLY | SEC_IMAGE, 0, K64, NULL));
    ROW(ERROR_BAD_EXE_FORMAT, CreateFileMappingA(readable, NULL, PAGE_READONLY | SEC_IMAGE, 0, 0, NULL));
    ROW(0, image = CreateFileMappingA(image_file, NULL, PAGE_READONLY | SEC_IMAGE, 0, 0, NULL));
    ROW(0, CreateFileMappingA(image_file, NULL, PAGE_READONLY | SEC_IMAGE_NO_EXECUTE, 0, 0, NULL));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingA(image_file, NULL, PAGE_READONLY | SEC_IMAGE | SEC_COMMIT, 0, 0, NULL));
    ROW(ERROR_PRIVILEGE_NOT_HELD, CreateFileMappingA(none, NULL, PAGE_READWRITE | SEC_COMMIT | SEC_LARGE_PAGES, 0, 2 << 20, NULL));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingA(none, NULL, PAGE_READWRITE | SEC_LARGE_PAGES, 0, 2 << 20, NULL));
    ROW(ERROR_ACCESS_DENIED, CreateFileMappingA(readable, NULL, PAGE_READWRITE, 0, 0, NULL));
    ROW(ERROR_NOT_ENOUGH_MEMORY, CreateFileMappingA(readable, NULL, PAGE_READONLY, 0, 5 * K64, NULL));
    ROW(ERROR_INVALID_HANDLE, CreateFileMappingA(wrong, NULL, PAGE_READWRITE, 0, 0, NULL));
    ROW(ERROR_INVALID_HANDLE, CreateFileMappingA(event, NULL, PAGE_READWRITE, 0, 0, NULL));
    ROW(ERROR_INVALID_HANDLE, CreateFileMappingA(none, NULL, PAGE_READWRITE, 0, K64, "views-event"));
    ROW(ERROR_PATH_NOT_FOUND, CreateFileMappingA(none, NULL, PAGE_READWRITE, 0, K64, "no\\such"));
    ROW(0, CreateFileMappingA(none, NULL, PAGE_READWRITE, 0, K64, "views"));
    ROW(0, CreateFileMappingA(none, NULL, PAGE_READWRITE, 0, K64, "views"));
    printf("the second: %lu\n", GetLastError());
    ROW(0, OpenFileMappingA(FILE_MAP_READ, FALSE, "views"));
    ROW(ERROR_FILE_NOT_FOUND, OpenFileMappingA(FILE_MAP_READ, FALSE, "nothing"));
    ROW(ERROR_INVALID_HANDLE, OpenFileMappingA(FILE_MAP_READ, FALSE, "views-event"));
    ROW(ERROR_INVALID_PARAMETER, OpenFileMappingA(FILE_MAP_READ, FALSE, NULL));
}

static void views(void)
{
    char *view;
    ROW(0, view = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0));
    ROW(0, FlushViewOfFile(view, 0));
    ROW(0, FlushViewOfFile(view + 5000, 100));
    ROW(ERROR_INVALID_ADDRESS, FlushViewOfFile(view, 8 * K64));
    ROW(ERROR_INVALID_ADDRESS, FlushViewOfFile((void *)0x10000, 0));
    ROW(0, UnmapViewOfFile(view + 5000));
    ROW(ERROR_INVALID_ADDRESS, UnmapViewOfFile(view));
    ROW(ERROR_INVALID_ADDRESS, UnmapViewOfFile(NULL));
    ROW(ERROR_INVALID_ADDRESS, UnmapViewOfFile((void *)0xFFFF800000000000));
    ROW(ERROR_INVALID_HANDLE, MapViewOfFile(wrong, FILE_MAP_READ, 0, 0, 0));
    ROW(ERROR_INVALID_HANDLE, MapViewOfFile(event, FILE_MAP_READ, 0, 0, 0));
    ROW(ERROR_MAPPED_ALIGNMENT, MapViewOfFile(section, FILE_MAP_READ, 0, 4096, 0));
    ROW(ERROR_ACCESS_DENIED, MapViewOfFile(section, FILE_MAP_READ, 0, 4 * K64, 0));
    ROW(ERROR_ACCESS_DENIED, MapViewOfFile(section, FILE_MAP_READ, 0, 0, 5 * K64));
    ROW(ERROR_ACCESS_DENIED, MapViewOfFile(readonly_section, FILE_MAP_WRITE, 0, 0, 0));
    ROW(0, UnmapViewOfFile(MapViewOfFile(readonly_section, FILE_MAP_COPY, 0, 0, 0)));
    ROW(0, UnmapViewOfFile(MapViewOfFile(readonly_section, FILE_MAP_READ, 0, 0, 0)));
    ROW(ERROR_ACCESS_DENIED, MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_EXECUTE, 0, 0, 0));
    ROW(ERROR_INVALID_ADDRESS, MapViewOfFileEx(section, FILE_MAP_READ, 0, 0, 0, GetModuleHandleA(NULL)));
    ROW(ERROR_MAPPED_ALIGNMENT, MapViewOfFileEx(section, FILE_MAP_READ, 0, 0, 0, (void *)0x12345000));
    ROW(ERROR_INVALID_PARAMETER, MapViewOfFileEx(section, FILE_MAP_READ, 0, 0, 0, (void *)0x7FFFFFFF0000));
    ROW(ERROR_INVALID_PARAMETER, MapViewOfFileExNuma(section, FILE_MAP_READ, 0, 0, 0, NULL, 99));
}

static void extended(void)
{
    char *at;
    MEM_EXTENDED_PARAMETER p = {0}, two[2];
    MEM_ADDRESS_REQUIREMENTS low = {.HighestEndingAddress = (void *)0x7FFFFFFF}, none = {0},
                             odd = {.Alignment = 3 * K64}, fine = {.Alignment = 4096},
                             start = {.LowestStartingAddress = (void *)0x11000}, end = {.HighestEndingAddress = (void *)0x7FFF8000};
    p.Type = MemExtendedParameterAddressRequirements;
    p.Pointer = &low;
    ROW(0, at = MapViewOfFile3(section, self, NULL, 0, 0, 0, PAGE_READWRITE, &p, 1));
    printf("below 2 GB: %d\n", (ULONG_PTR)at < 0x80000000);
    ROW(0, UnmapViewOfFile2(self, at, 0));
    ROW(0, at = VirtualAlloc2(self, NULL, K64, MEM_RESERVE, PAGE_READWRITE, &p, 1));
    printf("below 2 GB: %d\n", (ULONG_PTR)at < 0x80000000);
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc2(self, at + K64, K64, MEM_RESERVE, PAGE_READWRITE, &p, 1));
    ROW(ERROR_INVALID_PARAMETER, MapViewOfFile3(section, self, at, 0, 0, 0, PAGE_READWRITE, &p, 1));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc2(self, NULL, K64, MEM_RESERVE, PAGE_READWRITE, NULL, 1));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc2(self, NULL, K64, MEM_RESERVE, PAGE_READWRITE, &p, 0));
    p.Pointer = &none;
    ROW(0, VirtualAlloc2(self, NULL, K64, MEM_RESERVE, PAGE_READWRITE, &p, 1));
    p.Pointer = &odd;
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc2(self, NULL, K64, MEM_RESERVE, PAGE_READWRITE, &p, 1));
    p.Pointer = &fine;
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc2(self, NULL, K64, MEM_RESERVE, PAGE_READWRITE, &p, 1));
    p.Pointer = &start;
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc2(self, NULL, K64, MEM_RESERVE, PAGE_READWRITE, &p, 1));
    p.Pointer = &end;
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc2(self, NULL, K64, MEM_RESERVE, PAGE_READWRITE, &p, 1));
    p.Pointer = (void *)16;
    ROW(ERROR_NOACCESS, VirtualAlloc2(self, NULL, K64, MEM_RESERVE, PAGE_READWRITE, &p, 1));
    two[0] = two[1] = p;
    two[0].Pointer = two[1].Pointer = &low;
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc2(self, NULL, K64, MEM_RESERVE, PAGE_READWRITE, two, 2));
    for (int type = 0; type < 10; type += type ? 5 : 1) {
        if (type == 1) continue;
        p.Type = type;
        p.ULong64 = 0;
        ROW(ERROR_INVALID_PARAMETER, VirtualAlloc2(self, NULL, K64, MEM_RESERVE, PAGE_READWRITE, &p, 1));
    }
    p.Type = 0;
    ROW(ERROR_INVALID_PARAMETER, MapViewOfFile3(section, self, NULL, 0, 0, 0, PAGE_READWRITE, &p, 1));
    p.Type = MemExtendedParameterNumaNode;
    p.ULong64 = 0;
    ROW(0, VirtualAlloc2(self, NULL, K64, MEM_RESERVE, PAGE_READWRITE, &p, 1));
    p.ULong64 = 99;
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc2(self, NULL, K64, MEM_RESERVE, PAGE_READWRITE, &p, 1));
    p.Type = MemExtendedParameterPartitionHandle;
    p.Handle = (HANDLE)-2;
    ROW(0, VirtualAlloc2(self, NULL, K64, MEM_RESERVE, PAGE_READWRITE, &p, 1));
    p.Handle = wrong;
    ROW(ERROR_INVALID_HANDLE, VirtualAlloc2(self, NULL, K64, MEM_RESERVE, PAGE_READWRITE, &p, 1));
    p.Handle = event;
    ROW(ERROR_INVALID_HANDLE, VirtualAlloc2(self, NULL, K64, MEM_RESERVE, PAGE_READWRITE, &p, 1));
    p.Type = MemExtendedParameterUserPhysicalHandle;
    ROW(ERROR_INVALID_HANDLE, VirtualAlloc2(self, NULL, K64, MEM_RESERVE | MEM_PHYSICAL, PAGE_READWRITE, &p, 1));
    p.Type = MemExtendedParameterAttributeFlags;
    p.ULong64 = 1; /* graphics */
    ROW(0, VirtualAlloc2(self, NULL, K64, MEM_RESERVE, PAGE_READWRITE, &p, 1));
    p.ULong64 = 8; /* large pages that are never paged */
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc2(self, NULL, K64, MEM_RESERVE, PAGE_READWRITE, &p, 1));
    ROW(ERROR_PRIVILEGE_NOT_HELD, VirtualAlloc2(self, NULL, 2 << 20, MEM_RESERVE | MEM_COMMIT | MEM_LARGE_PAGES, PAGE_READWRITE, &p, 1));
    p.ULong64 = 16; /* huge pages */
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc2(self, NULL, 2 << 20, MEM_RESERVE | MEM_COMMIT | MEM_LARGE_PAGES, PAGE_READWRITE, &p, 1));
    ROW(ERROR_PRIVILEGE_NOT_HELD, VirtualAlloc2(self, NULL, 1 << 30, MEM_RESERVE | MEM_COMMIT | MEM_LARGE_PAGES, PAGE_READWRITE, &p, 1));
    p.ULong64 = 0x40; /* code of another processor */
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc2(self, NULL, K64, MEM_RESERVE, PAGE_EXECUTE_READWRITE, &p, 1));
    ROW(ERROR_INVALID_HANDLE, MapViewOfFile3(section, wrong, NULL, 0, 0, 0, PAGE_READWRITE, NULL, 0));
    ROW(ERROR_ACCESS_DENIED, MapViewOfFile3(section, powerless, NULL, 0, 0, 0, PAGE_READWRITE, NULL, 0));
    ROW(ERROR_INVALID_PARAMETER, MapViewOfFile3(section, self, NULL, 0, 0, 0, 0, NULL, 0));
    ROW(ERROR_INVALID_PARAMETER, MapViewOfFile3(section, self, NULL, 0, 0, MEM_COMMIT, PAGE_READWRITE, NULL, 0));
    ROW(ERROR_INVALID_PARAMETER, MapViewOfFile3(section, self, NULL, 0, 0, MEM_REPLACE_PLACEHOLDER, PAGE_READWRITE, NULL, 0));
    ROW(ERROR_INVALID_PARAMETER, MapViewOfFile3FromApp(section, self, NULL, 0, 0, 0, PAGE_EXECUTE_READ, NULL, 0));
}

static void placeholders(void)
{
    char *place, *plain;
    const DWORD keep = MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER;
    ROW(0, place = VirtualAlloc2(self, NULL, 4 * K64, MEM_RESERVE | MEM_RESERVE_PLACEHOLDER, PAGE_NOACCESS, NULL, 0));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc2(self, NULL, K64, MEM_RESERVE | MEM_RESERVE_PLACEHOLDER, PAGE_READWRITE, NULL, 0));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc2(self, NULL, K64, MEM_RESERVE_PLACEHOLDER, PAGE_NOACCESS, NULL, 0));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc2(self, NULL, K64 + 1, MEM_RESERVE | MEM_RESERVE_PLACEHOLDER, PAGE_NOACCESS, NULL, 0));
    ROW(ERROR_INVALID_ADDRESS, MapViewOfFile3(section, self, place, 0, K64, MEM_REPLACE_PLACEHOLDER, PAGE_READWRITE, NULL, 0));
    ROW(ERROR_INVALID_ADDRESS, MapViewOfFile3(section, self, place, 0, 4 * K64, 0, PAGE_READWRITE, NULL, 0));
    ROW(0, VirtualFree(place, 4096, keep));
    ROW(ERROR_INVALID_ADDRESS, VirtualFree(place, 4096, keep));
    ROW(ERROR_INVALID_PARAMETER, MapViewOfFile3(section, self, place, 0, 4096, MEM_REPLACE_PLACEHOLDER | MEM_RESERVE, PAGE_READWRITE, NULL, 0));
    ROW(ERROR_INVALID_PARAMETER, MapViewOfFile3(image, self, place, 0, 4096, MEM_REPLACE_PLACEHOLDER, PAGE_READONLY, NULL, 0));
    /* Neither the place nor the offset is a multiple of 64 KB. */
    ROW(ERROR_MAPPED_ALIGNMENT, MapViewOfFile3(section, self, place, 100, 4096, MEM_REPLACE_PLACEHOLDER, PAGE_READWRITE, NULL, 0));
    ROW(0, MapViewOfFile3(section, self, place, 4096, 4096, MEM_REPLACE_PLACEHOLDER, PAGE_READWRITE, NULL, 0));
    ROW(0, MapViewOfFile3(section, self, place + 4096, 0, 4 * K64 - 4096, MEM_REPLACE_PLACEHOLDER, PAGE_READWRITE, NULL, 0));
    strcpy(place, "written here");
    printf("seen there: %s\n", place + 2 * 4096);
    ROW(ERROR_INVALID_ADDRESS, VirtualFree(place, 4096, keep));
    ROW(ERROR_INVALID_PARAMETER, VirtualFree(place, 4096, MEM_RELEASE));
    ROW(ERROR_INVALID_PARAMETER, UnmapViewOfFile2(self, place, 4));
    ROW(ERROR_INVALID_HANDLE, UnmapViewOfFile2(wrong, place, 0));
    ROW(0, UnmapViewOfFile2(self, place, MEM_PRESERVE_PLACEHOLDER));
    ROW(ERROR_INVALID_ADDRESS, UnmapViewOfFile2(self, place, MEM_PRESERVE_PLACEHOLDER));
    ROW(ERROR_INVALID_ADDRESS, VirtualFree(place, 4 * K64, MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS));
    ROW(0, UnmapViewOfFile2(self, place + 8192, MEM_PRESERVE_PLACEHOLDER));
    ROW(0, VirtualFree(place, 4 * K64, MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS));
    ROW(ERROR_INVALID_ADDRESS, VirtualFree(place, 4 * K64, MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS));
    ROW(0, MapViewOfFile3(section, self, place, 0, 4 * K64, MEM_REPLACE_PLACEHOLDER, PAGE_READWRITE, NULL, 0));
    ROW(0, UnmapViewOfFile(place));
    ROW(0, plain = MapViewOfFile3(section, self, NULL, 0, 0, 0, PAGE_READWRITE, NULL, 0));
    ROW(ERROR_INVALID_ADDRESS, UnmapViewOfFile2(self, plain, MEM_PRESERVE_PLACEHOLDER));
    ROW(0, UnmapViewOfFile2(self, plain, 0));
}

int main(void)
{
    LOAD(MapViewOfFile3);
    LOAD(MapViewOfFile3FromApp);
    LOAD(VirtualAlloc2);
    LOAD(UnmapViewOfFile2);
    self = GetCurrentProcess();
    powerless = OpenProcess(SYNCHRONIZE, FALSE, GetCurrentProcessId());
    event = CreateEventA(NULL, TRUE, FALSE, "views-event");
    creating();
    views();
    extended();
    placeholders();
    return errors_end();
}
