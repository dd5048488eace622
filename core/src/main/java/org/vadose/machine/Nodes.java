package org.vadose.machine;

import org.vadose.layout.EnodeLayout;
import org.vadose.layout.GroupAffinityLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KnodeLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.NodeTopology;
import org.vadose.mm.SystemRegion;

/** The kernel's blocks for nodes: {@code KeNodeBlock} leads to an {@code _ENODE} for each, of which the first is static. */
final class Nodes {
    private Nodes() {}

    /** Makes the blocks; the processors' control blocks name them afterwards. */
    static void create(MemoryManager memoryManager) {
        NodeTopology topology = memoryManager.pfns().topology();
        Memory memory = memoryManager.kernelMemory();
        long base = memoryManager.kernelBase();
        memory.writeShort(base + KernelSymbols.KE_NUMBER_NODES, (short) topology.count());
        for (int number = 0; number < topology.count(); number++) {
            long node = number == 0
                    ? base + KernelSymbols.EX_NODE0
                    : memoryManager.systemSpace().allocate(SystemRegion.SYSTEM_PTES, 1, false);
            if (node == 0) {
                throw new IllegalStateException("out of RAM for nodes bytes=" + EnodeLayout.SIZE);
            }
            memory.writeLong(base + KernelSymbols.KE_NODE_BLOCK + 8L * number, node);
            describe(memory, node, number, topology.processorMask(number));
        }
    }

    private static void describe(Memory memory, long node, int number, long processors) {
        memory.writeLong(node + KnodeLayout.AFFINITY + GroupAffinityLayout.MASK, processors);
        memory.writeShort(node + KnodeLayout.NODE_NUMBER, (short) number);
        memory.writeShort(node + KnodeLayout.PRIMARY_NODE_NUMBER, (short) number);
        memory.writeInt(node + KnodeLayout.PROXIMITY_ID, number);
        memory.writeByte(node + KnodeLayout.MAXIMUM_PROCESSORS, (byte) Long.bitCount(processors));
        memory.writeLong(node + KnodeLayout.NON_PARKED_SET, processors);
        memory.writeLong(node + KnodeLayout.IDLE_CPU_SET, processors);
        memory.writeLong(node + KnodeLayout.IDLE_SMT_SET, processors);
        memory.writeLong(node + KnodeLayout.IDLE_NON_PARKED_CPU_SET, processors);
    }
}
