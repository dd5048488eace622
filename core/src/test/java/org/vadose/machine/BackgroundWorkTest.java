package org.vadose.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.memory.Mmu;
import org.vadose.mm.BackgroundWork;
import org.vadose.mm.OrderedLock;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.PageProtection;

class BackgroundWorkTest {
    private static final long RAM = 128L << 20;

    private static long pattern(long page) {
        return page * 0x9E37_79B9_7F4A_7C15L | 1;
    }

    @ParameterizedTest
    @EnumSource
    void systemsThreadsKeepFramesAvailable(BackgroundMode mode) {
        MachineConfig config = MachineConfig.standard()
                .withRamBytes(RAM)
                .withPageFiles(List.of(new PageFileSetup("C:\\pagefile.sys", 2 * RAM, 2 * RAM)))
                .withBackground(mode);
        try (Machine machine = Machine.boot(config)) {
            OrderedLock kernel = machine.memoryManager().kernelLock();
            Map<Long, Ethread> threads = systemThreads(machine);
            Ethread writer = threads.get(KernelSymbols.MI_MODIFIED_PAGE_WRITER);
            Ethread balance = threads.get(KernelSymbols.KE_BALANCE_SET_MANAGER);
            assertTrue(threads.containsKey(KernelSymbols.MI_MAPPED_PAGE_WRITER));
            assertTrue(threads.containsKey(KernelSymbols.MI_ZERO_PAGE_THREAD));
            long writesBefore = writer.contextSwitches();
            long trimsBefore = balance.contextSwitches();

            Eprocess process = machine.processManager().processes().getLast();
            Region region = new Region();
            region.sizeBytes = RAM + RAM / 8;
            kernel.lock();
            try {
                machine.attach(process);
                int type = VirtualMemoryServices.MEM_RESERVE | VirtualMemoryServices.MEM_COMMIT;
                assertEquals(
                        NtStatus.SUCCESS,
                        machine.memoryManager()
                                .virtualMemory()
                                .allocate(process, region, 0, type, PageProtection.PAGE_READWRITE));
            } finally {
                kernel.unlock();
            }
            long pages = region.sizeBytes / Pages.SIZE;
            Mmu mmu = machine.mmu();
            for (int round = 0; round < 2; round++) {
                for (long page = 0; page < pages; page++) {
                    long at = region.base + page * Pages.SIZE;
                    mmu.enterGuest();
                    try {
                        assertEquals(round == 0 ? 0 : pattern(page), mmu.user().readLong(at), "page=" + page);
                        mmu.user().writeLong(at, pattern(page));
                    } finally {
                        mmu.leaveGuest();
                    }
                }
            }
            machine.memoryManager().background().stop();
            assertTrue(writer.contextSwitches() > writesBefore);
            assertTrue(balance.contextSwitches() > trimsBefore);
            Checks.check("at rest", machine);
        }
    }

    /** Threads of System by the routine they run. */
    private static Map<Long, Ethread> systemThreads(Machine machine) {
        Map<Long, Ethread> threads = new HashMap<>();
        for (long links : machine.processManager().system().threadListHead().entries(1000)) {
            Ethread thread = Ethread.ofThreadListEntry(machine.memoryManager().kernelMemory(), links);
            threads.put(thread.startAddress() - machine.kernelBase(), thread);
        }
        return threads;
    }

    @ParameterizedTest
    @EnumSource
    @Timeout(60)
    void dutiesOfTheFileCacheHaveThreadsOfSystem(BackgroundMode mode) {
        try (Machine machine = Machine.boot(
                MachineConfig.standard().withBare(true).withRamBytes(RAM).withBackground(mode))) {
            Map<Long, Ethread> threads = systemThreads(machine);
            Ethread lazyWriter = threads.get(KernelSymbols.CC_QUEUE_LAZY_WRITE_SCAN_THREAD);
            Ethread segments = threads.get(KernelSymbols.MI_DEREFERENCE_SEGMENT_THREAD);
            long before = lazyWriter.contextSwitches();
            long segmentsBefore = segments.contextSwitches();
            BackgroundWork background = machine.memoryManager().background();
            OrderedLock kernel = machine.memoryManager().kernelLock();
            kernel.lock();
            try {
                background.second();
                background.idle();
                background.request(BackgroundWork.Duty.LAZY_WRITER);
            } finally {
                kernel.unlock();
            }
            // On threads of their own, each once a second.
            while (lazyWriter.contextSwitches() == before || segments.contextSwitches() == segmentsBefore) {
                Thread.onSpinWait();
            }
            background.stop();
            Checks.check("at rest", machine);
        }
    }
}
