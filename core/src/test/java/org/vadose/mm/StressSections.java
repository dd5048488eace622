package org.vadose.mm;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Mmu;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.PoolType;
import org.vadose.nt.Section;

/** Sections of page files and of one file, and their views in the own process and in others, with a model of what they show. */
final class StressSections {
    private static final int RW = PageProtection.PAGE_READWRITE;
    private static final int R = PageProtection.PAGE_READONLY;

    /** What a section shows, of a file or of page files. */
    private static final class Content {
        final @Nullable PlainFile file;
        final long[] @Nullable [] pages;

        Content(@Nullable PlainFile file, int pages) {
            this.file = file;
            this.pages = new long[pages][];
        }
    }

    private static final class View {
        final Eprocess process;
        final Content content;
        final long base;
        final int protection;
        final boolean[] copied;
        final long[] @Nullable [] copies;

        View(Eprocess process, Content content, long base, int protection) {
            this.process = process;
            this.content = content;
            this.base = base;
            this.protection = protection;
            this.copied = new boolean[content.pages.length];
            this.copies = new long[content.pages.length][];
        }

        long @Nullable [] words(int page) {
            return copied[page] ? copies[page] : content.pages[page];
        }
    }

    private record Open(long body, Content content) {}

    private final Stress stress;
    private final StressThread thread;
    private final Eprocess process;
    private final Mmu mmu;
    private final Random random;
    private final MemoryManager manager;
    private final VirtualMemoryServices services;
    private final List<Open> open = new ArrayList<>();
    private final List<View> views = new ArrayList<>();
    private final Content file;
    private final Region region = new Region();
    private final byte[] bytes = new byte[(int) Pages.SIZE];

    StressSections(Stress stress, StressThread thread, Eprocess process, Mmu mmu, Random random) {
        this.stress = stress;
        this.thread = thread;
        this.process = process;
        this.mmu = mmu;
        this.random = random;
        this.manager = stress.manager();
        this.services = manager.virtualMemory();
        int filePages = 1 + random.nextInt(40);
        PlainFile plain = new PlainFile(manager, filePages * (int) Pages.SIZE);
        this.file = new Content(plain, filePages);
        setFileFails(true);
    }

    void step() {
        switch (random.nextInt(4)) {
            case 0 -> createSection();
            case 1 -> {
                if (!open.isEmpty() && random.nextBoolean()) {
                    thread.doing("close section");
                    Open closed = open.remove(random.nextInt(open.size()));
                    stress.kernel(() -> {
                        setFileFails(false);
                        manager.sectionObjects().deleted(closed.body());
                        setFileFails(true);
                        manager.pool().free(closed.body());
                        return true;
                    });
                }
            }
            case 2 -> map();
            default -> {
                if (!views.isEmpty()) {
                    unmap(views.remove(random.nextInt(views.size())));
                }
            }
        }
    }

    /** What cannot be written when nobody wants the file's pages any more would be lost: it is to fail at other times. */
    private void setFileFails(boolean fails) {
        if (file.file != null) {
            file.file.setFailing(
                    new Random(random.nextLong()), fails ? stress.plan().errorsPerMille() : 0);
        }
    }

    private void unmap(View view) {
        thread.doing("unmap " + Hex.address(view.base));
        NtStatus status = stress.kernel(() -> {
            setFileFails(false);
            NtStatus unmapped = manager.views().unmap(view.process, view.base);
            setFileFails(true);
            return unmapped;
        });
        StressThread.expect(NtStatus.SUCCESS, status, "unmap");
    }

    private void createSection() {
        if (open.size() > 3) {
            return;
        }
        boolean ofFile = random.nextInt(3) == 0;
        Content content = ofFile ? file : new Content(null, 1 + random.nextInt(48));
        thread.doing("create section pages=" + content.pages.length + " file=" + ofFile);
        stress.kernel(() -> {
            long body = manager.pool().allocate(PoolType.PAGED_POOL, Section.SIZE, 0);
            manager.kernelMemory().fill(body, Section.SIZE, (byte) 0);
            NtStatus status = manager.sectionObjects()
                    .create(
                            body,
                            process,
                            content.pages.length * Pages.SIZE,
                            RW,
                            SectionServices.SEC_COMMIT,
                            content.file,
                            "stress");
            if (status.isSuccess()) {
                open.add(new Open(body, content));
            } else {
                manager.pool().free(body);
                if (!StressThread.isShortage(status)) {
                    StressThread.expect(NtStatus.SUCCESS, status, "create section");
                }
            }
            return status;
        });
    }

    private void map() {
        if (open.isEmpty() || views.size() > 5) {
            return;
        }
        Open section = open.get(random.nextInt(open.size()));
        int protection = new int[] {R, RW, RW, PageProtection.PAGE_WRITECOPY}[random.nextInt(4)];
        List<Eprocess> all = stress.processes();
        Eprocess where = random.nextInt(3) != 0 ? process : all.get(random.nextInt(all.size()));
        ViewServices.View view = new ViewServices.View();
        thread.doing("map pages=" + section.content().pages.length + " protection=" + protection);
        NtStatus status = stress.kernel(() -> manager.views().map(section.body(), where, view, 0, 0, 2, 0, protection));
        if (StressThread.isShortage(status)) {
            return;
        }
        StressThread.expect(NtStatus.SUCCESS, status, "map");
        views.add(new View(where, section.content(), view.base, protection));
    }

    void access() {
        if (views.isEmpty()) {
            return;
        }
        View view = views.get(random.nextInt(views.size()));
        for (int i = random.nextInt(8); i >= 0; i--) {
            int page = random.nextInt(view.content.pages.length);
            if (random.nextBoolean() && view.protection != R) {
                writeView(view, page);
            } else {
                thread.doing("read view " + Hex.address(view.base) + " page=" + page);
                readPage(view.process, view.base + page * Pages.SIZE);
                StressThread.verify(view.words(page), bytes, view.base + page * Pages.SIZE);
            }
        }
    }

    private void writeView(View view, int page) {
        int word = random.nextInt(StressThread.WORDS);
        long value = random.nextLong();
        long at = view.base + page * Pages.SIZE + StressThread.offset(word);
        thread.doing("write view at " + Hex.address(at));
        if (view.process == process) {
            StressThread.expect(NtStatus.SUCCESS, thread.guest(() -> mmu.user().writeLong(at, value)), "write of view");
        } else {
            byte[] word8 = new byte[8];
            for (int i = 0; i < 8; i++) {
                word8[i] = (byte) (value >>> 8 * i);
            }
            for (int tries = 0; ; tries++) {
                if (stress.kernel(() -> services.write(view.process, at, word8)) == word8.length) {
                    break;
                }
                if (tries == StressThread.MOST_TRIES) {
                    throw new AssertionError("cannot write to another process at " + Hex.address(at));
                }
            }
        }
        if (view.protection == PageProtection.PAGE_WRITECOPY && !view.copied[page]) {
            long[] before = view.content.pages[page];
            view.copied[page] = true;
            view.copies[page] = before == null ? null : before.clone();
        }
        long[] words = StressThread.orZeros(view.words(page));
        words[word] = value;
        if (view.copied[page]) {
            view.copies[page] = words;
        } else {
            view.content.pages[page] = words;
        }
    }

    private void readPage(Eprocess where, long at) {
        if (where == process) {
            StressThread.expect(
                    NtStatus.SUCCESS, thread.guest(() -> mmu.user().read(at, bytes, 0, bytes.length)), "read of view");
            return;
        }
        for (int tries = 0; stress.kernel(() -> services.read(where, at, bytes)) != bytes.length; tries++) {
            if (tries == StressThread.MOST_TRIES) {
                throw new AssertionError("cannot read another process at " + Hex.address(at));
            }
        }
    }

    /** Writes what is modified in one view to its file; with the kernel lock. */
    void flushOne() {
        if (!views.isEmpty()) {
            View view = views.get(random.nextInt(views.size()));
            region.base = view.base;
            region.sizeBytes = 0;
            NtStatus status = manager.views().flush(view.process, region);
            if (status != NtStatus.DATA_ERROR || view.content != file) {
                StressThread.expect(NtStatus.SUCCESS, status, "flush");
            }
        }
    }

    /** Reads all that can be read. */
    void verifyAll() {
        for (View view : views) {
            for (int page = 0; page < view.content.pages.length; page++) {
                readPage(view.process, view.base + page * Pages.SIZE);
                StressThread.verify(view.words(page), bytes, view.base + page * Pages.SIZE);
            }
        }
    }
}
