/* A thread waits for what a person types, by every function that reads; the other one counts meanwhile. */
#include <conio.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>
#include <winternl.h>

typedef NTSTATUS(NTAPI *NtReadFileType)(HANDLE, HANDLE, PIO_APC_ROUTINE, PVOID, PIO_STATUS_BLOCK, PVOID, ULONG, PLARGE_INTEGER,
                                        PULONG);

static HANDLE input;
static HANDLE begun;

static const char *bare(char *text) {
    text[strcspn(text, "\r\n")] = 0;
    return text;
}

static void by_fgets(void) {
    char line[80];
    printf("fgets: %s\n", fgets(line, sizeof line, stdin) ? bare(line) : "end");
}

static void by_gets(void) {
    char line[80];
    char *gets(char *);
    printf("gets: %s\n", gets(line) ? bare(line) : "end");
}

static void by_getchar(void) {
    int first = getchar();
    int second = getchar();
    printf("getchar: %c %d\n", first, second);
}

static void by_getch(void) {
    int first = _getch();
    int second = _getch();
    printf("_getch: %c %d\n", first, second);
}

static void by_scanf(void) {
    int one = 0, two = 0;
    int count = scanf("%d %d", &one, &two);
    printf("scanf: %d of %d and %d\n", count, one, two);
    getchar();
}

static void by_fread(void) {
    char bytes[4] = "";
    size_t count = fread(bytes, 1, 3, stdin);
    printf("fread: %u %s", (unsigned)count, bytes);
}

static void by_fgetws(void) {
    wchar_t line[80];
    if (fgetws(line, 80, stdin)) {
        line[wcscspn(line, L"\r\n")] = 0;
        printf("fgetws: %ls\n", line);
    }
}

static void by_read_file(void) {
    char line[80] = "";
    DWORD count = 0;
    BOOL done = ReadFile(input, line, sizeof line - 1, &count, NULL);
    printf("ReadFile: %d %lu %s\n", done, count, bare(line));
}

static void by_read_console(void) {
    wchar_t line[80] = L"";
    DWORD count = 0;
    BOOL done = ReadConsoleW(input, line, 79, &count, NULL);
    line[wcscspn(line, L"\r\n")] = 0;
    printf("ReadConsole: %d %lu %ls\n", done, count, line);
}

static void by_service(void) {
    char line[80] = "";
    IO_STATUS_BLOCK status = {0};
    NtReadFileType read = (NtReadFileType)(void *)GetProcAddress(GetModuleHandleA("ntdll"), "NtReadFile");
    NTSTATUS result = read(input, NULL, NULL, NULL, &status, line, sizeof line - 1, NULL, NULL);
    printf("NtReadFile: %lx %lu %s\n", (unsigned long)result, (unsigned long)status.Information, bare(line));
}

static void (*const ways[])(void) = {by_fgets,  by_gets,      by_getchar,      by_getch,   by_scanf,
                                     by_fread,  by_fgetws,    by_read_file,    by_read_console, by_service};

static DWORD WINAPI reads(void *way) {
    SetEvent(begun);
    ((void (*)(void))way)();
    return 0;
}

static DWORD WINAPI reads_a_line(void *unused) {
    (void)unused;
    char line[80];
    SetEvent(begun);
    if (fgets(line, sizeof line, stdin)) {
        printf("one of two: %s\n", bare(line));
    }
    return 0;
}

static volatile long counter;

/* It gets on only while the reader lets go of its processor. */
static void count_meanwhile(int round) {
    for (int i = 0; i < 3; i++) {
        counter++;
        SwitchToThread();
    }
    Sleep(2);
    printf("%d counted to %ld\n", round, counter);
}

int main(int argc, char **argv) {
    input = GetStdHandle(STD_INPUT_HANDLE);
    begun = CreateEventA(NULL, FALSE, FALSE, NULL);
    const int count = (int)(sizeof ways / sizeof *ways);
    for (int i = 0; i < count; i++) {
        HANDLE reader = CreateThread(NULL, 0, reads, (void *)ways[i], 0, NULL);
        WaitForSingleObject(begun, INFINITE);
        count_meanwhile(i);
        WaitForSingleObject(reader, INFINITE);
        CloseHandle(reader);
    }
    HANDLE both[2];
    for (int i = 0; i < 2; i++) {
        both[i] = CreateThread(NULL, 0, reads_a_line, NULL, 0, NULL);
        WaitForSingleObject(begun, INFINITE);
    }
    printf("two wait\n");
    WaitForMultipleObjects(2, both, TRUE, INFINITE);

    HANDLE reader = CreateThread(NULL, 0, reads, (void *)by_fgets, 0, NULL);
    WaitForSingleObject(begun, INFINITE);
    printf("end of input now\n");
    WaitForSingleObject(reader, INFINITE);
    if (argc > 1 && strcmp(argv[1], "stay") == 0) {
        printf("for ever now\n");
        by_read_file();
    }
    /* Leaves a thread behind that waits. */
    CreateThread(NULL, 0, reads, (void *)by_read_file, 0, NULL);
    WaitForSingleObject(begun, INFINITE);
    printf("gone\n");
    return 5;
}
