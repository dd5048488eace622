package org.vadose.mm;

import org.vadose.base.Hex;
import org.vadose.layout.MmpfnlistLayout;
import org.vadose.layout.MmpfnlistShortLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.PageLocation;
import org.vadose.nt.Pfn;

/**
 * A list of page frames: its head ({@code _MMPFNLIST}, or a node's {@code _MMPFNLIST_SHORT}) and, in the frames' PFN entries, its
 * links.
 *
 * @param address of the head, which begins with the number of frames
 * @param links address of the head's {@code Flink}, which its {@code Blink} follows
 * @param database address of the entry of frame 0
 */
record PageList(Memory memory, long address, long links, long database) {
    private static final long BLINK = MmpfnlistLayout.BLINK - MmpfnlistLayout.FLINK;

    /** A list whose head is a {@code _MMPFNLIST}. */
    PageList(Memory memory, long address, long database) {
        this(memory, address, address + MmpfnlistLayout.FLINK, database);
    }

    /** A list whose head is a {@code _MMPFNLIST_SHORT}, which has no name. */
    static PageList ofShort(Memory memory, long address, long database) {
        return new PageList(memory, address, address + MmpfnlistShortLayout.FLINK, database);
    }

    void initialize(PageLocation name) {
        memory.writeInt(address + MmpfnlistLayout.LIST_NAME, name.value());
        initialize();
    }

    void initialize() {
        setTotal(0);
        setFirst(Pfn.LIST_END);
        setLast(Pfn.LIST_END);
    }

    long total() {
        return memory.readLong(address);
    }

    void setTotal(long frames) {
        memory.writeLong(address, frames);
    }

    /** Frame number, or {@link Pfn#LIST_END}. */
    long first() {
        return memory.readLong(links);
    }

    void setFirst(long frame) {
        memory.writeLong(links, frame);
    }

    long last() {
        return memory.readLong(links + BLINK);
    }

    void setLast(long frame) {
        memory.writeLong(links + BLINK, frame);
    }

    private Pfn pfn(long frame) {
        return new Pfn(memory, database + frame * Pfn.SIZE);
    }

    void addFirst(long frame) {
        long next = first();
        Pfn pfn = pfn(frame);
        pfn.setFlink(next);
        pfn.setBlink(Pfn.LIST_END);
        if (next == Pfn.LIST_END) {
            setLast(frame);
        } else {
            pfn(next).setBlink(frame);
        }
        setFirst(frame);
        setTotal(total() + 1);
    }

    void addLast(long frame) {
        long previous = last();
        Pfn pfn = pfn(frame);
        pfn.setFlink(Pfn.LIST_END);
        pfn.setBlink(previous);
        if (previous == Pfn.LIST_END) {
            setFirst(frame);
        } else {
            pfn(previous).setFlink(frame);
        }
        setLast(frame);
        setTotal(total() + 1);
    }

    void remove(long frame) {
        Pfn pfn = pfn(frame);
        long next = pfn.flink();
        long previous = pfn.blink();
        if (previous == Pfn.LIST_END) {
            setFirst(next);
        } else {
            pfn(previous).setFlink(next);
        }
        if (next == Pfn.LIST_END) {
            setLast(previous);
        } else {
            pfn(next).setBlink(previous);
        }
        setTotal(total() - 1);
    }

    /**
     * Takes up to so many frames off the front.
     *
     * @return how many there were
     */
    int removeFirst(long[] into, int atMost) {
        return removeFirst(into, 0, atMost);
    }

    /** As {@link #removeFirst(long[], int)}, into a part of an array. */
    int removeFirst(long[] into, int from, int to) {
        int count = 0;
        long frame = first();
        while (from + count < to && frame != Pfn.LIST_END) {
            into[from + count++] = frame;
            frame = pfn(frame).flink();
        }
        setFirst(frame);
        if (frame == Pfn.LIST_END) {
            setLast(Pfn.LIST_END);
        } else {
            pfn(frame).setBlink(Pfn.LIST_END);
        }
        setTotal(total() - count);
        return count;
    }

    /** Adds a part of an array to the end. */
    void addLast(long[] frames, int from, int to) {
        if (from == to) {
            return;
        }
        long previous = last();
        if (previous == Pfn.LIST_END) {
            setFirst(frames[from]);
        } else {
            pfn(previous).setFlink(frames[from]);
        }
        for (int i = from; i < to; i++) {
            Pfn pfn = pfn(frames[i]);
            pfn.setBlink(previous);
            pfn.setFlink(i + 1 < to ? frames[i + 1] : Pfn.LIST_END);
            previous = frames[i];
        }
        setLast(previous);
        setTotal(total() + to - from);
    }

    /** Moves its first frames, which are a part of an array, to the end of another list. */
    void moveFirst(PageList other, long[] frames, int from, int to) {
        if (from == to) {
            return;
        }
        long first = first();
        if (first != frames[from]) {
            throw new IllegalStateException(
                    "frame is not the first of its list pfn=" + Hex.plain(frames[from]) + " first=" + Hex.plain(first));
        }
        long last = frames[to - 1];
        long next = pfn(last).flink();
        setFirst(next);
        if (next == Pfn.LIST_END) {
            setLast(next);
        } else {
            pfn(next).setBlink(Pfn.LIST_END);
        }
        setTotal(total() - (to - from));
        long previous = other.last();
        pfn(first).setBlink(previous);
        if (previous == Pfn.LIST_END) {
            other.setFirst(first);
        } else {
            pfn(previous).setFlink(first);
        }
        pfn(last).setFlink(Pfn.LIST_END);
        other.setLast(last);
        other.setTotal(other.total() + to - from);
    }
}
