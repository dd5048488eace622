package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.GuestEvents;
import org.vadose.win32.GuestThread;
import org.vadose.win32.loader.BuiltinDlls;

/**
 * Every function of the built-in DLLs with hostile arguments: a guest may crash itself, but never Java. The program
 * {@code examples/tests/fuzz.c} makes the calls; where it comes to its end, another goes on behind the function that ended it.
 */
class ApiFuzzTest {
    private static final Path PROGRAM = Path.of(System.getProperty("maven.multiModuleProjectDirectory", ".."))
            .resolve("examples/tests/fuzz.exe");
    private static final BuiltinDlls DLLS = ProgramRunner.builtinDlls();
    /** More than the slowest call needs: reached by loops alone. */
    private static final long PATIENCE_SECONDS = 10;

    private static final int STOP_PATIENCE_SECONDS = 10;

    /** Where one program got to. */
    private static final class Progress implements GuestEvents {
        volatile String last = "-2 start";
        /** Took long: the guest may have been led into a loop of its own. */
        volatile boolean stopped;
        /** And did not even end when told to. */
        volatile boolean hangs;

        @Override
        public void debugOutput(GuestThread thread, String text) {
            if (text.matches("-?\\d+ .*")) {
                last = text;
            }
        }

        int number() {
            return Integer.parseInt(last.substring(0, last.indexOf(' ')));
        }
    }

    @Test
    void noArgumentsHurtTheHost() throws Exception {
        List<String> problems = run(Long.getLong("vadose.fuzz.seed", 1), Integer.getInteger("vadose.fuzz.rounds", 4));
        assertTrue(problems.isEmpty(), () -> String.join("\n", problems));
    }

    private static List<String> run(long seed, int rounds) throws Exception {
        List<String> problems = new ArrayList<>();
        int first = 0;
        while (first >= 0) {
            Progress progress = new Progress();
            ByteArrayOutputStream errors = new ByteArrayOutputStream();
            try (Machine machine =
                    Machine.boot(MachineConfig.standard().withBare(true).withRamBytes(64 << 20), DLLS)) {
                GuestConsole console =
                        new GuestConsole(InputStream.nullInputStream(), OutputStream.nullOutputStream(), errors, false);
                List<String> arguments =
                        List.of(Integer.toString(first), Long.toString(seed), Integer.toString(rounds));
                RunningProgram program = new ProgramRunner(machine, DLLS)
                        .start(Launch.of(PROGRAM, arguments, console).withEvents(progress));
                Thread watch = Thread.startVirtualThread(() -> stopLater(program, progress));
                program.await();
                watch.interrupt();
                progress.hangs = progress.stopped && !isGone(program);
            }
            String said = errors.toString();
            if (said.contains("internal error") || progress.hangs) {
                problems.add("seed=%d %s%s: %s".formatted(seed, progress.last, progress.hangs ? " hangs" : "", said));
            }
            if (progress.number() == -2) {
                problems.add("the program did not start: " + said);
                break;
            }
            first = progress.number() < 0 ? -1 : progress.number() + 1;
        }
        return problems;
    }

    private static boolean isGone(RunningProgram program) throws InterruptedException {
        for (int i = 0;
                i < STOP_PATIENCE_SECONDS * 10 && !program.process().threads().isEmpty();
                i++) {
            TimeUnit.MILLISECONDS.sleep(100);
        }
        return program.process().threads().isEmpty();
    }

    private static void stopLater(RunningProgram program, Progress progress) {
        try {
            TimeUnit.SECONDS.sleep(PATIENCE_SECONDS);
            progress.stopped = true;
            program.stop();
        } catch (InterruptedException ended) {
            // In time.
        }
    }

    /** Arguments: seeds. */
    public static void main(String[] seeds) throws Exception {
        Thread.setDefaultUncaughtExceptionHandler((thread, problem) -> problem.printStackTrace());
        for (String seed : seeds) {
            run(Long.parseLong(seed), Integer.getInteger("vadose.fuzz.rounds", 4))
                    .forEach(System.out::println);
        }
    }
}
