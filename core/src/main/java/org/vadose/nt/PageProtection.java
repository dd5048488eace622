package org.vadose.nt;

/**
 * Page protections, as the API names them ({@code PAGE_*}) and as PTEs and VADs hold them: five bits, three for the access and
 * two for guard, no-cache or write-combine.
 *
 * <pre>
 *   4 3   2 1 0
 *   0 0   access      1 r, 2 x, 3 rx, 4 rw, 5 wc, 6 rwx, 7 xwc; 0 no page
 *   0 1   access      no-cache
 *   1 0   access      guard; with access 0: decommitted
 *   1 1   access      write-combine; with access 0: no access
 * </pre>
 *
 * The numbers are those of {@code nt!MmProtectToValue}, which turns the second into the first.
 */
public final class PageProtection {
    public static final int PAGE_NOACCESS = 0x01;
    public static final int PAGE_READONLY = 0x02;
    public static final int PAGE_READWRITE = 0x04;
    public static final int PAGE_WRITECOPY = 0x08;
    public static final int PAGE_EXECUTE = 0x10;
    public static final int PAGE_EXECUTE_READ = 0x20;
    public static final int PAGE_EXECUTE_READWRITE = 0x40;
    public static final int PAGE_EXECUTE_WRITECOPY = 0x80;
    /** All values with which memory is executed. */
    public static final int PAGE_ANY_EXECUTE = 0xF0;

    public static final int PAGE_GUARD = 0x100;
    public static final int PAGE_NOCACHE = 0x200;
    public static final int PAGE_WRITECOMBINE = 0x400;

    /** With an executable protection only; the same bit is {@code PAGE_TARGETS_NO_UPDATE}. */
    public static final int PAGE_TARGETS_INVALID = 0x4000_0000;

    public static final int READONLY = 1;
    public static final int EXECUTE = 2;
    public static final int EXECUTE_READ = 3;
    public static final int READWRITE = 4;
    public static final int WRITECOPY = 5;
    public static final int EXECUTE_READWRITE = 6;
    public static final int EXECUTE_WRITECOPY = 7;
    public static final int NOCACHE = 0x08;
    public static final int GUARD = 0x10;
    public static final int WRITECOMBINE = 0x18;
    /** What the PTE of a decommitted page holds in a region that is committed as a whole. */
    public static final int DECOMMITTED = 0x10;

    public static final int NOACCESS = 0x18;
    /** Not a protection: what {@link #toMask} answers for a value Windows refuses. */
    public static final int INVALID = -1;

    private static final int ACCESS_MASK = 7;
    private static final int[] TO_PAGE = {
        PAGE_NOACCESS,
        PAGE_READONLY,
        PAGE_EXECUTE,
        PAGE_EXECUTE_READ,
        PAGE_READWRITE,
        PAGE_WRITECOPY,
        PAGE_EXECUTE_READWRITE,
        PAGE_EXECUTE_WRITECOPY
    };

    private PageProtection() {}

    /**
     * The five bits for a {@code PAGE_*} value.
     *
     * @return {@link #INVALID} unless exactly one access is named, with at most one of guard, no-cache and write-combine, and
     *     none of these with no access
     */
    public static int toMask(int pageProtection) {
        int access = switch (pageProtection & 0xFF) {
            case PAGE_NOACCESS -> NOACCESS;
            case PAGE_READONLY -> READONLY;
            case PAGE_READWRITE -> READWRITE;
            case PAGE_WRITECOPY -> WRITECOPY;
            case PAGE_EXECUTE -> EXECUTE;
            case PAGE_EXECUTE_READ -> EXECUTE_READ;
            case PAGE_EXECUTE_READWRITE -> EXECUTE_READWRITE;
            case PAGE_EXECUTE_WRITECOPY -> EXECUTE_WRITECOPY;
            default -> INVALID;
        };
        int modifier = pageProtection & ~0xFF;
        if (access != INVALID && isExecutable(access) && access != NOACCESS) {
            // Which targets indirect calls may have is for processes with control-flow guard.
            modifier &= ~PAGE_TARGETS_INVALID;
        }
        if (access == INVALID || modifier == 0) {
            return access;
        }
        if (access == NOACCESS) {
            return INVALID;
        }
        return switch (modifier) {
            case PAGE_GUARD -> access | GUARD;
            case PAGE_NOCACHE -> access | NOCACHE;
            case PAGE_WRITECOMBINE -> access | WRITECOMBINE;
            default -> INVALID;
        };
    }

    /** The {@code PAGE_*} value of five bits. */
    public static int toPage(int mask) {
        int access = mask & ACCESS_MASK;
        int page = TO_PAGE[access];
        if (access == 0) {
            return page;
        }
        return switch (mask & WRITECOMBINE) {
            case NOCACHE -> page | PAGE_NOCACHE;
            case GUARD -> page | PAGE_GUARD;
            case WRITECOMBINE -> page | PAGE_WRITECOMBINE;
            default -> page;
        };
    }

    public static boolean isGuard(int mask) {
        return (mask & WRITECOMBINE) == GUARD && (mask & ACCESS_MASK) != 0;
    }

    /** Whether the page may be reached at all: not no-access, not decommitted. */
    public static boolean isAccessible(int mask) {
        return (mask & ACCESS_MASK) != 0;
    }

    public static boolean isExecutable(int mask) {
        return (mask & EXECUTE) != 0;
    }

    public static boolean isCopyOnWrite(int mask) {
        return (mask & WRITECOPY) == WRITECOPY;
    }

    /** Read-write, or write-copy, which a write turns into read-write. */
    public static boolean isWritable(int mask) {
        return (mask & READWRITE) != 0;
    }

    /** What a private copy of a page has: write-copy becomes read-write. */
    public static int privateCopy(int mask) {
        return isCopyOnWrite(mask) ? mask & ~1 : mask;
    }

    /** {@code EXECUTE_WRITECOPY}, as {@code !vad} prints it. */
    public static String name(int mask) {
        return switch (mask & ACCESS_MASK) {
            case READONLY -> "READONLY";
            case EXECUTE -> "EXECUTE";
            case EXECUTE_READ -> "EXECUTE_READ";
            case READWRITE -> "READWRITE";
            case WRITECOPY -> "WRITECOPY";
            case EXECUTE_READWRITE -> "EXECUTE_READWRITE";
            case EXECUTE_WRITECOPY -> "EXECUTE_WRITECOPY";
            default -> "NO_ACCESS";
        };
    }
}
