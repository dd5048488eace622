package org.vadose.cli;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.vadose.machine.BackgroundMode;
import org.vadose.machine.MachineConfig;
import org.vadose.machine.MemorySaving;
import org.vadose.machine.PageFileSetup;
import org.vadose.nt.AddressSpaceRules;
import org.vadose.nt.AslrPolicy;
import org.vadose.nt.NxPolicy;
import org.vadose.nt.UserSpace;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** What every command that boots a machine takes. */
final class MachineOptions {
    @Option(
            names = "--ram",
            paramLabel = "SIZE",
            converter = Size.class,
            description = "RAM of the machine: 512m, 2g (default: 512m, at least 32m, 128m unless --bare).")
    private long ramBytes = MachineConfig.DEFAULT_RAM_BYTES;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "Seed of all randomness; the same seed gives the same bytes (default: ${DEFAULT-VALUE}).")
    private long seed = 1;

    @Option(
            names = "--processors",
            paramLabel = "N",
            description = "Processors, 1 to 64; with more than one a run need not repeat exactly (default: 1).")
    private int processors = 1;

    @Option(
            names = "--nodes",
            paramLabel = "N",
            description = "NUMA nodes that share out the RAM and the processors, 1 to 16 (default: 1).")
    private int nodes = 1;

    @Option(
            names = "--nx",
            paramLabel = "POLICY",
            converter = Nx.class,
            description = "Data execution prevention: AlwaysOn, AlwaysOff, OptIn or OptOut (default: OptIn).")
    private NxPolicy nx = NxPolicy.OPT_IN;

    @Option(
            names = "--user-space",
            paramLabel = "SIZE",
            converter = Size8Or128.class,
            description = "What 64-bit programs may address: 8TB as before Windows 8.1, or 128TB (default: 128TB).")
    private UserSpace userSpace = UserSpace.TB_128;

    @Option(
            names = "--aslr",
            paramLabel = "POLICY",
            converter = Aslr.class,
            description = "What is placed at random: off, classic, high-entropy or forced (default: high-entropy).")
    private AslrPolicy aslr = AslrPolicy.HIGH_ENTROPY;

    @Option(
            names = "--no-lock-pages",
            description =
                    "Programs' account may not lock pages in memory (no large pages, no AWE) or limit the file cache.")
    private boolean noLockPages;

    @Option(
            names = "--page-file",
            paramLabel = "SIZE",
            converter = Size.class,
            description =
                    "Size of the page file, 0 for none (default: as much as RAM, growing to three times that or 4g).")
    private @Nullable Long pageFileBytes;

    @Option(
            names = "--memory-compression",
            paramLabel = "on|off",
            converter = Switch.class,
            description = "Whether modified pages are compressed in RAM before a page file gets them (default: on).")
    private OnOff memoryCompression = OnOff.ON;

    @Option(
            names = "--page-combining",
            paramLabel = "on|off",
            converter = Switch.class,
            description = "Whether a program may have equal pages combined into one (default: on).")
    private OnOff pageCombining = OnOff.ON;

    @Option(
            names = "--background",
            paramLabel = "MODE",
            converter = Background.class,
            description =
                    "Where working sets are trimmed, modified pages written and free ones zeroed: stepped, at the same"
                            + " points in every run, or threads of their own, so that a run need not repeat (default: stepped).")
    private BackgroundMode background = BackgroundMode.STEPPED;

    MachineConfig config(boolean bare) {
        MachineConfig config = MachineConfig.standard()
                .withBare(bare)
                .withRamBytes(ramBytes)
                .withSeed(seed)
                .withProcessors(processors)
                .withNodes(nodes)
                .withNx(nx)
                .withRules(new AddressSpaceRules(userSpace, aslr))
                .withLocksPages(!noLockPages)
                .withBackground(background)
                .withSaving(new MemorySaving(memoryCompression == OnOff.ON, pageCombining == OnOff.ON));
        Long bytes = pageFileBytes;
        if (bytes == null) {
            return config;
        }
        return config.withPageFiles(
                bytes == 0 ? List.of() : List.of(new PageFileSetup("C:\\pagefile.sys", bytes, bytes)));
    }

    /** As {@code bcdedit} names it, in any case. */
    static final class Nx implements ITypeConverter<NxPolicy> {
        @Override
        public NxPolicy convert(String text) {
            try {
                return NxPolicy.ofBootOption(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException("nx is AlwaysOn, AlwaysOff, OptIn or OptOut, not '" + text + "'");
            }
        }
    }

    /** The sizes that 64-bit Windows has had. */
    static final class Size8Or128 implements ITypeConverter<UserSpace> {
        @Override
        public UserSpace convert(String text) {
            try {
                return UserSpace.ofEdition(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException("user space is 8TB or 128TB, not '" + text + "'");
            }
        }
    }

    /** The words of {@link AslrPolicy}. */
    static final class Aslr implements ITypeConverter<AslrPolicy> {
        @Override
        public AslrPolicy convert(String text) {
            try {
                return AslrPolicy.of(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException("aslr is off, classic, high-entropy or forced, not '" + text + "'");
            }
        }
    }

    private enum OnOff {
        ON,
        OFF
    }

    static final class Switch implements ITypeConverter<OnOff> {
        @Override
        public OnOff convert(String text) {
            return switch (text.toLowerCase(Locale.ROOT)) {
                case "on" -> OnOff.ON;
                case "off" -> OnOff.OFF;
                default -> throw new TypeConversionException("say on or off, not '" + text + "'");
            };
        }
    }

    /** The words of {@link BackgroundMode}. */
    static final class Background implements ITypeConverter<BackgroundMode> {
        @Override
        public BackgroundMode convert(String text) {
            return switch (text.toLowerCase(Locale.ROOT)) {
                case "stepped" -> BackgroundMode.STEPPED;
                case "threads" -> BackgroundMode.THREADS;
                default -> throw new TypeConversionException("background is stepped or threads, not '" + text + "'");
            };
        }
    }

    /** {@code 512m}, {@code 2G}, {@code 65536k}, or bytes. */
    static final class Size implements ITypeConverter<Long> {
        @Override
        public Long convert(String text) {
            if (!text.matches("[0-9]{1,15}[kKmMgG]?")) {
                throw new TypeConversionException("a size is a number with k, m or g behind it, not '" + text + "'");
            }
            int shift = switch (Character.toLowerCase(text.charAt(text.length() - 1))) {
                case 'k' -> 10;
                case 'm' -> 20;
                case 'g' -> 30;
                default -> 0;
            };
            long number = Long.parseLong(shift == 0 ? text : text.substring(0, text.length() - 1));
            if (number > Long.MAX_VALUE >>> shift) {
                throw new TypeConversionException("the size is too large: " + text);
            }
            return number << shift;
        }
    }
}
