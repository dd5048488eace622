package org.vadose.pe;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Pages;
import org.vadose.layout.ImageDataDirectoryLayout;
import org.vadose.layout.ImageDebugDirectoryLayout;
import org.vadose.layout.ImageFileHeaderLayout;
import org.vadose.layout.ImageNtHeaders64Layout;
import org.vadose.layout.ImageOptionalHeader64Layout;
import org.vadose.memory.Memory;

/**
 * A PE32+ image for x64, from a file or from memory. The headers and the section table are checked when the object is made;
 * each directory when it is asked for. A field that lies anywhere ends in {@link PeFormatException} and in nothing else; no read
 * leaves the image and no walk is longer than the image could hold. Addresses are relative to the image's base (RVA) unless a
 * name says otherwise. Immutable and safe to share when made from a file.
 */
public final class PeImage {
    /** Names in an image: decorated C++ names may be long, but end somewhere. */
    private static final int LONGEST_NAME = 4096;

    private static final int MAXIMUM_TLS_CALLBACKS = 4096;

    private final PeHeaders headers;
    private final ImageBytes bytes;
    private final @Nullable PeExports exports;

    /** A data directory's place. {@code sizeBytes} is as stated. */
    public record Directory(long rva, long sizeBytes) {
        public boolean isPresent() {
            return rva != 0 && sizeBytes != 0;
        }
    }

    /**
     * The TLS directory.
     *
     * @param templateRva initial bytes of each thread's copy
     * @param templateBytes how many
     * @param zeroBytes zeros behind them
     * @param indexRva the {@code DWORD} that receives the module's index
     * @param callbackRvas functions in calling order
     */
    public record Tls(long templateRva, long templateBytes, long zeroBytes, long indexRva, List<Long> callbackRvas) {}

    /**
     * A CodeView {@code RSDS} record.
     *
     * @param guid 32 upper-case digits as symbol servers write it
     * @param age counts links of the same PDB
     * @param pdbName as recorded, perhaps with a path
     */
    public record DebugRecord(String guid, int age, String pdbName) {}

    /** One {@code _IMAGE_RUNTIME_FUNCTION_ENTRY}: code in {@code [begin, end)} and its unwind information. */
    public record RuntimeFunction(long begin, long end, long unwindInfo) {}

    private PeImage(PeHeaders headers, ImageBytes bytes) {
        this.headers = headers;
        this.bytes = bytes;
        Directory directory = directory(PeFormat.DIRECTORY_EXPORT);
        this.exports = directory.isPresent() ? PeExports.lazily(this, directory) : null;
    }

    /**
     * Reads an image file.
     *
     * @param file the whole file; not copied, must not change
     */
    public static PeImage ofFile(byte[] file) {
        ImageBytes flat = new ImageBytes.Flat(file);
        PeHeaders headers = new PeHeaders(flat, file.length);
        ImageBytes bytes = headers.isLowAlignment()
                ? flat
                : new ImageBytes.Sectioned(file, headers.sizeOfHeaders, headers.sections);
        return new PeImage(headers, bytes);
    }

    /** Reads an image that lies mapped at {@code base}; every question reads the memory again. */
    public static PeImage ofMapped(Memory memory, long base) {
        ImageBytes bytes = new ImageBytes.Mapped(memory, base);
        return new PeImage(new PeHeaders(bytes, -1), bytes);
    }

    /** Whether both are images of files with the same bytes. */
    public boolean isSameFile(PeImage other) {
        byte[] file = bytes.file();
        return file != null && Arrays.equals(file, other.bytes.file());
    }

    // --- headers ---

    public int characteristics() {
        return file16(ImageFileHeaderLayout.CHARACTERISTICS);
    }

    public boolean isDll() {
        return (characteristics() & PeFormat.FILE_DLL) != 0;
    }

    /** Seconds since 1970, or a hash of the contents in reproducible builds. */
    public int timeDateStamp() {
        return headers.bytes.readInt(
                headers.ntHeaders + ImageNtHeaders64Layout.FILE_HEADER + ImageFileHeaderLayout.TIME_DATE_STAMP);
    }

    /** The address the image was linked for. */
    public long imageBase() {
        return headers.bytes.readLong(headers.optionalHeader + ImageOptionalHeader64Layout.IMAGE_BASE);
    }

    /** Zero when there is no entry point. */
    public long entryPoint() {
        return headers.entryPoint;
    }

    /** Bytes in memory, a multiple of the page size. */
    public long sizeOfImage() {
        return Pages.up(headers.sizeOfImage);
    }

    public long sizeOfHeaders() {
        return headers.sizeOfHeaders;
    }

    public long sectionAlignment() {
        return headers.sectionAlignment;
    }

    public long fileAlignment() {
        return headers.fileAlignment;
    }

    /** Section alignment below a page: Windows maps the file as one writable and executable piece, sections or not. */
    public boolean isLowAlignment() {
        return headers.isLowAlignment();
    }

    public int subsystem() {
        return optional16(ImageOptionalHeader64Layout.SUBSYSTEM);
    }

    public int majorSubsystemVersion() {
        return optional16(ImageOptionalHeader64Layout.MAJOR_SUBSYSTEM_VERSION);
    }

    public int minorSubsystemVersion() {
        return optional16(ImageOptionalHeader64Layout.MINOR_SUBSYSTEM_VERSION);
    }

    public int majorOperatingSystemVersion() {
        return optional16(ImageOptionalHeader64Layout.MAJOR_OPERATING_SYSTEM_VERSION);
    }

    public int minorOperatingSystemVersion() {
        return optional16(ImageOptionalHeader64Layout.MINOR_OPERATING_SYSTEM_VERSION);
    }

    public int dllCharacteristics() {
        return optional16(ImageOptionalHeader64Layout.DLL_CHARACTERISTICS);
    }

    /** The image may be placed elsewhere than at {@link #imageBase}: relocations are not stripped, though there may be none. */
    public boolean isRelocatable() {
        return (characteristics() & PeFormat.FILE_RELOCS_STRIPPED) == 0;
    }

    public int checkSum() {
        return headers.bytes.readInt(headers.optionalHeader + ImageOptionalHeader64Layout.CHECK_SUM);
    }

    public int loaderFlags() {
        return headers.bytes.readInt(headers.optionalHeader + ImageOptionalHeader64Layout.LOADER_FLAGS);
    }

    public long sizeOfCode() {
        return headers.bytes.readInt(headers.optionalHeader + ImageOptionalHeader64Layout.SIZE_OF_CODE) & 0xFFFF_FFFFL;
    }

    public long sizeOfStackReserve() {
        return headers.bytes.readLong(headers.optionalHeader + ImageOptionalHeader64Layout.SIZE_OF_STACK_RESERVE);
    }

    public long sizeOfStackCommit() {
        return headers.bytes.readLong(headers.optionalHeader + ImageOptionalHeader64Layout.SIZE_OF_STACK_COMMIT);
    }

    public long sizeOfHeapReserve() {
        return headers.bytes.readLong(headers.optionalHeader + ImageOptionalHeader64Layout.SIZE_OF_HEAP_RESERVE);
    }

    public long sizeOfHeapCommit() {
        return headers.bytes.readLong(headers.optionalHeader + ImageOptionalHeader64Layout.SIZE_OF_HEAP_COMMIT);
    }

    /** In ascending order of address. */
    public List<PeSection> sections() {
        return headers.sections;
    }

    /** The section that holds this address, if any. */
    public @Nullable PeSection sectionAt(long rva) {
        for (PeSection section : headers.sections) {
            if (section.contains(rva)) {
                return section;
            }
        }
        return null;
    }

    /** Absent directories, and those beyond {@code NumberOfRvaAndSizes}, have zeros. */
    public Directory directory(int index) {
        if (index >= headers.directoryCount) {
            return new Directory(0, 0);
        }
        long at = headers.optionalHeader
                + ImageOptionalHeader64Layout.DATA_DIRECTORY
                + index * ImageDataDirectoryLayout.SIZE;
        return new Directory(
                headers.bytes.readInt(at + ImageDataDirectoryLayout.VIRTUAL_ADDRESS) & 0xFFFF_FFFFL,
                headers.bytes.readInt(at + PeFormat.DIRECTORY_SIZE_FIELD) & 0xFFFF_FFFFL);
    }

    // --- bytes ---

    /** Bytes as they are in memory before relocation. */
    public byte[] read(long rva, int length) {
        check(rva, length, "read");
        byte[] target = new byte[length];
        bytes.copy(rva, target, 0, length);
        return target;
    }

    /**
     * The whole image as the kernel lays it out for an address: relocated, with the headers' {@code ImageBase} telling that
     * address.
     *
     * @throws PeFormatException when it must move and its relocations are broken
     */
    public byte[] layOut(long base) {
        byte[] target = read(0, (int) sizeOfImage());
        long delta = base - imageBase();
        if (delta != 0) {
            ByteBuffer image = ByteBuffer.wrap(target).order(ByteOrder.LITTLE_ENDIAN);
            relocations((rva, type) -> {
                int at = (int) rva;
                switch (type) {
                    case PeFormat.REL_DIR64 -> image.putLong(at, image.getLong(at) + delta);
                    case PeFormat.REL_HIGHLOW -> image.putInt(at, image.getInt(at) + (int) delta);
                    case PeFormat.REL_LOW -> image.putShort(at, (short) (image.getShort(at) + delta));
                    default -> image.putShort(at, (short) ((image.getShort(at) << 16) + delta >> 16));
                }
            });
            long field = headers.optionalHeader + ImageOptionalHeader64Layout.IMAGE_BASE;
            if (field + Long.BYTES <= target.length) {
                image.putLong((int) field, base);
            }
        }
        return target;
    }

    int u16(long rva, String what) {
        check(rva, 2, what);
        return bytes.unsignedShort(rva);
    }

    long u32(long rva, String what) {
        check(rva, 4, what);
        return bytes.readInt(rva) & 0xFFFF_FFFFL;
    }

    long u64(long rva, String what) {
        check(rva, 8, what);
        return bytes.readLong(rva);
    }

    /** A zero-terminated name, as Latin-1. */
    String name(long rva, String what) {
        StringBuilder text = new StringBuilder();
        for (long at = rva; ; at++) {
            check(at, 1, what);
            int c = bytes.unsignedByte(at);
            if (c == 0) {
                return text.toString();
            }
            if (text.length() == LONGEST_NAME) {
                throw PeFormatException.invalid("%s does not end rva=0x%x maximum=%d", what, rva, LONGEST_NAME);
            }
            text.append((char) c);
        }
    }

    /** {@code [rva, rva + length)} lies in the image. */
    void check(long rva, long length, String what) {
        if (rva < 0 || length < 0 || rva + length > sizeOfImage()) {
            throw PeFormatException.invalid(
                    "%s lies outside the image rva=0x%x size=0x%x sizeOfImage=0x%x", what, rva, length, sizeOfImage());
        }
    }

    // --- directories ---

    /** What the image exports; {@code null} when it has no export directory. */
    public @Nullable PeExports exports() {
        return exports;
    }

    /** The imported DLLs in table order, each with the functions taken from it. */
    public Iterable<PeImports.Module> imports() {
        Directory directory = directory(PeFormat.DIRECTORY_IMPORT);
        return directory.isPresent() ? PeImports.ordinary(this, directory) : List.of();
    }

    /** The DLLs that are bound at their first call. */
    public Iterable<PeImports.Module> delayImports() {
        Directory directory = directory(PeFormat.DIRECTORY_DELAY_IMPORT);
        return directory.isPresent() ? PeImports.delayed(this, directory) : List.of();
    }

    /** Hands every relocation but padding to the visitor, in table order. */
    public void relocations(PeRelocations.Visitor visitor) {
        Directory directory = directory(PeFormat.DIRECTORY_BASERELOC);
        if (directory.isPresent()) {
            PeRelocations.walk(this, directory, visitor);
        }
    }

    /** The TLS directory; {@code null} when there is none. Addresses in it are turned into RVAs by {@code actualBase}. */
    public @Nullable Tls tls(long actualBase) {
        Directory directory = directory(PeFormat.DIRECTORY_TLS);
        if (!directory.isPresent()) {
            return null;
        }
        long at = directory.rva();
        check(at, PeFormat.TLS_SIZE, "TLS directory");
        long start = bytes.readLong(at + PeFormat.TLS_START);
        long end = bytes.readLong(at + PeFormat.TLS_END);
        long templateBytes = end - start;
        long templateRva = start == 0 ? 0 : start - actualBase;
        if (templateBytes != 0) {
            check(templateRva, templateBytes, "TLS template");
        }
        long indexRva = bytes.readLong(at + PeFormat.TLS_INDEX) - actualBase;
        check(indexRva, 4, "TLS index");
        long zeroBytes = bytes.readInt(at + PeFormat.TLS_ZERO_FILL) & 0xFFFF_FFFFL;
        return new Tls(templateRva, templateBytes, zeroBytes, indexRva, tlsCallbacks(at, actualBase));
    }

    private List<Long> tlsCallbacks(long at, long actualBase) {
        long array = bytes.readLong(at + PeFormat.TLS_CALLBACKS);
        List<Long> callbacks = new ArrayList<>();
        if (array == 0) {
            return callbacks;
        }
        for (long slot = array - actualBase; ; slot += 8) {
            long callback = u64(slot, "TLS callback table");
            if (callback == 0) {
                return callbacks;
            }
            if (callbacks.size() == MAXIMUM_TLS_CALLBACKS) {
                throw PeFormatException.invalid(
                        "TLS callback table does not end rva=0x%x maximum=%d",
                        array - actualBase, MAXIMUM_TLS_CALLBACKS);
            }
            check(callback - actualBase, 1, "TLS callback");
            callbacks.add(callback - actualBase);
        }
    }

    /** How many entries {@code .pdata} holds. */
    public int runtimeFunctionCount() {
        Directory directory = directory(PeFormat.DIRECTORY_EXCEPTION);
        if (!directory.isPresent()) {
            return 0;
        }
        check(directory.rva(), directory.sizeBytes(), "exception directory");
        return (int) (directory.sizeBytes() / PeUnwind.RUNTIME_FUNCTION_SIZE);
    }

    /** Entry {@code index} of {@code .pdata}, below {@link #runtimeFunctionCount}. */
    public RuntimeFunction runtimeFunction(int index) {
        long at = directory(PeFormat.DIRECTORY_EXCEPTION).rva() + index * PeUnwind.RUNTIME_FUNCTION_SIZE;
        return PeUnwind.read(this, at);
    }

    /** The function whose code holds this address, by binary search as the unwinder does it; {@code null} for leaf code. */
    public @Nullable RuntimeFunction runtimeFunctionAt(long rva) {
        return PeUnwind.find(this, rva);
    }

    /** The first CodeView RSDS record; {@code null} when there is none. */
    public @Nullable DebugRecord debugRecord() {
        Directory directory = directory(PeFormat.DIRECTORY_DEBUG);
        if (!directory.isPresent()) {
            return null;
        }
        check(directory.rva(), directory.sizeBytes(), "debug directory");
        long count = Math.min(directory.sizeBytes() / ImageDebugDirectoryLayout.SIZE, 64);
        for (long i = 0; i < count; i++) {
            long at = directory.rva() + i * ImageDebugDirectoryLayout.SIZE;
            long record = bytes.readInt(at + ImageDebugDirectoryLayout.ADDRESS_OF_RAW_DATA) & 0xFFFF_FFFFL;
            if (bytes.readInt(at + ImageDebugDirectoryLayout.TYPE) == PeFormat.DEBUG_TYPE_CODEVIEW && record != 0) {
                if (u32(record, "CodeView record") == PeFormat.RSDS_SIGNATURE) {
                    return readRsds(record);
                }
            }
        }
        return null;
    }

    private DebugRecord readRsds(long record) {
        check(record, 24, "CodeView record");
        String tail = "";
        for (int i = 0; i < 8; i++) {
            tail += "%02X".formatted(bytes.unsignedByte(record + 12 + i));
        }
        String guid = "%08X%04X%04X%s"
                .formatted(
                        bytes.readInt(record + 4),
                        bytes.unsignedShort(record + 8),
                        bytes.unsignedShort(record + 10),
                        tail);
        return new DebugRecord(guid, bytes.readInt(record + 20), name(record + 24, "PDB name"));
    }

    /** {@code GuardFlags} of the load configuration, or zero. */
    public int guardFlags() {
        return (int) loadConfig(PeFormat.LOAD_CONFIG_GUARD_FLAGS, 4);
    }

    /** Whether the image was built for control flow guard. */
    public boolean isGuarded() {
        int wanted = PeFormat.GUARD_CF_INSTRUMENTED | PeFormat.GUARD_CF_FUNCTION_TABLE_PRESENT;
        return (dllCharacteristics() & PeFormat.DLL_GUARD_CF) != 0 && (guardFlags() & wanted) == wanted;
    }

    /** Where the image keeps the address of the function that checks an indirect call's target, as an RVA; 0 without one. */
    public long guardCheckPointer() {
        return guardPointer(PeFormat.LOAD_CONFIG_GUARD_CHECK);
    }

    /** The same for the function that checks a target and goes there. */
    public long guardDispatchPointer() {
        return guardPointer(PeFormat.LOAD_CONFIG_GUARD_DISPATCH);
    }

    private long guardPointer(int field) {
        long address = loadConfig(field, 8);
        if (address == 0) {
            return 0;
        }
        check(address - imageBase(), 8, "control flow guard pointer");
        return address - imageBase();
    }

    /** RVAs of the functions that indirect calls may go to, in the table's order; those that are suppressed left out. */
    public long[] guardTargets() {
        long address = loadConfig(PeFormat.LOAD_CONFIG_GUARD_TABLE, 8);
        long count = loadConfig(PeFormat.LOAD_CONFIG_GUARD_COUNT, 8);
        if (address == 0 || count == 0) {
            return new long[0];
        }
        int flagBytes = guardFlags() >>> PeFormat.GUARD_STRIDE_SHIFT;
        long stride = 4 + flagBytes;
        if (count < 0 || count > sizeOfImage() / stride) {
            throw PeFormatException.invalid("control flow guard table is larger than the image count=%d", count);
        }
        long table = address - imageBase();
        check(table, (int) (count * stride), "control flow guard table");
        long[] targets = new long[(int) count];
        int kept = 0;
        for (int i = 0; i < count; i++) {
            long entry = table + i * stride;
            long rva = u32(entry, "control flow guard table");
            boolean suppressed = flagBytes > 0 && (bytes.unsignedByte(entry + 4) & PeFormat.GUARD_SUPPRESSED) != 0;
            if (!suppressed && rva < sizeOfImage()) {
                targets[kept++] = rva;
            }
        }
        return Arrays.copyOf(targets, kept);
    }

    /** Where the image keeps its stack cookie, as an address with the image at {@code actualBase}; zero without one. */
    public long securityCookie(long actualBase) {
        long address = loadConfig(PeFormat.LOAD_CONFIG_SECURITY_COOKIE, 8);
        if (address != 0) {
            check(address - actualBase, 8, "security cookie");
        }
        return address;
    }

    /** A field of {@code IMAGE_LOAD_CONFIG_DIRECTORY64}; zero when the directory is absent or too short, as it grew over time. */
    private long loadConfig(int field, int fieldBytes) {
        Directory directory = directory(PeFormat.DIRECTORY_LOAD_CONFIG);
        if (!directory.isPresent()) {
            return 0;
        }
        long stated = u32(directory.rva(), "load configuration");
        if (field + fieldBytes > stated) {
            return 0;
        }
        return fieldBytes == 8
                ? u64(directory.rva() + field, "load configuration")
                : u32(directory.rva() + field, "load configuration");
    }

    /** The numbers of the entries in the root of the resource tree that have no name: 16 is a version, 24 a manifest. */
    public List<Integer> resourceTypes() {
        Directory directory = directory(PeFormat.DIRECTORY_RESOURCE);
        List<Integer> types = new ArrayList<>();
        if (!directory.isPresent()) {
            return types;
        }
        check(directory.rva(), PeFormat.RESOURCE_DIRECTORY_SIZE, "resource directory");
        int named = u16(directory.rva() + PeFormat.RESOURCE_NAMED, "resource directory");
        int numbered = u16(directory.rva() + PeFormat.RESOURCE_IDS, "resource directory");
        long first = directory.rva() + PeFormat.RESOURCE_DIRECTORY_SIZE + (long) named * PeFormat.RESOURCE_ENTRY_SIZE;
        for (int i = 0; i < numbered; i++) {
            types.add((int) u32(first + (long) i * PeFormat.RESOURCE_ENTRY_SIZE, "resource directory entry"));
        }
        return types;
    }

    private int file16(long field) {
        return headers.bytes.unsignedShort(headers.ntHeaders + ImageNtHeaders64Layout.FILE_HEADER + field);
    }

    private int optional16(long field) {
        return headers.bytes.unsignedShort(headers.optionalHeader + field);
    }
}
