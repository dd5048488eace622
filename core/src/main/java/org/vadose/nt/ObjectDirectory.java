package org.vadose.nt;

import org.vadose.base.Hex;
import org.vadose.layout.ObjectDirectoryEntryLayout;
import org.vadose.layout.ObjectDirectoryLayout;
import org.vadose.memory.Memory;

/** A directory of named objects ({@code _OBJECT_DIRECTORY}): 37 buckets of singly linked entries. */
public record ObjectDirectory(Memory memory, long address) {
    public static final int BUCKETS = (int) (ObjectDirectoryLayout.LOCK / Long.BYTES);
    /** The longest chain believed in. */
    public static final int CHAIN_LIMIT = 1 << 16;

    /** What a name hashes to; letters count as their capitals. */
    public static int hash(String name) {
        int hash = 0;
        for (int i = 0; i < name.length(); i++) {
            hash += (hash << 1) + (hash >>> 1) + Character.toUpperCase(name.charAt(i));
        }
        return hash;
    }

    /** Address of the pointer to a bucket's first entry. */
    public long bucket(int index) {
        return address + ObjectDirectoryLayout.HASH_BUCKETS + 8L * index;
    }

    public static int bucketOf(int hash) {
        return Integer.remainderUnsigned(hash, BUCKETS);
    }

    /** Told of each object in a directory. */
    @FunctionalInterface
    public interface Visitor {
        /** @param body address of the object's body */
        void visit(long body);
    }

    /** Visits every object, bucket by bucket. */
    public void forEach(Visitor visitor) {
        for (int bucket = 0; bucket < BUCKETS; bucket++) {
            int guard = 0;
            for (long entry = memory.readLong(bucket(bucket));
                    entry != 0;
                    entry = memory.readLong(entry + ObjectDirectoryEntryLayout.CHAIN_LINK)) {
                if (++guard > CHAIN_LIMIT) {
                    throw new IllegalStateException(
                            "endless directory chain directory=" + Hex.address(address) + " bucket=" + bucket);
                }
                visitor.visit(memory.readLong(entry + ObjectDirectoryEntryLayout.OBJECT));
            }
        }
    }
}
