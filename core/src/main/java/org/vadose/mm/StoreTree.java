package org.vadose.mm;

import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.nt.StoreNode;

/**
 * Changes a B+ tree of {@link StoreNode}s. Nodes split when they are full and go when they are empty; half-empty neighbours stay as
 * they are, since keys come and go in runs.
 */
final class StoreTree {
    /** Spare pages that an insertion may need. */
    static final int PAGES_OF_INSERTION = 4;

    private static final int DEEPEST = 8;
    private static final int HALF_OF_LEAF = StoreNode.MOST_IN_LEAF / 2;
    private static final int HALF_OF_INNER = StoreNode.MOST_IN_INNER / 2;

    private final Memory memory;
    private final long rootField;
    private final StorePages pages;
    private final byte[] moved = new byte[(int) Pages.SIZE];

    /** Inner nodes from the root on, and which child was taken in each: -1 is the first. */
    private final StoreNode[] path = new StoreNode[DEEPEST];

    private final int[] taken = new int[DEEPEST];
    private int depth;

    /** @param rootField address of the pointer to the root */
    StoreTree(Memory memory, long rootField, StorePages pages) {
        this.memory = memory;
        this.rootField = rootField;
        this.pages = pages;
    }

    /** Makes the tree an empty leaf. */
    void initialize() {
        memory.writeLong(rootField, newNode(0).address());
    }

    private StoreNode newNode(int level) {
        StoreNode node = new StoreNode(memory, pages.take());
        node.initialize(level);
        return node;
    }

    private StoreNode root() {
        return new StoreNode(memory, memory.readLong(rootField));
    }

    /** The value of a key; {@link StoreNode#NONE} if it is not there. */
    long find(int key) {
        return root().find(key);
    }

    private StoreNode descend(int key) {
        StoreNode node = root();
        for (depth = 0; !node.isLeaf(); depth++) {
            int index = node.floor(key);
            path[depth] = node;
            taken[depth] = index;
            node = new StoreNode(memory, node.child(index));
        }
        return node;
    }

    /** Inserts a key that is not there; there are {@link #PAGES_OF_INSERTION} spare pages. */
    void insert(int key, int value) {
        StoreNode leaf = descend(key);
        int at = leaf.floor(key) + 1;
        int count = leaf.count();
        if (count < StoreNode.MOST_IN_LEAF) {
            open(leaf, at);
            leaf.setLeafEntry(at, key, value);
            return;
        }
        StoreNode right = newNode(0);
        if (at == count) {
            // Keys mostly rise: the full leaf stays full.
            right.setLeafEntry(0, key, value);
            right.setCount(1);
        } else {
            moveEnd(leaf, HALF_OF_LEAF, right);
            StoreNode half = at <= HALF_OF_LEAF ? leaf : right;
            int place = at <= HALF_OF_LEAF ? at : at - HALF_OF_LEAF;
            open(half, place);
            half.setLeafEntry(place, key, value);
        }
        insertChild(depth - 1, right.key(0), right.address(), 1);
    }

    /** @param above index into the path of the node that gets the child, -1 for a new root */
    private void insertChild(int above, int key, long child, int level) {
        if (above < 0) {
            StoreNode top = newNode(level);
            top.setFirstChild(memory.readLong(rootField));
            top.setInnerEntry(0, key, child);
            top.setCount(1);
            memory.writeLong(rootField, top.address());
            return;
        }
        StoreNode node = path[above];
        int at = taken[above] + 1;
        if (node.count() < StoreNode.MOST_IN_INNER) {
            open(node, at);
            node.setInnerEntry(at, key, child);
            return;
        }
        int middleKey = node.key(HALF_OF_INNER);
        StoreNode right = newNode(node.level());
        right.setFirstChild(node.child(HALF_OF_INNER));
        moveEnd(node, HALF_OF_INNER + 1, right);
        node.setCount(HALF_OF_INNER);
        StoreNode half = at <= HALF_OF_INNER ? node : right;
        int place = at <= HALF_OF_INNER ? at : at - HALF_OF_INNER - 1;
        open(half, place);
        half.setInnerEntry(place, key, child);
        insertChild(above - 1, middleKey, right.address(), node.level() + 1);
    }

    /** Removes a key that is there. */
    void remove(int key) {
        StoreNode leaf = descend(key);
        int at = leaf.floor(key);
        if (at < 0 || leaf.key(at) != key) {
            throw new IllegalStateException("page is not in the store key=" + Hex.plain(key & 0xFFFF_FFFFL));
        }
        close(leaf, at);
        if (leaf.count() == 0 && depth > 0) {
            dropChild();
        }
    }

    /** The lowest node of the path loses the child that was taken; if it has but one then, that takes its place. */
    private void dropChild() {
        StoreNode node = path[depth - 1];
        int index = taken[depth - 1];
        pages.give(node.child(index));
        if (index < 0) {
            node.setFirstChild(node.child(0));
        }
        close(node, Math.max(index, 0));
        if (node.count() != 0) {
            return;
        }
        long only = node.firstChild();
        if (depth == 1) {
            memory.writeLong(rootField, only);
        } else {
            path[depth - 2].setChild(taken[depth - 2], only);
        }
        pages.give(node.address());
    }

    /** Moves entries from an index on up by one. */
    private void open(StoreNode node, int index) {
        int bytes = (int) (node.entry(node.count()) - node.entry(index));
        memory.read(node.entry(index), moved, 0, bytes);
        memory.write(node.entry(index + 1), moved, 0, bytes);
        node.setCount(node.count() + 1);
    }

    /** Moves entries behind an index down over it. */
    private void close(StoreNode node, int index) {
        int bytes = (int) (node.entry(node.count()) - node.entry(index + 1));
        memory.read(node.entry(index + 1), moved, 0, bytes);
        memory.write(node.entry(index), moved, 0, bytes);
        node.setCount(node.count() - 1);
    }

    /** Moves entries from an index on to an empty node. */
    private void moveEnd(StoreNode from, int index, StoreNode to) {
        int count = from.count() - index;
        int bytes = count * from.entryBytes();
        memory.read(from.entry(index), moved, 0, bytes);
        memory.write(to.entry(0), moved, 0, bytes);
        from.setCount(index);
        to.setCount(count);
    }
}
