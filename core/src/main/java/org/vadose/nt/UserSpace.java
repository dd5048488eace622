package org.vadose.nt;

/**
 * How much of its address space a process may use. The last 64 KB below each limit are never given out ("Memory Limits for Windows
 * and Windows Server Releases", Microsoft).
 */
public enum UserSpace {
    /** A 32-bit process, or any process whose image is not large-address aware. */
    GB_2("2GB", 0x8000_0000L),
    /** A large-address aware process on 32-bit Windows that was told to give processes more ({@code IncreaseUserVa}). */
    GB_3("3GB", 0xC000_0000L),
    /** A large-address aware 32-bit process on 64-bit Windows. */
    GB_4("4GB", 0x1_0000_0000L),
    /** A large-address aware 64-bit process, until Windows 8 and Server 2012. */
    TB_8("8TB", 0x800_0000_0000L),
    /** A large-address aware 64-bit process, since Windows 8.1 and Server 2012 R2. */
    TB_128("128TB", 0x8000_0000_0000L);

    private static final long NO_MANS_LAND_BYTES = 0x1_0000;

    private final String text;
    private final long end;

    UserSpace(String text, long sizeBytes) {
        this.text = text;
        this.end = sizeBytes - NO_MANS_LAND_BYTES;
    }

    /** {@code 128TB}. */
    public String text() {
        return text;
    }

    /** The first address that is none of the process's any more: what {@code _EPROCESS.HighestUserAddress} holds. */
    public long end() {
        return end;
    }

    /** The last address the process may use: {@code MmHighestUserAddress}, {@code lpMaximumApplicationAddress}. */
    public long highest() {
        return end - 1;
    }

    /**
     * What a 64-bit process gets.
     *
     * @param edition {@link #TB_8} or {@link #TB_128}
     * @param isLargeAddressAware whether its image has {@code IMAGE_FILE_LARGE_ADDRESS_AWARE}
     */
    public static UserSpace of64Bit(UserSpace edition, boolean isLargeAddressAware) {
        if (!edition.isEdition()) {
            throw new IllegalArgumentException("64-bit Windows gives processes 8TB or 128TB, not " + edition.text);
        }
        return isLargeAddressAware ? edition : GB_2;
    }

    /**
     * What a 32-bit process gets.
     *
     * @param isLargeAddressAware whether its image has {@code IMAGE_FILE_LARGE_ADDRESS_AWARE}
     * @param on64Bit whether Windows is a 64-bit one
     * @param tuned whether a 32-bit Windows was booted to give processes 3 GB
     */
    public static UserSpace of32Bit(boolean isLargeAddressAware, boolean on64Bit, boolean tuned) {
        if (!isLargeAddressAware) {
            return GB_2;
        }
        return on64Bit ? GB_4 : tuned ? GB_3 : GB_2;
    }

    /** Whether it is what some 64-bit Windows gives to 64-bit processes. */
    public boolean isEdition() {
        return this == TB_8 || this == TB_128;
    }

    /** @throws IllegalArgumentException for any other than the sizes that 64-bit Windows has had */
    public static UserSpace ofEdition(String text) {
        for (UserSpace space : values()) {
            if (space.isEdition() && space.text.equalsIgnoreCase(text.replace(" ", ""))) {
                return space;
            }
        }
        throw new IllegalArgumentException("user space is 8TB or 128TB userSpace=" + text);
    }
}
