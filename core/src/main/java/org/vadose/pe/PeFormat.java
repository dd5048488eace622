package org.vadose.pe;

/**
 * Numbers of the image format that the kernel's symbol table does not carry: magic values, directory indexes, characteristics,
 * and the offsets of the directory structures (Microsoft, "PE Format").
 */
public final class PeFormat {
    public static final int DOS_MAGIC = 0x5A4D;
    public static final int NT_SIGNATURE = 0x4550;
    public static final int MACHINE_AMD64 = 0x8664;
    public static final int OPTIONAL_MAGIC_PE32_PLUS = 0x20B;
    public static final int OPTIONAL_MAGIC_PE32 = 0x10B;

    public static final int SUBSYSTEM_NATIVE = 1;
    public static final int SUBSYSTEM_WINDOWS_GUI = 2;
    public static final int SUBSYSTEM_WINDOWS_CUI = 3;

    /** {@code _IMAGE_FILE_HEADER.Characteristics}. */
    public static final int FILE_RELOCS_STRIPPED = 0x0001;

    public static final int FILE_EXECUTABLE_IMAGE = 0x0002;
    public static final int FILE_LARGE_ADDRESS_AWARE = 0x0020;
    public static final int FILE_DLL = 0x2000;

    /** {@code _IMAGE_OPTIONAL_HEADER64.DllCharacteristics}. */
    public static final int DLL_HIGH_ENTROPY_VA = 0x0020;

    public static final int DLL_DYNAMIC_BASE = 0x0040;
    public static final int DLL_FORCE_INTEGRITY = 0x0080;
    public static final int DLL_NX_COMPAT = 0x0100;
    public static final int DLL_NO_SEH = 0x0400;
    public static final int DLL_GUARD_CF = 0x4000;
    public static final int DLL_TERMINAL_SERVER_AWARE = 0x8000;

    /** {@code _IMAGE_SECTION_HEADER.Characteristics}. */
    public static final int SCN_CNT_CODE = 0x0000_0020;

    public static final int SCN_CNT_INITIALIZED_DATA = 0x0000_0040;
    public static final int SCN_CNT_UNINITIALIZED_DATA = 0x0000_0080;
    public static final int SCN_MEM_DISCARDABLE = 0x0200_0000;
    public static final int SCN_MEM_NOT_CACHED = 0x0400_0000;
    public static final int SCN_MEM_NOT_PAGED = 0x0800_0000;
    public static final int SCN_MEM_SHARED = 0x1000_0000;
    public static final int SCN_MEM_EXECUTE = 0x2000_0000;
    public static final int SCN_MEM_READ = 0x4000_0000;
    public static final int SCN_MEM_WRITE = 0x8000_0000;

    /** Indexes into {@code _IMAGE_OPTIONAL_HEADER64.DataDirectory}. */
    public static final int DIRECTORY_EXPORT = 0;

    public static final int DIRECTORY_IMPORT = 1;
    public static final int DIRECTORY_RESOURCE = 2;
    public static final int DIRECTORY_EXCEPTION = 3;
    public static final int DIRECTORY_SECURITY = 4;
    public static final int DIRECTORY_BASERELOC = 5;
    public static final int DIRECTORY_DEBUG = 6;
    public static final int DIRECTORY_TLS = 9;
    public static final int DIRECTORY_LOAD_CONFIG = 10;
    public static final int DIRECTORY_BOUND_IMPORT = 11;
    public static final int DIRECTORY_IAT = 12;
    public static final int DIRECTORY_DELAY_IMPORT = 13;
    public static final int DIRECTORY_COUNT = 16;

    public static final int REL_ABSOLUTE = 0;
    public static final int REL_HIGH = 1;
    public static final int REL_LOW = 2;
    public static final int REL_HIGHLOW = 3;
    public static final int REL_HIGHADJ = 4;
    public static final int REL_DIR64 = 10;

    public static final int DEBUG_TYPE_CODEVIEW = 2;
    /** {@code RSDS}. */
    public static final int RSDS_SIGNATURE = 0x53445352;

    /** {@code Size} of a data directory entry, behind its {@code VirtualAddress}. */
    static final int DIRECTORY_SIZE_FIELD = 4;

    static final int SECTOR = 512;

    static final int EXPORT_SIZE = 40;
    static final int EXPORT_NAME = 12;
    static final int EXPORT_BASE = 16;
    static final int EXPORT_FUNCTION_COUNT = 20;
    static final int EXPORT_NAME_COUNT = 24;
    static final int EXPORT_FUNCTIONS = 28;
    static final int EXPORT_NAMES = 32;
    static final int EXPORT_ORDINALS = 36;

    static final int IMPORT_SIZE = 20;
    static final int IMPORT_LOOKUP = 0;
    static final int IMPORT_NAME = 12;
    static final int IMPORT_THUNKS = 16;

    static final int DELAY_SIZE = 32;
    static final int DELAY_ATTRIBUTES = 0;
    static final int DELAY_NAME = 4;
    static final int DELAY_MODULE_HANDLE = 8;
    static final int DELAY_THUNKS = 12;
    static final int DELAY_LOOKUP = 16;

    static final int TLS_SIZE = 40;
    static final int TLS_START = 0;
    static final int TLS_END = 8;
    static final int TLS_INDEX = 16;
    static final int TLS_CALLBACKS = 24;
    static final int TLS_ZERO_FILL = 32;

    static final int RESOURCE_DIRECTORY_SIZE = 16;
    static final int RESOURCE_NAMED = 12;
    static final int RESOURCE_IDS = 14;
    static final int RESOURCE_ENTRY_SIZE = 8;

    static final int LOAD_CONFIG_SECURITY_COOKIE = 0x58;
    static final int LOAD_CONFIG_GUARD_CHECK = 0x70;
    static final int LOAD_CONFIG_GUARD_DISPATCH = 0x78;
    static final int LOAD_CONFIG_GUARD_TABLE = 0x80;
    static final int LOAD_CONFIG_GUARD_COUNT = 0x88;
    static final int LOAD_CONFIG_GUARD_FLAGS = 0x90;

    /** {@code IMAGE_GUARD_*} in {@code GuardFlags}: the code checks its indirect calls; it says what may be called. */
    public static final int GUARD_CF_INSTRUMENTED = 0x100;

    public static final int GUARD_CF_FUNCTION_TABLE_PRESENT = 0x400;
    /** How many bytes of flags follow each address in the table. */
    static final int GUARD_STRIDE_SHIFT = 28;
    /** {@code IMAGE_GUARD_FLAG_FID_SUPPRESSED} and {@code IMAGE_GUARD_FLAG_EXPORT_SUPPRESSED}. */
    static final int GUARD_SUPPRESSED = 3;

    private PeFormat() {}
}
