package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.VirtualMemoryServices.BasicInformation;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Token;

/** Physical pages and windows, write watch, contents that can go. */
class SpecialMemoryTest extends GuestMemoryTest {
    private static final int PHYSICAL = VirtualMemoryServices.MEM_PHYSICAL;
    private static final int WATCH = VirtualMemoryServices.MEM_WRITE_WATCH;

    private AwePages awe;
    private Memory user;
    private final long[] count = {0};
    private final NtStatus[] status = {NtStatus.SUCCESS};

    @BeforeEach
    void boot() {
        machine.addPageFile(4096, new MemoryBackingStore());
        awe = manager.awePages();
        machine.giveToken(process, 1L << Token.SE_LOCK_MEMORY);
        user = manager.mmu().user();
    }

    private long[] pages(long wanted) {
        count[0] = wanted;
        long[] frames = awe.allocate(process, count, status);
        assertEquals(NtStatus.SUCCESS, status[0]);
        assertEquals(wanted, count[0]);
        return frames;
    }

    // --- AWE ---

    @Test
    void aWindowShowsMorePagesThanItHas() {
        long available = manager.pfns().availablePages();
        long[] frames = pages(64);
        assertEquals(64, process.commitCharge());
        assertEquals(64, process.physicalPages());
        assertEquals(NtStatus.SUCCESS, allocate(0, 16 * Pages.SIZE, RESERVE | PHYSICAL, RW));
        long window = region.base;
        assertThrows(MemoryFault.class, () -> user.readByte(window));
        for (int part = 0; part < 4; part++) {
            assertEquals(
                    NtStatus.SUCCESS,
                    awe.map(process, window, 16, Arrays.copyOfRange(frames, 16 * part, 16 * part + 16)));
            for (int i = 0; i < 16; i++) {
                assertEquals(0, user.readLong(window + i * Pages.SIZE));
                user.writeLong(window + i * Pages.SIZE, 100L * part + i);
            }
        }
        machine.check("mapped");
        // Emptying the working set takes nothing of it away.
        manager.balance().trim(process, 4096, Trimmer.Choice.ANY);
        for (int part = 3; part >= 0; part--) {
            long[] some = Arrays.copyOfRange(frames, 16 * part, 16 * part + 16);
            assertEquals(NtStatus.SUCCESS, awe.map(process, window, 16, some));
            assertEquals(100L * part + 7, user.readLong(window + 7 * Pages.SIZE));
            assertEquals(some[7] << Pages.SHIFT, machine.physicalAddress(window + 7 * Pages.SIZE));
        }
        BasicInformation information = new BasicInformation();
        services.query(process, window, information);
        assertEquals(RW, information.protect);
        assertEquals(NtStatus.SUCCESS, awe.map(process, window, 16, null));
        assertThrows(MemoryFault.class, () -> user.readByte(window));
        assertEquals(NtStatus.SUCCESS, free(window, 0, RELEASE));
        assertEquals(NtStatus.SUCCESS, awe.free(process, frames, count));
        assertEquals(64, count[0]);
        assertEquals(0, process.commitCharge());
        machine.check("freed");
        // The record of the pages and the working set's list stay.
        assertEquals(available - 6, manager.pfns().availablePages(), 2);
    }

    @Test
    void pagesAreMappedOnceAndByTheirOwnerOnly() {
        long[] frames = pages(4);
        allocate(0, 8 * Pages.SIZE, RESERVE | PHYSICAL, RW);
        long window = region.base;
        assertEquals(NtStatus.SUCCESS, awe.map(process, window, 2, new long[] {frames[0], frames[1]}));
        assertEquals(
                NtStatus.CONFLICTING_ADDRESSES, awe.map(process, window + 4 * Pages.SIZE, 1, new long[] {frames[0]}));
        assertEquals(NtStatus.CONFLICTING_ADDRESSES, awe.map(process, window, 2, new long[] {frames[2], frames[2]}));
        assertEquals(NtStatus.CONFLICTING_ADDRESSES, awe.map(process, window, 1, new long[] {1}));
        // Within the range whose mappings are replaced, pages may change places.
        user.writeLong(window, 11);
        assertEquals(NtStatus.SUCCESS, awe.map(process, window, 2, new long[] {frames[1], frames[0]}));
        assertEquals(11, user.readLong(window + Pages.SIZE));
        assertEquals(
                NtStatus.SUCCESS,
                awe.scatter(process, new long[] {window + 7 * Pages.SIZE, window + 3 * Pages.SIZE}, new long[] {
                    frames[2], frames[3]
                }));
        user.writeLong(window + 7 * Pages.SIZE, 1);
        assertEquals(NtStatus.INVALID_PARAMETER_1, awe.map(process, window + 7 * Pages.SIZE, 2, null));
        allocate(0, 8 * Pages.SIZE, RESERVE | COMMIT, RW);
        assertEquals(NtStatus.INVALID_PARAMETER_1, awe.map(process, region.base, 1, new long[] {frames[0]}));
        // A mapped page that is freed is unmapped.
        assertEquals(NtStatus.SUCCESS, awe.free(process, new long[] {frames[2]}, count));
        assertThrows(MemoryFault.class, () -> user.readByte(window + 7 * Pages.SIZE));
        assertEquals(
                NtStatus.CONFLICTING_ADDRESSES, awe.free(process, new long[] {frames[3], frames[2], frames[0]}, count));
        assertEquals(1, count[0]);
        machine.check("some mapped");
    }

    @Test
    void rulesOfWindows() {
        assertEquals(NtStatus.INVALID_PARAMETER_5, allocate(0, Pages.SIZE, RESERVE | COMMIT | PHYSICAL, RW));
        assertEquals(
                NtStatus.INVALID_PAGE_PROTECTION,
                allocate(0, Pages.SIZE, RESERVE | PHYSICAL, PageProtection.PAGE_READONLY));
        assertEquals(NtStatus.SUCCESS, allocate(0, 4 * Pages.SIZE, RESERVE | PHYSICAL, RW));
        long window = region.base;
        assertEquals(NtStatus.CONFLICTING_ADDRESSES, allocate(window, Pages.SIZE, COMMIT, RW));
        assertEquals(NtStatus.UNABLE_TO_FREE_VM, free(window, Pages.SIZE, RELEASE));
        assertEquals(NtStatus.UNABLE_TO_DECOMMIT_VM, free(window, Pages.SIZE, DECOMMIT));
        machine.giveToken(process, 0);
        count[0] = 4;
        awe.allocate(process, count, status);
        assertEquals(NtStatus.PRIVILEGE_NOT_HELD, status[0]);
        assertEquals(0, count[0]);
    }

    @Test
    void anEndingProcessGivesItsPagesBack() {
        long available = manager.pfns().availablePages();
        Eprocess other = machine.newProcess(8);
        machine.giveToken(other, 1L << Token.SE_LOCK_MEMORY);
        manager.switchTo(other);
        region.base = 0;
        region.sizeBytes = 4 * Pages.SIZE;
        services.allocate(other, region, 0, RESERVE | PHYSICAL, RW);
        count[0] = 4;
        long[] frames = awe.allocate(other, count, status);
        assertEquals(NtStatus.SUCCESS, awe.map(other, region.base, 4, frames));
        machine.check("two processes");
        machine.end(other);
        manager.switchTo(process);
        // Its EPROCESS and token are this test's.
        assertEquals(available - 2, manager.pfns().availablePages());
    }

    // --- write watch ---

    private long[] watched(int flags, long base, long pages) {
        long[] found = new long[64];
        int[] n = {0};
        assertEquals(NtStatus.SUCCESS, manager.writeWatch().get(process, flags, base, pages * Pages.SIZE, found, n));
        return Arrays.stream(found, 0, n[0])
                .map(address -> address - base >>> Pages.SHIFT)
                .toArray();
    }

    @Test
    void writtenPagesAreToldUntilReset() {
        assertEquals(NtStatus.SUCCESS, allocate(0, 16 * Pages.SIZE, RESERVE | COMMIT | WATCH, RW));
        long base = region.base;
        assertEquals(0, watched(0, base, 16).length);
        user.readByte(base);
        user.writeByte(base + 3 * Pages.SIZE, (byte) 1);
        user.writeByte(base + 5 * Pages.SIZE + 9, (byte) 1);
        assertArrayEquals(new long[] {3, 5}, watched(0, base, 16));
        assertArrayEquals(new long[] {3}, watched(WriteWatch.RESET, base, 4));
        assertArrayEquals(new long[] {5}, watched(0, base, 16));
        user.writeByte(base + 3 * Pages.SIZE, (byte) 2);
        // Neither trimming nor paging out nor a protection that unmaps forgets a write.
        manager.balance().trim(process, 4096, Trimmer.Choice.ANY);
        assertArrayEquals(new long[] {3, 5}, watched(0, base, 16));
        manager.writeModifiedPages();
        assertEquals(2, user.readByte(base + 3 * Pages.SIZE));
        assertArrayEquals(new long[] {3, 5}, watched(0, base, 16));
        assertEquals(NtStatus.SUCCESS, manager.writeWatch().reset(process, base, 16 * Pages.SIZE));
        assertEquals(0, watched(0, base, 16).length);
        assertEquals(1, user.readByte(base + 5 * Pages.SIZE + 9));
        user.writeByte(base + 15 * Pages.SIZE, (byte) 1);
        region.base = base + 15 * Pages.SIZE;
        region.sizeBytes = Pages.SIZE;
        services.protect(process, region, PageProtection.PAGE_NOACCESS, new int[1]);
        assertArrayEquals(new long[] {15}, watched(0, base, 16));
        machine.check("watched");
        // A reset page that is trimmed unwritten keeps what it holds.
        manager.writeWatch().reset(process, base, 16 * Pages.SIZE);
        manager.balance().trim(process, 4096, Trimmer.Choice.ANY);
        assertEquals(2, user.readByte(base + 3 * Pages.SIZE));
    }

    @Test
    void watchedRegionsAreCutAndFreed() {
        allocate(0, 32 * Pages.SIZE, RESERVE | COMMIT | WATCH, RW);
        long base = region.base;
        for (int page : new int[] {1, 9, 20, 30}) {
            user.writeByte(base + page * Pages.SIZE, (byte) 1);
        }
        manager.balance().trim(process, 4096, Trimmer.Choice.ANY);
        assertEquals(NtStatus.SUCCESS, free(base + 16 * Pages.SIZE, Pages.SIZE, RELEASE));
        assertEquals(NtStatus.SUCCESS, free(base, 4 * Pages.SIZE, RELEASE));
        assertArrayEquals(new long[] {5}, watched(0, base + 4 * Pages.SIZE, 12));
        assertArrayEquals(new long[] {3, 13}, watched(0, base + 17 * Pages.SIZE, 15));
        assertEquals(NtStatus.SUCCESS, free(base + 20 * Pages.SIZE, Pages.SIZE, DECOMMIT));
        assertArrayEquals(new long[] {13}, watched(0, base + 17 * Pages.SIZE, 15));
        assertEquals(
                NtStatus.INVALID_PARAMETER_1,
                manager.writeWatch().get(process, 0, base, 32 * Pages.SIZE, new long[1], new int[1]));
        assertEquals(
                NtStatus.INVALID_PARAMETER_2,
                manager.writeWatch().get(process, 4, base + 4 * Pages.SIZE, Pages.SIZE, new long[1], new int[1]));
        assertEquals(
                NtStatus.INVALID_PARAMETER_5,
                manager.writeWatch().get(process, 0, base + 4 * Pages.SIZE, Pages.SIZE, new long[0], new int[1]));
        assertEquals(NtStatus.INVALID_PARAMETER_3, manager.writeWatch().reset(process, base + 4 * Pages.SIZE, 0));
        assertEquals(NtStatus.INVALID_PARAMETER_5, allocate(base + 4 * Pages.SIZE, Pages.SIZE, COMMIT | WATCH, RW));
    }

    // --- contents that can go ---

    @Test
    void resetPagesMayLoseWhatTheyHold() {
        allocate(0, 4 * Pages.SIZE, RESERVE | COMMIT, RW);
        long base = region.base;
        for (int i = 0; i < 4; i++) {
            user.writeLong(base + i * Pages.SIZE, i + 1L);
        }
        assertEquals(NtStatus.SUCCESS, allocate(base, 2 * Pages.SIZE, VirtualMemoryServices.MEM_RESET, RW));
        assertEquals(1, user.readLong(base));
        assertEquals(NtStatus.SUCCESS, allocate(base, Pages.SIZE, VirtualMemoryServices.MEM_RESET_UNDO, RW));
        manager.balance().trim(process, 4096, Trimmer.Choice.ANY);
        manager.writeModifiedPages();
        assertEquals(1, user.readLong(base));
        assertEquals(0, user.readLong(base + Pages.SIZE));
        assertEquals(3, user.readLong(base + 2 * Pages.SIZE));
        machine.check("reset");
        DisposableMemory disposable = manager.disposable();
        assertEquals(NtStatus.SUCCESS, disposable.offer(process, base + 2 * Pages.SIZE, 2 * Pages.SIZE));
        assertEquals(NtStatus.SUCCESS, disposable.reclaim(process, base + 2 * Pages.SIZE, Pages.SIZE));
        manager.balance().trim(process, 4096, Trimmer.Choice.ANY);
        assertEquals(NtStatus.NOT_FOUND, disposable.reclaim(process, base + 3 * Pages.SIZE, Pages.SIZE));
        assertEquals(3, user.readLong(base + 2 * Pages.SIZE));
        assertEquals(NtStatus.SUCCESS, disposable.discard(process, base, Pages.SIZE));
        assertEquals(0, user.readLong(base));
        assertEquals(NtStatus.INVALID_PARAMETER, disposable.discard(process, base + 1, Pages.SIZE));
        assertEquals(NtStatus.INVALID_PARAMETER, disposable.offer(process, base, 5 * Pages.SIZE));
    }
}
