package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vadose.base.SeededRandom;
import org.vadose.pe.PeFormatException;
import org.vadose.win32.GuestConsole;
import org.vadose.win32.loader.BuiltinDlls;
import org.vadose.win32.loader.LoaderException;

/** Damaged programs, run: each is refused with a message or comes to an end of its own, and the machine runs the next. */
class ProgramFuzzTest {
    private static final long SEED = Long.getLong("vadose.fuzz.seed", 7);
    private static final int ROUNDS = Integer.getInteger("vadose.fuzz.programs", 60);
    private static final Path PROGRAMS = Path.of(System.getProperty("maven.multiModuleProjectDirectory", ".."))
            .resolve("examples");
    private static final List<String> ORIGINALS = List.of("hello.exe", "tests/exceptions.exe", "guard.exe");
    private static final BuiltinDlls DLLS = ProgramRunner.builtinDlls();
    private static final long PATIENCE_SECONDS = 5;
    private static final int HEADER_BYTES = 0x400;
    private static final int[] WILD = {
        0,
        1,
        2,
        3,
        0xFFF,
        0x1000,
        0x1001,
        0xFFFF,
        0x10000,
        0x7FFFFFFF,
        0x80000000,
        -1,
        -2,
        -0x1000,
        0x7FFF0000,
        0x4000,
        0x200
    };

    @TempDir
    Path folder;

    @Test
    void damagedProgramsEndInOrder() throws Exception {
        List<String> problems = new ArrayList<>();
        Machine machine = boot();
        try {
            ProgramRunner runner = new ProgramRunner(machine, DLLS);
            for (int round = 0; round < ROUNDS; round++) {
                Path program = folder.resolve("damaged" + round + ".exe");
                Files.write(program, damaged(round));
                String said = run(runner, program);
                if (said.contains("internal error")) {
                    problems.add("seed=%d round=%d: %s".formatted(SEED, round, said));
                    machine.close();
                    machine = boot();
                    runner = new ProgramRunner(machine, DLLS);
                }
            }
        } finally {
            machine.close();
        }
        assertTrue(problems.isEmpty(), () -> String.join("\n", problems));
    }

    private static Machine boot() {
        return Machine.boot(MachineConfig.standard().withBare(true).withRamBytes(128 << 20), DLLS);
    }

    /** What the person is told. */
    private static String run(ProgramRunner runner, Path program) throws Exception {
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        GuestConsole console =
                new GuestConsole(InputStream.nullInputStream(), OutputStream.nullOutputStream(), errors, false);
        try {
            RunningProgram running = runner.start(Launch.of(program, List.of(), console));
            Thread watch = Thread.startVirtualThread(() -> {
                try {
                    TimeUnit.SECONDS.sleep(PATIENCE_SECONDS);
                    running.stop();
                } catch (InterruptedException ended) {
                    // In time.
                }
            });
            running.await();
            watch.interrupt();
        } catch (PeFormatException | LoaderException refused) {
            return String.valueOf(refused.getMessage());
        } catch (RuntimeException | Error problem) {
            return "internal error at start: " + problem + " at "
                    + List.of(problem.getStackTrace()).subList(0, 4);
        }
        return errors.toString();
    }

    private static byte[] damaged(int round) throws Exception {
        SeededRandom random = SeededRandom.of(SEED, "program " + round);
        byte[] file = Files.readAllBytes(PROGRAMS.resolve(ORIGINALS.get(round % ORIGINALS.size())));
        ByteBuffer buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int changes = 1 + (int) random.below(3);
        for (int i = 0; i < changes; i++) {
            int limit = random.below(4) != 0 ? HEADER_BYTES : file.length;
            int at = (int) random.below(limit - 8) & -2;
            switch ((int) random.below(4)) {
                case 0 -> buffer.put(at, (byte) random.nextInt());
                case 1 -> buffer.putInt(at, WILD[(int) random.below(WILD.length)]);
                case 2 -> buffer.putInt(at, buffer.getInt(at) + (int) random.below(0x3001) - 0x1800);
                default -> buffer.putShort(at, (short) WILD[(int) random.below(WILD.length)]);
            }
        }
        return random.below(10) == 0 ? java.util.Arrays.copyOf(file, (int) random.below(file.length)) : file;
    }
}
