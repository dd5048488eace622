package org.vadose.mm;

import java.util.EnumMap;
import java.util.Map;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.base.ResourcesException;
import org.vadose.memory.Memory;
import org.vadose.memory.Mmus;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.Pfn;
import org.vadose.nt.SelfMap;

/**
 * The kernel's half of every address space, once it is mapped: page tables grown on demand through the self-map, and runs of
 * pages taken from a region by a bitmap that stands in the region's first pages.
 *
 * <p>All PML4 entries of the kernel half exist from boot on and are the same in every address space, so what grows below them
 * is seen everywhere at once.
 */
public final class SystemSpace {
    /** A kernel page that may be written and not executed: valid, accessed, dirty, no-execute; bit 11 says writable to Windows. */
    static final long KERNEL_DATA = X64PageTables.PRESENT
            | X64PageTables.WRITE
            | X64PageTables.ACCESSED
            | X64PageTables.DIRTY
            | 1L << 11
            | X64PageTables.NO_EXECUTE;
    /** A kernel page that may be executed too, and what tables of the kernel half are mapped with. */
    static final long KERNEL_CODE_AND_DATA = KERNEL_DATA & ~X64PageTables.NO_EXECUTE;

    /** What a run of pages may need besides. */
    private static final long TABLES = 4;

    private final Mmus mmu;
    private final Memory memory;
    private final SelfMap selfMap;
    private final PfnDatabase pfns;
    private final Commit commit;
    private final long leftByPools;
    private final Map<SystemRegion, Run> runs = new EnumMap<>(SystemRegion.class);

    /** A region that gives out pages; {@code hint} is where the next search begins. */
    private static final class Run {
        final long base;
        final long bits;
        long hint;

        Run(long base, long bits) {
            this.base = base;
            this.bits = bits;
        }
    }

    SystemSpace(Mmus mmu, SelfMap selfMap, PfnDatabase pfns, Commit commit) {
        this.mmu = mmu;
        this.memory = mmu.kernel();
        this.selfMap = selfMap;
        this.pfns = pfns;
        this.commit = commit;
        this.leftByPools = BalanceSet.usualLow(pfns.frames());
    }

    public SelfMap selfMap() {
        return selfMap;
    }

    /**
     * Lets pages be taken from a region.
     *
     * @param firstFree bytes at the region's start that are in use already
     * @param pages the most pages it may hold
     */
    void open(SystemRegion region, long base, long firstFree, long pages) {
        long bitmapPages = Pages.count(Pages.count(firstFree) / 8 + pages / 8 + 8);
        long bitmap = base + Pages.up(firstFree);
        for (long i = 0; i < bitmapPages; i++) {
            map(bitmap + i * Pages.SIZE, KERNEL_DATA);
        }
        runs.put(region, new Run(bitmap, Pages.alignDown(pages, 64)));
        mark(runs.get(region), 0, bitmapPages, true);
    }

    /**
     * Takes a run of zeroed pages from a region.
     *
     * @return address of the first, or 0 when the region or RAM is used up
     */
    public long allocate(SystemRegion region, long pages, boolean executable) {
        Run run = open(region);
        pfns.makeAvailableForSystem(pages);
        long first = findClear(run, pages);
        boolean isForPrograms = isForPrograms(region) && !pfns.isMakingAvailable();
        long left = isForPrograms ? leftByPools : TABLES;
        if (first < 0 || pfns.availablePages() < pages + left || isForPrograms && !commit.leavesReserve(pages)) {
            return 0;
        }
        mark(run, first, pages, true);
        run.hint = first + pages;
        long address = run.base + first * Pages.SIZE;
        for (long i = 0; i < pages; i++) {
            map(address + i * Pages.SIZE, executable ? KERNEL_CODE_AND_DATA : KERNEL_DATA);
        }
        return address;
    }

    /** Whether it is programs that cause what is taken from a region: then they must be left enough to go on. */
    private static boolean isForPrograms(SystemRegion region) {
        return region == SystemRegion.NON_PAGED_POOL
                || region == SystemRegion.PAGED_POOL
                || region == SystemRegion.KERNEL_STACKS;
    }

    /** Frames that pools and kernel stacks do not take; tables for what they take may come out of them. */
    long leftByPools() {
        return leftByPools;
    }

    /** Gives back what {@link #allocate} returned. */
    public void free(SystemRegion region, long address, long pages) {
        Run run = open(region);
        long first = (address - run.base) >>> Pages.SHIFT;
        for (long i = 0; i < pages; i++) {
            if (!isSet(run, first + i)) {
                throw new IllegalStateException("freeing system pages that are not in use region=" + region
                        + " address=" + Hex.address(address + i * Pages.SIZE));
            }
            unmap(address + i * Pages.SIZE);
        }
        mark(run, first, pages, false);
        run.hint = Math.min(run.hint, first);
    }

    private Run open(SystemRegion region) {
        Run run = runs.get(region);
        if (run == null) {
            throw new IllegalArgumentException("no pages can be taken from region=" + region);
        }
        return run;
    }

    private void map(long address, long bits) {
        makeTables(address);
        long pte = selfMap.pte(address);
        memory.writeLong(pte, newFrame(pte) << Pages.SHIFT | bits & mmu.format().validBits());
    }

    /** Makes the tables that hold the PTE of an address. */
    void makeTables(long address) {
        for (int level = 3; level >= 1; level--) {
            long entry = selfMap.entry(level + 1, address);
            if ((memory.readLong(entry) & X64PageTables.PRESENT) == 0) {
                memory.writeLong(entry, newFrame(entry) << Pages.SHIFT | KERNEL_CODE_AND_DATA);
            }
        }
    }

    private long newFrame(long entry) {
        long table = tableFrame(entry);
        long frame = commit.chargeSystem(1) ? pfns.allocate(entry, table) : PfnDatabase.NONE;
        if (frame == PfnDatabase.NONE) {
            throw new ResourcesException("out of RAM for system space entry=" + Hex.address(entry));
        }
        Pfn containing = pfns.pfn(table);
        containing.setShareCount(containing.shareCount() + 1);
        return frame;
    }

    private void unmap(long address) {
        long pte = selfMap.pte(address);
        long frame = (memory.readLong(pte) & X64PageTables.FRAME_MASK) >>> Pages.SHIFT;
        memory.writeLong(pte, 0);
        mmu.invalidatePage(address);
        Pfn containing = pfns.pfn(tableFrame(pte));
        containing.setShareCount(containing.shareCount() - 1);
        pfns.free(frame);
        commit.releaseSystem(1);
    }

    /** Frame of the table page that an entry, seen through the self-map, lies in. */
    private long tableFrame(long entry) {
        return (memory.readLong(selfMap.pte(entry)) & X64PageTables.FRAME_MASK) >>> Pages.SHIFT;
    }

    /** Pages of a region that are taken. */
    long pagesInUse(SystemRegion region) {
        Run run = open(region);
        long taken = 0;
        for (long bit = 0; bit < run.bits; bit += Long.SIZE) {
            taken += Long.bitCount(memory.readLong(run.base + (bit >>> 3)));
        }
        return taken;
    }

    private long findClear(Run run, long pages) {
        long found = findClear(run, run.hint, pages);
        return found >= 0 ? found : findClear(run, 0, pages);
    }

    private long findClear(Run run, long from, long pages) {
        long length = 0;
        for (long bit = from; bit < run.bits; bit++) {
            if ((bit & 63) == 0 && memory.readLong(run.base + (bit >>> 3)) == -1L) {
                bit += 63;
                length = 0;
                continue;
            }
            length = isSet(run, bit) ? 0 : length + 1;
            if (length == pages) {
                return bit - pages + 1;
            }
        }
        return -1;
    }

    private boolean isSet(Run run, long bit) {
        return (memory.readByte(run.base + (bit >>> 3)) >>> (bit & 7) & 1) != 0;
    }

    private void mark(Run run, long first, long count, boolean set) {
        for (long bit = first; bit < first + count; bit++) {
            long at = run.base + (bit >>> 3);
            int mask = 1 << (bit & 7);
            int old = memory.readByte(at);
            memory.writeByte(at, (byte) (set ? old | mask : old & ~mask));
        }
    }
}
