package org.vadose.check;

import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.FileObjectLayout;
import org.vadose.layout.MmvadLayout;
import org.vadose.layout.SectionObjectPointersLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ControlArea;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;
import org.vadose.nt.Segment;
import org.vadose.nt.Subsection;
import org.vadose.nt.Vad;
import org.vadose.target.UnreadableMemoryException;

/** One control area: its counts, its views, its subsections, and every prototype PTE of it. */
final class SectionCheck {
    private static final int MOST_VIEWS = 1 << 20;
    private static final int MOST_SUBSECTIONS = 1 << 16;

    private final Memory kernel;
    private final FrameLedger ledger;
    private final Findings findings;
    private long pages;
    private long committed;
    private long fromFile;

    SectionCheck(Memory kernel, FrameLedger ledger, Findings findings) {
        this.kernel = kernel;
        this.ledger = ledger;
        this.findings = findings;
    }

    /**
     * @param views how many VADs name the control area
     * @param cacheViews how many views of the system cache show it
     * @param isListedUnused whether it is on the list of those that nobody uses, so that it has no list of views
     */
    void run(long address, long views, long cacheViews, boolean isListedUnused) {
        ControlArea area = new ControlArea(kernel, address);
        try {
            counts(area, views, cacheViews);
            if (views + cacheViews == 0 && area.sectionReferences() == 0 && !isListedUnused) {
                findings.add("control area that nobody uses controlArea=" + Hex.address(address));
            } else if (!isListedUnused) {
                viewList(area, views);
            }
            subsections(area);
            segment(area, area.segment());
            file(area);
        } catch (UnreadableMemoryException | IllegalStateException e) {
            findings.add("control area cannot be read controlArea=" + Hex.address(address) + " " + e.getMessage());
        }
    }

    private void counts(ControlArea area, long views, long cacheViews) {
        findings.expectEqual("NumberOfMappedViews", area.address(), views + cacheViews, area.mappedViews());
        if (!area.isImage()) {
            findings.expectEqual("NumberOfSystemCacheViews", area.address(), cacheViews, area.systemCacheViews());
        }
        long userSections = area.userReferences() - views;
        if (userSections < 0 || userSections > area.sectionReferences()) {
            findings.add("user references fit neither views nor sections controlArea=" + Hex.address(area.address())
                    + " user=" + area.userReferences() + " views=" + views + " sections=" + area.sectionReferences());
        }
    }

    private void viewList(ControlArea area, long views) {
        long[] links = area.views().entries(MOST_VIEWS);
        findings.expectEqual("views on the list", area.address(), views, links.length);
        for (long link : links) {
            Vad vad = new Vad(kernel, link - MmvadLayout.VIEW_LINKS);
            long owner = new Subsection(kernel, vad.subsection()).controlArea().address();
            findings.expectEqual("control area of a listed view", vad.address(), area.address(), owner);
        }
    }

    private void subsections(ControlArea area) {
        boolean isDataFile = area.isFile() && !area.isImage();
        int count = 0;
        for (long at = area.firstSubsection().address(); at != 0; ) {
            Subsection part = new Subsection(kernel, at);
            findings.expectEqual(
                    "subsection's control area",
                    at,
                    area.address(),
                    part.controlArea().address());
            if (isDataFile) {
                findings.expectEqual("StartingSector", at, pages, part.startingPage());
            }
            long before = fromFile;
            for (long i = 0; i < part.pages(); i++) {
                prototype(part.base() + i * Long.BYTES, part);
            }
            if (isDataFile) {
                findings.expectEqual("subsection's NumberOfPfnReferences", at, fromFile - before, part.pfnReferences());
            }
            pages += part.pages();
            at = part.next();
            count++;
            if (count > MOST_SUBSECTIONS) {
                findings.add("subsections do not end controlArea=" + Hex.address(area.address()));
                return;
            }
        }
    }

    private void prototype(long address, Subsection part) {
        long prototype = kernel.readLong(address);
        committed += prototype != 0 ? 1 : 0;
        if (!Pte.holdsFrame(prototype)) {
            return;
        }
        long frame = Pte.frame(prototype);
        if (!ledger.isRam(frame)) {
            findings.add("prototype's page outside RAM at=" + Hex.address(address));
            return;
        }
        Pfn pfn = ledger.pfn(frame);
        if (!pfn.isPrototype() || pfn.pteAddress() != address) {
            findings.add("prototype's frame points elsewhere pfn=" + Hex.plain(frame) + " pteAddress="
                    + Hex.address(pfn.pteAddress()) + " prototype at=" + Hex.address(address));
        }
        if (Pte.kind(pfn.originalPte()) == Pte.Kind.PROTOTYPE) {
            fromFile++;
            findings.expectEqual(
                    "subsection that OriginalPte names",
                    pfn.address(),
                    part.address(),
                    Pte.prototypeAddress(pfn.originalPte()));
        }
    }

    /** All frames are there, each large page's in a row; elsewhere none is held by its section. */
    private void largePages(Segment segment) {
        long first = 0;
        for (long page = 0; page < segment.pages(); page++) {
            long prototype = kernel.readLong(segment.prototypePtes() + page * Long.BYTES);
            long frame = Pte.frame(prototype);
            boolean isThere = Pte.kind(prototype) == Pte.Kind.VALID
                    && ledger.isRam(frame)
                    && ledger.pfn(frame).isResident();
            long within = page % (Pages.LARGE_SIZE >>> Pages.SHIFT);
            first = within == 0 ? frame : first;
            if (!isThere || frame != first + within || first % (Pages.LARGE_SIZE >>> Pages.SHIFT) != 0) {
                findings.add("large page of a section is not whole segment=" + Hex.address(segment.address()) + " page="
                        + Hex.plain(page) + " prototype=" + Hex.address(prototype));
                return;
            }
        }
    }

    private void segment(ControlArea area, Segment segment) {
        long at = segment.address();
        findings.expectEqual(
                "segment's control area",
                at,
                area.address(),
                segment.controlArea().address());
        findings.expectEqual("SizeOfSegment", at, segment.pages() * Pages.SIZE, segment.sizeBytes());
        if (area.isImage()) {
            return;
        }
        findings.expectEqual("TotalNumberOfPtes", at, pages, segment.pages());
        if (area.isFile()) {
            findings.expectEqual("NumberOfPfnReferences", area.address(), fromFile, area.pfnReferences());
            findings.expectEqual("pages committed for a data file", at, 0, segment.committedPages());
            return;
        }
        if (segment.isLargePages()) {
            largePages(segment);
        }
        findings.expectEqual("NumberOfCommittedPages", at, committed, segment.committedPages());
        if ((area.flags() & ControlArea.FLAG_COMMIT) != 0) {
            findings.expectEqual("committed section's pages", at, pages, committed);
        }
        if (PageProtection.toPage(segment.defaultProtection()) == PageProtection.PAGE_NOACCESS) {
            findings.add("section gives no access segment=" + Hex.address(at));
        }
    }

    /** All file objects of a data file lead to its control area. */
    private void file(ControlArea area) {
        long file = area.fileObject();
        long pointers = file == 0 ? 0 : kernel.readLong(file + FileObjectLayout.SECTION_OBJECT_POINTER);
        if (pointers == 0) {
            return;
        }
        if (area.isImage()) {
            long named = kernel.readLong(pointers + SectionObjectPointersLayout.IMAGE_SECTION_OBJECT);
            if (named != 0) {
                findings.expectEqual("ImageSectionObject of " + Hex.address(file), pointers, area.address(), named);
            }
            return;
        }
        long named = kernel.readLong(pointers + SectionObjectPointersLayout.DATA_SECTION_OBJECT);
        findings.expectEqual("DataSectionObject of " + Hex.address(file), pointers, area.address(), named);
    }
}
