package org.vadose.io;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;

/** The drives of a machine. Not thread-safe: the guest thread that holds the baton uses it. */
public final class GuestFileSystem {
    /** What {@code NtCreateFile} does about a file that is or is not there. */
    public enum Disposition {
        SUPERSEDE,
        OPEN,
        CREATE,
        OPEN_IF,
        OVERWRITE,
        OVERWRITE_IF
    }

    /** {@code FILE_DIRECTORY_FILE}: only a directory will do. */
    public static final int ONLY_DIRECTORY = 0x1;

    /** {@code FILE_NON_DIRECTORY_FILE}. */
    public static final int NOT_DIRECTORY = 0x40;

    /** {@code FILE_WRITE_THROUGH}: what is written is in the file when the write is done. */
    public static final int WRITE_THROUGH = 0x2;

    /** {@code FILE_SEQUENTIAL_ONLY}. */
    public static final int SEQUENTIAL_ONLY = 0x4;

    /** {@code FILE_NO_INTERMEDIATE_BUFFERING}: whole sectors, past the cache. */
    public static final int NO_BUFFERING = 0x8;

    /** {@code FILE_RANDOM_ACCESS}. */
    public static final int RANDOM_ACCESS = 0x800;

    /** {@code FILE_DELETE_ON_CLOSE}. */
    public static final int DELETE_ON_CLOSE = 0x1000;

    /**
     * An open.
     *
     * @param information what {@code IO_STATUS_BLOCK.Information} says: 0 superseded, 1 opened, 2 created, 3 overwritten
     */
    public record Opened(OpenFile.OnDisk file, int information) {}

    private static final long MEMORY_BUDGET = 1L << 30;

    private final TreeMap<Character, FileNode> drives = new TreeMap<>();
    private final AtomicLong budget = new AtomicLong(MEMORY_BUDGET);
    private final LongSupplier clock;
    private long lastIndex;

    /** @param clock ticks since 1601 for new files */
    public GuestFileSystem(LongSupplier clock) {
        this.clock = clock;
    }

    AtomicLong budget() {
        return budget;
    }

    long now() {
        return clock.getAsLong();
    }

    long nextIndex() {
        return ++lastIndex;
    }

    // --- what the machine puts there ---

    /** A drive in memory. */
    public void addDrive(char letter) {
        Folder folder = new Folder(this, null, false);
        drives.put(letter, FileNode.directory(letter + ":", null, folder, nextIndex(), now()));
    }

    /** A drive that shows a folder of the host. */
    public void mount(char letter, Path host, boolean writable) {
        Folder folder = new Folder(this, HostPaths.real(host), writable);
        drives.put(letter, FileNode.directory(letter + ":", null, folder, nextIndex(), now()));
    }

    /** Makes a directory and those it is in. */
    public void makeDirectories(String path) {
        folderFor(GuestPath.parse(path, GuestPath.root('C')));
    }

    /** Puts a file there. */
    public void addFile(String path, byte[] bytes) {
        addFile(path, () -> bytes);
    }

    /** Puts a file there; its bytes are asked for when first looked at. */
    public void addFile(String path, Supplier<byte[]> bytes) {
        GuestPath at = GuestPath.parse(path, GuestPath.root('C'));
        folderFor(at.parent()).addBuiltin(at.name(), bytes);
    }

    /** Puts a file of the caller's making there. */
    public void addFile(String path, Contents contents) {
        GuestPath at = GuestPath.parse(path, GuestPath.root('C'));
        folderFor(at.parent()).addFile(at.name(), contents);
    }

    /** Shows a host folder at a place on a drive; what the guest changes there stays in memory. */
    public void showFolder(String path, Path host) {
        GuestPath at = GuestPath.parse(path, GuestPath.root('C'));
        folderFor(at.parent()).addHostFolder(at.name(), host, false);
    }

    private Folder folderFor(GuestPath path) {
        Folder folder = drive(path.drive()).folder();
        for (String part : path.parts()) {
            FileNode next = folder.find(part);
            folder = (next != null ? next : folder.createDirectory(part)).folder();
        }
        return folder;
    }

    /** Letters of the drives there are. */
    public List<Character> driveLetters() {
        return List.copyOf(drives.keySet());
    }

    // --- what programs do ---

    /** The file or directory at a path; null when there is none. */
    public @Nullable FileNode find(GuestPath path) {
        FileNode node = drives.get(path.drive());
        for (String part : path.parts()) {
            if (node == null || !node.isDirectory()) {
                return null;
            }
            node = node.folder().find(part);
        }
        return node == null || node.isDeletePending() ? null : node;
    }

    private FileNode drive(char letter) {
        FileNode drive = drives.get(letter);
        if (drive == null) {
            throw new FileException(NtStatus.OBJECT_PATH_NOT_FOUND);
        }
        return drive;
    }

    private Folder parentOf(GuestPath path) {
        FileNode node = drive(path.drive());
        for (String part : path.parent().parts()) {
            FileNode next = node.folder().find(part);
            if (next == null || !next.isDirectory()) {
                throw new FileException(NtStatus.OBJECT_PATH_NOT_FOUND);
            }
            node = next;
        }
        return node.folder();
    }

    /**
     * {@code NtCreateFile}.
     *
     * @param access wanted, generic or specific bits
     * @param share {@code FILE_SHARE_} bits
     * @param options of {@link #ONLY_DIRECTORY} and its kin
     * @param attributes for a new file
     * @throws FileException when Windows would refuse
     */
    public Opened open(GuestPath path, int access, int share, Disposition disposition, int options, int attributes) {
        FileNode node =
                path.parts().isEmpty() ? drive(path.drive()) : parentOf(path).find(path.name());
        if (node == null) {
            return create(path, access, share, disposition, options, attributes);
        }
        if (node.isDeletePending()) {
            throw new FileException(NtStatus.DELETE_PENDING);
        }
        if (disposition == Disposition.CREATE) {
            throw new FileException(NtStatus.OBJECT_NAME_COLLISION);
        }
        if (node.isDirectory() && (options & NOT_DIRECTORY) != 0) {
            throw new FileException(NtStatus.FILE_IS_A_DIRECTORY);
        }
        if (!node.isDirectory() && (options & ONLY_DIRECTORY) != 0) {
            throw new FileException(NtStatus.NOT_A_DIRECTORY);
        }
        boolean overwrites = disposition != Disposition.OPEN && disposition != Disposition.OPEN_IF;
        if (node.isReadOnly() && (FileNode.canWrite(access) || overwrites)) {
            throw new FileException(NtStatus.ACCESS_DENIED);
        }
        if (node.isReadOnly() && (options & DELETE_ON_CLOSE) != 0) {
            throw new FileException(NtStatus.CANNOT_DELETE);
        }
        if (overwrites && node.isDirectory()) {
            throw new FileException(NtStatus.OBJECT_NAME_COLLISION);
        }
        node.checkSharing(access | (overwrites ? 2 : 0), share);
        node.forgetIfChanged();
        if ((overwrites || FileNode.canWrite(access)) && !node.purgeImage()) {
            throw new FileException(NtStatus.SHARING_VIOLATION);
        }
        if (overwrites) {
            if (node.isUserMapped()) {
                throw new FileException(NtStatus.USER_MAPPED_FILE);
            }
            node.setSize(0);
            node.setAttributes(attributes | FileNode.ARCHIVE);
            node.setTimes(0, now(), now());
        }
        int information = !overwrites ? 1 : disposition == Disposition.SUPERSEDE ? 0 : 3;
        return new Opened(opened(node, path, access, share, options), information);
    }

    private Opened create(GuestPath path, int access, int share, Disposition disposition, int options, int attributes) {
        if (disposition == Disposition.OPEN || disposition == Disposition.OVERWRITE) {
            throw new FileException(NtStatus.OBJECT_NAME_NOT_FOUND);
        }
        Folder folder = parentOf(path);
        FileNode node;
        if ((options & ONLY_DIRECTORY) != 0) {
            node = folder.createDirectory(path.name());
        } else {
            node = folder.createFile(path.name());
            node.setAttributes(attributes | FileNode.ARCHIVE);
        }
        return new Opened(opened(node, path, access, share, options), 2);
    }

    private static OpenFile.OnDisk opened(FileNode node, GuestPath path, int access, int share, int options) {
        return new OpenFile.OnDisk(node, path.toString(), access, share, options);
    }

    /** What is in a directory, {@code .} and {@code ..} not among it. */
    public Collection<FileNode> list(FileNode directory) {
        List<FileNode> shown = new ArrayList<>();
        for (FileNode node : directory.folder().all()) {
            if (!node.isDeletePending()) {
                shown.add(node);
            }
        }
        return shown;
    }

    /**
     * Marks for deletion, which happens when the last handle closes.
     *
     * @throws FileException CANNOT_DELETE, DIRECTORY_NOT_EMPTY, ACCESS_DENIED for a root
     */
    public void markForDeletion(FileNode node, boolean delete) {
        if (delete) {
            if (node.isReadOnly() || node.isUserMapped() || !node.purgeImage()) {
                throw new FileException(NtStatus.CANNOT_DELETE);
            }
            if (node.parent() == null) {
                throw new FileException(NtStatus.ACCESS_DENIED);
            }
            if (node.isDirectory() && !node.folder().isEmpty()) {
                throw new FileException(NtStatus.DIRECTORY_NOT_EMPTY);
            }
        }
        node.setDeletePending(delete);
    }

    /**
     * Moves a file or directory.
     *
     * @throws FileException as {@code NtSetInformationFile} would for a rename
     */
    public void rename(GuestPath from, GuestPath to, boolean replace) {
        FileNode node = from.parts().isEmpty() ? null : parentOf(from).find(from.name());
        if (node == null || node.isDeletePending()) {
            throw new FileException(NtStatus.OBJECT_NAME_NOT_FOUND);
        }
        if (node.isOpen()) {
            throw new FileException(NtStatus.SHARING_VIOLATION);
        }
        Folder target = parentOf(to);
        FileNode there = target.find(to.name());
        if (there != null && there != node) {
            if (!replace || there.isDirectory() || there.isOpen()) {
                throw new FileException(replace ? NtStatus.ACCESS_DENIED : NtStatus.OBJECT_NAME_COLLISION);
            }
            target.remove(there);
        }
        if (isInside(to, from)) {
            throw new FileException(NtStatus.INVALID_PARAMETER);
        }
        target.adopt(node, to.name());
    }

    private static boolean isInside(GuestPath path, GuestPath directory) {
        if (path.drive() != directory.drive()
                || path.parts().size() <= directory.parts().size()) {
            return false;
        }
        for (int i = 0; i < directory.parts().size(); i++) {
            if (!path.parts().get(i).equalsIgnoreCase(directory.parts().get(i))) {
                return false;
            }
        }
        return true;
    }
}
