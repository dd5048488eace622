package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.debug.Debugger;
import org.vadose.layout.KernelSymbols;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.CompressedStore;
import org.vadose.nt.CompressedStore.Own;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pte;
import org.vadose.nt.StoreManager;
import org.vadose.target.Target;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

class MemoryCompressionTest {
    private static final int COMMIT = VirtualMemoryServices.MEM_COMMIT | VirtualMemoryServices.MEM_RESERVE;
    private static final int RW = PageProtection.PAGE_READWRITE;
    private static final long RAM = 32L << 20;

    private final PagingTest.FaultyStore disk = new PagingTest.FaultyStore();
    private SmallMachine machine;
    private MemoryManager manager;
    private VirtualMemoryServices services;
    private Eprocess process;
    private Eprocess owner;
    private final Region region = new Region();

    @BeforeEach
    void boot() {
        machine = new SmallMachine(RAM, 1);
        manager = machine.manager();
        services = manager.virtualMemory();
    }

    private void start(long pageFilePages) {
        if (pageFilePages != 0) {
            machine.addPageFile(pageFilePages, disk);
        }
        owner = machine.newProcess(4);
        manager.compressMemory(owner);
        process = machine.newProcess(8);
        manager.switchTo(process);
    }

    @AfterEach
    void checkAndClose() {
        machine.check("end of test");
        machine.close();
    }

    private CompressedStore store() {
        StoreManager globals =
                new StoreManager(manager.kernelMemory(), manager.kernelBase() + KernelSymbols.SM_GLOBALS);
        return new CompressedStore(manager.kernelMemory(), globals.store(0));
    }

    private long allocate(long pages) {
        region.base = 0;
        region.sizeBytes = pages * Pages.SIZE;
        assertEquals(NtStatus.SUCCESS, services.allocate(process, region, 0, COMMIT, RW));
        return region.base;
    }

    private static long pattern(long page) {
        return page * 0x9E37_79B9_7F4A_7C15L | 1;
    }

    private void write(long base, long pages) {
        for (long page = 0; page < pages; page++) {
            manager.mmu().user().writeLong(base + page * Pages.SIZE + 8 * (page & 511), pattern(page));
        }
    }

    private void expect(long base, long pages) {
        for (long page = 0; page < pages; page++) {
            long at = base + page * Pages.SIZE;
            assertEquals(pattern(page), manager.mmu().user().readLong(at + 8 * (page & 511)), "page=" + page);
            assertEquals(0, manager.mmu().user().readLong(at + 8 * (page + 1 & 511)), "page=" + page);
        }
    }

    private long pte(long address) {
        return manager.kernelMemory().readLong(manager.selfMap().pte(address));
    }

    private void pageOut() {
        machine.pageOut(process);
    }

    private void repurposeAll() {
        machine.repurposeAll();
    }

    @Test
    void debuggerReadsCompressedPagesLikeOthers() {
        start(4096);
        long base = allocate(300);
        write(base, 300);
        pageOut();
        repurposeAll();
        Target target = new Target(
                "test",
                machine.ram(),
                machine.ram().sizeBytes(),
                manager.mmu().format(),
                manager.systemRoot(),
                manager.kernelBase(),
                List.of());
        TargetMemory user = target.space(process.directoryTableBase());
        assertFalse(user.isReadable(base));
        assertThrows(UnreadableMemoryException.class, () -> user.readLong(base));
        // A debugger knows where they are.
        new Debugger(target, null, new StringBuilder());
        byte[] bytes = new byte[300 << Pages.SHIFT];
        user.read(base, bytes, 0, bytes.length);
        for (int page = 0; page < 300; page++) {
            long at = base + page * Pages.SIZE + 8 * (page & 511);
            assertEquals(pattern(page), user.readLong(at));
            assertEquals((byte) pattern(page), bytes[(int) (at - base)]);
        }
        assertTrue(user.isReadable(base));
        assertThrows(UnreadableMemoryException.class, () -> user.translate(base));
        assertEquals(Pte.Kind.PAGE_FILE, Pte.kind(pte(base)), "looking changed nothing");
    }

    @Test
    void modifiedPagesGoToTheStoreAndComeBackWithoutIo() {
        start(4096);
        long base = allocate(300);
        write(base, 300);
        pageOut();
        machine.check("stored");
        assertEquals(300, store().get(Own.PAGES));
        assertTrue(store().get(Own.COMPRESSED_BYTES) < 300 * 64);
        assertEquals(1, store().get(Own.REGIONS_IN_USE));
        repurposeAll();
        machine.check("repurposed");
        assertEquals(Pte.Kind.PAGE_FILE, Pte.kind(pte(base)));
        assertEquals(1, Pte.pageFileNumber(pte(base)));
        expect(base, 300);
        machine.check("back");
        assertEquals(0, store().get(Own.PAGES));
        assertEquals(0, disk.writes);
        assertEquals(300, store().get(Own.FETCHED));
        pageOut();
        assertEquals(300, store().get(Own.PAGES));
        region.base = base;
        region.sizeBytes = 0;
        assertEquals(NtStatus.SUCCESS, services.free(process, region, VirtualMemoryServices.MEM_RELEASE));
        assertEquals(0, store().get(Own.PAGES));
    }

    @Test
    void aMachineWithoutPageFileCompresses() {
        start(0);
        long pages = 3000;
        long base = allocate(pages);
        write(base, pages);
        long available = manager.pfns().availablePages();
        pageOut();
        assertEquals(pages, store().get(Own.PAGES));
        assertTrue(manager.pfns().availablePages() > available + pages * 9 / 10);
        repurposeAll();
        machine.check("compressed");
        assertEquals(Pte.Kind.PAGE_FILE, Pte.kind(pte(base)));
        assertEquals(0, Pte.pageFileNumber(pte(base)));
        expect(base, pages);
    }

    @Test
    void touchingFourTimesRamKeepsEveryByte() {
        start(8 * RAM / Pages.SIZE);
        long pages = 4 * RAM / Pages.SIZE;
        long base = allocate(pages);
        write(base, pages);
        machine.check("written");
        assertTrue(store().get(Own.PAGES) > pages / 2);
        expect(base, pages);
        machine.check("read");
        assertTrue(disk.reads < pages / 20, () -> "reads=" + disk.reads);
    }

    @Test
    void whatHardlyShrinksGoesToThePageFile() {
        start(4096);
        long base = allocate(64);
        byte[] noise = new byte[64 * (int) Pages.SIZE];
        new Random(5).nextBytes(noise);
        manager.mmu().user().write(base, noise);
        pageOut();
        repurposeAll();
        machine.check("paged out");
        assertEquals(0, store().get(Own.PAGES));
        assertEquals(0, Pte.pageFileNumber(pte(base)));
        assertArrayEquals(noise, manager.mmu().user().read(base, noise.length));
    }

    /** A page of which about half is noise, so that a region fills soon. */
    private byte[] halfNoise(int page) {
        byte[] bytes = new byte[(int) Pages.SIZE];
        Random random = new Random(page);
        for (int i = 0; i < bytes.length / 2; i++) {
            bytes[2 * i % bytes.length] = (byte) random.nextInt(16);
        }
        return bytes;
    }

    @Test
    void regionsArePagedOutThemselves() {
        start(4096);
        int pages = 500;
        long base = allocate(pages);
        for (int i = 0; i < pages; i++) {
            manager.mmu().user().write(base + i * Pages.SIZE, halfNoise(i));
        }
        pageOut();
        assertEquals(pages, store().get(Own.PAGES));
        long regions = store().get(Own.REGIONS_IN_USE);
        assertTrue(regions > 3, () -> "regions=" + regions);
        repurposeAll();
        manager.balance().trim(owner, Long.MAX_VALUE, Trimmer.Choice.ANY);
        manager.writeModifiedPages();
        repurposeAll();
        machine.check("regions paged out");
        assertEquals(0, owner.workingSetLeafSize());
        assertEquals(pages, store().get(Own.PAGES));
        disk.readsToFail = 1;
        assertEquals(
                NtStatus.IN_PAGE_ERROR,
                assertThrows(MemoryFault.class, () -> manager.mmu().user().readLong(base))
                        .status());
        machine.check("region could not be read");
        for (int i = 0; i < pages; i++) {
            assertArrayEquals(halfNoise(i), manager.mmu().user().read(base + i * Pages.SIZE, (int) Pages.SIZE));
        }
        assertTrue(disk.reads > 0);
        assertEquals(0, store().get(Own.PAGES));
        machine.check("read back");
        region.base = base;
        region.sizeBytes = 0;
        assertEquals(NtStatus.SUCCESS, services.free(process, region, VirtualMemoryServices.MEM_RELEASE));
        write(allocate(1), 1);
        pageOut();
        assertTrue(store().get(Own.REGIONS_IN_USE) <= 2, "empty regions go");
    }

    @Test
    void holesAreUsedAgain() {
        start(4096);
        int pages = 1000;
        long base = allocate(pages);
        Random random = new Random(11);
        long most = 0;
        for (int round = 0; round < 30; round++) {
            for (int i = 0; i < pages; i++) {
                if (round == 0 || random.nextInt(4) == 0) {
                    manager.mmu().user().write(base + i * Pages.SIZE, halfNoise(i));
                }
            }
            pageOut();
            if (round == 0) {
                most = store().get(Own.REGIONS_IN_USE);
            }
            if (round % 10 == 0) {
                machine.check("round=" + round);
            }
            assertTrue(store().get(Own.REGIONS_IN_USE) <= most * 3 / 2 + 1, "round=" + round);
        }
    }

    @Test
    void endedProcessesLeaveNothing() {
        start(4096);
        write(allocate(200), 200);
        pageOut();
        repurposeAll();
        machine.end(process);
        assertEquals(0, store().get(Own.PAGES));
    }
}
