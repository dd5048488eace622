package org.vadose.ps;

import java.nio.charset.StandardCharsets;
import org.vadose.base.ResourcesException;
import org.vadose.base.SeededRandom;
import org.vadose.ex.PoolAllocator;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.KaffinityExLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KprocessLayout;
import org.vadose.layout.MmSessionSpaceLayout;
import org.vadose.layout.MmsupportInstanceLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.MemoryManager;
import org.vadose.nt.DispatcherHeader;
import org.vadose.nt.Eprocess;
import org.vadose.nt.ExecuteOptions;
import org.vadose.nt.HandleTable;
import org.vadose.nt.HandleTableEntry;
import org.vadose.nt.ListEntry;
import org.vadose.nt.ObjectHeader;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.SharedUserData;
import org.vadose.nt.UnicodeString;
import org.vadose.ob.KnownType;
import org.vadose.ob.ObjectManager;

/**
 * Makes {@code _EPROCESS} objects with their id, handle table, token and session, puts them where processes are looked for, and takes
 * it all back when one is deleted.
 */
final class ProcessFactory {
    private static final int IMAGE_NAME_TAG = PoolTag.of("SeOn");
    /** CreateReported, OutswapEnabled, initialised address space, HasAddressSpace, ImageNotifyDone, inserted, normal I/O priority. */
    private static final int LIVE_FLAGS = 1 | 1 << 6 | 2 << 10 | 1 << 18 | 1 << 22 | 1 << 26 | 2 << 27;

    private static final int IN_SESSION = 1 << 16;
    /** NewProcessReported, page priority 5, PrimaryTokenFrozen. */
    private static final int LIVE_FLAGS2 = 1 << 2 | 5 << 12 | 1 << 15;

    private static final int FLAGS3_MINIMAL = 1;
    private static final int FLAGS3_SYSTEM = 1 << 12;
    private static final int SHORT_NAME_BYTES = 14;
    private static final int FAST_REFERENCES = 15;
    private static final int MINIMUM_WORKING_SET = 50;
    private static final int MAXIMUM_WORKING_SET = 345;
    private static final int AFFINITY_WORDS = 20;
    private static final int STATUS_PENDING = 0x103;

    private final Memory memory;
    private final MemoryManager memoryManager;
    private final IdealProcessors ideals;
    private final PoolAllocator pool;
    private final ObjectManager objects;
    private final SystemClock clock;
    private final long kernelBase;
    private final TokenFactory tokens;
    private final SessionSpaces sessions;
    private final SeededRandom cookies;

    ProcessFactory(
            MemoryManager memoryManager,
            PoolAllocator pool,
            ObjectManager objects,
            SystemClock clock,
            TokenFactory tokens,
            SessionSpaces sessions,
            SeededRandom cookies) {
        this.memory = memoryManager.kernelMemory();
        this.memoryManager = memoryManager;
        this.ideals = new IdealProcessors(memoryManager);
        this.pool = pool;
        this.objects = objects;
        this.clock = clock;
        this.kernelBase = memoryManager.kernelBase();
        this.tokens = tokens;
        this.sessions = sessions;
        this.cookies = cookies;
    }

    /** Makes a process without threads and inserts it; its id is the next the table of ids gives. */
    Eprocess create(ProcessSpec spec) {
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
        initialize(address, spec);
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

    /** Fills a {@code _EPROCESS} of zeros, as far as it needs nothing else. */
    void initialize(long address, ProcessSpec spec) {
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

    /** The last reference to a process, perhaps one that was never finished, is gone. */
    void deleted(long body) {
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
