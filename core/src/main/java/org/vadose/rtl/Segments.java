package org.vadose.rtl;

import org.vadose.base.Pages;
import org.vadose.layout.HeapCountersLayout;
import org.vadose.layout.HeapLayout;
import org.vadose.layout.HeapSegmentLayout;
import org.vadose.layout.HeapTuningParametersLayout;
import org.vadose.layout.HeapUcrDescriptorLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ListEntry;

/**
 * The segments of a heap ({@code _HEAP_SEGMENT}) and their uncommitted ranges.
 *
 * <pre>
 * segment header | block | block ... | range block | hole ... | block ... | range block | hole up to the end
 *                ^ FirstEntry          40h bytes, busy and last; holds the hole's _HEAP_UCR_DESCRIPTOR
 * </pre>
 *
 * A block right above a hole has previous size 0; without a hole at its end a segment's last block carries the last flag.
 * The page above {@code LastValidEntry} stays reserved, so that a run over the end faults.
 */
final class Segments {
    /** Size of a range block: header and descriptor. */
    static final long RANGE_BLOCK_BYTES = BlockHeader.BYTES + HeapUcrDescriptorLayout.SIZE;

    static final int RANGE_BLOCK_UNITS = (int) (RANGE_BLOCK_BYTES >>> BlockHeader.UNIT_SHIFT);
    static final int RANGE_BLOCK_UNUSED = 3;
    /** Segments double in size up to this, which keeps the offset of every block from its segment in a byte. */
    private static final long LARGEST_GROWN_SEGMENT = 0xFD0000;

    private static final int MINIMUM_UNITS = 2;
    private static final int SEGMENT_FLAGS = 2;

    private final HeapBytes heap;
    private final Memory memory;
    private final HeapPages pages;
    private final FreeLists freeLists;

    Segments(HeapBytes heap, HeapPages pages, FreeLists freeLists) {
        this.heap = heap;
        this.memory = heap.memory();
        this.pages = pages;
        this.freeLists = freeLists;
    }

    /**
     * Writes a segment's header and makes one free block and one hole of the rest.
     *
     * @param headerBytes where the first block starts, from the base
     * @param pageCount pages in the segment, without the guard page
     * @param committedBytes pages committed already, from the base
     */
    void initialize(long segment, long headerBytes, int pageCount, long committedBytes) {
        memory.writeInt(segment + HeapSegmentLayout.SEGMENT_SIGNATURE, HeapBytes.SEGMENT_SIGNATURE);
        memory.writeInt(segment + HeapSegmentLayout.SEGMENT_FLAGS, SEGMENT_FLAGS);
        memory.writeLong(segment + HeapSegmentLayout.HEAP, heap.address());
        memory.writeLong(segment + HeapSegmentLayout.BASE_ADDRESS, segment);
        memory.writeInt(segment + HeapSegmentLayout.NUMBER_OF_PAGES, pageCount);
        long end = segment + ((long) pageCount << Pages.SHIFT);
        memory.writeLong(segment + HeapSegmentLayout.FIRST_ENTRY, segment + headerBytes);
        memory.writeLong(segment + HeapSegmentLayout.LAST_VALID_ENTRY, end);
        new ListEntry(memory, segment + HeapSegmentLayout.UCR_SEGMENT_LIST).initialize();
        new ListEntry(memory, heap.address() + HeapLayout.SEGMENT_LIST)
                .insertTail(segment + HeapSegmentLayout.SEGMENT_LIST_ENTRY);
        int headerUnits = (int) (headerBytes >>> BlockHeader.UNIT_SHIFT);
        heap.setHeader(segment, BlockHeader.of(headerUnits, BlockHeader.BUSY, 0, 0, 1));
        heap.addToSmallCounter(HeapCountersLayout.TOTAL_SEGMENTS, 1);
        heap.addToCounter(HeapCountersLayout.TOTAL_MEMORY_RESERVED, end - segment);
        heap.addToCounter(HeapCountersLayout.TOTAL_MEMORY_COMMITTED, committedBytes);
        long first = segment + headerBytes;
        long hole = segment + committedBytes;
        if (hole == end) {
            makeFree(segment, first, end, headerUnits, true);
        } else {
            placeRange(segment, hole, end - hole);
            makeFree(segment, first, hole - RANGE_BLOCK_BYTES, headerUnits, false);
        }
    }

    // ---- growing
    // -----------------------------------------------------------------------------------------------------

    /** Commits memory until there is a free block of at least this size, adding a segment if the heap may. */
    boolean extend(int units) {
        long needed = Pages.up((long) units << BlockHeader.UNIT_SHIFT);
        long range = smallestRange(needed);
        if (range != 0) {
            return commitInto(range, needed, preCommit(needed));
        }
        return heap.isGrowable() && addSegment(needed);
    }

    /** Commits part of the hole that starts right above this block, so that what follows the block has at least this size. */
    boolean extendAt(long rangeBlock, int units) {
        long needed = Pages.up((long) units << BlockHeader.UNIT_SHIFT);
        long range = rangeBlock + BlockHeader.BYTES;
        return size(range) >= needed && commitInto(range, needed, needed);
    }

    /** A growing heap commits ahead, a fixed share of what it has. */
    private long preCommit(long needed) {
        long tuning = heap.address() + HeapLayout.TUNING_PARAMETERS;
        long share =
                heap.committedBytes() >>> memory.readInt(tuning + HeapTuningParametersLayout.COMMITT_THRESHOLD_SHIFT);
        long most = memory.readLong(tuning + HeapTuningParametersLayout.MAX_PRE_COMMITT_THRESHOLD);
        return Math.max(needed, Pages.up(Math.min(share, most)));
    }

    private long smallestRange(long bytes) {
        long head = heap.address() + HeapLayout.UCR_LIST;
        for (long range = memory.readLong(head); range != head; range = memory.readLong(range)) {
            if (size(range) >= bytes) {
                return range;
            }
        }
        return 0;
    }

    private boolean commitInto(long range, long neededBytes, long wishedBytes) {
        long hole = start(range);
        long holeBytes = size(range);
        long bytes = Math.min(wishedBytes, holeBytes);
        if (!pages.commit(hole, bytes, heap.isExecutable())) {
            bytes = neededBytes;
            if (!pages.commit(hole, bytes, heap.isExecutable())) {
                heap.addToSmallCounter(HeapCountersLayout.COMMIT_FAILURES, 1);
                return false;
            }
        }
        heap.addToSmallCounter(HeapCountersLayout.COMMITT_OPS, 1);
        heap.addToCounter(HeapCountersLayout.TOTAL_MEMORY_COMMITTED, bytes);
        long rangeBlock = hole - RANGE_BLOCK_BYTES;
        long header = heap.soundHeader(rangeBlock);
        long segment = heap.segmentOf(rangeBlock, header);
        int previous = BlockHeader.previousUnits(header);
        unlinkRange(segment, range);
        long end = hole + holeBytes;
        if (bytes == holeBytes) {
            boolean atEnd = end == memory.readLong(segment + HeapSegmentLayout.LAST_VALID_ENTRY);
            makeFree(segment, rangeBlock, end, previous, atEnd);
        } else {
            placeRange(segment, hole + bytes, holeBytes - bytes);
            makeFree(segment, rangeBlock, hole + bytes - RANGE_BLOCK_BYTES, previous, false);
        }
        return true;
    }

    private boolean addSegment(long neededBytes) {
        long reserveField = heap.address() + HeapLayout.SEGMENT_RESERVE;
        long wished = memory.readLong(reserveField);
        // Header, range block and guard page come on top.
        long least = Pages.alignUp(neededBytes + 3 * Pages.SIZE, Pages.GRANULARITY);
        long reserve = Math.max(wished, least);
        long segment = pages.reserve(reserve);
        while (segment == 0 && reserve > least) {
            reserve = Math.max(least, Pages.alignUp(reserve >>> 1, Pages.GRANULARITY));
            segment = pages.reserve(reserve);
        }
        if (segment == 0) {
            return false;
        }
        long segmentBytes = reserve - Pages.SIZE;
        long commit = Math.min(
                segmentBytes,
                Math.max(
                        Pages.up(neededBytes + HeapSegmentLayout.SIZE + RANGE_BLOCK_BYTES),
                        memory.readLong(heap.address() + HeapLayout.SEGMENT_COMMIT)));
        if (!pages.commit(segment, commit, heap.isExecutable())) {
            pages.release(segment);
            heap.addToSmallCounter(HeapCountersLayout.COMMIT_FAILURES, 1);
            return false;
        }
        heap.addToSmallCounter(HeapCountersLayout.COMMITT_OPS, 1);
        if (wished < LARGEST_GROWN_SEGMENT) {
            memory.writeLong(reserveField, Math.min(wished * 2, LARGEST_GROWN_SEGMENT));
        }
        initialize(segment, HeapSegmentLayout.SIZE, (int) (segmentBytes >>> Pages.SHIFT), commit);
        return true;
    }

    // ---- free regions
    // ------------------------------------------------------------------------------------------------

    /**
     * Makes {@code [start, end)} free, joined with free neighbours, and lists it: one block, or several if it is longer than a
     * block can be.
     *
     * @param previousUnits size of the block below, 0 above a hole
     * @param last whether the segment ends at {@code end}
     */
    void makeFree(long segment, long start, long end, int previousUnits, boolean last) {
        if (previousUnits != 0) {
            long below = start - ((long) previousUnits << BlockHeader.UNIT_SHIFT);
            long header = heap.soundHeader(below);
            if (!BlockHeader.isBusy(header)) {
                freeLists.remove(below, previousUnits);
                start = below;
                previousUnits = BlockHeader.previousUnits(header);
            }
        }
        if (!last) {
            long header = heap.soundHeader(end);
            if (!BlockHeader.isBusy(header)) {
                freeLists.remove(end, BlockHeader.units(header));
                end += BlockHeader.bytes(header);
                last = BlockHeader.isLast(header);
            }
        }
        list(segment, start, end, previousUnits, last);
    }

    /** Cuts a joined region into blocks and lists them. */
    void list(long segment, long start, long end, int previousUnits, boolean last) {
        long at = start;
        int previous = previousUnits;
        while (at != end) {
            long left = end - at >>> BlockHeader.UNIT_SHIFT;
            int units = (int) Math.min(left, HeapBytes.LARGEST_UNITS);
            if (left - units > 0 && left - units < MINIMUM_UNITS) {
                units -= MINIMUM_UNITS;
            }
            boolean ends = left == units && last;
            heap.setHeader(
                    at,
                    BlockHeader.of(
                            units, ends ? BlockHeader.LAST : 0, previous, HeapBytes.segmentOffset(segment, at), 0));
            freeLists.insert(at, units);
            at += (long) units << BlockHeader.UNIT_SHIFT;
            previous = units;
        }
        if (!last) {
            setPreviousUnits(end, previous);
        }
    }

    void setPreviousUnits(long block, int previousUnits) {
        heap.setHeader(block, BlockHeader.withPreviousUnits(heap.header(block), previousUnits));
    }

    // ---- giving memory back
    // ------------------------------------------------------------------------------------------

    /**
     * Takes a joined, unlisted free region and gives its whole pages back, listing what is left; releases a grown segment that
     * has become empty.
     */
    void decommit(long segment, long start, long end, int previousUnits, boolean last) {
        boolean holeBelow = previousUnits == 0;
        long segmentEnd = memory.readLong(segment + HeapSegmentLayout.LAST_VALID_ENTRY);
        long rangeAbove = !last && isRangeBlock(end, heap.soundHeader(end), segmentEnd) ? end + BlockHeader.BYTES : 0;
        long holeAboveEnd = rangeAbove != 0 ? start(rangeAbove) + size(rangeAbove) : end;
        long from = holeBelow ? start : firstPageAfter(start);
        long to;
        if (rangeAbove != 0) {
            to = start(rangeAbove);
        } else if (last) {
            to = end;
        } else {
            to = Pages.down(end);
            if (end - to == BlockHeader.BYTES) {
                to -= Pages.SIZE;
            }
        }
        if (to <= from) {
            list(segment, start, end, previousUnits, last);
            return;
        }
        if (rangeAbove != 0) {
            unlinkRange(segment, rangeAbove);
        }
        long holeEnd = rangeAbove != 0 ? holeAboveEnd : to;
        if (holeBelow) {
            long below = rangeEndingAt(segment, start);
            long holeStart = start(below);
            unlinkRange(segment, below);
            linkRange(segment, below, holeStart, holeEnd - holeStart);
        } else {
            placeRange(segment, from, holeEnd - from);
            long rangeBlock = from - RANGE_BLOCK_BYTES;
            if (rangeBlock == start) {
                setPreviousUnits(rangeBlock, previousUnits);
            } else {
                list(segment, start, rangeBlock, previousUnits, false);
            }
        }
        if (to < end) {
            list(segment, to, end, 0, last);
        } else if (rangeAbove == 0 && !last) {
            setPreviousUnits(end, 0);
        }
        pages.decommit(from, to - from);
        heap.addToSmallCounter(HeapCountersLayout.DE_COMMIT_OPS, 1);
        heap.addToCounter(HeapCountersLayout.TOTAL_MEMORY_COMMITTED, from - to);
        if (segment != heap.address() && holeEnd == segmentEnd) {
            releaseIfEmpty(segment);
        }
    }

    /** The first page that can go when a range block must fit below it, and below that a free block or nothing. */
    private static long firstPageAfter(long start) {
        long page = Pages.up(start + RANGE_BLOCK_BYTES);
        return page - RANGE_BLOCK_BYTES - start == BlockHeader.BYTES ? page + Pages.SIZE : page;
    }

    /** Releases a grown segment that is one free block, or none, below one hole up to its end. */
    private void releaseIfEmpty(long segment) {
        long first = memory.readLong(segment + HeapSegmentLayout.FIRST_ENTRY);
        long segmentEnd = memory.readLong(segment + HeapSegmentLayout.LAST_VALID_ENTRY);
        long header = heap.soundHeader(first);
        boolean free = !BlockHeader.isBusy(header);
        long rangeBlock = free ? first + BlockHeader.bytes(header) : first;
        long range = rangeBlock + BlockHeader.BYTES;
        if (!isRangeBlock(rangeBlock, heap.soundHeader(rangeBlock), segmentEnd)
                || start(range) + size(range) != segmentEnd) {
            return;
        }
        if (free) {
            freeLists.remove(first, BlockHeader.units(header));
        }
        long committed = start(range) - segment;
        unlinkRange(segment, range);
        new ListEntry(memory, segment + HeapSegmentLayout.SEGMENT_LIST_ENTRY).remove();
        heap.addToSmallCounter(HeapCountersLayout.TOTAL_SEGMENTS, -1);
        heap.addToCounter(HeapCountersLayout.TOTAL_MEMORY_RESERVED, segment - segmentEnd);
        heap.addToCounter(HeapCountersLayout.TOTAL_MEMORY_COMMITTED, -committed);
        pages.release(segment);
    }

    // ---- uncommitted ranges
    // ------------------------------------------------------------------------------------------

    static boolean isRangeBlock(long block, long header, long segmentEnd) {
        return BlockHeader.isLast(header) && block + BlockHeader.bytes(header) != segmentEnd;
    }

    /** Address of the hole a descriptor describes. */
    long start(long range) {
        return memory.readLong(range + HeapUcrDescriptorLayout.ADDRESS);
    }

    long size(long range) {
        return memory.readLong(range + HeapUcrDescriptorLayout.SIZE_FIELD);
    }

    /** Writes the range block below a hole; its previous size is set when what lies below it is. */
    private void placeRange(long segment, long hole, long bytes) {
        long block = hole - RANGE_BLOCK_BYTES;
        heap.setHeader(
                block,
                BlockHeader.of(
                        RANGE_BLOCK_UNITS,
                        BlockHeader.BUSY | BlockHeader.LAST,
                        0,
                        HeapBytes.segmentOffset(segment, block),
                        RANGE_BLOCK_UNUSED));
        linkRange(segment, block + BlockHeader.BYTES, hole, bytes);
    }

    private void linkRange(long segment, long range, long hole, long bytes) {
        memory.writeLong(range + HeapUcrDescriptorLayout.ADDRESS, hole);
        memory.writeLong(range + HeapUcrDescriptorLayout.SIZE_FIELD, bytes);
        long head = heap.address() + HeapLayout.UCR_LIST;
        long next = memory.readLong(head);
        while (next != head && size(next) < bytes) {
            next = memory.readLong(next);
        }
        new ListEntry(memory, next).insertTail(range);
        new ListEntry(memory, segment + HeapSegmentLayout.UCR_SEGMENT_LIST)
                .insertTail(range + HeapUcrDescriptorLayout.SEGMENT_ENTRY);
        countRange(segment, bytes, 1);
    }

    private void unlinkRange(long segment, long range) {
        countRange(segment, size(range), -1);
        new ListEntry(memory, range).remove();
        new ListEntry(memory, range + HeapUcrDescriptorLayout.SEGMENT_ENTRY).remove();
    }

    private void countRange(long segment, long bytes, int sign) {
        long pagesField = segment + HeapSegmentLayout.NUMBER_OF_UN_COMMITTED_PAGES;
        memory.writeInt(pagesField, memory.readInt(pagesField) + sign * (int) (bytes >>> Pages.SHIFT));
        long rangesField = segment + HeapSegmentLayout.NUMBER_OF_UN_COMMITTED_RANGES;
        memory.writeInt(rangesField, memory.readInt(rangesField) + sign);
        heap.addToSmallCounter(HeapCountersLayout.TOTAL_UC_RS, sign);
    }

    private long rangeEndingAt(long segment, long address) {
        long head = segment + HeapSegmentLayout.UCR_SEGMENT_LIST;
        for (long link = memory.readLong(head); link != head; link = memory.readLong(link)) {
            long range = link - HeapUcrDescriptorLayout.SEGMENT_ENTRY;
            if (start(range) + size(range) == address) {
                return range;
            }
        }
        throw heap.corruption(HeapFailure.LISTENTRY_CORRUPTION, address);
    }
}
