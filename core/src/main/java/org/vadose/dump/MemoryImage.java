package org.vadose.dump;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KldrDataTableEntryLayout;
import org.vadose.layout.KprocessLayout;
import org.vadose.layout.ListEntryLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.X64PageTables;
import org.vadose.target.ContextRegisters;
import org.vadose.target.KernelFinder;
import org.vadose.target.ReadOnlyMemory;
import org.vadose.target.RegisterFile;
import org.vadose.target.Target;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/** An open file of physical memory. The file is mapped, not read; it must not shrink while it is open. */
public final class MemoryImage implements AutoCloseable {
    private final Arena arena;
    private final Kind kind;
    private final List<PhysicalRun> runs;
    private final Target target;

    /** How the file is written. */
    public enum Kind {
        /** A byte's offset is its physical address. */
        RAW,
        /** {@code PAGEDU64} with runs of pages. */
        FULL_DUMP,
        /** {@code PAGEDU64} with a bitmap of the pages that are there. */
        BITMAP_DUMP
    }

    private MemoryImage(Arena arena, Kind kind, List<PhysicalRun> runs, Target target) {
        this.arena = arena;
        this.kind = kind;
        this.runs = runs;
        this.target = target;
    }

    /**
     * Opens a raw image or a crash dump; its first bytes tell which.
     *
     * @throws DumpFormatException if it is neither, contradicts itself, or holds no Windows kernel
     */
    public static MemoryImage open(Path path) throws IOException {
        if (!Files.exists(path)) {
            throw new NoSuchFileException(path.toString());
        }
        if (!Files.isRegularFile(path)) {
            throw new DumpFormatException(path + " is not a file");
        }
        Arena arena = Arena.ofShared();
        try {
            MemorySegment file;
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
                file = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            }
            return open(path, file, arena);
        } catch (IOException | RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    private static MemoryImage open(Path path, MemorySegment file, Arena arena) throws DumpFormatException {
        String signature = new String(
                file.asSlice(0, Math.min(8, file.byteSize())).toArray(ValueLayout.JAVA_BYTE),
                StandardCharsets.ISO_8859_1);
        if (signature.equals(CrashDumpFormat.SIGNATURE)) {
            return openCrashDump(path, file, arena);
        }
        if (signature.equals("PAGEDUMP")) {
            throw new DumpFormatException(path + " is a 32-bit crash dump; only 64-bit ones are read");
        }
        if (signature.startsWith("MDMP")) {
            throw new DumpFormatException(path + " is a minidump of one process; it holds no physical memory");
        }
        if (signature.startsWith("\u007fELF") || signature.startsWith("EMiL")) {
            throw new DumpFormatException(path + " is neither a raw image nor a 64-bit Windows crash dump");
        }
        return openRaw(path, file, arena);
    }

    private static MemoryImage openRaw(Path path, MemorySegment file, Arena arena) throws DumpFormatException {
        long pages = file.byteSize() >>> Pages.SHIFT;
        if (pages == 0) {
            throw new DumpFormatException(path + " is too small for a memory image, fileSize=" + file.byteSize());
        }
        List<PhysicalRun> runs = List.of(new PhysicalRun(0, pages));
        Memory physical = new FileMemory(file, runs, 0);
        long size = pages << Pages.SHIFT;
        KernelFinder finder = new KernelFinder(physical, size);
        long root = finder.findRoot();
        if (root == -1) {
            throw new DumpFormatException(
                    path
                            + " is no raw image of an x64 Windows machine: no page table that maps itself where System's would be");
        }
        long base = finder.findKernelBase(new TargetMemory(physical, new X64PageTables(), root));
        if (base == 0) {
            throw new DumpFormatException(
                    path + " has page tables at 0x" + Hex.plain(root) + " but no Windows kernel image");
        }
        return new MemoryImage(
                arena,
                Kind.RAW,
                runs,
                new Target(path.toString(), physical, size, new X64PageTables(), root, base, List.of()));
    }

    private static MemoryImage openCrashDump(Path path, MemorySegment file, Arena arena) throws DumpFormatException {
        CrashDumpHeader header;
        try {
            header = new CrashDumpHeader(file);
        } catch (DumpFormatException e) {
            throw new DumpFormatException(path + ": " + e.getMessage());
        }
        Memory physical = new FileMemory(file, header.runs, header.dataOffset);
        long size = header.runs.isEmpty() ? 0 : header.runs.getLast().end() << Pages.SHIFT;
        long root = header.directoryTableBase & X64PageTables.FRAME_MASK;
        long base = kernelBase(physical, root, header);
        if (base == 0) {
            KernelFinder finder = new KernelFinder(physical, size);
            root = finder.findRoot();
            base = root == -1 ? 0 : finder.findKernelBase(new TargetMemory(physical, new X64PageTables(), root));
        }
        if (base == 0) {
            throw new DumpFormatException(path + " holds no Windows kernel image that its header or a scan could find");
        }
        RegisterFile registers = new ContextRegisters(new Flat(file), CrashDumpFormat.CONTEXT_RECORD);
        Kind kind = header.dumpType == CrashDumpFormat.TYPE_FULL ? Kind.FULL_DUMP : Kind.BITMAP_DUMP;
        return new MemoryImage(
                arena,
                kind,
                header.runs,
                new Target(
                        path.toString(),
                        physical,
                        size,
                        new X64PageTables(),
                        systemRoot(physical, root, base),
                        base,
                        List.of(registers)));
    }

    /** The kernel is the first module of the list that the header names. */
    private static long kernelBase(Memory physical, long root, CrashDumpHeader header) {
        TargetMemory kernel = new TargetMemory(physical, new X64PageTables(), root);
        try {
            long entry = kernel.readLong(header.psLoadedModuleList + ListEntryLayout.FLINK);
            long base = kernel.readLong(entry + KldrDataTableEntryLayout.DLL_BASE);
            return KernelFinder.isKernel(kernel, base) ? base : 0;
        } catch (UnreadableMemoryException e) {
            return 0;
        }
    }

    /** The header has the root of whichever process ran; System's has the same kernel half and no user half. */
    private static long systemRoot(Memory physical, long root, long base) {
        TargetMemory kernel = new TargetMemory(physical, new X64PageTables(), root);
        try {
            long process = kernel.readLong(base + KernelSymbols.PS_INITIAL_SYSTEM_PROCESS);
            long system = kernel.readLong(process + KprocessLayout.DIRECTORY_TABLE_BASE) & X64PageTables.FRAME_MASK;
            return KernelFinder.isKernel(new TargetMemory(physical, new X64PageTables(), system), base) ? system : root;
        } catch (UnreadableMemoryException e) {
            return root;
        }
    }

    public Kind kind() {
        return kind;
    }

    /** The physical pages the file holds, ascending. */
    public List<PhysicalRun> runs() {
        return runs;
    }

    public Target target() {
        return target;
    }

    /** Unmaps the file; the target must not be read any more. */
    @Override
    public void close() {
        arena.close();
    }

    /** The bytes of the file itself. */
    private static final class Flat extends ReadOnlyMemory {
        private final MemorySegment file;

        Flat(MemorySegment file) {
            this.file = file;
        }

        @Override
        public void read(long address, byte[] target, int offset, int length) {
            MemorySegment.copy(file, ValueLayout.JAVA_BYTE, address, target, offset, length);
        }
    }
}
