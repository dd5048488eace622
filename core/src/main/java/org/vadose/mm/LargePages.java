package org.vadose.mm;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.ResourcesException;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;
import org.vadose.nt.Vad;

/**
 * Private memory in large pages ({@code MEM_LARGE_PAGES}): each is 512 frames in a row that one page-directory entry maps from the
 * call on until the region is freed. The frames are in no working set and never paged.
 *
 * <p>A region is made, and freed, as a whole; it is never reserved without being committed, and its protection changes by whole
 * large pages. That a part cannot be freed or decommitted is documented; which status says so is inferred.
 */
final class LargePages {
    private static final int FRAMES = (int) (Pages.LARGE_SIZE / Pages.SIZE);

    private final MemoryManager manager;
    private final UserTables tables;
    private final Commit commit;
    private final PfnDatabase pfns;

    LargePages(MemoryManager manager, UserTables tables, Commit commit) {
        this.manager = manager;
        this.tables = tables;
        this.commit = commit;
        this.pfns = manager.pfns();
    }

    /** What a request for large pages must look like; the privilege is the caller's matter. */
    static NtStatus validate(long base, long sizeBytes, int type, int protection) {
        int both = VirtualMemoryServices.MEM_COMMIT | VirtualMemoryServices.MEM_RESERVE;
        if ((type & both) != both
                || (type & (VirtualMemoryServices.MEM_PHYSICAL | VirtualMemoryServices.MEM_WRITE_WATCH)) != 0) {
            return NtStatus.INVALID_PARAMETER_5;
        }
        if (!UserPages.isMappable(protection)) {
            return NtStatus.INVALID_PAGE_PROTECTION;
        }
        if ((base & Pages.LARGE_SIZE - 1) != 0) {
            return NtStatus.INVALID_PARAMETER_2;
        }
        return (sizeBytes & Pages.LARGE_SIZE - 1) != 0 ? NtStatus.INVALID_PARAMETER_4 : NtStatus.SUCCESS;
    }

    /**
     * Makes a region in a hole of the entered address space.
     *
     * @param start a multiple of 2 MB, as is the size
     */
    NtStatus allocate(ProcessSpace space, long start, long sizeBytes, int protection) {
        long count = Pages.count(sizeBytes);
        Vad vad;
        try {
            vad = manager.virtualMemory()
                    .regions()
                    .newVad(Vad.TAG_SHORT, Vad.SIZE_SHORT, Pages.vpn(start), Pages.vpn(start + sizeBytes - 1));
        } catch (ResourcesException exhausted) {
            return exhausted.status();
        }
        if (!commit.charge(space.process(), count)) {
            manager.pool().free(vad.address());
            return NtStatus.COMMITMENT_LIMIT;
        }
        pfns.makeAvailable(count);
        NtStatus status = NtStatus.SUCCESS;
        long at = start;
        for (; at < start + sizeBytes && status.isSuccess(); at += Pages.LARGE_SIZE) {
            status = map(space, at, protection);
        }
        if (!status.isSuccess()) {
            for (long back = start; back < at - Pages.LARGE_SIZE; back += Pages.LARGE_SIZE) {
                unmap(space, back);
            }
            commit.release(space.process(), count);
            manager.pool().free(vad.address());
            return status;
        }
        vad.setFlags(protection, true, Vad.TYPE_LARGE_PAGES, false);
        vad.setCommitment(true, count);
        space.vads().insert(vad.address());
        space.process().addVirtualSize(sizeBytes);
        space.process().addLargePrivateVads(1);
        return NtStatus.SUCCESS;
    }

    private NtStatus map(ProcessSpace space, long address, int protection) {
        long first = pfns.allocateContiguous(FRAMES);
        if (first == PfnDatabase.NONE) {
            return NtStatus.INSUFFICIENT_RESOURCES;
        }
        if (!tables.mapLarge(space.workingSet(), address, entry(first, protection))) {
            freeFrames(first);
            return NtStatus.NO_MEMORY;
        }
        long entryAddress = tables.largeEntryAddress(address);
        long table = tables.largeTableFrame(address);
        for (long frame = first; frame < first + FRAMES; frame++) {
            Pfn pfn = pfns.pfn(frame);
            pfn.setPteAddress(entryAddress);
            pfn.setPteFrame(table, false);
            pfn.setOriginalPte(Pte.demandZero(protection));
        }
        return NtStatus.SUCCESS;
    }

    private static long entry(long frame, int protection) {
        return Pte.validUser(frame, protection, true) | X64PageTables.LARGE;
    }

    private void unmap(ProcessSpace space, long address) {
        long first = Pte.frame(tables.read(address));
        tables.writeLarge(space.workingSet(), address, 0);
        freeFrames(first);
    }

    private void freeFrames(long first) {
        for (long frame = first; frame < first + FRAMES; frame++) {
            pfns.free(frame);
        }
    }

    /** Whether all pages of a range have this protection already: committing them again then changes nothing. */
    boolean hasProtection(long first, long last, int protection) {
        for (long at = first; at <= last; at += Pages.SIZE) {
            if (Pte.protection(pfns.pfn(Pte.frame(tables.read(at))).originalPte()) != protection) {
                return false;
            }
        }
        return true;
    }

    /** Gives up a region's pages; the VAD, its charge and its size are the caller's. */
    void release(ProcessSpace space, Vad vad) {
        long end = vad.endingVpn() + 1 << Pages.SHIFT;
        for (long at = vad.startingVpn() << Pages.SHIFT; at < end; at += Pages.LARGE_SIZE) {
            unmap(space, at);
        }
        space.process().addLargePrivateVads(-1);
    }

    /**
     * Changes the protection of large pages.
     *
     * @param last address of the last byte
     */
    NtStatus protect(ProcessSpace space, long first, long last, int protection) {
        boolean isWhole = (first & Pages.LARGE_SIZE - 1) == 0 && (last + 1 & Pages.LARGE_SIZE - 1) == 0;
        if (!isWhole || !UserPages.isMappable(protection) || PageProtection.isCopyOnWrite(protection)) {
            return NtStatus.INVALID_PAGE_PROTECTION;
        }
        for (long at = first; at < last; at += Pages.LARGE_SIZE) {
            long frame = Pte.frame(tables.read(at));
            tables.writeLarge(space.workingSet(), at, entry(frame, protection));
            for (long f = frame; f < frame + FRAMES; f++) {
                pfns.pfn(f).setOriginalPte(Pte.demandZero(protection));
            }
        }
        return NtStatus.SUCCESS;
    }
}
