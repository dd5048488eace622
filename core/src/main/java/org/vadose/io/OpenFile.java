package org.vadose.io;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;

/** One opened file, directory or stream: what a handle stands for. Failures are {@link FileException}s. */
public abstract sealed class OpenFile implements AutoCloseable {
    /** What {@code GetFileType} tells apart. */
    public enum Kind {
        DISK(1),
        CHARACTER(2),
        PIPE(3);

        private final int win32;

        Kind(int win32) {
            this.win32 = win32;
        }

        public int win32() {
            return win32;
        }
    }

    private final String path;
    private final int access;
    private final int share;

    private OpenFile(String path, int access, int share) {
        this.path = path;
        this.access = access;
        this.share = share;
    }

    /** DOS path, or a device's name. */
    public String path() {
        return path;
    }

    /** Access asked for at the open. */
    public int access() {
        return access;
    }

    public boolean canRead() {
        return FileNode.canRead(access);
    }

    public boolean canWrite() {
        return FileNode.canWrite(access);
    }

    public int share() {
        return share;
    }

    public abstract Kind kind();

    /** The file behind it; null for a stream. */
    public abstract @Nullable FileNode node();

    /**
     * @param position byte to start at; ignored by streams
     * @return bytes read, 0 at the end
     */
    public abstract int read(long position, byte[] target, int offset, int length);

    /** @return bytes written */
    public abstract int write(long position, byte[] source, int offset, int length);

    public void flush() {}

    /**
     * Before a process reads or writes: others may have locked the bytes.
     *
     * @param process address of the process
     * @throws FileException FILE_LOCK_CONFLICT
     */
    public void checkLocks(long process, int key, long position, long length, boolean writes) {
        FileNode file = node();
        FileLocks locks = file == null ? null : file.locksIfAny();
        if (locks != null && length > 0) {
            locks.check(new FileLocks.Owner(this, process, key), position, length, writes);
        }
    }

    /** The last handle is closed; sections may still use the file. */
    @Override
    public void close() {}

    /** A file or directory on a drive. */
    public static final class OnDisk extends OpenFile {
        private static final int SECTOR_BYTES = 512;

        private final FileNode node;
        private final int options;
        private @Nullable FileCache cache;
        private long fileObject;
        private boolean closed;

        /** @param options {@code FILE_*} of {@code NtCreateFile} */
        OnDisk(FileNode node, String path, int access, int share, int options) {
            super(path, access, share);
            this.node = node;
            this.options = options;
            node.opened(this);
        }

        @Override
        public Kind kind() {
            return Kind.DISK;
        }

        @Override
        public FileNode node() {
            return node;
        }

        /** {@code FILE_*} of {@code NtCreateFile}: how it was opened. */
        public int options() {
            return options;
        }

        /** From now on it is read and written through the cache. */
        void useCache(FileCache newCache, long newFileObject) {
            cache = newCache;
            fileObject = newFileObject;
        }

        @Override
        public int read(long position, byte[] target, int offset, int length) {
            checkSectors(position, length);
            FileCache through = cache;
            return through != null
                    ? through.read(fileObject, position, target, offset, length)
                    : node.read(position, target, offset, length);
        }

        @Override
        public int write(long position, byte[] source, int offset, int length) {
            checkSectors(position, length);
            FileCache through = cache;
            if (through != null && length > 0) {
                through.write(fileObject, position, source, offset, length);
            } else if (length > 0) {
                node.write(position, source, offset, length);
            }
            return length;
        }

        /**
         * Without the cache, a file is read and written in whole sectors.
         *
         * @throws FileException INVALID_PARAMETER
         */
        public void checkSectors(long position, long length) {
            if ((options & GuestFileSystem.NO_BUFFERING) != 0 && ((position | length) & SECTOR_BYTES - 1) != 0) {
                throw new FileException(NtStatus.INVALID_PARAMETER);
            }
        }

        /** {@link #read} past the cache, and yet what it says. */
        public int readUncached(long position, byte[] target, int offset, int length) {
            return node.readUncached(position, target, offset, length);
        }

        /** {@link #write} past the cache, which takes it over. */
        public void writeUncached(long position, byte[] source, int offset, int length) {
            node.writeUncached(position, source, offset, length);
        }

        public void setSize(long size) {
            node.setSize(size);
        }

        @Override
        public void flush() {
            node.flush();
        }

        @Override
        public void close() {
            if (closed) {
                return;
            }
            closed = true;
            if ((options & GuestFileSystem.DELETE_ON_CLOSE) != 0) {
                node.setDeletePending(true);
            }
            FileCache through = cache;
            if (through != null) {
                through.closing(fileObject, node.isDeletePending() && node.isOnlyOpen(this));
            }
            FileLocks locks = node.locksIfAny();
            if (locks != null) {
                locks.release(this);
            }
            node.closed(this);
        }
    }

    /** One of the host's standard streams, or the null device. */
    public static final class Stream extends OpenFile {
        private final @Nullable InputStream in;
        private final @Nullable OutputStream out;
        private final boolean isConsole;

        /** @param isConsole whether a person sits at it */
        public Stream(String name, @Nullable InputStream in, @Nullable OutputStream out, boolean isConsole) {
            super(name, (in != null ? 1 : 0) | (out != null ? 2 : 0), 3);
            this.in = in;
            this.out = out;
            this.isConsole = isConsole;
        }

        public boolean isConsole() {
            return isConsole;
        }

        /** What a person types, if it comes from there: whoever reads it must not keep others waiting. */
        public @Nullable TypedInput typed() {
            return in instanceof TypedInput typed ? typed : null;
        }

        @Override
        public Kind kind() {
            return isConsole || path().equals("NUL") ? Kind.CHARACTER : Kind.PIPE;
        }

        @Override
        public @Nullable FileNode node() {
            return null;
        }

        @Override
        public int read(long position, byte[] target, int offset, int length) {
            if (in == null) {
                return 0;
            }
            try {
                return Math.max(0, in.read(target, offset, length));
            } catch (IOException e) {
                throw new FileException(NtStatus.PIPE_BROKEN);
            }
        }

        @Override
        public int write(long position, byte[] source, int offset, int length) {
            if (out != null) {
                try {
                    out.write(source, offset, length);
                    out.flush();
                } catch (IOException e) {
                    throw new FileException(NtStatus.PIPE_BROKEN);
                }
            }
            return length;
        }
    }
}
