package org.vadose.io;

/** A file that the cache has views of, for those who read or change it past any file object. Failures are {@link FileException}s. */
public interface CachedFile {
    /** Bytes in the file. */
    long size();

    /** @return bytes read, 0 at the end */
    int read(long position, byte[] target, int offset, int length);

    void write(long position, byte[] source, int offset, int length);

    /** The file has become longer or shorter; nobody sees what was cut off. */
    void resized(long before, long after);

    /** Writes to the file what is only in the cache. */
    void flush();
}
