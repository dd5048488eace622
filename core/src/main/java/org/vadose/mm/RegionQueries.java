package org.vadose.mm;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.MiSectionImageInformationLayout;
import org.vadose.layout.SectionImageInformationLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ControlArea;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;
import org.vadose.nt.Subsection;
import org.vadose.nt.Vad;

/** What {@code NtQueryVirtualMemory} tells: runs of pages that are alike, whole regions, single pages, files behind views. */
public final class RegionQueries {
    /** {@code RegionType} bits of {@code MEMORY_REGION_INFORMATION}. */
    private static final int PRIVATE = 1;

    private static final int MAPPED_DATA_FILE = 2;
    private static final int MAPPED_IMAGE = 4;
    private static final int MAPPED_PAGE_FILE = 8;

    /** Fields of {@code PSAPI_WORKING_SET_EX_BLOCK}, by their lowest bit. */
    private static final int SHARE_COUNT_SHIFT = 1;

    private static final int PROTECTION_SHIFT = 4;
    private static final int SHARED_SHIFT = 15;
    private static final int NODE_SHIFT = 16;
    private static final int LOCKED_SHIFT = 22;
    private static final int LARGE_PAGE_SHIFT = 23;
    private static final int PRIORITY_SHIFT = 24;
    private static final int SHARED_ORIGINAL_SHIFT = 30;
    private static final int MOST_SHARES = 7;

    /** Stands where a committed page has its protection. */
    private static final int RESERVED = -1;

    private final AddressSpaces spaces;
    private final UserTables tables;
    private final UserPages pages;
    private final PfnDatabase pfns;
    private final Memory memory;

    RegionQueries(MemoryManager manager, AddressSpaces spaces, UserTables tables, UserPages pages) {
        this.spaces = spaces;
        this.tables = tables;
        this.pages = pages;
        this.pfns = manager.pfns();
        this.memory = manager.kernelMemory();
    }

    /**
     * {@code MemoryRegionInformation}: the region that holds an address.
     *
     * @param status INVALID_ADDRESS when none does; then the rest means nothing
     * @param type private 1, data file 2, image 4, section without a file 8
     */
    public record Region(
            NtStatus status, long base, int allocationProtect, int type, long sizeBytes, long commitBytes) {}

    /**
     * {@code MemoryImageInformation}: the image that holds an address.
     *
     * @param status INVALID_ADDRESS when none does; then the rest means nothing
     */
    public record Image(NtStatus status, long base, long sizeBytes, int flags) {}

    /**
     * {@code MemoryMappedFilenameInformation}, as far as the manager knows.
     *
     * @param status INVALID_ADDRESS for what is no view, FILE_INVALID for a view without a file
     * @param fileObject the file
     */
    public record File(NtStatus status, long fileObject) {}

    private long vadAt(ProcessSpace space, long address) {
        return Long.compareUnsigned(address, space.highest()) > 0
                ? 0
                : space.vads().find(Pages.vpn(address));
    }

    /** See {@link VirtualMemoryServices#query}. */
    NtStatus basic(Eprocess process, long address, VirtualMemoryServices.BasicInformation result) {
        if (Long.compareUnsigned(address, process.userEnd()) >= 0) {
            return NtStatus.INVALID_PARAMETER;
        }
        long before = spaces.enter(process);
        try {
            basicEntered(spaces.entered(), Pages.down(address), result);
        } finally {
            spaces.leave(before);
        }
        return NtStatus.SUCCESS;
    }

    private void basicEntered(ProcessSpace space, long page, VirtualMemoryServices.BasicInformation result) {
        result.baseAddress = page;
        long node = space.vads().firstEndingAtOrAfter(Pages.vpn(page));
        long start = node == 0 ? space.highest() + 1 : new Vad(memory, node).startingVpn() << Pages.SHIFT;
        if (start > page) {
            result.allocationBase = 0;
            result.allocationProtect = 0;
            result.regionSizeBytes = start - page;
            result.state = VirtualMemoryServices.MEM_FREE;
            result.protect = PageProtection.PAGE_NOACCESS;
            result.type = 0;
            return;
        }
        Vad vad = new Vad(memory, node);
        long end = vad.endingVpn() + 1 << Pages.SHIFT;
        boolean isPrivate = vad.isPrivate();
        boolean isCommitted = isPrivate ? vad.isMemCommit() : pages.isWhollyCommitted(vad);
        int whole = isCommitted ? vad.protection() : RESERVED;
        int first = stateOf(vad, page);
        long at = page;
        while (at < end) {
            long gap = isPrivate || isCommitted ? tables.gap(at, end) : 0;
            if (gap != 0) {
                if (whole != first) {
                    break;
                }
                at += gap;
            } else if (stateOf(vad, at) == first) {
                at += Pages.SIZE;
            } else {
                break;
            }
        }
        result.allocationBase = start;
        result.allocationProtect = PageProtection.toPage(vad.protection());
        result.regionSizeBytes = at - page;
        result.state = first == RESERVED ? VirtualMemoryServices.MEM_RESERVE : VirtualMemoryServices.MEM_COMMIT;
        result.protect = first == RESERVED ? 0 : PageProtection.toPage(first);
        result.type = isPrivate
                ? VirtualMemoryServices.MEM_PRIVATE
                : vad.isImage() ? VirtualMemoryServices.MEM_IMAGE : VirtualMemoryServices.MEM_MAPPED;
    }

    /** The protection of a committed page, {@link #RESERVED} for one that is not. */
    private int stateOf(Vad vad, long page) {
        long pte = tables.read(page);
        return pages.isCommitted(vad, page, pte) ? pages.protection(vad, page, pte) : RESERVED;
    }

    public Region region(Eprocess process, long address) {
        long before = spaces.enter(process);
        try {
            long node = vadAt(spaces.entered(), address);
            if (node == 0) {
                return new Region(NtStatus.INVALID_ADDRESS, 0, 0, 0, 0, 0);
            }
            Vad vad = new Vad(memory, node);
            int type = PRIVATE;
            if (!vad.isPrivate()) {
                boolean isFile =
                        new Subsection(memory, vad.subsection()).controlArea().isFile();
                type = vad.isImage() ? MAPPED_IMAGE : isFile ? MAPPED_DATA_FILE : MAPPED_PAGE_FILE;
            }
            return new Region(
                    NtStatus.SUCCESS,
                    vad.range().startAddress(),
                    PageProtection.toPage(vad.protection()),
                    type,
                    vad.range().sizeBytes(),
                    vad.commitCharge() * Pages.SIZE);
        } finally {
            spaces.leave(before);
        }
    }

    public Image image(Eprocess process, long address) {
        long before = spaces.enter(process);
        try {
            long node = vadAt(spaces.entered(), address);
            Vad vad = new Vad(memory, node);
            if (node == 0 || vad.isPrivate() || !vad.isImage()) {
                return new Image(NtStatus.INVALID_ADDRESS, 0, 0, 0);
            }
            long information = new Subsection(memory, vad.subsection())
                            .controlArea()
                            .segment()
                            .imageInformation()
                    + MiSectionImageInformationLayout.EXPORTED_IMAGE_INFORMATION;
            boolean executes = memory.readByte(information + SectionImageInformationLayout.IMAGE_CONTAINS_CODE) != 0;
            return new Image(
                    NtStatus.SUCCESS, vad.range().startAddress(), vad.range().sizeBytes(), executes ? 0 : 2);
        } finally {
            spaces.leave(before);
        }
    }

    public File file(Eprocess process, long address) {
        long before = spaces.enter(process);
        try {
            long node = vadAt(spaces.entered(), address);
            if (node == 0 || new Vad(memory, node).isPrivate()) {
                return new File(NtStatus.INVALID_ADDRESS, 0);
            }
            ControlArea area = new Subsection(memory, new Vad(memory, node).subsection()).controlArea();
            return area.fileObject() == 0
                    ? new File(NtStatus.FILE_INVALID, 0)
                    : new File(NtStatus.SUCCESS, area.fileObject());
        } finally {
            spaces.leave(before);
        }
    }

    /** {@code MemoryWorkingSetExInformation} of one page: a {@code PSAPI_WORKING_SET_EX_BLOCK}. */
    public long workingSetBlock(Eprocess process, long address) {
        long before = spaces.enter(process);
        try {
            ProcessSpace space = spaces.entered();
            long page = Pages.down(address);
            long node = vadAt(space, page);
            if (node == 0) {
                return 0;
            }
            Vad vad = new Vad(memory, node);
            long pte = tables.read(page);
            boolean sharedOriginal = !vad.isPrivate();
            if (Pte.kind(pte) != Pte.Kind.VALID) {
                boolean isShared = sharedOriginal && !pages.isOwn(pte);
                return (isShared ? 1L << SHARED_SHIFT : 0) | (sharedOriginal ? 1L << SHARED_ORIGINAL_SHIFT : 0);
            }
            Pfn pfn = pfns.pfn(Pte.frame(pte));
            int protection = PageProtection.toPage(pages.validProtection(pte));
            long shares = pfn.isPrototype() ? Math.min(MOST_SHARES, pfn.shareCount()) : 0;
            return 1
                    | shares << SHARE_COUNT_SHIFT
                    | (long) protection << PROTECTION_SHIFT
                    | (long) pfns.topology().ofFrame(Pte.frame(pte)) << NODE_SHIFT
                    | (pfn.isPrototype() ? 1L << SHARED_SHIFT : 0)
                    | (Pte.isLocked(pte) ? 1L << LOCKED_SHIFT : 0)
                    | (tables.isLarge(page) ? 1L << LARGE_PAGE_SHIFT : 0)
                    | (long) pfn.priority() << PRIORITY_SHIFT
                    | (sharedOriginal ? 1L << SHARED_ORIGINAL_SHIFT : 0);
        } finally {
            spaces.leave(before);
        }
    }

    /** Takes one page of a working set. */
    @FunctionalInterface
    public interface PageVisitor {
        /** @param block a {@code PSAPI_WORKING_SET_BLOCK} */
        void page(long block);
    }

    /** {@code MemoryWorkingSetInformation}: every page of the process that is in its working set, by address. */
    public void workingSet(Eprocess process, PageVisitor visitor) {
        long before = spaces.enter(process);
        try {
            ProcessSpace space = spaces.entered();
            for (long node = space.vads().first();
                    node != 0;
                    node = space.vads().next(node)) {
                Vad vad = new Vad(memory, node);
                long end = vad.range().endAddress();
                for (long page = vad.range().startAddress(); page < end; ) {
                    long gap = tables.gap(page, end);
                    if (gap != 0) {
                        page += gap;
                        continue;
                    }
                    long pte = tables.read(page);
                    if (Pte.kind(pte) == Pte.Kind.VALID) {
                        visitor.page(block(page, pte));
                    }
                    page += Pages.SIZE;
                }
            }
        } finally {
            spaces.leave(before);
        }
    }

    private long block(long page, long pte) {
        Pfn pfn = pfns.pfn(Pte.frame(pte));
        boolean isShared = pfn.isPrototype();
        // Protection is the five bits of PTEs here, not a PAGE_ value.
        return pages.validProtection(pte) & 0x1F
                | (isShared ? Math.min(MOST_SHARES, pfn.shareCount()) << 5 : 0)
                | (isShared ? 1L << 8 : 0)
                | page;
    }
}
