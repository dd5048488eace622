package org.vadose.nt;

import org.vadose.layout.SectionLayout;
import org.vadose.memory.Memory;

/** The body of a section object ({@code _SECTION}): somebody's right to map a control area's pages. */
public record Section(Memory memory, long address) {
    public static final long SIZE = SectionLayout.SIZE;

    private static final long POINTER_MASK = ~3L;

    public ControlArea controlArea() {
        return new ControlArea(memory, memory.readLong(address + SectionLayout.U1_CONTROL_AREA) & POINTER_MASK);
    }

    /** False while the object is being made. */
    public boolean hasControlArea() {
        return (memory.readLong(address + SectionLayout.U1_CONTROL_AREA) & POINTER_MASK) != 0;
    }

    /** Bytes; of a file, those that were asked for, not rounded. */
    public long sizeBytes() {
        return memory.readLong(address + SectionLayout.SIZE_OF_SECTION);
    }

    public void setSizeBytes(long bytes) {
        memory.writeLong(address + SectionLayout.SIZE_OF_SECTION, bytes);
    }

    /** {@code _MMSECTION_FLAGS}, as {@link ControlArea#flags} has them. */
    public int flags() {
        return memory.readInt(address + SectionLayout.U);
    }

    /** The {@code PAGE_*} value it was made with. */
    public int pageProtection() {
        return memory.readInt(address + SectionLayout.INITIAL_PAGE_PROTECTION)
                & (int) SectionLayout.INITIAL_PAGE_PROTECTION_MASK;
    }

    /** @param pageProtection {@code PAGE_*} */
    public void initialize(long controlArea, long sizeBytes, int flags, int pageProtection) {
        memory.writeLong(address + SectionLayout.U1_CONTROL_AREA, controlArea);
        memory.writeLong(address + SectionLayout.SIZE_OF_SECTION, sizeBytes);
        memory.writeInt(address + SectionLayout.U, flags);
        memory.writeInt(
                address + SectionLayout.INITIAL_PAGE_PROTECTION,
                pageProtection & (int) SectionLayout.INITIAL_PAGE_PROTECTION_MASK);
    }
}
