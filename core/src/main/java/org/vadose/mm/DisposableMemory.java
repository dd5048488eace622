package org.vadose.mm;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;
import org.vadose.nt.Vad;

/**
 * Contents that a process can do without: {@code MEM_RESET} and its undoing, offered and reclaimed memory, discarded memory. All of
 * it stays committed.
 *
 * <pre>
 *   a page that is     MEM_RESET, offered                  discarded
 *   valid              no longer modified: when it is      demand-zero, its frame free
 *                      trimmed, its frame is free
 *   in transition      demand-zero, its frame free         demand-zero, its frame free
 *   in a page file     demand-zero, its slot free          demand-zero, its slot free
 * </pre>
 */
public final class DisposableMemory {
    private final AddressSpaces spaces;
    private final UserTables tables;
    private final UserPages pages;
    private final PfnDatabase pfns;
    private final Memory memory;

    DisposableMemory(MemoryManager manager, AddressSpaces spaces, UserTables tables, UserPages pages) {
        this.spaces = spaces;
        this.tables = tables;
        this.pages = pages;
        this.pfns = manager.pfns();
        this.memory = manager.kernelMemory();
    }

    /** {@code MEM_RESET} for whole pages of a private region of the entered process; what is not committed stays so. */
    void reset(ProcessSpace space, long first, long end) {
        for (long page = first; page < end; page += Pages.SIZE) {
            page += tables.gap(page, end);
            if (page >= end || tables.isLarge(page)) {
                continue;
            }
            long pte = tables.read(page);
            switch (Pte.kind(pte)) {
                case VALID -> {
                    Pfn pfn = pfns.pfn(Pte.frame(pte));
                    if (!pfn.isPrototype()) {
                        pfns.freeSlot(pfn.originalPte());
                        pfn.setOriginalPte(Pte.withoutSlot(pfn.originalPte()));
                        pfn.setModified(false);
                        tables.write(space.workingSet(), page, pte & ~X64PageTables.DIRTY);
                    }
                }
                case TRANSITION, PAGE_FILE -> pages.replace(space, page, pte, Pte.demandZero(Pte.protection(pte)));
                case EMPTY, PROTOTYPE, DEMAND_ZERO, DECOMMITTED -> {}
            }
        }
    }

    /**
     * {@code MEM_RESET_UNDO}: the contents are wanted again.
     *
     * @return whether all are still there
     */
    boolean undo(ProcessSpace space, Vad vad, long first, long end) {
        boolean complete = true;
        for (long page = first; page < end; page += Pages.SIZE) {
            long pte = tables.read(page);
            if (Pte.kind(pte) == Pte.Kind.VALID) {
                if (!pfns.pfn(Pte.frame(pte)).isPrototype()) {
                    pfns.pfn(Pte.frame(pte)).setModified(true);
                }
            } else if (pages.isCommitted(vad, page, pte)) {
                // A page that nobody has touched had no contents to lose.
                complete &= Pte.kind(pte) != Pte.Kind.DEMAND_ZERO;
            }
        }
        return complete;
    }

    /** What {@link #offer}, {@link #reclaim} and {@link #discard} do. */
    private enum Deed {
        OFFER,
        RECLAIM,
        DISCARD
    }

    /** {@code OfferVirtualMemory}: the contents may go when RAM is wanted. The range is whole committed private pages. */
    public NtStatus offer(Eprocess process, long base, long sizeBytes) {
        return perform(process, base, sizeBytes, Deed.OFFER);
    }

    /** {@code ReclaimVirtualMemory}; {@code NOT_FOUND} when contents are gone, and the pages can be used all the same. */
    public NtStatus reclaim(Eprocess process, long base, long sizeBytes) {
        return perform(process, base, sizeBytes, Deed.RECLAIM);
    }

    /** {@code DiscardVirtualMemory}: the contents go at once. */
    public NtStatus discard(Eprocess process, long base, long sizeBytes) {
        return perform(process, base, sizeBytes, Deed.DISCARD);
    }

    private NtStatus perform(Eprocess process, long base, long sizeBytes, Deed deed) {
        if (Pages.offset(base) != 0
                || Pages.offset(sizeBytes) != 0
                || sizeBytes == 0
                || Long.compareUnsigned(base, process.userEnd()) >= 0
                || Long.compareUnsigned(sizeBytes, process.userEnd() - base) > 0) {
            return NtStatus.INVALID_PARAMETER;
        }
        long end = base + sizeBytes;
        long before = spaces.enter(process);
        try {
            ProcessSpace space = spaces.entered();
            long node = space.vads().find(Pages.vpn(base));
            if (node == 0) {
                return NtStatus.INVALID_PARAMETER;
            }
            Vad vad = new Vad(memory, node);
            if (!vad.isPrivate() || vad.isAwe() || vad.isLargePages() || Pages.vpn(end - 1) > vad.endingVpn()) {
                return NtStatus.INVALID_PARAMETER;
            }
            for (long page = base; page < end; page += Pages.SIZE) {
                if (!pages.isCommitted(vad, page, tables.read(page))) {
                    return NtStatus.INVALID_PARAMETER;
                }
            }
            return switch (deed) {
                case OFFER -> {
                    reset(space, base, end);
                    yield NtStatus.SUCCESS;
                }
                case RECLAIM -> undo(space, vad, base, end) ? NtStatus.SUCCESS : NtStatus.NOT_FOUND;
                case DISCARD -> {
                    discard(space, vad, base, end);
                    yield NtStatus.SUCCESS;
                }
            };
        } finally {
            spaces.leave(before);
        }
    }

    private void discard(ProcessSpace space, Vad vad, long first, long end) {
        for (long page = first; page < end; page += Pages.SIZE) {
            long pte = tables.read(page);
            switch (Pte.kind(pte)) {
                case VALID, TRANSITION, PAGE_FILE -> {
                    if (Pte.kind(pte) != Pte.Kind.VALID || !Pte.isLocked(pte)) {
                        pages.replace(space, page, pte, Pte.demandZero(pages.protection(vad, page, pte)));
                    }
                }
                case EMPTY, PROTOTYPE, DEMAND_ZERO, DECOMMITTED -> {}
            }
        }
    }
}
