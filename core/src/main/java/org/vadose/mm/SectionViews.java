package org.vadose.mm;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.ResourcesException;
import org.vadose.base.VpnRange;
import org.vadose.memory.Memory;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.ControlArea;
import org.vadose.nt.ListEntry;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pfn;
import org.vadose.nt.PoolQuota;
import org.vadose.nt.Pte;
import org.vadose.nt.Segment;
import org.vadose.nt.Subsection;
import org.vadose.nt.Vad;

/**
 * Views of sections in the process whose address space is loaded: a long VAD each, on its control area's list. Pages are mapped
 * when touched.
 */
final class SectionViews {
    private final MemoryManager manager;
    private final UserTables tables;
    private final UserPages pages;
    private final Commit commit;
    private final Prototypes prototypes;
    private final ControlAreas areas;
    private final Memory memory;

    SectionViews(
            MemoryManager manager,
            UserTables tables,
            UserPages pages,
            Commit commit,
            Prototypes prototypes,
            ControlAreas areas) {
        this.manager = manager;
        this.tables = tables;
        this.pages = pages;
        this.commit = commit;
        this.prototypes = prototypes;
        this.areas = areas;
        this.memory = manager.kernelMemory();
    }

    /**
     * Maps a view of a data section at a free place.
     *
     * @param firstPage of the section
     * @param protection five bits of {@link PageProtection}
     * @param large whether large pages are mapped as such, at once
     * @return COMMITMENT_LIMIT when the copies that writing may make cannot be promised, NO_MEMORY when there is no RAM for page
     *     tables of large pages
     */
    NtStatus map(
            ProcessSpace space,
            ControlArea area,
            VpnRange range,
            long firstPage,
            int protection,
            boolean noChange,
            boolean inherit,
            boolean large) {
        long owed = PageProtection.isCopyOnWrite(protection) ? range.pages() : 0;
        if (!commit.charge(space.process(), owed)) {
            return NtStatus.COMMITMENT_LIMIT;
        }
        int type = large ? Vad.TYPE_LARGE_PAGE_SECTION : 0;
        Vad vad = insert(space, area, range, protection, type, owed);
        vad.setFlags(protection, false, type, noChange);
        vad.setFlags2(firstPage / (Pages.GRANULARITY / Pages.SIZE), inherit);
        Subsection part = area.firstSubsection();
        long skipped = firstPage;
        while (skipped >= part.pages() && part.next() != 0) {
            skipped -= part.pages();
            part = new Subsection(memory, part.next());
        }
        long first = part.base() + skipped * Long.BYTES;
        vad.setSubsection(part.address());
        vad.setPrototypePtes(first, first + (Math.min(range.pages(), part.pages() - skipped) - 1) * Long.BYTES);
        if (area.isFile()) {
            countInSubsections(vad, 1);
            area.addWritableUserReferences(isWritable(protection) ? 1 : 0);
        } else {
            area.segment().setFirstMappedAddress(range.startAddress());
        }
        if (large && !manager.largeSections().map(space, vad)) {
            unmap(space, vad);
            return NtStatus.NO_MEMORY;
        }
        return NtStatus.SUCCESS;
    }

    private static boolean isWritable(int protection) {
        return PageProtection.isWritable(protection) && !PageProtection.isCopyOnWrite(protection);
    }

    /** Makes a VAD of a view whose commitment is charged; the caller says which prototypes it shows. */
    Vad insert(ProcessSpace space, ControlArea area, VpnRange range, int protection, int type, long owed) {
        Vad vad;
        try {
            vad = manager.virtualMemory().regions().newVad(Vad.TAG_LONG, Vad.SIZE_LONG, range.first(), range.last());
        } catch (ResourcesException exhausted) {
            commit.release(space.process(), owed);
            space.holes().freed(range.startAddress(), range.endAddress() + 1);
            throw exhausted;
        }
        vad.setFlags(protection, false, type, false);
        vad.setCommitment(false, owed);
        vad.setProcess(space.process().address());
        vad.setFileObject(area.fileObject());
        area.views().insertTail(vad.viewLinks().address());
        space.vads().insert(vad.address());
        space.process().addVirtualSize(range.sizeBytes());
        new PoolQuota(space.process()).charge(false, Vad.SIZE_LONG);
        area.addMappedViews(1);
        area.addUserReferences(1);
        return vad;
    }

    private void countInSubsections(Vad vad, int delta) {
        long left = vad.range().pages();
        Subsection part = new Subsection(memory, vad.subsection());
        long shown = part.pages() - (vad.firstPrototypePte() - part.base()) / Long.BYTES;
        while (true) {
            part.addMappedViews(delta);
            left -= shown;
            if (left <= 0 || part.next() == 0) {
                return;
            }
            part = new Subsection(memory, part.next());
            shown = part.pages();
        }
    }

    /** Unmaps a view; the section goes with its last view when nobody has a reference to it. */
    void unmap(ProcessSpace space, Vad vad) {
        VpnRange range = vad.range();
        if (space.guardBitmap() != 0) {
            manager.controlFlowGuard().released(space, range.startAddress(), range.endAddress() + 1);
        }
        if (vad.isLargePageSection()) {
            manager.largeSections().unmap(space, vad);
        }
        for (long page = range.startAddress(); page <= range.endAddress(); ) {
            long gap = tables.gap(page, range.endAddress() + 1);
            if (gap == 0) {
                pages.replace(space, page, tables.read(page), 0);
                gap = Pages.SIZE;
            }
            page += gap;
        }
        ControlArea area = new Subsection(memory, vad.subsection()).controlArea();
        new ListEntry(memory, vad.viewLinks().address()).remove();
        if (area.isFile() && !area.isImage()) {
            countInSubsections(vad, -1);
            area.addWritableUserReferences(isWritable(vad.protection()) ? -1 : 0);
        }
        commit.release(space.process(), vad.commitCharge());
        space.process().addVirtualSize(-range.sizeBytes());
        new PoolQuota(space.process()).charge(false, -Vad.SIZE_LONG);
        space.vads().remove(vad.address());
        space.holes().freed(range.startAddress(), range.endAddress() + 1);
        if (vad.eventList() != 0) {
            manager.pool().free(vad.eventList());
        }
        manager.pool().free(vad.address());
        area.addMappedViews(-1);
        area.addUserReferences(-1);
        areas.settleIfUnused(area);
    }

    /**
     * Commits pages of a view of a section without a file, for all who map it; in this view they take the protection.
     *
     * @param first address of the first page
     * @param last address of the last byte
     */
    NtStatus commit(ProcessSpace space, Vad vad, long first, long last, int protection) {
        ControlArea area = new Subsection(memory, vad.subsection()).controlArea();
        if (area.isFile() || vad.isImage()) {
            return NtStatus.ALREADY_COMMITTED;
        }
        if (!SectionRules.mayBecome(vad.protection(), protection)) {
            return NtStatus.SECTION_PROTECTION;
        }
        Segment segment = area.segment();
        NtStatus status = commitPages(
                segment, UserPages.prototypeOf(vad, first), Pages.count(last + 1 - first), segment.defaultProtection());
        if (!status.isSuccess()) {
            return status;
        }
        if (vad.isLargePageSection()) {
            return manager.largeSections().protect(space, vad, first, last, protection);
        }
        return manager.virtualMemory().protections().protectView(space, vad, first, last, protection)
                ? NtStatus.SUCCESS
                : NtStatus.NO_MEMORY;
    }

    /** Commits the pages of so many prototypes in a row, those committed already left as they are. */
    NtStatus commitPages(Segment segment, long firstPrototype, long count, int protection) {
        long fresh = 0;
        for (long i = 0; i < count; i++) {
            fresh += memory.readLong(firstPrototype + i * Long.BYTES) == 0 ? 1 : 0;
        }
        if (!commit.chargeShared(fresh)) {
            return NtStatus.COMMITMENT_LIMIT;
        }
        for (long i = 0; i < count; i++) {
            long at = firstPrototype + i * Long.BYTES;
            if (memory.readLong(at) == 0) {
                memory.writeLong(at, Pte.demandZero(protection));
            }
        }
        segment.setCommittedPages(segment.committedPages() + fresh);
        return NtStatus.SUCCESS;
    }

    /** Writes what was modified in a part of a view back to its file. */
    NtStatus flush(ProcessSpace space, Vad vad, long first, long last) {
        ControlArea area = new Subsection(memory, vad.subsection()).controlArea();
        if (!area.isFile() || area.isImage()) {
            return NtStatus.SUCCESS;
        }
        NtStatus status = NtStatus.SUCCESS;
        for (long page = first; page <= last; ) {
            long gap = tables.gap(page, last + 1);
            if (gap != 0) {
                page += gap;
                continue;
            }
            captureDirty(space, page);
            page += Pages.SIZE;
        }
        // Pages that only others have written are in the range, too.
        Subsection part = new Subsection(memory, vad.subsection());
        long start = part.startingPage() + (vad.firstPrototypePte() - part.base()) / Long.BYTES;
        long offset = Pages.vpn(first) - vad.startingVpn();
        NtStatus written = areas.flush(area, start + offset, Pages.vpn(last) - Pages.vpn(first) + 1);
        return written.isSuccess() ? status : written;
    }

    /** Moves a shared page's dirty bit from its PTE to its PFN, so that the next write sets it again. */
    private void captureDirty(ProcessSpace space, long page) {
        long pte = tables.read(page);
        if (Pte.kind(pte) != Pte.Kind.VALID || (pte & X64PageTables.DIRTY) == 0) {
            return;
        }
        Pfn pfn = manager.pfns().pfn(Pte.frame(pte));
        if (pfn.isPrototype()) {
            pfn.setModified(true);
            tables.write(space.workingSet(), page, pte & ~X64PageTables.DIRTY);
        }
    }
}
