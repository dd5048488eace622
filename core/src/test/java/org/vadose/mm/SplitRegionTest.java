package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Vad;

/** A region that loses its middle: both ends go on being what the whole was. */
class SplitRegionTest extends GuestMemoryTest {
    private static final int PLACE = RESERVE | VirtualMemoryServices.MEM_RESERVE_PLACEHOLDER;
    private static final int REPLACE = RESERVE | VirtualMemoryServices.MEM_REPLACE_PLACEHOLDER;
    private static final int PRESERVE = RELEASE | Placeholders.MEM_PRESERVE;
    private static final long SIZE = 16 * Pages.SIZE;
    private static final int NODE = 5;

    enum Kind {
        RESERVED(RESERVE, RW),
        RESERVED_READ_ONLY(RESERVE, PageProtection.PAGE_READONLY),
        COMMITTED(RESERVE | COMMIT, RW),
        EXECUTABLE(RESERVE | COMMIT, PageProtection.PAGE_EXECUTE_READWRITE),
        NOT_CACHED(RESERVE | COMMIT, RW | PageProtection.PAGE_NOCACHE),
        WATCHED(RESERVE | COMMIT | VirtualMemoryServices.MEM_WRITE_WATCH, RW),
        PLACEHOLDER(PLACE, PageProtection.PAGE_NOACCESS);

        private final int type;
        private final int protection;

        Kind(int type, int protection) {
            this.type = type;
            this.protection = protection;
        }
    }

    private long make(int type, int protection) {
        set(0, SIZE);
        assertEquals(NtStatus.SUCCESS, services.allocateEx(process, region, null, type, protection));
        return region.base;
    }

    private Vad vadAt(long address) {
        return manager.attached(process, () -> {
            ProcessSpace space = services.enteredSpace();
            return new Vad(manager.kernelMemory(), space.vads().find(Pages.vpn(address)));
        });
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void theUpperEndIsWhatTheWholeWas(Kind kind) {
        long base = make(kind.type, kind.protection);
        manager.nodePreferences().setRegion(process, base, NODE);
        Vad whole = vadAt(base);
        int protection = whole.protection();
        int type = whole.type();
        boolean memCommit = whole.isMemCommit();
        boolean isPlaceholder = manager.placeholders().isPlaceholder(whole);
        if (kind == Kind.WATCHED) {
            manager.mmu().user().writeLong(base + SIZE - Pages.SIZE, 1);
        }
        assertEquals(NtStatus.SUCCESS, free(base + 4 * Pages.SIZE, 4 * Pages.SIZE, RELEASE));
        for (long end : new long[] {base, base + 8 * Pages.SIZE}) {
            Vad part = vadAt(end);
            assertEquals(end, part.range().startAddress());
            assertEquals(NODE, part.preferredNode(), "preferred node");
            assertEquals(protection, part.protection());
            assertEquals(type, part.type());
            assertEquals(memCommit, part.isMemCommit());
            assertEquals(kind == Kind.WATCHED, part.isWriteWatch());
            assertEquals(isPlaceholder, manager.placeholders().isPlaceholder(part), "placeholder");
        }
        if (kind == Kind.WATCHED) {
            long[] found = new long[4];
            int[] count = new int[1];
            long upper = base + 8 * Pages.SIZE;
            assertEquals(
                    NtStatus.SUCCESS, manager.writeWatch().get(process, 0, upper, base + SIZE - upper, found, count));
            assertEquals(1, count[0]);
            assertEquals(base + SIZE - Pages.SIZE, found[0]);
        }
        assertEquals(NtStatus.SUCCESS, free(base, 0, RELEASE));
        assertEquals(NtStatus.SUCCESS, free(base + 8 * Pages.SIZE, 0, RELEASE));
        assertEquals(0, process.vadCount());
        assertEquals(0, process.virtualSize());
    }

    @Test
    void bothEndsOfWhatReplacedAPlaceholderCanBePutBack() {
        long base = make(PLACE, PageProtection.PAGE_NOACCESS);
        set(base, SIZE);
        assertEquals(NtStatus.SUCCESS, services.allocateEx(process, region, null, REPLACE | COMMIT, RW));
        assertEquals(NtStatus.SUCCESS, free(base + 4 * Pages.SIZE, 4 * Pages.SIZE, RELEASE));
        assertEquals(NtStatus.SUCCESS, free(base, 4 * Pages.SIZE, PRESERVE));
        assertEquals(NtStatus.SUCCESS, free(base + 8 * Pages.SIZE, 8 * Pages.SIZE, PRESERVE));
        assertEquals(0, process.commitCharge());
    }

    @Test
    void partsOfAPlaceholderPreferItsNode() {
        long base = make(PLACE, PageProtection.PAGE_NOACCESS);
        manager.nodePreferences().setRegion(process, base, NODE);
        assertEquals(NtStatus.SUCCESS, free(base + 4 * Pages.SIZE, 4 * Pages.SIZE, PRESERVE));
        for (int page : new int[] {0, 4, 8}) {
            assertEquals(NODE, vadAt(base + page * Pages.SIZE).preferredNode());
        }
    }
}
