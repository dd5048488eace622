package org.vadose.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.vadose.debug.Debugger;

/**
 * The {@code 0: kd>} prompt: reads lines and gives them to a {@link Debugger} until one lets the machine run or quits. The end of
 * input quits.
 */
final class Prompt implements AutoCloseable {
    private final Debugger debugger;
    private final LineSource lines;
    private final PrintStream out;
    private volatile boolean executing;

    Prompt(Debugger debugger, LineSource lines, PrintStream out) {
        this.debugger = debugger;
        this.lines = lines;
        this.out = out;
    }

    /**
     * A prompt over what the user gave: the commands of {@code -c}, a terminal, or a pipe.
     *
     * @param commands from {@code -c}; null if there were none
     */
    static Prompt open(Debugger debugger, @Nullable List<String> commands, PrintStream out) throws IOException {
        return open(debugger, commands, out, debugger::cancel);
    }

    /** @param onInterrupt Ctrl-C at a terminal while no line is being typed */
    static Prompt open(Debugger debugger, @Nullable List<String> commands, PrintStream out, Runnable onInterrupt)
            throws IOException {
        LineSource lines;
        if (commands != null) {
            lines = LineSource.of(commands);
        } else if (isTerminal()) {
            lines = new TerminalLines(debugger, onInterrupt);
        } else {
            lines = LineSource.of(new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)));
        }
        return new Prompt(debugger, lines, out);
    }

    private static boolean isTerminal() {
        return System.console() != null && System.console().isTerminal();
    }

    boolean isInteractive() {
        return lines.isInteractive();
    }

    /** {@link LineSource#typedOtherwise}. */
    @Nullable InputStream typedOtherwise(BooleanSupplier isPrompting) {
        return lines.typedOtherwise(isPrompting);
    }

    /** Runs until the machine is to go on or the user leaves. */
    Debugger.Outcome run() throws IOException {
        Debugger.Outcome outcome = execute(null);
        while (outcome == Debugger.Outcome.CONTINUE) {
            String line = lines.read(debugger.prompt());
            if (line == null) {
                return Debugger.Outcome.QUIT;
            }
            outcome = execute(line);
        }
        return outcome;
    }

    /** @param line null for what an earlier line left */
    private Debugger.Outcome execute(@Nullable String line) {
        executing = true;
        try {
            return line == null ? debugger.executePending() : debugger.execute(line);
        } finally {
            executing = false;
            out.flush();
        }
    }

    /** Whether a command runs, rather than the prompt waits. From any thread. */
    boolean isExecuting() {
        return executing;
    }

    @Override
    public void close() throws IOException {
        lines.close();
    }
}
