package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.mm.VirtualMemoryServices.BasicInformation;
import org.vadose.nt.Mitigations;
import org.vadose.nt.PageProtection;
import org.vadose.nt.PoolType;
import org.vadose.nt.Section;
import org.vadose.nt.Vad;

class PlaceholdersTest extends GuestMemoryTest {
    private static final int NONE = PageProtection.PAGE_NOACCESS;
    private static final int PLACE = RESERVE | VirtualMemoryServices.MEM_RESERVE_PLACEHOLDER;
    private static final int REPLACE = RESERVE | VirtualMemoryServices.MEM_REPLACE_PLACEHOLDER;
    private static final int PRESERVE = RELEASE | Placeholders.MEM_PRESERVE;
    private static final int COALESCE = RELEASE | Placeholders.MEM_COALESCE;
    private static final long PIECE = Pages.GRANULARITY;

    @Override
    NtStatus allocate(long base, long size, int type, int protect) {
        region.base = base;
        region.sizeBytes = size;
        return services.allocateEx(process, region, null, type, protect);
    }

    private long place(long pieces) {
        assertEquals(NtStatus.SUCCESS, allocate(0, pieces * PIECE, PLACE, NONE));
        return region.base;
    }

    @Test
    void splitReplacePutBackAndJoin() {
        long base = place(8);
        assertEquals(1, process.vadCount());
        assertEquals(NtStatus.SUCCESS, free(base + 2 * PIECE, 2 * PIECE, PRESERVE));
        assertEquals(3, process.vadCount());
        assertEquals(NtStatus.SUCCESS, allocate(base + 2 * PIECE, 2 * PIECE, REPLACE | COMMIT, RW));
        assertEquals(32, process.commitCharge());
        manager.mmu().user().writeLong(base + 3 * PIECE, 5);
        machine.check("replaced");
        assertEquals(NtStatus.CONFLICTING_ADDRESSES, free(base, 8 * PIECE, COALESCE));
        assertEquals(NtStatus.CONFLICTING_ADDRESSES, free(base + 2 * PIECE, PIECE, PRESERVE));
        assertEquals(NtStatus.SUCCESS, free(base + 2 * PIECE, 2 * PIECE, PRESERVE));
        assertEquals(0, process.commitCharge());
        assertEquals(NtStatus.CONFLICTING_ADDRESSES, free(base, 7 * PIECE, COALESCE));
        assertEquals(NtStatus.CONFLICTING_ADDRESSES, free(base, 2 * PIECE, COALESCE));
        assertEquals(NtStatus.SUCCESS, free(base, 8 * PIECE, COALESCE));
        assertEquals(1, process.vadCount());
        BasicInformation information = new BasicInformation();
        services.query(process, base, information);
        assertEquals(8 * PIECE, information.regionSizeBytes);
        assertEquals(RESERVE, information.state);
        assertEquals(NONE, information.allocationProtect);
        assertEquals(NtStatus.SUCCESS, free(base, 0, RELEASE));
        assertEquals(0, process.virtualSize());
    }

    @Test
    void refusals() {
        long base = place(4);
        assertEquals(NtStatus.CONFLICTING_ADDRESSES, allocate(base, PIECE, COMMIT, RW));
        assertEquals(NtStatus.CONFLICTING_ADDRESSES, allocate(base, PIECE, REPLACE, RW));
        assertEquals(NtStatus.CONFLICTING_ADDRESSES, free(base, 4 * PIECE, PRESERVE));
        assertEquals(NtStatus.INVALID_PARAMETER, free(base, 0, PRESERVE));
        assertEquals(NtStatus.INVALID_PARAMETER, allocate(0, PIECE, PLACE, RW));
        assertEquals(NtStatus.INVALID_PARAMETER, allocate(0, PIECE, PLACE | COMMIT, NONE));
        assertEquals(NtStatus.INVALID_PARAMETER, allocate(0, PIECE, REPLACE, RW));
        assertEquals(
                NtStatus.INVALID_PARAMETER, allocate(0, PIECE, PLACE | VirtualMemoryServices.MEM_WRITE_WATCH, NONE));
        // Only what replaced a placeholder becomes one.
        assertEquals(NtStatus.SUCCESS, allocate(0, PIECE, RESERVE, RW));
        assertEquals(NtStatus.CONFLICTING_ADDRESSES, free(region.base, PIECE, PRESERVE));
        region.base = 0;
        region.sizeBytes = PIECE;
        assertEquals(NtStatus.INVALID_PARAMETER_5, services.allocate(process, region, 0, PLACE, NONE));
    }

    @Test
    void aViewMayTakeItsPlace() {
        long base = place(2);
        manager.attached(process, () -> {
            ProcessSpace space = manager.virtualMemory().enteredSpace();
            Vad taken = manager.placeholders().take(space, base, base + 2 * PIECE - 1);
            assertEquals(0, process.vadCount());
            manager.placeholders().putBack(space, Objects.requireNonNull(taken));
            return null;
        });
        assertEquals(NtStatus.SUCCESS, allocate(base, 2 * PIECE, REPLACE, RW));
    }

    @Test
    void aPlaceholderStaysWhenItsViewCannotBeCalled() {
        new Mitigations(process).enableControlFlowGuard();
        assertEquals(NtStatus.SUCCESS, manager.controlFlowGuard().createBitmap(process));
        long section = manager.pool().allocate(PoolType.PAGED_POOL, Section.SIZE, 0);
        manager.kernelMemory().fill(section, Section.SIZE, (byte) 0);
        int rwx = PageProtection.PAGE_EXECUTE_READWRITE;
        assertEquals(
                NtStatus.SUCCESS,
                manager.sectionObjects()
                        .create(section, process, PIECE, rwx, SectionServices.SEC_COMMIT, null, "placeholder"));
        long base = place(1);
        assertEquals(NtStatus.SUCCESS, allocate(0, 1L << 30, RESERVE, RW));
        long rest = region.base;
        long committed = 0;
        for (long bytes = 1L << 26; bytes >= Pages.SIZE; bytes /= 2) {
            while (allocate(rest + committed, bytes, COMMIT, RW).isSuccess()) {
                committed += bytes;
            }
        }
        ViewServices.View view = new ViewServices.View();
        view.base = base;
        view.sizeBytes = PIECE;
        int replace = VirtualMemoryServices.MEM_REPLACE_PLACEHOLDER;
        assertEquals(NtStatus.COMMITMENT_LIMIT, manager.views().mapEx(section, process, view, null, replace, rwx));
        machine.check("not mapped");
        assertEquals(RESERVE, query(base).state);
        assertEquals(NtStatus.SUCCESS, free(rest, 0, RELEASE));
        assertEquals(NtStatus.SUCCESS, manager.views().mapEx(section, process, view, null, replace, rwx));
        assertEquals(COMMIT, query(base).state);
        assertEquals(NtStatus.SUCCESS, manager.views().unmap(process, base, true));
        assertEquals(NtStatus.SUCCESS, free(base, 0, RELEASE));
        manager.sectionObjects().deleted(section);
        manager.pool().free(section);
    }

    @Test
    void addressRequirements() {
        Placement low = Placement.of(VirtualMemoryServices.HIGHEST_USER + 1, 0x2000_0000L, 0x2FFF_FFFFL, 1 << 24);
        assertNotNull(low);
        long expected = 0x2000_0000L;
        for (int i = 0; i < 16; i++) {
            region.base = 0;
            region.sizeBytes = PIECE;
            assertEquals(NtStatus.SUCCESS, services.allocateEx(process, region, low, RESERVE, RW));
            assertEquals(expected + i * (1L << 24), region.base);
        }
        region.base = 0;
        assertEquals(NtStatus.NO_MEMORY, services.allocateEx(process, region, low, RESERVE, RW));
        Placement top = Placement.of(VirtualMemoryServices.HIGHEST_USER + 1, 0, 0x4000_FFFFL, 0);
        assertNotNull(top);
        int topDown = RESERVE | VirtualMemoryServices.MEM_TOP_DOWN;
        assertEquals(NtStatus.SUCCESS, services.allocateEx(process, region, top, topDown, RW));
        assertEquals(0x4000_0000L, region.base);
        assertEquals(NtStatus.INVALID_PARAMETER, services.allocateEx(process, region, top, RESERVE, RW));
        assertNull(Placement.of(VirtualMemoryServices.HIGHEST_USER + 1, 0x1000, 0, 0));
        assertNull(Placement.of(VirtualMemoryServices.HIGHEST_USER + 1, 0, 0x1234, 0));
        assertNull(Placement.of(VirtualMemoryServices.HIGHEST_USER + 1, 0, 0, 0x1000));
        assertNull(Placement.of(VirtualMemoryServices.HIGHEST_USER + 1, 0, 0, 0x3_0000));
        assertNull(Placement.of(VirtualMemoryServices.HIGHEST_USER + 1, 0x20000, 0x1FFFF, 0));
    }
}
