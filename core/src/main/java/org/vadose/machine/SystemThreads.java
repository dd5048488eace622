package org.vadose.machine;

import java.util.List;
import java.util.Map;
import org.vadose.layout.KernelSymbols;
import org.vadose.mm.BackgroundWork;
import org.vadose.nt.DispatcherHeader;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.HandleTable;
import org.vadose.nt.WaitReason;
import org.vadose.ob.KnownType;
import org.vadose.ob.ObjectManager;
import org.vadose.ps.ProcessManager;
import org.vadose.ps.ThreadSpec;

/** The threads of System, by the routine each runs, and System's own handles. */
final class SystemThreads {
    /** Start routine, priority, {@link WaitReason} ordinal, how many. */
    private static final long[][] THREADS = {
        {KernelSymbols.PHASE1_INITIALIZATION, 0, WaitReason.WR_FREE_PAGE.ordinal(), 1},
        {KernelSymbols.POP_IRP_WORKER, 13, WaitReason.EXECUTIVE.ordinal(), 2},
        {KernelSymbols.EXP_WORKER_THREAD, 12, WaitReason.WR_QUEUE.ordinal(), 6},
        {KernelSymbols.KE_BALANCE_SET_MANAGER, 17, WaitReason.WR_EXECUTIVE.ordinal(), 1},
        {KernelSymbols.KE_SWAP_PROCESS_OR_STACK, 23, WaitReason.EXECUTIVE.ordinal(), 1},
        {KernelSymbols.MI_DEREFERENCE_SEGMENT_THREAD, 18, WaitReason.WR_VIRTUAL_MEMORY.ordinal(), 1},
        {KernelSymbols.MI_MODIFIED_PAGE_WRITER, 18, WaitReason.WR_FREE_PAGE.ordinal(), 1},
        {KernelSymbols.MI_MAPPED_PAGE_WRITER, 18, WaitReason.WR_FREE_PAGE.ordinal(), 1},
        {KernelSymbols.CC_QUEUE_LAZY_WRITE_SCAN_THREAD, 15, WaitReason.EXECUTIVE.ordinal(), 1},
        {KernelSymbols.PSP_REAPER, 16, WaitReason.EXECUTIVE.ordinal(), 1},
        {KernelSymbols.CMP_LAZY_WRITE_WORKER, 8, WaitReason.EXECUTIVE.ordinal(), 1},
        {KernelSymbols.ETWP_LOGGER, 8, WaitReason.EXECUTIVE.ordinal(), 2},
        {KernelSymbols.MI_ZERO_PAGE_THREAD, 0, WaitReason.WR_FREE_PAGE.ordinal(), 1},
        {KernelSymbols.PF_T_LOGGING_WORKER, 8, WaitReason.EXECUTIVE.ordinal(), 1},
        {KernelSymbols.SEP_RM_COMMAND_SERVER_THREAD, 8, WaitReason.WR_LPC_RECEIVE.ordinal(), 1}
    };

    /** What threads do for memory and the file cache, by start routine. */
    private static final Map<Long, List<BackgroundWork.Duty>> DUTIES = Map.of(
            KernelSymbols.KE_BALANCE_SET_MANAGER,
            List.of(BackgroundWork.Duty.BALANCE_SET, BackgroundWork.Duty.AGE),
            KernelSymbols.MI_MODIFIED_PAGE_WRITER,
            List.of(BackgroundWork.Duty.MODIFIED_WRITER),
            KernelSymbols.MI_MAPPED_PAGE_WRITER,
            List.of(BackgroundWork.Duty.MAPPED_WRITER),
            KernelSymbols.MI_ZERO_PAGE_THREAD,
            List.of(BackgroundWork.Duty.ZERO_PAGES),
            KernelSymbols.MI_DEREFERENCE_SEGMENT_THREAD,
            List.of(BackgroundWork.Duty.SEGMENTS),
            KernelSymbols.CC_QUEUE_LAZY_WRITE_SCAN_THREAD,
            List.of(BackgroundWork.Duty.LAZY_WRITER),
            KernelSymbols.EXP_WORKER_THREAD,
            List.of(BackgroundWork.Duty.READ_AHEAD, BackgroundWork.Duty.COMBINE));

    private SystemThreads() {}

    static void create(ProcessManager processes, ObjectManager objects, BackgroundWork background) {
        Eprocess system = processes.system();
        long base = objects.kernelBase();
        HandleTable table = new HandleTable(objects.memory(), system.objectTable());
        objects.handles().open(table, system.address(), 0, KnownType.PROCESS.validAccess());
        for (long[] thread : THREADS) {
            for (int i = 0; i < thread[3]; i++) {
                long event = processes.createEvent(DispatcherHeader.SYNCHRONIZATION_EVENT, "");
                objects.handles().open(table, event, 0, KnownType.EVENT.validAccess());
                objects.dereference(event);
                Ethread created = processes.createThread(
                        system,
                        ThreadSpec.system(base + thread[0], (int) thread[1], WaitReason.of((int) thread[2]), event));
                DUTIES.getOrDefault(thread[0], List.of()).forEach(duty -> background.setThread(duty, created));
                objects.handles().open(table, created.address(), 0, KnownType.THREAD.validAccess());
                processes.clock().advance(3 * org.vadose.ps.SystemClock.MILLISECOND);
            }
        }
        objects.handles().open(table, objects.namespace().root(), 0, KnownType.DIRECTORY.validAccess());
    }
}
