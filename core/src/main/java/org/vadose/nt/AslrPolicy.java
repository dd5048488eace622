package org.vadose.nt;

/** How a machine lays out address spaces at random: what {@code MoveImages} in the registry and the edition settle. */
public enum AslrPolicy {
    /** Nothing moves: images lie where they were linked for, regions begin at the bottom of user space. */
    OFF("off"),
    /** As before Windows 8: images that allow it lie within 16 MB of where they were linked for. */
    CLASSIC("classic"),
    /** 64-bit images linked above 4 GB lie anywhere in gigabytes, regions of processes that allow it anywhere in a terabyte. */
    HIGH_ENTROPY("high-entropy"),
    /** As {@link #HIGH_ENTROPY}, and images move that did not ask for it if they can: mandatory ASLR. */
    FORCED("forced");

    private final String text;

    AslrPolicy(String text) {
        this.text = text;
    }

    public String text() {
        return text;
    }

    /** Whether addresses may come from more than 256 places. */
    public boolean isHighEntropy() {
        return this == HIGH_ENTROPY || this == FORCED;
    }

    /** @throws IllegalArgumentException for a word that names none */
    public static AslrPolicy of(String text) {
        for (AslrPolicy policy : values()) {
            if (policy.text.equalsIgnoreCase(text)) {
                return policy;
            }
        }
        throw new IllegalArgumentException("aslr is off, classic, high-entropy or forced aslr=" + text);
    }
}
