package org.vadose.mm;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.ResourcesException;
import org.vadose.layout.MiSectionImageInformationLayout;
import org.vadose.layout.SectionImageInformationLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ControlArea;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Section;
import org.vadose.nt.Token;
import org.vadose.pe.PeFormatException;
import org.vadose.pe.PeImage;

/**
 * {@code NtCreateSection}, {@code NtExtendSection} and {@code NtQuerySection} behind their handles: the objects are whole
 * {@code _SECTION} bodies that the caller made. Statuses are those of the WDK's pages on these calls and of what programs see on
 * Windows. {@link ViewServices} maps what is made here.
 */
public final class SectionServices {
    public static final int SEC_BASED = 0x20_0000;
    public static final int SEC_NO_CHANGE = 0x40_0000;
    public static final int SEC_FILE = 0x80_0000;
    public static final int SEC_IMAGE = 0x100_0000;
    public static final int SEC_RESERVE = 0x400_0000;
    public static final int SEC_COMMIT = 0x800_0000;
    public static final int SEC_NOCACHE = 0x1000_0000;
    public static final int SEC_IMAGE_NO_EXECUTE = SEC_IMAGE | SEC_NOCACHE;
    public static final int SEC_WRITECOMBINE = 0x4000_0000;
    public static final int SEC_LARGE_PAGES = 0x8000_0000;

    private static final int ATTRIBUTES = SEC_BASED
            | SEC_NO_CHANGE
            | SEC_FILE
            | SEC_IMAGE
            | SEC_RESERVE
            | SEC_COMMIT
            | SEC_NOCACHE
            | SEC_WRITECOMBINE
            | SEC_LARGE_PAGES;
    /** 16 TB less 64 KB, what the prototype PTEs of one section can describe. */
    private static final long MOST_BYTES = 0xFFF_FFFF_0000L;

    private final MemoryManager manager;
    private final Commit commit;
    private final ControlAreas areas;
    private final Memory memory;

    SectionServices(MemoryManager manager, Commit commit, ControlAreas areas) {
        this.manager = manager;
        this.commit = commit;
        this.areas = areas;
        this.memory = manager.kernelMemory();
    }

    /** What {@code SECTION_BASIC_INFORMATION} holds. */
    public record BasicInformation(long baseAddress, int attributes, long sizeBytes) {}

    // --- sections ---

    /**
     * {@code NtCreateSection}.
     *
     * @param body a {@code _SECTION} of zeros; filled on success
     * @param maximumBytes 0 for the size of the file
     * @param pageProtection {@code PAGE_*}
     * @param attributes {@code SEC_*}
     * @param file null for a section without a file
     * @param path of the file, for the randomness of an image's base
     */
    public NtStatus create(
            long body,
            Eprocess creator,
            long maximumBytes,
            int pageProtection,
            int attributes,
            @Nullable MappedFile file,
            String path) {
        NtStatus status = checkAttributes(attributes);
        if (!status.isSuccess()) {
            return status;
        }
        int protection = PageProtection.toMask(pageProtection);
        if (protection == PageProtection.INVALID
                || (protection & PageProtection.WRITECOMBINE) != 0
                || !PageProtection.isAccessible(protection)) {
            return NtStatus.INVALID_PAGE_PROTECTION;
        }
        if ((attributes & SEC_LARGE_PAGES) != 0) {
            status = checkLargePages(creator, maximumBytes, protection, file);
            if (!status.isSuccess()) {
                return status;
            }
        }
        Section section = new Section(memory, body);
        if (file == null) {
            return (attributes & SEC_IMAGE) != 0
                    ? NtStatus.INVALID_FILE_FOR_SECTION
                    : createPaged(section, creator, maximumBytes, pageProtection, protection, attributes);
        }
        return (attributes & SEC_IMAGE) != 0
                ? createImage(section, pageProtection, file, path)
                : createForFile(section, maximumBytes, pageProtection, protection, attributes, file);
    }

    /** The SDK's rules for SEC_LARGE_PAGES; which parameter a status blames is inferred. */
    private NtStatus checkLargePages(Eprocess creator, long bytes, int protection, @Nullable MappedFile file) {
        if (!manager.virtualMemory().callerHolds(creator, Token.SE_LOCK_MEMORY)) {
            return NtStatus.PRIVILEGE_NOT_HELD;
        }
        if (file != null) {
            return NtStatus.INVALID_PARAMETER_6;
        }
        if (PageProtection.isCopyOnWrite(protection)) {
            return NtStatus.INVALID_PAGE_PROTECTION;
        }
        return bytes == 0 || Pages.alignDown(bytes, Pages.LARGE_SIZE) != bytes
                ? NtStatus.INVALID_PARAMETER_4
                : NtStatus.SUCCESS;
    }

    private static NtStatus checkAttributes(int attributes) {
        boolean isImage = (attributes & SEC_IMAGE) != 0;
        int kinds = attributes & (SEC_COMMIT | SEC_RESERVE);
        boolean wrongKind = isImage
                ? (attributes & ~(SEC_IMAGE_NO_EXECUTE | SEC_BASED | SEC_NO_CHANGE | SEC_FILE)) != 0
                : kinds != SEC_COMMIT && kinds != SEC_RESERVE;
        boolean caching = !isImage && (attributes & SEC_NOCACHE) != 0 && (attributes & SEC_WRITECOMBINE) != 0;
        boolean large = (attributes & SEC_LARGE_PAGES) != 0 && (attributes & SEC_COMMIT) == 0;
        return (attributes & ~ATTRIBUTES) != 0 || wrongKind || caching || large
                ? NtStatus.INVALID_PARAMETER_6
                : NtStatus.SUCCESS;
    }

    private static int sectionFlags(int attributes) {
        return ((attributes & SEC_BASED) != 0 ? ControlArea.FLAG_BASED : 0)
                | ((attributes & SEC_NO_CHANGE) != 0 ? ControlArea.FLAG_NO_CHANGE : 0)
                | ControlArea.FLAG_USER_REFERENCE;
    }

    private void finish(Section section, ControlArea area, long bytes, int attributes, int pageProtection) {
        section.initialize(area.address(), bytes, area.flags() | sectionFlags(attributes), pageProtection);
        area.addUserReferences(1);
    }

    private NtStatus createPaged(
            Section section, Eprocess creator, long bytes, int pageProtection, int protection, int attributes) {
        if (bytes == 0) {
            return NtStatus.INVALID_PARAMETER_4;
        }
        if (Long.compareUnsigned(bytes, MOST_BYTES) > 0) {
            return NtStatus.SECTION_TOO_BIG;
        }
        long pages = Pages.count(bytes);
        boolean committed = (attributes & SEC_COMMIT) != 0;
        if (committed && !commit.chargeShared(pages)) {
            return NtStatus.COMMITMENT_LIMIT;
        }
        if (!areas.canHold(pages)) {
            commit.releaseShared(committed ? pages : 0);
            return NtStatus.INSUFFICIENT_RESOURCES;
        }
        int given = cached(protection, attributes);
        ControlArea area;
        try {
            area = areas.createPaged(pages, given, committed, creator.uniqueProcessId());
        } catch (ResourcesException exhausted) {
            commit.releaseShared(committed ? pages : 0);
            return exhausted.status();
        }
        area.segment().setCaching((attributes & SEC_NOCACHE) != 0, (attributes & SEC_WRITECOMBINE) != 0);
        if ((attributes & SEC_LARGE_PAGES) != 0 && !manager.largeSections().fill(area)) {
            areas.dereference(area);
            return NtStatus.INSUFFICIENT_RESOURCES;
        }
        finish(section, area, pages * Pages.SIZE, attributes, pageProtection);
        return NtStatus.SUCCESS;
    }

    private static int cached(int protection, int attributes) {
        if ((attributes & SEC_NOCACHE) != 0) {
            return protection | PageProtection.NOCACHE;
        }
        return (attributes & SEC_WRITECOMBINE) != 0 ? protection | PageProtection.WRITECOMBINE : protection;
    }

    private NtStatus createForFile(
            Section section, long wanted, int pageProtection, int protection, int attributes, MappedFile file) {
        long fileBytes = file.sizeBytes();
        if (wanted == 0 && fileBytes == 0) {
            return NtStatus.MAPPED_FILE_SIZE_ZERO;
        }
        long bytes = wanted == 0 ? fileBytes : wanted;
        if (Long.compareUnsigned(bytes, MOST_BYTES) > 0) {
            return NtStatus.SECTION_TOO_BIG;
        }
        NtStatus status = grow(file, bytes, protection);
        if (!status.isSuccess()) {
            return status;
        }
        long pages = Pages.count(Math.max(bytes, fileBytes));
        if (!areas.canHold(pages)) {
            return NtStatus.INSUFFICIENT_RESOURCES;
        }
        finish(section, areaOf(file, pages), bytes, attributes, pageProtection);
        return NtStatus.SUCCESS;
    }

    /** A section for the cache: it is no program's reference. */
    NtStatus createForCache(long body, MappedFile file, long bytes) {
        long pages = Pages.count(bytes);
        if (!areas.canHold(pages)) {
            return NtStatus.INSUFFICIENT_RESOURCES;
        }
        ControlArea area = areaOf(file, pages);
        new Section(memory, body).initialize(area.address(), bytes, area.flags(), PageProtection.PAGE_READWRITE);
        return NtStatus.SUCCESS;
    }

    NtStatus extendForCache(long body, MappedFile file, long bytes) {
        if (!areas.canHold(Pages.count(bytes))) {
            return NtStatus.INSUFFICIENT_RESOURCES;
        }
        Section section = new Section(memory, body);
        areas.extend(section.controlArea(), Pages.count(bytes), file.sizeBytes());
        section.setSizeBytes(bytes);
        return NtStatus.SUCCESS;
    }

    /** The data section of a file, made or made larger, with one more section reference. */
    private ControlArea areaOf(MappedFile file, long pages) {
        long known = areas.dataSection(file);
        if (known == 0) {
            return areas.createForFile(file, pages);
        }
        ControlArea area = new ControlArea(memory, known);
        // Referenced first, since what nobody refers to may go when pools run dry.
        areas.reference(area);
        try {
            areas.extend(area, pages, file.sizeBytes());
        } catch (ResourcesException exhausted) {
            areas.dereference(area);
            throw exhausted;
        }
        return area;
    }

    /** Makes a file at least so large, if the section is one that may write. */
    private static NtStatus grow(MappedFile file, long bytes, int protection) {
        if (bytes <= file.sizeBytes()) {
            return NtStatus.SUCCESS;
        }
        boolean writes = PageProtection.isWritable(protection) && !PageProtection.isCopyOnWrite(protection);
        return writes && file.isWritable() ? file.setSize(bytes) : NtStatus.SECTION_TOO_BIG;
    }

    private NtStatus createImage(Section section, int pageProtection, MappedFile file, String path) {
        long known = manager.sections().imageSection(file);
        if (known == 0) {
            long bytes = file.sizeBytes();
            if (bytes == 0 || bytes > Integer.MAX_VALUE - 64) {
                return NtStatus.INVALID_FILE_FOR_SECTION;
            }
            byte[] contents = new byte[(int) bytes];
            NtStatus status = file.read(0, contents, 0, contents.length);
            if (!status.isSuccess()) {
                return status;
            }
            long data = areas.dataSection(file);
            if (data != 0) {
                manager.dataSections().overlay(data, 0, contents, 0, contents.length);
            }
            if (contents.length < 2 || contents[0] != 'M' || contents[1] != 'Z') {
                return NtStatus.INVALID_IMAGE_NOT_MZ;
            }
            try {
                known = manager.sections().open(file, PeImage.ofFile(contents), path);
            } catch (PeFormatException bad) {
                return NtStatus.INVALID_IMAGE_FORMAT;
            }
            if (known == 0) {
                return NtStatus.COMMITMENT_LIMIT;
            }
        } else {
            areas.reference(new ControlArea(memory, known));
        }
        ControlArea area = new ControlArea(memory, known);
        finish(section, area, area.segment().sizeBytes(), 0, pageProtection);
        return NtStatus.SUCCESS;
    }

    /** A section object ends: its reference to the control area goes. */
    public void deleted(long body) {
        Section section = new Section(memory, body);
        if (!section.hasControlArea()) {
            return;
        }
        ControlArea area = section.controlArea();
        if ((section.flags() & ControlArea.FLAG_USER_REFERENCE) != 0) {
            area.addUserReferences(-1);
        }
        areas.dereference(area);
    }

    /**
     * {@code NtExtendSection}.
     *
     * @param sizeBytes wanted size in, size afterwards out
     * @param file the section's; null for one without
     */
    public NtStatus extend(long body, long[] sizeBytes, @Nullable MappedFile file) {
        Section section = new Section(memory, body);
        ControlArea area = section.controlArea();
        if (area.isImage() || !area.isFile() || file == null) {
            return NtStatus.SECTION_NOT_EXTENDED;
        }
        if (Long.compareUnsigned(sizeBytes[0], section.sizeBytes()) <= 0) {
            sizeBytes[0] = section.sizeBytes();
            return NtStatus.SUCCESS;
        }
        if (Long.compareUnsigned(sizeBytes[0], MOST_BYTES) > 0 || !areas.canHold(Pages.count(sizeBytes[0]))) {
            return NtStatus.SECTION_TOO_BIG;
        }
        NtStatus status = grow(file, sizeBytes[0], PageProtection.toMask(section.pageProtection()));
        if (!status.isSuccess()) {
            return status;
        }
        areas.extend(area, Pages.count(sizeBytes[0]), file.sizeBytes());
        section.setSizeBytes(sizeBytes[0]);
        return NtStatus.SUCCESS;
    }

    /** {@code NtQuerySection(SectionBasicInformation)}. */
    public BasicInformation query(long body) {
        Section section = new Section(memory, body);
        int flags = section.flags();
        int attributes = ((flags & ControlArea.FLAG_FILE) != 0 ? SEC_FILE : 0)
                | ((flags & ControlArea.FLAG_IMAGE) != 0 ? SEC_IMAGE : 0)
                | ((flags & ControlArea.FLAG_RESERVE) != 0 ? SEC_RESERVE : 0)
                | ((flags & ControlArea.FLAG_COMMIT) != 0 ? SEC_COMMIT : 0)
                | ((flags & ControlArea.FLAG_BASED) != 0 ? SEC_BASED : 0)
                | ((flags & ControlArea.FLAG_NO_CHANGE) != 0 ? SEC_NO_CHANGE : 0);
        return new BasicInformation(0, attributes, section.sizeBytes());
    }

    /** {@code NtQuerySection(SectionImageInformation)}: a {@code SECTION_IMAGE_INFORMATION}; null for a section of no image. */
    public byte @Nullable [] imageInformation(long body) {
        ControlArea area = new Section(memory, body).controlArea();
        if (!area.isImage()) {
            return null;
        }
        byte[] bytes = new byte[(int) SectionImageInformationLayout.SIZE];
        memory.read(
                area.segment().imageInformation() + MiSectionImageInformationLayout.EXPORTED_IMAGE_INFORMATION,
                bytes,
                0,
                bytes.length);
        return bytes;
    }
}
