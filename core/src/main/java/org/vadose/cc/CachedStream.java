package org.vadose.cc;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.io.CachedFile;
import org.vadose.io.FileException;
import org.vadose.memory.Memory;
import org.vadose.mm.DataSectionPages;
import org.vadose.mm.MappedFile;
import org.vadose.mm.SystemCache;
import org.vadose.nt.Section;
import org.vadose.nt.SharedCacheMap;
import org.vadose.nt.Vacb;

/**
 * One file's bytes through its {@link SharedCacheMap}: the work of {@code CcCopyRead}, {@code CcCopyWrite}, {@code CcSetFileSizes}
 * and {@code CcFlushCache}. Where a view or a frame cannot be had, the file is read and written itself, its pages in RAM kept in
 * step.
 */
final class CachedStream implements CachedFile {
    /** Pages that are written to the file at once. */
    private static final int WRITE_CLUSTER = 64;

    /** A section grows by this at least, and by a quarter, so that small writes do not make a subsection each. */
    private static final long LEAST_GROWTH = 1 << 20;

    private static final int GROWTH_DIVISOR = 4;
    private static final byte[] NOTHING = {};

    private final CacheManager manager;
    private final Memory memory;
    private final SystemCache cache;
    private final DataSectionPages pages;
    private final CacheViews views;
    private final DirtyPages dirty;
    private final SharedCacheMap map;
    private final MappedFile file;
    private boolean mayBeWritten;

    CachedStream(CacheManager manager, SharedCacheMap map, MappedFile file) {
        this.manager = manager;
        this.memory = map.memory();
        this.cache = manager.cache();
        this.pages = manager.dataSections();
        this.views = manager.views();
        this.dirty = manager.dirtyPages();
        this.map = map;
        this.file = file;
    }

    SharedCacheMap map() {
        return map;
    }

    MappedFile file() {
        return file;
    }

    long controlArea() {
        return new Section(memory, map.section()).controlArea().address();
    }

    @Override
    public long size() {
        return map.fileSize();
    }

    /** Bytes of a section for a file of this size. */
    static long sectionBytes(long fileBytes) {
        return Math.max(1, Pages.alignUp(fileBytes, Vacb.VIEW_BYTES) / Vacb.VIEW_BYTES) * Vacb.VIEW_BYTES;
    }

    // --- reading ---

    @Override
    public int read(long position, byte[] target, int offset, int length) {
        int count = (int) Math.clamp(size() - position, 0, length);
        for (int done = 0; done < count; ) {
            long at = position + done;
            int run = (int) Math.min(count - done, Vacb.VIEW_BYTES - (at & Vacb.VIEW_BYTES - 1));
            NtStatus status = copyOut(at, target, offset + done, run);
            if (status == NtStatus.NO_MEMORY) {
                status = file.read(at, target, offset + done, run);
                pages.overlay(controlArea(), at, target, offset + done, run);
            }
            check(status);
            done += run;
        }
        return count;
    }

    private static void check(NtStatus status) {
        if (!status.isSuccess()) {
            throw new FileException(status);
        }
    }

    private NtStatus copyOut(long position, byte[] target, int offset, int length) {
        Vacb view = views.get(map, position >>> Vacb.VIEW_SHIFT);
        if (view == null) {
            return NtStatus.NO_MEMORY;
        }
        long address = view.baseAddress() + (position & Vacb.VIEW_BYTES - 1);
        long first = Pages.down(address);
        view.addActive(1);
        try {
            NtStatus status = cache.makeValid(first, (int) Pages.count(address + length - first), 0, 0);
            if (status.isSuccess()) {
                memory.read(address, target, offset, length);
            }
            return status;
        } finally {
            view.addActive(-1);
        }
    }

    // --- writing ---

    @Override
    public void write(long position, byte[] source, int offset, int length) {
        if (!mayBeWritten) {
            // Whether the file can be written at all shows now, not when it is too late to say so.
            check(file.write(0, NOTHING, 0, 0));
            mayBeWritten = true;
        }
        long before = size();
        if (position + length > before) {
            check(file.setSize(position + length));
        }
        for (int done = 0; done < length; ) {
            long at = position + done;
            int run = (int) Math.min(length - done, Vacb.VIEW_BYTES - (at & Vacb.VIEW_BYTES - 1));
            NtStatus status = copyIn(at, source, offset + done, run, before);
            if (status == NtStatus.NO_MEMORY) {
                status = file.write(at, source, offset + done, run);
                pages.written(controlArea(), at, source, offset + done, run);
            }
            check(status);
            done += run;
        }
        manager.keepBelowThreshold(this);
    }

    /** @param valid bytes of the file that mean something: what is behind them need not be read */
    private NtStatus copyIn(long position, byte[] source, int offset, int length, long valid) {
        Vacb view = cache.hasRoom() ? views.get(map, position >>> Vacb.VIEW_SHIFT) : null;
        if (view == null) {
            return NtStatus.NO_MEMORY;
        }
        long address = view.baseAddress() + (position & Vacb.VIEW_BYTES - 1);
        long first = Pages.down(address);
        long end = position + length;
        int count = (int) Pages.count(address + length - first);
        boolean isFirstFresh = Pages.offset(position) == 0 || Pages.down(position) >= valid;
        boolean isLastFresh = Pages.offset(end) == 0 || Pages.down(end) >= valid;
        int freshFrom = isFirstFresh ? 0 : 1;
        int freshTo = Math.max(freshFrom, isLastFresh ? count : count - 1);
        view.addActive(1);
        try {
            NtStatus status = cache.makeValid(first, count, freshFrom, freshTo);
            if (status.isSuccess()) {
                memory.write(address, source, offset, length);
                cache.markModified(first, count);
                manager.countDirty(dirty.add(map, position >>> Pages.SHIFT, count));
                manager.relist(map);
            }
            return status;
        } finally {
            view.addActive(-1);
        }
    }

    // --- size ---

    @Override
    public void resized(long before, long after) {
        map.setFileSize(after);
        if (after > map.sectionSize()) {
            grow(after);
        } else if (after < before) {
            cut(before, after);
        }
    }

    private void grow(long bytes) {
        long more = Math.max(LEAST_GROWTH, bytes / GROWTH_DIVISOR);
        long sectionBytes = sectionBytes(bytes + more);
        // What the section cannot show is read and written past the cache.
        if (cache.extendSection(map.section(), file, sectionBytes).isSuccess()) {
            views.extended(map, sectionBytes);
        }
    }

    /** Views that show something behind the new end go, and so do its pages; the rest of the last page is zeros. */
    private void cut(long before, long after) {
        long firstPage = Pages.count(after);
        views.unmapFrom(map, after >>> Vacb.VIEW_SHIFT);
        manager.countDirty(-dirty.drain(map, firstPage, Long.MAX_VALUE, WRITE_CLUSTER, (page, count) -> true));
        manager.relist(map);
        cache.purge(controlArea(), firstPage);
        pages.grown(controlArea(), Math.min(after, before));
    }

    // --- writing back ---

    /** Writes all that the cache or a mapping changed. */
    @Override
    public void flush() {
        NtStatus status = writeBack(0, Long.MAX_VALUE);
        NtStatus mapped = pages.flush(controlArea());
        check(status.isSuccess() ? mapped : status);
    }

    /** Writes what was changed through the cache in a part of the file; pages that cannot be written stay dirty. */
    NtStatus writeBack(long firstPage, long endPage) {
        long area = controlArea();
        NtStatus[] worst = {NtStatus.SUCCESS};
        manager.countDirty(-dirty.drain(map, firstPage, endPage, WRITE_CLUSTER, (page, count) -> {
            capture(page, count);
            NtStatus status = cache.flush(area, page, count);
            worst[0] = status.isSuccess() ? worst[0] : status;
            return status.isSuccess();
        }));
        map.setStatus(worst[0].code());
        manager.relist(map);
        return worst[0];
    }

    /** Writes made to views reach the PFNs. */
    private void capture(long firstPage, int count) {
        for (int i = 0; i < count; i++) {
            long position = firstPage + i << Pages.SHIFT;
            long known = map.vacb(position >>> Vacb.VIEW_SHIFT);
            if (known != 0) {
                long base = new Vacb(memory, known).baseAddress();
                cache.captureDirty(base + (position & Vacb.VIEW_BYTES - 1), 1);
            }
        }
    }

    /** Writes so many dirty pages, from the start of the file, or a few more. */
    void writeSome(long most) {
        long area = controlArea();
        long[] left = {most};
        manager.countDirty(-dirty.drain(map, 0, Long.MAX_VALUE, WRITE_CLUSTER, (page, count) -> {
            if (left[0] <= 0) {
                return false;
            }
            left[0] -= count;
            capture(page, count);
            NtStatus status = cache.flush(area, page, count);
            map.setStatus(status.code());
            return status.isSuccess();
        }));
        manager.relist(map);
    }

    /** What is dirty is of no interest any more. */
    void forgetDirty() {
        manager.countDirty(-dirty.drain(map, 0, Long.MAX_VALUE, WRITE_CLUSTER, (page, count) -> true));
    }
}
