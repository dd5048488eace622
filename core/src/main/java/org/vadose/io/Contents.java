package org.vadose.io;

/**
 * The bytes of a file, wherever they are. Positions are bytes from the start; failures are {@link FileException}s. Programs that make
 * machines can give theirs to {@link GuestFileSystem#addFile(String, Contents)}.
 */
public interface Contents {
    long size();

    /** @return bytes read; 0 at the end */
    int read(long position, byte[] target, int offset, int length);

    /** Extends the file where needed, with zeros. */
    void write(long position, byte[] source, int offset, int length);

    void setSize(long size);

    /** Another value than before once somebody else than this machine has changed the file. */
    default long stamp() {
        return 0;
    }

    /** Nobody has the file open now: what is held for the next read or write can be given back. */
    default void release() {}
}
