package org.vadose.ps;

import java.nio.charset.StandardCharsets;
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
import org.vadose.layout.KaffinityExLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KeventLayout;
import org.vadose.layout.KprocessLayout;
import org.vadose.layout.KqueueLayout;
import org.vadose.layout.KthreadLayout;
import org.vadose.layout.MmSessionSpaceLayout;
import org.vadose.layout.MmsupportInstanceLayout;
import org.vadose.layout.SectionLayout;
import org.vadose.layout.SegmentLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.mm.ImageSections;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.PfnDatabase;
import org.vadose.nt.AddressSpaceRules;
import org.vadose.nt.AslrPolicy;
import org.vadose.nt.CreationMitigations;
import org.vadose.nt.DispatcherHeader;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.ExecuteOptions;
import org.vadose.nt.HandleTable;
import org.vadose.nt.HandleTableEntry;
import org.vadose.nt.Kmutant;
import org.vadose.nt.Kprcb;
import org.vadose.nt.ListEntry;
import org.vadose.nt.Mitigations;
import org.vadose.nt.ObjectHeader;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.SharedUserData;
import org.vadose.nt.ThreadState;
import org.vadose.nt.UnicodeString;
import org.vadose.nt.UserSpace;
import org.vadose.nt.WaitReason;
import org.vadose.ob.KnownType;
import org.vadose.ob.ObjectManager;
import org.vadose.pe.PeFormat;
import org.vadose.pe.PeImage;

/**
 * Processes and threads, from creation to end. Which process a processor runs is told by the RAM alone: {@code KPRCB.CurrentThread}
 * names the thread, the thread its process, the process its page tables.
 */
public final class ProcessManager {
    /** Process ids Windows gives the first two. */
    public static final long IDLE_PROCESS_ID = 0;

    public static final long SYSTEM_PROCESS_ID = 4;

    private static final int IMAGE_NAME_TAG = PoolTag.of("SeOn");
    private static final int IDLE_THREAD_TAG = PoolTag.of("Ke  ");
    /** CreateReported, OutswapEnabled, initialised address space, HasAddressSpace, ImageNotifyDone, inserted, normal I/O priority. */
    private static final int LIVE_FLAGS = 1 | 1 << 6 | 2 << 10 | 1 << 18 | 1 << 22 | 1 << 26 | 2 << 27;

    private static final int IN_SESSION = 1 << 16;
    private static final int EXITING = 1 << 2;
    private static final int DELETED = 1 << 3;
    /** NewProcessReported, page priority 5, PrimaryTokenFrozen. */
    private static final int LIVE_FLAGS2 = 1 << 2 | 5 << 12 | 1 << 15;

    private static final int FLAGS3_MINIMAL = 1;
    private static final int FLAGS3_SYSTEM = 1 << 12;
    private static final int SHORT_NAME_BYTES = 14;
    private static final int FAST_REFERENCES = 15;
    private static final int MINIMUM_WORKING_SET = 50;
    private static final int MAXIMUM_WORKING_SET = 345;
    private static final int AFFINITY_WORDS = 20;
    private static final int PAGE_EXECUTE = 0x10;
    private static final int STATUS_PENDING = 0x103;

    private final Memory memory;
    private final MemoryManager memoryManager;
    private final IdealProcessors ideals;
    private final PoolAllocator pool;
    private final ObjectManager objects;
    private final SystemClock clock;
    private final long kernelBase;
    private final Waits waits;
    private final ThreadFactory threads;
    private final TokenFactory tokens;
    private final SessionSpaces sessions;
    private final SeededRandom cookies;
    private final UserSpaceBuilder userSpace;

    public ProcessManager(
            MemoryManager memoryManager, PoolAllocator pool, ObjectManager objects, SystemClock clock, long seed) {
        this.memory = memoryManager.kernelMemory();
        this.memoryManager = memoryManager;
        this.ideals = new IdealProcessors(memoryManager);
        this.pool = pool;
        this.objects = objects;
        this.clock = clock;
        this.kernelBase = memoryManager.kernelBase();
        this.waits = new Waits(memory, kernelBase, new WaitBlocks(pool));
        this.threads = new ThreadFactory(memoryManager, objects, clock, waits);
        SeededRandom sid = SeededRandom.of(seed, "machine sid");
        this.tokens = new TokenFactory(objects, new int[] {sid.nextInt(), sid.nextInt(), sid.nextInt()});
        this.sessions = new SessionSpaces(memoryManager, clock);
        this.cookies = SeededRandom.of(seed, "process cookies");
        this.userSpace = new UserSpaceBuilder(memoryManager, seed);
    }

    public SystemClock clock() {
        return clock;
    }

    /** What threads wait for. */
    public Waits waits() {
        return waits;
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
        objects.onDelete(KnownType.PROCESS, this::processDeleted);
        objects.onDelete(KnownType.MUTANT, body -> new Kmutant(memory, body).forget());
        objects.onDelete(KnownType.TIMER, waits::cancelTimer);
        objects.onDelete(
                KnownType.SECTION, section -> memoryManager.sectionObjects().deleted(section));
        createIdle(prcb);
        createSystem();
    }

    private void createIdle(Kprcb prcb) {
        Eprocess idle = new Eprocess(memory, kernelBase + KernelSymbols.KI_INITIAL_PROCESS);
        initializeProcess(
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
        long address;
        try {
            address = objects.create(
                    KnownType.PROCESS, EprocessLayout.SIZE, "", ObjectHeader.QUOTA_INFO, ObjectHeader.KERNEL_OBJECT);
        } catch (ResourcesException exhausted) {
            if (spec.directoryTableBase() != memoryManager.systemRoot()) {
                memoryManager.discardAddressSpace(spec.directoryTableBase());
            }
            throw exhausted;
        }
        try {
            return fill(new Eprocess(memory, address), spec);
        } catch (ResourcesException exhausted) {
            objects.dereference(address);
            throw exhausted;
        }
    }

    private Eprocess fill(Eprocess process, ProcessSpec spec) {
        long address = process.address();
        initializeProcess(address, spec);
        int processId = objects.handleTables().insert(cidTable(), address, 0, 0, 0);
        if (processId == 0) {
            throw new ResourcesException("no id for a process");
        }
        memory.writeLong(address + EprocessLayout.UNIQUE_PROCESS_ID, processId);
        HandleTable table = objects.handleTables().create(address, processId);
        memory.writeLong(address + EprocessLayout.OBJECT_TABLE, table.address());
        long token = tokens.create(spec.account(), Math.max(spec.sessionId(), 0));
        // A fast reference keeps up to fifteen references in its low bits.
        for (int i = 0; i < FAST_REFERENCES; i++) {
            objects.reference(token);
        }
        memory.writeLong(address + EprocessLayout.TOKEN, token | FAST_REFERENCES);
        setAuditName(address, spec.deviceImagePath());
        long space = spec.sessionId() == ProcessSpec.NO_SESSION ? 0 : session(spec.sessionId());
        new ListEntry(memory, kernelBase + KernelSymbols.PS_ACTIVE_PROCESS_HEAD)
                .insertTail(address + EprocessLayout.ACTIVE_PROCESS_LINKS);
        new ListEntry(memory, kernelBase + KernelSymbols.KI_PROCESS_LIST_HEAD)
                .insertTail(address + KprocessLayout.PROCESS_LIST_ENTRY);
        if (space != 0) {
            memory.writeLong(address + EprocessLayout.SESSION, space);
            sessions.join(space, address + EprocessLayout.SESSION_PROCESS_LINKS);
        }
        return process;
    }

    private void initializeProcess(long address, ProcessSpec spec) {
        new DispatcherHeader(memory, address).initialize(DispatcherHeader.PROCESS, KprocessLayout.SIZE, 0);
        head(address + KprocessLayout.PROFILE_LIST_HEAD);
        head(address + KprocessLayout.THREAD_LIST_HEAD);
        head(address + KprocessLayout.READY_LIST_HEAD);
        head(address + KprocessLayout.PROCESS_LIST_ENTRY);
        memory.writeLong(address + KprocessLayout.DIRECTORY_TABLE_BASE, spec.directoryTableBase());
        for (long affinity : new long[] {KprocessLayout.AFFINITY, KprocessLayout.ACTIVE_PROCESSORS}) {
            memory.writeShort(address + affinity + KaffinityExLayout.COUNT, (short) 1);
            memory.writeShort(address + affinity + KaffinityExLayout.SIZE_FIELD, (short) AFFINITY_WORDS);
        }
        memory.writeLong(
                address + KprocessLayout.AFFINITY + KaffinityExLayout.BITMAP,
                -1L >>> -memoryManager.mmu().count());
        memory.writeInt(address + KprocessLayout.ACTIVE_GROUPS_MASK, 1);
        ideals.chooseNode(address);
        memory.writeByte(address + KprocessLayout.BASE_PRIORITY, (byte) spec.basePriority());
        memory.writeByte(address + KprocessLayout.QUANTUM_RESET, (byte) 6);
        new Eprocess(memory, address).setPagePriority(PfnDatabase.NORMAL_PRIORITY);
        new ExecuteOptions(new Eprocess(memory, address))
                .initialize(SharedUserData.kernel(memory).nxPolicy(), true, true);
        head(address + EprocessLayout.ACTIVE_PROCESS_LINKS);
        head(address + EprocessLayout.SESSION_PROCESS_LINKS);
        head(address + EprocessLayout.JOB_LINKS);
        head(address + EprocessLayout.THREAD_LIST_HEAD);
        head(address + EprocessLayout.MM_PROCESS_LINKS);
        head(address + EprocessLayout.TIMER_RESOLUTION_LINK);
        head(address + EprocessLayout.SVM_PROCESS_DEVICE_LIST_HEAD);
        head(address + EprocessLayout.SHARED_COMMIT_LINKS);
        head(address + EprocessLayout.VIRTUAL_TIMER_LIST_HEAD);
        head(address + EprocessLayout.VM + MmsupportInstanceLayout.WORKING_SET_EXPANSION_LINKS);
        memory.writeLong(
                address + EprocessLayout.VM + MmsupportInstanceLayout.MINIMUM_WORKING_SET_SIZE, MINIMUM_WORKING_SET);
        memory.writeLong(
                address + EprocessLayout.VM + MmsupportInstanceLayout.MAXIMUM_WORKING_SET_SIZE, MAXIMUM_WORKING_SET);
        memory.writeLong(address + EprocessLayout.CREATE_TIME, clock.now());
        memory.writeLong(address + EprocessLayout.CREATE_INTERRUPT_TIME, clock.now() - clock.bootTime());
        memory.writeLong(address + EprocessLayout.CREATE_UNBIASED_INTERRUPT_TIME, clock.now() - clock.bootTime());
        long sequence = memory.getAndAddLong(kernelBase + KernelSymbols.PSP_PROCESS_SEQUENCE_NUMBER, 1);
        memory.writeLong(address + EprocessLayout.SEQUENCE_NUMBER, sequence);
        memory.writeInt(
                address + EprocessLayout.FLAGS,
                LIVE_FLAGS | (spec.sessionId() == ProcessSpec.NO_SESSION ? 0 : IN_SESSION));
        memory.writeInt(address + EprocessLayout.FLAGS2, LIVE_FLAGS2);
        memory.writeInt(
                address + EprocessLayout.FLAGS3,
                spec.minimal() ? FLAGS3_MINIMAL | (spec.parentId() == 0 ? FLAGS3_SYSTEM : 0) : 0);
        memory.writeLong(address + EprocessLayout.INHERITED_FROM_UNIQUE_PROCESS_ID, spec.parentId());
        memory.writeLong(address + EprocessLayout.OWNER_PROCESS_ID, spec.parentId());
        memory.writeLong(
                address + EprocessLayout.HIGHEST_USER_ADDRESS,
                memoryManager.rules().userSpace().end());
        memory.writeInt(address + EprocessLayout.COOKIE, cookies.nextInt());
        memory.writeInt(address + EprocessLayout.DEFAULT_HARD_ERROR_PROCESSING, 1);
        memory.writeInt(address + EprocessLayout.EXIT_STATUS, STATUS_PENDING);
        memory.writeByte(address + EprocessLayout.PRIORITY_CLASS, (byte) 2);
        memory.writeLong(address + EprocessLayout.QUOTA_BLOCK, kernelBase + KernelSymbols.PSP_SYSTEM_QUOTA_BLOCK);
        byte[] name = spec.imageName().getBytes(StandardCharsets.ISO_8859_1);
        memory.write(address + EprocessLayout.IMAGE_FILE_NAME, name, 0, Math.min(name.length, SHORT_NAME_BYTES));
    }

    /** The full image name as auditing keeps it: a counted string with its text behind it. Always present, perhaps empty. */
    private void setAuditName(long process, String path) {
        long name = pool.allocateZeroed(PoolType.NON_PAGED_POOL_NX, 16 + 2L * path.length() + 2, IMAGE_NAME_TAG);
        if (!path.isEmpty()) {
            new UnicodeString(memory, name).set(path, name + 16);
        }
        memory.writeLong(process + EprocessLayout.SE_AUDIT_PROCESS_CREATION_INFO, name);
    }

    /** The space of a session, made with its first process. */
    private long session(int sessionId) {
        for (long links : new ListEntry(memory, kernelBase + KernelSymbols.PS_ACTIVE_PROCESS_HEAD).entries(1 << 20)) {
            long space = Eprocess.ofActiveLinks(memory, links).session();
            if (space != 0 && memory.readInt(space + MmSessionSpaceLayout.SESSION_ID) == sessionId) {
                return space;
            }
        }
        return sessions.create(sessionId);
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

    /** Makes a thread, at rest as its specification says. */
    public Ethread createThread(Eprocess process, ThreadSpec spec) {
        return threads.create(process, spec);
    }

    /**
     * Makes a user-mode process: address space, program and ntdll mapped, PEB, parameters, shared user data. It has no thread yet;
     * module lists and heap are its loader's business.
     *
     * @throws ResourcesException when pool, RAM or commitment does not suffice; nothing is left of the process then
     */
    public UserProcess createUserProcess(UserProcessSpec spec) {
        long root = memoryManager.createAddressSpace();
        if (root == 0) {
            throw new ResourcesException("no RAM for an address space image=" + spec.imageName());
        }
        Eprocess process = create(new ProcessSpec(
                spec.imageName(),
                spec.devicePath(),
                spec.parentId(),
                spec.sessionId(),
                spec.account(),
                root,
                false,
                spec.basePriority()));
        layOut(process, spec.image(), spec.mitigations());
        try {
            UserProcess made = memoryManager.attached(process, () -> buildUserSpace(process, spec));
            long address = process.address();
            memory.writeLong(address + EprocessLayout.SECTION_OBJECT, createImageSection(spec.imageControlArea(), ""));
            memory.writeLong(address + EprocessLayout.SECTION_BASE_ADDRESS, made.imageBase());
            memory.writeLong(address + EprocessLayout.IMAGE_FILE_POINTER, spec.imageFile());
            if (spec.imageFile() != 0) {
                objects.reference(spec.imageFile());
            }
            return made;
        } catch (ResourcesException exhausted) {
            exitProcess(process, exhausted.status().code());
            throw exhausted;
        } catch (MemoryFault unreadable) {
            exitProcess(process, unreadable.status().code());
            throw new ResourcesException(unreadable.status(), "no page for a new process image=" + spec.imageName());
        }
    }

    /** Settles, from what the program's headers say, how large the address space is and how its regions are placed. */
    private void layOut(Eprocess process, PeImage image, CreationMitigations wishes) {
        AddressSpaceRules rules = memoryManager.rules();
        boolean isAware = (image.characteristics() & PeFormat.FILE_LARGE_ADDRESS_AWARE) != 0;
        process.setUserEnd(UserSpace.of64Bit(rules.userSpace(), isAware).end());
        boolean isForced = wishes.forcesRelocation(rules.aslr() == AslrPolicy.FORCED);
        boolean mayMove = (image.dllCharacteristics() & PeFormat.DLL_DYNAMIC_BASE) != 0 || isForced;
        boolean randomized = rules.aslr() != AslrPolicy.OFF && wishes.isRandomized(mayMove);
        boolean highEntropy = randomized
                && isAware
                && rules.aslr().isHighEntropy()
                && wishes.isHighEntropy((image.dllCharacteristics() & PeFormat.DLL_HIGH_ENTROPY_VA) != 0);
        Mitigations mitigations = new Mitigations(process);
        mitigations.setLayout(highEntropy, randomized, isForced);
        if (wishes.hasControlFlowGuard((image.dllCharacteristics() & PeFormat.DLL_GUARD_CF) != 0)) {
            mitigations.enableControlFlowGuard();
        }
        wishes.apply(process);
    }

    private UserProcess buildUserSpace(Eprocess process, UserProcessSpec spec) {
        check(memoryManager.mapSharedUserData(process), "shared user data");
        if (new Mitigations(process).hasControlFlowGuard()) {
            check(memoryManager.controlFlowGuard().createBitmap(process), "control flow guard's bitmap");
        }
        ImageSections.View program = memoryManager.sections().map(process, spec.imageControlArea());
        check(program.status(), spec.dosPath());
        ImageSections.View ntdll = memoryManager.sections().map(process, spec.ntdllControlArea());
        check(ntdll.status(), "ntdll.dll");
        // As the first instructions of ntdll do: read both images' headers, which makes those pages resident.
        memory.readShort(program.base());
        memory.readShort(ntdll.base());
        long peb = userSpace.createPeb(process, spec, program.base());
        memory.writeLong(process.address() + EprocessLayout.PEB, peb);
        return new UserProcess(process, peb, program.base(), program.isRelocated(), ntdll.base());
    }

    private static void check(NtStatus status, String what) {
        if (!status.isSuccess()) {
            throw new ResourcesException(status, "cannot map " + what + " status=" + status);
        }
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
        return memoryManager.attached(process, () -> {
            boolean first = process.threadListHead().isEmpty();
            long[] stack = userSpace.createStack(process, stackReserveBytes, stackCommitBytes);
            long teb = 0;
            Ethread thread;
            try {
                teb = userSpace.createTeb(process);
                thread = createThread(
                        process,
                        new ThreadSpec(
                                startAddress, win32StartAddress, teb, process.basePriority(), waitReason, waitObject));
            } catch (ResourcesException noMemory) {
                userSpace.releaseStack(process, stack[2]);
                if (teb != 0) {
                    userSpace.releaseTeb(process, teb);
                }
                throw noMemory;
            }
            UserThread made = new UserThread(thread, teb, stack[0], stack[1], stack[2]);
            userSpace.fillTeb(process, made, first);
            return made;
        });
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

    private void threadDeleted(long body) {
        threads.deleted(new Ethread(memory, body));
    }

    private void processDeleted(long body) {
        Eprocess process = new Eprocess(memory, body);
        if (process.activeProcessLinks().flink() != 0) {
            process.activeProcessLinks().remove();
            new ListEntry(memory, body + KprocessLayout.PROCESS_LIST_ENTRY).remove();
        }
        if (process.objectTable() != 0) {
            // It was never finished: nobody has opened a handle in it.
            objects.handles().destroy(new HandleTable(memory, process.objectTable()));
        }
        if (process.directoryTableBase() != memoryManager.systemRoot()) {
            memoryManager.deleteAddressSpace(process);
        }
        long token = process.token();
        for (int i = 0; token != 0 && i <= FAST_REFERENCES; i++) {
            objects.dereference(token);
        }
        long auditName = memory.readLong(body + EprocessLayout.SE_AUDIT_PROCESS_CREATION_INFO);
        if (auditName != 0) {
            pool.free(auditName);
        }
        if (process.uniqueProcessId() != 0) {
            HandleTable cids = cidTable();
            objects.handleTables()
                    .remove(cids, new HandleTableEntry(memory, cids.entryAddress(process.uniqueProcessId())));
        }
    }

    private HandleTable cidTable() {
        return new HandleTable(memory, memory.readLong(kernelBase + KernelSymbols.PSP_CID_TABLE));
    }

    private void head(long address) {
        new ListEntry(memory, address).initialize();
    }
}
