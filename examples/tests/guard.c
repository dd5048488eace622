/* Control flow guard as a program sees it that makes code at run time. Recorded as guarded.txt, for a copy of the program whose
   header says that it was built for control flow guard (mingw-w64 cannot build one): then the system keeps a bitmap for it. The
   answers are those of Windows' documentation; Wine has no bitmap. */
#include <stdio.h>
#include <windows.h>

#ifndef PAGE_TARGETS_INVALID
#define PAGE_TARGETS_INVALID 0x40000000
#define PAGE_TARGETS_NO_UPDATE 0x40000000
#endif

typedef struct {
    ULONG_PTR Offset, Flags;
} TARGET;
typedef BOOL(WINAPI *set_targets)(HANDLE, PVOID, SIZE_T, ULONG, TARGET *);
typedef BOOL(WINAPI *set_view_targets)(HANDLE, PVOID, SIZE_T, ULONG, TARGET *, HANDLE, ULONG64);
typedef BOOL(WINAPI *get_policy)(HANDLE, int, PVOID, SIZE_T);
typedef BOOL(WINAPI *set_policy)(int, PVOID, SIZE_T);

static const unsigned char *block;

/* The two bits of an address's 16 bytes. */
static int bits(const void *p)
{
    ULONG_PTR a = (ULONG_PTR)p;
    const ULONG_PTR *bitmap = *(const ULONG_PTR **)(block + 0xB8);
    return bitmap ? (int)(bitmap[a >> 9] >> (a >> 3 & 62) & 3) : -1;
}

static void set(set_targets function, void *at, SIZE_T size, ULONG_PTR offset, ULONG_PTR flags)
{
    TARGET t = {offset, flags};
    SetLastError(0);
    BOOL done = function(GetCurrentProcess(), at, size, 1, &t);
    printf("set offset %llX to %llX: %d error %lu, flags %llX\n", offset, flags, done, GetLastError(), t.Flags);
}

int main(void)
{
    HMODULE kernel32 = GetModuleHandleA("kernel32.dll");
    block = (void *)GetProcAddress(GetModuleHandleA("ntdll.dll"), "LdrSystemDllInitBlock");
    set_targets targets = (set_targets)(void *)GetProcAddress(kernel32, "SetProcessValidCallTargets");
    get_policy get = (get_policy)(void *)GetProcAddress(kernel32, "GetProcessMitigationPolicy");
    set_policy put = (set_policy)(void *)GetProcAddress(kernel32, "SetProcessMitigationPolicy");
    DWORD policy = 0;
    printf("policy: %d", get(GetCurrentProcess(), 7, &policy, sizeof policy));
    printf(" %lX\n", policy);
    printf("the program's code %d, its data %d\n", bits((void *)main), bits(&block));

    char *code = VirtualAlloc(NULL, 0x4000, MEM_RESERVE | MEM_COMMIT, PAGE_EXECUTE_READWRITE);
    printf("committed as executable: %d %d\n", bits(code), bits(code + 0x3FF0));
    DWORD old;
    char *data = VirtualAlloc(NULL, 0x4000, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    printf("as data: %d\n", bits(data));
    VirtualProtect(data, 0x1000, PAGE_EXECUTE_READ, &old);
    VirtualProtect(data + 0x1000, 0x1000, PAGE_EXECUTE_READ | PAGE_TARGETS_NO_UPDATE, &old);
    printf("made executable: %d, without update: %d\n", bits(data), bits(data + 0x1000));

    char *closed = VirtualAlloc(NULL, 0x4000, MEM_RESERVE | MEM_COMMIT, PAGE_EXECUTE_READ | PAGE_TARGETS_INVALID);
    printf("committed without targets: %d\n", bits(closed));
    set(targets, closed, 0x4000, 0x120, 1);
    printf("now: %d, beside it %d\n", bits(closed + 0x120), bits(closed + 0x130));
    set(targets, closed, 0x4000, 0x120, 0);
    printf("now: %d\n", bits(closed + 0x120));
    set(targets, closed, 0x4000, 0x128, 1);
    set(targets, closed, 0x4000, 0x4000, 1);
    set(targets, closed + 0x10, 0x1000, 0, 1);
    set(targets, data + 0x2000, 0x1000, 0, 1);
    SetLastError(0);
    printf("data without targets: %p", VirtualAlloc(NULL, 0x1000, MEM_COMMIT, PAGE_READWRITE | PAGE_TARGETS_INVALID));
    printf(" error %lu\n", GetLastError());
    VirtualFree(code, 0, MEM_RELEASE);
    printf("freed: %d\n", bits(code));

    HANDLE section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_EXECUTE_READWRITE, 0, 0x2000, NULL);
    char *view = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    char *executable = MapViewOfFile(section, FILE_MAP_WRITE | FILE_MAP_EXECUTE, 0, 0, 0);
    printf("a view: %d, an executable one: %d\n", bits(view), bits(executable));
    TARGET both[] = {{0x10, 0}, {0x1000, 0}};
    set_view_targets view_targets = (set_view_targets)(void *)GetProcAddress(kernel32, "SetProcessValidCallTargetsForMappedView");
    SetLastError(0);
    BOOL done = view_targets(GetCurrentProcess(), executable, 0x2000, 2, both, section, 0);
    printf("two cleared: %d error %lu, %d %d %d\n", done, GetLastError(), bits(executable), bits(executable + 0x10),
           bits(executable + 0x1000));
    set(targets, executable, 0x2000, 0, 1);
    UnmapViewOfFile(executable);
    printf("unmapped: %d\n", bits(executable));

    MEMORY_BASIC_INFORMATION info;
    void *bitmap = *(void **)(block + 0xB8);
    VirtualQuery(bitmap, &info, sizeof info);
    printf("bitmap: of %llX bytes, protect %lX\n", *(ULONG_PTR *)(block + 0xC0), info.AllocationProtect);
    SetLastError(0);
    printf("free it: %d", VirtualFree(bitmap, 0, MEM_RELEASE));
    printf(" error %lu\n", GetLastError());
    policy = 0;
    SetLastError(0);
    printf("switch it off: %d", put(7, &policy, sizeof policy));
    printf(" error %lu\n", GetLastError());
    policy = 5;
    SetLastError(0);
    printf("make it strict: %d", put(7, &policy, sizeof policy));
    printf(" error %lu\n", GetLastError());
    get(GetCurrentProcess(), 7, &policy, sizeof policy);
    printf("policy: %lX\n", policy);
    return 0;
}
