package org.vadose.mm;

import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.Mmu;
import org.vadose.nt.SelfMap;
import org.vadose.pe.PeBuilder;

/** The memory manager: what the rest of the kernel asks of memory, from boot on. */
public final class MemoryManager {
    private static final long DRIVER_IMAGES_OFFSET = 32 * Pages.LARGE_SIZE;
    private static final long DRIVER_IMAGES_PAGES = 1 << 14;

    private final Mmu mmu;
    private final SelfMap selfMap;
    private final long kernelBase;
    private final PfnDatabase pfns;
    private final SystemSpace systemSpace;

    private MemoryManager(Mmu mmu, BootMemory boot, PfnDatabase pfns) {
        this.mmu = mmu;
        this.selfMap = boot.selfMap();
        this.kernelBase = boot.kernelBase();
        this.pfns = pfns;
        this.systemSpace = new SystemSpace(mmu, selfMap, pfns);
        for (SystemRegion region : new SystemRegion[] {
            SystemRegion.NON_PAGED_POOL,
            SystemRegion.PAGED_POOL,
            SystemRegion.SYSTEM_PTES,
            SystemRegion.KERNEL_STACKS,
            SystemRegion.SESSION
        }) {
            systemSpace.open(region, boot.regionBase(region), 0, pfns.frames());
        }
        // Drivers load behind the kernel image.
        systemSpace.open(SystemRegion.SYSTEM_IMAGES, boot.kernelBase() + DRIVER_IMAGES_OFFSET, 0, DRIVER_IMAGES_PAGES);
    }

    /**
     * Sets memory up as the boot loader and the kernel's first phase do: System's page tables with their self-map, the kernel image
     * at its randomised base, the PFN database, system space.
     *
     * @param mmu of the first processor; its RAM is untouched so far
     */
    public static MemoryManager boot(Mmu mmu, long seed, PeBuilder kernelImage) {
        BootMemory boot = new BootMemory(mmu.ram(), seed, kernelImage);
        boot.mapKernel(mmu, kernelImage);
        return new MemoryManager(mmu, boot, boot.buildPfnDatabase(mmu));
    }

    /** Memory as the kernel sees it. */
    public Memory kernelMemory() {
        return mmu.kernel();
    }

    public Mmu mmu() {
        return mmu;
    }

    public long kernelBase() {
        return kernelBase;
    }

    public SelfMap selfMap() {
        return selfMap;
    }

    public PfnDatabase pfns() {
        return pfns;
    }

    public SystemSpace systemSpace() {
        return systemSpace;
    }

    /** Physical address of System's PML4. */
    public long systemRoot() {
        return BootMemory.SYSTEM_ROOT;
    }

    /**
     * Takes zeroed pages for a pool.
     *
     * @return address of the first
     * @throws IllegalStateException when RAM or the pool's region is used up
     */
    public long allocatePoolPages(boolean paged, long pages) {
        long address =
                systemSpace.allocate(paged ? SystemRegion.PAGED_POOL : SystemRegion.NON_PAGED_POOL, pages, false);
        if (address == 0) {
            throw new IllegalStateException("out of pool paged=" + paged + " bytes=" + pages * Pages.SIZE);
        }
        return address;
    }

    public void freePoolPages(boolean paged, long address, long pages) {
        systemSpace.free(paged ? SystemRegion.PAGED_POOL : SystemRegion.NON_PAGED_POOL, address, pages);
    }
}
