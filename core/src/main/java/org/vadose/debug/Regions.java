package org.vadose.debug;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MmpfnLayout;
import org.vadose.memory.PageTableFormat.Step;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;
import org.vadose.nt.Subsection;
import org.vadose.nt.Vad;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** A process's user addresses as runs of pages of one kind, told by its VADs and page tables: what {@code VirtualQuery} answers. */
final class Regions {
    static final int COMMIT = 0x1000;
    static final int RESERVE = 0x2000;
    static final int FREE = 0x10000;
    static final int PRIVATE = 0x20000;
    static final int MAPPED = 0x40000;
    static final int IMAGE = 0x1000000;

    private static final int MAXIMUM_NODES = 1 << 20;
    private static final int TABLE_BITS = 9;

    /**
     * A run of pages.
     *
     * @param allocation where the region was reserved from, 0 for free addresses
     * @param state {@link #COMMIT}, {@link #RESERVE} or {@link #FREE}
     * @param protect {@code PAGE_*}, 0 where there is none
     * @param type {@link #PRIVATE}, {@link #MAPPED}, {@link #IMAGE}; 0 for free addresses
     * @param vad address of the VAD, 0 for free addresses
     */
    record Region(
            long base, long end, long allocation, int allocationProtect, int state, int protect, int type, long vad) {
        long sizeBytes() {
            return end - base;
        }
    }

    private final TargetMemory kernel;
    private final TargetMemory user;
    private final long frames;
    private final Eprocess process;

    Regions(Debugger debugger, Eprocess process) {
        this.kernel = debugger.target().kernel();
        this.user = debugger.spaceOf(process);
        this.process = process;
        this.frames = kernel.readLong(debugger.target().kernelAddress(KernelSymbols.MM_PFN_DATABASE));
    }

    /** All of them, by address, free addresses between. */
    List<Region> all(long highest) {
        List<Region> found = new ArrayList<>();
        long at = 0;
        for (Vad vad : vads()) {
            long start = vad.startingVpn() << Pages.SHIFT;
            if (start > at) {
                found.add(free(at, start));
            }
            split(vad, found);
            at = vad.endingVpn() + 1 << Pages.SHIFT;
        }
        if (at <= highest) {
            found.add(free(at, highest + 1));
        }
        return found;
    }

    private static Region free(long from, long to) {
        return new Region(from, to, 0, 0, FREE, PageProtection.PAGE_NOACCESS, 0, 0);
    }

    /** In order of address. */
    List<Vad> vads() {
        List<Vad> found = new ArrayList<>();
        Deque<Long> path = new ArrayDeque<>();
        Set<Long> seen = new HashSet<>();
        long at = process.vadRoot();
        while ((at != 0 || !path.isEmpty()) && found.size() < MAXIMUM_NODES) {
            if (at != 0) {
                if (!seen.add(at)) {
                    break;
                }
                path.push(at);
                at = child(at, 0);
            } else {
                long node = path.pop();
                found.add(new Vad(kernel, node));
                at = child(node, 1);
            }
        }
        return found;
    }

    private long child(long node, int side) {
        try {
            return new Vad(kernel, node).child(side);
        } catch (UnreadableMemoryException e) {
            return 0;
        }
    }

    private void split(Vad vad, List<Region> found) {
        long start = vad.startingVpn() << Pages.SHIFT;
        long end = vad.endingVpn() + 1 << Pages.SHIFT;
        int type = vad.isPrivate() ? PRIVATE : vad.isImage() ? IMAGE : MAPPED;
        int allocationProtect = PageProtection.toPage(vad.protection());
        long runStart = start;
        int runProtection = -1;
        for (long page = start; page < end; ) {
            long[] next = {page + Pages.SIZE};
            int protection = protection(vad, page, end, next);
            if (protection != runProtection && page != start) {
                found.add(region(vad, runStart, page, start, allocationProtect, runProtection, type));
                runStart = page;
            }
            runProtection = protection;
            page = next[0];
        }
        found.add(region(vad, runStart, end, start, allocationProtect, runProtection, type));
    }

    private static Region region(
            Vad vad, long from, long to, long allocation, int allocationProtect, int protection, int type) {
        return new Region(
                from,
                to,
                allocation,
                allocationProtect,
                protection == 0 ? RESERVE : COMMIT,
                protection,
                type,
                vad.address());
    }

    /**
     * {@code PAGE_*} of a committed page, 0 of one that is only reserved.
     *
     * @param next in: the page behind; out: where the answer may change first
     */
    private int protection(Vad vad, long page, long end, long[] next) {
        List<Step> steps = user.path(page);
        Step last = steps.isEmpty() ? null : steps.getLast();
        if (vad.isLargePages()) {
            next[0] = end;
            return PageProtection.toPage(vad.protection());
        }
        if (vad.isLargePageSection() && last != null && last.level() == 2) {
            next[0] = Math.min(end, (page | Pages.LARGE_SIZE - 1) + 1);
            return PageProtection.toPage(validProtection(last.entry()));
        }
        if (last != null && last.level() > 1) {
            long span = Pages.SIZE << TABLE_BITS * (last.level() - 1);
            if (vad.isPrivate()) {
                next[0] = Math.min(end, (page & -span) + span);
            }
        }
        long pte = last != null && last.level() == 1 ? last.entry() : 0;
        try {
            return switch (Pte.kind(pte)) {
                case VALID -> PageProtection.toPage(validProtection(pte));
                case EMPTY -> {
                    if (vad.isPrivate()) {
                        yield vad.isMemCommit() ? PageProtection.toPage(vad.protection()) : 0;
                    }
                    int prototype = prototypeProtection(vad, page);
                    yield prototype == 0 ? 0 : PageProtection.toPage(vad.isImage() ? prototype : vad.protection());
                }
                case DECOMMITTED -> 0;
                case DEMAND_ZERO, TRANSITION, PAGE_FILE, PROTOTYPE -> PageProtection.toPage(Pte.protection(pte));
            };
        } catch (UnreadableMemoryException e) {
            return PageProtection.toPage(vad.protection());
        }
    }

    private int validProtection(long pte) {
        Pfn pfn = pfn(Pte.frame(pte));
        int own = Pte.ownProtection(pte);
        return own != 0 && pfn.isPrototype()
                ? own | Pte.protectionOfValid(pte) & PageProtection.WRITECOMBINE
                : Pte.protection(pfn.originalPte());
    }

    private Pfn pfn(long frame) {
        return new Pfn(kernel, frames + frame * MmpfnLayout.SIZE);
    }

    private int prototypeProtection(Vad vad, long page) {
        if (vad.subsection() == 0) {
            return 0;
        }
        long address = vad.prototypePte(Pages.vpn(page));
        if (address == 0) {
            return 0;
        }
        long prototype = kernel.readLong(address);
        return switch (Pte.kind(prototype)) {
            case VALID -> Pte.protection(pfn(Pte.frame(prototype)).originalPte());
            case EMPTY, DECOMMITTED -> 0;
            case DEMAND_ZERO, PROTOTYPE, TRANSITION, PAGE_FILE -> Pte.protection(prototype);
        };
    }

    /** Address of the control area behind a region's view, 0 for private memory. */
    long controlArea(Region region) {
        if (region.type() != IMAGE && region.type() != MAPPED) {
            return 0;
        }
        long subsection = new Vad(kernel, region.vad()).subsection();
        return subsection == 0
                ? 0
                : new Subsection(kernel, subsection).controlArea().address();
    }
}
