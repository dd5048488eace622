package org.vadose.mm;

import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MmworkingSetExpansionHeadLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.Mmus;
import org.vadose.memory.PhysicalMemory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.ListEntry;
import org.vadose.nt.Pfn;
import org.vadose.nt.SelfMap;

/** Makes and unmakes address spaces, and says which one the processor is in: the one whose PML4 is in CR3. */
final class AddressSpaces {
    /** Readers of raw images look for System's PML4 here and take the first they find; no other PML4 goes there. */
    private static final long[][] SYSTEM_ROOT_WINDOWS = {{0x150, 0x2A0}, {0x650, 0x6F0}};

    private static final int KERNEL_HALF = 256;
    private static final int MOST_PROCESSES = 1 << 16;

    private final Mmus mmu;
    private final Memory memory;
    private final PhysicalMemory ram;
    private final SelfMap selfMap;
    private final PfnDatabase pfns;
    private final Commit commit;
    private final long kernelBase;
    private final Supplier<Pool> pool;
    private final long seed;
    /** Head of the working sets that can be trimmed. */
    private final ListEntry expansion;
    /** By PML4 address. What is in it can be derived from RAM again. */
    private final Map<Long, ProcessSpace> known = new ConcurrentHashMap<>();

    /** By {@link org.vadose.memory.Mmu#context}. */
    private final Loaded[] loaded;

    /** What a processor has in CR3. */
    private static final class Loaded {
        @Nullable ProcessSpace space;

        long root;
    }

    AddressSpaces(
            Mmus mmu,
            SelfMap selfMap,
            PfnDatabase pfns,
            Commit commit,
            long kernelBase,
            Supplier<Pool> pool,
            long seed) {
        this.pool = pool;
        this.mmu = mmu;
        this.memory = mmu.kernel();
        this.ram = mmu.ram();
        this.selfMap = selfMap;
        this.pfns = pfns;
        this.commit = commit;
        this.kernelBase = kernelBase;
        this.seed = seed;
        this.loaded = new Loaded[mmu.contexts()];
        Arrays.setAll(loaded, processor -> new Loaded());
        this.expansion = new ListEntry(
                memory,
                kernelBase
                        + KernelSymbols.MI_SYSTEM_PARTITION
                        + MiPartitionLayout.WORKING_SET_EXPANSION_HEAD
                        + MmworkingSetExpansionHeadLayout.LIST_HEAD);
        expansion.initialize();
    }

    /** Processes whose working sets can be trimmed. */
    ListEntry expansion() {
        return expansion;
    }

    private Loaded here() {
        return loaded[mmu.current().context()];
    }

    /** The process whose address space is loaded; null if there is no such process yet. */
    @Nullable ProcessSpace current() {
        Loaded here = here();
        long root = mmu.root();
        if (here.root != root) {
            here.root = root;
            here.space = known.get(root);
            if (here.space == null) {
                here.space = search(root);
            }
        }
        return here.space;
    }

    private @Nullable ProcessSpace search(long root) {
        ListEntry head = new ListEntry(memory, kernelBase + KernelSymbols.PS_ACTIVE_PROCESS_HEAD);
        if (head.flink() == 0) {
            return null;
        }
        for (long links : head.entries(MOST_PROCESSES)) {
            Eprocess process = Eprocess.ofActiveLinks(memory, links);
            if (process.directoryTableBase() == root) {
                return learn(process, root);
            }
        }
        return null;
    }

    private ProcessSpace learn(Eprocess process, long root) {
        ProcessSpace space = new ProcessSpace(process, pool, seed);
        known.put(root, space);
        ListEntry links = process.workingSetExpansionLinks();
        if (links.flink() == 0 || links.flink() == links.address()) {
            expansion.insertTail(links.address());
        }
        return space;
    }

    /**
     * Loads a process's address space for a while, locks it, and keeps other processors from executing in it.
     *
     * @return the PML4 address to hand to {@link #leave}
     */
    long enter(Eprocess process) {
        long before = switchTo(process);
        if (mmu.isShared()) {
            entered().lock().lock();
            mmu.current().catchUp();
            mmu.holdOthers();
        }
        return before;
    }

    /** Ends what {@link #enter} began. */
    void leave(long before) {
        if (mmu.isShared()) {
            mmu.letGo();
            Objects.requireNonNull(current()).lock().unlock();
        }
        if (mmu.root() != before) {
            mmu.loadRoot(before);
        }
    }

    /**
     * Loads a process's address space.
     *
     * @return the PML4 address that was loaded before
     */
    long switchTo(Eprocess process) {
        long before = mmu.root();
        Loaded here = here();
        ProcessSpace now = here.space;
        if (now != null && here.root == before && now.process().address() == process.address()) {
            return before;
        }
        long root = process.directoryTableBase();
        ProcessSpace space = known.get(root);
        if (space == null || space.process().address() != process.address()) {
            space = learn(process, root);
        }
        here.space = space;
        here.root = root;
        if (before != root) {
            mmu.loadRoot(root);
        }
        return before;
    }

    /** Whether the process still has its address space. */
    boolean isThere(ProcessSpace space) {
        return known.containsValue(space);
    }

    /** The space that {@link #enter} has just loaded. */
    ProcessSpace entered() {
        ProcessSpace space = here().space;
        if (space == null) {
            throw new IllegalStateException("no process's address space is loaded cr3=" + Hex.plain(mmu.root()));
        }
        return space;
    }

    /**
     * A new address space with nothing in its user half.
     *
     * @return physical address of its PML4, or 0 when there is no RAM or commitment for it
     */
    long create() {
        if (!commit.chargeSystem(1)) {
            return 0;
        }
        pfns.makeAvailable(1);
        long frame = pfns.allocateOutside(SYSTEM_ROOT_WINDOWS);
        if (frame == PfnDatabase.NONE) {
            commit.releaseSystem(1);
            return 0;
        }
        long root = frame << Pages.SHIFT;
        long entries = 0;
        for (int i = KERNEL_HALF; i < 512; i++) {
            long entry = ram.readLong(BootMemory.SYSTEM_ROOT + 8L * i);
            if (entry != 0) {
                entries++;
                ram.writeLong(
                        root + 8L * i,
                        i == selfMap.index()
                                ? root | SystemSpace.KERNEL_DATA & mmu.format().validBits()
                                : entry);
            }
        }
        Pfn pfn = pfns.pfn(frame);
        pfn.setPteAddress(selfMap.pxe(selfMap.pteBase()));
        pfn.setPteFrame(frame, false);
        // Itself by its self-map entry, and every other entry of the kernel half.
        pfn.setShareCount(entries);
        return root;
    }

    /** Frees the PML4 of an address space whose user half is empty and which no processor has loaded. */
    void delete(long root) {
        if (mmu.isLoaded(root)) {
            throw new IllegalStateException("the loaded address space is deleted cr3=" + Hex.plain(root));
        }
        ProcessSpace space = known.remove(root);
        if (space != null) {
            space.process().workingSetExpansionLinks().remove();
            space.workingSet().delete();
        }
        for (Loaded processor : loaded) {
            processor.root = -1;
        }
        pfns.free(root >>> Pages.SHIFT);
        commit.releaseSystem(1);
    }
}
