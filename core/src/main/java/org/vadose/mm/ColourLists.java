package org.vadose.mm;

import org.vadose.base.Pages;
import org.vadose.layout.HalNodeRangeLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KprcbLayout;
import org.vadose.layout.MiHardwareStateLayout;
import org.vadose.layout.MiNodeInformationLayout;
import org.vadose.layout.MiPartitionCoreLayout;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiPartitionPageListsLayout;
import org.vadose.layout.MiSystemInformationLayout;
import org.vadose.layout.MmpfnlistLayout;
import org.vadose.layout.RtlBitmapLayout;
import org.vadose.layout.SlistHeaderLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.PageLocation;
import org.vadose.nt.Pfn;

/**
 * Zeroed and free frames, one list for each node and colour. A frame's colour is its number modulo {@value #COLOURS}, with the
 * node above: frames of different colours lie in different places of a processor's cache, and their PFN entries on different cache
 * lines.
 *
 * <pre>
 *   FreePagesByColor[0 zeroed, 1 free] -> _MMPFNLIST for each colour, node << NodeShift | colour
 *   FreePageSlist[0, 1]                -> _SLIST_HEADER for each colour: {@link ProcessorFrames}
 *   ZeroedPageListHead, FreePageListHead: Total over all colours; no frame is on these themselves
 *   Core.NodeInformation               -> _MI_NODE_INFORMATION for each node:
 *       FreeCount[2]                      totals over the node's colours
 *       FreePageListHeadsBitmap[2]        one bit a colour: the list is not empty
 * </pre>
 *
 * The arrays stand behind the PFN database. Guarded by the lock of frames.
 */
final class ColourLists {
    /** Indices into arrays of two, as {@code _MMLISTS} counts. */
    static final int ZEROED = 0;

    static final int FREE = 1;

    /** Colours of a node. Windows computes as many from the size of the second-level cache; one long has a bit for each. */
    static final int COLOURS = 64;

    static final int NODE_SHIFT = 6;
    private static final int MASK = COLOURS - 1;
    private static final int FIRST_LEVEL_CACHE_BYTES = 32 << 10;
    private static final int SECOND_LEVEL_CACHE_BYTES = 256 << 10;
    private static final long HALF_OF_BITMAPS = 8L * Integer.BYTES;

    private final Memory memory;
    private final NodeTopology topology;
    private final long kernelBase;
    private final int colours;
    private final long slists;
    private final long nodes;
    private final PageList[] heads = new PageList[2];
    private final PageList[] lists;
    private final int[][] byDistance;

    /**
     * @param database address of the entry of frame 0
     * @param start of {@link #sizeBytes} bytes for the arrays
     */
    ColourLists(Memory memory, NodeTopology topology, long kernelBase, long database, long start) {
        this.memory = memory;
        this.topology = topology;
        this.kernelBase = kernelBase;
        colours = topology.count() << NODE_SHIFT;
        slists = start + 2L * colours * MmpfnlistLayout.SIZE;
        nodes = slists + 2L * colours * SlistHeaderLayout.SIZE;
        long pageLists = pageLists();
        heads[ZEROED] = new PageList(memory, pageLists + MiPartitionPageListsLayout.ZEROED_PAGE_LIST_HEAD, database);
        heads[FREE] = new PageList(memory, pageLists + MiPartitionPageListsLayout.FREE_PAGE_LIST_HEAD, database);
        lists = new PageList[2 * colours];
        for (int i = 0; i < lists.length; i++) {
            lists[i] = new PageList(memory, start + i * MmpfnlistLayout.SIZE, database);
        }
        byDistance = new int[topology.count()][];
        for (int node = 0; node < byDistance.length; node++) {
            byDistance[node] = topology.byDistance(node);
        }
    }

    /** Bytes of the arrays. */
    static long sizeBytes(NodeTopology topology) {
        long colours = (long) topology.count() << NODE_SHIFT;
        return Pages.up(2 * colours * (MmpfnlistLayout.SIZE + SlistHeaderLayout.SIZE)
                + topology.count() * (MiNodeInformationLayout.SIZE + HalNodeRangeLayout.SIZE));
    }

    private long pageLists() {
        return kernelBase + KernelSymbols.MI_SYSTEM_PARTITION + MiPartitionLayout.PAGE_LISTS;
    }

    /** Empty lists, and the variables that lead to them and describe the nodes. */
    void initialize() {
        heads[ZEROED].initialize(PageLocation.ZEROED);
        heads[FREE].initialize(PageLocation.FREE);
        for (int i = 0; i < lists.length; i++) {
            lists[i].initialize(i < colours ? PageLocation.ZEROED : PageLocation.FREE);
        }
        for (int kind = 0; kind < 2; kind++) {
            long pointer = 8L * kind;
            memory.writeLong(
                    pageLists() + MiPartitionPageListsLayout.FREE_PAGES_BY_COLOR + pointer,
                    lists[kind * colours].address());
            memory.writeLong(pageLists() + MiPartitionPageListsLayout.FREE_PAGE_SLIST + pointer, slist(kind, 0));
        }
        memory.writeLong(
                kernelBase
                        + KernelSymbols.MI_SYSTEM_PARTITION
                        + MiPartitionLayout.CORE
                        + MiPartitionCoreLayout.NODE_INFORMATION,
                nodes);
        describeHardware();
        for (int node = 0; node < topology.count(); node++) {
            describeNode(node);
        }
    }

    private void describeHardware() {
        long hardware = kernelBase + KernelSymbols.MI_STATE + MiSystemInformationLayout.HARDWARE;
        long ranges = nodes + topology.count() * MiNodeInformationLayout.SIZE;
        memory.writeInt(
                hardware + MiHardwareStateLayout.NODE_MASK, Integer.highestOneBit(2 * topology.count() - 1) - 1);
        memory.writeByte(hardware + MiHardwareStateLayout.NODE_SHIFT, (byte) NODE_SHIFT);
        memory.writeByte(hardware + MiHardwareStateLayout.CHANNEL_SHIFT, (byte) NODE_SHIFT);
        memory.writeInt(hardware + MiHardwareStateLayout.SECONDARY_COLORS, COLOURS);
        memory.writeInt(hardware + MiHardwareStateLayout.SECONDARY_COLOR_MASK, MASK);
        memory.writeInt(hardware + MiHardwareStateLayout.FIRST_LEVEL_CACHE_SIZE, FIRST_LEVEL_CACHE_BYTES);
        memory.writeInt(hardware + MiHardwareStateLayout.SECOND_LEVEL_CACHE_SIZE, SECOND_LEVEL_CACHE_BYTES);
        memory.writeInt(hardware + MiHardwareStateLayout.LOGICAL_PROCESSORS_PER_CORE, 1);
        memory.writeInt(hardware + MiHardwareStateLayout.NUMA_LAST_RANGE_INDEX_INCLUSIVE, topology.count() - 1);
        memory.writeLong(hardware + MiHardwareStateLayout.NUMA_MEMORY_RANGES, ranges);
        for (int node = 0; node < topology.count(); node++) {
            long range = ranges + node * HalNodeRangeLayout.SIZE;
            memory.writeLong(range + HalNodeRangeLayout.PAGE_FRAME_INDEX, topology.firstFrame(node));
            memory.writeInt(range + HalNodeRangeLayout.NODE, node);
        }
    }

    private void describeNode(int node) {
        long information = information(node);
        long frames = topology.firstFrame(node + 1) - topology.firstFrame(node);
        for (int kind = 0; kind < 2; kind++) {
            long bitmap =
                    information + MiNodeInformationLayout.FREE_PAGE_LIST_HEADS_BITMAP + kind * RtlBitmapLayout.SIZE;
            memory.writeInt(bitmap + RtlBitmapLayout.SIZE_OF_BIT_MAP, COLOURS);
            memory.writeLong(bitmap + RtlBitmapLayout.BUFFER, bits(kind, node));
        }
        memory.writeLong(information + MiNodeInformationLayout.TOTAL_PAGES, frames);
        memory.writeLong(information + MiNodeInformationLayout.TOTAL_PAGES_ENTIRE_NODE, frames);
        memory.writeInt(information + MiNodeInformationLayout.MM_SHIFTED_COLOR, node << NODE_SHIFT);
        memory.writeInt(information + MiNodeInformationLayout.COLOR, node);
        long mask = topology.processorMask(node);
        memory.writeLong(information + MiNodeInformationLayout.GROUP_AFFINITY, mask);
        memory.writeShort(information + MiNodeInformationLayout.PROCESSOR_COUNT, (short) Long.bitCount(mask));
    }

    /** Address of a node's {@code _MI_NODE_INFORMATION}. */
    long information(int node) {
        return nodes + node * MiNodeInformationLayout.SIZE;
    }

    /** Address of one bit for each colour of a node. */
    private long bits(int kind, int node) {
        return information(node) + MiNodeInformationLayout.FREE_PAGE_LIST_HEADS_BITMAP_BUFFER + kind * HALF_OF_BITMAPS;
    }

    /** Tells a processor where it belongs. */
    void describeProcessor(long prcb, int number) {
        int node = topology.ofProcessor(number);
        memory.writeInt(prcb + KprcbLayout.NODE_COLOR, node);
        memory.writeInt(prcb + KprcbLayout.NODE_SHIFTED_COLOR, node << NODE_SHIFT);
        memory.writeInt(prcb + KprcbLayout.SECONDARY_COLOR_MASK, MASK);
    }

    NodeTopology topology() {
        return topology;
    }

    /** Address of the {@code _SLIST_HEADER} of a colour. */
    long slist(int kind, int colour) {
        return slists + ((long) kind * colours + colour) * SlistHeaderLayout.SIZE;
    }

    int colour(long frame) {
        return topology.ofFrame(frame) << NODE_SHIFT | (int) frame & MASK;
    }

    private PageList list(int kind, int colour) {
        return lists[kind * colours + colour];
    }

    /** Frames on all lists of a kind. */
    long total(int kind) {
        return heads[kind].total();
    }

    /** Frames on a node's lists of a kind. */
    long total(int kind, int node) {
        return memory.readLong(information(node) + MiNodeInformationLayout.FREE_COUNT + 8L * kind);
    }

    private void count(int kind, int node, long delta) {
        heads[kind].setTotal(heads[kind].total() + delta);
        long at = information(node) + MiNodeInformationLayout.FREE_COUNT + 8L * kind;
        memory.writeLong(at, memory.readLong(at) + delta);
    }

    /** What {@link #initialize} left empty is filled at boot: a chain in ascending order, whose links the caller writes. */
    void fill(int colour, long first, long last, long total) {
        PageList list = list(ZEROED, colour);
        list.setFirst(first);
        list.setLast(last);
        list.setTotal(total);
        setBit(ZEROED, colour, total != 0);
        count(ZEROED, colour >> NODE_SHIFT, total);
    }

    private void setBit(int kind, int colour, boolean isSet) {
        long at = bits(kind, colour >> NODE_SHIFT);
        long bit = 1L << (colour & MASK);
        long bits = memory.readLong(at);
        memory.writeLong(at, isSet ? bits | bit : bits & ~bit);
    }

    void add(int kind, long frame) {
        int colour = colour(frame);
        PageList list = list(kind, colour);
        if (list.first() == Pfn.LIST_END) {
            setBit(kind, colour, true);
        }
        list.addFirst(frame);
        count(kind, colour >> NODE_SHIFT, 1);
    }

    void remove(int kind, long frame) {
        remove(kind, colour(frame), frame);
    }

    private void remove(int kind, int colour, long frame) {
        PageList list = list(kind, colour);
        list.remove(frame);
        if (list.first() == Pfn.LIST_END) {
            setBit(kind, colour, false);
        }
        count(kind, colour >> NODE_SHIFT, -1);
    }

    /**
     * Takes several frames of one colour.
     *
     * @return how many there were
     */
    int take(int kind, int colour, long[] into, int atMost) {
        PageList list = list(kind, colour);
        int taken = list.removeFirst(into, atMost);
        if (list.first() == Pfn.LIST_END) {
            setBit(kind, colour, false);
        }
        count(kind, colour >> NODE_SHIFT, -taken);
        return taken;
    }

    /** The colours of a node, one bit each, that have frames of a kind. */
    long colours(int kind, int node) {
        return memory.readLong(bits(kind, node));
    }

    /**
     * Takes a frame off the lists of one node.
     *
     * @param colour to begin with, without the node
     * @return the frame or {@link PfnDatabase#NONE}
     */
    long take(int kind, int node, int colour) {
        long bits = colours(kind, node);
        if (bits == 0) {
            return PfnDatabase.NONE;
        }
        int chosen = node << NODE_SHIFT | colour + Long.numberOfTrailingZeros(Long.rotateRight(bits, colour)) & MASK;
        long frame = list(kind, chosen).first();
        remove(kind, chosen, frame);
        return frame;
    }

    /** Nodes in the order in which frames are looked for by who prefers one. */
    int[] byDistance(int node) {
        return byDistance[node];
    }

    /** The first frame of a list, {@link Pfn#LIST_END} when it is empty. */
    long first(int kind, int colour) {
        return list(kind, colour).first();
    }

    /** Colours of all nodes. */
    int colours() {
        return colours;
    }
}
