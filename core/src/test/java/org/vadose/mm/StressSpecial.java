package org.vadose.mm;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.vadose.base.Hex;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.X64PageTables;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.PoolType;
import org.vadose.nt.Section;

/**
 * What a guest thread does with memory that has rules of its own, at most one region of each kind, and what must be in them: pages
 * owned by number and their window, a large page of its own or of a section, locked pages, placeholders, contents that can be done without, watched writes.
 */
final class StressSpecial {
    private static final int RW = PageProtection.PAGE_READWRITE;
    private static final int RESERVE = VirtualMemoryServices.MEM_RESERVE;
    private static final int COMMIT = VirtualMemoryServices.MEM_COMMIT;
    private static final int RELEASE = VirtualMemoryServices.MEM_RELEASE;
    private static final int NONE = -1;
    private static final int WINDOW = 8;
    private static final int PIECES = 8;
    private static final long PIECE = Pages.GRANULARITY;
    private static final int FEW = 12;
    private static final int LARGE_PAGES = (int) (Pages.LARGE_SIZE / Pages.SIZE);

    private final Stress stress;
    private final StressThread thread;
    private final Eprocess process;
    private final Random random;
    private final boolean mayHaveLargePages;
    private final MemoryManager manager;
    private final VirtualMemoryServices services;
    private final Region region = new Region();

    // Pages owned by number.
    private long[] frames = {};
    private final int[] shown = new int[WINDOW];
    private long[] held = {};
    private long window;

    private long large;
    /** Another view of the large page's section, 0 if it is private. */
    private long smallView;

    private final long[] largeWords = new long[LARGE_PAGES];

    private long locked;
    private int lockedPages;
    private final long[] lockedWords = new long[FEW];

    private long places;
    private final List<Place> segments = new ArrayList<>();

    private long disposable;
    private final long[] last = new long[FEW];
    /** Whether a page may hold zeros instead. */
    private final boolean[] mayBeLost = new boolean[FEW];

    private long watched;
    private final TreeSet<Integer> written = new TreeSet<>();

    /** A run of pieces: a placeholder, or committed memory in the place of one. */
    private record Place(int first, int count, boolean isMemory, long[] words) {}

    StressSpecial(Stress stress, StressThread thread, Eprocess process, Random random, boolean mayHaveLargePages) {
        this.stress = stress;
        this.thread = thread;
        this.process = process;
        this.random = random;
        this.mayHaveLargePages = mayHaveLargePages;
        this.manager = stress.manager();
        this.services = manager.virtualMemory();
    }

    void step() {
        switch (random.nextInt(6)) {
            case 0 -> ownedPages();
            case 1 -> largePage();
            case 2 -> lockedPages();
            case 3 -> placeholders();
            case 4 -> disposable();
            default -> watched();
        }
    }

    // --- how the machine is asked ---

    private Memory user() {
        return stress.mmu().user();
    }

    private NtStatus allocate(long base, long bytes, int type) {
        return stress.kernel(() -> {
            region.base = base;
            region.sizeBytes = bytes;
            return services.allocate(process, region, 0, type, RW);
        });
    }

    private NtStatus free(long base, long bytes, int type) {
        return stress.kernel(() -> {
            region.base = base;
            region.sizeBytes = bytes;
            return services.free(process, region, type);
        });
    }

    /** A new region, 0 when nothing can be had for one. */
    private long allocateNew(long bytes, int type) {
        NtStatus status = allocate(0, bytes, type);
        if (StressThread.isShortage(status)) {
            return 0;
        }
        StressThread.expect(NtStatus.SUCCESS, status, "allocate type=" + Hex.plain(type));
        return region.base;
    }

    private void release(long base) {
        StressThread.expect(NtStatus.SUCCESS, free(base, 0, RELEASE), "release");
    }

    private long read(long at) {
        long[] word = {0};
        StressThread.expect(
                NtStatus.SUCCESS, thread.guest(() -> word[0] = user().readLong(at)), "read at " + Hex.address(at));
        return word[0];
    }

    private void write(long at, long value) {
        StressThread.expect(
                NtStatus.SUCCESS, thread.guest(() -> user().writeLong(at, value)), "write at " + Hex.address(at));
    }

    private static void equal(long wanted, long got, String what, long at) {
        if (wanted != got) {
            throw new AssertionError(
                    what + " at " + Hex.address(at) + " wanted=" + Hex.address(wanted) + " got=" + Hex.address(got));
        }
    }

    /** A word of a page whose place differs from page to page. */
    private static long at(long base, int page) {
        return base + page * Pages.SIZE + 8 * (page * 37 & 511);
    }

    // --- pages owned by number ---

    private void ownedPages() {
        if (window == 0) {
            ownPages();
            return;
        }
        switch (random.nextInt(8)) {
            case 0 -> giveUpPages();
            case 1, 2, 3 -> showPages();
            default -> {
                int slot = random.nextInt(WINDOW);
                thread.doing("window slot=" + slot + " of " + Hex.address(window));
                if (shown[slot] == NONE) {
                    long at = window + slot * Pages.SIZE;
                    StressThread.expect(
                            NtStatus.ACCESS_VIOLATION, thread.guest(() -> user().readByte(at)), "read of empty slot");
                    return;
                }
                long at = window + slot * Pages.SIZE + 8 * shown[slot];
                equal(held[shown[slot]], read(at), "window", at);
                held[shown[slot]] = random.nextLong();
                write(at, held[shown[slot]]);
            }
        }
    }

    private void ownPages() {
        long[] count = {1 + random.nextInt(2 * WINDOW)};
        NtStatus[] status = {NtStatus.SUCCESS};
        thread.doing("own pages=" + count[0]);
        long base = allocateNew(WINDOW * Pages.SIZE, RESERVE | VirtualMemoryServices.MEM_PHYSICAL);
        if (base == 0) {
            return;
        }
        long[] got = stress.kernel(() -> manager.awePages().allocate(process, count, status));
        if (!status[0].isSuccess()) {
            if (!StressThread.isShortage(status[0])) {
                StressThread.expect(NtStatus.SUCCESS, status[0], "own pages");
            }
            release(base);
            return;
        }
        window = base;
        frames = Arrays.copyOf(got, (int) count[0]);
        held = new long[frames.length];
        Arrays.fill(shown, NONE);
    }

    private void giveUpPages() {
        thread.doing("give up owned pages");
        boolean windowFirst = random.nextBoolean();
        if (windowFirst) {
            release(window);
        }
        long[] freed = {0};
        NtStatus status = stress.kernel(() -> manager.awePages().free(process, frames, freed));
        StressThread.expect(NtStatus.SUCCESS, status, "free owned pages");
        if (!windowFirst) {
            release(window);
        }
        window = 0;
    }

    /** Maps other pages at a part of the window, or none. */
    private void showPages() {
        int first = random.nextInt(WINDOW);
        int count = 1 + random.nextInt(WINDOW - first);
        List<Integer> hidden = new ArrayList<>();
        for (int i = 0; i < frames.length; i++) {
            boolean isElsewhere = false;
            for (int slot = 0; slot < WINDOW; slot++) {
                isElsewhere |= shown[slot] == i && (slot < first || slot >= first + count);
            }
            if (!isElsewhere) {
                hidden.add(i);
            }
        }
        boolean empties = hidden.size() < count || random.nextInt(4) == 0;
        int[] chosen = new int[count];
        long[] numbers = new long[count];
        for (int i = 0; i < count; i++) {
            chosen[i] = empties ? NONE : hidden.remove(random.nextInt(hidden.size()));
            numbers[i] = empties ? 0 : frames[chosen[i]];
        }
        thread.doing("show " + Arrays.toString(chosen) + " at slot=" + first);
        NtStatus status = stress.kernel(
                () -> manager.awePages().map(process, window + first * Pages.SIZE, count, empties ? null : numbers));
        if (StressThread.isShortage(status)) {
            return;
        }
        StressThread.expect(NtStatus.SUCCESS, status, "map owned pages");
        System.arraycopy(chosen, 0, shown, first, count);
    }

    // --- large pages ---

    private void largePage() {
        if (large == 0) {
            if (mayHaveLargePages && random.nextInt(4) == 0) {
                thread.doing("large page");
                if (random.nextBoolean()) {
                    large = allocateNew(Pages.LARGE_SIZE, RESERVE | COMMIT | VirtualMemoryServices.MEM_LARGE_PAGES);
                } else {
                    stress.kernel(this::mapLargeSection);
                }
                Arrays.fill(largeWords, 0);
            }
            return;
        }
        if (random.nextInt(6) == 0) {
            thread.doing("release large page");
            if (smallView != 0) {
                unmap(large);
                unmap(smallView);
                smallView = 0;
            } else {
                release(large);
            }
            large = 0;
            return;
        }
        for (int i = 0; i < 8; i++) {
            int page = random.nextInt(LARGE_PAGES);
            thread.doing("page=" + page + " of large page");
            // The same frames, seen through small pages that come and go.
            long seen = smallView != 0 && random.nextInt(4) == 0 ? smallView : large;
            equal(largeWords[page], read(at(seen, page)), "large page", at(seen, page));
            largeWords[page] = random.nextLong();
            write(at(large, page), largeWords[page]);
        }
    }

    /** One large page of a section with a large view and a small one, and nobody to hold the section but them. */
    private int mapLargeSection() {
        if (!manager.canGrowPools()) {
            return 0;
        }
        SectionServices sections = manager.sectionObjects();
        long body = manager.pool().allocate(PoolType.PAGED_POOL, Section.SIZE, 0);
        manager.kernelMemory().fill(body, Section.SIZE, (byte) 0);
        int attributes = SectionServices.SEC_COMMIT | SectionServices.SEC_LARGE_PAGES;
        NtStatus status = sections.create(body, process, Pages.LARGE_SIZE, RW, attributes, null, "large");
        if (status.isSuccess()) {
            large = map(body, VirtualMemoryServices.MEM_LARGE_PAGES);
            smallView = large == 0 ? 0 : map(body, 0);
            if (large != 0 && smallView == 0) {
                manager.views().unmap(process, large);
                large = 0;
            }
        } else if (!StressThread.isShortage(status)) {
            StressThread.expect(NtStatus.SUCCESS, status, "large section");
        }
        sections.deleted(body);
        manager.pool().free(body);
        return 0;
    }

    private long map(long body, int type) {
        ViewServices.View view = new ViewServices.View();
        NtStatus status = manager.views().map(body, process, view, 0, 0, ViewServices.VIEW_UNMAP, type, RW);
        if (!StressThread.isShortage(status)) {
            StressThread.expect(NtStatus.SUCCESS, status, "view of a large section");
        }
        return status.isSuccess() ? view.base : 0;
    }

    private void unmap(long view) {
        NtStatus status = stress.kernel(() -> manager.views().unmap(process, view));
        StressThread.expect(NtStatus.SUCCESS, status, "unmap");
    }

    // --- locked pages ---

    private void lockedPages() {
        if (locked == 0) {
            thread.doing("region to lock");
            locked = allocateNew(FEW * Pages.SIZE, RESERVE | COMMIT);
            Arrays.fill(lockedWords, 0);
            lockedPages = 0;
            return;
        }
        int page = random.nextInt(FEW);
        switch (random.nextInt(6)) {
            case 0 -> {
                thread.doing("release locked=" + lockedPages);
                release(locked);
                locked = 0;
            }
            case 1 -> {
                if (lockedPages == 0) {
                    lock(1 + random.nextInt(FEW));
                } else {
                    thread.doing("unlock " + lockedPages);
                    StressThread.expect(NtStatus.SUCCESS, lockCall(lockedPages, false), "unlock");
                    lockedPages = 0;
                }
            }
            default -> {
                thread.doing("page=" + page + " of which locked=" + lockedPages);
                if (page < lockedPages) {
                    long pte = stress.kernel(() ->
                            manager.kernelMemory().readLong(manager.selfMap().pte(locked + page * Pages.SIZE)));
                    equal(1, pte & X64PageTables.PRESENT, "locked page is not valid", at(locked, page));
                }
                equal(lockedWords[page], read(at(locked, page)), "locked", at(locked, page));
                lockedWords[page] = random.nextLong();
                write(at(locked, page), lockedWords[page]);
            }
        }
    }

    private void lock(int count) {
        thread.doing("lock " + count);
        NtStatus status = lockCall(count, true);
        if (status == NtStatus.WORKING_SET_QUOTA
                || status == NtStatus.IN_PAGE_ERROR
                || StressThread.isShortage(status)) {
            return;
        }
        StressThread.expect(NtStatus.SUCCESS, status, "lock");
        lockedPages = count;
    }

    private NtStatus lockCall(int count, boolean locks) {
        return stress.kernel(() -> {
            region.base = locked;
            region.sizeBytes = count * Pages.SIZE;
            WorkingSetServices sets = manager.workingSets();
            return locks ? sets.lock(process, region) : sets.unlock(process, region);
        });
    }

    // --- placeholders ---

    private NtStatus place(long base, long bytes, int type, int protection) {
        return stress.kernel(() -> {
            region.base = base;
            region.sizeBytes = bytes;
            return services.allocateEx(process, region, null, type, protection);
        });
    }

    private void placeholders() {
        if (places == 0) {
            thread.doing("placeholder");
            NtStatus status = place(
                    0,
                    PIECES * PIECE,
                    RESERVE | VirtualMemoryServices.MEM_RESERVE_PLACEHOLDER,
                    PageProtection.PAGE_NOACCESS);
            if (!StressThread.isShortage(status)) {
                StressThread.expect(NtStatus.SUCCESS, status, "placeholder");
                places = region.base;
                segments.add(new Place(0, PIECES, false, new long[0]));
            }
            return;
        }
        int index = random.nextInt(segments.size());
        Place segment = segments.get(index);
        long base = places + segment.first * PIECE;
        if (random.nextInt(12) == 0) {
            thread.doing("release placeholders " + segments);
            for (Place each : segments) {
                release(places + each.first * PIECE);
            }
            segments.clear();
            places = 0;
        } else if (segment.isMemory) {
            useReplaced(index, segment, base);
        } else if (segment.count > 1 && random.nextBoolean()) {
            split(index, segment, base);
        } else if (random.nextBoolean()) {
            thread.doing("replace " + segment.count + " at " + Hex.address(base));
            NtStatus status = place(
                    base, segment.count * PIECE, RESERVE | COMMIT | VirtualMemoryServices.MEM_REPLACE_PLACEHOLDER, RW);
            if (!StressThread.isShortage(status)) {
                StressThread.expect(NtStatus.SUCCESS, status, "replace placeholder");
                segments.set(index, new Place(segment.first, segment.count, true, new long[segment.count]));
            }
        } else {
            coalesce(index, segment, base);
        }
    }

    private void useReplaced(int index, Place segment, long base) {
        int piece = random.nextInt(segment.count);
        long at = base + piece * PIECE + 8;
        if (random.nextInt(4) == 0) {
            thread.doing("put back " + segment.count + " at " + Hex.address(base));
            NtStatus status = free(base, segment.count * PIECE, RELEASE | Placeholders.MEM_PRESERVE);
            StressThread.expect(NtStatus.SUCCESS, status, "put back");
            segments.set(index, new Place(segment.first, segment.count, false, new long[0]));
            return;
        }
        thread.doing("replaced piece=" + piece + " at " + Hex.address(base));
        equal(segment.words[piece], read(at), "replaced", at);
        segment.words[piece] = random.nextLong();
        write(at, segment.words[piece]);
    }

    private void split(int index, Place segment, long base) {
        int skipped = random.nextInt(segment.count);
        int count = 1 + random.nextInt(segment.count - skipped);
        if (count == segment.count) {
            return;
        }
        thread.doing("split off " + count + " after " + skipped + " of " + segment.count + " at " + Hex.address(base));
        NtStatus status = free(base + skipped * PIECE, count * PIECE, RELEASE | Placeholders.MEM_PRESERVE);
        if (StressThread.isShortage(status)) {
            return;
        }
        StressThread.expect(NtStatus.SUCCESS, status, "split");
        segments.remove(index);
        int behind = segment.count - skipped - count;
        if (behind != 0) {
            segments.add(index, new Place(segment.first + skipped + count, behind, false, new long[0]));
        }
        segments.add(index, new Place(segment.first + skipped, count, false, new long[0]));
        if (skipped != 0) {
            segments.add(index, new Place(segment.first, skipped, false, new long[0]));
        }
    }

    private void coalesce(int index, Place segment, long base) {
        if (index + 1 == segments.size()) {
            return;
        }
        Place next = segments.get(index + 1);
        int count = segment.count + next.count;
        thread.doing("join " + segment.count + " and " + next.count + " at " + Hex.address(base));
        NtStatus status = free(base, count * PIECE, RELEASE | Placeholders.MEM_COALESCE);
        if (next.isMemory) {
            StressThread.expect(NtStatus.CONFLICTING_ADDRESSES, status, "join of memory");
            return;
        }
        StressThread.expect(NtStatus.SUCCESS, status, "join");
        segments.remove(index + 1);
        segments.set(index, new Place(segment.first, count, false, new long[0]));
    }

    // --- contents that can be done without ---

    private void disposable() {
        if (disposable == 0) {
            thread.doing("disposable region");
            disposable = allocateNew(FEW * Pages.SIZE, RESERVE | COMMIT);
            Arrays.fill(last, 0);
            Arrays.fill(mayBeLost, false);
            return;
        }
        int first = random.nextInt(FEW);
        int count = 1 + random.nextInt(FEW - first);
        switch (random.nextInt(8)) {
            case 0 -> {
                thread.doing("release disposable");
                release(disposable);
                disposable = 0;
            }
            case 1, 2 -> {
                thread.doing("reset " + count + " at page=" + first);
                NtStatus status =
                        allocate(disposable + first * Pages.SIZE, count * Pages.SIZE, VirtualMemoryServices.MEM_RESET);
                StressThread.expect(NtStatus.SUCCESS, status, "reset");
                Arrays.fill(mayBeLost, first, first + count, true);
            }
            case 3 -> undo(first, count);
            case 4, 5 -> {
                thread.doing("write disposable page=" + first);
                last[first] = random.nextLong();
                write(at(disposable, first), last[first]);
                mayBeLost[first] = false;
            }
            default -> {
                thread.doing("read disposable page=" + first + " mayBeLost=" + mayBeLost[first]);
                long got = read(at(disposable, first));
                if (!mayBeLost[first] || got != 0) {
                    equal(last[first], got, "disposable", at(disposable, first));
                }
                // What is gone has been seen to be zeros, and is there again.
                last[first] = got;
            }
        }
    }

    private void undo(int first, int count) {
        thread.doing("undo reset of " + count + " at page=" + first);
        NtStatus status =
                allocate(disposable + first * Pages.SIZE, count * Pages.SIZE, VirtualMemoryServices.MEM_RESET_UNDO);
        for (int page = first; page < first + count; page++) {
            long got = read(at(disposable, page));
            if (status.isSuccess() || !mayBeLost[page] || got != 0) {
                equal(last[page], got, "after undo status=" + status, at(disposable, page));
            }
            last[page] = got;
            if (status.isSuccess()) {
                mayBeLost[page] = false;
            }
        }
    }

    // --- watched writes ---

    private void watched() {
        if (watched == 0) {
            thread.doing("watched region");
            watched = allocateNew(FEW * Pages.SIZE, RESERVE | COMMIT | VirtualMemoryServices.MEM_WRITE_WATCH);
            written.clear();
            return;
        }
        switch (random.nextInt(8)) {
            case 0 -> {
                thread.doing("release watched");
                release(watched);
                watched = 0;
            }
            case 1 -> {
                int first = random.nextInt(FEW);
                int count = 1 + random.nextInt(FEW - first);
                thread.doing("reset watch of " + count + " at page=" + first);
                StressThread.expect(
                        NtStatus.SUCCESS,
                        stress.kernel(() ->
                                manager.writeWatch().reset(process, watched + first * Pages.SIZE, count * Pages.SIZE)),
                        "reset watch");
                written.removeIf(page -> page >= first && page < first + count);
            }
            case 2, 3 -> tellWritten(random.nextBoolean());
            case 4 -> {
                int page = random.nextInt(FEW);
                thread.doing("read watched page=" + page);
                read(at(watched, page));
            }
            default -> {
                int page = random.nextInt(FEW);
                thread.doing("write watched page=" + page);
                write(at(watched, page), random.nextLong());
                written.add(page);
            }
        }
    }

    private void tellWritten(boolean resets) {
        thread.doing("ask for written pages reset=" + resets);
        long[] found = new long[FEW];
        int[] count = {0};
        NtStatus status = stress.kernel(() -> manager.writeWatch()
                .get(process, resets ? WriteWatch.RESET : 0, watched, FEW * Pages.SIZE, found, count));
        StressThread.expect(NtStatus.SUCCESS, status, "get watch");
        int[] pages = new int[count[0]];
        Arrays.setAll(pages, i -> (int) (found[i] - watched >>> Pages.SHIFT));
        int[] wanted = written.stream().mapToInt(Integer::intValue).toArray();
        if (!Arrays.equals(wanted, pages)) {
            throw new AssertionError("written pages wanted=" + written + " got=" + Arrays.toString(pages));
        }
        if (resets) {
            written.clear();
        }
    }
}
