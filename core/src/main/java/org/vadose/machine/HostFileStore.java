package org.vadose.machine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.mm.BackingStore;

/** A page file in a temporary file of the host: sparse, made with the first write, gone when it is closed. */
final class HostFileStore implements BackingStore {
    private @Nullable FileChannel channel;

    private FileChannel open() throws IOException {
        FileChannel opened = channel;
        if (opened == null) {
            Path path = Files.createTempFile("vadose", ".pagefile");
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

    @Override
    public NtStatus read(long slot, int pages, MemorySegment buffer) {
        ByteBuffer bytes = buffer.asSlice(0, pages * Pages.SIZE).asByteBuffer();
        try {
            long position = slot << Pages.SHIFT;
            while (bytes.hasRemaining() && channel != null) {
                int count = open().read(bytes, position + bytes.position());
                if (count < 0) {
                    break;
                }
            }
        } catch (IOException e) {
            return NtStatus.UNSUCCESSFUL;
        }
        buffer.asSlice(bytes.position(), bytes.remaining()).fill((byte) 0);
        return NtStatus.SUCCESS;
    }

    @Override
    public NtStatus write(long slot, int pages, MemorySegment buffer) {
        ByteBuffer bytes = buffer.asSlice(0, pages * Pages.SIZE).asByteBuffer();
        try {
            long position = slot << Pages.SHIFT;
            while (bytes.hasRemaining()) {
                open().write(bytes, position + bytes.position());
            }
        } catch (IOException e) {
            return NtStatus.DISK_FULL;
        }
        return NtStatus.SUCCESS;
    }

    @Override
    public void close() {
        try (FileChannel closing = channel) {
            channel = null;
        } catch (IOException e) {
            throw new UncheckedIOException("page file cannot be closed", e);
        }
    }
}
