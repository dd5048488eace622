package org.vadose.nt;

import org.vadose.layout.MmpfnLayout;
import org.vadose.layout.Mmpfnentry1Layout;
import org.vadose.layout.Mmpfnentry3Layout;
import org.vadose.memory.Memory;

/**
 * One page frame's entry in the PFN database ({@code _MMPFN}, 48 bytes).
 *
 * <pre>
 * +00 u1           Flink: next frame of its list (36 bits), or what an active page keeps
 * +08 PteAddress   the PTE, prototype PTE or page-table entry that maps it
 * +10 OriginalPte  what that entry becomes when the frame is taken away
 * +18 u2           Blink: previous frame of its list, or ShareCount of an active page
 * +20 u3           ReferenceCount, e1 {PageLocation, Modified, CacheAttribute}, e3 {Priority}
 * +28 u4           PteFrame: frame of the page table that holds the PTE (36 bits); ResidentPage (bit 36); PrototypePte (bit 63)
 * </pre>
 */
public record Pfn(Memory memory, long address) {
    public static final long SIZE = MmpfnLayout.SIZE;
    /** What ends a list: all 36 bits set. */
    public static final long LIST_END = MmpfnLayout.U1_FLINK_MASK;

    private static final long E1 = MmpfnLayout.U3_E1;
    private static final long E3 = MmpfnLayout.U3_E3;
    private static final long FRAME_MASK = MmpfnLayout.U4_PTE_FRAME_MASK;
    private static final long PROTOTYPE_BIT = 1L << MmpfnLayout.U4_PROTOTYPE_PTE_SHIFT;
    private static final long RESIDENT_BIT = 1L << MmpfnLayout.U4_RESIDENT_PAGE_SHIFT;
    private static final int LOCATION_MASK = (int) Mmpfnentry1Layout.PAGE_LOCATION_MASK;
    private static final int MODIFIED_BIT = 1 << Mmpfnentry1Layout.MODIFIED_SHIFT;

    public long flink() {
        return memory.readLong(address + MmpfnLayout.U1) & MmpfnLayout.U1_FLINK_MASK;
    }

    public void setFlink(long frame) {
        memory.writeLong(address + MmpfnLayout.U1, frame & MmpfnLayout.U1_FLINK_MASK);
    }

    public long blink() {
        return memory.readLong(address + MmpfnLayout.U2) & MmpfnLayout.U1_FLINK_MASK;
    }

    public void setBlink(long frame) {
        memory.writeLong(address + MmpfnLayout.U2, frame & MmpfnLayout.U1_FLINK_MASK);
    }

    public long shareCount() {
        return memory.readLong(address + MmpfnLayout.U2) & (1L << 62) - 1;
    }

    public void setShareCount(long count) {
        memory.writeLong(address + MmpfnLayout.U2, count);
    }

    /** Changes the share count, whoever else is changing it at the same time. */
    public void addShares(long delta) {
        memory.getAndAddLong(address + MmpfnLayout.U2, delta);
    }

    public long pteAddress() {
        return memory.readLong(address + MmpfnLayout.PTE_ADDRESS);
    }

    public void setPteAddress(long pte) {
        memory.writeLong(address + MmpfnLayout.PTE_ADDRESS, pte);
    }

    public long originalPte() {
        return memory.readLong(address + MmpfnLayout.ORIGINAL_PTE);
    }

    public void setOriginalPte(long pte) {
        memory.writeLong(address + MmpfnLayout.ORIGINAL_PTE, pte);
    }

    public int referenceCount() {
        return memory.readUnsignedShort(address + MmpfnLayout.U3);
    }

    public PageLocation location() {
        return PageLocation.of(memory.readByte(address + E1) & LOCATION_MASK);
    }

    public void setLocation(PageLocation location) {
        int e1 = memory.readByte(address + E1) & ~LOCATION_MASK;
        memory.writeByte(address + E1, (byte) (e1 | location.value()));
    }

    /** The page differs from what its backing store holds. */
    public boolean isModified() {
        return (memory.readByte(address + E1) & MODIFIED_BIT) != 0;
    }

    public void setModified(boolean modified) {
        int e1 = memory.readByte(address + E1) & ~MODIFIED_BIT;
        memory.writeByte(address + E1, (byte) (modified ? e1 | MODIFIED_BIT : e1));
    }

    /** 0 non-cached, 1 cached, 2 write-combined, 3 not mapped. */
    public int cacheAttribute() {
        return (memory.readByte(address + E1) >>> Mmpfnentry1Layout.CACHE_ATTRIBUTE_SHIFT)
                & (int) Mmpfnentry1Layout.CACHE_ATTRIBUTE_MASK;
    }

    public int priority() {
        return memory.readByte(address + E3) & (int) Mmpfnentry3Layout.PRIORITY_MASK;
    }

    /** Frame of the page table that holds {@link #pteAddress}. */
    public long pteFrame() {
        return memory.readLong(address + MmpfnLayout.U4) & FRAME_MASK;
    }

    public boolean isPrototype() {
        return (memory.readLong(address + MmpfnLayout.U4) & PROTOTYPE_BIT) != 0;
    }

    /** A section in large pages holds it: it never leaves RAM as long as the section exists ({@code ResidentPage}). */
    public boolean isResident() {
        return (memory.readLong(address + MmpfnLayout.U4) & RESIDENT_BIT) != 0;
    }

    /** See {@link #isResident}; {@link #setPteFrame} takes it back. */
    public void setResident() {
        memory.writeLong(address + MmpfnLayout.U4, memory.readLong(address + MmpfnLayout.U4) | RESIDENT_BIT);
    }

    public void setPteFrame(long frame, boolean prototype) {
        memory.writeLong(address + MmpfnLayout.U4, frame & FRAME_MASK | (prototype ? PROTOTYPE_BIT : 0));
    }
}
