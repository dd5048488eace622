package org.vadose.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.vadose.check.Findings;
import org.vadose.check.SystemCheck;
import org.vadose.dump.MemoryImage;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code vadose check}: the invariants of a machine, proved over a file. */
@Command(
        name = "check",
        description = "Check the structures in a raw image or crash dump; exit 1 if something is wrong.",
        mixinStandardHelpOptions = true)
final class CheckCommand implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "Raw image, or crash dump (PAGEDU64, full or bitmap).")
    private Path file = Path.of("");

    @Override
    public Integer call() throws IOException {
        try (MemoryImage image = MemoryImage.open(file)) {
            String mismatch = image.target().symbolMismatch();
            if (mismatch != null) {
                System.err.println("vadose: " + mismatch);
                return ExitCode.BAD_DATA;
            }
            Findings findings = SystemCheck.run(image.target());
            PrintStream out = Output.standard();
            findings.texts().forEach(out::println);
            out.println(findings.isEmpty() ? "No findings." : findings.count() + " findings.");
            out.flush();
            return findings.isEmpty() ? ExitCode.OK : ExitCode.FAILED;
        }
    }
}
