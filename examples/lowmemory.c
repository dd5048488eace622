/* A thread that waits for memory to become short, and a program that fills it. */
#include <stdio.h>
#include <windows.h>

static DWORD WINAPI wait_for(void *notification)
{
    return WaitForSingleObject(notification, INFINITE);
}

static void show(const char *when, HANDLE low, HANDLE high)
{
    BOOL is_low, is_high;
    if (QueryMemoryResourceNotification(low, &is_low) && QueryMemoryResourceNotification(high, &is_high))
        printf("%s: low %d, high %d\n", when, is_low, is_high);
}

int main(void)
{
    HANDLE low = CreateMemoryResourceNotification(LowMemoryResourceNotification);
    HANDLE high = CreateMemoryResourceNotification(HighMemoryResourceNotification);
    if (!low || !high) {
        printf("no notifications, error %lu\n", GetLastError());
        return 1;
    }
    show("at first", low, high);
    HANDLE waiter = CreateThread(NULL, 0, wait_for, low, 0, NULL);
    enum { PIECE = 1 << 20, MOST = 4096 };
    static char *pieces[MOST];
    int count = 0;
    while (count < MOST && WaitForSingleObject(waiter, 0) == WAIT_TIMEOUT) {
        char *piece = VirtualAlloc(NULL, PIECE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
        if (!piece) break;
        for (int i = 0; i < PIECE; i += 4096) piece[i] = 1;
        pieces[count++] = piece;
    }
    printf("told that memory is short: %s\n", WaitForSingleObject(waiter, 1000) == WAIT_OBJECT_0 ? "yes" : "no");
    while (count > 0) VirtualFree(pieces[--count], 0, MEM_RELEASE);
    printf("and that there is plenty: %s\n", WaitForSingleObject(high, 10000) == WAIT_OBJECT_0 ? "yes" : "no");
    show("afterwards", low, high);
    CloseHandle(waiter);
    CloseHandle(low);
    CloseHandle(high);
    return 0;
}
