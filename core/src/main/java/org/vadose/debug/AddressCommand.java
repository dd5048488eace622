package org.vadose.debug;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.vadose.base.Hex;
import org.vadose.debug.Command.Argument;
import org.vadose.debug.Regions.Region;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.NtTibLayout;
import org.vadose.layout.PebLayout;
import org.vadose.layout.TebLayout;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.PageProtection;
import org.vadose.nt.SharedUserData;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** {@code !address}: what the user half of a process's address space is used for. */
final class AddressCommand {
    private static final int MAXIMUM_THREADS = 1 << 16;
    private static final int MAXIMUM_HEAPS = 1 << 12;
    private static final long TEB_BYTES = 0x2000;

    private final Debugger debugger;
    private final Printer out;
    private final Eprocess process;
    private final Regions regions;
    private final Map<Long, String> heaps = new LinkedHashMap<>();
    private final List<Ethread> threads = new ArrayList<>();

    private AddressCommand(Debugger debugger) {
        this.debugger = debugger;
        this.out = debugger.out();
        this.process = debugger.requireProcess();
        this.regions = new Regions(debugger, process);
        findHeaps();
        for (long link : Lists.readable(process.threadListHead(), MAXIMUM_THREADS)) {
            threads.add(Ethread.ofThreadListEntry(process.memory(), link));
        }
    }

    static void register(CommandTable table) {
        table.add(
                "!address",
                "[-summary] [-f:filter,...] [address]",
                "Show what a process's addresses are used for",
                Argument.EXPRESSION,
                (d, a) -> new AddressCommand(d).run(a));
    }

    private void run(String text) {
        Arguments words = new Arguments(text);
        List<String> filters = new ArrayList<>();
        boolean summaryOnly = false;
        while (words.hasNext() && String.valueOf(words.peek()).startsWith("-")) {
            String word = words.next();
            if (word.equals("-summary")) {
                summaryOnly = true;
            } else if (word.startsWith("-f:")) {
                filters.addAll(List.of(word.substring(3).split(",")));
            } else {
                throw new CommandException("usage: !address [-summary] [-f:filter,...] [address]");
            }
        }
        long highest = highest();
        List<Region> all = regions.all(highest);
        if (words.hasNext()) {
            one(debugger.evaluate(words.rest()), all);
            return;
        }
        List<Region> shown = all.stream().filter(r -> isWanted(r, filters)).toList();
        if (!summaryOnly) {
            list(shown);
        }
        if (filters.isEmpty()) {
            summaries(all);
        }
    }

    /** Last byte a program may reach; of a system process, which has no user half, the same. */
    private long highest() {
        long highest = process.memory().readLong(process.address() + EprocessLayout.HIGHEST_USER_ADDRESS);
        return (highest & 1) == 0 ? highest - 1 : highest;
    }

    private boolean isWanted(Region region, List<String> filters) {
        for (String filter : filters) {
            boolean matches = usage(region).replace("<", "").replace(">", "").equalsIgnoreCase(filter)
                    || stateName(region).equalsIgnoreCase(filter)
                    || typeName(region).equalsIgnoreCase(filter)
                    || protectName(region.protect()).equalsIgnoreCase(filter);
            if (!matches) {
                return false;
            }
        }
        return true;
    }

    // --- what a region is for ---

    private void findHeaps() {
        TargetMemory memory = debugger.memory();
        try {
            long peb = process.peb();
            if (peb == 0) {
                return;
            }
            long count = Math.min(memory.readUnsignedInt(peb + PebLayout.NUMBER_OF_HEAPS), MAXIMUM_HEAPS);
            long table = memory.readLong(peb + PebLayout.PROCESS_HEAPS);
            for (int i = 0; i < count; i++) {
                heaps.put(memory.readLong(table + 8L * i), "ID: " + i + "; Handle: ");
            }
        } catch (UnreadableMemoryException e) {
            heaps.clear();
        }
    }

    private String usage(Region region) {
        if (region.state() == Regions.FREE) {
            return "Free";
        }
        if (region.type() == Regions.IMAGE) {
            return "Image";
        }
        if (heaps.containsKey(region.allocation())) {
            return "Heap";
        }
        if (region.type() == Regions.MAPPED) {
            return "MappedFile";
        }
        for (Ethread thread : threads) {
            long teb = thread.teb();
            if (teb != 0 && isStackOf(region, teb)) {
                return "Stack";
            }
            if (teb >= region.base() && teb < region.end() && region.sizeBytes() <= TEB_BYTES * threads.size()) {
                return "TEB";
            }
        }
        if (process.peb() >= region.base() && process.peb() < region.end()) {
            return "PEB";
        }
        return region.base() == SharedUserData.USER_ADDRESS ? "Other" : "<unknown>";
    }

    private boolean isStackOf(Region region, long teb) {
        try {
            long low = debugger.memory().readLong(teb + TebLayout.DEALLOCATION_STACK);
            long high = debugger.memory().readLong(teb + TebLayout.NT_TIB + NtTibLayout.STACK_BASE);
            return region.base() >= low && region.base() < high;
        } catch (UnreadableMemoryException e) {
            return false;
        }
    }

    private String about(Region region) {
        switch (usage(region)) {
            case "Image" -> {
                Module module = debugger.modules().containing(region.base());
                return module == null ? "" : "[" + module.name() + "; \"" + module.path() + "\"]";
            }
            case "Heap" -> {
                return "[" + heaps.get(region.allocation()) + Hex.address(region.allocation()) + "; Type: Segment]";
            }
            case "Stack", "TEB" -> {
                for (int i = 0; i < threads.size(); i++) {
                    long teb = threads.get(i).teb();
                    boolean isIts = usage(region).equals("TEB")
                            ? teb >= region.base() && teb < region.end()
                            : teb != 0 && isStackOf(region, teb);
                    if (isIts) {
                        return "[~" + i + "; " + Hex.plain(threads.get(i).uniqueProcessId()) + "."
                                + Hex.plain(threads.get(i).uniqueThreadId()) + "]";
                    }
                }
                return "";
            }
            case "PEB" -> {
                return "[" + Hex.plain(process.uniqueProcessId()) + "]";
            }
            case "MappedFile" -> {
                long area = regions.controlArea(region);
                long file =
                        area == 0 ? 0 : FileNames.fileObject(debugger.target().kernel(), area);
                return file == 0
                        ? ""
                        : "\"" + FileNames.nameAndDevice(debugger.target().kernel(), file) + "\"";
            }
            case "Other" -> {
                return "[User Shared Data]";
            }
            default -> {
                return "";
            }
        }
    }

    private static String stateName(Region region) {
        return switch (region.state()) {
            case Regions.COMMIT -> "MEM_COMMIT";
            case Regions.RESERVE -> "MEM_RESERVE";
            default -> "MEM_FREE";
        };
    }

    private static String typeName(Region region) {
        return switch (region.type()) {
            case Regions.PRIVATE -> "MEM_PRIVATE";
            case Regions.MAPPED -> "MEM_MAPPED";
            case Regions.IMAGE -> "MEM_IMAGE";
            default -> "";
        };
    }

    private static String protectName(int protect) {
        String access = switch (protect & 0xFF) {
            case 0 -> "";
            case PageProtection.PAGE_NOACCESS -> "PAGE_NOACCESS";
            case PageProtection.PAGE_READONLY -> "PAGE_READONLY";
            case PageProtection.PAGE_READWRITE -> "PAGE_READWRITE";
            case PageProtection.PAGE_WRITECOPY -> "PAGE_WRITECOPY";
            case PageProtection.PAGE_EXECUTE -> "PAGE_EXECUTE";
            case PageProtection.PAGE_EXECUTE_READ -> "PAGE_EXECUTE_READ";
            case PageProtection.PAGE_EXECUTE_READWRITE -> "PAGE_EXECUTE_READWRITE";
            default -> "PAGE_EXECUTE_WRITECOPY";
        };
        return access
                + ((protect & PageProtection.PAGE_GUARD) != 0 ? " | PAGE_GUARD" : "")
                + ((protect & PageProtection.PAGE_NOCACHE) != 0 ? " | PAGE_NOCACHE" : "")
                + ((protect & PageProtection.PAGE_WRITECOMBINE) != 0 ? " | PAGE_WRITECOMBINE" : "");
    }

    // --- printing ---

    private void one(long address, List<Region> all) {
        Region region = all.stream()
                .filter(r -> Long.compareUnsigned(address, r.base()) >= 0 && Long.compareUnsigned(address, r.end()) < 0)
                .findFirst()
                .orElseThrow(() -> new CommandException("No user-mode region includes " + Hex.address(address)));
        out.line();
        row("Usage:", usage(region));
        row("Base Address:", Hex.ticked(region.base()));
        row("End Address:", Hex.ticked(region.end()));
        row("Region Size:", Hex.ticked(region.sizeBytes()) + " (" + size(region.sizeBytes()) + ")");
        row("State:", Hex.digits(region.state(), 8) + "          " + stateName(region));
        row(
                "Protect:",
                region.protect() == 0
                        ? "<info not present at the target>"
                        : Hex.digits(region.protect(), 8) + "          " + protectName(region.protect()));
        if (region.type() == 0) {
            row("Type:", "<info not present at the target>");
        } else {
            row("Type:", Hex.digits(region.type(), 8) + "          " + typeName(region));
            row("Allocation Base:", Hex.ticked(region.allocation()));
            row(
                    "Allocation Protect:",
                    Hex.digits(region.allocationProtect(), 8) + "          " + protectName(region.allocationProtect()));
        }
        Module module = region.type() == Regions.IMAGE ? debugger.modules().containing(address) : null;
        if (module != null) {
            row("Image Path:", module.path());
            row("Module Name:", module.name());
        } else if (!about(region).isEmpty()) {
            row("More info:", about(region));
        }
    }

    private void row(String name, String value) {
        out.line(TypePrinter.pad(name, 23) + " " + value);
    }

    private void list(List<Region> shown) {
        out.line();
        out.line("        BaseAddress      EndAddress+1        RegionSize     Type       State                 "
                + "Protect             Usage");
        out.line("-".repeat(122));
        long before = -1;
        for (Region region : shown) {
            boolean begins = region.allocation() != before || region.allocation() == 0;
            before = region.allocation();
            out.line(String.format(
                            Locale.ROOT,
                            "%s %17s %17s %17s %-11s %-11s %-34s %-10s %s",
                            begins ? "+" : " ",
                            shortTick(region.base()),
                            shortTick(region.end()),
                            shortTick(region.sizeBytes()),
                            typeName(region),
                            stateName(region),
                            protectName(region.protect()),
                            usage(region),
                            about(region))
                    .stripTrailing());
        }
    }

    /** {@code 7ff7`876b0000}. */
    private static String shortTick(long value) {
        return String.format(Locale.ROOT, "%x`%08x", value >>> 32, value & 0xFFFF_FFFFL);
    }

    private static String size(long bytes) {
        String[] units = {"  B", " kB", " MB", " GB", " TB"};
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < units.length - 1) {
            value /= 1024;
            unit++;
        }
        return String.format(Locale.ROOT, "%7.3f%s", value, units[unit]);
    }

    private void summaries(List<Region> all) {
        summary("Usage Summary", all, this::usage);
        List<Region> busy = all.stream().filter(r -> r.state() != Regions.FREE).toList();
        summary("Type Summary (for busy)", busy, AddressCommand::typeName);
        summary("State Summary", all, AddressCommand::stateName);
        summary(
                "Protect Summary (for commit)",
                all.stream().filter(r -> r.state() == Regions.COMMIT).toList(),
                r -> protectName(r.protect()));
        out.line();
        out.line("--- Largest Region by Usage ----------- Base Address -------- Region Size ----------");
        Map<String, Region> largest = new LinkedHashMap<>();
        for (Region region : all) {
            largest.merge(usage(region), region, (a, b) -> b.sizeBytes() > a.sizeBytes() ? b : a);
        }
        largest.entrySet().stream()
                .sorted(Comparator.comparingLong(
                                (Map.Entry<String, Region> e) -> e.getValue().sizeBytes())
                        .reversed())
                .forEach(e -> out.line(String.format(
                        Locale.ROOT,
                        "%-38s %17s %17s (%s)",
                        e.getKey(),
                        shortTick(e.getValue().base()),
                        shortTick(e.getValue().sizeBytes()),
                        size(e.getValue().sizeBytes()))));
    }

    private void summary(String title, List<Region> chosen, Function<Region, String> name) {
        long busy = 0;
        Map<String, long[]> rows = new LinkedHashMap<>();
        for (Region region : chosen) {
            long[] row = rows.computeIfAbsent(name.apply(region), n -> new long[2]);
            row[0]++;
            row[1] += region.sizeBytes();
            busy += region.state() == Regions.FREE ? 0 : region.sizeBytes();
        }
        out.line();
        out.line("--- " + title + " " + "-".repeat(Math.max(1, 30 - title.length()))
                + " RgnCount ----------- Total Size -------- %ofBusy %ofTotal");
        long allBusy = busy;
        long everything = highest() + 1;
        rows.entrySet().stream()
                .sorted(Comparator.comparingLong((Map.Entry<String, long[]> e) -> e.getValue()[1])
                        .reversed())
                .forEach(e -> out.line(String.format(
                        Locale.ROOT,
                        "%-38s %4d %17s (%s) %8s  %6.2f%%",
                        e.getKey(),
                        e.getValue()[0],
                        shortTick(e.getValue()[1]),
                        size(e.getValue()[1]),
                        isFree(e.getKey())
                                ? ""
                                : String.format(Locale.ROOT, "%6.2f%%", 100.0 * e.getValue()[1] / Math.max(1, allBusy)),
                        100.0 * e.getValue()[1] / everything)));
    }

    private static boolean isFree(String name) {
        return name.equals("Free") || name.equals("MEM_FREE");
    }
}
