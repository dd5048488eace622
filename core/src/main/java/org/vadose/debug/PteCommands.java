package org.vadose.debug;

import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.debug.Command.Argument;
import org.vadose.layout.HalNodeRangeLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiHardwareStateLayout;
import org.vadose.layout.MiSystemInformationLayout;
import org.vadose.layout.MmpteHardwareLayout;
import org.vadose.layout.MmpteSoftwareLayout;
import org.vadose.memory.PageTableFormat.Step;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.PageLocation;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;
import org.vadose.nt.SelfMap;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** {@code !pte !pfn}: page-table entries and page frames. */
final class PteCommands {
    private static final int[] COLUMNS = {0, 27, 54, 81};
    private static final String[] NAMES = {"PXE", "PPE", "PDE", "PTE"};
    private static final String[] PROTECTIONS = {
        "None", "Readonly", "Execute", "ExecuteRead", "ReadWrite", "WriteCopy", "ExecuteReadWrite", "ExecuteWriteCopy"
    };
    private static final int ADDRESS_INDENT = 43;

    private static final int MOST_NODES = 64;

    private PteCommands() {}

    static void register(CommandTable table) {
        table.add(
                "!pte",
                "address [1]",
                "Show the page-table entries of an address (1: the address is a PTE's)",
                Argument.EXPRESSION,
                PteCommands::pte);
        table.add(
                "!pfn",
                "frame",
                "Show a page frame's entry in the PFN database",
                Argument.EXPRESSION,
                PteCommands::pfn);
    }

    /** Lines of text built column by column. */
    private static final class Grid {
        private final TreeMap<Integer, StringBuilder> lines = new TreeMap<>();

        void put(int line, int column, String text) {
            StringBuilder row = lines.computeIfAbsent(line, n -> new StringBuilder());
            row.append(" ".repeat(Math.max(0, COLUMNS[column] - row.length()))).append(text);
        }

        void print(Printer out) {
            lines.values().forEach(row -> out.line(row.toString()));
        }
    }

    private static void pte(Debugger debugger, String text) {
        Arguments words = new Arguments(text);
        long address = debugger.evaluate(words.next());
        TargetMemory memory = debugger.memory();
        Printer out = debugger.out();
        SelfMap map = SelfMap.of(debugger.target().kernel(), debugger.target().kernelBase());
        if (words.hasNext() && words.next().equals("1")) {
            single(out, memory, address);
            return;
        }
        if (map.contains(address)) {
            address = map.mapped(address & ~7L);
        }
        out.line(" ".repeat(ADDRESS_INDENT) + "VA " + Hex.address(address));
        Grid grid = new Grid();
        for (int column = 0; column < NAMES.length; column++) {
            grid.put(0, column, NAMES[column] + " at " + upper(map.entry(4 - column, address)));
        }
        List<Step> steps = memory.path(address);
        for (Step step : steps) {
            column(grid, 4 - step.level(), step, address);
        }
        grid.print(out);
        out.line();
    }

    private static void column(Grid grid, int column, Step step, long address) {
        long entry = step.entry();
        grid.put(1, column, "contains " + upper(entry));
        if ((entry & X64PageTables.PRESENT) == 0) {
            invalid(grid, column, step.level(), entry);
            return;
        }
        long frame = Pte.frame(entry);
        boolean large = step.level() > 1 && (entry & X64PageTables.LARGE) != 0;
        long shown = large ? frame & -(1L << 9 * (step.level() - 1)) : frame;
        grid.put(2, column, "pfn " + TypePrinter.pad(Hex.plain(shown), 10) + bits(entry));
        if (large && column < 3) {
            long pages = (1L << 9 * (step.level() - 1)) - 1;
            grid.put(2, column + 1, "LARGE PAGE pfn " + Hex.plain(shown | Pages.vpn(address) & pages));
        }
    }

    private static void invalid(Grid grid, int column, int level, long entry) {
        grid.put(2, column, "not valid");
        int line = 3;
        for (String text : describe(entry, level)) {
            grid.put(line++, column, text);
        }
    }

    private static List<String> describe(long entry, int level) {
        return switch (Pte.kind(entry)) {
            case EMPTY, VALID -> List.of();
            case TRANSITION -> List.of(" Transition: " + Hex.plain(Pte.frame(entry & (1L << 48) - 1)), protect(entry));
            case PROTOTYPE -> {
                long prototype = Pte.prototypeAddress(entry);
                boolean inVad = (prototype & 0xFFFF_FFFF_FFFFL) == (-1L & 0xFFFF_FFFF_FFFFL)
                        || (prototype & 0xFFFF_FFFF_FFFFL) == Pte.LOOKUP_NEEDED;
                yield inVad || level > 1
                        ? List.of(" Proto: VAD", protect(entry))
                        : List.of(" Proto: " + upper(prototype));
            }
            case PAGE_FILE ->
                List.of(
                        " PageFile:  "
                                + (entry >>> MmpteSoftwareLayout.PAGE_FILE_LOW_SHIFT
                                        & MmpteSoftwareLayout.PAGE_FILE_LOW_MASK),
                        " Offset: " + Hex.plain(entry >>> MmpteSoftwareLayout.PAGE_FILE_HIGH_SHIFT),
                        protect(entry));
            case DECOMMITTED -> List.of(" Page has been freed");
            case DEMAND_ZERO -> List.of(" DemandZero", protect(entry));
        };
    }

    private static String protect(long entry) {
        int protection = Pte.protection(entry);
        String access = protection == PageProtection.NOACCESS ? "NoAccess" : PROTECTIONS[protection & 7];
        String modifier = switch (protection & PageProtection.WRITECOMBINE) {
            case PageProtection.NOCACHE -> " NoCache";
            case PageProtection.GUARD -> " Guard";
            case PageProtection.WRITECOMBINE -> (protection & 7) == 0 ? "" : " WriteCombine";
            default -> "";
        };
        return " Protect: " + Hex.plain(protection) + " - " + access + modifier;
    }

    /** {@code ---DA--KWEV}. */
    private static String bits(long entry) {
        boolean writable = (entry & (X64PageTables.WRITE | Pte.SOFTWARE_WRITE)) != 0;
        return flag(entry >>> MmpteHardwareLayout.COPY_ON_WRITE_SHIFT, 'C')
                + flag(entry >>> MmpteHardwareLayout.GLOBAL_SHIFT, 'G')
                + flag(entry >>> MmpteHardwareLayout.LARGE_PAGE_SHIFT, 'L')
                + flag(entry >>> MmpteHardwareLayout.DIRTY_SHIFT, 'D')
                + flag(entry >>> MmpteHardwareLayout.ACCESSED_SHIFT, 'A')
                + flag(entry >>> MmpteHardwareLayout.CACHE_DISABLE_SHIFT, 'N')
                + flag(entry >>> MmpteHardwareLayout.WRITE_THROUGH_SHIFT, 'T')
                + ((entry & X64PageTables.USER) != 0 ? 'U' : 'K')
                + (writable ? 'W' : 'R')
                + (entry < 0 ? '-' : 'E')
                + 'V';
    }

    private static String flag(long bit, char letter) {
        return String.valueOf((bit & 1) != 0 ? letter : '-');
    }

    private static void single(Printer out, TargetMemory memory, long address) {
        long entry = memory.readLong(address);
        out.line(" ".repeat(ADDRESS_INDENT) + "VA " + Hex.address(address));
        out.line("PTE at " + upper(address));
        out.line("contains " + upper(entry));
        if ((entry & X64PageTables.PRESENT) != 0) {
            out.line("pfn " + TypePrinter.pad(Hex.plain(Pte.frame(entry)), 10) + bits(entry));
            return;
        }
        out.line("not valid");
        describe(entry, 1).forEach(out::line);
    }

    private static String upper(long value) {
        return Hex.address(value).toUpperCase(Locale.ROOT);
    }

    private static void pfn(Debugger debugger, String text) {
        long frame = debugger.evaluate(text);
        TargetMemory kernel = debugger.target().kernel();
        long database = kernel.readLong(debugger.target().kernelAddress(KernelSymbols.MM_PFN_DATABASE));
        long address = database + frame * Pfn.SIZE;
        Pfn pfn = new Pfn(kernel, address);
        PageLocation location;
        try {
            location = pfn.location();
        } catch (UnreadableMemoryException e) {
            throw new CommandException("PFN " + Hex.plain(frame) + " is not in the PFN database");
        }
        Printer out = debugger.out();
        out.line("    PFN " + digits(frame, 8) + " at address " + upper(address));
        long second = location.isListed() ? pfn.blink() : pfn.shareCount();
        out.line("    flink       " + digits(pfn.flink(), 8) + "  blink / share count " + digits(second, 8)
                + "  pteaddress " + upper(pfn.pteAddress()));
        out.line("    reference count " + Hex.digits(pfn.referenceCount(), 4) + "    used entry count  0000      "
                + TypePrinter.pad(cache(pfn.cacheAttribute()), 9) + " color " + color(debugger, kernel, frame)
                + "   Priority " + pfn.priority());
        out.line("    restore pte " + digits(pfn.originalPte(), 8) + "  containing page " + digits(pfn.pteFrame(), 6)
                + "  "
                + TypePrinter.pad(name(location), 10) + " "
                + TypePrinter.pad((pfn.isModified() ? "M" : "") + (pfn.isPrototype() ? "P" : ""), 8));
        String words = (pfn.isModified() ? "Modified " : "") + (pfn.isPrototype() ? "Shared " : "");
        out.line("    " + TypePrinter.pad(words, 24));
    }

    /** What WinDbg calls the color of a page here is its node. */
    private static int color(Debugger debugger, TargetMemory kernel, long frame) {
        long hardware = debugger.target().kernelAddress(KernelSymbols.MI_STATE) + MiSystemInformationLayout.HARDWARE;
        int last = kernel.readInt(hardware + MiHardwareStateLayout.NUMA_LAST_RANGE_INDEX_INCLUSIVE);
        long ranges = kernel.readLong(hardware + MiHardwareStateLayout.NUMA_MEMORY_RANGES);
        for (int i = Math.min(last, MOST_NODES); i > 0; i--) {
            long range = ranges + i * HalNodeRangeLayout.SIZE;
            if (frame >= kernel.readLong(range + HalNodeRangeLayout.PAGE_FRAME_INDEX)) {
                return kernel.readInt(range + HalNodeRangeLayout.NODE);
            }
        }
        return 0;
    }

    private static String digits(long value, int width) {
        return Hex.digits(value, width).toUpperCase(Locale.ROOT);
    }

    private static String cache(int attribute) {
        return switch (attribute) {
            case 0 -> "NonCached";
            case 1 -> "Cached";
            case 2 -> "WriteComb";
            default -> "NotMapped";
        };
    }

    private static String name(PageLocation location) {
        return switch (location) {
            case ZEROED -> "Zeroed";
            case FREE -> "Free";
            case STANDBY -> "Standby";
            case MODIFIED -> "Modified";
            case MODIFIED_NO_WRITE -> "ModNoWrite";
            case BAD -> "Bad";
            case ACTIVE -> "Active";
            case TRANSITION -> "Transition";
        };
    }
}
