package org.vadose.target;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.vadose.base.Pages;

class TargetTest {
    private final SyntheticWindows windows = new SyntheticWindows();
    private final Target target = windows.target();

    @Test
    void rootAndKernelAreFoundWithoutHelp() {
        KernelFinder finder = new KernelFinder(windows.ram, windows.ram.sizeBytes());
        assertEquals(SyntheticWindows.ROOT, finder.findRoot());
        assertEquals(SyntheticWindows.KERNEL, finder.findKernelBase(target.kernel()));
        assertNull(target.symbolMismatch());
    }

    @Test
    void tableWithTwoSelfEntriesIsNoRoot() {
        windows.ram.writeLong(SyntheticWindows.ROOT + 0x1F2 * 8, SyntheticWindows.ROOT | 0x63);
        assertEquals(-1, new KernelFinder(windows.ram, windows.ram.sizeBytes()).findRoot());
    }

    @Test
    void tablePointingOutsideRamIsNoRoot() {
        windows.ram.writeLong(SyntheticWindows.ROOT + 8, windows.ram.sizeBytes() | 0x67);
        assertEquals(-1, new KernelFinder(windows.ram, windows.ram.sizeBytes()).findRoot());
    }

    @Test
    void readsAcrossPagesThatLieApart() {
        long va = windows.allocate(2 * Pages.SIZE);
        windows.map(SyntheticWindows.ROOT, va + Pages.SIZE, 0x3000 | 0x63);
        windows.kernelWrites().writeLong(va + 0xFFC, 0x1122_3344_5566_7788L);
        assertEquals(0x1122_3344_5566_7788L, target.kernel().readLong(va + 0xFFC));
        assertArrayEquals(new byte[] {0x44, 0x33, 0x22, 0x11}, target.kernel().read(va + Pages.SIZE, 4));
        assertEquals(0x3000, target.kernel().translate(va + Pages.SIZE));
    }

    @Test
    void pageInTransitionReads() {
        windows.ram.writeLong(0x5008, 0xABCD);
        windows.map(SyntheticWindows.ROOT, SyntheticWindows.SCRATCH, 0x5000 | 1 << 11 | 4 << 5);
        assertEquals(0xABCD, target.kernel().readLong(SyntheticWindows.SCRATCH + 8));
    }

    @Test
    void prototypeIsFollowed() {
        long prototypes = windows.allocate(Pages.SIZE);
        windows.kernelWrites().writeLong(prototypes + 0x18, 0x6000 | 0x121);
        windows.ram.writeLong(0x6010, 77);
        windows.map(SyntheticWindows.ROOT, SyntheticWindows.SCRATCH + 0x100_0000, prototypes + 0x18 << 16 | 1 << 10);
        assertEquals(77, target.kernel().readLong(SyntheticWindows.SCRATCH + 0x100_0010));
    }

    @Test
    void missingMemorySaysWhy() {
        long va = windows.allocate(Pages.SIZE);
        windows.map(SyntheticWindows.ROOT, va, 0xdef3L << 32 | 2 << 12 | 4 << 5);
        assertEquals("page file 2 offset def3", reason(va));
        windows.map(SyntheticWindows.ROOT, va + Pages.SIZE, windows.ram.sizeBytes() | 0x63);
        assertTrue(reason(va + Pages.SIZE).endsWith("is not in the image"), reason(va + Pages.SIZE));
        assertEquals("zero PML4E", reason(0x7FFE_0000));
        assertEquals("not canonical", reason(0x8000_0000_0000_0000L));
        assertFalse(target.kernel().isReadable(va));
        assertEquals(0, target.kernel().readUpTo(va, 16).length);
    }

    private String reason(long address) {
        return assertThrows(
                        UnreadableMemoryException.class, () -> target.kernel().readLong(address))
                .reason();
    }

    @Test
    void nothingIsWrittenThroughATarget() {
        assertThrows(
                UnsupportedOperationException.class,
                () -> target.kernel().writeByte(SyntheticWindows.KERNEL, (byte) 0));
    }

    @Test
    void changedTranslationIsSeenAfterForgetting() {
        long va = windows.allocate(Pages.SIZE);
        assertEquals(0, target.kernel().readLong(va));
        windows.ram.writeLong(0x7000, 5);
        windows.map(SyntheticWindows.ROOT, va, 0x7000 | 0x63);
        target.forget();
        assertEquals(5, target.kernel().readLong(va));
    }
}
