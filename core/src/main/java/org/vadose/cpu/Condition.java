package org.vadose.cpu;

import java.util.Locale;

/** The sixteen conditions of jcc, setcc and cmovcc in encoding order, and {@link #ALWAYS} for every other instruction. */
public enum Condition {
    O,
    NO,
    B,
    AE,
    E,
    NE,
    BE,
    A,
    S,
    NS,
    P,
    NP,
    L,
    GE,
    LE,
    G,
    ALWAYS;

    private static final Condition[] ALL = values();

    /** The condition in the low four bits of an opcode. */
    static Condition ofOpcode(int opcode) {
        return ALL[opcode & 15];
    }

    /** The suffix of the mnemonic: {@code ne}; empty for {@link #ALWAYS}. */
    public String suffix() {
        return this == ALWAYS ? "" : name().toLowerCase(Locale.ROOT);
    }
}
