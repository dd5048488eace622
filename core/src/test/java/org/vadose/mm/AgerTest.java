package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.MmsupportInstanceLayout;
import org.vadose.memory.X64PageTables;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pte;

class AgerTest {
    private static final int PAGES = 100;

    private SmallMachine machine;
    private MemoryManager manager;
    private Eprocess process;
    private long base;

    @BeforeEach
    void touchPages() {
        machine = new SmallMachine(32L << 20, 1);
        manager = machine.manager();
        machine.addPageFile(1024, new MemoryBackingStore());
        process = machine.newProcess(8);
        manager.switchTo(process);
        Region region = new Region();
        region.sizeBytes = PAGES * Pages.SIZE;
        int type = VirtualMemoryServices.MEM_COMMIT | VirtualMemoryServices.MEM_RESERVE;
        assertEquals(
                NtStatus.SUCCESS,
                manager.virtualMemory().allocate(process, region, 0, type, PageProtection.PAGE_READWRITE));
        base = region.base;
        touch(0, PAGES);
    }

    @AfterEach
    void close() {
        machine.check("end");
        machine.close();
    }

    private void touch(int from, int to) {
        for (int page = from; page < to; page++) {
            manager.mmu().user().writeLong(base + page * Pages.SIZE, page + 1);
        }
    }

    private long pte(int page) {
        return manager.kernelMemory().readLong(manager.selfMap().pte(base + page * Pages.SIZE));
    }

    private long pagesOfAge(int age) {
        return manager.kernelMemory()
                .readLong(process.address() + EprocessLayout.VM + MmsupportInstanceLayout.AGE_DISTRIBUTION + 8L * age);
    }

    @Test
    void pagesGrowOlderUntilTheyAreAccessed() {
        manager.ageWorkingSets();
        assertEquals(PAGES, pagesOfAge(0));
        for (int second = 0; second < 3; second++) {
            manager.ageWorkingSets();
        }
        assertEquals(PAGES, pagesOfAge(3));
        touch(0, 40);
        manager.ageWorkingSets();
        assertEquals(40, pagesOfAge(0));
        assertEquals(PAGES - 40, pagesOfAge(4));
        assertEquals(0, Pte.age(pte(39)));
        assertEquals(4, Pte.age(pte(40)));
        for (int second = 0; second < 9; second++) {
            manager.ageWorkingSets();
        }
        assertEquals(PAGES, pagesOfAge(7), "no page grows older than 7");
    }

    @Test
    void theOldestAreTrimmedFirst() {
        manager.ageWorkingSets();
        manager.ageWorkingSets();
        touch(30, PAGES);
        manager.ageWorkingSets();
        manager.ageWorkingSets();
        assertEquals(30, pagesOfAge(3));
        assertEquals(20, manager.balance().trim(process, 20, Trimmer.Choice.OLDEST));
        assertEquals(10, pagesOfAge(3));
        assertEquals(10, manager.balance().trim(process, 10, Trimmer.Choice.OLDEST));
        for (int page = 0; page < PAGES; page++) {
            assertEquals(page >= 30 ? 1 : 0, pte(page) & X64PageTables.PRESENT, "page=" + page);
        }
        for (int page = 0; page < PAGES; page++) {
            assertEquals(page + 1, manager.mmu().user().readLong(base + page * Pages.SIZE));
        }
    }

    @Test
    void lockedPagesDoNotAge() {
        Region region = new Region();
        region.base = base;
        region.sizeBytes = 5 * Pages.SIZE;
        process.setWorkingSetLimits(50, PAGES, false, false);
        assertEquals(NtStatus.SUCCESS, manager.workingSets().lock(process, region));
        manager.ageWorkingSets();
        manager.ageWorkingSets();
        assertEquals(PAGES - 5, pagesOfAge(1));
    }
}
