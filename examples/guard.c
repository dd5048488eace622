/*
 * A guard page raises once and is then an ordinary page; a stack that runs into its last guard page raises a stack overflow.
 * A vectored handler sees both.
 */
#include <stdio.h>
#include <windows.h>
#include <malloc.h>

static BYTE *guarded;
static volatile LONG guard_hits, overflows;
static CONTEXT before_overflow;

static LONG CALLBACK handler(EXCEPTION_POINTERS *e)
{
    EXCEPTION_RECORD *r = e->ExceptionRecord;
    if (r->ExceptionCode == STATUS_GUARD_PAGE_VIOLATION) {
        guard_hits++;
        printf("guard page: %llu parameters, operation %llu, offset %llX\n", (unsigned long long)r->NumberParameters,
               (unsigned long long)r->ExceptionInformation[0], (unsigned long long)(r->ExceptionInformation[1] - (ULONG_PTR)guarded));
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    if (r->ExceptionCode == STATUS_STACK_OVERFLOW) {
        overflows++;
        *e->ContextRecord = before_overflow;
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    return EXCEPTION_CONTINUE_SEARCH;
}

static DWORD protection(void *address)
{
    MEMORY_BASIC_INFORMATION m;
    VirtualQuery(address, &m, sizeof m);
    return m.Protect;
}

__attribute__((noinline)) static int dive(volatile char *above, int depth)
{
    volatile char frame[600];
    frame[0] = above ? above[0] : 1;
    int below = dive(frame, depth + 1);
    return frame[0] + below;
}

int main(void)
{
    AddVectoredExceptionHandler(1, handler);
    guarded = VirtualAlloc(NULL, 0x2000, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE | PAGE_GUARD);
    printf("before: %03lX %03lX\n", protection(guarded), protection(guarded + 0x1000));
    guarded[0x1010] = 7;
    printf("after a write: %03lX %03lX, the byte is %d\n", protection(guarded), protection(guarded + 0x1000), guarded[0x1010]);
    guarded[0x1011] = 8;
    printf("hits: %ld\n", guard_hits);
    printf("a read: %d\n", guarded[0x20]);
    printf("hits: %ld\n", guard_hits);
    fflush(stdout);

    for (int round = 1; round <= 2; round++) {
        volatile LONG seen = overflows;
        RtlCaptureContext(&before_overflow);
        if (overflows == seen)
            dive(NULL, 0);
        printf("stack overflows: %ld, guard restored: %d\n", overflows, _resetstkoflw());
    }
    return 0;
}
