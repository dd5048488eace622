package org.vadose.win32;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.OrderedLock;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.Kprcb;
import org.vadose.ps.SystemClock;

/** The processes of a machine that run programs, and what they share: the processor, the clock, the kernel, the functions. */
public final class GuestSystem {

    private final @Nullable GuestKernel kernel;
    private final List<GuestProcessor> processors;
    private final ApiTable table;
    private final GuestClock clock;
    private final Scheduler scheduler;
    private final SystemCalls systemCalls;
    private final Map<Long, GuestProcess> processes = new LinkedHashMap<>();
    private @Nullable ProcessMaker maker;
    /** When working sets were aged the last time. */
    private long lastAgeing;

    /** Makes processes for {@code CreateProcess}; the machine sets it. */
    @FunctionalInterface
    public interface ProcessMaker {
        /**
         * A process with its program and DLLs loaded; its first thread does not run yet. The calling thread's process is not on
         * the processor afterwards.
         *
         * @throws org.vadose.win32.loader.LoaderException if it cannot be made
         */
        GuestThread create(ProcessRequest request);
    }

    public GuestSystem(GuestKernel kernel, List<GuestProcessor> processors, ApiTable table, GuestClock clock) {
        this(processors, kernel, table, clock);
    }

    /** The system of processes of memory alone. */
    GuestSystem(ApiTable table, GuestClock clock) {
        this(List.of(new GuestProcessor()), null, table, clock);
    }

    private GuestSystem(
            List<GuestProcessor> processors, @Nullable GuestKernel kernel, ApiTable table, GuestClock clock) {
        this.processors = List.copyOf(processors);
        this.kernel = kernel;
        this.table = table;
        this.clock = clock;
        this.lastAgeing = clock.now();
        if (kernel != null) {
            kernel.cacheManager().setClock(clock::now);
        }
        this.systemCalls = new SystemCalls(table);
        this.scheduler = new Scheduler(
                kernel == null
                        ? new OrderedLock(OrderedLock.Rank.KERNEL)
                        : kernel.memoryManager().kernelLock(),
                kernel == null ? null : kernel.processManager().waits(),
                this.processors,
                kernel == null ? null : kernel.memoryManager().pfns().topology(),
                clock,
                this::showTime,
                this::idle,
                this::showIdle,
                this::nothingCanHappen);
        if (kernel != null) {
            kernel.processManager().scheduling().setListener(scheduler);
        }
    }

    /** A processor has nothing to run, and what it ran runs elsewhere. */
    private void showIdle(GuestProcessor processor) {
        if (kernel != null) {
            MemoryManager manager = kernel.memoryManager();
            Kprcb prcb = Kprcb.of(manager.kernelMemory(), manager.kernelBase(), processor.number());
            prcb.setCurrentThread(prcb.idleThread().address());
        }
    }

    /**
     * Every thread waits for what no thread can bring about any more, so that a process ends; but a person may still press Ctrl-C
     * where a program wants to hear of that.
     *
     * @return false if there is such a person
     */
    private boolean nothingCanHappen(GuestProcess process) {
        for (GuestProcess other : processes()) {
            if (other.mayHearOfPerson()) {
                return false;
            }
        }
        process.end(NtStatus.CONTROL_C_EXIT.code(), "every thread waits for what can no longer happen");
        return true;
    }

    private void showTime(long now) {
        if (kernel != null) {
            kernel.processManager().clock().advanceTo(now);
            if (now - lastAgeing >= SystemClock.SECOND) {
                lastAgeing = now;
                kernel.memoryManager().background().second();
            }
            kernel.memoryManager().memoryEvents().update();
        }
    }

    /** What is done when nobody else wants the processor. */
    private void idle() {
        if (kernel != null) {
            kernel.memoryManager().background().idle();
            kernel.memoryManager().memoryEvents().update();
        }
    }

    public GuestKernel kernel() {
        return Objects.requireNonNull(kernel, "there is no kernel");
    }

    boolean hasKernel() {
        return kernel != null;
    }

    public List<GuestProcessor> processors() {
        return processors;
    }

    /**
     * Where threads stop for a debugger before an instruction ({@link GuestEvents#breakpoint}), in whatever process. While no other
     * processor executes guest instructions.
     */
    public void setBreakpoints(long... addresses) {
        for (GuestProcessor processor : processors) {
            processor.setBreakpoints(addresses);
        }
    }

    /** The processor for a new thread of a kernel. */
    public GuestProcessor processorFor(Ethread thread) {
        return scheduler.placeFor(thread);
    }

    public ApiTable table() {
        return table;
    }

    public GuestClock clock() {
        return clock;
    }

    Scheduler scheduler() {
        return scheduler;
    }

    SystemCalls systemCalls() {
        return systemCalls;
    }

    public void setProcessMaker(ProcessMaker newMaker) {
        maker = newMaker;
    }

    /**
     * Makes a process on behalf of a guest thread, which has the processor before and after.
     *
     * @return its first thread, not started
     * @throws org.vadose.win32.loader.LoaderException if it cannot be made
     */
    public GuestThread createProcess(GuestThread caller, ProcessRequest request) {
        try {
            return Objects.requireNonNull(maker, "nobody makes processes").create(request);
        } finally {
            scheduler.restore(caller);
        }
    }

    /** Does something that needs the processor, between the turns of guest threads; from a Java thread that runs no guest. */
    public <T> T exclusively(Supplier<T> work) {
        return scheduler.exclusively(work);
    }

    /** The processes that run programs, oldest first. */
    public synchronized List<GuestProcess> processes() {
        return new ArrayList<>(processes.values());
    }

    /** The process behind a kernel object; null if it runs no program. */
    public synchronized @Nullable GuestProcess find(Eprocess eprocess) {
        return processes.get(eprocess.address());
    }

    synchronized void add(GuestProcess process) {
        processes.put(process.eprocess().address(), process);
    }

    synchronized void remove(GuestProcess process) {
        processes.remove(process.eprocess().address());
    }
}
