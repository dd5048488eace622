package org.vadose.ex;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.Pages;
import org.vadose.check.Findings;
import org.vadose.check.PoolCheck;
import org.vadose.memory.PhysicalMemory;
import org.vadose.nt.PoolHeader;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;

class PoolAllocatorTest {
    private static final long KERNEL_BASE = 0x100_0000;
    private static final int TAG = PoolTag.of("Test");

    private PhysicalMemory memory;
    private PlainPages pages;
    private PoolAllocator pool;

    @BeforeEach
    void pools() {
        memory = new PhysicalMemory(256L << 20);
        pages = new PlainPages(memory, 64L << 20);
        pool = new PoolAllocator(memory, pages, KERNEL_BASE);
        pool.initialize();
    }

    @AfterEach
    void check() {
        Findings findings = new Findings();
        new PoolCheck(memory, KERNEL_BASE, findings).run(pages.of(false), pages.of(true));
        memory.close();
        assertTrue(findings.isEmpty(), findings::toString);
    }

    @Test
    void blockHasAGenuineHeader() {
        long block = pool.allocate(PoolType.PAGED_POOL, 0x55, TAG);
        PoolHeader header = PoolHeader.of(memory, block);
        assertEquals(7, header.units());
        assertEquals(TAG, header.tag());
        assertTrue(header.isPaged());
        assertEquals(0, block & 15);
        assertEquals(3, memory.readUnsignedByte(block - 16 + 3));
    }

    @Test
    void anEmptyPageGoesBack() {
        int before = pages.of(false).size();
        long a = pool.allocate(PoolType.NON_PAGED_POOL_NX, 100, TAG);
        long b = pool.allocate(PoolType.NON_PAGED_POOL_NX, 100, TAG);
        assertEquals(before + 1, pages.of(false).size());
        pool.free(a);
        pool.free(b);
        assertEquals(before, pages.of(false).size());
    }

    @Test
    void aPageOrMoreIsPageAligned() {
        long a = pool.allocate(PoolType.PAGED_POOL, PoolAllocator.LARGEST_BLOCK, TAG);
        long b = pool.allocate(PoolType.PAGED_POOL, PoolAllocator.LARGEST_BLOCK + 1, TAG);
        assertTrue(Pages.offset(a) != 0);
        assertEquals(0, Pages.offset(b));
        pool.free(b);
        assertThrows(IllegalStateException.class, () -> pool.free(b));
        pool.free(a);
        assertThrows(IllegalStateException.class, () -> pool.free(a));
    }

    @Test
    void randomSequencesKeepTheBooks() {
        long seed = 19041;
        System.out.println("PoolAllocatorTest seed=" + seed);
        Random random = new Random(seed);
        List<long[]> live = new ArrayList<>();
        for (int step = 0; step < 60_000; step++) {
            if (live.size() < 3000 && random.nextInt(5) < 3 || live.isEmpty()) {
                int size = random.nextInt(50) == 0 ? random.nextInt(20_000) + 1 : random.nextInt(600) + 1;
                PoolType type = random.nextBoolean() ? PoolType.PAGED_POOL : PoolType.NON_PAGED_POOL_NX;
                long block = pool.allocate(type, size, PoolTag.of("T" + random.nextInt(40)));
                byte mark = (byte) random.nextInt();
                memory.fill(block, size, mark);
                live.add(new long[] {block, size, mark});
            } else {
                int i = random.nextInt(live.size());
                long[] gone = live.get(i);
                live.set(i, live.getLast());
                live.removeLast();
                for (long at : new long[] {gone[0], gone[0] + gone[1] / 2, gone[0] + gone[1] - 1}) {
                    assertEquals((byte) gone[2], memory.readByte(at));
                }
                pool.free(gone[0]);
            }
        }
    }
}
