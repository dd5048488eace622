package org.vadose.cpu;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;

/**
 * What a real processor did, recorded by {@code src/test/vectors}: forms of instructions, each with runs from a state before to a
 * state after. A state is {@link #SLOTS} longs; the constants say where things are. Memory is {@link #MEMORY_BYTES} bytes at
 * {@link #MEMORY}; branches go to {@link #TARGET} bytes after the start of the instruction.
 */
final class RecordedVectors {
    static final long MEMORY = 0x1000_0000L;
    static final int MEMORY_BYTES = 256;
    static final int TARGET = 24;
    static final int SLOTS = 102;
    /** rax..r15 are slots 0..15. */
    static final int RFLAGS = 16;
    /** Of a state after: how far rip moved. */
    static final int STEP = 17;

    static final int MXCSR = 18;
    /** xmm0 low, xmm0 high, xmm1 low ... */
    static final int XMM = 19;

    static final int FCW = 51;
    static final int FSW = 52;
    /** Bit n: physical x87 register n is in use. */
    static final int TAGS = 53;
    /** Physical registers: significand, then sign and exponent. */
    static final int ST = 54;

    static final int MEM = 70;
    static final int NO_FAULT = 255;

    /** One run: vector of the exception or {@link #NO_FAULT}, and the states. {@code after} equals {@code before} on a fault. */
    record Run(long[] before, long[] after, int fault) {}

    /** The domain letter of loops over several instructions. */
    static final char SEQUENCE = 'S';

    /** One instruction, or a {@link #SEQUENCE}; {@code domain} is the letter of forms.py, {@code undefinedFlags} are bits of rflags not to compare. */
    record Form(int number, char domain, byte[] code, int undefinedFlags, List<Run> runs) {}

    private RecordedVectors() {}

    static List<Form> load() throws IOException {
        try (InputStream resource = RecordedVectors.class.getResourceAsStream("vectors.bin.gz")) {
            byte[] bytes = new DataInputStream(new GZIPInputStream(resource)).readAllBytes();
            return parse(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
        }
    }

    private static List<Form> parse(ByteBuffer in) {
        if (in.getInt() != 0x31564456) {
            throw new IllegalStateException("not a vector file");
        }
        long[][][] pools = new long[in.getInt()][][];
        for (int p = 0; p < pools.length; p++) {
            pools[p] = new long[in.getInt()][SLOTS];
            for (long[] state : pools[p]) {
                for (int i = 0; i < SLOTS; i++) {
                    state[i] = in.getLong();
                }
            }
        }
        List<Form> forms = new ArrayList<>();
        int count = in.getInt();
        for (int f = 0; f < count; f++) {
            char domain = (char) in.get();
            byte[] code = new byte[in.get() & 0xFF];
            in.get(code);
            int undefined = in.getShort() & 0xFFFF;
            long[][] pool = pools[in.get()];
            int runCount = in.get();
            List<Run> runs = new ArrayList<>();
            for (int r = 0; r < runCount; r++) {
                long[] before = pool[in.get() & 0xFF];
                int fault = in.get() & 0xFF;
                long[] after = before.clone();
                for (int differences = in.get() & 0xFF; differences > 0; differences--) {
                    after[in.get() & 0xFF] = in.getLong();
                }
                runs.add(new Run(before, after, fault));
            }
            forms.add(new Form(f, domain, code, undefined, runs));
        }
        return forms;
    }
}
