package org.vadose.io;

/** The bytes of a file. Positions are bytes from the start; failures are {@link FileException}s. */
interface Contents {
    long size();

    /** @return bytes read; 0 at the end */
    int read(long position, byte[] target, int offset, int length);

    /** Extends the file where needed, with zeros. */
    void write(long position, byte[] source, int offset, int length);

    void setSize(long size);
}
