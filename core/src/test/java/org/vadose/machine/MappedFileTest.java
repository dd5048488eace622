package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.vadose.base.Hex;
import org.vadose.check.Findings;
import org.vadose.check.SystemCheck;
import org.vadose.debug.Debugger;
import org.vadose.nt.ControlArea;
import org.vadose.nt.Section;

/** A mapped file on a booted desktop, as the checker and the debugger see it from outside. */
class MappedFileTest {
    private static Machine machine;
    private static MappedFileInProcess mapped;
    private static ControlArea area;

    @BeforeAll
    static void map() {
        machine = Machine.boot(MachineConfig.standard());
        byte[] bytes = new byte[3 * 4096 + 100];
        new Random(1).nextBytes(bytes);
        mapped = MappedFileInProcess.map(machine, "C:\\Users\\user\\notes.dat", bytes);
        area = new Section(machine.memoryManager().kernelMemory(), mapped.section()).controlArea();
    }

    @AfterAll
    static void close() {
        machine.close();
    }

    private static String run(String line) {
        StringBuilder output = new StringBuilder();
        Debugger debugger = new Debugger(machine.target(), null, output);
        debugger.execute(".process " + Hex.plain(mapped.process().address()));
        output.setLength(0);
        debugger.execute(line);
        return output.toString();
    }

    @Test
    void everythingAddsUp() {
        Findings findings = SystemCheck.run(machine.target());
        assertTrue(findings.isEmpty(), findings::toString);
    }

    @Test
    void controlAreaShowsFileSegmentAndSubsection() {
        String shown = run("!ca " + Hex.plain(area.address()));
        assertTrue(
                shown.matches("(?s).*"
                        + "  Section Ref                 1  Pfn Ref                   4  Mapped Views                1\n"
                        + "  User Ref                    2  WaitForDel                0  Flush Count                 0\n"
                        + ".*  Flags \\(80\\) File \n.*\n      \\\\Users\\\\user\\\\notes.dat\n.*"
                        + "  Total Ptes                       4\n"
                        + "  Segment Size                  4000  Committed                    0\n"
                        + "  Flags \\(c0000\\) ProtectionMask \n.*"
                        + "Starting Sector        0  Number Of Sectors    3\n.*"
                        + "  Flags                       d  Sector Offset         64  Protection           6\n"
                        + "  Accessed \n"
                        + "  Flink        [0-9a-f]{16}  Blink   [0-9a-f]{16}  MappedViews          1\n.*"),
                shown);
    }

    @Test
    void viewIsAmongTheDescriptors() {
        String line = run("!vad")
                .lines()
                .filter(l -> l.contains("notes.dat"))
                .findFirst()
                .orElse("");
        assertTrue(line.matches("[0-9a-f]{16} .* 0 Mapped  +READWRITE +\\\\Users\\\\user\\\\notes.dat"), line);
    }

    @Test
    void prototypeAndPageNameOneFrame() {
        String prototype = run("!pte " + Hex.plain(area.firstSubsection().base() + 8) + " 1");
        String page = run("!pte " + Hex.plain(mapped.base() + 4096));
        String frame = prototype.replaceAll("(?s).*pfn ([0-9a-f]+).*", "$1");
        String shown = page.replaceAll("(?s).*pfn ([0-9a-f]+) +-?.*", "$1");
        assertEquals(frame, shown, () -> prototype + page);
    }
}
