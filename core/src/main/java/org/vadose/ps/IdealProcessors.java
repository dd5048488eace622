package org.vadose.ps;

import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KnodeLayout;
import org.vadose.layout.KprocessLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.NodeTopology;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;

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
     * @param owner its process
     */
    void chooseProcessor(long thread, Eprocess owner) {
        long process = owner.address();
        long allowed = owner.affinity();
        long mask = topology.processorMask(memory.readUnsignedShort(process + KprocessLayout.IDEAL_NODE)) & allowed;
        if (mask == 0) {
            mask = allowed;
        }
        int count = Math.max(1, Long.bitCount(mask));
        long seedAt = process + KprocessLayout.THREAD_SEED;
        int seed = memory.readUnsignedShort(seedAt);
        memory.writeShort(seedAt, (short) ((seed + 1) % count));
        for (int skipped = seed % count; skipped > 0; skipped--) {
            mask &= mask - 1;
        }
        new Ethread(memory, thread).setIdealProcessor(mask == 0 ? 0 : Long.numberOfTrailingZeros(mask));
    }
}
