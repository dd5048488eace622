package org.vadose.io;

import java.util.HashMap;
import java.util.Map;
import org.vadose.ex.PoolAllocator;
import org.vadose.layout.SectionObjectPointersLayout;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;

/** The {@code _SECTION_OBJECT_POINTERS} of files: one a file, shared by its file objects and freed with the last of them. */
final class FileStreamPointers {
    private static final int TAG = PoolTag.of("MmSo");

    private final PoolAllocator pool;
    private final Map<FileNode, Shared> byNode = new HashMap<>();
    private final Map<Long, FileNode> nodes = new HashMap<>();

    private static final class Shared {
        final long address;
        int users;

        Shared(long address) {
            this.address = address;
        }
    }

    FileStreamPointers(PoolAllocator pool) {
        this.pool = pool;
    }

    /** The pointers of a file for one more file object. */
    long acquire(FileNode node, long fileObject) {
        Shared shared = byNode.computeIfAbsent(
                node,
                n -> new Shared(
                        pool.allocateZeroed(PoolType.NON_PAGED_POOL_NX, SectionObjectPointersLayout.SIZE, TAG)));
        shared.users++;
        nodes.put(fileObject, node);
        return shared.address;
    }

    /**
     * Gives a file, if it has none yet, the pointers of another: both are the same file of the system's, on the drives of two programs.
     *
     * @param address pointers that stay for ever
     */
    void share(FileNode node, long address) {
        byNode.computeIfAbsent(node, n -> new Shared(address)).users++;
    }

    /**
     * A file object ends.
     *
     * @return whether its pointers were a file's, and are taken care of
     */
    boolean release(long fileObject) {
        FileNode node = nodes.remove(fileObject);
        Shared shared = node == null ? null : byNode.get(node);
        if (shared == null) {
            return false;
        }
        shared.users--;
        if (shared.users == 0) {
            byNode.remove(node);
            pool.free(shared.address);
        }
        return true;
    }
}
