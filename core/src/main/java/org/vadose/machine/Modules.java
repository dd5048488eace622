package org.vadose.machine;

import java.util.HashMap;
import java.util.Map;
import org.vadose.base.Pages;
import org.vadose.ex.PoolAllocator;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KldrDataTableEntryLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.SystemRegion;
import org.vadose.nt.ListEntry;
import org.vadose.nt.LoadedModule;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.UnicodeString;
import org.vadose.pe.KernelImage;
import org.vadose.pe.PeBuilder;
import org.vadose.pe.PeFormat;

/**
 * The loaded kernel modules: the kernel itself and the drivers that every machine starts, each with a small image of its own (a
 * header, a page of code, a page of data) and an entry in {@code PsLoadedModuleList}.
 */
final class Modules {
    private static final int ENTRY_TAG = PoolTag.of("MmLd");
    private static final int FLAGS = 0x0900_4000;
    private static final String SYSTEM32 = "\\SystemRoot\\system32\\";
    private static final String DRIVERS = "\\SystemRoot\\System32\\drivers\\";
    private static final long IMAGE_PAGES = 3;

    /** In load order, after the kernel. Names with a path of their own begin with a backslash. */
    private static final String[] NAMES = {
        SYSTEM32 + "hal.dll",
        SYSTEM32 + "kd.dll",
        SYSTEM32 + "mcupdate_GenuineIntel.dll",
        DRIVERS + "CLFS.SYS",
        DRIVERS + "tm.sys",
        SYSTEM32 + "PSHED.dll",
        SYSTEM32 + "BOOTVID.dll",
        DRIVERS + "FLTMGR.SYS",
        DRIVERS + "ksecdd.sys",
        SYSTEM32 + "CI.dll",
        DRIVERS + "cng.sys",
        DRIVERS + "Wdf01000.sys",
        DRIVERS + "acpi.sys",
        DRIVERS + "pci.sys",
        DRIVERS + "partmgr.sys",
        DRIVERS + "volmgr.sys",
        DRIVERS + "mountmgr.sys",
        DRIVERS + "storahci.sys",
        DRIVERS + "disk.sys",
        DRIVERS + "volume.sys",
        DRIVERS + "Ntfs.sys",
        DRIVERS + "ndis.sys",
        DRIVERS + "tcpip.sys",
        DRIVERS + "Null.SYS",
        DRIVERS + "Npfs.SYS",
        DRIVERS + "afd.sys",
        "\\SystemRoot\\System32\\win32k.sys",
        DRIVERS + "condrv.sys"
    };

    private final MemoryManager memoryManager;
    private final Memory memory;
    private final PoolAllocator pool;
    private final Map<String, LoadedModule> byName = new HashMap<>();

    Modules(MemoryManager memoryManager, PoolAllocator pool) {
        this.memoryManager = memoryManager;
        this.memory = memoryManager.kernelMemory();
        this.pool = pool;
    }

    void load() {
        new ListEntry(memory, memoryManager.kernelBase() + KernelSymbols.PS_LOADED_MODULE_LIST).initialize();
        add(
                SYSTEM32 + KernelImage.FILE_NAME,
                memoryManager.kernelBase(),
                KernelImage.sizeOfImage(),
                KernelSymbols.KI_SYSTEM_STARTUP,
                KernelImage.TIME_DATE_STAMP);
        for (int i = 0; i < NAMES.length; i++) {
            long base = memoryManager.systemSpace().allocate(SystemRegion.SYSTEM_IMAGES, IMAGE_PAGES, true);
            if (base == 0) {
                throw new IllegalStateException("out of RAM for driver images");
            }
            int stamp = KernelImage.TIME_DATE_STAMP + 0x1357 * (i + 1);
            PeBuilder image = new PeBuilder(0x1_4000_0000L, 2)
                    .subsystem(PeFormat.SUBSYSTEM_NATIVE)
                    .timeDateStamp(stamp);
            long entry = image.add(".text", PeBuilder.CODE, Pages.SIZE, (byte) 0xCC, java.util.List.of());
            image.addZeroFill(".data", PeBuilder.READ_WRITE, Pages.SIZE);
            image.entryPoint(entry).writeTo(memory, base);
            add(NAMES[i], base, image.sizeOfImage(), entry, stamp);
        }
    }

    private void add(String path, long base, long sizeBytes, long entryRva, int timeDateStamp) {
        String name = path.substring(path.lastIndexOf('\\') + 1);
        long texts = KldrDataTableEntryLayout.SIZE;
        long entry = pool.allocateZeroed(
                PoolType.NON_PAGED_POOL_NX, texts + 2L * path.length() + 2L * name.length() + 4, ENTRY_TAG);
        memory.writeLong(entry + KldrDataTableEntryLayout.DLL_BASE, base);
        memory.writeLong(entry + KldrDataTableEntryLayout.ENTRY_POINT, base + entryRva);
        memory.writeInt(entry + KldrDataTableEntryLayout.SIZE_OF_IMAGE, (int) sizeBytes);
        memory.writeInt(entry + KldrDataTableEntryLayout.SIZE_OF_IMAGE_NOT_ROUNDED, (int) sizeBytes);
        memory.writeInt(entry + KldrDataTableEntryLayout.TIME_DATE_STAMP, timeDateStamp);
        memory.writeInt(entry + KldrDataTableEntryLayout.FLAGS, FLAGS);
        memory.writeShort(entry + KldrDataTableEntryLayout.LOAD_COUNT, (short) 1);
        new UnicodeString(memory, entry + KldrDataTableEntryLayout.FULL_DLL_NAME).set(path, entry + texts);
        new UnicodeString(memory, entry + KldrDataTableEntryLayout.BASE_DLL_NAME)
                .set(name, entry + texts + 2L * path.length() + 2);
        new ListEntry(memory, memoryManager.kernelBase() + KernelSymbols.PS_LOADED_MODULE_LIST).insertTail(entry);
        byName.put(name.toLowerCase(java.util.Locale.ROOT), new LoadedModule(memory, entry));
    }

    /** A module by its file name in lower case. */
    LoadedModule named(String name) {
        LoadedModule module = byName.get(name);
        if (module == null) {
            throw new IllegalArgumentException("no such kernel module name=" + name);
        }
        return module;
    }
}
