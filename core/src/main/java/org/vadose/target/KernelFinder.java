package org.vadose.target;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.X64PageTables;
import org.vadose.pe.PeFormatException;
import org.vadose.pe.PeImage;

/**
 * Finds the kernel in a raw image that says nothing about itself: first a top page table that maps itself, in the places where
 * Windows' boot loader puts System's, then a mapped PE image with a kernel's debug record in the part of the address space where
 * Windows puts the kernel.
 *
 * <p>The windows and conditions are those by which Volatility 3 recognises Windows 10 images, so that both tools accept the same
 * files.
 */
public final class KernelFinder {
    private static final long SELF_FIRST = 0x100;
    private static final long SELF_LAST = 0x1FE;
    /** Where the self-map entry stood before Windows 10 1607. */
    private static final long SELF_FIXED = 0x1ED;

    private static final long ENTRIES = 512;
    /** Bits 52 and 53 of the self entry are clear on a table that is in use. */
    private static final long SELF_FRAME_MASK = 0x003F_FFFF_FFFF_F000L;

    private static final long[][] MODERN_WINDOWS = {{0x150000, 0x2A0000}, {0x650000, 0x6F0000}};
    private static final long[][] OLD_WINDOWS = {{0x30000, 0x1030000}};

    /** Kernel images lie here; the lowest that qualifies is taken. */
    private static final long IMAGES_START = 0xFFFF_F800_0000_0000L;

    private static final long IMAGES_END = 0xFFFF_FF00_0000_0000L;

    private static final Pattern KERNEL_PDB =
            Pattern.compile("(.*\\\\)?nt(oskrnl|krnlmp|kr(nl|pa|pamp|nlpa))\\.pdb", Pattern.CASE_INSENSITIVE);

    private final Memory physical;
    private final long sizeBytes;

    /** @param sizeBytes one more than the highest physical address */
    public KernelFinder(Memory physical, long sizeBytes) {
        this.physical = physical;
        this.sizeBytes = sizeBytes;
    }

    /** Physical address of System's top page table, or -1. */
    public long findRoot() {
        long root = scan(MODERN_WINDOWS, SELF_FIRST, SELF_LAST);
        return root != -1 ? root : scan(OLD_WINDOWS, SELF_FIXED, SELF_FIXED);
    }

    private long scan(long[][] windows, long firstIndex, long lastIndex) {
        for (long[] window : windows) {
            for (long page = window[0]; page < window[1] && page + Pages.SIZE <= sizeBytes; page += Pages.SIZE) {
                if (isRoot(page, firstIndex, lastIndex)) {
                    return page;
                }
            }
        }
        return -1;
    }

    private boolean isRoot(long page, long firstIndex, long lastIndex) {
        byte[] bytes = new byte[(int) Pages.SIZE];
        try {
            physical.read(page, bytes, 0, bytes.length);
        } catch (IndexOutOfBoundsException e) {
            return false;
        }
        LongBuffer table = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer();
        int selfEntries = 0;
        for (int i = 0; i < ENTRIES; i++) {
            long entry = table.get(i);
            if ((entry & X64PageTables.PRESENT) == 0) {
                continue;
            }
            if ((entry & X64PageTables.LARGE) != 0 || (entry & X64PageTables.FRAME_MASK) >= sizeBytes) {
                return false;
            }
            if ((entry & SELF_FRAME_MASK) == page) {
                if (i < firstIndex || i > lastIndex) {
                    return false;
                }
                selfEntries++;
            }
        }
        return selfEntries == 1;
    }

    /** Virtual address of the kernel image in the address space of this root, or 0. */
    public long findKernelBase(TargetMemory kernel) {
        for (long page : mappedPages(kernel.root())) {
            if (isKernel(kernel, page)) {
                return page;
            }
        }
        return 0;
    }

    /** Whether a PE image with a kernel's debug record starts here. */
    public static boolean isKernel(TargetMemory memory, long base) {
        PeImage.DebugRecord record = debugRecord(memory, base);
        return record != null && KERNEL_PDB.matcher(record.pdbName()).matches();
    }

    /** The debug record of an image mapped here, if there is one and its bytes can be had. */
    public static PeImage.@Nullable DebugRecord debugRecord(TargetMemory memory, long base) {
        try {
            return memory.readUnsignedShort(base) == 0x5A4D
                    ? PeImage.ofMapped(memory, base).debugRecord()
                    : null;
        } catch (UnreadableMemoryException | PeFormatException | IndexOutOfBoundsException e) {
            return null;
        }
    }

    /** Starts of the mapped 4 KB pages where kernel images lie. A large page counts as each of its parts that starts 64 KB. */
    private List<Long> mappedPages(long root) {
        List<Long> pages = new ArrayList<>();
        collect(root, 4, 0xFFFF_0000_0000_0000L, pages);
        return pages;
    }

    private void collect(long table, int level, long base, List<Long> pages) {
        long span = Pages.SIZE << 9 * (level - 1);
        for (int i = 0; i < ENTRIES; i++) {
            long start = base + i * span;
            if (Long.compareUnsigned(start + span, IMAGES_START) <= 0 && start + span != 0
                    || Long.compareUnsigned(start, IMAGES_END) >= 0) {
                continue;
            }
            long entry;
            try {
                entry = physical.readLong(table + i * 8L);
            } catch (IndexOutOfBoundsException e) {
                return;
            }
            if ((entry & X64PageTables.PRESENT) == 0) {
                continue;
            }
            if (level == 1) {
                pages.add(start);
            } else if (level <= 3 && (entry & X64PageTables.LARGE) != 0) {
                for (long at = start; at < start + Math.min(span, Pages.LARGE_SIZE); at += Pages.GRANULARITY) {
                    pages.add(at);
                }
            } else if ((entry & X64PageTables.FRAME_MASK) != table) {
                collect(entry & X64PageTables.FRAME_MASK, level - 1, start, pages);
            }
        }
    }
}
