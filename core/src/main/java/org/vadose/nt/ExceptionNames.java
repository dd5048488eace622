package org.vadose.nt;

import java.util.Locale;
import org.vadose.base.NtStatus;

/** What a debugger calls an exception: the names of WinDbg's event filters where it has one, else the status in words. */
public final class ExceptionNames {
    private static final int SINGLE_STEP = 0x8000_0004;
    private static final int CPP_EXCEPTION = 0xE06D_7363;
    private static final int CLR_EXCEPTION = 0xE043_4352;

    private ExceptionNames() {}

    /** {@code Access violation} for {@code 0xC0000005}. */
    public static String of(int code) {
        return switch (code) {
            case 0x8000_0001 -> "Guard page violation";
            case 0x8000_0002 -> "Data misaligned";
            case 0x8000_0003 -> "Break instruction exception";
            case SINGLE_STEP -> "Single step exception";
            case 0xC000_0006 -> "In-page I/O error";
            case 0xC000_0008 -> "Invalid handle";
            case 0xC000_001C -> "Invalid system call";
            case 0xC000_001E -> "Invalid lock sequence";
            case 0xC000_008E -> "Floating-point divide-by-zero";
            case 0xC000_0094 -> "Integer divide-by-zero";
            case 0xC000_0409 -> "Security check failure or stack buffer overrun";
            case CPP_EXCEPTION -> "C++ EH exception";
            case CLR_EXCEPTION -> "CLR exception";
            default -> {
                String known = NtStatus.of(code).toString();
                yield known.startsWith("STATUS_") ? words(known.substring("STATUS_".length())) : "Unknown exception";
            }
        };
    }

    private static String words(String constant) {
        String lower = constant.toLowerCase(Locale.ROOT).replace('_', ' ');
        return Character.toUpperCase(lower.charAt(0)) + lower.substring(1);
    }
}
