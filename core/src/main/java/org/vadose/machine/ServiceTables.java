package org.vadose.machine;

import org.vadose.layout.KernelSymbols;
import org.vadose.memory.Memory;

/**
 * {@code KeServiceDescriptorTable} and its shadow, which lead to the system services: address of the table, counters (none in a free
 * build), how many services, address of the argument table. The structure is not in the symbol tables.
 */
final class ServiceTables {
    private static final int LIMIT = 16;
    private static final int ARGUMENTS = 24;

    private ServiceTables() {}

    static void write(Memory memory, long kernelBase) {
        int limit = memory.readInt(kernelBase + KernelSymbols.KI_SERVICE_LIMIT);
        for (long descriptor :
                new long[] {KernelSymbols.KE_SERVICE_DESCRIPTOR_TABLE, KernelSymbols.KE_SERVICE_DESCRIPTOR_TABLE_SHADOW
                }) {
            memory.writeLong(kernelBase + descriptor, kernelBase + KernelSymbols.KI_SERVICE_TABLE);
            memory.writeInt(kernelBase + descriptor + LIMIT, limit);
            memory.writeLong(kernelBase + descriptor + ARGUMENTS, kernelBase + KernelSymbols.KI_ARGUMENT_TABLE);
        }
    }
}
