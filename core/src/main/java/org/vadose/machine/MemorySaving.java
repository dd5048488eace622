package org.vadose.machine;

/**
 * How a machine makes do with less RAM.
 *
 * @param compresses whether modified pages go to a store of compressed pages first, in a process MemCompression; a bare
 *     machine has none
 * @param combines whether programs may have equal pages combined into one; their account's tokens have
 *     {@code SeProfileSingleProcessPrivilege} then, which a program has to enable
 */
public record MemorySaving(boolean compresses, boolean combines) {
    /** Both, as on Windows for clients. */
    public static final MemorySaving STANDARD = new MemorySaving(true, true);

    /** Neither. */
    public static final MemorySaving NONE = new MemorySaving(false, false);
}
