package org.vadose.mm;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.ResourcesException;
import org.vadose.base.VpnRange;
import org.vadose.layout.FileObjectLayout;
import org.vadose.layout.MiExtraImageInformationLayout;
import org.vadose.layout.MiSectionImageInformationLayout;
import org.vadose.layout.SectionImageInformationLayout;
import org.vadose.layout.SectionObjectPointersLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ControlArea;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Mitigations;
import org.vadose.nt.PageProtection;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.Pte;
import org.vadose.nt.Segment;
import org.vadose.nt.Subsection;
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
 *  _MI_SECTION_IMAGE_INFORMATION                                       paged pool, tag MmSi
 *  prototype PTEs, one a page of the image                             paged pool, tag MmSt
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
    private final Commit commit;
    private final Prototypes prototypes;
    private final ControlAreas areas;
    private final SectionViews views;
    private final Memory memory;
    private final ImageBases bases;
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
            Commit commit,
            Prototypes prototypes,
            ControlAreas areas,
            SectionViews views,
            ImageBases bases) {
        this.manager = manager;
        this.spaces = spaces;
        this.commit = commit;
        this.prototypes = prototypes;
        this.areas = areas;
        this.views = views;
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
        return create(image, name, fileObject, null);
    }

    /** As {@link #create(PeImage, String, long)}, for a file that the section keeps. */
    long create(PeImage image, String name, MappedFile file) {
        long area = create(image, name, file.fileObject(), file);
        if (area != 0) {
            file.acquire();
        }
        return area;
    }

    /** The image section that a file has, 0 for none. */
    long imageSection(MappedFile file) {
        return memory.readLong(imagePointer(file));
    }

    private long imagePointer(MappedFile file) {
        return memory.readLong(file.fileObject() + FileObjectLayout.SECTION_OBJECT_POINTER)
                + SectionObjectPointersLayout.IMAGE_SECTION_OBJECT;
    }

    /** One more section of an image whose control area is known; it is given back with {@link #dereference}. */
    public void reference(long controlArea) {
        areas.reference(new ControlArea(memory, controlArea));
    }

    /**
     * The one image section of a file, made if it has none, with one more section reference.
     *
     * @param image what the file holds now; a section that shows something else is left alone, and one is made that the file does not
     *     name
     * @return address of the {@code _CONTROL_AREA}; 0 when the commitment limit is reached
     */
    public long open(MappedFile file, PeImage image, String name) {
        long known = imageSection(file);
        if (known == 0) {
            long made = create(image, name, file);
            if (made != 0) {
                memory.writeLong(imagePointer(file), made);
                file.imageSectionMade(made);
            }
            return made;
        }
        if (!isOf(known, image)) {
            return create(image, name, 0);
        }
        reference(known);
        return known;
    }

    private boolean isOf(long controlArea, PeImage image) {
        return prototypes.source(new ControlArea(memory, controlArea)) instanceof ImageFile source
                && source.image.isSameFile(image);
    }

    private long create(PeImage image, String name, long fileObject, @Nullable MappedFile file) {
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
        ControlArea area;
        Segment segment;
        long protos;
        long information;
        try (PoolBlocks blocks = new PoolBlocks(manager)) {
            area = new ControlArea(
                    memory,
                    blocks.allocate(
                            PoolType.NON_PAGED_POOL_NX, ControlArea.SIZE + parts * Subsection.SIZE, TAG_CONTROL_AREA));
            segment = new Segment(memory, blocks.allocate(PoolType.PAGED_POOL, Segment.SIZE, TAG_SEGMENT));
            protos = blocks.allocate(PoolType.PAGED_POOL, imagePages * Long.BYTES, TAG_PROTOTYPES);
            information = blocks.allocate(PoolType.PAGED_POOL, MiSectionImageInformationLayout.SIZE, TAG_INFORMATION);
            blocks.keep();
        } catch (ResourcesException exhausted) {
            commit.releaseShared(shared);
            bases.release(base, image.sizeOfImage());
            throw exhausted;
        }
        area.setSegment(segment.address());
        area.views().initialize();
        area.addSectionReferences(1);
        area.setImageFile();
        area.setFileObject(fileObject);
        segment.initialize(area, imagePages, base, protos, Pages.SIZE);
        segment.setCommittedPages(shared);
        describe(information, image, base);
        segment.setImageInformation(information);
        segment.setImageCommitment(divide(area, image, protos, imagePages));
        prototypes.setSource(area, new ImageFile(image, base, file));
        return area.address();
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
    private void describe(long information, PeImage image, long base) {
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
    }

    /** Gives back a reference to a section; with the last, and no view left, the section and its pages go. */
    public void dereference(long controlArea) {
        areas.dereference(new ControlArea(memory, controlArea));
    }

    // --- views ---

    /** Maps a view of the whole image. */
    public View map(Eprocess process, long controlArea) {
        long before = spaces.enter(process);
        try {
            return mapEntered(spaces.entered(), new ControlArea(memory, controlArea), 0);
        } finally {
            spaces.leave(before);
        }
    }

    /** @param wanted where it shall be; 0 for the section's base, or elsewhere if that is taken */
    View mapEntered(ProcessSpace space, ControlArea area, long wanted) {
        Segment segment = area.segment();
        long sizeBytes = segment.sizeBytes();
        long base = wanted == 0 ? segment.basedAddress() : wanted;
        boolean mustMove = wanted == 0 && mustMove(space, area, segment);
        if (mustMove || !isFree(space, base, sizeBytes)) {
            if (wanted != 0 || !isRelocatable(area)) {
                return new View(NtStatus.CONFLICTING_ADDRESSES, 0, false);
            }
            base = space.holes().findUp(sizeBytes, space.highest());
            if (base == 0) {
                return new View(NtStatus.NO_MEMORY, 0, false);
            }
        }
        NtStatus status = base == segment.basedAddress() ? NtStatus.SUCCESS : NtStatus.IMAGE_NOT_AT_BASE;
        long owed = segment.imageCommitment();
        if (!commit.charge(space.process(), owed)) {
            space.holes().freed(base, base + sizeBytes);
            return new View(NtStatus.COMMITMENT_LIMIT, 0, false);
        }
        VpnRange range = VpnRange.covering(base, sizeBytes);
        Vad vad = views.insert(space, area, range, PageProtection.EXECUTE_WRITECOPY, Vad.TYPE_IMAGE_MAP, owed);
        vad.setSubsection(area.firstSubsection().address());
        long prototypes = segment.prototypePtes();
        vad.setPrototypePtes(prototypes, prototypes + (range.pages() - 1) * Long.BYTES);
        if (space.guardBitmap() != 0) {
            ImageCode code = this.prototypes.source(area) instanceof ImageFile file ? file.code() : null;
            NtStatus guarded = manager.controlFlowGuard().mapped(space, base, code);
            if (!guarded.isSuccess()) {
                views.unmap(space, vad);
                return new View(guarded, 0, false);
            }
        }
        return new View(status, base, status == NtStatus.SUCCESS);
    }

    /** Whether the process moves images that were not linked to be moved, and this is one. */
    private boolean mustMove(ProcessSpace space, ControlArea area, Segment segment) {
        Mitigations mitigations = new Mitigations(space.process());
        if (!mitigations.forcesRelocation()) {
            return false;
        }
        long information = segment.imageInformation() + MiSectionImageInformationLayout.EXPORTED_IMAGE_INFORMATION;
        boolean isLinkedToMove =
                (memory.readUnsignedShort(information + SectionImageInformationLayout.DLL_CHARACTERISTICS)
                                & PeFormat.DLL_DYNAMIC_BASE)
                        != 0;
        boolean hasMoved = (memory.readUnsignedByte(information + SectionImageInformationLayout.IMAGE_FLAGS)
                        & DYNAMICALLY_RELOCATED)
                != 0;
        return !isLinkedToMove && !hasMoved && (isRelocatable(area) || mitigations.refusesStripped());
    }

    private boolean isRelocatable(ControlArea area) {
        long information =
                area.segment().imageInformation() + MiSectionImageInformationLayout.EXPORTED_IMAGE_INFORMATION;
        int characteristics =
                memory.readUnsignedShort(information + SectionImageInformationLayout.IMAGE_CHARACTERISTICS);
        return (characteristics & PeFormat.FILE_RELOCS_STRIPPED) == 0;
    }

    private static boolean isFree(ProcessSpace space, long base, long sizeBytes) {
        return Pages.alignDown(base, Pages.GRANULARITY) == base
                && base >= VirtualMemoryServices.LOWEST_USER
                && base <= space.highest()
                && sizeBytes <= space.highest() + 1 - base
                && !space.vads().overlaps(Pages.vpn(base), Pages.vpn(base + sizeBytes - 1));
    }

    /** Unmaps the view that holds an address. */
    public NtStatus unmap(Eprocess process, long address) {
        return manager.views().unmap(process, address);
    }

    /** An image file; its bytes as they lie in memory are made when the first page is asked for. */
    private final class ImageFile implements PageSource {
        private final PeImage image;
        private final long base;
        private final @Nullable MappedFile file;
        private byte @Nullable [] laidOut;
        private @Nullable ImageCode code;

        ImageFile(PeImage image, long base, @Nullable MappedFile file) {
            this.image = image;
            this.base = base;
            this.file = file;
        }

        ImageCode code() {
            ImageCode known = code;
            if (known == null) {
                known = ImageCode.of(image);
                code = known;
            }
            return known;
        }

        @Override
        public NtStatus read(long page, byte[] target) {
            byte[] bytes = laidOut;
            if (bytes == null) {
                bytes = image.layOut(base);
                laidOut = bytes;
            }
            System.arraycopy(bytes, (int) (page << Pages.SHIFT), target, 0, target.length);
            return NtStatus.SUCCESS;
        }

        @Override
        public boolean mayComeBack() {
            return file != null && file.mayBeReopened();
        }

        @Override
        public void putAside() {
            if (file != null) {
                file.putAside();
            }
        }

        @Override
        public void deleting(ControlArea area) {
            Segment segment = area.segment();
            bases.release(segment.basedAddress(), segment.sizeBytes());
            manager.pool().free(segment.imageInformation());
            if (file != null) {
                long pointers = memory.readLong(file.fileObject() + FileObjectLayout.SECTION_OBJECT_POINTER);
                memory.writeLong(pointers + SectionObjectPointersLayout.IMAGE_SECTION_OBJECT, 0);
                file.imageSectionGone();
                file.release();
            }
        }
    }
}
