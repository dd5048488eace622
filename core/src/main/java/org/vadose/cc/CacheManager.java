package org.vadose.cc;

import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.ex.PoolAllocator;
import org.vadose.io.FileCache;
import org.vadose.io.FileException;
import org.vadose.io.IoSystem;
import org.vadose.io.OpenFile;
import org.vadose.layout.CcPartitionLayout;
import org.vadose.layout.DirtyPageStatisticsLayout;
import org.vadose.layout.DirtyPageThresholdsLayout;
import org.vadose.layout.EpartitionLayout;
import org.vadose.layout.FileObjectLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.SectionObjectPointersLayout;
import org.vadose.layout.SharedCacheMapListCursorLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.BackgroundWork;
import org.vadose.mm.DataSectionPages;
import org.vadose.mm.MappedFile;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.SystemCache;
import org.vadose.nt.ListEntry;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.PrivateCacheMap;
import org.vadose.nt.Section;
import org.vadose.nt.SharedCacheMap;
import org.vadose.ob.KnownType;
import org.vadose.ob.ObjectManager;

/**
 * Which files are cached, from the first read or write through a file object until its last handle closes.
 *
 * <pre>
 *   _FILE_OBJECT.SectionObjectPointer -> SharedCacheMap     one a file, on the partition's clean or dirty list
 *   _FILE_OBJECT.PrivateCacheMap                            one a file object, on the shared map's list
 *   SharedCacheMap.Section -> _SECTION -> _CONTROL_AREA     the one that views of programs use, too
 * </pre>
 *
 * Everything here happens under the kernel's lock.
 */
public final class CacheManager implements FileCache {
    private static final int TAG_PARTITION = PoolTag.of("CcPt");
    private static final int TAG_SHARED = PoolTag.of("CcSc");
    private static final int TAG_PRIVATE = PoolTag.of("CcPc");
    /** {@code CACHE_NTC_PARTITION}; the number is inferred from its neighbours. */
    private static final int PARTITION_NODE_TYPE = 0x2F8;

    private static final int NO_INTERMEDIATE_BUFFERING = 0x8;
    private static final int WRITE_THROUGH = 0x10;
    private static final int SEQUENTIAL_ONLY = 0x20;
    private static final int RANDOM_ACCESS = 0x10_0000;
    private static final int FILE_MODIFIED = 0x1000;

    /** The part of RAM that dirty pages may take before a writer has to write them itself. */
    private static final int THRESHOLD_DIVISOR = 8;

    /** The part of a file's dirty pages that the lazy writer writes in one pass, and the least. */
    private static final int PASS_DIVISOR = 8;

    private static final long LEAST_PASS_PAGES = 256;
    /** A second between passes. */
    private static final long PASS_TICKS = 10_000_000;

    private static final int MOST_FILES = 1 << 20;

    private final MemoryManager memoryManager;
    private final Memory memory;
    private final ObjectManager objects;
    private final PoolAllocator pool;
    private final IoSystem io;
    private final SystemCache cache;
    private final CacheViews views;
    private final DirtyPages dirtyPages;
    private final ReadAhead readAhead = new ReadAhead(this);
    private final Map<Long, CachedStream> streams = new HashMap<>();
    private long partition;
    private LongSupplier clock = () -> 0;
    private long nextPass = PASS_TICKS;

    public CacheManager(MemoryManager memoryManager, ObjectManager objects, PoolAllocator pool, IoSystem io) {
        this.memoryManager = memoryManager;
        this.memory = memoryManager.kernelMemory();
        this.objects = objects;
        this.pool = pool;
        this.io = io;
        this.cache = memoryManager.systemCache();
        this.views = new CacheViews(memory, pool, cache, memoryManager.kernelBase());
        this.dirtyPages = new DirtyPages(memory, pool);
    }

    /** At boot: makes the system partition's part of the cache and begins to serve files. */
    public void initialize() {
        long base = memoryManager.kernelBase();
        partition = pool.allocateZeroed(PoolType.NON_PAGED_POOL_NX, CcPartitionLayout.SIZE, TAG_PARTITION);
        memory.writeShort(partition + CcPartitionLayout.NODE_TYPE_CODE, (short) PARTITION_NODE_TYPE);
        memory.writeShort(partition + CcPartitionLayout.NODE_BYTE_SIZE, (short) CcPartitionLayout.SIZE);
        for (long head : new long[] {
            CcPartitionLayout.CLEAN_SHARED_CACHE_MAP_LIST,
            CcPartitionLayout.CLEAN_SHARED_CACHE_MAP_WITH_LOG_HANDLE_LIST,
            CcPartitionLayout.DIRTY_SHARED_CACHE_MAP_LIST + SharedCacheMapListCursorLayout.SHARED_CACHE_MAP_LINKS,
            CcPartitionLayout.DIRTY_SHARED_CACHE_MAP_WITH_LOG_HANDLE_LIST,
            CcPartitionLayout.IDLE_WORKER_THREAD_LIST,
            CcPartitionLayout.FAST_TEARDOWN_WORK_QUEUE,
            CcPartitionLayout.EXPRESS_WORK_QUEUE,
            CcPartitionLayout.REGULAR_WORK_QUEUE,
            CcPartitionLayout.POST_TICK_WORK_QUEUE,
            CcPartitionLayout.DEFERRED_WRITES
        }) {
            new ListEntry(memory, partition + head).initialize();
        }
        memory.writeLong(
                partition + CcPartitionLayout.DIRTY_PAGE_THRESHOLDS + DirtyPageThresholdsLayout.DIRTY_PAGE_THRESHOLD,
                memoryManager.pfns().frames() / THRESHOLD_DIVISOR);
        long object = objects.create(KnownType.PARTITION, EpartitionLayout.SIZE, "MemoryPartition0", 0, 0);
        memory.writeLong(object + EpartitionLayout.MM_PARTITION, base + KernelSymbols.MI_SYSTEM_PARTITION);
        memory.writeLong(object + EpartitionLayout.CC_PARTITION, partition);
        new ListEntry(memory, object + EpartitionLayout.ACTIVE_PARTITION_LINKS).initialize();
        memory.writeLong(partition + CcPartitionLayout.PARTITION_OBJECT, object);
        memory.writeLong(base + KernelSymbols.PSP_SYSTEM_PARTITION, object);
        memory.writeInt(base + KernelSymbols.CC_PARTITION_COUNT, 1);
        new ListEntry(memory, base + KernelSymbols.CC_VOLUME_CACHE_MAP_LIST).initialize();
        views.initialize();
        memory.writeByte(base + KernelSymbols.CC_INITIALIZATION_COMPLETE, (byte) 1);
        io.setCache(this);
        BackgroundWork background = memoryManager.background();
        background.setWork(BackgroundWork.Duty.LAZY_WRITER, () -> {
            lazyWrite();
            return false;
        });
        background.setWork(BackgroundWork.Duty.READ_AHEAD, readAhead::step);
    }

    /** Reads ahead what was asked for, now or on the thread whose duty that is. */
    void requestReadAhead() {
        memoryManager.background().request(BackgroundWork.Duty.READ_AHEAD);
    }

    boolean isCached(CachedStream stream) {
        return streams.get(stream.map().address()) == stream;
    }

    SystemCache cache() {
        return cache;
    }

    CacheViews views() {
        return views;
    }

    DirtyPages dirtyPages() {
        return dirtyPages;
    }

    DataSectionPages dataSections() {
        return memoryManager.dataSections();
    }

    // --- what files call ---

    @Override
    public int read(long fileObject, long position, byte[] target, int offset, int length) {
        CachedStream stream = stream(fileObject);
        if (stream == null) {
            return direct(fileObject).readUncached(position, target, offset, length);
        }
        int count = stream.read(position, target, offset, length);
        if (count > 0) {
            PrivateCacheMap reader =
                    new PrivateCacheMap(memory, memory.readLong(fileObject + FileObjectLayout.PRIVATE_CACHE_MAP));
            readAhead.noteRead(stream, reader, position, count, has(fileObject, SEQUENTIAL_ONLY));
        }
        return count;
    }

    @Override
    public void write(long fileObject, long position, byte[] source, int offset, int length) {
        CachedStream stream = stream(fileObject);
        if (stream == null) {
            direct(fileObject).writeUncached(position, source, offset, length);
            return;
        }
        stream.write(position, source, offset, length);
        writeOnTime();
        int flags = memory.readInt(fileObject + FileObjectLayout.FLAGS);
        memory.writeInt(fileObject + FileObjectLayout.FLAGS, flags | FILE_MODIFIED);
        if ((flags & WRITE_THROUGH) != 0) {
            NtStatus status = stream.writeBack(position >>> Pages.SHIFT, Pages.count(position + length));
            if (!status.isSuccess()) {
                throw new FileException(status);
            }
        }
    }

    private boolean has(long fileObject, int flag) {
        return (memory.readInt(fileObject + FileObjectLayout.FLAGS) & flag) != 0;
    }

    private OpenFile.OnDisk direct(long fileObject) {
        if (io.opened(fileObject) instanceof OpenFile.OnDisk file) {
            return file;
        }
        throw new FileException(NtStatus.INVALID_HANDLE);
    }

    @Override
    public void closing(long fileObject, boolean forgets) {
        long reader = memory.readLong(fileObject + FileObjectLayout.PRIVATE_CACHE_MAP);
        if (reader == 0) {
            return;
        }
        SharedCacheMap map = new SharedCacheMap(memory, sharedMap(fileObject));
        PrivateCacheMap own = new PrivateCacheMap(memory, reader);
        own.links().remove();
        memory.writeLong(fileObject + FileObjectLayout.PRIVATE_CACHE_MAP, 0);
        if (reader == map.embeddedPrivateMap()) {
            memory.fill(reader, PrivateCacheMap.SIZE, (byte) 0);
        } else {
            pool.free(reader);
        }
        map.addOpen(-1);
        CachedStream stream = streams.get(map.address());
        if (map.openCount() == 0 && stream != null) {
            if (forgets) {
                stream.forgetDirty();
            }
            teardown(stream);
        }
    }

    // --- shared cache maps ---

    private long sharedMap(long fileObject) {
        long pointers = memory.readLong(fileObject + FileObjectLayout.SECTION_OBJECT_POINTER);
        return pointers == 0 ? 0 : memory.readLong(pointers + SectionObjectPointersLayout.SHARED_CACHE_MAP);
    }

    /** The stream of a file object, begun if it is new; null when the file cannot be cached now. */
    private @Nullable CachedStream stream(long fileObject) {
        if (memory.readLong(fileObject + FileObjectLayout.PRIVATE_CACHE_MAP) != 0) {
            return streams.get(sharedMap(fileObject));
        }
        return has(fileObject, NO_INTERMEDIATE_BUFFERING) ? null : open(fileObject);
    }

    /** {@code CcInitializeCacheMap}. */
    private @Nullable CachedStream open(long fileObject) {
        if (!cache.hasRoom()) {
            return null;
        }
        long known = sharedMap(fileObject);
        CachedStream stream = known != 0 ? streams.get(known) : create(fileObject);
        if (stream == null) {
            return null;
        }
        SharedCacheMap map = stream.map();
        boolean isFirst = new PrivateCacheMap(memory, map.embeddedPrivateMap()).nodeType() == 0;
        long at = isFirst
                ? map.embeddedPrivateMap()
                : pool.allocateZeroed(PoolType.NON_PAGED_POOL_NX, PrivateCacheMap.SIZE, TAG_PRIVATE);
        PrivateCacheMap reader = new PrivateCacheMap(memory, at);
        reader.initialize(fileObject, Pages.SIZE, !has(fileObject, RANDOM_ACCESS));
        map.privateMaps().insertTail(reader.links().address());
        map.addOpen(1);
        memory.writeLong(fileObject + FileObjectLayout.PRIVATE_CACHE_MAP, at);
        return stream;
    }

    private @Nullable CachedStream create(long fileObject) {
        MappedFile file = io.mapped(fileObject);
        if (file == null) {
            return null;
        }
        long bytes = file.sizeBytes();
        long sectionBytes = CachedStream.sectionBytes(bytes);
        long section = objects.create(KnownType.SECTION, Section.SIZE);
        if (!cache.createSection(section, file, sectionBytes).isSuccess()) {
            objects.dereference(section);
            return null;
        }
        SharedCacheMap map = new SharedCacheMap(
                memory, pool.allocateZeroed(PoolType.NON_PAGED_POOL_NX, SharedCacheMap.SIZE, TAG_SHARED));
        map.initialize(fileObject);
        map.setSection(section);
        map.setPartition(partition);
        map.setFileSize(bytes);
        views.extended(map, sectionBytes);
        objects.reference(fileObject);
        cleanList().insertTail(map.links().address());
        long pointers = memory.readLong(fileObject + FileObjectLayout.SECTION_OBJECT_POINTER);
        memory.writeLong(pointers + SectionObjectPointersLayout.SHARED_CACHE_MAP, map.address());
        CachedStream stream = new CachedStream(this, map, file);
        streams.put(map.address(), stream);
        direct(fileObject).node().setCached(stream);
        return stream;
    }

    /** Nobody has the file open any more: what is dirty is written, then the map goes. What cannot be written is tried again. */
    private void teardown(CachedStream stream) {
        SharedCacheMap map = stream.map();
        if (!stream.writeBack(0, Long.MAX_VALUE).isSuccess()) {
            return;
        }
        delete(stream);
    }

    private void delete(CachedStream stream) {
        SharedCacheMap map = stream.map();
        long fileObject = map.fileObject();
        views.unmapFrom(map, 0);
        views.free(map);
        dirtyPages.free(map);
        map.links().remove();
        long pointers = memory.readLong(fileObject + FileObjectLayout.SECTION_OBJECT_POINTER);
        memory.writeLong(pointers + SectionObjectPointersLayout.SHARED_CACHE_MAP, 0);
        direct(fileObject).node().setCached(null);
        streams.remove(map.address());
        objects.dereference(map.section());
        pool.free(map.address());
        objects.dereference(fileObject);
    }

    // --- dirty pages ---

    private ListEntry cleanList() {
        return new ListEntry(memory, partition + CcPartitionLayout.CLEAN_SHARED_CACHE_MAP_LIST);
    }

    private ListEntry dirtyList() {
        return new ListEntry(
                memory,
                partition
                        + CcPartitionLayout.DIRTY_SHARED_CACHE_MAP_LIST
                        + SharedCacheMapListCursorLayout.SHARED_CACHE_MAP_LINKS);
    }

    /** Puts a file on the list that its dirty pages say. */
    void relist(SharedCacheMap map) {
        boolean isDirty = map.dirtyPages() != 0;
        boolean wasDirty = (map.flags() & SharedCacheMap.ON_DIRTY_LIST) != 0;
        if (isDirty != wasDirty) {
            map.links().remove();
            (isDirty ? dirtyList() : cleanList()).insertTail(map.links().address());
            map.setFlags(map.flags() ^ SharedCacheMap.ON_DIRTY_LIST);
        }
    }

    void countDirty(long delta) {
        long at = partition + CcPartitionLayout.DIRTY_PAGE_STATISTICS + DirtyPageStatisticsLayout.DIRTY_PAGES;
        memory.writeLong(at, memory.readLong(at) + delta);
    }

    /** Pages that were written through the cache and not yet to their files. */
    public long dirtyPageCount() {
        return memory.readLong(
                partition + CcPartitionLayout.DIRTY_PAGE_STATISTICS + DirtyPageStatisticsLayout.DIRTY_PAGES);
    }

    private long threshold() {
        return memory.readLong(
                partition + CcPartitionLayout.DIRTY_PAGE_THRESHOLDS + DirtyPageThresholdsLayout.DIRTY_PAGE_THRESHOLD);
    }

    /** A file was written to: when too much is dirty, its writer writes it. */
    void keepBelowThreshold(CachedStream stream) {
        if (dirtyPageCount() > threshold()) {
            stream.writeBack(0, Long.MAX_VALUE);
        }
    }

    /** The clock by which dirty pages grow old, in ticks of 100 ns; until one is set they do not. */
    public void setClock(LongSupplier newClock) {
        clock = newClock;
        nextPass = newClock.getAsLong() + PASS_TICKS;
    }

    private void writeOnTime() {
        if (clock.getAsLong() >= nextPass) {
            nextPass = clock.getAsLong() + PASS_TICKS;
            memoryManager.background().request(BackgroundWork.Duty.LAZY_WRITER);
        }
    }

    /**
     * One pass of the lazy writer: of each dirty file it writes an eighth of its dirty pages, and some at least. Files that nobody
     * has open and that are all written then go.
     */
    public void lazyWrite() {
        for (long links : dirtyList().entries(MOST_FILES)) {
            SharedCacheMap map = SharedCacheMap.ofLinks(memory, links);
            CachedStream stream = streams.get(map.address());
            if (stream == null) {
                continue;
            }
            map.countPass();
            stream.writeSome(Math.max(LEAST_PASS_PAGES, map.dirtyPages() / PASS_DIVISOR));
            if (map.openCount() == 0 && map.dirtyPages() == 0) {
                delete(stream);
            }
        }
    }

    /** Writes everything that is dirty, as far as that can be done. */
    public void flushAll() {
        for (long links : dirtyList().entries(MOST_FILES)) {
            CachedStream stream =
                    streams.get(SharedCacheMap.ofLinks(memory, links).address());
            if (stream != null) {
                stream.writeBack(0, Long.MAX_VALUE);
            }
        }
    }
}
