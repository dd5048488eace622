package org.vadose.debug;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.vadose.base.Hex;
import org.vadose.debug.Command.Argument;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiPartitionPageListsLayout;
import org.vadose.layout.MiSystemVaAssignmentLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.layout.MiVisibleStateLayout;
import org.vadose.layout.MmpfnlistLayout;
import org.vadose.layout.TypeDefinition;
import org.vadose.layout.TypeTable;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PagingFile;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** {@code !vm}: the system's memory in numbers. */
final class VmCommand {
    private static final int NO_PROCESSES = 1;
    private static final int REGIONS = 0x20;
    private static final int MOST_FILES = 16;

    private VmCommand() {}

    static void register(CommandTable table) {
        table.add(
                "!vm",
                "[flags]",
                "Show memory use (flags: 1 no processes, 20 system regions)",
                Argument.NONE,
                VmCommand::run);
    }

    private static void run(Debugger debugger, String text) {
        int flags = text.isEmpty() ? 0 : (int) debugger.evaluate(text);
        Printer out = debugger.out();
        TargetMemory kernel = debugger.target().kernel();
        long partition = debugger.target().kernelAddress(KernelSymbols.MI_SYSTEM_PARTITION);
        long visible = partition + MiPartitionLayout.VP;
        long lists = partition + MiPartitionLayout.PAGE_LISTS;
        int files = kernel.readInt(visible + MiVisiblePartitionLayout.NUMBER_OF_PAGING_FILES);
        for (int i = 0; i < Math.min(files, MOST_FILES); i++) {
            pageFile(
                    out,
                    new PagingFile(kernel, kernel.readLong(visible + MiVisiblePartitionLayout.PAGING_FILE + 8L * i)));
        }
        out.line();
        row(out, "Physical Memory", kernel.readLong(visible + MiVisiblePartitionLayout.NUMBER_OF_PHYSICAL_PAGES));
        row(out, "Available Pages", kernel.readLong(visible + MiVisiblePartitionLayout.AVAILABLE_PAGES));
        row(out, "ResAvail Pages", kernel.readLong(visible + MiVisiblePartitionLayout.RESIDENT_AVAILABLE_PAGES));
        out.line();
        list(out, kernel, "Zeroed Pages", lists + MiPartitionPageListsLayout.ZEROED_PAGE_LIST_HEAD);
        list(out, kernel, "Free Pages", lists + MiPartitionPageListsLayout.FREE_PAGE_LIST_HEAD);
        list(out, kernel, "Modified Pages", visible + MiVisiblePartitionLayout.MODIFIED_PAGE_LIST_HEAD);
        list(out, kernel, "Modified NoWrite", visible + MiVisiblePartitionLayout.MODIFIED_NO_WRITE_PAGE_LIST_HEAD);
        out.line();
        row(out, "Shared Commit", kernel.readLong(visible + MiVisiblePartitionLayout.SHARED_COMMIT));
        row(out, "Committed pages", kernel.readLong(visible + MiVisiblePartitionLayout.TOTAL_COMMITTED_PAGES));
        row(out, "Commit limit", kernel.readLong(visible + MiVisiblePartitionLayout.TOTAL_COMMIT_LIMIT));
        if ((flags & NO_PROCESSES) == 0) {
            processes(debugger);
        }
        if ((flags & REGIONS) != 0) {
            regions(debugger);
        }
    }

    /** The virtual store's page file has no name. */
    private static void pageFile(Printer out, PagingFile file) {
        String name = file.name().text();
        out.line(name.isEmpty() ? "No Name for Paging File" : "Page File: " + name);
        sizes(out, "Current", file.size(), "Free Space", file.freeSpace());
        sizes(out, "Minimum", file.minimumSize(), "Maximum", file.maximumSize());
    }

    private static void sizes(Printer out, String first, long firstPages, String second, long secondPages) {
        out.line(String.format(
                Locale.ROOT, "  %s: %9d Kb  %-11s %9d Kb", first, firstPages * 4, second + ":", secondPages * 4));
    }

    private static void row(Printer out, String name, long pages) {
        out.line(String.format(Locale.ROOT, "%-24s %8d (%11d Kb)", name + ":", pages, pages * 4));
    }

    private static void list(Printer out, TargetMemory kernel, String name, long head) {
        row(out, name, kernel.readLong(head + MmpfnlistLayout.TOTAL));
    }

    private static void processes(Debugger debugger) {
        Printer out = debugger.out();
        out.line();
        out.line("  Pid ImageName                        Commit   SharedCommit        Debt");
        out.line();
        List<Eprocess> processes = debugger.processes();
        try {
            processes.sort(Comparator.comparingLong(Eprocess::commitCharge).reversed());
        } catch (UnreadableMemoryException e) {
            out.line("Some process cannot be read: " + e.reason());
        }
        for (Eprocess process : processes) {
            try {
                out.line(String.format(
                        Locale.ROOT,
                        "%5x %-24s %11d Kb %11d Kb %8d Kb",
                        process.uniqueProcessId(),
                        process.imageFileName(),
                        process.commitCharge() * 4,
                        0,
                        0));
            } catch (UnreadableMemoryException e) {
                out.line(Hex.address(process.address()) + " cannot be read: " + e.reason());
            }
        }
    }

    private static void regions(Debugger debugger) {
        Printer out = debugger.out();
        TargetMemory kernel = debugger.target().kernel();
        long state = kernel.readLong(debugger.target().kernelAddress(KernelSymbols.MI_VISIBLE_STATE));
        long regions = state + MiVisibleStateLayout.SYSTEM_VA_REGIONS;
        TypeDefinition.Enumeration names = TypeTable.kernel().enumeration("_MI_ASSIGNED_REGION_TYPES");
        out.line();
        out.line("System Region               Base Address    NumberOfBytes");
        out.line();
        if (names == null) {
            return;
        }
        for (TypeDefinition.Constant region : names.constants()) {
            long at = regions + region.value() * MiSystemVaAssignmentLayout.SIZE;
            long base = kernel.readLong(at + MiSystemVaAssignmentLayout.BASE_ADDRESS);
            long bytes = kernel.readLong(at + MiSystemVaAssignmentLayout.NUMBER_OF_BYTES);
            if (base != 0) {
                String name = region.name().replaceFirst("^AssignedRegion", "");
                out.line(String.format(Locale.ROOT, "%-22s: %016x %16x", name, base, bytes));
            }
        }
    }
}
