package org.vadose.mm;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.ResourcesException;
import org.vadose.base.VpnRange;
import org.vadose.memory.Memory;
import org.vadose.nt.PageProtection;
import org.vadose.nt.PoolType;
import org.vadose.nt.Pte;
import org.vadose.nt.Vad;

/**
 * How a region comes to its VAD and how it ends: decommitted, released as a whole, from an end, or out of its middle, which makes
 * two of it. What a caller may ask for is decided before ({@link VirtualMemoryServices}).
 */
final class Regions {
    private final MemoryManager manager;
    private final UserTables tables;
    private final UserPages pages;
    private final Commit commit;
    private final Memory memory;
    private final LargePages largePages;

    Regions(MemoryManager manager, UserTables tables, UserPages pages, Commit commit, LargePages largePages) {
        this.manager = manager;
        this.tables = tables;
        this.pages = pages;
        this.commit = commit;
        this.memory = manager.kernelMemory();
        this.largePages = largePages;
    }

    /**
     * A VAD of a range, all else in it zero, in no tree yet.
     *
     * @throws ResourcesException when the pool is exhausted
     */
    Vad newVad(int tag, long sizeBytes, long firstVpn, long lastVpn) {
        long address = manager.pool().allocate(PoolType.NON_PAGED_POOL_NX, sizeBytes, tag);
        Vad vad = new Vad(memory, address);
        vad.initialize(sizeBytes, firstVpn, lastVpn);
        return vad;
    }

    /** Gives up pages of a private region, which stay reserved. */
    NtStatus decommit(ProcessSpace space, Vad vad, long first, long last) {
        if (vad.isWriteWatch()) {
            manager.writeWatch().forget(vad, first, last);
        }
        if (vad.isMemCommit() && (first != vad.startingVpn() || last != vad.endingVpn())) {
            // Pages without a PTE would count as committed: each gets one that says it is not.
            long tablesNeeded = (last - first >>> 9) + 4;
            if (manager.pfns().availablePages() < tablesNeeded) {
                return NtStatus.NO_MEMORY;
            }
            for (long page = first << Pages.SHIFT; page >>> Pages.SHIFT <= last; page += Pages.SIZE) {
                long pte = tables.read(page);
                if (!pages.isCommitted(vad, page, pte)) {
                    continue;
                }
                if (!tables.ensure(space.workingSet(), page)) {
                    return NtStatus.NO_MEMORY;
                }
                pages.replace(space, page, pte, Pte.demandZero(PageProtection.DECOMMITTED));
                uncharge(space, vad, 1);
            }
            return NtStatus.SUCCESS;
        }
        long released = clear(space, vad, first, last);
        uncharge(space, vad, released);
        if (vad.isMemCommit()) {
            vad.setCommitment(false, vad.commitCharge());
        }
        return NtStatus.SUCCESS;
    }

    /** Pages of a region are no longer committed. */
    void uncharge(ProcessSpace space, Vad vad, long released) {
        vad.addCommitCharge(-released);
        commit.release(space.process(), released);
    }

    /** Gives up all pages of a range of a private region and their PTEs; answers how many were committed. */
    long clear(ProcessSpace space, Vad vad, long first, long last) {
        long end = last + 1 << Pages.SHIFT;
        boolean isMemCommit = vad.isMemCommit();
        long released = 0;
        for (long page = first << Pages.SHIFT; page < end; ) {
            long gap = tables.gap(page, end);
            if (gap != 0) {
                released += isMemCommit ? Pages.count(gap) : 0;
                page += gap;
                continue;
            }
            long pte = tables.read(page);
            released += pages.isCommitted(vad, page, pte) ? 1 : 0;
            pages.replace(space, page, pte, 0);
            page += Pages.SIZE;
        }
        return released;
    }

    /**
     * Releases a part of a region at one of its ends, or all of it.
     *
     * @param kind the region's {@link Vad#type}
     * @param whole its {@link Vad#range}
     */
    void release(ProcessSpace space, Vad vad, int kind, VpnRange whole, long first, long last) {
        long released = 0;
        if (kind == Vad.TYPE_LARGE_PAGES) {
            released = vad.commitCharge();
            largePages.release(space, vad);
        } else if (kind == Vad.TYPE_AWE) {
            manager.awePages().closeWindow(space, vad);
        } else {
            released = clear(space, vad, first, last);
        }
        giveBack(space, first, last, released);
        if (first == whole.first() && last == whole.last()) {
            removeRegion(space, vad.address(), first);
        } else {
            vad.addCommitCharge(-released);
            shrinkRegion(space, vad, first, last);
        }
    }

    /**
     * Releases the middle of a region of ordinary private memory; its upper end becomes a region of its own.
     *
     * @return false when there is no pool for that, with nothing done
     */
    boolean cut(ProcessSpace space, Vad vad, long first, long last) {
        long start = vad.startingVpn();
        Vad upper = newPart(vad, last + 1, vad.endingVpn());
        if (upper == null) {
            return false;
        }
        long released = clear(space, vad, first, last);
        giveBack(space, first, last, released);
        upper.setCommitment(vad.isMemCommit(), 0);
        long charge = countCommitted(upper);
        upper.addCommitCharge(charge);
        vad.addCommitCharge(-released - charge);
        vad.setRange(start, first - 1);
        space.vads().insert(upper.address());
        space.holes().freed(first << Pages.SHIFT, last + 1 << Pages.SHIFT);
        return true;
    }

    /** A region that is what another is, of which it is a part; null when there is no pool. */
    private @Nullable Vad newPart(Vad whole, long first, long last) {
        Vad part = null;
        try {
            part = newVad(Vad.TAG_SHORT, Vad.SIZE_SHORT, first, last);
            part.copyFlags(whole);
            if (whole.isWriteWatch()) {
                manager.writeWatch().split(whole, part);
            } else if (whole.eventList() != 0) {
                manager.placeholders().copyMark(whole, part);
            }
            return part;
        } catch (ResourcesException exhausted) {
            if (part != null) {
                manager.pool().free(part.address());
            }
            return null;
        }
    }

    private void giveBack(ProcessSpace space, long first, long last, long committed) {
        commit.release(space.process(), committed);
        if (space.guardBitmap() != 0) {
            forgetTargets(space, first, last);
        }
        space.process().addVirtualSize(-(last - first + 1) << Pages.SHIFT);
    }

    /*
     * What is seldom done stands in methods of its own, here and in the tree: a compiler that gives up on a method for its size
     * makes calls of all the small accesses in it.
     */

    private void forgetTargets(ProcessSpace space, long first, long last) {
        if (first << Pages.SHIFT == space.guardBitmap()) {
            // The process ends.
            space.setGuardBitmap(0);
        } else {
            manager.controlFlowGuard().released(space, first << Pages.SHIFT, last + 1 << Pages.SHIFT);
        }
    }

    private void removeRegion(ProcessSpace space, long node, long first) {
        long holeFirst = lowestFree(space, node, first);
        long next = space.vads().next(node);
        space.vads().remove(node);
        long events = new Vad(memory, node).eventList();
        if (events != 0) {
            manager.pool().free(events);
        }
        manager.pool().free(node);
        long holeEnd = next == 0 ? space.highest() + 1 : new Vad(memory, next).startingVpn() << Pages.SHIFT;
        space.holes().freed(holeFirst, holeEnd);
    }

    private void shrinkRegion(ProcessSpace space, Vad vad, long first, long last) {
        long start = vad.startingVpn();
        long end = vad.endingVpn();
        if (first == start) {
            long holeFirst = lowestFree(space, vad.address(), first);
            if (vad.isWriteWatch()) {
                manager.writeWatch().shrink(vad, last + 1, end);
            }
            vad.setRange(last + 1, end);
            space.holes().freed(holeFirst, last + 1 << Pages.SHIFT);
            return;
        }
        vad.setRange(start, first - 1);
        long next = space.vads().next(vad.address());
        long holeEnd = next == 0 ? space.highest() + 1 : new Vad(memory, next).startingVpn() << Pages.SHIFT;
        space.holes().freed(first << Pages.SHIFT, holeEnd);
    }

    private long lowestFree(ProcessSpace space, long node, long vpn) {
        long previous = space.vads().previous(node);
        long first = previous == 0
                ? Pages.vpn(VirtualMemoryServices.LOWEST_USER)
                : new Vad(memory, previous).endingVpn() + 1;
        return Math.min(first, vpn) << Pages.SHIFT;
    }

    private long countCommitted(Vad vad) {
        long end = vad.endingVpn() + 1 << Pages.SHIFT;
        long count = 0;
        for (long page = vad.startingVpn() << Pages.SHIFT; page < end; ) {
            long gap = tables.gap(page, end);
            if (gap != 0) {
                count += vad.isMemCommit() ? Pages.count(gap) : 0;
                page += gap;
            } else {
                count += pages.isCommitted(vad, page, tables.read(page)) ? 1 : 0;
                page += Pages.SIZE;
            }
        }
        return count;
    }

    /** Frees every region and view of the process, whose address space is loaded. */
    void releaseAll(ProcessSpace space) {
        for (long node = space.vads().first(); node != 0; node = space.vads().first()) {
            Vad vad = new Vad(memory, node);
            if (vad.isPrivate()) {
                VpnRange whole = vad.range();
                release(space, vad, vad.type(), whole, whole.first(), whole.last());
            } else {
                manager.sectionViews().unmap(space, vad);
            }
        }
        manager.awePages().freeAll(space);
    }
}
