package org.vadose.nt;

import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiCombinePageListheadLayout;
import org.vadose.layout.MiPageCombineStatisticsLayout;
import org.vadose.layout.MiPageCombiningSupportLayout;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.RtlBalancedNodeLayout;
import org.vadose.memory.Memory;

/**
 * What equal private pages that became one have in common. The public symbols name the trees that it is in and not the block: from
 * {@code +18} on it is ours. The prototype PTE stands for the page; it is valid as long as a PTE maps it.
 *
 * <pre>
 *   +00 _RTL_BALANCED_NODE in one of nt!MiSystemPartition.PageCombine.CombinePageListHeads[16], by hash, not rebalanced
 *   +18 hash of the page's contents, which never change
 *   +20 prototype PTE
 *   +28 PTEs that name the page, valid or not
 * </pre>
 */
public record CombineBlock(Memory memory, long address) {
    public static final long SIZE = 0x30;
    public static final int TAG = PoolTag.of("MmCb");
    public static final int TREES = 16;

    private static final long HASH = 0x18;
    private static final long PROTOTYPE = 0x20;
    private static final long REFERENCES = 0x28;

    /** Address of the {@code _MI_PAGE_COMBINING_SUPPORT} of the system partition. */
    public static long support(long kernelBase) {
        return kernelBase + KernelSymbols.MI_SYSTEM_PARTITION + MiPartitionLayout.PAGE_COMBINE;
    }

    /** Address of the field that points to the root of a tree. */
    public static long root(long kernelBase, int tree) {
        return support(kernelBase)
                + MiPageCombiningSupportLayout.COMBINE_PAGE_LIST_HEADS
                + tree * MiCombinePageListheadLayout.SIZE;
    }

    /** Address of the {@code _MI_PAGE_COMBINE_STATISTICS}. */
    public static long statistics(long kernelBase) {
        return support(kernelBase) + MiPageCombiningSupportLayout.PAGE_COMBINE_STATS;
    }

    /** The tree that blocks of a hash are in. */
    public static int tree(long hash) {
        return (int) hash & TREES - 1;
    }

    /** Hash of a page's contents. */
    public static long hash(byte[] page) {
        long hash = 0;
        for (int i = 0; i < page.length; i += Long.BYTES) {
            long word = 0;
            for (int j = Long.BYTES - 1; j >= 0; j--) {
                word = word << 8 | page[i + j] & 0xFF;
            }
            hash = (hash ^ word) * 0x9E37_79B9_7F4A_7C15L;
            hash ^= hash >>> 29;
        }
        return hash;
    }

    public static CombineBlock ofPrototype(Memory memory, long prototypeAddress) {
        return new CombineBlock(memory, prototypeAddress - PROTOTYPE);
    }

    public void initialize(long hash) {
        memory.fill(address, SIZE, (byte) 0);
        memory.writeLong(address + HASH, hash);
    }

    public long hash() {
        return memory.readLong(address + HASH);
    }

    public long prototypeAddress() {
        return address + PROTOTYPE;
    }

    public long references() {
        return memory.readLong(address + REFERENCES);
    }

    /** Answers how many there are then. */
    public long addReferences(long delta) {
        long now = references() + delta;
        memory.writeLong(address + REFERENCES, now);
        return now;
    }

    /** Address of the block below: side 0 has the smaller hashes, 1 the greater ones. */
    public long child(int side) {
        return memory.readLong(childField(side));
    }

    /** Address of the pointer to a child. */
    public long childField(int side) {
        return address + (side == 0 ? RtlBalancedNodeLayout.LEFT : RtlBalancedNodeLayout.RIGHT);
    }

    public long parent() {
        return memory.readLong(address + RtlBalancedNodeLayout.PARENT_VALUE);
    }

    public void setParent(long parent) {
        memory.writeLong(address + RtlBalancedNodeLayout.PARENT_VALUE, parent);
    }

    // --- statistics ---

    public static void count(Memory memory, long kernelBase, long activeScanned, long combined) {
        long at = statistics(kernelBase);
        memory.getAndAddLong(at + MiPageCombineStatisticsLayout.PAGES_SCANNED_ACTIVE, activeScanned);
        memory.getAndAddLong(at + MiPageCombineStatisticsLayout.PAGES_COMBINED, combined);
        memory.getAndAddInt(at + MiPageCombineStatisticsLayout.COMBINE_SCAN_COUNT, 1);
    }

    public static void countBlocks(Memory memory, long kernelBase, int blocks, int references) {
        long at = statistics(kernelBase);
        memory.getAndAddInt(at + MiPageCombineStatisticsLayout.COMBINED_BLOCKS_IN_USE, blocks);
        memory.getAndAddInt(at + MiPageCombineStatisticsLayout.SUM_COMBINED_BLOCKS_REFERENCE_COUNT, references);
    }
}
