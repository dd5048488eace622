package org.vadose.nt;

import org.vadose.layout.MmsubsectionFlagsLayout;
import org.vadose.layout.MsubsectionLayout;
import org.vadose.layout.SubsectionLayout;
import org.vadose.memory.Memory;

/** A run of pages of a section with one protection and one place in the file ({@code _SUBSECTION}). */
public record Subsection(Memory memory, long address) {
    public static final long SIZE = SubsectionLayout.SIZE;
    /** Of a data file's {@code _MSUBSECTION}, which begins with a {@code _SUBSECTION}. */
    public static final long SIZE_OF_MAPPED_FILE = MsubsectionLayout.SIZE;
    /** Bytes of what {@code StartingSector} and {@code NumberOfFullSectors} count in an image section. */
    public static final int SECTOR_SHIFT = 9;

    public ControlArea controlArea() {
        return new ControlArea(memory, memory.readLong(address + SubsectionLayout.CONTROL_AREA));
    }

    /** Address of the prototype PTE of its first page. */
    public long base() {
        return memory.readLong(address + SubsectionLayout.SUBSECTION_BASE);
    }

    public long pages() {
        return memory.readUnsignedInt(address + SubsectionLayout.PTES_IN_SUBSECTION);
    }

    /** The next subsection of the section by address, 0 after the last. */
    public long next() {
        return memory.readLong(address + SubsectionLayout.NEXT_SUBSECTION);
    }

    public void setNext(long subsection) {
        memory.writeLong(address + SubsectionLayout.NEXT_SUBSECTION, subsection);
    }

    /** The five bits of {@link PageProtection}. */
    public int protection() {
        return memory.readUnsignedShort(address + SubsectionLayout.U) >>> MmsubsectionFlagsLayout.PROTECTION_SHIFT
                & (int) MmsubsectionFlagsLayout.PROTECTION_MASK;
    }

    /** Offset in the file of the first byte. */
    public long fileOffset() {
        return memory.readUnsignedInt(address + SubsectionLayout.STARTING_SECTOR) << SECTOR_SHIFT;
    }

    /** Bytes that come from the file; what follows them is zero. */
    public long fileBytes() {
        long full = memory.readUnsignedInt(address + SubsectionLayout.NUMBER_OF_FULL_SECTORS) << SECTOR_SHIFT;
        int high = memory.readUnsignedShort(address + SubsectionLayout.U + MmsubsectionFlagsLayout.SECTOR_END_OFFSET);
        return full
                + (high >>> MmsubsectionFlagsLayout.SECTOR_END_OFFSET_SHIFT
                        & MmsubsectionFlagsLayout.SECTOR_END_OFFSET_MASK);
    }

    /** Page of the file that the first prototype PTE stands for; data files count in pages. */
    public long startingPage() {
        long high = memory.readUnsignedShort(address + SubsectionLayout.U)
                        >>> MmsubsectionFlagsLayout.STARTING_SECTOR4132_SHIFT
                & MmsubsectionFlagsLayout.STARTING_SECTOR4132_MASK;
        return high << 32 | memory.readUnsignedInt(address + SubsectionLayout.STARTING_SECTOR);
    }

    /** Fills a subsection of pages without a file. */
    public void initialize(ControlArea area, long base, long pages, int protection) {
        memory.writeLong(address + SubsectionLayout.CONTROL_AREA, area.address());
        memory.writeLong(address + SubsectionLayout.SUBSECTION_BASE, base);
        memory.writeInt(address + SubsectionLayout.PTES_IN_SUBSECTION, (int) pages);
        memory.writeShort(
                address + SubsectionLayout.U, (short) (protection << MmsubsectionFlagsLayout.PROTECTION_SHIFT));
    }

    /**
     * Fills an {@code _MSUBSECTION} of zeros.
     *
     * @param startingPage of the file
     * @param endOffset bytes in use of the page behind the full ones, if there is one
     */
    public void initializeMappedFile(
            ControlArea area, long base, long pages, int protection, long startingPage, long fullPages, int endOffset) {
        initialize(area, base, pages, protection);
        memory.writeInt(address + SubsectionLayout.STARTING_SECTOR, (int) startingPage);
        memory.writeShort(address + SubsectionLayout.U, (short) (protection << MmsubsectionFlagsLayout.PROTECTION_SHIFT
                | startingPage >>> 32 << MmsubsectionFlagsLayout.STARTING_SECTOR4132_SHIFT
                | 1 << MmsubsectionFlagsLayout.SUBSECTION_ACCESSED_SHIFT));
        setFileEnd(fullPages, endOffset);
        new ListEntry(memory, address + MsubsectionLayout.DEREFERENCE_LIST).initialize();
    }

    /** Says how far the file reaches into the subsection. */
    public void setFileEnd(long fullPages, int endOffset) {
        memory.writeInt(address + SubsectionLayout.NUMBER_OF_FULL_SECTORS, (int) fullPages);
        memory.writeShort(address + SubsectionLayout.U + MmsubsectionFlagsLayout.SECTOR_END_OFFSET, (short)
                (endOffset << MmsubsectionFlagsLayout.SECTOR_END_OFFSET_SHIFT));
    }

    /** Views that show pages of a data file's subsection ({@code _MSUBSECTION.NumberOfMappedViews}). */
    public long mappedViews() {
        return memory.readLong(address + MsubsectionLayout.NUMBER_OF_MAPPED_VIEWS);
    }

    public void addMappedViews(long delta) {
        memory.writeLong(address + MsubsectionLayout.NUMBER_OF_MAPPED_VIEWS, mappedViews() + delta);
    }

    /** Pages in RAM of a data file's subsection ({@code _MSUBSECTION.NumberOfPfnReferences}). */
    public long pfnReferences() {
        return memory.readUnsignedInt(address + MsubsectionLayout.NUMBER_OF_PFN_REFERENCES);
    }

    /** A page of a file came into RAM, or with {@code delta} -1 went: counted here and in the control area. */
    public void countPage(int delta) {
        ControlArea area = controlArea();
        area.addPfnReferences(delta);
        if (!area.isImage()) {
            memory.writeInt(address + MsubsectionLayout.NUMBER_OF_PFN_REFERENCES, (int) pfnReferences() + delta);
        }
    }

    /** Fills a subsection of zeros. */
    public void initialize(ControlArea area, long base, long pages, int protection, long fileOffset, long fileBytes) {
        memory.writeLong(address + SubsectionLayout.CONTROL_AREA, area.address());
        memory.writeLong(address + SubsectionLayout.SUBSECTION_BASE, base);
        memory.writeInt(address + SubsectionLayout.PTES_IN_SUBSECTION, (int) pages);
        memory.writeInt(address + SubsectionLayout.STARTING_SECTOR, (int) (fileOffset >>> SECTOR_SHIFT));
        memory.writeInt(address + SubsectionLayout.NUMBER_OF_FULL_SECTORS, (int) (fileBytes >>> SECTOR_SHIFT));
        memory.writeShort(
                address + SubsectionLayout.U, (short) (protection << MmsubsectionFlagsLayout.PROTECTION_SHIFT));
        memory.writeShort(address + SubsectionLayout.U + MmsubsectionFlagsLayout.SECTOR_END_OFFSET, (short)
                ((fileBytes & (1 << SECTOR_SHIFT) - 1) << MmsubsectionFlagsLayout.SECTOR_END_OFFSET_SHIFT
                        | 1 << MmsubsectionFlagsLayout.SUBSECTION_STATIC_SHIFT));
    }
}
