package org.vadose.nt;

/**
 * The {@code nx} boot option: for which 32-bit processes memory that is not marked executable cannot be executed. 64-bit
 * processes are always protected, whatever it says, except that with {@link #ALWAYS_OFF} the processor protects nobody.
 * Ordinals are the values of {@code DEP_SYSTEM_POLICY_TYPE} and of {@code KUSER_SHARED_DATA.NXSupportPolicy}.
 */
public enum NxPolicy {
    ALWAYS_OFF("AlwaysOff"),
    ALWAYS_ON("AlwaysOn"),
    /** Windows' own programs and those linked so. */
    OPT_IN("OptIn"),
    /** All but those on a list. */
    OPT_OUT("OptOut");

    private final String bootOption;

    NxPolicy(String bootOption) {
        this.bootOption = bootOption;
    }

    /** As {@code bcdedit} writes it. */
    public String bootOption() {
        return bootOption;
    }

    /** @throws IllegalArgumentException for a value that {@code bcdedit} does not know */
    public static NxPolicy ofBootOption(String text) {
        for (NxPolicy policy : values()) {
            if (policy.bootOption.equalsIgnoreCase(text)) {
                return policy;
            }
        }
        throw new IllegalArgumentException("nx is AlwaysOn, AlwaysOff, OptIn or OptOut nx=" + text);
    }
}
