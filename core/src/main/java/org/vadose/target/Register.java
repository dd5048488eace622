package org.vadose.target;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The registers a debugger shows, in the order in which it shows them. */
public enum Register {
    RAX(64),
    RBX(64),
    RCX(64),
    RDX(64),
    RSI(64),
    RDI(64),
    RIP(64),
    RSP(64),
    RBP(64),
    R8(64),
    R9(64),
    R10(64),
    R11(64),
    R12(64),
    R13(64),
    R14(64),
    R15(64),
    CS(16),
    SS(16),
    DS(16),
    ES(16),
    FS(16),
    GS(16),
    EFL(32),
    CR2(64),
    CR3(64),
    GSBASE(64);

    private final int bits;

    Register(int bits) {
        this.bits = bits;
    }

    public int bits() {
        return bits;
    }

    /** {@code rax}. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The register of this name without regard to case; {@code eflags} is {@code efl}. */
    public static @Nullable Register find(String name) {
        String wanted = name.equalsIgnoreCase("eflags") ? "EFL" : name.toUpperCase(Locale.ROOT);
        for (Register register : values()) {
            if (register.name().equals(wanted)) {
                return register;
            }
        }
        return null;
    }
}
