package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.vadose.nt.NxPolicy;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.loader.BuiltinDlls;

/** Every program of {@code examples/tests} prints what it printed where it was recorded, and exits with the same code. */
class ProgramsTest {
    private static final Path PROGRAMS = Path.of(System.getProperty("maven.multiModuleProjectDirectory", ".."))
            .resolve("examples/tests");
    private static final BuiltinDlls DLLS = ProgramRunner.builtinDlls();

    static List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(PROGRAMS)) {
            return files.map(f -> f.getFileName().toString())
                    .filter(n -> n.endsWith(".exe"))
                    .map(n -> n.substring(0, n.length() - ".exe".length()))
                    .filter(n -> Files.exists(PROGRAMS.resolve("expected/" + n + ".txt")))
                    .sorted()
                    .toList();
        }
    }

    /** Pages come back as they went out, with NX in their entries or without. */
    @ParameterizedTest
    @EnumSource(NxPolicy.class)
    void pagesAreTrimmedAndComeBack(NxPolicy nx) throws Exception {
        printsWhatWasRecorded("pageout", MachineConfig.standard().withNx(nx).withRamBytes(128 << 20));
    }

    /** Among others threads that are ended while they wait, and forgotten before they know it. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void waitsEndOnSeveralProcessors(long seed) throws Exception {
        printsWhatWasRecorded(
                "waits",
                MachineConfig.standard()
                        .withBare(true)
                        .withRamBytes(64 << 20)
                        .withProcessors(2)
                        .withSeed(seed));
    }

    /** Threads write code and data, their own and common ones, in less RAM than they use together. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void severalProcessorsShareTooLittleMemory(int processors) throws Exception {
        printsWhatWasRecorded(
                "pressure",
                MachineConfig.standard().withBare(true).withRamBytes(44 << 20).withProcessors(processors));
    }

    @ParameterizedTest
    @MethodSource("names")
    void printsWhatWasRecorded(String name) throws Exception {
        printsWhatWasRecorded(name, MachineConfig.standard().withBare(true).withRamBytes(128 << 20));
    }

    private static void printsWhatWasRecorded(String name, MachineConfig config) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        byte[] input = Files.readAllBytes(PROGRAMS.resolve("build"));
        int code;
        try (Machine machine = Machine.boot(config, DLLS)) {
            GuestConsole console = new GuestConsole(new ByteArrayInputStream(input), out, errors, false);
            Checks.AtExit atExit = new Checks.AtExit(machine);
            code = new ProgramRunner(machine, DLLS)
                    .start(Launch.of(PROGRAMS.resolve(name + ".exe"), List.of("one", "two three"), console)
                            .withEvents(atExit))
                    .await();
            atExit.rethrow();
            Checks.check("after exit", machine);
        }
        String printed = out.toString(StandardCharsets.ISO_8859_1).replace("\r\n", "\n");
        String expected = Files.readString(PROGRAMS.resolve("expected/" + name + ".txt"), StandardCharsets.ISO_8859_1);
        assertEquals(expected, printed + "[exit " + (code & 0xFF) + "]\n", errors::toString);
    }
}
