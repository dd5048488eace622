package org.vadose.mm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.vadose.base.Hex;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.FileObjectLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiSectionStateLayout;
import org.vadose.layout.MiSystemInformationLayout;
import org.vadose.layout.SectionObjectPointersLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ControlArea;
import org.vadose.nt.PageProtection;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.Pte;
import org.vadose.nt.Segment;
import org.vadose.nt.Subsection;

/**
 * Control areas of data sections: how they are made, grow and go. Those of images are {@link ImageSections}'.
 *
 * <pre>
 *  without a file                                    of a data file
 *  _CONTROL_AREA + _SUBSECTION     nonpaged  MmCa    _CONTROL_AREA + _MSUBSECTION    nonpaged  MmCa
 *  _SEGMENT                        paged     MmSg    further _MSUBSECTIONs           nonpaged  MmSd
 *  prototype PTEs                  paged     MmSt    _MAPPED_FILE_SEGMENT            paged     MmSm
 *                                                    prototype PTEs of each subsection         MmSt
 * </pre>
 *
 * <p>A file has one control area, named in its {@code _SECTION_OBJECT_POINTERS}, from its first section on. When the last section and
 * the last view are gone, what was written goes to the file and the control area is put aside ({@link UnusedSegments}) with its pages
 * on standby, until the file is opened again, all pages were taken for something else, the file is cut or deleted, or too much
 * paged pool is theirs.
 */
final class ControlAreas {
    /** What a data file's pages begin with: a view takes away what it does not give. */
    static final int FILE_PROTECTION = PageProtection.EXECUTE_READWRITE;

    private static final int TAG_CONTROL_AREA = PoolTag.of("MmCa");
    private static final int TAG_SEGMENT = PoolTag.of("MmSg");
    private static final int TAG_MAPPED_SEGMENT = PoolTag.of("MmSm");
    private static final int TAG_SUBSECTION = PoolTag.of("MmSd");
    private static final int TAG_PROTOTYPES = PoolTag.of("MmSt");

    /** The part of RAM that the paged pool of those that nobody uses may be. */
    private static final int POOL_OF_UNUSED_DIVISOR = 64;

    /** Pages that one write to a file holds at most. */
    private static final int WRITE_CLUSTER = 64;

    private final MemoryManager manager;
    private final Memory memory;
    private final Prototypes prototypes;
    private final Commit commit;
    private final UnusedSegments unused;

    ControlAreas(MemoryManager manager, Prototypes prototypes, Commit commit) {
        this.manager = manager;
        this.memory = manager.kernelMemory();
        this.prototypes = prototypes;
        this.commit = commit;
        this.unused = new UnusedSegments(memory, manager.kernelBase());
    }

    /** Whether there is RAM for so many prototype PTEs and what surrounds them. */
    boolean canHold(long pages) {
        if (isRoomFor(pages)) {
            return true;
        }
        // canGrowPools lets go of them only if even a few pages are too many.
        trimUnused(0);
        return isRoomFor(pages);
    }

    private boolean isRoomFor(long pages) {
        return manager.canGrowPools()
                && Pages.count(pages * Long.BYTES) + 16 < manager.pfns().availablePages();
    }

    /**
     * A section of pages without a file. It has one section reference.
     *
     * @param protection five bits of {@link PageProtection}
     * @param committed whether all pages are committed at once; the caller has charged them
     */
    ControlArea createPaged(long pages, int protection, boolean committed, long creatorId) {
        long base;
        ControlArea area;
        Segment segment;
        try (PoolBlocks blocks = new PoolBlocks(manager)) {
            base = blocks.allocate(PoolType.PAGED_POOL, pages * Long.BYTES, TAG_PROTOTYPES);
            area = new ControlArea(
                    memory,
                    blocks.allocate(PoolType.NON_PAGED_POOL_NX, ControlArea.SIZE + Subsection.SIZE, TAG_CONTROL_AREA));
            segment = new Segment(memory, blocks.allocate(PoolType.PAGED_POOL, Segment.SIZE, TAG_SEGMENT));
            blocks.keep();
        }
        begin(area, segment, committed ? ControlArea.FLAG_COMMIT : ControlArea.FLAG_RESERVE);
        segment.initialize(area, pages, 0, base, Pages.SIZE);
        segment.setDefaultProtection(protection);
        segment.setCreatingProcessId(creatorId);
        area.firstSubsection().initialize(area, base, pages, protection);
        if (committed) {
            segment.setCommittedPages(pages);
            for (long i = 0; i < pages; i++) {
                memory.writeLong(base + i * Long.BYTES, Pte.demandZero(protection));
            }
        }
        return area;
    }

    private static void begin(ControlArea area, Segment segment, int flags) {
        area.setSegment(segment.address());
        area.views().initialize();
        area.addSectionReferences(1);
        area.setFlags(flags);
    }

    /** The data section that a file has, 0 for none. */
    long dataSection(MappedFile file) {
        return memory.readLong(pointers(file.fileObject()) + SectionObjectPointersLayout.DATA_SECTION_OBJECT);
    }

    private long pointers(long fileObject) {
        return memory.readLong(fileObject + FileObjectLayout.SECTION_OBJECT_POINTER);
    }

    /** Makes the data section of a file that has none. It has one section reference and covers so many pages. */
    ControlArea createForFile(MappedFile file, long pages) {
        ControlArea area;
        try (PoolBlocks blocks = new PoolBlocks(manager)) {
            area = new ControlArea(
                    memory,
                    blocks.allocate(
                            PoolType.NON_PAGED_POOL_NX,
                            ControlArea.SIZE + Subsection.SIZE_OF_MAPPED_FILE,
                            TAG_CONTROL_AREA));
            Segment segment = new Segment(
                    memory, blocks.allocate(PoolType.PAGED_POOL, Segment.SIZE_OF_MAPPED_FILE, TAG_MAPPED_SEGMENT));
            begin(area, segment, ControlArea.FLAG_FILE);
            segment.initializeMappedFile(area, pages, FILE_PROTECTION);
            addPages(blocks, area, area.firstSubsection(), 0, pages, file.sizeBytes());
            blocks.keep();
        }
        file.acquire();
        area.setFileObject(file.fileObject());
        prototypes.setSource(area, new DataFile(file));
        memory.writeLong(pointers(file.fileObject()) + SectionObjectPointersLayout.DATA_SECTION_OBJECT, area.address());
        file.dataSectionMade(area.address());
        return area;
    }

    private void addPages(
            PoolBlocks blocks, ControlArea area, Subsection part, long startingPage, long pages, long fileBytes) {
        long base = blocks.allocate(PoolType.PAGED_POOL, pages * Long.BYTES, TAG_PROTOTYPES);
        long inside = Math.max(0, fileBytes - startingPage * Pages.SIZE);
        long full = Math.min(pages, inside / Pages.SIZE);
        part.initializeMappedFile(
                area, base, pages, FILE_PROTECTION, startingPage, full, full == pages ? 0 : (int) Pages.offset(inside));
        fill(base, pages, Pte.subsection(part.address(), FILE_PROTECTION));
    }

    /** Writes so many equal entries, a batch at a time. */
    private void fill(long base, long count, long entry) {
        byte[] batch = new byte[(int) Math.min(count, 512) * Long.BYTES];
        ByteBuffer entries = ByteBuffer.wrap(batch).order(ByteOrder.LITTLE_ENDIAN);
        while (entries.hasRemaining()) {
            entries.putLong(entry);
        }
        for (long done = 0; done < count; done += batch.length / Long.BYTES) {
            int bytes = (int) Math.min(batch.length, (count - done) * Long.BYTES);
            memory.write(base + done * Long.BYTES, batch, 0, bytes);
        }
    }

    /** Makes a file's data section cover at least so many pages, with one more subsection behind the last. */
    void extend(ControlArea area, long pages, long fileBytes) {
        long before = area.segment().pages();
        if (pages <= before) {
            return;
        }
        Subsection last = last(area);
        Subsection added;
        try (PoolBlocks blocks = new PoolBlocks(manager)) {
            added = new Subsection(
                    memory,
                    blocks.allocate(PoolType.NON_PAGED_POOL_NX, Subsection.SIZE_OF_MAPPED_FILE, TAG_SUBSECTION));
            addPages(blocks, area, added, before, pages - before, fileBytes);
            blocks.keep();
        }
        last.setNext(added.address());
        area.segment().setPages(pages);
    }

    private Subsection last(ControlArea area) {
        Subsection at = area.firstSubsection();
        while (at.next() != 0) {
            at = new Subsection(memory, at.next());
        }
        return at;
    }

    /** The subsection of a data file that holds a page. */
    Subsection subsectionOf(ControlArea area, long page) {
        Subsection part = area.firstSubsection();
        while (page - part.startingPage() >= part.pages()) {
            if (part.next() == 0) {
                throw new IllegalStateException(
                        "page behind the section controlArea=" + Hex.address(area.address()) + " page=" + page);
            }
            part = new Subsection(memory, part.next());
        }
        return part;
    }

    /** Gives up pages of a data file from one on, changed or not, but for those that somebody maps. */
    void purge(ControlArea area, long firstPage) {
        for (long at = area.firstSubsection().address(); at != 0; ) {
            Subsection part = new Subsection(memory, at);
            long start = part.startingPage();
            for (long page = Math.max(firstPage, start); page < start + part.pages(); page++) {
                prototypes.purge(part, part.base() + (page - start) * Long.BYTES);
            }
            at = part.next();
        }
    }

    /** Writes modified pages of a data file back, as far as their PFNs say so. */
    NtStatus flush(ControlArea area, long firstPage, long pages) {
        NtStatus status = NtStatus.SUCCESS;
        for (long at = area.firstSubsection().address(); at != 0; ) {
            Subsection part = new Subsection(memory, at);
            long start = part.startingPage();
            long from = Math.max(firstPage, start);
            long to = Math.min(firstPage + pages, start + part.pages());
            long left = part.pfnReferences();
            for (long page = from; page < to && left > 0; ) {
                long prototype = part.base() + (page - start) * Long.BYTES;
                if (!prototypes.isResident(prototype)) {
                    page++;
                    continue;
                }
                int run = prototypes.modifiedRun(prototype, (int) Math.min(to - page, WRITE_CLUSTER));
                if (run > 0) {
                    NtStatus one = prototypes.flush(part, prototype, run);
                    status = one.isSuccess() ? status : one;
                }
                page += Math.max(run, 1);
                left -= Math.max(run, 1);
            }
            at = part.next();
        }
        return status;
    }

    // --- use ---

    /** One more section of a file whose control area is known. */
    void reference(ControlArea area) {
        if (area.isUnused()) {
            unused.remove(area);
        }
        area.addSectionReferences(1);
    }

    /** Gives back a section reference; see {@link #settleIfUnused}. */
    void dereference(ControlArea area) {
        area.addSectionReferences(-1);
        settleIfUnused(area);
    }

    /**
     * If neither section nor view is left, the control area goes; that of a file first has its modified pages written, and stays aside
     * as long as it has pages.
     */
    void settleIfUnused(ControlArea area) {
        if (!area.isUnused()) {
            return;
        }
        if (!writeBack(area) || !mayStay(area)) {
            delete(area);
            return;
        }
        unused.add(area);
        prototypes.source(area).putAside();
        trimUnused(manager.pfns().frames() / POOL_OF_UNUSED_DIVISOR << Pages.SHIFT);
    }

    /** What shared sections of an image were written with belongs to those who map it. */
    private boolean mayStay(ControlArea area) {
        if (!area.isFile() || area.segment().committedPages() != 0) {
            return false;
        }
        if (area.isImage()) {
            prototypes.discardZeros(area);
        }
        return area.pfnReferences() != 0 && prototypes.source(area).mayComeBack();
    }

    /** Answers whether a data file has all that was written to it. */
    private boolean writeBack(ControlArea area) {
        if (!area.isFile() || area.isImage()) {
            return true;
        }
        boolean isWritten = flush(area, 0, area.segment().pages()).isSuccess();
        if (!isWritten) {
            countLost(area);
        }
        return isWritten;
    }

    private void countLost(ControlArea area) {
        long state = manager.kernelBase() + KernelSymbols.MI_STATE + MiSystemInformationLayout.SECTIONS;
        add(state + MiSectionStateLayout.LOST_DATA_FILES, 1);
        add(state + MiSectionStateLayout.LOST_DATA_PAGES, (int)
                manager.dataSections().modifiedPages(area.address()));
    }

    private void add(long counter, int delta) {
        memory.writeInt(counter, memory.readInt(counter) + delta);
    }

    /** Deletes those that nobody uses and that have no page left, and the oldest others until no more bytes of pool are theirs. */
    void trimUnused(long mostBytes) {
        for (long at = unused.first(); at != 0; ) {
            ControlArea area = new ControlArea(memory, at);
            at = unused.after(area);
            boolean hasPages = area.pfnReferences() != 0;
            if (!hasPages || unused.pagedPoolBytes() > mostBytes) {
                unused.remove(area);
                delete(area);
            } else if (at != 0 && new ControlArea(memory, at).pfnReferences() != 0) {
                // Pages of those put aside first are the first to be taken for something else.
                return;
            }
        }
    }

    /** Deletes all those that nobody uses and that have no page left. */
    void reapUnused() {
        for (long at = unused.first(); at != 0; ) {
            ControlArea area = new ControlArea(memory, at);
            at = unused.after(area);
            if (area.pfnReferences() == 0) {
                unused.remove(area);
                delete(area);
            }
        }
    }

    /** Deletes a control area that nobody uses, its pages with it; answers whether nobody does. */
    boolean purgeIfUnused(ControlArea area) {
        if (!area.isUnused()) {
            return false;
        }
        unused.remove(area);
        delete(area);
        return true;
    }

    private void delete(ControlArea area) {
        if (LargeSections.isLarge(area)) {
            manager.largeSections().empty(area);
        }
        prototypes.discardAll(area);
        PageSource source = prototypes.removeSource(area);
        if (source != null) {
            source.deleting(area);
        }
        Segment segment = area.segment();
        commit.releaseShared(segment.committedPages());
        if (area.isImage() || !area.isFile()) {
            manager.pool().free(segment.prototypePtes());
        } else {
            freeSubsections(area);
        }
        manager.pool().free(segment.address());
        manager.pool().free(area.address());
    }

    private void freeSubsections(ControlArea area) {
        manager.pool().free(area.firstSubsection().base());
        for (long at = area.firstSubsection().next(); at != 0; ) {
            Subsection part = new Subsection(memory, at);
            at = part.next();
            manager.pool().free(part.base());
            manager.pool().free(part.address());
        }
    }

    /** The pages of a data file, where they are on its disk. */
    private final class DataFile implements PageSource {
        private final MappedFile file;

        DataFile(MappedFile file) {
            this.file = file;
        }

        @Override
        public NtStatus read(long page, byte[] target) {
            return file.read(page * Pages.SIZE, target, 0, target.length);
        }

        @Override
        public NtStatus write(long page, byte[] source) {
            long position = page * Pages.SIZE;
            int length = (int) Math.min(source.length, file.sizeBytes() - position);
            return length <= 0 ? NtStatus.SUCCESS : file.write(position, source, 0, length);
        }

        @Override
        public boolean mayComeBack() {
            return file.mayBeReopened();
        }

        @Override
        public void putAside() {
            file.putAside();
        }

        @Override
        public void deleting(ControlArea area) {
            memory.writeLong(pointers(file.fileObject()) + SectionObjectPointersLayout.DATA_SECTION_OBJECT, 0);
            file.dataSectionGone();
            file.release();
        }
    }
}
