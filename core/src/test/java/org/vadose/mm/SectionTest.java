package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.ViewServices.View;
import org.vadose.mm.VirtualMemoryServices.BasicInformation;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.PoolType;
import org.vadose.nt.Section;
import org.vadose.nt.Segment;

class SectionTest {
    private static final int COMMIT = SectionServices.SEC_COMMIT;
    private static final int RESERVE = SectionServices.SEC_RESERVE;
    private static final int NOACCESS = PageProtection.PAGE_NOACCESS;
    private static final int R = PageProtection.PAGE_READONLY;
    private static final int RW = PageProtection.PAGE_READWRITE;
    private static final int WC = PageProtection.PAGE_WRITECOPY;
    private static final int X = PageProtection.PAGE_EXECUTE;
    private static final int RX = PageProtection.PAGE_EXECUTE_READ;
    private static final int RWX = PageProtection.PAGE_EXECUTE_READWRITE;
    private static final int XWC = PageProtection.PAGE_EXECUTE_WRITECOPY;

    private SmallMachine machine;
    private MemoryManager manager;
    private SectionServices services;
    private Memory user;
    private Eprocess process;
    private final View view = new View();

    @BeforeEach
    void boot() {
        machine = new SmallMachine(64L << 20, 1);
        manager = machine.manager();
        services = manager.sectionObjects();
        user = manager.mmu().user();
        process = machine.newProcess(4);
        manager.switchTo(process);
    }

    @AfterEach
    void checkAndClose() {
        machine.check("end of test");
        machine.ram().close();
    }

    private long body() {
        long body = manager.pool().allocate(PoolType.PAGED_POOL, Section.SIZE, 0);
        manager.kernelMemory().fill(body, Section.SIZE, (byte) 0);
        return body;
    }

    private NtStatus create(long body, long bytes, int protection, int attributes, @Nullable MappedFile file) {
        return services.create(body, process, bytes, protection, attributes, file, "test");
    }

    private long created(long bytes, int protection, int attributes) {
        long body = body();
        assertEquals(NtStatus.SUCCESS, create(body, bytes, protection, attributes, null));
        return body;
    }

    private void close(long body) {
        services.deleted(body);
        manager.pool().free(body);
    }

    private NtStatus map(long body, long base, long offset, long size, int protection) {
        view.base = base;
        view.offsetBytes = offset;
        view.sizeBytes = size;
        return manager.views().map(body, process, view, 0, 0, ViewServices.VIEW_SHARE, 0, protection);
    }

    private long mapped(long body, long offset, long size, int protection) {
        assertEquals(NtStatus.SUCCESS, map(body, 0, offset, size, protection));
        return view.base;
    }

    private void unmap(long address) {
        assertEquals(NtStatus.SUCCESS, manager.views().unmap(process, address));
    }

    private BasicInformation query(long address) {
        BasicInformation information = new BasicInformation();
        assertEquals(NtStatus.SUCCESS, manager.virtualMemory().query(process, address, information));
        return information;
    }

    private NtStatus protect(long address, int protection) {
        Region region = new Region();
        region.base = address;
        region.sizeBytes = 1;
        return manager.virtualMemory().protect(process, region, protection, new int[1]);
    }

    @Test
    void viewsShareThePages() {
        Eprocess other = machine.newProcess(8);
        long free = manager.pfns().availablePages();
        long committed = manager.totalCommittedPages();
        long section = created(100_000, RW, COMMIT);
        long first = mapped(section, 0, 0, RW);
        assertEquals(Pages.up(100_000), view.sizeBytes);
        long second = mapped(section, 0x10000, 0x2000, R);
        user.writeLong(first + 0x10008, 42);
        assertEquals(42, user.readLong(second + 8));
        assertThrows(MemoryFault.class, () -> user.writeLong(second, 1));
        manager.switchTo(other);
        view.base = 0;
        view.offsetBytes = 0;
        view.sizeBytes = 0;
        assertEquals(NtStatus.SUCCESS, manager.views().map(section, other, view, 0, 0, 1, 0, RW));
        assertEquals(42, user.readLong(view.base + 0x10008));
        user.writeLong(view.base + 0x10010, 43);
        manager.switchTo(process);
        assertEquals(43, user.readLong(first + 0x10010));
        machine.check("mapped");
        manager.switchTo(process);
        close(section);
        unmap(first + 5000);
        assertEquals(43, user.readLong(second + 0x10));
        unmap(second);
        manager.cleanAddressSpace(other);
        assertEquals(committed, manager.totalCommittedPages());
        assertEquals(free, manager.pfns().availablePages());
    }

    @Test
    void pagesOutliveTheirViewsAsLongAsTheSectionIsOpen() {
        long section = created(0x3000, RW, COMMIT);
        long first = mapped(section, 0, 0, RW);
        user.writeLong(first + 0x1000, 7);
        unmap(first);
        machine.check("without views");
        long again = mapped(section, 0, 0, WC);
        assertEquals(7, user.readLong(again + 0x1000));
        unmap(again);
        close(section);
    }

    @Test
    void writeCopyMakesPrivateCopies() {
        long section = created(0x4000, RW, COMMIT);
        long shared = mapped(section, 0, 0, RW);
        long commitBefore = process.commitCharge();
        long copy = mapped(section, 0, 0, WC);
        assertEquals(commitBefore + 4, process.commitCharge());
        user.writeLong(shared, 1);
        assertEquals(1, user.readLong(copy));
        assertEquals(WC, query(copy).protect);
        user.writeLong(copy, 2);
        user.writeLong(shared + 8, 3);
        assertEquals(1, user.readLong(shared));
        assertEquals(0, user.readLong(copy + 8));
        assertEquals(RW, query(copy).protect);
        assertEquals(0x1000, query(copy).regionSizeBytes);
        machine.check("copied");
        unmap(copy);
        unmap(shared);
        close(section);
    }

    @Test
    void reservedPagesAreCommittedForAllViews() {
        long section = created(0x40000, RW, RESERVE);
        Segment segment =
                new Section(manager.kernelMemory(), section).controlArea().segment();
        assertEquals(0, segment.committedPages());
        long one = mapped(section, 0, 0, RW);
        long two = mapped(section, 0, 0, RW);
        BasicInformation information = query(one);
        assertEquals(0x40000, information.regionSizeBytes);
        assertEquals(VirtualMemoryServices.MEM_RESERVE, information.state);
        assertEquals(0, information.protect);
        assertEquals(RW, information.allocationProtect);
        assertEquals(VirtualMemoryServices.MEM_MAPPED, information.type);
        assertThrows(MemoryFault.class, () -> user.readByte(one));
        Region region = new Region();
        region.base = one;
        region.sizeBytes = 0x10000;
        assertEquals(
                NtStatus.SUCCESS,
                manager.virtualMemory().allocate(process, region, 0, VirtualMemoryServices.MEM_COMMIT, R));
        assertEquals(16, segment.committedPages());
        assertEquals(R, query(one).protect);
        assertEquals(0x10000, query(one).regionSizeBytes);
        assertEquals(RW, query(two).protect);
        assertEquals(0x10000, query(two).regionSizeBytes);
        user.writeLong(two + 8, 5);
        assertEquals(5, user.readLong(one + 8));
        region.base = two;
        region.sizeBytes = 0x10000;
        assertEquals(
                NtStatus.UNABLE_TO_DELETE_SECTION,
                manager.virtualMemory().free(process, region, VirtualMemoryServices.MEM_DECOMMIT));
        machine.check("committed");
        unmap(one);
        unmap(two);
        close(section);
    }

    @Test
    void statusesOfCreate() {
        long body = body();
        assertEquals(NtStatus.INVALID_PARAMETER_4, create(body, 0, RW, COMMIT, null));
        assertEquals(NtStatus.INVALID_PARAMETER_6, create(body, 1, RW, 0, null));
        assertEquals(NtStatus.INVALID_PARAMETER_6, create(body, 1, RW, COMMIT | RESERVE, null));
        assertEquals(NtStatus.INVALID_PARAMETER_6, create(body, 1, RW, COMMIT | 1, null));
        assertEquals(NtStatus.INVALID_PAGE_PROTECTION, create(body, 1, NOACCESS, COMMIT, null));
        assertEquals(NtStatus.INVALID_PAGE_PROTECTION, create(body, 1, RW | R, COMMIT, null));
        assertEquals(NtStatus.INVALID_PAGE_PROTECTION, create(body, 1, RW | 0x200, COMMIT, null));
        assertEquals(NtStatus.COMMITMENT_LIMIT, create(body, 1L << 40, RW, COMMIT, null));
        assertEquals(NtStatus.SECTION_TOO_BIG, create(body, -1, RW, COMMIT, null));
        assertEquals(NtStatus.INVALID_FILE_FOR_SECTION, create(body, 1, R, SectionServices.SEC_IMAGE, null));
        manager.pool().free(body);
    }

    @Test
    void statusesOfMap() {
        long section = created(0x21000, RW, COMMIT);
        assertEquals(NtStatus.MAPPED_ALIGNMENT, map(section, 0, 1, 0, RW));
        assertEquals(NtStatus.MAPPED_ALIGNMENT, map(section, 0x10001000, 0, 0, RW));
        assertEquals(NtStatus.INVALID_VIEW_SIZE, map(section, 0, 0x30000, 0, RW));
        assertEquals(NtStatus.INVALID_VIEW_SIZE, map(section, 0, 0x10000, 0x12000, RW));
        assertEquals(NtStatus.SUCCESS, map(section, 0x10000000, 0x20000, 0, RW));
        assertEquals(0x1000, view.sizeBytes);
        assertEquals(NtStatus.CONFLICTING_ADDRESSES, map(section, 0x10000000, 0, 0, RW));
        assertEquals(NtStatus.SECTION_PROTECTION, map(section, 0, 0, 0, RX));
        assertEquals(NtStatus.INVALID_PAGE_PROTECTION, map(section, 0, 0, 0, RW | R));
        assertEquals(NtStatus.INVALID_PARAMETER_3, map(section, -0x10000, 0, 0, RW));
        view.base = 0;
        assertEquals(NtStatus.INVALID_PARAMETER_4, manager.views().map(section, process, view, 22, 0, 1, 0, RW));
        assertEquals(NtStatus.INVALID_PARAMETER_8, manager.views().map(section, process, view, 0, 0, 3, 0, RW));
        assertEquals(NtStatus.INVALID_PARAMETER_9, manager.views().map(section, process, view, 0, 0, 1, 1, RW));
        assertEquals(NtStatus.NOT_MAPPED_VIEW, manager.views().unmap(process, 0x20000000));
        view.offsetBytes = 0;
        view.sizeBytes = 0;
        assertEquals(
                NtStatus.SUCCESS,
                manager.views().map(section, process, view, 0, 0, 2, VirtualMemoryServices.MEM_TOP_DOWN, NOACCESS));
        assertThrows(MemoryFault.class, () -> user.readByte(view.base));
        unmap(view.base);
        unmap(0x10000000);
        close(section);
    }

    /** Rows: what the section has; columns: what a view may have. */
    @Test
    void everyViewOfEverySection() {
        int[] all = {NOACCESS, R, RW, WC, X, RX, RWX, XWC};
        String[] allowed = {
            /* R */ "yynynnnn", /* RW */
            "yyyynnnn", /* WC */
            "yynynnnn", /* X */
            "ynnnynnn",
            /* RX */ "yynyyyny", /* RWX */
            "yyyyyyyy", /* XWC */
            "yynyyyny"
        };
        int[] rows = {R, RW, WC, X, RX, RWX, XWC};
        for (int row = 0; row < rows.length; row++) {
            long section = created(0x1000, rows[row], COMMIT);
            for (int column = 0; column < all.length; column++) {
                boolean may = allowed[row].charAt(column) == 'y';
                assertEquals(
                        may ? NtStatus.SUCCESS : NtStatus.SECTION_PROTECTION,
                        map(section, 0, 0, 0, all[column]),
                        () -> "view of section");
                if (may) {
                    assertEquals(all[column], query(view.base).protect);
                    everyProtectionOfTheView(view.base, all[column]);
                    unmap(view.base);
                }
            }
            close(section);
        }
    }

    private void everyProtectionOfTheView(long base, int given) {
        assertEquals(given == NOACCESS ? NtStatus.SECTION_PROTECTION : NtStatus.SUCCESS, protect(base, R));
        assertEquals(NtStatus.SUCCESS, protect(base, NOACCESS));
        assertEquals(NOACCESS, query(base).protect);
        assertEquals(given == RW || given == RWX ? NtStatus.SUCCESS : NtStatus.SECTION_PROTECTION, protect(base, RW));
        assertEquals(given == RWX ? NtStatus.SUCCESS : NtStatus.SECTION_PROTECTION, protect(base, RWX));
        assertEquals(given == NOACCESS ? NtStatus.SECTION_PROTECTION : NtStatus.SUCCESS, protect(base, WC));
        boolean executes = given == X || given == RX || given == RWX || given == XWC;
        assertEquals(executes ? NtStatus.SUCCESS : NtStatus.SECTION_PROTECTION, protect(base, RX));
        machine.check("protected");
        manager.switchTo(process);
    }

    @Test
    void filePagesAreSharedAndWrittenBack() {
        PlainFile file = new PlainFile(manager, 0x2345);
        file.bytes()[0x2344] = 9;
        long section = body();
        assertEquals(NtStatus.SUCCESS, create(section, 0, RW, COMMIT, file));
        long other = body();
        assertEquals(NtStatus.SUCCESS, create(other, 0, R, COMMIT, file));
        assertEquals(
                new Section(manager.kernelMemory(), section).controlArea(),
                new Section(manager.kernelMemory(), other).controlArea());
        long view = mapped(section, 0, 0, RW);
        assertEquals(0x3000, view(view));
        long reader = mapped(other, 0, 0, R);
        assertEquals(9, user.readByte(reader + 0x2344));
        assertEquals(0, user.readByte(reader + 0x2345));
        user.writeByte(view + 0x1000, (byte) 5);
        assertEquals(5, user.readByte(reader + 0x1000));
        assertEquals(5, file.readFile(0x1000, 1)[0]);
        file.writeFile(0x1001, new byte[] {6});
        assertEquals(6, user.readByte(reader + 0x1001));
        user.writeByte(view + 0x2fff, (byte) 7);
        machine.check("mapped");
        manager.switchTo(process);
        close(section);
        close(other);
        unmap(view);
        unmap(reader);
        assertEquals(5, file.bytes()[0x1000]);
        assertEquals(0x2345, file.bytes().length);
        manager.dataSections().purgeUnused();
        assertEquals(0, file.held());
    }

    private long view(long base) {
        return query(base).regionSizeBytes;
    }

    @Test
    void viewGoesOnWhereTheFileGrew() {
        PlainFile file = new PlainFile(manager, 0x11000);
        long small = body();
        assertEquals(NtStatus.SUCCESS, create(small, 0, RW, COMMIT, file));
        long first = mapped(small, 0, 0, RW);
        user.writeByte(first + 0x10fff, (byte) 1);
        long large = body();
        assertEquals(NtStatus.SUCCESS, create(large, 0x24000, RW, COMMIT, file));
        assertEquals(0x24000, file.bytes().length);
        long all = mapped(large, 0, 0, RW);
        long behind = mapped(large, 0x20000, 0, WC);
        user.writeByte(all + 0x23fff, (byte) 2);
        assertEquals(1, user.readByte(all + 0x10fff));
        assertEquals(2, user.readByte(behind + 0x3fff));
        assertEquals(0x24000, view(all));
        assertEquals(0x4000, view(behind));
        machine.check("two subsections");
        manager.switchTo(process);
        long[] size = {0x30001};
        assertEquals(NtStatus.SUCCESS, services.extend(large, size, file));
        assertEquals(0x30001, file.bytes().length);
        long tail = mapped(large, 0x30000, 0, R);
        assertEquals(0x1000, view(tail));
        assertEquals(NtStatus.INVALID_VIEW_SIZE, map(small, 0, 0x20000, 0, R));
        unmap(tail);
        unmap(behind);
        unmap(all);
        unmap(first);
        close(small);
        close(large);
        assertEquals(2, file.bytes()[0x23fff]);
    }

    @Test
    void viewMayWaitForTheSectionToGrow() {
        PlainFile file = new PlainFile(manager, 0x1000);
        long section = body();
        assertEquals(NtStatus.SUCCESS, create(section, 0, RW, COMMIT, file));
        view.base = 0;
        view.offsetBytes = 0;
        view.sizeBytes = 0x8000;
        assertEquals(
                NtStatus.SUCCESS,
                manager.views().map(section, process, view, 0, 0, 1, VirtualMemoryServices.MEM_RESERVE, RW));
        long base = view.base;
        assertEquals(0x1000, view(base));
        assertEquals(VirtualMemoryServices.MEM_RESERVE, query(base + 0x1000).state);
        assertThrows(MemoryFault.class, () -> user.readByte(base + 0x1000));
        assertEquals(NtStatus.SUCCESS, services.extend(section, new long[] {0x5000}, file));
        user.writeByte(base + 0x4fff, (byte) 3);
        assertEquals(0x5000, view(base));
        assertEquals(3, file.readFile(0x4fff, 1)[0]);
        machine.check("grown");
        manager.switchTo(process);
        unmap(base);
        close(section);
    }

    @Test
    void statusesOfFiles() {
        PlainFile file = new PlainFile(manager, 0);
        long section = body();
        assertEquals(NtStatus.MAPPED_FILE_SIZE_ZERO, create(section, 0, RW, COMMIT, file));
        assertEquals(NtStatus.SECTION_TOO_BIG, create(section, 1, R, COMMIT, file));
        assertEquals(NtStatus.SECTION_TOO_BIG, create(section, 1, WC, COMMIT, file));
        assertEquals(NtStatus.INVALID_FILE_FOR_SECTION, create(section, 0, R, SectionServices.SEC_IMAGE, file));
        assertEquals(NtStatus.SUCCESS, create(section, 0x2000, RW, COMMIT, file));
        assertEquals(SectionServices.SEC_FILE, services.query(section).attributes());
        long base = mapped(section, 0, 0, RW);
        file.setBroken(true);
        assertEquals(
                NtStatus.IN_PAGE_ERROR,
                assertThrows(MemoryFault.class, () -> user.readByte(base)).status());
        file.setBroken(false);
        assertEquals(0, user.readByte(base));
        assertFalse(manager.dataSections().canTruncate(dataSection(section), 0x1000));
        assertTrue(manager.dataSections().canTruncate(dataSection(section), 0x2000));
        unmap(base);
        close(section);
        long paged = created(0x1000, RW, COMMIT);
        assertEquals(NtStatus.SECTION_NOT_EXTENDED, services.extend(paged, new long[] {0x2000}, null));
        assertEquals(SectionServices.SEC_COMMIT, services.query(paged).attributes());
        close(paged);
    }

    private long dataSection(long section) {
        return new Section(manager.kernelMemory(), section).controlArea().address();
    }

    @Test
    void flushedPagesAreOnStandbyOnceUnmapped() {
        PlainFile file = new PlainFile(manager, 0x3000);
        long section = body();
        assertEquals(NtStatus.SUCCESS, create(section, 0, RW, COMMIT, file));
        long base = mapped(section, 0, 0, RW);
        user.writeByte(base, (byte) 1);
        user.writeByte(base + 0x1000, (byte) 2);
        unmap(base);
        assertEquals(2, manager.dataSections().modifiedPages(dataSection(section)));
        assertEquals(NtStatus.SUCCESS, manager.dataSections().flush(dataSection(section)));
        assertEquals(0, manager.dataSections().modifiedPages(dataSection(section)));
        assertEquals(2, file.bytes()[0x1000]);
        long again = mapped(section, 0, 0, R);
        assertEquals(1, user.readByte(again));
        unmap(again);
        close(section);
    }

    @Test
    void regionsAndPagesSayWhatTheyAre() {
        RegionQueries queries = manager.regionQueries();
        PlainFile file = new PlainFile(manager, 0x1800);
        long section = body();
        assertEquals(NtStatus.SUCCESS, create(section, 0, RW, COMMIT, file));
        long view = mapped(section, 0, 0, RW);
        long copy = mapped(section, 0, 0, WC);
        long paged = created(0x1000, RW, COMMIT);
        long without = mapped(paged, 0, 0, R);
        user.writeByte(view, (byte) 1);
        user.writeByte(copy, (byte) 1);
        assertEquals(2, queries.region(process, view + 0x1234).type());
        assertEquals(0x2000, queries.region(process, view).sizeBytes());
        assertEquals(0x2000, queries.region(process, copy).commitBytes());
        assertEquals(8, queries.region(process, without).type());
        assertEquals(R, queries.region(process, without).allocationProtect());
        assertEquals(NtStatus.INVALID_ADDRESS, queries.region(process, 0x10000).status());
        assertEquals(file.fileObject(), queries.file(process, copy).fileObject());
        assertEquals(NtStatus.FILE_INVALID, queries.file(process, without).status());
        assertEquals(NtStatus.INVALID_ADDRESS, queries.image(process, view).status());
        // Valid, one mapping, read-write, shared; priority 5; of a section.
        assertEquals(0x4500_8043L, queries.workingSetBlock(process, view));
        assertEquals(0x4500_0041L, queries.workingSetBlock(process, copy));
        assertEquals(0x4000_8000L, queries.workingSetBlock(process, without));
        long[] count = {0};
        queries.workingSet(process, block -> count[0]++);
        assertEquals(2, count[0]);
        unmap(view);
        unmap(copy);
        unmap(without);
        close(section);
        close(paged);
    }

    @Test
    void whatWasWrittenBeforeCopyOnWriteReachesTheFile() {
        PlainFile file = new PlainFile(manager, 0x1000);
        long section = body();
        assertEquals(NtStatus.SUCCESS, create(section, 0, RW, COMMIT, file));
        long base = mapped(section, 0, 0, RW);
        user.writeByte(base, (byte) 1);
        assertEquals(NtStatus.SUCCESS, protect(base, WC));
        user.writeByte(base + 1, (byte) 2);
        unmap(base);
        close(section);
        assertEquals(1, file.bytes()[0]);
        assertEquals(0, file.bytes()[1]);
    }
}
