package org.vadose.ps;

import java.util.ArrayList;
import java.util.List;
import org.vadose.base.NtStatus;
import org.vadose.base.ResourcesException;
import org.vadose.base.SeededRandom;
import org.vadose.ex.PoolAllocator;
import org.vadose.ke.Waits;
import org.vadose.layout.ControlAreaLayout;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.EthreadLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KeventLayout;
import org.vadose.layout.KqueueLayout;
import org.vadose.layout.KthreadLayout;
import org.vadose.layout.SectionLayout;
import org.vadose.layout.SegmentLayout;
import org.vadose.layout.UnicodeStringLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.MemoryManager;
import org.vadose.nt.DispatcherHeader;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.HandleTable;
import org.vadose.nt.HandleTableEntry;
import org.vadose.nt.Kmutant;
import org.vadose.nt.Kprcb;
import org.vadose.nt.ListEntry;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.ThreadState;
import org.vadose.nt.UnicodeString;
import org.vadose.nt.WaitReason;
import org.vadose.ob.KnownType;
import org.vadose.ob.ObjectManager;

/**
 * Processes and threads, from creation to end. Which process a processor runs is told by the RAM alone: {@code KPRCB.CurrentThread}
 * names the thread, the thread its process, the process its page tables.
 */
public final class ProcessManager {
    /** Process ids Windows gives the first two. */
    public static final long IDLE_PROCESS_ID = 0;

    public static final long SYSTEM_PROCESS_ID = 4;

    private static final int THREAD_NAME_TAG = PoolTag.of("ThNm");
    private static final int IDLE_THREAD_TAG = PoolTag.of("Ke  ");
    private static final int EXITING = 1 << 2;
    private static final int DELETED = 1 << 3;
    private static final int PAGE_EXECUTE = 0x10;

    private final Memory memory;
    private final MemoryManager memoryManager;
    private final PoolAllocator pool;
    private final ObjectManager objects;
    private final SystemClock clock;
    private final long kernelBase;
    private final Waits waits;
    private final SchedulingServices scheduling;
    private final ThreadFactory threads;
    private final TokenFactory tokens;
    private final SessionSpaces sessions;
    private final ProcessFactory factory;
    private final UserProcessFactory userProcesses;
    private final UserSpaceBuilder userSpace;

    public ProcessManager(
            MemoryManager memoryManager, PoolAllocator pool, ObjectManager objects, SystemClock clock, long seed) {
        this.memory = memoryManager.kernelMemory();
        this.memoryManager = memoryManager;
        this.pool = pool;
        this.objects = objects;
        this.clock = clock;
        this.kernelBase = memoryManager.kernelBase();
        this.waits = new Waits(memory, kernelBase, new WaitBlocks(pool));
        this.scheduling = new SchedulingServices(memoryManager.pfns().topology());
        this.threads = new ThreadFactory(memoryManager, objects, clock, waits);
        SeededRandom sid = SeededRandom.of(seed, "machine sid");
        this.tokens = new TokenFactory(objects, new int[] {sid.nextInt(), sid.nextInt(), sid.nextInt()});
        this.sessions = new SessionSpaces(memoryManager, clock);
        this.factory = new ProcessFactory(
                memoryManager, pool, objects, clock, tokens, sessions, SeededRandom.of(seed, "process cookies"));
        this.userSpace = new UserSpaceBuilder(memoryManager, seed);
        this.userProcesses = new UserProcessFactory(memoryManager, objects, this, userSpace);
    }

    public SystemClock clock() {
        return clock;
    }

    /** What threads wait for. */
    public Waits waits() {
        return waits;
    }

    /** On which processors threads run, and their priorities. */
    public SchedulingServices scheduling() {
        return scheduling;
    }

    /** Wait blocks from pool, as the object manager allocates them. */
    private record WaitBlocks(PoolAllocator pool) implements Waits.BlockSource {
        private static final int TAG = PoolTag.of("Wait");

        @Override
        public long allocate(long bytes) {
            try {
                return pool.allocate(PoolType.NON_PAGED_POOL_NX, bytes, TAG);
            } catch (ResourcesException exhausted) {
                return 0;
            }
        }

        @Override
        public void free(long address) {
            pool.free(address);
        }
    }

    /** Tokens of {@link Account#USER} made from now on have these privileges, too, disabled: a mask of their numbers. */
    public void grantToUsers(long privileges) {
        tokens.grantToUsers(privileges);
    }

    /**
     * Makes Idle and System and lets the processor run the idle thread. Once, at boot.
     *
     * @param prcb the first processor's control block
     */
    public void initialize(Kprcb prcb) {
        new ListEntry(memory, kernelBase + KernelSymbols.PS_ACTIVE_PROCESS_HEAD).initialize();
        new ListEntry(memory, kernelBase + KernelSymbols.KI_PROCESS_LIST_HEAD).initialize();
        memory.writeLong(
                kernelBase + KernelSymbols.PSP_CID_TABLE,
                objects.handleTables().createStrict().address());
        objects.onDelete(KnownType.THREAD, this::threadDeleted);
        objects.onDelete(KnownType.PROCESS, factory::deleted);
        objects.onDelete(KnownType.MUTANT, body -> new Kmutant(memory, body).forget());
        objects.onDelete(KnownType.TIMER, waits::cancelTimer);
        objects.onDelete(
                KnownType.SECTION, section -> memoryManager.sectionObjects().deleted(section));
        createIdle(prcb);
        createSystem();
    }

    private void createIdle(Kprcb prcb) {
        Eprocess idle = new Eprocess(memory, kernelBase + KernelSymbols.KI_INITIAL_PROCESS);
        factory.initialize(
                idle.address(),
                new ProcessSpec(
                        "Idle", "", 0, ProcessSpec.NO_SESSION, Account.SYSTEM, memoryManager.systemRoot(), true, 0));
        memory.writeLong(kernelBase + KernelSymbols.PS_IDLE_PROCESS, idle.address());
        long thread = kernelBase + KernelSymbols.KI_INITIAL_THREAD;
        threads.initialize(
                thread, idle, ThreadSpec.system(kernelBase + KernelSymbols.KI_IDLE_LOOP, 0, WaitReason.EXECUTIVE, 0));
        run(prcb, idle, thread);
    }

    /** Makes the idle thread of a further processor, which runs it. */
    public void createIdleThread(Kprcb prcb) {
        Eprocess idle = idle();
        long thread = pool.allocateZeroed(PoolType.NON_PAGED_POOL_NX, EthreadLayout.SIZE, IDLE_THREAD_TAG);
        threads.initialize(
                thread, idle, ThreadSpec.system(kernelBase + KernelSymbols.KI_IDLE_LOOP, 0, WaitReason.EXECUTIVE, 0));
        run(prcb, idle, thread);
    }

    private void run(Kprcb prcb, Eprocess idle, long thread) {
        idle.kernelThreadListHead().insertTail(thread + KthreadLayout.THREAD_LIST_ENTRY);
        memory.writeByte(thread + KthreadLayout.STATE, (byte) ThreadState.RUNNING.ordinal());
        memory.writeByte(thread + KthreadLayout.RUNNING, (byte) 1);
        prcb.setIdleThread(thread);
        prcb.setCurrentThread(thread);
    }

    private void createSystem() {
        Eprocess system = create(new ProcessSpec(
                "System", "", 0, ProcessSpec.NO_SESSION, Account.SYSTEM, memoryManager.systemRoot(), true, 8));
        memory.writeLong(kernelBase + KernelSymbols.PS_INITIAL_SYSTEM_PROCESS, system.address());
        memory.writeLong(kernelBase + KernelSymbols.OBP_KERNEL_HANDLE_TABLE, system.objectTable());
        tokens.publishSystemToken(system.token());
        // The idle process shares System's identity, not its place in the lists.
        long idle = memory.readLong(kernelBase + KernelSymbols.PS_IDLE_PROCESS);
        memory.writeLong(idle + EprocessLayout.TOKEN, memory.readLong(system.address() + EprocessLayout.TOKEN));
        objects.reference(system.token());
        memory.writeLong(idle + EprocessLayout.OBJECT_TABLE, system.objectTable());
    }

    public Eprocess system() {
        return new Eprocess(memory, memory.readLong(kernelBase + KernelSymbols.PS_INITIAL_SYSTEM_PROCESS));
    }

    public Eprocess idle() {
        return new Eprocess(memory, memory.readLong(kernelBase + KernelSymbols.PS_IDLE_PROCESS));
    }

    /** Makes a process without threads and inserts it; its id is the next the table of ids gives. */
    public Eprocess create(ProcessSpec spec) {
        return factory.create(spec);
    }

    /**
     * Makes a user-mode process: address space, program and ntdll mapped, PEB, parameters, shared user data. It has no thread yet;
     * module lists and heap are its loader's business.
     *
     * @throws ResourcesException when pool, RAM or commitment does not suffice; nothing is left of the process then
     */
    public UserProcess createUserProcess(UserProcessSpec spec) {
        return userProcesses.create(spec);
    }

    /** Makes a thread, at rest as its specification says. */
    public Ethread createThread(Eprocess process, ThreadSpec spec) {
        return threads.create(process, spec);
    }

    /**
     * Makes a user-mode thread with its TEB and stack. It waits as asked, or is ready for whoever drives the processor.
     *
     * @param startAddress where the kernel sends it: {@code ntdll!RtlUserThreadStart}
     * @param win32StartAddress what its creator asked to run
     * @param stackReserveBytes address space of its stack
     * @param stackCommitBytes how much of it is usable at once
     * @param waitObject see {@link ThreadSpec}
     */
    public UserThread createUserThread(
            Eprocess process,
            long startAddress,
            long win32StartAddress,
            long stackReserveBytes,
            long stackCommitBytes,
            WaitReason waitReason,
            long waitObject) {
        return userProcesses.createThread(
                process, startAddress, win32StartAddress, stackReserveBytes, stackCommitBytes, waitReason, waitObject);
    }

    /** Makes an event that nobody waits for, with one reference; {@code type} is one of the two of {@link DispatcherHeader}. */
    public long createEvent(int type, String name) {
        long event = objects.create(KnownType.EVENT, KeventLayout.SIZE, name, 0, 0);
        new DispatcherHeader(memory, event).initialize(type, KeventLayout.SIZE, 0);
        return event;
    }

    /** Makes an I/O completion queue, with one reference. */
    public long createIoCompletion() {
        long queue = objects.create(KnownType.IO_COMPLETION, KqueueLayout.SIZE);
        new DispatcherHeader(memory, queue).initialize(DispatcherHeader.QUEUE, KqueueLayout.SIZE, 0);
        head(queue + KqueueLayout.ENTRY_LIST_HEAD);
        head(queue + KqueueLayout.THREAD_LIST_HEAD);
        memory.writeInt(queue + KqueueLayout.MAXIMUM_COUNT, 1);
        return queue;
    }

    /** Makes a section object of an image section, with one reference; its name is empty or yet to be entered somewhere. */
    public long createImageSection(long controlArea, String name) {
        long section = objects.create(KnownType.SECTION, SectionLayout.SIZE, name, 0, 0);
        long segment = memory.readLong(controlArea + ControlAreaLayout.SEGMENT);
        memory.writeLong(section + SectionLayout.U1_CONTROL_AREA, controlArea);
        memory.writeLong(
                section + SectionLayout.SIZE_OF_SECTION, memory.readLong(segment + SegmentLayout.SIZE_OF_SEGMENT));
        memory.writeInt(section + SectionLayout.U, memory.readInt(controlArea + ControlAreaLayout.U));
        memory.writeInt(section + SectionLayout.INITIAL_PAGE_PROTECTION, PAGE_EXECUTE);
        memory.getAndAddLong(controlArea + ControlAreaLayout.NUMBER_OF_SECTION_REFERENCES, 1);
        return section;
    }

    /** Lets an id pass unused, as if a process had lived and gone. */
    public long spendId() {
        HandleTable cids = cidTable();
        int id = objects.handleTables().insert(cids, system().address(), 0, 0, 0);
        objects.handleTables().remove(cids, new HandleTableEntry(memory, cids.entryAddress(id)));
        return id;
    }

    /** Processes in order of creation, System first; Idle is not among them. */
    public List<Eprocess> processes() {
        List<Eprocess> found = new ArrayList<>();
        for (long links : new ListEntry(memory, kernelBase + KernelSymbols.PS_ACTIVE_PROCESS_HEAD).entries(1 << 20)) {
            found.add(Eprocess.ofActiveLinks(memory, links));
        }
        return found;
    }

    /** Ends a thread: it waits for nothing any more, is signalled and leaves with its last reference. */
    public void exitThread(Ethread thread, int exitStatus) {
        if (thread.isTerminated()) {
            return;
        }
        waits.end(thread.address(), NtStatus.THREAD_IS_TERMINATING.code());
        threads.markTerminated(thread, exitStatus);
        leaveProcessor(thread);
        Eprocess process = thread.process();
        memory.writeInt(process.address() + EprocessLayout.LAST_THREAD_EXIT_STATUS, exitStatus);
        memory.writeInt(process.address() + EprocessLayout.ACTIVE_THREADS, process.activeThreads() - 1);
        long teb = thread.teb();
        if (teb != 0 && !process.isExiting()) {
            memoryManager.attached(process, () -> {
                userSpace.release(process, teb);
                return null;
            });
        }
        objects.dereference(thread.address());
    }

    /** A processor that ran an ended thread idles. */
    private void leaveProcessor(Ethread thread) {
        int processors = memory.readInt(kernelBase + KernelSymbols.KE_NUMBER_PROCESSORS);
        for (int number = 0; number < processors; number++) {
            Kprcb prcb = Kprcb.of(memory, kernelBase, number);
            if (prcb.currentThread().address() == thread.address()) {
                prcb.setCurrentThread(prcb.idleThread().address());
            }
        }
    }

    /**
     * Ends a process: its threads, its handles, its user space; the object, and with it the empty address space's root, stays as long
     * as it is referenced.
     */
    public void exitProcess(Eprocess process, int exitStatus) {
        if (process.isExiting()) {
            return;
        }
        long address = process.address();
        memory.writeInt(address + EprocessLayout.FLAGS, process.flags() | EXITING | DELETED);
        for (long links : process.threadListHead().entries(1 << 20)) {
            exitThread(Ethread.ofThreadListEntry(memory, links), exitStatus);
        }
        memory.writeLong(address + EprocessLayout.EXIT_TIME, clock.now());
        memory.writeInt(address + EprocessLayout.EXIT_STATUS, exitStatus);
        waits.signal(address);
        HandleTable table = new HandleTable(memory, process.objectTable());
        memory.writeLong(address + EprocessLayout.OBJECT_TABLE, 0);
        objects.handles().destroy(table);
        if (process.directoryTableBase() != memoryManager.systemRoot()) {
            if (memoryManager.mmu().root() == process.directoryTableBase()) {
                memoryManager.switchTo(system());
            }
            memoryManager.cleanAddressSpace(process);
            memory.writeLong(address + EprocessLayout.PEB, 0);
        }
        releaseObject(address + EprocessLayout.SECTION_OBJECT);
        releaseObject(address + EprocessLayout.IMAGE_FILE_POINTER);
        if (process.session() != 0) {
            sessions.leave(process.session(), address + EprocessLayout.SESSION_PROCESS_LINKS);
            memory.writeLong(address + EprocessLayout.SESSION, 0);
        }
        objects.dereference(address);
    }

    private void releaseObject(long field) {
        long body = memory.readLong(field);
        if (body != 0) {
            memory.writeLong(field, 0);
            objects.dereference(body);
        }
    }

    /**
     * Names a thread.
     *
     * @param name at most 32766 characters; empty takes the name away
     * @throws ResourcesException when there is no pool for it
     */
    public void setThreadName(Ethread thread, String name) {
        long slot = thread.address() + EthreadLayout.THREAD_NAME;
        long string = 0;
        if (!name.isEmpty()) {
            long bytes = UnicodeStringLayout.SIZE + 2L * name.length();
            string = pool.allocate(PoolType.NON_PAGED_POOL_NX, bytes, THREAD_NAME_TAG);
            memory.fill(string, UnicodeStringLayout.SIZE, (byte) 0);
            new UnicodeString(memory, string).set(name, string + UnicodeStringLayout.SIZE);
        }
        long before = memory.readLong(slot);
        memory.writeLong(slot, string);
        if (before != 0) {
            pool.free(before);
        }
    }

    private void threadDeleted(long body) {
        setThreadName(new Ethread(memory, body), "");
        threads.deleted(new Ethread(memory, body));
    }

    private HandleTable cidTable() {
        return new HandleTable(memory, memory.readLong(kernelBase + KernelSymbols.PSP_CID_TABLE));
    }

    private void head(long address) {
        new ListEntry(memory, address).initialize();
    }
}
