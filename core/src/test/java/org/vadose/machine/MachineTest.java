package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.vadose.base.Pages;
import org.vadose.check.Findings;
import org.vadose.check.ObjectCheck;
import org.vadose.check.PoolCheck;
import org.vadose.check.RegionPages;
import org.vadose.memory.Memory;
import org.vadose.memory.PhysicalMemory;
import org.vadose.mm.SystemRegion;
import org.vadose.nt.Eprocess;
import org.vadose.ps.ProcessManager;

class MachineTest {
    private static final MachineConfig BARE =
            MachineConfig.standard().withBare(true).withRamBytes(64L << 20);

    private static final MachineConfig FULL = MachineConfig.standard();

    @Test
    void bareMachineHasIdleAndSystem() {
        try (Machine machine = Machine.boot(BARE)) {
            List<Eprocess> processes = machine.processManager().processes();
            assertEquals(1, processes.size());
            assertEquals(ProcessManager.SYSTEM_PROCESS_ID, processes.getFirst().uniqueProcessId());
            assertEquals("System", processes.getFirst().imageFileName());
            assertEquals("Idle", machine.processManager().idle().imageFileName());
            assertEquals(0, machine.currentThread().process().uniqueProcessId());
            check(machine);
        }
    }

    @Test
    void smallestMachineBoots() {
        try (Machine machine = Machine.boot(BARE.withRamBytes(PhysicalMemory.MINIMUM_BYTES))) {
            check(machine);
        }
    }

    @Test
    void desktopHasItsProcesses() {
        try (Machine machine = Machine.boot(FULL)) {
            List<String> names = machine.processManager().processes().stream()
                    .map(Eprocess::imageFileName)
                    .toList();
            assertTrue(
                    names.containsAll(List.of(
                            "System",
                            "Registry",
                            "smss.exe",
                            "csrss.exe",
                            "wininit.exe",
                            "services.exe",
                            "lsass.exe",
                            "svchost.exe",
                            "winlogon.exe",
                            "Explorer.EXE")),
                    names::toString);
            check(machine);
        }
    }

    @Test
    void anEndedProcessLeavesNothing() {
        try (Machine machine = Machine.boot(FULL)) {
            ProcessManager processes = machine.processManager();
            Eprocess victim = processes.processes().stream()
                    .filter(p -> p.imageFileName().equals("spoolsv.exe"))
                    .findFirst()
                    .orElseThrow();
            int before = processes.processes().size();
            long committed = machine.memoryManager().totalCommittedPages();
            long own = victim.commitCharge();
            machine.attach(victim);
            processes.exitProcess(victim, 0);
            assertEquals(before - 1, processes.processes().size());
            assertTrue(machine.memoryManager().totalCommittedPages() <= committed - own);
            check(machine);
        }
    }

    @Test
    void sameSeedSameBytes() {
        for (MachineConfig config : List.of(BARE, FULL)) {
            long first = checksum(config);
            assertEquals(first, checksum(config));
            assertFalse(first == checksum(config.withSeed(2)));
        }
    }

    static long checksum(MachineConfig config) {
        try (Machine machine = Machine.boot(config)) {
            CRC32 crc = new CRC32();
            byte[] chunk = new byte[1 << 21];
            PhysicalMemory ram = machine.physicalMemory();
            for (long at = 0; at < ram.sizeBytes(); at += chunk.length) {
                if (ram.isTouched(at)) {
                    ram.read(at, chunk, 0, chunk.length);
                    crc.update((int) (at >>> 21));
                    crc.update(chunk);
                }
            }
            return crc.getValue();
        }
    }

    static void check(Machine machine) {
        Findings findings = new Findings();
        Memory memory = machine.memoryManager().kernelMemory();
        long base = machine.kernelBase();
        new PoolCheck(memory, base, findings)
                .run(poolPages(machine, SystemRegion.NON_PAGED_POOL), poolPages(machine, SystemRegion.PAGED_POOL));
        new ObjectCheck(memory, base, findings).run();
        assertTrue(findings.isEmpty(), findings::toString);
    }

    private static List<Long> poolPages(Machine machine, SystemRegion region) {
        List<Long> pages =
                RegionPages.mapped(machine.memoryManager().kernelMemory(), machine.kernelBase(), region.index());
        // The region's own bitmap stands at its start.
        long frames = machine.physicalMemory().frames();
        return pages.subList((int) Pages.count(frames / 8 + 8), pages.size());
    }
}
