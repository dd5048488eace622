package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.VirtualMemoryServices.BasicInformation;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Token;

class LargePagesTest extends GuestMemoryTest {
    private static final long LARGE = Pages.LARGE_SIZE;
    private static final int BOTH = VirtualMemoryServices.MEM_COMMIT | VirtualMemoryServices.MEM_RESERVE;
    private static final int TYPE = BOTH | VirtualMemoryServices.MEM_LARGE_PAGES;

    @BeforeEach
    void boot() {
        machine.giveToken(process, 1L << Token.SE_LOCK_MEMORY);
    }

    @Test
    void oneEntryMapsTwoMegabytesOfZeros() {
        // The first trim makes the working set's list.
        manager.balance().trim(process, 1, Trimmer.Choice.ANY);
        long available = manager.pfns().availablePages();
        long committed = manager.totalCommittedPages();
        assertEquals(NtStatus.SUCCESS, allocate(0, 2 * LARGE, TYPE, RW));
        long base = region.base;
        assertEquals(0, base % LARGE);
        assertEquals(1024, process.commitCharge());
        long faults = process.pageFaultCount();
        for (long at = base; at < base + 2 * LARGE; at += Pages.SIZE) {
            assertEquals(0, manager.mmu().user().readLong(at));
            manager.mmu().user().writeLong(at, at);
        }
        assertEquals(faults, process.pageFaultCount());
        BasicInformation information = new BasicInformation();
        services.query(process, base + 5 * Pages.SIZE, information);
        assertEquals(2 * LARGE - 5 * Pages.SIZE, information.regionSizeBytes);
        assertEquals(VirtualMemoryServices.MEM_COMMIT, information.state);
        assertEquals(RW, information.protect);
        machine.check("allocated");
        // Never paged, whatever happens to the working set.
        manager.balance().trim(process, 4096, Trimmer.Choice.ANY);
        assertEquals(base + LARGE, manager.mmu().user().readLong(base + LARGE));
        assertEquals(NtStatus.SUCCESS, free(base, 0, VirtualMemoryServices.MEM_RELEASE));
        assertEquals(available, manager.pfns().availablePages());
        assertEquals(committed, manager.totalCommittedPages());
        assertThrows(MemoryFault.class, () -> manager.mmu().user().readLong(base));
    }

    @Test
    void rules() {
        assertEquals(NtStatus.INVALID_PARAMETER_4, allocate(0, LARGE + Pages.SIZE, TYPE, RW));
        assertEquals(NtStatus.INVALID_PARAMETER_2, allocate(0x7000_0001_0000L, LARGE, TYPE, RW));
        assertEquals(
                NtStatus.INVALID_PARAMETER_5,
                allocate(0, LARGE, VirtualMemoryServices.MEM_RESERVE | VirtualMemoryServices.MEM_LARGE_PAGES, RW));
        assertEquals(NtStatus.INVALID_PAGE_PROTECTION, allocate(0, LARGE, TYPE, PageProtection.PAGE_NOACCESS));
        assertEquals(NtStatus.INVALID_PAGE_PROTECTION, allocate(0, LARGE, TYPE, RW | PageProtection.PAGE_GUARD));
        assertEquals(NtStatus.SUCCESS, allocate(0x4000_0000L, 2 * LARGE, TYPE, RW));
        assertEquals(0x4000_0000L, region.base);
        long base = region.base;
        assertEquals(NtStatus.UNABLE_TO_DECOMMIT_VM, free(base, 0, VirtualMemoryServices.MEM_DECOMMIT));
        assertEquals(NtStatus.UNABLE_TO_FREE_VM, free(base, LARGE, VirtualMemoryServices.MEM_RELEASE));
        assertEquals(NtStatus.INVALID_PAGE_PROTECTION, protect(base, Pages.SIZE, PageProtection.PAGE_READONLY));
        assertEquals(NtStatus.SUCCESS, protect(base + LARGE, LARGE, PageProtection.PAGE_READONLY));
        manager.mmu().user().writeByte(base, (byte) 1);
        assertEquals(0, manager.mmu().user().readByte(base + LARGE));
        assertThrows(MemoryFault.class, () -> manager.mmu().user().writeByte(base + LARGE, (byte) 1));
        assertEquals(NtStatus.CONFLICTING_ADDRESSES, allocate(base + LARGE, LARGE, TYPE, RW));
        // What is committed already may be committed again.
        assertEquals(NtStatus.SUCCESS, allocate(base, LARGE, VirtualMemoryServices.MEM_COMMIT, RW));
    }

    @Test
    void withoutThePrivilegeNothingIsGiven() {
        machine.giveToken(process, 0);
        assertEquals(NtStatus.PRIVILEGE_NOT_HELD, allocate(0, LARGE, TYPE, RW));
        assertEquals(0, process.commitCharge());
    }

    @Test
    void ramInPiecesDoesNotSuffice() {
        long uncommitted = manager.commitLimitPages() - manager.totalCommittedPages();
        long most = Math.min(manager.pfns().availablePages(), uncommitted) - 450;
        assertEquals(NtStatus.SUCCESS, allocate(0, most << Pages.SHIFT, BOTH, RW));
        long small = region.base;
        long taken = 0;
        for (long at = small;
                manager.pfns().availablePages() > 200 && at < small + region.sizeBytes;
                at += Pages.SIZE) {
            manager.mmu().user().writeByte(at, (byte) 1);
            taken++;
        }
        assertNotEquals(0, taken);
        // What commitment does not let the process have.
        List<Long> rest = new ArrayList<>();
        while (manager.pfns().availablePages() > 100) {
            rest.add(manager.pfns().allocate(0, 0));
        }
        // Every other frame is free.
        for (long i = 0; i < taken; i += 2) {
            free(small + i * Pages.SIZE, Pages.SIZE, VirtualMemoryServices.MEM_DECOMMIT);
        }
        NtStatus status = allocate(0, LARGE, TYPE, RW);
        assertEquals(NtStatus.INSUFFICIENT_RESOURCES, status);
        rest.forEach(manager.pfns()::free);
        assertEquals(NtStatus.SUCCESS, free(small, 0, VirtualMemoryServices.MEM_RELEASE));
        assertEquals(NtStatus.SUCCESS, allocate(0, LARGE, TYPE, RW));
    }
}
