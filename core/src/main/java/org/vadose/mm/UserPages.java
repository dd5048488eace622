package org.vadose.mm;

import org.vadose.base.Pages;
import org.vadose.layout.MmpteSoftwareLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.ControlArea;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;
import org.vadose.nt.Subsection;
import org.vadose.nt.Vad;

/**
 * What can be said about, and done to, one page of the process whose address space is loaded. Policy (which pages, which status)
 * is the callers'.
 *
 * <pre>
 *                 committed?              protection                    is removed by
 *  empty          as the VAD says,        the VAD's, or the             nothing
 *                 or its prototype        prototype's
 *  demand-zero    yes                     in the PTE                    writing over it
 *  decommitted    no                      -                             writing over it
 *  prototype      yes                     in the PTE                    writing over it
 *  valid, own     yes                     in the PFN's OriginalPte      freeing the frame
 *  valid, shared  yes                     WsleProtection, or, if 0,     giving up one share
 *                                         the PFN's OriginalPte
 *  transition     yes                     in the PTE                    discarding the listed frame
 *  page file      yes                     in the PTE                    giving back the slot
 * </pre>
 *
 * A page whose protection lets nobody at it, or that is guarded, is never valid: its frame, if it has one of its own, is in
 * transition, so the first touch always faults.
 */
final class UserPages {
    private static final long PROTECTION_BITS =
            MmpteSoftwareLayout.PROTECTION_MASK << MmpteSoftwareLayout.PROTECTION_SHIFT;

    private final MemoryManager manager;
    private final Memory memory;
    private final UserTables tables;
    private final PfnDatabase pfns;

    UserPages(MemoryManager manager, UserTables tables, PfnDatabase pfns) {
        this.manager = manager;
        this.memory = manager.kernelMemory();
        this.tables = tables;
        this.pfns = pfns;
    }

    /** The prototype PTE of a page of a view, 0 for none: the page is behind the section's end. */
    static long prototypeOf(Vad vad, long page) {
        return vad.prototypePte(Pages.vpn(page));
    }

    /** Whether all pages of a view of a data section are committed, so that those without a PTE have the view's protection. */
    boolean isWhollyCommitted(Vad vad) {
        if (vad.isPrivate() || vad.isImage() || vad.prototypePte(vad.endingVpn()) == 0) {
            return false;
        }
        ControlArea area = new Subsection(memory, vad.subsection()).controlArea();
        return area.isFile()
                || area.segment().committedPages() == area.segment().pages();
    }

    boolean isCommitted(Vad vad, long page, long pte) {
        return switch (Pte.kind(pte)) {
            case EMPTY -> vad.isPrivate() ? vad.isMemCommit() : prototypeProtection(vad, page) != 0;
            case DECOMMITTED -> false;
            case DEMAND_ZERO, VALID, TRANSITION, PAGE_FILE, PROTOTYPE -> true;
        };
    }

    /** The protection of a committed page, as five bits of {@link PageProtection}. */
    int protection(Vad vad, long page, long pte) {
        return switch (Pte.kind(pte)) {
            case VALID -> validProtection(pte);
            case EMPTY -> vad.isPrivate() ? vad.protection() : defaultProtection(vad, page);
            case DEMAND_ZERO, DECOMMITTED, TRANSITION, PAGE_FILE, PROTOTYPE -> Pte.protection(pte);
        };
    }

    int validProtection(long pte) {
        Pfn pfn = pfns.pfn(Pte.frame(pte));
        int own = Pte.ownProtection(pte);
        return own != 0 && pfn.isPrototype()
                ? own | Pte.protectionOfValid(pte) & PageProtection.WRITECOMBINE
                : Pte.protection(pfn.originalPte());
    }

    /** What a page of a view has until somebody changes it: what the section says of an image's, what the view says else. */
    private int defaultProtection(Vad vad, long page) {
        return vad.isImage() ? prototypeProtection(vad, page) : vad.protection();
    }

    /** What a section gives a page of a view; 0 for a page that belongs to none of its parts. */
    int prototypeProtection(Vad vad, long page) {
        long address = prototypeOf(vad, page);
        if (address == 0) {
            return 0;
        }
        long prototype = memory.readLong(address);
        return switch (Pte.kind(prototype)) {
            case VALID -> Pte.protection(pfns.pfn(Pte.frame(prototype)).originalPte());
            case EMPTY, DECOMMITTED -> 0;
            case DEMAND_ZERO, PROTOTYPE, TRANSITION, PAGE_FILE -> Pte.protection(prototype);
        };
    }

    /** Whether writing to the page makes a private copy of it that has not been made yet. */
    boolean owesCopy(Vad vad, long page, long pte) {
        return !vad.isPrivate() && !isOwn(pte) && PageProtection.isCopyOnWrite(protection(vad, page, pte));
    }

    /** Whether the entry holds a page of the process's own rather than one of a section. */
    boolean isOwn(long pte) {
        return switch (Pte.kind(pte)) {
            case VALID -> !pfns.pfn(Pte.frame(pte)).isPrototype();
            case DEMAND_ZERO, TRANSITION, PAGE_FILE -> true;
            case EMPTY, DECOMMITTED, PROTOTYPE -> false;
        };
    }

    /** Gives up what a page's PTE holds and writes another entry that holds no frame; tables left empty go, too. */
    void replace(ProcessSpace space, long page, long pte, long replacement) {
        if (pte == 0 && replacement == 0) {
            return;
        }
        tables.write(space.workingSet(), page, replacement);
        Pte.Kind kind = Pte.kind(pte);
        if (kind == Pte.Kind.VALID) {
            long frame = Pte.frame(pte);
            boolean isShared = pfns.pfn(frame).isPrototype();
            space.workingSet().addLeaf(-1, !isShared);
            unlock(space, pte);
            if (isShared) {
                Pfn pfn = pfns.pfn(frame);
                long combined = manager.combining().isCombined(pfn) ? pfn.pteAddress() : 0;
                unshare(frame, (pte & X64PageTables.DIRTY) != 0);
                if (combined != 0) {
                    manager.combining().drop(combined);
                }
            } else {
                pfns.free(frame);
                space.process().addPrivatePages(-1);
            }
        } else if (kind == Pte.Kind.TRANSITION) {
            pfns.discard(Pte.frame(pte));
            space.process().addPrivatePages(-1);
        } else if (kind == Pte.Kind.PAGE_FILE) {
            pfns.freeSlot(pte);
            space.process().addPrivatePages(-1);
        } else if (Pte.isCombined(pte)) {
            manager.combining().drop(Pte.prototypeAddress(pte));
        }
    }

    /** A valid page leaves the working set by force: if it was locked, it no longer is. */
    private static void unlock(ProcessSpace space, long pte) {
        if (Pte.isLocked(pte)) {
            space.workingSet().addLocked(-1);
        }
    }

    /** A mapping of a shared page is gone; with the last, the page leaves the working sets and its prototype is in transition. */
    void unshare(long frame, boolean dirty) {
        Pfn pfn = pfns.pfn(frame);
        long shares = pfn.shareCount() - 1;
        pfn.setShareCount(shares);
        if (shares == 0) {
            memory.writeLong(pfn.pteAddress(), Pte.transition(frame, Pte.protection(pfn.originalPte())));
            pfns.release(frame, dirty);
        } else if (dirty) {
            pfn.setModified(true);
        }
    }

    /**
     * Changes a committed page's protection.
     *
     * @param wanted five bits; for a page of a section, {@link #viewProtection} has been applied
     * @return false when there is no RAM for a table
     */
    boolean protect(ProcessSpace space, Vad vad, long page, long pte, int wanted) {
        if (vad.isPrivate() && manager.combining().isCombined(pte)) {
            manager.combining().protect(space, page, pte, wanted);
            return true;
        }
        if (!vad.isPrivate() && !isOwn(pte)) {
            return protectShared(space, vad, page, pte, wanted);
        }
        int protection = PageProtection.privateCopy(wanted);
        switch (Pte.kind(pte)) {
            case VALID -> protectOwn(space, page, pte, protection);
            case TRANSITION -> {
                setOriginalProtection(Pte.frame(pte), protection);
                tables.write(space.workingSet(), page, pte & ~PROTECTION_BITS | Pte.demandZero(protection));
            }
            case DEMAND_ZERO, PAGE_FILE, DECOMMITTED ->
                tables.write(space.workingSet(), page, pte & ~PROTECTION_BITS | Pte.demandZero(protection));
            case EMPTY -> {
                if (protection == vad.protection()) {
                    return true;
                }
                if (!tables.ensure(space.workingSet(), page)) {
                    return false;
                }
                tables.write(space.workingSet(), page, Pte.demandZero(protection));
            }
            case PROTOTYPE -> throw new IllegalStateException("prototype PTE in private memory");
        }
        return true;
    }

    private void protectOwn(ProcessSpace space, long page, long pte, int protection) {
        long frame = Pte.frame(pte);
        long dirty = pte & X64PageTables.DIRTY;
        long kept = Pte.withLock(dirty, Pte.isLocked(pte));
        setOriginalProtection(frame, protection);
        if (isMappable(protection)) {
            tables.write(space.workingSet(), page, Pte.validUser(frame, protection, false) | kept);
        } else {
            unlock(space, pte);
            if (dirty != 0) {
                manager.writeWatch().capture(space, page);
            }
            tables.write(space.workingSet(), page, Pte.transition(frame, protection));
            space.workingSet().addLeaf(-1, true);
            pfns.release(frame, dirty != 0);
        }
    }

    private boolean protectShared(ProcessSpace space, Vad vad, long page, long pte, int protection) {
        if (Pte.kind(pte) == Pte.Kind.VALID && isMappable(protection)) {
            long valid = Pte.withLock(
                    Pte.validUser(Pte.frame(pte), protection, false) | pte & X64PageTables.DIRTY, Pte.isLocked(pte));
            boolean isGiven = protection == prototypeProtection(vad, page);
            tables.write(space.workingSet(), page, isGiven ? valid : Pte.withOwnProtection(valid, protection));
            return true;
        }
        if (protection == defaultProtection(vad, page)) {
            replace(space, page, pte, 0);
            return true;
        }
        if (!tables.ensure(space.workingSet(), page)) {
            return false;
        }
        replace(space, page, pte, Pte.lookupNeeded(protection));
        return true;
    }

    private void setOriginalProtection(long frame, int protection) {
        Pfn pfn = pfns.pfn(frame);
        pfn.setOriginalPte(pfn.originalPte() & ~PROTECTION_BITS | Pte.demandZero(protection));
    }

    /** Whether a page of this protection may be valid. */
    static boolean isMappable(int protection) {
        return PageProtection.isAccessible(protection) && !PageProtection.isGuard(protection);
    }

    /** In a view, asking for write access gets copy-on-write, unless the section lets its pages be written. */
    int viewProtection(Vad vad, long page, int wanted) {
        boolean isPlainWrite = PageProtection.isWritable(wanted) && !PageProtection.isCopyOnWrite(wanted);
        if (!isPlainWrite || !vad.isImage()) {
            return wanted;
        }
        int given = prototypeProtection(vad, page);
        boolean isShared = PageProtection.isWritable(given) && !PageProtection.isCopyOnWrite(given);
        return isShared ? wanted : wanted | 1;
    }

    /** Maps a frame of the process's own at a page whose tables exist and whose PTE holds no frame. */
    void mapOwn(ProcessSpace space, long page, long frame, int protection, boolean write) {
        pfns.pfn(frame).setOriginalPte(Pte.demandZero(protection));
        tables.write(space.workingSet(), page, Pte.validUser(frame, protection, write));
        space.workingSet().addLeaf(1, true);
        Eprocess process = space.process();
        process.addPrivatePages(1);
    }
}
