package org.vadose.bench;

import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
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
import org.openjdk.jmh.annotations.Warmup;
import org.vadose.machine.Machine;
import org.vadose.machine.MachineConfig;
import org.vadose.memory.Mmu;
import org.vadose.memory.ProcessorThread;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;

/**
 * Demand-zero faults a microsecond of one processor, of two together, each in a process of its own, and of two that are in different
 * machines: nothing that a machine's processors share can make these faster.
 *
 * <p>A lap touches more than a processor's caches hold, so that one has not a cache for itself that two share, and it starts with
 * all processors running: the host's scheduler wakes two threads on one core, and leaves them there for milliseconds.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 20, time = 1)
public class ScalingBenchmark {
    private static final int PAGES = 16384;
    private static final long PAGE_BYTES = 4096;
    private static final long STACK_BYTES = 1 << 20;

    /** Lets threads go on once all of them run. */
    private static final class RunningStart {
        private final int threads;
        private final AtomicInteger arrivals = new AtomicInteger();

        RunningStart(int threads) {
            this.threads = threads;
        }

        void await() {
            int mine = arrivals.getAndIncrement();
            int all = mine - mine % threads + threads;
            while (arrivals.get() < all) {
                Thread.onSpinWait();
            }
        }
    }

    /** A thread that drives a processor: at the start of a lap it touches its pages, at the end of one it frees them. */
    private static final class Worker {
        private final Machine machine;
        private final Mmu mmu;
        private final Eprocess process;
        private final CyclicBarrier lap;
        private final RunningStart start;
        private final Region region = new Region();
        private final ProcessorThread thread;

        Worker(Machine machine, int processor, Eprocess process, CyclicBarrier lap, RunningStart start) {
            this.machine = machine;
            this.mmu = machine.mmus().get(processor);
            this.process = process;
            this.lap = lap;
            this.start = start;
            thread = new ProcessorThread(mmu, this::run, "processor-" + processor, STACK_BYTES);
            thread.setDaemon(true);
            thread.start();
        }

        private void run() {
            try {
                inKernel(() -> machine.attach(process));
                while (true) {
                    inKernel(this::allocate);
                    lap.await();
                    lap.await();
                    start.await();
                    for (int page = 0; page < PAGES; page++) {
                        mmu.user().writeLong(region.base + page * PAGE_BYTES, page);
                    }
                    lap.await();
                    inKernel(this::free);
                }
            } catch (InterruptedException | java.util.concurrent.BrokenBarrierException end) {
                Thread.currentThread().interrupt();
            }
        }

        private void inKernel(Runnable work) {
            machine.memoryManager().kernelLock().lock();
            try {
                mmu.catchUp();
                work.run();
            } finally {
                machine.memoryManager().kernelLock().unlock();
            }
        }

        private void allocate() {
            region.base = 0;
            region.sizeBytes = PAGES * PAGE_BYTES;
            int type = VirtualMemoryServices.MEM_RESERVE | VirtualMemoryServices.MEM_COMMIT;
            machine.memoryManager().virtualMemory().allocate(process, region, 0, type, PageProtection.PAGE_READWRITE);
        }

        private void free() {
            region.sizeBytes = 0;
            machine.memoryManager().virtualMemory().free(process, region, VirtualMemoryServices.MEM_RELEASE);
            machine.memoryManager().pfns().zeroFreePages(PAGES);
        }
    }

    /** So many processors and the benchmark's thread, in step. */
    abstract static class Processors {
        private final CyclicBarrier lap;

        Processors(int machines, int processorsEach) {
            lap = new CyclicBarrier(machines * processorsEach + 1);
            RunningStart start = new RunningStart(machines * processorsEach);
            for (int i = 0; i < machines; i++) {
                Machine machine = Machine.boot(MachineConfig.standard().withProcessors(2));
                List<Eprocess> processes = machine.processManager().processes();
                for (int processor = 0; processor < processorsEach; processor++) {
                    new Worker(machine, processor, processes.get(processes.size() - 1 - processor), lap, start);
                }
            }
        }

        void await() {
            try {
                lap.await();
            } catch (InterruptedException | java.util.concurrent.BrokenBarrierException e) {
                throw new IllegalStateException(e);
            }
        }

        void touch() {
            await();
            await();
        }
    }

    @State(Scope.Benchmark)
    public static class One extends Processors {
        public One() {
            super(1, 1);
        }

        @Setup(Level.Invocation)
        public void allocate() {
            await();
        }
    }

    @State(Scope.Benchmark)
    public static class Two extends Processors {
        public Two() {
            super(1, 2);
        }

        @Setup(Level.Invocation)
        public void allocate() {
            await();
        }
    }

    /** What the host can do at most: the two share nothing but its cores, caches and memory. */
    @State(Scope.Benchmark)
    public static class Apart extends Processors {
        public Apart() {
            super(2, 1);
        }

        @Setup(Level.Invocation)
        public void allocate() {
            await();
        }
    }

    @Benchmark
    @OperationsPerInvocation(2 * PAGES)
    public void apart(Apart processors) {
        processors.touch();
    }

    @Benchmark
    @OperationsPerInvocation(PAGES)
    public void one(One processors) {
        processors.touch();
    }

    @Benchmark
    @OperationsPerInvocation(2 * PAGES)
    public void two(Two processors) {
        processors.touch();
    }
}
