package org.vadose.mm;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.VpnRange;
import org.vadose.layout.MiExtraImageInformationLayout;
import org.vadose.layout.MiSectionImageInformationLayout;
import org.vadose.layout.SectionImageInformationLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ControlArea;
import org.vadose.nt.Eprocess;
import org.vadose.nt.ListEntry;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pfn;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.Pte;
import org.vadose.nt.Segment;
import org.vadose.nt.Subsection;
import org.vadose.nt.Vad;
import org.vadose.pe.PeImage;
import org.vadose.pe.PeSection;

/**
 * Image sections: an executable file made mappable, its pages shared by all who map it.
 *
 * <pre>
 *  _CONTROL_AREA + one _SUBSECTION for the headers + one a section     nonpaged pool, tag MmCi
 *  _SEGMENT                                                            paged pool, tag MmSg
 *  _MI_SECTION_IMAGE_INFORMATION                                       paged pool, tag MmSi
 *  prototype PTEs, one a page of the image                             paged pool, tag MmSt
 * </pre>
 *
 * States of a prototype PTE:
 *
 * <pre>
 *  empty         the page belongs to no part of the image
 *  subsection    in the file                    --first fault--> valid
 *  demand-zero   zeros behind the file's bytes  --first fault--> valid
 *  valid         in RAM; share count = PTEs that map it  --last unmapping--> transition
 *  transition    on the standby list, or modified        --fault--> valid;  --repurposed--> what it was first
 * </pre>
 *
 * All views of an image that may move have the one base that was drawn for it when the section was made, if it is free there, so
 * relocated pages are shared too. A view elsewhere shows the same pages; the loader then relocates private copies.
 */
public final class ImageSections {
    private static final int TAG_CONTROL_AREA = PoolTag.of("MmCi");
    private static final int TAG_SEGMENT = PoolTag.of("MmSg");
    private static final int TAG_INFORMATION = PoolTag.of("MmSi");
    private static final int TAG_PROTOTYPES = PoolTag.of("MmSt");
    private static final int DYNAMICALLY_RELOCATED =
            1 << SectionImageInformationLayout.IMAGE_DYNAMICALLY_RELOCATED_SHIFT;

    private final MemoryManager manager;
    private final AddressSpaces spaces;
    private final UserTables tables;
    private final UserPages pages;
    private final Commit commit;
    private final Memory memory;
    private final ImageBases bases;
    /** Files behind control areas; what a disk would hold. */
    private final Map<Long, Source> sources = new HashMap<>();

    /** An image file; its bytes as they lie in memory are made when the first page is asked for. */
    private static final class Source {
        final PeImage image;
        final long base;
        byte @Nullable [] laidOut;

        Source(PeImage image, long base) {
            this.image = image;
            this.base = base;
        }

        byte[] bytes() {
            byte[] bytes = laidOut;
            if (bytes == null) {
                bytes = image.layOut(base);
                laidOut = bytes;
            }
            return bytes;
        }
    }

    /**
     * A view of an image.
     *
     * @param status failure: the other values mean nothing; STATUS_IMAGE_NOT_AT_BASE: somewhere else than the section's base
     * @param base where it is
     * @param isRelocated whether its relocations are applied for that base
     */
    public record View(NtStatus status, long base, boolean isRelocated) {}

    ImageSections(
            MemoryManager manager,
            AddressSpaces spaces,
            UserTables tables,
            UserPages pages,
            Commit commit,
            ImageBases bases) {
        this.manager = manager;
        this.spaces = spaces;
        this.tables = tables;
        this.pages = pages;
        this.commit = commit;
        this.memory = manager.kernelMemory();
        this.bases = bases;
    }

    // --- sections ---

    /**
     * Makes a section of an image file. It has one reference, to be given back with {@link #dereference}.
     *
     * @param name path, for randomness of the base
     * @param fileObject the {@code _FILE_OBJECT}, or 0
     * @return address of the {@code _CONTROL_AREA}; 0 when the commitment limit is reached
     * @throws org.vadose.pe.PeFormatException if the image must be relocated and cannot be
     */
    public long create(PeImage image, String name, long fileObject) {
        long base = bases.choose(image, name);
        if (base != image.imageBase()) {
            image.relocations((rva, type) -> {});
        }
        long imagePages = Pages.count(image.sizeOfImage());
        int parts = image.isLowAlignment() ? 1 : 1 + image.sections().size();
        long shared = sharedWritablePages(image);
        if (!commit.chargeShared(shared)) {
            bases.release(base, image.sizeOfImage());
            return 0;
        }
        ControlArea area = new ControlArea(
                memory,
                allocate(PoolType.NON_PAGED_POOL_NX, ControlArea.SIZE + parts * Subsection.SIZE, TAG_CONTROL_AREA));
        Segment segment = new Segment(memory, allocate(PoolType.PAGED_POOL, Segment.SIZE, TAG_SEGMENT));
        long prototypes = allocate(PoolType.PAGED_POOL, imagePages * Long.BYTES, TAG_PROTOTYPES);
        area.setSegment(segment.address());
        area.views().initialize();
        area.addSectionReferences(1);
        area.setImageFile();
        area.setFileObject(fileObject);
        segment.initialize(area, imagePages, base, prototypes, Pages.SIZE);
        segment.setCommittedPages(shared);
        segment.setImageInformation(describe(image, base));
        segment.setImageCommitment(divide(area, image, prototypes, imagePages));
        sources.put(area.address(), new Source(image, base));
        return area.address();
    }

    private long allocate(PoolType type, long sizeBytes, int tag) {
        long address = manager.pool().allocate(type, sizeBytes, tag);
        memory.fill(address, sizeBytes, (byte) 0);
        return address;
    }

    private static long sharedWritablePages(PeImage image) {
        long count = 0;
        for (PeSection section : image.sections()) {
            count += section.isWritable() && section.isShared() ? Pages.count(section.sizeBytes()) : 0;
        }
        return count;
    }

    /** Makes the subsections and their prototype PTEs; answers how many pages writing makes copies of. */
    private long divide(ControlArea area, PeImage image, long prototypes, long imagePages) {
        Subsection part = area.firstSubsection();
        if (image.isLowAlignment()) {
            // Sections smaller than a page cannot be told apart: the file is one piece that allows everything.
            fill(area, part, prototypes, 0, imagePages, PageProtection.EXECUTE_WRITECOPY, 0, imagePages * Pages.SIZE);
            return imagePages;
        }
        long headerPages = Math.min(imagePages, Pages.count(image.sizeOfHeaders()));
        fill(area, part, prototypes, 0, headerPages, PageProtection.READONLY, 0, image.sizeOfHeaders());
        long owed = 0;
        for (PeSection section : image.sections()) {
            Subsection next = new Subsection(memory, part.address() + Subsection.SIZE);
            part.setNext(next.address());
            part = next;
            int protection = PageProtection.toMask(section.pageProtection());
            long first = Pages.vpn(section.rva());
            long count = Math.min(Pages.count(section.sizeBytes()), imagePages - first);
            fill(area, part, prototypes, first, count, protection, section.fileOffset(), section.fileBytes());
            owed += PageProtection.isCopyOnWrite(protection) ? count : 0;
        }
        return owed;
    }

    private void fill(
            ControlArea area,
            Subsection part,
            long prototypes,
            long firstPage,
            long count,
            int protection,
            long fileOffset,
            long fileBytes) {
        part.initialize(area, prototypes + firstPage * Long.BYTES, count, protection, fileOffset, fileBytes);
        long inFile = Pages.count(fileBytes);
        for (long i = 0; i < count; i++) {
            long prototype = i < inFile ? Pte.subsection(part.address(), protection) : Pte.demandZero(protection);
            memory.writeLong(prototypes + (firstPage + i) * Long.BYTES, prototype);
        }
    }

    /** Writes what {@code NtQuerySection(SectionImageInformation)} answers. */
    private long describe(PeImage image, long base) {
        long information = allocate(PoolType.PAGED_POOL, MiSectionImageInformationLayout.SIZE, TAG_INFORMATION);
        long at = information + MiSectionImageInformationLayout.EXPORTED_IMAGE_INFORMATION;
        Memory m = memory;
        m.writeLong(at + SectionImageInformationLayout.TRANSFER_ADDRESS, base + image.entryPoint());
        m.writeLong(at + SectionImageInformationLayout.MAXIMUM_STACK_SIZE, image.sizeOfStackReserve());
        m.writeLong(at + SectionImageInformationLayout.COMMITTED_STACK_SIZE, image.sizeOfStackCommit());
        m.writeInt(at + SectionImageInformationLayout.SUB_SYSTEM_TYPE, image.subsystem());
        m.writeShort(
                at + SectionImageInformationLayout.SUB_SYSTEM_MINOR_VERSION, (short) image.minorSubsystemVersion());
        m.writeShort(
                at + SectionImageInformationLayout.SUB_SYSTEM_MAJOR_VERSION, (short) image.majorSubsystemVersion());
        m.writeShort(at + SectionImageInformationLayout.MAJOR_OPERATING_SYSTEM_VERSION, (short)
                image.majorOperatingSystemVersion());
        m.writeShort(at + SectionImageInformationLayout.MINOR_OPERATING_SYSTEM_VERSION, (short)
                image.minorOperatingSystemVersion());
        m.writeShort(at + SectionImageInformationLayout.IMAGE_CHARACTERISTICS, (short) image.characteristics());
        m.writeShort(at + SectionImageInformationLayout.DLL_CHARACTERISTICS, (short) image.dllCharacteristics());
        m.writeShort(at + SectionImageInformationLayout.MACHINE, (short) 0x8664);
        m.writeByte(at + SectionImageInformationLayout.IMAGE_CONTAINS_CODE, (byte) (image.sizeOfCode() != 0 ? 1 : 0));
        m.writeByte(at + SectionImageInformationLayout.IMAGE_FLAGS, (byte)
                (base == image.imageBase() ? 0 : DYNAMICALLY_RELOCATED));
        m.writeInt(at + SectionImageInformationLayout.LOADER_FLAGS, image.loaderFlags());
        m.writeInt(at + SectionImageInformationLayout.CHECK_SUM, image.checkSum());
        long extra = information + MiSectionImageInformationLayout.INTERNAL_IMAGE_INFORMATION;
        m.writeInt(extra + MiExtraImageInformationLayout.SIZE_OF_HEADERS, (int) image.sizeOfHeaders());
        m.writeInt(extra + MiExtraImageInformationLayout.SIZE_OF_IMAGE, (int) image.sizeOfImage());
        m.writeInt(extra + MiExtraImageInformationLayout.TIME_DATE_STAMP, image.timeDateStamp());
        return information;
    }

    /** Gives back a reference to a section; with the last, and no view left, the section and its pages go. */
    public void dereference(long controlArea) {
        ControlArea area = new ControlArea(memory, controlArea);
        area.addSectionReferences(-1);
        deleteIfUnused(area);
    }

    private void deleteIfUnused(ControlArea area) {
        if (area.sectionReferences() != 0 || area.mappedViews() != 0) {
            return;
        }
        Segment segment = area.segment();
        for (long i = 0; i < segment.pages(); i++) {
            long address = segment.prototypePtes() + i * Long.BYTES;
            long prototype = memory.readLong(address);
            if (Pte.kind(prototype) == Pte.Kind.VALID) {
                throw new IllegalStateException("section without views is mapped controlArea="
                        + Hex.address(area.address()) + " prototype=" + Hex.address(prototype));
            }
            if (Pte.kind(prototype) == Pte.Kind.TRANSITION) {
                long frame = Pte.frame(prototype);
                addShare(manager.pfns().pfn(frame).pteFrame(), -1);
                manager.pfns().discard(frame);
            }
        }
        commit.releaseShared(segment.committedPages());
        bases.release(segment.basedAddress(), segment.sizeBytes());
        sources.remove(area.address());
        manager.pool().free(segment.prototypePtes());
        manager.pool().free(segment.imageInformation());
        manager.pool().free(segment.address());
        manager.pool().free(area.address());
    }

    // --- views ---

    /** Maps a view of the whole image. */
    public View map(Eprocess process, long controlArea) {
        long before = spaces.enter(process);
        try {
            return mapEntered(spaces.entered(), new ControlArea(memory, controlArea));
        } finally {
            spaces.leave(before);
        }
    }

    private View mapEntered(ProcessSpace space, ControlArea area) {
        Segment segment = area.segment();
        long base = segment.basedAddress();
        long sizeBytes = segment.sizeBytes();
        NtStatus status = NtStatus.SUCCESS;
        if (!isFree(space, base, sizeBytes)) {
            if (!source(area).image.isRelocatable()) {
                return new View(NtStatus.CONFLICTING_ADDRESSES, 0, false);
            }
            base = space.holes().findUp(sizeBytes, VirtualMemoryServices.HIGHEST_USER);
            if (base == 0) {
                return new View(NtStatus.NO_MEMORY, 0, false);
            }
            status = NtStatus.IMAGE_NOT_AT_BASE;
        }
        long owed = segment.imageCommitment();
        if (!commit.charge(space.process(), owed)) {
            space.holes().freed(base, base + sizeBytes);
            return new View(NtStatus.COMMITMENT_LIMIT, 0, false);
        }
        VpnRange range = VpnRange.covering(base, sizeBytes);
        Vad vad = manager.virtualMemory().newVad(Vad.TAG_LONG, Vad.SIZE_LONG, range.first(), range.last());
        vad.setFlags(PageProtection.EXECUTE_WRITECOPY, false, Vad.TYPE_IMAGE_MAP, false);
        vad.setCommitment(false, owed);
        vad.setSubsection(area.firstSubsection().address());
        long prototypes = segment.prototypePtes();
        vad.setPrototypePtes(prototypes, prototypes + (range.pages() - 1) * Long.BYTES);
        vad.setProcess(space.process().address());
        vad.setFileObject(area.fileObject());
        area.views().insertTail(vad.viewLinks().address());
        space.vads().insert(vad.address());
        space.process().addVirtualSize(range.sizeBytes());
        area.addMappedViews(1);
        area.addUserReferences(1);
        return new View(status, base, status == NtStatus.SUCCESS);
    }

    private static boolean isFree(ProcessSpace space, long base, long sizeBytes) {
        return Pages.alignDown(base, Pages.GRANULARITY) == base
                && base >= VirtualMemoryServices.LOWEST_USER
                && base <= VirtualMemoryServices.HIGHEST_USER
                && sizeBytes <= VirtualMemoryServices.HIGHEST_USER + 1 - base
                && !space.vads().overlaps(Pages.vpn(base), Pages.vpn(base + sizeBytes - 1));
    }

    /** Unmaps the view that holds an address. */
    public NtStatus unmap(Eprocess process, long address) {
        long before = spaces.enter(process);
        try {
            ProcessSpace space = spaces.entered();
            long node = space.vads().find(Pages.vpn(address));
            if (node == 0 || new Vad(memory, node).isPrivate()) {
                return NtStatus.NOT_MAPPED_VIEW;
            }
            unmapView(space, new Vad(memory, node));
            return NtStatus.SUCCESS;
        } finally {
            spaces.leave(before);
        }
    }

    void unmapView(ProcessSpace space, Vad vad) {
        VpnRange range = vad.range();
        for (long page = range.startAddress(); page <= range.endAddress(); ) {
            long gap = tables.gap(page);
            if (gap == 0) {
                pages.replace(space, page, tables.read(page), 0);
                gap = Pages.SIZE;
            }
            page += gap;
        }
        ControlArea area = new Subsection(memory, vad.subsection()).controlArea();
        new ListEntry(memory, vad.viewLinks().address()).remove();
        commit.release(space.process(), vad.commitCharge());
        space.process().addVirtualSize(-range.sizeBytes());
        space.vads().remove(vad.address());
        space.holes().freed(range.startAddress(), range.endAddress() + 1);
        manager.pool().free(vad.address());
        area.addMappedViews(-1);
        area.addUserReferences(-1);
        deleteIfUnused(area);
    }

    // --- pages ---

    /**
     * Takes a share of a prototype's page for a mapping to come; the page is read from the file now if it is not in RAM.
     *
     * @return its frame; {@link PfnDatabase#NONE} when there is no RAM
     */
    long share(long prototypeAddress) {
        PfnDatabase pfns = manager.pfns();
        long prototype = memory.readLong(prototypeAddress);
        return switch (Pte.kind(prototype)) {
            case VALID -> {
                addShare(Pte.frame(prototype), 1);
                yield Pte.frame(prototype);
            }
            case TRANSITION -> {
                long frame = Pte.frame(prototype);
                pfns.reactivate(frame);
                memory.writeLong(prototypeAddress, Pte.validPrototype(frame, Pte.protection(prototype)));
                yield frame;
            }
            case DEMAND_ZERO -> {
                long frame = pfns.allocate(prototypeAddress, tables.tableFrame(prototypeAddress));
                if (frame != PfnDatabase.NONE) {
                    makeValid(prototypeAddress, prototype, frame);
                }
                yield frame;
            }
            case PROTOTYPE -> {
                long frame = pfns.allocateForOverwrite(prototypeAddress, tables.tableFrame(prototypeAddress));
                if (frame != PfnDatabase.NONE) {
                    Subsection part = new Subsection(memory, Pte.prototypeAddress(prototype));
                    ControlArea area = part.controlArea();
                    long page = (prototypeAddress - area.segment().prototypePtes()) / Long.BYTES;
                    read(source(area), page, frame);
                    makeValid(prototypeAddress, prototype, frame);
                    area.addPfnReferences(1);
                }
                yield frame;
            }
            case EMPTY, DECOMMITTED, PAGE_FILE ->
                throw new IllegalStateException("no page can be had from prototype=" + Hex.address(prototype) + " at="
                        + Hex.address(prototypeAddress));
        };
    }

    private void read(Source source, long page, long frame) {
        byte[] bytes = source.bytes();
        manager.mmu().ram().write(frame << Pages.SHIFT, bytes, (int) (page << Pages.SHIFT), (int) Pages.SIZE);
    }

    private void makeValid(long prototypeAddress, long prototype, long frame) {
        Pfn pfn = manager.pfns().pfn(frame);
        pfn.setOriginalPte(prototype);
        long table = tables.tableFrame(prototypeAddress);
        pfn.setPteFrame(table, true);
        addShare(table, 1);
        memory.writeLong(prototypeAddress, Pte.validPrototype(frame, Pte.protection(prototype)));
    }

    private void addShare(long frame, long delta) {
        Pfn pfn = manager.pfns().pfn(frame);
        pfn.setShareCount(pfn.shareCount() + delta);
    }

    private Source source(ControlArea area) {
        return Objects.requireNonNull(
                sources.get(area.address()), () -> "no file is behind controlArea=" + Hex.address(area.address()));
    }
}
