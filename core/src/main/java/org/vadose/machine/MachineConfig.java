package org.vadose.machine;

import java.util.List;
import org.vadose.base.Pages;
import org.vadose.memory.PhysicalMemory;
import org.vadose.mm.NodeTopology;
import org.vadose.mm.PageFiles;
import org.vadose.nt.AddressSpaceRules;
import org.vadose.nt.NxPolicy;

/**
 * What a machine is made of. Two machines of equal configuration boot to equal RAM.
 *
 * @param ramBytes a multiple of 4 KB, {@link PhysicalMemory#MINIMUM_BYTES} to {@link #MOST_RAM_BYTES}
 * @param seed of all randomness
 * @param bare whether to boot Idle and System alone
 * @param processors simulated ones, 1 to {@value #MOST_PROCESSORS}; with more than one, guest threads run at the same time and runs
 *     need not repeat
 * @param nodes with memory and processors of their own, 1 to {@link NodeTopology#MOST}; see there how they are shared out
 * @param bootTime what the clock shows at power-on, in 100 ns units since 1601
 * @param locksPages whether the account that programs run as may lock pages in memory and limit the file cache: its tokens
 *     have {@code SeLockMemoryPrivilege} and {@code SeIncreaseQuotaPrivilege}, which a program then has to enable
 * @param nx the boot option for data execution prevention
 * @param rules how address spaces are laid out
 * @param saving compression and combining of pages
 * @param pageFiles kept in temporary files of the host; at most {@link PageFiles#MOST}
 * @param background where the memory manager's threads of System do their work
 */
public record MachineConfig(
        long ramBytes,
        long seed,
        boolean bare,
        int processors,
        int nodes,
        long bootTime,
        boolean locksPages,
        NxPolicy nx,
        AddressSpaceRules rules,
        MemorySaving saving,
        List<PageFileSetup> pageFiles,
        BackgroundMode background) {
    /** 512 MB. */
    public static final long DEFAULT_RAM_BYTES = 512L << 20;
    /** 2023-10-16 08:00:00 UTC, a few days after the build was published. */
    public static final long DEFAULT_BOOT_TIME = 133_419_168_000_000_000L;
    /** The least for the whole tree of processes. */
    public static final long FULL_TREE_BYTES = 128L << 20;

    /** What the system region of page frames has been tried with. */
    public static final long MOST_RAM_BYTES = 512L << 30;

    /** As many as one processor group has. */
    public static final int MOST_PROCESSORS = 64;

    public MachineConfig {
        if (ramBytes < PhysicalMemory.MINIMUM_BYTES || ramBytes > MOST_RAM_BYTES || Pages.offset(ramBytes) != 0) {
            throw new IllegalArgumentException(
                    "RAM must be a multiple of 4 KB, at least 32 MB and at most 512 GB ramBytes=" + ramBytes);
        }
        if (processors < 1 || processors > MOST_PROCESSORS) {
            throw new IllegalArgumentException(
                    "a machine has 1 to " + MOST_PROCESSORS + " processors processors=" + processors);
        }
        if (nodes < 1 || nodes > NodeTopology.MOST) {
            throw new IllegalArgumentException("a machine has 1 to " + NodeTopology.MOST + " nodes nodes=" + nodes);
        }
        pageFiles = List.copyOf(pageFiles);
        if (pageFiles.size() > PageFiles.MOST) {
            throw new IllegalArgumentException(
                    "a machine has at most " + PageFiles.MOST + " page files count=" + pageFiles.size());
        }
        if (!bare && ramBytes < FULL_TREE_BYTES) {
            throw new IllegalArgumentException(
                    "the tree of processes needs 128 MB of RAM; boot bare with less ramBytes=" + ramBytes);
        }
    }

    /** Half a gigabyte, seed 1, everything a desktop boots. */
    public static MachineConfig standard() {
        return new MachineConfig(
                DEFAULT_RAM_BYTES,
                1,
                false,
                1,
                1,
                DEFAULT_BOOT_TIME,
                true,
                NxPolicy.OPT_IN,
                AddressSpaceRules.STANDARD,
                MemorySaving.STANDARD,
                List.of(PageFileSetup.managed(DEFAULT_RAM_BYTES)),
                BackgroundMode.STEPPED);
    }

    /** Page files that Windows would size by the RAM follow it. */
    public MachineConfig withRamBytes(long bytes) {
        boolean isManaged = pageFiles.equals(List.of(PageFileSetup.managed(ramBytes)));
        List<PageFileSetup> files = isManaged ? List.of(PageFileSetup.managed(bytes)) : pageFiles;
        return new MachineConfig(
                bytes, seed, bare, processors, nodes, bootTime, locksPages, nx, rules, saving, files, background);
    }

    public MachineConfig withSeed(long newSeed) {
        return new MachineConfig(
                ramBytes,
                newSeed,
                bare,
                processors,
                nodes,
                bootTime,
                locksPages,
                nx,
                rules,
                saving,
                pageFiles,
                background);
    }

    public MachineConfig withBare(boolean newBare) {
        return new MachineConfig(
                ramBytes,
                seed,
                newBare,
                processors,
                nodes,
                bootTime,
                locksPages,
                nx,
                rules,
                saving,
                pageFiles,
                background);
    }

    public MachineConfig withProcessors(int count) {
        return new MachineConfig(
                ramBytes, seed, bare, count, nodes, bootTime, locksPages, nx, rules, saving, pageFiles, background);
    }

    /** @param count of nodes among which RAM and processors are shared out */
    public MachineConfig withNodes(int count) {
        return new MachineConfig(
                ramBytes,
                seed,
                bare,
                processors,
                count,
                bootTime,
                locksPages,
                nx,
                rules,
                saving,
                pageFiles,
                background);
    }

    public MachineConfig withLocksPages(boolean newLocksPages) {
        return new MachineConfig(
                ramBytes,
                seed,
                bare,
                processors,
                nodes,
                bootTime,
                newLocksPages,
                nx,
                rules,
                saving,
                pageFiles,
                background);
    }

    public MachineConfig withNx(NxPolicy policy) {
        return new MachineConfig(
                ramBytes,
                seed,
                bare,
                processors,
                nodes,
                bootTime,
                locksPages,
                policy,
                rules,
                saving,
                pageFiles,
                background);
    }

    public MachineConfig withRules(AddressSpaceRules newRules) {
        return new MachineConfig(
                ramBytes,
                seed,
                bare,
                processors,
                nodes,
                bootTime,
                locksPages,
                nx,
                newRules,
                saving,
                pageFiles,
                background);
    }

    public MachineConfig withSaving(MemorySaving newSaving) {
        return new MachineConfig(
                ramBytes,
                seed,
                bare,
                processors,
                nodes,
                bootTime,
                locksPages,
                nx,
                rules,
                newSaving,
                pageFiles,
                background);
    }

    /** @param files none is allowed: then the commit limit is RAM alone */
    public MachineConfig withPageFiles(List<PageFileSetup> files) {
        return new MachineConfig(
                ramBytes, seed, bare, processors, nodes, bootTime, locksPages, nx, rules, saving, files, background);
    }

    public MachineConfig withBackground(BackgroundMode mode) {
        return new MachineConfig(
                ramBytes, seed, bare, processors, nodes, bootTime, locksPages, nx, rules, saving, pageFiles, mode);
    }
}
