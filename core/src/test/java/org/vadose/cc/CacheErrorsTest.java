package org.vadose.cc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.vadose.base.NtStatus;
import org.vadose.io.Contents;
import org.vadose.io.FileException;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.SystemCache;
import org.vadose.mm.SystemCacheWorkingSet;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Vacb;

/** Disks that fail, limits that bind, more files than views: nothing else is harmed, and nothing is lost. */
class CacheErrorsTest {
    private static final int PAGE = 4096;

    /** A file on a disk with a bad page, or one that takes no writes. */
    private static final class Disk implements Contents {
        private byte[] bytes;
        private int badPage = -1;
        private boolean refusesWrites;
        private int reads;

        Disk(int size) {
            bytes = new byte[size];
            new Random(size).nextBytes(bytes);
        }

        @Override
        public long size() {
            return bytes.length;
        }

        @Override
        public int read(long position, byte[] target, int offset, int length) {
            reads++;
            int count = (int) Math.clamp(bytes.length - position, 0, length);
            long bad = (long) badPage * PAGE;
            if (badPage >= 0 && position < bad + PAGE && position + count > bad) {
                throw new FileException(NtStatus.DATA_ERROR);
            }
            System.arraycopy(bytes, (int) Math.min(position, bytes.length), target, offset, count);
            return count;
        }

        @Override
        public void write(long position, byte[] source, int offset, int length) {
            if (refusesWrites && length > 0) {
                throw new FileException(NtStatus.DATA_ERROR);
            }
            if (position + length > bytes.length) {
                setSize(position + length);
            }
            System.arraycopy(source, offset, bytes, (int) position, length);
        }

        @Override
        public void setSize(long size) {
            bytes = Arrays.copyOf(bytes, (int) size);
        }
    }

    private static NtStatus statusOf(Runnable work) {
        return assertThrows(FileException.class, work::run).status();
    }

    @Test
    void badPageFailsAloneWhateverIsReadWithIt() {
        try (CachedFiles files = new CachedFiles(32L << 20)) {
            Disk disk = new Disk(20 * PAGE);
            files.files.addFile("C:\\bad", disk);
            CachedFiles.Handle handle = files.open("C:\\bad");
            disk.badPage = 7;
            assertEquals(NtStatus.DATA_ERROR, statusOf(() -> files.read(handle, 0, 20 * PAGE)));
            assertArrayEquals(Arrays.copyOf(disk.bytes, 7 * PAGE), files.read(handle, 0, 7 * PAGE));
            assertEquals(NtStatus.DATA_ERROR, statusOf(() -> files.write(handle, 7 * PAGE + 5, new byte[10])));
            CachedFiles.View view = files.map(handle);
            MemoryFault fault = assertThrows(
                    MemoryFault.class, () -> files.machine.mmu().user().readByte(view.base() + 7 * PAGE));
            assertEquals(NtStatus.IN_PAGE_ERROR, fault.status());
            // A whole page needs no reading.
            byte[] whole = new byte[PAGE];
            Arrays.fill(whole, (byte) 0x77);
            files.write(handle, 7 * PAGE, whole);
            assertEquals(0x77, files.machine.mmu().user().readByte(view.base() + 7 * PAGE));
            files.check("bad page");
            files.unmap(view);
            disk.badPage = -1;
            files.close(handle);
            assertArrayEquals(whole, Arrays.copyOfRange(disk.bytes, 7 * PAGE, 8 * PAGE));
            files.check("closed");
        }
    }

    @Test
    void whatCannotBeWrittenStaysDirtyUntilItCan() {
        try (CachedFiles files = new CachedFiles(32L << 20)) {
            Disk disk = new Disk(5 * PAGE);
            files.files.addFile("C:\\full", disk);
            CachedFiles.Handle handle = files.open("C:\\full");
            byte[] old = disk.bytes.clone();
            files.write(handle, 100, new byte[] {1, 2, 3});
            disk.refusesWrites = true;
            files.write(handle, 3 * PAGE, new byte[] {4, 5, 6});
            assertEquals(NtStatus.DATA_ERROR, statusOf(() -> handle.file().flush()));
            files.machine.memoryManager().writeModifiedPages();
            files.machine.cacheManager().lazyWrite();
            assertArrayEquals(old, disk.bytes);
            assertEquals(2, files.machine.cacheManager().dirtyPageCount());
            assertArrayEquals(new byte[] {1, 2, 3}, files.read(handle, 100, 3));
            files.check("refused");
            files.close(handle);
            assertEquals(2, files.machine.cacheManager().dirtyPageCount());
            files.check("closed, not written");
            disk.refusesWrites = false;
            files.machine.cacheManager().lazyWrite();
            assertEquals(0, files.machine.cacheManager().dirtyPageCount());
            assertArrayEquals(new byte[] {1, 2, 3}, Arrays.copyOfRange(disk.bytes, 100, 103));
            assertArrayEquals(new byte[] {4, 5, 6}, Arrays.copyOfRange(disk.bytes, 3 * PAGE, 3 * PAGE + 3));
            files.check("written at last");
        }
    }

    @Test
    void sequentialReadsAreFewReadsOfTheDisk() {
        try (CachedFiles files = new CachedFiles(64L << 20)) {
            Disk disk = new Disk(256 * PAGE);
            files.files.addFile("C:\\long", disk);
            CachedFiles.Handle handle = files.open("C:\\long");
            for (int at = 0; at < disk.bytes.length; at += 1000) {
                int end = Math.min(disk.bytes.length, at + 1000);
                assertArrayEquals(Arrays.copyOfRange(disk.bytes, at, end), files.read(handle, at, 1000));
            }
            assertTrue(disk.reads <= 256 * PAGE / (64 << 10) + 4, "reads=" + disk.reads);
            files.check("read");
            files.close(handle);
        }
    }

    @Test
    void limitsOfTheWorkingSetBind() {
        try (CachedFiles files = new CachedFiles(64L << 20)) {
            SystemCache cache = files.machine.memoryManager().systemCache();
            Eprocess system = files.machine.processManager().processes().stream()
                    .filter(p -> p.imageFileName().equals("System"))
                    .findFirst()
                    .orElseThrow();
            int hard = SystemCacheWorkingSet.MAXIMUM_HARD_ENABLE;
            assertEquals(NtStatus.PRIVILEGE_NOT_HELD, cache.setLimits(files.process, 1 << 20, 1 << 20, hard));
            assertEquals(NtStatus.INVALID_PARAMETER, cache.setLimits(system, 0, 0, 3));
            assertEquals(NtStatus.INVALID_PARAMETER, cache.setLimits(system, 0, 0, 0x10));
            assertEquals(NtStatus.INVALID_PARAMETER, cache.setLimits(system, 2 << 20, 1 << 20, 0));
            assertEquals(NtStatus.SUCCESS, cache.setLimits(system, 0, 1 << 20, hard));
            assertEquals(hard, cache.workingSet().hardLimits());
            Disk disk = new Disk(800 * PAGE);
            files.files.addFile("C:\\large", disk);
            CachedFiles.Handle handle = files.open("C:\\large");
            assertArrayEquals(disk.bytes, files.read(handle, 0, disk.bytes.length));
            assertTrue(
                    cache.workingSet().sizePages() <= 256,
                    () -> "pages=" + cache.workingSet().sizePages());
            files.check("limited");
            assertEquals(NtStatus.SUCCESS, cache.setLimits(system, -1, -1, 0));
            assertEquals(0, cache.workingSet().sizePages());
            files.check("emptied");
            files.close(handle);
        }
    }

    @Test
    void moreViewsThanThereAreTakeTurns() {
        try (CachedFiles files = new CachedFiles(32L << 20)) {
            CachedFiles.Handle handle = files.open("C:\\sparse");
            int views = (int) files.machine.memoryManager().systemCache().mostViews() + 40;
            for (int i = 0; i < views; i++) {
                files.write(handle, i * Vacb.VIEW_BYTES + 7, new byte[] {(byte) i});
            }
            files.check("written");
            for (int i = 0; i < views; i++) {
                assertEquals((byte) i, files.read(handle, i * Vacb.VIEW_BYTES + 7, 1)[0]);
            }
            files.check("read");
            files.close(handle);
            files.check("closed");
            CachedFiles.Handle again = files.open("C:\\sparse");
            assertEquals(77, files.read(again, 77 * Vacb.VIEW_BYTES + 7, 1)[0]);
            files.close(again);
        }
    }

    @Test
    void hostFileIsCompleteOnceClosedOrFlushed(@TempDir Path host) throws Exception {
        try (CachedFiles files = new CachedFiles(32L << 20)) {
            files.files.mount('D', host, true);
            CachedFiles.Handle handle = files.open("D:\\report.txt");
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < 3000; i++) {
                byte[] line = ("line " + i + "\n").getBytes(java.nio.charset.StandardCharsets.US_ASCII);
                files.write(handle, text.length(), line);
                text.append("line ").append(i).append('\n');
            }
            assertEquals(text.length(), Files.size(host.resolve("report.txt")));
            files.machine.cacheManager().lazyWrite();
            assertEquals(text.toString(), Files.readString(host.resolve("report.txt")));
            files.write(handle, 0, new byte[] {'L'});
            files.close(handle);
            assertEquals("L" + text.substring(1), Files.readString(host.resolve("report.txt")));
            CachedFiles.Handle left = files.open("D:\\report.txt");
            files.write(left, 1, new byte[] {'I'});
        }
        assertEquals("LIne 0", Files.readString(host.resolve("report.txt")).substring(0, 6));
    }
}
