package org.vadose.mm;

import org.vadose.nt.PageProtection;

/** Which protections go together: the section's with a view's, a view's with what its pages may become. */
final class SectionRules {
    private static final int READ = 1;
    private static final int WRITE = 2;
    private static final int EXECUTE = 4;
    private static final int COPY = 8;
    private static final int ACCESS_MASK = 7;

    private SectionRules() {}

    /**
     * Whether a section of one protection may be mapped with another (SDK, {@code CreateFileMapping} and {@code MapViewOfFile}).
     * Copies can be made of whatever can be read.
     */
    static boolean allowsView(int section, int view) {
        int given = viewRights(section);
        return (viewRights(view) & ~given) == 0;
    }

    private static int viewRights(int protection) {
        return switch (protection & ACCESS_MASK) {
            case PageProtection.READONLY, PageProtection.WRITECOPY -> READ;
            case PageProtection.EXECUTE -> EXECUTE;
            case PageProtection.EXECUTE_READ, PageProtection.EXECUTE_WRITECOPY -> READ | EXECUTE;
            case PageProtection.READWRITE -> READ | WRITE;
            case PageProtection.EXECUTE_READWRITE -> READ | WRITE | EXECUTE;
            default -> 0;
        };
    }

    /**
     * Whether {@code VirtualProtect} may give a page of a view a protection. Write-copy needs no more than reading does, and a
     * page of a view without access gets none.
     */
    static boolean mayBecome(int view, int wanted) {
        int given = pageRights(view);
        int rights = pageRights(wanted);
        return given == rights || given != 0 && (rights & ~given) == 0;
    }

    private static int pageRights(int protection) {
        return switch (protection & ACCESS_MASK) {
            case PageProtection.READONLY, PageProtection.WRITECOPY -> READ;
            case PageProtection.EXECUTE, PageProtection.EXECUTE_READ -> READ | EXECUTE;
            case PageProtection.READWRITE -> READ | WRITE;
            case PageProtection.EXECUTE_READWRITE -> READ | WRITE | COPY | EXECUTE;
            case PageProtection.EXECUTE_WRITECOPY -> READ | COPY | EXECUTE;
            default -> 0;
        };
    }
}
