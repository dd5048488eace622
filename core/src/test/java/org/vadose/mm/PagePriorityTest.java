package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;

class PagePriorityTest {
    private static final int LOW = 2;
    private static final int PAGES = 50;

    private SmallMachine machine;
    private MemoryManager manager;
    private Eprocess process;

    @BeforeEach
    void boot() {
        machine = new SmallMachine(32 << 20, 1);
        manager = machine.manager();
        machine.addPageFile(4096, new MemoryBackingStore());
        process = machine.newProcess(4);
        manager.switchTo(process);
    }

    @AfterEach
    void checkAndClose() {
        machine.check("end of test");
        machine.close();
    }

    private long allocate(int priority) {
        Region region = new Region();
        region.sizeBytes = PAGES * Pages.SIZE;
        int type = VirtualMemoryServices.MEM_COMMIT | VirtualMemoryServices.MEM_RESERVE;
        assertEquals(
                NtStatus.SUCCESS,
                manager.virtualMemory().allocate(process, region, 0, type, PageProtection.PAGE_READWRITE));
        manager.usePagePriority(priority);
        for (int i = 0; i < PAGES; i++) {
            manager.mmu().user().writeLong(region.base + i * Pages.SIZE, i);
        }
        manager.usePagePriority(PfnDatabase.NORMAL_PRIORITY);
        return region.base;
    }

    private void pageOut() {
        manager.workingSets().empty(process);
        manager.writeModifiedPages();
    }

    private long pte(long address) {
        return manager.kernelMemory().readLong(manager.selfMap().pte(address));
    }

    private Pfn pfn(long address) {
        return manager.pfns().pfn(Pte.frame(pte(address)));
    }

    @Test
    void pagesHaveThePriorityOfWhoTouchedThemFirst() {
        long low = allocate(LOW);
        long normal = allocate(PfnDatabase.NORMAL_PRIORITY);
        assertEquals(LOW, pfn(low).priority());
        assertEquals(PfnDatabase.NORMAL_PRIORITY, pfn(normal).priority());
        pageOut();
        assertEquals(LOW, pfn(low).priority());
        assertEquals(Pte.Kind.TRANSITION, Pte.kind(pte(low)));
    }

    @Test
    void standbyPagesOfLowPriorityAreTakenFirstThoughTheyWereReleasedLast() {
        long normal = allocate(PfnDatabase.NORMAL_PRIORITY);
        pageOut();
        long low = allocate(LOW);
        pageOut();
        PfnDatabase pfns = manager.pfns();
        long[] taken = new long[(int) pfns.availablePages() - PAGES];
        for (int i = 0; i < taken.length; i++) {
            taken[i] = pfns.allocate(0, 0);
            assertNotEquals(PfnDatabase.NONE, taken[i]);
        }
        assertEquals(PAGES, pfns.standbyPages());
        for (long frame : taken) {
            pfns.free(frame);
        }
        for (int i = 0; i < PAGES; i++) {
            assertEquals(Pte.Kind.PAGE_FILE, Pte.kind(pte(low + i * Pages.SIZE)), "page=" + i);
            assertEquals(Pte.Kind.TRANSITION, Pte.kind(pte(normal + i * Pages.SIZE)), "page=" + i);
        }
    }

    @Test
    void whoOfHigherPriorityTouchesAPageRaisesIt() {
        long low = allocate(LOW);
        long normal = allocate(PfnDatabase.NORMAL_PRIORITY);
        pageOut();
        assertEquals(0, manager.mmu().user().readLong(low));
        assertEquals(PfnDatabase.NORMAL_PRIORITY, pfn(low).priority());
        manager.usePagePriority(LOW);
        assertEquals(0, manager.mmu().user().readLong(normal));
        assertEquals(PfnDatabase.NORMAL_PRIORITY, pfn(normal).priority());
    }
}
