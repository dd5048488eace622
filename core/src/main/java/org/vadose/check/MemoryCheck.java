package org.vadose.check;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiAssignedRegionTypesValues;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiSystemVaAssignmentLayout;
import org.vadose.layout.MiVisiblePartitionLayout;
import org.vadose.layout.MiVisibleStateLayout;
import org.vadose.layout.MmpteSoftwareLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.AweInfo;
import org.vadose.nt.ControlArea;
import org.vadose.nt.Eprocess;
import org.vadose.nt.ListEntry;
import org.vadose.nt.PageLocation;
import org.vadose.nt.PageProtection;
import org.vadose.nt.PagingFile;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;
import org.vadose.nt.SelfMap;
import org.vadose.nt.Subsection;
import org.vadose.target.Target;
import org.vadose.target.UnreadableMemoryException;

/**
 * Proves from bytes alone that memory adds up: page lists and the PFN database, page tables of System and all processes, VAD
 * trees, working sets, views of sections, commitment. Walks the tables in physical memory; what it counts must equal what the
 * manager wrote down.
 */
public final class MemoryCheck {
    private static final int MOST_PROCESSES = 1 << 16;
    private static final int ENTRIES = 512;
    private static final int KERNEL_HALF = 256;
    private static final int[] DATA_REGIONS = {
        MiAssignedRegionTypesValues.ASSIGNED_REGION_NON_PAGED_POOL,
        MiAssignedRegionTypesValues.ASSIGNED_REGION_PAGED_POOL,
        MiAssignedRegionTypesValues.ASSIGNED_REGION_KERNEL_STACKS,
        MiAssignedRegionTypesValues.ASSIGNED_REGION_SESSION
    };

    private final Target target;
    private final Memory physical;
    private final Memory kernel;
    private final long kernelBase;
    private final Findings findings;
    private final SelfMap selfMap;
    private final FrameLedger ledger;
    private final CacheLedger cache;
    private final SlotLedger slots;
    private final CombineLedger combined;
    private final UnusedSegmentLedger unused;
    private final BitSet tables = new BitSet();
    private final BitSet kernelFrames = new BitSet();
    private final Map<Long, Long> viewsByArea = new HashMap<>();
    /** Page numbers of the large pages of the process that is checked, and the first frame of each. */
    private final Map<Long, Long> largePages = new TreeMap<>();

    /** Whether the processor knows NX at all, as the self-map's entry, which is data, tells. */
    private boolean isExecutionProtected;

    /** Where system space must not be executed: first and last address of each such region. */
    private final List<long[]> dataRegions = new ArrayList<>();

    private long userTables;
    private long processCommit;

    /** @param target a machine at rest; what is derived from its memory is read anew */
    public MemoryCheck(Target target, Findings findings) {
        target.forget();
        this.target = target;
        this.physical = target.physical();
        this.kernel = target.kernel();
        this.kernelBase = target.kernelBase();
        this.findings = findings;
        this.selfMap = SelfMap.of(kernel, kernelBase);
        this.slots = new SlotLedger(kernel, kernelBase, findings);
        this.cache = new CacheLedger(kernel, kernelBase, selfMap, findings);
        this.combined = new CombineLedger(target, findings);
        this.unused = new UnusedSegmentLedger(kernel, kernelBase, findings);
        this.ledger = new FrameLedger(kernel, kernelBase, target.physicalBytes() >>> Pages.SHIFT, findings);
    }

    /** Checks everything, with the processes that {@code PsActiveProcessHead} lists. */
    public void run() {
        try {
            ListEntry head = new ListEntry(kernel, kernelBase + KernelSymbols.PS_ACTIVE_PROCESS_HEAD);
            long[] processes = head.entries(MOST_PROCESSES);
            for (int i = 0; i < processes.length; i++) {
                processes[i] = Eprocess.ofActiveLinks(kernel, processes[i]).address();
            }
            run(processes);
        } catch (UnreadableMemoryException | IllegalStateException e) {
            findings.add("process list: " + e.getMessage());
        }
    }

    /** Checks everything, with these processes ({@code _EPROCESS} addresses); there must be no other. */
    public void run(long... processes) {
        try {
            ledger.checkLists();
            cache.readViews();
            unused.read();
            walkKernelHalf();
            cache.checkPages();
            for (long address : processes) {
                checkProcess(new Eprocess(kernel, address));
            }
            ledger.checkFrames(selfMap, slots);
            combined.check(ledger, slots);
            // Also those that have pages in RAM and no view.
            ledger.controlAreas().forEach(area -> viewsByArea.putIfAbsent(area, 0L));
            cache.controlAreas().forEach(area -> viewsByArea.putIfAbsent(area, 0L));
            unused.controlAreas().forEach(area -> viewsByArea.putIfAbsent(area, 0L));
            viewsByArea.forEach((area, views) -> {
                new SectionCheck(kernel, ledger, findings).run(area, views, cache.views(area), unused.contains(area));
                ownSlotsOfPrototypes(new ControlArea(kernel, area));
            });
            checkCommit();
            PagingFile virtual = slots.virtualStore();
            if (virtual != null) {
                new StoreCheck(target, findings).run(virtual);
            }
        } catch (UnreadableMemoryException | IndexOutOfBoundsException e) {
            findings.add("memory check cannot go on: " + e.getMessage());
        }
    }

    // --- the kernel's half ---

    private void walkKernelHalf() {
        long root = target.kernel().root();
        isExecutionProtected = isNoExecute(physical.readLong(root + 8L * selfMap.index()));
        findRegions();
        // Frame 0 is never given out.
        ledger.addShare(0);
        kernelFrames.set(0);
        kernelFrames.set((int) (root >>> Pages.SHIFT));
        for (int i = KERNEL_HALF; i < ENTRIES; i++) {
            long entry = physical.readLong(root + 8L * i);
            if (!isValid(entry)) {
                continue;
            }
            ledger.addShare(root >>> Pages.SHIFT);
            if (i != selfMap.index()) {
                kernelTable(entry, root, 3, (long) i << 39 | -1L << 48);
            }
        }
    }

    /** A table that an entry names; {@code level} is that of its own entries. */
    private void kernelTable(long parentEntry, long parent, int level, long base) {
        long table = parentEntry & X64PageTables.FRAME_MASK;
        long frame = table >>> Pages.SHIFT;
        if (!ledger.isRam(frame)) {
            findings.add(
                    "kernel page table outside RAM va=" + Hex.address(base) + " entry=" + Hex.address(parentEntry));
            return;
        }
        if (!isFirst(frame, base)) {
            return;
        }
        ledger.expectOwned(frame, selfMap.entry(level + 1, base), parent >>> Pages.SHIFT, "kernel page table");
        kernelFrames.set((int) frame);
        for (int i = 0; i < ENTRIES; i++) {
            long entry = physical.readLong(table + 8L * i);
            if (!isValid(entry)) {
                continue;
            }
            ledger.addShare(frame);
            long address = base + ((long) i << Pages.SHIFT + 9 * (level - 1));
            if (level == 2 && (entry & X64PageTables.LARGE) != 0) {
                for (long f = Pte.frame(entry); f < Pte.frame(entry) + ENTRIES; f++) {
                    kernelLeaf(f, selfMap.entry(2, address), frame);
                }
            } else if (level > 1) {
                kernelTable(entry, table, level - 1, address);
            } else {
                checkExecutable(address, entry);
                kernelLeaf(Pte.frame(entry), selfMap.pte(address), frame);
            }
        }
    }

    /** A page table that two entries name would be walked for ever. */
    private boolean isFirst(long frame, long base) {
        if (tables.get((int) frame)) {
            findings.add("page table named twice pfn=" + Hex.plain(frame) + " va=" + Hex.address(base));
            return false;
        }
        tables.set((int) frame);
        return true;
    }

    /** Stacks, pools and session pool are data: they are not executed. */
    private void findRegions() {
        long regions = kernelBase + KernelSymbols.MI_VISIBLE_STATE + MiVisibleStateLayout.SYSTEM_VA_REGIONS;
        for (int index : DATA_REGIONS) {
            long at = regions + index * MiSystemVaAssignmentLayout.SIZE;
            long first = kernel.readLong(at + MiSystemVaAssignmentLayout.BASE_ADDRESS);
            long bytes = kernel.readLong(at + MiSystemVaAssignmentLayout.NUMBER_OF_BYTES);
            if (bytes != 0) {
                dataRegions.add(new long[] {first, first + bytes - 1});
            }
        }
    }

    private void checkExecutable(long address, long pte) {
        boolean isData = false;
        for (long[] region : dataRegions) {
            isData |= Long.compareUnsigned(address, region[0]) >= 0 && Long.compareUnsigned(address, region[1]) <= 0;
        }
        if (isData && isExecutionProtected != isNoExecute(pte)) {
            findings.add("kernel data that can be executed va=" + Hex.address(address) + " pte=" + Hex.address(pte));
        }
    }

    private static boolean isNoExecute(long entry) {
        return (entry & X64PageTables.NO_EXECUTE) != 0;
    }

    private void kernelLeaf(long frame, long pteAddress, long table) {
        if (!ledger.isRam(frame)) {
            findings.add("kernel page outside RAM pte=" + Hex.address(pteAddress));
            return;
        }
        Pfn pfn = ledger.pfn(frame);
        if (pfn.isPrototype() && cache.contains(pteAddress)) {
            // A file's page: nobody is charged for it.
            ledger.addShare(frame);
            cache.addPage(pteAddress, frame);
            return;
        }
        kernelFrames.set((int) frame);
        if (pfn.isPrototype()) {
            ledger.addShare(frame);
        } else {
            ledger.expectOwned(frame, pteAddress, table, "kernel page");
        }
    }

    // --- processes ---

    private void checkProcess(Eprocess process) {
        processCommit += process.commitCharge();
        AweInfo awe = process.aweInfo() == 0 ? null : new AweInfo(kernel, process.aweInfo());
        countPhysicalPages(process, awe);
        long root = process.directoryTableBase();
        if (root == target.kernel().root()) {
            return;
        }
        UserPtes ptes = new UserPtes();
        long tablesBefore = userTables;
        largePages.clear();
        walkRoot(root, ptes);
        long tables = userTables - tablesBefore;
        WorkingSetCount counted = countLeaves(ptes, awe);
        String who = " process=" + Hex.plain(process.uniqueProcessId());
        long at = process.address();
        findings.expectEqual("WorkingSetSize" + who, at, counted.valid + tables, process.workingSetSize());
        findings.expectEqual("NumberOfPrivatePages" + who, at, counted.own, process.privatePages());
        findings.expectEqual("LockedEntries" + who, at, counted.locked, process.lockedPages());
        new VadCheck(kernel, ledger, combined, findings, viewsByArea, largePages).run(process, ptes);
        new GuardCheck(kernel, physical, ledger, findings).run(process, ptes);
    }

    private static final class WorkingSetCount {
        long valid;
        long own;
        long locked;
    }

    private void walkRoot(long root, UserPtes ptes) {
        long frame = root >>> Pages.SHIFT;
        if (!ledger.isRam(frame)) {
            findings.add("PML4 outside RAM cr3=" + Hex.plain(root));
            return;
        }
        Pfn pfn = ledger.pfn(frame);
        findings.expectEqual("PML4's PteAddress", pfn.address(), selfMap.pxe(selfMap.pteBase()), pfn.pteAddress());
        kernelFrames.set((int) frame);
        for (int i = 0; i < ENTRIES; i++) {
            long entry = physical.readLong(root + 8L * i);
            if (isValid(entry)) {
                ledger.addShare(frame);
            }
            if (i < KERNEL_HALF) {
                if (isValid(entry)) {
                    userTable(entry, root, 3, (long) i << 39, ptes);
                }
                continue;
            }
            long expected = physical.readLong(target.kernel().root() + 8L * i);
            if (i == selfMap.index()) {
                findings.expectEqual("self-map entry", root + 8L * i, root, entry & X64PageTables.FRAME_MASK);
            } else if (((entry ^ expected) & ~X64PageTables.ACCESSED) != 0) {
                findings.add("kernel half differs from System's cr3=" + Hex.plain(root) + " index=" + Hex.plain(i));
            }
        }
    }

    private void userTable(long parentEntry, long parent, int level, long base, UserPtes ptes) {
        long table = parentEntry & X64PageTables.FRAME_MASK;
        long frame = table >>> Pages.SHIFT;
        if (!ledger.isRam(frame)) {
            findings.add("user page table outside RAM va=" + Hex.address(base) + " entry=" + Hex.address(parentEntry));
            return;
        }
        if (!isFirst(frame, base)) {
            return;
        }
        userTables++;
        ledger.expectOwned(frame, selfMap.entry(level + 1, base), parent >>> Pages.SHIFT, "user page table");
        long used = 0;
        for (int i = 0; i < ENTRIES; i++) {
            long entry = physical.readLong(table + 8L * i);
            if (entry == 0) {
                continue;
            }
            used++;
            long address = base + ((long) i << Pages.SHIFT + 9 * (level - 1));
            if (Pte.holdsFrame(entry)) {
                ledger.addShare(frame);
            }
            if (level == 1) {
                ptes.add(address, entry, frame);
            } else if (level == 2 && (entry & X64PageTables.LARGE) != 0) {
                largePage(entry, address, frame);
            } else if (isValid(entry)) {
                userTable(entry, table, level - 1, address, ptes);
            }
        }
        if (used == 0) {
            findings.add("user page table is empty pfn=" + Hex.plain(frame) + " va=" + Hex.address(base));
        }
        long counted = ledger.pfn(frame).originalPte() >>> MmpteSoftwareLayout.USED_PAGE_TABLE_ENTRIES_SHIFT
                & MmpteSoftwareLayout.USED_PAGE_TABLE_ENTRIES_MASK;
        findings.expectEqual("UsedPageTableEntries va=" + Hex.address(base), FrameLedger.address(frame), used, counted);
    }

    /** Pages the process owns by number: each has a share for that, and another if it is mapped. */
    private void countPhysicalPages(Eprocess process, @Nullable AweInfo awe) {
        long count = 0;
        if (awe != null) {
            for (long frame = awe.next(0); frame >= 0; frame = awe.next(frame + 1)) {
                count++;
                if (ledger.isRam(frame)) {
                    ledger.addShare(frame);
                    if (ledger.pfn(frame).location() != PageLocation.ACTIVE) {
                        findings.add("owned physical page is not active pfn=" + Hex.plain(frame));
                    }
                }
            }
        }
        findings.expectEqual("VadPhysicalPages", process.address(), count, process.physicalPages());
    }

    /**
     * A large page. A private one's frames point back to the one entry, and it is as accessible as they say; a section's point to
     * their prototypes, which {@link VadCheck} compares.
     */
    private void largePage(long entry, long address, long table) {
        long first = Pte.frame(entry);
        for (long f = first; f < first + ENTRIES; f++) {
            if (!ledger.isRam(f)) {
                findings.add("large page outside RAM va=" + Hex.address(address));
                return;
            }
            if (ledger.pfn(f).isPrototype()) {
                ledger.addShare(f);
            } else {
                ledger.expectOwned(f, selfMap.entry(2, address), table, "large page");
                checkWritable(address, entry, Pte.protection(ledger.pfn(f).originalPte()));
            }
        }
        if (ledger.pfn(first).isPrototype()) {
            checkWritable(address, entry, 0);
        }
        largePages.put(address >>> Pages.SHIFT, first);
    }

    private WorkingSetCount countLeaves(UserPtes ptes, @Nullable AweInfo awe) {
        WorkingSetCount count = new WorkingSetCount();
        for (int i = 0; i < ptes.size(); i++) {
            long pte = ptes.pte(i);
            if (Pte.kind(pte) == Pte.Kind.PAGE_FILE) {
                slots.addOwner(pte, "PTE of va=" + Hex.address(ptes.address(i)));
                count.own++;
            }
            if (Pte.isCombined(pte)) {
                combined.addReference(Pte.prototypeAddress(pte));
            }
            if (!Pte.holdsFrame(pte)) {
                continue;
            }
            long frame = Pte.frame(pte);
            if (!ledger.isRam(frame)) {
                findings.add("user page outside RAM va=" + Hex.address(ptes.address(i)));
                continue;
            }
            long pteAddress = selfMap.pte(ptes.address(i));
            if (awe != null && awe.owns(frame)) {
                ledger.expectOwned(frame, pteAddress, ptes.table(i), "physical page");
                continue;
            }
            count.locked += Pte.kind(pte) == Pte.Kind.VALID && Pte.isLocked(pte) ? 1 : 0;
            if (Pte.kind(pte) == Pte.Kind.TRANSITION) {
                ledger.expectInTransition(frame, pteAddress, ptes.table(i), pte);
                count.own++;
                continue;
            }
            count.valid++;
            if (ledger.pfn(frame).isPrototype()) {
                combined.addReference(ledger.pfn(frame).pteAddress());
                ledger.addShare(frame);
                checkWritable(ptes.address(i), pte, 0);
            } else {
                count.own++;
                ledger.expectOwned(frame, pteAddress, ptes.table(i), "user page");
                checkWritable(
                        ptes.address(i), pte, Pte.protection(ledger.pfn(frame).originalPte()));
            }
        }
        return count;
    }

    /** The hardware's rights must not exceed the protection; {@code protection} 0 when only the PTE tells. */
    private void checkWritable(long address, long pte, int protection) {
        boolean isHardwareWritable = (pte & X64PageTables.WRITE) != 0;
        boolean wrong = isHardwareWritable && (pte & Pte.COPY_ON_WRITE) != 0;
        if (protection != 0) {
            boolean mayWrite = PageProtection.isWritable(protection) && !PageProtection.isCopyOnWrite(protection);
            wrong |= isHardwareWritable != mayWrite
                    || isNoExecute(pte) != (isExecutionProtected && !PageProtection.isExecutable(protection))
                    || PageProtection.isGuard(protection)
                    || !PageProtection.isAccessible(protection);
        }
        if (wrong || (pte & X64PageTables.USER) == 0) {
            findings.add("PTE allows what the page's protection does not, or the reverse va=" + Hex.address(address)
                    + " pte=" + Hex.address(pte) + " protection=" + Hex.plain(protection));
        }
    }

    private void checkCommit() {
        long visible = kernelBase + KernelSymbols.MI_SYSTEM_PARTITION + MiPartitionLayout.VP;
        long total = kernel.readLong(visible + MiVisiblePartitionLayout.TOTAL_COMMITTED_PAGES);
        long shared = kernel.readLong(visible + MiVisiblePartitionLayout.SHARED_COMMIT);
        slots.check(shared);
        long expected = processCommit + shared + kernelFrames.cardinality() + userTables;
        findings.expectEqual(
                "TotalCommittedPages", visible + MiVisiblePartitionLayout.TOTAL_COMMITTED_PAGES, expected, total);
        long limit = kernel.readLong(visible + MiVisiblePartitionLayout.TOTAL_COMMIT_LIMIT);
        long most = (target.physicalBytes() >>> Pages.SHIFT) + slots.total();
        if (limit > most) {
            findings.add("TotalCommitLimit is more than RAM and page files limit=" + limit + " most=" + most);
        }
        if (total > limit) {
            findings.add("commitment passes its limit total=" + total + " limit=" + limit);
        }
    }

    private void ownSlotsOfPrototypes(ControlArea area) {
        Subsection part = area.firstSubsection();
        while (true) {
            for (long i = 0; i < part.pages(); i++) {
                long at = part.base() + i * Long.BYTES;
                slots.addOwner(kernel.readLong(at), "prototype PTE at=" + Hex.address(at));
            }
            if (part.next() == 0) {
                return;
            }
            part = new Subsection(kernel, part.next());
        }
    }

    private static boolean isValid(long entry) {
        return (entry & X64PageTables.PRESENT) != 0;
    }
}
