package org.vadose.nt;

import org.vadose.base.VpnRange;
import org.vadose.layout.MmPrivateVadFlagsLayout;
import org.vadose.layout.MmvadFlags1Layout;
import org.vadose.layout.MmvadFlags2Layout;
import org.vadose.layout.MmvadFlagsLayout;
import org.vadose.layout.MmvadLayout;
import org.vadose.layout.MmvadShortLayout;
import org.vadose.layout.RtlBalancedNodeLayout;
import org.vadose.memory.Memory;

/**
 * A virtual address descriptor: {@code _MMVAD_SHORT} for private memory, the longer {@code _MMVAD} for a view of a section. Both
 * begin with the node of the process's tree; the pool tag before it tells which it is.
 */
public record Vad(Memory memory, long address) {
    /** Tag of a short VAD. */
    public static final int TAG_SHORT = PoolTag.of("VadS");
    /** Tag of a VAD of a view. */
    public static final int TAG_LONG = PoolTag.of("Vad ");

    public static final long SIZE_SHORT = MmvadShortLayout.SIZE;
    public static final long SIZE_LONG = MmvadLayout.SIZE;

    /** {@code VadType} of a view of an image section ({@code _MI_VAD_TYPE}). */
    public static final int TYPE_IMAGE_MAP = 2;

    /** {@code VadType} of a window on physical pages (AWE). */
    public static final int TYPE_AWE = 3;
    /** {@code VadType} of private large pages. */
    public static final int TYPE_LARGE_PAGES = 5;

    /** {@code VadType} of a view that maps a section's large pages as such. */
    public static final int TYPE_LARGE_PAGE_SECTION = 6;

    private static final long BALANCE_MASK = 3;
    private static final long LOW_HALF = 0xFFFF_FFFFL;

    public long startingVpn() {
        return memory.readUnsignedInt(address + MmvadShortLayout.STARTING_VPN)
                | (long) memory.readUnsignedByte(address + MmvadShortLayout.STARTING_VPN_HIGH) << 32;
    }

    public long endingVpn() {
        return memory.readUnsignedInt(address + MmvadShortLayout.ENDING_VPN)
                | (long) memory.readUnsignedByte(address + MmvadShortLayout.ENDING_VPN_HIGH) << 32;
    }

    /** Both ends, read at once: each low half stands beside the other's, and so do the high bytes. */
    public VpnRange range() {
        long low = memory.readLong(address + MmvadShortLayout.STARTING_VPN);
        int high = memory.readUnsignedShort(address + MmvadShortLayout.STARTING_VPN_HIGH);
        return new VpnRange(low & LOW_HALF | (high & 0xFFL) << 32, low >>> 32 | (high >>> 8 & 0xFFL) << 32);
    }

    public void setRange(long firstVpn, long lastVpn) {
        memory.writeLong(address + MmvadShortLayout.STARTING_VPN, firstVpn & LOW_HALF | lastVpn << 32);
        memory.writeShort(address + MmvadShortLayout.STARTING_VPN_HIGH, (short)
                (firstVpn >>> 32 & 0xFF | (lastVpn >>> 32 & 0xFF) << 8));
    }

    /** Makes memory of this size a VAD of a range, everything else zero; its node is written when it joins a tree. */
    public void initialize(long sizeBytes, long firstVpn, long lastVpn) {
        // As whole words: reading a word soon after it was written in parts, or in wider ones, waits for the write.
        for (long at = MmvadShortLayout.STARTING_VPN_HIGH; at < sizeBytes; at += Long.BYTES) {
            memory.writeLong(address + at, 0);
        }
        setRange(firstVpn, lastVpn);
    }

    private int flags() {
        return memory.readInt(address + MmvadShortLayout.U);
    }

    /** The five bits of {@link PageProtection} that the region was made with. */
    public int protection() {
        return flags() >>> MmvadFlagsLayout.PROTECTION_SHIFT & (int) MmvadFlagsLayout.PROTECTION_MASK;
    }

    public boolean isPrivate() {
        return (flags() >>> MmvadFlagsLayout.PRIVATE_MEMORY_SHIFT & 1) != 0;
    }

    /** {@code _MI_VAD_TYPE}. */
    public int type() {
        return flags() >>> MmvadFlagsLayout.VAD_TYPE_SHIFT & (int) MmvadFlagsLayout.VAD_TYPE_MASK;
    }

    public boolean isImage() {
        return type() == TYPE_IMAGE_MAP;
    }

    public boolean isLargePages() {
        return type() == TYPE_LARGE_PAGES;
    }

    /** A view that maps a section's large pages as such. */
    public boolean isLargePageSection() {
        return type() == TYPE_LARGE_PAGE_SECTION;
    }

    public boolean isAwe() {
        return type() == TYPE_AWE;
    }

    /** Private memory whose writes are watched ({@code _MM_PRIVATE_VAD_FLAGS.WriteWatch}). */
    public boolean isWriteWatch() {
        return isPrivate() && (flags() >>> MmPrivateVadFlagsLayout.WRITE_WATCH_SHIFT & 1) != 0;
    }

    public void setWriteWatch() {
        memory.writeInt(address + MmvadShortLayout.U, flags() | 1 << MmPrivateVadFlagsLayout.WRITE_WATCH_SHIFT);
    }

    /** First of the {@code _MI_VAD_EVENT_BLOCK}s, 0 for none. */
    public long eventList() {
        return memory.readLong(address + MmvadShortLayout.EVENT_LIST);
    }

    public void setEventList(long block) {
        memory.writeLong(address + MmvadShortLayout.EVENT_LIST, block);
    }

    /** The node whose memory its pages prefer, -1 for none in particular. */
    public int preferredNode() {
        return (flags() >>> MmvadFlagsLayout.PREFERRED_NODE_SHIFT & (int) MmvadFlagsLayout.PREFERRED_NODE_MASK) - 1;
    }

    /** @param node -1 for none in particular */
    public void setPreferredNode(int node) {
        int mask = (int) MmvadFlagsLayout.PREFERRED_NODE_MASK << MmvadFlagsLayout.PREFERRED_NODE_SHIFT;
        memory.writeInt(
                address + MmvadShortLayout.U, flags() & ~mask | (node + 1) << MmvadFlagsLayout.PREFERRED_NODE_SHIFT);
    }

    /** The region's protection may not be changed, nor the region freed. */
    public boolean isNoChange() {
        return (flags() >>> MmvadFlagsLayout.NO_CHANGE_SHIFT & 1) != 0;
    }

    public void setFlags(int protection, boolean isPrivate, int type, boolean noChange) {
        memory.writeInt(
                address + MmvadShortLayout.U,
                protection << MmvadFlagsLayout.PROTECTION_SHIFT
                        | (isPrivate ? 1 << MmvadFlagsLayout.PRIVATE_MEMORY_SHIFT : 0)
                        | type << MmvadFlagsLayout.VAD_TYPE_SHIFT
                        | (noChange ? 1 << MmvadFlagsLayout.NO_CHANGE_SHIFT : 0));
    }

    /** What another region is (protection, kind, preferred node, watched), this one is too; who holds its lock stays. */
    public void copyFlags(Vad other) {
        int own = 1 << MmvadFlagsLayout.LOCK_SHIFT
                | 1 << MmvadFlagsLayout.LOCK_CONTENDED_SHIFT
                | 1 << MmvadFlagsLayout.DELETE_IN_PROGRESS_SHIFT;
        memory.writeInt(address + MmvadShortLayout.U, other.flags() & ~own | flags() & own);
    }

    private int flags1() {
        return memory.readInt(address + MmvadShortLayout.U1);
    }

    /** Pages charged for this region; with 31 bits the largest value stands for more in {@code CommitChargeHigh}. */
    public long commitCharge() {
        return flags1() & MmvadFlags1Layout.COMMIT_CHARGE_MASK
                | (long) memory.readUnsignedByte(address + MmvadShortLayout.COMMIT_CHARGE_HIGH) << 31;
    }

    public void addCommitCharge(long deltaPages) {
        if (deltaPages != 0) {
            setCommitment(isMemCommit(), commitCharge() + deltaPages);
        }
    }

    /** @param memCommit see {@link #isMemCommit} */
    public void setCommitment(boolean memCommit, long pages) {
        int flag = memCommit ? 1 << MmvadFlags1Layout.MEM_COMMIT_SHIFT : 0;
        memory.writeInt(address + MmvadShortLayout.U1, (int) (pages & MmvadFlags1Layout.COMMIT_CHARGE_MASK) | flag);
        memory.writeByte(address + MmvadShortLayout.COMMIT_CHARGE_HIGH, (byte) (pages >>> 31));
    }

    /** Committed as a whole when made: pages without a PTE are committed with {@link #protection()}. */
    public boolean isMemCommit() {
        return flags1() < 0;
    }

    /** A view's subsection, 0 for none. Long VADs only. */
    public long subsection() {
        return memory.readLong(address + MmvadLayout.SUBSECTION);
    }

    public void setSubsection(long subsection) {
        memory.writeLong(address + MmvadLayout.SUBSECTION, subsection);
    }

    /** The prototype PTE of the first page. Long VADs only. */
    public long firstPrototypePte() {
        return memory.readLong(address + MmvadLayout.FIRST_PROTOTYPE_PTE);
    }

    public void setPrototypePtes(long first, long lastContiguous) {
        memory.writeLong(address + MmvadLayout.FIRST_PROTOTYPE_PTE, first);
        memory.writeLong(address + MmvadLayout.LAST_CONTIGUOUS_PTE, lastContiguous);
    }

    /**
     * The prototype PTE of a page of a view; 0 for one behind the section's end. A view of a file that grew goes on in the
     * prototypes of further subsections. Long VADs only.
     */
    public long prototypePte(long vpn) {
        long first = firstPrototypePte();
        if (first == 0) {
            return 0;
        }
        long at = first + (vpn - startingVpn()) * Long.BYTES;
        return isImage() || at <= lastContiguousPte() ? at : prototypeBehind(at);
    }

    private long prototypeBehind(long at) {
        Subsection part = new Subsection(memory, subsection());
        long index = (at - part.base()) / Long.BYTES;
        while (index >= part.pages()) {
            index -= part.pages();
            if (part.next() == 0 || part.pages() == 0) {
                return 0;
            }
            part = new Subsection(memory, part.next());
        }
        return part.base() + index * Long.BYTES;
    }

    /** Address of the prototype PTE of the last page that {@link #firstPrototypePte} counts up to. */
    public long lastContiguousPte() {
        return memory.readLong(address + MmvadLayout.LAST_CONTIGUOUS_PTE);
    }

    /** {@code _MMVAD_FLAGS2}: where in the section the view begins, in units of 64 KB, and whether children inherit it. */
    public void setFlags2(long offsetUnits, boolean inherit) {
        memory.writeInt(
                address + MmvadLayout.U2,
                (int) (offsetUnits & MmvadFlags2Layout.FILE_OFFSET_MASK) << MmvadFlags2Layout.FILE_OFFSET_SHIFT
                        | (inherit ? 1 << MmvadFlags2Layout.INHERIT_SHIFT : 0));
    }

    /** Its link among the views of its control area. Long VADs only. */
    public ListEntry viewLinks() {
        return new ListEntry(memory, address + MmvadLayout.VIEW_LINKS);
    }

    /** The {@code _EPROCESS} the view is in. Long VADs only. */
    public long process() {
        return memory.readLong(address + MmvadLayout.VADS_PROCESS) & ~0xFL;
    }

    public void setProcess(long process) {
        memory.writeLong(address + MmvadLayout.VADS_PROCESS, process);
    }

    /** The {@code _FILE_OBJECT} of a view of a file, 0 for none. Long VADs only. */
    public long fileObject() {
        return memory.readLong(address + MmvadLayout.FILE_OBJECT);
    }

    /** See {@link #fileObject}. */
    public void setFileObject(long file) {
        memory.writeLong(address + MmvadLayout.FILE_OBJECT, file);
    }

    /** Child node: 0 left (lower addresses), 1 right. 0 for none. */
    public long child(int side) {
        return memory.readLong(address + MmvadShortLayout.VAD_NODE + 8L * side);
    }

    public void setChild(int side, long node) {
        memory.writeLong(address + MmvadShortLayout.VAD_NODE + 8L * side, node);
    }

    private long parentValue() {
        return memory.readLong(address + MmvadShortLayout.VAD_NODE + RtlBalancedNodeLayout.PARENT_VALUE);
    }

    /** Parent node, 0 for the root. */
    public long parent() {
        return parentValue() & ~7L;
    }

    /** Makes it a leaf, balanced, below a parent. */
    public void setLeafOf(long parent) {
        setChild(0, 0);
        setChild(1, 0);
        memory.writeLong(address + MmvadShortLayout.VAD_NODE + RtlBalancedNodeLayout.PARENT_VALUE, parent);
    }

    public void setParent(long node) {
        memory.writeLong(
                address + MmvadShortLayout.VAD_NODE + RtlBalancedNodeLayout.PARENT_VALUE,
                node | parentValue() & BALANCE_MASK);
    }

    /** Height of the right subtree less that of the left: -1, 0 or 1. */
    public int balance() {
        int bits = (int) (parentValue() & BALANCE_MASK);
        return bits == 3 ? -1 : bits;
    }

    public void setBalance(int balance) {
        memory.writeLong(
                address + MmvadShortLayout.VAD_NODE + RtlBalancedNodeLayout.PARENT_VALUE,
                parentValue() & ~BALANCE_MASK | balance & BALANCE_MASK);
    }
}
