package org.vadose.check;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.vadose.base.Pages;
import org.vadose.ke.TimerTable;
import org.vadose.layout.ControlAreaLayout;
import org.vadose.layout.DispatcherHeaderLayout;
import org.vadose.layout.EprocessLayout;
import org.vadose.layout.EthreadLayout;
import org.vadose.layout.HandleTableLayout;
import org.vadose.layout.KaffinityExLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KldrDataTableEntryLayout;
import org.vadose.layout.KprocessLayout;
import org.vadose.layout.KthreadLayout;
import org.vadose.layout.KtimerTableEntryLayout;
import org.vadose.layout.KwaitBlockLayout;
import org.vadose.layout.MiHardwareStateLayout;
import org.vadose.layout.MiNodeInformationLayout;
import org.vadose.layout.MiPartitionCoreLayout;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiPartitionPageListsLayout;
import org.vadose.layout.MiSystemInformationLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.layout.MmpfnLayout;
import org.vadose.layout.MmpfnlistLayout;
import org.vadose.layout.MmvadFlagsLayout;
import org.vadose.layout.MmvadLayout;
import org.vadose.layout.MmvadShortLayout;
import org.vadose.layout.ObjectHeaderLayout;
import org.vadose.layout.ObjectTypeLayout;
import org.vadose.layout.PoolHeaderLayout;
import org.vadose.layout.PoolTrackerBigPagesLayout;
import org.vadose.layout.PoolTrackerTableLayout;
import org.vadose.layout.SegmentLayout;
import org.vadose.machine.Checks;
import org.vadose.machine.Machine;
import org.vadose.machine.MachineConfig;
import org.vadose.memory.Memory;
import org.vadose.memory.PhysicalMemory;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.nt.CombineBlock;
import org.vadose.nt.CompressedStore;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Ethread;
import org.vadose.nt.HandleTable;
import org.vadose.nt.Kprcb;
import org.vadose.nt.ObjectHeader;
import org.vadose.nt.PageProtection;
import org.vadose.nt.PoolHeader;
import org.vadose.nt.Pte;
import org.vadose.nt.SelfMap;
import org.vadose.nt.StoreManager;
import org.vadose.nt.StoreNode;
import org.vadose.nt.Subsection;
import org.vadose.nt.Vad;
import org.vadose.target.Target;

/** Each kind of wrong byte is found, and no byte, however wrong, makes the validators throw or go on for ever. */
class SpoiledMemoryTest {
    private static Machine machine;
    private static Memory kernel;
    private static Memory physical;
    private static long base;
    private static Eprocess process;

    /** What to spoil: a field at a kernel address, or at a physical one. */
    private record Spoil(Memory memory, long address, int bytes, long change) {
        void apply() {
            if (bytes == 1) {
                memory.writeByte(address, (byte) (memory.readByte(address) ^ change));
            } else if (bytes == 8) {
                memory.writeLong(address, memory.readLong(address) ^ change);
            } else {
                memory.writeInt(address, memory.readInt(address) ^ (int) change);
            }
        }
    }

    private static final Map<String, Spoil> SPOILS = new LinkedHashMap<>();

    @BeforeAll
    static void boot() {
        machine = Machine.boot(MachineConfig.standard().withRamBytes(128L << 20));
        kernel = machine.memoryManager().kernelMemory();
        physical = machine.physicalMemory();
        base = machine.kernelBase();
        process = machine.processManager().processes().stream()
                .filter(p -> p.imageFileName().equals("services.exe"))
                .findFirst()
                .orElseThrow();
        compress();
        combine();
        collect();
    }

    /** Fills the compression store with what another process has written. */
    private static void compress() {
        Eprocess other = machine.processManager().processes().stream()
                .filter(p -> p.imageFileName().equals("lsass.exe"))
                .findFirst()
                .orElseThrow();
        machine.memoryManager().workingSets().empty(other);
        machine.memoryManager().writeModifiedPages();
    }

    /** Two equal pages that are one. */
    private static void combine() {
        MemoryManager manager = machine.memoryManager();
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.sizeBytes = 2 * Pages.SIZE;
        int type = VirtualMemoryServices.MEM_COMMIT | VirtualMemoryServices.MEM_RESERVE;
        manager.virtualMemory().allocate(process, region, 0, type, PageProtection.PAGE_READWRITE);
        manager.attached(process, () -> {
            manager.mmu().user().writeLong(region.base, 7);
            manager.mmu().user().writeLong(region.base + Pages.SIZE, 7);
            return true;
        });
        manager.combining().combineAll();
    }

    @AfterAll
    static void close() {
        machine.close();
    }

    private static void collect() {
        SelfMap map = SelfMap.of(kernel, base);
        Target target = machine.target();
        long database = kernel.readLong(base + KernelSymbols.MM_PFN_DATABASE);
        Vad heap = firstVad(true);
        Vad image = firstVad(false);
        long page = firstValidPage(target, heap);
        long pte = ptePhysical(target, page);
        long frame = Pte.frame(physical.readLong(pte));
        long pfn = database + frame * MmpfnLayout.SIZE;
        add("PFN share count", pfn + MmpfnLayout.U2, 8, 3);
        add("PFN reference count", pfn + MmpfnLayout.U3, 4, 2);
        add("PFN location", pfn + MmpfnLayout.U3, 4, 0x1_0000);
        add("PFN PteAddress", pfn + MmpfnLayout.PTE_ADDRESS, 8, 8);
        add("PFN PteFrame", pfn + MmpfnLayout.U4, 8, 1);
        add("PFN OriginalPte protection", pfn + MmpfnLayout.ORIGINAL_PTE, 8, 5L << 5);
        addPhysical("PTE frame", pte, 1L << 13);
        addPhysical("PTE write", pte, 2);
        addPhysical("PTE no-execute", pte, Long.MIN_VALUE);
        addPhysical("PTE user", pte, 4);
        addPhysical("PTE valid", pte, 1);
        long root = process.directoryTableBase();
        addPhysical("self-map entry", root + 8L * map.index(), 0x1000);
        addPhysical("kernel half of a PML4", root + 8L * 511, 0x1000);
        addPhysical("user half of a PML4", root + 8L * (page >>> 39 & 511), 0x2000);
        addVads(heap, image);
        addProcess();
        addLists(database);
        addPools();
        addObjects();
        addStore();
        addCombined();
    }

    private static void addCombined() {
        long root = 0;
        for (int tree = 0; tree < CombineBlock.TREES && root == 0; tree++) {
            root = kernel.readLong(CombineBlock.root(base, tree));
        }
        CombineBlock block = new CombineBlock(kernel, root);
        long prototype = block.prototypeAddress();
        add("combined: hash", prototype - 8, 8, 16);
        add("combined: prototype", prototype, 8, 0x3000);
        add("combined: references", prototype + 8, 8, 1);
        add("combined: parent", root + 16, 8, 0x40);
        add("combined: statistics", CombineBlock.statistics(base) + 28, 4, 1);
        addPhysical("combined: contents", (Pte.frame(kernel.readLong(prototype)) << Pages.SHIFT) + 8, 1);
    }

    private static void addStore() {
        StoreManager globals = new StoreManager(kernel, base + KernelSymbols.SM_GLOBALS);
        CompressedStore store = new CompressedStore(kernel, globals.store(0));
        StoreNode leaf = new StoreNode(kernel, store.pagesTree());
        long record = store.record(leaf.value(1));
        add("store: key of the pages' tree", leaf.entry(1), 4, 0x100);
        add("store: record number", leaf.entry(1) + 4, 4, 0x2);
        add("store: key of the keys' tree", new StoreNode(kernel, globals.keyTree()).entry(0), 4, 0x80);
        add("store: count of a node", leaf.address(), 4, 0x1);
        add("store: page record's location", record, 4, 0x1);
        add("store: page record's bytes", record + 4, 4, 0x40);
        add("store: page record's key", record + 8, 4, 0x1);
        add("store: bitmap of a region", store.regionBitmap(0) + 512, 8, 0x10);
        add("store: units of a region", store.regionState(0), 4, 0x1);
        add("store: pointer to the store", kernel.readLong(globals.address()), 8, 0x2000);
    }

    private static void addVads(Vad heap, Vad image) {
        long flags = heap.address() + MmvadShortLayout.U;
        add("VAD PrivateMemory", flags, 4, 1L << MmvadFlagsLayout.PRIVATE_MEMORY_SHIFT);
        add("VAD CommitCharge", heap.address() + MmvadShortLayout.U1, 4, 1);
        add("VAD StartingVpn", heap.address() + MmvadShortLayout.STARTING_VPN, 4, 0x4000);
        add("VAD EndingVpn", heap.address() + MmvadShortLayout.ENDING_VPN, 4, 0x1);
        add("VAD left child", heap.address(), 8, 0x40);
        add("VAD parent and balance", heap.address() + 16, 8, 1);
        add("VAD root", process.address() + EprocessLayout.VAD_ROOT, 8, 0x20);
        add("VAD of an image: subsection", image.address() + MmvadLayout.SUBSECTION, 8, 0x10);
        add("VAD of an image: prototypes", image.address() + MmvadLayout.FIRST_PROTOTYPE_PTE, 8, 0x10);
        add("VAD of an image: end", image.address() + MmvadShortLayout.ENDING_VPN, 4, 0x4000_0000);
        long area = new Subsection(kernel, image.subsection()).controlArea().address();
        long segment = kernel.readLong(area + ControlAreaLayout.SEGMENT);
        add("control area's views", area + ControlAreaLayout.NUMBER_OF_MAPPED_VIEWS, 8, 1);
        add("control area's segment", area + ControlAreaLayout.SEGMENT, 8, 0x30);
        add("segment's control area", segment + SegmentLayout.CONTROL_AREA, 8, 0x30);
        add("prototype PTE", image.firstPrototypePte(), 8, 0x2000);
    }

    private static void addProcess() {
        long at = process.address();
        add("VadCount", at + EprocessLayout.VAD_COUNT, 8, 1);
        add("nonpaged pool charged", at + EprocessLayout.PROCESS_QUOTA_USAGE, 8, 0x88);
        add("paged pool charged", at + EprocessLayout.PROCESS_QUOTA_USAGE + 8, 8, 0x1000);
        add("VirtualSize", at + EprocessLayout.VIRTUAL_SIZE, 8, 0x1000);
        add("CommitCharge", at + EprocessLayout.COMMIT_CHARGE, 8, 1);
        add("NumberOfPrivatePages", at + EprocessLayout.NUMBER_OF_PRIVATE_PAGES, 8, 1);
        add("HighestUserAddress", at + EprocessLayout.HIGHEST_USER_ADDRESS, 8, 0x1000);
        add("execute options", at + KprocessLayout.FLAGS, 1, 1);
        add("ActiveThreads", at + EprocessLayout.ACTIVE_THREADS, 4, 1);
        add("UniqueProcessId", at + EprocessLayout.UNIQUE_PROCESS_ID, 8, 0x100);
        add("ActiveProcessLinks.Flink", at + EprocessLayout.ACTIVE_PROCESS_LINKS, 8, 0x10);
        add("ActiveProcessLinks.Blink", at + EprocessLayout.ACTIVE_PROCESS_LINKS + 8, 8, 0x10);
        add("ThreadListHead", at + EprocessLayout.THREAD_LIST_HEAD, 8, 0x10);
        add("ObjectTable", at + EprocessLayout.OBJECT_TABLE, 8, 0x40);
        Ethread thread =
                Ethread.ofThreadListEntry(kernel, process.threadListHead().flink());
        add("thread's id", thread.address() + EthreadLayout.CID + 8, 8, 4);
        add("process's affinity", at + KprocessLayout.AFFINITY + KaffinityExLayout.BITMAP, 8, 4);
        add("process's base priority", at + KprocessLayout.BASE_PRIORITY, 1, 0x40);
        add("process's priority class", at + EprocessLayout.PRIORITY_CLASS, 1, 0x10);
        add("thread's affinity", thread.address() + KthreadLayout.AFFINITY, 8, 4);
        add("thread's wished affinity", thread.address() + KthreadLayout.USER_AFFINITY, 8, 4);
        add("thread's ideal processor", thread.address() + KthreadLayout.IDEAL_PROCESSOR, 4, 2);
        add("thread's next processor", thread.address() + KthreadLayout.NEXT_PROCESSOR, 4, 2);
        add("thread's priority", thread.address() + KthreadLayout.PRIORITY, 1, 0x20);
        add("thread's base priority", thread.address() + KthreadLayout.BASE_PRIORITY, 1, 0x20);
        add("thread's saturation", thread.address() + KthreadLayout.SATURATION, 1, 4);
        add("active processors", base + KernelSymbols.KE_ACTIVE_PROCESSORS + KaffinityExLayout.BITMAP, 8, 2);
        add("thread's process", thread.address() + KthreadLayout.PROCESS, 8, 0x100);
        add("thread's KernelStack", thread.address() + KthreadLayout.KERNEL_STACK, 8, 0x10_0000);
        add("wait block's thread", thread.waitBlockList() + KwaitBlockLayout.THREAD, 8, 0x100);
        add("wait block's object", thread.waitBlockList() + KwaitBlockLayout.OBJECT, 8, 0x20);
        add("wait block's state", thread.waitBlockList() + KwaitBlockLayout.BLOCK_STATE, 1, 1);
        add("number of wait blocks", thread.address() + KthreadLayout.WAIT_BLOCK_COUNT, 1, 1);
        add(
                "timed wait without a timer",
                thread.address() + KthreadLayout.TIMER_ACTIVE,
                4,
                1 << KthreadLayout.TIMER_ACTIVE_SHIFT);
        long waited = kernel.readLong(thread.waitBlockList() + KwaitBlockLayout.OBJECT);
        add("what is waited for signalled", waited + DispatcherHeaderLayout.SIGNAL_STATE, 4, 1);
        add("wait list's head", waited + DispatcherHeaderLayout.WAIT_LIST_HEAD, 8, 0x10);
        long hand = TimerTable.entryOf(Kprcb.of(kernel, base, 0), 0x12_3456_789AL);
        add("timer table's list", hand + KtimerTableEntryLayout.ENTRY, 8, 0x20);
        add("timer table's first time", hand + KtimerTableEntryLayout.TIME, 8, 2);
        add("thread's wait block", thread.waitBlockList() + 8, 8, Long.MIN_VALUE >> 1);
    }

    private static void addLists(long database) {
        long lists = base + KernelSymbols.MI_SYSTEM_PARTITION + MiPartitionLayout.PAGE_LISTS;
        long zeroed = lists + MiPartitionPageListsLayout.ZEROED_PAGE_LIST_HEAD;
        long visible = base + KernelSymbols.MI_SYSTEM_PARTITION + MiPartitionLayout.VP;
        long coloured = kernel.readLong(lists + MiPartitionPageListsLayout.FREE_PAGES_BY_COLOR);
        long slists = kernel.readLong(lists + MiPartitionPageListsLayout.FREE_PAGE_SLIST);
        long nodes = kernel.readLong(base
                + KernelSymbols.MI_SYSTEM_PARTITION
                + MiPartitionLayout.CORE
                + MiPartitionCoreLayout.NODE_INFORMATION);
        long hardware = base + KernelSymbols.MI_STATE + MiSystemInformationLayout.HARDWARE;
        long first = kernel.readLong(coloured + MmpfnlistLayout.FLINK);
        add("total of zeroed pages", zeroed + MmpfnlistLayout.TOTAL, 8, 1);
        add("head that has no pages", zeroed + MmpfnlistLayout.FLINK, 8, 1);
        add("list total", coloured + MmpfnlistLayout.TOTAL, 8, 1);
        add("list head", coloured + MmpfnlistLayout.FLINK, 8, 1);
        add("list of another colour", coloured + MmpfnlistLayout.SIZE + MmpfnlistLayout.FLINK, 8, 1);
        add("lists by colour", lists + MiPartitionPageListsLayout.FREE_PAGES_BY_COLOR, 8, 0x40);
        add("page slist's depth", slists, 8, 1);
        add("page slist's entry", slists + 8, 8, database + first * MmpfnLayout.SIZE);
        add("node's free count", nodes + MiNodeInformationLayout.FREE_COUNT, 8, 1);
        add("node's bitmap", nodes + MiNodeInformationLayout.FREE_PAGE_LIST_HEADS_BITMAP_BUFFER, 8, 1);
        add("colours of a node", hardware + MiHardwareStateLayout.SECONDARY_COLORS, 4, 0x20);
        add("list link", database + first * MmpfnLayout.SIZE + MmpfnLayout.U1, 8, 2);
        add("list back link", database + first * MmpfnLayout.SIZE + MmpfnLayout.U2, 8, 2);
        add("location of a listed page", database + first * MmpfnLayout.SIZE + MmpfnLayout.U3, 4, 0x2_0000);
        add("AvailablePages", visible + MiVisiblePartitionLayout.AVAILABLE_PAGES, 8, 1);
        add("TotalCommittedPages", visible + MiVisiblePartitionLayout.TOTAL_COMMITTED_PAGES, 8, 1);
        add("TotalCommitLimit", visible + MiVisiblePartitionLayout.TOTAL_COMMIT_LIMIT, 8, 1L << 40);
        add("loaded modules", base + KernelSymbols.PS_LOADED_MODULE_LIST, 8, 0x10);
        long module = kernel.readLong(base + KernelSymbols.PS_LOADED_MODULE_LIST);
        add("module's base", module + KldrDataTableEntryLayout.DLL_BASE, 8, 0x1000);
        add("number of processors", base + KernelSymbols.KE_NUMBER_PROCESSORS, 4, 0x4000);
        add("PspCidTable", base + KernelSymbols.PSP_CID_TABLE, 8, 0x40);
    }

    private static void addPools() {
        long header = PoolHeader.of(
                        kernel, ObjectHeader.ofBody(kernel, process.address()).start())
                .address();
        add("pool tag", header + PoolHeaderLayout.POOL_TAG, 4, 0x20);
        add("pool block's size", header, 4, 0x10_0000);
        add("pool block's previous size", header, 4, 1);
        add("pool block's type", header, 4, 1 << 24);
        long tracker = kernel.readLong(base + KernelSymbols.POOL_TRACK_TABLE);
        while (kernel.readInt(tracker + PoolTrackerTableLayout.KEY) == 0) {
            tracker += PoolTrackerTableLayout.SIZE;
        }
        add("tracker's tag", tracker + PoolTrackerTableLayout.KEY, 4, 0x20);
        add("tracker's bytes", tracker + PoolTrackerTableLayout.NON_PAGED_BYTES, 8, 0x10);
        add("tracker's frees", tracker + PoolTrackerTableLayout.NON_PAGED_FREES, 8, 1);
        long big = kernel.readLong(base + KernelSymbols.POOL_BIG_PAGE_TABLE);
        while ((kernel.readLong(big + PoolTrackerBigPagesLayout.VA) & 1) != 0) {
            big += PoolTrackerBigPagesLayout.SIZE;
        }
        add("big page's address", big + PoolTrackerBigPagesLayout.VA, 8, 1);
        add("big page's size", big + PoolTrackerBigPagesLayout.NUMBER_OF_BYTES, 8, 0x7FFF_F000_0000L);
        add("big page's tag", big + PoolTrackerBigPagesLayout.KEY, 4, 0x20);
    }

    private static void addObjects() {
        ObjectHeader object = ObjectHeader.ofBody(kernel, process.address());
        add("object's HandleCount", object.address() + ObjectHeaderLayout.HANDLE_COUNT, 8, 1);
        add("object's PointerCount", object.address() + ObjectHeaderLayout.POINTER_COUNT, 8, object.pointerCount());
        add("type's handles", object.type(base).address() + ObjectTypeLayout.TOTAL_NUMBER_OF_HANDLES, 4, 1);
        add("object type table", base + KernelSymbols.OB_TYPE_INDEX_TABLE + 8 * object.typeIndex(base), 8, 0x70);
        HandleTable table = new HandleTable(kernel, process.objectTable());
        add("handle table's count", table.freeList() + 16, 4, 1);
        add("handle table's size", table.address() + HandleTableLayout.NEXT_HANDLE_NEEDING_POOL, 4, 0x7FFF_0000);
        add("handle table's pages", table.address() + HandleTableLayout.TABLE_CODE, 8, 2);
        List<Long> entries = new ArrayList<>();
        table.forEach((value, entry) -> entries.add(entry.address()));
        add("handle's object", entries.getFirst(), 8, 1L << 24);
        add("handle's use", entries.getLast(), 8, kernel.readLong(entries.getLast()));
        add("name space", base + KernelSymbols.OBP_ROOT_DIRECTORY_OBJECT, 8, 0x100);
    }

    private static void add(String what, long address, int bytes, long change) {
        SPOILS.put(what, new Spoil(kernel, address, bytes, change));
    }

    private static void addPhysical(String what, long address, long change) {
        SPOILS.put(what, new Spoil(physical, address, 8, change));
    }

    private static Vad firstVad(boolean isPrivate) {
        List<Long> left = new ArrayList<>(List.of(process.vadRoot()));
        while (true) {
            Vad vad = new Vad(kernel, left.removeFirst());
            boolean isWanted = isPrivate
                    ? vad.isPrivate() && vad.protection() == 4 && vad.commitCharge() > 0 && hasValidPage(vad)
                    : vad.isImage();
            if (isWanted) {
                return vad;
            }
            for (int side = 0; side < 2; side++) {
                if (vad.child(side) != 0) {
                    left.add(vad.child(side));
                }
            }
        }
    }

    private static boolean hasValidPage(Vad vad) {
        return firstValidPage(machine.target(), vad) != 0;
    }

    private static long firstValidPage(Target target, Vad vad) {
        for (long vpn = vad.startingVpn(); vpn <= vad.endingVpn(); vpn++) {
            if (ptePhysical(target, vpn << Pages.SHIFT) != 0) {
                return vpn << Pages.SHIFT;
            }
        }
        return 0;
    }

    /** Where the PTE of a valid page is; 0 if the page is not valid. */
    private static long ptePhysical(Target target, long page) {
        var path = target.space(process.directoryTableBase()).path(page);
        var last = path.getLast();
        return last.level() == 1 && (last.entry() & 1) != 0 ? last.entryPhysicalAddress() : 0;
    }

    @Test
    void everyKindIsFound() {
        Checks.check("before", machine);
        List<String> unseen = new ArrayList<>();
        SPOILS.forEach((what, spoil) -> {
            spoil.apply();
            Findings findings = SystemCheck.run(machine.target());
            spoil.apply();
            if (findings.isEmpty()) {
                unseen.add(what);
            }
            assertFalse(
                    findings.texts().stream()
                            .anyMatch(t -> t.contains("Exception")
                                    && !t.contains("Unreadable")
                                    && !t.contains("IllegalState")),
                    () -> what + ": " + findings);
        });
        assertTrue(unseen.isEmpty(), () -> "not found: " + unseen);
        Checks.check("after", machine);
    }

    /** Several bytes at once, anywhere in what the kernel wrote. */
    @Test
    @Timeout(100)
    void noBytesHurtTheValidators() {
        long seed = Long.getLong("vadose.check.seed", 7);
        int rounds = Integer.getInteger("vadose.check.rounds", 25);
        System.out.println("SpoiledMemoryTest seed=" + seed + " rounds=" + rounds);
        Random random = new Random(seed);
        long[] places = interesting();
        for (int round = 0; round < rounds; round++) {
            int count = 1 << random.nextInt(8);
            long[] at = new long[count];
            long[] before = new long[count];
            for (int i = 0; i < count; i++) {
                at[i] = places[random.nextInt(places.length)];
                before[i] = physical.readLong(at[i]);
                long mask = random.nextBoolean() ? 1L << random.nextInt(64) : random.nextLong();
                physical.writeLong(at[i], random.nextInt(4) == 0 ? mask : before[i] ^ mask);
            }
            Findings findings = SystemCheck.run(machine.target());
            assertTrue(findings.count() >= 0);
            for (int i = count - 1; i >= 0; i--) {
                physical.writeLong(at[i], before[i]);
            }
        }
        Checks.check("after", machine);
    }

    /** Words that are not zero. */
    private static long[] interesting() {
        PhysicalMemory ram = machine.physicalMemory();
        LongStream.Builder found = LongStream.builder();
        for (long page = 0; page < ram.sizeBytes(); page += Pages.SIZE) {
            for (long at = page; ram.isTouched(page) && at < page + Pages.SIZE; at += Long.BYTES) {
                if (ram.readLong(at) != 0) {
                    found.add(at);
                }
            }
        }
        return found.build().toArray();
    }
}
