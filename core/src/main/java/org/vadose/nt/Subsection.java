package org.vadose.nt;

import org.vadose.layout.MmsubsectionFlagsLayout;
import org.vadose.layout.SubsectionLayout;
import org.vadose.memory.Memory;

/** A run of pages of a section with one protection and one place in the file ({@code _SUBSECTION}). */
public record Subsection(Memory memory, long address) {
    public static final long SIZE = SubsectionLayout.SIZE;
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
