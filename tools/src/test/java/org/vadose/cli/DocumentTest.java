package org.vadose.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vadose.debug.Command;
import org.vadose.debug.Debugger;
import org.vadose.machine.Machine;
import org.vadose.machine.MachineConfig;

/**
 * Every session that {@code README.md} and the pages below {@code docs} show is played again and must print what stands there. With
 * {@code -Dvadose.transcripts=write} the page is brought up to date instead.
 */
class DocumentTest {
    private static final Path ROOT = Files.exists(Path.of("docs")) ? Path.of("") : Path.of("..");
    private static final String FENCE = "```";

    @TempDir
    Path folder;

    @Test
    void everyCommandIsShown() throws IOException {
        String page = Files.readString(ROOT.resolve("docs/debugger.md"));
        List<String> missing = new ArrayList<>();
        try (Machine machine =
                Machine.boot(MachineConfig.standard().withBare(true).withRamBytes(64L << 20))) {
            Debugger debugger = new Debugger(machine.target(), null, new StringBuilder());
            for (Command command : debugger.commands().all()) {
                String shown = "0: kd> " + command.name();
                if (!page.contains(shown + " ") && !page.contains(shown + "\n")) {
                    missing.add(command.name());
                }
            }
        }
        assertEquals(List.of(), missing);
    }

    @ParameterizedTest
    @ValueSource(strings = {"README.md", "docs/debugger.md", "docs/running.md"})
    void sessionsOfThePageAreTrue(String name) throws IOException, InterruptedException {
        Path file = ROOT.resolve(name);
        List<String> page = Files.readAllLines(file);
        List<String> renewed = new ArrayList<>();
        List<String> differences = new ArrayList<>();
        int sessions = 0;
        for (int line = 0; line < page.size(); line++) {
            renewed.add(page.get(line));
            boolean session = page.get(line).startsWith(FENCE)
                    && line + 1 < page.size()
                    && page.get(line + 1).startsWith("$ ./vadose ");
            if (!session) {
                continue;
            }
            int end = line + 1;
            while (!page.get(end).equals(FENCE)) {
                end++;
            }
            Transcript model = Transcript.parse(page.subList(line + 1, end));
            Transcript shown = model.replay(ROOT.resolve("examples"), folder).cutAs(model);
            String difference = shown.difference(model);
            if (!difference.isEmpty()) {
                differences.add(difference);
            }
            renewed.addAll(shown.text().lines().toList());
            renewed.add(FENCE);
            line = end;
            sessions++;
        }
        if (System.getProperty("vadose.transcripts", "").equals("write")) {
            Files.write(file, renewed);
            return;
        }
        assertFalse(sessions == 0);
        assertEquals(List.of(), differences, () -> "-Dvadose.transcripts=write brings the page up to date: " + name);
    }
}
