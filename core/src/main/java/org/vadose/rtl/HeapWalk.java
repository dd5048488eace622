package org.vadose.rtl;

import org.jspecify.annotations.Nullable;
import org.vadose.layout.HeapLayout;
import org.vadose.layout.HeapSegmentLayout;
import org.vadose.layout.HeapUcrDescriptorLayout;
import org.vadose.memory.Memory;

/** Steps through a heap in the order of {@code HeapWalk}: each segment with its blocks and holes, then the large blocks. */
public final class HeapWalk {
    private final HeapBytes heap;
    private final Memory memory;
    private final LargeBlocks large;

    HeapWalk(HeapBytes heap, LargeBlocks large) {
        this.heap = heap;
        this.memory = heap.memory();
        this.large = large;
    }

    /**
     * What follows {@code item}, or comes first when it is null; null at the end.
     *
     * @throws HeapException when a header on the way is damaged
     */
    public @Nullable HeapItem next(@Nullable HeapItem item) {
        if (item == null) {
            return segmentAfter(heap.address() + HeapLayout.SEGMENT_LIST);
        }
        return switch (item.kind()) {
            case SEGMENT -> block(item.address(), memory.readLong(item.address() + HeapSegmentLayout.FIRST_ENTRY));
            case BUSY, INTERNAL, FREE -> afterBlock(item.segment(), item.address() - BlockHeader.BYTES);
            case UNCOMMITTED -> block(item.segment(), item.address() + item.sizeBytes());
            case LARGE -> largeAfter(LargeBlocks.entry(item.address()));
        };
    }

    private @Nullable HeapItem segmentAfter(long link) {
        long next = memory.readLong(link);
        if (next == heap.address() + HeapLayout.SEGMENT_LIST) {
            return largeAfter(heap.address() + HeapLayout.VIRTUAL_ALLOCD_BLOCKS);
        }
        long segment = next - HeapSegmentLayout.SEGMENT_LIST_ENTRY;
        long length = memory.readLong(segment + HeapSegmentLayout.LAST_VALID_ENTRY) - segment;
        int overhead = (int) (memory.readLong(segment + HeapSegmentLayout.FIRST_ENTRY) - segment);
        return new HeapItem(HeapItem.Kind.SEGMENT, segment, length, overhead, segment);
    }

    private @Nullable HeapItem afterBlock(long segment, long block) {
        long header = heap.soundHeader(block);
        long end = block + BlockHeader.bytes(header);
        long segmentEnd = memory.readLong(segment + HeapSegmentLayout.LAST_VALID_ENTRY);
        if (end != segmentEnd && BlockHeader.isLast(header)) {
            long range = block + BlockHeader.BYTES;
            return new HeapItem(
                    HeapItem.Kind.UNCOMMITTED,
                    memory.readLong(range + HeapUcrDescriptorLayout.ADDRESS),
                    memory.readLong(range + HeapUcrDescriptorLayout.SIZE_FIELD),
                    0,
                    segment);
        }
        return block(segment, end);
    }

    private @Nullable HeapItem block(long segment, long block) {
        long segmentEnd = memory.readLong(segment + HeapSegmentLayout.LAST_VALID_ENTRY);
        if (block == segmentEnd) {
            return segmentAfter(segment + HeapSegmentLayout.SEGMENT_LIST_ENTRY);
        }
        if (Long.compareUnsigned(block, segmentEnd) > 0) {
            throw heap.corruption(HeapFailure.ENTRY_CORRUPTION, block);
        }
        long header = heap.soundHeader(block);
        if (BlockHeader.units(header) == 0) {
            throw heap.corruption(HeapFailure.ENTRY_CORRUPTION, block);
        }
        long total = BlockHeader.bytes(header);
        long user = block + BlockHeader.BYTES;
        if (!BlockHeader.isBusy(header)) {
            return new HeapItem(HeapItem.Kind.FREE, user, total - BlockHeader.BYTES, (int) BlockHeader.BYTES, segment);
        }
        boolean internal = BlockHeader.isInternal(header) || Segments.isRangeBlock(block, header, segmentEnd);
        int unused = BlockHeader.unusedBytes(header);
        return new HeapItem(
                internal ? HeapItem.Kind.INTERNAL : HeapItem.Kind.BUSY, user, total - unused, unused, segment);
    }

    private @Nullable HeapItem largeAfter(long link) {
        long entry = memory.readLong(link);
        if (entry == heap.address() + HeapLayout.VIRTUAL_ALLOCD_BLOCKS) {
            return null;
        }
        long user = entry + LargeBlocks.USER_OFFSET;
        long header = heap.soundHeader(user - BlockHeader.BYTES);
        long size = large.size(user, header);
        return new HeapItem(HeapItem.Kind.LARGE, user, size, (int) (large.committed(entry) - size), 0);
    }
}
