package org.vadose.mm;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.PhysicalMemory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PagingFile;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.Pte;

/**
 * The page files: {@code nt!MiSystemPartition.Vp.PagingFile}, up to 16 of them, or none.
 *
 * <pre>
 *   _MMPAGING_FILE, its _MI_PAGING_FILE_SPACE_BITMAPS     nonpaged pool, tag Mm
 *   bits of the bitmap, as many as the file has slots     nonpaged pool, tag MmPb
 *   name                                                  paged pool, tag Mm
 * </pre>
 *
 * Each taken slot is owned once: by a page-file PTE (or prototype PTE), or by the {@code OriginalPte} of a frame that holds the
 * same bytes. Whoever writes over the owner, or makes its page differ, gives the slot back with {@link #free}.
 *
 * <p>One of them may be the virtual store's: its slots stand for pages in the {@link CompressionStore}, it has no name, no I/O and no
 * part in the commit limit, and its free slots are counted apart.
 */
public final class PageFiles {
    /** What {@code Vp.PagingFile} has room for. */
    public static final int MOST = 16;

    /** Pages that one I/O moves at most. */
    static final int CLUSTER_PAGES = 256;

    private static final int TAG = PoolTag.of("Mm  ");
    private static final int TAG_BITS = PoolTag.of("MmPb");
    /** Page files grow by this many pages at least. */
    private static final long EXTENSION_PAGES = 4096;

    private static final int WORD_BITS = 64;
    private static final int TRANSIENT_RETRIES = 3;

    private final MemoryManager manager;
    private final Memory memory;
    private final PhysicalMemory ram;
    private final Commit commit;
    private final long visible;
    private final List<PagingFile> files = new ArrayList<>();
    private final List<BackingStore> stores = new ArrayList<>();
    private long freeSlots;
    private @Nullable PagingFile virtual;
    private @Nullable CompressionStore store;

    /** Adjacent free slots that were taken. */
    static final class Run {
        int file;
        long slot;
        int pages;
    }

    PageFiles(MemoryManager manager, Commit commit) {
        this.manager = manager;
        this.memory = manager.kernelMemory();
        this.ram = manager.mmu().ram();
        this.commit = commit;
        this.visible = manager.kernelBase() + KernelSymbols.MI_SYSTEM_PARTITION + MiPartitionLayout.VP;
    }

    /**
     * Adds a page file, as {@code NtCreatePagingFile} does; the commit limit rises by its slots.
     *
     * @param name a native path, as {@code !vm} shows it
     * @param minimumPages what it has at once
     * @param maximumPages what it may grow to when the commit limit is reached
     * @param fileObject the {@code _FILE_OBJECT}, or 0
     * @param store closed with the machine
     */
    public NtStatus create(String name, long minimumPages, long maximumPages, long fileObject, BackingStore store) {
        if (minimumPages < 2 || maximumPages < minimumPages || maximumPages > 1L << 31) {
            return NtStatus.INVALID_PARAMETER;
        }
        if (files.size() == MOST) {
            return NtStatus.TOO_MANY_PAGING_FILES;
        }
        PagingFile file = new PagingFile(memory, allocate(PoolType.NON_PAGED_POOL_NX, PagingFile.SIZE, TAG));
        file.setNumber(files.size());
        file.name().set(name, allocate(PoolType.PAGED_POOL, 2L * name.length() + 2, TAG));
        file.setFileObject(fileObject);
        file.setLimits(minimumPages, maximumPages);
        add(file, minimumPages, store);
        commit.setLimit(commit.limit() + minimumPages - 1);
        return NtStatus.SUCCESS;
    }

    /** Adds the virtual store's page file; answers its number. */
    int createVirtual(long pages) {
        if (files.size() == MOST || virtual != null) {
            throw new IllegalStateException(
                    "no room for the virtual store's page file, or there is one files=" + files.size());
        }
        PagingFile file = new PagingFile(memory, allocate(PoolType.NON_PAGED_POOL_NX, PagingFile.SIZE, TAG));
        file.setNumber(files.size());
        file.setVirtualStore();
        file.setLimits(pages, pages);
        virtual = file;
        add(file, pages, new MemoryBackingStore());
        return file.number();
    }

    private void add(PagingFile file, long pages, BackingStore contents) {
        file.setBitmaps(allocate(PoolType.NON_PAGED_POOL_NX, PagingFile.BITMAPS_SIZE, TAG));
        file.setBits(allocate(PoolType.NON_PAGED_POOL_NX, bitmapBytes(pages), TAG_BITS), pages);
        file.setSize(pages);
        file.addFreeSpace(pages);
        files.add(file);
        stores.add(contents);
        freeSlots += file.isVirtualStore() ? 0 : pages;
        mark(file, 0, 1, true);
        memory.writeLong(visible + MiVisiblePartitionLayout.PAGING_FILE + 8L * file.number(), file.address());
        memory.writeInt(visible + MiVisiblePartitionLayout.NUMBER_OF_PAGING_FILES, files.size());
    }

    /** Tells where the pages of the virtual store's page file are. */
    void setStore(CompressionStore compressed) {
        store = compressed;
    }

    private CompressionStore store() {
        return Objects.requireNonNull(store, "no compression store");
    }

    /** Whether an entry that owns a slot stands for a page in the compression store: once that is read, the slot is to be freed. */
    boolean isCompressed(long pte) {
        PagingFile file = virtual;
        return file != null && Pte.holdsSlot(pte) && Pte.pageFileNumber(pte) == file.number();
    }

    /** Whether a process's pages are those of the compression store. */
    boolean isStoreProcess(Eprocess process) {
        CompressionStore compressed = store;
        return compressed != null && compressed.owner().address() == process.address();
    }

    /** Slots of the virtual store's page file that are not taken. */
    long freeVirtualSlots() {
        PagingFile file = virtual;
        return file == null ? 0 : file.freeSpace();
    }

    /** A slot of the virtual store's page file was taken for nothing. */
    void giveBackVirtual(long slot) {
        mark(Objects.requireNonNull(virtual), slot, 1, false);
    }

    private long allocate(PoolType type, long sizeBytes, int tag) {
        long address = manager.pool().allocate(type, sizeBytes, tag);
        memory.fill(address, sizeBytes, (byte) 0);
        return address;
    }

    private static long bitmapBytes(long slots) {
        return (slots + WORD_BITS - 1) / WORD_BITS * Long.BYTES;
    }

    public int count() {
        return files.size() - (virtual == null ? 0 : 1);
    }

    /** Pages by which the page files may still grow. */
    long growthPages() {
        long total = 0;
        for (PagingFile file : files) {
            total += file.maximumSize() - file.size();
        }
        return total;
    }

    /** The page file of an index below {@link #count}. */
    public PagingFile file(int index) {
        return files.get(index);
    }

    /** Slots in all page files that are not taken. */
    public long freeSlots() {
        return freeSlots;
    }

    /** Pages that the page files hold at their present sizes. */
    public long totalSlots() {
        long total = 0;
        for (PagingFile file : files) {
            total += file.isVirtualStore() ? 0 : file.size() - 1;
        }
        return total;
    }

    /**
     * Lets page files grow until the commit limit has risen by so many pages.
     *
     * @return false when their maximum sizes do not allow that; they may have grown nevertheless
     */
    boolean extend(long pages) {
        long wanted = pages;
        for (PagingFile file : files) {
            long room = file.maximumSize() - file.size();
            long growth = Math.min(room, Math.max(wanted, EXTENSION_PAGES));
            if (growth > 0) {
                grow(file, file.size() + growth);
                wanted -= growth;
            }
            if (wanted <= 0) {
                return true;
            }
        }
        return wanted <= 0;
    }

    private void grow(PagingFile file, long newSize) {
        long oldSize = file.size();
        long oldBits = file.bits();
        // First: the bits need commitment, too.
        commit.setLimit(commit.limit() + newSize - oldSize);
        long bits = allocate(PoolType.NON_PAGED_POOL_NX, bitmapBytes(newSize), TAG_BITS);
        byte[] taken = new byte[(int) bitmapBytes(oldSize)];
        memory.read(oldBits, taken, 0, taken.length);
        memory.write(bits, taken, 0, taken.length);
        file.setBits(bits, newSize);
        manager.pool().free(oldBits);
        file.setSize(newSize);
        file.addFreeSpace(newSize - oldSize);
        freeSlots += newSize - oldSize;
    }

    // --- slots ---

    /**
     * Takes adjacent slots: as many as wanted where there are so many, else the longest run found, of the page file with most
     * room.
     *
     * @return false when no slot is free
     */
    boolean take(int wanted, Run run) {
        PagingFile roomiest = null;
        for (PagingFile file : files) {
            if (file.freeSpace() != 0
                    && !file.isVirtualStore()
                    && (roomiest == null || file.freeSpace() > roomiest.freeSpace())) {
                roomiest = file;
            }
        }
        if (roomiest == null) {
            return false;
        }
        return takeFrom(roomiest.number(), wanted, run);
    }

    /** As {@link #take}, from one page file. */
    boolean takeFrom(int number, int wanted, Run run) {
        PagingFile file = files.get(number);
        if (file.freeSpace() == 0) {
            return false;
        }
        find(file, wanted, run);
        run.file = number;
        mark(file, run.slot, run.pages, true);
        file.setAllocationHint(run.slot + run.pages);
        return true;
    }

    private void find(PagingFile file, int wanted, Run run) {
        long size = file.size();
        long hint = Math.min(file.allocationHint(), size);
        run.pages = 0;
        search(file.bits(), hint, size, wanted, run);
        if (run.pages < wanted) {
            search(file.bits(), 0, hint, wanted, run);
        }
        if (run.pages == 0) {
            throw new IllegalStateException("page file has no free slot, as it says it has file="
                    + Hex.address(file.address()) + " freeSpace=" + file.freeSpace());
        }
    }

    /** Improves a run by what is free in a part of the bitmap; ends at the first run that suffices. */
    private void search(long bits, long from, long to, int wanted, Run run) {
        long slot = from;
        while (slot < to) {
            long taken = memory.readLong(bits + (slot >>> 6 << 3)) >>> slot;
            long inWord = WORD_BITS - (slot & WORD_BITS - 1);
            long skip = Math.min(inWord, Long.numberOfTrailingZeros(~taken));
            slot += skip;
            if (skip == inWord || slot >= to) {
                continue;
            }
            long end = freeEnd(bits, slot, Math.min(to, slot + wanted));
            if (end - slot > run.pages) {
                run.slot = slot;
                run.pages = (int) (end - slot);
                if (run.pages == wanted) {
                    return;
                }
            }
            slot = end;
        }
    }

    private long freeEnd(long bits, long first, long limit) {
        long slot = first;
        while (slot < limit) {
            long taken = memory.readLong(bits + (slot >>> 6 << 3)) >>> slot;
            long inWord = WORD_BITS - (slot & WORD_BITS - 1);
            long run = Math.min(inWord, Long.numberOfTrailingZeros(taken));
            slot += run;
            if (run < inWord) {
                break;
            }
        }
        return Math.min(slot, limit);
    }

    /** Gives back the slot that an entry owns. */
    void free(long pte) {
        free(Pte.pageFileNumber(pte), Pte.slot(pte), 1);
    }

    void free(int number, long slot, int pages) {
        PagingFile file = files.get(number);
        if (slot <= 0 || slot + pages > file.size() || !file.isTaken(slot)) {
            throw new IllegalStateException(
                    "freeing a page-file slot that is not taken file=" + number + " slot=" + Hex.plain(slot));
        }
        for (int i = 0; i < pages && file.isVirtualStore(); i++) {
            store().remove(slot + i);
        }
        mark(file, slot, pages, false);
    }

    private void mark(PagingFile file, long first, int count, boolean taken) {
        long bits = file.bits();
        long end = first + count;
        for (long slot = first; slot < end; ) {
            long inWord = Math.min(end - slot, WORD_BITS - (slot & WORD_BITS - 1));
            long mask = (inWord == WORD_BITS ? -1L : (1L << inWord) - 1) << slot;
            long at = bits + (slot >>> 6 << 3);
            long word = memory.readLong(at);
            memory.writeLong(at, taken ? word | mask : word & ~mask);
            slot += inWord;
        }
        long delta = taken ? -count : count;
        file.addFreeSpace(delta);
        freeSlots += file.isVirtualStore() ? 0 : delta;
    }

    // --- I/O ---

    /** Reads adjacent slots into frames. */
    NtStatus read(int number, long slot, long[] frames, int pages) {
        NtStatus status = NtStatus.INSUFFICIENT_RESOURCES;
        for (int i = 0; i < TRANSIENT_RETRIES && status == NtStatus.INSUFFICIENT_RESOURCES; i++) {
            status = stores.get(number).read(slot, ram, frames, pages);
        }
        if (status.isSuccess()) {
            manager.pagingCounts().countRead(pages);
        }
        return status;
    }

    /** Reads the page that a page-file entry names into a frame; a failure is what the program sees of it. */
    NtStatus read(long pte, long frame) {
        if (isCompressed(pte)) {
            NtStatus status = store().fetch(pte);
            if (status.isSuccess()) {
                ram.write(frame << Pages.SHIFT, store().fetched(), 0, (int) Pages.SIZE);
            }
            return status;
        }
        NtStatus status = read(Pte.pageFileNumber(pte), Pte.slot(pte), new long[] {frame}, 1);
        return status.isSuccess() ? status : inPage(status);
    }

    /** What a program sees of a device's error. */
    static NtStatus inPage(NtStatus error) {
        return error == NtStatus.INSUFFICIENT_RESOURCES ? NtStatus.NO_MEMORY : NtStatus.IN_PAGE_ERROR;
    }

    /** Writes frames to adjacent slots. */
    NtStatus write(int number, long slot, long[] frames, int pages) {
        NtStatus status = NtStatus.INSUFFICIENT_RESOURCES;
        for (int i = 0; i < TRANSIENT_RETRIES && status == NtStatus.INSUFFICIENT_RESOURCES; i++) {
            status = stores.get(number).write(slot, ram, frames, pages);
        }
        if (status.isSuccess()) {
            manager.pagingCounts().countDirtyWrite(pages);
        }
        return status;
    }

    /** Gives the page files' storage back; no page can be read or written afterwards. */
    void close() {
        stores.forEach(BackingStore::close);
        stores.clear();
    }
}
