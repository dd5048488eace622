package org.vadose.bench;

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

/** Allocating and freeing 64 KB that nothing touches: {@code VirtualAlloc} and {@code VirtualFree}; {@code mmap} and {@code munmap}. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 20, time = 200, timeUnit = TimeUnit.MILLISECONDS)
public class VirtualAllocBenchmark {
    private static final long SIZE_BYTES = 64 << 10;

    @State(Scope.Thread)
    public static class Guest {
        final GuestMemory memory = new GuestMemory();
    }

    @Benchmark
    public void guest(Guest state) {
        state.memory.free(state.memory.allocate(SIZE_BYTES));
    }

    @Benchmark
    public void host() {
        HostMemory.unmap(HostMemory.map(SIZE_BYTES));
    }
}
