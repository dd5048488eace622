package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.vadose.base.Pages;
import org.vadose.check.Findings;
import org.vadose.check.MemoryCheck;
import org.vadose.memory.Mmus;
import org.vadose.memory.PhysicalMemory;
import org.vadose.memory.ProcessorThread;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.AddressSpaceRules;
import org.vadose.pe.KernelImage;
import org.vadose.target.Target;

/** Zeroed and free frames: their colours and nodes, and what processors have at hand. */
class UnusedFramesTest {
    private static final long RAM_BYTES = 64L << 20;
    private static final int STACK_BYTES = 1 << 20;

    private static MemoryManager boot(PhysicalMemory ram, int processors, int nodes) {
        return MemoryManager.boot(
                new Mmus(ram, new X64PageTables(), processors),
                AddressSpaceRules.STANDARD,
                nodes,
                1,
                KernelImage.build());
    }

    private static void check(MemoryManager manager, String when) {
        Target target = new Target(
                "test",
                manager.mmu().ram(),
                manager.mmu().ram().sizeBytes(),
                manager.mmu().format(),
                manager.systemRoot(),
                manager.kernelBase(),
                List.of());
        Findings findings = new Findings();
        new MemoryCheck(target, findings).run(new long[0]);
        assertTrue(findings.isEmpty(), () -> when + ": " + findings);
    }

    /** Does something on a processor's thread, and waits for it. */
    private static void on(MemoryManager manager, int processor, Runnable work) throws InterruptedException {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread thread = new ProcessorThread(manager.mmu().get(processor), work, "cpu" + processor, STACK_BYTES);
        thread.setUncaughtExceptionHandler((t, e) -> failure.set(e));
        manager.mmu().get(processor).loadRoot(manager.systemRoot());
        thread.start();
        thread.join();
        if (failure.get() != null) {
            throw new AssertionError(failure.get());
        }
    }

    @Test
    void framesAreTakenThroughTheColours() {
        try (PhysicalMemory ram = new PhysicalMemory(RAM_BYTES)) {
            PfnDatabase pfns = boot(ram, 1, 1).pfns();
            long before = pfns.allocate(0, 0) % ColourLists.COLOURS;
            for (int i = 0; i < 3 * ColourLists.COLOURS; i++) {
                long colour = pfns.allocate(0, 0) % ColourLists.COLOURS;
                assertEquals((before + 1) % ColourLists.COLOURS, colour);
                before = colour;
            }
        }
    }

    @Test
    void processorsTakeFramesWhoseEntriesShareNoCacheLine() throws InterruptedException {
        try (PhysicalMemory ram = new PhysicalMemory(RAM_BYTES)) {
            MemoryManager manager = boot(ram, 2, 1);
            List<Set<Long>> lines = List.of(new HashSet<>(), new HashSet<>());
            for (int processor = 0; processor < 2; processor++) {
                Set<Long> mine = lines.get(processor);
                on(manager, processor, () -> {
                    for (int i = 0; i < 1000; i++) {
                        long entry = manager.pfns()
                                .pfn(manager.pfns().allocateUnused(0, 0))
                                .address();
                        mine.add(entry >>> 6);
                        mine.add(entry + 47 >>> 6);
                    }
                });
            }
            lines.get(0).retainAll(lines.get(1));
            assertEquals(Set.of(), lines.get(0));
        }
    }

    @Test
    void whatProcessorsHaveAtHandComesBackWhenItIsNeeded() throws InterruptedException {
        try (PhysicalMemory ram = new PhysicalMemory(RAM_BYTES)) {
            MemoryManager manager = boot(ram, 2, 1);
            PfnDatabase pfns = manager.pfns();
            long before = pfns.availablePages();
            on(manager, 1, () -> pfns.free(pfns.allocateUnused(0, 0)));
            long atHand = before - pfns.availablePages();
            assertTrue(atHand > 10, () -> "at hand=" + atHand);
            check(manager, "with frames at hand");
            // Somebody takes all there is.
            List<Long> taken = new ArrayList<>();
            for (long frame = pfns.allocate(0, 0); frame != PfnDatabase.NONE; frame = pfns.allocate(0, 0)) {
                taken.add(frame);
            }
            assertEquals(before, taken.size());
            taken.forEach(pfns::free);
            assertEquals(before, pfns.availablePages());
            check(manager, "after all were taken");
        }
    }

    @Test
    void unusedFramesAreLeftToOthersWhenTheyAreFew() throws InterruptedException {
        try (PhysicalMemory ram = new PhysicalMemory(RAM_BYTES)) {
            MemoryManager manager = boot(ram, 2, 1);
            on(manager, 1, () -> {
                long given = 0;
                while (manager.pfns().allocateUnused(0, 0) != PfnDatabase.NONE) {
                    given++;
                }
                assertTrue(given > 1000);
            });
            assertTrue(manager.pfns().availablePages() > 800);
        }
    }

    @Test
    void aNodesFramesAreTakenFirstAndThenTheNearest() {
        try (PhysicalMemory ram = new PhysicalMemory(4 * RAM_BYTES)) {
            PfnDatabase pfns = boot(ram, 1, 4).pfns();
            NodeTopology topology = pfns.topology();
            long ofTwo = pfns.availablePages(2);
            pfns.prefer(2);
            for (long i = 0; i < ofTwo; i++) {
                assertEquals(2, topology.ofFrame(pfns.allocate(0, 0)));
            }
            assertEquals(0, pfns.availablePages(2));
            assertEquals(1, topology.ofFrame(pfns.allocate(0, 0)));
            pfns.prefer(PfnDatabase.ANY_NODE);
            assertEquals(0, topology.ofFrame(pfns.allocate(0, 0)));
            pfns.prefer(3);
            assertEquals(3, topology.ofFrame(pfns.allocateContiguous(512)));
        }
    }

    @ParameterizedTest
    @CsvSource({"512, 1, 1", "8192, 2, 1", "16384, 4, 2", "16385, 3, 8", "1000000, 16, 64"})
    void everyFrameAndProcessorHasOneNode(long frames, int nodes, int processors) {
        NodeTopology topology = new NodeTopology(nodes, frames, processors);
        assertEquals(0, topology.firstFrame(0));
        assertEquals(frames, topology.firstFrame(nodes));
        long mask = 0;
        for (int node = 0; node < nodes; node++) {
            assertTrue(topology.firstFrame(node) < topology.firstFrame(node + 1));
            assertEquals(node, topology.ofFrame(topology.firstFrame(node)));
            assertEquals(node, topology.ofFrame(topology.firstFrame(node + 1) - 1));
            assertEquals(0, mask & topology.processorMask(node));
            mask |= topology.processorMask(node);
            assertEquals(node, topology.byDistance(node)[0]);
            assertEquals(nodes, topology.byDistance(node).length);
        }
        assertEquals(-1L >>> -processors, mask);
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "2, 2, 1", "3, 5, 2", "4, 3, 4", "5, 1, 3"})
    void listsHoldWhateverIsDone(long seed, int processors, int nodes) throws InterruptedException {
        System.out.println("UnusedFramesTest seed=" + seed);
        Random random = new Random(seed);
        try (PhysicalMemory ram = new PhysicalMemory(RAM_BYTES)) {
            MemoryManager manager = boot(ram, processors, nodes);
            PfnDatabase pfns = manager.pfns();
            long before = pfns.availablePages();
            List<Long> taken = new ArrayList<>();
            for (int round = 0; round < 30; round++) {
                on(manager, random.nextInt(processors), () -> {
                    for (int step = 0; step < 300; step++) {
                        step(random, pfns, ram, taken);
                    }
                });
                assertEquals(taken.size(), new HashSet<>(taken).size());
                if (round % 10 == 9) {
                    taken.forEach(pfns::free);
                    taken.clear();
                    check(manager, "seed=" + seed + " round=" + round);
                    pfns.takeBackFromProcessors();
                    assertEquals(before, pfns.availablePages());
                    check(manager, "drained seed=" + seed + " round=" + round);
                }
            }
        }
    }

    private static void step(Random random, PfnDatabase pfns, PhysicalMemory ram, List<Long> taken) {
        switch (random.nextInt(10)) {
            case 0, 1, 2 -> expectZeros(ram, pfns.allocate(0, 0), taken);
            case 3, 4, 5 -> expectZeros(ram, pfns.allocateUnused(0, 0), taken);
            case 6 -> {
                int burst = random.nextInt(400);
                while (burst-- > 0 && !taken.isEmpty()) {
                    long frame = taken.remove(random.nextInt(taken.size()));
                    ram.writeLong(frame << Pages.SHIFT, -1);
                    pfns.free(frame);
                }
            }
            case 7 -> {
                int node = random.nextInt(pfns.topology().count() + 1) - 1;
                pfns.prefer(node);
                if (node >= 0 && pfns.availablePages(node) > 2000) {
                    long frame = pfns.allocate(0, 0);
                    assertEquals(node, pfns.topology().ofFrame(frame));
                    expectZeros(ram, frame, taken);
                }
            }
            case 8 -> pfns.zeroFreePages(random.nextInt(300));
            default -> {
                boolean isRow = random.nextInt(20) == 0;
                long first = isRow ? pfns.allocateContiguous(512) : pfns.allocateForOverwrite(0, 0);
                for (int i = 0; first != PfnDatabase.NONE && i < (isRow ? 512 : 1); i++) {
                    taken.add(first + i);
                }
            }
        }
    }

    private static void expectZeros(PhysicalMemory ram, long frame, List<Long> taken) {
        if (frame != PfnDatabase.NONE) {
            assertEquals(0, ram.readLong(frame << Pages.SHIFT));
            taken.add(frame);
        }
    }
}
