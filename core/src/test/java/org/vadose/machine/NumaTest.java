package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.vadose.base.Pages;
import org.vadose.layout.GroupAffinityLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KnodeLayout;
import org.vadose.layout.KprcbLayout;
import org.vadose.layout.KprocessLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pte;

/** Machines with several nodes. */
class NumaTest {
    private static final MachineConfig SMALL = MachineConfig.standard()
            .withBare(true)
            .withRamBytes(64 << 20)
            .withProcessors(4)
            .withNodes(2);
    private static final int PAGES = 100;

    @Test
    void kernelBlocksDescribeNodes() {
        try (Machine machine = Machine.boot(SMALL)) {
            Memory memory = machine.memoryManager().kernelMemory();
            long base = machine.kernelBase();
            assertEquals(2, memory.readUnsignedShort(base + KernelSymbols.KE_NUMBER_NODES));
            for (int number = 0; number < 2; number++) {
                long node = memory.readLong(base + KernelSymbols.KE_NODE_BLOCK + 8L * number);
                assertEquals(number, memory.readUnsignedShort(node + KnodeLayout.NODE_NUMBER));
                long mask = memory.readLong(node + KnodeLayout.AFFINITY + GroupAffinityLayout.MASK);
                assertEquals(3L << 2 * number, mask);
                for (int processor = 2 * number; processor < 2 * number + 2; processor++) {
                    long prcb = machine.processors().get(processor).prcb().address();
                    assertEquals(node, memory.readLong(prcb + KprcbLayout.PARENT_NODE));
                    assertEquals(number, memory.readInt(prcb + KprcbLayout.NODE_COLOR));
                }
            }
            assertEquals(0, memory.readLong(base + KernelSymbols.KE_NODE_BLOCK + 16));
            Checks.check("booted", machine);
        }
    }

    @Test
    void sameSeedSameBytes() {
        assertArrayEquals(bytes(SMALL), bytes(SMALL));
    }

    private static byte[] bytes(MachineConfig config) {
        try (Machine machine = Machine.boot(config)) {
            return machine.physicalMemory().read(0, (int) config.ramBytes());
        }
    }

    @Test
    void processesTakeNodesInTurnAndTheirPagesComeFromThere() {
        try (Machine machine = Machine.boot(
                MachineConfig.standard().withRamBytes(256 << 20).withNodes(2).withProcessors(2))) {
            Memory memory = machine.memoryManager().kernelMemory();
            Set<Integer> ideal = new HashSet<>();
            for (Eprocess process : machine.processManager().processes()) {
                ideal.add(memory.readUnsignedShort(process.address() + KprocessLayout.IDEAL_NODE));
            }
            assertEquals(Set.of(0, 1), ideal);
            List<Eprocess> processes = machine.processManager().processes();
            Eprocess process = processes.getLast();
            for (int node : new int[] {1, 0}) {
                assertEquals(PAGES, pagesOn(machine, process, node, node));
            }
            Checks.check("touched", machine);
        }
    }

    /** Touches pages of a new region that prefers one node, and counts those on another. */
    private static int pagesOn(Machine machine, Eprocess process, int preferred, int node) {
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.sizeBytes = PAGES * Pages.SIZE;
        machine.memoryManager().kernelLock().lock();
        try {
            machine.attach(process);
            var status = machine.memoryManager()
                    .virtualMemory()
                    .allocate(
                            process,
                            region,
                            0,
                            VirtualMemoryServices.MEM_RESERVE | VirtualMemoryServices.MEM_COMMIT,
                            PageProtection.PAGE_READWRITE);
            assertTrue(status.isSuccess());
            machine.memoryManager().nodePreferences().setRegion(process, region.base, preferred);
            int count = 0;
            for (long at = region.base; at < region.base + PAGES * Pages.SIZE; at += Pages.SIZE) {
                machine.mmu().user().writeLong(at, at);
                long pte = machine.memoryManager()
                        .kernelMemory()
                        .readLong(machine.memoryManager().selfMap().pte(at));
                count += machine.memoryManager().pfns().topology().ofFrame(Pte.frame(pte)) == node ? 1 : 0;
            }
            return count;
        } finally {
            machine.memoryManager().kernelLock().unlock();
        }
    }

    @Test
    void nodesAreNotTooMany() {
        assertThrows(
                IllegalArgumentException.class, () -> MachineConfig.standard().withNodes(0));
        assertThrows(
                IllegalArgumentException.class, () -> MachineConfig.standard().withNodes(17));
    }
}
