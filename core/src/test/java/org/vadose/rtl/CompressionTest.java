package org.vadose.rtl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class CompressionTest {
    private static final HexFormat HEX = HexFormat.of();

    private interface Compressor {
        int run(byte[] input, int start, int length, byte[] output, int outputStart, int limit);
    }

    @Test
    void xpressGivesTheBytesOfTheSpecification() {
        // [MS-XCA] 3.1
        expectXpress(
                "abcdefghijklmnopqrstuvwxyz".getBytes(StandardCharsets.US_ASCII),
                "3f0000006162636465666768696a6b6c6d6e6f707172737475767778797a");
        expectXpress("abc".repeat(100).getBytes(StandardCharsets.US_ASCII), "ffffff1f61626317000fff2601");
    }

    private static void expectXpress(byte[] plain, String expected) {
        byte[] packed = new byte[Xpress.mostCompressed(plain.length)];
        int size = new Xpress(1).compress(plain, 0, plain.length, packed, 0, packed.length);
        assertEquals(expected, HEX.formatHex(packed, 0, size));
        byte[] back = new byte[plain.length];
        assertEquals(plain.length, Xpress.decompress(packed, 0, size, back, 0, back.length));
        assertArrayEquals(plain, back);
    }

    @Test
    void lznt1ReadsTheExampleOfTheSpecification() {
        // [MS-XCA] 3.3
        byte[] packed =
                HEX.parseHex("38b088462320002047204100" + "10a24701a045204400084501507900c045200524138805b4024a44ef"
                        + "0358028c091601484500be009e000401189000");
        byte[] plain = new byte[1000];
        int size = Lznt1.decompress(packed, 0, packed.length, plain, 0, plain.length);
        assertEquals(
                "F# F# G A A G F# E D D E F# F# E E F# F# G A A G F# E D D E F# E D D E E F# D E F# G F# D E F# G "
                        + "F# E D E A F# F# G A A G F# E D D E F# E D D\0",
                new String(plain, 0, size, StandardCharsets.US_ASCII));
    }

    @Test
    void whateverIsCompressedComesBack() {
        long seed = 20231016;
        Random random = new Random(seed);
        Xpress fast = new Xpress(1);
        Xpress thorough = new Xpress(32);
        Lznt1 lznt1 = new Lznt1(8);
        for (int round = 0; round < 600; round++) {
            byte[] plain = plain(random, round);
            String what = "seed=" + seed + " round=" + round + " length=" + plain.length;
            int quick = roundTrip(plain, fast::compress, Xpress::decompress, what);
            int small = roundTrip(plain, thorough::compress, Xpress::decompress, what);
            assertTrue(plain.length < 8192 || small <= quick + quick / 50 + 16, what);
            roundTrip(plain, lznt1::compress, Lznt1::decompress, what);
        }
    }

    /** Noise, runs, few letters, repeated fragments; some very long. */
    private static byte[] plain(Random random, int round) {
        int length = round % 50 == 0 ? 70_000 + random.nextInt(70_000) : random.nextInt(3 * 4096);
        byte[] plain = new byte[length];
        int letters = 1 << random.nextInt(9);
        for (int i = 0; i < length; ) {
            int run = Math.min(length - i, 1 + random.nextInt(1 << random.nextInt(round % 50 == 0 ? 18 : 9)));
            if (random.nextInt(3) == 0 || i == 0) {
                for (int j = 0; j < run; j++) {
                    plain[i + j] = (byte) random.nextInt(letters);
                }
            } else {
                int distance = 1 + random.nextInt(Math.min(i, 10_000));
                for (int j = 0; j < run; j++) {
                    plain[i + j] = plain[i + j - distance];
                }
            }
            i += run;
        }
        return plain;
    }

    private static int roundTrip(byte[] plain, Compressor compress, Compressor decompress, String what) {
        byte[] packed = new byte[Xpress.mostCompressed(plain.length) + 7];
        int size = compress.run(plain, 0, plain.length, packed, 7, packed.length);
        assertTrue(size >= 0, what);
        byte[] back = new byte[plain.length + 3];
        assertEquals(plain.length, decompress.run(packed, 7, size, back, 3, back.length), what);
        assertArrayEquals(plain, Arrays.copyOfRange(back, 3, back.length), what);
        return size;
    }

    @Test
    void damagedInputNeverHarms() {
        long seed = 4711;
        Random random = new Random(seed);
        byte[] output = new byte[4096];
        for (int round = 0; round < 20_000; round++) {
            byte[] input = new byte[random.nextInt(200)];
            random.nextBytes(input);
            int xpress = Xpress.decompress(input, 0, input.length, output, 0, output.length);
            int lznt1 = Lznt1.decompress(input, 0, input.length, output, 0, output.length);
            assertTrue(xpress <= output.length && lznt1 <= output.length, "seed=" + seed + " round=" + round);
        }
    }

    @Test
    void whatDoesNotFitFails() {
        byte[] noise = new byte[4096];
        new Random(1).nextBytes(noise);
        assertEquals(Xpress.FAILED, new Xpress(1).compress(noise, 0, 4096, new byte[4096], 0, 4096));
        assertEquals(Lznt1.FAILED, new Lznt1(1).compress(noise, 0, 4096, new byte[4096], 0, 4096));
    }
}
