package org.vadose.debug;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vadose.base.Pages;
import org.vadose.dump.DumpFormatException;
import org.vadose.dump.ImageWriter;
import org.vadose.dump.MemoryImage;
import org.vadose.machine.Machine;
import org.vadose.machine.MachineConfig;

/** Files with wrong bytes anywhere: opening them ends in words, and every command in an answer. */
class DamagedImageTest {
    private static final long SEED = Long.getLong("vadose.seed", 20231017);
    private static final int HEADER_ROUNDS = 100;
    private static final int MEMORY_ROUNDS = 6;
    private static final int MUCH_OUTPUT = 1 << 20;
    private static final int HEADER_SIZE = 0x2000;
    private static final List<String> LOOKS = List.of(
            "vertarget",
            "lm",
            "r",
            "!process 0 7",
            "!vad",
            "!pte nt",
            "!pfn 1ad",
            "!vtop 0 nt!PsActiveProcessHead",
            "!ptov 0",
            "!vm 20",
            "!store",
            "!combine",
            "!combine poi(nt!PsInitialSystemProcess)",
            "!mitigations",
            "!poolused 2",
            "!pool poi(nt!PsInitialSystemProcess)",
            "!object \\",
            "!object \\Device",
            "!handle 0 3 4",
            "!thread",
            "!peb",
            "!teb",
            "x nt!Ps*",
            "u nt!KiSystemStartup",
            "dt -r2 nt!_EPROCESS poi(nt!PsInitialSystemProcess)",
            "dt -l ActiveProcessLinks nt!_EPROCESS poi(nt!PsInitialSystemProcess) ImageFileName",
            "dps nt!PsActiveProcessHead");

    @TempDir
    static Path folder;

    private static Path raw;
    private static Path dump;

    @BeforeAll
    static void write() throws IOException {
        raw = folder.resolve("whole.raw");
        dump = folder.resolve("whole.dmp");
        try (Machine machine = Machine.boot(
                MachineConfig.standard().withBare(true).withRamBytes(64L << 20).withSeed(1))) {
            ImageWriter.write(machine.target(), raw);
            ImageWriter.write(machine.target(), dump);
        }
    }

    /** Collects output, and calls the command off when there is far too much of it. */
    private static final class Bounded implements Appendable {
        private final StringBuilder text = new StringBuilder();
        private Debugger debugger;

        @Override
        public Appendable append(CharSequence added) {
            text.append(added);
            if (text.length() > MUCH_OUTPUT) {
                debugger.cancel();
            }
            return this;
        }

        @Override
        public Appendable append(CharSequence added, int start, int end) {
            return append(added.subSequence(start, end));
        }

        @Override
        public Appendable append(char added) {
            return append(String.valueOf(added));
        }
    }

    private static void look(Path file, List<String> commands) throws IOException {
        try (MemoryImage image = MemoryImage.open(file)) {
            Bounded output = new Bounded();
            Debugger debugger = new Debugger(image.target(), null, output);
            output.debugger = debugger;
            for (String command : commands) {
                output.text.setLength(0);
                debugger.execute(command);
            }
        } catch (DumpFormatException e) {
            assertTrue(e.getMessage().contains(file.toString()), e.getMessage());
        }
    }

    @Test
    void headersMayLie() throws IOException {
        Random random = new Random(SEED);
        byte[] header = new byte[HEADER_SIZE];
        long size = Files.size(dump);
        try (RandomAccessFile file = new RandomAccessFile(dump.toFile(), "rw")) {
            file.readFully(header);
            for (int round = 0; round < HEADER_ROUNDS; round++) {
                List<Integer> changed = new ArrayList<>();
                int changes = 1 + random.nextInt(3);
                for (int i = 0; i < changes; i++) {
                    int at = random.nextInt(HEADER_SIZE - 8) & (random.nextBoolean() ? -1 : 0x3F8);
                    changed.add(at);
                    file.seek(at);
                    file.write(wrongNumber(random));
                }
                if (random.nextInt(8) == 0) {
                    // The file is sparse: cutting it off and growing it again costs nothing, zeros at its end.
                    file.setLength(size - random.nextInt(64) * Pages.SIZE - random.nextInt(2));
                }
                try {
                    look(dump, List.of("r", "!process 0 0", "lm"));
                } catch (RuntimeException e) {
                    throw new AssertionError("seed=" + SEED + " round=" + round + " changed=" + changed, e);
                }
                file.setLength(size);
                file.seek(0);
                file.write(header);
            }
        }
    }

    @Test
    void memoryMayBeDamaged() throws IOException {
        Random random = new Random(SEED);
        byte[] whole = Files.readAllBytes(raw);
        List<Integer> used = new ArrayList<>();
        for (int at = 0; at < whole.length; at += 8) {
            if (whole[at] != 0) {
                used.add(at);
            }
        }
        Path damaged = folder.resolve("damaged.raw");
        for (int round = 0; round < MEMORY_ROUNDS; round++) {
            byte[] bytes = whole.clone();
            int changes = 1 << random.nextInt(12);
            for (int i = 0; i < changes; i++) {
                int at = used.get(random.nextInt(used.size()));
                byte[] wrong = random.nextBoolean()
                        ? wrongNumber(random)
                        : copyOf(whole, used.get(random.nextInt(used.size())));
                System.arraycopy(wrong, 0, bytes, at, 8);
            }
            Files.write(damaged, bytes);
            try {
                look(damaged, LOOKS);
            } catch (RuntimeException | StackOverflowError e) {
                throw new AssertionError("seed=" + SEED + " round=" + round + " changes=" + changes, e);
            }
        }
    }

    private static byte[] copyOf(byte[] whole, int at) {
        byte[] bytes = new byte[8];
        System.arraycopy(whole, at, bytes, 0, 8);
        return bytes;
    }

    private static byte[] wrongNumber(Random random) {
        long value = switch (random.nextInt(5)) {
            case 0 -> 0;
            case 1 -> -1L >>> random.nextInt(64);
            case 2 -> 1L << random.nextInt(64);
            case 3 -> random.nextInt(256);
            default -> random.nextLong();
        };
        byte[] bytes = new byte[8];
        for (int i = 0; i < 8; i++) {
            bytes[i] = (byte) (value >>> 8 * i);
        }
        return bytes;
    }
}
