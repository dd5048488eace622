package org.vadose.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
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
import org.jspecify.annotations.Nullable;
import org.vadose.debug.Completion;
import org.vadose.debug.Debugger;

/** Lines a person types: with history kept between sessions, editing and completion. Ctrl-C stops the running command. */
final class TerminalLines implements LineSource {
    private static final int HISTORY_LINES = 2000;

    private final Terminal terminal;
    private final LineReader reader;

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
        try {
            return reader.readLine(prompt);
        } catch (UserInterruptException e) {
            return "*";
        } catch (EndOfFileException e) {
            return null;
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
