package org.vadose.bench;

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

/** Guest instructions the processor runs: JMH's operations are instructions, so its ops/us are millions of them a second. */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 20, time = 200, timeUnit = TimeUnit.MILLISECONDS)
public class InterpreterBenchmark {
    private static final int INSTRUCTIONS = 1_000_000;

    @State(Scope.Thread)
    public static class IntegerLoop {
        final GuestProgram guest = GuestProgram.integerLoop();
    }

    @State(Scope.Thread)
    public static class ByteCopy {
        final GuestProgram guest = GuestProgram.byteCopy();
    }

    @State(Scope.Thread)
    public static class Mix {
        final GuestProgram guest = GuestProgram.mix();
    }

    @Benchmark
    @OperationsPerInvocation(INSTRUCTIONS)
    public void integerLoop(IntegerLoop state) {
        state.guest.run(INSTRUCTIONS);
    }

    @Benchmark
    @OperationsPerInvocation(INSTRUCTIONS)
    public void byteCopy(ByteCopy state) {
        state.guest.run(INSTRUCTIONS);
    }

    @Benchmark
    @OperationsPerInvocation(INSTRUCTIONS)
    public void mix(Mix state) {
        state.guest.run(INSTRUCTIONS);
    }
}
