package org.vadose.dump;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.vadose.base.Pages;
import org.vadose.layout.ContextLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KuserSharedDataLayout;
import org.vadose.layout.PhysicalMemoryDescriptorLayout;
import org.vadose.layout.PhysicalMemoryRunLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.PhysicalMemory;
import org.vadose.target.ContextRegisters;
import org.vadose.target.Register;
import org.vadose.target.RegisterFile;
import org.vadose.target.Target;
import org.vadose.target.TargetMemory;
import org.vadose.target.UnreadableMemoryException;

/**
 * Writes a target's physical memory to a file. Pages of zeros are not written but left as holes, so a file takes little more
 * room on the host than memory in use. The target must not run meanwhile.
 */
public final class ImageWriter {
    private static final int BLOCK = 1 << 20;
    private static final long SHARED_DATA = 0xFFFF_F780_0000_0000L;
    private static final int BUG_CHECK_PARAMETERS = 4;
    private static final byte[] ZEROS = new byte[(int) Pages.SIZE];

    private ImageWriter() {}

    /** What stopped the machine, for a crash dump's header. */
    public record BugCheck(int code, List<Long> parameters) {
        public static final BugCheck NONE = new BugCheck(0, List.of());
    }

    /**
     * Writes a crash dump if the name ends in {@code .dmp}, else a raw image. The file is there when it is whole.
     *
     * @throws IOException for which {@link #reason} has words
     */
    public static void write(Target target, Path path) throws IOException {
        if (path.toString().toLowerCase(Locale.ROOT).endsWith(".dmp")) {
            writeCrashDump(target, path, BugCheck.NONE, "");
        } else {
            writeRaw(target, path);
        }
    }

    /** Writes a raw image: file offset is physical address, file size is RAM. Pages the target lacks become zeros. */
    public static void writeRaw(Target target, Path path) throws IOException {
        publish(path, file -> {
            writePages(target.physical(), new PhysicalRun(0, target.physicalBytes() >>> Pages.SHIFT), file, 0);
            setSize(file, target.physicalBytes());
        });
    }

    /**
     * Writes a full crash dump.
     *
     * @param comment at most 127 Latin-1 characters are kept
     */
    public static void writeCrashDump(Target target, Path path, BugCheck bugCheck, String comment) throws IOException {
        List<PhysicalRun> runs = physicalRuns(target);
        long pages = runs.stream().mapToLong(PhysicalRun::pages).sum();
        long size = CrashDumpFormat.SIZE + (pages << Pages.SHIFT);
        publish(path, file -> {
            ByteBuffer header = header(target, runs, pages, size, bugCheck, comment);
            writeFully(file, header, 0);
            long offset = CrashDumpFormat.SIZE;
            for (PhysicalRun run : runs) {
                writePages(target.physical(), run, file, offset);
                offset += run.pages() << Pages.SHIFT;
            }
            setSize(file, size);
        });
    }

    /**
     * Says, before there is anything to write, whether a file could not be written for a reason that shows already.
     *
     * @throws IOException for which {@link #reason} has words
     */
    public static void requirePlace(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            throw new FileSystemException(path.toString(), null, "is a folder");
        }
        Path folder = path.toAbsolutePath().getParent();
        if (folder != null && !Files.isDirectory(folder)) {
            throw new NoSuchFileException(path.toString());
        }
        if (Files.exists(path) ? !Files.isWritable(path) : folder != null && !Files.isWritable(folder)) {
            throw new AccessDeniedException(path.toString());
        }
    }

    private interface Body {
        void write(FileChannel file) throws IOException;
    }

    /** Writes beside the file and moves the whole there: a part never passes for an image, and an older file stays until then. */
    private static void publish(Path path, Body body) throws IOException {
        if (Files.isDirectory(path)) {
            throw new FileSystemException(path.toString(), null, "is a folder");
        }
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            write(path, body);
            return;
        }
        Path whole = Files.exists(path) ? path.toRealPath() : path.toAbsolutePath();
        Path part = whole.resolveSibling(
                whole.getFileName() + "." + ProcessHandle.current().pid() + ".part");
        try {
            write(part, body);
            Files.move(part, whole, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    private static void write(Path path, Body body) throws IOException {
        try (FileChannel file = FileChannel.open(
                path,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE,
                StandardOpenOption.SPARSE)) {
            body.write(file);
        }
    }

    /** Why a file could not be written, in words. */
    public static String reason(IOException failure) {
        return switch (failure) {
            case NoSuchFileException e -> "there is no such folder";
            case AccessDeniedException e -> "permission denied";
            case FileSystemException e when e.getReason() != null -> e.getReason();
            default -> String.valueOf(failure.getMessage());
        };
    }

    private static void setSize(FileChannel file, long size) throws IOException {
        if (file.size() < size) {
            writeFully(file, ByteBuffer.allocate(1), size - 1);
        }
    }

    private static void writePages(Memory physical, PhysicalRun run, FileChannel file, long offset) throws IOException {
        byte[] block = new byte[BLOCK];
        long end = run.end() << Pages.SHIFT;
        for (long at = run.firstPage() << Pages.SHIFT; at < end; ) {
            int count = (int) Math.min(end - at, BLOCK - (at & (BLOCK - 1)));
            if (!(physical instanceof PhysicalMemory ram && !ram.isTouched(at))) {
                readBlock(physical, at, block, count);
                writeNonZero(file, block, count, offset);
            }
            at += count;
            offset += count;
        }
    }

    /** A page that the image does not have reads as zeros. */
    private static void readBlock(Memory physical, long address, byte[] block, int count) {
        try {
            physical.read(address, block, 0, count);
        } catch (IndexOutOfBoundsException e) {
            for (int page = 0; page < count; page += (int) Pages.SIZE) {
                try {
                    physical.read(address + page, block, page, (int) Pages.SIZE);
                } catch (IndexOutOfBoundsException missing) {
                    Arrays.fill(block, page, page + (int) Pages.SIZE, (byte) 0);
                }
            }
        }
    }

    private static void writeNonZero(FileChannel file, byte[] block, int count, long offset) throws IOException {
        int page = (int) Pages.SIZE;
        for (int start = 0; start < count; ) {
            if (isZero(block, start, start + page)) {
                start += page;
                continue;
            }
            int end = start + page;
            while (end < count && !isZero(block, end, end + page)) {
                end += page;
            }
            writeFully(file, ByteBuffer.wrap(block, start, end - start), offset + start);
            start = end;
        }
    }

    private static boolean isZero(byte[] bytes, int from, int to) {
        return Arrays.equals(bytes, from, to, ZEROS, 0, to - from);
    }

    private static void writeFully(FileChannel file, ByteBuffer bytes, long offset) throws IOException {
        long at = offset;
        while (bytes.hasRemaining()) {
            at += file.write(bytes, at);
        }
    }

    /** What {@code MmPhysicalMemoryBlock} says is RAM; all of it in one run when that is unreadable or unsound. */
    static List<PhysicalRun> physicalRuns(Target target) {
        PhysicalRun all = new PhysicalRun(0, target.physicalBytes() >>> Pages.SHIFT);
        if (target.kernelBase() == 0) {
            return List.of(all);
        }
        TargetMemory kernel = target.kernel();
        try {
            long block = kernel.readLong(target.kernelAddress(KernelSymbols.MM_PHYSICAL_MEMORY_BLOCK));
            int count = kernel.readInt(block + PhysicalMemoryDescriptorLayout.NUMBER_OF_RUNS);
            List<PhysicalRun> runs = new ArrayList<>();
            long end = 0;
            for (int i = 0; i < count; i++) {
                long run = block + PhysicalMemoryDescriptorLayout.RUN + i * PhysicalMemoryRunLayout.SIZE;
                PhysicalRun next = new PhysicalRun(
                        kernel.readLong(run + PhysicalMemoryRunLayout.BASE_PAGE),
                        kernel.readLong(run + PhysicalMemoryRunLayout.PAGE_COUNT));
                if (i >= CrashDumpFormat.MAXIMUM_RUNS
                        || next.firstPage() < end
                        || next.pages() <= 0
                        || next.pages() > all.pages() - next.firstPage()) {
                    return List.of(all);
                }
                runs.add(next);
                end = next.end();
            }
            return runs.isEmpty() ? List.of(all) : runs;
        } catch (UnreadableMemoryException e) {
            return List.of(all);
        }
    }

    private static ByteBuffer header(
            Target target, List<PhysicalRun> runs, long pages, long size, BugCheck bugCheck, String comment) {
        ByteBuffer header = ByteBuffer.allocate(CrashDumpFormat.SIZE).order(ByteOrder.LITTLE_ENDIAN);
        byte[] filler = "PAGE".getBytes(StandardCharsets.ISO_8859_1);
        while (header.hasRemaining()) {
            header.put(filler);
        }
        header.rewind();
        header.put(0, CrashDumpFormat.SIGNATURE.getBytes(StandardCharsets.ISO_8859_1));
        header.putInt(CrashDumpFormat.MAJOR_VERSION, 15);
        header.putInt(CrashDumpFormat.MINOR_VERSION, buildNumber(target));
        header.putLong(CrashDumpFormat.DIRECTORY_TABLE_BASE, currentRoot(target));
        header.putLong(CrashDumpFormat.PFN_DATABASE, kernelValue(target, KernelSymbols.MM_PFN_DATABASE));
        header.putLong(
                CrashDumpFormat.PS_LOADED_MODULE_LIST, target.kernelAddress(KernelSymbols.PS_LOADED_MODULE_LIST));
        header.putLong(
                CrashDumpFormat.PS_ACTIVE_PROCESS_HEAD, target.kernelAddress(KernelSymbols.PS_ACTIVE_PROCESS_HEAD));
        header.putInt(CrashDumpFormat.MACHINE_IMAGE_TYPE, CrashDumpFormat.MACHINE_AMD64);
        header.putInt(
                CrashDumpFormat.NUMBER_PROCESSORS,
                Math.max(1, target.processorBlocks().size()));
        header.putInt(CrashDumpFormat.BUG_CHECK_CODE, bugCheck.code());
        for (int i = 0; i < BUG_CHECK_PARAMETERS; i++) {
            long value =
                    i < bugCheck.parameters().size() ? bugCheck.parameters().get(i) : 0;
            header.putLong(CrashDumpFormat.BUG_CHECK_PARAMETERS + i * 8, value);
        }
        zero(header, CrashDumpFormat.VERSION_USER, 32);
        header.putLong(
                CrashDumpFormat.KD_DEBUGGER_DATA_BLOCK, target.kernelAddress(KernelSymbols.KD_DEBUGGER_DATA_BLOCK));
        header.putInt(CrashDumpFormat.NUMBER_OF_RUNS, runs.size());
        header.putLong(CrashDumpFormat.NUMBER_OF_PAGES, pages);
        for (int i = 0; i < runs.size(); i++) {
            header.putLong(CrashDumpFormat.RUNS + i * 16, runs.get(i).firstPage());
            header.putLong(CrashDumpFormat.RUNS + i * 16 + 8, runs.get(i).pages());
        }
        putContext(target, header);
        zero(header, CrashDumpFormat.EXCEPTION, CrashDumpFormat.EXCEPTION_SIZE);
        header.putInt(CrashDumpFormat.DUMP_TYPE, CrashDumpFormat.TYPE_FULL);
        header.putLong(CrashDumpFormat.REQUIRED_DUMP_SPACE, size);
        header.putLong(CrashDumpFormat.SYSTEM_TIME, sharedTime(target, KuserSharedDataLayout.SYSTEM_TIME));
        zero(header, CrashDumpFormat.COMMENT, CrashDumpFormat.COMMENT_SIZE);
        byte[] text = comment.getBytes(StandardCharsets.ISO_8859_1);
        header.put(CrashDumpFormat.COMMENT, text, 0, Math.min(text.length, CrashDumpFormat.COMMENT_SIZE - 1));
        header.putLong(CrashDumpFormat.SYSTEM_UP_TIME, sharedTime(target, KuserSharedDataLayout.INTERRUPT_TIME));
        header.putInt(CrashDumpFormat.MINI_DUMP_FIELDS, 0);
        header.putInt(CrashDumpFormat.PRODUCT_TYPE, (int) sharedValue(target, KuserSharedDataLayout.NT_PRODUCT_TYPE));
        header.putInt(CrashDumpFormat.SUITE_MASK, (int) sharedValue(target, KuserSharedDataLayout.SUITE_MASK));
        header.putInt(CrashDumpFormat.WRITER_STATUS, 0);
        return header;
    }

    /** CR3 of the processor that stopped where it is known, else System's. */
    private static long currentRoot(Target target) {
        RegisterFile registers = target.stoppedRegisters();
        long root = registers == null ? 0 : readRegister(registers, Register.CR3);
        return root == 0 ? target.kernel().root() : root;
    }

    private static void putContext(Target target, ByteBuffer header) {
        int start = CrashDumpFormat.CONTEXT_RECORD;
        zero(header, start, (int) ContextLayout.SIZE);
        RegisterFile registers = target.stoppedRegisters();
        if (registers == null) {
            return;
        }
        header.putInt(start + (int) ContextLayout.CONTEXT_FLAGS, 0x10000F);
        for (Register register : Register.values()) {
            long offset = ContextRegisters.offsetOf(register);
            if (offset < 0) {
                continue;
            }
            long value = readRegister(registers, register);
            int at = start + (int) offset;
            switch (register.bits()) {
                case 16 -> header.putShort(at, (short) value);
                case 32 -> header.putInt(at, (int) value);
                default -> header.putLong(at, value);
            }
        }
    }

    private static long readRegister(RegisterFile registers, Register register) {
        try {
            return registers.get(register);
        } catch (UnreadableMemoryException e) {
            return 0;
        }
    }

    private static int buildNumber(Target target) {
        int build = (int) kernelValue(target, KernelSymbols.NT_BUILD_NUMBER) & 0xFFFF;
        return build == 0 ? 19041 : build;
    }

    private static long kernelValue(Target target, long rva) {
        return valueAt(target, target.kernelAddress(rva));
    }

    private static long sharedValue(Target target, long offset) {
        return valueAt(target, SHARED_DATA + offset) & 0xFFFF_FFFFL;
    }

    /** A {@code _KSYSTEM_TIME}: its low and first high part. */
    private static long sharedTime(Target target, long offset) {
        return valueAt(target, SHARED_DATA + offset);
    }

    private static long valueAt(Target target, long address) {
        try {
            return target.kernel().readLong(address);
        } catch (UnreadableMemoryException e) {
            return 0;
        }
    }

    private static void zero(ByteBuffer header, int start, int length) {
        for (int i = 0; i < length; i++) {
            header.put(start + i, (byte) 0);
        }
    }
}
