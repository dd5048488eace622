package org.vadose.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.vadose.debug.Debugger;
import org.vadose.dump.MemoryImage;
import org.vadose.machine.ProgramRunner;
import org.vadose.win32.loader.BuiltinDlls;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code vadose kd}: the debugger over a file. */
@Command(
        name = "kd",
        description = "Open a raw memory image or a 64-bit Windows crash dump in the debugger.",
        mixinStandardHelpOptions = true)
final class KdCommand implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "Raw image, or crash dump (PAGEDU64, full or bitmap).")
    private Path file = Path.of("");

    @Option(
            names = "-c",
            paramLabel = "COMMANDS",
            description = "Run these commands, separated by ';', and exit: 1 if one failed. May be repeated.")
    private @Nullable List<String> commands;

    @Override
    public Integer call() throws IOException {
        try (MemoryImage image = MemoryImage.open(file)) {
            PrintStream out = Output.standard();
            Debugger debugger = new Debugger(image.target(), null, out);
            debugger.setImageFiles(KdCommand::builtinFile);
            String mismatch = image.target().symbolMismatch();
            if (mismatch != null) {
                System.err.println("vadose: warning: " + mismatch);
            }
            try (Prompt prompt = Prompt.open(debugger, commands, out)) {
                if (prompt.isInteractive()) {
                    debugger.execute("vertarget");
                    debugger.clearFailure();
                }
                prompt.run();
                return debugger.hasFailed() && !prompt.isInteractive() ? ExitCode.FAILED : ExitCode.OK;
            }
        }
    }

    /** The files of the DLLs that this program's own images were made with. */
    private static byte @Nullable [] builtinFile(String path) {
        BuiltinDlls dlls = ProgramRunner.builtinDlls();
        String name = path.substring(path.lastIndexOf('\\') + 1).toLowerCase(Locale.ROOT);
        return dlls.names().contains(name) ? dlls.file(name) : null;
    }
}
