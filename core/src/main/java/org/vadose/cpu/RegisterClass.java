package org.vadose.cpu;

/** Which register file a register number counts in. */
public enum RegisterClass {
    /** rax..r15 as numbers 0..15; the operand's size says how much of it (1 is al..r15b, never ah..bh). */
    GENERAL,
    /** ah, ch, dh, bh as numbers 0..3: bits 15:8 of the general register of the same number. */
    HIGH_BYTE,
    /** es, cs, ss, ds, fs, gs as 0..5. */
    SEGMENT,
    /** xmm0..xmm15. */
    XMM,
    /** mm0..mm7. */
    MMX,
    /** st(0)..st(7), relative to the top of the stack. */
    X87,
    CONTROL,
    DEBUG
}
