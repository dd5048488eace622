package org.vadose.nt;

import org.vadose.layout.ControlAreaLayout;
import org.vadose.layout.MmsectionFlagsLayout;
import org.vadose.memory.Memory;

/**
 * What is common to all mappings of a file, or of a piece of page file ({@code _CONTROL_AREA}); its {@code _SUBSECTION}s stand
 * right behind it.
 */
public record ControlArea(Memory memory, long address) {
    public static final long SIZE = ControlAreaLayout.SIZE;

    /** {@code _MMSECTION_FLAGS.Image}; the others below likewise. */
    public static final int FLAG_IMAGE = 1 << MmsectionFlagsLayout.IMAGE_SHIFT;

    public static final int FLAG_BASED = 1 << MmsectionFlagsLayout.BASED_SHIFT;
    public static final int FLAG_FILE = 1 << MmsectionFlagsLayout.FILE_SHIFT;
    public static final int FLAG_RESERVE = 1 << MmsectionFlagsLayout.RESERVE_SHIFT;
    public static final int FLAG_COMMIT = 1 << MmsectionFlagsLayout.COMMIT_SHIFT;
    public static final int FLAG_NO_CHANGE = 1 << MmsectionFlagsLayout.NO_CHANGE_SHIFT;
    public static final int FLAG_USER_REFERENCE = 1 << MmsectionFlagsLayout.USER_REFERENCE_SHIFT;

    /** The control area whose {@code ListHead} stands at an address. */
    public static ControlArea ofViews(Memory memory, long listHead) {
        return new ControlArea(memory, listHead - ControlAreaLayout.LIST_HEAD);
    }

    public Segment segment() {
        return new Segment(memory, memory.readLong(address + ControlAreaLayout.SEGMENT));
    }

    public void setSegment(long segment) {
        memory.writeLong(address + ControlAreaLayout.SEGMENT, segment);
    }

    public Subsection firstSubsection() {
        return new Subsection(memory, address + SIZE);
    }

    /** Neither sections nor views of it are left. */
    public boolean isUnused() {
        return sectionReferences() == 0 && mappedViews() == 0;
    }

    /** Head of the {@code _MMVAD.ViewLinks} of all views; of an area that nobody uses, its links on the list of those. */
    public ListEntry views() {
        return new ListEntry(memory, address + ControlAreaLayout.LIST_HEAD);
    }

    /** {@code _MMSECTION_FLAGS}: bits of {@code FLAG_IMAGE} and its kin. */
    public int flags() {
        return memory.readInt(address + ControlAreaLayout.U);
    }

    public void setFlags(int flags) {
        memory.writeInt(address + ControlAreaLayout.U, flags);
    }

    /** The node whose memory its pages prefer, -1 for none in particular. */
    public int preferredNode() {
        return (flags() >>> MmsectionFlagsLayout.PREFERRED_NODE_SHIFT & (int) MmsectionFlagsLayout.PREFERRED_NODE_MASK)
                - 1;
    }

    /** @param node -1 for none in particular */
    public void setPreferredNode(int node) {
        int mask = (int) MmsectionFlagsLayout.PREFERRED_NODE_MASK << MmsectionFlagsLayout.PREFERRED_NODE_SHIFT;
        setFlags(flags() & ~mask | (node + 1) << MmsectionFlagsLayout.PREFERRED_NODE_SHIFT);
    }

    public boolean isImage() {
        return (flags() & FLAG_IMAGE) != 0;
    }

    /** An image or a data file; everything else is backed by page files. */
    public boolean isFile() {
        return (flags() & FLAG_FILE) != 0;
    }

    public void setImageFile() {
        setFlags(FLAG_IMAGE | FLAG_FILE);
    }

    /** The {@code _FILE_OBJECT}, without the fast reference's count; 0 for none. */
    public long fileObject() {
        return memory.readLong(address + ControlAreaLayout.FILE_POINTER) & ~0xFL;
    }

    /** @param file 0 for none; its fast reference is filled with all the references it can hold */
    public void setFileObject(long file) {
        memory.writeLong(address + ControlAreaLayout.FILE_POINTER, file == 0 ? 0 : file | 0xF);
    }

    public long sectionReferences() {
        return memory.readLong(address + ControlAreaLayout.NUMBER_OF_SECTION_REFERENCES);
    }

    public void addSectionReferences(long delta) {
        add(ControlAreaLayout.NUMBER_OF_SECTION_REFERENCES, delta);
    }

    public long mappedViews() {
        return memory.readLong(address + ControlAreaLayout.NUMBER_OF_MAPPED_VIEWS);
    }

    public void addMappedViews(long delta) {
        add(ControlAreaLayout.NUMBER_OF_MAPPED_VIEWS, delta);
    }

    public long userReferences() {
        return memory.readLong(address + ControlAreaLayout.NUMBER_OF_USER_REFERENCES);
    }

    public void addUserReferences(long delta) {
        add(ControlAreaLayout.NUMBER_OF_USER_REFERENCES, delta);
    }

    /** Pages of it that are in RAM, mapped or in transition. */
    public long pfnReferences() {
        return memory.readLong(address + ControlAreaLayout.NUMBER_OF_PFN_REFERENCES);
    }

    public void addPfnReferences(long delta) {
        add(ControlAreaLayout.NUMBER_OF_PFN_REFERENCES, delta);
    }

    /** Views and sections that let their holders write. */
    public void addWritableUserReferences(int delta) {
        long at = address + ControlAreaLayout.U2_E2_WRITABLE_USER_REFERENCES;
        memory.writeInt(at, memory.readInt(at) + delta);
    }

    /** Those of the mapped views that are in the system cache. */
    public long systemCacheViews() {
        return memory.readUnsignedInt(address + ControlAreaLayout.U2_E2_NUMBER_OF_SYSTEM_CACHE_VIEWS);
    }

    public void addSystemCacheViews(int delta) {
        memory.writeInt(
                address + ControlAreaLayout.U2_E2_NUMBER_OF_SYSTEM_CACHE_VIEWS, (int) systemCacheViews() + delta);
    }

    private void add(long field, long delta) {
        memory.writeLong(address + field, memory.readLong(address + field) + delta);
    }
}
