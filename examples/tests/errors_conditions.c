/* Short memory, bad memory and partitions: every documented error. */
#include "errors.h"

typedef HANDLE(WINAPI *OpenDedicatedMemoryPartition_t)(HANDLE, ULONG64, ACCESS_MASK, BOOL);
typedef BOOL(WINAPI *QueryPartitionInformation_t)(HANDLE, int, void *, ULONG);
typedef BOOL(WINAPI *GetMemoryErrorHandlingCapabilities_t)(ULONG *);
typedef PVOID(WINAPI *RegisterBadMemoryNotification_t)(void(WINAPI *)(void));
typedef BOOL(WINAPI *UnregisterBadMemoryNotification_t)(PVOID);

static const HANDLE wrong = (HANDLE)0x1234;

static void WINAPI bad_memory(void)
{
    printf("memory went bad\n");
}

static void notifications(void)
{
    HANDLE low, high, blind = OpenProcess(SYNCHRONIZE, FALSE, GetCurrentProcessId());
    BOOL state = 2;
    ROW(0, low = CreateMemoryResourceNotification(LowMemoryResourceNotification));
    ROW(0, high = CreateMemoryResourceNotification(HighMemoryResourceNotification));
    ROW(ERROR_INVALID_PARAMETER, CreateMemoryResourceNotification((MEMORY_RESOURCE_NOTIFICATION_TYPE)2));
    ROW(0, QueryMemoryResourceNotification(low, &state));
    printf("low: %d\n", state);
    ROW(0, QueryMemoryResourceNotification(high, &state));
    printf("high: %d\n", state);
    ROW(ERROR_INVALID_PARAMETER, QueryMemoryResourceNotification(low, NULL));
    ROW(ERROR_INVALID_PARAMETER, QueryMemoryResourceNotification(NULL, &state));
    ROW(ERROR_INVALID_HANDLE, QueryMemoryResourceNotification(wrong, &state));
    ROW(ERROR_INVALID_HANDLE, QueryMemoryResourceNotification(blind, &state));
    ROW(ERROR_ACCESS_DENIED, SetEvent(low));
    printf("waiting: %lx %lx\n", WaitForSingleObject(low, 0), WaitForSingleObject(high, 0));
    ROW(0, CloseHandle(low));
}

static void errors_of_memory(void)
{
    GetMemoryErrorHandlingCapabilities_t GetMemoryErrorHandlingCapabilities =
        OPTIONAL("kernel32.dll", GetMemoryErrorHandlingCapabilities);
    RegisterBadMemoryNotification_t RegisterBadMemoryNotification = OPTIONAL("kernel32.dll", RegisterBadMemoryNotification);
    UnregisterBadMemoryNotification_t UnregisterBadMemoryNotification =
        OPTIONAL("kernel32.dll", UnregisterBadMemoryNotification);
    ULONG capabilities = 5;
    PVOID registration;
    if (!GetMemoryErrorHandlingCapabilities) return;
    ROW(0, GetMemoryErrorHandlingCapabilities(&capabilities));
    printf("capabilities: %lx\n", capabilities);
    ROW(ERROR_INVALID_PARAMETER, GetMemoryErrorHandlingCapabilities(NULL));
    ROW(0, registration = RegisterBadMemoryNotification(bad_memory));
    ROW(ERROR_INVALID_PARAMETER, RegisterBadMemoryNotification(NULL));
    ROW(0, UnregisterBadMemoryNotification(registration));
    ROW(ERROR_INVALID_PARAMETER, UnregisterBadMemoryNotification(registration));
}

static void partitions(void)
{
    OpenDedicatedMemoryPartition_t OpenDedicatedMemoryPartition = OPTIONAL("kernel32.dll", OpenDedicatedMemoryPartition);
    QueryPartitionInformation_t QueryPartitionInformation = OPTIONAL("kernel32.dll", QueryPartitionInformation);
    const HANDLE current = (HANDLE)-1, whole = (HANDLE)-2;
    ULONG64 information[30] = {0};
    if (!OpenDedicatedMemoryPartition) return;
    ROW(ERROR_NOT_FOUND, OpenDedicatedMemoryPartition(current, 7, 3, FALSE));
    ROW(ERROR_INVALID_HANDLE, OpenDedicatedMemoryPartition(wrong, 7, 3, FALSE));
    ROW(0, QueryPartitionInformation(current, 0, information, sizeof information));
    printf("committed %d, pages %d\n", information[3] < information[4], information[7] < information[6]);
    ROW(0, QueryPartitionInformation(whole, 0, information, sizeof information));
    ROW(ERROR_NOT_FOUND, QueryPartitionInformation(whole, 1, information, sizeof information));
    ROW(ERROR_INVALID_PARAMETER, QueryPartitionInformation(whole, 2, information, sizeof information));
    ROW(ERROR_BAD_LENGTH, QueryPartitionInformation(whole, 0, information, 8));
    ROW(ERROR_INVALID_HANDLE, QueryPartitionInformation(wrong, 0, information, sizeof information));
    ROW(ERROR_NOACCESS, QueryPartitionInformation(whole, 0, (void *)16, sizeof information));
}

int main(void)
{
    errors_of_memory();
    partitions();
    notifications();
    return errors_end();
}
