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
    /** Growth beyond this leaves a hole in the host's file, once the host says that it has so much. */
    private static final long MOST_CLAIMED = 64L << 20;

    private static final int ZEROS_BYTES = 1 << 16;
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
            throw notWritten(e);
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
                grow(channel, size);
            }
        } catch (IOException e) {
            throw notWritten(e);
        }
    }

    /**
     * Claims the host's storage as the file grows: what the cache writes later must find room. That is said to the guest now, or
     * never.
     */
    private void grow(FileChannel channel, long size) throws IOException {
        long before = channel.size();
        if (size - before > MOST_CLAIMED) {
            if (Files.getFileStore(path).getUsableSpace() < size - before) {
                throw new FileException(NtStatus.DISK_FULL);
            }
            channel.write(ByteBuffer.allocate(1), size - 1);
            return;
        }
        ByteBuffer zeros = ByteBuffer.allocateDirect((int) Math.min(size - before, ZEROS_BYTES));
        try {
            for (long at = before; at < size; ) {
                zeros.clear().limit((int) Math.min(zeros.capacity(), size - at));
                at += channel.write(zeros, at);
            }
        } catch (IOException full) {
            channel.truncate(before);
            throw full;
        }
    }

    /** The host says it in words only. */
    private static FileException notWritten(IOException e) {
        String said = String.valueOf(e.getMessage());
        boolean isFull = said.startsWith("No space left") || said.startsWith("Disk quota exceeded");
        return new FileException(isFull ? NtStatus.DISK_FULL : NtStatus.ACCESS_DENIED);
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
