package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.MemoryFault;
import org.vadose.memory.PhysicalMemory;
import org.vadose.mm.VirtualMemoryServices.BasicInformation;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;

class VirtualMemoryTest extends GuestMemoryTest {

    private PhysicalMemory ram;

    @BeforeEach
    void boot() {
        ram = machine.ram();
    }

    private Eprocess newProcess(long id) {
        return machine.newProcess(id);
    }

    @Test
    void firstTouchMakesAZeroPage() {
        assertEquals(NtStatus.SUCCESS, allocate(0, 100_000, COMMIT | RESERVE, RW));
        assertEquals(Pages.up(100_000), region.sizeBytes);
        long before = process.workingSetSize();
        assertEquals(0, manager.mmu().user().readLong(region.base + 8));
        manager.mmu().user().writeLong(region.base + 8, 42);
        assertEquals(42, manager.mmu().user().readLong(region.base + 8));
        // The page and the tables of three levels.
        assertEquals(before + 4, process.workingSetSize());
    }

    @Test
    void reservedMemoryFaults() {
        allocate(0, 0x1000, RESERVE, PageProtection.PAGE_EXECUTE_READWRITE);
        long base = region.base;
        assertEquals(
                NtStatus.ACCESS_VIOLATION,
                assertThrows(MemoryFault.class, () -> manager.mmu().user().writeByte(base + 1, (byte) 0x31))
                        .status());
        assertEquals(NtStatus.SUCCESS, allocate(base, 0x1000, COMMIT, PageProtection.PAGE_EXECUTE_READWRITE));
        manager.mmu().user().writeByte(base + 1, (byte) 0x31);
    }

    @Test
    void guardPageFiresOnce() {
        allocate(0, 0x1000, COMMIT | RESERVE, RW | PageProtection.PAGE_GUARD);
        long base = region.base;
        assertEquals(
                NtStatus.GUARD_PAGE_VIOLATION,
                assertThrows(MemoryFault.class, () -> manager.mmu().user().readByte(base))
                        .status());
        assertEquals(0, manager.mmu().user().readByte(base));
        assertEquals(RW, query(base).protect);
    }

    @Test
    void statuses() {
        assertEquals(NtStatus.INVALID_PARAMETER_4, allocate(0, 0, COMMIT, RW));
        assertEquals(NtStatus.INVALID_PARAMETER_5, allocate(0, 1, 0, RW));
        assertEquals(NtStatus.INVALID_PARAMETER_5, allocate(0, 1, COMMIT | 1, RW));
        assertEquals(NtStatus.INVALID_PAGE_PROTECTION, allocate(0, 1, COMMIT, 0));
        assertEquals(NtStatus.INVALID_PAGE_PROTECTION, allocate(0, 1, COMMIT, RW | PageProtection.PAGE_READONLY));
        assertEquals(NtStatus.INVALID_PAGE_PROTECTION, allocate(0, 1, COMMIT, PageProtection.PAGE_WRITECOPY));
        assertEquals(NtStatus.INVALID_PARAMETER_2, allocate(-1, 1, COMMIT, RW));
        assertEquals(NtStatus.CONFLICTING_ADDRESSES, allocate(0x10000000, 1, COMMIT, RW));
        assertEquals(NtStatus.SUCCESS, allocate(0x10000000, 0x20000, RESERVE, RW));
        assertEquals(NtStatus.CONFLICTING_ADDRESSES, allocate(0x10010000, 1, RESERVE, RW));
        assertEquals(NtStatus.CONFLICTING_ADDRESSES, allocate(0x1001F000, 0x2000, COMMIT, RW));
        assertEquals(NtStatus.MEMORY_NOT_ALLOCATED, free(0x20000000, 0, RELEASE));
        assertEquals(NtStatus.FREE_VM_NOT_AT_BASE, free(0x10001000, 0, RELEASE));
        assertEquals(NtStatus.UNABLE_TO_FREE_VM, free(0x10001000, 0x20000, RELEASE));
        assertEquals(NtStatus.INVALID_PARAMETER_4, free(0x10001000, 0, RELEASE | DECOMMIT));
        region.base = 0x10000000;
        region.sizeBytes = 1;
        assertEquals(NtStatus.NOT_COMMITTED, services.protect(process, region, RW, new int[1]));
    }

    @Test
    void deletedAddressSpaceGivesEveryPageBack() {
        manager.pfns().zeroFreePages(Long.MAX_VALUE);
        Eprocess other = newProcess(8);
        long before = manager.pfns().availablePages();
        long committed = manager.totalCommittedPages();
        Region r = new Region();
        r.sizeBytes = 64 << 10;
        assertEquals(NtStatus.SUCCESS, services.allocate(other, r, 0, COMMIT | RESERVE, RW));
        assertEquals(5, services.write(other, r.base, new byte[] {1, 2, 3, 4, 5}));
        manager.attached(other, () -> services.free(other, freeAll(r), RELEASE));
        assertEquals(before, manager.pfns().availablePages());
        assertEquals(committed, manager.totalCommittedPages());
        machine.end(other);
        assertEquals(before + 1, manager.pfns().availablePages());
    }

    private static Region freeAll(Region region) {
        Region all = new Region();
        all.base = region.base;
        return all;
    }

    /** Random calls against a plain array of pages: state, protection, contents. */
    @Test
    void randomCallsMatchAPlainModel() {
        long seed = 20260102;
        Random random = new Random(seed);
        int pages = 256;
        long arena = 0x4000_0000L;
        int[] state = new int[pages];
        int[] allocation = new int[pages];
        int[] protect = new int[pages];
        byte[] value = new byte[pages];
        int[] protections = {RW, PageProtection.PAGE_READONLY, PageProtection.PAGE_NOACCESS};
        int nextAllocation = 1;
        // The pool's own page tables come with its first page and stay.
        allocate(0, 1, RESERVE, RW);
        free(region.base, 0, RELEASE);
        long base = manager.pfns().availablePages();
        for (int step = 0; step < 6_000; step++) {
            int first = random.nextInt(pages);
            int count = 1 + random.nextInt(Math.min(20, pages - first));
            long address = arena + first * Pages.SIZE;
            String at = "seed=" + seed + " step=" + step;
            switch (random.nextInt(6)) {
                case 0 -> {
                    int start = first & ~15;
                    int protection = protections[random.nextInt(3)];
                    boolean commits = random.nextBoolean();
                    boolean free = true;
                    for (int i = start; i < first + count; i++) {
                        free &= state[i] == 0;
                    }
                    NtStatus status =
                            allocate(address, count * Pages.SIZE, commits ? COMMIT | RESERVE : RESERVE, protection);
                    assertEquals(free ? NtStatus.SUCCESS : NtStatus.CONFLICTING_ADDRESSES, status, at);
                    for (int i = start; free && i < first + count; i++) {
                        state[i] = commits ? 2 : 1;
                        allocation[i] = nextAllocation;
                        protect[i] = protection;
                        value[i] = 0;
                    }
                    nextAllocation++;
                }
                case 1 -> {
                    boolean same = sameAllocation(allocation, state, first, count);
                    NtStatus status = allocate(address, count * Pages.SIZE, COMMIT, RW);
                    assertEquals(same ? NtStatus.SUCCESS : NtStatus.CONFLICTING_ADDRESSES, status, at);
                    for (int i = first; same && i < first + count; i++) {
                        value[i] = state[i] == 2 ? value[i] : 0;
                        state[i] = 2;
                        protect[i] = RW;
                    }
                }
                case 2, 3 -> {
                    boolean release = random.nextInt(3) == 0;
                    boolean same = sameAllocation(allocation, state, first, count);
                    NtStatus status = free(address, count * Pages.SIZE, release ? RELEASE : DECOMMIT);
                    NtStatus expected = same
                            ? NtStatus.SUCCESS
                            : state[first] == 0 ? NtStatus.MEMORY_NOT_ALLOCATED : NtStatus.UNABLE_TO_FREE_VM;
                    assertEquals(expected, status, at);
                    if (same) {
                        int old = allocation[first];
                        for (int i = first; i < first + count; i++) {
                            state[i] = release ? 0 : 1;
                            allocation[i] = release ? 0 : allocation[i];
                        }
                        for (int i = first + count; release && i < pages && allocation[i] == old; i++) {
                            allocation[i] = nextAllocation;
                        }
                        nextAllocation++;
                    }
                }
                case 4 -> {
                    boolean same = sameAllocation(allocation, state, first, count);
                    boolean committed = same;
                    for (int i = first; i < first + count; i++) {
                        committed &= state[i] == 2;
                    }
                    int protection = protections[random.nextInt(3)];
                    region.base = address;
                    region.sizeBytes = count * Pages.SIZE;
                    int[] old = new int[1];
                    NtStatus status = services.protect(process, region, protection, old);
                    assertEquals(
                            committed
                                    ? NtStatus.SUCCESS
                                    : same ? NtStatus.NOT_COMMITTED : NtStatus.CONFLICTING_ADDRESSES,
                            status,
                            at);
                    if (committed) {
                        assertEquals(protect[first], old[0], at);
                        for (int i = first; i < first + count; i++) {
                            protect[i] = protection;
                        }
                    }
                }
                default -> {
                    byte b = (byte) random.nextInt();
                    boolean writable = state[first] == 2 && protect[first] == RW;
                    if (writable) {
                        manager.mmu().user().writeByte(address + 5, b);
                        value[first] = b;
                    } else {
                        assertThrows(
                                MemoryFault.class, () -> manager.mmu().user().writeByte(address + 5, b), at);
                    }
                }
            }
            int look = random.nextInt(pages);
            BasicInformation information = query(arena + look * Pages.SIZE);
            assertEquals(
                    new int[] {
                                VirtualMemoryServices.MEM_FREE,
                                VirtualMemoryServices.MEM_RESERVE,
                                VirtualMemoryServices.MEM_COMMIT
                            }
                            [state[look]],
                    information.state,
                    at);
            if (state[look] == 2) {
                assertEquals(protect[look], information.protect, at);
                if (protect[look] != PageProtection.PAGE_NOACCESS) {
                    assertEquals(value[look], manager.mmu().user().readByte(arena + look * Pages.SIZE + 5), at);
                }
            }
            int end = look;
            while (end < pages
                    && state[end] == state[look]
                    && (state[look] == 0 || allocation[end] == allocation[look])
                    && (state[look] != 2 || protect[end] == protect[look])) {
                end++;
            }
            if (end < pages) {
                assertEquals((end - look) * Pages.SIZE, information.regionSizeBytes, at);
            }
            long charge = 0;
            for (int s : state) {
                charge += s == 2 ? 1 : 0;
            }
            assertEquals(charge, process.commitCharge(), at);
            if (step % 100 == 0) {
                machine.check(at);
            }
        }
        for (int i = 0; i < pages; i++) {
            if (state[i] != 0) {
                int n = i;
                while (n < pages && allocation[n] == allocation[i]) {
                    state[n++] = 0;
                }
                assertEquals(NtStatus.SUCCESS, free(arena + i * Pages.SIZE, (n - i) * Pages.SIZE, RELEASE));
            }
        }
        assertEquals(0, process.commitCharge());
        assertEquals(0, process.workingSetSize());
        assertEquals(0, process.vadCount());
        assertEquals(base, manager.pfns().availablePages());
        machine.check("released");
    }

    private static boolean sameAllocation(int[] allocation, int[] state, int first, int count) {
        for (int i = first; i < first + count; i++) {
            if (state[i] == 0 || allocation[i] != allocation[first]) {
                return false;
            }
        }
        return true;
    }
}
