package org.vadose.debug;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vadose.check.Findings;
import org.vadose.check.SystemCheck;
import org.vadose.dump.ImageWriter;
import org.vadose.dump.MemoryImage;
import org.vadose.machine.Machine;
import org.vadose.machine.MachineConfig;

/** The commands over what a real boot leaves in RAM, live and from both kinds of file. */
class BootedMachineTest {
    private static final long SEED = 20231016;
    private static final List<String> LOOKS = List.of(
            "vertarget",
            "lm",
            "!process 0 0",
            "!process 0 7",
            "!vad",
            "!pte nt",
            "!pte poi(nt!MmPfnDatabase)",
            "!pfn 1ad",
            "!vtop 0 nt!PsActiveProcessHead",
            "!dq 1ad000",
            "!vm 20",
            "!store",
            "!combine",
            "!combine poi(nt!PsInitialSystemProcess)",
            "!mitigations",
            "!poolused 2",
            "!poolused 5",
            "!pool poi(nt!PsInitialSystemProcess)",
            "!object \\",
            "!object \\Device",
            "!object poi(nt!PsInitialSystemProcess)",
            "!handle 0 3 4",
            "!handle 0 1 0 File",
            "!thread",
            "u nt!KiSystemStartup",
            "dt nt!_EPROCESS poi(nt!PsInitialSystemProcess)",
            "dt -r2 nt!_KPROCESS poi(nt!PsInitialSystemProcess)",
            "dps nt!PsActiveProcessHead");

    @TempDir
    static Path folder;

    private static Machine machine;

    @BeforeAll
    static void boot() {
        machine = Machine.boot(
                MachineConfig.standard().withBare(true).withRamBytes(64L << 20).withSeed(SEED));
    }

    @AfterAll
    static void close() {
        machine.close();
    }

    private static String run(Debugger debugger, StringBuilder output, String line) {
        output.setLength(0);
        debugger.clearFailure();
        debugger.execute(line);
        assertFalse(debugger.hasFailed(), line + "\n" + output);
        return output.toString();
    }

    private static String live(String line) {
        StringBuilder output = new StringBuilder();
        return run(new Debugger(machine.target(), null, output), output, line);
    }

    @Test
    void systemIsTheFirstProcess() {
        String shown = live("!process 0 1 System");
        assertTrue(
                shown.matches("(?s)PROCESS ffff[0-9a-f]{12}\n"
                        + "    SessionId: none  Cid: 0004    Peb: 00000000  ParentCid: 0000\n"
                        + "    DirBase: 001ad000  ObjectTable: ffff[0-9a-f]{12}  HandleCount: +[0-9]+\\.\n"
                        + "    Image: System\n"
                        + "    VadRoot [0-9a-f]{16} Vads \\d+ Clone 0 Private \\d+\\. Modified \\d+\\. Locked \\d+\\.\n"
                        + "    DeviceMap [0-9a-f]{16}\n"
                        + "    Token                             ffff[0-9a-f]{12}\n.*"),
                shown);
    }

    @Test
    void checkFindsNothingInAFile() throws IOException {
        Path file = folder.resolve("checked.raw");
        ImageWriter.write(machine.target(), file);
        try (MemoryImage image = MemoryImage.open(file)) {
            Findings findings = SystemCheck.run(image.target());
            assertTrue(findings.isEmpty(), findings::toString);
        }
    }

    @Test
    void kernelIsLargePages() {
        String shown = live("!pte nt");
        List<String> lines = shown.lines().toList();
        assertTrue(lines.get(0).startsWith(" ".repeat(43) + "VA fffff80"), shown);
        assertEquals(54, lines.get(1).indexOf("PDE at "), shown);
        assertEquals(27, lines.get(2).indexOf("contains ", 1), shown);
        assertTrue(lines.get(3).contains("--LDA--KW") || lines.get(3).contains("-GLDA--KW"), shown);
        assertEquals(81, lines.get(3).indexOf("LARGE PAGE pfn "), shown);
    }

    @Test
    void exportsOfTheKernelAreSymbols() {
        assertTrue(live("x nt!PsInitialSystemProcess").contains(" nt!PsInitialSystemProcess = "));
        assertTrue(live("!object \\Device").contains("Directory Object: "));
        assertTrue(live("!poolused 2").contains("Proc "));
    }

    @ParameterizedTest
    @ValueSource(strings = {"m.raw", "m.dmp"})
    void filesShowWhatTheMachineShows(String name) throws IOException {
        Path file = folder.resolve(name);
        ImageWriter.write(machine.target(), file);
        try (MemoryImage image = MemoryImage.open(file)) {
            StringBuilder output = new StringBuilder();
            Debugger debugger = new Debugger(image.target(), null, output);
            for (String look : LOOKS) {
                String expected = live(look).replaceAll("Target: .*", "");
                String shown = run(debugger, output, look).replaceAll("Target: .*", "");
                assertEquals(expected, shown, look);
                assertFalse(shown.isEmpty(), look);
            }
        }
    }
}
