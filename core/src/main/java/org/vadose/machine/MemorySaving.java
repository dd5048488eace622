package org.vadose.machine;

/**
 * How a machine makes do with less RAM; a bare machine does not.
 *
 * @param compresses whether modified pages go to a store of compressed pages first, in a process MemCompression
 */
public record MemorySaving(boolean compresses) {
    /** As on Windows for clients. */
    public static final MemorySaving STANDARD = new MemorySaving(true);
}
