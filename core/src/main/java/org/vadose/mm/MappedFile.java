package org.vadose.mm;

import org.vadose.base.NtStatus;

/**
 * What the manager asks of the file system about one file. All file objects of a file have the same
 * {@code _SECTION_OBJECT_POINTERS}, and so the same data section.
 */
public interface MappedFile {
    /** Address of the {@code _FILE_OBJECT} that a section of the file keeps, its {@code SectionObjectPointer} set. */
    long fileObject();

    /** Whether the file object may write. */
    boolean isWritable();

    /** Bytes in the file. */
    long sizeBytes();

    /** Grows or cuts the file; what is new is zero. */
    NtStatus setSize(long bytes);

    /**
     * Reads from the file itself, past any data section.
     *
     * @param target filled with zeros from the end of the file on
     */
    NtStatus read(long position, byte[] target, int offset, int length);

    /** Writes to the file itself, past any data section; does not go beyond its end. */
    NtStatus write(long position, byte[] source, int offset, int length);

    /** The file has a data section now: reading and writing the file must keep its pages in step. */
    void dataSectionMade(long controlArea);

    /** The data section is about to end; everything is written back. */
    void dataSectionGone();

    /** The file has an image section now. */
    default void imageSectionMade(long controlArea) {}

    /** The image section is about to end. */
    default void imageSectionGone() {}

    /** Whether the file can be opened again when nobody has it open. */
    default boolean mayBeReopened() {
        return true;
    }

    /** Nobody uses a section of the file any more, though its pages stay: it is read or written again only when somebody does. */
    default void putAside() {}

    /** A control area begins to hold the file object. */
    void acquire();

    /** A control area no longer holds it. */
    void release();
}
