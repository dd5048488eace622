package org.vadose.nt;

import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.memory.Memory;

/**
 * Where the page tables of the current address space show up in it: one PML4 entry points at the PML4 itself, so that the
 * tables of all levels appear as one array of PTEs, with those of each higher level inside it.
 *
 * @param pteBase address of the PTE of address 0, what {@code nt!MmPteBase} holds
 */
public record SelfMap(long pteBase) {
    private static final long PTE_OFFSET_MASK = 0x7F_FFFF_FFF8L;

    /** @param index which PML4 entry points at its own table, 0x100 to 0x1FF */
    public static SelfMap ofIndex(int index) {
        return new SelfMap(0xFFFF_0000_0000_0000L | (long) index << 39);
    }

    /** What the kernel image at {@code kernelBase} says. */
    public static SelfMap of(Memory kernel, long kernelBase) {
        return new SelfMap(kernel.readLong(kernelBase + KernelSymbols.MM_PTE_BASE));
    }

    public int index() {
        return (int) (pteBase >>> 39) & 0x1FF;
    }

    /** Address of the PTE that maps {@code virtualAddress}. */
    public long pte(long virtualAddress) {
        return pteBase + (virtualAddress >>> (Pages.SHIFT - 3) & PTE_OFFSET_MASK);
    }

    public long pde(long virtualAddress) {
        return pte(pte(virtualAddress));
    }

    /** Address of the page-directory-pointer entry. */
    public long ppe(long virtualAddress) {
        return pte(pde(virtualAddress));
    }

    /** Address of the PML4 entry. */
    public long pxe(long virtualAddress) {
        return pte(ppe(virtualAddress));
    }

    /** The address of this level's entry: 1 PTE, 2 PDE, 3 PPE, 4 PXE. */
    public long entry(int level, long virtualAddress) {
        long at = virtualAddress;
        for (int i = 0; i < level; i++) {
            at = pte(at);
        }
        return at;
    }

    /** The first address that the PTE at {@code pteAddress} maps. */
    public long mapped(long pteAddress) {
        return (pteAddress - pteBase) << (Pages.SHIFT - 3) + 16 >> 16;
    }

    public boolean contains(long address) {
        return Long.compareUnsigned(address - pteBase, 1L << 39) < 0;
    }
}
