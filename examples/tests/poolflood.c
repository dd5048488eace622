/* Objects until there are no more: the call that cannot have one fails, and once they are closed everything goes on. */
#include <stdio.h>
#include <windows.h>

int main(void)
{
    static HANDLE events[1 << 20];
    unsigned count = 0, closed = 0;
    while (count < 1 << 20 && (events[count] = CreateEventA(NULL, FALSE, FALSE, NULL)) != NULL) count++;
    DWORD error = GetLastError();
    printf("thousands of events: %d, then error %lu\n", count > 5000, error);
    for (unsigned i = 0; i < count; i++) closed += CloseHandle(events[i]);
    printf("closed all: %d\n", closed == count);
    char *pages = VirtualAlloc(NULL, 1 << 20, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    for (int i = 0; pages && i < 1 << 20; i += 4096) pages[i] = 1;
    printf("memory is there again: %d\n", pages != NULL);
    return 0;
}
