package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.memory.Mmu;
import org.vadose.memory.PhysicalMemory;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.PageLocation;
import org.vadose.nt.Pfn;
import org.vadose.pe.KernelImage;

class BootMemoryTest {
    @Test
    void kernelVariablesLeadToTheTables() {
        try (PhysicalMemory ram = new PhysicalMemory(512L << 20)) {
            MemoryManager manager = boot(ram, 1);
            var memory = manager.kernelMemory();
            assertEquals('M' | 'Z' << 8, memory.readUnsignedShort(manager.kernelBase()));
            assertEquals(
                    manager.selfMap().pteBase(), memory.readLong(manager.kernelBase() + KernelSymbols.MM_PTE_BASE));
            long root = memory.readLong(manager.selfMap().pxe(manager.selfMap().pteBase()));
            assertEquals(BootMemory.SYSTEM_ROOT, root & X64PageTables.FRAME_MASK);
            assertEquals(
                    0x123456789000L, manager.selfMap().mapped(manager.selfMap().pte(0x123456789abcL)));
            assertEquals(
                    manager.kernelBase(),
                    manager.selfMap().mapped(manager.selfMap().pte(manager.kernelBase())));
        }
    }

    @Test
    void everyFrameIsActiveOrZeroed() {
        try (PhysicalMemory ram = new PhysicalMemory(PhysicalMemory.MINIMUM_BYTES)) {
            MemoryManager manager = boot(ram, 2);
            long zeroed = 0;
            for (long frame = 0; frame < ram.frames(); frame++) {
                PageLocation location = manager.pfns().pfn(frame).location();
                assertTrue(location == PageLocation.ACTIVE || location == PageLocation.ZEROED);
                zeroed += location == PageLocation.ZEROED ? 1 : 0;
            }
            assertEquals(zeroed, manager.pfns().availablePages());
        }
    }

    @Test
    void poolPagesComeZeroedPointBackAndGoBack() {
        try (PhysicalMemory ram = new PhysicalMemory(PhysicalMemory.MINIMUM_BYTES)) {
            MemoryManager manager = boot(ram, 3);
            long first = manager.allocatePoolPages(false, 1);
            long before = manager.pfns().availablePages();
            long pages = manager.allocatePoolPages(false, 3);
            manager.kernelMemory().fill(pages, 3 * Pages.SIZE, (byte) 0xCC);
            long pte = manager.selfMap().pte(pages);
            long frame = (manager.kernelMemory().readLong(pte) & X64PageTables.FRAME_MASK) >>> Pages.SHIFT;
            Pfn pfn = manager.pfns().pfn(frame);
            assertEquals(pte, pfn.pteAddress());
            assertEquals(1, pfn.shareCount());
            manager.freePoolPages(false, pages, 3);
            assertEquals(before, manager.pfns().availablePages());
            manager.pfns().zeroFreePages(Long.MAX_VALUE);
            long again = manager.allocatePoolPages(false, 3);
            assertEquals(0, manager.kernelMemory().readLong(again + 2 * Pages.SIZE));
            assertNotEquals(first, again);
        }
    }

    @Test
    void seedDecidesWhereThingsAre() {
        try (PhysicalMemory one = new PhysicalMemory(64L << 20);
                PhysicalMemory two = new PhysicalMemory(64L << 20);
                PhysicalMemory three = new PhysicalMemory(64L << 20)) {
            assertEquals(boot(one, 4).kernelBase(), boot(two, 4).kernelBase());
            assertNotEquals(boot(three, 5).kernelBase(), boot(two, 4).kernelBase());
        }
    }

    private static MemoryManager boot(PhysicalMemory ram, long seed) {
        return MemoryManager.boot(new Mmu(ram, new X64PageTables()), seed, KernelImage.build());
    }
}
