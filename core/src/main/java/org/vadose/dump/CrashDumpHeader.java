package org.vadose.dump;

import static org.vadose.dump.CrashDumpFormat.BITMAP;
import static org.vadose.dump.CrashDumpFormat.BITMAP_BITS;
import static org.vadose.dump.CrashDumpFormat.BITMAP_FIRST_PAGE;
import static org.vadose.dump.CrashDumpFormat.BITMAP_HEADER;
import static org.vadose.dump.CrashDumpFormat.BITMAP_PRESENT_PAGES;
import static org.vadose.dump.CrashDumpFormat.SIZE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.vadose.base.Hex;
import org.vadose.base.Pages;

/** The header of a crash dump, checked against the size of its file. */
final class CrashDumpHeader {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    /** Frame numbers have 36 bits in a page-table entry. */
    private static final long MAXIMUM_PAGES = 1L << 36;

    final long directoryTableBase;
    final long psLoadedModuleList;
    final long kdDebuggerDataBlock;
    final int dumpType;
    final List<PhysicalRun> runs;
    final long dataOffset;

    CrashDumpHeader(MemorySegment file) throws DumpFormatException {
        if (file.byteSize() < SIZE) {
            throw new DumpFormatException("crash dump ends inside its header, fileSize=" + file.byteSize());
        }
        int machine = file.get(INT, CrashDumpFormat.MACHINE_IMAGE_TYPE);
        if (machine != CrashDumpFormat.MACHINE_AMD64) {
            throw new DumpFormatException(
                    "crash dump is not of an x64 machine, MachineImageType=0x" + Hex.plain(machine));
        }
        directoryTableBase = file.get(LONG, CrashDumpFormat.DIRECTORY_TABLE_BASE);
        psLoadedModuleList = file.get(LONG, CrashDumpFormat.PS_LOADED_MODULE_LIST);
        kdDebuggerDataBlock = file.get(LONG, CrashDumpFormat.KD_DEBUGGER_DATA_BLOCK);
        dumpType = file.get(INT, CrashDumpFormat.DUMP_TYPE);
        switch (dumpType) {
            case CrashDumpFormat.TYPE_FULL -> {
                runs = fullRuns(file);
                dataOffset = SIZE;
            }
            case CrashDumpFormat.TYPE_BITMAP_FULL,
                    CrashDumpFormat.TYPE_BITMAP_KERNEL,
                    CrashDumpFormat.TYPE_AUTOMATIC -> {
                runs = bitmapRuns(file);
                dataOffset = file.get(LONG, BITMAP_FIRST_PAGE);
            }
            default ->
                throw new DumpFormatException("crash dump of a kind that holds no readable set of pages, DumpType="
                        + dumpType + " (read: 1, 5, 6, 7)");
        }
        long pages = runs.stream().mapToLong(PhysicalRun::pages).sum();
        long wanted = dataOffset + (pages << Pages.SHIFT);
        if (wanted > file.byteSize()) {
            throw new DumpFormatException("crash dump is truncated: its header names " + pages + " pages, which need "
                    + wanted + " bytes, fileSize=" + file.byteSize());
        }
    }

    private static List<PhysicalRun> fullRuns(MemorySegment file) throws DumpFormatException {
        int count = file.get(INT, CrashDumpFormat.NUMBER_OF_RUNS);
        if (count <= 0 || count > CrashDumpFormat.MAXIMUM_RUNS) {
            throw new DumpFormatException(
                    "crash dump has no sound list of memory runs, NumberOfRuns=0x" + Hex.plain(count & 0xFFFF_FFFFL));
        }
        List<PhysicalRun> runs = new ArrayList<>();
        long end = 0;
        for (int i = 0; i < count; i++) {
            long first = file.get(LONG, CrashDumpFormat.RUNS + i * 16L);
            long pages = file.get(LONG, CrashDumpFormat.RUNS + i * 16L + 8);
            if (first < end || pages < 0 || first > MAXIMUM_PAGES || pages > MAXIMUM_PAGES) {
                throw new DumpFormatException("crash dump has memory runs out of order, run=" + i + " BasePage=0x"
                        + Hex.plain(first) + " PageCount=0x" + Hex.plain(pages));
            }
            runs.add(new PhysicalRun(first, pages));
            end = first + pages;
        }
        return runs;
    }

    private static List<PhysicalRun> bitmapRuns(MemorySegment file) throws DumpFormatException {
        if (file.byteSize() < BITMAP) {
            throw new DumpFormatException("crash dump ends before its bitmap, fileSize=" + file.byteSize());
        }
        String signature =
                new String(file.asSlice(BITMAP_HEADER, 8).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1);
        if (!signature.equals("FDMPDUMP") && !signature.equals("SDMPDUMP")) {
            throw new DumpFormatException("crash dump has no bitmap where its type promises one, offset=0x2000");
        }
        long firstPage = file.get(LONG, BITMAP_FIRST_PAGE);
        long bits = file.get(LONG, BITMAP_BITS);
        if (bits < 0 || bits > MAXIMUM_PAGES || firstPage < BITMAP + (bits + 7) / 8 || firstPage > file.byteSize()) {
            throw new DumpFormatException("crash dump has an unsound bitmap header, BitmapSize=0x" + Hex.plain(bits)
                    + " HeaderSize=0x" + Hex.plain(firstPage));
        }
        List<PhysicalRun> runs = new ArrayList<>();
        long start = -1;
        long set = 0;
        for (long bit = 0; bit <= bits; bit++) {
            boolean present =
                    bit < bits && (file.get(ValueLayout.JAVA_BYTE, BITMAP + (bit >>> 3)) >>> (bit & 7) & 1) != 0;
            set += present ? 1 : 0;
            if (present && start < 0) {
                start = bit;
            } else if (!present && start >= 0) {
                runs.add(new PhysicalRun(start, bit - start));
                start = -1;
            }
        }
        long stated = file.get(LONG, BITMAP_PRESENT_PAGES);
        if (stated != set) {
            throw new DumpFormatException(
                    "crash dump's bitmap disagrees with its header, set=" + set + " Pages=" + stated);
        }
        return runs;
    }
}
