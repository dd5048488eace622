package org.vadose.mm;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.MemoryFault;
import org.vadose.memory.Mmu;
import org.vadose.mm.VirtualMemoryServices.BasicInformation;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;

/**
 * A guest thread that does random things to regions and sections of its own and knows what must be in each of their pages. Pages
 * are written in words at fixed places, {@link #WORDS} a page, or as a whole.
 */
final class StressThread {
    static final int WORDS = 32;
    private static final int WORD_SPACING = (int) Pages.SIZE / WORDS;
    static final int MOST_TRIES = 20_000;
    private static final int MOST_REMEMBERED = 24;
    /** One thread of so many may have a large page. */
    private static final int MOST_WITH_LARGE_PAGES = 4;

    private static final int RW = PageProtection.PAGE_READWRITE;
    private static final int R = PageProtection.PAGE_READONLY;
    private static final int[] PROTECTIONS = {
        RW,
        RW,
        RW,
        R,
        PageProtection.PAGE_NOACCESS,
        PageProtection.PAGE_EXECUTE_READ,
        PageProtection.PAGE_EXECUTE_READWRITE,
        RW | PageProtection.PAGE_GUARD,
        R | PageProtection.PAGE_GUARD
    };

    /** A private page. */
    private static final class Page {
        boolean committed;
        int protection;
        /** Null while it is all zeros. */
        long @Nullable [] words;

        boolean isSame(Page other) {
            return committed == other.committed && (!committed || protection == other.protection);
        }
    }

    /** A private region. */
    private static final class Area {
        final long base;
        final int protection;
        final Page[] pages;

        Area(long base, int protection, Page[] pages) {
            this.base = base;
            this.protection = protection;
            this.pages = pages;
        }

        long at(int page) {
            return base + page * Pages.SIZE;
        }
    }

    private final Stress stress;
    private final int id;
    private final Eprocess process;
    private final StressShared shared;
    private final Mmu mmu;
    private final Random random;
    private final MemoryManager manager;
    private final VirtualMemoryServices services;
    private final List<Area> areas = new ArrayList<>();
    private final StressSections sections;
    private final StressSpecial special;
    private final Region region = new Region();
    private final BasicInformation information = new BasicInformation();
    private final int[] oldProtection = {0};
    private final byte[] bytes = new byte[(int) Pages.SIZE];
    private final ArrayDeque<String> doings = new ArrayDeque<>();
    private int committed;
    private long steps;

    StressThread(Stress stress, int id, Eprocess process, StressShared shared, Mmu mmu) {
        this.stress = stress;
        this.id = id;
        this.process = process;
        this.shared = shared;
        this.mmu = mmu;
        this.random = new Random(stress.plan().seed() * 1000 + id);
        this.manager = stress.manager();
        this.services = manager.virtualMemory();
        this.special = new StressSpecial(stress, this, process, random, id % MOST_WITH_LARGE_PAGES == 0);
        this.sections = new StressSections(stress, this, process, mmu, random);
    }

    Eprocess process() {
        return process;
    }

    String describe() {
        return "thread=" + id + " process=" + process.uniqueProcessId() + " step=" + steps + " " + doings;
    }

    void doing(String what) {
        doings.addLast(what);
        if (doings.size() > MOST_REMEMBERED) {
            doings.removeFirst();
        }
    }

    void step() {
        steps++;
        switch (random.nextInt(28)) {
            case 0, 1 -> allocate();
            case 2 -> release();
            case 3 -> commit();
            case 4 -> decommit();
            case 5, 6 -> protect();
            case 7 -> query();
            case 8 -> kernelWork();
            case 9, 10 -> sections.step();
            case 11, 12, 13 -> sections.access();
            case 14, 15 -> accessShared();
            case 16 -> copyPage();
            case 17 -> rare();
            case 18, 19, 20, 21 -> special.step();
            default -> access();
        }
    }

    // --- what the machine is asked ---

    static void expect(NtStatus wanted, NtStatus got, String what) {
        if (wanted != got) {
            throw new AssertionError(what + " wanted=" + wanted + " got=" + got);
        }
    }

    static boolean isShortage(NtStatus status) {
        return status == NtStatus.NO_MEMORY
                || status == NtStatus.COMMITMENT_LIMIT
                || status == NtStatus.INSUFFICIENT_RESOURCES;
    }

    /** Guest instructions that use memory: again and again while disks fail or RAM is short. */
    NtStatus guest(Runnable instructions) {
        for (int tries = 0; ; tries++) {
            mmu.enterGuest();
            try {
                instructions.run();
                return NtStatus.SUCCESS;
            } catch (MemoryFault fault) {
                NtStatus status = fault.status();
                if (status != NtStatus.IN_PAGE_ERROR && status != NtStatus.NO_MEMORY) {
                    return status;
                }
                if (tries == MOST_TRIES) {
                    throw new AssertionError("page cannot be had: " + fault + " " + stress.statistics());
                }
            } finally {
                mmu.leaveGuest();
            }
            if (tries > 100) {
                Thread.yield();
            }
        }
    }

    private NtStatus allocate(long base, int pages, int type, int protection) {
        return stress.kernel(() -> {
            region.base = base;
            region.sizeBytes = pages * Pages.SIZE;
            return services.allocate(process, region, 0, type, protection);
        });
    }

    private NtStatus free(long base, int pages, int type) {
        return stress.kernel(() -> {
            region.base = base;
            region.sizeBytes = pages * Pages.SIZE;
            return services.free(process, region, type);
        });
    }

    private void drop(Area area) {
        expect(NtStatus.SUCCESS, free(area.base, 0, VirtualMemoryServices.MEM_RELEASE), "release");
        areas.remove(area);
        for (Page page : area.pages) {
            committed -= page.committed ? 1 : 0;
        }
    }

    private @Nullable Area any() {
        return areas.isEmpty() ? null : areas.get(random.nextInt(areas.size()));
    }

    private int most() {
        return stress.plan().pagesEach();
    }

    // --- private memory ---

    private void allocate() {
        int count = random.nextInt(8) == 0
                ? 1 + random.nextInt(Math.max(1, most() / 4))
                : 1 + random.nextInt(Math.clamp(most() / 10, 1, 64));
        while (committed + count > most() && !areas.isEmpty()) {
            drop(areas.get(random.nextInt(areas.size())));
        }
        boolean commits = random.nextInt(3) != 0;
        int type = VirtualMemoryServices.MEM_RESERVE
                | (commits ? VirtualMemoryServices.MEM_COMMIT : 0)
                | (random.nextInt(4) == 0 ? VirtualMemoryServices.MEM_TOP_DOWN : 0);
        int protection = random.nextInt(4) == 0 ? PROTECTIONS[random.nextInt(PROTECTIONS.length)] : RW;
        doing("allocate " + count + " commit=" + commits + " protection=" + protection);
        NtStatus status = allocate(0, count, type, protection);
        if (isShortage(status)) {
            return;
        }
        expect(NtStatus.SUCCESS, status, "allocate");
        Page[] pages = new Page[count];
        for (int i = 0; i < count; i++) {
            pages[i] = new Page();
            pages[i].committed = commits;
            pages[i].protection = protection;
        }
        committed += commits ? count : 0;
        areas.add(new Area(region.base, protection, pages));
    }

    /** All of a region, or some pages of it: what is left at the ends is then one region or two. */
    private void release() {
        Area area = any();
        if (area == null) {
            return;
        }
        if (random.nextBoolean()) {
            doing("release " + Hex.address(area.base));
            drop(area);
            return;
        }
        int first = random.nextInt(area.pages.length);
        int count = 1 + random.nextInt(area.pages.length - first);
        doing("release " + count + " at " + Hex.address(area.at(first)));
        NtStatus status = free(area.at(first), count, VirtualMemoryServices.MEM_RELEASE);
        if (isShortage(status)) {
            return;
        }
        expect(NtStatus.SUCCESS, status, "release of a part");
        areas.remove(area);
        for (int i = first; i < first + count; i++) {
            committed -= area.pages[i].committed ? 1 : 0;
        }
        if (first != 0) {
            areas.add(new Area(area.base, area.protection, Arrays.copyOf(area.pages, first)));
        }
        int behind = first + count;
        if (behind != area.pages.length) {
            Page[] rest = Arrays.copyOfRange(area.pages, behind, area.pages.length);
            areas.add(new Area(area.at(behind), area.protection, rest));
        }
    }

    private void commit() {
        Area area = any();
        if (area == null || committed > most()) {
            return;
        }
        int first = random.nextInt(area.pages.length);
        int count = 1 + random.nextInt(Math.min(area.pages.length - first, 40));
        int protection = PROTECTIONS[random.nextInt(PROTECTIONS.length)];
        doing("commit " + count + " at " + Hex.address(area.at(first)) + " protection=" + protection);
        NtStatus status = allocate(area.at(first), count, VirtualMemoryServices.MEM_COMMIT, protection);
        if (status == NtStatus.COMMITMENT_LIMIT) {
            return;
        }
        if (status == NtStatus.NO_MEMORY) {
            // Some pages may be committed now.
            drop(area);
            return;
        }
        expect(NtStatus.SUCCESS, status, "commit");
        for (int i = first; i < first + count; i++) {
            committed += area.pages[i].committed ? 0 : 1;
            area.pages[i].committed = true;
            area.pages[i].protection = protection;
        }
    }

    private void decommit() {
        Area area = any();
        if (area == null) {
            return;
        }
        int first = random.nextInt(area.pages.length);
        int count = 1 + random.nextInt(area.pages.length - first);
        doing("decommit " + count + " at " + Hex.address(area.at(first)));
        NtStatus status = free(area.at(first), count, VirtualMemoryServices.MEM_DECOMMIT);
        if (status == NtStatus.NO_MEMORY) {
            drop(area);
            return;
        }
        expect(NtStatus.SUCCESS, status, "decommit");
        for (int i = first; i < first + count; i++) {
            committed -= area.pages[i].committed ? 1 : 0;
            area.pages[i].committed = false;
            area.pages[i].words = null;
        }
    }

    private void protect() {
        Area area = any();
        if (area == null) {
            return;
        }
        int first = random.nextInt(area.pages.length);
        int count = 1 + random.nextInt(Math.min(area.pages.length - first, 24));
        int protection = PROTECTIONS[random.nextInt(PROTECTIONS.length)];
        doing("protect " + count + " at " + Hex.address(area.at(first)) + " protection=" + protection);
        NtStatus status = stress.kernel(() -> {
            region.base = area.at(first);
            region.sizeBytes = count * Pages.SIZE;
            return services.protect(process, region, protection, oldProtection);
        });
        boolean allCommitted = true;
        for (int i = first; i < first + count; i++) {
            allCommitted &= area.pages[i].committed;
        }
        if (!allCommitted) {
            expect(NtStatus.NOT_COMMITTED, status, "protect");
            return;
        }
        if (status == NtStatus.NO_MEMORY) {
            drop(area);
            return;
        }
        expect(NtStatus.SUCCESS, status, "protect");
        if (oldProtection[0] != area.pages[first].protection) {
            throw new AssertionError("old protection wanted=" + area.pages[first].protection + " got="
                    + oldProtection[0] + " at " + Hex.address(area.at(first)));
        }
        for (int i = first; i < first + count; i++) {
            area.pages[i].protection = protection;
        }
    }

    private void query() {
        Area area = any();
        if (area == null) {
            return;
        }
        int first = random.nextInt(area.pages.length);
        doing("query " + Hex.address(area.at(first)));
        expect(
                NtStatus.SUCCESS,
                stress.kernel(() -> services.query(process, area.at(first) + random.nextInt(4096), information)),
                "query");
        int end = first;
        while (end < area.pages.length && area.pages[end].isSame(area.pages[first])) {
            end++;
        }
        Page page = area.pages[first];
        if (information.baseAddress != area.at(first)
                || information.allocationBase != area.base
                || information.allocationProtect != area.protection
                || information.regionSizeBytes != (end - first) * Pages.SIZE
                || information.state
                        != (page.committed ? VirtualMemoryServices.MEM_COMMIT : VirtualMemoryServices.MEM_RESERVE)
                || information.protect != (page.committed ? page.protection : 0)) {
            throw new AssertionError("query of " + Hex.address(area.at(first)) + " base="
                    + Hex.address(information.allocationBase) + " size=" + information.regionSizeBytes + " wanted="
                    + (end - first) * Pages.SIZE + " state=" + information.state + " protect=" + information.protect
                    + " wanted=" + page.protection);
        }
    }

    // --- using memory ---

    static int offset(int word) {
        return word * WORD_SPACING + 8 * (word & 7);
    }

    static long[] orZeros(long @Nullable [] words) {
        return words == null ? new long[WORDS] : words;
    }

    private void access() {
        Area area = any();
        if (area == null) {
            return;
        }
        int first = random.nextInt(area.pages.length);
        int end = Math.min(area.pages.length, first + 1 + random.nextInt(16));
        boolean writes = random.nextInt(3) != 0;
        doing((writes ? "write " : "read ") + (end - first) + " at " + Hex.address(area.at(first)));
        for (int i = first; i < end; i++) {
            access(area, i, writes);
        }
    }

    private void access(Area area, int index, boolean writes) {
        Page page = area.pages[index];
        long at = area.at(index);
        NtStatus expected = expected(page, writes);
        int word = random.nextInt(WORDS);
        long value = random.nextLong();
        if (writes) {
            expect(
                    expected,
                    guest(() -> mmu.user().writeLong(at + offset(word), value)),
                    "write at " + Hex.address(at));
            if (expected == NtStatus.SUCCESS) {
                page.words = orZeros(page.words);
                page.words[word] = value;
            }
        } else if (random.nextBoolean()) {
            long[] read = {0};
            expect(
                    expected,
                    guest(() -> read[0] = mmu.user().readLong(at + offset(word))),
                    "read at " + Hex.address(at));
            if (expected == NtStatus.SUCCESS) {
                equal(orZeros(page.words)[word], read[0], at + offset(word));
            }
        } else {
            expect(
                    expected,
                    guest(() -> mmu.user().read(at, bytes, 0, bytes.length)),
                    "read of page at " + Hex.address(at));
            if (expected == NtStatus.SUCCESS) {
                verify(page.words, bytes, at);
            }
        }
        if (expected == NtStatus.GUARD_PAGE_VIOLATION) {
            page.protection &= ~PageProtection.PAGE_GUARD;
        }
    }

    private static NtStatus expected(Page page, boolean writes) {
        if (!page.committed) {
            return NtStatus.ACCESS_VIOLATION;
        }
        if ((page.protection & PageProtection.PAGE_GUARD) != 0) {
            return NtStatus.GUARD_PAGE_VIOLATION;
        }
        int mask = PageProtection.toMask(page.protection);
        boolean allowed = PageProtection.isAccessible(mask) && (!writes || PageProtection.isWritable(mask));
        return allowed ? NtStatus.SUCCESS : NtStatus.ACCESS_VIOLATION;
    }

    static void equal(long wanted, long got, long at) {
        if (wanted != got) {
            throw new AssertionError(
                    "word at " + Hex.address(at) + " wanted=" + Hex.address(wanted) + " got=" + Hex.address(got));
        }
    }

    /** Every byte of a page. */
    static void verify(long @Nullable [] words, byte[] bytes, long at) {
        for (int i = 0; i < bytes.length; i += 8) {
            long got = 0;
            for (int j = 7; j >= 0; j--) {
                got = got << 8 | bytes[i + j] & 0xFF;
            }
            int word = i / WORD_SPACING;
            equal(words != null && i == offset(word) ? words[word] : 0, got, at + i);
        }
    }

    /** A whole page from one place to another, as {@code rep movs} does it. */
    private void copyPage() {
        Area from = any();
        Area to = any();
        if (from == null || to == null) {
            return;
        }
        int source = random.nextInt(from.pages.length);
        int target = random.nextInt(to.pages.length);
        Page read = from.pages[source];
        Page written = to.pages[target];
        if (read == written
                || expected(read, false) != NtStatus.SUCCESS
                || expected(written, true) != NtStatus.SUCCESS) {
            return;
        }
        doing("copy " + Hex.address(from.at(source)) + " to " + Hex.address(to.at(target)));
        expect(
                NtStatus.SUCCESS,
                guest(() -> mmu.user().copyForward(from.at(source), to.at(target), Pages.SIZE)),
                "copy");
        written.words = read.words == null ? null : read.words.clone();
    }

    private void accessShared() {
        int page = random.nextInt(StressShared.PAGES);
        long at = shared.address(id, process, page);
        doing("shared word at " + Hex.address(at));
        long[] read = {0};
        expect(NtStatus.SUCCESS, guest(() -> read[0] = mmu.user().readLong(at)), "read of shared word");
        equal(shared.written(id, page), read[0], at);
        if (random.nextBoolean()) {
            long value = random.nextLong();
            expect(NtStatus.SUCCESS, guest(() -> mmu.user().writeLong(at, value)), "write of shared word");
            shared.setWritten(id, page, value);
        }
    }

    // --- what the system does ---

    private void kernelWork() {
        int what = random.nextInt(7);
        doing("kernel work " + what);
        stress.kernel(() -> {
            switch (what) {
                case 0 -> manager.balance().trim(process, random.nextInt(500), Trimmer.Choice.ANY);
                case 1 -> manager.balance().trim(process, random.nextInt(500), Trimmer.Choice.NOT_ACCESSED);
                case 2 -> manager.writeModifiedPages();
                case 3 -> manager.pfns().zeroFreePages(200);
                case 4 -> {
                    List<Eprocess> all = stress.processes();
                    Eprocess other = all.get(random.nextInt(all.size()));
                    manager.balance().trim(other, Long.MAX_VALUE, Trimmer.Choice.ANY);
                }
                case 5 -> manager.combining().combineAll();
                default -> sections.flushOne();
            }
            return true;
        });
    }

    /** A process comes, uses memory and goes. */
    private void rare() {
        if (random.nextInt(6) != 0) {
            return;
        }
        int pages = 1 + random.nextInt(40);
        doing("a process with pages=" + pages);
        stress.kernel(() -> {
            Eprocess other = stress.newProcess(1000 + 4L * id);
            if (other == null) {
                return false;
            }
            region.base = 0;
            region.sizeBytes = pages * Pages.SIZE;
            int type = VirtualMemoryServices.MEM_RESERVE | VirtualMemoryServices.MEM_COMMIT;
            NtStatus status = services.allocate(other, region, 0, type, RW);
            if (status.isSuccess()) {
                long base = region.base;
                byte[] written = new byte[pages * (int) Pages.SIZE];
                random.nextBytes(written);
                int done = services.write(other, base, written);
                byte[] read = new byte[done];
                int got = services.read(other, base, read);
                if (!Arrays.equals(written, 0, got, read, 0, got)) {
                    throw new AssertionError("another process lost what was written");
                }
            } else if (!isShortage(status)) {
                expect(NtStatus.SUCCESS, status, "allocate in a new process");
            }
            stress.end(other);
            return true;
        });
    }

    /** Reads all that can be read. */
    void verifyAll() {
        doing("verify all");
        for (Area area : areas) {
            for (int i = 0; i < area.pages.length; i++) {
                if (expected(area.pages[i], false) == NtStatus.SUCCESS) {
                    long at = area.at(i);
                    expect(NtStatus.SUCCESS, guest(() -> mmu.user().read(at, bytes, 0, bytes.length)), "read");
                    verify(area.pages[i].words, bytes, at);
                }
            }
        }
        sections.verifyAll();
    }
}
