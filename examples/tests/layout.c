/* Where an address space ends, and what lies beyond it. */
#include <stdio.h>
#include <windows.h>

static volatile ULONG_PTR operation, address;
static volatile DWORD raised;

/* Every load below is "mov al,[rcx]; ret". */
static LONG CALLBACK handler(EXCEPTION_POINTERS *e)
{
    raised = e->ExceptionRecord->ExceptionCode;
    operation = e->ExceptionRecord->ExceptionInformation[0];
    address = e->ExceptionRecord->ExceptionInformation[1];
    e->ContextRecord->Rip += 2;
    return EXCEPTION_CONTINUE_EXECUTION;
}

static int (*load)(ULONG_PTR);

static void probe(const char *what, ULONG_PTR at)
{
    raised = 0;
    load(at);
    printf("%s: %08lX", what, raised);
    if (raised)
        printf(" operation %d address %s", (int)operation,
               address == at ? "as used" : address == ~(ULONG_PTR)0 ? "unknown" : "other");
    printf("\n");
}

int main(void)
{
    SYSTEM_INFO s;
    GetSystemInfo(&s);
    ULONG_PTR low = (ULONG_PTR)s.lpMinimumApplicationAddress, high = (ULONG_PTR)s.lpMaximumApplicationAddress;
    printf("from %llX to %llX\n", low, high);
    MEMORYSTATUSEX m = {sizeof m};
    GlobalMemoryStatusEx(&m);
    printf("total virtual: %s\n", m.ullTotalVirtual == high + 1 - low ? "yes" : "no");

    int local;
    ULONG_PTR known[] = {(ULONG_PTR)GetModuleHandle(NULL), (ULONG_PTR)GetModuleHandleA("ntdll.dll"),
                         (ULONG_PTR)GetModuleHandleA("kernel32.dll"), (ULONG_PTR)GetProcessHeap(), (ULONG_PTR)&local,
                         (ULONG_PTR)NtCurrentTeb(), (ULONG_PTR)malloc(1 << 20),
                         (ULONG_PTR)VirtualAlloc(NULL, 1 << 20, MEM_RESERVE, PAGE_NOACCESS),
                         (ULONG_PTR)VirtualAlloc(NULL, 1 << 20, MEM_RESERVE | MEM_TOP_DOWN, PAGE_NOACCESS)};
    int inside = 0;
    for (int i = 0; i < 9; i++)
        inside += known[i] >= low && known[i] <= high;
    printf("of 9 known addresses %d are inside\n", inside);

    SetLastError(0);
    printf("allocate behind the end: %p", VirtualAlloc((void *)(high + 1), 4096, MEM_RESERVE, PAGE_NOACCESS));
    printf(" error %lu\n", GetLastError());
    MEMORY_BASIC_INFORMATION info;
    SetLastError(0);
    printf("query behind the end: %d", (int)VirtualQuery((void *)(high + 1), &info, sizeof info));
    printf(" error %lu\n", GetLastError());

    static const unsigned char code[] = {0x8A, 0x01, 0xC3};
    load = VirtualAlloc(NULL, 4096, MEM_RESERVE | MEM_COMMIT, PAGE_EXECUTE_READWRITE);
    memcpy(load, code, sizeof code);
    AddVectoredExceptionHandler(1, handler);
    probe("a local variable", (ULONG_PTR)&local);
    probe("the null page", 16);
    probe("behind the end", high + 1);
    probe("not canonical", 0x800000000000);
    probe("not canonical", 0x123456789ABCDEF0);
    probe("not canonical", 0xFFFF7FFFFFFFFFFF);
    probe("the kernel", 0xFFFF800000000000);
    return 0;
}
