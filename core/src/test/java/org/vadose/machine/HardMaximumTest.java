package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.loader.BuiltinDlls;

/** A working set does not pass its hard maximum, on one processor or where faults are resolved beside others. */
class HardMaximumTest {
    private static final Path PROGRAM = Path.of(System.getProperty("maven.multiModuleProjectDirectory", ".."))
            .resolve("examples/tests/hardmaximum.exe");

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void workingSetStaysBelowItsHardMaximum(int processors) throws Exception {
        BuiltinDlls dlls = ProgramRunner.builtinDlls();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (Machine machine = Machine.boot(
                MachineConfig.standard().withBare(true).withRamBytes(64 << 20).withProcessors(processors), dlls)) {
            GuestConsole console = new GuestConsole(InputStream.nullInputStream(), out, out, false);
            assertEquals(
                    0,
                    new ProgramRunner(machine, dlls)
                            .start(Launch.of(PROGRAM, List.of(), console))
                            .await());
            Checks.check("after exit", machine);
        }
        assertEquals(
                "over the maximum: 0 times, wrong: 0",
                out.toString(StandardCharsets.ISO_8859_1).strip());
    }
}
