package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.MiPageCombineStatisticsLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.CombineBlock;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pte;

class PageCombiningTest {
    private static final int COMMIT = VirtualMemoryServices.MEM_COMMIT | VirtualMemoryServices.MEM_RESERVE;
    private static final int RW = PageProtection.PAGE_READWRITE;
    private static final int RO = PageProtection.PAGE_READONLY;
    private static final int NOACCESS = PageProtection.PAGE_NOACCESS;
    private static final int PAGES = 40;

    private final PagingTest.FaultyStore disk = new PagingTest.FaultyStore();
    private SmallMachine machine;
    private MemoryManager manager;
    private Memory user;
    private final Eprocess[] processes = new Eprocess[2];
    private final long[] bases = new long[2];

    @BeforeEach
    void boot() {
        machine = new SmallMachine(32L << 20, 1);
        manager = machine.manager();
        machine.addPageFile(2000, disk);
        user = manager.mmu().user();
    }

    private void start() {
        for (int i = 0; i < processes.length; i++) {
            processes[i] = machine.newProcess(4 + 4 * i);
            manager.switchTo(processes[i]);
            Region region = region(0, PAGES);
            assertEquals(NtStatus.SUCCESS, manager.virtualMemory().allocate(processes[i], region, 0, COMMIT, RW));
            bases[i] = region.base;
            assertEquals(
                    NtStatus.SUCCESS,
                    manager.workingSets().setLimits(processes[i], 40 * Pages.SIZE, 400 * Pages.SIZE, 0));
        }
    }

    @AfterEach
    void checkAndClose() {
        machine.check("end of test");
        machine.close();
    }

    private static Region region(long base, int pages) {
        Region region = new Region();
        region.base = base;
        region.sizeBytes = pages * Pages.SIZE;
        return region;
    }

    private long address(int process, int page) {
        return bases[process] + page * Pages.SIZE;
    }

    private void write(int process, int page, long value) {
        manager.switchTo(processes[process]);
        user.writeLong(address(process, page), value);
    }

    private long read(int process, int page) {
        manager.switchTo(processes[process]);
        return user.readLong(address(process, page));
    }

    private long pte(int process, int page) {
        manager.switchTo(processes[process]);
        return manager.kernelMemory().readLong(manager.selfMap().pte(address(process, page)));
    }

    private int statistic(long field) {
        return manager.kernelMemory().readInt(CombineBlock.statistics(manager.kernelBase()) + field);
    }

    private int blocks() {
        return statistic(MiPageCombineStatisticsLayout.COMBINED_BLOCKS_IN_USE);
    }

    private void fill() {
        for (int process = 0; process < 2; process++) {
            for (int page = 0; page < PAGES; page++) {
                write(process, page, 7 + page / 10);
            }
        }
    }

    @Test
    void onceAMinuteWhenNobodyWantsTheProcessorIfSwitchedOn() {
        start();
        fill();
        BackgroundWork background = manager.background();
        for (int second = 0; second < 61; second++) {
            background.second();
        }
        background.idle();
        assertEquals(0, blocks(), "not switched on");
        background.setCombinesWhenIdle(true);
        background.idle();
        assertEquals(0, blocks(), "not due again");
        for (int second = 0; second < 60; second++) {
            background.second();
            background.idle();
        }
        assertEquals(4, blocks());
    }

    @Test
    void equalPagesShareAFrameUntilTheyAreWritten() {
        start();
        fill();
        long available = manager.pfns().availablePages();
        long committed = processes[0].commitCharge();
        assertEquals(2 * PAGES - 4, manager.combining().combineAll());
        machine.check("combined");
        assertEquals(4, blocks());
        assertEquals(2 * PAGES, statistic(MiPageCombineStatisticsLayout.SUM_COMBINED_BLOCKS_REFERENCE_COUNT));
        // What is freed less what the blocks need.
        assertTrue(manager.pfns().availablePages() >= available + 2 * PAGES - 4 - 12);
        assertEquals(committed, processes[0].commitCharge());
        assertEquals(Pte.frame(pte(0, 3)), Pte.frame(pte(1, 5)));
        assertEquals(0, processes[0].privatePages());
        assertEquals(7, read(1, 3));
        write(0, 3, 99);
        machine.check("written");
        assertEquals(99, read(0, 3));
        assertEquals(7, read(1, 3));
        assertEquals(7, read(0, 4));
        assertEquals(1, processes[0].privatePages());
        // A new page joins a block that there is.
        write(0, 3, 7);
        assertEquals(1, manager.combining().combineAll());
        for (int page = 0; page < PAGES; page++) {
            write(0, page, 1);
            write(1, page, 2);
        }
        assertEquals(0, blocks());
    }

    @Test
    void protectionIsEachPagesOwn() {
        start();
        fill();
        Region region = region(address(0, 0), 1);
        manager.switchTo(processes[0]);
        assertEquals(NtStatus.SUCCESS, manager.virtualMemory().protect(processes[0], region, RO, new int[1]));
        manager.combining().combineAll();
        assertEquals(
                NtStatus.ACCESS_VIOLATION,
                assertThrows(MemoryFault.class, () -> write(0, 0, 5)).status());
        int[] old = new int[1];
        for (int protection : new int[] {NOACCESS, RO, RW | PageProtection.PAGE_GUARD, RW}) {
            manager.switchTo(processes[0]);
            region = region(address(0, 0), 1);
            assertEquals(NtStatus.SUCCESS, manager.virtualMemory().protect(processes[0], region, protection, old));
            machine.check("protection=" + protection);
        }
        assertEquals(RW | PageProtection.PAGE_GUARD, old[0]);
        assertEquals(7, read(0, 0));
        write(0, 0, 5);
        assertEquals(5, read(0, 0));
        assertEquals(7, read(1, 0));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void combinedPagesArePagedOut(boolean compressed) {
        if (compressed) {
            manager.compressMemory(machine.newProcess(64));
        }
        start();
        fill();
        manager.combining().combineAll();
        for (Eprocess process : processes) {
            manager.workingSets().empty(process);
        }
        assertEquals(Pte.Kind.PROTOTYPE, Pte.kind(pte(0, 0)));
        machine.check("trimmed");
        manager.writeModifiedPages();
        machine.repurposeAll();
        machine.check("paged out");
        write(0, 0, 1);
        for (int page = 1; page < PAGES; page++) {
            assertEquals(7 + page / 10, read(0, page));
            assertEquals(7 + page / 10, read(1, page));
        }
        assertEquals(7, read(1, 0));
        assertEquals(1, read(0, 0));
        assertEquals(compressed ? 0 : 4, disk.reads);
        machine.end(processes[0]);
        machine.check("one process ended");
        assertEquals(7, read(1, 1));
        manager.switchTo(processes[1]);
        Region all = region(bases[1], 0);
        assertEquals(
                NtStatus.SUCCESS, manager.virtualMemory().free(processes[1], all, VirtualMemoryServices.MEM_RELEASE));
        assertEquals(0, blocks());
    }

    @Test
    void lockedPagesStay() {
        start();
        write(0, 0, 5);
        write(1, 0, 5);
        manager.switchTo(processes[0]);
        assertEquals(NtStatus.SUCCESS, manager.workingSets().lock(processes[0], region(address(0, 0), 1)));
        assertEquals(0, manager.combining().combineAll());
        assertFalse(manager.combining().isCombined(pte(1, 0)));
    }

    @Test
    void pagesHoldWhatWasWritten() {
        long seed = Long.getLong("vadose.seed", 20261121);
        int steps = Integer.getInteger("vadose.steps", 1500);
        System.out.println("PageCombiningTest seed=" + seed);
        Random random = new Random(seed);
        start();
        long[][] value = new long[2][PAGES];
        int[][] protect = new int[2][PAGES];
        boolean[][] committed = new boolean[2][PAGES];
        for (int i = 0; i < 2; i++) {
            java.util.Arrays.fill(protect[i], RW);
            java.util.Arrays.fill(committed[i], true);
        }
        long combined = 0;
        for (int step = 0; step < steps; step++) {
            String at = "seed=" + seed + " step=" + step;
            int p = random.nextInt(2);
            int page = random.nextInt(PAGES);
            manager.switchTo(processes[p]);
            Region region = region(address(p, page), 1);
            switch (random.nextInt(12)) {
                case 0, 1, 2, 3 -> {
                    if (committed[p][page] && protect[p][page] == RW) {
                        value[p][page] = random.nextInt(4);
                        write(p, page, value[p][page]);
                    } else {
                        assertThrows(MemoryFault.class, () -> write(p, page, 1), at);
                    }
                }
                case 4, 5 -> {
                    if (committed[p][page] && protect[p][page] != NOACCESS) {
                        assertEquals(value[p][page], read(p, page), at);
                    } else {
                        assertThrows(MemoryFault.class, () -> read(p, page), at);
                    }
                }
                case 6 -> {
                    int wanted = new int[] {RW, RO, NOACCESS}[random.nextInt(3)];
                    NtStatus status = manager.virtualMemory().protect(processes[p], region, wanted, new int[1]);
                    assertEquals(committed[p][page], status.isSuccess(), at);
                    protect[p][page] = committed[p][page] ? wanted : protect[p][page];
                }
                case 7 -> {
                    assertEquals(
                            NtStatus.SUCCESS,
                            manager.virtualMemory()
                                    .allocate(processes[p], region, 0, VirtualMemoryServices.MEM_COMMIT, RW));
                    committed[p][page] = true;
                    protect[p][page] = RW;
                }
                case 8 -> {
                    if (random.nextInt(4) == 0) {
                        manager.virtualMemory().free(processes[p], region, VirtualMemoryServices.MEM_DECOMMIT);
                        committed[p][page] = false;
                        value[p][page] = 0;
                    } else if (random.nextBoolean()) {
                        manager.workingSets().lock(processes[p], region);
                    } else {
                        manager.workingSets().unlock(processes[p], region);
                    }
                }
                case 9 -> manager.workingSets().empty(processes[p]);
                case 10 -> manager.writeModifiedPages();
                default -> combined += manager.combining().combineAll();
            }
            if (step % 8 == 0) {
                machine.check(at);
            }
        }
        assertTrue(combined > steps / 10, "combined=" + combined);
        for (Eprocess process : processes) {
            machine.end(process);
            machine.check("ended");
        }
        assertEquals(0, blocks());
    }
}
