package org.vadose.check;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiAssignedRegionTypesValues;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiSystemVaAssignmentLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.layout.MiVisibleStateLayout;
import org.vadose.layout.MmsupportInstanceLayout;
import org.vadose.layout.VacbArrayHeaderLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.ControlArea;
import org.vadose.nt.ListEntry;
import org.vadose.nt.Pte;
import org.vadose.nt.Section;
import org.vadose.nt.SelfMap;
import org.vadose.nt.SharedCacheMap;
import org.vadose.nt.Subsection;
import org.vadose.nt.Vacb;
import org.vadose.target.UnreadableMemoryException;

/**
 * The views of the system cache and the pages in them: each view stands where its place in its array says and shows a part of a
 * file whose index leads back to it; each entry of its page tables names the prototype of its page or holds that page.
 */
final class CacheLedger {
    private static final int MOST_ARRAYS = 1 << 16;
    private static final int VIEW_PAGES = (int) (Vacb.VIEW_BYTES >>> Pages.SHIFT);

    private final Memory kernel;
    private final long kernelBase;
    private final SelfMap selfMap;
    private final Findings findings;
    private final long region;
    private final long regionBytes;
    private final Map<Long, Long> viewsByArea = new TreeMap<>();
    /** Views by their addresses. */
    private final Map<Long, Vacb> mapped = new TreeMap<>();

    private long validPages;
    private long free;

    CacheLedger(Memory kernel, long kernelBase, SelfMap selfMap, Findings findings) {
        this.kernel = kernel;
        this.kernelBase = kernelBase;
        this.selfMap = selfMap;
        this.findings = findings;
        long assignment = kernel.readLong(kernelBase + KernelSymbols.MI_VISIBLE_STATE)
                + MiVisibleStateLayout.SYSTEM_VA_REGIONS
                + MiAssignedRegionTypesValues.ASSIGNED_REGION_SYSTEM_CACHE * MiSystemVaAssignmentLayout.SIZE;
        region = kernel.readLong(assignment + MiSystemVaAssignmentLayout.BASE_ADDRESS);
        regionBytes = kernel.readLong(assignment + MiSystemVaAssignmentLayout.NUMBER_OF_BYTES);
    }

    /** Whether a PTE maps a page of the cache. */
    boolean contains(long pteAddress) {
        return Long.compareUnsigned(selfMap.mapped(pteAddress) - region, regionBytes) < 0;
    }

    /** How many views show a control area. */
    long views(long controlArea) {
        return viewsByArea.getOrDefault(controlArea, 0L);
    }

    /** Control areas that views show. */
    Set<Long> controlAreas() {
        return viewsByArea.keySet();
    }

    /** Reads all views. */
    void readViews() {
        long arrays = kernel.readLong(kernelBase + KernelSymbols.CC_VACB_ARRAYS);
        int count = kernel.readInt(kernelBase + KernelSymbols.CC_VACB_ARRAYS_ALLOCATED);
        if (arrays == 0 || count < 0 || count > MOST_ARRAYS) {
            if (count != 0) {
                findings.add("CcVacbArraysAllocated is impossible count=" + count);
            }
            return;
        }
        for (int i = 0; i < count; i++) {
            long array = kernel.readLong(arrays + i * (long) Long.BYTES);
            findings.expectEqual(
                    "VacbArrayIndex", array, i, kernel.readInt(array + VacbArrayHeaderLayout.VACB_ARRAY_INDEX));
            long inUse = 0;
            for (int n = 0; n < Vacb.IN_ARRAY; n++) {
                Vacb view = Vacb.at(kernel, array, n);
                findings.expectEqual("VACB's ArrayHead", view.address(), array, view.arrayHead());
                findings.expectEqual(
                        "VACB's BaseAddress",
                        view.address(),
                        region + ((long) i * Vacb.IN_ARRAY + n) * Vacb.VIEW_BYTES,
                        view.baseAddress());
                if (view.sharedCacheMap() == 0) {
                    free++;
                } else {
                    inUse++;
                    view(view);
                }
            }
            findings.expectEqual(
                    "VACBs in use", array, inUse, kernel.readInt(array + VacbArrayHeaderLayout.MAPPING_COUNT));
        }
        long[] listed =
                new ListEntry(kernel, kernelBase + KernelSymbols.CC_VACB_FREE_LIST).entries(count * Vacb.IN_ARRAY);
        for (long links : listed) {
            findings.expectEqual(
                    "file of a free VACB", links, 0, Vacb.ofLinks(kernel, links).sharedCacheMap());
        }
        findings.expectEqual("free VACBs", kernelBase, free, listed.length);
        symbol("CcNumberOfFreeVacbs", KernelSymbols.CC_NUMBER_OF_FREE_VACBS, free);
        symbol("CcNumberOfMappedVacbs", KernelSymbols.CC_NUMBER_OF_MAPPED_VACBS, mapped.size());
    }

    private void symbol(String name, long symbol, long expected) {
        findings.expectEqual(name, kernelBase + symbol, expected, kernel.readInt(kernelBase + symbol));
    }

    private void view(Vacb view) {
        mapped.put(view.baseAddress(), view);
        try {
            SharedCacheMap map = new SharedCacheMap(kernel, view.sharedCacheMap());
            long number = view.fileOffset() / Vacb.VIEW_BYTES;
            if (map.nodeType() != SharedCacheMap.NODE_TYPE || view.fileOffset() >= map.sectionSize()) {
                findings.add("VACB shows no part of a file vacb=" + Hex.address(view.address()) + " offset="
                        + Hex.plain(view.fileOffset()));
                return;
            }
            findings.expectEqual("VACB that the file's index names", view.address(), view.address(), map.vacb(number));
            findings.expectEqual("users of a VACB at rest", view.address(), 0, view.activeCount());
            ControlArea area = new Section(kernel, map.section()).controlArea();
            viewsByArea.merge(area.address(), 1L, Long::sum);
            entries(view, area);
        } catch (UnreadableMemoryException e) {
            findings.add("VACB cannot be followed vacb=" + Hex.address(view.address()) + " " + e.getMessage());
        }
    }

    private void entries(Vacb view, ControlArea area) {
        Subsection part = area.firstSubsection();
        long page = view.fileOffset() >>> Pages.SHIFT;
        for (int i = 0; i < VIEW_PAGES; i++, page++) {
            while (page - part.startingPage() >= part.pages()) {
                if (part.next() == 0) {
                    findings.add("VACB shows pages behind its section vacb=" + Hex.address(view.address()));
                    return;
                }
                part = new Subsection(kernel, part.next());
            }
            long prototype = part.base() + (page - part.startingPage()) * Long.BYTES;
            long at = selfMap.pte(view.baseAddress() + i * Pages.SIZE);
            long pte = kernel.readLong(at);
            if ((pte & X64PageTables.PRESENT) != 0) {
                long shared = kernel.readLong(prototype);
                if ((shared & X64PageTables.PRESENT) == 0 || Pte.frame(shared) != Pte.frame(pte)) {
                    findings.add("page of the cache is not the file's pte=" + Hex.address(at) + " prototype="
                            + Hex.address(shared) + " at=" + Hex.address(prototype));
                }
            } else {
                findings.expectEqual(
                        "prototype that an entry of the cache names", at, prototype, Pte.prototypeAddress(pte));
            }
        }
    }

    /** A valid PTE of the region. */
    void addPage(long pteAddress, long frame) {
        validPages++;
        long view = Pages.alignDown(selfMap.mapped(pteAddress), Vacb.VIEW_BYTES);
        if (!mapped.containsKey(view)) {
            findings.add("page of the cache in no view pte=" + Hex.address(pteAddress) + " pfn=" + Hex.plain(frame));
        }
    }

    /** All of the region's PTEs have been told. */
    void checkPages() {
        long workingSet = kernelBase
                + KernelSymbols.MI_SYSTEM_PARTITION
                + MiPartitionLayout.VP
                + MiVisiblePartitionLayout.PARTITION_WS;
        findings.expectEqual(
                "WorkingSetSize of the system cache",
                workingSet,
                validPages,
                kernel.readLong(workingSet + MmsupportInstanceLayout.WORKING_SET_SIZE));
    }
}
