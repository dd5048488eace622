package org.vadose.machine;

import org.vadose.base.Pages;
import org.vadose.memory.PhysicalMemory;

/**
 * What a machine is made of. Two machines of equal configuration boot to equal RAM.
 *
 * @param ramBytes a multiple of 4 KB, at least {@link PhysicalMemory#MINIMUM_BYTES}
 * @param seed of all randomness
 * @param bare whether to boot Idle and System alone
 * @param bootTime what the clock shows at power-on, in 100 ns units since 1601
 */
public record MachineConfig(long ramBytes, long seed, boolean bare, long bootTime) {
    /** 512 MB. */
    public static final long DEFAULT_RAM_BYTES = 512L << 20;
    /** 2023-10-16 08:00:00 UTC, a few days after the build was published. */
    public static final long DEFAULT_BOOT_TIME = 133_419_168_000_000_000L;
    /** The least for the whole tree of processes. */
    public static final long FULL_TREE_BYTES = 128L << 20;

    public MachineConfig {
        if (ramBytes < PhysicalMemory.MINIMUM_BYTES || Pages.offset(ramBytes) != 0) {
            throw new IllegalArgumentException(
                    "RAM must be a multiple of 4 KB and at least 32 MB ramBytes=" + ramBytes);
        }
        if (!bare && ramBytes < FULL_TREE_BYTES) {
            throw new IllegalArgumentException(
                    "the tree of processes needs 128 MB; boot bare with less ramBytes=" + ramBytes);
        }
    }

    /** Half a gigabyte, seed 1, everything a desktop boots. */
    public static MachineConfig standard() {
        return new MachineConfig(DEFAULT_RAM_BYTES, 1, false, DEFAULT_BOOT_TIME);
    }

    public MachineConfig withRamBytes(long bytes) {
        return new MachineConfig(bytes, seed, bare, bootTime);
    }

    public MachineConfig withSeed(long newSeed) {
        return new MachineConfig(ramBytes, newSeed, bare, bootTime);
    }

    public MachineConfig withBare(boolean newBare) {
        return new MachineConfig(ramBytes, seed, newBare, bootTime);
    }
}
