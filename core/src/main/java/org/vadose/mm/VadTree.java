package org.vadose.mm;

import org.vadose.base.VpnRange;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Vad;

/**
 * A process's VADs: an AVL tree by address, rooted at {@code _EPROCESS.VadRoot}, its balance in the low bits of each node's parent
 * pointer as {@code RtlAvlInsertNodeEx} keeps it.
 */
final class VadTree {
    private final Memory memory;
    private final Eprocess process;

    VadTree(Eprocess process) {
        this.memory = process.memory();
        this.process = process;
    }

    Memory memory() {
        return memory;
    }

    private Vad vad(long address) {
        return new Vad(memory, address);
    }

    /** The VAD that holds this page, or 0. {@code _EPROCESS.VadHint} is the one found last: often it is wanted again. */
    long find(long vpn) {
        long hint = process.vadHint();
        if (hint != 0 && holds(vad(hint), vpn)) {
            return hint;
        }
        long node = process.vadRoot();
        while (node != 0) {
            Vad vad = vad(node);
            if (vpn < vad.startingVpn()) {
                node = vad.child(0);
            } else if (vpn > vad.endingVpn()) {
                node = vad.child(1);
            } else {
                process.setVadHint(node);
                return node;
            }
        }
        return 0;
    }

    private static boolean holds(Vad vad, long vpn) {
        return vad.range().contains(vpn);
    }

    /** The VAD that holds this page, else the next above it; 0 for none. */
    long firstEndingAtOrAfter(long vpn) {
        long node = process.vadRoot();
        long best = 0;
        while (node != 0) {
            Vad vad = vad(node);
            VpnRange range = vad.range();
            if (range.last() < vpn) {
                node = vad.child(1);
                continue;
            }
            if (range.first() <= vpn) {
                // Every level less is a line of the cache less.
                return node;
            }
            best = node;
            node = vad.child(0);
        }
        return best;
    }

    /** The VAD with the highest start at or below this page; 0 for none. */
    long lastStartingAtOrBefore(long vpn) {
        long node = process.vadRoot();
        long best = 0;
        while (node != 0) {
            Vad vad = vad(node);
            if (vad.startingVpn() <= vpn) {
                best = node;
                node = vad.child(1);
            } else {
                node = vad.child(0);
            }
        }
        return best;
    }

    boolean overlaps(long firstVpn, long lastVpn) {
        long node = firstEndingAtOrAfter(firstVpn);
        return node != 0 && vad(node).startingVpn() <= lastVpn;
    }

    long first() {
        long node = process.vadRoot();
        return node == 0 ? 0 : outermost(node, 0);
    }

    /** The next VAD by address, 0 after the last. */
    long next(long node) {
        return neighbour(node, 1);
    }

    long previous(long node) {
        return neighbour(node, 0);
    }

    private long neighbour(long node, int side) {
        long child = vad(node).child(side);
        if (child != 0) {
            return outermost(child, 1 - side);
        }
        long at = node;
        long parent = vad(at).parent();
        while (parent != 0 && vad(parent).child(side) == at) {
            at = parent;
            parent = vad(at).parent();
        }
        return parent;
    }

    private long outermost(long node, int side) {
        long at = node;
        for (long next = vad(at).child(side); next != 0; next = vad(at).child(side)) {
            at = next;
        }
        return at;
    }

    /** Adds a VAD whose range is set and overlaps none. */
    void insert(long node) {
        insertBefore(node, firstEndingAtOrAfter(vad(node).startingVpn()));
    }

    /**
     * Adds a VAD whose range is set and overlaps none.
     *
     * @param successor the next one by address, 0 when it becomes the last
     */
    void insertBefore(long node, long successor) {
        long parent = successor;
        int side = 0;
        long before = successor == 0 ? process.vadRoot() : vad(successor).child(0);
        if (before != 0) {
            parent = outermost(before, 1);
            side = 1;
        }
        vad(node).setLeafOf(parent);
        process.addVadCount(1);
        process.setVadHint(node);
        if (parent == 0) {
            process.setVadRoot(node);
            return;
        }
        vad(parent).setChild(side, node);
        long at = parent;
        long child = node;
        while (at != 0) {
            Vad vad = vad(at);
            int balance = vad.balance() + (vad.child(1) == child ? 1 : -1);
            if (balance == 0) {
                vad.setBalance(0);
                return;
            }
            if (balance == 1 || balance == -1) {
                vad.setBalance(balance);
                child = at;
                at = vad.parent();
                continue;
            }
            rotateHeavy(at, balance > 0 ? 1 : 0);
            return;
        }
    }

    /** Takes a VAD out. Its memory stays the caller's. */
    void remove(long node) {
        process.addVadCount(-1);
        if (process.vadHint() == node) {
            process.setVadHint(0);
        }
        Vad removed = vad(node);
        long at;
        int side;
        long left = removed.child(0);
        long right = removed.child(1);
        if (left != 0 && right != 0) {
            long heir = outermost(right, 0);
            if (heir == right) {
                at = heir;
                side = 1;
            } else {
                at = vad(heir).parent();
                side = 0;
            }
            inherit(node, heir);
        } else {
            at = removed.parent();
            side = at != 0 && vad(at).child(1) == node ? 1 : 0;
            replaceChild(at, node, left != 0 ? left : right);
        }
        shrunk(at, side);
    }

    /** Puts the next node by address, which has no left child, in the place of one that has both. */
    private void inherit(long node, long heir) {
        Vad removed = vad(node);
        Vad heirVad = vad(heir);
        long right = removed.child(1);
        if (heir != right) {
            replaceChild(heirVad.parent(), heir, heirVad.child(1));
            heirVad.setChild(1, right);
            vad(right).setParent(heir);
        }
        heirVad.setChild(0, removed.child(0));
        vad(removed.child(0)).setParent(heir);
        heirVad.setBalance(removed.balance());
        replaceChild(removed.parent(), node, heir);
    }

    /** Restores the balance upwards from a node whose subtree on one side lost a level. */
    private void shrunk(long from, int fromSide) {
        long at = from;
        int side = fromSide;
        while (at != 0) {
            Vad vad = vad(at);
            long parent = vad.parent();
            int parentSide = parent != 0 && vad(parent).child(1) == at ? 1 : 0;
            int balance = vad.balance() + (side == 1 ? -1 : 1);
            if (balance == 1 || balance == -1) {
                vad.setBalance(balance);
                return;
            }
            if (balance == 0) {
                vad.setBalance(0);
            } else if (!rotateHeavy(at, balance > 0 ? 1 : 0)) {
                return;
            }
            at = parent;
            side = parentSide;
        }
    }

    /**
     * Rebalances a node two levels heavy on one side.
     *
     * @return whether the subtree lost a level
     */
    private boolean rotateHeavy(long node, int heavy) {
        int sign = heavy == 1 ? 1 : -1;
        Vad top = vad(node);
        long childNode = top.child(heavy);
        Vad child = vad(childNode);
        if (child.balance() == -sign) {
            long grandNode = child.child(1 - heavy);
            int grandBalance = vad(grandNode).balance();
            rotate(childNode, heavy);
            rotate(node, 1 - heavy);
            top.setBalance(grandBalance == sign ? -sign : 0);
            child.setBalance(grandBalance == -sign ? sign : 0);
            vad(grandNode).setBalance(0);
            return true;
        }
        boolean evenChild = child.balance() == 0;
        rotate(node, 1 - heavy);
        top.setBalance(evenChild ? sign : 0);
        child.setBalance(evenChild ? -sign : 0);
        return !evenChild;
    }

    /** Moves a node down to {@code side}; its child of the other side takes its place. */
    private void rotate(long node, int side) {
        Vad down = vad(node);
        long upNode = down.child(1 - side);
        Vad up = vad(upNode);
        long inner = up.child(side);
        replaceChild(down.parent(), node, upNode);
        down.setChild(1 - side, inner);
        if (inner != 0) {
            vad(inner).setParent(node);
        }
        up.setChild(side, node);
        down.setParent(upNode);
    }

    /** Puts {@code heir}, 0 for nothing, where {@code old} hangs below {@code parent}, 0 for the root. */
    private void replaceChild(long parent, long old, long heir) {
        if (parent == 0) {
            process.setVadRoot(heir);
        } else {
            vad(parent).setChild(vad(parent).child(1) == old ? 1 : 0, heir);
        }
        if (heir != 0) {
            vad(heir).setParent(parent);
        }
    }
}
