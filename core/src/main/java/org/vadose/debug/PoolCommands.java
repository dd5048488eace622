package org.vadose.debug;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.debug.Command.Argument;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.PoolTrackerBigPagesLayout;
import org.vadose.layout.PoolTrackerTableLayout;
import org.vadose.layout.Wildcard;
import org.vadose.nt.PoolHeader;
import org.vadose.nt.PoolTag;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** {@code !poolused !pool}: what the kernel's pools hold, by tag and by address. */
final class PoolCommands {
    private static final int VERBOSE = 1;
    private static final int SORT_NONPAGED = 2;
    private static final int SORT_PAGED = 4;
    private static final int ONLY_TARGET = 2;
    private static final int MAXIMUM_ENTRIES = 1 << 22;

    /** What the tags of this project's own allocations stand for. */
    private static final Map<String, String> DESCRIPTIONS = Map.ofEntries(
            Map.entry("Proc", "Process objects , Binary: nt!ps"),
            Map.entry("Thre", "Thread objects , Binary: nt!ps"),
            Map.entry("File", "File objects , Binary: nt!io"),
            Map.entry("VadS", "Short VADs , Binary: nt!mm"),
            Map.entry("Vad ", "VADs of views , Binary: nt!mm"),
            Map.entry("MmCa", "Control areas , Binary: nt!mm"),
            Map.entry("MmSt", "Prototype PTEs , Binary: nt!mm"),
            Map.entry("MmSm", "Segments , Binary: nt!mm"),
            Map.entry("Pool", "Pool tables , Binary: nt!ex"),
            Map.entry("Obtb", "Handle tables , Binary: nt!ob"),
            Map.entry("ObDi", "Object directories , Binary: nt!ob"),
            Map.entry("ObNm", "Object names , Binary: nt!ob"),
            Map.entry("Dire", "Directory objects , Binary: nt!ob"),
            Map.entry("Symb", "Symbolic link objects , Binary: nt!ob"),
            Map.entry("ObjT", "Object types , Binary: nt!ob"),
            Map.entry("Toke", "Token objects , Binary: nt!se"),
            Map.entry("Even", "Event objects , Binary: nt!ke"),
            Map.entry("Sect", "Section objects , Binary: nt!mm"),
            Map.entry("Devi", "Device objects , Binary: nt!io"),
            Map.entry("Driv", "Driver objects , Binary: nt!io"),
            Map.entry("PolD", "Pool descriptors , Binary: nt!ex"),
            Map.entry("MmLd", "Loaded module entries , Binary: nt!mm"),
            Map.entry("MmCi", "Control areas of images , Binary: nt!mm"),
            Map.entry("Vpb ", "Volume parameter blocks , Binary: nt!io"),
            Map.entry("IoNm", "File names , Binary: nt!io"),
            Map.entry("Symt", "Symbolic link targets , Binary: nt!ob"),
            Map.entry("SeOn", "Names for auditing , Binary: nt!se"),
            Map.entry("Key ", "Key objects , Binary: nt!cm"));

    private final Debugger debugger;
    private final Printer out;
    private final TargetMemory kernel;

    private PoolCommands(Debugger debugger) {
        this.debugger = debugger;
        this.out = debugger.out();
        this.kernel = debugger.target().kernel();
    }

    static void register(CommandTable table) {
        table.add(
                "!poolused",
                "[flags [tag]]",
                "Show pool use by tag (flags: 1 verbose, 2 by nonpaged, 4 by paged)",
                Argument.NONE,
                (d, a) -> new PoolCommands(d).used(a));
        table.add(
                "!pool",
                "address [flags]",
                "Show the pool blocks around an address (flags: 2 only its own)",
                Argument.EXPRESSION,
                (d, a) -> new PoolCommands(d).pool(a));
    }

    /** One row of {@code PoolTrackTable}. */
    private record Use(
            int tag, long nonAllocs, long nonFrees, long nonBytes, long pagedAllocs, long pagedFrees, long pagedBytes) {
        Use plus(Use other) {
            return new Use(
                    tag,
                    nonAllocs + other.nonAllocs,
                    nonFrees + other.nonFrees,
                    nonBytes + other.nonBytes,
                    pagedAllocs + other.pagedAllocs,
                    pagedFrees + other.pagedFrees,
                    pagedBytes + other.pagedBytes);
        }

        String name() {
            return PoolTag.text(tag);
        }
    }

    private void used(String text) {
        Arguments words = new Arguments(text);
        int flags = words.hasNext() ? (int) debugger.evaluate(words.next()) : 0;
        Wildcard wanted = new Wildcard(words.hasNext() ? words.rest() : "*");
        List<Use> uses = new ArrayList<>(read());
        uses.removeIf(
                use -> !wanted.matches(use.name()) && !wanted.matches(use.name().strip()));
        Comparator<Use> order = Comparator.comparing(Use::name);
        String title = "Tag";
        if ((flags & SORT_NONPAGED) != 0) {
            order = Comparator.comparingLong(Use::nonBytes).reversed().thenComparing(order);
            title = "NonPaged Pool Consumed";
        } else if ((flags & SORT_PAGED) != 0) {
            order = Comparator.comparingLong(Use::pagedBytes).reversed().thenComparing(order);
            title = "Paged Pool Consumed";
        }
        uses.sort(order);
        out.line(" Sorting by " + title);
        out.line();
        boolean verbose = (flags & VERBOSE) != 0;
        if (verbose) {
            out.line("                            NonPaged                                         Paged");
            out.line(
                    " Tag       Allocs       Frees      Diff         Used       Allocs       Frees      Diff         Used");
        } else {
            out.line("               NonPaged                  Paged");
            out.line(" Tag     Allocs         Used     Allocs         Used");
        }
        out.line();
        Use total = new Use(0, 0, 0, 0, 0, 0, 0);
        for (Use use : uses) {
            row(use.name(), use, verbose, "\t" + describe(use.name()));
            total = total.plus(use);
        }
        out.line();
        row("TOTAL", total, verbose, "");
    }

    private void row(String name, Use use, boolean verbose, String about) {
        int first = verbose ? 17 - name.length() - 1 : 15 - name.length() - 1;
        String start = " " + name;
        long nonNow = use.nonAllocs() - use.nonFrees();
        long pagedNow = use.pagedAllocs() - use.pagedFrees();
        out.line(
                verbose
                        ? start
                                + String.format(
                                        Locale.ROOT,
                                        "%" + first + "d%12d%10d%13d%13d%12d%10d%13d",
                                        use.nonAllocs(),
                                        use.nonFrees(),
                                        nonNow,
                                        use.nonBytes(),
                                        use.pagedAllocs(),
                                        use.pagedFrees(),
                                        pagedNow,
                                        use.pagedBytes())
                                + about
                        : start
                                + String.format(
                                        Locale.ROOT,
                                        "%" + first + "d%13d%11d%13d",
                                        nonNow,
                                        use.nonBytes(),
                                        pagedNow,
                                        use.pagedBytes())
                                + about);
    }

    private static String describe(String tag) {
        String known = DESCRIPTIONS.get(tag);
        return known != null ? known : "UNKNOWN pooltag '" + tag + "', please update pooltag.txt";
    }

    private List<Use> read() {
        long table = kernel.readLong(debugger.target().kernelAddress(KernelSymbols.POOL_TRACK_TABLE));
        long size = kernel.readLong(debugger.target().kernelAddress(KernelSymbols.POOL_TRACK_TABLE_SIZE));
        List<Use> uses = new ArrayList<>();
        for (long i = 0; i < Math.clamp(size, 0, MAXIMUM_ENTRIES); i++) {
            out.checkCancelled();
            long at = table + i * PoolTrackerTableLayout.SIZE;
            try {
                int key = kernel.readInt(at + PoolTrackerTableLayout.KEY);
                Use use = new Use(
                        key,
                        kernel.readLong(at + PoolTrackerTableLayout.NON_PAGED_ALLOCS),
                        kernel.readLong(at + PoolTrackerTableLayout.NON_PAGED_FREES),
                        kernel.readLong(at + PoolTrackerTableLayout.NON_PAGED_BYTES),
                        kernel.readLong(at + PoolTrackerTableLayout.PAGED_ALLOCS),
                        kernel.readLong(at + PoolTrackerTableLayout.PAGED_FREES),
                        kernel.readLong(at + PoolTrackerTableLayout.PAGED_BYTES));
                if (key != 0 && use.nonAllocs() + use.pagedAllocs() != 0) {
                    uses.add(use);
                }
            } catch (UnreadableMemoryException e) {
                out.line("PoolTrackTable cannot be read at " + Hex.address(at) + ": " + e.reason());
                return uses;
            }
        }
        return uses;
    }

    // --- !pool ---

    private void pool(String text) {
        Arguments words = new Arguments(text);
        long address = debugger.evaluate(words.next());
        int flags = words.hasNext() ? (int) debugger.evaluate(words.next()) : 0;
        if (big(address)) {
            return;
        }
        long page = Pages.down(address);
        String region = kind(page);
        out.line("Pool page " + Hex.address(address) + " region is " + region + " pool");
        int previous = 0;
        for (long at = page; at < page + Pages.SIZE; ) {
            PoolHeader header = new PoolHeader(kernel, at);
            int units = header.units();
            if (units == 0 || at + (long) units * PoolHeader.UNIT > page + Pages.SIZE) {
                out.line("Pool page [ " + Hex.address(address) + " ] is INVALID.");
                out.line("[ " + Hex.address(at) + " ]: invalid block size [ 0x" + Hex.plain(units) + " ]");
                return;
            }
            if (header.previousUnits() != previous) {
                out.line("[ " + Hex.address(at) + " ]: invalid previous size [ 0x" + Hex.plain(header.previousUnits())
                        + " ] should be [ 0x" + Hex.plain(previous) + " ]");
            }
            boolean target = address >= at && address < at + (long) units * PoolHeader.UNIT;
            if (target || (flags & ONLY_TARGET) == 0) {
                block(header, target);
            }
            previous = units;
            at += (long) units * PoolHeader.UNIT;
        }
    }

    private String kind(long page) {
        return new PoolHeader(kernel, page).isPaged() ? "Paged" : "Nonpaged";
    }

    private void block(PoolHeader header, boolean target) {
        String tag = PoolTag.text(header.tag());
        out.line((target ? "*" : " ")
                + Hex.address(header.address())
                + String.format(
                        Locale.ROOT,
                        " size: %4x previous size: %4x  ",
                        header.units() * PoolHeader.UNIT,
                        header.previousUnits() * PoolHeader.UNIT)
                + (header.isFree() ? "(Free)      " : "(Allocated) ")
                + (target ? "*" : " ")
                + tag);
        if (target) {
            String known = DESCRIPTIONS.get(tag);
            out.line("\t\tPooltag " + tag + " : "
                    + (known == null
                            ? "Unknown pooltag"
                            : known.replace(" , B", ", B").replace("Binary: ", "Binary : ")));
        }
    }

    /** Whether the address lies in an allocation of whole pages; says so. */
    private boolean big(long address) {
        Long entry = bigEntry(address);
        if (entry == null) {
            return false;
        }
        long start = kernel.readLong(entry + PoolTrackerBigPagesLayout.VA);
        int tag = kernel.readInt(entry + PoolTrackerBigPagesLayout.KEY);
        long bytes = kernel.readLong(entry + PoolTrackerBigPagesLayout.NUMBER_OF_BYTES);
        out.line("*" + Hex.address(start) + " : large page allocation, tag is " + PoolTag.text(tag) + ", size is 0x"
                + Hex.plain(bytes) + " bytes");
        String known = DESCRIPTIONS.get(PoolTag.text(tag));
        out.line("\t\tPooltag " + PoolTag.text(tag) + " : " + (known == null ? "Unknown pooltag" : known));
        return true;
    }

    private @Nullable Long bigEntry(long address) {
        try {
            long table = kernel.readLong(debugger.target().kernelAddress(KernelSymbols.POOL_BIG_PAGE_TABLE));
            long size = kernel.readLong(debugger.target().kernelAddress(KernelSymbols.POOL_BIG_PAGE_TABLE_SIZE));
            for (long i = 0; i < Math.clamp(size, 0, MAXIMUM_ENTRIES); i++) {
                long at = table + i * PoolTrackerBigPagesLayout.SIZE;
                long start = kernel.readLong(at + PoolTrackerBigPagesLayout.VA);
                long bytes = kernel.readLong(at + PoolTrackerBigPagesLayout.NUMBER_OF_BYTES);
                if ((start & 1) == 0 && start != 0 && Long.compareUnsigned(address - start, bytes) < 0) {
                    return at;
                }
            }
        } catch (UnreadableMemoryException e) {
            return null;
        }
        return null;
    }
}
