package org.vadose.rtl;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Pages;
import org.vadose.base.SeededRandom;
import org.vadose.layout.HeapCountersLayout;
import org.vadose.layout.HeapEntryExtraLayout;
import org.vadose.layout.HeapEntryLayout;
import org.vadose.layout.HeapLayout;
import org.vadose.layout.HeapLockLayout;
import org.vadose.layout.HeapSegmentLayout;
import org.vadose.layout.HeapTuningParametersLayout;
import org.vadose.layout.ListEntryLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.ListEntry;

/**
 * The NT heap's back end over a {@code _HEAP} in memory. The object is a momentary view: two views of one heap are as good as
 * one. Not synchronized; callers hold the heap's lock or are alone.
 *
 * <p>Start of a heap (offsets of Windows 10.0.19041 x64 as seen in debuggers):
 *
 * <pre>
 *   0    _HEAP, whose first part is its first segment's _HEAP_SEGMENT
 * 2C0    _HEAP_LOCK
 * 2E8    _HEAP_LIST_LOOKUP for sizes below 80h units, its bitmap, its hints
 * 740    first block
 * </pre>
 *
 * <p>Invariant: blocks and holes tile each segment; no two free blocks touch unless their sum is too long for one; a busy
 * block's bytes are its units times 16; {@code TotalFreeSize} is the units of all free blocks.
 */
public final class NtHeap {
    private static final long LOCK_OFFSET = HeapLayout.SIZE;
    private static final long LOOKUP_OFFSET = LOCK_OFFSET + HeapLockLayout.SIZE;
    private static final int FIRST_LOOKUP_SLOTS = 0x80;
    private static final long FIRST_ENTRY_OFFSET =
            Pages.alignUp(LOOKUP_OFFSET + FreeLists.lookupBytes(FIRST_LOOKUP_SLOTS) + 1, 0x20);
    /** The second look-up goes up to this many units. */
    private static final int SECOND_LOOKUP_LIMIT = 0x800;
    /** So many free blocks beyond the first look-up make a second one worth its memory. Inferred. */
    private static final int ITEMS_FOR_SECOND_LOOKUP = 32;

    private static final int ENCODE_FLAG_MASK = 0x100000;
    private static final long KEY_MASK = 0xFFFF_FFFF_FFFFL;
    private static final int SIGNATURE = HeapBytes.SIGNATURE;
    private static final int ALIGN_ROUND = 0x1F;
    private static final long ALIGN_MASK = -0x10L;
    private static final int MINIMUM_UNITS = 2;
    private static final int BUFFER_BYTES = 1 << 16;

    private final HeapBytes bytes;
    private final Memory memory;
    private final HeapPages pages;
    private final long address;
    private final FreeLists freeLists;
    private final Segments segments;
    private final LargeBlocks large;

    private NtHeap(Memory memory, HeapPages pages, long address) {
        this.bytes = new HeapBytes(memory, address);
        this.memory = memory;
        this.pages = pages;
        this.address = address;
        freeLists = new FreeLists(bytes);
        segments = new Segments(bytes, pages, freeLists);
        large = new LargeBlocks(bytes, pages);
    }

    /** A view of an existing heap. */
    public static NtHeap at(Memory memory, HeapPages pages, long address) {
        return new NtHeap(memory, pages, address);
    }

    /** Whether there is a heap at this address, by its signatures. */
    public static boolean isHeap(Memory memory, long address) {
        try {
            return address != 0
                    && (address & Pages.OFFSET_MASK) == 0
                    && memory.readInt(address + HeapSegmentLayout.SEGMENT_SIGNATURE) == HeapBytes.SEGMENT_SIGNATURE
                    && memory.readInt(address + HeapLayout.SIGNATURE) == SIGNATURE;
        } catch (MemoryFault | IndexOutOfBoundsException e) {
            return false;
        }
    }

    /**
     * Makes a heap ({@code RtlCreateHeap}).
     *
     * @param flags {@link HeapFlags}
     * @param reserveBytes size of the first segment and, unless the heap is growable, of the heap; 0 for the default
     * @param commitBytes pages to commit at once; 0 for one
     * @param random gives the key that encodes headers
     * @return null when there is no memory
     */
    public static @Nullable NtHeap create(
            Memory memory,
            HeapPages pages,
            int flags,
            long reserveBytes,
            long commitBytes,
            HeapParameters parameters,
            SeededRandom random) {
        long commit = Math.max(Pages.up(commitBytes), Pages.SIZE);
        long reserve = reserveBytes != 0 ? Pages.up(reserveBytes) : Pages.alignUp(commit, Pages.GRANULARITY);
        if (reserve < 0 || commit < 0) {
            return null;
        }
        commit = Math.min(commit, reserve);
        // A page stays reserved at the end; an odd-sized fixed heap keeps all it asked for.
        long reservation = Pages.alignUp(reserve, Pages.GRANULARITY);
        long usable = Math.max(reservation - Pages.SIZE, Pages.SIZE);
        commit = Math.min(commit, usable);
        long address = pages.reserveHeap(reservation);
        if (address == 0) {
            return null;
        }
        if (!pages.commit(address, commit, (flags & HeapFlags.CREATE_ENABLE_EXECUTE) != 0)) {
            pages.release(address);
            return null;
        }
        NtHeap heap = new NtHeap(memory, pages, address);
        heap.initialize(flags & HeapFlags.KEPT_AT_CREATION, usable, commit, parameters, random);
        return heap;
    }

    private void initialize(int flags, long usable, long commit, HeapParameters parameters, SeededRandom random) {
        memory.writeInt(address + HeapLayout.FLAGS, flags);
        memory.writeInt(address + HeapLayout.ENCODE_FLAG_MASK, ENCODE_FLAG_MASK);
        memory.writeLong(address + HeapLayout.ENCODING + HeapEntryLayout.AGREGATE_CODE, random.nextLong() & KEY_MASK);
        memory.writeInt(address + HeapLayout.VIRTUAL_MEMORY_THRESHOLD, HeapBytes.LARGEST_UNITS);
        memory.writeInt(address + HeapLayout.SIGNATURE, SIGNATURE);
        memory.writeLong(address + HeapLayout.SEGMENT_RESERVE, parameters.segmentReserveBytes());
        memory.writeLong(address + HeapLayout.SEGMENT_COMMIT, parameters.segmentCommitBytes());
        memory.writeLong(
                address + HeapLayout.DE_COMMIT_FREE_BLOCK_THRESHOLD,
                parameters.decommitFreeBlockBytes() >>> BlockHeader.UNIT_SHIFT);
        memory.writeLong(
                address + HeapLayout.DE_COMMIT_TOTAL_FREE_THRESHOLD,
                parameters.decommitTotalFreeBytes() >>> BlockHeader.UNIT_SHIFT);
        memory.writeLong(address + HeapLayout.MAXIMUM_ALLOCATION_SIZE, parameters.maximumAllocationBytes());
        memory.writeShort(address + HeapLayout.HEADER_VALIDATE_LENGTH, (short) HeapLayout.SIZE);
        memory.writeLong(address + HeapLayout.ALIGN_ROUND, ALIGN_ROUND);
        memory.writeLong(address + HeapLayout.ALIGN_MASK, ALIGN_MASK);
        new ListEntry(memory, address + HeapLayout.UCR_LIST).initialize();
        new ListEntry(memory, address + HeapLayout.VIRTUAL_ALLOCD_BLOCKS).initialize();
        new ListEntry(memory, address + HeapLayout.SEGMENT_LIST).initialize();
        new ListEntry(memory, address + HeapLayout.FREE_LISTS).initialize();
        memory.writeInt(address + HeapLayout.TUNING_PARAMETERS + HeapTuningParametersLayout.COMMITT_THRESHOLD_SHIFT, 4);
        memory.writeLong(
                address + HeapLayout.TUNING_PARAMETERS + HeapTuningParametersLayout.MAX_PRE_COMMITT_THRESHOLD, 0xFF000);
        if ((flags & HeapFlags.NO_SERIALIZE) == 0) {
            memory.writeLong(address + HeapLayout.LOCK_VARIABLE, address + LOCK_OFFSET);
            lock().initialize();
        }
        freeLists.initializeLookup(address + LOOKUP_OFFSET, 0, FIRST_LOOKUP_SLOTS);
        memory.writeLong(address + HeapLayout.BLOCKS_INDEX, address + LOOKUP_OFFSET);
        segments.initialize(address, FIRST_ENTRY_OFFSET, (int) (usable >>> Pages.SHIFT), commit);
    }

    /** Gives all memory back; the view is dead. */
    public void destroy() {
        large.releaseAll();
        long head = address + HeapLayout.SEGMENT_LIST;
        for (long link = memory.readLong(head + ListEntryLayout.BLINK); link != head; ) {
            long previous = memory.readLong(link + ListEntryLayout.BLINK);
            pages.release(link - HeapSegmentLayout.SEGMENT_LIST_ENTRY);
            // The first segment holds the list's head and goes last.
            link = previous;
        }
    }

    public long address() {
        return address;
    }

    public int flags() {
        return bytes.flags();
    }

    /** The lock that serializes the heap; of a heap without, its memory is there but unused. */
    public HeapLock lock() {
        return new HeapLock(memory, address + LOCK_OFFSET);
    }

    /** Place in the process's list of heaps plus one, 0 for none. */
    public int processHeapsListIndex() {
        return memory.readUnsignedShort(address + HeapLayout.PROCESS_HEAPS_LIST_INDEX);
    }

    public void setProcessHeapsListIndex(int index) {
        memory.writeShort(address + HeapLayout.PROCESS_HEAPS_LIST_INDEX, (short) index);
    }

    /** Committed bytes of segments and large blocks. */
    public long committedBytes() {
        return bytes.committedBytes()
                + memory.readLong(address + HeapLayout.COUNTERS + HeapCountersLayout.TOTAL_SIZE_IN_VIRTUAL_BLOCKS);
    }

    /** Reserved bytes of segments. */
    public long reservedBytes() {
        return bytes.reservedBytes();
    }

    public long freeBytes() {
        return bytes.totalFreeUnits() << BlockHeader.UNIT_SHIFT;
    }

    HeapBytes bytes() {
        return bytes;
    }

    // ---- allocate
    // ----------------------------------------------------------------------------------------------------

    /**
     * Allocates ({@code RtlAllocateHeap}).
     *
     * @return a 16-byte aligned address, or 0
     * @throws HeapException when the heap is corrupt, or out of memory with {@link HeapFlags#GENERATE_EXCEPTIONS}
     */
    public long allocate(int flags, long sizeBytes) {
        int all = flags | bytes.flags();
        boolean extra = (all & (HeapFlags.SETTABLE_USER_VALUE | HeapFlags.SETTABLE_USER_FLAGS)) != 0;
        long block = allocateBlock(all, sizeBytes, extra);
        if (block == 0 && (all & HeapFlags.GENERATE_EXCEPTIONS) != 0) {
            throw HeapException.noMemory(address, sizeBytes);
        }
        return block;
    }

    private long allocateBlock(int flags, long sizeBytes, boolean extra) {
        if (sizeBytes < 0 || sizeBytes > memory.readLong(address + HeapLayout.MAXIMUM_ALLOCATION_SIZE)) {
            return 0;
        }
        long wanted = extra ? sizeBytes + HeapEntryExtraLayout.SIZE : sizeBytes;
        int blockFlags = extra
                ? BlockHeader.EXTRA_PRESENT | (flags & HeapFlags.SETTABLE_USER_FLAGS) >>> BlockHeader.USER_FLAGS_SHIFT
                : 0;
        long units = Math.max(wanted + ALIGN_ROUND >>> BlockHeader.UNIT_SHIFT, MINIMUM_UNITS);
        if (units > HeapBytes.LARGEST_UNITS) {
            return bytes.isGrowable() ? large.allocate(sizeBytes, blockFlags & ~BlockHeader.EXTRA_PRESENT) : 0;
        }
        long block = takeFree((int) units);
        if (block == 0) {
            return 0;
        }
        long user = carve(block, (int) units, sizeBytes, blockFlags);
        if ((flags & HeapFlags.ZERO_MEMORY) != 0) {
            memory.fill(user, sizeBytes, (byte) 0);
        }
        if (extra) {
            memory.fill(extraOf(user - BlockHeader.BYTES), HeapEntryExtraLayout.SIZE, (byte) 0);
        }
        return user;
    }

    private long takeFree(int units) {
        long block = freeLists.find(units);
        if (block != 0) {
            return block;
        }
        if (freeLists.outOfRangeItems() > ITEMS_FOR_SECOND_LOOKUP && !freeLists.hasExtendedLookup()) {
            extendLookup();
        }
        return segments.extend(units) ? freeLists.find(units) : 0;
    }

    /** Cuts a busy block of {@code units} off the front of a free one; the rest stays free. */
    private long carve(long block, int units, long sizeBytes, int blockFlags) {
        long header = bytes.soundHeader(block);
        int free = BlockHeader.units(header);
        if (BlockHeader.isBusy(header) || free < units) {
            throw bytes.corruption(HeapFailure.FREELISTS_CORRUPTION, block);
        }
        freeLists.remove(block, free);
        int last = BlockHeader.flags(header) & BlockHeader.LAST;
        int taken = free - units < MINIMUM_UNITS ? free : units;
        int offset = BlockHeader.segmentOffset(header);
        bytes.setHeader(
                block,
                BlockHeader.of(
                        taken,
                        BlockHeader.BUSY | blockFlags | (taken == free ? last : 0),
                        BlockHeader.previousUnits(header),
                        offset,
                        (taken << BlockHeader.UNIT_SHIFT) - (int) sizeBytes));
        if (taken != free) {
            long rest = block + ((long) taken << BlockHeader.UNIT_SHIFT);
            int restUnits = free - taken;
            int restOffset = offset == BlockHeader.FAR_SEGMENT
                    ? offset
                    : HeapBytes.segmentOffset((block & -0x10000L) - ((long) offset << 16), rest);
            long above = rest + ((long) restUnits << BlockHeader.UNIT_SHIFT);
            if (last == 0) {
                // Two free blocks may stand together while they are too long for one.
                long aboveHeader = bytes.soundHeader(above);
                int aboveUnits = BlockHeader.units(aboveHeader);
                if (!BlockHeader.isBusy(aboveHeader) && restUnits + aboveUnits <= HeapBytes.LARGEST_UNITS) {
                    freeLists.remove(above, aboveUnits);
                    restUnits += aboveUnits;
                    last = BlockHeader.flags(aboveHeader) & BlockHeader.LAST;
                    above += (long) aboveUnits << BlockHeader.UNIT_SHIFT;
                }
            }
            if (last == 0) {
                segments.setPreviousUnits(above, restUnits);
            }
            bytes.setHeader(rest, BlockHeader.of(restUnits, last, taken, restOffset, 0));
            freeLists.insert(rest, restUnits);
        }
        return block + BlockHeader.BYTES;
    }

    private void extendLookup() {
        long size = FreeLists.lookupBytes(SECOND_LOOKUP_LIMIT - FIRST_LOOKUP_SLOTS);
        int units = (int) (size + ALIGN_ROUND >>> BlockHeader.UNIT_SHIFT);
        long block = freeLists.find(units);
        if (block == 0) {
            return;
        }
        long user = carve(block, units, 0, BlockHeader.INTERNAL);
        long header = bytes.header(block);
        bytes.setHeader(
                block,
                BlockHeader.of(
                        BlockHeader.units(header),
                        BlockHeader.flags(header),
                        BlockHeader.previousUnits(header),
                        BlockHeader.segmentOffset(header),
                        1));
        memory.fill(user, size, (byte) 0);
        freeLists.initializeLookup(user, FIRST_LOOKUP_SLOTS, SECOND_LOOKUP_LIMIT);
        freeLists.appendLookup(user);
    }

    // ---- free
    // --------------------------------------------------------------------------------------------------------

    /**
     * Frees ({@code RtlFreeHeap}); freeing 0 does nothing.
     *
     * @throws HeapException when the block or its neighbourhood is damaged
     */
    public void free(int flags, long user) {
        if (user == 0) {
            return;
        }
        long header = userHeader(user);
        if (LargeBlocks.isLarge(user, header)) {
            large.free(user);
            return;
        }
        long block = user - BlockHeader.BYTES;
        long segment = segmentOfUser(block, header);
        boolean last = BlockHeader.isLast(header);
        long end = block + BlockHeader.bytes(header);
        long start = block;
        int previous = BlockHeader.previousUnits(header);
        if (previous != 0) {
            long below = block - ((long) previous << BlockHeader.UNIT_SHIFT);
            long belowHeader = bytes.soundHeader(below);
            if (BlockHeader.units(belowHeader) != previous) {
                throw bytes.corruption(HeapFailure.ENTRY_CORRUPTION, block);
            }
            if (!BlockHeader.isBusy(belowHeader)) {
                freeLists.remove(below, previous);
                start = below;
                previous = BlockHeader.previousUnits(belowHeader);
            }
        }
        if (!last) {
            long aboveHeader = bytes.header(end);
            if (!BlockHeader.isSound(aboveHeader)) {
                throw bytes.corruption(HeapFailure.BUFFER_OVERRUN, end);
            }
            if (!BlockHeader.isBusy(aboveHeader)) {
                freeLists.remove(end, BlockHeader.units(aboveHeader));
                end += BlockHeader.bytes(aboveHeader);
                last = BlockHeader.isLast(aboveHeader);
            }
        }
        long units = end - start >>> BlockHeader.UNIT_SHIFT;
        if (units >= memory.readLong(address + HeapLayout.DE_COMMIT_FREE_BLOCK_THRESHOLD)
                && bytes.totalFreeUnits() + units
                        >= memory.readLong(address + HeapLayout.DE_COMMIT_TOTAL_FREE_THRESHOLD)) {
            segments.decommit(segment, start, end, previous, last);
        } else {
            segments.list(segment, start, end, previous, last);
        }
    }

    /** The decoded header in front of a user address, which must be that of a busy block. */
    private long userHeader(long user) {
        if ((user & 0xF) != 0) {
            throw bytes.corruption(HeapFailure.INVALID_ARGUMENT, user);
        }
        long block = user - BlockHeader.BYTES;
        long header;
        try {
            header = bytes.header(block);
        } catch (MemoryFault | IndexOutOfBoundsException e) {
            throw bytes.corruption(HeapFailure.INVALID_ARGUMENT, block);
        }
        if (!BlockHeader.isSound(header)) {
            throw bytes.corruption(HeapFailure.ENTRY_CORRUPTION, block);
        }
        if (!BlockHeader.isBusy(header)) {
            throw bytes.corruption(HeapFailure.BLOCK_NOT_BUSY, block);
        }
        return header;
    }

    private long segmentOfUser(long block, long header) {
        long segment;
        try {
            segment = bytes.segmentOf(block, header);
        } catch (MemoryFault | IndexOutOfBoundsException e) {
            segment = 0;
        }
        if (segment == 0 || BlockHeader.isInternal(header)) {
            throw bytes.corruption(HeapFailure.INVALID_ARGUMENT, block);
        }
        return segment;
    }

    // ---- resize
    // ------------------------------------------------------------------------------------------------------

    /**
     * Changes a block's size ({@code RtlReAllocateHeap}); contents up to the smaller size stay.
     *
     * @return the block's address, new or old, or 0 with the block as it was
     */
    public long reAllocate(int flags, long user, long sizeBytes) {
        int all = flags | bytes.flags();
        long moved = reAllocateBlock(all, user, sizeBytes);
        if (moved == 0 && (all & HeapFlags.GENERATE_EXCEPTIONS) != 0) {
            throw HeapException.noMemory(address, sizeBytes);
        }
        return moved;
    }

    private long reAllocateBlock(int flags, long user, long sizeBytes) {
        long header = userHeader(user);
        boolean isLarge = LargeBlocks.isLarge(user, header);
        if (!isLarge) {
            segmentOfUser(user - BlockHeader.BYTES, header);
        }
        if (sizeBytes < 0 || sizeBytes > memory.readLong(address + HeapLayout.MAXIMUM_ALLOCATION_SIZE)) {
            return 0;
        }
        long oldSize = isLarge ? large.size(user, header) : sizeOf(header);
        boolean done = isLarge ? resizeLarge(user, header, sizeBytes) : resizeInPlace(user, header, sizeBytes);
        if (done) {
            if (sizeBytes > oldSize && (flags & HeapFlags.ZERO_MEMORY) != 0) {
                memory.fill(user + oldSize, sizeBytes - oldSize, (byte) 0);
            }
            return user;
        }
        if ((flags & HeapFlags.REALLOC_IN_PLACE_ONLY) != 0) {
            return 0;
        }
        return move(flags, user, header, oldSize, sizeBytes);
    }

    private boolean resizeLarge(long user, long header, long sizeBytes) {
        // A block that has become small goes back among the others.
        return sizeBytes + ALIGN_ROUND >>> BlockHeader.UNIT_SHIFT > HeapBytes.LARGEST_UNITS
                && large.resize(user, header, sizeBytes);
    }

    private long move(int flags, long user, long header, long oldSize, long sizeBytes) {
        boolean extra = (BlockHeader.flags(header) & BlockHeader.EXTRA_PRESENT) != 0;
        int userFlags = (BlockHeader.flags(header) & BlockHeader.USER_FLAGS) << BlockHeader.USER_FLAGS_SHIFT;
        long target = allocateBlock(flags & ~HeapFlags.ZERO_MEMORY | userFlags, sizeBytes, extra);
        if (target == 0) {
            return 0;
        }
        long kept = Math.min(oldSize, sizeBytes);
        copy(user, target, kept);
        if ((flags & HeapFlags.ZERO_MEMORY) != 0 && sizeBytes > kept) {
            memory.fill(target + kept, sizeBytes - kept, (byte) 0);
        }
        if (extra && hasExtra(target)) {
            copy(extraOf(user - BlockHeader.BYTES), extraOf(target - BlockHeader.BYTES), HeapEntryExtraLayout.SIZE);
        }
        free(flags, user);
        return target;
    }

    private void copy(long from, long to, long length) {
        byte[] buffer = new byte[(int) Math.min(length, BUFFER_BYTES)];
        for (long done = 0; done < length; done += buffer.length) {
            int run = (int) Math.min(buffer.length, length - done);
            memory.read(from + done, buffer, 0, run);
            memory.write(to + done, buffer, 0, run);
        }
    }

    private boolean resizeInPlace(long user, long header, long sizeBytes) {
        boolean extra = (BlockHeader.flags(header) & BlockHeader.EXTRA_PRESENT) != 0;
        long wanted = extra ? sizeBytes + HeapEntryExtraLayout.SIZE : sizeBytes;
        long needed = Math.max(wanted + ALIGN_ROUND >>> BlockHeader.UNIT_SHIFT, MINIMUM_UNITS);
        if (needed > HeapBytes.LARGEST_UNITS) {
            return false;
        }
        long block = user - BlockHeader.BYTES;
        long extraAt = extra ? extraOf(block) : 0;
        long settable = extra ? memory.readLong(extraAt + HeapEntryExtraLayout.SETTABLE) : 0;
        int units = BlockHeader.units(header);
        long now = header;
        if (needed > units) {
            if (!absorbAbove(block, header, (int) needed)) {
                return false;
            }
            now = bytes.header(block);
            units = BlockHeader.units(now);
        }
        cut(block, now, (int) needed, units, sizeBytes);
        if (extra) {
            long at = extraOf(block);
            memory.fill(at, HeapEntryExtraLayout.SIZE, (byte) 0);
            memory.writeLong(at + HeapEntryExtraLayout.SETTABLE, settable);
        }
        return true;
    }

    /** Makes a busy block of {@code units} keep {@code needed} of them, freeing the rest if it is worth it. */
    private void cut(long block, long header, int needed, int units, long sizeBytes) {
        int kept = units - needed < MINIMUM_UNITS ? units : needed;
        boolean last = BlockHeader.isLast(header);
        int flags = BlockHeader.flags(header) & ~BlockHeader.LAST;
        bytes.setHeader(
                block,
                BlockHeader.of(
                        kept,
                        flags | (kept == units && last ? BlockHeader.LAST : 0),
                        BlockHeader.previousUnits(header),
                        BlockHeader.segmentOffset(header),
                        (kept << BlockHeader.UNIT_SHIFT) - (int) sizeBytes));
        if (kept != units) {
            long rest = block + ((long) kept << BlockHeader.UNIT_SHIFT);
            long segment = segmentOfUser(block, header);
            segments.makeFree(segment, rest, block + ((long) units << BlockHeader.UNIT_SHIFT), kept, last);
        }
    }

    /** Adds the free block above, committing from the hole above that if need be; the header is then whole but for unused bytes. */
    private boolean absorbAbove(long block, long header, int needed) {
        if (BlockHeader.isLast(header)) {
            return false;
        }
        int units = BlockHeader.units(header);
        long above = block + BlockHeader.bytes(header);
        long aboveHeader = bytes.soundHeader(above);
        long segmentEnd = memory.readLong(segmentOfUser(block, header) + HeapSegmentLayout.LAST_VALID_ENTRY);
        int got = BlockHeader.isBusy(aboveHeader) ? 0 : BlockHeader.units(aboveHeader);
        if (units + got < needed) {
            if (got != 0 && BlockHeader.isLast(aboveHeader)) {
                return false;
            }
            long rangeBlock = above + ((long) got << BlockHeader.UNIT_SHIFT);
            if (!Segments.isRangeBlock(rangeBlock, bytes.soundHeader(rangeBlock), segmentEnd)
                    || !segments.extendAt(rangeBlock, needed - units - got)) {
                return false;
            }
            aboveHeader = bytes.soundHeader(above);
            got = BlockHeader.isBusy(aboveHeader) ? 0 : BlockHeader.units(aboveHeader);
            if (units + got < needed || units + got > HeapBytes.LARGEST_UNITS) {
                return false;
            }
        }
        if (units + got > 0xFFFF) {
            return false;
        }
        freeLists.remove(above, got);
        boolean last = BlockHeader.isLast(aboveHeader);
        bytes.setHeader(
                block,
                BlockHeader.of(
                        units + got,
                        BlockHeader.flags(header) | (last ? BlockHeader.LAST : 0),
                        BlockHeader.previousUnits(header),
                        BlockHeader.segmentOffset(header),
                        0));
        if (!last) {
            segments.setPreviousUnits(above + ((long) got << BlockHeader.UNIT_SHIFT), units + got);
        }
        return true;
    }

    // ---- questions
    // ---------------------------------------------------------------------------------------------------

    /**
     * The size a block was asked for ({@code RtlSizeHeap}).
     *
     * @throws HeapException when it is no busy block of this heap
     */
    public long size(long user) {
        long header = userHeader(user);
        if (LargeBlocks.isLarge(user, header)) {
            return large.size(user, header);
        }
        segmentOfUser(user - BlockHeader.BYTES, header);
        return sizeOf(header);
    }

    private static long sizeOf(long header) {
        return BlockHeader.bytes(header) - BlockHeader.unusedBytes(header);
    }

    private long extraOf(long block) {
        return block + BlockHeader.bytes(bytes.header(block)) - HeapEntryExtraLayout.SIZE;
    }

    private boolean hasExtra(long user) {
        long header = userHeader(user);
        return !LargeBlocks.isLarge(user, header) && (BlockHeader.flags(header) & BlockHeader.EXTRA_PRESENT) != 0;
    }

    /** The user's flags of a block, as {@link HeapFlags#SETTABLE_USER_FLAGS} bits. */
    public int userFlags(long user) {
        return (BlockHeader.flags(userHeader(user)) & BlockHeader.USER_FLAGS) << BlockHeader.USER_FLAGS_SHIFT;
    }

    /** Replaces the user's flags: {@code (flags & ~reset) | set}. */
    public void setUserFlags(long user, int reset, int set) {
        long header = userHeader(user);
        int flags = BlockHeader.flags(header);
        int old = (flags & BlockHeader.USER_FLAGS) << BlockHeader.USER_FLAGS_SHIFT;
        int now = (old & ~reset | set) & HeapFlags.SETTABLE_USER_FLAGS;
        bytes.setHeader(
                user - BlockHeader.BYTES,
                BlockHeader.of(
                        BlockHeader.units(header),
                        flags & ~BlockHeader.USER_FLAGS | now >>> BlockHeader.USER_FLAGS_SHIFT,
                        BlockHeader.previousUnits(header),
                        BlockHeader.segmentOffset(header),
                        BlockHeader.unusedBytes(header)));
    }

    /** The user's value, 0 for a block made without {@link HeapFlags#SETTABLE_USER_VALUE}. */
    public long userValue(long user) {
        return hasExtra(user)
                ? memory.readLong(extraOf(user - BlockHeader.BYTES) + HeapEntryExtraLayout.SETTABLE)
                : largeExtra(user) != 0 ? memory.readLong(largeExtra(user)) : 0;
    }

    /** Sets the user's value; false for a block that has no room for one. */
    public boolean setUserValue(long user, long value) {
        if (hasExtra(user)) {
            memory.writeLong(extraOf(user - BlockHeader.BYTES) + HeapEntryExtraLayout.SETTABLE, value);
            return true;
        }
        long at = largeExtra(user);
        if (at != 0) {
            memory.writeLong(at, value);
        }
        return at != 0;
    }

    private long largeExtra(long user) {
        return LargeBlocks.isLarge(user, userHeader(user)) ? LargeBlocks.extraValue(user) : 0;
    }

    /**
     * Gives back every whole page that is inside a free block, whatever the thresholds that {@link #free} goes by.
     *
     * @return bytes given back
     */
    public long trim() {
        List<HeapItem> free = new ArrayList<>();
        for (HeapItem item = walk().next(null); item != null; item = walk().next(item)) {
            if (item.kind() == HeapItem.Kind.FREE && item.sizeBytes() >= Pages.SIZE) {
                free.add(item);
            }
        }
        long before = committedBytes();
        for (HeapItem item : free) {
            long block = item.address() - BlockHeader.BYTES;
            long header = bytes.soundHeader(block);
            freeLists.remove(block, BlockHeader.units(header));
            segments.decommit(
                    item.segment(),
                    block,
                    block + BlockHeader.bytes(header),
                    BlockHeader.previousUnits(header),
                    BlockHeader.isLast(header));
        }
        return before - committedBytes();
    }

    /** Bytes of the largest free block ({@code RtlCompactHeap}); free neighbours are always one block already. */
    public long compact() {
        long head = address + HeapLayout.FREE_LISTS;
        long link = memory.readLong(head + ListEntryLayout.BLINK);
        if (link == head) {
            return 0;
        }
        return BlockHeader.bytes(bytes.soundHeader(link - FreeLists.LINK)) - BlockHeader.BYTES;
    }

    /** Walks the heap's segments, blocks and holes. */
    public HeapWalk walk() {
        return new HeapWalk(bytes, large);
    }

    /** Whether a busy block starts at {@code user} and it and its neighbours are sound; 0 asks for the whole heap. */
    public boolean validate(long user) {
        return user == 0
                ? new HeapValidator(this, memory).problem() == null
                : new HeapValidator(this, memory).problemOf(user) == null;
    }

    /** What a validation of everything finds, or null. */
    public @Nullable String problem() {
        return new HeapValidator(this, memory).problem();
    }
}
