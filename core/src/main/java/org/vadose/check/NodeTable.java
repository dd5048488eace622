package org.vadose.check;

import org.vadose.layout.HalNodeRangeLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiHardwareStateLayout;
import org.vadose.layout.MiNodeInformationLayout;
import org.vadose.layout.MiPartitionCoreLayout;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiSystemInformationLayout;
import org.vadose.memory.Memory;

/** What RAM says of the nodes: how many, which frames are whose, where each is described. */
final class NodeTable {
    private static final int MOST_NODES = 64;

    private final Memory kernel;
    private final long ranges;
    private final long information;
    private final int count;

    NodeTable(Memory kernel, long kernelBase, Findings findings) {
        this.kernel = kernel;
        long hardware = kernelBase + KernelSymbols.MI_STATE + MiSystemInformationLayout.HARDWARE;
        long partition = kernelBase + KernelSymbols.MI_SYSTEM_PARTITION;
        information = kernel.readLong(partition + MiPartitionLayout.CORE + MiPartitionCoreLayout.NODE_INFORMATION);
        ranges = kernel.readLong(hardware + MiHardwareStateLayout.NUMA_MEMORY_RANGES);
        int nodes = 1 + kernel.readInt(hardware + MiHardwareStateLayout.NUMA_LAST_RANGE_INDEX_INCLUSIVE);
        boolean makesSense = nodes >= 1 && nodes <= MOST_NODES;
        if (!makesSense) {
            findings.add("nodes make no sense nodes=" + nodes);
        }
        count = makesSense ? nodes : 0;
    }

    /** 0 when what stands there makes no sense. */
    int count() {
        return count;
    }

    int ofFrame(long frame) {
        for (int i = count - 1; i > 0; i--) {
            long range = ranges + i * HalNodeRangeLayout.SIZE;
            if (frame >= kernel.readLong(range + HalNodeRangeLayout.PAGE_FRAME_INDEX)) {
                return kernel.readInt(range + HalNodeRangeLayout.NODE);
            }
        }
        return 0;
    }

    /** Address of a node's {@code _MI_NODE_INFORMATION}. */
    long information(int node) {
        return information + node * MiNodeInformationLayout.SIZE;
    }
}
