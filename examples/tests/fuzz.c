// Calls every function that the built-in DLLs export with hostile arguments: fuzz FIRST SEED. Each call is announced as debug
// output; exceptions are caught and the next function is called. Run by ApiFuzzTest, which starts it anew where it ended.
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *saved[5];
static unsigned long long state;
static char *readWrite, *readOnly, *edge;
static const char *skipped[] = {
    // These end the process or the thread, or wait for ever, by their nature.
    "ExitProcess", "TerminateProcess", "NtTerminateProcess", "RtlExitUserProcess", "ExitThread", "RtlExitUserThread", "exit", "_exit",
    "_cexit", "_c_exit", "abort", "_amsg_exit", "TerminateThread", "NtTerminateThread", "FreeLibraryAndExitThread", "_endthread",
    "_endthreadex", "SuspendThread", "NtSuspendThread", "_assert", "_wassert", "quick_exit", "LdrInitializeThunk",
    "RtlUserThreadStart", "BaseThreadInitThunk", "KiUserCallbackDispatcher", "KiUserExceptionDispatcher", "KiUserApcDispatcher",
    "KiRaiseUserExceptionDispatcher", "OutputDebugStringA", "RaiseFailFastException", "_purecall", "RtlFailFast2", 0};

static unsigned long long next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static long long callback(void) { return 0; }

static LONG CALLBACK recover(EXCEPTION_POINTERS *e) {
    (void) e;
    __builtin_longjmp(saved, 1);
}

static unsigned long long value(void) {
    static const unsigned long long plain[] = {
        0, 0, 0, 1, 1, 2, 3, 4, 7, 8, 16, 100, 0x1000, 0x10000, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
        ~0ull, ~1ull, ~4ull, 0x8000000000000000, 0x7fffffffffffffff, 0xfffff80000000000, 0xffff800000000000, 0x800000000000,
        0x7fffffff0000, 0x7ffe0000, 0x10001, 0x1234567887654321, 0xdead0000dead0000, 0xfffffff6, 0xfffffff5};
    switch (next() % 8) {
    case 0: return (unsigned long long) readWrite + next() % 64 * 8;
    case 1: return (unsigned long long) readWrite + next() % 4096;
    case 2: return (unsigned long long) readOnly + next() % 16;
    case 3: return (unsigned long long) edge - next() % 40;
    case 4: return next() % 3 ? (unsigned long long) callback : (unsigned long long) GetModuleHandleA(0);
    default: return plain[next() % (sizeof plain / sizeof *plain)];
    }
}

static void prepare(void) {
    for (int i = 0; i < 8192; i += 8) *(unsigned long long *) (readWrite + i) = next() % 2 ? next() : value();
    strcpy(readWrite, "C:\\Windows\\System32\\ntdll.dll");
    wcscpy((wchar_t *) (readWrite + 64), L"a\\b.txt");
    strcpy(readWrite + 128, "%s%n%d%p%ls%f%[^a]");
    strcpy(readWrite + 512, "..\\..\\..\\x");
}

static int skip(const char *name) {
    for (const char **s = skipped; *s; s++) if (!strcmp(*s, name)) return 1;
    return 0;
}

int main(int argc, char **argv) {
    int first = argc > 1 ? atoi(argv[1]) : 0;
    unsigned long long seed = argc > 2 ? strtoul(argv[2], 0, 10) : 1;
    int rounds = argc > 3 ? atoi(argv[3]) : 6;
    static const char *dlls[] = {"ntdll.dll", "kernel32.dll", "msvcrt.dll", 0};
    readWrite = VirtualAlloc(0, 0x10000, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
    readOnly = VirtualAlloc(0, 0x1000, MEM_COMMIT | MEM_RESERVE, PAGE_READONLY);
    edge = (char *) VirtualAlloc(0, 0x2000, MEM_RESERVE, PAGE_NOACCESS) + 0x1000;
    VirtualAlloc(edge - 0x1000, 0x1000, MEM_COMMIT, PAGE_READWRITE);
    memset(edge - 0x1000, 'A', 0x1000);
    AddVectoredExceptionHandler(1, recover);
    VOID (WINAPI *report)(LPCSTR) = OutputDebugStringA;
    static int number;
    static const char **dll;
    static DWORD i;
    static int round;
    char line[300];
    for (dll = dlls; *dll; dll++) {
        static char *base;
        base = (char *) GetModuleHandleA(*dll);
        IMAGE_NT_HEADERS *nt = (void *) (base + ((IMAGE_DOS_HEADER *) base)->e_lfanew);
        static IMAGE_EXPORT_DIRECTORY *table;
        table = (void *) (base + nt->OptionalHeader.DataDirectory[0].VirtualAddress);
        for (i = 0; i < table->NumberOfNames; i++) {
            char *name = base + ((DWORD *) (base + table->AddressOfNames))[i];
            if (number++ < first || skip(name)) continue;
            state = seed * 0x9E3779B97F4A7C15ull + number * 0x1234567ull + 1;
            char *address = base + ((DWORD *) (base + table->AddressOfFunctions))[((WORD *) (base + table->AddressOfNameOrdinals))[i]];
            if (address[0] != 0x4C || (unsigned char) address[1] != 0x8B) continue;
            sprintf(line, "%d %s!%s", number - 1, *dll, name);
            report(line);
            for (round = 0; round < rounds; round++) {
                if (!__builtin_setjmp(saved)) {
                    prepare();
                    unsigned long long a[12];
                    for (int k = 0; k < 12; k++) a[k] = value();
                    ((unsigned long long (*)(unsigned long long, unsigned long long, unsigned long long, unsigned long long,
                        unsigned long long, unsigned long long, unsigned long long, unsigned long long, unsigned long long,
                        unsigned long long, unsigned long long, unsigned long long)) address)(
                        a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11]);
                }
            }
        }
    }
    report("-1 done");
    TerminateProcess(GetCurrentProcess(), 0);
    return 0;
}
