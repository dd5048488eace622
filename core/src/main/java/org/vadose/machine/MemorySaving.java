package org.vadose.machine;

/**
 * How a machine makes do with less RAM.
 *
 * @param compresses whether modified pages go to a store of compressed pages first, in a process MemCompression; a bare
 *     machine has none
 * @param combines whether programs may have equal pages combined into one; their account's tokens have
 *     {@code SeProfileSingleProcessPrivilege} then, which a program has to enable
 * @param combinesWhenIdle whether the system itself combines them, once a minute when nobody wants a processor
 */
public record MemorySaving(boolean compresses, boolean combines, boolean combinesWhenIdle) {
    /** The system itself does not look for equal pages. */
    public MemorySaving(boolean compresses, boolean combines) {
        this(compresses, combines, false);
    }

    /** Compression, and combining for programs that ask for it, as on Windows for clients. */
    public static final MemorySaving STANDARD = new MemorySaving(true, true);

    /** Neither. */
    public static final MemorySaving NONE = new MemorySaving(false, false);
}
