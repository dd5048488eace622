package org.vadose.machine;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Pages;
import org.vadose.memory.PhysicalMemory;

/**
 * A page file that a machine has from boot on.
 *
 * @param path a DOS path, as {@code C:\\pagefile.sys}
 * @param minimumBytes what it has at once, at least two pages
 * @param maximumBytes what it may grow to, at most 8 TB
 * @param disk what it is kept on
 */
public record PageFileSetup(String path, long minimumBytes, long maximumBytes, Disk disk) {
    private static final int MOST_TIMES_RAM = 3;
    private static final long LEAST_MAXIMUM = 4L << 30;
    private static final long MOST_BYTES = 1L << 43;

    /**
     * Where the host keeps a page file, and how often that fails.
     *
     * @param folder of the host; null for the one for temporary files
     * @param failingReads of a thousand, 0 to 1000; half of the failures pass when the manager tries again
     * @param failingWrites of a thousand
     */
    public record Disk(@Nullable Path folder, int failingReads, int failingWrites) {
        /** A good one, in the host's folder for temporary files. */
        public static final Disk TEMPORARY = new Disk(null, 0, 0);

        private static final int ALL = 1000;

        public Disk {
            if (failingReads < 0 || failingReads > ALL || failingWrites < 0 || failingWrites > ALL) {
                throw new IllegalArgumentException("of a thousand reads and writes 0 to 1000 fail, not failingReads="
                        + failingReads + " failingWrites=" + failingWrites);
            }
        }

        boolean isGood() {
            return failingReads == 0 && failingWrites == 0;
        }
    }

    public PageFileSetup {
        if (minimumBytes < 2 * Pages.SIZE || maximumBytes < minimumBytes || maximumBytes > MOST_BYTES) {
            throw new IllegalArgumentException(
                    "a page file has at least 8 KB, grows to no less than it has, and to 8 TB at" + " most path=" + path
                            + " minimumBytes=" + minimumBytes + " maximumBytes=" + maximumBytes);
        }
    }

    /** On a good disk. */
    public PageFileSetup(String path, long minimumBytes, long maximumBytes) {
        this(path, minimumBytes, maximumBytes, Disk.TEMPORARY);
    }

    /** What Windows sets up when it manages the size: one file on drive C that may grow to three times the RAM, or 4 GB. */
    public static PageFileSetup managed(long ramBytes) {
        long size = Math.clamp(ramBytes, PhysicalMemory.MINIMUM_BYTES, MachineConfig.MOST_RAM_BYTES);
        return new PageFileSetup("C:\\pagefile.sys", size, Math.max(LEAST_MAXIMUM, MOST_TIMES_RAM * size));
    }

    public PageFileSetup on(Disk newDisk) {
        return new PageFileSetup(path, minimumBytes, maximumBytes, newDisk);
    }
}
