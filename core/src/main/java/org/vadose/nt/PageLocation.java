package org.vadose.nt;

import org.vadose.layout.MmlistsValues;

/** The one state a page frame is in ({@code _MMLISTS}, kept in {@code _MMPFN.u3.e1.PageLocation}). */
public enum PageLocation {
    ZEROED(MmlistsValues.ZEROED_PAGE_LIST),
    FREE(MmlistsValues.FREE_PAGE_LIST),
    STANDBY(MmlistsValues.STANDBY_PAGE_LIST),
    MODIFIED(MmlistsValues.MODIFIED_PAGE_LIST),
    MODIFIED_NO_WRITE(MmlistsValues.MODIFIED_NO_WRITE_PAGE_LIST),
    BAD(MmlistsValues.BAD_PAGE_LIST),
    ACTIVE(MmlistsValues.ACTIVE_AND_VALID),
    TRANSITION(MmlistsValues.TRANSITION_PAGE);

    private static final PageLocation[] ALL = values();

    private final int value;

    PageLocation(int value) {
        this.value = value;
    }

    public int value() {
        return value;
    }

    /** @param value three bits */
    public static PageLocation of(int value) {
        return ALL[value & 7];
    }

    /** Whether a frame in this state hangs on a list through {@code u1.Flink} and {@code u2.Blink}. */
    public boolean isListed() {
        return this != ACTIVE && this != TRANSITION;
    }
}
