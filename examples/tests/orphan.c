/* A program that ends while the one that it started goes on. */
#include <stdio.h>
#include <windows.h>

int main(int count, char **arguments)
{
    (void)arguments;
    if (count > 1 && count < 3) {
        for (;;) Sleep(1000);
    }
    char self[MAX_PATH], line[MAX_PATH + 16];
    GetModuleFileNameA(NULL, self, sizeof self);
    snprintf(line, sizeof line, "\"%s\" child", self);
    STARTUPINFOA start = {.cb = sizeof start};
    PROCESS_INFORMATION process;
    BOOL ok = CreateProcessA(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &start, &process);
    printf("child: %d, still there: %d\n", ok, WaitForSingleObject(process.hProcess, 100) == WAIT_TIMEOUT);
    return 3;
}
