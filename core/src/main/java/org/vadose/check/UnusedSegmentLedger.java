package org.vadose.check;

import java.util.LinkedHashSet;
import java.util.Set;
import org.vadose.base.Hex;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiPartitionSegmentsLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ControlArea;
import org.vadose.nt.ListEntry;
import org.vadose.nt.Segment;
import org.vadose.nt.Subsection;

/** The list of control areas that nobody uses: its links, that each is a file's without section or view, and their paged pool. */
final class UnusedSegmentLedger {
    private static final int MOST = 1 << 20;

    private final Memory kernel;
    private final long segments;
    private final Findings findings;
    private final Set<Long> areas = new LinkedHashSet<>();

    UnusedSegmentLedger(Memory kernel, long kernelBase, Findings findings) {
        this.kernel = kernel;
        this.segments = kernelBase + KernelSymbols.MI_SYSTEM_PARTITION + MiPartitionLayout.SEGMENTS;
        this.findings = findings;
    }

    /** Reads the list. */
    void read() {
        long head = segments + MiPartitionSegmentsLayout.UNUSED_SEGMENT_LIST;
        if (new ListEntry(kernel, head).flink() == 0) {
            return;
        }
        long previous = head;
        long bytes = 0;
        for (long link : new ListEntry(kernel, head).entries(MOST)) {
            findings.expectEqual("Blink in UnusedSegmentList", link, previous, new ListEntry(kernel, link).blink());
            previous = link;
            ControlArea area = ControlArea.ofViews(kernel, link);
            areas.add(area.address());
            if (!area.isUnused() || !area.isFile()) {
                findings.add(
                        "control area in use is on the list of unused ones controlArea=" + Hex.address(area.address())
                                + " sections=" + area.sectionReferences() + " views=" + area.mappedViews());
            }
            bytes += pagedPool(area);
        }
        long counter = segments + MiPartitionSegmentsLayout.UNUSED_SEGMENT_PAGED_POOL;
        findings.expectEqual("UnusedSegmentPagedPool", counter, bytes, kernel.readLong(counter));
    }

    private long pagedPool(ControlArea area) {
        if (area.isImage()) {
            return Segment.SIZE + area.segment().pages() * Long.BYTES;
        }
        long bytes = Segment.SIZE_OF_MAPPED_FILE;
        for (long at = area.firstSubsection().address(); at != 0 && bytes >>> 40 == 0; ) {
            Subsection part = new Subsection(kernel, at);
            bytes += part.pages() * Long.BYTES;
            at = part.next();
        }
        return bytes;
    }

    boolean contains(long controlArea) {
        return areas.contains(controlArea);
    }

    Set<Long> controlAreas() {
        return areas;
    }
}
