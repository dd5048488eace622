package org.vadose.nt;

import org.vadose.layout.HandleTableEntryLayout;
import org.vadose.memory.Memory;

/**
 * One handle ({@code _HANDLE_TABLE_ENTRY}, 16 bytes).
 *
 * <pre>
 *  63.............20 19..17 16......1 0
 *  pointer bits 4-47 attrs  RefCnt    Unlocked      then 25 bits of granted access
 * </pre>
 *
 * A free entry's first eight bytes are zero and its second eight point at the next free one.
 */
public record HandleTableEntry(Memory memory, long address) {
    public static final long SIZE = HandleTableEntryLayout.SIZE;
    /** References that a fresh entry holds in advance on its object, handed out by look-ups. */
    public static final int CACHED_REFERENCES = 0x7FFF;

    public static final int PROTECT_FROM_CLOSE = 1;
    public static final int INHERIT = 2;
    public static final int AUDIT = 4;

    public long low() {
        return memory.readLong(address + HandleTableEntryLayout.LOW_VALUE);
    }

    public boolean isFree() {
        return low() == 0;
    }

    /** What the entry points at: an object's header, in the table of process and thread ids its body. */
    public long object() {
        return decode(low());
    }

    public int cachedReferences() {
        return (int) (low() >>> HandleTableEntryLayout.REF_CNT_SHIFT & HandleTableEntryLayout.REF_CNT_MASK);
    }

    /** Bits 1 protect from close, 2 inherit, 4 audit. */
    public int attributes() {
        return (int) (low() >>> HandleTableEntryLayout.ATTRIBUTES_SHIFT & HandleTableEntryLayout.ATTRIBUTES_MASK);
    }

    public int grantedAccess() {
        return memory.readInt(address + HandleTableEntryLayout.GRANTED_ACCESS_BITS)
                & (int) HandleTableEntryLayout.GRANTED_ACCESS_BITS_MASK;
    }

    public long nextFree() {
        return memory.readLong(address + HandleTableEntryLayout.NEXT_FREE_HANDLE_ENTRY);
    }

    public void write(long object, int cachedReferences, int attributes, int grantedAccess) {
        memory.writeLong(
                address + HandleTableEntryLayout.HIGH_VALUE,
                grantedAccess & HandleTableEntryLayout.GRANTED_ACCESS_BITS_MASK);
        memory.writeLong(
                address + HandleTableEntryLayout.LOW_VALUE,
                object >>> 4 << HandleTableEntryLayout.OBJECT_POINTER_BITS_SHIFT
                        | (long) attributes << HandleTableEntryLayout.ATTRIBUTES_SHIFT
                        | (long) cachedReferences << HandleTableEntryLayout.REF_CNT_SHIFT
                        | 1);
    }

    public void setCachedReferences(int count) {
        long mask = HandleTableEntryLayout.REF_CNT_MASK << HandleTableEntryLayout.REF_CNT_SHIFT;
        memory.writeLong(
                address + HandleTableEntryLayout.LOW_VALUE,
                low() & ~mask | (long) count << HandleTableEntryLayout.REF_CNT_SHIFT);
    }

    public void setAttributes(int attributes) {
        long mask = HandleTableEntryLayout.ATTRIBUTES_MASK << HandleTableEntryLayout.ATTRIBUTES_SHIFT;
        memory.writeLong(
                address + HandleTableEntryLayout.LOW_VALUE,
                low() & ~mask | (long) attributes << HandleTableEntryLayout.ATTRIBUTES_SHIFT);
    }

    /** Sets or clears one of {@link #INHERIT} and its kin. */
    public void setAttribute(int attribute, boolean set) {
        setAttributes(set ? attributes() | attribute : attributes() & ~attribute);
    }

    public void writeFree(long nextFree) {
        memory.writeLong(address + HandleTableEntryLayout.LOW_VALUE, 0);
        memory.writeLong(address + HandleTableEntryLayout.NEXT_FREE_HANDLE_ENTRY, nextFree);
    }

    /** The 44 pointer bits, sign-extended, times 16. */
    public static long decode(long low) {
        return low >> HandleTableEntryLayout.OBJECT_POINTER_BITS_SHIFT << 4;
    }
}
