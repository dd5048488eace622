package org.vadose.mm;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.vadose.memory.Mmu;
import org.vadose.memory.Mmus;
import org.vadose.memory.ProcessorThread;
import org.vadose.nt.Ethread;

/**
 * What the threads of System do for memory and the file cache, and where: stepped by whoever finds that there is something to do, so that a run
 * can be repeated, or, once {@link #start started}, on Java threads of their own beside the processors.
 *
 * <pre>
 *   duty              thread of System         does, holding the kernel's lock
 *   BALANCE_SET       KeBalanceSetManager      trims working sets until enough is available or can be written
 *   MODIFIED_WRITER   MiModifiedPageWriter     writes modified pages to page files, one cluster at a time
 *   MAPPED_WRITER     MiMappedPageWriter       writes modified pages of files, one page at a time
 *   ZERO_PAGES        MiZeroPageThread         zeroes free pages, a few at a time, when nobody wants the lock
 *   AGE               KeBalanceSetManager      ages working sets, once a second
 *   SEGMENTS          MiDereferenceSegmentThread
 *                                              deletes control areas that nobody uses and that have no page left, once a second
 *   LAZY_WRITER       CcQueueLazyWriteScanThread
 *                                              writes a part of each file's dirty pages, once a second
 *   READ_AHEAD        ExpWorkerThread          reads what comes next in files that are read in sequence
 *   COMBINE           ExpWorkerThread          combines equal pages, once a minute when nobody wants the processor, if switched on
 * </pre>
 *
 * Stepped, what is due once a second is done when the clock of the guests says so ({@link #second}), and what waits for nobody to want
 * the processor when all threads wait ({@link #idle}); on threads of its own it goes by the host's clock. The cache manager says itself
 * what {@code LAZY_WRITER} and {@code READ_AHEAD} do ({@link #setWork}).
 *
 * The Java threads share one MMU that is no processor's: it is used by whoever of them holds the kernel's lock. When frames run out
 * faster than they work, the thread that faults does it itself, as when it is stepped.
 */
public final class BackgroundWork {
    /** What there is to be done. */
    public enum Duty {
        BALANCE_SET,
        MODIFIED_WRITER,
        MAPPED_WRITER,
        ZERO_PAGES,
        AGE,
        SEGMENTS,
        LAZY_WRITER,
        READ_AHEAD,
        COMBINE
    }

    /** A duty's work. */
    @FunctionalInterface
    public interface Work {
        /** Does a little, holding the kernel's lock; answers whether there is more to do at once. */
        boolean step();
    }

    private static final long STACK_BYTES = 1 << 20;
    private static final long PERIOD_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long ZERO_PERIOD_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
    /** What is zeroed while others wait for the lock. */
    private static final long PAGES_ZEROED_AT_ONCE = 32;
    /** What is zeroed each time that nobody wants the processor. */
    private static final long PAGES_ZEROED_WHEN_IDLE = 256;
    /** Between two searches for equal pages, in seconds. */
    private static final long COMBINE_PERIOD_SECONDS = 60;

    private final OrderedLock kernel;
    private final long root;
    private final Mmus mmus;
    private final PfnDatabase pfns;
    private final Map<Duty, Ethread> threads = new EnumMap<>(Duty.class);
    private final Map<Duty, Worker> workers = new EnumMap<>(Duty.class);
    private final Map<Duty, Work> works = new EnumMap<>(Duty.class);
    private long seconds;
    private long nextCombining = COMBINE_PERIOD_SECONDS;
    private boolean combinesWhenIdle;
    private final BalanceSet balance;
    /** Whose run of hard faults ate up what was available; guarded by the kernel's lock. */
    private @Nullable ProcessSpace eager;

    /** The balance set could not make enough available; it need not look again before its period is over. */
    private volatile boolean isExhausted;

    private volatile boolean isRunning;
    private volatile @Nullable Throwable failure;

    /** A Java thread and whether there is something for it to do. */
    private static final class Worker {
        final ProcessorThread thread;
        volatile boolean isWanted;

        Worker(ProcessorThread thread) {
            this.thread = thread;
        }
    }

    BackgroundWork(MemoryManager manager, BalanceSet balance) {
        this.kernel = manager.kernelLock();
        this.root = manager.systemRoot();
        this.mmus = manager.mmu();
        this.pfns = manager.pfns();
        this.balance = balance;
        setWork(Duty.AGE, () -> {
            balance.age();
            return false;
        });
        setWork(Duty.SEGMENTS, () -> {
            manager.dataSections().reap();
            return false;
        });
        setWork(Duty.COMBINE, () -> {
            if (combinesWhenIdle && manager.combining().isEnabled()) {
                manager.combining().combineAll();
            }
            return false;
        });
    }

    /** Says what a duty is; a duty of which nobody says it has nothing to do. */
    public void setWork(Duty duty, Work work) {
        works.put(duty, work);
    }

    /** Whether equal pages are looked for when nobody wants the processor. */
    public void setCombinesWhenIdle(boolean combines) {
        combinesWhenIdle = combines;
    }

    /** A second of the guests' time has passed. */
    public void second() {
        seconds++;
        if (!isRunning) {
            perform(Duty.AGE);
            perform(Duty.SEGMENTS);
        }
    }

    /** Nobody wants the processor. */
    public void idle() {
        if (!isRunning) {
            perform(Duty.LAZY_WRITER);
            pfns.zeroFreePages(PAGES_ZEROED_WHEN_IDLE);
            if (seconds >= nextCombining) {
                nextCombining = seconds + COMBINE_PERIOD_SECONDS;
                perform(Duty.COMBINE);
            }
        }
    }

    /** There is something to do for a duty: done now, or soon on its thread. */
    public void request(Duty duty) {
        if (isRunning) {
            wake(duty);
        } else {
            while (perform(duty)) {
                // Until nothing is left.
            }
        }
    }

    private boolean perform(Duty duty) {
        Work work = works.get(duty);
        if (work == null) {
            return false;
        }
        count(duty);
        return work.step();
    }

    /** Says which thread of System a duty is. */
    public void setThread(Duty duty, Ethread thread) {
        threads.put(duty, thread);
    }

    /** A duty was done once: its thread had the processor. */
    void count(Duty duty) {
        Ethread thread = threads.get(duty);
        if (thread != null) {
            thread.countContextSwitch();
        }
    }

    /**
     * From now on the duties are done on Java threads of their own.
     *
     * @throws IllegalStateException if the machine was made without an MMU for them
     */
    public void start() {
        Mmu mmu = mmus.service();
        if (mmu == null) {
            throw new IllegalStateException("the machine has no MMU for background work");
        }
        mmu.loadRoot(root);
        for (Duty duty : Duty.values()) {
            ProcessorThread thread = new ProcessorThread(mmu, () -> run(duty), "system-" + duty, STACK_BYTES);
            thread.setDaemon(true);
            workers.put(duty, new Worker(thread));
        }
        isRunning = true;
        workers.values().forEach(worker -> worker.thread.start());
    }

    /** Whether duties are done on threads of their own. */
    public boolean isRunning() {
        return isRunning;
    }

    /** What ended the work, if anything did; from then on it is stepped. */
    @Nullable Throwable failure() {
        return failure;
    }

    /** Ends the Java threads; the caller does not hold the kernel's lock. */
    public void stop() {
        isRunning = false;
        for (Worker worker : workers.values()) {
            LockSupport.unpark(worker.thread);
        }
        boolean interrupted = false;
        for (Worker worker : workers.values()) {
            while (worker.thread.isAlive()) {
                try {
                    worker.thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        workers.clear();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Frames are getting few; the caller holds the kernel's lock. */
    void wakeBalanceSet(@Nullable ProcessSpace faulting) {
        if (!isExhausted) {
            eager = faulting;
            wake(Duty.BALANCE_SET);
        }
    }

    private void wake(Duty duty) {
        Worker worker = workers.get(duty);
        if (worker != null && !worker.isWanted) {
            worker.isWanted = true;
            LockSupport.unpark(worker.thread);
        }
    }

    private void run(Duty duty) {
        Worker worker = Objects.requireNonNull(workers.get(duty));
        long period = switch (duty) {
            case ZERO_PAGES -> ZERO_PERIOD_NANOS;
            case COMBINE -> COMBINE_PERIOD_SECONDS * PERIOD_NANOS;
            default -> PERIOD_NANOS;
        };
        if (duty == Duty.COMBINE) {
            LockSupport.parkNanos(this, period);
        }
        try {
            while (isRunning) {
                worker.isWanted = false;
                boolean more = true;
                while (more && isRunning) {
                    more = step(duty);
                }
                if (isRunning && !worker.isWanted) {
                    LockSupport.parkNanos(this, period);
                }
                if (duty == Duty.BALANCE_SET) {
                    isExhausted = false;
                }
            }
        } catch (RuntimeException | Error e) {
            failure = e;
            isRunning = false;
            throw e;
        }
    }

    /** Does a little, and answers whether there is more to do. */
    private boolean step(Duty duty) {
        if (duty == Duty.ZERO_PAGES || duty == Duty.COMBINE) {
            // Threads of the lowest priority.
            if (!kernel.tryLock()) {
                return false;
            }
        } else {
            kernel.lock();
        }
        try {
            if (!isRunning) {
                return false;
            }
            mmus.current().catchUp();
            return switch (duty) {
                case BALANCE_SET -> {
                    balanceSet();
                    yield false;
                }
                case MODIFIED_WRITER, MAPPED_WRITER -> balance.writeSome(duty);
                case ZERO_PAGES -> zeroPages();
                case AGE, SEGMENTS, LAZY_WRITER, READ_AHEAD, COMBINE -> perform(duty);
            };
        } finally {
            kernel.unlock();
        }
    }

    private boolean zeroPages() {
        if (pfns.freePages() == 0) {
            return false;
        }
        count(Duty.ZERO_PAGES);
        return pfns.zeroFreePages(PAGES_ZEROED_AT_ONCE) != 0;
    }

    private void balanceSet() {
        ProcessSpace faulting = eager;
        eager = null;
        isExhausted = !balance.trimForWriters(faulting);
        wake(Duty.MODIFIED_WRITER);
        wake(Duty.MAPPED_WRITER);
    }
}
