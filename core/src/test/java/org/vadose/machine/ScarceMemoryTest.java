package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.loader.BuiltinDlls;

/** Programs that want more than they are to have. */
class ScarceMemoryTest {
    private static final Path PROGRAMS = Path.of(System.getProperty("maven.multiModuleProjectDirectory", ".."))
            .resolve("examples/tests");

    private static List<String> run(String program, MachineConfig config) throws Exception {
        BuiltinDlls dlls = ProgramRunner.builtinDlls();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (Machine machine = Machine.boot(config.withBare(true).withRamBytes(64 << 20), dlls)) {
            GuestConsole console = new GuestConsole(InputStream.nullInputStream(), out, out, false);
            Launch launch = Launch.of(PROGRAMS.resolve(program), List.of(), console);
            assertEquals(0, new ProgramRunner(machine, dlls).start(launch).await());
            Checks.check("after exit", machine);
        }
        return out.toString(StandardCharsets.ISO_8859_1).lines().toList();
    }

    /** On one processor, and where faults are resolved beside others. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void workingSetStaysBelowItsHardMaximum(int processors) throws Exception {
        MachineConfig config = MachineConfig.standard().withProcessors(processors);
        assertEquals(List.of("over the maximum: 0 times, wrong: 0"), run("hardmaximum.exe", config));
    }

    /** Trimming that keeps up with what is taken does not hide that memory is short. */
    @Test
    void shortMemoryIsToldWhileThePageFileGrows() throws Exception {
        PageFileSetup growing = new PageFileSetup("C:\\pagefile.sys", 16 << 20, 512 << 20);
        assertEquals(
                List.of(
                        "at first: low 0, high 1",
                        "told that memory is short: yes",
                        "and that there is plenty: yes",
                        "afterwards: low 0, high 1"),
                run("../lowmemory.exe", MachineConfig.standard().withPageFiles(List.of(growing))));
    }

    @Test
    void poolsLeaveProgramsEnoughToGoOn() throws Exception {
        assertEquals(
                List.of("thousands of events: 1, then error 1450", "closed all: 1", "memory is there again: 1"),
                run("poolflood.exe", MachineConfig.standard()));
    }
}
