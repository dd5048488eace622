package org.vadose.mm;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.layout.MmsupportFlagsLayout;
import org.vadose.layout.MmsupportInstanceLayout;
import org.vadose.layout.MmwslInstanceLayout;
import org.vadose.memory.Memory;

/**
 * The working set of the system cache: pages that views of files make valid. Its counts and limits are in
 * {@code nt!MiSystemPartition.Vp.PartitionWs}, a {@code _MMSUPPORT_INSTANCE}.
 */
public final class SystemCacheWorkingSet {
    /** {@code WorkingSetTypeSystemCache} of {@code _MMSUPPORT_FLAGS.WorkingSetType}. */
    private static final int TYPE = 2;

    /** What 64-bit Windows begins with: 1 MB, 1 TB. */
    private static final long USUAL_MINIMUM_PAGES = 256;

    private static final long USUAL_MAXIMUM_PAGES = 1L << 28;

    /** {@code FILE_CACHE_MAX_HARD_ENABLE} and its kin. */
    public static final int MAXIMUM_HARD_ENABLE = 1;

    public static final int MAXIMUM_HARD_DISABLE = 2;
    public static final int MINIMUM_HARD_ENABLE = 4;
    public static final int MINIMUM_HARD_DISABLE = 8;

    /** With a hard maximum, a call must still be able to move what it moves at once. */
    private static final long LEAST_MAXIMUM_PAGES = 256;

    private static final int MAXIMUM_HARD = 1 << MmsupportFlagsLayout.MAXIMUM_WORKING_SET_HARD_SHIFT;
    private static final int MINIMUM_HARD = 1 << MmsupportFlagsLayout.MINIMUM_WORKING_SET_HARD_SHIFT;

    private final Memory memory;
    private final long at;
    private final long list;
    private final long frames;

    SystemCacheWorkingSet(Memory memory, long kernelBase, long frames) {
        this.memory = memory;
        this.frames = frames;
        long partition = kernelBase + KernelSymbols.MI_SYSTEM_PARTITION + MiPartitionLayout.VP;
        at = partition + MiVisiblePartitionLayout.PARTITION_WS;
        list = partition + MiVisiblePartitionLayout.PARTITION_WORKING_SET_LISTS;
        memory.writeLong(at + MmsupportInstanceLayout.VM_WORKING_SET_LIST, list);
        memory.writeLong(at + MmsupportInstanceLayout.MINIMUM_WORKING_SET_SIZE, USUAL_MINIMUM_PAGES);
        memory.writeLong(at + MmsupportInstanceLayout.MAXIMUM_WORKING_SET_SIZE, USUAL_MAXIMUM_PAGES);
        memory.writeByte(at + MmsupportInstanceLayout.FLAGS, (byte) TYPE);
    }

    public long sizePages() {
        return read(MmsupportInstanceLayout.WORKING_SET_SIZE);
    }

    public long peakPages() {
        return read(MmsupportInstanceLayout.PEAK_WORKING_SET_SIZE);
    }

    public long minimumPages() {
        return read(MmsupportInstanceLayout.MINIMUM_WORKING_SET_SIZE);
    }

    public long maximumPages() {
        return read(MmsupportInstanceLayout.MAXIMUM_WORKING_SET_SIZE);
    }

    public int faults() {
        return memory.readInt(at + MmsupportInstanceLayout.PAGE_FAULT_COUNT);
    }

    /** Those of {@link #MAXIMUM_HARD_ENABLE} and {@link #MINIMUM_HARD_ENABLE} that are so. */
    public int hardLimits() {
        int flags = memory.readByte(at + MmsupportInstanceLayout.FLAGS);
        return ((flags & MAXIMUM_HARD) != 0 ? MAXIMUM_HARD_ENABLE : 0)
                | ((flags & MINIMUM_HARD) != 0 ? MINIMUM_HARD_ENABLE : 0);
    }

    /**
     * Changes the limits; sizes of which one is 0 stay as they are.
     *
     * @param flags {@link #MAXIMUM_HARD_ENABLE} and its kin
     * @return INVALID_PARAMETER for flags that exclude each other or are none, for limits that are the wrong way round or that this
     *     much RAM cannot keep
     */
    NtStatus setLimits(long minimumBytes, long maximumBytes, int flags) {
        int maximumFlags = flags & (MAXIMUM_HARD_ENABLE | MAXIMUM_HARD_DISABLE);
        int minimumFlags = flags & (MINIMUM_HARD_ENABLE | MINIMUM_HARD_DISABLE);
        boolean isAmbiguous = Integer.bitCount(maximumFlags) > 1 || Integer.bitCount(minimumFlags) > 1;
        if (isAmbiguous || (maximumFlags | minimumFlags) != flags) {
            return NtStatus.INVALID_PARAMETER;
        }
        long minimum = minimumBytes == 0 ? minimumPages() : minimumBytes >>> Pages.SHIFT;
        long maximum = maximumBytes == 0 ? maximumPages() : maximumBytes >>> Pages.SHIFT;
        boolean isTooLarge = minimumBytes != 0 && minimum > frames / 2;
        if (minimum > maximum || maximum < LEAST_MAXIMUM_PAGES || isTooLarge) {
            return NtStatus.INVALID_PARAMETER;
        }
        write(MmsupportInstanceLayout.MINIMUM_WORKING_SET_SIZE, minimum);
        write(MmsupportInstanceLayout.MAXIMUM_WORKING_SET_SIZE, maximum);
        int bits = memory.readByte(at + MmsupportInstanceLayout.FLAGS);
        bits = changed(bits, MAXIMUM_HARD, maximumFlags, MAXIMUM_HARD_ENABLE);
        bits = changed(bits, MINIMUM_HARD, minimumFlags, MINIMUM_HARD_ENABLE);
        memory.writeByte(at + MmsupportInstanceLayout.FLAGS, (byte) bits);
        return NtStatus.SUCCESS;
    }

    private static int changed(int bits, int bit, int wanted, int enable) {
        if (wanted == 0) {
            return bits;
        }
        return wanted == enable ? bits | bit : bits & ~bit;
    }

    /** Pages that must go before so many can come, if the maximum is a hard one. */
    long overMaximum(long coming) {
        return (hardLimits() & MAXIMUM_HARD_ENABLE) == 0 ? 0 : sizePages() + coming - maximumPages();
    }

    void add(long delta) {
        long size = sizePages() + delta;
        write(MmsupportInstanceLayout.WORKING_SET_SIZE, size);
        write(MmsupportInstanceLayout.WORKING_SET_LEAF_SIZE, size);
        if (size > peakPages()) {
            write(MmsupportInstanceLayout.PEAK_WORKING_SET_SIZE, size);
        }
    }

    void countFault() {
        memory.writeInt(at + MmsupportInstanceLayout.PAGE_FAULT_COUNT, faults() + 1);
    }

    void countTrimmed(long pages) {
        write(MmsupportInstanceLayout.TRIMMED_PAGE_COUNT, read(MmsupportInstanceLayout.TRIMMED_PAGE_COUNT) + pages);
    }

    /** Address of the PTE with which the next trim begins; 0 before the first. */
    long nextPteToTrim() {
        return memory.readLong(list + MmwslInstanceLayout.NEXT_PTE_TO_TRIM);
    }

    void setNextPteToTrim(long pte) {
        memory.writeLong(list + MmwslInstanceLayout.NEXT_PTE_TO_TRIM, pte);
    }

    private long read(long field) {
        return memory.readLong(at + field);
    }

    private void write(long field, long value) {
        memory.writeLong(at + field, value);
    }
}
