/* Pages that a failing disk cannot read: the exception is handled, and the page is tried again until it comes. */
#define _WIN32_WINNT 0x0A00
#include <stdio.h>
#include <windows.h>
#define PSAPI_VERSION 2
#include <psapi.h>

enum { PAGE = 4096, PAGES = 4096 };

static volatile unsigned char *memory;
static volatile int failures, others;

static LONG CALLBACK again(EXCEPTION_POINTERS *info)
{
    EXCEPTION_RECORD *record = info->ExceptionRecord;
    if (record->ExceptionCode != (DWORD)EXCEPTION_IN_PAGE_ERROR) {
        others++;
        return EXCEPTION_CONTINUE_SEARCH;
    }
    failures++;
    if (record->NumberParameters != 3 || record->ExceptionInformation[2] == 0) others++;
    return failures > 5000 ? EXCEPTION_CONTINUE_SEARCH : EXCEPTION_CONTINUE_EXECUTION;
}

int main(void)
{
    memory = VirtualAlloc(NULL, (SIZE_T)PAGES * PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (!memory) return 1;
    AddVectoredExceptionHandler(1, again);
    int wrong = 0;
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < PAGES; i++) {
            volatile unsigned *words = (volatile unsigned *)(memory + (SIZE_T)i * PAGE);
            if (round && words[i % 1024] != (round - 1) * 1000003 + i) wrong++;
            words[i % 1024] = round * 1000003 + i;
        }
        printf("round %u: %d wrong\n", round, wrong);
        fflush(stdout);
        EmptyWorkingSet(GetCurrentProcess());
    }
    printf("other exceptions: %d\n", others);
    fprintf(stderr, "%d errors\n", failures);
    return 0;
}
