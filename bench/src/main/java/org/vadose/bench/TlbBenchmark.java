package org.vadose.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.vadose.memory.Memory;

/**
 * Reads of eight bytes through a processor's virtual memory, all of whose pages its TLB holds, beside the same reads of a plain
 * {@link MemorySegment}: at random places, independent ones, which a processor overlaps, and a chain in which each gives the
 * address of the next.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 20, time = 200, timeUnit = TimeUnit.MILLISECONDS)
public class TlbBenchmark {
    private static final int READS = 4096;
    private static final int SIZE_BYTES = 1 << 20;
    private static final int OFFSET_MASK = SIZE_BYTES - 8;
    /** Odd, and some pages and a bit: every read is in another page than the one before, and all offsets come up. */
    private static final int STEP_BYTES = 8 * 1537;

    private static final long SEED = 0x9E37_79B9_7F4A_7C15L;

    @State(Scope.Thread)
    public static class Guest {
        final Memory memory = GuestProgram.byteCopy().mmu.user();

        public Guest() {
            for (int i = 0; i < SIZE_BYTES; i += 8) {
                memory.writeLong(GuestProgram.DATA + i, i + STEP_BYTES & OFFSET_MASK);
            }
        }
    }

    @State(Scope.Thread)
    public static class Host {
        final MemorySegment memory = Arena.ofAuto().allocate(SIZE_BYTES, 8);

        public Host() {
            for (int i = 0; i < SIZE_BYTES; i += 8) {
                memory.set(ValueLayout.JAVA_LONG, i, i + STEP_BYTES & OFFSET_MASK);
            }
        }
    }

    /** Marsaglia's xorshift: the next address is known only after a few instructions, as in real programs. */
    private static long next(long random) {
        long x = random ^ random << 13;
        x ^= x >>> 7;
        return x ^ x << 17;
    }

    @Benchmark
    @OperationsPerInvocation(READS)
    public long randomGuest(Guest state) {
        long sum = 0;
        long random = SEED;
        for (int i = 0; i < READS; i++) {
            random = next(random);
            sum += state.memory.readLong(GuestProgram.DATA + (random & OFFSET_MASK));
        }
        return sum;
    }

    @Benchmark
    @OperationsPerInvocation(READS)
    public long randomHost(Host state) {
        long sum = 0;
        long random = SEED;
        for (int i = 0; i < READS; i++) {
            random = next(random);
            sum += state.memory.get(ValueLayout.JAVA_LONG, random & OFFSET_MASK);
        }
        return sum;
    }

    @Benchmark
    @OperationsPerInvocation(READS)
    public long independentGuest(Guest state) {
        long sum = 0;
        for (int i = 0; i < READS; i++) {
            sum += state.memory.readLong(GuestProgram.DATA + (i * STEP_BYTES & OFFSET_MASK));
        }
        return sum;
    }

    @Benchmark
    @OperationsPerInvocation(READS)
    public long independentHost(Host state) {
        long sum = 0;
        for (int i = 0; i < READS; i++) {
            sum += state.memory.get(ValueLayout.JAVA_LONG, i * STEP_BYTES & OFFSET_MASK);
        }
        return sum;
    }

    @Benchmark
    @OperationsPerInvocation(READS)
    public long chainGuest(Guest state) {
        long at = 0;
        for (int i = 0; i < READS; i++) {
            at = state.memory.readLong(GuestProgram.DATA + at);
        }
        return at;
    }

    @Benchmark
    @OperationsPerInvocation(READS)
    public long chainHost(Host state) {
        long at = 0;
        for (int i = 0; i < READS; i++) {
            at = state.memory.get(ValueLayout.JAVA_LONG, at);
        }
        return at;
    }
}
