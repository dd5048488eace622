package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.loader.BuiltinDlls;

/** Page files on a disk that fails now and then: the program is told, and nothing else is harmed. */
class FailingDiskTest {
    private static final Path PROGRAMS = Path.of(System.getProperty("maven.multiModuleProjectDirectory", ".."))
            .resolve("examples/tests");
    private static final BuiltinDlls DLLS = ProgramRunner.builtinDlls();

    @TempDir
    private Path folder;

    private final ByteArrayOutputStream errors = new ByteArrayOutputStream();

    private String run(PageFileSetup.Disk disk) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PageFileSetup pageFile = new PageFileSetup("D:\\pagefile.sys", 8 << 20, 64 << 20, disk);
        MachineConfig config = MachineConfig.standard()
                .withBare(true)
                .withRamBytes(32 << 20)
                .withPageFiles(List.of(pageFile, new PageFileSetup("E:\\pagefile.sys", 8 << 20, 8 << 20, disk)));
        try (Machine machine = Machine.boot(config, DLLS)) {
            GuestConsole console = new GuestConsole(InputStream.nullInputStream(), out, errors, false);
            Launch launch = Launch.of(PROGRAMS.resolve("inpage.exe"), List.of(), console);
            int code = new ProgramRunner(machine, DLLS).start(launch).await();
            Checks.check("after exit", machine);
            assertEquals(List.of(), machine.pageFileProblems());
            return out.toString(StandardCharsets.ISO_8859_1).replace("\r\n", "\n") + "[exit " + code + "]\n";
        }
    }

    @Test
    void readsThatFailAreTriedAgainUntilTheyDoNot() throws Exception {
        assertEquals(
                Files.readString(PROGRAMS.resolve("expected/inpage.txt")),
                run(new PageFileSetup.Disk(folder, 200, 200)),
                errors::toString);
        assertTrue(!errors.toString().startsWith("0 "), errors::toString);
    }

    @Test
    void diskThatCannotBeWrittenEndsAProgramThatNeedsIt() throws Exception {
        // What cannot be written stays in RAM until that is full, which is an error for the program.
        assertEquals("[exit " + 0xC0000006 + "]\n", run(new PageFileSetup.Disk(folder, 0, 1000)), errors::toString);
    }
}
