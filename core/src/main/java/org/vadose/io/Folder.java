package org.vadose.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;

/**
 * What is in a directory, by name without regard to case. A folder granted from the host is listed when first looked at; entries
 * that are neither plain files nor directories, or whose names no Windows file can have, are left out.
 */
final class Folder {
    /** Ticks from 1601 to 1970. */
    private static final long UNIX_EPOCH = 116_444_736_000_000_000L;

    private final GuestFileSystem system;
    private final TreeMap<String, FileNode> children = new TreeMap<>();
    private final @Nullable Path host;
    private final boolean writeThrough;
    private boolean listed;

    /**
     * @param host the host folder behind it, if any
     * @param writeThrough whether changes reach the host
     */
    Folder(GuestFileSystem system, @Nullable Path host, boolean writeThrough) {
        this.system = system;
        this.host = host;
        this.writeThrough = writeThrough;
        listed = host == null;
    }

    @Nullable FileNode find(String name) {
        list();
        return children.get(key(name));
    }

    /** Everything, in order of name. */
    Collection<FileNode> all() {
        list();
        return List.copyOf(children.values());
    }

    boolean isEmpty() {
        list();
        return children.isEmpty();
    }

    FileNode createFile(String name) {
        Path path = hostPath(name);
        Contents contents = new MemoryContents(new byte[0], system.budget());
        if (path != null) {
            onHost(path, () -> Files.createFile(path));
            contents = new HostContents(path, true, system.budget());
        }
        return put(FileNode.file(name, this, contents, system.nextIndex(), system.now()));
    }

    FileNode createDirectory(String name) {
        Path path = hostPath(name);
        if (path != null) {
            onHost(path, () -> Files.createDirectory(path));
        }
        return put(FileNode.directory(
                name, this, new Folder(system, path, writeThrough), system.nextIndex(), system.now()));
    }

    /** A file whose bytes the file system's budget does not count. */
    FileNode addBuiltin(String name, Supplier<byte[]> bytes) {
        return put(FileNode.file(
                name, this, new BuiltinContents(bytes, system.budget()), system.nextIndex(), system.now()));
    }

    FileNode addFile(String name, Contents contents) {
        return put(FileNode.file(name, this, contents, system.nextIndex(), system.now()));
    }

    /** A directory that shows a host folder. */
    FileNode addHostFolder(String name, Path folder, boolean writable) {
        return put(FileNode.directory(
                name, this, new Folder(system, HostPaths.real(folder), writable), system.nextIndex(), system.now()));
    }

    void remove(FileNode node) {
        node.purge();
        Path path = hostPath(node.name());
        if (path != null) {
            onHost(path, () -> Files.delete(path));
        }
        children.remove(key(node.name()));
    }

    /** Takes a node from its folder into this one; both in memory, or both under the same granted folder. */
    void adopt(FileNode node, String newName) {
        Folder from = node.parent();
        if (from == null) {
            throw new FileException(NtStatus.ACCESS_DENIED);
        }
        Path source = from.hostPath(node.name());
        Path target = hostPath(newName);
        if ((source == null) != (target == null) || source != null && node.isDirectory()) {
            throw new FileException(NtStatus.NOT_SAME_DEVICE);
        }
        if (source != null && target != null) {
            node.purge();
            onHost(target, () -> {
                HostPaths.check(source);
                Files.move(source, target);
            });
            from.children.remove(key(node.name()));
            FileNode moved = FileNode.file(
                    newName, this, new HostContents(target, true, system.budget()), node.index(), node.creationTime());
            moved.setAttributes(node.attributes());
            put(moved);
            return;
        }
        from.children.remove(key(node.name()));
        node.moved(this, newName);
        put(node);
    }

    private FileNode put(FileNode node) {
        children.put(key(node.name()), node);
        return node;
    }

    private static String key(String name) {
        return name.toUpperCase(Locale.ROOT);
    }

    /** Where an entry is on the host, if changes reach the host at all. */
    private @Nullable Path hostPath(String name) {
        return host != null && writeThrough ? host.resolve(name) : null;
    }

    private interface HostChange {
        void run() throws IOException;
    }

    private static void onHost(Path entry, HostChange change) {
        try {
            HostPaths.check(entry);
            change.run();
        } catch (IOException refused) {
            throw new FileException(NtStatus.ACCESS_DENIED);
        }
    }

    private void list() {
        if (listed || host == null) {
            return;
        }
        listed = true;
        List<Path> entries = new ArrayList<>();
        try {
            HostPaths.checkFolder(host);
        } catch (IOException elsewhere) {
            return;
        }
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(host)) {
            stream.forEach(entries::add);
        } catch (IOException | UncheckedIOException | java.nio.file.DirectoryIteratorException unreadable) {
            return;
        }
        entries.sort(Comparator.comparing(p -> String.valueOf(p.getFileName())));
        for (Path entry : entries) {
            addHostEntry(entry);
        }
    }

    private void addHostEntry(Path entry) {
        String name = String.valueOf(entry.getFileName());
        if (!GuestPath.isLegalName(name) || children.containsKey(key(name))) {
            return;
        }
        try {
            BasicFileAttributes attributes =
                    Files.readAttributes(entry, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            long time = ticks(attributes.lastModifiedTime());
            if (attributes.isDirectory()) {
                put(FileNode.directory(name, this, new Folder(system, entry, writeThrough), system.nextIndex(), time));
            } else if (attributes.isRegularFile()) {
                Contents contents = new HostContents(entry, writeThrough, system.budget());
                put(FileNode.file(name, this, contents, system.nextIndex(), time));
            }
        } catch (IOException unreadable) {
            // Not there for the guest either.
        }
    }

    private static long ticks(FileTime time) {
        return UNIX_EPOCH + time.to(TimeUnit.MICROSECONDS) * 10;
    }
}
