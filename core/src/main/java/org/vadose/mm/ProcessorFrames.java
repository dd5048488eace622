package org.vadose.mm;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.vadose.layout.KprcbLayout;
import org.vadose.layout.MmpfnLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.Pfn;

/**
 * Frames that processors have at hand, so that taking one is cheap, and that processors that fault in different processes share
 * neither a lock nor a cache line. The colours of a node are shared out among its processors; a processor takes frames off the
 * {@code FreePageSlist}s of its colours, which are refilled from the lists by colour some hundred frames at a time.
 *
 * <pre>
 *   lists by colour --refill--> slists --pop--> active
 *                   &lt;--drain--          when frames are short, or somebody wants certain frames
 * </pre>
 *
 * What is on these slists does not count as available in {@code AvailablePages} nor in the lists' totals: it is promised to a
 * processor. Refilling and draining need the lock of frames, popping does not; the slists of one share have a lock of their own.
 */
final class ProcessorFrames {
    /** Nothing at hand: refill, or ask the lists. */
    static final long EMPTY = -1;
    /** Set in what {@link #pop} returns when the frame is not zeroed. */
    static final long DIRTY = 1L << 62;

    /** The PFN entries of four frames fill three cache lines exactly, the slists of four colours fill one. */
    private static final int LEAST_COLOURS = 4;

    private static final int MOST_OF_A_COLOUR = 8;
    private static final int MOST_AT_HAND = 256;
    /** So many longs or ints apart, two processors' state shares no cache line. */
    private static final int PADDING = 32;

    private static final int SPINS = 1000;
    private static final VarHandle LOCKED = MethodHandles.arrayElementVarHandle(int[].class);
    private static final VarHandle COUNT = MethodHandles.arrayElementVarHandle(long[].class);

    private final Memory memory;
    private final ColourLists lists;
    private final long database;
    private final int[] shareOf;
    /** Of each share, with the node. */
    private final int[] firstColour;

    private final int[] colourCount;
    private final long[] prcbs;
    private final int shares;
    /** One lock a share, 0 when nobody has it; the first {@value #PADDING} entries are padding. */
    private final int[] locked;
    /** Zeroed and free frames at hand of each share, as the slists' depths say. */
    private final long[] atHand;

    private final long[] moved = new long[MOST_OF_A_COLOUR];
    /** Count through the colours for processors that have no control block yet. */
    private final int[] earlyColours;

    ProcessorFrames(Memory memory, ColourLists lists, long database) {
        this.memory = memory;
        this.lists = lists;
        this.database = database;
        NodeTopology topology = lists.topology();
        int processors = topology.processors();
        shareOf = new int[processors];
        prcbs = new long[processors];
        int[] first = new int[processors];
        int[] count = new int[processors];
        int found = 0;
        for (int processor = 0; processor < processors; processor++) {
            int node = topology.ofProcessor(processor);
            long mates = topology.processorMask(node);
            int parts = Math.min(
                    ColourLists.COLOURS / LEAST_COLOURS,
                    Integer.highestOneBit(Math.max(1, 2 * Long.bitCount(mates) - 1)));
            int part = Long.bitCount(mates & (1L << processor) - 1) % parts;
            int colours = ColourLists.COLOURS / parts;
            int start = node << ColourLists.NODE_SHIFT | part * colours;
            int share = 0;
            while (share < found && first[share] != start) {
                share++;
            }
            if (share == found) {
                first[found] = start;
                count[found++] = colours;
            }
            shareOf[processor] = share;
        }
        shares = found;
        firstColour = first;
        colourCount = count;
        earlyColours = new int[(processors + 1) * PADDING];
        for (int processor = 0; processor < processors; processor++) {
            earlyColours[(processor + 1) * PADDING] = first[shareOf[processor]] & ColourLists.COLOURS - 1;
        }
        locked = new int[(found + 2) * PADDING];
        atHand = new long[(found + 2) * PADDING];
    }

    /** @param colour that the boot processor takes first, if it has all of them */
    void start(int colour) {
        if (shareOf.length == 1) {
            earlyColours[PADDING] = colour & ColourLists.COLOURS - 1;
        }
    }

    /** @param prcb control block of a processor, which counts through the colours for it */
    void use(int processor, long prcb) {
        prcbs[processor] = prcb;
        memory.writeInt(prcb + KprcbLayout.PAGE_COLOR, earlyColours[(processor + 1) * PADDING]);
        lists.describeProcessor(prcb, processor);
    }

    /** The colour, without the node, that a processor is to take next. */
    int nextColour(int processor) {
        int share = shareOf[processor];
        int mask = colourCount[share] - 1;
        long prcb = prcbs[processor];
        int early = (processor + 1) * PADDING;
        int colour = prcb == 0 ? earlyColours[early] : memory.readInt(prcb + KprcbLayout.PAGE_COLOR);
        int next = colour & ~mask | colour + 1 & mask;
        if (prcb == 0) {
            earlyColours[early] = next;
        } else {
            memory.writeInt(prcb + KprcbLayout.PAGE_COLOR, next);
        }
        return colour & ColourLists.COLOURS - 1;
    }

    /** Frames on all slists. */
    long total() {
        long total = 0;
        for (int share = 0; share < shares; share++) {
            total += count(share, ColourLists.ZEROED) + count(share, ColourLists.FREE);
        }
        return total;
    }

    private static int at(int share, int kind) {
        return (share + 1) * PADDING + kind;
    }

    private long count(int share, int kind) {
        return (long) COUNT.getOpaque(atHand, at(share, kind));
    }

    private void setCount(int share, int kind, long frames) {
        COUNT.setOpaque(atHand, at(share, kind), frames);
    }

    /**
     * Takes a frame that this processor has at hand, a zeroed one if there is one.
     *
     * @return the frame, with {@link #DIRTY} if it is to be zeroed, or {@link #EMPTY}
     */
    long pop(int processor) {
        int share = shareOf[processor];
        lock(share);
        try {
            for (int kind = ColourLists.ZEROED; kind <= ColourLists.FREE; kind++) {
                long left = count(share, kind);
                if (left != 0) {
                    setCount(share, kind, left - 1);
                    long frame = popOfShare(share, kind, processor);
                    return kind == ColourLists.ZEROED ? frame : frame | DIRTY;
                }
            }
            return EMPTY;
        } finally {
            unlock(share);
        }
    }

    private long popOfShare(int share, int kind, int processor) {
        int node = firstColour[share] & -ColourLists.COLOURS;
        for (int i = 0; i < ColourLists.COLOURS; i++) {
            long slist = lists.slist(kind, node | nextColour(processor));
            long entry = memory.readLong(slist + Long.BYTES);
            if (entry != 0) {
                popEntry(slist, entry);
                return (entry - database) / Pfn.SIZE;
            }
        }
        throw new IllegalStateException("fewer frames at hand than counted share=" + share + " kind=" + kind);
    }

    /** Depth and sequence are the low and the high part of the header's first half; the second half is the first entry. */
    private void popEntry(long slist, long entry) {
        memory.writeLong(slist + Long.BYTES, memory.readLong(entry + MmpfnLayout.U1));
        memory.writeLong(slist, memory.readLong(slist) - 1);
    }

    private void pushEntry(long slist, long entry) {
        memory.writeLong(entry + MmpfnLayout.U1, memory.readLong(slist + Long.BYTES));
        memory.writeLong(entry + MmpfnLayout.U2, 0);
        memory.writeLong(slist + Long.BYTES, entry);
        memory.writeLong(slist, memory.readLong(slist) + (1 << 16) + 1);
    }

    /**
     * Brings frames of a processor's colours to hand, zeroed ones if there are any. The caller holds the lock of frames.
     *
     * @return how many
     */
    long refill(int processor) {
        int share = shareOf[processor];
        int first = firstColour[share];
        int node = first >> ColourLists.NODE_SHIFT;
        int colours = colourCount[share];
        lock(share);
        try {
            if (count(share, ColourLists.ZEROED) + count(share, ColourLists.FREE) != 0) {
                return 0;
            }
            long mine = (colours == Long.SIZE ? -1 : (1L << colours) - 1) << first;
            int kind = (lists.colours(ColourLists.ZEROED, node) & mine) != 0 ? ColourLists.ZEROED : ColourLists.FREE;
            int each = Math.min(MOST_OF_A_COLOUR, MOST_AT_HAND / colours);
            long brought = 0;
            for (int colour = first; colour < first + colours; colour++) {
                int taken = lists.take(kind, colour, moved, each);
                for (int i = taken - 1; i >= 0; i--) {
                    pushEntry(lists.slist(kind, colour), database + moved[i] * Pfn.SIZE);
                }
                brought += taken;
            }
            setCount(share, kind, brought);
            return brought;
        } finally {
            unlock(share);
        }
    }

    /**
     * Puts everything back on the lists. The caller holds the lock of frames.
     *
     * @return how many frames
     */
    long drain() {
        long drained = 0;
        for (int share = 0; share < shares; share++) {
            lock(share);
            try {
                for (int kind = 0; kind < 2; kind++) {
                    drained += count(share, kind);
                    for (int i = 0; count(share, kind) != 0; i++) {
                        drain(share, kind, firstColour[share] + i);
                    }
                }
            } finally {
                unlock(share);
            }
        }
        return drained;
    }

    private void drain(int share, int kind, int colour) {
        long slist = lists.slist(kind, colour);
        for (long entry = memory.readLong(slist + Long.BYTES);
                entry != 0;
                entry = memory.readLong(slist + Long.BYTES)) {
            popEntry(slist, entry);
            lists.add(kind, (entry - database) / Pfn.SIZE);
            setCount(share, kind, count(share, kind) - 1);
        }
    }

    private void lock(int share) {
        assert OrderedLock.entered(OrderedLock.Rank.COLOURS);
        int at = (share + 1) * PADDING;
        while (!LOCKED.compareAndSet(locked, at, 0, 1)) {
            for (int i = 0; i < SPINS && (int) LOCKED.getOpaque(locked, at) != 0; i++) {
                Thread.onSpinWait();
            }
            if ((int) LOCKED.getOpaque(locked, at) != 0) {
                Thread.yield();
            }
        }
    }

    private void unlock(int share) {
        LOCKED.setRelease(locked, (share + 1) * PADDING, 0);
        assert OrderedLock.left(OrderedLock.Rank.COLOURS);
    }
}
