package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.KprcbLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;

class PagingCountsTest {
    private static final int PAGES = 40;

    private final Region region = new Region();
    private SmallMachine machine;
    private MemoryManager manager;
    private Eprocess process;
    private long prcb;

    @BeforeEach
    void boot() {
        machine = new SmallMachine(32 << 20, 1);
        manager = machine.manager();
        machine.addPageFile(1024, new MemoryBackingStore());
        prcb = manager.allocatePoolPages(false, Pages.count(KprcbLayout.SIZE));
        manager.useProcessor(0, prcb);
        process = machine.newProcess(4);
        manager.switchTo(process);
        region.sizeBytes = PAGES * Pages.SIZE;
        int type = VirtualMemoryServices.MEM_COMMIT | VirtualMemoryServices.MEM_RESERVE;
        assertEquals(
                NtStatus.SUCCESS,
                manager.virtualMemory().allocate(process, region, 0, type, PageProtection.PAGE_READWRITE));
    }

    @AfterEach
    void checkAndClose() {
        machine.check("end of test");
        machine.close();
    }

    private void touchAll(boolean write) {
        Memory user = manager.mmu().user();
        for (int i = 0; i < PAGES; i++) {
            long at = region.base + i * Pages.SIZE;
            if (write) {
                user.writeLong(at, i);
            } else {
                assertEquals(i, user.readLong(at));
            }
        }
    }

    /** In the control block, and the same in the sum. */
    private long count(long field) {
        assertEquals(
                manager.kernelMemory().readUnsignedInt(prcb + field),
                manager.pagingCounts().total(field));
        return manager.pagingCounts().total(field);
    }

    @Test
    void eachKindOfFaultHasItsCount() {
        touchAll(true);
        assertEquals(PAGES, count(KprcbLayout.MM_DEMAND_ZERO_COUNT));
        assertEquals(PAGES, count(KprcbLayout.MM_PAGE_FAULT_COUNT));
        assertEquals(0, count(KprcbLayout.MM_TRANSITION_COUNT));

        manager.workingSets().empty(process);
        touchAll(false);
        assertEquals(PAGES, count(KprcbLayout.MM_TRANSITION_COUNT));
        assertEquals(2 * PAGES, count(KprcbLayout.MM_PAGE_FAULT_COUNT));
        assertEquals(0, count(KprcbLayout.MM_PAGE_READ_COUNT));
    }

    @Test
    void pagesThatArePagedOutAndInAreCountedByPageAndByTransfer() {
        touchAll(true);
        manager.workingSets().empty(process);
        manager.writeModifiedPages();
        assertEquals(PAGES, count(KprcbLayout.MM_DIRTY_PAGES_WRITE_COUNT));
        assertEquals(1, count(KprcbLayout.MM_DIRTY_WRITE_IO_COUNT));

        // Somebody else has every page for a moment.
        long[] taken = new long[(int) manager.pfns().availablePages()];
        for (int i = 0; i < taken.length; i++) {
            taken[i] = manager.pfns().allocate(0, 0);
        }
        for (long frame : taken) {
            manager.pfns().free(frame);
        }
        assertEquals(0, count(KprcbLayout.MM_PAGE_READ_COUNT));
        touchAll(false);
        long transfers = count(KprcbLayout.MM_PAGE_READ_IO_COUNT);
        long soft = count(KprcbLayout.MM_TRANSITION_COUNT);
        assertEquals(PAGES, count(KprcbLayout.MM_PAGE_READ_COUNT));
        // What came with a neighbour is found in RAM.
        assertEquals(PAGES, transfers + soft);
        assertTrue(transfers < PAGES, "transfers=" + transfers);
    }
}
