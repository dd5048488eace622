package org.vadose.cc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.vadose.base.NtStatus;
import org.vadose.io.Contents;
import org.vadose.io.FileException;
import org.vadose.io.GuestFileSystem;
import org.vadose.layout.FileObjectLayout;
import org.vadose.layout.SectionObjectPointersLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ControlArea;
import org.vadose.nt.SharedCacheMap;

/** Reads and writes through the cache, and what the machine's memory says of them. */
class CacheManagerTest {
    private static final long RAM = 64L << 20;

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    private static SharedCacheMap map(CachedFiles files, CachedFiles.Handle handle) {
        Memory memory = files.machine.memoryManager().kernelMemory();
        long pointers = memory.readLong(handle.body() + FileObjectLayout.SECTION_OBJECT_POINTER);
        return new SharedCacheMap(memory, memory.readLong(pointers + SectionObjectPointersLayout.SHARED_CACHE_MAP));
    }

    @Test
    void whatIsWrittenIsReadAndReachesTheFile() {
        try (CachedFiles files = new CachedFiles(RAM)) {
            byte[] bytes = random(700_000);
            CachedFiles.Handle handle = files.open("C:\\a.bin");
            files.write(handle, 0, bytes);
            files.check("written");
            assertArrayEquals(bytes, files.read(handle, 0, bytes.length));
            assertEquals(171, map(files, handle).dirtyPages());
            handle.file().flush();
            assertEquals(0, map(files, handle).dirtyPages());
            files.check("flushed");
            files.close(handle);
            files.check("closed");
            CachedFiles.Handle again = files.open("C:\\a.bin");
            assertArrayEquals(Arrays.copyOfRange(bytes, 300_001, 600_000), files.read(again, 300_001, 299_999));
            files.check("read again");
            files.close(again);
        }
    }

    @Test
    void viewAndReadsShareTheirPages() {
        try (CachedFiles files = new CachedFiles(RAM)) {
            byte[] bytes = random(10_000);
            files.files.addFile("C:\\b.bin", bytes.clone());
            CachedFiles.Handle handle = files.open("C:\\b.bin");
            assertArrayEquals(bytes, files.read(handle, 0, 20_000));
            CachedFiles.View view = files.map(handle);
            Memory user = files.machine.mmu().user();
            assertEquals(bytes[5000], user.readByte(view.base() + 5000));
            user.writeByte(view.base() + 5000, (byte) (bytes[5000] + 1));
            assertEquals((byte) (bytes[5000] + 1), files.read(handle, 5000, 1)[0]);
            files.write(handle, 4090, new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
            assertEquals(7, user.readByte(view.base() + 4096));
            files.check("both");
            ControlArea area = new org.vadose.nt.Section(
                            files.machine.memoryManager().kernelMemory(), view.section())
                    .controlArea();
            assertEquals(2, area.mappedViews());
            assertEquals(1, area.systemCacheViews());
            FileException refused =
                    assertThrows(FileException.class, () -> handle.file().setSize(100));
            assertEquals(NtStatus.USER_MAPPED_FILE, refused.status());
            files.unmap(view);
            handle.file().setSize(5001);
            assertEquals(5001, files.read(handle, 0, 20_000).length);
            files.check("cut");
            handle.file().setSize(9000);
            byte[] tail = files.read(handle, 5001, 9000);
            assertArrayEquals(new byte[3999], tail);
            files.close(handle);
            files.check("closed");
            CachedFiles.Handle again = files.open("C:\\b.bin");
            assertEquals((byte) (bytes[5000] + 1), files.read(again, 5000, 1)[0]);
            assertNotEquals(0, again.body());
            files.close(again);
        }
    }

    /** A file that counts how often it is read, and can tell that somebody else changed it. */
    private static final class Counted implements Contents {
        final byte[] bytes;
        int reads;
        long stamp;

        Counted(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public long size() {
            return bytes.length;
        }

        @Override
        public int read(long position, byte[] target, int offset, int length) {
            reads++;
            int count = (int) Math.clamp(bytes.length - position, 0, length);
            System.arraycopy(bytes, (int) Math.min(position, bytes.length), target, offset, count);
            return count;
        }

        @Override
        public void write(long position, byte[] source, int offset, int length) {
            System.arraycopy(source, offset, bytes, (int) position, length);
        }

        @Override
        public void setSize(long size) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long stamp() {
            return stamp;
        }
    }

    @Test
    void closedFileIsReadAgainWithoutItsDisk() {
        try (CachedFiles files = new CachedFiles(RAM)) {
            Counted disk = new Counted(random(100_000));
            files.files.addFile("C:\\c.bin", disk);
            CachedFiles.Handle handle = files.open("C:\\c.bin");
            files.read(handle, 0, 100_000);
            files.write(handle, 50_000, new byte[] {1, 2, 3});
            files.close(handle);
            files.check("closed");
            assertEquals(2, disk.bytes[50_001], "written when it was closed");
            int reads = disk.reads;
            CachedFiles.Handle again = files.open("C:\\c.bin");
            assertArrayEquals(disk.bytes, files.read(again, 0, 100_000));
            CachedFiles.View view = files.map(again);
            assertEquals(2, files.machine.mmu().user().readByte(view.base() + 50_001));
            files.unmap(view);
            files.close(again);
            assertEquals(reads, disk.reads);
            files.check("closed again");
            // Somebody else changed it.
            disk.bytes[7] ^= 1;
            disk.stamp++;
            again = files.open("C:\\c.bin");
            assertArrayEquals(disk.bytes, files.read(again, 0, 100_000));
            assertNotEquals(reads, disk.reads);
            files.close(again);
            files.check("read anew");
        }
    }

    @Test
    void deletedFileTakesItsPagesAlong() {
        try (CachedFiles files = new CachedFiles(RAM)) {
            long standby = files.machine.memoryManager().pfns().standbyPages();
            CachedFiles.Handle handle = files.open("C:\\d.bin");
            files.write(handle, 0, random(50_000));
            files.close(handle);
            assertEquals(standby + 13, files.machine.memoryManager().pfns().standbyPages());
            CachedFiles.Handle again =
                    files.open("C:\\d.bin", GuestFileSystem.Disposition.OPEN, GuestFileSystem.DELETE_ON_CLOSE);
            files.close(again);
            assertEquals(standby, files.machine.memoryManager().pfns().standbyPages());
            files.check("deleted");
            handle = files.open("C:\\d.bin");
            assertEquals(0, files.read(handle, 0, 50_000).length);
            files.write(handle, 0, random(50_000));
            files.close(handle);
            // Written over: nothing of what it held is left.
            again = files.open("C:\\d.bin", GuestFileSystem.Disposition.OVERWRITE, 0);
            assertEquals(standby, files.machine.memoryManager().pfns().standbyPages());
            files.write(again, 10, new byte[] {1});
            assertArrayEquals(new byte[] {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, files.read(again, 0, 100));
            files.close(again);
            files.check("written over");
        }
    }
}
