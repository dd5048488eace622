package org.vadose.win32.crt;

import org.vadose.win32.ApiCall;

/**
 * {@code _controlfp} and its kin over MXCSR, which is what 64-bit code computes with. Words as {@code float.h} has them:
 *
 * <pre>
 *            inexact underflow overflow zero-divide invalid denormal | rounding: down up
 * float.h        1         2        4           8    0x10  0x80000  |       0x100 0x200
 * MXCSR mask 0x1000     0x800    0x400       0x200   0x80    0x100  |      0x2000 0x4000
 * MXCSR flag   0x20      0x10        8           4       1        2
 * </pre>
 */
final class FloatControl {
    /** {@code _controlfp} leaves the denormal mask alone. */
    static final int WITHOUT_DENORMAL = ~0x80000;

    private static final int[] WORD = {0x1, 0x2, 0x4, 0x8, 0x10, 0x80000, 0x100, 0x200};
    private static final int[] MASK = {0x1000, 0x800, 0x400, 0x200, 0x80, 0x100, 0x2000, 0x4000};
    private static final int[] FLAG = {0x20, 0x10, 0x8, 0x4, 0x1, 0x2, 0, 0};
    private static final int ALL_FLAGS = 0x3F;
    private static final int DEFAULT = 0x1F80;

    private FloatControl() {}

    private static int word(int mxcsr, int[] bits) {
        int word = 0;
        for (int i = 0; i < WORD.length; i++) {
            word |= (mxcsr & bits[i]) != 0 ? WORD[i] : 0;
        }
        return word;
    }

    /** New bits, which of them count; the word as it is then. */
    static long change(ApiCall call, int allowed) {
        int wanted = call.intArg(0);
        int changed = call.intArg(1) & allowed;
        int mxcsr = call.thread().cpu().mxcsr();
        for (int i = 0; i < WORD.length; i++) {
            if ((changed & WORD[i]) != 0) {
                mxcsr = (wanted & WORD[i]) != 0 ? mxcsr | MASK[i] : mxcsr & ~MASK[i];
            }
        }
        if (changed != 0) {
            call.thread().cpu().setMxcsr(mxcsr);
        }
        return word(mxcsr, MASK);
    }

    static long status(ApiCall call) {
        return word(call.thread().cpu().mxcsr(), FLAG);
    }

    static long clear(ApiCall call) {
        int mxcsr = call.thread().cpu().mxcsr();
        call.thread().cpu().setMxcsr(mxcsr & ~ALL_FLAGS);
        return word(mxcsr, FLAG);
    }

    static long reset(ApiCall call) {
        call.thread().cpu().setMxcsr(DEFAULT);
        return 0;
    }
}
