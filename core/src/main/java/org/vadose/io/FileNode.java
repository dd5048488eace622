package org.vadose.io;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.mm.DataSectionPages;

/** A file or a directory. Times are ticks of 100 ns since 1601. */
public final class FileNode {
    public static final int READ_ONLY = 0x1;
    public static final int HIDDEN = 0x2;
    public static final int SYSTEM = 0x4;
    public static final int DIRECTORY = 0x10;
    public static final int ARCHIVE = 0x20;
    public static final int NORMAL = 0x80;
    private static final int SETTABLE = 0x1 | 0x2 | 0x4 | 0x20 | 0x100 | 0x2000;

    private static final int READ_ACCESS = 0x1 | 0x20 | 0x8000_0000 | 0x2000_0000 | 0x1000_0000;
    private static final int WRITE_ACCESS = 0x2 | 0x4 | 0x4000_0000 | 0x1000_0000;
    private static final int DELETE_ACCESS = 0x10000 | 0x1000_0000;

    private String name;
    private @Nullable Folder parent;
    private final @Nullable Folder folder;
    private final @Nullable Contents contents;
    private final long index;
    private int attributes;
    private long creationTime;
    private long lastWriteTime;
    private long lastAccessTime;
    private boolean deletePending;
    private final List<OpenFile> opens = new ArrayList<>();
    private @Nullable DataSection dataSection;
    private @Nullable DataSection imageSection;
    /** What {@link Contents#stamp} said when the file was last closed. */
    private long stamp;

    private @Nullable CachedFile cached;
    private @Nullable FileLocks locks;

    /** The section through which programs have the file's pages mapped. */
    record DataSection(DataSectionPages pages, long controlArea) {
        boolean purgeIfUnused() {
            return pages.purgeIfUnused(controlArea);
        }

        boolean isUserMapped() {
            return pages.isUserMapped(controlArea);
        }
    }

    private FileNode(
            String name,
            @Nullable Folder parent,
            @Nullable Folder folder,
            @Nullable Contents contents,
            long index,
            long time) {
        this.name = name;
        this.parent = parent;
        this.folder = folder;
        this.contents = contents;
        this.index = index;
        attributes = folder != null ? DIRECTORY : ARCHIVE;
        creationTime = time;
        lastWriteTime = time;
        lastAccessTime = time;
    }

    static FileNode directory(String name, @Nullable Folder parent, Folder folder, long index, long time) {
        return new FileNode(name, parent, folder, null, index, time);
    }

    static FileNode file(String name, Folder parent, Contents contents, long index, long time) {
        return new FileNode(name, parent, null, contents, index, time);
    }

    public String name() {
        return name;
    }

    @Nullable Folder parent() {
        return parent;
    }

    public boolean isDirectory() {
        return folder != null;
    }

    /** What is in a directory. */
    Folder folder() {
        if (folder == null) {
            throw new FileException(NtStatus.NOT_A_DIRECTORY);
        }
        return folder;
    }

    Contents contents() {
        if (contents == null) {
            throw new FileException(NtStatus.FILE_IS_A_DIRECTORY);
        }
        return contents;
    }

    /** Bytes; 0 for a directory. */
    public long size() {
        CachedFile through = cached;
        if (through != null) {
            return through.size();
        }
        return contents == null ? 0 : contents.size();
    }

    // --- bytes, in step with what is mapped ---

    void setDataSection(@Nullable DataSection section) {
        dataSection = section;
    }

    void setImageSection(@Nullable DataSection section) {
        imageSection = section;
    }

    /**
     * Its sections go if nobody uses them, with their pages: what they hold is no longer what the file will.
     *
     * @return false when an image of it is in use
     */
    boolean purgeImage() {
        DataSection image = imageSection;
        return image == null || image.purgeIfUnused();
    }

    private void purgeData() {
        DataSection section = dataSection;
        if (section != null) {
            section.purgeIfUnused();
        }
    }

    /** Nobody will open it again. */
    void purge() {
        purgeImage();
        purgeData();
    }

    /** Before an open: pages kept from earlier are of no use if somebody else has changed the file since. */
    void forgetIfChanged() {
        if (opens.isEmpty()
                && contents != null
                && (dataSection != null || imageSection != null)
                && stamp != contents.stamp()) {
            purge();
        }
    }

    /** The cache has views of the file now, or no longer. */
    public void setCached(@Nullable CachedFile newCached) {
        cached = newCached;
    }

    /** @return bytes read, 0 at the end */
    int read(long position, byte[] target, int offset, int length) {
        CachedFile through = cached;
        return through != null
                ? through.read(position, target, offset, length)
                : readUncached(position, target, offset, length);
    }

    void write(long position, byte[] source, int offset, int length) {
        CachedFile through = cached;
        if (through != null) {
            through.write(position, source, offset, length);
        } else {
            writeUncached(position, source, offset, length);
        }
    }

    /** @return bytes read, 0 at the end */
    int readUncached(long position, byte[] target, int offset, int length) {
        int count = contents().read(position, target, offset, length);
        DataSection section = dataSection;
        if (section != null && count > 0) {
            section.pages().overlay(section.controlArea(), position, target, offset, count);
        }
        return count;
    }

    void writeUncached(long position, byte[] source, int offset, int length) {
        long before = size();
        long end = position + length;
        if (cached != null && end > before) {
            setSize(end);
            before = end;
        }
        contents().write(position, source, offset, length);
        DataSection section = dataSection;
        if (section != null) {
            if (end > before) {
                section.pages().grown(section.controlArea(), before);
            }
            section.pages().written(section.controlArea(), position, source, offset, length);
        }
    }

    /** @throws FileException USER_MAPPED_FILE if something behind the new end is mapped */
    void setSize(long bytes) {
        DataSection section = dataSection;
        long before = size();
        if (section != null && bytes < before && !section.pages().canTruncate(section.controlArea(), bytes)) {
            throw new FileException(NtStatus.USER_MAPPED_FILE);
        }
        if (bytes < before) {
            purgeData();
            section = dataSection;
        }
        contents().setSize(bytes);
        if (section != null && bytes > before) {
            section.pages().grown(section.controlArea(), before);
        }
        CachedFile through = cached;
        if (through != null && bytes != before) {
            through.resized(before, bytes);
        }
    }

    /** Writes back what programs wrote through views, as far as it is known. */
    void flush() {
        CachedFile through = cached;
        if (through != null) {
            through.flush();
            return;
        }
        flushData();
    }

    private void flushData() {
        DataSection section = dataSection;
        if (section != null) {
            NtStatus status = section.pages().flush(section.controlArea());
            if (!status.isSuccess()) {
                throw new FileException(status);
            }
        }
    }

    /** Whether programs have it mapped: then it can be neither replaced nor deleted. */
    boolean isUserMapped() {
        DataSection section = dataSection;
        return section != null && section.isUserMapped();
    }

    /** Its locked ranges. */
    public FileLocks locks() {
        FileLocks made = locks;
        if (made == null) {
            made = new FileLocks();
            locks = made;
        }
        return made;
    }

    /** Null when nobody has ever locked a range. */
    @Nullable FileLocks locksIfAny() {
        return locks;
    }

    /** A number that no other file of this file system has. */
    public long index() {
        return index;
    }

    /** {@code FILE_ATTRIBUTE_} bits; never 0. */
    public int attributes() {
        return attributes == 0 ? NORMAL : attributes;
    }

    /** Sets what a program may set. */
    public void setAttributes(int wanted) {
        attributes = wanted & SETTABLE | (isDirectory() ? DIRECTORY : 0);
    }

    public boolean isReadOnly() {
        return (attributes & READ_ONLY) != 0 && !isDirectory();
    }

    public long creationTime() {
        return creationTime;
    }

    public long lastWriteTime() {
        return lastWriteTime;
    }

    public long lastAccessTime() {
        return lastAccessTime;
    }

    /** A time of 0 stays as it is. */
    public void setTimes(long creation, long lastAccess, long lastWrite) {
        creationTime = creation == 0 ? creationTime : creation;
        lastAccessTime = lastAccess == 0 ? lastAccessTime : lastAccess;
        lastWriteTime = lastWrite == 0 ? lastWriteTime : lastWrite;
    }

    boolean isDeletePending() {
        return deletePending;
    }

    void setDeletePending(boolean pending) {
        deletePending = pending;
    }

    /**
     * Checks a new open against those there are: each must share what the other does.
     *
     * @throws FileException SHARING_VIOLATION
     */
    void checkSharing(int access, int share) {
        for (OpenFile other : opens) {
            if (conflicts(access, other.share()) || conflicts(other.access(), share)) {
                throw new FileException(NtStatus.SHARING_VIOLATION);
            }
        }
    }

    private static boolean conflicts(int access, int share) {
        return (access & READ_ACCESS) != 0 && (share & 1) == 0
                || (access & WRITE_ACCESS) != 0 && (share & 2) == 0
                || (access & DELETE_ACCESS) != 0 && (share & 4) == 0;
    }

    static boolean canRead(int access) {
        return (access & READ_ACCESS) != 0;
    }

    static boolean canWrite(int access) {
        return (access & WRITE_ACCESS) != 0;
    }

    void opened(OpenFile open) {
        opens.add(open);
    }

    /** The last close of a file marked for deletion takes it out of its directory. */
    void closed(OpenFile open) {
        if (!opens.remove(open)) {
            return;
        }
        releaseIfClosed();
        Folder in = parent;
        if (opens.isEmpty() && deletePending && in != null) {
            purge();
            in.remove(this);
        } else if (opens.isEmpty() && contents != null) {
            stamp = contents.stamp();
        }
    }

    /** Gives back what reading and writing held, if nobody has the file open. */
    void releaseIfClosed() {
        if (opens.isEmpty() && contents != null) {
            contents.release();
        }
    }

    /** Whether nobody else has it open. */
    boolean isOnlyOpen(OpenFile open) {
        return opens.size() == 1 && opens.getFirst() == open;
    }

    boolean isOpen() {
        return !opens.isEmpty();
    }

    /** Now in another directory, under another name. */
    void moved(Folder to, String newName) {
        parent = to;
        name = newName;
    }

    @Override
    public String toString() {
        Folder in = parent;
        return in == null ? name : in + "\\" + name;
    }
}
