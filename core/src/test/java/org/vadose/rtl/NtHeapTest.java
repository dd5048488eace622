package org.vadose.rtl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vadose.base.NtStatus;
import org.vadose.base.SeededRandom;
import org.vadose.layout.HeapEntryLayout;
import org.vadose.layout.HeapLayout;
import org.vadose.layout.HeapSegmentLayout;
import org.vadose.layout.HeapUcrDescriptorLayout;

class NtHeapTest {
    private final PlainHeapPages pages = new PlainHeapPages(256L << 20);

    @AfterEach
    void close() {
        pages.close();
    }

    private NtHeap create(int flags, long reserve, long commit) {
        NtHeap heap =
                NtHeap.create(pages, pages, flags, reserve, commit, HeapParameters.DEFAULT, SeededRandom.of(1, "heap"));
        assertNotNull(heap);
        return heap;
    }

    private NtHeap growable() {
        return create(HeapFlags.GROWABLE, 0x100000, 0x2000);
    }

    private static void sound(NtHeap heap) {
        assertNull(heap.problem());
    }

    /** Trimming gives back what the thresholds keep, and the heap goes on as before. */
    @Test
    void trimmingGivesFreePagesBack() {
        NtHeap heap = growable();
        long[] blocks = new long[64];
        for (int i = 0; i < blocks.length; i++) {
            blocks[i] = heap.allocate(0, 0x1800 + 16 * i);
        }
        for (int i = 0; i < blocks.length; i += 2) {
            heap.free(0, blocks[i]);
        }
        long committed = heap.committedBytes();
        long given = heap.trim();
        assertTrue(given > 0);
        assertEquals(committed - given, heap.committedBytes());
        sound(heap);
        assertEquals(0, heap.trim());
        for (int i = 0; i < blocks.length; i += 2) {
            blocks[i] = heap.allocate(HeapFlags.ZERO_MEMORY, 0x1800 + 16 * i);
        }
        for (long block : blocks) {
            heap.free(0, block);
        }
        heap.trim();
        sound(heap);
        assertEquals(0x1000, heap.committedBytes());
    }

    /** Figures of a default process heap in a debugger on Windows 10 x64. */
    @Test
    void freshHeapLooksLikeWindowsOwn() {
        NtHeap heap = growable();
        long at = heap.address();
        assertEquals(0xEEFFEEFF, pages.readInt(at + HeapLayout.SIGNATURE));
        assertEquals(0xFFEEFFEE, pages.readInt(at + HeapSegmentLayout.SEGMENT_SIGNATURE));
        assertEquals(at + 0x740, pages.readLong(at + HeapSegmentLayout.FIRST_ENTRY));
        assertEquals(at + 0xFF000, pages.readLong(at + HeapSegmentLayout.LAST_VALID_ENTRY));
        assertEquals(0xFF, pages.readInt(at + HeapSegmentLayout.NUMBER_OF_PAGES));
        assertEquals(at + 0x2C0, pages.readLong(at + HeapLayout.LOCK_VARIABLE));
        assertEquals(at + 0x2E8, pages.readLong(at + HeapLayout.BLOCKS_INDEX));
        assertEquals(0xFF00, pages.readInt(at + HeapLayout.VIRTUAL_MEMORY_THRESHOLD));
        assertEquals(0x400, pages.readLong(at + HeapLayout.DE_COMMIT_FREE_BLOCK_THRESHOLD));
        assertEquals(0x1000, pages.readLong(at + HeapLayout.DE_COMMIT_TOTAL_FREE_THRESHOLD));
        long range = pages.readLong(at + HeapLayout.UCR_LIST);
        assertEquals(at + 0x2000 - HeapUcrDescriptorLayout.SIZE, range);
        assertEquals(at + 0x2000, pages.readLong(range + HeapUcrDescriptorLayout.ADDRESS));
        long key = pages.readLong(at + HeapLayout.ENCODING + HeapEntryLayout.AGREGATE_CODE);
        assertNotEquals(0, key);
        long first = pages.readLong(at + 0x740 + HeapEntryLayout.AGREGATE_CODE) ^ key;
        assertEquals((0x2000 - 0x740 - 0x40) / 16, first & 0xFFFF);
        assertEquals(0x74, first >>> 32 & 0xFFFF);
        sound(heap);
    }

    @Test
    void blocksAreAlignedAndRememberTheirSize() {
        NtHeap heap = growable();
        for (int size = 0; size < 200; size++) {
            long block = heap.allocate(0, size);
            assertEquals(0, block & 15);
            assertEquals(size, heap.size(block));
        }
        sound(heap);
    }

    @Test
    void smallBlocksLieBesideEachOther() {
        NtHeap heap = growable();
        long first = heap.allocate(0, 8);
        assertEquals(heap.address() + 0x750, first);
        assertEquals(first + 0x20, heap.allocate(0, 16));
        assertEquals(first + 0x40, heap.allocate(0, 17));
        assertEquals(first + 0x70, heap.allocate(0, 1));
    }

    @Test
    void freedNeighboursBecomeOneBlock() {
        NtHeap heap = growable();
        long free = heap.freeBytes();
        long a = heap.allocate(0, 100);
        long b = heap.allocate(0, 100);
        long c = heap.allocate(0, 100);
        heap.free(0, a);
        heap.free(0, c);
        sound(heap);
        heap.free(0, b);
        sound(heap);
        assertEquals(free, heap.freeBytes());
    }

    @Test
    void zeroMemoryClearsWhatWasThere() {
        NtHeap heap = growable();
        long a = heap.allocate(0, 64);
        pages.fill(a, 64, (byte) 0x55);
        heap.free(0, a);
        long b = heap.allocate(HeapFlags.ZERO_MEMORY, 64);
        assertEquals(a, b);
        assertArrayEquals(new byte[64], pages.read(b, 64));
    }

    @Test
    void heapGrowsBySegmentsThatDouble() {
        NtHeap heap = growable();
        List<Long> blocks = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            blocks.add(heap.allocate(0, 100_000));
        }
        sound(heap);
        assertEquals(6, pages.reservations());
        assertEquals(0xFD0000, pages.readLong(heap.address() + HeapLayout.SEGMENT_RESERVE));
        blocks.forEach(b -> heap.free(0, b));
        sound(heap);
        assertEquals(1, pages.reservations());
        assertTrue(heap.committedBytes() < 0x20000, "committed " + heap.committedBytes());
        heap.destroy();
        assertEquals(0, pages.reservations());
    }

    @Test
    void largeBlocksHaveTheirOwnReservation() {
        NtHeap heap = growable();
        assertEquals(1, pages.reservations());
        long inside = heap.allocate(0, 0xFEFF0);
        assertEquals(2, pages.reservations());
        long large = heap.allocate(0, 0xFEFF1);
        assertEquals(3, pages.reservations());
        assertEquals(0x40, large & 0xFFF);
        assertEquals(0xFEFF1, heap.size(large));
        sound(heap);
        assertEquals(large, heap.reAllocate(0, large, 0xFEFF1 + 100));
        assertEquals(0xFEFF1 + 100, heap.size(large));
        long moved = heap.reAllocate(0, large, 100);
        assertNotEquals(large, moved);
        heap.free(0, inside);
        heap.free(0, moved);
        sound(heap);
        heap.destroy();
        assertEquals(0, pages.reservations());
        assertEquals(0, pages.committedBytes());
    }

    @Test
    void fixedHeapEndsAtItsMaximum() {
        NtHeap heap = create(0, 0x10000, 0x1000);
        assertEquals(0, heap.allocate(0, 0x10000));
        int count = 0;
        while (heap.allocate(0, 1000) != 0) {
            count++;
        }
        assertTrue(count >= 50 && count < 65, "blocks " + count);
        assertEquals(1, pages.reservations());
        HeapException e = assertThrows(HeapException.class, () -> heap.allocate(HeapFlags.GENERATE_EXCEPTIONS, 1000));
        assertEquals(NtStatus.NO_MEMORY, e.status());
        sound(heap);
    }

    @Test
    void failedCommitLeavesTheHeapSound() {
        NtHeap heap = growable();
        pages.commitLimit = 20;
        int count = 0;
        while (heap.allocate(0, 5000) != 0) {
            count++;
        }
        assertTrue(count > 5);
        sound(heap);
    }

    @Test
    void reallocationGrowsInPlaceIntoTheHole() {
        NtHeap heap = growable();
        long block = heap.allocate(0, 100);
        for (int size = 200; size < 900_000; size = size * 3 / 2) {
            assertEquals(block, heap.reAllocate(HeapFlags.REALLOC_IN_PLACE_ONLY, block, size));
            sound(heap);
        }
        assertEquals(block, heap.reAllocate(0, block, 10));
        assertEquals(10, heap.size(block));
        sound(heap);
    }

    @Test
    void userValueAndFlagsStayWithTheBlock() {
        NtHeap heap = growable();
        long block = heap.allocate(HeapFlags.SETTABLE_USER_VALUE | 0x400, 50);
        assertEquals(0x400, heap.userFlags(block));
        assertTrue(heap.setUserValue(block, 0x1234));
        heap.allocate(0, 10);
        long moved = heap.reAllocate(0, block, 500);
        assertNotEquals(block, moved);
        assertEquals(0x1234, heap.userValue(moved));
        assertEquals(0x400, heap.userFlags(moved));
        heap.setUserFlags(moved, 0x400, 0x200);
        assertEquals(0x200, heap.userFlags(moved));
        assertFalse(heap.setUserValue(heap.allocate(0, 5), 1));
        sound(heap);
    }

    private static void corrupt(HeapFailure failure, Runnable call) {
        HeapException e = assertThrows(HeapException.class, call::run);
        assertEquals(failure, e.failure());
        assertEquals(NtStatus.HEAP_CORRUPTION, e.status());
    }

    @Test
    void damageIsFound() {
        NtHeap heap = growable();
        long a = heap.allocate(0, 24);
        long b = heap.allocate(0, 24);
        corrupt(HeapFailure.INVALID_ARGUMENT, () -> heap.free(0, a + 8));
        heap.free(0, b);
        corrupt(HeapFailure.BLOCK_NOT_BUSY, () -> heap.free(0, b));
        long c = heap.allocate(0, 24);
        pages.fill(c, 48, (byte) 'A');
        assertFalse(heap.validate(0));
        corrupt(HeapFailure.BUFFER_OVERRUN, () -> heap.free(0, c));
    }

    @Test
    void overwrittenFreeListLinkIsFound() {
        NtHeap heap = growable();
        long a = heap.allocate(0, 24);
        heap.allocate(0, 24);
        heap.free(0, a);
        pages.writeLong(a, heap.address() + 0x1000);
        corrupt(HeapFailure.FREELISTS_CORRUPTION, () -> heap.allocate(0, 24));
    }

    @Test
    void validateOfOneBlockTellsBusyFromTheRest() {
        NtHeap heap = growable();
        long a = heap.allocate(0, 24);
        long b = heap.allocate(0, 24);
        assertTrue(heap.validate(a));
        assertFalse(heap.validate(a + 16));
        heap.free(0, b);
        assertFalse(heap.validate(b));
        assertTrue(heap.validate(heap.allocate(0, 2 << 20)));
    }

    @Test
    void walkMeetsEverythingOnce() {
        NtHeap heap = growable();
        long a = heap.allocate(0, 24);
        long large = heap.allocate(0, 2 << 20);
        List<String> met = new ArrayList<>();
        for (HeapItem item = heap.walk().next(null);
                item != null;
                item = heap.walk().next(item)) {
            met.add(item.kind() + " " + Long.toHexString(item.address() - heap.address()) + " " + item.sizeBytes());
        }
        assertEquals(
                List.of(
                        "SEGMENT 0 " + 0xFF000,
                        "BUSY 750 24",
                        "FREE 780 " + (0x2000 - 0x40 - 0x780),
                        "INTERNAL 1fd0 61",
                        "UNCOMMITTED 2000 " + (0xFF000 - 0x2000),
                        "LARGE " + Long.toHexString(large - heap.address()) + " " + (2 << 20)),
                met);
        assertEquals(0x750, a - heap.address());
    }

    private record Block(int size, byte fill) {}

    /** Random calls against a map of what must be where. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void behavesLikeAMapOfBlocks(long seed) {
        System.out.println("seed=" + seed);
        Random random = new Random(seed);
        NtHeap heap = growable();
        TreeMap<Long, Block> model = new TreeMap<>();
        long startFree = heap.freeBytes();
        long startCommitted = heap.committedBytes();
        for (int step = 0; step < 1500; step++) {
            int action = random.nextInt(10);
            boolean shrinking = step / 250 % 2 == 1;
            if (model.isEmpty() || action < (shrinking ? 3 : 6)) {
                int size = size(random);
                long at = heap.allocate(random.nextBoolean() ? HeapFlags.ZERO_MEMORY : 0, size);
                assertNotEquals(0, at);
                put(model, at, size, random);
            } else {
                long at = pick(model, random);
                Block block = model.remove(at);
                check(at, block.size, block.fill);
                if (action < 8) {
                    heap.free(0, at);
                } else {
                    int size = size(random);
                    long moved = heap.reAllocate(HeapFlags.ZERO_MEMORY, at, size);
                    check(moved, Math.min(size, block.size), block.fill);
                    if (size > block.size) {
                        check(moved + block.size, size - block.size, (byte) 0);
                    }
                    put(model, moved, size, random);
                }
            }
            if (step % 10 == 0) {
                sound(heap);
            }
        }
        model.forEach((at, block) -> {
            check(at, block.size, block.fill);
            assertEquals(block.size, heap.size(at));
            heap.free(0, at);
        });
        sound(heap);
        assertTrue(heap.committedBytes() <= startCommitted + 0x20000, "committed " + heap.committedBytes());
        assertEquals(heap.committedBytes() - startCommitted, heap.freeBytes() - startFree, 0x8000);
        heap.destroy();
        assertEquals(0, pages.reservations());
    }

    private static int size(Random random) {
        return switch (random.nextInt(12)) {
            case 0 -> random.nextInt(3_000_000);
            case 1, 2 -> random.nextInt(200_000);
            case 3, 4 -> random.nextInt(20_000);
            default -> random.nextInt(600);
        };
    }

    private static long pick(TreeMap<Long, Block> model, Random random) {
        long low = model.firstKey();
        Map.Entry<Long, Block> entry = model.ceilingEntry(low + (long) (random.nextDouble() * (model.lastKey() - low)));
        return entry.getKey();
    }

    private void put(TreeMap<Long, Block> model, long at, int size, Random random) {
        assertEquals(0, at & 15);
        Map.Entry<Long, Block> below = model.floorEntry(at);
        assertTrue(below == null || below.getKey() + below.getValue().size <= at);
        Map.Entry<Long, Block> above = model.ceilingEntry(at);
        assertTrue(above == null || at + size <= above.getKey());
        byte fill = (byte) random.nextInt();
        pages.fill(at, size, fill);
        model.put(at, new Block(size, fill));
    }

    private void check(long at, int size, byte fill) {
        for (byte b : pages.read(at, size)) {
            if (b != fill) {
                assertEquals(fill, b);
            }
        }
    }
}
