package org.vadose.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.vadose.debug.Debugger;
import org.vadose.dump.ImageWriter;
import org.vadose.machine.Machine;
import org.vadose.target.Target;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code vadose boot}: a machine that runs no program, to be looked at or written to a file. */
@Command(
        name = "boot",
        description = "Boot a machine; write its memory to a file, or look at it in the debugger.",
        mixinStandardHelpOptions = true)
final class BootCommand implements Callable<Integer> {
    @Mixin
    private MachineOptions options = new MachineOptions();

    @Option(names = "--bare", description = "Boot Idle and System alone.")
    private boolean bare;

    @Option(
            names = "--dump",
            paramLabel = "FILE",
            description = "Write physical memory: a crash dump if FILE ends in .dmp, else a raw image.")
    private @Nullable Path dump;

    @Option(names = "--kd", description = "Open the debugger on the booted machine.")
    private boolean kd;

    @Option(names = "-c", paramLabel = "COMMANDS", description = "Run these debugger commands and exit.")
    private @Nullable List<String> commands;

    @Option(names = "--timings", description = "Print what each phase of the boot took.")
    private boolean timings;

    @Override
    public Integer call() throws IOException {
        requirePlace(dump);
        try (Machine machine = Machine.boot(options.config(bare))) {
            PrintStream out = Output.standard();
            if (timings) {
                for (Machine.Timing timing : machine.timings()) {
                    out.printf("%-16s %8.3f ms%n", timing.phase(), timing.nanos() / 1e6);
                }
                out.flush();
            }
            boolean failed = false;
            if (kd || commands != null) {
                Debugger debugger = new Debugger(machine.target(), null, out);
                try (Prompt prompt = Prompt.open(debugger, commands, out)) {
                    prompt.run();
                    failed = debugger.hasFailed() && !prompt.isInteractive();
                }
            }
            if (dump != null) {
                write(machine.target(), dump);
            }
            return failed ? ExitCode.FAILED : ExitCode.OK;
        }
    }

    /** What cannot be written shall be known before anything has run. */
    static void requirePlace(@Nullable Path file) throws IOException {
        if (file != null) {
            try {
                ImageWriter.requirePlace(file);
            } catch (IOException e) {
                throw new CannotWriteException(file, e);
            }
        }
    }

    /** Writes a target's memory; what goes wrong is a {@link CannotWriteException}. */
    static void write(Target target, Path file) throws IOException {
        try {
            ImageWriter.write(target, file);
        } catch (IOException e) {
            throw new CannotWriteException(file, e);
        }
    }
}
