/* Sections in large pages, and the rights of section and process handles: every documented error. */
#include "errors.h"

typedef PVOID(WINAPI *MapViewOfFile3_t)(HANDLE, HANDLE, PVOID, ULONG64, SIZE_T, ULONG, ULONG, MEM_EXTENDED_PARAMETER *, ULONG);
typedef PVOID(WINAPI *MapViewOfFileNuma2_t)(HANDLE, HANDLE, ULONG64, PVOID, SIZE_T, ULONG, ULONG, ULONG);
typedef BOOL(WINAPI *UnmapViewOfFile2_t)(HANDLE, PVOID, ULONG);
typedef LONG(WINAPI *NtCreateSection_t)(HANDLE *, DWORD, void *, LARGE_INTEGER *, ULONG, ULONG, HANDLE);
typedef LONG(WINAPI *NtMapViewOfSection_t)(HANDLE, HANDLE, void **, ULONG_PTR, SIZE_T, LARGE_INTEGER *, SIZE_T *, ULONG, ULONG, ULONG);
typedef LONG(WINAPI *NtUnmapViewOfSection_t)(HANDLE, void *);
typedef LONG(WINAPI *NtUnmapViewOfSectionEx_t)(HANDLE, void *, ULONG);

static MapViewOfFile3_t map3;
static MapViewOfFileNuma2_t map2;
static UnmapViewOfFile2_t unmap2;
static NtCreateSection_t create;
static NtMapViewOfSection_t map;
static NtUnmapViewOfSection_t unmap;
static NtUnmapViewOfSectionEx_t unmapex;
static HANDLE self, powerless, operates, event;
static const HANDLE wrong = (HANDLE)0x1234;
enum { K64 = 65536, LARGE = 2 << 20 };

#ifndef SEC_LARGE_PAGES
#define SEC_LARGE_PAGES 0x80000000
#endif
#ifndef FILE_MAP_LARGE_PAGES
#define FILE_MAP_LARGE_PAGES 0x20000000
#endif
#define NONE INVALID_HANDLE_VALUE
#define SUCCESS 0
#define ACCESS_DENIED 0xC0000022
#define INVALID_HANDLE 0xC0000008
#define TYPE_MISMATCH 0xC0000024
#define PRIVILEGE_NOT_HELD 0xC0000061

static LONG nt_create(DWORD access, LONGLONG size, ULONG protect, ULONG attributes, HANDLE *made)
{
    LARGE_INTEGER bytes = {.QuadPart = size};
    return create(made, access, NULL, &bytes, protect, attributes, NULL);
}

static LONG nt_map(HANDLE section, HANDLE process, ULONG type, ULONG protect)
{
    void *base = NULL;
    SIZE_T size = 0;
    LONG status = map(section, process, &base, 0, 0, NULL, &size, 2, type, protect);
    if (status >= 0) unmap(self, base);
    return status;
}

static void large_pages(void)
{
    HANDLE section, plain, file, raw;
    void *view;
    char path[MAX_PATH];
    const DWORD both = PAGE_READWRITE | SEC_COMMIT | SEC_LARGE_PAGES;
    GetTempPathA(sizeof path, path);
    strcat(path, "sections.bin");
    file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);
    ROW(0, SetFilePointer(file, LARGE, NULL, FILE_BEGIN) && SetEndOfFile(file));
    ROW(ERROR_PRIVILEGE_NOT_HELD, CreateFileMappingA(NONE, NULL, both, 0, LARGE, NULL));
    RETURNS(PRIVILEGE_NOT_HELD, nt_create(SECTION_ALL_ACCESS, LARGE, PAGE_READWRITE, SEC_COMMIT | SEC_LARGE_PAGES, &raw));
    ROW(0, enable_privilege("SeLockMemoryPrivilege", TRUE));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingA(NONE, NULL, PAGE_READWRITE | SEC_LARGE_PAGES, 0, LARGE, NULL));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingA(NONE, NULL, PAGE_READWRITE | SEC_RESERVE | SEC_LARGE_PAGES, 0, LARGE, NULL));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingA(NONE, NULL, both, 0, K64, NULL));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingA(NONE, NULL, both, 0, 0, NULL));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingA(NONE, NULL, both, 0, LARGE + 4096, NULL));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingA(file, NULL, both, 0, 0, NULL));
    ROW(ERROR_INVALID_PARAMETER, CreateFileMappingA(file, NULL, PAGE_READONLY | SEC_IMAGE | SEC_LARGE_PAGES, 0, 0, NULL));
    ROW(0, section = CreateFileMappingA(NONE, NULL, both, 0, 2 * LARGE, NULL));
    ROW(0, plain = CreateFileMappingA(NONE, NULL, PAGE_READWRITE, 0, 2 * LARGE, NULL));
    RETURNS(SUCCESS, nt_create(SECTION_ALL_ACCESS, LARGE, PAGE_READWRITE, SEC_COMMIT | SEC_LARGE_PAGES, &raw));
    ROW(0, CloseHandle(raw));
    ROW(ERROR_INVALID_PARAMETER, MapViewOfFile(plain, FILE_MAP_READ | FILE_MAP_LARGE_PAGES, 0, 0, 0));
    ROW(ERROR_MAPPED_ALIGNMENT, MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_LARGE_PAGES, 0, K64, LARGE));
    ROW(ERROR_MAPPED_ALIGNMENT, MapViewOfFileEx(section, FILE_MAP_READ | FILE_MAP_LARGE_PAGES, 0, 0, LARGE, (void *)0x12350000));
    ROW(ERROR_ACCESS_DENIED, MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_LARGE_PAGES, 0, 0, K64));
    ROW(ERROR_ACCESS_DENIED, MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_LARGE_PAGES, 0, 0, 3 * LARGE));
    ROW(ERROR_INVALID_PARAMETER, MapViewOfFile(section, FILE_MAP_COPY | FILE_MAP_LARGE_PAGES, 0, 0, 0));
    ROW(0, view = MapViewOfFile(section, FILE_MAP_WRITE | FILE_MAP_LARGE_PAGES, 0, LARGE, LARGE));
    ROW(ERROR_INVALID_PARAMETER, VirtualFree(view, 0, MEM_RELEASE));
    ROW(0, UnmapViewOfFile(view));
    ROW(0, view = MapViewOfFileEx(section, FILE_MAP_WRITE | FILE_MAP_LARGE_PAGES, 0, 0, 0, (void *)0x40000000));
    ROW(0, UnmapViewOfFile(view));
    ROW(0, UnmapViewOfFile(MapViewOfFile(section, FILE_MAP_COPY, 0, 0, 0)));
    ROW(0, UnmapViewOfFile(MapViewOfFile(section, FILE_MAP_READ, 0, K64, K64)));
    if (map3) ROW(0, unmap2(self, map3(section, self, NULL, 0, 0, MEM_LARGE_PAGES, PAGE_READWRITE, NULL, 0), 0));
    ROW(0, CloseHandle(section) && CloseHandle(plain) && CloseHandle(file));
}

/* Which rights a section handle needs for a view of a protection. */
static void section_rights(void)
{
    static const struct {
        const char *name;
        DWORD access;
    } handles[] = {{"query", SECTION_QUERY},
                   {"read", SECTION_MAP_READ},
                   {"write", SECTION_MAP_WRITE},
                   {"read and write", SECTION_MAP_READ | SECTION_MAP_WRITE},
                   {"execute", SECTION_MAP_EXECUTE},
                   {"all", SECTION_ALL_ACCESS}};
    static const DWORD protections[] = {PAGE_NOACCESS,     PAGE_READONLY,          PAGE_WRITECOPY, PAGE_READWRITE,
                                        PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE};
    for (unsigned i = 0; i < sizeof handles / sizeof *handles; i++) {
        HANDLE section;
        nt_create(handles[i].access, K64, PAGE_EXECUTE_READWRITE, SEC_COMMIT, &section);
        printf("%-16s", handles[i].name);
        for (unsigned p = 0; p < sizeof protections / sizeof *protections; p++) {
            printf("  %02lx: %08lx", protections[p], (unsigned long)nt_map(section, self, 0, protections[p]));
        }
        printf("\n");
        CloseHandle(section);
    }
}

/* Mapping and unmapping in a process takes PROCESS_VM_OPERATION. */
static void process_rights(void)
{
    HANDLE section = CreateFileMappingA(NONE, NULL, PAGE_READWRITE, 0, K64, NULL);
    void *view = MapViewOfFile(section, FILE_MAP_READ, 0, 0, 0);
    RETURNS(SUCCESS, nt_map(section, self, 0, PAGE_READONLY));
    RETURNS(SUCCESS, nt_map(section, operates, 0, PAGE_READONLY));
    RETURNS(ACCESS_DENIED, nt_map(section, powerless, 0, PAGE_READONLY));
    RETURNS(INVALID_HANDLE, nt_map(section, wrong, 0, PAGE_READONLY));
    RETURNS(TYPE_MISMATCH, nt_map(section, event, 0, PAGE_READONLY));
    RETURNS(INVALID_HANDLE, nt_map(wrong, self, 0, PAGE_READONLY));
    RETURNS(TYPE_MISMATCH, nt_map(event, self, 0, PAGE_READONLY));
    RETURNS(ACCESS_DENIED, unmap(powerless, view));
    RETURNS(INVALID_HANDLE, unmap(wrong, view));
    RETURNS(TYPE_MISMATCH, unmap(event, view));
    if (unmapex) {
        RETURNS(ACCESS_DENIED, unmapex(powerless, view, 0));
        RETURNS(INVALID_HANDLE, unmapex(wrong, view, 0));
        RETURNS(TYPE_MISMATCH, unmapex(event, view, 0));
    }
    if (unmap2) {
        ROW(ERROR_ACCESS_DENIED, unmap2(powerless, view, 0));
        ROW(ERROR_INVALID_HANDLE, unmap2(wrong, view, 0));
        ROW(ERROR_INVALID_HANDLE, unmap2(event, view, 0));
    }
    if (map2) {
        ROW(ERROR_ACCESS_DENIED, map2(section, powerless, 0, NULL, 0, 0, PAGE_READONLY, -1));
        ROW(ERROR_INVALID_HANDLE, map2(section, wrong, 0, NULL, 0, 0, PAGE_READONLY, -1));
        ROW(ERROR_INVALID_HANDLE, map2(section, event, 0, NULL, 0, 0, PAGE_READONLY, -1));
        ROW(0, unmap2(operates, map2(section, operates, 0, NULL, 0, 0, PAGE_READONLY, -1), 0));
    }
    RETURNS(SUCCESS, unmap(operates, view));
    CloseHandle(section);
}

int main(void)
{
    map3 = OPTIONAL("kernelbase.dll", MapViewOfFile3);
    map2 = OPTIONAL("kernelbase.dll", MapViewOfFileNuma2);
    unmap2 = OPTIONAL("kernelbase.dll", UnmapViewOfFile2);
    create = OPTIONAL("ntdll.dll", NtCreateSection);
    map = OPTIONAL("ntdll.dll", NtMapViewOfSection);
    unmap = OPTIONAL("ntdll.dll", NtUnmapViewOfSection);
    unmapex = OPTIONAL("ntdll.dll", NtUnmapViewOfSectionEx);
    self = GetCurrentProcess();
    powerless = OpenProcess(SYNCHRONIZE, FALSE, GetCurrentProcessId());
    operates = OpenProcess(PROCESS_VM_OPERATION, FALSE, GetCurrentProcessId());
    event = CreateEventA(NULL, TRUE, FALSE, NULL);
    large_pages();
    section_rights();
    process_rights();
    return errors_end();
}
