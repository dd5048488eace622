package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;

/** Standby pages of a machine with several nodes: on lists of their node, and taken where they are wanted. */
class StandbyNodesTest {
    private static final int COMMIT = VirtualMemoryServices.MEM_COMMIT | VirtualMemoryServices.MEM_RESERVE;
    private static final long RAM = 128L << 20;
    private static final int NODES = 4;
    private static final int PAGES = 100;

    private final SmallMachine machine = new SmallMachine(RAM, NODES, 1);
    private final MemoryManager manager = machine.manager();
    private final PfnDatabase pfns = manager.pfns();
    private final Eprocess process = machine.newProcess(4);

    @AfterEach
    void checkAndClose() {
        machine.check("end of test");
        machine.close();
    }

    private long allocate(long pages, int node) {
        Region region = new Region();
        region.sizeBytes = pages * Pages.SIZE;
        assertEquals(
                NtStatus.SUCCESS,
                manager.virtualMemory().allocate(process, region, 0, COMMIT, PageProtection.PAGE_READWRITE));
        manager.nodePreferences().setRegion(process, region.base, node);
        return region.base;
    }

    /** Pages of each node, on standby. */
    private void fillStandby() {
        manager.switchTo(process);
        machine.addPageFile(8 * RAM / Pages.SIZE, new MemoryBackingStore());
        for (int node = 0; node < NODES; node++) {
            long base = allocate(PAGES, node);
            for (int i = 0; i < PAGES; i++) {
                manager.mmu().user().writeLong(base + i * Pages.SIZE, i);
            }
        }
        manager.balance().trim(process, Long.MAX_VALUE, Trimmer.Choice.ANY);
        manager.writeModifiedPages();
        machine.check("on standby");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void aWantedNodesPagesAreRepurposedFirst(int wanted) {
        fillStandby();
        assertEquals(NODES * PAGES, pfns.standbyPages());
        List<Long> taken = new ArrayList<>();
        pfns.prefer(wanted);
        try {
            while (pfns.availablePages() > pfns.standbyPages()) {
                taken.add(pfns.allocate(0, 0));
            }
            for (int i = 0; i < PAGES; i++) {
                long frame = pfns.allocate(0, 0);
                taken.add(frame);
                assertEquals(wanted, pfns.topology().ofFrame(frame), "i=" + i);
                assertEquals(PAGES - 1 - i, pfns.availablePages(wanted));
            }
            long frame = pfns.allocate(0, 0);
            taken.add(frame);
            int next = pfns.topology().byDistance(wanted)[1];
            assertEquals(next, pfns.topology().ofFrame(frame), "the nearest one follows");
        } finally {
            pfns.prefer(PfnDatabase.ANY_NODE);
            taken.forEach(pfns::free);
        }
    }

    @Test
    void availableMemoryOfANodeCountsItsStandbyPages() {
        long before = pfns.availablePages();
        assertEquals(before, sumOfNodes());
        fillStandby();
        assertEquals(pfns.availablePages(), sumOfNodes());
        assertNotEquals(before, pfns.availablePages());
    }

    private long sumOfNodes() {
        pfns.takeBackFromProcessors();
        long sum = 0;
        for (int node = 0; node < NODES; node++) {
            sum += pfns.availablePages(node);
        }
        return sum;
    }

    @Test
    void moreMemoryThanThereIsOfEachNode() {
        manager.switchTo(process);
        machine.addPageFile(8 * RAM / Pages.SIZE, new MemoryBackingStore());
        long pages = 2 * RAM / Pages.SIZE / NODES;
        long[] bases = new long[NODES];
        for (int node = 0; node < NODES; node++) {
            bases[node] = allocate(pages, node);
            for (long i = 0; i < pages; i++) {
                manager.mmu().user().writeLong(bases[node] + i * Pages.SIZE, node << 20 | i);
            }
            machine.check("written node=" + node);
        }
        for (int node = NODES - 1; node >= 0; node--) {
            for (long i = 0; i < pages; i++) {
                assertEquals(node << 20 | i, manager.mmu().user().readLong(bases[node] + i * Pages.SIZE));
            }
        }
        assertTrue(process.hardFaultCount() > 0);
    }
}
