package org.vadose.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;

class MmuTest {
    private static final long ROOT = 0x1000;
    private static final long RW = X64PageTables.PRESENT | X64PageTables.WRITE | X64PageTables.USER;

    private PhysicalMemory ram;
    private Mmu mmu;
    private long nextTable = 0x2000;

    @BeforeEach
    void machine() {
        ram = new PhysicalMemory(PhysicalMemory.MINIMUM_BYTES);
        mmu = new Mmu(ram, new X64PageTables());
        mmu.loadRoot(ROOT);
    }

    @AfterEach
    void close() {
        ram.close();
    }

    @Test
    void translatesSmallLargeAndHugePages() {
        map(0x7ff0_0000_1000L, 0x30_0000, 1, RW);
        map(0x20_0000, 0x40_0000, 2, RW);
        map(0x40_0000_0000L, 0, 3, RW);
        ram.writeLong(0x30_0ff8, 0x1122334455667788L);
        ram.writeLong(0x40_1230, 42);
        ram.writeLong(0x12_3458, 43);
        assertEquals(0x1122334455667788L, mmu.user().readLong(0x7ff0_0000_1ff8L));
        assertEquals(42, mmu.user().readLong(0x20_1230));
        assertEquals(43, mmu.user().readLong(0x40_0012_3458L));
    }

    @Test
    void setsAccessedThenDirty() {
        map(0x1000, 0x30_0000, 1, RW);
        mmu.user().readByte(0x1000);
        assertEquals(X64PageTables.ACCESSED, leaf(0x1000) & (X64PageTables.ACCESSED | X64PageTables.DIRTY));
        mmu.user().writeByte(0x1000, (byte) 1);
        assertTrue((leaf(0x1000) & X64PageTables.DIRTY) != 0);
    }

    @Test
    void everyRightTimesEveryAccessGivesTheProcessorsErrorCode() {
        for (int bits = 0; bits < 16; bits++) {
            long entry = (bits & 1)
                    | ((bits & 2) != 0 ? X64PageTables.WRITE : 0)
                    | ((bits & 4) != 0 ? X64PageTables.USER : 0)
                    | ((bits & 8) != 0 ? X64PageTables.NO_EXECUTE : 0);
            map(0x5000, 0x30_0000, 1, entry);
            mmu.invalidateAll();
            for (int access : new int[] {0, 2, 4, 6, 16, 20}) {
                boolean present = (bits & 1) != 0;
                boolean allowed = present
                        && ((access & 4) == 0 || (bits & 4) != 0)
                        && ((access & 2) == 0 || (bits & 2) != 0)
                        && ((access & 16) == 0 || (bits & 8) == 0);
                PageWalk walk = new PageWalk();
                assertEquals(
                        allowed,
                        mmu.format().walk(ram, ROOT, 0x5000, access, walk),
                        "bits=" + bits + " access=" + access);
                if (!allowed) {
                    assertEquals(access | (present ? 1 : 0), walk.errorCode);
                }
            }
        }
    }

    @Test
    void aTableIsForgottenWithAnyInvalidation() {
        map(0x5000, 0x30_0000, 1, RW);
        map(0x6000, 0x30_1000, 1, RW);
        ram.writeLong(0x30_1000, 7);
        mmu.user().readLong(0x5000);
        long entry = 0;
        for (var step : mmu.format().path(ram, ROOT, 0x6000)) {
            entry = step.level() == 2 ? step.entryPhysicalAddress() : entry;
        }
        long table = ram.readLong(entry);
        ram.writeLong(entry, 0);
        // What the processor remembers of the tables need not be true until it is told.
        assertEquals(7, mmu.user().readLong(0x6000));
        mmu.invalidatePage(0x9_9000);
        mmu.invalidatePage(0x6000);
        assertThrows(MemoryFault.class, () -> mmu.user().readLong(0x6000));
        ram.writeLong(entry, table & ~X64PageTables.USER);
        assertThrows(MemoryFault.class, () -> mmu.user().readLong(0x6000));
        assertEquals(7, mmu.kernel().readLong(0x6000));
    }

    @Test
    void nonCanonicalAddressFaults() {
        MemoryFault fault = assertThrows(MemoryFault.class, () -> mmu.user().readByte(0x8000_0000_0000L));
        assertEquals(PageFaultCode.USER, fault.errorCode());
        assertEquals(NtStatus.ACCESS_VIOLATION, fault.status());
    }

    @Test
    void tableOutsideRamIsAReservedBitFaultNotAHostError() {
        ram.writeLong(ROOT, 0x7f_ffff_f000L | RW);
        MemoryFault fault = assertThrows(MemoryFault.class, () -> mmu.user().readByte(0x1000));
        assertTrue((fault.errorCode() & PageFaultCode.RESERVED) != 0);
    }

    @Test
    void faultHandlerMapsAndTheAccessGoesOn() {
        List<Long> faults = new ArrayList<>();
        mmu.setFaultHandler((va, code) -> {
            faults.add(va);
            map(Pages.down(va), 0x30_0000 + Pages.down(va), 1, RW);
            return NtStatus.SUCCESS;
        });
        mmu.user().writeLong(0x1ffc, 0x0102030405060708L);
        assertEquals(0x0102030405060708L, mmu.user().readLong(0x1ffc));
        assertEquals(2, faults.size());
    }

    @Test
    void storeAcrossPagesThatFaultsChangesNothing() {
        map(0x1000, 0x30_0000, 1, RW);
        assertThrows(MemoryFault.class, () -> mmu.user().writeLong(0x1ffc, -1));
        assertEquals(0, mmu.user().readInt(0x1ffc));
    }

    @Test
    void invalidateMakesANewMappingSeen() {
        map(0x1000, 0x30_0000, 1, RW);
        mmu.user().writeByte(0x1000, (byte) 7);
        map(0x1000, 0x31_0000, 1, RW);
        assertEquals(7, mmu.user().readByte(0x1000));
        mmu.invalidatePage(0x1000);
        assertEquals(0, mmu.user().readByte(0x1000));
    }

    @Test
    void pageNeverWrittenIsSeenWhenAnotherMappingWritesIt() {
        map(0x1000, 0x100_0000, 1, RW);
        map(0x2000, 0x100_0000, 1, RW);
        assertEquals(0, mmu.user().readByte(0x1000));
        mmu.user().writeByte(0x2000, (byte) 9);
        assertEquals(9, mmu.user().readByte(0x1000));
    }

    @Test
    void writeToACodeFrameIsToldOnce() {
        map(0x1000, 0x30_0000, 1, RW);
        List<Long> told = new ArrayList<>();
        ram.addCodeListener(told::add);
        mmu.user().writeByte(0x1000, (byte) 1);
        mmu.translateFetch(0x1000);
        mmu.user().writeByte(0x1001, (byte) 1);
        mmu.user().writeByte(0x1002, (byte) 1);
        assertEquals(List.of(0x300L), told);
    }

    @Test
    void writeByAnotherProcessorToACodeFrameIsTold() {
        map(0x1000, 0x30_0000, 1, RW);
        Mmus processors = new Mmus(ram, new X64PageTables(), 2);
        processors.all().forEach(each -> each.loadRoot(ROOT));
        List<Long> written = new ArrayList<>();
        ram.addCodeListener(written::add);
        processors.get(1).user().writeByte(0x1000, (byte) 0x90);
        processors.get(0).translateFetch(0x1000);
        processors.get(1).catchUp();
        processors.get(1).user().writeByte(0x1000, (byte) 0xC3);
        assertEquals(List.of(0x300L), written);
    }

    @Test
    void anInvalidationReachesTheOtherProcessors() {
        map(0x1000, 0x30_0000, 1, RW);
        Mmus processors = new Mmus(ram, new X64PageTables(), 2);
        processors.all().forEach(each -> each.loadRoot(ROOT));
        processors.get(1).user().writeByte(0x1000, (byte) 1);
        processors.get(0).user().writeByte(0x1000, (byte) 1);
        map(0x1000, 0x40_0000, 1, RW);
        processors.invalidatePage(0x1000);
        processors.get(1).catchUp();
        processors.get(1).user().writeByte(0x1000, (byte) 2);
        assertEquals(1, ram.readByte(0x30_0000));
        assertEquals(2, ram.readByte(0x40_0000));
    }

    @Test
    void ramIsSparseAndBoundsChecked() {
        try (PhysicalMemory big = new PhysicalMemory(1L << 40)) {
            big.writeLong((1L << 40) - 8, 5);
            assertEquals(5, big.readLong((1L << 40) - 8));
            assertEquals(0, big.readLong(1L << 39));
            assertEquals(PhysicalMemory.CHUNK_SIZE, big.residentBytes());
            assertThrows(IndexOutOfBoundsException.class, () -> big.readLong((1L << 40) - 7));
            assertThrows(IndexOutOfBoundsException.class, () -> big.readByte(-1));
        }
    }

    @Test
    void randomAccessesMatchAPlainArray() {
        long seed = 20260101;
        Random random = new Random(seed);
        byte[] model = new byte[1 << 16];
        for (int page = 0; page < 16; page++) {
            map(0x10_0000 + page * Pages.SIZE, 0x1f_8000 + ((page * 5L) & 15) * Pages.SIZE, 1, RW);
        }
        var memory = mmu.user();
        for (int step = 0; step < 20_000; step++) {
            int at = random.nextInt(model.length - 600);
            long va = 0x10_0000 + at;
            switch (random.nextInt(5)) {
                case 0 -> {
                    long value = random.nextLong();
                    memory.writeLong(va, value);
                    for (int i = 0; i < 8; i++) {
                        model[at + i] = (byte) (value >>> (8 * i));
                    }
                }
                case 1 -> {
                    byte[] bytes = new byte[random.nextInt(600)];
                    random.nextBytes(bytes);
                    memory.write(va, bytes);
                    System.arraycopy(bytes, 0, model, at, bytes.length);
                }
                case 2 -> assertEquals(model[at], memory.readByte(va), "seed=" + seed + " step=" + step);
                case 3 -> {
                    int expected = 0;
                    for (int i = 3; i >= 0; i--) {
                        expected = expected << 8 | (model[at + i] & 0xFF);
                    }
                    assertEquals(expected, memory.readInt(va), "seed=" + seed + " step=" + step);
                }
                default -> {
                    if (random.nextBoolean()) {
                        mmu.invalidateAll();
                    }
                }
            }
        }
        assertFalse(ram.residentBytes() == 0);
    }

    /** Another processor may hold what the handler waits for, and wait for what a locked access holds. */
    @Test
    void noFaultIsResolvedInTheMiddleOfALockedAccess() {
        long first = 0x40_0000;
        long second = first + Pages.SIZE;
        map(first, 0x30_0000, 1, 0);
        map(second, 0x30_1000, 1, 0);
        List<Long> faults = new ArrayList<>();
        mmu.setFaultHandler((address, code) -> {
            assertFalse(Thread.holdsLock(ram));
            long page = Pages.down(address);
            faults.add(page);
            map(page, page == first ? 0x30_0000 : 0x30_1000, 1, RW);
            if (page == second && faults.size() < 4) {
                // The first page goes again.
                map(first, 0x30_0000, 1, 0);
                mmu.invalidatePage(first);
            }
            return NtStatus.SUCCESS;
        });
        assertTrue(mmu.user().compareAndSetLong(second - 3, 0, 0x1122334455667788L));
        assertEquals(List.of(first, second, first), faults);
        assertEquals(0x1122334455667788L, mmu.user().readLong(second - 3));
    }

    private void map(long va, long pa, int level, long bits) {
        long table = ROOT;
        for (int l = 4; l > level; l--) {
            long at = table + X64PageTables.index(l, va) * 8L;
            if (ram.readLong(at) == 0) {
                ram.writeLong(at, nextTable | RW);
                nextTable += Pages.SIZE;
            }
            table = ram.readLong(at) & X64PageTables.FRAME_MASK;
        }
        ram.writeLong(table + X64PageTables.index(level, va) * 8L, pa | bits | (level > 1 ? X64PageTables.LARGE : 0));
    }

    private long leaf(long va) {
        var path = mmu.format().path(ram, ROOT, va);
        return path.get(path.size() - 1).entry();
    }
}
