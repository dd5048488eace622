package org.vadose.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
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
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
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
            paramLabel = "[PATH=]SIZE[-MAX]",
            converter = PageFile.class,
            description =
                    "A page file, and the size it may grow to; up to 16 of them, the first C:\\pagefile.sys if no path says"
                            + " otherwise, the next on D: and so on; 0 for none (default: as much as RAM, growing to three"
                            + " times that or 4g).")
    private List<PageFileText> pageFiles = List.of();

    @Option(
            names = "--page-file-folder",
            paramLabel = "DIR",
            description = "Where on the host the page files are kept (default: its folder for temporary files).")
    private @Nullable Path pageFileFolder;

    @Option(
            names = "--page-file-errors",
            paramLabel = "READS[,WRITES]",
            converter = Errors.class,
            description =
                    "Of a thousand reads (and writes) of page files, so many fail, half of them only at the first try; which"
                            + " ones, the seed says (default: 0,0).")
    private ErrorRates pageFileErrors = new ErrorRates(0, 0);

    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec command;

    @Option(
            names = "--memory-compression",
            paramLabel = "on|off",
            converter = Switch.class,
            description = "Whether modified pages are compressed in RAM before a page file gets them (default: on).")
    private OnOff memoryCompression = OnOff.ON;

    @Option(
            names = "--page-combining",
            paramLabel = "on|off|idle",
            converter = Combining.class,
            description =
                    "Whether a program may have equal pages combined into one; idle: and the system does so itself, once"
                            + " a minute when nobody wants a processor (default: on).")
    private PageCombining pageCombining = PageCombining.ON;

    @Option(
            names = "--background",
            paramLabel = "MODE",
            converter = Background.class,
            description =
                    "Where working sets are trimmed and aged, modified pages written, free ones zeroed, dirty files written and"
                            + " read ahead: stepped, at the same points in every run, or threads of their own, so that a run need not repeat (default: stepped).")
    private BackgroundMode background = BackgroundMode.STEPPED;

    /** A machine that cannot be is wrong usage. */
    MachineConfig config(boolean bare) {
        try {
            return configure(bare);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(
                    Objects.requireNonNull(command, "options of no command").commandLine(), e.getMessage(), e);
        }
    }

    private MachineConfig configure(boolean bare) {
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
                .withSaving(new MemorySaving(
                        memoryCompression == OnOff.ON,
                        pageCombining != PageCombining.OFF,
                        pageCombining == PageCombining.IDLE));
        return config.withPageFiles(setups());
    }

    private List<PageFileSetup> setups() {
        PageFileSetup.Disk disk =
                new PageFileSetup.Disk(pageFileFolder, pageFileErrors.reads(), pageFileErrors.writes());
        Path folder = pageFileFolder;
        if (folder != null && !(Files.isDirectory(folder) && Files.isWritable(folder))) {
            throw new IllegalArgumentException("page files cannot be kept in " + folder + ": it is "
                    + (Files.isDirectory(folder) ? "not to be written to" : "no folder"));
        }
        if (pageFiles.isEmpty()) {
            return List.of(PageFileSetup.managed(ramBytes).on(disk));
        }
        List<PageFileSetup> setups = new ArrayList<>();
        for (PageFileText file : pageFiles) {
            if (file.minimum() == 0 && pageFiles.size() == 1) {
                return List.of();
            }
            String path = file.path() == null ? (char) ('C' + setups.size()) + ":\\pagefile.sys" : file.path();
            if (setups.stream().anyMatch(other -> other.path().equalsIgnoreCase(path))) {
                throw new IllegalArgumentException("two page files are " + path);
            }
            setups.add(new PageFileSetup(path, file.minimum(), file.maximum(), disk));
        }
        return setups;
    }

    /** What one {@code --page-file} says. */
    private record PageFileText(@Nullable String path, long minimum, long maximum) {}

    /** {@code 64m}, {@code 64m-1g}, {@code E:\swap\page.sys=64m}. */
    static final class PageFile implements ITypeConverter<PageFileText> {
        @Override
        public PageFileText convert(String text) {
            int equals = text.lastIndexOf('=');
            String path = equals < 0 ? null : text.substring(0, equals);
            if (path != null && !path.matches("[C-Zc-z]:\\\\[^<>\"/|?*:]+")) {
                throw new TypeConversionException(
                        "a page file's path is one on C: to Z:, like D:\\pagefile.sys, not '" + path + "'");
            }
            String[] sizes = text.substring(equals + 1).split("-", 2);
            long minimum = new Size().convert(sizes[0]);
            return new PageFileText(path, minimum, sizes.length == 1 ? minimum : new Size().convert(sizes[1]));
        }
    }

    /** Of a thousand. */
    private record ErrorRates(int reads, int writes) {}

    /** {@code 5} for reads, {@code 5,20} for reads and writes. */
    static final class Errors implements ITypeConverter<ErrorRates> {
        @Override
        public ErrorRates convert(String text) {
            if (!text.matches("[0-9]{1,4}(,[0-9]{1,4})?")) {
                throw new TypeConversionException(
                        "errors are how many of a thousand reads, and behind a comma writes, fail, not '" + text + "'");
            }
            String[] numbers = text.split(",", 2);
            return new ErrorRates(Integer.parseInt(numbers[0]), numbers.length == 1 ? 0 : Integer.parseInt(numbers[1]));
        }
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

    private enum PageCombining {
        ON,
        OFF,
        IDLE
    }

    static final class Combining implements ITypeConverter<PageCombining> {
        @Override
        public PageCombining convert(String value) {
            return switch (value.toLowerCase(Locale.ROOT)) {
                case "on" -> PageCombining.ON;
                case "off" -> PageCombining.OFF;
                case "idle" -> PageCombining.IDLE;
                default -> throw new TypeConversionException("say on, off or idle, not '" + value + "'");
            };
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
