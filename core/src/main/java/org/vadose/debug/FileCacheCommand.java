package org.vadose.debug;

import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.debug.Command.Argument;
import org.vadose.layout.CcPartitionLayout;
import org.vadose.layout.EpartitionLayout;
import org.vadose.layout.FileObjectLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.layout.MmsupportInstanceLayout;
import org.vadose.layout.SharedCacheMapListCursorLayout;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.ListEntry;
import org.vadose.nt.PageLocation;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;
import org.vadose.nt.Section;
import org.vadose.nt.SelfMap;
import org.vadose.nt.SharedCacheMap;
import org.vadose.nt.Vacb;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** {@code !filecache}: the files that are cached, and what of them is in RAM. */
final class FileCacheCommand {
    private static final int MOST_FILES = 1 << 16;
    private static final long KILOBYTES_OF_A_PAGE = Pages.SIZE >>> 10;

    private final TargetMemory kernel;
    private final long kernelBase;
    private final SelfMap selfMap;
    private final long pfns;
    private final Printer out;

    /** Pages of one file that its views show. */
    private static final class Usage {
        long valid;
        long standby;
        long dirty;
        long shared;
    }

    private FileCacheCommand(Debugger debugger) {
        kernel = debugger.target().kernel();
        kernelBase = debugger.target().kernelBase();
        selfMap = SelfMap.of(kernel, kernelBase);
        pfns = kernel.readLong(kernelBase + KernelSymbols.MM_PFN_DATABASE);
        out = debugger.out();
    }

    static void register(CommandTable table) {
        table.add(
                "!filecache",
                "",
                "Show the system file cache: its size, and what it holds of each file",
                Argument.NONE,
                (d, a) -> new FileCacheCommand(d).print());
    }

    private void print() {
        long workingSet = kernelBase
                + KernelSymbols.MI_SYSTEM_PARTITION
                + MiPartitionLayout.VP
                + MiVisiblePartitionLayout.PARTITION_WS;
        out.line("***** Dump file cache******");
        out.line("File Cache Information");
        out.format("  Current size %d kb", kilobytes(workingSet + MmsupportInstanceLayout.WORKING_SET_SIZE));
        out.format("  Peak size    %d kb", kilobytes(workingSet + MmsupportInstanceLayout.PEAK_WORKING_SET_SIZE));
        out.format(
                "  %d mapped VACBs, %d free",
                kernel.readUnsignedInt(kernelBase + KernelSymbols.CC_NUMBER_OF_MAPPED_VACBS),
                kernel.readUnsignedInt(kernelBase + KernelSymbols.CC_NUMBER_OF_FREE_VACBS));
        out.line();
        out.line("  Usage Summary (in Kb):");
        out.format(
                "%-16s %8s %8s %8s %8s %8s  %-16s  %s",
                "Control", "Valid", "Standby", "Dirty", "Shared", "Locked", "FsContext", "Name");
        long object = kernel.readLong(kernelBase + KernelSymbols.PSP_SYSTEM_PARTITION);
        if (object == 0) {
            return;
        }
        long partition = kernel.readLong(object + EpartitionLayout.CC_PARTITION);
        list(partition + CcPartitionLayout.CLEAN_SHARED_CACHE_MAP_LIST);
        list(partition
                + CcPartitionLayout.DIRTY_SHARED_CACHE_MAP_LIST
                + SharedCacheMapListCursorLayout.SHARED_CACHE_MAP_LINKS);
    }

    private long kilobytes(long pagesAt) {
        return kernel.readLong(pagesAt) * KILOBYTES_OF_A_PAGE;
    }

    private void list(long head) {
        for (long links : new ListEntry(kernel, head).entries(MOST_FILES)) {
            SharedCacheMap map = SharedCacheMap.ofLinks(kernel, links);
            try {
                file(map);
            } catch (UnreadableMemoryException e) {
                out.line(Hex.address(map.address()) + "  shared cache map cannot be read: " + e.getMessage());
            }
        }
    }

    private void file(SharedCacheMap map) {
        Usage usage = new Usage();
        long views = map.sectionSize() >>> Vacb.VIEW_SHIFT;
        int left = map.mappedVacbs();
        for (long number = 0; number < views && left > 0; number++) {
            long vacb = map.vacb(number);
            if (vacb != 0) {
                left--;
                view(new Vacb(kernel, vacb), usage);
            }
        }
        long file = map.fileObject();
        out.format(
                "%s %8d %8d %8d %8d %8d  %s  %s",
                Hex.address(new Section(kernel, map.section()).controlArea().address()),
                usage.valid * KILOBYTES_OF_A_PAGE,
                usage.standby * KILOBYTES_OF_A_PAGE,
                usage.dirty * KILOBYTES_OF_A_PAGE,
                usage.shared * KILOBYTES_OF_A_PAGE,
                0,
                Hex.address(kernel.readLong(file + FileObjectLayout.FS_CONTEXT)),
                FileNames.name(kernel, file));
    }

    private void view(Vacb vacb, Usage usage) {
        for (long page = vacb.baseAddress(); page < vacb.baseAddress() + Vacb.VIEW_BYTES; page += Pages.SIZE) {
            long pte = kernel.readLong(selfMap.pte(page));
            if ((pte & X64PageTables.PRESENT) != 0) {
                Pfn pfn = pfn(pte);
                usage.valid++;
                usage.shared += pfn.shareCount() > 1 ? 1 : 0;
                usage.dirty += pfn.isModified() || (pte & X64PageTables.DIRTY) != 0 ? 1 : 0;
            } else if (Pte.kind(pte) == Pte.Kind.PROTOTYPE) {
                long prototype = kernel.readLong(Pte.prototypeAddress(pte));
                if (Pte.kind(prototype) == Pte.Kind.TRANSITION) {
                    boolean isStandby = pfn(prototype).location() == PageLocation.STANDBY;
                    usage.standby += isStandby ? 1 : 0;
                    usage.dirty += isStandby ? 0 : 1;
                }
            }
        }
    }

    private Pfn pfn(long pte) {
        return new Pfn(kernel, pfns + Pte.frame(pte) * Pfn.SIZE);
    }
}
