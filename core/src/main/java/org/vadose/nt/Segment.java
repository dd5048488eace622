package org.vadose.nt;

import org.vadose.layout.SegmentLayout;
import org.vadose.memory.Memory;

/** The pages of a section: how many, and their prototype PTEs ({@code _SEGMENT}). */
public record Segment(Memory memory, long address) {
    public static final long SIZE = SegmentLayout.SIZE;

    public ControlArea controlArea() {
        return new ControlArea(memory, memory.readLong(address + SegmentLayout.CONTROL_AREA));
    }

    public long pages() {
        return memory.readUnsignedInt(address + SegmentLayout.TOTAL_NUMBER_OF_PTES);
    }

    public long sizeBytes() {
        return memory.readLong(address + SegmentLayout.SIZE_OF_SEGMENT);
    }

    /** Pages charged for the section itself, whoever maps it. */
    public long committedPages() {
        return memory.readLong(address + SegmentLayout.NUMBER_OF_COMMITTED_PAGES);
    }

    public void setCommittedPages(long pages) {
        memory.writeLong(address + SegmentLayout.NUMBER_OF_COMMITTED_PAGES, pages);
    }

    /** Pages of an image that each view owes, since writing makes copies of them. */
    public long imageCommitment() {
        return memory.readLong(address + SegmentLayout.U1_IMAGE_COMMITMENT);
    }

    public void setImageCommitment(long pages) {
        memory.writeLong(address + SegmentLayout.U1_IMAGE_COMMITMENT, pages);
    }

    /** Where views of an image go if they can, and what its pages are relocated for. */
    public long basedAddress() {
        return memory.readLong(address + SegmentLayout.BASED_ADDRESS);
    }

    /** Address of the prototype PTE of the first page; those of the others follow. */
    public long prototypePtes() {
        return memory.readLong(address + SegmentLayout.PROTOTYPE_PTE);
    }

    public void initialize(ControlArea area, long pages, long basedAddress, long prototypePtes, long pageBytes) {
        memory.writeLong(address + SegmentLayout.CONTROL_AREA, area.address());
        memory.writeInt(address + SegmentLayout.TOTAL_NUMBER_OF_PTES, (int) pages);
        memory.writeLong(address + SegmentLayout.SIZE_OF_SEGMENT, pages * pageBytes);
        memory.writeLong(address + SegmentLayout.BASED_ADDRESS, basedAddress);
        memory.writeLong(address + SegmentLayout.PROTOTYPE_PTE, prototypePtes);
    }

    /** The {@code _MI_SECTION_IMAGE_INFORMATION} of an image, 0 for none. */
    public long imageInformation() {
        return memory.readLong(address + SegmentLayout.U2_IMAGE_INFORMATION);
    }

    public void setImageInformation(long information) {
        memory.writeLong(address + SegmentLayout.U2_IMAGE_INFORMATION, information);
    }
}
