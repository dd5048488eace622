package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.MitigationPolicy;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Token;

/** Every protection, in every state a page can be in, against every access; and what the calls refuse. */
class ProtectionTableTest extends GuestMemoryTest {
    private static final int[] ACCESSES = {1, 2, 4, 0x10, 0x20, 0x40};
    private static final int[] MODIFIERS = {
        0, PageProtection.PAGE_GUARD, PageProtection.PAGE_NOCACHE, PageProtection.PAGE_WRITECOMBINE
    };

    /** How the page came to be what it is when it is accessed. */
    enum State {
        RESERVED,
        COMMITTED_AS_A_WHOLE,
        COMMITTED_LATER,
        TOUCHED,
        TRIMMED,
        PAGED_OUT,
        DECOMMITTED,
        LARGE
    }

    @BeforeEach
    void boot() {
        machine.addPageFile(1024, new MemoryBackingStore());
        machine.giveToken(process, 1L << Token.SE_LOCK_MEMORY);
    }

    /** The page in its state, and with its protection; 0 when there cannot be such a page. */
    private long make(State state, int protection) {
        int large = state == State.LARGE ? VirtualMemoryServices.MEM_LARGE_PAGES : 0;
        long size = state == State.LARGE ? Pages.LARGE_SIZE : 4 * Pages.SIZE;
        boolean touches = state == State.TOUCHED || state == State.TRIMMED || state == State.PAGED_OUT;
        int first = touches ? RW : protection;
        boolean whole = state != State.RESERVED && state != State.COMMITTED_LATER;
        NtStatus status = allocate(0, size, RESERVE | (whole ? COMMIT : 0) | large, first);
        if (state == State.LARGE && !UserPages.isMappable(PageProtection.toMask(protection))) {
            assertEquals(NtStatus.INVALID_PAGE_PROTECTION, status);
            return 0;
        }
        assertEquals(NtStatus.SUCCESS, status);
        long base = region.base;
        long page = state == State.LARGE ? base + 77 * Pages.SIZE : base + Pages.SIZE;
        switch (state) {
            case COMMITTED_LATER -> assertEquals(NtStatus.SUCCESS, allocate(page, 1, COMMIT, protection));
            case DECOMMITTED -> assertEquals(NtStatus.SUCCESS, free(page, 1, DECOMMIT));
            case TOUCHED, TRIMMED, PAGED_OUT -> {
                manager.mmu().user().writeLong(page, 0x1122);
                assertEquals(NtStatus.SUCCESS, protect(page, 1, protection));
                if (state != State.TOUCHED) {
                    manager.balance().trim(process, 4096, Trimmer.Choice.ANY);
                }
                if (state == State.PAGED_OUT) {
                    manager.writeModifiedPages();
                }
            }
            case RESERVED, COMMITTED_AS_A_WHOLE, LARGE -> {}
        }
        return page;
    }

    /** What an access ends with. */
    private NtStatus access(int kind, long page) {
        try {
            switch (kind) {
                case 0 -> manager.mmu().user().readLong(page);
                case 1 -> manager.mmu().user().writeLong(page, 0x3344);
                default -> manager.mmu().current().translateFetch(page);
            }
            return NtStatus.SUCCESS;
        } catch (MemoryFault fault) {
            return fault.status();
        }
    }

    private static NtStatus expected(State state, int protection, int kind) {
        if (state == State.RESERVED || state == State.DECOMMITTED) {
            return NtStatus.ACCESS_VIOLATION;
        }
        if ((protection & PageProtection.PAGE_GUARD) != 0) {
            return NtStatus.GUARD_PAGE_VIOLATION;
        }
        int access = protection & 0xFF;
        boolean allowed = switch (kind) {
            case 0 -> access != PageProtection.PAGE_NOACCESS;
            case 1 -> (access & (RW | PageProtection.PAGE_EXECUTE_READWRITE)) != 0;
            default -> (access & 0xF0) != 0;
        };
        return allowed ? NtStatus.SUCCESS : NtStatus.ACCESS_VIOLATION;
    }

    @ParameterizedTest
    @EnumSource(State.class)
    void everyProtectionAgainstEveryAccess(State state) {
        for (int access : ACCESSES) {
            for (int modifier : MODIFIERS) {
                int protection = access | modifier;
                if (PageProtection.toMask(protection) == PageProtection.INVALID) {
                    continue;
                }
                for (int kind = 0; kind < 3; kind++) {
                    long page = make(state, protection);
                    if (page == 0) {
                        continue;
                    }
                    String what = state + " protection=" + Integer.toHexString(protection) + " access=" + kind;
                    NtStatus wanted = expected(state, protection, kind);
                    assertEquals(wanted, access(kind, page), what);
                    if (wanted == NtStatus.GUARD_PAGE_VIOLATION) {
                        // Once.
                        assertEquals(expected(state, access, kind), access(kind, page), what + " after the guard");
                    }
                    VirtualMemoryServices.BasicInformation information = new VirtualMemoryServices.BasicInformation();
                    services.query(process, page, information);
                    assertEquals(NtStatus.SUCCESS, free(information.allocationBase, 0, RELEASE), what);
                }
            }
        }
    }

    @Test
    void touchedPagesKeepTheirContentsThroughEveryProtection() {
        assertEquals(NtStatus.SUCCESS, allocate(0, Pages.SIZE, RESERVE | COMMIT, RW));
        long page = region.base;
        manager.mmu().user().writeLong(page, 0x55);
        for (int access : ACCESSES) {
            for (int modifier : MODIFIERS) {
                if (PageProtection.toMask(access | modifier) != PageProtection.INVALID) {
                    assertEquals(NtStatus.SUCCESS, protect(page, 1, access | modifier));
                    manager.balance().trim(process, 4096, Trimmer.Choice.ANY);
                    machine.check(Integer.toHexString(access | modifier));
                }
            }
        }
        assertEquals(NtStatus.SUCCESS, protect(page, 1, PageProtection.PAGE_READONLY));
        assertEquals(0x55, manager.mmu().user().readLong(page));
    }

    /** A call's arguments and how it ends, with two regions there: 64 KB reserved, 64 KB committed. */
    record Refusal(String call, long base, long size, int type, int protection, NtStatus status) {
        @Override
        public String toString() {
            return call + " base=" + Long.toHexString(base) + " size=" + Long.toHexString(size) + " type="
                    + Integer.toHexString(type) + " protection=" + Integer.toHexString(protection);
        }
    }

    private static final long RESERVED = 0x1000_0000L;
    private static final long COMMITTED = 0x2000_0000L;
    private static final long HUGE = 0x7FFF_FFFF_0000L;

    static List<Refusal> refusals() {
        List<Refusal> all = new ArrayList<>();
        int both = RESERVE | COMMIT;
        for (int bad : new int[] {0, 3, 6, 0x104 | 0x200, 0x101, 0x201, 0x800 | RW, 0x4000_0000 | RW}) {
            all.add(new Refusal("allocate", 0, 1, both, bad, NtStatus.INVALID_PAGE_PROTECTION));
            all.add(new Refusal("protect", COMMITTED, 1, 0, bad, NtStatus.INVALID_PAGE_PROTECTION));
        }
        all.add(new Refusal("allocate", 0, 1, both, PageProtection.PAGE_WRITECOPY, NtStatus.INVALID_PAGE_PROTECTION));
        for (int bad : new int[] {0, 1, 0x8000, 0x80_0000, RESERVE | 0x4000, 0x8_0000 | COMMIT, 0x10_0000}) {
            all.add(new Refusal("allocate", 0, 1, bad, RW, NtStatus.INVALID_PARAMETER_5));
        }
        all.add(new Refusal("allocate", 0, 0, both, RW, NtStatus.INVALID_PARAMETER_4));
        all.add(new Refusal("allocate", 0, HUGE + Pages.GRANULARITY, both, RW, NtStatus.INVALID_PARAMETER_4));
        all.add(new Refusal("allocate", COMMITTED, HUGE, both, RW, NtStatus.INVALID_PARAMETER_4));
        all.add(new Refusal("allocate", HUGE, 1, both, RW, NtStatus.INVALID_PARAMETER_2));
        all.add(new Refusal("allocate", 0x1000, 1, RESERVE, RW, NtStatus.INVALID_PARAMETER_2));
        all.add(new Refusal("allocate", -1, 1, both, RW, NtStatus.INVALID_PARAMETER_2));
        all.add(new Refusal("allocate", COMMITTED, 1, RESERVE, RW, NtStatus.CONFLICTING_ADDRESSES));
        all.add(new Refusal("allocate", 0x3000_0000L, 1, COMMIT, RW, NtStatus.CONFLICTING_ADDRESSES));
        all.add(new Refusal("allocate", COMMITTED, 0x2_0000, COMMIT, RW, NtStatus.CONFLICTING_ADDRESSES));
        all.add(new Refusal("allocate", 0, 1L << 40, both, RW, NtStatus.COMMITMENT_LIMIT));
        all.add(new Refusal("protect", RESERVED, 1, 0, RW, NtStatus.NOT_COMMITTED));
        all.add(new Refusal("protect", 0x3000_0000L, 1, 0, RW, NtStatus.CONFLICTING_ADDRESSES));
        all.add(new Refusal("protect", COMMITTED, 0x1_0001, 0, RW, NtStatus.CONFLICTING_ADDRESSES));
        all.add(new Refusal("protect", COMMITTED, 0, 0, RW, NtStatus.INVALID_PARAMETER_3));
        all.add(new Refusal("protect", HUGE, 1, 0, RW, NtStatus.INVALID_PARAMETER_2));
        all.add(new Refusal("protect", COMMITTED, 1, 0, PageProtection.PAGE_WRITECOPY, NtStatus.INVALID_PARAMETER_4));
        for (int bad : new int[] {0, RELEASE | DECOMMIT, RESERVE, RELEASE | 4}) {
            all.add(new Refusal("free", COMMITTED, 0, bad, 0, NtStatus.INVALID_PARAMETER_4));
        }
        all.add(new Refusal("free", 0x3000_0000L, 0, RELEASE, 0, NtStatus.MEMORY_NOT_ALLOCATED));
        all.add(new Refusal("free", COMMITTED + 0x1000, 0, RELEASE, 0, NtStatus.FREE_VM_NOT_AT_BASE));
        all.add(new Refusal("free", COMMITTED + 0x1000, 0, DECOMMIT, 0, NtStatus.FREE_VM_NOT_AT_BASE));
        all.add(new Refusal("free", COMMITTED, 0x1_0001, DECOMMIT, 0, NtStatus.UNABLE_TO_FREE_VM));
        all.add(new Refusal("free", HUGE, 0, RELEASE, 0, NtStatus.INVALID_PARAMETER_2));
        all.add(new Refusal("free", COMMITTED, HUGE, RELEASE, 0, NtStatus.INVALID_PARAMETER_3));
        return all;
    }

    @ParameterizedTest
    @MethodSource("refusals")
    void whatTheCallsRefuse(Refusal refusal) {
        allocate(RESERVED, Pages.GRANULARITY, RESERVE, RW);
        allocate(COMMITTED, Pages.GRANULARITY, RESERVE | COMMIT, RW);
        NtStatus status = switch (refusal.call) {
            case "allocate" -> allocate(refusal.base, refusal.size, refusal.type, refusal.protection);
            case "protect" -> protect(refusal.base, refusal.size, refusal.protection);
            default -> free(refusal.base, refusal.size, refusal.type);
        };
        assertEquals(refusal.status, status);
        assertEquals(16, process.commitCharge());
        assertEquals(2, process.vadCount());
    }

    @Test
    void dynamicCodeIsBlockedOnceProhibited() {
        assertEquals(NtStatus.SUCCESS, allocate(0, Pages.SIZE, RESERVE | COMMIT, RW));
        long page = region.base;
        assertEquals(NtStatus.SUCCESS, protect(page, 1, PageProtection.PAGE_EXECUTE_READ | 0x4000_0000));
        MitigationPolicy.DYNAMIC_CODE.write(process, 1);
        assertEquals(NtStatus.DYNAMIC_CODE_BLOCKED, protect(page, 1, PageProtection.PAGE_EXECUTE_READWRITE));
        assertEquals(
                NtStatus.DYNAMIC_CODE_BLOCKED,
                allocate(0, Pages.SIZE, RESERVE | COMMIT, PageProtection.PAGE_EXECUTE_READ));
        assertEquals(NtStatus.SUCCESS, protect(page, 1, RW));
        assertThrows(MemoryFault.class, () -> manager.mmu().current().translateFetch(page));
    }
}
