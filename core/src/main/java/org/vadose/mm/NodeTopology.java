package org.vadose.mm;

import org.vadose.base.Pages;

/**
 * Which node of a machine with non-uniform memory each frame of RAM and each processor belongs to. A node's frames are one run that
 * begins on a 2 MB boundary; a node's processors have consecutive numbers. With more nodes than processors, the last nodes have
 * memory alone.
 *
 * @param count of nodes, 1 to {@value #MOST}
 * @param frames of RAM
 * @param processors of the machine
 */
public record NodeTopology(int count, long frames, int processors) {
    /** As many as fit a process's array of ideal nodes with room to spare; Windows itself stops at 64. */
    public static final int MOST = 16;

    private static final long ALIGNMENT = Pages.LARGE_SIZE / Pages.SIZE;

    public NodeTopology {
        if (count < 1 || count > MOST || count > 1 && frames / count < ALIGNMENT) {
            throw new IllegalArgumentException("a machine has 1 to " + MOST
                    + " nodes, each with at least 2 MB of RAM nodes=" + count + " frames=" + frames);
        }
    }

    /** The first frame of a node; of the node behind the last one, the end of RAM. */
    public long firstFrame(int node) {
        return node == count ? frames : frames / count / ALIGNMENT * ALIGNMENT * node;
    }

    public int ofFrame(long frame) {
        return count == 1 ? 0 : (int) Math.min(count - 1, frame / (frames / count / ALIGNMENT * ALIGNMENT));
    }

    public int ofProcessor(int processor) {
        return processors < count ? processor : processor * count / processors;
    }

    /** The processors of a node, one bit each. */
    public long processorMask(int node) {
        long mask = 0;
        for (int processor = 0; processor < processors; processor++) {
            mask |= ofProcessor(processor) == node ? 1L << processor : 0;
        }
        return mask;
    }

    /** The nodes by their distance from one, that one first. */
    int[] byDistance(int from) {
        int[] order = new int[count];
        int at = 0;
        for (int distance = 0; at < count; distance++) {
            if (from - distance >= 0) {
                order[at++] = from - distance;
            }
            if (distance != 0 && from + distance < count) {
                order[at++] = from + distance;
            }
        }
        return order;
    }
}
