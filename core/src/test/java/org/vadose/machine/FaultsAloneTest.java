package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.Pages;
import org.vadose.layout.KprcbLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.Mmu;
import org.vadose.memory.ProcessorThread;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;

/** Faults that one processor resolves while another has the kernel's lock. */
class FaultsAloneTest {
    private static final int PAGES = 300;
    private static final Duration LONG = Duration.ofSeconds(60);

    private Machine machine;
    private MemoryManager manager;
    private Eprocess process;
    private long base;

    @BeforeEach
    void boot() {
        machine = Machine.boot(MachineConfig.standard().withRamBytes(128 << 20).withProcessors(2));
        manager = machine.memoryManager();
        process = machine.processManager().processes().getLast();
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.sizeBytes = PAGES * Pages.SIZE;
        int type = VirtualMemoryServices.MEM_RESERVE | VirtualMemoryServices.MEM_COMMIT;
        manager.kernelLock().lock();
        try {
            machine.attach(process);
            assertTrue(manager.virtualMemory()
                    .allocate(process, region, 0, type, PageProtection.PAGE_READWRITE)
                    .isSuccess());
        } finally {
            manager.kernelLock().unlock();
        }
        base = region.base;
    }

    @AfterEach
    void checkAndClose() {
        Checks.check("end of test", machine);
        machine.close();
    }

    /** Touches all pages on the second processor, which has loaded the process already. */
    private CompletableFuture<Void> touchAll(CompletableFuture<Void> mayStart, CompletableFuture<Void> isReady) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        Mmu mmu = machine.mmus().get(1);
        Runnable work = () -> {
            try {
                manager.kernelLock().lock();
                try {
                    mmu.catchUp();
                    machine.attach(process);
                } finally {
                    manager.kernelLock().unlock();
                }
                isReady.complete(null);
                mayStart.join();
                for (int page = 0; page < PAGES; page++) {
                    Memory user = mmu.user();
                    long at = base + page * Pages.SIZE;
                    assertTrue(user.readLong(at) == 0 || user.readLong(at) == page);
                    user.writeLong(at, page);
                }
                done.complete(null);
            } catch (Throwable wrong) {
                isReady.completeExceptionally(wrong);
                done.completeExceptionally(wrong);
            }
        };
        ProcessorThread thread = new ProcessorThread(mmu, work, "processor-1", 1 << 20);
        thread.setDaemon(true);
        thread.start();
        return done;
    }

    private void touchAllWhileTheKernelIsLocked() throws Exception {
        CompletableFuture<Void> mayStart = new CompletableFuture<>();
        CompletableFuture<Void> isReady = new CompletableFuture<>();
        CompletableFuture<Void> done = touchAll(mayStart, isReady);
        isReady.get(LONG.toSeconds(), TimeUnit.SECONDS);
        manager.kernelLock().lock();
        try {
            mayStart.complete(null);
            done.get(LONG.toSeconds(), TimeUnit.SECONDS);
        } finally {
            manager.kernelLock().unlock();
        }
    }

    @Test
    void pagesOfZerosAndStandbyPagesNeedNoKernelLock() throws Exception {
        touchAllWhileTheKernelIsLocked();
        long soft = manager.pagingCounts().total(KprcbLayout.MM_TRANSITION_COUNT);
        manager.kernelLock().lock();
        try {
            manager.workingSets().empty(process);
            manager.writeModifiedPages();
        } finally {
            manager.kernelLock().unlock();
        }
        touchAllWhileTheKernelIsLocked();
        assertEquals(PAGES, manager.pagingCounts().total(KprcbLayout.MM_TRANSITION_COUNT) - soft);
    }
}
