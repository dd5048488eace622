package org.vadose.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;

/** A file of the host: written through where the person granted that, else copied into memory by the first write. */
final class HostContents implements Contents {
    private final Path path;
    private final boolean writeThrough;
    private final AtomicLong budget;
    private @Nullable MemoryContents copy;

    HostContents(Path path, boolean writeThrough, AtomicLong budget) {
        this.path = path;
        this.writeThrough = writeThrough;
        this.budget = budget;
    }

    @Override
    public synchronized long size() {
        if (copy != null) {
            return copy.size();
        }
        try {
            return Files.size(path);
        } catch (IOException gone) {
            return 0;
        }
    }

    @Override
    public synchronized int read(long position, byte[] target, int offset, int length) {
        if (copy != null) {
            return copy.read(position, target, offset, length);
        }
        try (FileChannel channel = open(StandardOpenOption.READ)) {
            return Math.max(0, channel.read(ByteBuffer.wrap(target, offset, length), position));
        } catch (IOException e) {
            throw new FileException(NtStatus.ACCESS_DENIED);
        }
    }

    @Override
    public synchronized void write(long position, byte[] source, int offset, int length) {
        if (!writeThrough) {
            copy().write(position, source, offset, length);
            return;
        }
        try (FileChannel channel = open(StandardOpenOption.WRITE)) {
            ByteBuffer buffer = ByteBuffer.wrap(source, offset, length);
            for (long at = position; buffer.hasRemaining(); ) {
                at += channel.write(buffer, at);
            }
        } catch (IOException e) {
            throw new FileException(NtStatus.ACCESS_DENIED);
        }
    }

    @Override
    public synchronized void setSize(long size) {
        if (!writeThrough) {
            copy().setSize(size);
            return;
        }
        try (FileChannel channel = open(StandardOpenOption.WRITE)) {
            if (size <= channel.size()) {
                channel.truncate(size);
            } else {
                channel.write(ByteBuffer.allocate(1), size - 1);
            }
        } catch (IOException e) {
            throw new FileException(NtStatus.ACCESS_DENIED);
        }
    }

    private MemoryContents copy() {
        MemoryContents made = copy;
        if (made == null) {
            if (size() > budget.get()) {
                throw new FileException(NtStatus.DISK_FULL);
            }
            try {
                byte[] bytes = Files.readAllBytes(path);
                budget.addAndGet(-bytes.length);
                made = new MemoryContents(bytes, budget);
            } catch (IOException e) {
                throw new FileException(NtStatus.ACCESS_DENIED);
            }
            copy = made;
        }
        return made;
    }

    private FileChannel open(StandardOpenOption mode) throws IOException {
        return FileChannel.open(path, Set.of(mode, LinkOption.NOFOLLOW_LINKS));
    }
}
