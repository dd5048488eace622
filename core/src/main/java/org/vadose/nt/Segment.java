package org.vadose.nt;

import org.vadose.base.Pages;
import org.vadose.layout.MappedFileSegmentLayout;
import org.vadose.layout.SegmentFlagsLayout;
import org.vadose.layout.SegmentLayout;
import org.vadose.memory.Memory;

/** The pages of a section: how many, and their prototype PTEs ({@code _SEGMENT}). */
public record Segment(Memory memory, long address) {
    public static final long SIZE = SegmentLayout.SIZE;
    /** Of a data file's {@code _MAPPED_FILE_SEGMENT}, which ends where {@link #imageCommitment} begins. */
    public static final long SIZE_OF_MAPPED_FILE = MappedFileSegmentLayout.SIZE;

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

    /** Fills the segment of a data file: its prototype PTEs hang off its subsections. */
    public void initializeMappedFile(ControlArea area, long pages, int protection) {
        memory.writeLong(address + SegmentLayout.CONTROL_AREA, area.address());
        setPages(pages);
        setDefaultProtection(protection);
    }

    /** Changes how many pages it has. */
    public void setPages(long pages) {
        memory.writeInt(address + SegmentLayout.TOTAL_NUMBER_OF_PTES, (int) pages);
        memory.writeLong(address + SegmentLayout.SIZE_OF_SEGMENT, pages * Pages.SIZE);
    }

    /** The five bits of {@link PageProtection} that pages of a data section begin with. */
    public int defaultProtection() {
        return memory.readUnsignedByte(
                                address + SegmentLayout.SEGMENT_FLAGS + SegmentFlagsLayout.DEFAULT_PROTECTION_MASK)
                        >>> SegmentFlagsLayout.DEFAULT_PROTECTION_MASK_SHIFT
                & (int) SegmentFlagsLayout.DEFAULT_PROTECTION_MASK_MASK;
    }

    public void setDefaultProtection(int protection) {
        memory.writeByte(address + SegmentLayout.SEGMENT_FLAGS + SegmentFlagsLayout.DEFAULT_PROTECTION_MASK, (byte)
                (protection << SegmentFlagsLayout.DEFAULT_PROTECTION_MASK_SHIFT));
    }

    /** SEC_NOCACHE, SEC_WRITECOMBINE. */
    public void setCaching(boolean noCache, boolean writeCombined) {
        memory.writeShort(
                address + SegmentLayout.SEGMENT_FLAGS, (short) ((noCache ? 1 << SegmentFlagsLayout.NO_CACHE_SHIFT : 0)
                        | (writeCombined ? 1 << SegmentFlagsLayout.WRITE_COMBINED_SHIFT : 0)));
    }

    /** SEC_LARGE_PAGES. */
    public boolean isLargePages() {
        return (memory.readUnsignedShort(address + SegmentLayout.SEGMENT_FLAGS) >>> SegmentFlagsLayout.LARGE_PAGES_SHIFT
                        & 1)
                != 0;
    }

    /** See {@link #isLargePages}. */
    public void setLargePages() {
        int flags = memory.readUnsignedShort(address + SegmentLayout.SEGMENT_FLAGS);
        memory.writeShort(
                address + SegmentLayout.SEGMENT_FLAGS, (short) (flags | 1 << SegmentFlagsLayout.LARGE_PAGES_SHIFT));
    }

    /** Who made a section without a file. */
    public void setCreatingProcessId(long processId) {
        memory.writeInt(address + SegmentLayout.U1_CREATING_PROCESS_ID, (int) processId);
    }

    /** Where the first view of a section without a file was mapped. */
    public void setFirstMappedAddress(long mapped) {
        if (memory.readLong(address + SegmentLayout.U2_FIRST_MAPPED_VA) == 0) {
            memory.writeLong(address + SegmentLayout.U2_FIRST_MAPPED_VA, mapped);
        }
    }

    /** The {@code _MI_SECTION_IMAGE_INFORMATION} of an image, 0 for none. */
    public long imageInformation() {
        return memory.readLong(address + SegmentLayout.U2_IMAGE_INFORMATION);
    }

    public void setImageInformation(long information) {
        memory.writeLong(address + SegmentLayout.U2_IMAGE_INFORMATION, information);
    }
}
