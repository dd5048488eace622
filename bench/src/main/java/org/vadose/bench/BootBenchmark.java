package org.vadose.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Warmup;
import org.vadose.machine.Machine;
import org.vadose.machine.MachineConfig;

/** Booting a machine of 512 MB with its desktop, in a JVM that has done it before and in a new one. */
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 20, time = 200, timeUnit = TimeUnit.MILLISECONDS)
public class BootBenchmark {
    private static long boot() {
        try (Machine machine = Machine.boot(MachineConfig.standard())) {
            return machine.kernelBase();
        }
    }

    @Benchmark
    @BenchmarkMode(Mode.AverageTime)
    public long warm() {
        return boot();
    }

    /** One boot a JVM, without the cache of loaded classes that {@code vadose} starts from. */
    @Benchmark
    @BenchmarkMode(Mode.SingleShotTime)
    @Fork(5)
    @Warmup(iterations = 0)
    @Measurement(iterations = 1)
    public long cold() {
        return boot();
    }
}
