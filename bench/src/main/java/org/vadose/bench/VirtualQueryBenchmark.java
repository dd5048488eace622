package org.vadose.bench;

import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.vadose.mm.VirtualMemoryServices.BasicInformation;

/**
 * {@code VirtualQuery} of random addresses in a process with a million regions of 64 KB; {@code floorEntry} of a {@link TreeMap}
 * from the regions' addresses to their sizes, asked for the same addresses.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 20, time = 200, timeUnit = TimeUnit.MILLISECONDS)
public class VirtualQueryBenchmark {
    private static final int REGIONS = 1_000_000;
    private static final int SIZE_BYTES = 64 << 10;
    private static final int QUERIES = 1 << 20;
    private static final long SEED = 1;

    /** Addresses asked for, in the same order of both. */
    abstract static class Queries {
        private final long[] addresses = new long[QUERIES];
        private int next;

        final void choose(long[] bases) {
            Random random = new Random(SEED);
            for (int i = 0; i < QUERIES; i++) {
                addresses[i] = bases[random.nextInt(REGIONS)] + random.nextInt(SIZE_BYTES);
            }
        }

        final long next() {
            return addresses[next++ & QUERIES - 1];
        }
    }

    @State(Scope.Thread)
    public static class Guest extends Queries {
        final GuestMemory memory = new GuestMemory();
        final BasicInformation result = new BasicInformation();

        public Guest() {
            choose(reserveAll(memory));
        }
    }

    @State(Scope.Thread)
    public static class Peer extends Queries {
        final TreeMap<Long, Long> sizes = new TreeMap<>();

        public Peer() {
            long[] bases = reserveAll(new GuestMemory());
            for (long base : bases) {
                sizes.put(base, (long) SIZE_BYTES);
            }
            choose(bases);
        }
    }

    private static long[] reserveAll(GuestMemory memory) {
        long[] bases = new long[REGIONS];
        for (int i = 0; i < REGIONS; i++) {
            bases[i] = memory.reserve(SIZE_BYTES);
        }
        return bases;
    }

    @Benchmark
    public long guest(Guest state) {
        state.memory.query(state.next(), state.result);
        return state.result.regionSizeBytes;
    }

    @Benchmark
    public Object treeMap(Peer state) {
        return state.sizes.floorEntry(state.next());
    }
}
