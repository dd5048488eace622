package org.vadose.base;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What a Windows kernel service answers. Values and the Win32 errors they become ({@code RtlNtStatusToDosError}) are those of the
 * public documentation ([MS-ERREF] 2.3 and the Windows SDK's {@code ntstatus.h}).
 */
public final class NtStatus {
    /** ERROR_MR_MID_NOT_FOUND: what a status without a Win32 counterpart becomes. */
    public static final int ERROR_MR_MID_NOT_FOUND = 317;

    private static final Map<Integer, NtStatus> KNOWN = new ConcurrentHashMap<>();

    public static final NtStatus SUCCESS = define("SUCCESS", 0x00000000, 0);
    public static final NtStatus WAIT_1 = define("WAIT_1", 0x00000001, 317);
    public static final NtStatus ABANDONED = define("ABANDONED", 0x00000080, 317);
    public static final NtStatus USER_APC = define("USER_APC", 0x000000C0, 317);
    public static final NtStatus ALERTED = define("ALERTED", 0x00000101, 739);
    public static final NtStatus TIMEOUT = define("TIMEOUT", 0x00000102, 258);
    public static final NtStatus PENDING = define("PENDING", 0x00000103, 997);
    public static final NtStatus NOT_ALL_ASSIGNED = define("NOT_ALL_ASSIGNED", 0x00000106, 1300);
    public static final NtStatus OBJECT_NAME_EXISTS = define("OBJECT_NAME_EXISTS", 0x40000000, 183);
    public static final NtStatus IMAGE_NOT_AT_BASE = define("IMAGE_NOT_AT_BASE", 0x40000003, 317);
    public static final NtStatus GUARD_PAGE_VIOLATION = define("GUARD_PAGE_VIOLATION", 0x80000001, 0x80000001);
    public static final NtStatus DATATYPE_MISALIGNMENT = define("DATATYPE_MISALIGNMENT", 0x80000002, 998);
    public static final NtStatus BREAKPOINT = define("BREAKPOINT", 0x80000003, 317);
    public static final NtStatus SINGLE_STEP = define("SINGLE_STEP", 0x80000004, 317);
    public static final NtStatus BUFFER_OVERFLOW = define("BUFFER_OVERFLOW", 0x80000005, 234);
    public static final NtStatus NO_MORE_FILES = define("NO_MORE_FILES", 0x80000006, 18);
    public static final NtStatus LONGJUMP = define("LONGJUMP", 0x80000026, 317);
    public static final NtStatus UNWIND_CONSOLIDATE = define("UNWIND_CONSOLIDATE", 0x80000029, 317);
    public static final NtStatus NO_MORE_ENTRIES = define("NO_MORE_ENTRIES", 0x8000001A, 259);
    public static final NtStatus UNSUCCESSFUL = define("UNSUCCESSFUL", 0xC0000001, 31);
    public static final NtStatus NOT_IMPLEMENTED = define("NOT_IMPLEMENTED", 0xC0000002, 1);
    public static final NtStatus INVALID_INFO_CLASS = define("INVALID_INFO_CLASS", 0xC0000003, 87);
    public static final NtStatus INFO_LENGTH_MISMATCH = define("INFO_LENGTH_MISMATCH", 0xC0000004, 24);
    public static final NtStatus ACCESS_VIOLATION = define("ACCESS_VIOLATION", 0xC0000005, 998);
    public static final NtStatus IN_PAGE_ERROR = define("IN_PAGE_ERROR", 0xC0000006, 999);
    public static final NtStatus PAGEFILE_QUOTA = define("PAGEFILE_QUOTA", 0xC0000007, 1454);
    public static final NtStatus INVALID_HANDLE = define("INVALID_HANDLE", 0xC0000008, 6);
    public static final NtStatus BAD_INITIAL_STACK = define("BAD_INITIAL_STACK", 0xC0000009, 317);
    public static final NtStatus INVALID_CID = define("INVALID_CID", 0xC000000B, 87);
    public static final NtStatus INVALID_PARAMETER = define("INVALID_PARAMETER", 0xC000000D, 87);
    public static final NtStatus NO_SUCH_DEVICE = define("NO_SUCH_DEVICE", 0xC000000E, 2);
    public static final NtStatus NO_SUCH_FILE = define("NO_SUCH_FILE", 0xC000000F, 2);
    public static final NtStatus INVALID_DEVICE_REQUEST = define("INVALID_DEVICE_REQUEST", 0xC0000010, 1);
    public static final NtStatus END_OF_FILE = define("END_OF_FILE", 0xC0000011, 38);
    public static final NtStatus NO_MEMORY = define("NO_MEMORY", 0xC0000017, 8);
    public static final NtStatus CONFLICTING_ADDRESSES = define("CONFLICTING_ADDRESSES", 0xC0000018, 487);
    public static final NtStatus NOT_MAPPED_VIEW = define("NOT_MAPPED_VIEW", 0xC0000019, 487);
    public static final NtStatus UNABLE_TO_FREE_VM = define("UNABLE_TO_FREE_VM", 0xC000001A, 87);
    public static final NtStatus UNABLE_TO_DELETE_SECTION = define("UNABLE_TO_DELETE_SECTION", 0xC000001B, 87);
    public static final NtStatus ILLEGAL_INSTRUCTION = define("ILLEGAL_INSTRUCTION", 0xC000001D, 317);
    public static final NtStatus INVALID_LOCK_SEQUENCE = define("INVALID_LOCK_SEQUENCE", 0xC000001E, 317);
    public static final NtStatus INVALID_VIEW_SIZE = define("INVALID_VIEW_SIZE", 0xC000001F, 5);
    public static final NtStatus INVALID_FILE_FOR_SECTION = define("INVALID_FILE_FOR_SECTION", 0xC0000020, 193);
    public static final NtStatus ALREADY_COMMITTED = define("ALREADY_COMMITTED", 0xC0000021, 5);
    public static final NtStatus PIPE_BROKEN = define("PIPE_BROKEN", 0xC000014B, 109);
    public static final NtStatus NOT_SAME_DEVICE = define("NOT_SAME_DEVICE", 0xC00000D4, 17);
    public static final NtStatus INVALID_SYSTEM_SERVICE = define("INVALID_SYSTEM_SERVICE", 0xC000001C, 1);
    public static final NtStatus ACCESS_DENIED = define("ACCESS_DENIED", 0xC0000022, 5);
    public static final NtStatus BUFFER_TOO_SMALL = define("BUFFER_TOO_SMALL", 0xC0000023, 122);
    public static final NtStatus OBJECT_TYPE_MISMATCH = define("OBJECT_TYPE_MISMATCH", 0xC0000024, 6);
    public static final NtStatus NONCONTINUABLE_EXCEPTION = define("NONCONTINUABLE_EXCEPTION", 0xC0000025, 317);
    public static final NtStatus INVALID_DISPOSITION = define("INVALID_DISPOSITION", 0xC0000026, 317);
    public static final NtStatus UNWIND = define("UNWIND", 0xC0000027, 317);
    public static final NtStatus BAD_STACK = define("BAD_STACK", 0xC0000028, 317);
    public static final NtStatus INVALID_UNWIND_TARGET = define("INVALID_UNWIND_TARGET", 0xC0000029, 317);
    public static final NtStatus NOT_LOCKED = define("NOT_LOCKED", 0xC000002A, 158);
    public static final NtStatus UNABLE_TO_DECOMMIT_VM = define("UNABLE_TO_DECOMMIT_VM", 0xC000002C, 487);
    public static final NtStatus NOT_COMMITTED = define("NOT_COMMITTED", 0xC000002D, 487);
    public static final NtStatus INVALID_PARAMETER_MIX = define("INVALID_PARAMETER_MIX", 0xC0000030, 87);
    public static final NtStatus OBJECT_NAME_INVALID = define("OBJECT_NAME_INVALID", 0xC0000033, 123);
    public static final NtStatus OBJECT_NAME_NOT_FOUND = define("OBJECT_NAME_NOT_FOUND", 0xC0000034, 2);
    public static final NtStatus OBJECT_NAME_COLLISION = define("OBJECT_NAME_COLLISION", 0xC0000035, 183);
    public static final NtStatus OBJECT_PATH_INVALID = define("OBJECT_PATH_INVALID", 0xC0000039, 161);
    public static final NtStatus OBJECT_PATH_NOT_FOUND = define("OBJECT_PATH_NOT_FOUND", 0xC000003A, 3);
    public static final NtStatus OBJECT_PATH_SYNTAX_BAD = define("OBJECT_PATH_SYNTAX_BAD", 0xC000003B, 161);
    public static final NtStatus DATA_ERROR = define("DATA_ERROR", 0xC000003E, 23);
    public static final NtStatus SECTION_TOO_BIG = define("SECTION_TOO_BIG", 0xC0000040, 8);
    public static final NtStatus SHARING_VIOLATION = define("SHARING_VIOLATION", 0xC0000043, 32);
    public static final NtStatus INVALID_PAGE_PROTECTION = define("INVALID_PAGE_PROTECTION", 0xC0000045, 87);
    public static final NtStatus MUTANT_NOT_OWNED = define("MUTANT_NOT_OWNED", 0xC0000046, 288);
    public static final NtStatus SEMAPHORE_LIMIT_EXCEEDED = define("SEMAPHORE_LIMIT_EXCEEDED", 0xC0000047, 298);
    public static final NtStatus SECTION_PROTECTION = define("SECTION_PROTECTION", 0xC000004E, 87);
    public static final NtStatus DELETE_PENDING = define("DELETE_PENDING", 0xC0000056, 5);
    public static final NtStatus PRIVILEGE_NOT_HELD = define("PRIVILEGE_NOT_HELD", 0xC0000061, 1314);
    public static final NtStatus INFO_TRUNCATED = define("INFO_TRUNCATED", 0xC0000067, 317);
    public static final NtStatus PROCEDURE_NOT_FOUND = define("PROCEDURE_NOT_FOUND", 0xC000007A, 127);
    public static final NtStatus INVALID_IMAGE_FORMAT = define("INVALID_IMAGE_FORMAT", 0xC000007B, 193);
    public static final NtStatus NO_TOKEN = define("NO_TOKEN", 0xC000007C, 1008);
    public static final NtStatus FILE_LOCK_CONFLICT = define("FILE_LOCK_CONFLICT", 0xC0000054, 33);
    public static final NtStatus LOCK_NOT_GRANTED = define("LOCK_NOT_GRANTED", 0xC0000055, 33);
    public static final NtStatus INVALID_LOCK_RANGE = define("INVALID_LOCK_RANGE", 0xC00001A1, 307);
    public static final NtStatus RANGE_NOT_LOCKED = define("RANGE_NOT_LOCKED", 0xC000007E, 158);
    public static final NtStatus DISK_FULL = define("DISK_FULL", 0xC000007F, 112);
    public static final NtStatus ARRAY_BOUNDS_EXCEEDED = define("ARRAY_BOUNDS_EXCEEDED", 0xC000008C, 317);
    public static final NtStatus FLOAT_DENORMAL_OPERAND = define("FLOAT_DENORMAL_OPERAND", 0xC000008D, 317);
    public static final NtStatus FLOAT_DIVIDE_BY_ZERO = define("FLOAT_DIVIDE_BY_ZERO", 0xC000008E, 317);
    public static final NtStatus FLOAT_INEXACT_RESULT = define("FLOAT_INEXACT_RESULT", 0xC000008F, 317);
    public static final NtStatus FLOAT_INVALID_OPERATION = define("FLOAT_INVALID_OPERATION", 0xC0000090, 317);
    public static final NtStatus FLOAT_OVERFLOW = define("FLOAT_OVERFLOW", 0xC0000091, 317);
    public static final NtStatus FLOAT_STACK_CHECK = define("FLOAT_STACK_CHECK", 0xC0000092, 317);
    public static final NtStatus FLOAT_UNDERFLOW = define("FLOAT_UNDERFLOW", 0xC0000093, 317);
    public static final NtStatus INTEGER_DIVIDE_BY_ZERO = define("INTEGER_DIVIDE_BY_ZERO", 0xC0000094, 317);
    public static final NtStatus INTEGER_OVERFLOW = define("INTEGER_OVERFLOW", 0xC0000095, 317);
    public static final NtStatus PRIVILEGED_INSTRUCTION = define("PRIVILEGED_INSTRUCTION", 0xC0000096, 317);
    public static final NtStatus FLOAT_MULTIPLE_FAULTS = define("FLOAT_MULTIPLE_FAULTS", 0xC00002B4, 317);
    public static final NtStatus FLOAT_MULTIPLE_TRAPS = define("FLOAT_MULTIPLE_TRAPS", 0xC00002B5, 317);
    public static final NtStatus TOO_MANY_PAGING_FILES = define("TOO_MANY_PAGING_FILES", 0xC0000097, 8);
    public static final NtStatus BAD_WORKING_SET_LIMIT = define("BAD_WORKING_SET_LIMIT", 0xC000004C, 87);
    public static final NtStatus WAS_LOCKED = define("WAS_LOCKED", 0x40000019, 317);
    public static final NtStatus WORKING_SET_QUOTA = define("WORKING_SET_QUOTA", 0xC00000A1, 1453);
    public static final NtStatus INSUFFICIENT_RESOURCES = define("INSUFFICIENT_RESOURCES", 0xC000009A, 1450);
    public static final NtStatus MEMORY_NOT_ALLOCATED = define("MEMORY_NOT_ALLOCATED", 0xC00000A0, 487);
    public static final NtStatus FREE_VM_NOT_AT_BASE = define("FREE_VM_NOT_AT_BASE", 0xC000009F, 487);
    public static final NtStatus FILE_IS_A_DIRECTORY = define("FILE_IS_A_DIRECTORY", 0xC00000BA, 5);
    public static final NtStatus BAD_COMPRESSION_BUFFER = define("BAD_COMPRESSION_BUFFER", 0xC0000242, 605);
    public static final NtStatus UNSUPPORTED_COMPRESSION = define("UNSUPPORTED_COMPRESSION", 0xC000025F, 618);
    public static final NtStatus NOT_SUPPORTED = define("NOT_SUPPORTED", 0xC00000BB, 50);
    public static final NtStatus INVALID_USER_BUFFER = define("INVALID_USER_BUFFER", 0xC00000E8, 1784);
    public static final NtStatus INVALID_PARAMETER_1 = define("INVALID_PARAMETER_1", 0xC00000EF, 87);
    public static final NtStatus INVALID_PARAMETER_2 = define("INVALID_PARAMETER_2", 0xC00000F0, 87);
    public static final NtStatus INVALID_PARAMETER_3 = define("INVALID_PARAMETER_3", 0xC00000F1, 87);
    public static final NtStatus INVALID_PARAMETER_4 = define("INVALID_PARAMETER_4", 0xC00000F2, 87);
    public static final NtStatus INVALID_PARAMETER_5 = define("INVALID_PARAMETER_5", 0xC00000F3, 87);
    public static final NtStatus INVALID_PARAMETER_6 = define("INVALID_PARAMETER_6", 0xC00000F4, 87);
    public static final NtStatus INVALID_PARAMETER_7 = define("INVALID_PARAMETER_7", 0xC00000F5, 87);
    public static final NtStatus INVALID_PARAMETER_8 = define("INVALID_PARAMETER_8", 0xC00000F6, 87);
    public static final NtStatus STACK_OVERFLOW = define("STACK_OVERFLOW", 0xC00000FD, 1001);
    public static final NtStatus DIRECTORY_NOT_EMPTY = define("DIRECTORY_NOT_EMPTY", 0xC0000101, 145);
    public static final NtStatus NOT_A_DIRECTORY = define("NOT_A_DIRECTORY", 0xC0000103, 267);
    public static final NtStatus NAME_TOO_LONG = define("NAME_TOO_LONG", 0xC0000106, 206);
    public static final NtStatus PROCESS_IS_TERMINATING = define("PROCESS_IS_TERMINATING", 0xC000010A, 5);
    public static final NtStatus TOO_MANY_SECRETS = define("TOO_MANY_SECRETS", 0xC0000156, 317);
    public static final NtStatus COMMITMENT_LIMIT = define("COMMITMENT_LIMIT", 0xC000012D, 1455);
    public static final NtStatus INVALID_IMAGE_NOT_MZ = define("INVALID_IMAGE_NOT_MZ", 0xC000012F, 193);
    public static final NtStatus INVALID_IMAGE_PROTECT = define("INVALID_IMAGE_PROTECT", 0xC0000130, 193);
    public static final NtStatus INVALID_IMAGE_NE_FORMAT = define("INVALID_IMAGE_NE_FORMAT", 0xC000011B, 193);
    public static final NtStatus INVALID_IMAGE_LE_FORMAT = define("INVALID_IMAGE_LE_FORMAT", 0xC000012E, 193);
    public static final NtStatus INVALID_IMAGE_WIN_16 = define("INVALID_IMAGE_WIN_16", 0xC0000131, 193);
    public static final NtStatus INVALID_IMAGE_WIN_32 = define("INVALID_IMAGE_WIN_32", 0xC0000359, 216);
    public static final NtStatus DLL_NOT_FOUND = define("DLL_NOT_FOUND", 0xC0000135, 126);
    public static final NtStatus ORDINAL_NOT_FOUND = define("ORDINAL_NOT_FOUND", 0xC0000138, 182);
    public static final NtStatus ENTRYPOINT_NOT_FOUND = define("ENTRYPOINT_NOT_FOUND", 0xC0000139, 127);
    public static final NtStatus CONTROL_C_EXIT = define("CONTROL_C_EXIT", 0xC000013A, 572);
    public static final NtStatus DLL_INIT_FAILED = define("DLL_INIT_FAILED", 0xC0000142, 1114);
    public static final NtStatus UNHANDLED_EXCEPTION = define("UNHANDLED_EXCEPTION", 0xC0000144, 574);
    public static final NtStatus PARTIAL_COPY = define("PARTIAL_COPY", 0x8000000D, 299);
    public static final NtStatus PORT_NOT_SET = define("PORT_NOT_SET", 0xC0000353, 87);
    public static final NtStatus HEAP_CORRUPTION = define("HEAP_CORRUPTION", 0xC0000374, 317);
    public static final NtStatus STACK_BUFFER_OVERRUN = define("STACK_BUFFER_OVERRUN", 0xC0000409, 317);
    public static final NtStatus INVALID_CRUNTIME_PARAMETER = define("INVALID_CRUNTIME_PARAMETER", 0xC0000417, 317);
    public static final NtStatus ASSERTION_FAILURE = define("ASSERTION_FAILURE", 0xC0000420, 317);
    public static final NtStatus INVALID_ADDRESS = define("INVALID_ADDRESS", 0xC0000141, 59);
    public static final NtStatus HANDLE_NOT_CLOSABLE = define("HANDLE_NOT_CLOSABLE", 0xC0000235, 6);
    public static final NtStatus NOT_FOUND = define("NOT_FOUND", 0xC0000225, 1168);
    public static final NtStatus INVALID_IMAGE_HASH = define("INVALID_IMAGE_HASH", 0xC0000428, 577);
    public static final NtStatus ADDRESS_ALREADY_EXISTS = define("ADDRESS_ALREADY_EXISTS", 0xC000020A, 1227);
    public static final NtStatus DYNAMIC_CODE_BLOCKED = define("DYNAMIC_CODE_BLOCKED", 0xC0000604, 1655);
    public static final NtStatus STRICT_CFG_VIOLATION = define("STRICT_CFG_VIOLATION", 0xC0000606, 1657);
    public static final NtStatus PROCESS_NOT_IN_JOB = define("PROCESS_NOT_IN_JOB", 0x00000123, 317);
    public static final NtStatus THREAD_IS_TERMINATING = define("THREAD_IS_TERMINATING", 0xC000004B, 5);
    public static final NtStatus SUSPEND_COUNT_EXCEEDED = define("SUSPEND_COUNT_EXCEEDED", 0xC000004A, 156);
    public static final NtStatus CANNOT_DELETE = define("CANNOT_DELETE", 0xC0000121, 5);
    public static final NtStatus FILE_INVALID = define("FILE_INVALID", 0xC0000098, 1006);
    public static final NtStatus MAPPED_FILE_SIZE_ZERO = define("MAPPED_FILE_SIZE_ZERO", 0xC000011E, 1006);
    public static final NtStatus INVALID_PARAMETER_9 = define("INVALID_PARAMETER_9", 0xC00000F7, 87);
    public static final NtStatus INVALID_PARAMETER_10 = define("INVALID_PARAMETER_10", 0xC00000F8, 87);
    public static final NtStatus SECTION_NOT_IMAGE = define("SECTION_NOT_IMAGE", 0xC0000049, 87);
    public static final NtStatus SECTION_NOT_EXTENDED = define("SECTION_NOT_EXTENDED", 0xC0000087, 14);
    public static final NtStatus MAPPED_ALIGNMENT = define("MAPPED_ALIGNMENT", 0xC0000220, 1132);
    public static final NtStatus USER_MAPPED_FILE = define("USER_MAPPED_FILE", 0xC0000243, 1224);

    private final int code;
    private final String name;
    private final int win32Error;

    private NtStatus(int code, String name, int win32Error) {
        this.code = code;
        this.name = name;
        this.win32Error = win32Error;
    }

    private static NtStatus define(String name, int code, int win32Error) {
        NtStatus status = new NtStatus(code, name, win32Error);
        KNOWN.put(code, status);
        return status;
    }

    /** The status of this code; codes unknown here keep their number. */
    public static NtStatus of(int code) {
        NtStatus known = KNOWN.get(code);
        return known != null
                ? known
                : new NtStatus(code, "0x" + Hex.digits(code & 0xFFFF_FFFFL, 8), ERROR_MR_MID_NOT_FOUND);
    }

    public int code() {
        return code;
    }

    /** {@code NT_SUCCESS}: success and informational codes. */
    public boolean isSuccess() {
        return code >= 0;
    }

    /** What {@code GetLastError} reports after a Win32 function failed with this. */
    public int win32Error() {
        return win32Error;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof NtStatus status && status.code == code;
    }

    @Override
    public int hashCode() {
        return code;
    }

    /** {@code STATUS_ACCESS_VIOLATION}, or the number of a code without a name here. */
    @Override
    public String toString() {
        return name.startsWith("0x") ? name : "STATUS_" + name;
    }
}
