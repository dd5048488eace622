package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.vadose.check.Findings;
import org.vadose.check.SystemCheck;
import org.vadose.layout.KernelSymbols;
import org.vadose.memory.Memory;
import org.vadose.memory.PhysicalMemory;
import org.vadose.nt.Eprocess;
import org.vadose.ps.ProcessManager;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.GuestEvents;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.loader.BuiltinDlls;

class MachineTest {
    private static final MachineConfig BARE =
            MachineConfig.standard().withBare(true).withRamBytes(64L << 20);

    private static final MachineConfig FULL = MachineConfig.standard();
    private static final BuiltinDlls DLLS = ProgramRunner.builtinDlls();
    private static final Path HELLO = Path.of(System.getProperty("maven.multiModuleProjectDirectory", ".."))
            .resolve("examples/hello.exe");

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

    @Test
    void sameSeedSameBytesAfterAProgram() throws Exception {
        List<String> arguments = List.of("one");
        long[] first = run(HELLO, arguments, 1);
        assertArrayEquals(first, run(HELLO, arguments, 1));
        assertFalse(first[0] == run(HELLO, arguments, 2)[0]);
    }

    /** Eight threads of changing priorities on one processor. */
    @Test
    void sameSeedSameBytesAfterManyThreads() throws Exception {
        Path wander = HELLO.resolveSibling("tests/wander.exe");
        List<String> arguments = List.of("1", "25");
        assertArrayEquals(run(wander, arguments, 1), run(wander, arguments, 1));
    }

    /** Checksums at the program's exit and after it. */
    private static long[] run(Path program, List<String> arguments, long seed) throws Exception {
        long[] sums = new long[2];
        try (Machine machine = Machine.boot(BARE.withSeed(seed), DLLS)) {
            GuestConsole console = new GuestConsole(
                    InputStream.nullInputStream(),
                    OutputStream.nullOutputStream(),
                    OutputStream.nullOutputStream(),
                    false);
            GuestEvents atExit = new GuestEvents() {
                @Override
                public boolean exit(GuestProcess process, int exitCode) {
                    sums[0] = checksum(machine);
                    return false;
                }
            };
            new ProgramRunner(machine, DLLS)
                    .start(Launch.of(program, arguments, console).withEvents(atExit))
                    .await();
            sums[1] = checksum(machine);
        }
        return sums;
    }

    @Test
    void seedsPlaceThingsElsewhere() {
        List<Set<Long>> places = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            places.add(new HashSet<>());
        }
        for (long seed = 1; seed <= 4; seed++) {
            try (Machine machine = Machine.boot(BARE.withSeed(seed))) {
                Memory memory = machine.memoryManager().kernelMemory();
                long base = machine.kernelBase();
                places.get(0).add(base);
                places.get(1).add(memory.readLong(base + KernelSymbols.MM_PTE_BASE));
                places.get(2).add(memory.readLong(base + KernelSymbols.MM_PFN_DATABASE));
                places.get(3).add(machine.processManager().system().address());
                places.get(4).add((long) memory.readInt(base + KernelSymbols.OB_HEADER_COOKIE));
                places.get(5).add(memory.readLong(base + KernelSymbols.PS_LOADED_MODULE_LIST));
            }
        }
        // The cookie is a byte: two may be equal.
        places.forEach(found -> assertTrue(found.size() > 1, places::toString));
    }

    private static long checksum(MachineConfig config) {
        try (Machine machine = Machine.boot(config)) {
            return checksum(machine);
        }
    }

    private static long checksum(Machine machine) {
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

    private static void check(Machine machine) {
        Findings live = SystemCheck.run(machine.memoryManager().kernelMemory(), machine.kernelBase());
        assertTrue(live.isEmpty(), live::toString);
        Checks.check("seen from outside", machine);
    }
}
