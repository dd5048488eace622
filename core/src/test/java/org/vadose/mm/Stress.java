package org.vadose.mm;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.Phaser;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.check.Findings;
import org.vadose.check.MemoryCheck;
import org.vadose.ex.PoolAllocator;
import org.vadose.ex.PoolPages;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.KprocessLayout;
import org.vadose.layout.SepTokenPrivilegesLayout;
import org.vadose.layout.TokenLayout;
import org.vadose.memory.Mmu;
import org.vadose.memory.Mmus;
import org.vadose.memory.PhysicalMemory;
import org.vadose.memory.ProcessorThread;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Token;
import org.vadose.pe.KernelImage;
import org.vadose.target.Target;

/**
 * Random operations of many guest threads on a machine with little RAM, little room in its page files and disks that fail now and
 * then, each against its own plain model ({@link StressThread}). After each round all processors stop and every invariant of
 * memory is checked. With one processor a run repeats exactly; with several, what each thread does repeats and their order does
 * not.
 */
final class Stress {
    private static final long STACK_BYTES = 1 << 20;
    private static final String FLAG = "--";

    /**
     * What a run is.
     *
     * @param threads all together, spread over processors and processes
     * @param pagesEach what a thread commits at most
     * @param errorsPerMille of the calls to a disk fail
     * @param compressed modified pages go to the compression store first
     */
    record Plan(
            long seed,
            long ramBytes,
            int pageFilePages,
            int processors,
            int processes,
            int threads,
            int pagesEach,
            int rounds,
            int stepsARound,
            int errorsPerMille,
            boolean compressed,
            boolean inBackground) {}

    private final Plan plan;
    private final PhysicalMemory ram;
    private final Mmus mmus;
    private final MemoryManager manager;
    private final List<Eprocess> processes = new ArrayList<>();
    private @Nullable Eprocess storeProcess;
    private final List<List<StressThread>> byProcessor = new ArrayList<>();
    /** Ends as soon as something has failed; nobody waits at it then. */
    private final Phaser quiet;

    private volatile @Nullable Throwable failure;
    private long token;
    private int round;

    /** A page file whose calls fail now and then; one call at a time. */
    private static final class FailingStore implements BackingStore {
        private final MemoryBackingStore inner = new MemoryBackingStore();
        private final Random random;
        private final int perMille;

        FailingStore(long seed, int perMille) {
            this.random = new Random(seed);
            this.perMille = perMille;
        }

        private NtStatus luck() {
            if (random.nextInt(1000) >= perMille) {
                return NtStatus.SUCCESS;
            }
            return random.nextBoolean() ? NtStatus.INSUFFICIENT_RESOURCES : NtStatus.UNSUCCESSFUL;
        }

        @Override
        public NtStatus read(long slot, PhysicalMemory ram, long[] frames, int count) {
            NtStatus luck = luck();
            return luck.isSuccess() ? inner.read(slot, ram, frames, count) : luck;
        }

        @Override
        public NtStatus write(long slot, PhysicalMemory ram, long[] frames, int count) {
            NtStatus luck = luck();
            return luck.isSuccess() ? inner.write(slot, ram, frames, count) : luck;
        }

        @Override
        public void close() {
            inner.close();
        }
    }

    private record ManagedPages(MemoryManager manager) implements PoolPages {
        @Override
        public long allocatePages(boolean paged, long pages) {
            return manager.allocatePoolPages(paged, pages);
        }

        @Override
        public void freePages(boolean paged, long address, long pages) {
            manager.freePoolPages(paged, address, pages);
        }
    }

    Stress(Plan plan) {
        this.plan = plan;
        ram = new PhysicalMemory(plan.ramBytes());
        mmus = new Mmus(ram, new X64PageTables(), plan.processors(), plan.inBackground());
        manager = MemoryManager.boot(mmus, plan.seed(), KernelImage.build());
        mmus.all().forEach(mmu -> mmu.loadRoot(manager.systemRoot()));
        quiet = new Phaser(plan.processors()) {
            @Override
            protected boolean onAdvance(int phase, int parties) {
                atRest();
                return failure != null;
            }
        };
        manager.kernelLock().lock();
        try {
            PoolAllocator pool =
                    new PoolAllocator(manager.kernelMemory(), new ManagedPages(manager), manager.kernelBase());
            pool.initialize();
            manager.setPool(pool);
            for (int i = 0; i < 2 && plan.pageFilePages() != 0; i++) {
                NtStatus status = manager.pageFiles()
                        .create(
                                "\\??\\" + (char) ('C' + i) + ":\\pagefile.sys",
                                plan.pageFilePages() / 4,
                                plan.pageFilePages() / 2,
                                0,
                                new FailingStore(plan.seed() + i, plan.errorsPerMille()));
                if (!status.isSuccess()) {
                    throw new IllegalStateException("no page file status=" + status);
                }
            }
            token = newToken();
            if (plan.compressed()) {
                storeProcess = Objects.requireNonNull(newProcess(4 * (plan.processes() + 1)));
                manager.compressMemory(storeProcess);
            }
            for (int i = 0; i < plan.processes(); i++) {
                processes.add(Objects.requireNonNull(newProcess(4 * (i + 1))));
            }
            for (int i = 0; i < plan.processors(); i++) {
                byProcessor.add(new ArrayList<>());
            }
            StressShared shared = new StressShared(this, processes, plan.threads());
            for (int i = 0; i < plan.threads(); i++) {
                byProcessor
                        .get(i % plan.processors())
                        .add(new StressThread(
                                this,
                                i,
                                processes.get(i / plan.processors() % plan.processes()),
                                shared,
                                mmus.get(i % plan.processors())));
            }
        } finally {
            manager.kernelLock().unlock();
        }
    }

    Plan plan() {
        return plan;
    }

    MemoryManager manager() {
        return manager;
    }

    List<Eprocess> processes() {
        return processes;
    }

    /** A new process, null when nothing can be committed for one. */
    @Nullable Eprocess newProcess(long id) {
        long address = manager.allocatePoolPages(false, Pages.count(EprocessLayout.SIZE));
        long root = manager.createAddressSpace();
        if (root == 0) {
            manager.freePoolPages(false, address, Pages.count(EprocessLayout.SIZE));
            return null;
        }
        manager.kernelMemory().writeLong(address + KprocessLayout.DIRECTORY_TABLE_BASE, root);
        manager.kernelMemory().writeLong(address + EprocessLayout.UNIQUE_PROCESS_ID, id);
        manager.kernelMemory().writeLong(address + EprocessLayout.TOKEN, token);
        Eprocess process = new Eprocess(manager.kernelMemory(), address);
        process.setUserEnd(manager.rules().userSpace().end());
        return process;
    }

    /** Of an account that may lock pages in memory. */
    private long newToken() {
        long made = manager.allocatePoolPages(false, Pages.count(TokenLayout.SIZE));
        long at = made + TokenLayout.PRIVILEGES;
        manager.kernelMemory().writeLong(at + SepTokenPrivilegesLayout.PRESENT, 1L << Token.SE_LOCK_MEMORY);
        manager.kernelMemory().writeLong(at + SepTokenPrivilegesLayout.ENABLED, 1L << Token.SE_LOCK_MEMORY);
        return made;
    }

    void end(Eprocess process) {
        manager.deleteAddressSpace(process);
        manager.freePoolPages(false, process.address(), Pages.count(EprocessLayout.SIZE));
    }

    /** Does something in the kernel, on the processor whose thread calls. */
    <T> T kernel(Supplier<T> work) {
        manager.kernelLock().lock();
        try {
            mmus.current().catchUp();
            return work.get();
        } finally {
            manager.kernelLock().unlock();
        }
    }

    /** Runs all rounds and says how busy the machine was; throws what went wrong first. */
    String run() {
        String statistics = "";
        List<ProcessorThread> running = new ArrayList<>();
        if (plan.inBackground()) {
            manager.background().start();
        }
        for (int i = 0; i < plan.processors(); i++) {
            int processor = i;
            ProcessorThread thread =
                    new ProcessorThread(mmus.get(i), () -> drive(processor), "processor-" + i, STACK_BYTES);
            running.add(thread);
            thread.start();
        }
        try {
            for (ProcessorThread thread : running) {
                thread.join();
            }
            statistics = statistics();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        } finally {
            manager.close();
            ram.close();
        }
        Throwable failed = failure;
        if (failed != null) {
            throw new AssertionError(plan + " round=" + round + " " + failed.getMessage(), failed);
        }
        return statistics;
    }

    private void drive(int processor) {
        List<StressThread> threads = byProcessor.get(processor);
        Random turns = new Random(plan.seed() * 31 + processor);
        StressThread current = null;
        try {
            for (int i = 0; i < plan.rounds(); i++) {
                for (int step = 0; step < plan.stepsARound(); step++) {
                    if (current == null || turns.nextInt(8) == 0) {
                        StressThread next = threads.get(turns.nextInt(threads.size()));
                        kernel(() -> {
                            manager.switchTo(next.process());
                            return true;
                        });
                        current = next;
                    }
                    current.step();
                    if (failure != null) {
                        return;
                    }
                }
                if (i % 8 == 7) {
                    for (StressThread each : threads) {
                        kernel(() -> {
                            manager.switchTo(each.process());
                            return true;
                        });
                        each.verifyAll();
                    }
                    current = null;
                }
                if (quiet.arriveAndAwaitAdvance() < 0) {
                    return;
                }
            }
        } catch (Throwable e) {
            fail(new AssertionError((current == null ? "" : current.describe()) + ": " + e, e));
        }
    }

    private synchronized void fail(Throwable e) {
        if (failure == null) {
            failure = e;
        }
        quiet.forceTermination();
    }

    /** All processors have stopped. */
    private void atRest() {
        round++;
        Throwable background = manager.background().failure();
        if (background != null) {
            fail(background);
            return;
        }
        try {
            Findings findings = stopped(this::check);
            if (!findings.isEmpty()) {
                StringBuilder doings = new StringBuilder();
                byProcessor.forEach(threads -> threads.forEach(
                        t -> doings.append(System.lineSeparator()).append(t.describe())));
                fail(new AssertionError("check: " + findings + doings));
            }
        } catch (RuntimeException | Error e) {
            fail(e);
        }
    }

    /** Does something while the threads in the background stand still. */
    private <T> T stopped(Supplier<T> work) {
        manager.kernelLock().lock();
        try {
            return work.get();
        } finally {
            manager.kernelLock().unlock();
        }
    }

    Findings check() {
        Target target = new Target(
                "stress", ram, ram.sizeBytes(), mmus.format(), manager.systemRoot(), manager.kernelBase(), List.of());
        Findings findings = new Findings();
        new MemoryCheck(target, findings)
                .run(Stream.concat(processes.stream(), Stream.ofNullable(storeProcess))
                        .mapToLong(Eprocess::address)
                        .toArray());
        return findings;
    }

    /** How busy it was, to see that a run does what it is for. */
    String statistics() {
        long hard = 0;
        for (Eprocess process : processes) {
            hard += process.hardFaultCount();
        }
        return "hardFaults=" + hard + " available=" + manager.pfns().availablePages() + " freeSlots="
                + manager.pageFiles().freeSlots() + " committed=" + manager.totalCommittedPages() + "/"
                + manager.commitLimitPages();
    }

    Mmu mmu() {
        return mmus.current();
    }

    static Plan small(long seed, int processors, boolean inBackground) {
        return new Plan(
                seed,
                32L << 20,
                6000,
                processors,
                3,
                4 * processors,
                9000 / (4 * processors),
                12,
                250,
                20,
                seed % 2 != 0,
                inBackground);
    }

    /** {@code [--seconds N] [--seed N] [--processors N] [--ram MB] [--pagefile PAGES] [--threads N]
     * [--processes N] [--errors PERMILLE] [--compressed 0|1] [--background 0|1]}. */
    public static void main(String[] args) {
        Map<String, Long> options = new HashMap<>(Map.of("seconds", 60L, "seed", System.nanoTime()));
        for (int i = 0; i + 1 < args.length; i += 2) {
            if (!args[i].startsWith(FLAG)) {
                throw new IllegalArgumentException("unknown argument " + Arrays.toString(args));
            }
            options.put(args[i].substring(FLAG.length()), Long.parseLong(args[i + 1]));
        }
        long end = System.nanoTime() + options.get("seconds") * 1_000_000_000L;
        long seed = options.get("seed");
        Random random = new Random(seed);
        for (int run = 0; System.nanoTime() < end; run++, seed++) {
            int processors =
                    options.getOrDefault("processors", 1L + random.nextInt(4)).intValue();
            int threads = options.getOrDefault("threads", (long) processors * (1 + random.nextInt(4)))
                    .intValue();
            long ram = options.getOrDefault("ram", 32L + 8 * random.nextInt(5)) << 20;
            int pages = options.getOrDefault("pagefile", (long) random.nextInt(4) * 4000)
                    .intValue();
            int errors = options.getOrDefault("errors", random.nextBoolean() ? 0L : 1L + random.nextInt(100))
                    .intValue();
            int room = (int) ((ram - (20 << 20)) / Pages.SIZE + pages) * 5 / 4;
            Plan plan = new Plan(
                    seed,
                    ram,
                    pages,
                    processors,
                    options.getOrDefault("processes", 1L + random.nextInt(4)).intValue(),
                    threads,
                    Math.max(64, room / threads),
                    16,
                    400,
                    errors,
                    options.getOrDefault("compressed", (long) random.nextInt(2)) != 0,
                    options.getOrDefault("background", (long) random.nextInt(2)) != 0);
            System.out.println(plan);
            Stress stress = new Stress(plan);
            System.out.println("  " + stress.run());
        }
        System.out.println("no broken invariant");
    }
}
