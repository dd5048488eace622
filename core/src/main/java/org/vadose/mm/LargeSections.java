package org.vadose.mm;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.ControlArea;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;
import org.vadose.nt.Segment;
import org.vadose.nt.Subsection;
import org.vadose.nt.Vad;

/**
 * Sections in large pages ({@code SEC_LARGE_PAGES}) and the views that map them so ({@code FILE_MAP_LARGE_PAGES}).
 *
 * <pre>
 *  prototype PTEs   512 in a row name 512 frames in a row; all valid from the section's creation to its end
 *  a frame          PteAddress: its prototype; share count: one for the section, one for each entry that maps it,
 *                   small or large; _MMPFN.u4.ResidentPage says that the section holds it
 *  a large view     VadType 6; a page-directory entry for each 2 MB from the mapping on, in no working set
 *  a small view     as of any section: since version 1703 only views that ask for large pages get them
 * </pre>
 *
 * The section's pages are its commitment and never leave RAM. What SDK pages say is: the privilege, multiples of the large page for
 * sizes and addresses, no file behind it. That frames are marked by {@code ResidentPage} and how they are counted is inferred.
 */
final class LargeSections {
    private static final int FRAMES = (int) (Pages.LARGE_SIZE / Pages.SIZE);

    private final Memory memory;
    private final UserTables tables;
    private final PfnDatabase pfns;
    private final Prototypes prototypes;

    LargeSections(MemoryManager manager, UserTables tables, Prototypes prototypes) {
        this.memory = manager.kernelMemory();
        this.tables = tables;
        this.pfns = manager.pfns();
        this.prototypes = prototypes;
    }

    static boolean isLarge(ControlArea area) {
        return !area.isFile() && area.segment().isLargePages();
    }

    // --- sections ---

    /**
     * Takes all frames of a committed section without a file.
     *
     * @return false when RAM has not so many large pages; then the section is as it was
     */
    boolean fill(ControlArea area) {
        Segment segment = area.segment();
        long pages = segment.pages();
        pfns.makeAvailable(pages);
        segment.setLargePages();
        for (long page = 0; page < pages; page += FRAMES) {
            long first = pfns.allocateContiguous(FRAMES);
            if (first == PfnDatabase.NONE) {
                empty(area);
                return false;
            }
            for (int i = 0; i < FRAMES; i++) {
                prototypes.hold(segment.prototypePtes() + (page + i) * Long.BYTES, first + i);
            }
        }
        return true;
    }

    /** Gives the frames of a section that nobody maps back. */
    void empty(ControlArea area) {
        Segment segment = area.segment();
        for (long page = 0; page < segment.pages(); page++) {
            prototypes.letGo(segment.prototypePtes() + page * Long.BYTES);
        }
    }

    // --- views ---

    /** What a large view must look like, besides lying in its section. */
    static NtStatus validate(ControlArea area, long base, long offsetBytes, long sizeBytes, int protection) {
        if (area.isImage() || !isLarge(area)) {
            return NtStatus.INVALID_PARAMETER_9;
        }
        if (!UserPages.isMappable(protection) || PageProtection.isCopyOnWrite(protection)) {
            return NtStatus.INVALID_PAGE_PROTECTION;
        }
        if (((base | offsetBytes) & Pages.LARGE_SIZE - 1) != 0) {
            return NtStatus.MAPPED_ALIGNMENT;
        }
        return (sizeBytes & Pages.LARGE_SIZE - 1) != 0 ? NtStatus.INVALID_VIEW_SIZE : NtStatus.SUCCESS;
    }

    /**
     * Maps all pages of a large view.
     *
     * @return false when there is no RAM or commitment for a page table; some may be mapped then
     */
    boolean map(ProcessSpace space, Vad vad) {
        long end = vad.range().endAddress();
        for (long at = vad.range().startAddress(); at < end; at += Pages.LARGE_SIZE) {
            long first = Pte.frame(memory.readLong(UserPages.prototypeOf(vad, at)));
            if (!tables.mapLarge(space.workingSet(), at, entry(vad, first, vad.protection()))) {
                return false;
            }
            share(first, 1);
        }
        return true;
    }

    private long entry(Vad vad, long frame, int protection) {
        long entry = Pte.validUser(frame, protection, true) | X64PageTables.LARGE;
        int given =
                new Subsection(memory, vad.subsection()).controlArea().segment().defaultProtection();
        return protection == given ? entry : Pte.withOwnProtection(entry, protection);
    }

    private void share(long first, int delta) {
        for (long frame = first; frame < first + FRAMES; frame++) {
            Pfn pfn = pfns.pfn(frame);
            pfn.setShareCount(pfn.shareCount() + delta);
        }
    }

    /** Unmaps all pages of a large view. */
    void unmap(ProcessSpace space, Vad vad) {
        long end = vad.range().endAddress();
        for (long at = vad.range().startAddress(); at < end; at += Pages.LARGE_SIZE) {
            if (tables.isLarge(at)) {
                long first = Pte.frame(tables.read(at));
                tables.writeLarge(space.workingSet(), at, 0);
                share(first, -1);
            }
        }
    }

    /**
     * Changes the protection of large pages of a view; the caller knows that the view allows it.
     *
     * @param last address of the last byte
     */
    NtStatus protect(ProcessSpace space, Vad vad, long first, long last, int protection) {
        boolean isWhole = (first & Pages.LARGE_SIZE - 1) == 0 && (last + 1 & Pages.LARGE_SIZE - 1) == 0;
        if (!isWhole || !UserPages.isMappable(protection) || PageProtection.isCopyOnWrite(protection)) {
            return NtStatus.INVALID_PAGE_PROTECTION;
        }
        for (long at = first; at < last; at += Pages.LARGE_SIZE) {
            tables.writeLarge(space.workingSet(), at, entry(vad, Pte.frame(tables.read(at)), protection));
        }
        return NtStatus.SUCCESS;
    }
}
