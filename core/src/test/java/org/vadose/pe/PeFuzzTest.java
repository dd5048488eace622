package org.vadose.pe;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.vadose.base.SeededRandom;

/** Mutated images: whatever a file says, only {@link PeFormatException} comes out, and soon. */
class PeFuzzTest {
    private static final long SEED = Long.getLong("fuzz.seed", 20231010);
    private static final int ROUNDS = Integer.getInteger("fuzz.rounds", 6000);
    private static final int[] WILD = {
        0,
        1,
        2,
        0x7F,
        0x1FF,
        0x200,
        0xFFF,
        0x1000,
        0x1001,
        0xFFFF,
        0x10000,
        0x7FFFFFFF,
        0x80000000,
        -1,
        -2,
        -8,
        -16,
        0x8000,
        0x8070,
        0xB000,
        0xBFFF,
        0xC000
    };

    @Test
    void mutatedImagesGiveOnlyFormatErrors() throws IOException {
        System.out.println("PeFuzzTest seed=" + SEED + " rounds=" + ROUNDS);
        List<byte[]> originals = new ArrayList<>();
        originals.add(PeImageTest.sample());
        originals.add(PeBuilderTest.demo().toFile());
        try (Stream<Path> examples = Files.list(Path.of("..", "examples"))) {
            for (Path example : examples.sorted().toList()) {
                if (example.toString().endsWith(".exe")) {
                    originals.add(Files.readAllBytes(example));
                }
            }
        }
        for (int round = 0; round < ROUNDS; round++) {
            SeededRandom random = SeededRandom.of(SEED, "pe-fuzz-" + round);
            byte[] file = mutate(originals.get(round % originals.size()), random);
            try {
                readEverything(PeImage.ofFile(file));
            } catch (PeFormatException e) {
                assertNotNull(e.getMessage());
            } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
                fail("seed=" + SEED + " round=" + round + " " + e, e);
            }
        }
    }

    private static byte[] mutate(byte[] original, SeededRandom random) {
        byte[] file = random.below(8) == 0
                ? Arrays.copyOf(original, (int) random.below(original.length + 1))
                : original.clone();
        if (file.length < 8) {
            return file;
        }
        ByteBuffer buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int changes = 1 + (int) random.below(4);
        for (int i = 0; i < changes; i++) {
            boolean inHeaders = random.below(2) == 0;
            int limit = Math.min(inHeaders ? 0x400 : file.length, file.length);
            int at = (int) random.below(limit - 7) & (random.below(2) == 0 ? -4 : -1);
            switch ((int) random.below(4)) {
                case 0 -> buffer.put(at, (byte) random.nextInt());
                case 1 -> buffer.putInt(at, WILD[(int) random.below(WILD.length)]);
                case 2 -> buffer.putInt(at, buffer.getInt(at) + (int) random.below(17) - 8);
                default -> buffer.putShort(at, (short) WILD[(int) random.below(WILD.length)]);
            }
        }
        return file;
    }

    /** Asks an image all there is to ask. */
    static void readEverything(PeImage image) {
        image.checkSum();
        image.securityCookie(image.imageBase());
        image.guardFlags();
        attempt(() -> {
            PeExports exports = image.exports();
            if (exports != null) {
                exports.dllName();
                exports.byName("add");
                exports.byOrdinal(3);
                exports.named();
            }
        });
        attempt(() -> image.imports().forEach(module -> module.forEach(symbol -> symbol.shown())));
        attempt(() -> image.delayImports().forEach(module -> module.forEach(symbol -> symbol.shown())));
        attempt(() -> image.relocations((rva, type) -> image.read(rva, 2)));
        attempt(() -> image.tls(image.imageBase()));
        attempt(() -> image.debugRecord());
        attempt(() -> image.resourceTypes());
        attempt(() -> {
            for (int i = 0; i < Math.min(image.runtimeFunctionCount(), 1000); i++) {
                image.runtimeFunction(i);
            }
            image.runtimeFunctionAt(0x1020);
        });
    }

    private static void attempt(Runnable question) {
        try {
            question.run();
        } catch (PeFormatException e) {
            assertNotNull(e.getMessage());
        }
    }
}
