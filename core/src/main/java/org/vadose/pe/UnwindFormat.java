package org.vadose.pe;

/**
 * The unwind data of x64 images, as the page "x64 exception handling" of Microsoft's C++ documentation describes it. These
 * structures are not in the symbol tables.
 *
 * <pre>
 * UNWIND_INFO   +0 version:3 flags:5   +1 size of prolog   +2 count of codes   +3 frame register:4, frame offset / 16:4
 *               +4 codes, two bytes each: offset in prolog, operation:4, information:4; padded to an even count
 *               then RVA of the handler and its data, or a chained RUNTIME_FUNCTION
 * </pre>
 */
public final class UnwindFormat {
    public static final int FLAG_EXCEPTION_HANDLER = 1;
    public static final int FLAG_TERMINATION_HANDLER = 2;
    public static final int FLAG_CHAINED = 4;

    static final int PUSH_NONVOLATILE = 0;
    static final int ALLOCATE_LARGE = 1;
    static final int ALLOCATE_SMALL = 2;
    static final int SET_FRAME_POINTER = 3;
    static final int SAVE_NONVOLATILE = 4;
    static final int SAVE_NONVOLATILE_FAR = 5;
    static final int EPILOG = 6;
    static final int SPARE = 7;
    static final int SAVE_XMM128 = 8;
    static final int SAVE_XMM128_FAR = 9;
    static final int PUSH_MACHINE_FRAME = 10;

    private UnwindFormat() {}

    /** Two-byte slots an operation takes, itself included. */
    static int slots(int operation, int information) {
        return switch (operation) {
            case ALLOCATE_LARGE -> information == 0 ? 2 : 3;
            case SAVE_NONVOLATILE, SAVE_XMM128, EPILOG -> 2;
            case SAVE_NONVOLATILE_FAR, SAVE_XMM128_FAR, SPARE -> 3;
            default -> 1;
        };
    }
}
