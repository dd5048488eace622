package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.MemoryFault;
import org.vadose.memory.PhysicalMemory;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageLocation;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;

class PagingTest {
    private static final int COMMIT = VirtualMemoryServices.MEM_COMMIT | VirtualMemoryServices.MEM_RESERVE;
    private static final int RW = PageProtection.PAGE_READWRITE;
    private static final long RAM = 32L << 20;

    private final FaultyStore store = new FaultyStore();
    private SmallMachine machine;
    private MemoryManager manager;
    private VirtualMemoryServices services;
    private Eprocess process;
    private final Region region = new Region();

    /** A store in memory whose next calls fail. */
    static final class FaultyStore implements BackingStore {
        private final MemoryBackingStore inner = new MemoryBackingStore();
        int readsToFail;
        int writesToFail;
        NtStatus error = NtStatus.UNSUCCESSFUL;
        int reads;
        long pagesRead;
        int writes;

        @Override
        public NtStatus read(long slot, PhysicalMemory ram, long[] frames, int count) {
            reads++;
            pagesRead += count;
            return readsToFail-- > 0 ? error : inner.read(slot, ram, frames, count);
        }

        @Override
        public NtStatus write(long slot, PhysicalMemory ram, long[] frames, int count) {
            writes++;
            return writesToFail-- > 0 ? error : inner.write(slot, ram, frames, count);
        }

        @Override
        public void close() {
            inner.close();
        }
    }

    @BeforeEach
    void boot() {
        machine = new SmallMachine(RAM, 1);
        manager = machine.manager();
        services = manager.virtualMemory();
        process = machine.newProcess(4);
        manager.switchTo(process);
    }

    @AfterEach
    void checkAndClose() {
        machine.check("end of test");
        machine.close();
    }

    private long allocate(long bytes) {
        region.base = 0;
        region.sizeBytes = bytes;
        assertEquals(NtStatus.SUCCESS, services.allocate(process, region, 0, COMMIT, RW));
        return region.base;
    }

    private static long pattern(long page) {
        return page * 0x9E37_79B9_7F4A_7C15L | 1;
    }

    private long pte(long address) {
        return manager.kernelMemory().readLong(manager.selfMap().pte(address));
    }

    @Test
    void framesOfPagesNeverWrittenAreFreeOnlyOnceTheyAreForgotten() {
        long base = allocate(Pages.SIZE);
        assertEquals(0, manager.mmu().user().readLong(base));
        Pfn pfn = manager.pfns().pfn(Pte.frame(pte(base)));
        List<PageLocation> whenForgotten = new ArrayList<>();
        manager.mmu().all().getFirst().addInvalidationListener(() -> whenForgotten.add(pfn.location()));
        manager.workingSets().empty(process);
        assertEquals(PageLocation.ACTIVE, whenForgotten.getFirst());
        assertEquals(PageLocation.FREE, pfn.location());
    }

    @Test
    void touchingFourTimesRamKeepsEveryByte() {
        machine.addPageFile(8 * RAM / Pages.SIZE, store);
        long seed = 42;
        Random random = new Random(seed);
        long pages = 4 * RAM / Pages.SIZE;
        long base = allocate(pages * Pages.SIZE);
        int[] order = random.ints(0, (int) pages).distinct().limit(pages).toArray();
        for (int page : order) {
            manager.mmu().user().writeLong(base + page * Pages.SIZE + 8L * (page & 511), pattern(page));
        }
        machine.check("written seed=" + seed);
        for (int i = order.length - 1; i >= 0; i--) {
            int page = order[i];
            long at = base + page * Pages.SIZE;
            assertEquals(pattern(page), manager.mmu().user().readLong(at + 8L * (page & 511)), "page=" + page);
            assertEquals(0, manager.mmu().user().readLong(at + 8L * (page + 1 & 511)), "page=" + page);
        }
        assertTrue(process.hardFaultCount() > 2 * RAM / Pages.SIZE);
        assertEquals(pages, process.privatePages());
    }

    @Test
    void goingThroughTwiceRamAgainAndAgainFindsPartOfItThere() {
        machine.addPageFile(8 * RAM / Pages.SIZE, store);
        long pages = 2 * RAM / Pages.SIZE;
        long base = allocate(pages * Pages.SIZE);
        for (int round = 0; round < 4; round++) {
            long before = store.pagesRead;
            int readsBefore = store.reads;
            for (long page = 0; page < pages; page++) {
                long at = base + page * Pages.SIZE + 8 * (page & 511);
                long word = manager.mmu().user().readLong(at);
                assertEquals(round == 0 ? 0 : pattern(page + round), word, "page=" + page);
                manager.mmu().user().writeLong(at, pattern(page + round + 1));
            }
            machine.check("round=" + round);
            long read = store.pagesRead - before;
            long calls = store.reads - readsBefore;
            if (round > 1) {
                // A policy that always gives up what was used longest ago would read them all.
                assertTrue(read < pages * 7 / 8, () -> "read=" + read + " of=" + pages);
                assertTrue(read > 32 * calls, () -> "reads are not clustered read=" + read + " calls=" + calls);
            }
        }
    }

    @Test
    void trimmedPagesComeBackWithoutIo() {
        machine.addPageFile(4096, store);
        long base = allocate(64 * Pages.SIZE);
        for (int i = 0; i < 32; i++) {
            manager.mmu().user().writeLong(base + i * Pages.SIZE, pattern(i));
        }
        manager.mmu().user().readLong(base + 32 * Pages.SIZE);
        machine.pageOut(process);
        machine.check("paged out");
        assertEquals(Pte.Kind.TRANSITION, Pte.kind(pte(base)));
        // What was only read needs no slot.
        assertEquals(Pte.Kind.DEMAND_ZERO, Pte.kind(pte(base + 32 * Pages.SIZE)));
        assertEquals(1, store.writes);
        for (int i = 0; i < 32; i++) {
            assertEquals(pattern(i), manager.mmu().user().readLong(base + i * Pages.SIZE));
        }
        assertEquals(0, store.reads);
        assertEquals(0, process.hardFaultCount());
        // Clean pages keep their slots: nothing is written the second time.
        machine.pageOut(process);
        assertEquals(1, store.writes);
        machine.repurposeAll();
        machine.check("repurposed");
        assertEquals(Pte.Kind.PAGE_FILE, Pte.kind(pte(base)));
        for (int i = 0; i < 32; i++) {
            assertEquals(pattern(i), manager.mmu().user().readLong(base + i * Pages.SIZE));
        }
        assertTrue(store.reads < 8, () -> "page-in is not clustered reads=" + store.reads);
        machine.check("read back");
        manager.mmu().user().writeLong(base, 1);
        machine.pageOut(process);
        assertEquals(2, store.writes);
    }

    @Test
    void modifiedPagesAreOfferedBeforeTheyAreWritten() {
        machine.addPageFile(4096, store);
        FaultyStore taken = new FaultyStore();
        machine.addPageFile(4096, taken);
        PageFiles.Run run = new PageFiles.Run();
        manager.modifiedWriter().setTaker((frames, count) -> {
            // Every other page goes to the second file.
            for (int i = 0; i < count; i += 2) {
                assertTrue(manager.pageFiles().takeFrom(1, 1, run));
                assertEquals(NtStatus.SUCCESS, manager.pageFiles().write(1, run.slot, new long[] {frames[i]}, 1));
                manager.pfns().pagedOut(frames[i], 1, run.slot);
                frames[i] = PfnDatabase.NONE;
            }
        });
        long base = allocate(100 * Pages.SIZE);
        for (int i = 0; i < 100; i++) {
            manager.mmu().user().writeLong(base + i * Pages.SIZE, pattern(i));
        }
        machine.pageOut(process);
        machine.check("paged out");
        assertEquals(50, taken.writes);
        assertTrue(store.writes < 4);
        machine.repurposeAll();
        for (int i = 0; i < 100; i++) {
            assertEquals(pattern(i), manager.mmu().user().readLong(base + i * Pages.SIZE));
        }
    }

    @Test
    void anErrorOfTheDeviceHarmsNothingElse() {
        machine.addPageFile(4096, store);
        long base = allocate(8 * Pages.SIZE);
        for (int i = 0; i < 8; i++) {
            manager.mmu().user().writeLong(base + i * Pages.SIZE, pattern(i));
        }
        store.writesToFail = 1;
        machine.pageOut(process);
        machine.check("failed write");
        machine.pageOut(process);
        machine.repurposeAll();
        store.readsToFail = 1;
        assertEquals(
                NtStatus.IN_PAGE_ERROR,
                assertThrows(MemoryFault.class, () -> manager.mmu().user().readLong(base))
                        .status());
        machine.check("failed read");
        store.readsToFail = 2;
        store.error = NtStatus.INSUFFICIENT_RESOURCES;
        for (int i = 0; i < 8; i++) {
            assertEquals(pattern(i), manager.mmu().user().readLong(base + i * Pages.SIZE));
        }
    }

    @Test
    void pagedOutPagesCanBeProtectedDecommittedAndFreed() {
        machine.addPageFile(4096, store);
        long base = allocate(8 * Pages.SIZE);
        for (int i = 0; i < 8; i++) {
            manager.mmu().user().writeLong(base + i * Pages.SIZE, pattern(i));
        }
        machine.pageOut(process);
        machine.repurposeAll();
        region.base = base;
        region.sizeBytes = 2 * Pages.SIZE;
        assertEquals(NtStatus.SUCCESS, services.protect(process, region, PageProtection.PAGE_READONLY, new int[1]));
        assertEquals(pattern(1), manager.mmu().user().readLong(base + Pages.SIZE));
        assertThrows(MemoryFault.class, () -> manager.mmu().user().writeLong(base + Pages.SIZE, 1));
        region.base = base + 2 * Pages.SIZE;
        region.sizeBytes = 2 * Pages.SIZE;
        assertEquals(NtStatus.SUCCESS, services.free(process, region, VirtualMemoryServices.MEM_DECOMMIT));
        machine.check("decommitted");
        region.base = base;
        region.sizeBytes = 0;
        assertEquals(NtStatus.SUCCESS, services.free(process, region, VirtualMemoryServices.MEM_RELEASE));
        assertEquals(manager.pageFiles().totalSlots(), manager.pageFiles().freeSlots());
        assertEquals(0, process.privatePages());
    }

    @Test
    void lockedPagesStay() {
        machine.addPageFile(4096, store);
        long base = allocate(64 * Pages.SIZE);
        WorkingSetServices sets = manager.workingSets();
        assertEquals(NtStatus.SUCCESS, sets.setLimits(process, 40 * Pages.SIZE, 400 * Pages.SIZE, 0));
        region.base = base + 5;
        region.sizeBytes = 2 * Pages.SIZE;
        assertEquals(NtStatus.SUCCESS, sets.lock(process, region));
        assertEquals(3 * Pages.SIZE, region.sizeBytes);
        assertEquals(3, process.lockedPages());
        assertEquals(NtStatus.WAS_LOCKED, sets.lock(process, region));
        manager.mmu().user().writeLong(base + 4 * Pages.SIZE, 1);
        sets.empty(process);
        machine.check("emptied");
        assertEquals(3, process.workingSetLeafSize());
        assertEquals(NtStatus.SUCCESS, services.protect(process, region, PageProtection.PAGE_READONLY, new int[1]));
        assertEquals(3, process.lockedPages());
        region.base = base;
        region.sizeBytes = 4 * Pages.SIZE;
        assertEquals(NtStatus.NOT_LOCKED, sets.unlock(process, region));
        region.sizeBytes = 64 * Pages.SIZE;
        assertEquals(NtStatus.WORKING_SET_QUOTA, sets.lock(process, region));
        region.base = base;
        region.sizeBytes = Pages.SIZE;
        assertEquals(NtStatus.SUCCESS, sets.unlock(process, region));
        assertEquals(NtStatus.SUCCESS, services.free(process, region, VirtualMemoryServices.MEM_DECOMMIT));
        assertEquals(NtStatus.ACCESS_VIOLATION, sets.lock(process, region));
        region.base = base;
        region.sizeBytes = 0;
        assertEquals(NtStatus.SUCCESS, services.free(process, region, VirtualMemoryServices.MEM_RELEASE));
        assertEquals(0, process.lockedPages());
    }

    @Test
    void aHardMaximumHolds() {
        machine.addPageFile(4096, store);
        long base = allocate(512 * Pages.SIZE);
        assertEquals(
                NtStatus.SUCCESS,
                manager.workingSets()
                        .setLimits(process, 20 * Pages.SIZE, 100 * Pages.SIZE, WorkingSetServices.HARD_MAXIMUM_ENABLE));
        for (int round = 0; round < 2; round++) {
            for (long page = 0; page < 512; page++) {
                long at = base + page * Pages.SIZE;
                assertEquals(round == 0 ? 0 : page, manager.mmu().user().readLong(at));
                manager.mmu().user().writeLong(at, page);
                assertTrue(process.workingSetSize() <= 104, () -> "size=" + process.workingSetSize());
            }
        }
        assertEquals(0, process.hardFaultCount());
        assertEquals(
                NtStatus.BAD_WORKING_SET_LIMIT,
                manager.workingSets().setLimits(process, 100 * Pages.SIZE, 50 * Pages.SIZE, 0));
        assertEquals(NtStatus.SUCCESS, manager.workingSets().setLimits(process, -1, -1, 0));
        assertEquals(0, process.workingSetLeafSize());
    }

    @Test
    void theCommitLimitIsRamAndPageFiles() {
        long before = manager.commitLimitPages();
        region.base = 0;
        region.sizeBytes = RAM;
        assertEquals(NtStatus.COMMITMENT_LIMIT, services.allocate(process, region, 0, COMMIT, RW));
        assertEquals(NtStatus.SUCCESS, manager.pageFiles().create("\\??\\D:\\pagefile.sys", 1001, 20_001, 0, store));
        assertEquals(before + 1000, manager.commitLimitPages());
        // It grows.
        allocate(RAM);
        assertTrue(manager.commitLimitPages() > before + 1000);
        region.base = 0;
        region.sizeBytes = 20_000 * Pages.SIZE;
        assertEquals(NtStatus.COMMITMENT_LIMIT, services.allocate(process, region, 0, COMMIT, RW));
    }

    @Test
    void everyCommittedPageCanBeUsed() {
        machine.addPageFile(1001, store);
        long pages = manager.commitLimitPages() - manager.totalCommittedPages() - manager.commitReservePages();
        long base = allocate(pages * Pages.SIZE);
        for (int round = 0; round < 3; round++) {
            for (long page = 0; page < pages; page++) {
                long at = base + page * Pages.SIZE;
                assertEquals(
                        round == 0 ? 0 : pattern(page + round - 1),
                        manager.mmu().user().readLong(at));
                manager.mmu().user().writeLong(at, pattern(page + round));
            }
            machine.check("round=" + round);
        }
    }

    @Test
    void reservingWithoutEndEndsInAStatus() {
        machine.addPageFile(2001, store);
        long kept = allocate(16 * Pages.SIZE);
        long[] bases = new long[20_000];
        int count = 0;
        NtStatus status = NtStatus.SUCCESS;
        while (status == NtStatus.SUCCESS) {
            region.base = 0;
            region.sizeBytes = 1;
            status = services.allocate(process, region, 0, VirtualMemoryServices.MEM_RESERVE, RW);
            bases[count++] = region.base;
        }
        assertEquals(NtStatus.INSUFFICIENT_RESOURCES, status);
        machine.check("no more regions");
        // What was promised can still be used.
        for (int i = 0; i < 16; i++) {
            manager.mmu().user().writeLong(kept + i * Pages.SIZE, pattern(i));
        }
        for (int i = 0; i < count - 1; i++) {
            region.base = bases[i];
            region.sizeBytes = 0;
            assertEquals(NtStatus.SUCCESS, services.free(process, region, VirtualMemoryServices.MEM_RELEASE));
        }
        for (int i = 0; i < 16; i++) {
            assertEquals(pattern(i), manager.mmu().user().readLong(kept + i * Pages.SIZE));
        }
    }

    @Test
    void withoutPageFileEverythingStays() {
        long pages = manager.commitLimitPages() - manager.totalCommittedPages() - manager.commitReservePages();
        long base = allocate(pages * Pages.SIZE);
        for (long page = 0; page < pages; page++) {
            manager.mmu().user().writeLong(base + page * Pages.SIZE, pattern(page));
        }
        for (long page = 0; page < pages; page++) {
            assertEquals(pattern(page), manager.mmu().user().readLong(base + page * Pages.SIZE));
        }
    }
}
