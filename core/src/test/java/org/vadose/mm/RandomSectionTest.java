package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.VirtualMemoryServices.BasicInformation;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.PoolType;
import org.vadose.nt.Section;

/** Sections and views in three processes against arrays: every byte, every protection, every count after each step. */
class RandomSectionTest {
    private static final int R = PageProtection.PAGE_READONLY;
    private static final int RW = PageProtection.PAGE_READWRITE;
    private static final int WC = PageProtection.PAGE_WRITECOPY;
    private static final int PAGE = (int) Pages.SIZE;

    /** The pages of a section; of a file, the file's. */
    private static final class Content {
        final @Nullable PlainFile file;
        byte[] bytes;
        boolean[] committed;

        Content(@Nullable PlainFile file, int pages, boolean committed) {
            this.file = file;
            this.bytes = new byte[pages * PAGE];
            this.committed = new boolean[pages];
            Arrays.fill(this.committed, committed);
        }

        void grow(int pages) {
            if (pages * PAGE > bytes.length) {
                bytes = Arrays.copyOf(bytes, pages * PAGE);
                committed = new boolean[pages];
                Arrays.fill(committed, true);
            }
        }
    }

    private record Open(long body, Content content, int bytes) {}

    private static final class Mapped {
        final Eprocess process;
        final Content content;
        final long base;
        final int firstPage;
        final int given;
        final int[] protections;
        final byte[][] copies;

        Mapped(Eprocess process, Content content, long base, int firstPage, int pages, int protection) {
            this.process = process;
            this.content = content;
            this.base = base;
            this.firstPage = firstPage;
            this.given = protection;
            protections = new int[pages];
            Arrays.fill(protections, protection);
            copies = new byte[pages][];
        }

        byte read(int offset) {
            byte[] copy = copies[offset / PAGE];
            return copy != null ? copy[offset % PAGE] : content.bytes[firstPage * PAGE + offset];
        }
    }

    private SmallMachine machine;
    private MemoryManager manager;
    private Random random;
    private final List<Eprocess> processes = new ArrayList<>();
    private final List<Open> open = new ArrayList<>();
    private final List<Mapped> views = new ArrayList<>();
    private final List<Content> files = new ArrayList<>();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void modelAgrees(long seed) {
        machine = new SmallMachine(48L << 20, seed);
        manager = machine.manager();
        machine.addPageFile(4000, new MemoryBackingStore());
        random = new Random(seed);
        for (int id = 1; id <= 3; id++) {
            processes.add(machine.newProcess(4 * id));
        }
        for (int i = 0; i < 2; i++) {
            int size = 1 + random.nextInt(6 * PAGE);
            PlainFile file = new PlainFile(manager, size);
            files.add(new Content(file, (int) Pages.count(size), true));
        }
        for (int step = 0; step < 250; step++) {
            String what = "seed=" + seed + " step=" + step + " " + step();
            machine.check(what);
            manager.switchTo(processes.getFirst());
        }
        while (!views.isEmpty()) {
            unmap(views.removeLast());
        }
        open.forEach(o -> close(o.body()));
        machine.check("seed=" + seed + " end");
        manager.dataSections().purgeUnused();
        machine.check("seed=" + seed + " purged");
        for (Content content : files) {
            PlainFile file = content.file;
            assertEquals(0, file.held());
            assertArrayEquals(Arrays.copyOf(content.bytes, file.bytes().length), file.bytes(), "file written back");
        }
        assertEquals(0, manager.sharedCommitPages(), "shared commitment");
        processes.forEach(p -> assertEquals(0, p.commitCharge(), "private commitment"));
        machine.close();
    }

    private String step() {
        return switch (random.nextInt(14)) {
            case 0 -> create();
            case 1 -> closeOne();
            case 2, 3 -> map();
            case 4 -> views.isEmpty() ? "nothing" : unmap(views.remove(random.nextInt(views.size())));
            case 5 -> protect();
            case 6 -> commit();
            case 7 -> flush();
            case 8 -> fileIo();
            case 9 -> verifyAll();
            case 10 -> takeAway();
            default -> access();
        };
    }

    private String create() {
        if (open.size() > 6) {
            return "enough";
        }
        long body = manager.pool().allocate(PoolType.PAGED_POOL, Section.SIZE, 0);
        manager.kernelMemory().fill(body, Section.SIZE, (byte) 0);
        boolean ofFile = random.nextBoolean();
        boolean reserved = !ofFile && random.nextBoolean();
        int pages = 1 + random.nextInt(40);
        int bytes = pages * PAGE - random.nextInt(PAGE);
        int attributes = reserved ? SectionServices.SEC_RESERVE : SectionServices.SEC_COMMIT;
        Content content = ofFile ? files.get(random.nextInt(files.size())) : new Content(null, pages, !reserved);
        PlainFile file = content.file;
        if (file != null && random.nextInt(3) != 0) {
            bytes = file.bytes().length;
        }
        NtStatus status =
                manager.sectionObjects().create(body, processes.getFirst(), bytes, RW, attributes, file, "test");
        assertEquals(NtStatus.SUCCESS, status);
        if (file != null) {
            content.grow((int) Pages.count(bytes));
            forgetBehindEnd(content);
        }
        open.add(new Open(body, content, file != null ? bytes : pages * PAGE));
        return "create";
    }

    /** Bytes behind the end of a file are zero again once the file grew over them; here they are never written. */
    private static void forgetBehindEnd(Content content) {
        PlainFile file = content.file;
        if (file != null) {
            Arrays.fill(
                    content.bytes, Math.min(file.bytes().length, content.bytes.length), content.bytes.length, (byte) 0);
        }
    }

    private void close(long body) {
        manager.sectionObjects().deleted(body);
        manager.pool().free(body);
    }

    private String closeOne() {
        if (!open.isEmpty()) {
            close(open.remove(random.nextInt(open.size())).body());
        }
        return "close";
    }

    private String map() {
        if (open.isEmpty() || views.size() > 12) {
            return "nothing";
        }
        Open section = open.get(random.nextInt(open.size()));
        ViewServices.View view = new ViewServices.View();
        int pages = (int) Pages.count(section.bytes());
        int first = random.nextInt(pages) / 16 * 16;
        view.offsetBytes = (long) first * PAGE;
        int count = random.nextBoolean() ? pages - first : 1 + random.nextInt(pages - first);
        view.sizeBytes = Math.min((long) count * PAGE, section.bytes() - view.offsetBytes);
        int protection = new int[] {R, RW, RW, WC}[random.nextInt(4)];
        int type = random.nextBoolean() ? 0 : VirtualMemoryServices.MEM_TOP_DOWN;
        Eprocess process = processes.get(random.nextInt(processes.size()));
        NtStatus status =
                manager.views().map(section.body(), process, view, 0, 0, 1 + random.nextInt(2), type, protection);
        assertEquals(NtStatus.SUCCESS, status);
        views.add(new Mapped(process, section.content(), view.base, first, count, protection));
        return "map";
    }

    private String unmap(Mapped view) {
        long inside = view.base + random.nextInt(view.protections.length * PAGE);
        assertEquals(NtStatus.SUCCESS, manager.views().unmap(view.process, inside));
        return "unmap";
    }

    private @Nullable Mapped anyView() {
        if (views.isEmpty()) {
            return null;
        }
        Mapped view = views.get(random.nextInt(views.size()));
        manager.switchTo(view.process);
        return view;
    }

    private String access() {
        for (int i = 0; i < 6; i++) {
            Mapped view = anyView();
            if (view == null) {
                return "nothing";
            }
            int page = random.nextInt(view.protections.length);
            int offset = page * PAGE + random.nextInt(PAGE);
            long address = view.base + offset;
            boolean writes = random.nextBoolean();
            boolean committed = view.content.committed[view.firstPage + page];
            if (!committed || writes && view.protections[page] == R) {
                assertThrows(MemoryFault.class, () -> manager.mmu().user().writeByte(address, (byte) 1));
                continue;
            }
            if (!writes || behindEnd(view, offset)) {
                assertEquals(view.read(offset), manager.mmu().user().readByte(address));
                continue;
            }
            byte value = (byte) random.nextInt();
            manager.mmu().user().writeByte(address, value);
            write(view, page, offset, value);
        }
        return "access";
    }

    private static boolean behindEnd(Mapped view, int offset) {
        PlainFile file = view.content.file;
        return file != null && view.firstPage * PAGE + offset >= file.bytes().length;
    }

    private static void write(Mapped view, int page, int offset, byte value) {
        byte[] copy = view.copies[page];
        if (copy == null && view.protections[page] == WC) {
            int from = (view.firstPage + page) * PAGE;
            copy = Arrays.copyOfRange(view.content.bytes, from, from + PAGE);
            view.copies[page] = copy;
            view.protections[page] = RW;
        }
        if (copy != null) {
            copy[offset % PAGE] = value;
        } else {
            view.content.bytes[view.firstPage * PAGE + offset] = value;
        }
    }

    /** Pages leave working sets, are written, lose their frames. */
    private String takeAway() {
        Eprocess process = processes.get(random.nextInt(processes.size()));
        manager.balance().trim(process, 1 + random.nextInt(40), Trimmer.Choice.ANY);
        if (random.nextBoolean()) {
            manager.writeModifiedPages();
        }
        if (random.nextInt(3) == 0) {
            repurposeStandby();
        }
        return "take away";
    }

    /** Uses up all RAM once, so that whatever is on standby must be read again. */
    private void repurposeStandby() {
        List<Long> frames = new ArrayList<>();
        for (long frame = manager.pfns().allocate(0, 0);
                frame != PfnDatabase.NONE;
                frame = manager.pfns().allocate(0, 0)) {
            frames.add(frame);
        }
        frames.forEach(manager.pfns()::free);
    }

    private String protect() {
        Mapped view = anyView();
        if (view == null) {
            return "nothing";
        }
        int page = random.nextInt(view.protections.length);
        int wanted = new int[] {R, RW, WC}[random.nextInt(3)];
        Region region = new Region();
        region.base = view.base + (long) page * PAGE;
        region.sizeBytes = 1;
        int[] old = {0};
        NtStatus status = manager.virtualMemory().protect(view.process, region, wanted, old);
        if (wanted == RW && view.given != RW) {
            assertEquals(NtStatus.SECTION_PROTECTION, status);
        } else if (!view.content.committed[view.firstPage + page]) {
            assertEquals(NtStatus.NOT_COMMITTED, status);
        } else {
            assertEquals(NtStatus.SUCCESS, status);
            assertEquals(view.protections[page], old[0]);
            view.protections[page] = wanted == WC && view.copies[page] != null ? RW : wanted;
        }
        return "protect";
    }

    private String commit() {
        Mapped view = anyView();
        if (view == null) {
            return "nothing";
        }
        int page = random.nextInt(view.protections.length);
        int count = 1 + random.nextInt(view.protections.length - page);
        Region region = new Region();
        region.base = view.base + (long) page * PAGE;
        region.sizeBytes = (long) count * PAGE;
        int wanted = view.given == RW && random.nextBoolean() ? RW : R;
        NtStatus status =
                manager.virtualMemory().allocate(view.process, region, 0, VirtualMemoryServices.MEM_COMMIT, wanted);
        if (view.content.file != null) {
            assertEquals(NtStatus.ALREADY_COMMITTED, status);
            return "commit in a file";
        }
        assertEquals(NtStatus.SUCCESS, status);
        for (int i = page; i < page + count; i++) {
            view.content.committed[view.firstPage + i] = true;
            view.protections[i] = wanted;
        }
        return "commit";
    }

    private String flush() {
        Mapped view = anyView();
        if (view == null) {
            return "nothing";
        }
        Region region = new Region();
        region.base = view.base;
        assertEquals(NtStatus.SUCCESS, manager.views().flush(view.process, region));
        PlainFile file = view.content.file;
        if (file != null && views.stream().allMatch(v -> v == view || v.content != view.content)) {
            int from = view.firstPage * PAGE;
            int to = Math.min(file.bytes().length, from + view.protections.length * PAGE);
            assertTrue(
                    from >= to || Arrays.equals(file.bytes(), from, to, view.content.bytes, from, to),
                    "flushed view is in the file");
        }
        return "flush";
    }

    private String fileIo() {
        Content content = files.get(random.nextInt(files.size()));
        PlainFile file = content.file;
        int size = file.bytes().length;
        int at = random.nextInt(size);
        int length = 1 + random.nextInt(Math.min(3 * PAGE, size - at));
        if (random.nextBoolean()) {
            assertArrayEquals(
                    Arrays.copyOfRange(content.bytes, at, at + length), file.readFile(at, length), "file read");
            return "read file";
        }
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        file.writeFile(at, bytes);
        System.arraycopy(bytes, 0, content.bytes, at, length);
        return "write file";
    }

    private String verifyAll() {
        BasicInformation information = new BasicInformation();
        for (Mapped view : views) {
            manager.switchTo(view.process);
            for (int page = 0; page < view.protections.length; page++) {
                long address = view.base + (long) page * PAGE;
                assertEquals(NtStatus.SUCCESS, manager.virtualMemory().query(view.process, address, information));
                assertEquals(VirtualMemoryServices.MEM_MAPPED, information.type);
                assertEquals(view.base, information.allocationBase);
                assertEquals(view.given, information.allocationProtect);
                if (!view.content.committed[view.firstPage + page]) {
                    assertEquals(VirtualMemoryServices.MEM_RESERVE, information.state);
                    continue;
                }
                assertEquals(VirtualMemoryServices.MEM_COMMIT, information.state);
                assertEquals(view.protections[page], information.protect);
                byte[] actual = new byte[PAGE];
                manager.mmu().user().read(address, actual, 0, PAGE);
                for (int i = 0; i < PAGE; i++) {
                    if (actual[i] != view.read(page * PAGE + i)) {
                        assertEquals(view.read(page * PAGE + i), actual[i], "byte " + i + " of page " + page);
                    }
                }
            }
        }
        return "verify";
    }
}
