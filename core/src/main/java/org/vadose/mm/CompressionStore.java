package org.vadose.mm;

import org.vadose.base.Hex;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiPartitionStoresLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.CompressedStore;
import org.vadose.nt.CompressedStore.Own;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageLocation;
import org.vadose.nt.Pfn;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.Pte;
import org.vadose.nt.StoreManager;
import org.vadose.nt.StoreNode;
import org.vadose.rtl.Xpress;

/**
 * Memory compression: the store that modified pages go to before a page file gets them.
 *
 * <pre>
 *   modified page --offer--> compressed into a region; its slot is one of the virtual store's page file; the frame is on standby
 *   page-file PTE of that file --fault--> fetch: decompressed into a frame; the slot is freed, the page is modified again
 *   slot freed (page written, decommitted, process ended) --> remove: the region's units are free
 *   region without pages --> decommitted when something is stored or fetched the next time
 *   page of a region, not accessed for long --trim--> modified --> page file, never into the store again
 * </pre>
 *
 * Everything about a stored page is in nonpaged memory, so that {@link #remove} needs no page; the compressed bytes themselves are
 * pageable memory of the process MemCompression. The kernel's lock guards it all.
 */
final class CompressionStore implements ModifiedPageTaker {
    /** A page that does not become at least an eighth smaller is left to the page files. */
    private static final int MOST_COMPRESSED = (int) Pages.SIZE / 8 * 7;

    private static final int TAG_ROW = PoolTag.of("smSa");
    private static final int TAG_STORE = PoolTag.of("smSt");
    private static final int TAG_CHUNKS = PoolTag.of("smBA");
    private static final int TAG_REGIONS = PoolTag.of("smRg");

    /** One page needs up to two nodes a level in each tree, a chunk, a page of bitmaps. */
    private static final int LEAST_SPARE = 2 * StoreTree.PAGES_OF_INSERTION + 2;

    private static final int MOST_SPARE = 8 * LEAST_SPARE;
    /** With fewer frames available, a page file is the better place. */
    private static final int LEAST_AVAILABLE = 24;
    /** After so many refusals in a row, only one page in so many is tried. */
    private static final int DISCOURAGING = 32;

    private static final int SAMPLE = 16;
    private static final long LEAST_SLOTS = CompressedStore.RECORDS_OF_CHUNK;
    /** Rows of chunks 0 to 10: as many as readers of the store accept. */
    private static final long MOST_RECORDS = 2046L * CompressedStore.RECORDS_OF_CHUNK;

    private final MemoryManager manager;
    private final Memory memory;
    private final AddressSpaces spaces;
    private final PfnDatabase pfns;
    private final PageFiles files;
    private final CompressedStore store;
    private final Eprocess owner;
    private final StorePages pages;
    private final StoreRegions regions;
    private final StoreTree keys;
    private final StoreTree records;
    private final int file;
    private final Xpress xpress = new Xpress(1);
    private final byte[] plain = new byte[(int) Pages.SIZE];
    private final byte[] packed = new byte[(int) Pages.SIZE];
    private final byte[] fetchedBytes = new byte[(int) Pages.SIZE];
    private final PageFiles.Run run = new PageFiles.Run();
    private int refusals;
    private boolean exhausted;

    /** Makes an empty store whose regions will be in the user space of {@code owner}. */
    CompressionStore(MemoryManager manager, AddressSpaces spaces, PageFiles files, Commit commit, Eprocess owner) {
        this.manager = manager;
        this.memory = manager.kernelMemory();
        this.spaces = spaces;
        this.pfns = manager.pfns();
        this.files = files;
        this.owner = owner;
        long slots = Math.clamp(commit.limit(), LEAST_SLOTS, MOST_RECORDS);
        file = files.createVirtual(slots);
        store = new CompressedStore(memory, allocate(CompressedStore.SIZE, TAG_STORE));
        store.initialize(owner.address());
        pages = new StorePages(manager, store);
        pages.keep(LEAST_SPARE + 2, MOST_SPARE);
        regions = new StoreRegions(manager, commit, store, pages);
        makeRows(slots);
        long mostRegions = Math.max(1, pfns.frames() * Pages.SIZE / CompressedStore.REGION_BYTES);
        store.set(Own.MOST_REGIONS, mostRegions);
        store.set(Own.REGION_STATES, allocate(16 * mostRegions, TAG_REGIONS));
        store.setRegions(allocate(8 * mostRegions, TAG_REGIONS));
        StoreManager globals = new StoreManager(memory, manager.kernelBase() + KernelSymbols.SM_GLOBALS);
        globals.setFirstStore(allocate(StoreManager.ROW_BYTES, TAG_ROW), store.address());
        keys = new StoreTree(memory, globals.keyTreeField(), pages);
        records = new StoreTree(memory, store.pagesTreeField(), pages);
        keys.initialize();
        records.initialize();
        long state = manager.kernelBase() + KernelSymbols.MI_SYSTEM_PARTITION + MiPartitionLayout.STORE;
        memory.writeInt(state + MiPartitionStoresLayout.VIRTUAL_PAGE_FILE_NUMBER, file);
        memory.writeInt(state + MiPartitionStoresLayout.REGISTERED, 1);
        memory.writeLong(state + MiPartitionStoresLayout.STORE_PROCESS, owner.address());
        // Known from now on, so that its working set is trimmed like others.
        spaces.leave(spaces.enter(owner));
    }

    private long allocate(long bytes, int tag) {
        long block = manager.pool().allocate(PoolType.NON_PAGED_POOL_NX, bytes, tag);
        memory.fill(block, bytes, (byte) 0);
        return block;
    }

    private void makeRows(long slots) {
        long chunks = (slots + CompressedStore.RECORDS_OF_CHUNK - 1) / CompressedStore.RECORDS_OF_CHUNK;
        for (int row = 0; (1L << row) - 1 < chunks; row++) {
            store.setRow(row, allocate((long) CompressedStore.CHUNK_ENTRY << row, TAG_CHUNKS));
        }
    }

    /** The process whose pages hold what is compressed. */
    Eprocess owner() {
        return owner;
    }

    /** Number of the virtual store's page file. */
    int file() {
        return file;
    }

    // --- storing ---

    @Override
    public long room() {
        return exhausted || refusals >= DISCOURAGING ? 0 : files.freeVirtualSlots();
    }

    @Override
    public void offer(long[] frames, int count) {
        if (exhausted) {
            return;
        }
        long before = spaces.enter(owner);
        try {
            regions.freeEmpty();
            for (int i = 0; i < count && !exhausted && isReady(); i++) {
                if (isCandidate(frames[i]) && isTried() && put(frames[i])) {
                    frames[i] = PfnDatabase.NONE;
                }
            }
        } finally {
            spaces.leave(before);
        }
        for (int i = 0; i < count; i++) {
            // Pages of regions that were touched just now are active again.
            if (frames[i] != PfnDatabase.NONE && pfns.pfn(frames[i]).location() != PageLocation.MODIFIED) {
                frames[i] = PfnDatabase.NONE;
            } else if (frames[i] != PfnDatabase.NONE && files.freeSlots() == 0) {
                // Nobody wants it: others are to be offered next.
                pfns.postpone(frames[i]);
            }
        }
    }

    private boolean isReady() {
        if (pfns.availablePages() < LEAST_AVAILABLE) {
            return false;
        }
        if (pages.count() < LEAST_SPARE) {
            if (!manager.canGrowPools()) {
                return false;
            }
            pages.keep(LEAST_SPARE, MOST_SPARE);
        }
        return true;
    }

    /** Pages of the store itself would only be compressed twice. */
    private boolean isCandidate(long frame) {
        Pfn pfn = pfns.pfn(frame);
        if (pfn.isPrototype()) {
            return true;
        }
        long root = frame;
        for (int level = 0; level < 4; level++) {
            root = pfns.pfn(root).pteFrame();
        }
        return root != owner.directoryTableBase() >>> Pages.SHIFT;
    }

    private boolean isTried() {
        return refusals < DISCOURAGING || refusals++ % SAMPLE == 0;
    }

    private boolean put(long frame) {
        manager.mmu().ram().read(frame << Pages.SHIFT, plain, 0, plain.length);
        int size = xpress.compress(plain, 0, plain.length, packed, 0, MOST_COMPRESSED);
        if (size == Xpress.FAILED) {
            refusals++;
            store.add(Own.REFUSED, 1);
            return false;
        }
        refusals = 0;
        int units = units(size);
        int location = regions.take(units);
        if (location < 0 || !files.takeFrom(file, 1, run)) {
            if (location >= 0) {
                regions.free(location, units);
            }
            exhausted = true;
            return false;
        }
        try {
            int region = location >>> CompressedStore.REGION_SHIFT;
            long offset = (long) (location & CompressedStore.REGION_UNITS - 1) * CompressedStore.UNIT;
            manager.mmu().user().write(store.region(region) + offset, packed, 0, size);
        } catch (MemoryFault fault) {
            regions.free(location, units);
            files.giveBackVirtual(run.slot);
            exhausted = true;
            return false;
        }
        int key = StoreManager.pageKey(file, run.slot);
        int number = newRecord();
        store.setRecord(store.record(number), location, size, key);
        records.insert(key, number);
        keys.insert(key, 0);
        store.add(Own.PAGES, 1);
        store.add(Own.COMPRESSED_BYTES, size);
        store.add(Own.STORED, 1);
        pfns.pagedOut(frame, file, run.slot);
        return true;
    }

    private static int units(int bytes) {
        return (bytes + CompressedStore.UNIT - 1) / CompressedStore.UNIT;
    }

    private int newRecord() {
        if (store.get(Own.FREE_RECORD) == 0) {
            int chunk = (int) store.get(Own.CHUNKS_MADE) + 1;
            long page = pages.take();
            memory.fill(page, Pages.SIZE, (byte) 0);
            store.setChunk(chunk, page);
            store.set(Own.CHUNKS_MADE, chunk);
            for (int i = CompressedStore.RECORDS_OF_CHUNK - 1; i >= 0; i--) {
                freeRecord(chunk << CompressedStore.RECORD_SHIFT | i);
            }
        }
        int number = (int) store.get(Own.FREE_RECORD);
        store.set(Own.FREE_RECORD, store.pageKey(store.record(number)) & 0xFFFF_FFFFL);
        return number;
    }

    private void freeRecord(int number) {
        store.setRecord(store.record(number), CompressedStore.NO_LOCATION, 0, (int) store.get(Own.FREE_RECORD));
        store.set(Own.FREE_RECORD, number);
    }

    // --- getting back ---

    /**
     * Decompresses the page of an entry that names the virtual store's page file.
     *
     * @return the status of reading the region, which may be in a page file; the page is in {@link #fetched} then
     */
    NtStatus fetch(long pte) {
        int key = StoreManager.pageKey(file, Pte.slot(pte));
        long number = records.find(key);
        if (number == StoreNode.NONE) {
            throw new IllegalStateException("page is not in the store pte=" + Hex.address(pte));
        }
        long record = store.record((int) number);
        int size = store.compressedBytes(record);
        long data = store.dataAddress(record);
        long before = spaces.enter(owner);
        try {
            manager.mmu().user().read(data, fetchedBytes, 0, size);
        } catch (MemoryFault fault) {
            return fault.status();
        } finally {
            spaces.leave(before);
        }
        if (size == Pages.SIZE) {
            System.arraycopy(fetchedBytes, 0, plain, 0, size);
        } else if (Xpress.decompress(fetchedBytes, 0, size, plain, 0, plain.length) != Pages.SIZE) {
            throw new IllegalStateException("STORE_DATA_STRUCTURE_CORRUPTION pte=" + Hex.address(pte) + " record="
                    + Hex.address(record) + " data=" + Hex.address(data));
        }
        store.add(Own.FETCHED, 1);
        return NtStatus.SUCCESS;
    }

    /** The page that was fetched last. */
    byte[] fetched() {
        return plain;
    }

    /** A slot of the virtual store's page file is free: forgets the page. May be called with the lock of the frames held. */
    void remove(long slot) {
        int key = StoreManager.pageKey(file, slot);
        int number = (int) records.find(key);
        if (number == StoreNode.NONE) {
            throw new IllegalStateException("freed slot is not in the store slot=" + Hex.plain(slot));
        }
        long record = store.record(number);
        regions.free(store.location(record), units(store.compressedBytes(record)));
        store.add(Own.PAGES, -1);
        store.add(Own.COMPRESSED_BYTES, -store.compressedBytes(record));
        freeRecord(number);
        records.remove(key);
        keys.remove(key);
        exhausted = false;
    }

    /** Gives memory back that the store does not need. Not to be called with the lock of the frames held. */
    void tidy() {
        if (store.get(Own.EMPTY_REGIONS) <= 1 && pages.count() <= MOST_SPARE) {
            return;
        }
        long before = spaces.enter(owner);
        try {
            regions.freeEmpty();
            pages.keep(0, MOST_SPARE);
        } finally {
            spaces.leave(before);
        }
    }
}
