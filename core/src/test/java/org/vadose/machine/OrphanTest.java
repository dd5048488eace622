package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.loader.BuiltinDlls;

/** What a program leaves running is ended before the machine goes, without a word. */
class OrphanTest {
    private static final Path PROGRAM = Path.of(System.getProperty("maven.multiModuleProjectDirectory", ".."))
            .resolve("examples/tests/orphan.exe");

    @Test
    void childrenAreEndedWithTheMachine() throws Exception {
        BuiltinDlls dlls = ProgramRunner.builtinDlls();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        try (Machine machine =
                Machine.boot(MachineConfig.standard().withBare(true).withRamBytes(64 << 20), dlls)) {
            GuestConsole console = new GuestConsole(InputStream.nullInputStream(), out, errors, false);
            RunningProgram program = new ProgramRunner(machine, dlls).start(Launch.of(PROGRAM, List.of(), console));
            assertEquals(3, program.await());
            program.endDescendants();
            Checks.check("after all", machine);
        }
        assertEquals(
                "child: 1, still there: 1",
                out.toString(StandardCharsets.ISO_8859_1).strip());
        assertEquals("", errors.toString(StandardCharsets.ISO_8859_1));
    }
}
