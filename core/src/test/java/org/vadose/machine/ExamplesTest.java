package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.loader.BuiltinDlls;

/** Every example prints here what it prints under Wine, or, where Wine lacks what it shows, what Windows' documentation says. */
class ExamplesTest {
    private static final Path EXAMPLES = Path.of(System.getProperty("maven.multiModuleProjectDirectory", ".."))
            .resolve("examples");
    private static final BuiltinDlls DLLS = ProgramRunner.builtinDlls();

    @TempDir
    private Path directory;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream errors = new ByteArrayOutputStream();

    static List<String> names() throws IOException {
        try (Stream<Path> recorded = Files.list(EXAMPLES.resolve("expected"));
                Stream<Path> documented = Files.list(EXAMPLES.resolve("documented"))) {
            return Stream.concat(recorded, documented)
                    .map(p -> p.getFileName().toString().replace(".txt", ""))
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void printsWhatIsExpected(String name) throws Exception {
        List<String> arguments = name.equals("hello") ? List.of("one", "two three") : List.of();
        int code = run(name, arguments);
        String printed = out.toString(StandardCharsets.ISO_8859_1).replace("\r\n", "\n") + "[exit " + code + "]\n";
        Path documented = EXAMPLES.resolve("documented/" + name + ".txt");
        Path expected = Files.exists(documented) ? documented : EXAMPLES.resolve("expected/" + name + ".txt");
        assertEquals(Files.readString(expected), printed, errors::toString);
        if (name.equals("reserved")) {
            assertTrue(errors.toString().contains("Access violation - code c0000005"), errors::toString);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"threads", "processes"})
    void severalProcessorsChangeNothing(String name) throws Exception {
        int code = run(name, List.of(), 3);
        String printed = out.toString(StandardCharsets.ISO_8859_1).replace("\r\n", "\n") + "[exit " + code + "]\n";
        assertEquals(Files.readString(EXAMPLES.resolve("expected/" + name + ".txt")), printed, errors::toString);
    }

    @Test
    void nodesGiveTheMemoryThatIsAskedOfThem() throws Exception {
        try (Machine machine = Machine.boot(
                MachineConfig.standard()
                        .withBare(true)
                        .withRamBytes(64 << 20)
                        .withProcessors(4)
                        .withNodes(2),
                DLLS)) {
            GuestConsole console = new GuestConsole(InputStream.nullInputStream(), out, errors, false);
            Launch launch = Launch.of(EXAMPLES.resolve("numa.exe"), List.of(), console);
            assertEquals(0, new ProgramRunner(machine, DLLS).start(launch).await(), errors::toString);
            Checks.check("after exit", machine);
        }
        String printed = out.toString(StandardCharsets.ISO_8859_1);
        for (String line : List.of(
                "node 1: processors c (c in group 0), memory available: yes",
                "cores 4, nodes 2, caches 14, packages 2",
                "VirtualAllocExNuma 1: 64 of 64 pages there",
                "CreateFileMappingNuma 1: 64",
                "MapViewOfFileExNuma 1: 64",
                "a node too many: 0, error 87",
                "no node preferred: 64 pages",
                "first thread is on its ideal processor: 1",
                "second one: 1")) {
            assertTrue(printed.contains(line), () -> "missing: " + line + System.lineSeparator() + printed);
        }
    }

    private int run(String name, List<String> arguments) throws Exception {
        return run(name, arguments, 1);
    }

    private int run(String name, List<String> arguments, int processors) throws Exception {
        MachineConfig config =
                MachineConfig.standard().withBare(true).withRamBytes(64 << 20).withProcessors(processors);
        if (name.equals("lowmemory")) {
            // Without one, commitment runs out before RAM does.
            config = config.withPageFiles(List.of(new PageFileSetup("C:\\pagefile.sys", 64 << 20, 64 << 20)));
        }
        try (Machine machine = Machine.boot(config, DLLS)) {
            ProgramRunner runner = new ProgramRunner(machine, DLLS);
            GuestConsole console = new GuestConsole(InputStream.nullInputStream(), out, errors, false);
            Launch launch = Launch.of(EXAMPLES.resolve(name + ".exe"), arguments, console);
            Checks.AtExit atExit = name.equals("hello")
                    ? new Checks.AtExit(machine, directory.resolve("exit.raw"), directory.resolve("exit.dmp"))
                    : new Checks.AtExit(machine);
            RunningProgram program = runner.start(processors == 1 ? launch.withEvents(atExit) : launch);
            int code = program.await();
            atExit.rethrow();
            Checks.check("after exit", machine);
            return code;
        }
    }
}
