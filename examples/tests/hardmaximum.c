/* A working set whose maximum is hard stays below it, however much memory there is. Wine keeps no such limit. */
#define _WIN32_WINNT 0x0A00
#define PSAPI_VERSION 2
#include <stdio.h>
#include <windows.h>
#include <psapi.h>

enum { PAGE = 4096, PAGES = 2000, MAXIMUM = 200, HARD_MAXIMUM = 4 };

int main(void)
{
    volatile unsigned char *memory = VirtualAlloc(NULL, PAGES * PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (!SetProcessWorkingSetSizeEx(GetCurrentProcess(), 100 * PAGE, MAXIMUM * PAGE, HARD_MAXIMUM)) return 1;
    int over = 0, wrong = 0;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < PAGES; i++) {
            wrong += memory[i * PAGE] != (unsigned char)(i * round);
            memory[i * PAGE] += i;
            if (i % 100 == 0) {
                PROCESS_MEMORY_COUNTERS counters;
                GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof counters);
                over += counters.WorkingSetSize > MAXIMUM * PAGE;
            }
        }
    }
    printf("over the maximum: %d times, wrong: %d\n", over, wrong);
    return 0;
}
