package org.vadose.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.debug.Debugger;
import org.vadose.dump.MemoryImage;
import org.vadose.machine.Launch;
import org.vadose.machine.Machine;
import org.vadose.machine.MachineConfig;
import org.vadose.machine.ProgramRunner;
import org.vadose.machine.RunningProgram;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.loader.BuiltinDlls;
import picocli.CommandLine;

/**
 * A session as a person sees it: a shell line, then prompts with what was typed and what came. It can be played again, and what
 * comes then be compared. A line {@code ...} stands for any lines. Digits may differ where addresses and counts do, columns not.
 */
record Transcript(String shell, List<Entry> entries) {
    private static final String PROMPT = "0: kd> ";
    private static final String ANY = "...";
    private static final long RAM = 128L << 20;

    /**
     * What one command printed.
     *
     * @param command null for what comes before the first prompt
     */
    record Entry(@Nullable String command, List<String> output) {}

    static Transcript parse(List<String> lines) {
        List<Entry> entries = new ArrayList<>();
        entries.add(new Entry(null, new ArrayList<>()));
        for (String line : lines.subList(1, lines.size())) {
            if (line.startsWith(PROMPT)) {
                entries.add(new Entry(line.substring(PROMPT.length()), new ArrayList<>()));
            } else {
                entries.getLast().output().add(line);
            }
        }
        return new Transcript(lines.getFirst(), entries);
    }

    /** Types the same again; {@code FILE} in the shell line is a file in the folder. */
    Transcript replay(Path examples, Path folder) throws IOException, InterruptedException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        List<Entry> shown = new ArrayList<>();
        Deque<String> commands = new ArrayDeque<>();
        for (Entry entry : entries.subList(1, entries.size())) {
            commands.add(entry.command().replace(" /tmp/", " " + folder + "/"));
        }
        String[] typed = {null};
        LineSource lines = prompt -> {
            shown.add(new Entry(typed[0], taken(bytes, folder)));
            typed[0] = commands.pollFirst();
            return typed[0];
        };
        List<String> words = new ArrayList<>(Arrays.asList(shell.split(" +")));
        words.removeIf(word -> word.startsWith("--") || word.equals("$") || word.equals("./vadose"));
        if (words.getFirst().equals("kd")) {
            Path file = folder.resolve(Path.of(words.get(1)).getFileName().toString());
            try (MemoryImage image = MemoryImage.open(file)) {
                new Prompt(new Debugger(image.target(), null, out), lines, out).run();
            }
        } else {
            run(words, config(shell), examples, lines, out);
        }
        shown.add(new Entry(typed[0], taken(bytes, folder)));
        for (int i = 0; i < shown.size() && i < entries.size(); i++) {
            shown.set(i, new Entry(entries.get(i).command(), shown.get(i).output()));
        }
        return new Transcript(shell, shown.subList(0, Math.min(shown.size(), entries.size())));
    }

    /** Options are written with {@code =}; machines are small unless one says otherwise. */
    private static MachineConfig config(String shell) {
        List<String> given = new ArrayList<>(Arrays.asList(shell.split(" +")));
        given.removeIf(word -> !word.startsWith("--") || word.equals("--bare") || word.equals("--kd"));
        if (given.stream().noneMatch(word -> word.startsWith("--ram="))) {
            given.add("--ram=" + RAM);
        }
        return CommandLine.populateCommand(new MachineOptions(), given.toArray(String[]::new))
                .config(shell.contains("--bare"));
    }

    private static void run(List<String> words, MachineConfig config, Path examples, LineSource lines, PrintStream out)
            throws IOException, InterruptedException {
        BuiltinDlls dlls = ProgramRunner.builtinDlls();
        try (Machine machine = Machine.boot(config, dlls);
                LiveSession session = new LiveSession(machine, lines, out)) {
            Path program = examples.resolve(Path.of(words.get(1)).getFileName().toString());
            GuestConsole console =
                    new GuestConsole(InputStream.nullInputStream(), session.guestOutput(), session.guestOutput(), true);
            RunningProgram running = new ProgramRunner(machine, dlls)
                    .start(Launch.of(program, words.subList(2, words.size()), console)
                            .withEvents(session));
            session.attach(running.process());
            int ignored = running.await();
        }
    }

    private static List<String> taken(ByteArrayOutputStream bytes, Path folder) {
        String text = bytes.toString(StandardCharsets.UTF_8).replace(folder + "/", "/tmp/");
        bytes.reset();
        return text.lines().toList();
    }

    /** The same text with as many lines left out as the model leaves out. */
    Transcript cutAs(Transcript model) {
        List<Entry> cut = new ArrayList<>();
        for (int i = 0; i < entries.size(); i++) {
            List<String> all = entries.get(i).output();
            List<String> wanted = model.entries.get(i).output();
            int gap = wanted.indexOf(ANY);
            int tail = wanted.size() - gap - 1;
            List<String> lines = new ArrayList<>(all);
            if (gap >= 0 && all.size() > gap + tail) {
                lines = new ArrayList<>(all.subList(0, gap));
                lines.add(ANY);
                lines.addAll(all.subList(all.size() - tail, all.size()));
            }
            cut.add(new Entry(entries.get(i).command(), lines));
        }
        return new Transcript(shell, cut);
    }

    /** What differs from the model, in words; empty if nothing that matters does. */
    String difference(Transcript model) {
        for (int i = 0; i < model.entries.size(); i++) {
            Entry wanted = model.entries.get(i);
            if (i >= entries.size()) {
                return shell + ": no prompt for " + wanted.command();
            }
            List<String> shown = entries.get(i).output();
            for (int line = 0; line < Math.max(shown.size(), wanted.output().size()); line++) {
                String a = line < wanted.output().size() ? wanted.output().get(line) : "<nothing>";
                String b = line < shown.size() ? shown.get(line) : "<nothing>";
                if (!alike(a.stripTrailing(), b.stripTrailing())) {
                    return shell + "\n" + PROMPT + wanted.command() + "\nexpected: " + a + "\nshown:    " + b;
                }
            }
        }
        return "";
    }

    /** Equal but for digits; numbers of other lengths may push what follows them. */
    private static boolean alike(String a, String b) {
        if (a.equals(b)) {
            return true;
        }
        String number = "(?i)(?<![A-Za-z0-9_`])((0[xny])?[0-9a-f`]*[0-9][0-9a-f`]*|[0-9a-f`]{16,})(?![0-9a-f_])";
        String aligned = " *(" + number + ")";
        boolean sameLength = a.length() == b.length();
        return sameLength
                ? hashes(a, aligned).equals(hashes(b, aligned))
                : a.replaceAll(number, "#")
                        .replaceAll(" *# *", "#")
                        .equals(b.replaceAll(number, "#").replaceAll(" *# *", "#"));
    }

    private static String hashes(String text, String pattern) {
        return java.util.regex.Pattern.compile(pattern)
                .matcher(text)
                .replaceAll(found -> "#".repeat(found.group().length()));
    }

    String text() {
        StringBuilder text = new StringBuilder(shell).append('\n');
        for (Entry entry : entries) {
            if (entry.command() != null) {
                text.append(PROMPT).append(entry.command()).append('\n');
            }
            entry.output().forEach(line -> text.append(line.stripTrailing()).append('\n'));
        }
        return text.toString();
    }
}
