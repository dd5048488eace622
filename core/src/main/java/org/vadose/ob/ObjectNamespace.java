package org.vadose.ob;

import org.vadose.base.Hex;
import org.vadose.base.NtStatus;
import org.vadose.ex.PoolAllocator;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.ObjectDirectoryEntryLayout;
import org.vadose.layout.ObjectDirectoryLayout;
import org.vadose.layout.ObjectHeaderNameInfoLayout;
import org.vadose.layout.ObjectSymbolicLinkLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ObjectDirectory;
import org.vadose.nt.ObjectHeader;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.UnicodeString;

/**
 * The tree of directories under {@code \}, with its symbolic links. Paths are followed without regard to case; names that
 * differ in case alone may stand in one directory, as those that Win32 programs give are told apart.
 */
public final class ObjectNamespace {
    private static final int ENTRY_TAG = PoolTag.of("ObDi");
    private static final int LINK_TAG = PoolTag.of("Symt");
    private static final int MOST_LINKS = 32;

    private final Memory memory;
    private final PoolAllocator pool;
    private final long kernelBase;
    private final ObjectManager objects;

    /**
     * Where a path led.
     *
     * @param status STATUS_SUCCESS, STATUS_OBJECT_NAME_NOT_FOUND, STATUS_OBJECT_PATH_NOT_FOUND or
     *     STATUS_OBJECT_PATH_SYNTAX_BAD
     * @param body the object; 0 without success
     * @param rest what of the path is left for the object's own parser, with its leading backslash; empty if nothing
     */
    public record Lookup(NtStatus status, long body, String rest) {
        static Lookup failed(NtStatus status) {
            return new Lookup(status, 0, "");
        }
    }

    ObjectNamespace(Memory memory, PoolAllocator pool, long kernelBase, ObjectManager objects) {
        this.memory = memory;
        this.pool = pool;
        this.kernelBase = kernelBase;
        this.objects = objects;
    }

    void initialize() {
        // The root's name is a lone backslash and it stands in no directory.
        long root = newDirectory("\\");
        memory.writeLong(kernelBase + KernelSymbols.OBP_ROOT_DIRECTORY_OBJECT, root);
        long types = createDirectory(root, "ObjectTypes");
        memory.writeLong(kernelBase + KernelSymbols.OBP_TYPE_DIRECTORY_OBJECT, types);
    }

    public long root() {
        return memory.readLong(kernelBase + KernelSymbols.OBP_ROOT_DIRECTORY_OBJECT);
    }

    public long typeDirectory() {
        return memory.readLong(kernelBase + KernelSymbols.OBP_TYPE_DIRECTORY_OBJECT);
    }

    /** Makes a permanent directory and enters it into its parent. */
    public long createDirectory(long parent, String name) {
        long directory = newDirectory(name);
        insert(parent, directory);
        return directory;
    }

    private long newDirectory(String name) {
        long directory = objects.create(
                KnownType.DIRECTORY,
                ObjectDirectoryLayout.SIZE,
                name,
                0,
                ObjectHeader.KERNEL_OBJECT | ObjectHeader.PERMANENT);
        memory.writeInt(directory + ObjectDirectoryLayout.SESSION_ID, -1);
        return directory;
    }

    /** Makes a permanent symbolic link and enters it into a directory. */
    public long createLink(long parent, String name, String target, long creationTime) {
        long link = objects.create(
                KnownType.SYMBOLIC_LINK,
                ObjectSymbolicLinkLayout.SIZE,
                name,
                0,
                ObjectHeader.KERNEL_OBJECT | ObjectHeader.PERMANENT);
        memory.writeLong(link + ObjectSymbolicLinkLayout.CREATION_TIME, creationTime);
        long buffer = pool.allocate(PoolType.PAGED_POOL, 2L * target.length() + 2, LINK_TAG);
        new UnicodeString(memory, link + ObjectSymbolicLinkLayout.LINK_TARGET).set(target, buffer);
        memory.writeInt(link + ObjectSymbolicLinkLayout.ACCESS_MASK, KnownType.SYMBOLIC_LINK.validAccess());
        insert(parent, link);
        return link;
    }

    /**
     * Enters a named object into a directory, which takes a reference to it.
     *
     * @return STATUS_OBJECT_NAME_COLLISION when the name is taken
     */
    public NtStatus insert(long directory, long body) {
        String name = objects.header(body).name();
        if (findExact(directory, name) != 0) {
            return NtStatus.OBJECT_NAME_COLLISION;
        }
        int hash = ObjectDirectory.hash(name);
        long bucket = new ObjectDirectory(memory, directory).bucket(ObjectDirectory.bucketOf(hash));
        long entry = pool.allocate(PoolType.PAGED_POOL, ObjectDirectoryEntryLayout.SIZE, ENTRY_TAG);
        memory.writeLong(entry + ObjectDirectoryEntryLayout.CHAIN_LINK, memory.readLong(bucket));
        memory.writeLong(entry + ObjectDirectoryEntryLayout.OBJECT, body);
        memory.writeLong(entry + ObjectDirectoryEntryLayout.HASH_VALUE, hash & 0xFFFF_FFFFL);
        memory.writeLong(bucket, entry);
        memory.writeLong(
                objects.header(body).info(ObjectHeader.NAME_INFO) + ObjectHeaderNameInfoLayout.DIRECTORY, directory);
        objects.reference(body);
        return NtStatus.SUCCESS;
    }

    /** Takes an object's name out of its directory, and the directory's reference with it. */
    public void remove(long body) {
        ObjectHeader header = objects.header(body);
        long directory = header.nameDirectory();
        int hash = ObjectDirectory.hash(header.name());
        long at = new ObjectDirectory(memory, directory).bucket(ObjectDirectory.bucketOf(hash));
        for (long entry = memory.readLong(at); entry != 0; entry = memory.readLong(at)) {
            if (memory.readLong(entry + ObjectDirectoryEntryLayout.OBJECT) == body) {
                memory.writeLong(at, memory.readLong(entry + ObjectDirectoryEntryLayout.CHAIN_LINK));
                pool.free(entry);
                memory.writeLong(header.info(ObjectHeader.NAME_INFO) + ObjectHeaderNameInfoLayout.DIRECTORY, 0);
                objects.dereference(body);
                return;
            }
            at = entry + ObjectDirectoryEntryLayout.CHAIN_LINK;
        }
        throw new IllegalStateException(
                "name not in its directory object=" + Hex.address(body) + " directory=" + Hex.address(directory));
    }

    /** The object of a name in one directory, in any case; 0 if there is none. */
    public long find(long directory, String name) {
        return find(directory, name, true);
    }

    /** The object of exactly this name in one directory; 0 if there is none. */
    public long findExact(long directory, String name) {
        return find(directory, name, false);
    }

    private long find(long directory, String name, boolean anyCase) {
        int hash = ObjectDirectory.hash(name);
        long bucket = new ObjectDirectory(memory, directory).bucket(ObjectDirectory.bucketOf(hash));
        for (long entry = memory.readLong(bucket);
                entry != 0;
                entry = memory.readLong(entry + ObjectDirectoryEntryLayout.CHAIN_LINK)) {
            if (memory.readInt(entry + ObjectDirectoryEntryLayout.HASH_VALUE) == hash) {
                long body = memory.readLong(entry + ObjectDirectoryEntryLayout.OBJECT);
                String found = objects.header(body).name();
                if (anyCase ? found.equalsIgnoreCase(name) : found.equals(name)) {
                    return body;
                }
            }
        }
        return 0;
    }

    /** Follows an absolute path, links included. {@code \??} means {@code \GLOBAL??}. No reference is taken. */
    public Lookup lookup(String path) {
        return lookup(path, 0);
    }

    private Lookup lookup(String path, int links) {
        if (!path.startsWith("\\")) {
            return Lookup.failed(NtStatus.OBJECT_PATH_SYNTAX_BAD);
        }
        long at = root();
        int from = 1;
        while (from < path.length()) {
            int end = path.indexOf('\\', from);
            String name = end < 0 ? path.substring(from) : path.substring(from, end);
            if (name.isEmpty()) {
                return Lookup.failed(NtStatus.OBJECT_NAME_INVALID);
            }
            String rest = end < 0 ? "" : path.substring(end);
            if (at == root() && name.equals("??")) {
                name = "GLOBAL??";
            }
            at = find(at, name);
            if (at == 0) {
                return Lookup.failed(rest.isEmpty() ? NtStatus.OBJECT_NAME_NOT_FOUND : NtStatus.OBJECT_PATH_NOT_FOUND);
            }
            if (objects.isType(at, KnownType.SYMBOLIC_LINK)) {
                return links == MOST_LINKS
                        ? Lookup.failed(NtStatus.OBJECT_NAME_NOT_FOUND)
                        : lookup(linkTarget(at).concat(rest), links + 1);
            }
            if (!objects.isType(at, KnownType.DIRECTORY)) {
                return new Lookup(NtStatus.SUCCESS, at, rest);
            }
            from = end < 0 ? path.length() : end + 1;
        }
        return new Lookup(NtStatus.SUCCESS, at, "");
    }

    void freeTarget(long link) {
        pool.free(new UnicodeString(memory, link + ObjectSymbolicLinkLayout.LINK_TARGET).buffer());
    }

    /** Where a symbolic link leads. */
    public String linkTarget(long link) {
        return new UnicodeString(memory, link + ObjectSymbolicLinkLayout.LINK_TARGET).text();
    }

    /** The full path of a named object, {@code \} for the root; empty for one without a name. */
    public String path(long body) {
        if (body == root()) {
            return "\\";
        }
        StringBuilder path = new StringBuilder();
        for (long at = body; at != 0 && at != root(); at = objects.header(at).nameDirectory()) {
            String name = objects.header(at).name();
            if (name.isEmpty()) {
                return "";
            }
            path.insert(0, name).insert(0, '\\');
        }
        return path.toString();
    }
}
