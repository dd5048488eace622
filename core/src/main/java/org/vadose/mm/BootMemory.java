package org.vadose.mm;

import org.vadose.base.Pages;
import org.vadose.base.SeededRandom;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiSystemInformationLayout;
import org.vadose.layout.MiSystemVaAssignmentLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.layout.MiVisibleStateLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.Mmus;
import org.vadose.memory.PhysicalMemory;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.Pfn;
import org.vadose.nt.SelfMap;
import org.vadose.pe.PeBuilder;

/**
 * Memory as the boot loader and the first phase of the kernel leave it.
 *
 * <pre>
 * 0x000000   frame 0, never given out
 * 0x001000.. page tables of the boot, taken upwards, not where the next lines say
 * 0x1AD000   System's PML4
 * image      the kernel image, aligned to and mapped with 2 MB pages: from 16 MB, or 8 MB on a machine of less than 64 MB
 *            then the PFN database and the heads of the lists of unused frames, a run of frames of its own
 * </pre>
 *
 * System space takes one PML4 slot a region, drawn from the seed; the kernel image's slot and that of the shared user data are
 * fixed, as in Windows.
 */
final class BootMemory {
    /** Where Windows 10 keeps System's PML4. */
    static final long SYSTEM_ROOT = 0x1AD000;

    static final long SHARED_USER_DATA = 0xFFFF_F780_0000_0000L;
    private static final long SYSTEM_IMAGES = 0xFFFF_F800_0000_0000L;
    private static final long SLOT_BYTES = 1L << 39;
    private static final int FIRST_SLOT = 0x100;
    private static final int SHARED_USER_DATA_SLOT = X64PageTables.index(4, SHARED_USER_DATA);

    private final PhysicalMemory ram;
    private final NodeTopology topology;
    private final boolean[] taken;
    /** The PML4 entry of each region, by its ordinal. */
    private final int[] slots = new int[SystemRegion.values().length];

    private final SelfMap selfMap;
    private final long imagePhysical;
    private final long imageBytes;
    private final long kernelBase;
    private long nextFrame = 1;

    BootMemory(PhysicalMemory ram, NodeTopology topology, long seed, PeBuilder kernelImage) {
        this.ram = ram;
        this.topology = topology;
        SeededRandom random = SeededRandom.of(seed, "system space");
        int selfMapSlot = SHARED_USER_DATA_SLOT;
        boolean[] used = new boolean[512];
        used[SHARED_USER_DATA_SLOT] = true;
        for (SystemRegion region : SystemRegion.values()) {
            int slot = X64PageTables.index(4, SYSTEM_IMAGES);
            while (region != SystemRegion.SYSTEM_IMAGES
                    && used[slot = FIRST_SLOT + (int) random.below(SHARED_USER_DATA_SLOT - FIRST_SLOT)]) {
                // Taken; draw again.
            }
            used[slot] = true;
            slots[region.ordinal()] = slot;
            selfMapSlot = region == SystemRegion.PAGE_TABLES ? slot : selfMapSlot;
        }
        selfMap = SelfMap.ofIndex(selfMapSlot);
        kernelBase = SYSTEM_IMAGES
                + SeededRandom.of(seed, "kernel base").below(0x7000) * Pages.LARGE_SIZE
                + 0x200 * Pages.LARGE_SIZE;
        imageBytes = Pages.alignUp(kernelImage.sizeOfImage(), Pages.LARGE_SIZE);
        imagePhysical = ram.sizeBytes() >= 64L << 20 ? 16L << 20 : 8L << 20;
        long pfnBytes = PfnDatabase.sizeBytes(topology);
        long end = imagePhysical + imageBytes + pfnBytes;
        if (end + (1 << 20) > ram.sizeBytes()) {
            throw new IllegalArgumentException(
                    "too little RAM to boot ram=" + ram.sizeBytes() + " needed=" + (end + (1 << 20)));
        }
        taken = new boolean[(int) (end >>> Pages.SHIFT)];
        taken[0] = true;
        take(SYSTEM_ROOT, Pages.SIZE);
        take(imagePhysical, imageBytes + pfnBytes);
    }

    SelfMap selfMap() {
        return selfMap;
    }

    long kernelBase() {
        return kernelBase;
    }

    long regionBase(SystemRegion region) {
        return Pages.alignDown(-1L << 48 | (long) slots[region.ordinal()] << 39, SLOT_BYTES);
    }

    private void take(long address, long bytes) {
        for (long frame = address >>> Pages.SHIFT; frame < (address + bytes) >>> Pages.SHIFT; frame++) {
            taken[(int) frame] = true;
        }
    }

    private long newFrame() {
        while (taken[(int) nextFrame]) {
            nextFrame++;
        }
        taken[(int) nextFrame] = true;
        return nextFrame;
    }

    /** Writes the page tables and the kernel image, and turns the processor's paging on. */
    void mapKernel(Mmus mmu, PeBuilder kernelImage) {
        long data = SystemSpace.KERNEL_DATA & mmu.format().validBits();
        ram.writeLong(SYSTEM_ROOT + 8L * selfMap.index(), SYSTEM_ROOT | data);
        for (SystemRegion region : SystemRegion.values()) {
            if (region != SystemRegion.PAGE_TABLES) {
                table(SYSTEM_ROOT, slots[region.ordinal()]);
            }
        }
        kernelImage.writeTo(ram, imagePhysical);
        for (long at = 0; at < imageBytes; at += Pages.LARGE_SIZE) {
            long directory = tableFor(kernelBase + at, 2);
            ram.writeLong(
                    directory + 8L * X64PageTables.index(2, kernelBase + at),
                    imagePhysical + at | SystemSpace.KERNEL_CODE_AND_DATA | X64PageTables.LARGE);
        }
        long pfnBase = regionBase(SystemRegion.PFN_DATABASE);
        long pfnPhysical = imagePhysical + imageBytes;
        for (long at = 0; at < PfnDatabase.sizeBytes(topology); at += Pages.SIZE) {
            long pte = tableFor(pfnBase + at, 1) + 8L * X64PageTables.index(1, pfnBase + at);
            ram.writeLong(pte, pfnPhysical + at | data);
        }
        long sharedPte = tableFor(SHARED_USER_DATA, 1) + 8L * X64PageTables.index(1, SHARED_USER_DATA);
        ram.writeLong(sharedPte, newFrame() << Pages.SHIFT | data);
        mmu.loadRoot(SYSTEM_ROOT);
    }

    /** Physical address of the table that holds the entry of this level for an address. */
    private long tableFor(long virtualAddress, int level) {
        long table = SYSTEM_ROOT;
        for (int l = 4; l > level; l--) {
            table = table(table, X64PageTables.index(l, virtualAddress));
        }
        return table;
    }

    private long table(long parent, int index) {
        long entry = ram.readLong(parent + 8L * index);
        if (entry == 0) {
            entry = newFrame() << Pages.SHIFT | SystemSpace.KERNEL_CODE_AND_DATA;
            ram.writeLong(parent + 8L * index, entry);
        }
        return entry & X64PageTables.FRAME_MASK;
    }

    /** Fills the PFN database and the kernel variables about memory; from here on frames come from the lists. */
    PfnDatabase buildPfnDatabase(Mmus mmu) {
        Memory memory = mmu.kernel();
        long pfnBase = regionBase(SystemRegion.PFN_DATABASE);
        memory.writeLong(kernelBase + KernelSymbols.MM_PFN_DATABASE, pfnBase);
        memory.writeLong(kernelBase + KernelSymbols.MM_PTE_BASE, selfMap.pteBase());
        PfnDatabase pfns = new PfnDatabase(mmu, topology, pfnBase, kernelBase);
        pfns.initialize(taken);
        adopt(pfns, SYSTEM_ROOT, 4, 0);
        Pfn root = pfns.pfn(SYSTEM_ROOT >>> Pages.SHIFT);
        root.setPteAddress(selfMap.pxe(selfMap.pteBase()));
        root.setPteFrame(SYSTEM_ROOT >>> Pages.SHIFT, false);
        long partition = kernelBase + KernelSymbols.MI_SYSTEM_PARTITION + MiPartitionLayout.VP;
        memory.writeLong(partition + MiVisiblePartitionLayout.LOWEST_PHYSICAL_PAGE, 1);
        memory.writeLong(partition + MiVisiblePartitionLayout.HIGHEST_PHYSICAL_PAGE, ram.frames() - 1);
        memory.writeLong(partition + MiVisiblePartitionLayout.NUMBER_OF_PHYSICAL_PAGES, ram.frames());
        memory.writeLong(partition + MiVisiblePartitionLayout.RESIDENT_AVAILABLE_PAGES, pfns.availablePages());
        memory.writeLong(
                partition + MiVisiblePartitionLayout.TOTAL_COMMIT_LIMIT,
                ram.frames() - 2 * BalanceSet.usualLow(ram.frames()));
        long visible = kernelBase + KernelSymbols.MI_STATE + MiSystemInformationLayout.VS;
        memory.writeLong(kernelBase + KernelSymbols.MI_VISIBLE_STATE, visible);
        long regions = visible + MiVisibleStateLayout.SYSTEM_VA_REGIONS;
        for (SystemRegion region : SystemRegion.values()) {
            long assignment = regions + region.index() * MiSystemVaAssignmentLayout.SIZE;
            memory.writeLong(assignment + MiSystemVaAssignmentLayout.BASE_ADDRESS, regionBase(region));
            memory.writeLong(assignment + MiSystemVaAssignmentLayout.NUMBER_OF_BYTES, SLOT_BYTES);
        }
        return pfns;
    }

    /** Gives every frame below a table its place: which entry maps it, in which table. */
    private void adopt(PfnDatabase pfns, long table, int level, long base) {
        long entries = 0;
        for (int i = 0; i < 512; i++) {
            long entry = ram.readLong(table + 8L * i);
            if (entry == 0 || (entry & X64PageTables.FRAME_MASK) == SYSTEM_ROOT) {
                continue;
            }
            entries++;
            long address = base + ((long) i << Pages.SHIFT + 9 * (level - 1)) << 16 >> 16;
            boolean large = level == 2 && (entry & X64PageTables.LARGE) != 0;
            long frame = (entry & X64PageTables.FRAME_MASK) >>> Pages.SHIFT;
            for (long f = frame; f < frame + (large ? 512 : 1); f++) {
                Pfn pfn = pfns.pfn(f);
                pfn.setPteAddress(selfMap.entry(level, address));
                pfn.setPteFrame(table >>> Pages.SHIFT, false);
            }
            if (level > 1 && !large) {
                adopt(pfns, frame << Pages.SHIFT, level - 1, address);
            }
        }
        Pfn pfn = pfns.pfn(table >>> Pages.SHIFT);
        pfn.setShareCount(1 + entries);
    }
}
