package org.vadose.nt;

import org.vadose.base.Pages;
import org.vadose.layout.MmpteHardwareLayout;
import org.vadose.layout.MmptePrototypeLayout;
import org.vadose.layout.MmpteSoftwareLayout;
import org.vadose.layout.MmpteTransitionLayout;
import org.vadose.memory.X64PageTables;

/**
 * What the 64 bits of a page-table entry say to the memory manager. Valid entries are the hardware's; the rest are Windows' own.
 *
 * <pre>
 *                63..........................32 31....16 15..12 11 10  9......5 4..1 0
 * empty          0
 * demand-zero    0                                                 0  0  protection    0
 * decommitted    0                                                 0  0  10000         0
 * page file      offset in the page file             index   0  0  protection    0
 * transition     frame number (12 to 47)                      1  0  protection    0
 * prototype      address of the prototype PTE (16 to 63)      .  1  protection    0
 * combined       address of the prototype PTE (16 to 63)      1  1  protection    0   of a combined page
 * subsection     address of the subsection (16 to 63)         .  1  protection    0   in a prototype PTE
 * </pre>
 */
public final class Pte {
    /** {@code _MMPTE_HARDWARE.Write}: writable as far as Windows is concerned. */
    public static final long SOFTWARE_WRITE = 1L << MmpteHardwareLayout.WRITE_SHIFT;

    public static final long COPY_ON_WRITE = 1L << MmpteHardwareLayout.COPY_ON_WRITE_SHIFT;
    /** The prototype address that stands for "ask the VAD". */
    public static final long LOOKUP_NEEDED = 0xFFFF_FFFF_0000L;

    private static final long PROTOTYPE = 1L << MmptePrototypeLayout.PROTOTYPE_SHIFT;
    private static final long TRANSITION = 1L << MmpteTransitionLayout.TRANSITION_SHIFT;
    private static final long COMBINED = 1L << MmptePrototypeLayout.COMBINED_SHIFT;
    private static final int SLOT_SHIFT = MmpteSoftwareLayout.PAGE_FILE_HIGH_SHIFT;
    private static final int FILE_SHIFT = MmpteSoftwareLayout.PAGE_FILE_LOW_SHIFT;
    private static final long FILE_MASK = MmpteSoftwareLayout.PAGE_FILE_LOW_MASK;
    private static final long SLOT_BITS = MmpteSoftwareLayout.PAGE_FILE_HIGH_MASK << SLOT_SHIFT
            | FILE_MASK << FILE_SHIFT
            | 1L << MmpteSoftwareLayout.PAGE_FILE_ALLOCATED_SHIFT;
    private static final int AGE_SHIFT = MmpteHardwareLayout.WSLE_AGE_SHIFT;
    private static final long AGE_MASK = MmpteHardwareLayout.WSLE_AGE_MASK;
    /** The highest bit of the age; that it says so is inferred: there are eight ages and four bits. */
    private static final long LOCKED = (AGE_MASK + 1 >>> 1) << AGE_SHIFT;

    private static final int PROTECTION_SHIFT = MmpteSoftwareLayout.PROTECTION_SHIFT;
    private static final long PROTECTION_MASK = MmpteSoftwareLayout.PROTECTION_MASK;

    /** The closed set of things an entry can be. */
    public enum Kind {
        /** Nothing is known here: the VAD decides. */
        EMPTY,
        /** A page is there. */
        VALID,
        /** The page is in RAM, but not in a working set. */
        TRANSITION,
        /** The entry names a prototype PTE, or, in a prototype PTE, a subsection. */
        PROTOTYPE,
        /** The contents are in a page file. */
        PAGE_FILE,
        /** A page of zeros will do, if its protection lets anybody at it. */
        DEMAND_ZERO,
        /** Given up in a region that is committed as a whole. */
        DECOMMITTED
    }

    private Pte() {}

    public static Kind kind(long pte) {
        if (pte == 0) {
            return Kind.EMPTY;
        }
        if ((pte & X64PageTables.PRESENT) != 0) {
            return Kind.VALID;
        }
        if ((pte & PROTOTYPE) != 0) {
            return Kind.PROTOTYPE;
        }
        if ((pte & TRANSITION) != 0) {
            return Kind.TRANSITION;
        }
        if (pte >>> MmpteSoftwareLayout.PAGE_FILE_HIGH_SHIFT != 0) {
            return Kind.PAGE_FILE;
        }
        return protection(pte) == PageProtection.DECOMMITTED ? Kind.DECOMMITTED : Kind.DEMAND_ZERO;
    }

    public static long frame(long pte) {
        return (pte & X64PageTables.FRAME_MASK) >>> Pages.SHIFT;
    }

    /** The five bits of {@link PageProtection} in an entry that is not valid. */
    public static int protection(long pte) {
        return (int) (pte >>> PROTECTION_SHIFT & PROTECTION_MASK);
    }

    public static long demandZero(int protection) {
        return (long) protection << PROTECTION_SHIFT;
    }

    /** A page that is in RAM and in no working set. */
    public static long transition(long frame, int protection) {
        return frame << Pages.SHIFT | TRANSITION | demandZero(protection);
    }

    /** An entry of a view whose protection differs from the prototype's. */
    public static long lookupNeeded(int protection) {
        return LOOKUP_NEEDED << MmptePrototypeLayout.PROTO_ADDRESS_SHIFT | PROTOTYPE | demandZero(protection);
    }

    /** An entry of a combined page that is not in a working set. */
    public static long combined(long prototypeAddress, int protection) {
        return prototypeAddress << MmptePrototypeLayout.PROTO_ADDRESS_SHIFT
                | COMBINED
                | PROTOTYPE
                | demandZero(protection);
    }

    /** Whether an entry is what {@link #combined} makes. */
    public static boolean isCombined(long pte) {
        return (pte & (X64PageTables.PRESENT | PROTOTYPE | COMBINED)) == (PROTOTYPE | COMBINED);
    }

    /** A prototype PTE whose page comes from a subsection's file. */
    public static long subsection(long subsection, int protection) {
        return subsection << MmptePrototypeLayout.PROTO_ADDRESS_SHIFT | PROTOTYPE | demandZero(protection);
    }

    /** An entry of a view in the system cache whose page is not valid there: it names the prototype PTE. */
    public static long prototype(long prototypeAddress, int protection) {
        return subsection(prototypeAddress, protection);
    }

    /** The address in a prototype or subsection entry, sign-extended. */
    public static long prototypeAddress(long pte) {
        return pte >> MmptePrototypeLayout.PROTO_ADDRESS_SHIFT;
    }

    /**
     * A valid user entry of this protection. Write-copy maps the page read-only and marks it.
     *
     * @param write the access is a write: the page is dirty at once
     */
    public static long validUser(long frame, int protection, boolean write) {
        long pte = frame << Pages.SHIFT | X64PageTables.PRESENT | X64PageTables.USER | X64PageTables.ACCESSED;
        if (!PageProtection.isExecutable(protection)) {
            pte |= X64PageTables.NO_EXECUTE;
        }
        if (PageProtection.isCopyOnWrite(protection)) {
            pte |= COPY_ON_WRITE;
        } else if (PageProtection.isWritable(protection)) {
            pte |= X64PageTables.WRITE | SOFTWARE_WRITE | (write ? X64PageTables.DIRTY : 0);
        }
        return switch (protection & PageProtection.WRITECOMBINE) {
            case PageProtection.NOCACHE -> pte | X64PageTables.CACHE_DISABLE | X64PageTables.WRITE_THROUGH;
            case PageProtection.WRITECOMBINE -> pte | X64PageTables.WRITE_THROUGH;
            default -> pte;
        };
    }

    /**
     * The valid prototype PTE of a page that is in RAM.
     *
     * @param protection what the section gives the page
     */
    public static long validPrototype(long frame, int protection) {
        long pte = frame << Pages.SHIFT | X64PageTables.PRESENT | X64PageTables.ACCESSED;
        if (!PageProtection.isExecutable(protection)) {
            pte |= X64PageTables.NO_EXECUTE;
        }
        return PageProtection.isCopyOnWrite(protection) ? pte | COPY_ON_WRITE : pte;
    }

    /** Marks a valid entry of a shared page whose protection here is not the one its prototype gives. */
    public static long withOwnProtection(long pte, int protection) {
        return pte
                | (protection & MmpteHardwareLayout.WSLE_PROTECTION_MASK) << MmpteHardwareLayout.WSLE_PROTECTION_SHIFT;
    }

    /** The three access bits that {@link #withOwnProtection} put there, 0 for none. */
    public static int ownProtection(long pte) {
        return (int) (pte >>> MmpteHardwareLayout.WSLE_PROTECTION_SHIFT & MmpteHardwareLayout.WSLE_PROTECTION_MASK);
    }

    // --- page files ---

    /** A page whose contents are in a slot of a page file. */
    public static long pageFile(int file, long slot, int protection) {
        return withSlot(demandZero(protection), file, slot);
    }

    /**
     * A demand-zero or page-file entry, or a subsection entry, made one of a slot; its protection stays.
     *
     * @param slot not 0, which no page has
     */
    public static long withSlot(long pte, int file, long slot) {
        return demandZero(protection(pte))
                | slot << SLOT_SHIFT
                | (long) file << FILE_SHIFT
                | 1L << MmpteSoftwareLayout.PAGE_FILE_ALLOCATED_SHIFT;
    }

    /** The entry without its slot: demand-zero. */
    public static long withoutSlot(long pte) {
        return pte & ~SLOT_BITS;
    }

    /** Whether an entry, or what a PFN keeps in its stead, owns a slot of a page file. */
    public static boolean holdsSlot(long pte) {
        return (pte & (X64PageTables.PRESENT | PROTOTYPE | TRANSITION)) == 0 && pte >>> SLOT_SHIFT != 0;
    }

    public static int pageFileNumber(long pte) {
        return (int) (pte >>> FILE_SHIFT & FILE_MASK);
    }

    /** Number of the page in its page file. */
    public static long slot(long pte) {
        return pte >>> SLOT_SHIFT;
    }

    /** Whether an entry's slot comes so many slots after another's, in the same page file. */
    public static boolean isSlotAfter(long pte, long other, int slots) {
        return slot(pte) == slot(other) + slots && pageFileNumber(pte) == pageFileNumber(other);
    }

    // --- working sets ---

    /** How many times the working-set manager passed a valid page and found it not accessed, at most 7. */
    public static int age(long pte) {
        return (int) (pte >>> AGE_SHIFT & AGE_MASK >>> 1);
    }

    public static long withAge(long pte, int age) {
        return pte & ~(AGE_MASK >>> 1 << AGE_SHIFT) | (long) age << AGE_SHIFT;
    }

    /** Whether a valid page must stay in its working set. */
    public static boolean isLocked(long pte) {
        return (pte & LOCKED) != 0;
    }

    public static long withLock(long pte, boolean locked) {
        return locked ? pte | LOCKED : pte & ~LOCKED;
    }

    /** Whether a frame belongs to the entry, so that the table which holds the entry must stay. */
    public static boolean holdsFrame(long pte) {
        return (pte & X64PageTables.PRESENT) != 0 || (pte & (PROTOTYPE | TRANSITION)) == TRANSITION;
    }

    /** The protection that {@link #validUser} was given, without guard. */
    public static int protectionOfValid(long pte) {
        boolean execute = (pte & X64PageTables.NO_EXECUTE) == 0;
        int access;
        if ((pte & COPY_ON_WRITE) != 0) {
            access = execute ? PageProtection.EXECUTE_WRITECOPY : PageProtection.WRITECOPY;
        } else if ((pte & SOFTWARE_WRITE) != 0) {
            access = execute ? PageProtection.EXECUTE_READWRITE : PageProtection.READWRITE;
        } else {
            access = execute ? PageProtection.EXECUTE_READ : PageProtection.READONLY;
        }
        if ((pte & X64PageTables.CACHE_DISABLE) != 0) {
            return access | PageProtection.NOCACHE;
        }
        return (pte & X64PageTables.WRITE_THROUGH) != 0 ? access | PageProtection.WRITECOMBINE : access;
    }
}
