package org.vadose.bench;

import java.util.Collection;
import java.util.DoubleSummaryStatistics;
import java.util.Locale;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;

/**
 * Runs benchmarks, then prints each {@link Bar} they speak to. Arguments are JMH's: regular expressions of names, and options that
 * override what the benchmarks say of themselves. The JVMs that measure get this one's flags.
 */
public final class Bench {
    private static final String ROW = "%-48s %10s %10s %10s %8s  %s%n";

    private Bench() {}

    /** Exits with 1 when a bar is missed. */
    public static void main(String[] args) throws CommandLineOptionException, RunnerException {
        System.exit(report(new Runner(new CommandLineOptions(args)).run()) ? 0 : 1);
    }

    private static boolean report(Collection<RunResult> results) {
        System.out.printf(Locale.ROOT, "%n" + ROW, "best iterations", "bar", "measured", "peer", "ratio", "");
        boolean allHold = true;
        for (Bar bar : Bar.ALL) {
            double measured = best(results, bar.benchmark());
            double peer = bar.peer() == null ? 1 : best(results, bar.peer());
            if (Double.isNaN(measured) || Double.isNaN(peer)) {
                // Not among those that were to run.
                continue;
            }
            boolean isRelative = bar.peer() != null;
            boolean holds = bar.holds(measured / peer);
            allHold &= holds;
            System.out.printf(
                    Locale.ROOT,
                    ROW,
                    bar.label(),
                    bar.direction().sign + " " + number(bar.limit()) + (isRelative ? "x" : ""),
                    number(measured),
                    isRelative ? number(peer) : "-",
                    isRelative ? number(measured / peer) + "x" : "-",
                    holds ? "holds" : "MISSED");
        }
        return allHold;
    }

    /** The best iteration of a benchmark: what else ran on the machine can only have slowed the others. NaN when it did not run. */
    private static double best(Collection<RunResult> results, String benchmark) {
        for (RunResult result : results) {
            if (result.getParams().getBenchmark().endsWith("." + benchmark)) {
                var iterations = new DoubleSummaryStatistics();
                for (var fork : result.getBenchmarkResults()) {
                    for (var iteration : fork.getIterationResults()) {
                        iterations.accept(iteration.getPrimaryResult().getScore());
                    }
                }
                return result.getParams().getMode() == Mode.Throughput ? iterations.getMax() : iterations.getMin();
            }
        }
        return Double.NaN;
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%,.0f", value);
    }
}
