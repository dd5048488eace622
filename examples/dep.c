/* Heap memory does not execute until the program asks for it. */
#include <stdio.h>
#include <string.h>
#include <windows.h>

static const BYTE answer[] = {0xB8, 0x2A, 0x00, 0x00, 0x00, 0xC3}; /* mov eax, 42; ret */
static void *code;

static LONG CALLBACK handler(EXCEPTION_POINTERS *e)
{
    EXCEPTION_RECORD *r = e->ExceptionRecord;
    CONTEXT *c = e->ContextRecord;
    if (r->ExceptionCode != STATUS_ACCESS_VIOLATION)
        return EXCEPTION_CONTINUE_SEARCH;
    printf("access violation: operation %llu at the code: %s, RIP there too: %s\n",
           (unsigned long long)r->ExceptionInformation[0],
           r->ExceptionInformation[1] == (ULONG_PTR)code ? "yes" : "no", c->Rip == (ULONG_PTR)code ? "yes" : "no");
    /* Back to the caller, with another answer. */
    c->Rax = 13;
    c->Rip = *(ULONG64 *)c->Rsp;
    c->Rsp += 8;
    return EXCEPTION_CONTINUE_EXECUTION;
}

int main(void)
{
    AddVectoredExceptionHandler(1, handler);
    code = HeapAlloc(GetProcessHeap(), 0, 4096);
    memcpy(code, answer, sizeof answer);
    printf("calling the heap returns %d\n", ((int (*)(void))code)());

    void *page = VirtualAlloc(NULL, 4096, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    memcpy(page, answer, sizeof answer);
    DWORD old;
    VirtualProtect(page, 4096, PAGE_EXECUTE_READ, &old);
    FlushInstructionCache(GetCurrentProcess(), page, sizeof answer);
    printf("was %02lX; calling it now returns %d\n", old, ((int (*)(void))page)());
    return 0;
}
