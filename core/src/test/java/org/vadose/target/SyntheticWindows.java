package org.vadose.target;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.vadose.base.Pages;
import org.vadose.layout.ImageDataDirectoryLayout;
import org.vadose.layout.ImageDebugDirectoryLayout;
import org.vadose.layout.ImageDosHeaderLayout;
import org.vadose.layout.ImageFileHeaderLayout;
import org.vadose.layout.ImageNtHeaders64Layout;
import org.vadose.layout.ImageOptionalHeader64Layout;
import org.vadose.layout.ImageSectionHeaderLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KldrDataTableEntryLayout;
import org.vadose.memory.PhysicalMemory;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.ListEntry;
import org.vadose.pe.PeFormat;

/**
 * The least that passes for a Windows machine: System's page tables with a self-map, a kernel image of large pages with its
 * debug record, and a module list with the kernel in it. Tests add what they look at.
 */
public final class SyntheticWindows {
    public static final long ROOT = 0x1AD000;
    public static final long KERNEL = 0xFFFF_F802_1000_0000L;
    public static final long SCRATCH = 0xFFFF_A680_0000_0000L;
    private static final long KERNEL_PHYSICAL = 16L << 20;
    private static final long KERNEL_SIZE = 18L << 20;
    private static final int SELF = 0x1F1;

    public final PhysicalMemory ram = new PhysicalMemory(64L << 20);
    private long nextFrame = 0x400;
    private long nextScratch = SCRATCH;

    public SyntheticWindows() {
        ram.writeLong(ROOT + SELF * 8, ROOT | 0x63);
        for (long offset = 0; offset < KERNEL_SIZE; offset += Pages.LARGE_SIZE) {
            mapLarge(KERNEL + offset, KERNEL_PHYSICAL + offset);
        }
        writeKernelHeader();
        long entry = allocate(Pages.SIZE);
        long head = KERNEL + KernelSymbols.PS_LOADED_MODULE_LIST;
        ListEntry list = new ListEntry(kernelWrites(), head);
        list.initialize();
        list.insertTail(entry);
        kernelWrites().writeLong(entry + KldrDataTableEntryLayout.DLL_BASE, KERNEL);
        kernelWrites().writeInt(entry + KldrDataTableEntryLayout.SIZE_OF_IMAGE, (int) KERNEL_SIZE);
    }

    /** Physical address of a fresh page. */
    public long frame() {
        return nextFrame++ << Pages.SHIFT;
    }

    /** Maps fresh zeroed pages in the kernel half and says where. */
    public long allocate(long bytes) {
        long start = nextScratch;
        for (long offset = 0; offset < bytes; offset += Pages.SIZE) {
            map(ROOT, start + offset, frame() | 0x63);
        }
        nextScratch += Pages.up(bytes) + Pages.SIZE;
        return start;
    }

    /** Physical address of the entry for an address at a level, making the tables above it. */
    public long entryAddress(long root, long va, int level) {
        long table = root;
        for (int at = 4; at > level; at--) {
            long slot = table + X64PageTables.index(at, va) * 8L;
            if (ram.readLong(slot) == 0) {
                ram.writeLong(slot, frame() | 0x67);
            }
            table = ram.readLong(slot) & X64PageTables.FRAME_MASK;
        }
        return table + X64PageTables.index(level, va) * 8L;
    }

    public void map(long root, long va, long entry) {
        ram.writeLong(entryAddress(root, va, 1), entry);
    }

    private void mapLarge(long va, long pa) {
        ram.writeLong(entryAddress(ROOT, va, 2), pa | 0x1E3);
    }

    /** Kernel memory that can be written. */
    public org.vadose.memory.Memory kernelWrites() {
        var mmu = new org.vadose.memory.Mmu(ram, new X64PageTables());
        mmu.loadRoot(ROOT);
        return mmu.kernel();
    }

    public Target target() {
        return new Target("synthetic", ram, ram.sizeBytes(), new X64PageTables(), ROOT, KERNEL, List.of());
    }

    private void writeKernelHeader() {
        var memory = kernelWrites();
        long nt = KERNEL + 0x100;
        memory.writeShort(KERNEL + ImageDosHeaderLayout.E_MAGIC, (short) PeFormat.DOS_MAGIC);
        memory.writeInt(KERNEL + ImageDosHeaderLayout.E_LFANEW, 0x100);
        memory.writeInt(nt + ImageNtHeaders64Layout.SIGNATURE, PeFormat.NT_SIGNATURE);
        long file = nt + ImageNtHeaders64Layout.FILE_HEADER;
        memory.writeShort(file + ImageFileHeaderLayout.MACHINE, (short) PeFormat.MACHINE_AMD64);
        memory.writeShort(
                file + ImageFileHeaderLayout.SIZE_OF_OPTIONAL_HEADER, (short) ImageOptionalHeader64Layout.SIZE);
        memory.writeShort(file + ImageFileHeaderLayout.CHARACTERISTICS, (short)
                (PeFormat.FILE_EXECUTABLE_IMAGE | PeFormat.FILE_LARGE_ADDRESS_AWARE));
        long optional = nt + ImageNtHeaders64Layout.OPTIONAL_HEADER;
        memory.writeShort(optional + ImageOptionalHeader64Layout.MAGIC, (short) PeFormat.OPTIONAL_MAGIC_PE32_PLUS);
        memory.writeInt(optional + ImageOptionalHeader64Layout.SECTION_ALIGNMENT, 0x1000);
        memory.writeInt(optional + ImageOptionalHeader64Layout.FILE_ALIGNMENT, 0x200);
        memory.writeInt(optional + ImageOptionalHeader64Layout.SIZE_OF_IMAGE, (int) KERNEL_SIZE);
        memory.writeInt(optional + ImageOptionalHeader64Layout.SIZE_OF_HEADERS, 0x1000);
        memory.writeLong(optional + ImageOptionalHeader64Layout.IMAGE_BASE, KERNEL);
        memory.writeInt(optional + ImageOptionalHeader64Layout.NUMBER_OF_RVA_AND_SIZES, 16);
        memory.writeShort(file + ImageFileHeaderLayout.NUMBER_OF_SECTIONS, (short) 1);
        long section = optional + ImageOptionalHeader64Layout.SIZE;
        memory.writeInt(section + ImageSectionHeaderLayout.VIRTUAL_ADDRESS, 0x1000);
        memory.writeInt(section + ImageSectionHeaderLayout.MISC, (int) KERNEL_SIZE - 0x1000);
        long directory = optional
                + ImageOptionalHeader64Layout.DATA_DIRECTORY
                + PeFormat.DIRECTORY_DEBUG * ImageDataDirectoryLayout.SIZE;
        memory.writeInt(directory + ImageDataDirectoryLayout.VIRTUAL_ADDRESS, 0x600);
        memory.writeInt(directory + 4, (int) ImageDebugDirectoryLayout.SIZE);
        long debug = KERNEL + 0x600;
        memory.writeInt(debug + ImageDebugDirectoryLayout.TYPE, 2);
        memory.writeInt(debug + ImageDebugDirectoryLayout.SIZE_OF_DATA, 36);
        memory.writeInt(debug + ImageDebugDirectoryLayout.ADDRESS_OF_RAW_DATA, 0x700);
        memory.writeInt(debug + ImageDebugDirectoryLayout.POINTER_TO_RAW_DATA, 0x700);
        memory.write(
                KERNEL + 0x700, java.util.HexFormat.of().parseHex("5253445369F66F609B40F700FC8C61A9C167012901000000"));
        memory.write(KERNEL + 0x718, "ntkrnlmp.pdb\0".getBytes(StandardCharsets.ISO_8859_1));
    }
}
