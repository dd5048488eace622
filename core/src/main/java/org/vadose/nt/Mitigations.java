package org.vadose.nt;

import org.vadose.layout.EprocessLayout;

/**
 * A process's mitigation policies ({@code _EPROCESS.MitigationFlags}), as the structures of {@code GetProcessMitigationPolicy}
 * spell them.
 */
public record Mitigations(Eprocess process) {
    /** Bottom-up, forced relocation, high entropy, no stripped images. */
    public static final int ASLR_FLAGS = 15;

    /** Strict mode in {@code PROCESS_MITIGATION_CONTROL_FLOW_GUARD_POLICY}, and in {@code MitigationFlags}. */
    public static final int GUARD_STRICT = 4;

    public static final int FORCE_RELOCATE = 2;
    public static final int NO_STRIPPED = 8;

    // Bits of MitigationFlags (_EPROCESS.MitigationFlagsValues of the build).
    /** Checked indirect calls, suppressed exports, strict mode. */
    public static final int GUARD_FLAGS = 7;

    private static final int GUARD_ENABLED = 1;
    private static final int DISALLOW_STRIPPED = 1 << 3;
    private static final int FORCE_RELOCATE_IMAGES = 1 << 4;
    private static final int HIGH_ENTROPY = 1 << 5;
    private static final int STACK_RANDOMIZATION_DISABLED = 1 << 6;
    private static final int DYNAMIC_CODE_SHIFT = 8;

    private int flags() {
        return process.memory().readInt(process.address() + EprocessLayout.MITIGATION_FLAGS);
    }

    private void set(int mask, int value) {
        process.memory().writeInt(process.address() + EprocessLayout.MITIGATION_FLAGS, flags() & ~mask | value & mask);
    }

    /**
     * Once, when the process is made.
     *
     * @param highEntropy whether its regions may lie anywhere in a terabyte
     * @param randomized whether they, its stacks and its heaps are placed at random at all
     * @param forced whether images move that did not ask for it
     */
    public void setLayout(boolean highEntropy, boolean randomized, boolean forced) {
        set(
                HIGH_ENTROPY | STACK_RANDOMIZATION_DISABLED | FORCE_RELOCATE_IMAGES,
                (highEntropy ? HIGH_ENTROPY : 0)
                        | (randomized ? 0 : STACK_RANDOMIZATION_DISABLED)
                        | (forced ? FORCE_RELOCATE_IMAGES : 0));
    }

    /** Whether regions of the process begin at one of 2^24 places. */
    public boolean isHighEntropy() {
        return (flags() & HIGH_ENTROPY) != 0;
    }

    /** Whether regions, stacks and heaps begin where the first of them fits: the program was not linked to be moved. */
    public boolean isStackRandomizationDisabled() {
        return (flags() & STACK_RANDOMIZATION_DISABLED) != 0;
    }

    /** Whether images are moved that were not linked to be. */
    public boolean forcesRelocation() {
        return (flags() & FORCE_RELOCATE_IMAGES) != 0;
    }

    /** Whether an image that was not linked to be moved and has lost its relocations may not be loaded. */
    public boolean refusesStripped() {
        return (flags() & DISALLOW_STRIPPED) != 0;
    }

    /** Whether no memory may become executable that does not come from an image. */
    public boolean prohibitsDynamicCode() {
        return (flags() >>> DYNAMIC_CODE_SHIFT & 1) != 0;
    }

    /** {@code PROCESS_MITIGATION_ASLR_POLICY}. */
    public int aslr() {
        int flags = flags();
        return ((flags & STACK_RANDOMIZATION_DISABLED) == 0 ? 1 : 0)
                | ((flags & FORCE_RELOCATE_IMAGES) != 0 ? FORCE_RELOCATE : 0)
                | ((flags & HIGH_ENTROPY) != 0 ? 4 : 0)
                | ((flags & DISALLOW_STRIPPED) != 0 ? NO_STRIPPED : 0);
    }

    /** Forced relocation and stripped images; the rest is settled when the process is made. */
    public void setAslr(int policy) {
        set(
                FORCE_RELOCATE_IMAGES | DISALLOW_STRIPPED,
                ((policy & FORCE_RELOCATE) != 0 ? FORCE_RELOCATE_IMAGES : 0)
                        | ((policy & NO_STRIPPED) != 0 ? DISALLOW_STRIPPED : 0));
    }

    /** Whether indirect calls are checked. */
    public boolean hasControlFlowGuard() {
        return (flags() & GUARD_ENABLED) != 0;
    }

    /** Once, when the process is made. */
    public void enableControlFlowGuard() {
        set(GUARD_ENABLED, GUARD_ENABLED);
    }

    /** Whether only images that are built for control flow guard may be loaded. */
    public boolean isGuardStrict() {
        return (flags() & GUARD_STRICT) != 0;
    }

    /** For good. */
    public void setGuardStrict() {
        set(GUARD_STRICT, GUARD_STRICT);
    }

    /** {@code PROCESS_MITIGATION_CONTROL_FLOW_GUARD_POLICY}. */
    public int controlFlowGuard() {
        return flags() & GUARD_FLAGS;
    }
}
