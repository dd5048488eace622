package org.vadose.debug;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.vadose.base.Hex;
import org.vadose.debug.Command.Argument;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.layout.MmpfnLayout;
import org.vadose.layout.SubsectionLayout;
import org.vadose.nt.ControlArea;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageLocation;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;
import org.vadose.nt.Vad;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** {@code !memusage}: what every page of RAM is used for, by the PFN database. */
final class MemoryUseCommand {
    private static final int SUMMARY_ONLY = 8;
    private static final int KB_A_PAGE = 4;

    /** Pages behind one control area, in KB. */
    private static final class Use {
        long valid;
        long standby;
        long dirty;
        long shared;
        long locked;
        long pageTables;
    }

    private MemoryUseCommand() {}

    static void register(CommandTable table) {
        table.add(
                "!memusage",
                "[flags]",
                "Show what RAM is used for (flags: 8 summary)",
                Argument.NONE,
                MemoryUseCommand::run);
    }

    private static void run(Debugger debugger, String text) {
        int flags = text.isEmpty() ? 0 : (int) debugger.evaluate(text);
        Printer out = debugger.out();
        TargetMemory kernel = debugger.target().kernel();
        long database = kernel.readLong(debugger.target().kernelAddress(KernelSymbols.MM_PFN_DATABASE));
        long visible = debugger.target().kernelAddress(KernelSymbols.MI_SYSTEM_PARTITION) + MiPartitionLayout.VP;
        long frames = kernel.readLong(visible + MiVisiblePartitionLayout.NUMBER_OF_PHYSICAL_PAGES);
        long[] counts = new long[PageLocation.values().length];
        long unknown = 0;
        Map<Long, Use> byArea = new TreeMap<>(Long::compareUnsigned);
        NavigableMap<Long, Long> prototypes = pageFileSections(debugger);
        Use processes = new Use();
        out.line(" loading PFN database");
        out.line("loading (100% complete)");
        for (long frame = 0; frame < frames; frame++) {
            out.checkCancelled();
            try {
                Pfn pfn = new Pfn(kernel, database + frame * MmpfnLayout.SIZE);
                PageLocation location = pfn.location();
                counts[location.ordinal()]++;
                count(pfn, location, kernel, prototypes, byArea, processes);
            } catch (UnreadableMemoryException e) {
                unknown++;
            }
        }
        long total = unknown;
        out.line("Compiling memory usage data (100% Complete).");
        for (Object[] row : new Object[][] {
            {"Zeroed", PageLocation.ZEROED},
            {"Free", PageLocation.FREE},
            {"Standby", PageLocation.STANDBY},
            {"Modified", PageLocation.MODIFIED},
            {"ModifiedNoWrite", PageLocation.MODIFIED_NO_WRITE},
            {"Active/Valid", PageLocation.ACTIVE},
            {"Transition", PageLocation.TRANSITION},
            {"Bad", PageLocation.BAD}
        }) {
            long pages = counts[((PageLocation) row[1]).ordinal()];
            total += pages;
            if (row[0].equals("Bad")) {
                line(out, "SLIST/Temp", 0);
            }
            line(out, (String) row[0], pages);
        }
        line(out, "Unknown", unknown);
        line(out, "TOTAL", total);
        if ((flags & SUMMARY_ONLY) != 0) {
            return;
        }
        out.line();
        out.line("  Usage Summary (in Kb):");
        out.line("Control       Valid Standby Dirty Shared Locked PageTables  name");
        List<Map.Entry<Long, Use>> areas = new ArrayList<>(byArea.entrySet());
        areas.sort(Comparator.comparingLong(
                        (Map.Entry<Long, Use> e) -> e.getValue().valid + e.getValue().standby + e.getValue().dirty)
                .reversed());
        for (Map.Entry<Long, Use> area : areas) {
            row(out, Hex.address(area.getKey()), area.getValue(), name(kernel, area.getKey()));
        }
        row(out, "             ---", processes, "process and system private memory");
    }

    private static void count(
            Pfn pfn,
            PageLocation location,
            TargetMemory kernel,
            NavigableMap<Long, Long> prototypes,
            Map<Long, Use> byArea,
            Use processes) {
        if (location == PageLocation.ZEROED || location == PageLocation.FREE || location == PageLocation.BAD) {
            return;
        }
        long area = pfn.isPrototype() ? controlArea(kernel, prototypes, pfn) : 0;
        Use use = area == 0 ? processes : byArea.computeIfAbsent(area, a -> new Use());
        switch (location) {
            case STANDBY -> use.standby += KB_A_PAGE;
            case MODIFIED, MODIFIED_NO_WRITE -> use.dirty += KB_A_PAGE;
            default -> {
                use.valid += KB_A_PAGE;
                use.shared += pfn.isPrototype() && pfn.shareCount() > 1 ? KB_A_PAGE : 0;
                use.locked += pfn.referenceCount() > 1 ? KB_A_PAGE : 0;
            }
        }
    }

    /** Where the prototype PTEs of mapped sections without a file are: first address, control area. */
    private static NavigableMap<Long, Long> pageFileSections(Debugger debugger) {
        TargetMemory kernel = debugger.target().kernel();
        NavigableMap<Long, Long> found = new TreeMap<>(Long::compareUnsigned);
        for (Eprocess process : debugger.processes()) {
            try {
                for (Vad vad : new Regions(debugger, process).vads()) {
                    long area = vad.isPrivate() ? 0 : FileNames.controlArea(kernel, vad.subsection());
                    if (area != 0 && !new ControlArea(kernel, area).isFile()) {
                        found.put(new ControlArea(kernel, area).segment().prototypePtes(), area);
                    }
                }
            } catch (UnreadableMemoryException e) {
                // Its pages count as nobody's in particular.
            }
        }
        return found;
    }

    /**
     * The control area a page belongs to. What backs a file's page names its subsection; of one without a file the prototype PTE is
     * among those of a mapped section.
     */
    private static long controlArea(TargetMemory kernel, NavigableMap<Long, Long> prototypes, Pfn pfn) {
        long original = pfn.originalPte();
        if (Pte.kind(original) != Pte.Kind.PROTOTYPE) {
            Map.Entry<Long, Long> section = prototypes.floorEntry(pfn.pteAddress());
            if (section == null) {
                return 0;
            }
            long pages = new ControlArea(kernel, section.getValue()).segment().pages();
            return pfn.pteAddress() - section.getKey() < pages * Long.BYTES ? section.getValue() : 0;
        }
        long subsection = Pte.prototypeAddress(original);
        return kernel.isReadable(subsection) ? kernel.readLong(subsection + SubsectionLayout.CONTROL_AREA) : 0;
    }

    private static String name(TargetMemory kernel, long area) {
        try {
            long file = FileNames.fileObject(kernel, area);
            if (file == 0) {
                return "Page File Section";
            }
            String path = FileNames.name(kernel, file);
            return "mapped_file( " + path.substring(path.lastIndexOf('\\') + 1) + " )";
        } catch (UnreadableMemoryException e) {
            return "No name for file";
        }
    }

    private static void line(Printer out, String name, long pages) {
        out.line(String.format(Locale.ROOT, "%19s: %8d (%8d kb)", name, pages, pages * KB_A_PAGE));
    }

    private static void row(Printer out, String area, Use use, String name) {
        out.line(String.format(
                Locale.ROOT,
                "%s %6d %6d %5d %5d %5d %5d  %s",
                area,
                use.valid,
                use.standby,
                use.dirty,
                use.shared,
                use.locked,
                use.pageTables,
                name));
    }
}
