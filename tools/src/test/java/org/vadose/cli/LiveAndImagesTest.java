package org.vadose.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vadose.debug.Debugger;
import org.vadose.dump.MemoryImage;
import org.vadose.machine.Launch;
import org.vadose.machine.Machine;
import org.vadose.machine.MachineConfig;
import org.vadose.machine.ProgramRunner;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.loader.BuiltinDlls;

/** A program stopped at an exception looks the same on the live machine and on both kinds of image of that instant. */
class LiveAndImagesTest {
    private static final Path EXAMPLES =
            Files.exists(Path.of("examples")) ? Path.of("examples") : Path.of("../examples");
    private static final List<String> LOOKS = List.of(
            "r",
            "r @$teb",
            "lm",
            "!process -1 7",
            "!process 0 0",
            "!vad",
            "!vad @rbx 1",
            "!pte @rbx",
            "!pte @rip",
            "!pte @rsp",
            "!pte 7ffe0000",
            "!vtop 0 @rip",
            "!vtop 0 @rbx",
            "!pfn 1ad",
            "db @rsp",
            "dps @rsp L10",
            "dq @rbx L2",
            "u @rip",
            "u .",
            "!peb",
            "!teb",
            "!thread",
            "!handle 0 3",
            "!handle 0 1 4",
            "!poolused 2",
            "!pool @$proc 2",
            "!object \\",
            "!vm 21",
            "dt nt!_EPROCESS @$proc",
            "dt -r1 nt!_KTHREAD @$thread",
            "dt ntdll!_PEB @$peb",
            "x ntdll!Rtl*Heap*",
            "ln @rip",
            "? @rip",
            "vertarget");

    @TempDir
    Path folder;

    @Test
    void imagesShowWhatTheLiveMachineShows() throws IOException, InterruptedException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        Path raw = folder.resolve("stopped.raw");
        Path dump = folder.resolve("stopped.dmp");
        List<String> commands = new ArrayList<>(List.of("g"));
        commands.addAll(LOOKS);
        commands.addAll(List.of(".dump " + raw, ".dump " + dump, "q"));
        Map<String, String> live = new LinkedHashMap<>();
        Iterator<String> left = commands.iterator();
        String[] last = {"start"};
        LineSource lines = prompt -> {
            live.put(last[0], bytes.toString(StandardCharsets.UTF_8));
            bytes.reset();
            last[0] = left.next();
            return last[0];
        };
        BuiltinDlls dlls = ProgramRunner.builtinDlls();
        try (Machine machine =
                        Machine.boot(MachineConfig.standard().withBare(true).withRamBytes(128L << 20), dlls);
                LiveSession session = new LiveSession(machine, lines, out)) {
            GuestConsole console =
                    new GuestConsole(InputStream.nullInputStream(), session.guestOutput(), session.guestOutput(), true);
            int ignored = new ProgramRunner(machine, dlls)
                    .start(Launch.of(EXAMPLES.resolve("reserved.exe"), List.of(), console)
                            .withEvents(session))
                    .await();
        }
        for (Path file : List.of(raw, dump)) {
            try (MemoryImage image = MemoryImage.open(file)) {
                StringBuilder shown = new StringBuilder();
                Debugger debugger = new Debugger(image.target(), null, shown);
                for (String look : LOOKS) {
                    shown.setLength(0);
                    debugger.execute(look);
                    assertFalse(debugger.hasFailed(), look + "\n" + shown);
                    assertEquals(plain(live.get(look)), plain(shown.toString()), file + " " + look);
                }
            }
        }
    }

    private static String plain(String text) {
        return text.replaceAll("Target: .*", "Target");
    }
}
