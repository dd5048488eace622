/*
 * Locked ranges of a file: who is kept out, by which error, what waits, what ends a lock; _locking and _umask of the C library.
 * Wine 8 asks the host for locks, which keep out no handle of the same process, and gives another error for ranges that are not
 * locked; those lines of the expected output are Windows' documentation.
 */
#define _WIN32_WINNT 0x0A00
#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <string.h>
#include <sys/locking.h>
#include <sys/stat.h>
#include <windows.h>

static HANDLE first, second;

static void row(const char *what, BOOL done)
{
    DWORD error = GetLastError();
    printf("%-76s %s %lu\n", what, done ? "yes" : "no", done ? 0 : error);
}

#define ROW(call) (SetLastError(0), row(#call, (call) != 0))

static HANDLE open_file(DWORD access)
{
    return CreateFileA("locked.dat", access, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_ALWAYS, 0, NULL);
}

static BOOL lock(HANDLE file, DWORD flags, DWORD start, DWORD length)
{
    OVERLAPPED where = {.Offset = start};
    return LockFileEx(file, flags, 0, length, 0, &where);
}

static BOOL unlock(HANDLE file, DWORD start, DWORD length)
{
    OVERLAPPED where = {.Offset = start};
    return UnlockFileEx(file, 0, length, 0, &where);
}

static BOOL get(HANDLE file, DWORD start, DWORD length)
{
    char buffer[64];
    DWORD done;
    SetFilePointer(file, start, NULL, FILE_BEGIN);
    return ReadFile(file, buffer, length, &done, NULL);
}

static BOOL put(HANDLE file, DWORD start, DWORD length)
{
    char buffer[64] = {0};
    DWORD done;
    SetFilePointer(file, start, NULL, FILE_BEGIN);
    return WriteFile(file, buffer, length, &done, NULL);
}

enum { SHARED = LOCKFILE_FAIL_IMMEDIATELY, ALONE = LOCKFILE_FAIL_IMMEDIATELY | LOCKFILE_EXCLUSIVE_LOCK };

static void exclusive(void)
{
    ROW(LockFile(first, 10, 0, 10, 0));
    ROW(get(first, 5, 20));
    ROW(put(first, 5, 20));
    ROW(get(second, 0, 10));
    ROW(get(second, 0, 11));
    ROW(put(second, 19, 1));
    ROW(put(second, 20, 1));
    ROW(LockFile(second, 19, 0, 1, 0));
    ROW(LockFile(first, 19, 0, 1, 0));
    ROW(LockFile(second, 20, 0, 1, 0));
    ROW(UnlockFile(first, 10, 0, 9, 0));
    ROW(UnlockFile(second, 10, 0, 10, 0));
    ROW(UnlockFile(first, 10, 0, 10, 0));
    ROW(UnlockFile(first, 10, 0, 10, 0));
    ROW(get(second, 0, 20));
    ROW(UnlockFile(second, 20, 0, 1, 0));
}

static void shared(void)
{
    ROW(lock(first, SHARED, 0, 8));
    ROW(lock(second, SHARED, 4, 8));
    ROW(lock(second, ALONE, 0, 1));
    ROW(get(second, 0, 8));
    ROW(put(second, 0, 1));
    ROW(put(first, 0, 1)); /* not even who locked it */
    ROW(unlock(second, 4, 8));
    ROW(unlock(first, 0, 8));
    ROW(lock(first, ALONE, 0, 8));
    ROW(lock(first, SHARED, 0, 8)); /* over one's own */
    ROW(unlock(first, 0, 8));       /* the exclusive one */
    ROW(get(second, 0, 8));
    ROW(put(second, 0, 8));
    ROW(unlock(first, 0, 8));
    ROW(put(second, 0, 8));
}

static void arguments(void)
{
    OVERLAPPED where = {0}, high = {.Offset = 0xFFFFFFFF, .OffsetHigh = 0xFFFFFFFF};
    HANDLE folder = CreateFileA(".", GENERIC_READ, 7, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    HANDLE blind = open_file(FILE_READ_ATTRIBUTES);
    ROW(LockFile((HANDLE)0x1234, 0, 0, 1, 0));
    ROW(LockFile(blind, 0, 0, 1, 0));
    ROW(LockFileEx(first, SHARED, 1, 1, 0, &where));
    ROW(UnlockFileEx(first, 1, 1, 0, &where));
    ROW(LockFileEx(first, SHARED, 0, 2, 0, &high));
    ROW(LockFile(first, 0x1000, 1, 0x1000, 0)); /* beyond the end of the file */
    ROW(UnlockFile(first, 0x1000, 1, 0x1000, 0));
    CloseHandle(folder), CloseHandle(blind);
}

static DWORD WINAPI patient(void *order)
{
    BOOL done = lock(second, LOCKFILE_EXCLUSIVE_LOCK, 0, 4);
    printf("the second has it: %d, after %ld\n", done, *(LONG *)order);
    return 0;
}

static void waiting(void)
{
    volatile LONG order = 0;
    HANDLE thread;
    OVERLAPPED where = {.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL)};
    ROW(LockFileEx(first, ALONE, 0, 4, 0, &where));
    printf("event %lx\n", WaitForSingleObject(where.hEvent, 0));
    thread = CreateThread(NULL, 0, patient, (void *)&order, 0, NULL);
    Sleep(20);
    order = 1;
    ROW(unlock(first, 0, 4));
    WaitForSingleObject(thread, INFINITE);
    ROW(lock(first, SHARED, 0, 4));
    CloseHandle(second); /* its locks go with it */
    ROW(lock(first, SHARED, 0, 4));
    ROW(unlock(first, 0, 4));
    second = open_file(GENERIC_READ | GENERIC_WRITE);
    CloseHandle(thread), CloseHandle(where.hEvent);
}

typedef LONG(NTAPI *lock_service)(HANDLE, HANDLE, void *, void *, void *, LARGE_INTEGER *, LARGE_INTEGER *, ULONG, BOOLEAN, BOOLEAN);
typedef LONG(NTAPI *unlock_service)(HANDLE, void *, LARGE_INTEGER *, LARGE_INTEGER *, ULONG);
typedef LONG(NTAPI *read_service)(HANDLE, HANDLE, void *, void *, void *, void *, ULONG, LARGE_INTEGER *, ULONG *);

/* A lock belongs to a key, too. */
static void services(void)
{
    HMODULE ntdll = GetModuleHandleA("ntdll");
    lock_service nt_lock = (lock_service)(void *)GetProcAddress(ntdll, "NtLockFile");
    unlock_service nt_unlock = (unlock_service)(void *)GetProcAddress(ntdll, "NtUnlockFile");
    read_service nt_read = (read_service)(void *)GetProcAddress(ntdll, "NtReadFile");
    ULONG_PTR status[2];
    LARGE_INTEGER start = {.QuadPart = 8}, length = {.QuadPart = 4};
    ULONG key = 5;
    char buffer[4];
    printf("%lx", nt_lock(first, NULL, NULL, NULL, status, &start, &length, key, TRUE, TRUE));
    printf(" %lx", nt_lock(second, NULL, NULL, NULL, status, &start, &length, key, TRUE, FALSE));
    printf(" %lx", nt_read(first, NULL, NULL, NULL, status, buffer, 4, &start, &key));
    printf(" %lx", nt_read(first, NULL, NULL, NULL, status, buffer, 4, &start, NULL));
    printf(" %lx", nt_unlock(first, status, &start, &length, 6));
    printf(" %lx\n", nt_unlock(first, status, &start, &length, key));
}

static void library(void)
{
    struct _stat found;
    FILE *stream;
    int file = _open("locked.dat", _O_RDWR | _O_BINARY), other = _open("locked.dat", _O_RDWR | _O_BINARY);
    char buffer[8];
    printf("_locking %d\n", _locking(file, _LK_NBLCK, 4));
    printf("read %d", _read(other, buffer, 4));
    printf(" errno %d\n", errno);
    printf("_locking %d", _locking(other, _LK_NBLCK, 4));
    printf(" errno %d\n", errno);
    printf("read %d\n", _read(file, buffer, 4));
    _lseek(file, 0, SEEK_SET);
    printf("_locking %d\n", _locking(file, _LK_UNLCK, 4));
    printf("_locking %d", _locking(99, _LK_UNLCK, 4));
    printf(" errno %d\n", errno);
    _close(file), _close(other);
    printf("_umask %o", _umask(_S_IWRITE));
    printf(" %o\n", _umask(_S_IWRITE));
    file = _open("made.dat", _O_CREAT | _O_RDWR, _S_IREAD | _S_IWRITE);
    printf("write %d\n", _write(file, "abc", 3));
    _close(file);
    _stat("made.dat", &found);
    printf("writable %d\n", (found.st_mode & _S_IWRITE) != 0);
    printf("_umask %o\n", _umask(0));
    _chmod("made.dat", _S_IWRITE);
    _unlink("made.dat");
    file = _open("made.dat", _O_CREAT | _O_RDWR, _S_IREAD | _S_IWRITE);
    _close(file);
    _stat("made.dat", &found);
    printf("writable %d\n", (found.st_mode & _S_IWRITE) != 0);
    _unlink("made.dat");
}

int main(void)
{
    char place[MAX_PATH];
    setvbuf(stdout, NULL, _IONBF, 0);
    GetTempPathA(sizeof place, place);
    SetCurrentDirectoryA(place);
    first = open_file(GENERIC_READ | GENERIC_WRITE);
    second = open_file(GENERIC_READ | GENERIC_WRITE);
    put(first, 0, 60);
    exclusive();
    shared();
    arguments();
    waiting();
    services();
    library();
    CloseHandle(first), CloseHandle(second);
    ROW(DeleteFileA("locked.dat"));
    return 0;
}
