package org.vadose.bench;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A claim about speed that a benchmark proves or refutes.
 *
 * @param label what is measured
 * @param benchmark class and method of the benchmark
 * @param peer class and method whose result this one's is divided by; null when the limit is absolute
 * @param direction which side of the limit is good
 * @param limit in the benchmark's unit, or the ratio to the peer
 */
record Bar(String label, String benchmark, @Nullable String peer, Direction direction, double limit) {
    /** Which side of a limit is good. */
    enum Direction {
        AT_LEAST(">="),
        AT_MOST("<=");

        final String sign;

        Direction(String sign) {
            this.sign = sign;
        }
    }

    static final List<Bar> ALL = List.of(
            atLeast(120, "integer loop, M instructions/s", "InterpreterBenchmark.integerLoop"),
            atLeast(80, "byte copy, M instructions/s", "InterpreterBenchmark.byteCopy"),
            atLeast(60, "mix, M instructions/s", "InterpreterBenchmark.mix"),
            atMost(3, "read, at random, ns", "TlbBenchmark.randomGuest", "TlbBenchmark.randomHost"),
            atMost(3, "read, in a chain, ns", "TlbBenchmark.chainGuest", "TlbBenchmark.chainHost"),
            atMost(0.25, "demand-zero fault, ns", "DemandZeroBenchmark.guest", "DemandZeroBenchmark.host"),
            atMost(0.25, "allocate and free 64 KB, ns", "VirtualAllocBenchmark.guest", "VirtualAllocBenchmark.host"),
            atMost(0.25, "protect one page, ns", "VirtualProtectBenchmark.guest", "VirtualProtectBenchmark.host"),
            atMost(
                    1.5,
                    "query among 1,000,000 regions, ns",
                    "VirtualQueryBenchmark.guest",
                    "VirtualQueryBenchmark.treeMap"),
            atMost(0.1, "soft fault, ns", "PagingBenchmark.softFault", "PagingBenchmark.host"),
            atMost(0.5, "hard fault, ns", "PagingBenchmark.hardFault", "PagingBenchmark.host"),
            atMost(2, "memory that does not fit, ns a page", "PagingBenchmark.sequential", "PagingBenchmark.file"),
            new Bar(
                    "faults/us, two processors over one",
                    "ScalingBenchmark.two",
                    "ScalingBenchmark.one",
                    Direction.AT_LEAST,
                    1.7),
            new Bar(
                    "faults/us, one machine's two over two machines'",
                    "ScalingBenchmark.two",
                    "ScalingBenchmark.apart",
                    Direction.AT_LEAST,
                    0.95),
            atMost(300, "boot at 512 MB, new JVM, ms", "BootBenchmark.cold", null),
            atMost(300, "boot at 512 MB, warm, ms", "BootBenchmark.warm", null));

    private static Bar atMost(double limit, String label, String benchmark, @Nullable String peer) {
        return new Bar(label, benchmark, peer, Direction.AT_MOST, limit);
    }

    private static Bar atLeast(double limit, String label, String benchmark) {
        return new Bar(label, benchmark, null, Direction.AT_LEAST, limit);
    }

    boolean holds(double value) {
        return direction == Direction.AT_LEAST ? value >= limit : value <= limit;
    }
}
