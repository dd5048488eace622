package org.vadose.ps;

import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KnodeLayout;
import org.vadose.layout.KprocessLayout;
import org.vadose.layout.KthreadLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.NodeTopology;

/**
 * The node each process, and the processor each thread, is best off on: processes take the nodes that have processors in turn, the
 * threads of a process the processors of its node (Windows Internals, 7th edition, part 1, chapter 4).
 */
final class IdealProcessors {
    private final Memory memory;
    private final NodeTopology topology;
    /** Address of the number of processes that nodes were chosen for. */
    private final long processSeed;

    IdealProcessors(MemoryManager memoryManager) {
        memory = memoryManager.kernelMemory();
        topology = memoryManager.pfns().topology();
        processSeed = memoryManager.kernelBase() + KernelSymbols.EX_NODE0 + KnodeLayout.PROCESS_SEED;
    }

    /** @param process address of a new {@code _KPROCESS} */
    void chooseNode(long process) {
        int nodes = Math.min(topology.count(), topology.processors());
        int seed = memory.readUnsignedShort(processSeed);
        int node = seed % nodes;
        memory.writeShort(processSeed, (short) (topology.count() == 1 ? 0 : seed + 1));
        long mask = topology.processorMask(node);
        memory.writeShort(process + KprocessLayout.IDEAL_NODE, (short) node);
        memory.writeShort(process + KprocessLayout.IDEAL_GLOBAL_NODE, (short) node);
        memory.writeShort(process + KprocessLayout.IDEAL_PROCESSOR, (short) Long.numberOfTrailingZeros(mask));
    }

    /**
     * @param thread address of a new {@code _KTHREAD}
     * @param process that of its process
     */
    void chooseProcessor(long thread, long process) {
        long mask = topology.processorMask(memory.readUnsignedShort(process + KprocessLayout.IDEAL_NODE));
        int count = Math.max(1, Long.bitCount(mask));
        long seedAt = process + KprocessLayout.THREAD_SEED;
        int seed = memory.readUnsignedShort(seedAt);
        memory.writeShort(seedAt, (short) ((seed + 1) % count));
        int chosen = mask == 0 ? 0 : Long.numberOfTrailingZeros(mask) + seed % count;
        memory.writeInt(thread + KthreadLayout.IDEAL_PROCESSOR, chosen);
        memory.writeInt(thread + KthreadLayout.USER_IDEAL_PROCESSOR, chosen);
    }
}
