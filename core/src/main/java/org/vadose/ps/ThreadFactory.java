package org.vadose.ps;

import org.vadose.base.Pages;
import org.vadose.base.ResourcesException;
import org.vadose.ke.Waits;
import org.vadose.layout.ClientIdLayout;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.EthreadLayout;
import org.vadose.layout.KapcStateLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KeventLayout;
import org.vadose.layout.KthreadLayout;
import org.vadose.layout.KtimerLayout;
import org.vadose.layout.KtrapFrameLayout;
import org.vadose.layout.KwaitBlockLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.PfnDatabase;
import org.vadose.mm.SystemRegion;
import org.vadose.nt.DispatcherHeader;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.HandleTable;
import org.vadose.nt.HandleTableEntry;
import org.vadose.nt.ListEntry;
import org.vadose.nt.ThreadState;
import org.vadose.ob.KnownType;
import org.vadose.ob.ObjectManager;

/** Makes {@code _ETHREAD} objects with their kernel stacks and puts them where threads are looked for. */
final class ThreadFactory {
    static final int STACK_PAGES = 6;
    /** What the kernel keeps above a thread's first frame. */
    private static final int STACK_RESERVED_BYTES = 0x370;

    private static final int SUSPENDED_FRAMES_BYTES = 0x700;
    /** {@code EnableStackSwap}, {@code ApcQueueable} and friends as a thread at rest has them. */
    private static final int MISC_ALERTABLE_FREE = 1 << 14;

    private static final int MISC_SYSTEM_THREAD = 1 << 10;
    private static final int THREAD_INSERTED = 2;
    private static final int USER_MODE = 1;
    private static final int DEFAULT_QUANTUM = 6;

    private final Memory memory;
    private final MemoryManager memoryManager;
    private final IdealProcessors ideals;
    private final ObjectManager objects;
    private final long kernelBase;
    private final SystemClock clock;
    private final Waits waits;

    ThreadFactory(MemoryManager memoryManager, ObjectManager objects, SystemClock clock, Waits waits) {
        this.memory = objects.memory();
        this.memoryManager = memoryManager;
        this.ideals = new IdealProcessors(memoryManager);
        this.objects = objects;
        this.kernelBase = objects.kernelBase();
        this.clock = clock;
        this.waits = waits;
    }

    /** Makes a thread, at rest as its specification says, and inserts it into its process. */
    Ethread create(Eprocess process, ThreadSpec spec) {
        long thread = objects.create(KnownType.THREAD, EthreadLayout.SIZE);
        try {
            initialize(thread, process, spec);
            memory.writeLong(thread + EthreadLayout.CID + ClientIdLayout.UNIQUE_THREAD, newId(thread));
        } catch (ResourcesException exhausted) {
            objects.dereference(thread);
            throw exhausted;
        }
        // Alive, a thread holds a reference to itself and one to its process.
        objects.reference(process.address());
        insert(thread, process);
        if (spec.waitObject() != 0) {
            beginWait(thread, spec);
        }
        return new Ethread(memory, thread);
    }

    private int newId(long thread) {
        HandleTable cids = new HandleTable(memory, memory.readLong(kernelBase + KernelSymbols.PSP_CID_TABLE));
        int id = objects.handleTables().insert(cids, thread, 0, 0, 0);
        if (id == 0) {
            throw new ResourcesException("no id for a thread");
        }
        return id;
    }

    /** A thread object ends, perhaps before it was finished: what it has is given back. */
    void deleted(Ethread thread) {
        boolean wasInserted = thread.threadListEntry().flink() != 0;
        if (wasInserted) {
            thread.kernelThreadListEntry().remove();
            thread.threadListEntry().remove();
        }
        if (thread.kernelStackLimit() != 0) {
            freeStack(thread);
        }
        if (thread.uniqueThreadId() != 0) {
            freeId(thread);
        }
        if (wasInserted) {
            objects.dereference(thread.process().address());
        }
    }

    /** Fills a thread in place that no object header precedes: the idle thread in the kernel image. */
    void initialize(long thread, Eprocess process, ThreadSpec spec) {
        new DispatcherHeader(memory, thread).initialize(DispatcherHeader.THREAD, KthreadLayout.SIZE, 0);
        head(thread + KthreadLayout.MUTANT_LIST_HEAD);
        head(thread + KthreadLayout.QUEUE_LIST_ENTRY);
        new DispatcherHeader(memory, thread + KthreadLayout.TIMER)
                .initialize(DispatcherHeader.NOTIFICATION_TIMER, KtimerLayout.SIZE, 0);
        new DispatcherHeader(memory, thread + KthreadLayout.SUSPEND_EVENT)
                .initialize(DispatcherHeader.NOTIFICATION_EVENT, KeventLayout.SIZE, 0);
        for (long state : new long[] {KthreadLayout.APC_STATE, KthreadLayout.SAVED_APC_STATE}) {
            head(thread + state + KapcStateLayout.APC_LIST_HEAD);
            head(thread + state + KapcStateLayout.APC_LIST_HEAD + 16);
        }
        memory.writeLong(thread + KthreadLayout.APC_STATE + KapcStateLayout.PROCESS, process.address());
        memory.writeLong(thread + KthreadLayout.PROCESS, process.address());
        memory.writeLong(thread + KthreadLayout.TEB, spec.teb());
        createStack(thread, spec);
        memory.writeByte(thread + KthreadLayout.PRIORITY, (byte) spec.priority());
        memory.writeByte(thread + KthreadLayout.BASE_PRIORITY, (byte) spec.priority());
        memory.writeByte(thread + KthreadLayout.QUANTUM_RESET, (byte) DEFAULT_QUANTUM);
        new Ethread(memory, thread).setPagePriority(PfnDatabase.NORMAL_PRIORITY);
        memory.writeByte(thread + KthreadLayout.PREVIOUS_MODE, (byte) (spec.isSystem() ? 0 : USER_MODE));
        memory.writeInt(
                thread + KthreadLayout.MISC_FLAGS, MISC_ALERTABLE_FREE | (spec.isSystem() ? MISC_SYSTEM_THREAD : 0));
        new Ethread(memory, thread).setAffinity(process.affinity());
        new Ethread(memory, thread).setBoostDisabled(process.isBoostDisabled());
        SchedulingServices.initialize(new Ethread(memory, thread));
        ideals.chooseProcessor(thread, process);
        memory.writeByte(thread + KthreadLayout.STATE, (byte) ThreadState.INITIALIZED.ordinal());
        for (int i = 0; i < 4; i++) {
            memory.writeLong(
                    thread + KthreadLayout.WAIT_BLOCK + i * KwaitBlockLayout.SIZE + KwaitBlockLayout.THREAD, thread);
        }
        memory.writeLong(thread + EthreadLayout.CREATE_TIME, clock.now());
        head(thread + EthreadLayout.KEYED_WAIT_CHAIN);
        head(thread + EthreadLayout.POST_BLOCK_LIST);
        head(thread + EthreadLayout.ACTIVE_TIMER_LIST_HEAD);
        head(thread + EthreadLayout.IRP_LIST);
        head(thread + EthreadLayout.ALPC_WAIT_LIST_ENTRY);
        head(thread + EthreadLayout.BOOST_LIST);
        head(thread + EthreadLayout.DEBOOST_LIST);
        head(thread + EthreadLayout.OWNER_ENTRY_LIST_HEAD);
        head(thread + EthreadLayout.DISOWNED_OWNER_ENTRY_LIST_HEAD);
        memory.writeLong(thread + EthreadLayout.START_ADDRESS, spec.startAddress());
        memory.writeLong(thread + EthreadLayout.WIN32_START_ADDRESS, spec.win32StartAddress());
        memory.writeLong(thread + EthreadLayout.CID + ClientIdLayout.UNIQUE_PROCESS, process.uniqueProcessId());
        memory.writeInt(thread + EthreadLayout.KERNEL_STACK_REFERENCE, 1);
    }

    private void createStack(long thread, ThreadSpec spec) {
        long limit = memoryManager.systemSpace().allocate(SystemRegion.KERNEL_STACKS, STACK_PAGES, false);
        if (limit == 0) {
            throw new ResourcesException("out of RAM for kernel stacks");
        }
        long base = limit + STACK_PAGES * Pages.SIZE;
        long initial = base - STACK_RESERVED_BYTES;
        memory.writeLong(thread + KthreadLayout.STACK_BASE, base);
        memory.writeLong(thread + KthreadLayout.STACK_LIMIT, limit);
        memory.writeLong(thread + KthreadLayout.INITIAL_STACK, initial);
        memory.writeLong(thread + KthreadLayout.KERNEL_STACK, initial - SUSPENDED_FRAMES_BYTES);
        if (!spec.isSystem()) {
            long frame = initial - KtrapFrameLayout.SIZE;
            memory.writeLong(thread + KthreadLayout.TRAP_FRAME, frame);
            memory.writeByte(frame + KtrapFrameLayout.PREVIOUS_MODE, (byte) USER_MODE);
        }
    }

    /** Gives a thread's kernel stack back; its last act. */
    private void freeStack(Ethread thread) {
        memoryManager.systemSpace().free(SystemRegion.KERNEL_STACKS, thread.kernelStackLimit(), STACK_PAGES);
    }

    private void insert(long thread, Eprocess process) {
        process.kernelThreadListHead().insertTail(thread + KthreadLayout.THREAD_LIST_ENTRY);
        process.threadListHead().insertTail(thread + EthreadLayout.THREAD_LIST_ENTRY);
        int active = process.activeThreads() + 1;
        memory.writeInt(process.address() + EprocessLayout.ACTIVE_THREADS, active);
        if (active > memory.readInt(process.address() + EprocessLayout.ACTIVE_THREADS_HIGH_WATERMARK)) {
            memory.writeInt(process.address() + EprocessLayout.ACTIVE_THREADS_HIGH_WATERMARK, active);
        }
        memory.writeInt(
                thread + EthreadLayout.CROSS_THREAD_FLAGS,
                memory.readInt(thread + EthreadLayout.CROSS_THREAD_FLAGS) | THREAD_INSERTED);
    }

    private void beginWait(long thread, ThreadSpec spec) {
        waits.begin(
                thread,
                new long[] {spec.waitObject()},
                new Waits.How(false, spec.waitReason(), !spec.isSystem(), false, Waits.NEVER));
        memory.writeInt(thread + KthreadLayout.CONTEXT_SWITCHES, 1);
    }

    /** Marks a thread as ended: signalled, with the time and status of its end. */
    void markTerminated(Ethread thread, int exitStatus) {
        long address = thread.address();
        memory.writeInt(
                address + EthreadLayout.CROSS_THREAD_FLAGS,
                memory.readInt(address + EthreadLayout.CROSS_THREAD_FLAGS) | 1);
        memory.writeByte(address + KthreadLayout.STATE, (byte) ThreadState.TERMINATED.ordinal());
        memory.writeLong(address + EthreadLayout.EXIT_TIME, clock.now());
        memory.writeInt(address + EthreadLayout.EXIT_STATUS, exitStatus);
        waits.abandonMutants(address);
        waits.signal(address);
    }

    /** Takes a thread's id back: when the object ends. */
    private void freeId(Ethread thread) {
        HandleTable cids = new HandleTable(memory, memory.readLong(kernelBase + KernelSymbols.PSP_CID_TABLE));
        objects.handleTables().remove(cids, new HandleTableEntry(memory, cids.entryAddress(thread.uniqueThreadId())));
    }

    private void head(long address) {
        new ListEntry(memory, address).initialize();
    }
}
