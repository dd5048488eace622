package org.vadose.mm;

import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiPartitionSegmentsLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ControlArea;
import org.vadose.nt.ListEntry;
import org.vadose.nt.Segment;
import org.vadose.nt.Subsection;

/**
 * Control areas of files that nobody has open or mapped and that still have pages in RAM, on standby: whoever opens the file again
 * finds them there.
 *
 * <pre>
 *  MiSystemPartition.Segments.UnusedSegmentList      head; the area that was put aside first is first
 *  _CONTROL_AREA.ListHead                            links: without views it heads no list
 *  MiSystemPartition.Segments.UnusedSegmentPagedPool bytes of their segments and prototype PTEs
 * </pre>
 *
 * The fields are the build's; that {@code ListHead} serves as link and that the counter is of bytes is inferred from them.
 */
final class UnusedSegments {
    private final Memory memory;
    private final long head;
    private final long pagedPool;

    UnusedSegments(Memory memory, long kernelBase) {
        this.memory = memory;
        long segments = kernelBase + KernelSymbols.MI_SYSTEM_PARTITION + MiPartitionLayout.SEGMENTS;
        this.head = segments + MiPartitionSegmentsLayout.UNUSED_SEGMENT_LIST;
        this.pagedPool = segments + MiPartitionSegmentsLayout.UNUSED_SEGMENT_PAGED_POOL;
        new ListEntry(memory, head).initialize();
    }

    /** Bytes of paged pool that are theirs. */
    long pagedPoolBytes() {
        return memory.readLong(pagedPool);
    }

    void add(ControlArea area) {
        new ListEntry(memory, head).insertTail(area.views().address());
        memory.writeLong(pagedPool, pagedPoolBytes() + bytesOf(area));
    }

    /** Takes an area off the list; somebody uses it again, or it goes. */
    void remove(ControlArea area) {
        area.views().remove();
        area.views().initialize();
        memory.writeLong(pagedPool, pagedPoolBytes() - bytesOf(area));
    }

    /** The area that is on the list for the longest time, 0 when there is none. */
    long first() {
        return next(head);
    }

    /** The area behind another on the list, 0 behind the last. */
    long after(ControlArea area) {
        return next(area.views().address());
    }

    private long next(long link) {
        long next = new ListEntry(memory, link).flink();
        return next == head ? 0 : ControlArea.ofViews(memory, next).address();
    }

    private long bytesOf(ControlArea area) {
        if (area.isImage()) {
            return Segment.SIZE + area.segment().pages() * Long.BYTES;
        }
        long bytes = Segment.SIZE_OF_MAPPED_FILE;
        for (long at = area.firstSubsection().address(); at != 0; ) {
            Subsection part = new Subsection(memory, at);
            bytes += part.pages() * Long.BYTES;
            at = part.next();
        }
        return bytes;
    }
}
