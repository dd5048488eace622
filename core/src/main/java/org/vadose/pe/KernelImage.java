package org.vadose.pe;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.ObjectHeaderAuditInfoLayout;
import org.vadose.layout.ObjectHeaderCreatorInfoLayout;
import org.vadose.layout.ObjectHeaderExtendedInfoLayout;
import org.vadose.layout.ObjectHeaderHandleInfoLayout;
import org.vadose.layout.ObjectHeaderNameInfoLayout;
import org.vadose.layout.ObjectHeaderProcessInfoLayout;
import org.vadose.layout.ObjectHeaderQuotaInfoLayout;

/**
 * The image of {@code ntoskrnl.exe} 10.0.19041.3570: its section table, debug record, exports at their genuine addresses, and the
 * few constants that readers of a kernel image look for. It holds no Windows code: sections of code are filled with breakpoints.
 * What the kernel computes at run time is zero here.
 *
 * <p>Where sections begin and end is inferred from the symbols, which leave holes at section ends and keep each section's
 * string literals together; the names and their order are those of the build.
 */
public final class KernelImage {
    public static final String PDB_NAME = "ntkrnlmp.pdb";
    public static final String PDB_GUID = "606FF669409B00F7FC8C61A9C1670129";
    public static final int PDB_AGE = 1;
    public static final String FILE_NAME = "ntoskrnl.exe";

    /** What a kernel image is linked for; it runs where the boot loader's randomisation puts it. */
    public static final long PREFERRED_BASE = 0x1_4000_0000L;

    public static final String BUILD_LAB = "19041.1.amd64fre.vb_release.191206-1406";
    /** {@code NtBuildNumber}: a free build, hence the upper four bits. */
    public static final int BUILD_NUMBER = 0xF000_0000 | 19041;

    /** Reproducible builds put a hash here; this one is arbitrary and fixed. */
    public static final int TIME_DATE_STAMP = 0xA371_1B5E;

    private static final byte BREAKPOINT = (byte) 0xCC;
    private static final long DEBUG_DIRECTORY = 0x41000;
    private static final int CODE_RESIDENT = PeBuilder.CODE | PeFormat.SCN_MEM_NOT_PAGED;
    private static final int DATA_RESIDENT = PeBuilder.READ_WRITE | PeFormat.SCN_MEM_NOT_PAGED;
    private static final int CONST_RESIDENT = PeBuilder.READ_ONLY | PeFormat.SCN_MEM_NOT_PAGED;
    private static final int PAD =
            PeFormat.SCN_CNT_UNINITIALIZED_DATA | PeFormat.SCN_MEM_READ | PeFormat.SCN_MEM_DISCARDABLE;

    private static final int[] PAGE_PROTECTION = {0x01, 0x02, 0x10, 0x20, 0x04, 0x08, 0x40, 0x80};
    private static final int PAGE_NOACCESS = 0x01;
    private static final int PAGE_GUARD = 0x100;
    private static final int PAGE_NOCACHE = 0x200;
    private static final int PAGE_WRITECOMBINE = 0x400;

    /** {@code mov rax,[rcx]; sar rax,10h; and rax,-16; ret}: how this build turns a handle table entry into an object header. */
    private static final byte[] DECODE_HANDLE_ENTRY = {
        0x48,
        (byte) 0x8B,
        0x01,
        0x48,
        (byte) 0xC1,
        (byte) 0xF8,
        0x10,
        0x48,
        (byte) 0x83,
        (byte) 0xE0,
        (byte) 0xF0,
        (byte) 0xC3
    };

    private static final List<Area> TABLE = new ArrayList<>();
    private static final long END = 0x104_6000;

    private record Area(String name, long rva, int characteristics) {}

    static {
        area(".rdata", 0x1000, CONST_RESIDENT);
        area(".pdata", 0xC9000, CONST_RESIDENT);
        area(".idata", 0x131000, CONST_RESIDENT);
        area(".edata", 0x134000, PeBuilder.READ_ONLY);
        area("PROTDATA", 0x14D000, CONST_RESIDENT);
        area("GFIDS", 0x14E000, PeBuilder.READ_ONLY);
        area("Pad1", 0x15A000, PAD);
        area(".text", 0x200000, CODE_RESIDENT);
        area("PAGE", 0x5CC000, PeBuilder.CODE);
        area("PAGELK", 0x993000, PeBuilder.CODE);
        area("POOLCODE", 0x9B8000, CODE_RESIDENT);
        area("PAGEKD", 0x9B9000, PeBuilder.CODE);
        area("PAGEVRFY", 0x9BF000, PeBuilder.CODE);
        area("PAGEHDLS", 0x9F2000, PeBuilder.CODE);
        area("PAGEBGFX", 0x9F5000, PeBuilder.CODE);
        area("INITKDBG", 0x9FC000, CODE_RESIDENT | PeFormat.SCN_MEM_DISCARDABLE);
        area("TRACESUP", 0xA16000, CODE_RESIDENT);
        area("KVASCODE", 0xA18000, CODE_RESIDENT);
        area("RETPOL", 0xA1B000, CODE_RESIDENT);
        area("MINIEX", 0xA1C000, CODE_RESIDENT);
        area("INIT", 0xA1F000, CODE_RESIDENT | PeFormat.SCN_MEM_DISCARDABLE);
        area("Pad2", 0xAAA000, PAD);
        area(".data", 0xC00000, DATA_RESIDENT);
        area("ALMOSTRO", 0xCFB000, DATA_RESIDENT);
        area("CACHEALI", 0xD23000, DATA_RESIDENT);
        area("PAGEDATA", 0xD2D000, PeBuilder.READ_WRITE);
        area("PAGEVRFD", 0xD42000, PeBuilder.READ_WRITE);
        area("INITDATA", 0xD58000, PeBuilder.READ_WRITE | PeFormat.SCN_MEM_DISCARDABLE);
        area("Pad3", 0xD60000, PAD);
        area("CFGRO", 0xE00000, DATA_RESIDENT);
        area("Pad4", 0xE02000, PAD);
        area(".rsrc", 0x1000000, PeBuilder.READ_ONLY | PeFormat.SCN_MEM_DISCARDABLE);
        area(".reloc", 0x103C000, PeBuilder.READ_ONLY | PeFormat.SCN_MEM_DISCARDABLE);
    }

    private KernelImage() {}

    private static void area(String name, long rva, int characteristics) {
        TABLE.add(new Area(name, rva, characteristics));
    }

    /** Bytes the image takes in memory. */
    public static long sizeOfImage() {
        return END;
    }

    /** Makes the image; {@link PeBuilder#writeTo} lays it into memory, {@link PeBuilder#toFile} makes a file of 13 MB. */
    public static PeBuilder build() {
        PeBuilder builder = new PeBuilder(PREFERRED_BASE, TABLE.size())
                .subsystem(PeFormat.SUBSYSTEM_NATIVE)
                .dllCharacteristics(PeFormat.DLL_HIGH_ENTROPY_VA
                        | PeFormat.DLL_DYNAMIC_BASE
                        | PeFormat.DLL_NX_COMPAT
                        | PeFormat.DLL_GUARD_CF)
                .timeDateStamp(TIME_DATE_STAMP)
                .entryPoint(KernelSymbols.KI_SYSTEM_STARTUP);
        List<PeBuilder.Part> constants = constants();
        for (int i = 0; i < TABLE.size(); i++) {
            Area area = TABLE.get(i);
            long end = i + 1 < TABLE.size() ? TABLE.get(i + 1).rva() : END;
            if (builder.nextRva() != area.rva()) {
                throw new IllegalStateException("kernel sections are out of order section=" + area.name());
            }
            boolean code = (area.characteristics() & PeFormat.SCN_CNT_CODE) != 0;
            builder.add(
                    area.name(),
                    area.characteristics(),
                    end - area.rva(),
                    code ? BREAKPOINT : 0,
                    contents(area, end, builder, constants));
        }
        return builder;
    }

    private static List<PeBuilder.Part> contents(
            Area area, long end, PeBuilder builder, List<PeBuilder.Part> constants) {
        List<PeBuilder.Part> parts = new ArrayList<>();
        switch (area.name()) {
            case ".edata" -> {
                byte[] exports = PeTables.exports(area.rva(), FILE_NAME, readExports(), TIME_DATE_STAMP);
                parts.add(new PeBuilder.Part(area.rva(), exports));
                builder.directory(PeFormat.DIRECTORY_EXPORT, area.rva(), exports.length);
            }
            case ".rsrc" -> {
                byte[] version =
                        PeVersionResource.section(area.rva(), new int[] {10, 0, 19041, 3570}, false, versionStrings());
                parts.add(new PeBuilder.Part(area.rva(), version));
                builder.directory(PeFormat.DIRECTORY_RESOURCE, area.rva(), version.length);
            }
            case ".rdata" -> {
                long fileOffset = builder.nextFileOffset() + DEBUG_DIRECTORY - area.rva();
                parts.add(new PeBuilder.Part(
                        DEBUG_DIRECTORY,
                        PeTables.debug(DEBUG_DIRECTORY, fileOffset, PDB_GUID, PDB_AGE, PDB_NAME, TIME_DATE_STAMP)));
                builder.directory(PeFormat.DIRECTORY_DEBUG, DEBUG_DIRECTORY, PeTables.debugDirectorySize());
            }
            default -> {}
        }
        for (PeBuilder.Part constant : constants) {
            if (constant.rva() >= area.rva() && constant.rva() < end) {
                parts.add(constant);
            }
        }
        return parts;
    }

    private static Map<String, String> versionStrings() {
        Map<String, String> strings = new LinkedHashMap<>();
        strings.put("FileDescription", "NT Kernel & System");
        strings.put("FileVersion", "10.0.19041.3570");
        strings.put("InternalName", "ntkrnlmp.exe");
        strings.put("OriginalFilename", "ntkrnlmp.exe");
        strings.put("ProductVersion", "10.0.19041.3570");
        return strings;
    }

    private static List<PeBuilder.Part> constants() {
        KernelServices services = KernelServices.read();
        return List.of(
                new PeBuilder.Part(KernelSymbols.KI_SERVICE_TABLE, services.table()),
                new PeBuilder.Part(KernelSymbols.KI_SERVICE_LIMIT, int32(services.count())),
                new PeBuilder.Part(KernelSymbols.KI_ARGUMENT_TABLE, services.arguments()),
                new PeBuilder.Part(KernelSymbols.MM_PROTECT_TO_VALUE, protectionTable()),
                new PeBuilder.Part(KernelSymbols.OBP_INFO_MASK_TO_OFFSET, infoMaskTable()),
                new PeBuilder.Part(KernelSymbols.OBP_CAPTURE_HANDLE_INFORMATION_EX, DECODE_HANDLE_ENTRY),
                new PeBuilder.Part(KernelSymbols.NT_BUILD_NUMBER, int32(BUILD_NUMBER)),
                new PeBuilder.Part(KernelSymbols.NT_BUILD_LAB, ascii(BUILD_LAB)),
                new PeBuilder.Part(KernelSymbols.NT_BUILD_LAB_EX, ascii(BUILD_LAB)));
    }

    /** {@code MmProtectToValue}: {@code PAGE_*} by the five bits of a software protection; no-access has no variants. */
    private static byte[] protectionTable() {
        int[] variants = {0, PAGE_NOCACHE, PAGE_GUARD, PAGE_WRITECOMBINE};
        ByteBuffer out = ByteBuffer.allocate(32 * 4).order(ByteOrder.LITTLE_ENDIAN);
        for (int variant : variants) {
            for (int protection : PAGE_PROTECTION) {
                out.putInt(protection == PAGE_NOACCESS ? protection : protection | variant);
            }
        }
        return out.array();
    }

    /** {@code ObpInfoMaskToOffset}: bytes of optional headers below the object header, by the bits of its InfoMask. */
    private static byte[] infoMaskTable() {
        int[] sizes = {
            (int) ObjectHeaderCreatorInfoLayout.SIZE,
            (int) ObjectHeaderNameInfoLayout.SIZE,
            (int) ObjectHeaderHandleInfoLayout.SIZE,
            (int) ObjectHeaderQuotaInfoLayout.SIZE,
            (int) ObjectHeaderProcessInfoLayout.SIZE,
            (int) ObjectHeaderAuditInfoLayout.SIZE,
            (int) ObjectHeaderExtendedInfoLayout.SIZE
        };
        byte[] table = new byte[256];
        for (int mask = 0; mask < table.length; mask++) {
            int offset = 0;
            for (int bit = 0; bit < sizes.length; bit++) {
                offset += (mask >> bit & 1) * sizes[bit];
            }
            table[mask] = (byte) offset;
        }
        return table;
    }

    private static byte[] int32(int value) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array();
    }

    private static byte[] ascii(String text) {
        return (text + "\0").getBytes(StandardCharsets.US_ASCII);
    }

    /** The exports that driver libraries know, with their addresses in this build. */
    private static List<PeTables.Export> readExports() {
        try (InputStream in = KernelImage.class.getResourceAsStream("ntoskrnl.exports")) {
            if (in == null) {
                throw new IllegalStateException("resource is missing name=ntoskrnl.exports");
            }
            BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII));
            List<PeTables.Export> exports = new ArrayList<>();
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                int space = line.indexOf(' ');
                long rva = Long.parseLong(line, 0, space, 16);
                exports.add(PeTables.Export.named(line.substring(space + 1), rva));
            }
            return exports;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
