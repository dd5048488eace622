package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.memory.X64PageTables;
import org.vadose.mm.ViewServices.View;
import org.vadose.mm.VirtualMemoryServices.BasicInformation;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.PoolType;
import org.vadose.nt.Pte;
import org.vadose.nt.Section;
import org.vadose.nt.Segment;
import org.vadose.nt.Token;

class LargeSectionsTest {
    private static final long LARGE = Pages.LARGE_SIZE;
    private static final int RW = PageProtection.PAGE_READWRITE;
    private static final int R = PageProtection.PAGE_READONLY;
    private static final int LARGE_COMMIT = SectionServices.SEC_COMMIT | SectionServices.SEC_LARGE_PAGES;
    private static final int AS_LARGE = VirtualMemoryServices.MEM_LARGE_PAGES;

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
        machine.giveToken(process, 1L << Token.SE_LOCK_MEMORY);
        manager.switchTo(process);
    }

    @AfterEach
    void checkAndClose() {
        machine.check("end of test");
        machine.close();
    }

    private long body() {
        long body = manager.pool().allocate(PoolType.PAGED_POOL, Section.SIZE, 0);
        manager.kernelMemory().fill(body, Section.SIZE, (byte) 0);
        return body;
    }

    private NtStatus create(long body, long bytes, int protection, int attributes) {
        return services.create(body, process, bytes, protection, attributes, null, "test");
    }

    private long created(long bytes, int protection) {
        long body = body();
        assertEquals(NtStatus.SUCCESS, create(body, bytes, protection, LARGE_COMMIT));
        return body;
    }

    private void close(long body) {
        services.deleted(body);
        manager.pool().free(body);
    }

    private NtStatus map(long body, long base, long offset, long size, int type, int protection) {
        view.base = base;
        view.offsetBytes = offset;
        view.sizeBytes = size;
        return manager.views().map(body, process, view, 0, 0, ViewServices.VIEW_UNMAP, type, protection);
    }

    private BasicInformation query(long address) {
        BasicInformation information = new BasicInformation();
        assertEquals(NtStatus.SUCCESS, manager.virtualMemory().query(process, address, information));
        return information;
    }

    private Segment segment(long body) {
        return new Section(manager.kernelMemory(), body).controlArea().segment();
    }

    @Test
    void twoProcessesShareTheFramesThroughLargeEntries() {
        Eprocess other = machine.newProcess(8);
        manager.balance().trim(process, 1, Trimmer.Choice.ANY);
        long available = manager.pfns().availablePages();
        long committed = manager.totalCommittedPages();
        long section = created(2 * LARGE, RW);
        assertTrue(segment(section).isLargePages());
        // All memory is taken when the section is made.
        assertTrue(available - manager.pfns().availablePages() >= 1024);
        assertTrue(manager.totalCommittedPages() - committed >= 1024);
        assertEquals(NtStatus.SUCCESS, map(section, 0, 0, 0, AS_LARGE, RW));
        long base = view.base;
        assertEquals(0, base % LARGE);
        assertEquals(2 * LARGE, view.sizeBytes);
        long faults = process.pageFaultCount();
        for (long at = base; at < base + 2 * LARGE; at += Pages.SIZE) {
            assertEquals(0, user.readLong(at));
            user.writeLong(at, at - base + 7);
        }
        assertEquals(faults, process.pageFaultCount());
        long entry = manager.kernelMemory().readLong(manager.selfMap().entry(2, base));
        assertNotEquals(0, entry & X64PageTables.LARGE);
        BasicInformation information = query(base + 5 * Pages.SIZE);
        assertEquals(VirtualMemoryServices.MEM_MAPPED, information.type);
        assertEquals(2 * LARGE - 5 * Pages.SIZE, information.regionSizeBytes);
        assertEquals(RW, information.protect);
        long block = manager.regionQueries().workingSetBlock(process, base + LARGE);
        assertEquals(1, block >>> 23 & 1, "large page");
        assertEquals(1, block >>> 15 & 1, "shared");
        assertEquals(2, block >>> 1 & 7, "the section and the view");
        machine.check("mapped");
        manager.switchTo(other);
        view.base = 0;
        view.offsetBytes = LARGE;
        view.sizeBytes = LARGE;
        assertEquals(NtStatus.SUCCESS, manager.views().map(section, other, view, 0, 0, 2, AS_LARGE, R));
        assertEquals(LARGE + 7, user.readLong(view.base));
        assertEquals(
                Pte.frame(entry) + 512,
                Pte.frame(manager.kernelMemory().readLong(manager.selfMap().entry(2, view.base))));
        long second = view.base;
        assertThrows(MemoryFault.class, () -> user.writeLong(second, 1));
        machine.check("mapped twice");
        manager.switchTo(process);
        assertEquals(NtStatus.SUCCESS, manager.views().unmap(process, base + LARGE + 3));
        assertThrows(MemoryFault.class, () -> user.readLong(base));
        close(section);
        machine.check("closed");
        manager.switchTo(other);
        assertEquals(LARGE + 7, user.readLong(second));
        manager.switchTo(process);
        manager.cleanAddressSpace(other);
        assertEquals(available, manager.pfns().availablePages());
        assertEquals(committed, manager.totalCommittedPages());
    }

    @Test
    void onlyViewsThatAskForLargePagesGetThem() {
        long section = created(LARGE, RW);
        assertEquals(NtStatus.SUCCESS, map(section, 0, 0x10000, 0x20000, 0, RW));
        long small = view.base;
        user.writeLong(small + 8, 42);
        assertEquals(NtStatus.SUCCESS, map(section, 0, 0, 0, AS_LARGE, R));
        long large = view.base;
        assertEquals(42, user.readLong(large + 0x10008));
        assertEquals(0, manager.regionQueries().workingSetBlock(process, small) >>> 23 & 1);
        assertEquals(1, manager.regionQueries().workingSetBlock(process, large) >>> 23 & 1);
        assertEquals(3, manager.regionQueries().workingSetBlock(process, small) >>> 1 & 7);
        machine.check("both");
        manager.balance().trim(process, 4096, Trimmer.Choice.ANY);
        machine.check("trimmed");
        long faults = process.pageFaultCount();
        assertEquals(42, user.readLong(large + 0x10008));
        assertEquals(faults, process.pageFaultCount());
        assertEquals(42, user.readLong(small + 8));
        assertEquals(faults + 1, process.pageFaultCount());
        manager.views().unmap(process, small);
        manager.views().unmap(process, large);
        // The pages stay with the section.
        assertEquals(NtStatus.SUCCESS, map(section, 0, 0, 0, 0, R));
        assertEquals(42, user.readLong(view.base + 0x10008));
        manager.views().unmap(process, view.base);
        close(section);
    }

    @Test
    void rulesOfSections() {
        long body = body();
        assertEquals(NtStatus.INVALID_PARAMETER_4, create(body, LARGE + Pages.SIZE, RW, LARGE_COMMIT));
        assertEquals(NtStatus.INVALID_PARAMETER_4, create(body, 0, RW, LARGE_COMMIT));
        assertEquals(
                NtStatus.INVALID_PARAMETER_6,
                create(body, LARGE, RW, SectionServices.SEC_RESERVE | SectionServices.SEC_LARGE_PAGES));
        assertEquals(
                NtStatus.INVALID_PARAMETER_6,
                services.create(body, process, LARGE, RW, LARGE_COMMIT, new PlainFile(manager, 1 << 21), "test"));
        assertEquals(
                NtStatus.INVALID_PAGE_PROTECTION, create(body, LARGE, PageProtection.PAGE_WRITECOPY, LARGE_COMMIT));
        assertEquals(NtStatus.COMMITMENT_LIMIT, create(body, 30 * LARGE, RW, LARGE_COMMIT));
        machine.addPageFile(16384, new MemoryBackingStore());
        long free = manager.pfns().availablePages();
        long committed = manager.totalCommittedPages();
        // 64 MB of RAM hold the kernel, too.
        assertEquals(NtStatus.INSUFFICIENT_RESOURCES, create(body, 30 * LARGE, RW, LARGE_COMMIT));
        assertEquals(free, manager.pfns().availablePages());
        assertEquals(committed, manager.totalCommittedPages());
        machine.giveToken(process, 0);
        assertEquals(NtStatus.PRIVILEGE_NOT_HELD, create(body, LARGE, RW, LARGE_COMMIT));
    }

    @Test
    void rulesOfViews() {
        long section = created(2 * LARGE, RW);
        int copy = PageProtection.PAGE_WRITECOPY;
        assertEquals(NtStatus.MAPPED_ALIGNMENT, map(section, 0x10000, 0, 0, AS_LARGE, RW));
        assertEquals(NtStatus.MAPPED_ALIGNMENT, map(section, 0, 0x10000, LARGE, AS_LARGE, RW));
        assertEquals(NtStatus.INVALID_VIEW_SIZE, map(section, 0, 0, Pages.SIZE, AS_LARGE, RW));
        assertEquals(NtStatus.INVALID_VIEW_SIZE, map(section, 0, LARGE, 2 * LARGE, AS_LARGE, RW));
        assertEquals(NtStatus.INVALID_PAGE_PROTECTION, map(section, 0, 0, 0, AS_LARGE, copy));
        assertEquals(NtStatus.INVALID_PAGE_PROTECTION, map(section, 0, 0, 0, AS_LARGE, PageProtection.PAGE_NOACCESS));
        long plain = body();
        assertEquals(NtStatus.SUCCESS, create(plain, LARGE, RW, SectionServices.SEC_COMMIT));
        assertEquals(NtStatus.INVALID_PARAMETER_9, map(plain, 0, 0, 0, AS_LARGE, RW));
        close(plain);
        assertEquals(NtStatus.SUCCESS, map(section, 0x4000_0000L, 0, 0, AS_LARGE, RW));
        assertEquals(0x4000_0000L, view.base);
        assertEquals(NtStatus.CONFLICTING_ADDRESSES, map(section, 0x4000_0000L + LARGE, 0, LARGE, AS_LARGE, RW));
        // A small copy-on-write view makes private copies as ever.
        user.writeLong(0x4000_0000L, 5);
        assertEquals(NtStatus.SUCCESS, map(section, 0, 0, 0x10000, 0, copy));
        user.writeLong(view.base, 6);
        assertEquals(5, user.readLong(0x4000_0000L));
        manager.views().unmap(process, view.base);
        close(section);
        manager.views().unmap(process, 0x4000_0000L);
    }

    @Test
    void protectionChangesByWholeLargePages() {
        long section = created(2 * LARGE, RW);
        assertEquals(NtStatus.SUCCESS, map(section, 0x4000_0000L, 0, 0, AS_LARGE, RW));
        long base = view.base;
        Region region = new Region();
        region.base = base;
        region.sizeBytes = Pages.SIZE;
        int[] old = new int[1];
        assertEquals(NtStatus.INVALID_PAGE_PROTECTION, manager.virtualMemory().protect(process, region, R, old));
        region.base = base + LARGE;
        region.sizeBytes = LARGE;
        assertEquals(NtStatus.SUCCESS, manager.virtualMemory().protect(process, region, R, old));
        assertEquals(RW, old[0]);
        user.writeByte(base, (byte) 1);
        assertThrows(MemoryFault.class, () -> user.writeByte(base + LARGE, (byte) 1));
        assertEquals(R, query(base + LARGE).protect);
        assertEquals(LARGE, query(base).regionSizeBytes);
        machine.check("protected");
        region.base = base;
        region.sizeBytes = 0;
        assertEquals(
                NtStatus.UNABLE_TO_DELETE_SECTION,
                manager.virtualMemory().free(process, region, VirtualMemoryServices.MEM_RELEASE));
        region.base = base + LARGE;
        region.sizeBytes = LARGE;
        assertEquals(
                NtStatus.SUCCESS,
                manager.virtualMemory().allocate(process, region, 0, VirtualMemoryServices.MEM_COMMIT, RW));
        user.writeByte(base + LARGE, (byte) 1);
        manager.views().unmap(process, base);
        close(section);
    }

    @Test
    void pagesBehindAViewCanBeToldWhenTheyAreNotTheSections() {
        long section = created(2 * LARGE, RW);
        assertEquals(NtStatus.SUCCESS, map(section, 0, 0, 0, AS_LARGE, RW));
        long at = manager.selfMap().entry(2, view.base);
        long entry = manager.kernelMemory().readLong(at);
        manager.kernelMemory().writeLong(at, entry + LARGE);
        machine.assertFound("frame of a view's large page");
        manager.kernelMemory().writeLong(at, entry);
        manager.pfns()
                .pfn(Pte.frame(entry))
                .setPteFrame(manager.pfns().pfn(Pte.frame(entry)).pteFrame(), true);
        machine.assertFound("large page of a section is not whole");
        manager.pfns().pfn(Pte.frame(entry)).setResident();
        manager.views().unmap(process, view.base);
        close(section);
    }
}
