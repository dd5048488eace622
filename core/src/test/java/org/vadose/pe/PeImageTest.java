package org.vadose.pe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.layout.ImageDosHeaderLayout;
import org.vadose.layout.ImageFileHeaderLayout;
import org.vadose.layout.ImageOptionalHeader64Layout;
import org.vadose.layout.ImageSectionHeaderLayout;
import org.vadose.memory.PhysicalMemory;

/** The reader against an image that GNU ld linked; expected values are objdump's. */
class PeImageTest {
    static byte[] sample() {
        try (InputStream in = PeImageTest.class.getResourceAsStream("sample.exe")) {
            assertNotNull(in);
            return in.readAllBytes();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void headersAndSectionsAreThoseObjdumpShows() {
        PeImage image = PeImage.ofFile(sample());
        assertEquals(0x1_4000_0000L, image.imageBase());
        assertEquals(0x1012, image.entryPoint());
        assertEquals(0xC000, image.sizeOfImage());
        assertEquals(0x400, image.sizeOfHeaders());
        assertEquals(PeFormat.SUBSYSTEM_WINDOWS_CUI, image.subsystem());
        assertEquals(0x160, image.dllCharacteristics());
        assertFalse(image.isDll());
        assertTrue(image.isRelocatable());
        assertEquals(0x200000, image.sizeOfStackReserve());
        assertEquals(11, image.sections().size());
        PeSection text = image.sections().getFirst();
        assertEquals(".text", text.name());
        assertEquals(0x1000, text.rva());
        assertEquals(0xC0, text.virtualSize());
        assertEquals(0x400, text.fileOffset());
        assertEquals(0x20, text.pageProtection());
        PeSection bss = image.sectionAt(0x6000);
        assertNotNull(bss);
        assertEquals(0, bss.fileBytes());
        assertNull(image.debugRecord());
        assertEquals(List.of(), image.resourceTypes());
    }

    @Test
    void exportsByNameByNumberAndForwarded() {
        PeExports exports = PeImage.ofFile(sample()).exports();
        assertNotNull(exports);
        assertEquals("sample.exe", exports.dllName());
        assertEquals(new PeExports.Export(3, "add", 0x100E, null), exports.byName("add"));
        assertEquals(new PeExports.Export(5, "variable", 0x2020, null), exports.byName("variable"));
        assertEquals(new PeExports.Export(7, null, 0x100E, null), exports.byOrdinal(7));
        PeExports.Export forwarded = exports.byName("forwarded");
        assertNotNull(forwarded);
        assertEquals("NTDLL.RtlAllocateHeap", forwarded.forwarder());
        assertNull(exports.byName("Add"));
        assertNull(exports.byOrdinal(2));
        assertNull(exports.byOrdinal(4));
        assertNull(exports.byOrdinal(10));
        assertEquals(3, exports.named().size());
    }

    @Test
    void importsRelocationsTlsAndRuntimeFunctions() {
        PeImage image = PeImage.ofFile(sample());
        List<String> imports = new ArrayList<>();
        for (PeImports.Module module : image.imports()) {
            for (PeImports.Symbol symbol : module) {
                imports.add(module.dllName() + "!" + symbol.shown() + "@" + Long.toHexString(symbol.slotRva()));
            }
        }
        assertEquals(
                List.of(
                        "KERNEL32.dll!ExitProcess@8070",
                        "KERNEL32.dll!GetStdHandle@8078",
                        "KERNEL32.dll!WriteFile@8080",
                        "msvcrt.dll!puts@8090"),
                imports);
        List<Long> relocations = new ArrayList<>();
        image.relocations((rva, type) -> {
            assertEquals(PeFormat.REL_DIR64, type);
            relocations.add(rva);
        });
        assertEquals(List.of(0x2018L, 0x3020L, 0x3028L, 0x3030L, 0x3038L, 0x9000L, 0x9008L), relocations);
        PeImage.Tls tls = image.tls(image.imageBase());
        assertNotNull(tls);
        assertEquals(List.of(0x1000L, 0x1007L), tls.callbackRvas());
        assertEquals(0xA000, tls.templateRva());
        assertEquals(4, image.runtimeFunctionCount());
        assertEquals(new PeImage.RuntimeFunction(0x1012, 0x1062, 0x500C), image.runtimeFunctionAt(0x1050));
        assertNull(image.runtimeFunctionAt(0x1062));
    }

    @Test
    void laidOutImageIsRelocatedAndTellsItsAddress() {
        PeImage image = PeImage.ofFile(sample());
        long base = 0x7FF6_1234_0000L;
        ByteBuffer laidOut = ByteBuffer.wrap(image.layOut(base)).order(ByteOrder.LITTLE_ENDIAN);
        assertEquals(base + 0x1000, laidOut.getLong(0x9000));
        assertEquals(base, laidOut.getLong((int) (OPTIONAL + ImageOptionalHeader64Layout.IMAGE_BASE)));
        try (PhysicalMemory memory = new PhysicalMemory(32 << 20)) {
            memory.write(0, laidOut.array());
            PeImage mapped = PeImage.ofMapped(memory, 0);
            assertEquals(base, mapped.imageBase());
            assertEquals(image.tls(image.imageBase()), mapped.tls(base));
        }
    }

    @Test
    void mappedImageReadsLikeItsFile() {
        byte[] file = sample();
        PeImage fromFile = PeImage.ofFile(file);
        try (PhysicalMemory memory = new PhysicalMemory(32 << 20)) {
            long base = 0x10_0000;
            memory.write(base, fromFile.read(0, (int) fromFile.sizeOfImage()));
            PeImage mapped = PeImage.ofMapped(memory, base);
            assertNotNull(mapped.exports());
            assertNotNull(fromFile.exports());
            assertEquals(fromFile.exports().named(), mapped.exports().named());
            assertEquals(fromFile.tls(fromFile.imageBase()), mapped.tls(mapped.imageBase()));
            assertEquals(fromFile.runtimeFunctionAt(0x1020), mapped.runtimeFunctionAt(0x1020));
            memory.fill(base, 0x1000, (byte) 0);
            assertThrows(PeFormatException.class, () -> PeImage.ofMapped(memory, base));
            assertThrows(PeFormatException.class, () -> PeImage.ofMapped(memory, (32 << 20) - 64));
        }
    }

    // --- each lie is named ---

    private static final int NT = 0x80;
    private static final int FILE = NT + 4;
    private static final int OPTIONAL = NT + 24;
    private static final int SECTIONS = OPTIONAL + 240;

    private static void refused(NtStatus status, String words, ByteBuffer file) {
        PeFormatException e = assertThrows(PeFormatException.class, () -> PeImage.ofFile(file.array()));
        assertEquals(status, e.status(), e.getMessage());
        assertTrue(e.getMessage() != null && e.getMessage().contains(words), e.getMessage());
    }

    private static ByteBuffer file() {
        return ByteBuffer.wrap(sample()).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static ByteBuffer with16(long at, int value) {
        return file().putShort((int) at, (short) value);
    }

    private static ByteBuffer with32(long at, int value) {
        return file().putInt((int) at, value);
    }

    private static ByteBuffer optional(long field, int value) {
        return with32(OPTIONAL + field, value);
    }

    private static ByteBuffer section(int index, long field, int value) {
        return with32(SECTIONS + index * ImageSectionHeaderLayout.SIZE + field, value);
    }

    @Test
    void whatIsNoX64ImageGetsItsOwnStatus() {
        refused(NtStatus.INVALID_IMAGE_NOT_MZ, "ends before", ByteBuffer.wrap(new byte[0]));
        refused(NtStatus.INVALID_IMAGE_NOT_MZ, "does not begin with MZ", with16(0, 0x4D5A));
        refused(NtStatus.INVALID_IMAGE_PROTECT, "offset=0xfffffff0", with32(ImageDosHeaderLayout.E_LFANEW, -16));
        refused(NtStatus.INVALID_IMAGE_PROTECT, "no PE signature", with32(NT, 0));
        refused(NtStatus.INVALID_IMAGE_NE_FORMAT, "16-bit", with32(NT, 0x454E));
        refused(
                NtStatus.INVALID_IMAGE_WIN_32,
                "32-bit x86 image, only x64 images run here machine=0x014c",
                with16(FILE + ImageFileHeaderLayout.MACHINE, 0x14C));
        refused(
                NtStatus.INVALID_IMAGE_FORMAT,
                "64-bit ARM image",
                with16(FILE + ImageFileHeaderLayout.MACHINE, 0xAA64));
        refused(
                NtStatus.INVALID_IMAGE_FORMAT,
                "not PE32+ magic=0x010b",
                with16(OPTIONAL + ImageOptionalHeader64Layout.MAGIC, 0x10B));
    }

    @Test
    void lyingSizesAndAlignmentsAreNamed() {
        NtStatus invalid = NtStatus.INVALID_IMAGE_FORMAT;
        refused(
                invalid,
                "section .data raw data ends beyond the file rawEnd=0x200600 fileSize=0x1800",
                section(1, ImageSectionHeaderLayout.SIZE_OF_RAW_DATA, 0x200000)
                        .putInt((int) (SECTIONS + 40 + ImageSectionHeaderLayout.MISC_VIRTUAL_SIZE), 0x200000));
        refused(
                invalid,
                "section .data overlaps what stands before it rva=0x1000 previousEnd=0x2000",
                section(1, ImageSectionHeaderLayout.VIRTUAL_ADDRESS, 0x1000));
        refused(invalid, "section .data leaves a gap", section(1, ImageSectionHeaderLayout.VIRTUAL_ADDRESS, 0x2001));
        refused(invalid, "ends beyond the image", section(10, ImageSectionHeaderLayout.MISC_VIRTUAL_SIZE, -1));
        refused(invalid, "do not fill the image", optional(ImageOptionalHeader64Layout.SIZE_OF_IMAGE, 0xD000));
        refused(invalid, "SizeOfImage is out of range", optional(ImageOptionalHeader64Layout.SIZE_OF_IMAGE, -1));
        refused(
                invalid,
                "SizeOfHeaders is out of range",
                optional(ImageOptionalHeader64Layout.SIZE_OF_HEADERS, 0x9000));
        refused(invalid, "not a power of two", optional(ImageOptionalHeader64Layout.SECTION_ALIGNMENT, 0));
        refused(invalid, "not a power of two", optional(ImageOptionalHeader64Layout.FILE_ALIGNMENT, 0x201));
        refused(invalid, "below 512", optional(ImageOptionalHeader64Layout.FILE_ALIGNMENT, 0x10));
        refused(invalid, "64 KB", optional(ImageOptionalHeader64Layout.IMAGE_BASE, 0x1000));
        refused(invalid, "entry point", optional(ImageOptionalHeader64Layout.ADDRESS_OF_ENTRY_POINT, 0xC000));
        refused(
                invalid,
                "section table of 65535 sections",
                with16(FILE + ImageFileHeaderLayout.NUMBER_OF_SECTIONS, 0xFFFF));
    }

    @Test
    void rawOffsetIsRoundedDownToASector() {
        PeImage image = PeImage.ofFile(section(1, ImageSectionHeaderLayout.POINTER_TO_RAW_DATA, 0x600 + 0x37)
                .array());
        PeSection data = image.sections().get(1);
        assertEquals(0x600, data.fileOffset());
        assertEquals(0x637, data.rawOffset());
    }

    @Test
    void virtualSizeZeroMeansRawSize() {
        PeImage image = PeImage.ofFile(
                section(0, ImageSectionHeaderLayout.MISC_VIRTUAL_SIZE, 0).array());
        assertEquals(0x200, image.sections().getFirst().sizeBytes());
        assertEquals(0x1000, image.sections().getFirst().mappedBytes());
    }

    @Test
    void importsSharingOneListEndBeforeTheyExplode() {
        PeImage image = PeImage.ofFile(withEndlessImports());
        PeFormatException e = assertThrows(
                PeFormatException.class,
                () -> image.imports().forEach(module -> module.forEach(symbol -> assertNotNull(symbol.name()))));
        assertTrue(e.getMessage() != null && e.getMessage().contains("import"), e.getMessage());
    }

    /** Fills the last section with descriptors that all name the first DLL and its lists, up to the very end. */
    private static byte[] withEndlessImports() {
        byte[] grown = new byte[0x2600];
        System.arraycopy(sample(), 0, grown, 0, 0x1800);
        ByteBuffer buffer = ByteBuffer.wrap(grown).order(ByteOrder.LITTLE_ENDIAN);
        int reloc = (int) (SECTIONS + 10 * ImageSectionHeaderLayout.SIZE);
        buffer.putInt((int) (reloc + ImageSectionHeaderLayout.MISC_VIRTUAL_SIZE), 0x1000);
        buffer.putInt((int) (reloc + ImageSectionHeaderLayout.SIZE_OF_RAW_DATA), 0x1000);
        buffer.putInt((int) (OPTIONAL + ImageOptionalHeader64Layout.DATA_DIRECTORY + 8), 0xB000);
        for (int at = 0x1600; at + 20 <= 0x2600; at += 20) {
            buffer.putInt(at, 0x8040).putInt(at + 12, 0x80E0).putInt(at + 16, 0x8070);
        }
        return grown;
    }

    @Test
    void relocationBlockOfSizeZeroEnds() {
        PeImage image = PeImage.ofFile(with32(0x1604, 0).array());
        PeFormatException e = assertThrows(PeFormatException.class, () -> image.relocations((rva, type) -> {}));
        assertTrue(
                e.getMessage() != null && e.getMessage().contains("impossible size rva=0xb000 size=0x0"),
                e.getMessage());
    }
}
