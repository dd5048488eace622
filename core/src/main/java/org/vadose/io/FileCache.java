package org.vadose.io;

/** What keeps files' pages in RAM between file objects and their files: the cache manager. Failures are {@link FileException}s. */
public interface FileCache {
    /**
     * Reads through the cache, which takes note of the file object with its first read or write.
     *
     * @return bytes read, 0 at the end
     */
    int read(long fileObject, long position, byte[] target, int offset, int length);

    /** Writes through the cache; the file grows where needed. */
    void write(long fileObject, long position, byte[] source, int offset, int length);

    /**
     * The last handle to a file object closes.
     *
     * @param forgets whether the file goes with it, so that nothing need be written
     */
    void closing(long fileObject, boolean forgets);
}
