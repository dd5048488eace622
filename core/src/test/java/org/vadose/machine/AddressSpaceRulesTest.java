package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vadose.base.Pages;
import org.vadose.base.SeededRandom;
import org.vadose.layout.PebLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.AddressSpaceRules;
import org.vadose.nt.AslrPolicy;
import org.vadose.nt.ExecuteOptions;
import org.vadose.nt.Mitigations;
import org.vadose.nt.NxPolicy;
import org.vadose.nt.UserSpace;
import org.vadose.pe.PeFormat;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.GuestCpu;
import org.vadose.win32.GuestEvents;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.GuestThread;
import org.vadose.win32.heap.ProcessHeapPages;
import org.vadose.win32.loader.BuiltinDlls;
import org.vadose.win32.loader.Loader;

/** Programs under every rule a machine can be booted with: sizes, placement, execution protection. */
class AddressSpaceRulesTest {
    private static final Path EXAMPLES = Path.of(System.getProperty("maven.multiModuleProjectDirectory", ".."))
            .resolve("examples");
    private static final BuiltinDlls DLLS = ProgramRunner.builtinDlls();
    private static final MachineConfig BARE =
            MachineConfig.standard().withBare(true).withRamBytes(64 << 20);
    private static final int CHARACTERISTICS = 0x16;
    private static final int DLL_CHARACTERISTICS = 0x5E;

    @TempDir
    private Path directory;

    /** Where a program found itself, and what it printed. */
    private static final class Run implements GuestEvents {
        String output = "";
        int exitCode;
        long userEnd;
        long image;
        long ntdll;
        long heap;
        long peb;
        long teb;
        long stackPointer;
        int aslr;
        ExecuteOptions.Status dep = ExecuteOptions.Status.OFF;

        @Override
        public void entry(GuestThread main) {
            GuestProcess process = main.process();
            Memory memory = process.memory();
            userEnd = process.eprocess().userEnd();
            peb = process.peb();
            teb = main.teb();
            image = memory.readLong(peb + PebLayout.IMAGE_BASE_ADDRESS);
            heap = memory.readLong(peb + PebLayout.PROCESS_HEAP);
            ntdll = Loader.of(process).ntdllAddress("RtlUserThreadStart") & -Pages.GRANULARITY;
            stackPointer = main.cpu().register(GuestCpu.RSP);
            aslr = new Mitigations(process.eprocess()).aslr();
            dep = new ExecuteOptions(process.eprocess()).status();
        }
    }

    private static Run run(MachineConfig config, Path program) throws Exception {
        try (Machine machine = Machine.boot(config, DLLS)) {
            return run(machine, program);
        }
    }

    private static Run run(Machine machine, Path program) throws Exception {
        Run run = new Run();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        GuestConsole console = new GuestConsole(InputStream.nullInputStream(), out, out, false);
        run.exitCode = new ProgramRunner(machine, DLLS)
                .start(Launch.of(program, List.of(), console).withEvents(run))
                .await();
        Checks.check("after exit", machine);
        run.output = out.toString(StandardCharsets.ISO_8859_1).replace("\r\n", "\n") + "[exit " + run.exitCode + "]\n";
        return run;
    }

    /** A program with bits of its headers cleared. */
    private Path without(String name, int characteristics, int dllCharacteristics) throws Exception {
        byte[] file = Files.readAllBytes(EXAMPLES.resolve(name));
        ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int headers = bytes.getInt(0x3C);
        int at = headers + CHARACTERISTICS;
        bytes.putShort(at, (short) (bytes.getShort(at) & ~characteristics));
        at = headers + DLL_CHARACTERISTICS;
        bytes.putShort(at, (short) (bytes.getShort(at) & ~dllCharacteristics));
        return Files.write(directory.resolve(Path.of(name).getFileName()), file);
    }

    private static String expectedLayout(UserSpace space) throws Exception {
        return Files.readString(EXAMPLES.resolve("tests/expected/layout.txt"))
                .replace("7FFFFFFEFFFF", "%X".formatted(space.highest()));
    }

    @ParameterizedTest
    @EnumSource(AslrPolicy.class)
    void aProgramFindsItsWayInEveryLayout(AslrPolicy policy) throws Exception {
        for (UserSpace space : List.of(UserSpace.TB_8, UserSpace.TB_128)) {
            MachineConfig config = BARE.withRules(new AddressSpaceRules(space, policy));
            Run aware = run(config, EXAMPLES.resolve("tests/layout.exe"));
            assertEquals(expectedLayout(space), aware.output);
            assertEquals(space.end(), aware.userEnd);
            Run unaware = run(config, without("tests/layout.exe", PeFormat.FILE_LARGE_ADDRESS_AWARE, 0));
            assertEquals(expectedLayout(UserSpace.GB_2), unaware.output);
            assertEquals(UserSpace.GB_2.end(), unaware.userEnd);
        }
    }

    @Test
    void everythingIsPlacedAtRandomButDllsOncePerBoot() throws Exception {
        List<Set<Long>> places = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            places.add(new HashSet<>());
        }
        Set<Long> dlls = new HashSet<>();
        int boots = 4;
        int runs = 2;
        for (int seed = 1; seed <= boots; seed++) {
            Set<Long> dllsOfBoot = new HashSet<>();
            try (Machine machine = Machine.boot(BARE.withSeed(seed), DLLS)) {
                for (int i = 0; i < runs; i++) {
                    Run run = run(machine, EXAMPLES.resolve("hello.exe"));
                    long[] found = {run.image, run.heap, run.peb, run.teb, run.stackPointer, run.stackPointer & 0xFF0};
                    for (int j = 0; j < found.length; j++) {
                        places.get(j).add(found[j]);
                    }
                    dllsOfBoot.add(run.ntdll);
                    assertEquals(0, run.image & Pages.GRANULARITY - 1);
                    assertEquals(0, run.heap & Pages.GRANULARITY - 1);
                    assertEquals(0, run.peb & Pages.OFFSET_MASK);
                    assertEquals(5, run.aslr);
                }
            }
            assertEquals(1, dllsOfBoot.size(), "a DLL has one base in all processes");
            dlls.addAll(dllsOfBoot);
        }
        assertEquals(boots, dlls.size());
        // The program's own base stays while its section is kept for the next run.
        assertTrue(places.get(0).size() >= boots);
        for (Set<Long> each : places.subList(1, 5)) {
            assertEquals(boots * runs, each.size());
        }
        assertTrue(places.get(5).size() > 3, "stacks begin at an offset into the page of their own");
    }

    /** How far, in 64 KB, heaps begin behind the hole that was found for them. */
    private static final class HeapPlaces implements GuestEvents {
        final Set<Long> places = new TreeSet<>();

        @Override
        public void entry(GuestThread main) {
            ProcessHeapPages pages = new ProcessHeapPages(
                    main.process().kernel().memoryManager().virtualMemory(),
                    main.process().eprocess(),
                    SeededRandom.of(1, "heaps"));
            long size = 64L << 20;
            for (int i = 0; i < 500; i++) {
                long hole = pages.reserve(size);
                pages.release(hole);
                long heap = pages.reserveHeap(size);
                pages.release(heap);
                assertEquals(0, heap - hole & Pages.GRANULARITY - 1);
                places.add((heap - hole) / Pages.GRANULARITY);
            }
        }
    }

    @Test
    void heapsBeginAtOneOf32Places() throws Exception {
        for (int cleared : new int[] {0, PeFormat.DLL_HIGH_ENTROPY_VA, PeFormat.DLL_DYNAMIC_BASE}) {
            HeapPlaces found = new HeapPlaces();
            try (Machine machine = Machine.boot(BARE, DLLS)) {
                GuestConsole console = new GuestConsole(
                        InputStream.nullInputStream(), new ByteArrayOutputStream(), new ByteArrayOutputStream(), false);
                new ProgramRunner(machine, DLLS)
                        .start(Launch.of(without("hello.exe", 0, cleared), List.of(), console)
                                .withEvents(found))
                        .await();
                Checks.check("after exit", machine);
            }
            Set<Long> expected = new TreeSet<>();
            for (long place = 0; place < (cleared == PeFormat.DLL_DYNAMIC_BASE ? 1 : 32); place++) {
                expected.add(place);
            }
            assertEquals(expected, found.places);
        }
    }

    @Test
    void withoutRandomnessEverythingLiesWhereItFits() throws Exception {
        Run first = run(
                BARE.withSeed(1).withRules(new AddressSpaceRules(UserSpace.TB_128, AslrPolicy.OFF)),
                EXAMPLES.resolve("hello.exe"));
        Run second = run(
                BARE.withSeed(2).withRules(new AddressSpaceRules(UserSpace.TB_128, AslrPolicy.OFF)),
                EXAMPLES.resolve("hello.exe"));
        assertEquals(0x1_4000_0000L, first.image);
        assertEquals(first.image, second.image);
        assertEquals(first.heap, second.heap);
        assertEquals(first.peb, second.peb);
        assertEquals(first.stackPointer, second.stackPointer);
        assertEquals(0, first.aslr);
    }

    @Test
    void aProgramLinkedToStayStays() throws Exception {
        Run fixed = run(BARE, without("hello.exe", 0, PeFormat.DLL_DYNAMIC_BASE));
        assertEquals(0x1_4000_0000L, fixed.image);
        assertEquals(0, fixed.aslr);
        Run classic = run(BARE, without("hello.exe", 0, PeFormat.DLL_HIGH_ENTROPY_VA));
        assertEquals(1, classic.aslr);
        assertTrue(classic.image > 0x1_4000_0000L && classic.image <= 0x1_4000_0000L + (16 << 20));
        assertTrue(classic.heap < 1L << 32, "regions begin at one of 256 places");
        Run forced = run(
                BARE.withRules(new AddressSpaceRules(UserSpace.TB_128, AslrPolicy.FORCED)),
                without("hello.exe", 0, PeFormat.DLL_DYNAMIC_BASE));
        assertNotEquals(0x1_4000_0000L, forced.image);
        assertEquals(Mitigations.FORCE_RELOCATE, forced.aslr & Mitigations.FORCE_RELOCATE);
    }

    @ParameterizedTest
    @EnumSource(NxPolicy.class)
    void dataIsExecutedOnlyWithAlwaysOff(NxPolicy policy) throws Exception {
        Run run = run(BARE.withNx(policy), EXAMPLES.resolve("dep.exe"));
        if (policy == NxPolicy.ALWAYS_OFF) {
            assertEquals("", run.dep.text());
            assertTrue(run.output.startsWith("calling the heap returns 42\n"), run.output);
        } else {
            assertEquals("DEP (permanent)", run.dep.text());
            assertEquals(Files.readString(EXAMPLES.resolve("expected/dep.txt")), run.output);
        }
    }

    @ParameterizedTest
    @EnumSource(NxPolicy.class)
    void aProgramLearnsThePolicy(NxPolicy policy) throws Exception {
        boolean isOn = policy != NxPolicy.ALWAYS_OFF;
        String expected = Files.readString(EXAMPLES.resolve("documented/deppolicy.txt"))
                .replace("OptIn", policy.bootOption())
                .replace("NX_ENABLED: 1", "NX_ENABLED: " + (isOn ? 1 : 0))
                .replace("enabled 1", "enabled " + (isOn ? 1 : 0));
        assertEquals(expected, run(BARE.withNx(policy), EXAMPLES.resolve("deppolicy.exe")).output);
    }

    @Test
    void aWholeMachineBootsWithoutExecutionProtection() {
        try (Machine machine =
                Machine.boot(MachineConfig.standard().withRamBytes(128 << 20).withNx(NxPolicy.ALWAYS_OFF), DLLS)) {
            Checks.check("after boot", machine);
        }
    }
}
