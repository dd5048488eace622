package org.vadose.machine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.PhysicalMemory;
import org.vadose.mm.BackingStore;

/**
 * A page file in a temporary file of the host: sparse, made with the first write, gone when it is closed.
 *
 * <p>Pages go straight between RAM and the file, which is mapped in windows: that takes a third of the time of calls to the host. A
 * mapping cannot say that the disk is full, so the storage of a block is claimed by writing to the file before the block is used.
 */
final class HostFileStore implements BackingStore {
    private static final int WINDOW_SHIFT = 28;
    private static final long WINDOW_BYTES = 1L << WINDOW_SHIFT;
    private static final int BLOCK_SHIFT = 20;
    private static final int ZEROS_BYTES = 1 << 16;

    private final @Nullable Path folder;
    private final Arena arena = Arena.ofShared();
    private final Map<Long, MemorySegment> windows = new HashMap<>();
    /** Blocks that have storage; the others hold zeros. */
    private final BitSet claimed = new BitSet();

    private @Nullable FileChannel channel;
    private volatile @Nullable String problem;

    /** @param folder where the file is made; null for the host's folder for temporary files */
    HostFileStore(@Nullable Path folder) {
        this.folder = folder;
    }

    private FileChannel open() throws IOException {
        FileChannel opened = channel;
        if (opened == null) {
            Path path = folder == null
                    ? Files.createTempFile("vadose", ".pagefile")
                    : Files.createTempFile(folder, "vadose", ".pagefile");
            opened = FileChannel.open(
                    path,
                    StandardOpenOption.READ,
                    StandardOpenOption.WRITE,
                    StandardOpenOption.SPARSE,
                    StandardOpenOption.DELETE_ON_CLOSE);
            channel = opened;
        }
        return opened;
    }

    /** What the host said when it last could not read or write, and in which folder; null if it always could. */
    @Nullable String problem() {
        String said = problem;
        return said == null ? null : said + ", in " + (folder == null ? System.getProperty("java.io.tmpdir") : folder);
    }

    private MemorySegment window(long position) throws IOException {
        long number = position >>> WINDOW_SHIFT;
        MemorySegment window = windows.get(number);
        if (window == null) {
            window = open().map(FileChannel.MapMode.READ_WRITE, number << WINDOW_SHIFT, WINDOW_BYTES, arena);
            windows.put(number, window);
        }
        return window;
    }

    @Override
    public NtStatus read(long slot, PhysicalMemory ram, long[] frames, int count) {
        try {
            for (int i = 0; i < count; i++) {
                long position = slot + i << Pages.SHIFT;
                if (claimed.get((int) (position >>> BLOCK_SHIFT))) {
                    ram.writeFrame(frames[i], window(position), position & WINDOW_BYTES - 1);
                } else {
                    ram.zeroFrame(frames[i]);
                }
            }
        } catch (IOException | InternalError e) {
            return failed(e);
        }
        return NtStatus.SUCCESS;
    }

    @Override
    public NtStatus write(long slot, PhysicalMemory ram, long[] frames, int count) {
        try {
            claim(slot << Pages.SHIFT, (long) count << Pages.SHIFT);
        } catch (IOException e) {
            problem = e.getMessage();
            return NtStatus.DISK_FULL;
        }
        try {
            for (int i = 0; i < count; i++) {
                long position = slot + i << Pages.SHIFT;
                ram.readFrame(frames[i], window(position), position & WINDOW_BYTES - 1);
            }
        } catch (IOException | InternalError e) {
            return failed(e);
        }
        return NtStatus.SUCCESS;
    }

    /** What an access to a mapping throws when the host cannot do it is an InternalError. */
    private NtStatus failed(Throwable e) {
        problem = e.getMessage();
        return e instanceof IOException ? NtStatus.INSUFFICIENT_RESOURCES : NtStatus.UNSUCCESSFUL;
    }

    private void claim(long position, long bytes) throws IOException {
        int last = (int) (position + bytes - 1 >>> BLOCK_SHIFT);
        for (int block = (int) (position >>> BLOCK_SHIFT); block <= last; block++) {
            if (claimed.get(block)) {
                continue;
            }
            ByteBuffer zeros = ByteBuffer.allocateDirect(ZEROS_BYTES);
            long end = (long) block + 1 << BLOCK_SHIFT;
            for (long at = (long) block << BLOCK_SHIFT; at < end; ) {
                zeros.clear();
                at += open().write(zeros, at);
            }
            claimed.set(block);
        }
    }

    @Override
    public void close() {
        arena.close();
        windows.clear();
        try (FileChannel closing = channel) {
            channel = null;
        } catch (IOException e) {
            throw new UncheckedIOException("page file cannot be closed", e);
        }
    }
}
