package org.vadose.mm;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.PhysicalMemory;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.CombineBlock;
import org.vadose.nt.Eprocess;
import org.vadose.nt.MitigationPolicy;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pfn;
import org.vadose.nt.PoolType;
import org.vadose.nt.Pte;
import org.vadose.nt.SharedUserData;
import org.vadose.nt.Vad;

/**
 * Page combining: private pages with equal contents become one frame, which each of their owners maps without write access and
 * copies when it writes.
 *
 * <pre>
 *   private, valid --combine--> combined, valid: no hardware write, WsleProtection says what the program may do
 *   combined, valid --trim--> combined, not valid: a prototype PTE's format with its Combined bit and the block's address
 *   combined --write--> private again, a copy
 *   combined --decommit, end of process--> nothing; the block goes with its last reference
 * </pre>
 *
 * The page of a block is one of a prototype PTE's: trimmed by all, it is in transition, then in a page file or the compression store.
 * Commitment is untouched, since each owner may want its own page again. The kernel's lock guards it all.
 */
public final class PageCombining {
    /** {@code DisablePageCombine}. */
    private static final int NO_COMBINING = 4;

    private static final int MOST_PROCESSES = 1 << 16;

    private final MemoryManager manager;
    private final Memory memory;
    private final PhysicalMemory ram;
    private final AddressSpaces spaces;
    private final UserTables tables;
    private final UserPages pages;
    private final PfnDatabase pfns;
    private final CombineTrees trees;
    /** Prototype PTEs of all blocks: what the trees hold, at hand. */
    private final Set<Long> prototypes = new HashSet<>();

    private final byte[] contents = new byte[(int) Pages.SIZE];
    private final byte[] others = new byte[(int) Pages.SIZE];
    private boolean enabled = true;

    private record Candidate(Eprocess process, long page, long frame) {}

    PageCombining(MemoryManager manager, AddressSpaces spaces, UserTables tables, UserPages pages) {
        this.manager = manager;
        this.memory = manager.kernelMemory();
        this.ram = manager.mmu().ram();
        this.spaces = spaces;
        this.tables = tables;
        this.pages = pages;
        this.pfns = manager.pfns();
        this.trees = new CombineTrees(memory, manager.kernelBase());
    }

    /** Lets nobody combine pages from now on; those that are combined stay so. */
    public void disable() {
        enabled = false;
    }

    public boolean isEnabled() {
        return enabled;
    }

    // --- combining ---

    /**
     * Combines equal pages of all processes, as {@code MiCombineIdenticalPages} does.
     *
     * @return pages given back
     */
    public long combineAll() {
        Map<Long, List<Candidate>> byHash = new HashMap<>();
        long scanned = 0;
        for (long link : spaces.expansion().entries(MOST_PROCESSES)) {
            scanned += scan(Eprocess.ofExpansionLinks(memory, link), byHash);
        }
        long combined = 0;
        for (Map.Entry<Long, List<Candidate>> group : byHash.entrySet()) {
            combined += combine(group.getKey(), group.getValue());
        }
        CombineBlock.count(memory, manager.kernelBase(), scanned, combined);
        return combined;
    }

    private long scan(Eprocess process, Map<Long, List<Candidate>> byHash) {
        if (manager.pageFiles().isStoreProcess(process)
                || MitigationPolicy.SIDE_CHANNEL_ISOLATION.has(process, NO_COMBINING)) {
            return 0;
        }
        long scanned = 0;
        long before = spaces.enter(process);
        try {
            ProcessSpace space = spaces.entered();
            for (long node = space.vads().first();
                    node != 0;
                    node = space.vads().next(node)) {
                Vad vad = new Vad(memory, node);
                if (!vad.isPrivate() || vad.isAwe() || vad.isLargePages() || vad.isWriteWatch() || vad.isNoChange()) {
                    continue;
                }
                long end = vad.endingVpn() + 1 << Pages.SHIFT;
                for (long page = vad.startingVpn() << Pages.SHIFT; page < end; page += Pages.SIZE) {
                    page += tables.gap(page, end);
                    if (page < end && isCandidate(page, tables.read(page))) {
                        long frame = Pte.frame(tables.read(page));
                        ram.read(frame << Pages.SHIFT, contents, 0, contents.length);
                        byHash.computeIfAbsent(CombineBlock.hash(contents), hash -> new ArrayList<>(1))
                                .add(new Candidate(process, page, frame));
                        scanned++;
                    }
                }
            }
        } finally {
            spaces.leave(before);
        }
        return scanned;
    }

    private boolean isCandidate(long page, long pte) {
        if (Pte.kind(pte) != Pte.Kind.VALID || Pte.isLocked(pte) || page == SharedUserData.USER_ADDRESS) {
            return false;
        }
        Pfn pfn = pfns.pfn(Pte.frame(pte));
        if (pfn.isPrototype()) {
            return false;
        }
        // No caching attributes, no guards.
        return switch (Pte.protection(pfn.originalPte())) {
            case PageProtection.READONLY,
                    PageProtection.READWRITE,
                    PageProtection.EXECUTE_READ,
                    PageProtection.EXECUTE_READWRITE -> true;
            default -> false;
        };
    }

    private long combine(long hash, List<Candidate> equal) {
        long found = trees.find(hash);
        if (found == 0 && equal.size() == 1) {
            return 0;
        }
        int next = 0;
        if (found == 0) {
            if (!areEqual(equal.get(0).frame(), equal.get(1).frame()) || !manager.canGrowPools()) {
                return 0;
            }
            found = manager.pool().allocate(PoolType.NON_PAGED_POOL_NX, CombineBlock.SIZE, CombineBlock.TAG);
            CombineBlock made = new CombineBlock(memory, found);
            made.initialize(hash);
            if (!convert(equal.get(next++), made, true)) {
                manager.pool().free(found);
                return 0;
            }
        }
        CombineBlock block = new CombineBlock(memory, found);
        long combined = 0;
        for (; next < equal.size(); next++) {
            combined += convert(equal.get(next), block, false) ? 1 : 0;
        }
        return combined;
    }

    private boolean areEqual(long frame, long other) {
        ram.read(frame << Pages.SHIFT, contents, 0, contents.length);
        ram.read(other << Pages.SHIFT, others, 0, others.length);
        return Arrays.equals(contents, others);
    }

    /** Makes one page a combined one, if it is still what it was when it was scanned; nobody else executes in its process meanwhile. */
    private boolean convert(Candidate candidate, CombineBlock block, boolean isFirst) {
        long page = candidate.page();
        long before = spaces.enter(candidate.process());
        try {
            ProcessSpace space = spaces.entered();
            long pte = tables.read(page);
            if (Pte.frame(pte) != candidate.frame() || !isCandidate(page, pte)) {
                return false;
            }
            int protection = Pte.protection(pfns.pfn(candidate.frame()).originalPte());
            long frame = isFirst ? found(candidate.frame(), block) : join(candidate.frame(), block);
            if (frame == PfnDatabase.NONE) {
                return false;
            }
            tables.write(space.workingSet(), page, validPte(frame, protection));
            space.workingSet().addLeaf(-1, true);
            space.workingSet().addLeaf(1, false);
            space.process().addPrivatePages(-1);
            block.addReferences(1);
            CombineBlock.countBlocks(memory, manager.kernelBase(), isFirst ? 1 : 0, 1);
            if (!isFirst) {
                pfns.free(candidate.frame());
            }
            return true;
        } finally {
            spaces.leave(before);
        }
    }

    /** A private page's frame becomes the block's. */
    private long found(long frame, CombineBlock block) {
        ram.read(frame << Pages.SHIFT, contents, 0, contents.length);
        if (CombineBlock.hash(contents) != block.hash()) {
            return PfnDatabase.NONE;
        }
        Pfn pfn = pfns.pfn(frame);
        pfns.freeSlot(pfn.originalPte());
        long prototype = block.prototypeAddress();
        long table = tables.tableFrame(prototype);
        pfn.setPteAddress(prototype);
        pfn.setPteFrame(table, true);
        pfns.pfn(table).addShares(1);
        pfn.setOriginalPte(Pte.demandZero(PageProtection.READONLY));
        // The contents are nowhere else.
        pfn.setModified(true);
        memory.writeLong(prototype, tables.allowed(Pte.validPrototype(frame, PageProtection.READONLY)));
        trees.insert(block);
        prototypes.add(prototype);
        return frame;
    }

    /** Takes a share of the block's page, if it has the same contents; answers its frame. */
    private long join(long frame, CombineBlock block) {
        long shared = manager.prototypes().share(block.prototypeAddress());
        if (shared == PfnDatabase.NONE || shared == Prototypes.UNREADABLE) {
            return PfnDatabase.NONE;
        }
        if (!areEqual(frame, shared)) {
            pages.unshare(shared, false);
            return PfnDatabase.NONE;
        }
        return shared;
    }

    // --- combined pages ---

    /** Whether a frame is a combined page's. */
    boolean isCombined(Pfn pfn) {
        return !prototypes.isEmpty() && pfn.isPrototype() && prototypes.contains(pfn.pteAddress());
    }

    /** The valid PTE of a combined page that a program may use with this protection. */
    static long validPte(long frame, int protection) {
        int mapped = PageProtection.isWritable(protection) ? protection | 1 : protection;
        return Pte.withOwnProtection(Pte.validUser(frame, mapped, false), protection);
    }

    /** Changes what a program may do to a combined page. */
    void protect(ProcessSpace space, long page, long pte, int protection) {
        if (Pte.kind(pte) != Pte.Kind.VALID) {
            tables.write(space.workingSet(), page, Pte.combined(Pte.prototypeAddress(pte), protection));
            return;
        }
        long frame = Pte.frame(pte);
        if (UserPages.isMappable(protection)) {
            tables.write(space.workingSet(), page, Pte.withLock(validPte(frame, protection), Pte.isLocked(pte)));
            return;
        }
        if (Pte.isLocked(pte)) {
            space.workingSet().addLocked(-1);
        }
        tables.write(space.workingSet(), page, Pte.combined(pfns.pfn(frame).pteAddress(), protection));
        space.workingSet().addLeaf(-1, false);
        pages.unshare(frame, false);
    }

    /** Makes a combined page that is not valid so, or, for a write, a copy of it; the access is allowed. */
    NtStatus fault(ProcessSpace space, long page, long pte, int protection, boolean write) {
        long frame = manager.prototypes().share(Pte.prototypeAddress(pte));
        if (frame == Prototypes.UNREADABLE) {
            return NtStatus.IN_PAGE_ERROR;
        }
        if (frame == PfnDatabase.NONE) {
            return NtStatus.NO_MEMORY;
        }
        if (write) {
            return split(space, page, frame, protection);
        }
        tables.write(space.workingSet(), page, validPte(frame, protection));
        space.workingSet().addLeaf(1, false);
        return NtStatus.SUCCESS;
    }

    /** A program writes to a valid combined page: it gets a copy of its own. */
    NtStatus written(ProcessSpace space, long page, long pte, int protection) {
        long frame = Pte.frame(pte);
        tables.write(space.workingSet(), page, Pte.combined(pfns.pfn(frame).pteAddress(), protection));
        space.workingSet().addLeaf(-1, false);
        NtStatus status = split(space, page, frame, protection);
        if (Pte.isLocked(pte)) {
            // The copy is locked in the page's stead.
            if (status.isSuccess()) {
                tables.exchange(page, Pte.withLock(tables.read(page), true));
            } else {
                space.workingSet().addLocked(-1);
            }
        }
        return status;
    }

    /** Maps a copy at a page whose PTE is not valid, and gives up the share and the reference; without RAM, the share alone. */
    private NtStatus split(ProcessSpace space, long page, long shared, int protection) {
        long pteAddress = tables.pteAddress(page);
        long frame = pfns.allocateForOverwrite(pteAddress, tables.tableFrame(pteAddress));
        if (frame == PfnDatabase.NONE) {
            pages.unshare(shared, false);
            return NtStatus.NO_MEMORY;
        }
        ram.copyFrame(shared, frame);
        pfns.pfn(frame).setModified(true);
        long prototype = pfns.pfn(shared).pteAddress();
        pages.mapOwn(space, page, frame, protection, true);
        pages.unshare(shared, false);
        drop(prototype);
        return NtStatus.SUCCESS;
    }

    /** A PTE no longer names a combined page, and maps it no more. */
    void drop(long prototype) {
        CombineBlock block = CombineBlock.ofPrototype(memory, prototype);
        long left = block.addReferences(-1);
        CombineBlock.countBlocks(memory, manager.kernelBase(), left == 0 ? -1 : 0, -1);
        if (left != 0) {
            return;
        }
        manager.prototypes().discard(prototype);
        trees.remove(block);
        prototypes.remove(prototype);
        manager.pool().free(block.address());
    }

    /** Whether an entry names a combined page, valid or not. */
    boolean isCombined(long pte) {
        return Pte.isCombined(pte) || (pte & X64PageTables.PRESENT) != 0 && isCombined(pfns.pfn(Pte.frame(pte)));
    }
}
