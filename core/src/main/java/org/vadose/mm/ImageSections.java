package org.vadose.mm;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.SeededRandom;
import org.vadose.base.VpnRange;
import org.vadose.layout.ControlAreaLayout;
import org.vadose.layout.MmsectionFlagsLayout;
import org.vadose.layout.MmsubsectionFlagsLayout;
import org.vadose.layout.SegmentLayout;
import org.vadose.layout.SubsectionLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.Eprocess;
import org.vadose.nt.ListEntry;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pfn;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.Pte;
import org.vadose.nt.Vad;
import org.vadose.pe.PeFormat;
import org.vadose.pe.PeImage;
import org.vadose.pe.PeSection;

/**
 * Image sections: an executable file made mappable, its pages shared by all who map it.
 *
 * <pre>
 *  _CONTROL_AREA + one _SUBSECTION for the headers + one a section     nonpaged pool, tag MmCi
 *  _SEGMENT                                                            paged pool, tag MmSg
 *  prototype PTEs, one a page of the image                             paged pool, tag MmSt
 * </pre>
 *
 * A prototype PTE names its subsection until the first fault reads the page from the file; then it is valid, and its frame's
 * share count is the number of PTEs that map it, and one for the section. All views of an image that may move have the one base that was
 * drawn for it when the section was made, so relocated pages are shared too.
 */
public final class ImageSections {
    private static final int TAG_CONTROL_AREA = PoolTag.of("MmCi");
    private static final int TAG_SEGMENT = PoolTag.of("MmSg");
    private static final int TAG_PROTOTYPES = PoolTag.of("MmSt");
    private static final int SECTOR_SHIFT = 9;

    /** Where 64-bit DLLs are put: the topmost 64 GB but one of user space. */
    private static final long DLL_TOP = 0x7FFF_F000_0000L;

    private static final long DLL_RANGE = 0x7_0000_0000L;
    private static final long EXE_BASE = 0x7FF6_0000_0000L;
    private static final long EXE_RANGE = 0x1_FFFF_0000L;
    /** A classic, not high-entropy image stays within 16 MB of where it was linked for. */
    private static final long CLASSIC_STEPS = 256;

    private final MemoryManager manager;
    private final AddressSpaces spaces;
    private final UserTables tables;
    private final Commit commit;
    private final Memory memory;
    private final long seed;
    /** Next free address below which the next DLL goes: the boot's image bias, moving down. */
    private long nextDllEnd;
    /** Files behind control areas; what a disk would hold. */
    private final Map<Long, Source> sources = new HashMap<>();

    private static final class Source {
        final PeImage image;
        final String name;
        final long base;
        byte @Nullable [] laidOut;

        Source(PeImage image, String name, long base) {
            this.image = image;
            this.name = name;
            this.base = base;
        }
    }

    /**
     * A view of an image.
     *
     * @param status failure: the other values mean nothing
     * @param base where it is
     * @param isRelocated whether its relocations are applied for that base
     */
    public record View(NtStatus status, long base, boolean isRelocated) {}

    ImageSections(MemoryManager manager, AddressSpaces spaces, UserTables tables, Commit commit, long seed) {
        this.manager = manager;
        this.spaces = spaces;
        this.tables = tables;
        this.commit = commit;
        this.memory = manager.kernelMemory();
        this.seed = seed;
        this.nextDllEnd =
                DLL_TOP - Pages.alignDown(SeededRandom.of(seed, "image bias").below(DLL_RANGE), Pages.GRANULARITY);
    }

    /**
     * Makes a section of an image file.
     *
     * @param name path, for randomness of the base and messages
     * @param fileObject the {@code _FILE_OBJECT}, or 0
     * @return address of the {@code _CONTROL_AREA}
     */
    public long create(PeImage image, String name, long fileObject) {
        long pages = Pages.count(image.sizeOfImage());
        int subsections = 1 + image.sections().size();
        Memory m = memory;
        Pool pool = manager.pool();
        long areaBytes = ControlAreaLayout.SIZE + subsections * SubsectionLayout.SIZE;
        long area = pool.allocate(PoolType.NON_PAGED_POOL_NX, areaBytes, TAG_CONTROL_AREA);
        long segment = pool.allocate(PoolType.PAGED_POOL, SegmentLayout.SIZE, TAG_SEGMENT);
        long prototypes = pool.allocate(PoolType.PAGED_POOL, pages * Long.BYTES, TAG_PROTOTYPES);
        m.fill(area, areaBytes, (byte) 0);
        m.fill(segment, SegmentLayout.SIZE, (byte) 0);
        m.fill(prototypes, pages * Long.BYTES, (byte) 0);

        long base = chooseBase(image, name);
        m.writeLong(area + ControlAreaLayout.SEGMENT, segment);
        new ListEntry(m, area + ControlAreaLayout.LIST_HEAD).initialize();
        m.writeLong(area + ControlAreaLayout.NUMBER_OF_SECTION_REFERENCES, 1);
        m.writeInt(
                area + ControlAreaLayout.U,
                1 << MmsectionFlagsLayout.IMAGE_SHIFT | 1 << MmsectionFlagsLayout.FILE_SHIFT);
        m.writeLong(area + ControlAreaLayout.FILE_POINTER, fileObject == 0 ? 0 : fileObject | 0xF);
        m.writeLong(segment + SegmentLayout.CONTROL_AREA, area);
        m.writeInt(segment + SegmentLayout.TOTAL_NUMBER_OF_PTES, (int) pages);
        m.writeLong(segment + SegmentLayout.SIZE_OF_SEGMENT, pages * Pages.SIZE);
        m.writeLong(segment + SegmentLayout.BASED_ADDRESS, base);
        m.writeLong(segment + SegmentLayout.PROTOTYPE_PTE, prototypes);

        long subsection = area + ControlAreaLayout.SIZE;
        long headerPages = Pages.count(image.sizeOfHeaders());
        fillSubsection(area, subsection, prototypes, 0, headerPages, PageProtection.READONLY, 0, image.sizeOfHeaders());
        int writable = 0;
        for (PeSection section : image.sections()) {
            long next = subsection + SubsectionLayout.SIZE;
            m.writeLong(subsection + SubsectionLayout.NEXT_SUBSECTION, next);
            subsection = next;
            int protection = PageProtection.toMask(section.pageProtection());
            long sectionPages = Pages.count(section.sizeBytes());
            fillSubsection(
                    area,
                    subsection,
                    prototypes,
                    Pages.vpn(section.rva()),
                    Math.min(sectionPages, pages - Pages.vpn(section.rva())),
                    protection,
                    section.fileOffset(),
                    section.mappedBytes());
            writable += PageProtection.isCopyOnWrite(protection) ? (int) sectionPages : 0;
        }
        m.writeLong(segment + SegmentLayout.NUMBER_OF_COMMITTED_PAGES, writable);
        sources.put(area, new Source(image, name, base));
        return area;
    }

    private void fillSubsection(
            long area,
            long subsection,
            long prototypes,
            long firstPage,
            long pages,
            int protection,
            long fileOffset,
            long fileBytes) {
        Memory m = memory;
        m.writeLong(subsection + SubsectionLayout.CONTROL_AREA, area);
        m.writeLong(subsection + SubsectionLayout.SUBSECTION_BASE, prototypes + firstPage * Long.BYTES);
        m.writeInt(subsection + SubsectionLayout.PTES_IN_SUBSECTION, (int) pages);
        m.writeInt(subsection + SubsectionLayout.STARTING_SECTOR, (int) (fileOffset >>> SECTOR_SHIFT));
        m.writeInt(subsection + SubsectionLayout.NUMBER_OF_FULL_SECTORS, (int) (fileBytes >>> SECTOR_SHIFT));
        m.writeShort(subsection + SubsectionLayout.U, (short) (protection << MmsubsectionFlagsLayout.PROTECTION_SHIFT));
        for (long i = 0; i < pages; i++) {
            m.writeLong(prototypes + (firstPage + i) * Long.BYTES, Pte.subsection(subsection, protection));
        }
    }

    private long chooseBase(PeImage image, String name) {
        boolean dynamic = (image.dllCharacteristics() & PeFormat.DLL_DYNAMIC_BASE) != 0 && image.isRelocatable();
        if (!dynamic) {
            return image.imageBase();
        }
        boolean highEntropy = (image.dllCharacteristics() & PeFormat.DLL_HIGH_ENTROPY_VA) != 0;
        SeededRandom random = SeededRandom.of(seed, "image " + name);
        if (image.isDll()) {
            nextDllEnd -= Pages.alignUp(image.sizeOfImage(), Pages.GRANULARITY);
            return nextDllEnd;
        }
        if (highEntropy) {
            return EXE_BASE + Pages.alignDown(random.below(EXE_RANGE), Pages.GRANULARITY);
        }
        return image.imageBase() + (1 + random.below(CLASSIC_STEPS - 1)) * Pages.GRANULARITY;
    }

    /** Maps a view of the whole image. */
    public View map(Eprocess process, long area) {
        return spaces.attached(process, () -> mapAttached(process, area));
    }

    private View mapAttached(Eprocess process, long area) {
        Source source = source(area);
        long segment = memory.readLong(area + ControlAreaLayout.SEGMENT);
        long sizeBytes = memory.readLong(segment + SegmentLayout.SIZE_OF_SEGMENT);
        VadTree tree = new VadTree(process);
        long base = source.base;
        NtStatus status = NtStatus.SUCCESS;
        VpnRange range = VpnRange.covering(base, sizeBytes);
        if (base < VirtualMemoryServices.LOWEST_USER
                || range.endAddress() > VirtualMemoryServices.HIGHEST_USER
                || tree.overlaps(range)) {
            if (!source.image.isRelocatable()) {
                return new View(NtStatus.CONFLICTING_ADDRESSES, 0, false);
            }
            base = manager.virtualMemory().findHole(process, tree, sizeBytes, DLL_TOP, true);
            if (base == 0) {
                return new View(NtStatus.NO_MEMORY, 0, false);
            }
            range = VpnRange.covering(base, sizeBytes);
            status = NtStatus.IMAGE_NOT_AT_BASE;
        }
        long charge = memory.readLong(segment + SegmentLayout.NUMBER_OF_COMMITTED_PAGES);
        if (!commit.charge(process, charge)) {
            return new View(NtStatus.COMMITMENT_LIMIT, 0, false);
        }
        Vad vad = manager.virtualMemory().newVad(Vad.TAG_LONG, Vad.SIZE_LONG, PoolType.NON_PAGED_POOL_NX, range);
        vad.setFlags(PageProtection.EXECUTE_WRITECOPY, false, Vad.TYPE_IMAGE_MAP, false);
        vad.setCommitCharge(charge);
        vad.setSubsection(area + ControlAreaLayout.SIZE);
        long prototypes = memory.readLong(segment + SegmentLayout.PROTOTYPE_PTE);
        vad.setPrototypePtes(prototypes, prototypes + (range.pages() - 1) * Long.BYTES);
        tree.insert(vad.address());
        process.addVirtualSize(range.sizeBytes());
        bump(area + ControlAreaLayout.NUMBER_OF_MAPPED_VIEWS, 1);
        bump(area + ControlAreaLayout.NUMBER_OF_USER_REFERENCES, 1);
        return new View(status, base, base == source.base);
    }

    /** Unmaps the view that holds an address. */
    public NtStatus unmap(Eprocess process, long address) {
        return spaces.attached(process, () -> {
            VadTree tree = new VadTree(process);
            long node = tree.find(Pages.vpn(address));
            if (node == 0 || new Vad(memory, node).isPrivate()) {
                return NtStatus.NOT_MAPPED_VIEW;
            }
            unmapView(process, tree, new Vad(memory, node));
            return NtStatus.SUCCESS;
        });
    }

    private void unmapView(Eprocess process, VadTree tree, Vad vad) {
        VpnRange range = vad.range();
        for (long page = range.startAddress(); page <= range.endAddress(); ) {
            long gap = tables.gap(page);
            if (gap != 0) {
                page += gap;
                continue;
            }
            long pte = tables.read(page);
            tables.write(page, 0);
            if (Pte.kind(pte) == Pte.Kind.VALID
                    && manager.pfns().pfn(Pte.frame(pte)).isPrototype()) {
                unshare(Pte.frame(pte));
                new WorkingSet(process).add(-1, false);
            } else {
                manager.virtualMemory().releasePage(process, pte);
            }
            page += Pages.SIZE;
        }
        long area = memory.readLong(vad.subsection() + SubsectionLayout.CONTROL_AREA);
        bump(area + ControlAreaLayout.NUMBER_OF_MAPPED_VIEWS, -1);
        bump(area + ControlAreaLayout.NUMBER_OF_USER_REFERENCES, -1);
        commit.release(process, vad.commitCharge());
        tree.remove(vad.address());
        process.addVirtualSize(-range.sizeBytes());
        manager.pool().free(vad.address());
    }

    /** Frees every region and view of the process, whose address space is loaded. */
    void releaseAll(Eprocess process) {
        VadTree tree = new VadTree(process);
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        for (long node = tree.first(); node != 0; node = tree.first()) {
            Vad vad = new Vad(memory, node);
            if (!vad.isPrivate()) {
                unmapView(process, tree, vad);
                continue;
            }
            region.base = vad.range().startAddress();
            region.sizeBytes = 0;
            vad.setFlags(vad.protection(), true, vad.type(), false);
            NtStatus status = manager.virtualMemory().free(process, region, VirtualMemoryServices.MEM_RELEASE);
            if (!status.isSuccess()) {
                throw new IllegalStateException("region cannot be released status=" + status + " range=" + vad.range());
            }
        }
    }

    /** The prototype PTE of a page of a view, 0 for none. */
    static long prototypeOf(Vad vad, long page) {
        long first = vad.firstPrototypePte();
        return first == 0 ? 0 : first + (Pages.vpn(page) - vad.startingVpn()) * Long.BYTES;
    }

    /** The five protection bits that the section gives a page of a view. */
    int protection(Vad vad, long page) {
        long prototype = memory.readLong(prototypeOf(vad, page));
        return switch (Pte.kind(prototype)) {
            case VALID ->
                Pte.protection(manager.pfns().pfn(Pte.frame(prototype)).originalPte());
            case EMPTY -> PageProtection.NOACCESS;
            case DEMAND_ZERO, PROTOTYPE, TRANSITION, PAGE_FILE -> Pte.protection(prototype);
        };
    }

    /** The frame of a prototype's page, read from the file now if it is not in RAM; {@link PfnDatabase#NONE} without RAM. */
    long makeResident(Vad vad, long prototype) {
        long entry = memory.readLong(prototype);
        if (Pte.kind(entry) == Pte.Kind.VALID) {
            return Pte.frame(entry);
        }
        long subsection = Pte.prototypeAddress(entry);
        long area = memory.readLong(subsection + SubsectionLayout.CONTROL_AREA);
        long segment = memory.readLong(area + ControlAreaLayout.SEGMENT);
        long page = (prototype - memory.readLong(segment + SegmentLayout.PROTOTYPE_PTE)) / Long.BYTES;
        long frame = manager.pfns().allocate(prototype, tables.tableFrame(prototype));
        if (frame == PfnDatabase.NONE) {
            return frame;
        }
        byte[] contents = contents(source(area));
        int from = (int) (page * Pages.SIZE);
        if (from < contents.length) {
            int length = (int) Math.min(Pages.SIZE, contents.length - from);
            manager.mmu().ram().write(frame << Pages.SHIFT, contents, from, length);
        }
        Pfn pfn = manager.pfns().pfn(frame);
        pfn.setOriginalPte(entry);
        pfn.setPteFrame(pteFrameOf(prototype), true);
        memory.writeLong(
                prototype,
                frame << Pages.SHIFT | X64PageTables.PRESENT | X64PageTables.ACCESSED | X64PageTables.NO_EXECUTE);
        bump(area + ControlAreaLayout.NUMBER_OF_PFN_REFERENCES, 1);
        return frame;
    }

    /** Frame of the page that holds a prototype PTE. */
    private long pteFrameOf(long prototype) {
        return Pte.frame(memory.readLong(manager.selfMap().pte(prototype)));
    }

    /** A PTE that mapped this shared page is gone. */
    void unshare(long frame) {
        Pfn pfn = manager.pfns().pfn(frame);
        pfn.setShareCount(pfn.shareCount() - 1);
    }

    private Source source(long area) {
        return Objects.requireNonNull(sources.get(area), "no file is behind the control area");
    }

    private static byte[] contents(Source source) {
        byte[] laidOut = source.laidOut;
        if (laidOut == null) {
            laidOut = source.image.layOut(source.base);
            source.laidOut = laidOut;
        }
        return laidOut;
    }

    private void bump(long address, long delta) {
        memory.writeLong(address, memory.readLong(address) + delta);
    }
}
