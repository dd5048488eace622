package org.vadose.io;

import java.util.Locale;

/** Wildcards of file searches: {@code *} for any run of characters, {@code ?} for one; {@code *.*} and {@code name.*} fit names without a dot too. */
public final class NameMask {
    private static final String ANY_EXTENSION = ".*";

    private NameMask() {}

    /** Whether a name fits a mask; case does not count. */
    public static boolean matches(String mask, String name) {
        String upperMask = mask.toUpperCase(Locale.ROOT);
        String upperName = name.toUpperCase(Locale.ROOT);
        return mask.equals("*.*")
                || fits(upperMask, upperName)
                || mask.endsWith(ANY_EXTENSION)
                        && name.indexOf('.') < 0
                        && fits(upperMask.substring(0, mask.length() - ANY_EXTENSION.length()), upperName);
    }

    /** Goes back to the last star only, so that no mask takes longer than the product of the lengths. */
    private static boolean fits(String mask, String name) {
        int m = 0;
        int n = 0;
        int star = -1;
        int starAt = 0;
        while (n < name.length()) {
            if (m < mask.length() && mask.charAt(m) == '*') {
                star = m++;
                starAt = n;
            } else if (m < mask.length() && (mask.charAt(m) == '?' || mask.charAt(m) == name.charAt(n))) {
                m++;
                n++;
            } else if (star >= 0) {
                m = star + 1;
                n = ++starAt;
            } else {
                return false;
            }
        }
        while (m < mask.length() && mask.charAt(m) == '*') {
            m++;
        }
        return m == mask.length();
    }
}
