package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.vadose.debug.Debugger;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.loader.BuiltinDlls;

/** The code of docs/embedding.md, between the lines that name it, runs and is what stands there. */
class EmbeddingTest {
    private static final Path ROOT = Path.of(System.getProperty("maven.multiModuleProjectDirectory", ".."));

    @Test
    void aProgramRuns() throws Exception {
        Path program = ROOT.resolve("examples/hello.exe");
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        // begin: run
        BuiltinDlls dlls = ProgramRunner.builtinDlls();
        try (Machine machine = Machine.boot(MachineConfig.standard().withSeed(7), dlls)) {
            GuestConsole console = new GuestConsole(InputStream.nullInputStream(), printed, printed, false);
            RunningProgram running =
                    new ProgramRunner(machine, dlls).start(Launch.of(program, List.of("one"), console));
            int exitCode = running.await();
            assertEquals(1, exitCode);
        }
        // end: run
        assertTrue(printed.toString(StandardCharsets.UTF_8).contains("Hello from Windows memory"), printed::toString);
    }

    @Test
    void aMachineIsLookedAt() {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(text, true, StandardCharsets.UTF_8);
        // begin: look
        try (Machine machine = Machine.boot(MachineConfig.standard().withBare(true))) {
            Debugger debugger = new Debugger(machine.target(), null, out);
            debugger.execute("!process 0 0");
            long eprocess = machine.processManager().system().address();
            debugger.execute("dt nt!_EPROCESS %x ImageFileName".formatted(eprocess));
        }
        // end: look
        assertTrue(text.toString(StandardCharsets.UTF_8).contains("Image: System"), text::toString);
    }

    @Test
    void theDocumentShowsThisCode() throws Exception {
        String document = Files.readString(ROOT.resolve("docs/embedding.md")).replaceAll("(?m)^ +", "");
        List<String> source =
                Files.readAllLines(ROOT.resolve("core/src/test/java/org/vadose/machine/EmbeddingTest.java"));
        for (String name : List.of("run", "look")) {
            int begin = source.indexOf("        // begin: " + name);
            int end = source.indexOf("        // end: " + name);
            StringBuilder code = new StringBuilder();
            source.subList(begin + 1, end)
                    .forEach(line -> code.append(line.strip()).append('\n'));
            assertTrue(document.contains(code), () -> "docs/embedding.md lacks:\n" + code);
        }
    }
}
