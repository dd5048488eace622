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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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

    @Test
    void wrongUsageIsTwo() {
        assertEquals(ExitCode.USAGE, run("kd"));
        assertEquals(ExitCode.USAGE, run("nosuch"));
        assertEquals(ExitCode.OK, run("--help"));
    }
}
