package org.vadose.mm;

import org.vadose.layout.MmsupportInstanceLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;

/**
 * A process's working set: the pages that its valid PTEs map, its <em>leaves</em>, and the page tables of its user half. This
 * build of Windows keeps a page's working-set entry in its PTE ({@code WsleAge}, {@code WsleProtection}); here are the counts, in
 * {@code _EPROCESS.Vm} ({@code _MMSUPPORT_INSTANCE}).
 *
 * <pre>
 *   WorkingSetSize            leaves and tables
 *   WorkingSetLeafSize        leaves
 *   WorkingSetPrivateSize     leaves that are the process's own, and tables
 *   WorkingSetLeafPrivateSize leaves that are the process's own
 * </pre>
 */
final class WorkingSet {
    private final Memory memory;
    private final long vm;

    WorkingSet(Eprocess process) {
        memory = process.memory();
        vm = process.vm();
    }

    /** A PTE became valid, or with {@code delta} -1 stopped being so. */
    void addLeaf(long delta, boolean isPrivate) {
        addSize(delta);
        bump(MmsupportInstanceLayout.WORKING_SET_LEAF_SIZE, delta);
        if (isPrivate) {
            bump(MmsupportInstanceLayout.WORKING_SET_PRIVATE_SIZE, delta);
            bump(MmsupportInstanceLayout.WORKING_SET_LEAF_PRIVATE_SIZE, delta);
        }
    }

    /** A page table came, or with {@code delta} -1 went. */
    void addTable(long delta) {
        addSize(delta);
        bump(MmsupportInstanceLayout.WORKING_SET_PRIVATE_SIZE, delta);
    }

    private void addSize(long delta) {
        long size = bump(MmsupportInstanceLayout.WORKING_SET_SIZE, delta);
        if (size > memory.readLong(vm + MmsupportInstanceLayout.PEAK_WORKING_SET_SIZE)) {
            memory.writeLong(vm + MmsupportInstanceLayout.PEAK_WORKING_SET_SIZE, size);
        }
    }

    void countFault() {
        long at = vm + MmsupportInstanceLayout.PAGE_FAULT_COUNT;
        memory.writeInt(at, memory.readInt(at) + 1);
    }

    private long bump(long field, long delta) {
        long now = memory.readLong(vm + field) + delta;
        memory.writeLong(vm + field, now);
        return now;
    }
}
