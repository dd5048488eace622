package org.vadose.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vadose.machine.Launch;
import org.vadose.machine.Machine;
import org.vadose.machine.MachineConfig;
import org.vadose.machine.ProgramRunner;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.GuestEvents;
import org.vadose.win32.loader.BuiltinDlls;

/** Every way in which a program can end, with what is reported of it, alone and in the debugger. */
class CrashTest {
    private static final Path PROGRAM =
            (Files.exists(Path.of("examples")) ? Path.of("") : Path.of("..")).resolve("examples/crash.exe");
    private static final BuiltinDlls DLLS = ProgramRunner.builtinDlls();

    private static Machine machine;

    @BeforeAll
    static void boot() {
        machine = Machine.boot(MachineConfig.standard().withBare(true).withRamBytes(128L << 20), DLLS);
    }

    @AfterAll
    static void close() {
        machine.close();
    }

    private static int run(String way, PrintStream errors, GuestEvents events) throws Exception {
        GuestConsole console = new GuestConsole(InputStream.nullInputStream(), errors, errors, false);
        return new ProgramRunner(machine, DLLS)
                .start(Launch.of(PROGRAM, List.of(way), console).withEvents(events))
                .await();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            divide       | c0000094 | Integer divide-by-zero      |                                                            | idiv    ecx
            illegal      | c000001d | Illegal instruction         |                                                            | ud2
            privileged   | c0000096 | Privileged instruction      |                                                            | hlt
            null-call    | c0000005 | Access violation            | Attempt to execute non-executable address 0000000000000000 | ???
            null-read    | c0000005 | Access violation            | Attempt to read from address 0000000000000010              | mov     ecx,dword ptr [rax+10h] ds:#:#=????????
            write-code   | c0000005 | Access violation            | Attempt to write to address #                              | mov     byte ptr [crash+0x#],0 ds:#=0f
            no-address   | c0000005 | Access violation            | Attempt to read from address ffffffffffffffff              | mov     ecx,dword ptr [rax] ds:#:80000000`00000000=????????
            overflow     | c00000fd | Stack overflow              | Attempt to write to address #                              | call    crash+0x#
            breakpoint   | 80000003 | Break instruction exception |                                                            | int     3
            fast-fail    | c0000409 | Security check failure or stack buffer overrun |                                         | int     29h
            raise        | e0001234 | Unknown exception           |                                                            | ret
            other-thread | c0000005 | Access violation            | Attempt to read from address 0000000000000010              | mov     ecx,dword ptr [rax+10h] ds:#:#=????????
            """)
    void badEndIsReportedAsADebuggerWould(String way, String code, String name, String attempt, String instruction)
            throws Exception {
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        int exitCode = run(way, new PrintStream(errors, true, StandardCharsets.UTF_8), GuestEvents.NONE);
        String text = errors.toString(StandardCharsets.UTF_8);
        List<String> lines = new ArrayList<>(text.lines().toList());
        assertEquals(code, Integer.toHexString(exitCode), text);
        String first = lines.removeFirst();
        assertTrue(
                first.matches("\\([0-9a-f]+\\.[0-9a-f]+\\): .*")
                        && first.endsWith("): " + name + " - code " + code + " (!!! second chance !!!)"),
                text);
        if (attempt != null) {
            assertTrue(matches(attempt, lines.removeFirst()), text);
        }
        assertEquals(
                List.of("rax=", "rdx=", "rip=", " r8=", "r11=", "r14=", "iopl", "cs=0"),
                lines.subList(0, 8).stream().map(line -> line.substring(0, 4)).toList(),
                text);
        String last = lines.getLast().substring("00000000`00000000 ".length());
        assertTrue(matches(instruction, last.substring(last.indexOf(' ')).strip()), last);
        assertEquals(way.equals("null-call") ? 9 : 10, lines.size(), text);
    }

    /** {@code #} in the pattern is a number, and more digits, blanks and parentheses around an address. */
    private static boolean matches(String pattern, String text) {
        String plain = text.replaceAll(" \\([0-9a-f`]+\\)", "");
        StringBuilder regex = new StringBuilder();
        for (String part : pattern.split("#", -1)) {
            regex.append(regex.isEmpty() ? "" : "[0-9a-f`]+").append(java.util.regex.Pattern.quote(part));
        }
        return plain.matches(regex.toString());
    }

    @ParameterizedTest
    @CsvSource({
        "divide, entry first second exit, c0000094",
        "overflow, entry first second exit, c00000fd",
        "fast-fail, entry second exit, c0000409",
        "other-thread, entry first second exit, c0000005",
        "exit-process, entry exit, 15",
        "terminate, entry exit, 16",
        "last-thread, entry exit, 17",
        "abort, entry exit, 3",
        "none, entry exit, 0",
    })
    void debuggerStopsOnEveryWay(String way, String stops, String code) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        List<String> seen = new ArrayList<>();
        LineSource lines = prompt -> {
            String text = bytes.toString(StandardCharsets.UTF_8);
            bytes.reset();
            seen.add(
                    text.contains("Entry point reached")
                            ? "entry"
                            : text.contains("(first chance)")
                                    ? "first"
                                    : text.contains("(!!! second chance !!!)")
                                            ? "second"
                                            : text.contains("Process exits with code 0x" + code + "\n")
                                                    ? "exit"
                                                    : text);
            return "g";
        };
        try (LiveSession session = new LiveSession(machine, lines, out)) {
            assertEquals(code, Integer.toHexString(run(way, out, session)));
        }
        assertEquals(stops, String.join(" ", seen));
        assertEquals("", bytes.toString(StandardCharsets.UTF_8));
    }
}
