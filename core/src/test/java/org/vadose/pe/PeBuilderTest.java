package org.vadose.pe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.vadose.memory.PhysicalMemory;

class PeBuilderTest {
    static PeBuilder demo() {
        PeBuilder builder = new PeBuilder(0x1_8000_0000L, 7).dll().timeDateStamp(0x5F00_0000);
        long text = builder.add(".text", PeBuilder.CODE, new byte[] {(byte) 0xC3, (byte) 0xCC, (byte) 0xC3});
        builder.entryPoint(text);
        long data = builder.add(".data", PeBuilder.READ_WRITE, new byte[0x1800]);
        builder.addZeroFill(".bss", PeBuilder.ZERO_FILL, 0x3456);
        byte[] exports = PeTables.exports(
                builder.nextRva(),
                "demo.dll",
                List.of(
                        PeTables.Export.named("second", text + 2),
                        PeTables.Export.named("first", text),
                        new PeTables.Export(null, 7, data + 8, null),
                        PeTables.Export.forwarded("away", "NTDLL.RtlExitUserThread")),
                0x5F00_0000);
        builder.directory(
                PeFormat.DIRECTORY_EXPORT, builder.add(".edata", PeBuilder.READ_ONLY, exports), exports.length);
        byte[] debug = PeTables.debug(
                builder.nextRva(),
                builder.nextFileOffset(),
                "00112233445566778899AABBCCDDEEFF",
                3,
                "demo.pdb",
                0x5F00_0000);
        builder.directory(
                PeFormat.DIRECTORY_DEBUG,
                builder.add(".rdata", PeBuilder.READ_ONLY, debug),
                PeTables.debugDirectorySize());
        byte[] version = PeVersionResource.section(
                builder.nextRva(), new int[] {10, 0, 19041, 1}, true, Map.of("FileDescription", "A demonstration"));
        builder.directory(
                PeFormat.DIRECTORY_RESOURCE, builder.add(".rsrc", PeBuilder.READ_ONLY, version), version.length);
        byte[] relocations = PeTables.relocations(List.of(data + 0x1010, data, data + 0x20, data + 0x28));
        builder.directory(
                PeFormat.DIRECTORY_BASERELOC,
                builder.add(".reloc", PeBuilder.READ_ONLY | PeFormat.SCN_MEM_DISCARDABLE, relocations),
                relocations.length);
        return builder;
    }

    @Test
    void whatIsBuiltReadsBack() {
        PeImage image = PeImage.ofFile(demo().toFile());
        PeExports exports = image.exports();
        assertNotNull(exports);
        assertEquals("demo.dll", exports.dllName());
        assertEquals(
                new PeExports.Export(1, "away", exports.byOrdinal(1).rva(), "NTDLL.RtlExitUserThread"),
                exports.byName("away"));
        assertEquals(new PeExports.Export(2, "first", 0x1000, null), exports.byName("first"));
        assertEquals(new PeExports.Export(3, "second", 0x1002, null), exports.byName("second"));
        assertEquals(new PeExports.Export(7, null, 0x2008, null), exports.byOrdinal(7));
        assertNull(exports.byOrdinal(5));
        assertEquals(new PeImage.DebugRecord("00112233445566778899AABBCCDDEEFF", 3, "demo.pdb"), image.debugRecord());
        assertEquals(List.of(16), image.resourceTypes());
        List<Long> relocations = new ArrayList<>();
        image.relocations((rva, type) -> relocations.add(rva));
        assertEquals(List.of(0x2000L, 0x2020L, 0x2028L, 0x3010L), relocations);
        assertEquals(0x3456, image.sections().get(2).virtualSize());
    }

    @Test
    void sameCallsGiveSameBytes() {
        assertArrayEquals(demo().toFile(), demo().toFile());
    }

    @Test
    void inMemoryItIsAsTheLoaderWouldMapIt() {
        PeBuilder builder = demo();
        PeImage image = PeImage.ofFile(builder.toFile());
        try (PhysicalMemory memory = new PhysicalMemory(32 << 20)) {
            builder.writeTo(memory, 0x10000);
            byte[] headersAndAll = image.read(0, (int) image.sizeOfImage());
            byte[] mapped = memory.read(0x10000, headersAndAll.length);
            headersAndAll[0x140] = mapped[0x140];
            headersAndAll[0x141] = mapped[0x141];
            headersAndAll[0x142] = mapped[0x142];
            assertArrayEquals(headersAndAll, mapped);
        }
    }

    @Test
    void misplacedPartsAndTooManySectionsAreRefused() {
        PeBuilder builder = new PeBuilder(0x10000, 1);
        long rva = builder.nextRva();
        assertThrows(
                IllegalArgumentException.class,
                () -> builder.add(
                        ".a", PeBuilder.READ_ONLY, 16, (byte) 0, List.of(new PeBuilder.Part(rva + 8, new byte[9]))));
        for (int i = 0; i < 9; i++) {
            builder.add(".a" + i, PeBuilder.READ_ONLY, new byte[1]);
        }
        assertThrows(IllegalStateException.class, () -> {
            for (int i = 0; i < 20; i++) {
                builder.add(".b" + i, PeBuilder.READ_ONLY, new byte[1]);
            }
        });
    }
}
