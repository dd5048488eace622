package org.vadose.bench;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The first write to each page of 16 MB of committed memory: one page fault each. Making and freeing the memory is not timed, nor,
 * in the guest, zeroing freed pages: Windows does that while a processor idles.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 20, time = 200, timeUnit = TimeUnit.MILLISECONDS)
public class DemandZeroBenchmark {
    private static final int PAGES = 4096;
    private static final long PAGE_BYTES = 4096;

    @State(Scope.Thread)
    public static class Guest {
        final GuestMemory memory = new GuestMemory();
        long base;

        @Setup(Level.Invocation)
        public void allocate() {
            base = memory.allocate(PAGES * PAGE_BYTES);
        }

        @TearDown(Level.Invocation)
        public void free() {
            memory.free(base);
            memory.idle();
        }
    }

    @State(Scope.Thread)
    public static class Host {
        MemorySegment memory = MemorySegment.NULL;

        @Setup(Level.Invocation)
        public void map() {
            memory = HostMemory.map(PAGES * PAGE_BYTES);
        }

        @TearDown(Level.Invocation)
        public void unmap() {
            HostMemory.unmap(memory);
        }
    }

    @Benchmark
    @OperationsPerInvocation(PAGES)
    public void guest(Guest state) {
        for (int page = 0; page < PAGES; page++) {
            state.memory.memory().writeLong(state.base + page * PAGE_BYTES, page);
        }
    }

    @Benchmark
    @OperationsPerInvocation(PAGES)
    public void host(Host state) {
        for (int page = 0; page < PAGES; page++) {
            state.memory.set(ValueLayout.JAVA_LONG, page * PAGE_BYTES, page);
        }
    }
}
