/*
 * What reading, writing and executing do, by what the memory is and how it is protected. A cell is "ok", "r", "w" or "x" for an
 * access violation that says reading, writing or executing, "guard", or "-" where the protection cannot be had. Of a page with a
 * guard the second access is shown, too. Wine sees guards in memory that is only reserved; Windows, whose guards are in page-table
 * entries, does not: these lines of the expected output were corrected by hand.
 */
#include <stdio.h>
#include <string.h>
#include <windows.h>

static char *at;
static volatile const char *outcome;

static LONG CALLBACK handler(EXCEPTION_POINTERS *e)
{
    static const char *kinds[9] = {"r", "w", "?", "?", "?", "?", "?", "?", "x"};
    EXCEPTION_RECORD *r = e->ExceptionRecord;
    CONTEXT *c = e->ContextRecord;
    if (r->ExceptionCode == STATUS_GUARD_PAGE_VIOLATION) {
        outcome = "guard";
    } else if (r->ExceptionCode == STATUS_ACCESS_VIOLATION) {
        outcome = r->ExceptionInformation[1] == (ULONG_PTR)at ? kinds[r->ExceptionInformation[0] & 15] : "elsewhere";
    } else {
        return EXCEPTION_CONTINUE_SEARCH;
    }
    /* Each access is a function of its own; back to its caller. */
    if (c->Rip != (ULONG_PTR)at) {
        c->Rip = c->R11;
        c->Rsp = c->R10;
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    c->Rip = *(ULONG64 *)c->Rsp;
    c->Rsp += 8;
    return EXCEPTION_CONTINUE_EXECUTION;
}

/* R11: where to go on; R10: the stack there. */
static void read_it(void)
{
    __asm__ volatile("lea 1f(%%rip), %%r11\n\tmov %%rsp, %%r10\n\tmovb (%0), %%al\n1:" : : "r"(at) : "rax", "r10", "r11", "memory");
}

static void write_it(void)
{
    __asm__ volatile("lea 1f(%%rip), %%r11\n\tmov %%rsp, %%r10\n\tmovb $0xC3, (%0)\n1:" : : "r"(at) : "rax", "r10", "r11", "memory");
}

static void execute_it(void)
{
    ((void (*)(void))at)();
}

static const struct {
    const char *name;
    DWORD value;
} protections[] = {
    {"NOACCESS", PAGE_NOACCESS},
    {"READONLY", PAGE_READONLY},
    {"READWRITE", PAGE_READWRITE},
    {"WRITECOPY", PAGE_WRITECOPY},
    {"EXECUTE", PAGE_EXECUTE},
    {"EXECUTE_READ", PAGE_EXECUTE_READ},
    {"EXECUTE_READWRITE", PAGE_EXECUTE_READWRITE},
    {"EXECUTE_WRITECOPY", PAGE_EXECUTE_WRITECOPY},
    {"READONLY|GUARD", PAGE_READONLY | PAGE_GUARD},
    {"READWRITE|GUARD", PAGE_READWRITE | PAGE_GUARD},
    {"EXECUTE_READ|GUARD", PAGE_EXECUTE_READ | PAGE_GUARD},
    {"READWRITE|NOCACHE", PAGE_READWRITE | PAGE_NOCACHE},
    {"READWRITE|WRITECOMBINE", PAGE_READWRITE | PAGE_WRITECOMBINE},
};

enum { PRIVATE_NEW, PRIVATE_TOUCHED, RESERVED, DECOMMITTED, VIEW, COPY_VIEW, STATES };
static const char *const names[STATES] = {"private, new", "private, touched", "reserved", "decommitted", "view", "copy-on-write view"};

/* Memory in a state and with a protection at `at`; FALSE when that cannot be. */
static BOOL make(int state, DWORD protection, HANDLE section)
{
    DWORD old;
    switch (state) {
    case RESERVED:
        at = VirtualAlloc(NULL, 4096, MEM_RESERVE, protection);
        return at != NULL;
    case DECOMMITTED:
        at = VirtualAlloc(NULL, 4096, MEM_RESERVE | MEM_COMMIT, protection);
        return at && VirtualFree(at, 4096, MEM_DECOMMIT);
    case PRIVATE_NEW:
        at = VirtualAlloc(NULL, 4096, MEM_RESERVE | MEM_COMMIT, protection);
        return at != NULL;
    case PRIVATE_TOUCHED:
        at = VirtualAlloc(NULL, 4096, MEM_RESERVE | MEM_COMMIT, PAGE_EXECUTE_READWRITE);
        *at = (char)0xC3;
        break;
    case VIEW:
        at = MapViewOfFile(section, FILE_MAP_WRITE | FILE_MAP_EXECUTE, 0, 0, 0);
        *at = (char)0xC3;
        break;
    default:
        at = MapViewOfFile(section, FILE_MAP_COPY | FILE_MAP_EXECUTE, 0, 0, 0);
        break;
    }
    return at && VirtualProtect(at, 4096, protection, &old);
}

int main(void)
{
    void (*const accesses[])(void) = {read_it, write_it, execute_it};
    HANDLE section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_EXECUTE_READWRITE, 0, 4096, NULL);
    AddVectoredExceptionHandler(1, handler);
    for (int state = 0; state < STATES; state++) {
        printf("%s\n", names[state]);
        for (unsigned i = 0; i < sizeof protections / sizeof *protections; i++) {
            printf("  %-24s", protections[i].name);
            for (int access = 0; access < 3; access++) {
                const char *first = "-", *second = "";
                if (make(state, protections[i].value, section)) {
                    outcome = "ok";
                    /* Memory that is new holds zeros, which are code: add %al, (%rax). */
                    if (access < 2 || state == PRIVATE_TOUCHED || state >= VIEW || protections[i].value < PAGE_EXECUTE ||
                        (protections[i].value & PAGE_GUARD) || state == RESERVED || state == DECOMMITTED) {
                        accesses[access]();
                        first = (const char *)outcome;
                        if (strcmp(first, "guard") == 0 && (access < 2 || state != PRIVATE_NEW)) {
                            outcome = "ok";
                            accesses[access]();
                            second = (const char *)outcome;
                        }
                    } else {
                        first = "";
                    }
                }
                printf(" %5s %-3s", first, second);
                if (at && state >= VIEW) UnmapViewOfFile(at);
                else if (at) VirtualFree(at, 0, MEM_RELEASE);
                at = NULL;
            }
            printf("\n");
        }
    }
    return 0;
}
