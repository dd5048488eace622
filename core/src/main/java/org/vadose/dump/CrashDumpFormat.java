package org.vadose.dump;

/**
 * Offsets in the header of a 64-bit crash dump, {@code DUMP_HEADER64}, which the kernel's symbols do not have. They are those that
 * the public readers of the format use (Volatility 3 {@code layers/crash.py}, Rekall, the Windows SDK's {@code wdbgexts.h}).
 *
 * <pre>
 * 0000 "PAGEDU64"       0020 PsLoadedModuleList    0088 runs: count u32, pages u64, {first, pages}...
 * 0008 major, minor     0028 PsActiveProcessHead   0348 _CONTEXT        0FB0 comment
 * 0010 CR3              0030 machine, processors   0F00 exception       1030 uptime
 * 0018 PFN database     0038 bug check and 4 parms 0F98 type            1040 product type, suite
 * 0060 version text     0080 KdDebuggerDataBlock   0FA0 file size, time 2000 pages, or the bitmap header
 * </pre>
 */
final class CrashDumpFormat {
    static final String SIGNATURE = "PAGEDU64";
    static final int SIZE = 0x2000;

    static final int MAJOR_VERSION = 0x8;
    static final int MINOR_VERSION = 0xC;
    static final int DIRECTORY_TABLE_BASE = 0x10;
    static final int PFN_DATABASE = 0x18;
    static final int PS_LOADED_MODULE_LIST = 0x20;
    static final int PS_ACTIVE_PROCESS_HEAD = 0x28;
    static final int MACHINE_IMAGE_TYPE = 0x30;
    static final int NUMBER_PROCESSORS = 0x34;
    static final int BUG_CHECK_CODE = 0x38;
    static final int BUG_CHECK_PARAMETERS = 0x40;
    static final int VERSION_USER = 0x60;
    static final int KD_DEBUGGER_DATA_BLOCK = 0x80;
    static final int NUMBER_OF_RUNS = 0x88;
    static final int NUMBER_OF_PAGES = 0x90;
    static final int RUNS = 0x98;
    static final int MAXIMUM_RUNS = (0x348 - RUNS) / 16;
    static final int CONTEXT_RECORD = 0x348;
    static final int EXCEPTION = 0xF00;
    static final int EXCEPTION_SIZE = 0x98;
    static final int DUMP_TYPE = 0xF98;
    static final int REQUIRED_DUMP_SPACE = 0xFA0;
    static final int SYSTEM_TIME = 0xFA8;
    static final int COMMENT = 0xFB0;
    static final int COMMENT_SIZE = 128;
    static final int SYSTEM_UP_TIME = 0x1030;
    static final int MINI_DUMP_FIELDS = 0x1038;
    static final int PRODUCT_TYPE = 0x1040;
    static final int SUITE_MASK = 0x1044;
    static final int WRITER_STATUS = 0x1048;

    static final int TYPE_FULL = 1;
    static final int TYPE_BITMAP_FULL = 5;
    static final int TYPE_BITMAP_KERNEL = 6;
    static final int TYPE_AUTOMATIC = 7;

    /** Where a bitmap dump's second header starts. */
    static final int BITMAP_HEADER = 0x2000;

    static final int BITMAP_FIRST_PAGE = BITMAP_HEADER + 0x20;
    static final int BITMAP_PRESENT_PAGES = BITMAP_HEADER + 0x28;
    static final int BITMAP_BITS = BITMAP_HEADER + 0x30;
    static final int BITMAP = BITMAP_HEADER + 0x38;

    static final int MACHINE_AMD64 = 0x8664;

    private CrashDumpFormat() {}
}
