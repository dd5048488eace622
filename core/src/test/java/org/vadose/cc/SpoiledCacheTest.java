package org.vadose.cc;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.vadose.base.Pages;
import org.vadose.check.SystemCheck;
import org.vadose.layout.BitmapRangeLayout;
import org.vadose.layout.ControlAreaLayout;
import org.vadose.layout.FileObjectLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MbcbLayout;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.layout.MmsupportInstanceLayout;
import org.vadose.layout.PrivateCacheMapLayout;
import org.vadose.layout.SectionLayout;
import org.vadose.layout.SectionObjectPointersLayout;
import org.vadose.layout.SharedCacheMapLayout;
import org.vadose.layout.VacbLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.Mbcb;
import org.vadose.nt.Section;
import org.vadose.nt.SelfMap;
import org.vadose.nt.SharedCacheMap;
import org.vadose.nt.Vacb;

/** Every kind of wrong byte in the cache's structures is found. */
class SpoiledCacheTest {
    private final Map<String, long[]> spoils = new LinkedHashMap<>();

    private void add(String what, long address, long change) {
        spoils.put(what, new long[] {address, change});
    }

    @Test
    void everyKindIsFound() {
        try (CachedFiles files = new CachedFiles(32L << 20)) {
            CachedFiles.Handle handle = files.open("C:\\a");
            files.write(handle, 0, new byte[600_000]);
            Memory memory = files.machine.memoryManager().kernelMemory();
            collect(files, handle, memory);
            files.check("before");
            List<String> unseen = new ArrayList<>();
            spoils.forEach((what, spoil) -> {
                long before = memory.readLong(spoil[0]);
                memory.writeLong(spoil[0], before ^ spoil[1]);
                if (SystemCheck.run(files.machine.target()).isEmpty()) {
                    unseen.add(what);
                }
                memory.writeLong(spoil[0], before);
            });
            assertTrue(unseen.isEmpty(), () -> "not found: " + unseen);
            files.check("after");
        }
    }

    private void collect(CachedFiles files, CachedFiles.Handle handle, Memory memory) {
        long base = files.machine.kernelBase();
        long pointers = memory.readLong(handle.body() + FileObjectLayout.SECTION_OBJECT_POINTER);
        SharedCacheMap map =
                new SharedCacheMap(memory, memory.readLong(pointers + SectionObjectPointersLayout.SHARED_CACHE_MAP));
        long at = map.address();
        add("SharedCacheMap pointer", pointers + SectionObjectPointersLayout.SHARED_CACHE_MAP, 0x40);
        add("NodeTypeCode", at + SharedCacheMapLayout.NODE_TYPE_CODE, 1);
        add("OpenCount", at + SharedCacheMapLayout.OPEN_COUNT, 2);
        add("FileSize", at + SharedCacheMapLayout.FILE_SIZE, 1L << 63);
        add("ValidDataLength", at + SharedCacheMapLayout.VALID_DATA_LENGTH, 1L << 40);
        add("SectionSize", at + SharedCacheMapLayout.SECTION_SIZE, Vacb.VIEW_BYTES);
        add("index of views", map.slot(0), Vacb.SIZE);
        add("DirtyPages", at + SharedCacheMapLayout.DIRTY_PAGES, 1);
        add("links", at + SharedCacheMapLayout.SHARED_CACHE_MAP_LINKS, 0x10);
        add("Section", at + SharedCacheMapLayout.SECTION, 0x100);
        add("PrivateList", at + SharedCacheMapLayout.PRIVATE_LIST + 8, 0x10);
        add("PrivateCacheMap's type", map.embeddedPrivateMap() + PrivateCacheMapLayout.NODE_TYPE_CODE, 1);
        add("PrivateCacheMap's file", map.embeddedPrivateMap() + PrivateCacheMapLayout.FILE_OBJECT, 0x100);
        add("PrivateCacheMap pointer", handle.body() + FileObjectLayout.PRIVATE_CACHE_MAP, 0x8);
        add("section's size", map.section() + SectionLayout.SIZE_OF_SECTION, Vacb.VIEW_BYTES);
        long area = new Section(memory, map.section()).controlArea().address();
        add("system views", area + ControlAreaLayout.U2_E2_NUMBER_OF_SYSTEM_CACHE_VIEWS, 1);
        add("mapped views", area + ControlAreaLayout.NUMBER_OF_MAPPED_VIEWS, 1);
        Mbcb mbcb = new Mbcb(memory, map.mbcb());
        add("Mbcb.DirtyPages", mbcb.address() + MbcbLayout.DIRTY_PAGES, 2);
        add("bitmap", mbcb.own(0).bitmap() + 8, 1L << 40);
        add("range's DirtyPages", mbcb.own(0).address() + BitmapRangeLayout.DIRTY_PAGES, 4);
        add("range's BasePage", mbcb.own(0).address() + BitmapRangeLayout.BASE_PAGE, 64);
        Vacb vacb = new Vacb(memory, map.vacb(1));
        add("VACB's BaseAddress", vacb.address() + VacbLayout.BASE_ADDRESS, Vacb.VIEW_BYTES);
        add("VACB's SharedCacheMap", vacb.address() + VacbLayout.SHARED_CACHE_MAP, 0x40);
        add("VACB's FileOffset", vacb.address() + VacbLayout.OVERLAY_FILE_OFFSET, Vacb.VIEW_BYTES);
        add("VACB's ActiveCount", vacb.address() + VacbLayout.OVERLAY_FILE_OFFSET, 1);
        add("VACB's ArrayHead", vacb.address() + VacbLayout.ARRAY_HEAD, 0x28);
        add("free VACBs", base + KernelSymbols.CC_NUMBER_OF_FREE_VACBS, 1);
        add("mapped VACBs", base + KernelSymbols.CC_NUMBER_OF_MAPPED_VACBS, 1);
        add("VACB arrays", base + KernelSymbols.CC_VACB_ARRAYS_ALLOCATED, 1);
        add("free list", base + KernelSymbols.CC_VACB_FREE_LIST, 0x28);
        SelfMap selfMap = SelfMap.of(memory, base);
        long last = vacb.baseAddress() + Vacb.VIEW_BYTES;
        add("PTE of a view", selfMap.pte(vacb.baseAddress()), 1L << Pages.SHIFT);
        Vacb third = new Vacb(memory, map.vacb(2));
        add("PTE of a view that is not valid", selfMap.pte(third.baseAddress() + Vacb.VIEW_BYTES - 1), 8L << 16);
        add("PTE in no view", selfMap.pte(last + Vacb.VIEW_BYTES), memory.readLong(selfMap.pte(vacb.baseAddress())));
        add(
                "working set's size",
                base
                        + KernelSymbols.MI_SYSTEM_PARTITION
                        + MiPartitionLayout.VP
                        + MiVisiblePartitionLayout.PARTITION_WS
                        + MmsupportInstanceLayout.WORKING_SET_SIZE,
                1);
    }
}
