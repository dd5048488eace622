package org.vadose.mm;

import java.util.function.Supplier;
import org.vadose.layout.MmsupportInstanceLayout;
import org.vadose.layout.MmwslInstanceLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;

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
 *   VmWorkingSetList          _MMWSL_INSTANCE in nonpaged pool: where trimming goes on, how many pages are locked
 * </pre>
 */
final class WorkingSet {
    private static final int TAG = PoolTag.of("MmWl");

    private final Eprocess process;
    private final Supplier<Pool> pool;
    private final Memory memory;
    private final long vm;
    /** At most what is in RAM. */
    private long peak;

    WorkingSet(Eprocess process, Supplier<Pool> pool) {
        this.process = process;
        this.pool = pool;
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
        if (size > peak) {
            peak = Math.max(size, memory.readLong(vm + MmsupportInstanceLayout.PEAK_WORKING_SET_SIZE));
            memory.writeLong(vm + MmsupportInstanceLayout.PEAK_WORKING_SET_SIZE, peak);
        }
    }

    void countFault() {
        long at = vm + MmsupportInstanceLayout.PAGE_FAULT_COUNT;
        memory.writeInt(at, memory.readInt(at) + 1);
    }

    void countHardFault() {
        long at = vm + MmsupportInstanceLayout.HARD_FAULT_COUNT;
        memory.writeInt(at, memory.readInt(at) + 1);
    }

    void countTrimmed(long pages) {
        bump(MmsupportInstanceLayout.TRIMMED_PAGE_COUNT, pages);
    }

    /** Address of the PTE where the next trim begins, 0 for the first. */
    long nextPteToTrim() {
        return memory.readLong(list() + MmwslInstanceLayout.NEXT_PTE_TO_TRIM);
    }

    void setNextPteToTrim(long pteAddress) {
        memory.writeLong(list() + MmwslInstanceLayout.NEXT_PTE_TO_TRIM, pteAddress);
    }

    /** Pages of an age, 0 to 7, when they were last counted. */
    long pagesOfAge(int age) {
        return memory.readLong(vm + MmsupportInstanceLayout.AGE_DISTRIBUTION + 8L * age);
    }

    void setPagesOfAge(int age, long pages) {
        memory.writeLong(vm + MmsupportInstanceLayout.AGE_DISTRIBUTION + 8L * age, pages);
    }

    /** A page was locked in the working set, or with {@code delta} -1 unlocked. */
    void addLocked(long delta) {
        long at = list() + MmwslInstanceLayout.LOCKED_ENTRIES;
        memory.writeLong(at, memory.readLong(at) + delta);
    }

    /** The {@code _MMWSL_INSTANCE}, made when it is first wanted. */
    private long list() {
        long list = process.workingSetList();
        if (list == 0) {
            list = pool.get().allocate(PoolType.NON_PAGED_POOL_NX, MmwslInstanceLayout.SIZE, TAG);
            memory.fill(list, MmwslInstanceLayout.SIZE, (byte) 0);
            process.setWorkingSetList(list);
        }
        return list;
    }

    /** The process has no address space any more. */
    void delete() {
        long list = process.workingSetList();
        if (list != 0) {
            process.setWorkingSetList(0);
            pool.get().free(list);
        }
    }

    private long bump(long field, long delta) {
        long now = memory.readLong(vm + field) + delta;
        memory.writeLong(vm + field, now);
        return now;
    }
}
