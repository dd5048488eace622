package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.PoolType;
import org.vadose.nt.Section;

/**
 * Random operations of two processes on a machine with hardly any RAM and a small page file whose device fails now and then,
 * against arrays that say what each page must hold; all invariants are checked on the way.
 *
 * <p>{@code -Dvadose.steps=N} runs longer, {@code -Dvadose.seed=N} something else.
 */
class PagingRandomTest {
    private static final int RW = PageProtection.PAGE_READWRITE;
    private static final int RO = PageProtection.PAGE_READONLY;
    private static final int NOACCESS = PageProtection.PAGE_NOACCESS;
    private static final int PAGES = 400;
    private static final int SHARED_PAGES = 120;
    private static final int RAM_LEFT = 420;
    private static final int PROCESSES = 2;

    private final long seed = Long.getLong("vadose.seed", 20261121);
    private final int steps = Integer.getInteger("vadose.steps", 1500);
    private final Random random = new Random(seed);
    private final PagingTest.FaultyStore store = new PagingTest.FaultyStore();
    private final SmallMachine machine = new SmallMachine(32L << 20, seed);
    private final MemoryManager manager = machine.manager();
    private final Memory user = manager.mmu().user();
    private final long[] shared = new long[SHARED_PAGES];
    private final Guest[] guests = new Guest[PROCESSES];
    private int errors;

    /** What a process's pages are, as it should be. */
    private static final class Guest {
        final Eprocess process;
        final long base;
        final long view;
        final boolean[] committed = new boolean[PAGES];
        final int[] protect = new int[PAGES];
        final long[] value = new long[PAGES];

        Guest(Eprocess process, long base, long view) {
            this.process = process;
            this.base = base;
            this.view = view;
        }
    }

    /** Something that may fail because the device does. */
    private interface Access {
        void run();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void pagesHoldWhatWasWritten(boolean compressed) {
        System.out.println("PagingRandomTest seed=" + seed + " compressed=" + compressed);
        machine.addPageFile(1600, store);
        if (compressed) {
            manager.compressMemory(machine.newProcess(64));
        }
        long section = manager.pool().allocate(PoolType.PAGED_POOL, Section.SIZE, 0);
        manager.kernelMemory().fill(section, Section.SIZE, (byte) 0);
        for (int i = 0; i < PROCESSES; i++) {
            guests[i] = newGuest(machine.newProcess(4 + 4 * i), section, i == 0);
        }
        long spare = manager.pfns().availablePages() - RAM_LEFT;
        manager.allocatePoolPages(false, spare);
        for (int step = 0; step < steps; step++) {
            String at = "seed=" + seed + " step=" + step;
            Guest guest = guests[random.nextInt(PROCESSES)];
            manager.switchTo(guest.process);
            int burst = 1 + random.nextInt(60);
            int first = random.nextInt(PAGES);
            switch (random.nextInt(16)) {
                case 0, 1, 2 -> {
                    for (int i = 0; i < burst; i++) {
                        write(guest, random.nextInt(PAGES), at);
                    }
                }
                case 3, 4, 5 -> {
                    for (int i = first; i < Math.min(PAGES, first + burst); i++) {
                        read(guest, i, at);
                    }
                }
                case 6, 7 -> {
                    for (int i = 0; i < burst; i++) {
                        touchShared(guest, random.nextInt(SHARED_PAGES), random.nextBoolean(), at);
                    }
                }
                case 8 -> commit(guest, first, Math.min(burst, PAGES - first), at);
                case 9 -> decommit(guest, first, Math.min(burst / 4 + 1, PAGES - first), at);
                case 10 -> protect(guest, first, Math.min(burst, PAGES - first), at);
                case 11 -> manager.workingSets().empty(guest.process);
                case 12 -> {
                    boolean hard = random.nextBoolean();
                    long most = (100 + random.nextInt(300)) * Pages.SIZE;
                    manager.workingSets()
                            .setLimits(
                                    guest.process,
                                    40 * Pages.SIZE,
                                    most,
                                    hard
                                            ? WorkingSetServices.HARD_MAXIMUM_ENABLE
                                            : WorkingSetServices.HARD_MAXIMUM_DISABLE);
                }
                case 13 -> lock(guest, first, Math.min(1 + random.nextInt(8), PAGES - first));
                case 14 -> {
                    store.error = random.nextBoolean() ? NtStatus.UNSUCCESSFUL : NtStatus.INSUFFICIENT_RESOURCES;
                    store.readsToFail = random.nextInt(3);
                    store.writesToFail = random.nextInt(3);
                }
                default -> {
                    manager.writeModifiedPages();
                    manager.pfns().zeroFreePages(random.nextInt(50));
                }
            }
            if (step % 10 == 0) {
                machine.check(at);
            }
        }
        store.readsToFail = 0;
        store.writesToFail = 0;
        assertTrue(compressed || store.reads > steps / 20, () -> "nothing was paged in reads=" + store.reads);
        for (Guest guest : guests) {
            manager.switchTo(guest.process);
            for (int i = 0; i < PAGES; i++) {
                read(guest, i, "end");
            }
            for (int i = 0; i < SHARED_PAGES; i++) {
                touchShared(guest, i, false, "end");
            }
        }
        for (Guest guest : guests) {
            machine.end(guest.process);
            machine.check("process ended");
        }
        if (!compressed) {
            // Else some may hold pages of the store's regions.
            assertEquals(manager.pageFiles().totalSlots(), manager.pageFiles().freeSlots());
        }
        machine.close();
    }

    private Guest newGuest(Eprocess process, long section, boolean makesSection) {
        manager.switchTo(process);
        SectionServices sections = manager.sectionObjects();
        if (makesSection) {
            assertEquals(
                    NtStatus.SUCCESS,
                    sections.create(
                            section,
                            process,
                            SHARED_PAGES * Pages.SIZE,
                            RW,
                            SectionServices.SEC_COMMIT,
                            null,
                            "shared"));
        }
        ViewServices.View view = new ViewServices.View();
        assertEquals(
                NtStatus.SUCCESS, manager.views().map(section, process, view, 0, 0, ViewServices.VIEW_SHARE, 0, RW));
        if (!makesSection) {
            sections.deleted(section);
        }
        Region region = region(0, PAGES);
        assertEquals(
                NtStatus.SUCCESS,
                manager.virtualMemory().allocate(process, region, 0, VirtualMemoryServices.MEM_RESERVE, RW));
        return new Guest(process, region.base, view.base);
    }

    private static Region region(long base, int pages) {
        Region region = new Region();
        region.base = base;
        region.sizeBytes = pages * Pages.SIZE;
        return region;
    }

    /** Until it succeeds: the device's errors end, and a page whose read failed can be read later. */
    private void retry(Access access, String at) {
        for (int i = 0; ; i++) {
            try {
                access.run();
                return;
            } catch (MemoryFault fault) {
                boolean isDevices = fault.status() == NtStatus.IN_PAGE_ERROR || fault.status() == NtStatus.NO_MEMORY;
                assertTrue(isDevices && i < 12, () -> at + " " + fault.getMessage());
                errors++;
            }
        }
    }

    private void write(Guest guest, int page, String at) {
        long address = guest.base + page * Pages.SIZE + 8L * (page & 511);
        if (!guest.committed[page] || guest.protect[page] != RW) {
            expectViolation(() -> user.writeLong(address, 1), at + " page=" + page);
            return;
        }
        guest.value[page] = random.nextLong();
        retry(() -> user.writeLong(address, guest.value[page]), at);
    }

    private void read(Guest guest, int page, String at) {
        long address = guest.base + page * Pages.SIZE + 8L * (page & 511);
        if (!guest.committed[page] || guest.protect[page] == NOACCESS) {
            expectViolation(() -> user.readLong(address), at + " page=" + page);
            return;
        }
        retry(() -> assertEquals(guest.value[page], user.readLong(address), at + " page=" + page), at);
        retry(() -> assertEquals(0, user.readLong(address ^ 8), at + " page=" + page), at);
    }

    private static void expectViolation(Access access, String at) {
        try {
            access.run();
        } catch (MemoryFault fault) {
            assertEquals(NtStatus.ACCESS_VIOLATION, fault.status(), at);
            return;
        }
        throw new AssertionError("access should fail " + at);
    }

    private void touchShared(Guest guest, int page, boolean write, String at) {
        long address = guest.view + page * Pages.SIZE + 16;
        if (write) {
            shared[page] = random.nextLong();
            retry(() -> user.writeLong(address, shared[page]), at);
        } else {
            retry(() -> assertEquals(shared[page], user.readLong(address), at + " shared page=" + page), at);
        }
    }

    private void commit(Guest guest, int first, int count, String at) {
        Region region = region(guest.base + first * Pages.SIZE, count);
        NtStatus status =
                manager.virtualMemory().allocate(guest.process, region, 0, VirtualMemoryServices.MEM_COMMIT, RW);
        assertEquals(NtStatus.SUCCESS, status, at);
        for (int i = first; i < first + count; i++) {
            guest.committed[i] = true;
            guest.protect[i] = RW;
        }
    }

    private void decommit(Guest guest, int first, int count, String at) {
        Region region = region(guest.base + first * Pages.SIZE, count);
        NtStatus status = manager.virtualMemory().free(guest.process, region, VirtualMemoryServices.MEM_DECOMMIT);
        assertEquals(NtStatus.SUCCESS, status, at);
        for (int i = first; i < first + count; i++) {
            guest.committed[i] = false;
            guest.value[i] = 0;
        }
    }

    private void protect(Guest guest, int first, int count, String at) {
        boolean committed = true;
        for (int i = first; i < first + count; i++) {
            committed &= guest.committed[i];
        }
        int wanted = new int[] {RW, RO, NOACCESS}[random.nextInt(3)];
        Region region = region(guest.base + first * Pages.SIZE, count);
        NtStatus status = manager.virtualMemory().protect(guest.process, region, wanted, new int[1]);
        assertEquals(committed ? NtStatus.SUCCESS : NtStatus.NOT_COMMITTED, status, at);
        for (int i = first; committed && i < first + count; i++) {
            guest.protect[i] = wanted;
        }
    }

    /** What it answers depends on the device; what matters is that the invariants hold. */
    private void lock(Guest guest, int first, int count) {
        Region region = region(guest.base + first * Pages.SIZE, count);
        if (random.nextBoolean()) {
            manager.workingSets().lock(guest.process, region);
        } else {
            manager.workingSets().unlock(guest.process, region);
        }
    }
}
