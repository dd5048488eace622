package org.vadose.dump;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.PhysicalMemoryDescriptorLayout;
import org.vadose.target.SyntheticWindows;
import org.vadose.target.UnreadableMemoryException;

class MemoryImageTest {
    private final SyntheticWindows windows = new SyntheticWindows();

    @TempDir
    Path folder;

    @Test
    void rawImageHoldsEveryByteWhereItWas() throws IOException {
        windows.ram.writeLong(0x3FF_FFF8, 0x1234_5678_9ABC_DEF0L);
        Path file = folder.resolve("m.raw");
        ImageWriter.write(windows.target(), file);
        assertEquals(windows.ram.sizeBytes(), Files.size(file));
        try (MemoryImage image = MemoryImage.open(file)) {
            assertEquals(MemoryImage.Kind.RAW, image.kind());
            assertSame(image);
        }
    }

    @Test
    void crashDumpHoldsTheRunsThatAreRam() throws IOException {
        windows.ram.writeLong(0x3FF_FFF8, 0x1234_5678_9ABC_DEF0L);
        long block = windows.allocate(Pages.SIZE);
        var memory = windows.kernelWrites();
        memory.writeLong(SyntheticWindows.KERNEL + KernelSymbols.MM_PHYSICAL_MEMORY_BLOCK, block);
        memory.writeInt(block + PhysicalMemoryDescriptorLayout.NUMBER_OF_RUNS, 2);
        long[] runs = {1, 0x9E, 0x100, 0x4000 - 0x100};
        for (int i = 0; i < runs.length; i++) {
            memory.writeLong(block + PhysicalMemoryDescriptorLayout.RUN + i * 8L, runs[i]);
        }
        Path file = folder.resolve("m.DMP");
        ImageWriter.write(windows.target(), file);
        try (MemoryImage image = MemoryImage.open(file)) {
            assertEquals(MemoryImage.Kind.FULL_DUMP, image.kind());
            assertEquals(List.of(new PhysicalRun(1, 0x9E), new PhysicalRun(0x100, 0x3F00)), image.runs());
            assertThrows(
                    IndexOutOfBoundsException.class,
                    () -> image.target().physical().readByte(0xA0000));
            assertSame(image);
        }
    }

    private void assertSame(MemoryImage image) {
        assertEquals(SyntheticWindows.ROOT, image.target().kernel().root());
        assertEquals(SyntheticWindows.KERNEL, image.target().kernelBase());
        assertEquals(windows.ram.sizeBytes(), image.target().physicalBytes());
        assertEquals(0x1234_5678_9ABC_DEF0L, image.target().physical().readLong(0x3FF_FFF8));
        assertEquals(
                windows.ram.readLong(SyntheticWindows.ROOT + 0x1F1 * 8),
                image.target().physical().readLong(SyntheticWindows.ROOT + 0x1F1 * 8));
        assertFalse(image.target().kernel().isReadable(SyntheticWindows.SCRATCH - 1));
        assertThrows(
                UnreadableMemoryException.class, () -> image.target().kernel().readLong(SyntheticWindows.SCRATCH - 8));
    }

    @Test
    void bitmapDumpHoldsThePagesItsBitsName() throws IOException {
        Path file = folder.resolve("bitmap.dmp");
        Path full = folder.resolve("full.dmp");
        ImageWriter.write(windows.target(), full);
        byte[] bytes = Files.readAllBytes(full);
        int pages = (int) windows.ram.frames();
        int dataOffset = 0x3000;
        ByteBuffer bitmap = ByteBuffer.allocate(0x1000).order(ByteOrder.LITTLE_ENDIAN);
        bitmap.put("SDMPDUMP".getBytes(StandardCharsets.ISO_8859_1));
        bitmap.putLong(0x20, dataOffset).putLong(0x28, pages - 1).putLong(0x30, pages);
        for (int i = 0; i < pages; i++) {
            if (i != 2) {
                bitmap.put(0x38 + i / 8, (byte) (bitmap.get(0x38 + i / 8) | 1 << i % 8));
            }
        }
        bytes[CrashDumpFormat.DUMP_TYPE] = 5;
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.write(bytes, 0, 0x2000);
            out.write(bitmap.array());
            out.write(bytes, 0x2000, 0x2000);
            out.write(bytes, 0x5000, bytes.length - 0x5000);
        }
        windows.ram.writeLong(0x3FF_FFF8, 0);
        try (MemoryImage image = MemoryImage.open(file)) {
            assertEquals(MemoryImage.Kind.BITMAP_DUMP, image.kind());
            assertEquals(List.of(new PhysicalRun(0, 2), new PhysicalRun(3, pages - 3)), image.runs());
            assertThrows(
                    IndexOutOfBoundsException.class,
                    () -> image.target().physical().readByte(0x2000));
            assertEquals(SyntheticWindows.KERNEL, image.target().kernelBase());
        }
    }

    @Test
    void lyingAndTruncatedFilesAreRefusedInWords() throws IOException {
        Path file = folder.resolve("m.dmp");
        ImageWriter.write(windows.target(), file);
        refused("ends inside its header", file, 0x1800, 0, 0);
        refused("is truncated", file, 0x3000, 0, 0);
        refused("NumberOfRuns=0xffffffff", file, -1, CrashDumpFormat.NUMBER_OF_RUNS, -1);
        refused("NumberOfRuns=0x0", file, -1, CrashDumpFormat.NUMBER_OF_RUNS, 0);
        refused("truncated", file, -1, CrashDumpFormat.RUNS + 8, Integer.MAX_VALUE);
        refused("out of order", file, -1, CrashDumpFormat.RUNS + 4, -1);
        refused("DumpType=4", file, -1, CrashDumpFormat.DUMP_TYPE, 4);
        refused("no bitmap", file, -1, CrashDumpFormat.DUMP_TYPE, 5);
        refused("MachineImageType=0x14c", file, -1, CrashDumpFormat.MACHINE_IMAGE_TYPE, 0x14C);
    }

    /** Works on a copy with {@code value} at {@code offset}, cut to {@code size} unless that is negative. */
    private void refused(String why, Path original, long size, int offset, int value) throws IOException {
        Path copy = folder.resolve("copy.dmp");
        Files.copy(original, copy, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        try (RandomAccessFile file = new RandomAccessFile(copy.toFile(), "rw")) {
            if (size >= 0) {
                file.setLength(size);
            } else {
                file.seek(offset);
                file.writeInt(Integer.reverseBytes(value));
            }
        }
        String message = assertThrows(DumpFormatException.class, () -> MemoryImage.open(copy))
                .getMessage();
        assertTrue(message.contains(why), message);
    }

    @Test
    void whatIsNoImageIsRefusedInWords() throws IOException {
        assertThrows(NoSuchFileException.class, () -> MemoryImage.open(folder.resolve("none")));
        assertThrows(DumpFormatException.class, () -> MemoryImage.open(folder));
        for (String start : List.of("", "MDMP", "PAGEDUMP", "hello")) {
            Path file = Files.writeString(folder.resolve("x"), start);
            assertThrows(DumpFormatException.class, () -> MemoryImage.open(file), start);
        }
        Path zeros = Files.write(folder.resolve("zeros"), new byte[8 << 20]);
        assertThrows(DumpFormatException.class, () -> MemoryImage.open(zeros));
    }
}
