package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.loader.BuiltinDlls;

/** Threads run on the processors that programs say. */
class AffinityTest {
    private static final Path PROGRAM = Path.of(System.getProperty("maven.multiModuleProjectDirectory", ".."))
            .resolve("examples/tests/affinity.exe");
    private static final BuiltinDlls DLLS = ProgramRunner.builtinDlls();

    private static final String PRINTED = """
            pinned %d threads
            moved one that runs
            moved itself
            refused for threads
            the whole process
            services
            wrong: 0
            """;

    @ParameterizedTest
    @CsvSource({"1, 1", "2, 1", "4, 1", "4, 2"})
    void threadsRunWhereTheyMay(int processors, int nodes) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        MachineConfig config = MachineConfig.standard()
                .withBare(true)
                .withRamBytes(64 << 20)
                .withProcessors(processors)
                .withNodes(nodes);
        try (Machine machine = Machine.boot(config, DLLS)) {
            GuestConsole console = new GuestConsole(InputStream.nullInputStream(), out, errors, false);
            Launch launch = Launch.of(PROGRAM, List.of(String.valueOf(processors)), console);
            int code = new ProgramRunner(machine, DLLS).start(launch).await();
            String printed = out.toString(StandardCharsets.ISO_8859_1).replace("\r\n", "\n");
            assertEquals(PRINTED.formatted(2 * processors), printed, errors::toString);
            assertEquals(0, code, errors::toString);
            Checks.check("after exit", machine);
        }
    }
}
