/* Contents that may go, physical pages, large pages: every documented error. */
#include "errors.h"

IMPORT(VirtualAlloc2);
#define VirtualAlloc2 VirtualAlloc2_

typedef BOOL(WINAPI *AllocateUserPhysicalPages2_t)(HANDLE, PULONG_PTR, PULONG_PTR, MEM_EXTENDED_PARAMETER *, ULONG);

static HANDLE self, powerless, event;
static const HANDLE wrong = (HANDLE)0x1234;
static char *committed, *reserved, *view;
enum { PAGE = 4096, K64 = 65536 };

static void offering(void)
{
    *committed = 7;
    RETURNS(0, OfferVirtualMemory(committed, 2 * PAGE, VmOfferPriorityVeryLow));
    RETURNS(0, ReclaimVirtualMemory(committed, 2 * PAGE));
    printf("reclaimed: %d\n", *committed);
    RETURNS(0, OfferVirtualMemory(committed, K64, VmOfferPriorityLow));
    RETURNS(0, OfferVirtualMemory(committed, K64, VmOfferPriorityBelowNormal));
    RETURNS(0, OfferVirtualMemory(committed, K64, VmOfferPriorityNormal));
    RETURNS(ERROR_INVALID_PARAMETER, OfferVirtualMemory(committed, PAGE, (OFFER_PRIORITY)0));
    RETURNS(ERROR_INVALID_PARAMETER, OfferVirtualMemory(committed, PAGE, (OFFER_PRIORITY)5));
    /* The address is that of a page, the size a multiple of a page's, and all of it is committed private memory. */
    RETURNS(ERROR_INVALID_PARAMETER, OfferVirtualMemory(committed + 1, PAGE, VmOfferPriorityNormal));
    RETURNS(ERROR_INVALID_PARAMETER, OfferVirtualMemory(committed, PAGE + 1, VmOfferPriorityNormal));
    RETURNS(ERROR_INVALID_PARAMETER, OfferVirtualMemory(committed, 0, VmOfferPriorityNormal));
    RETURNS(TRUE, OfferVirtualMemory(reserved, PAGE, VmOfferPriorityNormal) != 0);
    RETURNS(TRUE, OfferVirtualMemory((void *)0x10000, PAGE, VmOfferPriorityNormal) != 0);
    RETURNS(TRUE, OfferVirtualMemory(view, PAGE, VmOfferPriorityNormal) != 0);
    RETURNS(TRUE, OfferVirtualMemory((void *)0xFFFF800000000000, PAGE, VmOfferPriorityNormal) != 0);
    RETURNS(ERROR_INVALID_PARAMETER, ReclaimVirtualMemory(committed + 1, PAGE));
    RETURNS(ERROR_INVALID_PARAMETER, ReclaimVirtualMemory(committed, PAGE + 1));
    RETURNS(ERROR_INVALID_PARAMETER, ReclaimVirtualMemory(committed, 0));
    RETURNS(TRUE, ReclaimVirtualMemory(reserved, PAGE) != 0);
    RETURNS(TRUE, ReclaimVirtualMemory((void *)0x10000, PAGE) != 0);
    RETURNS(0, ReclaimVirtualMemory(committed, K64));
    RETURNS(0, DiscardVirtualMemory(committed, K64));
    committed[0] = 1;
    RETURNS(ERROR_INVALID_PARAMETER, DiscardVirtualMemory(committed + 1, PAGE));
    RETURNS(ERROR_INVALID_PARAMETER, DiscardVirtualMemory(committed, PAGE + 1));
    RETURNS(ERROR_INVALID_PARAMETER, DiscardVirtualMemory(committed, 0));
    RETURNS(TRUE, DiscardVirtualMemory(reserved, PAGE) != 0);
    RETURNS(TRUE, DiscardVirtualMemory((void *)0x10000, PAGE) != 0);
    RETURNS(TRUE, DiscardVirtualMemory((void *)0xFFFF800000000000, PAGE) != 0);
    /* A range may lie in no region: what is not there is not brought in. */
    WIN32_MEMORY_RANGE_ENTRY two[2] = {{committed, PAGE}, {committed, K64}};
    ROW(0, PrefetchVirtualMemory(self, 2, two, 0));
    ROW(ERROR_ACCESS_DENIED, PrefetchVirtualMemory(powerless, 1, two, 0));
    two[1].VirtualAddress = (void *)0xFFFF800000000000;
    ROW(ERROR_INVALID_PARAMETER, PrefetchVirtualMemory(self, 2, two, 0));
}

static ULONG_PTR frames[16], count;

static ULONG_PTR *many(ULONG_PTR wanted)
{
    count = wanted;
    return &count;
}

static void physical(void)
{
    char *window = VirtualAlloc(NULL, 32 * PAGE, MEM_RESERVE | MEM_PHYSICAL, PAGE_READWRITE);
    char *other = VirtualAlloc(NULL, 32 * PAGE, MEM_RESERVE | MEM_PHYSICAL, PAGE_READWRITE);
    void *places[16];
    AllocateUserPhysicalPages2_t AllocateUserPhysicalPages2 = (void *)errors_import("AllocateUserPhysicalPages2");
    MEM_EXTENDED_PARAMETER p = {0};
    for (int i = 0; i < 16; i++) places[i] = window + (15 - i) * PAGE;
    enable_privilege("SeLockMemoryPrivilege", FALSE);
    ROW(ERROR_PRIVILEGE_NOT_HELD, AllocateUserPhysicalPages(self, many(4), frames));
    ROW(ERROR_PRIVILEGE_NOT_HELD, AllocateUserPhysicalPagesNuma(self, many(4), frames, 0));
    ROW(ERROR_PRIVILEGE_NOT_HELD, AllocateUserPhysicalPages2(self, many(4), frames, NULL, 0));
    if (!enable_privilege("SeLockMemoryPrivilege", TRUE)) return;
    ROW(ERROR_INVALID_HANDLE, AllocateUserPhysicalPages(wrong, many(4), frames));
    ROW(ERROR_INVALID_HANDLE, AllocateUserPhysicalPages(event, many(4), frames));
    ROW(ERROR_ACCESS_DENIED, AllocateUserPhysicalPages(powerless, many(4), frames));
    ROW(ERROR_NOACCESS, AllocateUserPhysicalPages(self, NULL, frames));
    ROW(ERROR_NOACCESS, AllocateUserPhysicalPages(self, many(4), (void *)16));
    ROW(0, AllocateUserPhysicalPages(self, many(0), frames));
    ROW(0, AllocateUserPhysicalPages(self, many(8), frames));
    printf("given: %lu\n", (unsigned long)count);
    ROW(ERROR_INVALID_PARAMETER, AllocateUserPhysicalPagesNuma(self, many(4), frames, 99));
    ROW(ERROR_INVALID_HANDLE, AllocateUserPhysicalPagesNuma(wrong, many(4), frames, 0));
    ROW(ERROR_NOACCESS, AllocateUserPhysicalPagesNuma(self, NULL, frames, 0));
    ROW(0, AllocateUserPhysicalPagesNuma(self, many(4), frames + 8, 0));
    ROW(ERROR_INVALID_HANDLE, AllocateUserPhysicalPages2(wrong, many(4), frames, NULL, 0));
    ROW(ERROR_NOACCESS, AllocateUserPhysicalPages2(self, NULL, frames, NULL, 0));
    ROW(ERROR_INVALID_PARAMETER, AllocateUserPhysicalPages2(self, many(4), frames, NULL, 1));
    p.Type = MemExtendedParameterNumaNode;
    p.ULong64 = 99;
    ROW(ERROR_INVALID_PARAMETER, AllocateUserPhysicalPages2(self, many(4), frames, &p, 1));
    p.ULong64 = 0;
    ROW(0, AllocateUserPhysicalPages2(self, many(4), frames + 12, &p, 1));
    p.Type = 0;
    ROW(ERROR_INVALID_PARAMETER, AllocateUserPhysicalPages2(self, many(4), frames, &p, 1));
    /* The window */
    ROW(0, MapUserPhysicalPages(window, 16, frames));
    window[0] = window[15 * PAGE] = 1;
    FAILS(MapUserPhysicalPages(other, 16, frames)); /* one place at a time */
    ROW(0, MapUserPhysicalPages(window, 0, frames));
    ROW(ERROR_INVALID_PARAMETER, MapUserPhysicalPages(window + 24 * PAGE, 16, frames));
    ROW(ERROR_INVALID_PARAMETER, MapUserPhysicalPages(committed, 1, frames));
    ROW(ERROR_INVALID_PARAMETER, MapUserPhysicalPages(reserved, 1, frames));
    ROW(ERROR_INVALID_PARAMETER, MapUserPhysicalPages((void *)0x10000, 1, frames));
    ROW(ERROR_NOACCESS, MapUserPhysicalPages(window, 1, (void *)16));
    ROW(0, MapUserPhysicalPages(window, 16, NULL));
    ROW(0, MapUserPhysicalPages(window, 16, NULL));
    ULONG_PTR same[2] = {frames[0], frames[0]}, foreign = 1;
    FAILS(MapUserPhysicalPages(window, 2, same));
    FAILS(MapUserPhysicalPages(window, 1, &foreign)); /* of somebody else */
    ROW(0, MapUserPhysicalPagesScatter(places, 16, frames));
    printf("turned round: %d %d\n", window[0], window[15 * PAGE]);
    ROW(0, MapUserPhysicalPagesScatter(places, 16, NULL));
    ROW(ERROR_NOACCESS, MapUserPhysicalPagesScatter((void *)16, 1, frames));
    ROW(ERROR_NOACCESS, MapUserPhysicalPagesScatter(places, 1, (void *)16));
    void *nowhere = committed;
    ROW(ERROR_INVALID_PARAMETER, MapUserPhysicalPagesScatter(&nowhere, 1, frames));
    /* What such a window refuses */
    DWORD old;
    ROW(ERROR_INVALID_PARAMETER, VirtualProtect(window, PAGE, PAGE_READONLY, &old));
    FAILS(VirtualAlloc(window, PAGE, MEM_COMMIT, PAGE_READWRITE));
    FAILS(VirtualFree(window, PAGE, MEM_DECOMMIT));
    /* The end: as many as were freed are told. */
    ROW(ERROR_INVALID_HANDLE, FreeUserPhysicalPages(wrong, many(8), frames));
    ROW(ERROR_ACCESS_DENIED, FreeUserPhysicalPages(powerless, many(8), frames));
    ROW(ERROR_NOACCESS, FreeUserPhysicalPages(self, NULL, frames));
    ROW(ERROR_NOACCESS, FreeUserPhysicalPages(self, many(8), (void *)16));
    FAILS(FreeUserPhysicalPages(self, many(1), &foreign));
    printf("freed: %lu\n", (unsigned long)count);
    ROW(0, FreeUserPhysicalPages(self, many(8), frames));
    printf("freed: %lu\n", (unsigned long)count);
    FAILS(FreeUserPhysicalPages(self, many(8), frames));
    printf("freed: %lu\n", (unsigned long)count);
    /* Giving back needs no privilege. */
    enable_privilege("SeLockMemoryPrivilege", FALSE);
    ROW(0, FreeUserPhysicalPages(self, many(8), frames + 8));
    ROW(0, VirtualFree(window, 0, MEM_RELEASE));
}

static void large(void)
{
    const DWORD both = MEM_RESERVE | MEM_COMMIT | MEM_LARGE_PAGES;
    const SIZE_T size = GetLargePageMinimum();
    MEM_EXTENDED_PARAMETER p = {0};
    DWORD old;
    RETURNS(2 << 20, GetLargePageMinimum());
    enable_privilege("SeLockMemoryPrivilege", FALSE);
    ROW(ERROR_PRIVILEGE_NOT_HELD, VirtualAlloc(NULL, size, both, PAGE_READWRITE));
    ROW(ERROR_PRIVILEGE_NOT_HELD, VirtualAlloc2(self, NULL, size, both, PAGE_READWRITE, NULL, 0));
    if (!enable_privilege("SeLockMemoryPrivilege", TRUE)) return;
    char *at;
    ROW(0, at = VirtualAlloc(NULL, size, both, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, size + PAGE, both, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, PAGE, both, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, size, MEM_RESERVE | MEM_LARGE_PAGES, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, size, MEM_COMMIT | MEM_LARGE_PAGES | MEM_WRITE_WATCH, PAGE_READWRITE));
    ROW(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, size, both | MEM_PHYSICAL, PAGE_READWRITE));
    ROW(ERROR_NO_SYSTEM_RESOURCES, VirtualAlloc(NULL, 1 << 30, both, PAGE_READWRITE));
    p.Type = MemExtendedParameterAttributeFlags;
    p.ULong64 = 8; /* large pages that are never paged */
    ROW(0, VirtualAlloc2(self, NULL, size, both, PAGE_READWRITE, &p, 1));
    p.ULong64 = 16; /* of 1 GB */
    ROW(ERROR_NO_SYSTEM_RESOURCES, VirtualAlloc2(self, NULL, 1 << 30, both, PAGE_READWRITE, &p, 1));
    FAILS(VirtualFree(at, PAGE, MEM_DECOMMIT));
    ROW(0, VirtualLock(at, size));
    ROW(0, VirtualProtect(at, size, PAGE_READONLY, &old));
    ROW(0, VirtualFree(at, 0, MEM_RELEASE));
}

int main(void)
{
    LOAD(VirtualAlloc2);
    self = GetCurrentProcess();
    powerless = OpenProcess(SYNCHRONIZE, FALSE, GetCurrentProcessId());
    event = CreateEventA(NULL, TRUE, FALSE, NULL);
    committed = VirtualAlloc(NULL, K64, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    reserved = VirtualAlloc(NULL, K64, MEM_RESERVE, PAGE_READWRITE);
    view = MapViewOfFile(CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, K64, NULL), FILE_MAP_WRITE, 0, 0, 0);
    offering();
    physical();
    large();
    return errors_end();
}
