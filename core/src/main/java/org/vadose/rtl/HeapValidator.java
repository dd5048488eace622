package org.vadose.rtl;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.HeapCountersLayout;
import org.vadose.layout.HeapLayout;
import org.vadose.layout.HeapListLookupLayout;
import org.vadose.layout.HeapSegmentLayout;
import org.vadose.layout.HeapUcrDescriptorLayout;
import org.vadose.layout.HeapVirtualAllocEntryLayout;
import org.vadose.layout.ListEntryLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;

/** Checks a heap byte for byte, believing nothing: what {@code RtlValidateHeap} checks, and the look-ups, holes and counters. */
final class HeapValidator {
    /** More links than this mean a list that does not end. */
    private static final int LONGEST_LIST = 1 << 24;

    private static final class Problem extends RuntimeException {
        private static final long serialVersionUID = 1;

        Problem(String message) {
            super(message, null, false, false);
        }
    }

    private final HeapBytes heap;
    private final Memory memory;
    /** Free blocks met in the segments, with their sizes. */
    private final Map<Long, Integer> free = new HashMap<>();

    private final Set<Long> ranges = new HashSet<>();
    private long freeUnits;
    private long reserved;
    private long committed;
    private int segmentCount;

    HeapValidator(NtHeap heap, Memory memory) {
        this.heap = heap.bytes();
        this.memory = memory;
    }

    /** The first thing found wrong, or null. */
    @Nullable String problem() {
        return guarded(this::checkAll);
    }

    /** What is wrong with one block, or null. */
    @Nullable String problemOf(long user) {
        return guarded(() -> checkOne(user));
    }

    private @Nullable String guarded(Runnable check) {
        try {
            check.run();
            return null;
        } catch (Problem | HeapException problem) {
            return problem.getMessage();
        } catch (MemoryFault | IndexOutOfBoundsException fault) {
            return "unreadable heap memory: " + fault.getMessage();
        }
    }

    private static void require(boolean condition, String what, long where) {
        if (!condition) {
            throw new Problem(what + " at " + Hex.address(where));
        }
    }

    private void checkAll() {
        long at = heap.address();
        require(memory.readInt(at + HeapLayout.SIGNATURE) == HeapBytes.SIGNATURE, "heap signature", at);
        for (long link : links(at + HeapLayout.SEGMENT_LIST)) {
            checkSegment(link - HeapSegmentLayout.SEGMENT_LIST_ENTRY);
        }
        checkRangeList();
        checkFreeList();
        checkLargeBlocks();
        checkCounters();
    }

    private long[] links(long head) {
        long[] found = new org.vadose.nt.ListEntry(memory, head).entries(LONGEST_LIST);
        long previous = head;
        for (long link : found) {
            require(memory.readLong(link + ListEntryLayout.BLINK) == previous, "back link", link);
            previous = link;
        }
        require(memory.readLong(head + ListEntryLayout.BLINK) == previous, "back link", head);
        return found;
    }

    private void checkSegment(long segment) {
        require(
                memory.readInt(segment + HeapSegmentLayout.SEGMENT_SIGNATURE) == HeapBytes.SEGMENT_SIGNATURE,
                "segment signature",
                segment);
        require(memory.readLong(segment + HeapSegmentLayout.HEAP) == heap.address(), "segment's heap", segment);
        require(memory.readLong(segment + HeapSegmentLayout.BASE_ADDRESS) == segment, "segment base", segment);
        long end = memory.readLong(segment + HeapSegmentLayout.LAST_VALID_ENTRY);
        int pageCount = memory.readInt(segment + HeapSegmentLayout.NUMBER_OF_PAGES);
        require(end - segment == (long) pageCount << Pages.SHIFT, "segment end", segment);
        Set<Long> expected = new HashSet<>();
        for (long link : links(segment + HeapSegmentLayout.UCR_SEGMENT_LIST)) {
            expected.add(link - HeapUcrDescriptorLayout.SEGMENT_ENTRY);
        }
        long holes = checkBlocks(segment, end, expected);
        require(
                memory.readInt(segment + HeapSegmentLayout.NUMBER_OF_UN_COMMITTED_PAGES)
                        == (int) (holes >>> Pages.SHIFT),
                "uncommitted pages",
                segment);
        require(
                memory.readInt(segment + HeapSegmentLayout.NUMBER_OF_UN_COMMITTED_RANGES) == expected.size(),
                "uncommitted ranges",
                segment);
        segmentCount++;
        reserved += end - segment;
        committed += end - segment - holes;
    }

    /** Walks a segment's blocks; returns the bytes of its holes. */
    private long checkBlocks(long segment, long end, Set<Long> expectedRanges) {
        long first = memory.readLong(segment + HeapSegmentLayout.FIRST_ENTRY);
        long own = heap.soundHeader(segment);
        require(BlockHeader.bytes(own) == first - segment, "segment's own block", segment);
        int previous = BlockHeader.units(own);
        boolean previousFree = false;
        long holes = 0;
        int met = 0;
        for (long at = first; at != end; ) {
            require(Long.compareUnsigned(at, end) < 0, "block beyond segment", at);
            long header = heap.soundHeader(at);
            int units = BlockHeader.units(header);
            require(units != 0, "empty block", at);
            require(BlockHeader.previousUnits(header) == previous, "previous size", at);
            require(BlockHeader.segmentOffset(header) == HeapBytes.segmentOffset(segment, at), "segment offset", at);
            boolean busy = BlockHeader.isBusy(header);
            if (busy) {
                require(BlockHeader.unusedBytes(header) <= BlockHeader.bytes(header), "unused bytes", at);
            } else {
                require(
                        !previousFree || previous + units > HeapBytes.LARGEST_UNITS,
                        "free blocks that should be one",
                        at);
                free.put(at, units);
                freeUnits += units;
            }
            long next = at + BlockHeader.bytes(header);
            require(next != end || BlockHeader.isLast(header), "segment's last block without its flag", at);
            previous = units;
            previousFree = !busy;
            if (Segments.isRangeBlock(at, header, end)) {
                long range = at + BlockHeader.BYTES;
                require(busy && units == Segments.RANGE_BLOCK_UNITS, "range block", at);
                require(expectedRanges.contains(range), "range not listed", range);
                require(memory.readLong(range + HeapUcrDescriptorLayout.ADDRESS) == next, "range address", range);
                long size = memory.readLong(range + HeapUcrDescriptorLayout.SIZE_FIELD);
                require(size > 0 && Pages.offset(size) == 0 && Pages.offset(next) == 0, "range size", range);
                ranges.add(range);
                met++;
                holes += size;
                next += size;
                previous = 0;
                previousFree = false;
            }
            at = next;
        }
        require(met == expectedRanges.size(), "listed ranges not in the segment", segment);
        return holes;
    }

    private void checkRangeList() {
        long size = 0;
        long[] listed = links(heap.address() + HeapLayout.UCR_LIST);
        for (long range : listed) {
            require(ranges.contains(range), "listed range not in a segment", range);
            long now = memory.readLong(range + HeapUcrDescriptorLayout.SIZE_FIELD);
            require(now >= size, "order of ranges", range);
            size = now;
        }
        require(listed.length == ranges.size(), "ranges missing from the heap's list", heap.address());
    }

    private void checkFreeList() {
        long head = heap.address() + HeapLayout.FREE_LISTS;
        Map<Long, Long> expectedHints = new HashMap<>();
        int previous = 0;
        long[] links = links(head);
        for (long link : links) {
            Integer units = free.get(link - FreeLists.LINK);
            if (units == null) {
                throw new Problem("listed block not free at " + Hex.address(link - FreeLists.LINK));
            }
            require(units >= previous, "order of free blocks", link);
            previous = units;
            expectedHints.putIfAbsent(hintSlot(units), link);
        }
        require(links.length == free.size(), "free blocks not listed", head);
        require(heap.totalFreeUnits() == freeUnits, "total free size", heap.address());
        checkHints(expectedHints);
    }

    /** Address of the hint that stands for this size. */
    private long hintSlot(int units) {
        long lookup = memory.readLong(heap.address() + HeapLayout.BLOCKS_INDEX);
        while (units >= memory.readInt(lookup + HeapListLookupLayout.ARRAY_SIZE)
                && memory.readLong(lookup + HeapListLookupLayout.EXTENDED_LOOKUP) != 0) {
            lookup = memory.readLong(lookup + HeapListLookupLayout.EXTENDED_LOOKUP);
        }
        int slot = Math.min(units, memory.readInt(lookup + HeapListLookupLayout.ARRAY_SIZE) - 1);
        int index = slot - memory.readInt(lookup + HeapListLookupLayout.BASE_INDEX);
        return memory.readLong(lookup + HeapListLookupLayout.LIST_HINTS) + 8L * index;
    }

    private void checkHints(Map<Long, Long> expected) {
        int items = 0;
        for (long lookup = memory.readLong(heap.address() + HeapLayout.BLOCKS_INDEX);
                lookup != 0;
                lookup = memory.readLong(lookup + HeapListLookupLayout.EXTENDED_LOOKUP)) {
            int slots = memory.readInt(lookup + HeapListLookupLayout.ARRAY_SIZE)
                    - memory.readInt(lookup + HeapListLookupLayout.BASE_INDEX);
            long hints = memory.readLong(lookup + HeapListLookupLayout.LIST_HINTS);
            long bitmap = memory.readLong(lookup + HeapListLookupLayout.LISTS_IN_USE_ULONG);
            for (int i = 0; i < slots; i++) {
                long slot = hints + 8L * i;
                long hint = memory.readLong(slot);
                require(hint == expected.getOrDefault(slot, 0L), "list hint", slot);
                boolean bit = (memory.readUnsignedByte(bitmap + i / 8) >> i % 8 & 1) != 0;
                require(bit == (hint != 0), "list-in-use bit", slot);
            }
            items += memory.readInt(lookup + HeapListLookupLayout.ITEM_COUNT);
        }
        require(items == free.size(), "look-ups' item counts", heap.address());
    }

    private void checkLargeBlocks() {
        long total = 0;
        for (long entry : links(heap.address() + HeapLayout.VIRTUAL_ALLOCD_BLOCKS)) {
            long header = heap.soundHeader(entry + HeapVirtualAllocEntryLayout.BUSY_BLOCK);
            require(LargeBlocks.isLarge(entry + LargeBlocks.USER_OFFSET, header), "large block's header", entry);
            total += memory.readLong(entry + HeapVirtualAllocEntryLayout.COMMIT_SIZE);
        }
        require(
                counter(HeapCountersLayout.TOTAL_SIZE_IN_VIRTUAL_BLOCKS) == total,
                "counter of large blocks",
                heap.address());
    }

    private void checkCounters() {
        require(heap.reservedBytes() == reserved, "counter of reserved bytes", heap.address());
        require(heap.committedBytes() == committed, "counter of committed bytes", heap.address());
        long at = heap.address() + HeapLayout.COUNTERS;
        require(memory.readInt(at + HeapCountersLayout.TOTAL_SEGMENTS) == segmentCount, "counter of segments", at);
        require(memory.readInt(at + HeapCountersLayout.TOTAL_UC_RS) == ranges.size(), "counter of ranges", at);
    }

    private long counter(long offset) {
        return memory.readLong(heap.address() + HeapLayout.COUNTERS + offset);
    }

    private void checkOne(long user) {
        require((user & 0xF) == 0, "misaligned block", user);
        long block = user - BlockHeader.BYTES;
        long header = heap.soundHeader(block);
        require(BlockHeader.isBusy(header), "block not busy", block);
        if (LargeBlocks.isLarge(user, header)) {
            links(heap.address() + HeapLayout.VIRTUAL_ALLOCD_BLOCKS);
            return;
        }
        require(heap.segmentOf(block, header) != 0, "segment of block", block);
        if (!BlockHeader.isLast(header)) {
            long above = heap.soundHeader(block + BlockHeader.bytes(header));
            require(BlockHeader.previousUnits(above) == BlockHeader.units(header), "previous size above", block);
        }
    }
}
