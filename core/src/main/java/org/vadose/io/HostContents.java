package org.vadose.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;

/** A file of the host: written through where the person granted that, else copied into memory by the first write. */
final class HostContents implements Contents {
    private static final Set<OpenOption> READ_ONLY = Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
    private static final Set<OpenOption> READ_AND_WRITE =
            Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);

    private final Path path;
    private final boolean writeThrough;
    private final AtomicLong budget;
    private @Nullable MemoryContents copy;
    private @Nullable FileChannel channel;
    private boolean channelWrites;

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
            FileChannel opened = channel;
            if (opened != null && opened.isOpen()) {
                // The file that was opened, even if somebody took its name away since.
                return opened.size();
            }
            HostPaths.check(path);
            return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                    .size();
        } catch (IOException gone) {
            return 0;
        }
    }

    @Override
    public synchronized long stamp() {
        if (copy != null) {
            return 0;
        }
        try {
            BasicFileAttributes attributes =
                    Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return attributes.lastModifiedTime().to(TimeUnit.NANOSECONDS) * 31 + attributes.size();
        } catch (IOException gone) {
            return -1;
        }
    }

    @Override
    public synchronized int read(long position, byte[] target, int offset, int length) {
        if (copy != null) {
            return copy.read(position, target, offset, length);
        }
        try {
            return Math.max(0, open(false).read(ByteBuffer.wrap(target, offset, length), position));
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
        try {
            FileChannel channel = open(true);
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
        try {
            FileChannel channel = open(true);
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
                FileChannel channel = open(false);
                byte[] bytes = new byte[Math.toIntExact(channel.size())];
                ByteBuffer buffer = ByteBuffer.wrap(bytes);
                while (buffer.hasRemaining() && channel.read(buffer, buffer.position()) > 0) {
                    // Until all is there.
                }
                budget.addAndGet(-bytes.length);
                made = new MemoryContents(bytes, budget);
            } catch (IOException e) {
                throw new FileException(NtStatus.ACCESS_DENIED);
            }
            copy = made;
        }
        return made;
    }

    /** The channel, opened if it is not open, or not for writing. Whoever reads first may write later: both go to one file. */
    private FileChannel open(boolean writes) throws IOException {
        FileChannel opened = channel;
        if (opened == null || !opened.isOpen() || writes && !channelWrites) {
            release();
            HostPaths.check(path);
            channelWrites = true;
            opened = writes ? FileChannel.open(path, READ_AND_WRITE) : openToRead();
            channel = opened;
        }
        return opened;
    }

    private FileChannel openToRead() throws IOException {
        if (writeThrough) {
            try {
                return FileChannel.open(path, READ_AND_WRITE);
            } catch (IOException notToBeWritten) {
                // Read it, then.
            }
        }
        channelWrites = false;
        return FileChannel.open(path, READ_ONLY);
    }

    @Override
    public synchronized void release() {
        FileChannel opened = channel;
        channel = null;
        if (opened != null) {
            try {
                opened.close();
            } catch (IOException e) {
                throw new FileException(NtStatus.UNSUCCESSFUL);
            }
        }
    }
}
