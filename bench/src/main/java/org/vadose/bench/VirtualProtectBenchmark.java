package org.vadose.bench;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
import org.vadose.nt.PageProtection;

/** Making a written page read-only, or writable again: {@code VirtualProtect}; {@code mprotect}. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 20, time = 200, timeUnit = TimeUnit.MILLISECONDS)
public class VirtualProtectBenchmark {
    private static final long SIZE_BYTES = 4096;

    @State(Scope.Thread)
    public static class Guest {
        final GuestMemory memory = new GuestMemory();
        final long base = memory.allocate(SIZE_BYTES);
        boolean writable;

        public Guest() {
            memory.memory().writeLong(base, 1);
        }
    }

    @State(Scope.Thread)
    public static class Host {
        final MemorySegment memory = HostMemory.map(SIZE_BYTES);
        boolean writable;

        public Host() {
            memory.set(ValueLayout.JAVA_LONG, 0, 1);
        }
    }

    @Benchmark
    public int guest(Guest state) {
        state.writable = !state.writable;
        return state.memory.protect(
                state.base, state.writable ? PageProtection.PAGE_READWRITE : PageProtection.PAGE_READONLY);
    }

    @Benchmark
    public void host(Host state) {
        state.writable = !state.writable;
        HostMemory.protect(state.memory, state.writable ? HostMemory.PROT_READ_WRITE : HostMemory.PROT_READ);
    }
}
