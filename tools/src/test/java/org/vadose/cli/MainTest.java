package org.vadose.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
    @TempDir
    Path folder;

    private String errors = "";

    private int run(String... arguments) {
        PrintStream before = System.err;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setErr(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            return Main.commandLine()
                    .setErr(new PrintWriter(bytes, true, StandardCharsets.UTF_8))
                    .execute(arguments);
        } finally {
            System.setErr(before);
            errors = bytes.toString(StandardCharsets.UTF_8);
        }
    }

    @Test
    void missingFileIsNamed() {
        assertEquals(ExitCode.NO_INPUT, run("kd", folder.resolve("none.raw").toString()));
        assertTrue(errors.contains("no such file: ") && errors.contains("none.raw"), errors);
    }

    @Test
    void unsuitableFileIsSaidInOneLine() throws IOException {
        Path file = Files.writeString(folder.resolve("x.raw"), "hello");
        assertEquals(ExitCode.BAD_DATA, run("kd", file.toString()));
        assertEquals(1, errors.lines().count(), errors);
    }

    /** A machine that cannot be is said in a line and a hint, not in a stack trace. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "--ram=1m",
                "--ram=0",
                "--ram=900g",
                "--ram=99999999g",
                "--ram=33555456",
                "--ram=64m",
                "--page-file=4k",
                "--page-file=64m-32m",
                "--page-file=9000g",
                "--page-file=x=32m",
                "--page-file=D:\\a.sys=8m --page-file=d:\\A.SYS=8m",
                "--page-file-folder=/no/such/folder",
                "--page-file-errors=1001",
                "--page-file-errors=many",
                "--processors=0",
                "--nodes=17",
                "--nx=maybe",
                "--mount=D:=. --mount=d:=."
            })
    void impossibleMachineIsWrongUsage(String options) {
        List<String> arguments = new ArrayList<>(List.of("run"));
        arguments.addAll(List.of(options.split(" ")));
        arguments.add("none.exe");
        assertEquals(ExitCode.USAGE, run(arguments.toArray(String[]::new)), errors);
        assertTrue(errors.startsWith("vadose run: ") && errors.lines().count() == 2, errors);
    }

    @Test
    void dumpThatCannotBeWrittenIsSaidBeforeTheProgramRuns() {
        assertEquals(
                ExitCode.CANNOT_WRITE,
                run("run", "--dump", folder.resolve("no/x.raw").toString(), "none.exe"));
        assertTrue(errors.contains("there is no such folder"), errors);
        assertEquals(ExitCode.CANNOT_WRITE, run("boot", "--dump", folder.toString()));
    }

    @Test
    void folderIsNoProgram() {
        assertEquals(ExitCode.NO_INPUT, run("run", "--bare", "--ram=32m", folder.toString()));
        assertTrue(errors.contains(folder + " is a folder"), errors);
    }

    @Test
    void wrongUsageIsTwo() {
        assertEquals(ExitCode.USAGE, run("kd"));
        assertEquals(ExitCode.USAGE, run("nosuch"));
        assertEquals(ExitCode.OK, run("--help"));
    }
}
