package org.vadose.mm;

import org.vadose.base.NtStatus;
import org.vadose.nt.ControlArea;

/** Where pages of a section come from when they are not in RAM, and what goes when the section does. */
interface PageSource {
    /**
     * Reads a page, or, of a data file, several.
     *
     * @param page the first, of the section, or, for a data file, of the file
     * @param target whole pages of bytes, all of which are written
     */
    NtStatus read(long page, byte[] target);

    /** Writes whole pages back; what lies behind the end of the file is left out. */
    default NtStatus write(long page, byte[] source) {
        return NtStatus.NOT_SUPPORTED;
    }

    /** Whether somebody may come back for the section's pages when nobody uses it. */
    default boolean mayComeBack() {
        return false;
    }

    /** Nobody uses the section; what was held to read and write the file can be given back. */
    default void putAside() {}

    /** The control area is about to be freed; its pages are gone. */
    void deleting(ControlArea area);
}
