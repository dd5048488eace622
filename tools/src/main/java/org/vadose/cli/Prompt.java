package org.vadose.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
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
        LineSource lines;
        if (commands != null) {
            lines = LineSource.of(commands);
        } else if (isTerminal()) {
            lines = new TerminalLines(debugger);
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

    /** Runs until the machine is to go on or the user leaves. */
    Debugger.Outcome run() throws IOException {
        Debugger.Outcome outcome = debugger.executePending();
        out.flush();
        while (outcome == Debugger.Outcome.CONTINUE) {
            String line = lines.read(debugger.prompt());
            if (line == null) {
                return Debugger.Outcome.QUIT;
            }
            outcome = debugger.execute(line);
            out.flush();
        }
        return outcome;
    }

    @Override
    public void close() throws IOException {
        lines.close();
    }
}
