package org.vadose.pe;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.vadose.base.Pages;
import org.vadose.layout.ImageDataDirectoryLayout;
import org.vadose.layout.ImageDosHeaderLayout;
import org.vadose.layout.ImageFileHeaderLayout;
import org.vadose.layout.ImageNtHeaders64Layout;
import org.vadose.layout.ImageOptionalHeader64Layout;
import org.vadose.layout.ImageSectionHeaderLayout;
import org.vadose.memory.Memory;

/**
 * Writes PE32+ images for x64. Sections are added in the order of their addresses, and what a later section says of an earlier one
 * (exports, relocations, debug records: {@link PeTables}) is made once {@link #nextRva} of its own section is known:
 *
 * <pre>{@code
 * PeBuilder builder = new PeBuilder(0x180000000L, 10).dll();
 * long text = builder.add(".text", PeBuilder.CODE, code);
 * byte[] table = PeTables.exports(builder.nextRva(), "demo.dll", exports, 0);
 * builder.directory(PeFormat.DIRECTORY_EXPORT, builder.add(".edata", PeBuilder.READ_ONLY, table), table.length);
 * byte[] file = builder.toFile();
 * }</pre>
 *
 * <p>Same calls, same bytes: the time stamp is zero unless set.
 */
public final class PeBuilder {
    public static final int CODE = PeFormat.SCN_CNT_CODE | PeFormat.SCN_MEM_EXECUTE | PeFormat.SCN_MEM_READ;
    public static final int READ_ONLY = PeFormat.SCN_CNT_INITIALIZED_DATA | PeFormat.SCN_MEM_READ;
    public static final int READ_WRITE = READ_ONLY | PeFormat.SCN_MEM_WRITE;
    public static final int ZERO_FILL =
            PeFormat.SCN_CNT_UNINITIALIZED_DATA | PeFormat.SCN_MEM_READ | PeFormat.SCN_MEM_WRITE;

    private static final int FILE_ALIGNMENT = 0x200;
    private static final int SECTION_ALIGNMENT = 0x1000;
    private static final int NT_HEADERS = 0xE8;

    private final long imageBase;
    private final int sizeOfHeaders;
    private final ByteBuffer headers;
    private final List<Section> sections = new ArrayList<>();
    private long nextRva;
    private long nextFileOffset;

    /** Bytes at an address of the image. */
    public record Part(long rva, byte[] bytes) {}

    private record Section(
            String name,
            int characteristics,
            long rva,
            long sizeBytes,
            long fileOffset,
            long fileBytes,
            byte fill,
            List<Part> parts) {}

    /**
     * @param imageBase preferred address, a multiple of 64 KB
     * @param sectionCount how many sections will be added at most; the headers' size follows from it
     */
    public PeBuilder(long imageBase, int sectionCount) {
        this.imageBase = imageBase;
        long table = NT_HEADERS + ImageNtHeaders64Layout.SIZE;
        this.sizeOfHeaders = (int) Pages.alignUp(table + sectionCount * ImageSectionHeaderLayout.SIZE, FILE_ALIGNMENT);
        this.headers = ByteBuffer.allocate(sizeOfHeaders).order(ByteOrder.LITTLE_ENDIAN);
        this.nextRva = Pages.up(sizeOfHeaders);
        this.nextFileOffset = sizeOfHeaders;
        writeFixedHeaders();
    }

    private void writeFixedHeaders() {
        headers.putShort((int) ImageDosHeaderLayout.E_MAGIC, (short) PeFormat.DOS_MAGIC);
        headers.putShort((int) ImageDosHeaderLayout.E_LFARLC, (short) ImageDosHeaderLayout.SIZE);
        headers.putInt((int) ImageDosHeaderLayout.E_LFANEW, NT_HEADERS);
        headers.putInt(NT_HEADERS, PeFormat.NT_SIGNATURE);
        file16(ImageFileHeaderLayout.MACHINE, PeFormat.MACHINE_AMD64);
        file16(ImageFileHeaderLayout.SIZE_OF_OPTIONAL_HEADER, (int) ImageOptionalHeader64Layout.SIZE);
        file16(
                ImageFileHeaderLayout.CHARACTERISTICS,
                PeFormat.FILE_EXECUTABLE_IMAGE | PeFormat.FILE_LARGE_ADDRESS_AWARE);
        optional16(ImageOptionalHeader64Layout.MAGIC, PeFormat.OPTIONAL_MAGIC_PE32_PLUS);
        headers.put(optional(ImageOptionalHeader64Layout.MAJOR_LINKER_VERSION), (byte) 14);
        headers.put(optional(ImageOptionalHeader64Layout.MINOR_LINKER_VERSION), (byte) 20);
        headers.putLong(optional(ImageOptionalHeader64Layout.IMAGE_BASE), imageBase);
        optional32(ImageOptionalHeader64Layout.SECTION_ALIGNMENT, SECTION_ALIGNMENT);
        optional32(ImageOptionalHeader64Layout.FILE_ALIGNMENT, FILE_ALIGNMENT);
        optional32(ImageOptionalHeader64Layout.SIZE_OF_HEADERS, sizeOfHeaders);
        optional16(ImageOptionalHeader64Layout.SUBSYSTEM, PeFormat.SUBSYSTEM_WINDOWS_CUI);
        dllCharacteristics(PeFormat.DLL_HIGH_ENTROPY_VA | PeFormat.DLL_DYNAMIC_BASE | PeFormat.DLL_NX_COMPAT);
        version(10, 0);
        headers.putLong(optional(ImageOptionalHeader64Layout.SIZE_OF_STACK_RESERVE), 0x40000);
        headers.putLong(optional(ImageOptionalHeader64Layout.SIZE_OF_STACK_COMMIT), 0x1000);
        headers.putLong(optional(ImageOptionalHeader64Layout.SIZE_OF_HEAP_RESERVE), 0x100000);
        headers.putLong(optional(ImageOptionalHeader64Layout.SIZE_OF_HEAP_COMMIT), 0x1000);
        optional32(ImageOptionalHeader64Layout.NUMBER_OF_RVA_AND_SIZES, PeFormat.DIRECTORY_COUNT);
    }

    /** Marks the image as a DLL. */
    public PeBuilder dll() {
        int at = file(ImageFileHeaderLayout.CHARACTERISTICS);
        headers.putShort(at, (short) (headers.getShort(at) | PeFormat.FILE_DLL));
        return this;
    }

    /** Operating-system, image and subsystem version. */
    public PeBuilder version(int major, int minor) {
        optional16(ImageOptionalHeader64Layout.MAJOR_OPERATING_SYSTEM_VERSION, major);
        optional16(ImageOptionalHeader64Layout.MINOR_OPERATING_SYSTEM_VERSION, minor);
        optional16(ImageOptionalHeader64Layout.MAJOR_IMAGE_VERSION, major);
        optional16(ImageOptionalHeader64Layout.MINOR_IMAGE_VERSION, minor);
        optional16(ImageOptionalHeader64Layout.MAJOR_SUBSYSTEM_VERSION, major);
        optional16(ImageOptionalHeader64Layout.MINOR_SUBSYSTEM_VERSION, minor);
        return this;
    }

    /** One of {@code PeFormat.SUBSYSTEM_*}; console unless set. */
    public PeBuilder subsystem(int subsystem) {
        optional16(ImageOptionalHeader64Layout.SUBSYSTEM, subsystem);
        return this;
    }

    /** {@code PeFormat.DLL_*} bits; dynamic base with high entropy and no-execute unless set. */
    public PeBuilder dllCharacteristics(int bits) {
        optional16(ImageOptionalHeader64Layout.DLL_CHARACTERISTICS, bits);
        return this;
    }

    public PeBuilder timeDateStamp(int stamp) {
        headers.putInt(file(ImageFileHeaderLayout.TIME_DATE_STAMP), stamp);
        return this;
    }

    public PeBuilder entryPoint(long rva) {
        optional32(ImageOptionalHeader64Layout.ADDRESS_OF_ENTRY_POINT, (int) rva);
        return this;
    }

    /** States where a data directory is. */
    public PeBuilder directory(int index, long rva, long sizeBytes) {
        int at = optional(ImageOptionalHeader64Layout.DATA_DIRECTORY) + index * (int) ImageDataDirectoryLayout.SIZE;
        headers.putInt(at, (int) rva);
        headers.putInt(at + PeFormat.DIRECTORY_SIZE_FIELD, (int) sizeBytes);
        return this;
    }

    /** Where the next section will begin in memory. */
    public long nextRva() {
        return nextRva;
    }

    /** Where the next section with contents will begin in the file. */
    public long nextFileOffset() {
        return nextFileOffset;
    }

    public long imageBase() {
        return imageBase;
    }

    /** A section that holds just these bytes; returns its RVA. */
    public long add(String name, int characteristics, byte[] contents) {
        return add(name, characteristics, contents.length, (byte) 0, List.of(new Part(nextRva, contents)));
    }

    /** A section of zeros that takes no room in the file; returns its RVA. */
    public long addZeroFill(String name, int characteristics, long sizeBytes) {
        return add(name, characteristics, sizeBytes, (byte) 0, List.of());
    }

    /**
     * A large section with little in it.
     *
     * @param fill what stands where no part does
     * @param parts contents, each inside the section
     * @return its RVA
     */
    public long add(String name, int characteristics, long sizeBytes, byte fill, List<Part> parts) {
        byte[] encoded = name.getBytes(StandardCharsets.US_ASCII);
        if (encoded.length > 8) {
            throw new IllegalArgumentException("section name is longer than 8 bytes name=" + name);
        }
        long end = fill == 0 ? 0 : sizeBytes;
        for (Part part : parts) {
            long offset = part.rva() - nextRva;
            if (offset < 0 || offset + part.bytes().length > sizeBytes) {
                throw new IllegalArgumentException("part lies outside its section section=%s rva=0x%x size=0x%x"
                        .formatted(name, part.rva(), part.bytes().length));
            }
            end = Math.max(end, offset + part.bytes().length);
        }
        long fileBytes = Pages.alignUp(end, FILE_ALIGNMENT);
        Section section = new Section(
                name,
                characteristics,
                nextRva,
                sizeBytes,
                fileBytes == 0 ? 0 : nextFileOffset,
                fileBytes,
                fill,
                List.copyOf(parts));
        writeHeader(section, encoded);
        sections.add(section);
        nextRva += Pages.up(sizeBytes);
        nextFileOffset += fileBytes;
        return section.rva();
    }

    private void writeHeader(Section section, byte[] name) {
        int at = NT_HEADERS + (int) ImageNtHeaders64Layout.SIZE + sections.size() * (int) ImageSectionHeaderLayout.SIZE;
        if (at + ImageSectionHeaderLayout.SIZE > sizeOfHeaders) {
            throw new IllegalStateException("more sections than announced sections=" + (sections.size() + 1));
        }
        headers.put(at + (int) ImageSectionHeaderLayout.NAME, name);
        headers.putInt(at + (int) ImageSectionHeaderLayout.MISC_VIRTUAL_SIZE, (int) section.sizeBytes());
        headers.putInt(at + (int) ImageSectionHeaderLayout.VIRTUAL_ADDRESS, (int) section.rva());
        headers.putInt(at + (int) ImageSectionHeaderLayout.SIZE_OF_RAW_DATA, (int) section.fileBytes());
        headers.putInt(at + (int) ImageSectionHeaderLayout.POINTER_TO_RAW_DATA, (int) section.fileOffset());
        headers.putInt(at + (int) ImageSectionHeaderLayout.CHARACTERISTICS, section.characteristics());
        file16(ImageFileHeaderLayout.NUMBER_OF_SECTIONS, sections.size() + 1);
    }

    /** Bytes the image takes in memory, so far. */
    public long sizeOfImage() {
        return nextRva;
    }

    /** The whole file, with its checksum. */
    public byte[] toFile() {
        finishHeaders();
        byte[] file = new byte[(int) nextFileOffset];
        System.arraycopy(headers.array(), 0, file, 0, sizeOfHeaders);
        for (Section section : sections) {
            int start = (int) section.fileOffset();
            if (section.fill() != 0) {
                Arrays.fill(file, start, start + (int) section.sizeBytes(), section.fill());
            }
            for (Part part : section.parts()) {
                int at = start + (int) (part.rva() - section.rva());
                System.arraycopy(part.bytes(), 0, file, at, part.bytes().length);
            }
        }
        int checkSum = optional(ImageOptionalHeader64Layout.CHECK_SUM);
        ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putInt(checkSum, checkSum(file, checkSum));
        return file;
    }

    /**
     * Writes the image as it lies in memory at its preferred base. The memory must be zero before; nothing is written where zeros
     * belong, so sparse memory stays sparse.
     */
    public void writeTo(Memory memory, long address) {
        finishHeaders();
        memory.write(address, headers.array());
        for (Section section : sections) {
            if (section.fill() != 0) {
                memory.fill(address + section.rva(), section.sizeBytes(), section.fill());
            }
            for (Part part : section.parts()) {
                memory.write(address + part.rva(), part.bytes());
            }
        }
    }

    private void finishHeaders() {
        int code = 0;
        int data = 0;
        int zeros = 0;
        long baseOfCode = 0;
        for (Section section : sections) {
            int bytes = (int) section.fileBytes();
            if ((section.characteristics() & PeFormat.SCN_CNT_CODE) != 0) {
                code += bytes;
                baseOfCode = baseOfCode == 0 ? section.rva() : baseOfCode;
            } else if (bytes > 0) {
                data += bytes;
            } else {
                zeros += (int) Pages.alignUp(section.sizeBytes(), FILE_ALIGNMENT);
            }
        }
        optional32(ImageOptionalHeader64Layout.SIZE_OF_CODE, code);
        optional32(ImageOptionalHeader64Layout.SIZE_OF_INITIALIZED_DATA, data);
        optional32(ImageOptionalHeader64Layout.SIZE_OF_UNINITIALIZED_DATA, zeros);
        optional32(ImageOptionalHeader64Layout.BASE_OF_CODE, (int) baseOfCode);
        optional32(ImageOptionalHeader64Layout.SIZE_OF_IMAGE, (int) nextRva);
    }

    /** The image checksum: ones'-complement sum of the 16-bit words, the checksum field taken as zero, plus the length. */
    static int checkSum(byte[] file, int fieldOffset) {
        ByteBuffer words = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        // A sum of 32-bit words folds to the same 16 bits; the accumulator has room for any file's carries.
        long sum = -(words.getInt(fieldOffset) & 0xFFFF_FFFFL);
        int at = 0;
        for (; at + 8 <= file.length; at += 8) {
            long word = words.getLong(at);
            sum += (word & 0xFFFF_FFFFL) + (word >>> 32);
        }
        for (int shift = 0; at < file.length; at++, shift += 8) {
            sum += (file[at] & 0xFFL) << shift % 32;
        }
        while (sum >>> 16 != 0) {
            sum = (sum & 0xFFFF) + (sum >>> 16);
        }
        return (int) (sum + file.length);
    }

    private static int file(long field) {
        return NT_HEADERS + (int) (ImageNtHeaders64Layout.FILE_HEADER + field);
    }

    private static int optional(long field) {
        return NT_HEADERS + (int) (ImageNtHeaders64Layout.OPTIONAL_HEADER + field);
    }

    private void file16(long field, int value) {
        headers.putShort(file(field), (short) value);
    }

    private void optional16(long field, int value) {
        headers.putShort(optional(field), (short) value);
    }

    private void optional32(long field, int value) {
        headers.putInt(optional(field), value);
    }
}
