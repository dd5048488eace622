package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.FileObjectLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiPartitionSegmentsLayout;
import org.vadose.layout.MiSectionStateLayout;
import org.vadose.layout.MiSystemInformationLayout;
import org.vadose.layout.SectionObjectPointersLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.ViewServices.View;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.ControlArea;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.PoolType;
import org.vadose.nt.Section;

/** What becomes of a file's section when nobody uses it any more. */
class UnusedSegmentsTest {
    private static final int RW = PageProtection.PAGE_READWRITE;

    private SmallMachine machine;
    private MemoryManager manager;
    private SectionServices services;
    private Memory memory;
    private Memory user;
    private Eprocess process;

    @BeforeEach
    void boot() {
        machine = new SmallMachine(32L << 20, 1);
        manager = machine.manager();
        services = manager.sectionObjects();
        memory = manager.kernelMemory();
        user = manager.mmu().user();
        process = machine.newProcess(4);
        manager.switchTo(process);
    }

    @AfterEach
    void checkAndClose() {
        machine.check("end of test");
        machine.close();
    }

    private interface Use {
        void of(long base);
    }

    /** Maps a file, does something with the view, and gives all up again. */
    private void use(PlainFile file, Use what) {
        long body = manager.pool().allocate(PoolType.PAGED_POOL, Section.SIZE, 0);
        memory.fill(body, Section.SIZE, (byte) 0);
        assertEquals(NtStatus.SUCCESS, services.create(body, process, 0, RW, SectionServices.SEC_COMMIT, file, "test"));
        View view = new View();
        assertEquals(NtStatus.SUCCESS, manager.views().map(body, process, view, 0, 0, ViewServices.VIEW_UNMAP, 0, RW));
        what.of(view.base);
        assertEquals(NtStatus.SUCCESS, manager.views().unmap(process, view.base));
        services.deleted(body);
        manager.pool().free(body);
    }

    private long dataSection(PlainFile file) {
        long pointers = memory.readLong(file.fileObject() + FileObjectLayout.SECTION_OBJECT_POINTER);
        return memory.readLong(pointers + SectionObjectPointersLayout.DATA_SECTION_OBJECT);
    }

    private long segments() {
        return manager.kernelBase() + KernelSymbols.MI_SYSTEM_PARTITION + MiPartitionLayout.SEGMENTS;
    }

    private void touch(long base, int pages) {
        for (int i = 0; i < pages; i++) {
            user.readByte(base + i * Pages.SIZE);
        }
    }

    @Test
    void pagesAreThereWhenTheFileIsOpenedAgain() {
        PlainFile file = new PlainFile(manager, 40_000);
        file.bytes()[5000] = 42;
        long standby = manager.pfns().standbyPages();
        use(file, base -> {
            touch(base, 10);
            user.writeByte(base + 9000, (byte) 7);
        });
        machine.check("unused");
        assertEquals(7, file.bytes()[9000], "written before it was put aside");
        assertEquals(standby + 10, manager.pfns().standbyPages());
        ControlArea area = new ControlArea(memory, dataSection(file));
        assertTrue(area.isUnused());
        assertEquals(10, area.pfnReferences());
        assertEquals(
                area.views().address(), memory.readLong(segments() + MiPartitionSegmentsLayout.UNUSED_SEGMENT_LIST));
        int reads = file.reads();
        use(file, base -> {
            assertEquals(42, user.readByte(base + 5000));
            assertEquals(7, user.readByte(base + 9000));
            machine.check("used again");
        });
        assertEquals(reads, file.reads());
        assertEquals(area.address(), dataSection(file));
        manager.dataSections().purgeUnused();
        assertEquals(0, dataSection(file));
        assertEquals(0, file.held());
        assertEquals(standby, manager.pfns().standbyPages());
        assertEquals(0, memory.readLong(segments() + MiPartitionSegmentsLayout.UNUSED_SEGMENT_PAGED_POOL));
    }

    @Test
    void fileMayGrowMeanwhile() {
        PlainFile file = new PlainFile(manager, 5000);
        use(file, base -> user.writeByte(base, (byte) 1));
        file.setSize(100_000);
        use(file, base -> {
            assertEquals(1, user.readByte(base));
            assertEquals(0, user.readByte(base + 99_999));
            user.writeByte(base + 99_999, (byte) 2);
        });
        assertEquals(2, file.bytes()[99_999]);
    }

    @Test
    void goesWhenItsPagesWereTakenForSomethingElse() {
        PlainFile file = new PlainFile(manager, 20_000);
        use(file, base -> touch(base, 4));
        Region region = new Region();
        long take = manager.pfns().availablePages() + 1000;
        region.sizeBytes = take << Pages.SHIFT;
        int both = VirtualMemoryServices.MEM_COMMIT | VirtualMemoryServices.MEM_RESERVE;
        machine.addPageFile(8192, new MemoryBackingStore());
        assertEquals(NtStatus.SUCCESS, manager.virtualMemory().allocate(process, region, 0, both, RW));
        for (long at = 0; at < take; at++) {
            user.writeByte(region.base + (at << Pages.SHIFT), (byte) 1);
        }
        for (long at = 0; at < take; at++) {
            user.writeByte(region.base + (at << Pages.SHIFT), (byte) 2);
        }
        machine.check("pressure");
        PlainFile other = new PlainFile(manager, 20_000);
        use(other, base -> touch(base, 4));
        assertEquals(0, dataSection(file));
        assertEquals(0, file.held());
        region.sizeBytes = 0;
        manager.virtualMemory().free(process, region, VirtualMemoryServices.MEM_RELEASE);
        use(file, base -> assertEquals(0, user.readByte(base)));
    }

    @Test
    void oldestGoWhenTheirPoolIsTooLarge() {
        PlainFile first = new PlainFile(manager, 5000);
        use(first, base -> touch(base, 1));
        // 32 MB of RAM let them have 128 pages of pool.
        PlainFile[] others = new PlainFile[5];
        for (int i = 0; i < others.length; i++) {
            others[i] = new PlainFile(manager, 80 << 20);
            use(others[i], base -> touch(base, 1));
            machine.check("file " + i);
        }
        assertEquals(0, dataSection(first));
        assertNotEquals(0, dataSection(others[others.length - 1]));
        assertTrue(
                memory.readLong(segments() + MiPartitionSegmentsLayout.UNUSED_SEGMENT_PAGED_POOL) <= 128 * Pages.SIZE);
    }

    @Test
    void nothingStaysOfAFileThatIsGoneOrWithoutPages() {
        PlainFile untouched = new PlainFile(manager, 5000);
        use(untouched, base -> {});
        assertEquals(0, dataSection(untouched));
        PlainFile deleted = new PlainFile(manager, 5000);
        deleted.setGoing();
        use(deleted, base -> touch(base, 1));
        assertEquals(0, dataSection(deleted));
        assertEquals(0, deleted.held());
    }

    @Test
    void whatCannotBeWrittenIsLostAndCounted() {
        PlainFile file = new PlainFile(manager, 9000);
        use(file, base -> {
            touch(base, 3);
            user.writeByte(base, (byte) 1);
            user.writeByte(base + 8192, (byte) 1);
            file.setBroken(true);
        });
        assertEquals(0, dataSection(file));
        long state = manager.kernelBase() + KernelSymbols.MI_STATE + MiSystemInformationLayout.SECTIONS;
        assertEquals(1, memory.readInt(state + MiSectionStateLayout.LOST_DATA_FILES));
        assertEquals(2, memory.readInt(state + MiSectionStateLayout.LOST_DATA_PAGES));
    }

    @Test
    void wrongListIsFound() {
        PlainFile file = new PlainFile(manager, 5000);
        use(file, base -> touch(base, 2));
        ControlArea area = new ControlArea(memory, dataSection(file));
        area.addSectionReferences(1);
        machine.assertFound("control area in use is on the list of unused ones");
        area.addSectionReferences(-1);
        long counter = segments() + MiPartitionSegmentsLayout.UNUSED_SEGMENT_PAGED_POOL;
        memory.writeLong(counter, memory.readLong(counter) + 8);
        machine.assertFound("UnusedSegmentPagedPool");
        memory.writeLong(counter, memory.readLong(counter) - 8);
        area.views().remove();
        machine.assertFound("control area that nobody uses");
        manager.kernelMemory().writeLong(area.views().address(), 0);
        machine.assertFound("control area that nobody uses");
        area.views().initialize();
        long head = segments() + MiPartitionSegmentsLayout.UNUSED_SEGMENT_LIST;
        new org.vadose.nt.ListEntry(memory, head).insertTail(area.views().address());
    }
}
