package org.vadose.memory;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongUnaryOperator;
import org.vadose.base.Pages;

/**
 * The x64 four-level format (Intel SDM volume 3, 4.5).
 *
 * <pre>
 *  63 62..59 58..52 51..........12 11..9 8 7  6 5 4   3   2   1   0
 *  NX  key   avail  frame          avail G PS D A PCD PWT U/S R/W P
 * </pre>
 *
 * PS (bit 7) makes a level-2 entry map 2 MB and a level-3 entry 1 GB. CR0.WP is always on. While EFER.NXE is off, a
 * present entry with NX set is refused, and everything that can be read can be executed.
 */
public final class X64PageTables implements PageTableFormat {
    public static final long PRESENT = 1;
    public static final long WRITE = 2;
    public static final long USER = 4;
    public static final long WRITE_THROUGH = 8;
    public static final long CACHE_DISABLE = 0x10;
    public static final long ACCESSED = 0x20;
    public static final long DIRTY = 0x40;
    public static final long LARGE = 0x80;
    public static final long GLOBAL = 0x100;
    public static final long NO_EXECUTE = 1L << 63;
    /** Bits 12 to 51. */
    public static final long FRAME_MASK = 0x000F_FFFF_FFFF_F000L;

    public static final int LEVELS = 4;
    /** What one table of the lowest level maps. */
    private static final int REGION_SHIFT = Pages.SHIFT + 9;

    private final boolean noExecuteEnabled;

    public X64PageTables() {
        this(true);
    }

    /** @param noExecuteEnabled EFER.NXE */
    public X64PageTables(boolean noExecuteEnabled) {
        this.noExecuteEnabled = noExecuteEnabled;
    }

    @Override
    public long validBits() {
        return noExecuteEnabled ? -1L : ~NO_EXECUTE;
    }

    @Override
    public boolean walk(Memory physical, long root, long virtualAddress, int wanted, PageWalk result) {
        // Without NXE a fetch is reported as the read it is.
        int access = noExecuteEnabled ? wanted : wanted & ~PageFaultCode.FETCH;
        if (!Pages.isCanonical(virtualAddress)) {
            result.errorCode = access;
            return false;
        }
        long region = virtualAddress >>> REGION_SHIFT;
        int level = LEVELS;
        long table = root & FRAME_MASK;
        // No-execute turned round, so that all of them are rights.
        long rights = WRITE | USER | NO_EXECUTE;
        if (result.knows(region)) {
            level = 1;
            table = result.table(region);
            rights = result.rights(region);
        }
        for (; ; level--) {
            long entryAddress = table + index(level, virtualAddress) * 8;
            long entry = physical.readLong(entryAddress);
            if ((entry & PRESENT) == 0) {
                result.errorCode = access;
                return false;
            }
            rights &= entry ^ NO_EXECUTE;
            if (!isLeaf(level, entry)) {
                if ((entry & ACCESSED) == 0 && !setBits(physical, entryAddress, entry, ACCESSED, result)) {
                    return walk(physical, root, virtualAddress, access, result);
                }
                table = entry & FRAME_MASK;
                if (level == 2) {
                    result.learn(region, table, rights);
                }
                continue;
            }
            if (!noExecuteEnabled && (rights & NO_EXECUTE) == 0) {
                result.errorCode = access | PageFaultCode.PRESENT | PageFaultCode.RESERVED;
                return false;
            }
            if (!allowed(access, rights)) {
                result.errorCode = access | PageFaultCode.PRESENT;
                return false;
            }
            long noted = (access & PageFaultCode.WRITE) != 0 ? ACCESSED | DIRTY : ACCESSED;
            if ((entry & noted) != noted && !setBits(physical, entryAddress, entry, noted, result)) {
                return walk(physical, root, virtualAddress, access, result);
            }
            long offsetMask = pageSizeBytes(level) - 1;
            result.physicalAddress = (entry & FRAME_MASK & ~offsetMask) | (virtualAddress & offsetMask);
            result.writeReady = (rights & WRITE) != 0 && ((entry | noted) & DIRTY) != 0;
            return true;
        }
    }

    private static boolean allowed(int access, long rights) {
        return ((access & PageFaultCode.USER) == 0 || (rights & USER) != 0)
                && ((access & PageFaultCode.WRITE) == 0 || (rights & WRITE) != 0)
                && ((access & PageFaultCode.FETCH) == 0 || (rights & NO_EXECUTE) != 0);
    }

    /** False when the entry is no longer the one that was walked: what it means must be found out again. */
    private static boolean setBits(Memory physical, long entryAddress, long entry, long bits, PageWalk result) {
        if (result.isAlone) {
            physical.writeLong(entryAddress, entry | bits);
            return true;
        }
        return physical.compareAndSetLong(entryAddress, entry, entry | bits);
    }

    @Override
    public List<Step> path(Memory physical, long root, long virtualAddress, LongUnaryOperator software) {
        List<Step> steps = new ArrayList<>(LEVELS);
        long table = root & FRAME_MASK;
        for (int level = LEVELS; level > 0; level--) {
            long entryAddress = table + index(level, virtualAddress) * 8;
            long entry;
            try {
                entry = physical.readLong(entryAddress);
            } catch (IndexOutOfBoundsException e) {
                break;
            }
            steps.add(new Step(level, entryAddress, entry));
            long effective = isPresent(entry) ? entry : software.applyAsLong(entry);
            if (!isPresent(effective) || isLeaf(level, effective)) {
                break;
            }
            table = effective & FRAME_MASK;
        }
        return steps;
    }

    @Override
    public boolean isLeaf(int level, long entry) {
        return level == 1 || (level <= 3 && (entry & LARGE) != 0);
    }

    @Override
    public long pageSizeBytes(int level) {
        return Pages.SIZE << (9 * (level - 1));
    }

    @Override
    public long frameAddress(int level, long entry) {
        return isLeaf(level, entry) ? entry & FRAME_MASK & -pageSizeBytes(level) : entry & FRAME_MASK;
    }

    @Override
    public boolean isPresent(long entry) {
        return (entry & PRESENT) != 0;
    }

    /** Which of a table's 512 entries the address selects at this level. */
    public static int index(int level, long virtualAddress) {
        return (int) (virtualAddress >>> (Pages.SHIFT + 9 * (level - 1))) & 0x1FF;
    }
}
