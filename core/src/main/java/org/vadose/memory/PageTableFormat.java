package org.vadose.memory;

import java.util.List;
import java.util.function.LongUnaryOperator;

/**
 * How tables in physical memory translate virtual addresses. One implementation an architecture; nothing outside it knows the
 * number of levels or where a bit stands.
 */
public interface PageTableFormat {
    /**
     * Translates for one access, setting accessed (and for a write dirty) bits on the way as the hardware does.
     *
     * @param access {@link PageFaultCode} bits of the wanted access: WRITE, USER, FETCH
     * @param result filled either way
     * @return whether the access is allowed; if not, {@link PageWalk#errorCode} says why
     */
    boolean walk(Memory physical, long root, long virtualAddress, int access, PageWalk result);

    /**
     * The entries a walk reads, root first, without side effects; ends at the first entry that is not present or maps a page.
     * Unreadable tables end it as well.
     */
    default List<Step> path(Memory physical, long root, long virtualAddress) {
        return path(physical, root, virtualAddress, LongUnaryOperator.identity());
    }

    /**
     * The same for someone who knows what the operating system keeps in entries that are not present.
     *
     * @param software gets each entry that is not present; answers the present entry it stands for, or the entry itself
     */
    List<Step> path(Memory physical, long root, long virtualAddress, LongUnaryOperator software);

    /**
     * One entry of a walk.
     *
     * @param level 4 for PML4E (PXE) down to 1 for PTE
     * @param entryPhysicalAddress where the entry is
     * @param entry its 64 bits, as they stand in memory
     */
    record Step(int level, long entryPhysicalAddress, long entry) {}

    /** Whether this entry, found at this level, maps a page rather than the next table. */
    boolean isLeaf(int level, long entry);

    /** Bytes that a leaf at this level maps. */
    long pageSizeBytes(int level);

    /** Physical address of the first byte of the table or page that a present entry names. */
    long frameAddress(int level, long entry);

    boolean isPresent(long entry);

    /** The bits that a present entry may have: all but those which the processor has been told to refuse. */
    default long validBits() {
        return -1L;
    }
}
