package org.vadose.mm;

import java.util.Arrays;
import org.vadose.memory.Mmus;

/**
 * Frames that nobody has and whose contents nobody wants, zeroed and free: on the lists by colour, and at hand of processors. Each
 * processor takes what is nearest to it, or to the node that it is told to prefer.
 *
 * <p>What is on the lists is guarded by the lock of frames, which callers of {@link #take}, {@link #takeFree}, {@link #drain} and
 * {@link #lists} hold; {@link #takeForProcessor} takes it when it needs it.
 */
final class UnusedFrames {
    /** With so many on the lists, whatever other processors take meanwhile, nobody's page need be taken away. */
    private static final long PLENTY = 1024;

    /** So many ints apart, two processors' state shares no cache line. */
    private static final int PADDING = 32;

    private final Mmus mmus;
    private final ColourLists lists;
    private final ProcessorFrames atHand;
    private final OrderedLock lock;
    private final AvailablePages available;
    private final boolean isNuma;
    /** The node that each processor is to take frames of. */
    private final int[] preferred;

    /**
     * @param lock of frames
     * @param database address of the entry of frame 0
     */
    UnusedFrames(Mmus mmus, ColourLists lists, OrderedLock lock, AvailablePages available, long database) {
        this.mmus = mmus;
        this.lists = lists;
        this.lock = lock;
        this.available = available;
        atHand = new ProcessorFrames(mmus.kernel(), lists, database);
        isNuma = lists.topology().count() > 1;
        preferred = new int[(lists.topology().processors() + 2) * PADDING];
        Arrays.fill(preferred, PfnDatabase.ANY_NODE);
    }

    ColourLists lists() {
        return lists;
    }

    /** @param colour that the boot processor takes first */
    void start(int colour) {
        atHand.start(colour);
    }

    /** @param prcb control block of a processor, which from now on takes frames of colours of its own */
    void use(int processor, long prcb) {
        atHand.use(processor, prcb);
    }

    /** @param node of the frames that the current processor is to take, or {@link PfnDatabase#ANY_NODE} */
    void prefer(int node) {
        preferred[(mmus.current().number() + 1) * PADDING] = node;
    }

    private int node(int processor) {
        int node = preferred[(processor + 1) * PADDING];
        return node == PfnDatabase.ANY_NODE ? lists.topology().ofProcessor(processor) : node;
    }

    /** The nodes in the order in which the current processor is to look for frames. */
    int[] nodesByDistance() {
        return lists.byDistance(isNuma ? node(mmus.current().number()) : 0);
    }

    /** Frames on the lists. */
    long listed() {
        return zeroed() + free();
    }

    /** Zeroed frames on the lists. */
    long zeroed() {
        return lists.total(ColourLists.ZEROED);
    }

    /** Free frames, not zeroed, on the lists. */
    long free() {
        return lists.total(ColourLists.FREE);
    }

    /** Frames on a node's lists. */
    long total(int node) {
        return lists.total(ColourLists.ZEROED, node) + lists.total(ColourLists.FREE, node);
    }

    /** Frames that processors have at hand. */
    long atHand() {
        return atHand.total();
    }

    /**
     * Takes a frame that the current processor has at hand, or could have: none while there are few on the lists, so that somebody
     * makes more. It counts as available no longer.
     *
     * @return the frame, with {@link ProcessorFrames#DIRTY} if it is to be zeroed, or {@link PfnDatabase#NONE}
     */
    long takeForProcessor() {
        int processor = mmus.current().number();
        boolean isElsewhere = isNuma && node(processor) != lists.topology().ofProcessor(processor);
        return isElsewhere ? takePlenty() : pop(processor);
    }

    private long pop(int processor) {
        for (int attempt = 0; attempt < 2; attempt++) {
            long frame = atHand.pop(processor);
            if (frame != ProcessorFrames.EMPTY) {
                return frame;
            }
            lock.lock();
            try {
                long brought = listed() < PLENTY ? 0 : atHand.refill(processor);
                available.add(-brought);
            } finally {
                lock.unlock();
            }
        }
        return takePlenty();
    }

    private long takePlenty() {
        lock.lock();
        try {
            if (listed() < PLENTY) {
                return PfnDatabase.NONE;
            }
            long frame = take(ColourLists.ZEROED);
            if (frame == PfnDatabase.NONE) {
                frame = take(ColourLists.FREE) | ProcessorFrames.DIRTY;
            }
            available.add(-1);
            return frame;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes a frame off the lists, of the nearest node that has any; the processor's next colour, if that has. The caller says that it
     * is not available any more.
     *
     * @param kind {@link ColourLists#ZEROED} or {@link ColourLists#FREE}
     * @return the frame or {@link PfnDatabase#NONE}
     */
    long take(int kind) {
        int processor = mmus.current().number();
        int colour = atHand.nextColour(processor);
        if (!isNuma) {
            return lists.take(kind, 0, colour);
        }
        for (int from : lists.byDistance(node(processor))) {
            long frame = lists.take(kind, from, colour);
            if (frame != PfnDatabase.NONE) {
                return frame;
            }
        }
        return PfnDatabase.NONE;
    }

    /** {@link #take}s several free frames; answers how many there were. */
    int takeFree(long[] into, int atMost) {
        for (int count = 0; count < atMost; count++) {
            into[count] = take(ColourLists.FREE);
            if (into[count] == PfnDatabase.NONE) {
                return count;
            }
        }
        return atMost;
    }

    /** {@link #drain}s if nothing is on the lists. */
    void drainIfShort() {
        if (listed() == 0) {
            drain();
        }
    }

    /** Puts what processors have at hand back on the lists. */
    void drain() {
        available.add(atHand.drain());
    }
}
