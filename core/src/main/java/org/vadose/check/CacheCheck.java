package org.vadose.check;

import org.vadose.base.Hex;
import org.vadose.layout.CcPartitionLayout;
import org.vadose.layout.DirtyPageStatisticsLayout;
import org.vadose.layout.EpartitionLayout;
import org.vadose.layout.FileObjectLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.SectionObjectPointersLayout;
import org.vadose.layout.SharedCacheMapListCursorLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ListEntry;
import org.vadose.nt.Mbcb;
import org.vadose.nt.PrivateCacheMap;
import org.vadose.nt.Section;
import org.vadose.nt.SharedCacheMap;
import org.vadose.target.UnreadableMemoryException;

/**
 * The files that are cached: a shared cache map is on the list that its dirty pages say, belongs to the file that names it, knows the
 * file objects that read through it, and its section is large enough for its file.
 */
final class CacheCheck {
    private static final int MOST = 1 << 20;

    private final Memory kernel;
    private final long kernelBase;
    private final Findings findings;
    private long dirty;

    CacheCheck(Memory kernel, long kernelBase, Findings findings) {
        this.kernel = kernel;
        this.kernelBase = kernelBase;
        this.findings = findings;
    }

    void run() {
        long object = kernel.readLong(kernelBase + KernelSymbols.PSP_SYSTEM_PARTITION);
        if (object == 0) {
            return;
        }
        long partition = kernel.readLong(object + EpartitionLayout.CC_PARTITION);
        findings.expectEqual(
                "object of the cache's partition",
                partition,
                object,
                kernel.readLong(partition + CcPartitionLayout.PARTITION_OBJECT));
        list(partition + CcPartitionLayout.CLEAN_SHARED_CACHE_MAP_LIST, false);
        list(
                partition
                        + CcPartitionLayout.DIRTY_SHARED_CACHE_MAP_LIST
                        + SharedCacheMapListCursorLayout.SHARED_CACHE_MAP_LINKS,
                true);
        findings.expectEqual(
                "dirty pages of all files",
                partition,
                dirty,
                kernel.readLong(
                        partition + CcPartitionLayout.DIRTY_PAGE_STATISTICS + DirtyPageStatisticsLayout.DIRTY_PAGES));
    }

    private void list(long head, boolean isDirty) {
        for (long links : entries(head, "shared cache maps")) {
            SharedCacheMap map = SharedCacheMap.ofLinks(kernel, links);
            try {
                file(map, isDirty);
            } catch (UnreadableMemoryException | IllegalStateException e) {
                findings.add(
                        "shared cache map cannot be read map=" + Hex.address(map.address()) + " " + e.getMessage());
            }
        }
    }

    /** The links of a list, whose neighbours must point back. */
    private long[] entries(long head, String what) {
        long[] links = new ListEntry(kernel, head).entries(MOST);
        long previous = head;
        for (long link : links) {
            findings.expectEqual("Blink in list of " + what, link, previous, new ListEntry(kernel, link).blink());
            previous = link;
        }
        findings.expectEqual("last of list of " + what, head, previous, new ListEntry(kernel, head).blink());
        return links;
    }

    private void file(SharedCacheMap map, boolean isDirty) {
        long at = map.address();
        findings.expectEqual("SharedCacheMap.NodeTypeCode", at, SharedCacheMap.NODE_TYPE, map.nodeType());
        if (map.dirtyPages() != 0 != isDirty) {
            findings.add("shared cache map on the wrong list map=" + Hex.address(at) + " dirty=" + map.dirtyPages());
        }
        long pointers = kernel.readLong(map.fileObject() + FileObjectLayout.SECTION_OBJECT_POINTER);
        findings.expectEqual(
                "SharedCacheMap of its file object",
                pointers,
                at,
                kernel.readLong(pointers + SectionObjectPointersLayout.SHARED_CACHE_MAP));
        Section section = new Section(kernel, map.section());
        findings.expectEqual(
                "control area of the cache's section",
                at,
                kernel.readLong(pointers + SectionObjectPointersLayout.DATA_SECTION_OBJECT),
                section.controlArea().address());
        findings.expectEqual("SectionSize", at, section.sizeBytes(), map.sectionSize());
        if (map.validDataLength() > map.fileSize() || map.fileSize() < 0) {
            findings.add("more of the file is valid than there is map=" + Hex.address(at) + " valid="
                    + Hex.plain(map.validDataLength()) + " size=" + Hex.plain(map.fileSize()));
        }
        readers(map);
        dirtyPages(map);
    }

    private void readers(SharedCacheMap map) {
        long[] readers = entries(map.privateMaps().address(), "private cache maps");
        findings.expectEqual("OpenCount", map.address(), readers.length, map.openCount());
        for (long links : readers) {
            PrivateCacheMap reader = PrivateCacheMap.ofLinks(kernel, links);
            findings.expectEqual(
                    "PrivateCacheMap.NodeTypeCode", reader.address(), PrivateCacheMap.NODE_TYPE, reader.nodeType());
            findings.expectEqual(
                    "PrivateCacheMap of its file object",
                    reader.fileObject(),
                    reader.address(),
                    kernel.readLong(reader.fileObject() + FileObjectLayout.PRIVATE_CACHE_MAP));
        }
    }

    private void dirtyPages(SharedCacheMap map) {
        long counted = 0;
        if (map.mbcb() != 0) {
            Mbcb mbcb = new Mbcb(kernel, map.mbcb());
            findings.expectEqual("Mbcb.DirtyPages", mbcb.address(), map.dirtyPages(), mbcb.dirtyPages());
            long behind = 0;
            for (long at : entries(mbcb.ranges().address(), "dirty ranges")) {
                Mbcb.Range range = new Mbcb.Range(kernel, at);
                long inRange = 0;
                for (long page = 0; page < Mbcb.RANGE_PAGES; page++) {
                    if (range.isDirty(page)) {
                        inRange++;
                        if (page < range.firstDirty() || page > range.lastDirty()) {
                            findings.add("dirty page outside what its range says range=" + Hex.address(at) + " page="
                                    + page);
                        }
                    }
                }
                if (range.firstPage() < behind || range.firstPage() % Mbcb.RANGE_PAGES != 0) {
                    findings.add("dirty ranges are out of order range=" + Hex.address(at));
                }
                behind = range.firstPage() + Mbcb.RANGE_PAGES;
                findings.expectEqual("BitmapRange.DirtyPages", at, inRange, range.dirtyPages());
                counted += inRange;
            }
        }
        findings.expectEqual("SharedCacheMap.DirtyPages", map.address(), counted, map.dirtyPages());
        dirty += counted;
    }
}
