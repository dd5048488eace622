package org.vadose.mm;

import org.vadose.memory.Memory;
import org.vadose.nt.CombineBlock;

/** The trees of {@link CombineBlock}s. Hashes are random enough to keep them flat. */
final class CombineTrees {
    private final Memory memory;
    private final long kernelBase;

    CombineTrees(Memory memory, long kernelBase) {
        this.memory = memory;
        this.kernelBase = kernelBase;
    }

    private CombineBlock block(long address) {
        return new CombineBlock(memory, address);
    }

    private long rootField(long hash) {
        return CombineBlock.root(kernelBase, CombineBlock.tree(hash));
    }

    private static int side(CombineBlock block, long hash) {
        return hash < block.hash() ? 0 : 1;
    }

    /** The block of a hash, 0 for none. */
    long find(long hash) {
        long at = memory.readLong(rootField(hash));
        while (at != 0 && block(at).hash() != hash) {
            at = block(at).child(side(block(at), hash));
        }
        return at;
    }

    /** Inserts a block whose hash no other one has. */
    void insert(CombineBlock inserted) {
        long field = rootField(inserted.hash());
        long parent = 0;
        for (long at = memory.readLong(field); at != 0; at = memory.readLong(field)) {
            parent = at;
            field = block(at).childField(side(block(at), inserted.hash()));
        }
        memory.writeLong(field, inserted.address());
        inserted.setParent(parent);
    }

    void remove(CombineBlock removed) {
        long left = removed.child(0);
        long right = removed.child(1);
        if (left == 0 || right == 0) {
            replace(removed, left == 0 ? right : left);
            return;
        }
        CombineBlock heir = block(right);
        while (heir.child(0) != 0) {
            heir = block(heir.child(0));
        }
        if (heir.address() != right) {
            replace(heir, heir.child(1));
            setChild(heir, 1, right);
        }
        replace(removed, heir.address());
        setChild(heir, 0, left);
    }

    private void setChild(CombineBlock parent, int side, long child) {
        memory.writeLong(parent.childField(side), child);
        block(child).setParent(parent.address());
    }

    /** What names a block names another one, or none, instead. */
    private void replace(CombineBlock old, long heir) {
        long parent = old.parent();
        long field = rootField(old.hash());
        if (parent != 0) {
            field = block(parent).childField(block(parent).child(0) == old.address() ? 0 : 1);
        }
        memory.writeLong(field, heir);
        if (heir != 0) {
            block(heir).setParent(parent);
        }
    }
}
