package org.vadose.nt;

/**
 * The rules a machine lays address spaces out by.
 *
 * @param userSpace what large-address aware 64-bit programs get: {@link UserSpace#TB_8} or {@link UserSpace#TB_128}
 * @param aslr what is placed at random
 */
public record AddressSpaceRules(UserSpace userSpace, AslrPolicy aslr) {
    /** Those of Windows 10. */
    public static final AddressSpaceRules STANDARD = new AddressSpaceRules(UserSpace.TB_128, AslrPolicy.HIGH_ENTROPY);

    public AddressSpaceRules {
        if (!userSpace.isEdition()) {
            throw new IllegalArgumentException(
                    "64-bit Windows gives processes 8TB or 128TB userSpace=" + userSpace.text());
        }
    }
}
