package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.vadose.check.Findings;
import org.vadose.check.SystemCheck;
import org.vadose.memory.Memory;
import org.vadose.memory.PhysicalMemory;
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

    /** Every byte of these is believed by somebody; spoiling one must be noticed, and nothing may escape as an exception. */
    @Test
    void spoiledMemoryIsFoundNotTrusted() {
        long seed = 99;
        System.out.println("MachineTest seed=" + seed);
        java.util.Random random = new java.util.Random(seed);
        try (Machine machine = Machine.boot(BARE)) {
            Memory memory = machine.memoryManager().kernelMemory();
            Eprocess system = machine.processManager().system();
            long[] places = {
                system.activeProcessLinks().address(),
                system.threadListHead().address(),
                system.objectTable() + 8,
                machine.objectManager().namespace().root(),
                machine.kernelBase() + org.vadose.layout.KernelSymbols.POOL_TRACK_TABLE,
                machine.kernelBase() + org.vadose.layout.KernelSymbols.POOL_BIG_PAGE_TABLE_SIZE,
                machine.kernelBase() + org.vadose.layout.KernelSymbols.PS_LOADED_MODULE_LIST,
                machine.kernelBase() + org.vadose.layout.KernelSymbols.PSP_CID_TABLE,
            };
            for (long place : places) {
                long before = memory.readLong(place);
                memory.writeLong(place, before ^ random.nextLong() & 0x0000_7FFF_FFFF_FFF0L | 0x1000);
                assertFalse(SystemCheck.run(machine.target()).isEmpty(), Long.toHexString(place));
                memory.writeLong(place, before);
            }
            check(machine);
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

    private static void check(Machine machine) {
        Findings live = SystemCheck.run(machine.memoryManager().kernelMemory(), machine.kernelBase());
        assertTrue(live.isEmpty(), live::toString);
        Checks.check("seen from outside", machine);
    }
}
