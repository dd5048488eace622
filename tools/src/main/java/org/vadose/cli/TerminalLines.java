package org.vadose.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jline.builtins.Completers;
import org.jline.reader.Candidate;
import org.jline.reader.Completer;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.DefaultParser;
import org.jline.reader.impl.completer.AggregateCompleter;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.NonBlockingInputStream;
import org.jspecify.annotations.Nullable;
import org.vadose.debug.Completion;
import org.vadose.debug.Debugger;

/** Lines a person types: with history kept between sessions, editing and completion. Ctrl-C stops the running command. */
final class TerminalLines implements LineSource {
    private static final int HISTORY_LINES = 2000;

    private final Terminal terminal;
    private final LineReader reader;
    /** Held by whoever reads what is typed; fair, so that the program's reading makes way for the prompt. */
    private final ReentrantLock turn = new ReentrantLock(true);

    TerminalLines(Debugger debugger, Runnable onInterrupt) throws IOException {
        terminal = TerminalBuilder.builder().system(true).dumb(true).build();
        terminal.handle(Terminal.Signal.INT, signal -> onInterrupt.run());
        Completion completion = new Completion(debugger);
        Completer names = (lineReader, line, candidates) -> {
            List<String> words = line.words().subList(0, line.wordIndex() + 1);
            for (String word : completion.candidates(words)) {
                boolean goesOn = word.endsWith("!");
                candidates.add(new Candidate(word, word, null, null, null, null, !goesOn));
            }
        };
        Completer files = new Completers.FileNameCompleter();
        Completer fileNames = (lineReader, line, candidates) -> {
            if (completion.wantsFile(line.words().subList(0, line.wordIndex() + 1))) {
                files.complete(lineReader, line, candidates);
            }
        };
        // Backslashes and quotes are the debugger's own.
        DefaultParser parser = new DefaultParser().escapeChars(null).quoteChars(new char[0]);
        reader = LineReaderBuilder.builder()
                .terminal(terminal)
                .parser(parser)
                .completer(new AggregateCompleter(names, fileNames))
                .variable(LineReader.HISTORY_FILE, historyFile())
                .variable(LineReader.HISTORY_SIZE, HISTORY_LINES)
                .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
                .option(LineReader.Option.HISTORY_IGNORE_SPACE, true)
                .option(LineReader.Option.CASE_INSENSITIVE, true)
                .build();
    }

    /** In the user's cache folder, {@code XDG_CACHE_HOME} where that is set. */
    static Path historyFile() {
        String home = System.getProperty("user.home", ".");
        String cache = System.getenv("XDG_CACHE_HOME");
        String local = System.getenv("LOCALAPPDATA");
        boolean mac = System.getProperty("os.name", "").toLowerCase(Locale.ROOT).startsWith("mac");
        Path folder;
        if (cache != null && !cache.isBlank()) {
            folder = Path.of(cache);
        } else if (local != null) {
            folder = Path.of(local);
        } else {
            folder = mac ? Path.of(home, "Library", "Caches") : Path.of(home, ".cache");
        }
        Path file = folder.resolve("vadose").resolve("kd-history");
        try {
            Files.createDirectories(folder.resolve("vadose"));
        } catch (IOException e) {
            // Without the folder the history lasts as long as the session.
            return file;
        }
        return file;
    }

    @Override
    public @Nullable String read(String prompt) {
        turn.lock();
        try {
            return reader.readLine(prompt);
        } catch (UserInterruptException e) {
            return "*";
        } catch (EndOfFileException e) {
            return null;
        } finally {
            turn.unlock();
        }
    }

    @Override
    public InputStream typedOtherwise(BooleanSupplier isPrompting) {
        return terminal.input() instanceof NonBlockingInputStream typed
                ? new Shared(typed, turn, isPrompting)
                : terminal.input();
    }

    /** Reads a little at a time, so that it can make way for the prompt. */
    private static final class Shared extends InputStream {
        private static final long PATIENCE_MILLIS = 100;

        private final NonBlockingInputStream typed;
        private final ReentrantLock turn;
        private final BooleanSupplier isPrompting;

        Shared(NonBlockingInputStream typed, ReentrantLock turn, BooleanSupplier isPrompting) {
            this.typed = typed;
            this.turn = turn;
            this.isPrompting = isPrompting;
        }

        private int next() throws IOException {
            turn.lock();
            try {
                if (!isPrompting.getAsBoolean()) {
                    return typed.read(PATIENCE_MILLIS);
                }
            } finally {
                turn.unlock();
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS));
            return NonBlockingInputStream.READ_EXPIRED;
        }

        @Override
        public int read() throws IOException {
            int next = next();
            while (next == NonBlockingInputStream.READ_EXPIRED) {
                next = next();
            }
            return next;
        }

        /** Up to the end of a line: the terminal gives whole lines. */
        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            int count = 0;
            for (int next = read(); next >= 0; next = next()) {
                target[offset + count++] = (byte) next;
                if (count == length || next == '\n') {
                    break;
                }
            }
            return count == 0 ? -1 : count;
        }
    }

    @Override
    public boolean isInteractive() {
        return true;
    }

    @Override
    public void close() throws IOException {
        terminal.close();
    }
}
