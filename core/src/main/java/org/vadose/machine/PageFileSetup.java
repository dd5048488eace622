package org.vadose.machine;

/**
 * A page file that a machine has from boot on.
 *
 * @param path a DOS path, as {@code C:\pagefile.sys}
 * @param minimumBytes what it has at once
 * @param maximumBytes what it may grow to
 */
public record PageFileSetup(String path, long minimumBytes, long maximumBytes) {
    private static final int MOST_TIMES_RAM = 3;
    private static final long LEAST_MAXIMUM = 4L << 30;

    /** What Windows sets up when it manages the size: one file on drive C that may grow to three times the RAM, or 4 GB. */
    static PageFileSetup managed(long ramBytes) {
        return new PageFileSetup("C:\\pagefile.sys", ramBytes, Math.max(LEAST_MAXIMUM, MOST_TIMES_RAM * ramBytes));
    }
}
