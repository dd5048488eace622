package org.vadose.pe;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.ImageDosHeaderLayout;
import org.vadose.layout.ImageFileHeaderLayout;
import org.vadose.layout.ImageNtHeaders64Layout;
import org.vadose.layout.ImageOptionalHeader64Layout;
import org.vadose.layout.ImageSectionHeaderLayout;

/**
 * The headers of an image, read in the order and with the refusals of Windows' image-section creation: DOS header, signature,
 * machine, alignments, sizes, then sections that must ascend without gap or overlap and together fill the image.
 */
final class PeHeaders {
    /** The largest image Windows maps: 0x77000000 bytes. */
    private static final long LARGEST_IMAGE = 0x7700_0000L;

    private static final long LIMIT_MAPPED_HEADER = 0x10_0000;
    private static final int SIGNATURE_NE = 0x454E;
    private static final int SIGNATURE_LE = 0x454C;
    private static final int SIGNATURE_LX = 0x584C;

    /** The headers' own view: file offsets, since a header may lie beyond the part that is mapped. */
    final ImageBytes bytes;

    /** Bytes in the file, or for a mapped image as far as headers may reach. */
    private final long limit;

    private final boolean mapped;

    final long ntHeaders;
    final long optionalHeader;
    final int sectionCount;
    final long sizeOfImage;
    final long sizeOfHeaders;
    final long sectionAlignment;
    final long fileAlignment;
    final long entryPoint;
    final int directoryCount;
    final List<PeSection> sections;

    /** @param fileSize negative for a mapped image */
    PeHeaders(ImageBytes bytes, long fileSize) {
        this.bytes = bytes;
        this.mapped = fileSize < 0;
        this.limit = mapped ? LIMIT_MAPPED_HEADER : fileSize;
        this.ntHeaders = findNtHeaders();
        this.optionalHeader = ntHeaders + ImageNtHeaders64Layout.OPTIONAL_HEADER;
        long file = ntHeaders + ImageNtHeaders64Layout.FILE_HEADER;
        checkMachine(file);
        this.sectionCount = u16(file + ImageFileHeaderLayout.NUMBER_OF_SECTIONS);
        this.sectionAlignment = optional32(ImageOptionalHeader64Layout.SECTION_ALIGNMENT);
        this.fileAlignment = optional32(ImageOptionalHeader64Layout.FILE_ALIGNMENT);
        this.sizeOfImage = optional32(ImageOptionalHeader64Layout.SIZE_OF_IMAGE);
        this.sizeOfHeaders = optional32(ImageOptionalHeader64Layout.SIZE_OF_HEADERS);
        this.entryPoint = optional32(ImageOptionalHeader64Layout.ADDRESS_OF_ENTRY_POINT);
        this.directoryCount = (int)
                Math.min(optional32(ImageOptionalHeader64Layout.NUMBER_OF_RVA_AND_SIZES), PeFormat.DIRECTORY_COUNT);
        checkSizes();
        this.sections = readSections(optionalHeader + u16(file + ImageFileHeaderLayout.SIZE_OF_OPTIONAL_HEADER));
    }

    boolean isLowAlignment() {
        return sectionAlignment < Pages.SIZE;
    }

    private long findNtHeaders() {
        require(0, ImageDosHeaderLayout.SIZE, "DOS header", NtStatus.INVALID_IMAGE_NOT_MZ);
        int magic = u16(ImageDosHeaderLayout.E_MAGIC);
        if (magic != PeFormat.DOS_MAGIC) {
            throw new PeFormatException(
                    NtStatus.INVALID_IMAGE_NOT_MZ, "file does not begin with MZ e_magic=0x%04x".formatted(magic));
        }
        long at = u32(ImageDosHeaderLayout.E_LFANEW);
        require(at, ImageNtHeaders64Layout.SIZE, "PE header (e_lfanew)", NtStatus.INVALID_IMAGE_PROTECT);
        int signature = (int) u32(at);
        if (signature != PeFormat.NT_SIGNATURE) {
            throw notPe(signature, at);
        }
        if ((at & 3) != 0) {
            throw PeFormatException.invalid("PE header is not aligned to 4 bytes e_lfanew=0x%x", at);
        }
        return at;
    }

    private static PeFormatException notPe(int signature, long at) {
        return switch (signature & 0xFFFF) {
            case SIGNATURE_NE ->
                new PeFormatException(
                        NtStatus.INVALID_IMAGE_NE_FORMAT, "16-bit Windows (NE) image e_lfanew=0x%x".formatted(at));
            case SIGNATURE_LE, SIGNATURE_LX ->
                new PeFormatException(
                        NtStatus.INVALID_IMAGE_LE_FORMAT, "OS/2 or VxD (LE/LX) image e_lfanew=0x%x".formatted(at));
            default ->
                new PeFormatException(
                        NtStatus.INVALID_IMAGE_PROTECT,
                        "no PE signature where e_lfanew points, perhaps a DOS program e_lfanew=0x%x signature=0x%08x"
                                .formatted(at, signature));
        };
    }

    private void checkMachine(long file) {
        int machine = u16(file + ImageFileHeaderLayout.MACHINE);
        int magic = u16(optionalHeader + ImageOptionalHeader64Layout.MAGIC);
        if (machine != PeFormat.MACHINE_AMD64) {
            String kind = switch (machine) {
                case 0x014C -> "32-bit x86";
                case 0x01C0, 0x01C2, 0x01C4 -> "32-bit ARM";
                case 0xAA64 -> "64-bit ARM";
                case 0x0200 -> "Itanium";
                default -> "unknown-processor";
            };
            NtStatus status = machine == 0x014C ? NtStatus.INVALID_IMAGE_WIN_32 : NtStatus.INVALID_IMAGE_FORMAT;
            throw new PeFormatException(
                    status, "%s image, only x64 images run here machine=0x%04x".formatted(kind, machine));
        }
        if (magic != PeFormat.OPTIONAL_MAGIC_PE32_PLUS) {
            throw PeFormatException.invalid("optional header of an x64 image is not PE32+ magic=0x%04x", magic);
        }
        int characteristics = u16(file + ImageFileHeaderLayout.CHARACTERISTICS);
        if ((characteristics & PeFormat.FILE_EXECUTABLE_IMAGE) == 0) {
            throw PeFormatException.invalid(
                    "file is not marked executable (unlinked object?) characteristics=0x%04x", characteristics);
        }
    }

    private void checkSizes() {
        if (!isPowerOfTwo(fileAlignment) || !isPowerOfTwo(sectionAlignment)) {
            throw PeFormatException.invalid(
                    "alignment is not a power of two sectionAlignment=0x%x fileAlignment=0x%x",
                    sectionAlignment, fileAlignment);
        }
        boolean sectors = fileAlignment % PeFormat.SECTOR == 0;
        if (!sectors && fileAlignment != sectionAlignment) {
            throw PeFormatException.invalid(
                    "file alignment below 512 must equal the section alignment sectionAlignment=0x%x fileAlignment=0x%x",
                    sectionAlignment, fileAlignment);
        }
        if (sectionAlignment < fileAlignment) {
            throw PeFormatException.invalid(
                    "section alignment is below the file alignment sectionAlignment=0x%x fileAlignment=0x%x",
                    sectionAlignment, fileAlignment);
        }
        if (sizeOfImage == 0 || sizeOfImage > LARGEST_IMAGE) {
            throw PeFormatException.invalid(
                    "SizeOfImage is out of range sizeOfImage=0x%x maximum=0x%x", sizeOfImage, LARGEST_IMAGE);
        }
        if (sizeOfHeaders == 0 || sizeOfHeaders >= sizeOfImage || !mapped && sizeOfHeaders > limit) {
            throw PeFormatException.invalid(
                    "SizeOfHeaders is out of range sizeOfHeaders=0x%x sizeOfImage=0x%x fileSize=0x%x",
                    sizeOfHeaders, sizeOfImage, limit);
        }
        long imageBase = bytes.readLong(optionalHeader + ImageOptionalHeader64Layout.IMAGE_BASE);
        if (imageBase % Pages.GRANULARITY != 0 && !mapped) {
            throw PeFormatException.invalid("ImageBase is not a multiple of 64 KB imageBase=0x%x", imageBase);
        }
        if (entryPoint >= Pages.up(sizeOfImage) || entryPoint != 0 && entryPoint < sizeOfHeaders) {
            throw PeFormatException.invalid(
                    "entry point lies outside the image's sections entryPoint=0x%x sizeOfHeaders=0x%x sizeOfImage=0x%x",
                    entryPoint, sizeOfHeaders, sizeOfImage);
        }
    }

    private List<PeSection> readSections(long table) {
        require(
                table,
                sectionCount * ImageSectionHeaderLayout.SIZE,
                "section table of " + sectionCount + " sections",
                NtStatus.INVALID_IMAGE_FORMAT);
        if (sectionCount == 0 && !isLowAlignment()) {
            throw PeFormatException.invalid("image has no sections numberOfSections=0");
        }
        List<PeSection> list = new ArrayList<>(sectionCount);
        long expected = Pages.alignUp(sizeOfHeaders, sectionAlignment);
        for (int i = 0; i < sectionCount; i++) {
            PeSection section = readSection(table + i * ImageSectionHeaderLayout.SIZE);
            if (!isLowAlignment()) {
                checkPlace(section, expected);
            }
            expected = Pages.alignUp(section.rva() + section.sizeBytes(), sectionAlignment);
            if (expected > Pages.alignUp(sizeOfImage, sectionAlignment)) {
                throw PeFormatException.invalid(
                        "section %s ends beyond the image end=0x%x sizeOfImage=0x%x",
                        shown(section.name()), section.rva() + section.sizeBytes(), sizeOfImage);
            }
            list.add(section);
        }
        if (!isLowAlignment() && expected != Pages.alignUp(sizeOfImage, sectionAlignment)) {
            throw PeFormatException.invalid(
                    "sections do not fill the image endOfSections=0x%x sizeOfImage=0x%x", expected, sizeOfImage);
        }
        return List.copyOf(list);
    }

    private PeSection readSection(long at) {
        byte[] nameBytes = new byte[8];
        bytes.copy(at + ImageSectionHeaderLayout.NAME, nameBytes, 0, nameBytes.length);
        int length = nameBytes.length;
        while (length > 0 && nameBytes[length - 1] == 0) {
            length--;
        }
        String name = new String(nameBytes, 0, length, StandardCharsets.ISO_8859_1);
        long virtualSize = u32(at + ImageSectionHeaderLayout.MISC);
        long rva = u32(at + ImageSectionHeaderLayout.VIRTUAL_ADDRESS);
        long rawSize = u32(at + ImageSectionHeaderLayout.SIZE_OF_RAW_DATA);
        long rawOffset = u32(at + ImageSectionHeaderLayout.POINTER_TO_RAW_DATA);
        int characteristics = (int) u32(at + ImageSectionHeaderLayout.CHARACTERISTICS);
        if (virtualSize == 0 && rawSize == 0) {
            throw PeFormatException.invalid("section %s has no size rva=0x%x", shown(name), rva);
        }
        if (mapped || rawOffset == 0 || rawSize == 0) {
            return new PeSection(name, rva, virtualSize, rawOffset, rawSize, characteristics, 0, 0);
        }
        if (isLowAlignment() && rawOffset != rva) {
            throw PeFormatException.invalid(
                    "section %s of an image with section alignment below a page must lie in the file where it lies in"
                            + " memory rva=0x%x rawOffset=0x%x",
                    shown(name), rva, rawOffset);
        }
        long fileOffset = isLowAlignment() ? rawOffset : Pages.alignDown(rawOffset, PeFormat.SECTOR);
        long inMemory = Pages.up(virtualSize == 0 ? rawSize : virtualSize);
        long fileBytes = Math.min(rawSize, inMemory);
        if (rawOffset + fileBytes > limit) {
            throw PeFormatException.invalid(
                    "section %s raw data ends beyond the file rawEnd=0x%x fileSize=0x%x",
                    shown(name), rawOffset + rawSize, limit);
        }
        return new PeSection(name, rva, virtualSize, rawOffset, rawSize, characteristics, fileOffset, fileBytes);
    }

    private static void checkPlace(PeSection section, long expected) {
        if (section.rva() < expected) {
            throw PeFormatException.invalid(
                    "section %s overlaps what stands before it rva=0x%x previousEnd=0x%x",
                    shown(section.name()), section.rva(), expected);
        }
        if (section.rva() > expected) {
            throw PeFormatException.invalid(
                    "section %s leaves a gap behind what stands before it, or is misaligned rva=0x%x expected=0x%x",
                    shown(section.name()), section.rva(), expected);
        }
    }

    /** A section name from a hostile file, safe to print. */
    private static String shown(String name) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            text.append(c >= 0x20 && c < 0x7F ? c : '?');
        }
        return text.isEmpty() ? "(unnamed)" : text.toString();
    }

    private void require(long at, long length, String what, NtStatus status) {
        if (at + length > limit) {
            throw new PeFormatException(
                    status,
                    "file ends before the end of its %s offset=0x%x size=0x%x fileSize=0x%x"
                            .formatted(what, at, length, limit));
        }
    }

    private long optional32(long field) {
        return u32(optionalHeader + field);
    }

    private int u16(long at) {
        return bytes.unsignedShort(at);
    }

    private long u32(long at) {
        return bytes.readInt(at) & 0xFFFF_FFFFL;
    }

    private static boolean isPowerOfTwo(long value) {
        return value > 0 && (value & (value - 1)) == 0;
    }
}
