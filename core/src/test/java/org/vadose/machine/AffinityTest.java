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
    private static final Path PROGRAMS = Path.of(System.getProperty("maven.multiModuleProjectDirectory", ".."))
            .resolve("examples/tests");
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
        MachineConfig config = bare(processors).withNodes(nodes);
        assertEquals(
                PRINTED.formatted(2 * processors), run(config, "affinity.exe", List.of(String.valueOf(processors))));
    }

    /** Eight threads use memory and send each other from processor to processor, in little RAM. */
    @ParameterizedTest
    @CsvSource({"1, STEPPED", "3, STEPPED", "4, THREADS"})
    void wandererKeepsItsMemory(int processors, BackgroundMode background) throws Exception {
        MachineConfig config = bare(processors).withRamBytes(32 << 20).withBackground(background);
        assertEquals("moved: 1, wrong: 0\n", run(config, "wander.exe", List.of(String.valueOf(processors), "100")));
    }

    private static MachineConfig bare(int processors) {
        return MachineConfig.standard().withBare(true).withRamBytes(64 << 20).withProcessors(processors);
    }

    private static String run(MachineConfig config, String program, List<String> arguments) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        try (Machine machine = Machine.boot(config, DLLS)) {
            GuestConsole console = new GuestConsole(InputStream.nullInputStream(), out, errors, false);
            int code = new ProgramRunner(machine, DLLS)
                    .start(Launch.of(PROGRAMS.resolve(program), arguments, console))
                    .await();
            assertEquals(0, code, errors::toString);
            machine.memoryManager().background().stop();
            Checks.check("after exit", machine);
        }
        return out.toString(StandardCharsets.ISO_8859_1).replace("\r\n", "\n");
    }
}
