package org.vadose.mm;

import java.util.Objects;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.SeededRandom;
import org.vadose.base.VpnRange;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.PoolType;
import org.vadose.nt.Pte;
import org.vadose.nt.Vad;

/**
 * {@code NtAllocateVirtualMemory}, {@code NtFreeVirtualMemory}, {@code NtProtectVirtualMemory}, {@code NtQueryVirtualMemory} and
 * the calls that read and write another process, with the rules and statuses the WDK and SDK document for them.
 *
 * <p>In and out parameters travel in a {@link Region} that the caller owns, so that a call allocates nothing.
 */
public final class VirtualMemoryServices {
    public static final int MEM_COMMIT = 0x1000;
    public static final int MEM_RESERVE = 0x2000;
    public static final int MEM_DECOMMIT = 0x4000;
    public static final int MEM_RELEASE = 0x8000;
    public static final int MEM_FREE = 0x10000;
    public static final int MEM_PRIVATE = 0x20000;
    public static final int MEM_MAPPED = 0x40000;
    public static final int MEM_RESET = 0x80000;
    public static final int MEM_TOP_DOWN = 0x100000;
    public static final int MEM_WRITE_WATCH = 0x200000;
    public static final int MEM_PHYSICAL = 0x400000;
    public static final int MEM_RESET_UNDO = 0x1000000;
    public static final int MEM_IMAGE = 0x1000000;
    public static final int MEM_LARGE_PAGES = 0x20000000;

    /** Where user space begins: below it a null pointer with an offset faults. */
    static final long LOWEST_USER = 0x10000;
    /** The last byte a process may use: 128 TB less 64 KB. */
    static final long HIGHEST_USER = 0x7FFF_FFFE_FFFFL;

    private static final int ALLOCATE_TYPES = MEM_COMMIT
            | MEM_RESERVE
            | MEM_RESET
            | MEM_RESET_UNDO
            | MEM_TOP_DOWN
            | MEM_WRITE_WATCH
            | MEM_PHYSICAL
            | MEM_LARGE_PAGES;
    private static final long HIGH_ENTROPY_LOW = 0x100_0000_0000L;
    private static final long HIGH_ENTROPY_RANGE = 0x200_0000_0000L;

    private final MemoryManager manager;
    private final AddressSpaces spaces;
    private final UserTables tables;
    private final Commit commit;
    private final Memory memory;
    private final long seed;

    VirtualMemoryServices(MemoryManager manager, AddressSpaces spaces, UserTables tables, Commit commit, long seed) {
        this.manager = manager;
        this.spaces = spaces;
        this.tables = tables;
        this.commit = commit;
        this.memory = manager.kernelMemory();
        this.seed = seed;
    }

    /** A base address and a size, in and out. */
    public static final class Region {
        public long base;
        public long sizeBytes;
    }

    /** What {@code MEMORY_BASIC_INFORMATION} holds. */
    public static final class BasicInformation {
        public long baseAddress;
        public long allocationBase;
        public int allocationProtect;
        public long regionSizeBytes;
        public int state;
        public int protect;
        public int type;
    }

    /**
     * {@code NtAllocateVirtualMemory}.
     *
     * @param zeroBits how many high bits of a 32-bit address must be zero, or, above 31, a mask of the bits it may have
     * @param region base 0 lets the system choose; holds what was done afterwards
     */
    public NtStatus allocate(Eprocess process, Region region, long zeroBits, int type, int pageProtection) {
        if (zeroBits > 21 && zeroBits < 32) {
            return NtStatus.INVALID_PARAMETER_3;
        }
        if ((type & ~ALLOCATE_TYPES) != 0
                || (type & (MEM_COMMIT | MEM_RESERVE | MEM_RESET | MEM_RESET_UNDO)) == 0
                || (type & MEM_RESET) != 0 && type != MEM_RESET
                || (type & MEM_RESET_UNDO) != 0 && type != MEM_RESET_UNDO) {
            return NtStatus.INVALID_PARAMETER_5;
        }
        int protection = PageProtection.toMask(pageProtection);
        if (protection == PageProtection.INVALID || PageProtection.isCopyOnWrite(protection)) {
            return NtStatus.INVALID_PAGE_PROTECTION;
        }
        if ((type & (MEM_LARGE_PAGES | MEM_PHYSICAL | MEM_WRITE_WATCH)) != 0) {
            return (type & MEM_LARGE_PAGES) != 0 ? NtStatus.PRIVILEGE_NOT_HELD : NtStatus.NOT_SUPPORTED;
        }
        if (Long.compareUnsigned(region.base, HIGHEST_USER) > 0) {
            return NtStatus.INVALID_PARAMETER_2;
        }
        if (region.sizeBytes == 0 || Long.compareUnsigned(region.sizeBytes, HIGHEST_USER + 1 - region.base) > 0) {
            return NtStatus.INVALID_PARAMETER_4;
        }
        return spaces.attached(process, () -> {
            if ((type & (MEM_RESET | MEM_RESET_UNDO)) != 0) {
                return reset(process, region);
            }
            if ((type & MEM_RESERVE) != 0 || region.base == 0) {
                return reserve(process, region, zeroBits, type, protection);
            }
            return commitReserved(process, region, protection);
        });
    }

    private NtStatus reserve(Eprocess process, Region region, long zeroBits, int type, int protection) {
        VadTree tree = new VadTree(process);
        VpnRange range;
        if (region.base == 0) {
            long highest = highestAddress(zeroBits);
            long start = findHole(process, tree, region.sizeBytes, highest, (type & MEM_TOP_DOWN) != 0);
            if (start == 0) {
                return NtStatus.NO_MEMORY;
            }
            range = VpnRange.covering(start, region.sizeBytes);
        } else {
            long start = Pages.alignDown(region.base, Pages.GRANULARITY);
            if (start < LOWEST_USER) {
                return NtStatus.INVALID_PARAMETER_2;
            }
            range = VpnRange.covering(start, region.base + region.sizeBytes - start);
            if (tree.overlaps(range)) {
                return NtStatus.CONFLICTING_ADDRESSES;
            }
        }
        boolean committed = (type & MEM_COMMIT) != 0;
        if (committed && !commit.charge(process, range.pages())) {
            return NtStatus.COMMITMENT_LIMIT;
        }
        Vad vad = newVad(Vad.TAG_SHORT, Vad.SIZE_SHORT, PoolType.NON_PAGED_POOL_NX, range);
        vad.setFlags(protection, true, 0, false);
        vad.setMemCommit(committed);
        vad.setCommitCharge(committed ? range.pages() : 0);
        tree.insert(vad.address());
        process.addVirtualSize(range.sizeBytes());
        region.base = range.startAddress();
        region.sizeBytes = range.sizeBytes();
        return NtStatus.SUCCESS;
    }

    Vad newVad(int tag, long sizeBytes, PoolType type, VpnRange range) {
        long address = manager.pool().allocate(type, sizeBytes, tag);
        memory.fill(address, sizeBytes, (byte) 0);
        Vad vad = new Vad(memory, address);
        vad.setRange(range.first(), range.last());
        return vad;
    }

    private static long highestAddress(long zeroBits) {
        if (zeroBits == 0) {
            return HIGHEST_USER;
        }
        if (zeroBits < 32) {
            return 0xFFFF_FFFFL >>> zeroBits;
        }
        return Math.min(HIGHEST_USER, (Long.highestOneBit(zeroBits) << 1) - 1);
    }

    /**
     * A hole of this size on a 64 KB boundary: upwards from the process's random start, or downwards from the top.
     *
     * @return 0 when there is none
     */
    long findHole(Eprocess process, VadTree tree, long sizeBytes, long highest, boolean topDown) {
        long size = Pages.up(sizeBytes);
        if (topDown) {
            return findDown(tree, size, highest);
        }
        long start = bottomUpStart(process);
        long found = start + size - 1 <= highest ? findUp(process, tree, size, start, highest) : 0;
        return found != 0 ? found : findUp(process, tree, size, LOWEST_USER, highest);
    }

    private static long findDown(VadTree tree, long size, long highest) {
        long end = Pages.alignDown(highest + 1, Pages.GRANULARITY);
        long node = tree.lastStartingAtOrBefore(Pages.vpn(end - 1));
        while (end - size >= LOWEST_USER) {
            long start = Pages.alignDown(end - size, Pages.GRANULARITY);
            if (node == 0) {
                return start;
            }
            Vad vad = new Vad(tree.memory(), node);
            if (vad.range().endAddress() < start) {
                return start;
            }
            end = Pages.alignDown(vad.range().startAddress(), Pages.GRANULARITY);
            node = tree.previous(node);
        }
        return 0;
    }

    /** Where automatic allocations of a process begin, drawn from the machine's seed and the process. */
    private long bottomUpStart(Eprocess process) {
        return Pages.alignDown(
                HIGH_ENTROPY_LOW
                        + SeededRandom.of(seed ^ process.uniqueProcessId() << 32, "bottom-up")
                                .below(HIGH_ENTROPY_RANGE),
                Pages.GRANULARITY);
    }

    private static long findUp(Eprocess process, VadTree tree, long size, long from, long highest) {
        long start = from;
        long node = tree.firstEndingAtOrAfter(Pages.vpn(start));
        long hint = process.vadHint();
        if (hint != 0) {
            // The last region made this way: below it there was no room for its like, so the search goes on behind it.
            Vad last = new Vad(process.memory(), hint);
            if (last.startingVpn() >= Pages.vpn(from) && last.range().sizeBytes() <= size) {
                start = Pages.alignUp(last.range().endAddress() + 1, Pages.GRANULARITY);
                node = tree.next(hint);
            }
        }
        long found = firstHole(tree, node, size, start, highest);
        if (found == 0 && start != from) {
            found = firstHole(tree, tree.firstEndingAtOrAfter(Pages.vpn(from)), size, from, highest);
        }
        return found;
    }

    private static long firstHole(VadTree tree, long firstNode, long size, long from, long highest) {
        long start = from;
        for (long node = firstNode; node != 0; node = tree.next(node)) {
            VpnRange taken = new Vad(tree.memory(), node).range();
            if (start + size <= taken.startAddress()) {
                break;
            }
            start = Math.max(start, Pages.alignUp(taken.endAddress() + 1, Pages.GRANULARITY));
        }
        return start + size - 1 <= highest ? start : 0;
    }

    private NtStatus commitReserved(Eprocess process, Region region, int protection) {
        long first = Pages.down(region.base);
        long last = region.base + region.sizeBytes - 1 | Pages.OFFSET_MASK;
        long node = new VadTree(process).find(Pages.vpn(first));
        if (node == 0) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        Vad vad = new Vad(memory, node);
        if (Pages.vpn(last) > vad.endingVpn()) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        if (!vad.isPrivate()) {
            return NtStatus.ALREADY_COMMITTED;
        }
        NtStatus status = commitLocked(process, first, last, protection);
        if (status.isSuccess()) {
            region.base = first;
            region.sizeBytes = last - first + 1;
        }
        return status;
    }

    /** Commits pages inside one private region; those committed already take the protection. */
    NtStatus commitLocked(Eprocess process, long first, long last, int protection) {
        Vad vad = new Vad(memory, new VadTree(process).find(Pages.vpn(first)));
        long fresh = 0;
        for (long page = first; page <= last; page += Pages.SIZE) {
            fresh += isCommitted(vad, tables.read(page)) ? 0 : 1;
        }
        if (manager.pfns().availablePages() < (last - first >>> 21) + 8) {
            return NtStatus.NO_MEMORY;
        }
        if (fresh != 0 && !commit.charge(process, fresh)) {
            return NtStatus.COMMITMENT_LIMIT;
        }
        vad.setCommitCharge(vad.commitCharge() + fresh);
        for (long page = first; page <= last; page += Pages.SIZE) {
            long pte = tables.read(page);
            if (!isCommitted(vad, pte)) {
                tables.write(page, Pte.demandZero(protection));
            } else if (protectionOf(vad, page, pte) != protection) {
                setProtection(vad, page, pte, protection);
            }
        }
        return NtStatus.SUCCESS;
    }

    private NtStatus reset(Eprocess process, Region region) {
        long first = Pages.up(region.base);
        long last = Pages.down(region.base + region.sizeBytes) - 1;
        long node = new VadTree(process).find(Pages.vpn(region.base));
        if (node == 0) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        Vad vad = new Vad(memory, node);
        if (Pages.vpn(region.base + region.sizeBytes - 1) > vad.endingVpn() || vad.isImage()) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        for (long page = first; page < last; page += Pages.SIZE) {
            if (!isCommitted(vad, tables.read(page))) {
                return NtStatus.NOT_COMMITTED;
            }
        }
        return NtStatus.SUCCESS;
    }

    /** {@code NtFreeVirtualMemory}. {@code region.sizeBytes} 0 means the whole region. */
    public NtStatus free(Eprocess process, Region region, int type) {
        if (type != MEM_DECOMMIT && type != MEM_RELEASE) {
            return NtStatus.INVALID_PARAMETER_4;
        }
        if (Long.compareUnsigned(region.base, HIGHEST_USER) > 0) {
            return NtStatus.INVALID_PARAMETER_2;
        }
        if (Long.compareUnsigned(region.sizeBytes, HIGHEST_USER + 1 - region.base) > 0) {
            return NtStatus.INVALID_PARAMETER_3;
        }
        return spaces.attached(process, () -> freeAttached(process, region, type));
    }

    private NtStatus freeAttached(Eprocess process, Region region, int type) {
        VadTree tree = new VadTree(process);
        long node = tree.find(Pages.vpn(region.base));
        if (node == 0) {
            return NtStatus.MEMORY_NOT_ALLOCATED;
        }
        Vad vad = new Vad(memory, node);
        VpnRange whole = vad.range();
        if (!vad.isPrivate()) {
            return NtStatus.UNABLE_TO_DELETE_SECTION;
        }
        VpnRange range = whole;
        if (region.sizeBytes == 0) {
            if (Pages.vpn(region.base) != whole.first()) {
                return NtStatus.FREE_VM_NOT_AT_BASE;
            }
        } else {
            range = VpnRange.covering(region.base, region.sizeBytes);
            if (range.last() > whole.last()) {
                return NtStatus.UNABLE_TO_FREE_VM;
            }
        }
        if (vad.isNoChange()) {
            return NtStatus.INVALID_PAGE_PROTECTION;
        }
        if (type == MEM_RELEASE && !range.equals(whole)) {
            split(process, tree, vad, whole, range);
        } else {
            long released = decommit(process, vad, range, type == MEM_DECOMMIT && vad.isMemCommit());
            vad.setCommitCharge(vad.commitCharge() - released);
            commit.release(process, released);
            if (type == MEM_RELEASE) {
                tree.remove(node);
                manager.pool().free(node);
                process.addVirtualSize(-whole.sizeBytes());
            }
        }
        region.base = range.startAddress();
        region.sizeBytes = range.sizeBytes();
        return NtStatus.SUCCESS;
    }

    /** Releases a part of a region; what is left at both ends stays, the upper end as a region of its own if need be. */
    private void split(Eprocess process, VadTree tree, Vad vad, VpnRange whole, VpnRange range) {
        long released = decommit(process, vad, range, false);
        commit.release(process, released);
        process.addVirtualSize(-range.sizeBytes());
        long charge = vad.commitCharge() - released;
        if (range.first() == whole.first()) {
            vad.setRange(range.last() + 1, whole.last());
            vad.setCommitCharge(charge);
            return;
        }
        vad.setRange(whole.first(), range.first() - 1);
        if (range.last() == whole.last()) {
            vad.setCommitCharge(charge);
            return;
        }
        Vad upper = newVad(
                Vad.TAG_SHORT,
                Vad.SIZE_SHORT,
                PoolType.NON_PAGED_POOL_NX,
                new VpnRange(range.last() + 1, whole.last()));
        upper.setFlags(vad.protection(), true, vad.type(), vad.isNoChange());
        upper.setMemCommit(vad.isMemCommit());
        long upperCharge = countCommitted(upper);
        upper.setCommitCharge(upperCharge);
        vad.setCommitCharge(charge - upperCharge);
        tree.insert(upper.address());
    }

    private long countCommitted(Vad vad) {
        VpnRange range = vad.range();
        long count = 0;
        for (long page = range.startAddress(); page <= range.endAddress(); ) {
            long gap = tables.gap(page);
            if (gap != 0) {
                long run = Math.min(gap, range.endAddress() + 1 - page);
                count += vad.isMemCommit() ? run >>> Pages.SHIFT : 0;
                page += run;
            } else {
                count += isCommitted(vad, tables.read(page)) ? 1 : 0;
                page += Pages.SIZE;
            }
        }
        return count;
    }

    /**
     * Gives up the pages of a range of a private region.
     *
     * @param mark leave PTEs that say so: pages without one would count as committed
     * @return pages that were committed
     */
    private long decommit(Eprocess process, Vad vad, VpnRange range, boolean mark) {
        long released = 0;
        for (long page = range.startAddress(); page <= range.endAddress(); ) {
            long gap = tables.gap(page);
            if (gap != 0 && !mark) {
                long run = Math.min(gap, range.endAddress() + 1 - page);
                released += vad.isMemCommit() ? run >>> Pages.SHIFT : 0;
                page += run;
                continue;
            }
            long pte = tables.read(page);
            released += isCommitted(vad, pte) ? 1 : 0;
            tables.write(page, mark ? Pte.demandZero(PageProtection.DECOMMITTED) : 0);
            releasePage(process, pte);
            page += Pages.SIZE;
        }
        return released;
    }

    /** Frees the private page that a PTE, cleared already, mapped. */
    void releasePage(Eprocess process, long pte) {
        switch (Pte.kind(pte)) {
            case VALID -> {
                manager.pfns().free(Pte.frame(pte));
                new WorkingSet(process).add(-1, true);
                process.addPrivatePages(-1);
            }
            case TRANSITION -> {
                manager.pfns().fromModified(Pte.frame(pte));
                manager.pfns().free(Pte.frame(pte));
                process.addPrivatePages(-1);
            }
            case EMPTY, DEMAND_ZERO, PROTOTYPE, PAGE_FILE -> {
                // No frame.
            }
        }
    }

    private static boolean isCommitted(Vad vad, long pte) {
        return switch (Pte.kind(pte)) {
            case EMPTY -> vad.isMemCommit() || !vad.isPrivate();
            case DEMAND_ZERO -> Pte.protection(pte) != PageProtection.DECOMMITTED;
            case VALID, TRANSITION, PAGE_FILE, PROTOTYPE -> true;
        };
    }

    /** The protection of a committed page. */
    private int protectionOf(Vad vad, long page, long pte) {
        return switch (Pte.kind(pte)) {
            case VALID -> Pte.protectionOfValid(pte);
            case EMPTY ->
                vad.isPrivate() ? vad.protection() : manager.sections().protection(vad, page);
            case DEMAND_ZERO, TRANSITION, PAGE_FILE, PROTOTYPE -> Pte.protection(pte);
        };
    }

    /** {@code NtProtectVirtualMemory}; the old protection of the first page comes back in {@code oldProtection[0]}. */
    public NtStatus protect(Eprocess process, Region region, int pageProtection, int[] oldProtection) {
        int protection = PageProtection.toMask(pageProtection);
        if (protection == PageProtection.INVALID) {
            return NtStatus.INVALID_PAGE_PROTECTION;
        }
        if (Long.compareUnsigned(region.base, HIGHEST_USER) > 0) {
            return NtStatus.INVALID_PARAMETER_2;
        }
        if (region.sizeBytes == 0 || Long.compareUnsigned(region.sizeBytes, HIGHEST_USER + 1 - region.base) > 0) {
            return NtStatus.INVALID_PARAMETER_3;
        }
        return spaces.attached(process, () -> protectAttached(process, region, protection, oldProtection));
    }

    private NtStatus protectAttached(Eprocess process, Region region, int wanted, int[] oldProtection) {
        VpnRange range = VpnRange.covering(region.base, region.sizeBytes);
        long node = new VadTree(process).find(range.first());
        if (node == 0) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        Vad vad = new Vad(memory, node);
        if (range.last() > vad.endingVpn()) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        if (vad.isPrivate() && PageProtection.isCopyOnWrite(wanted)) {
            return NtStatus.INVALID_PARAMETER_4;
        }
        if (vad.isNoChange()) {
            return NtStatus.INVALID_PAGE_PROTECTION;
        }
        for (long page = range.startAddress(); page <= range.endAddress(); page += Pages.SIZE) {
            if (!isCommitted(vad, tables.read(page))) {
                return NtStatus.NOT_COMMITTED;
            }
        }
        oldProtection[0] =
                PageProtection.toPage(protectionOf(vad, range.startAddress(), tables.read(range.startAddress())));
        for (long page = range.startAddress(); page <= range.endAddress(); page += Pages.SIZE) {
            long pte = tables.read(page);
            if (!setProtection(vad, page, pte, wanted)) {
                return NtStatus.NO_MEMORY;
            }
        }
        region.base = range.startAddress();
        region.sizeBytes = range.sizeBytes();
        return NtStatus.SUCCESS;
    }

    /** Changes a committed page's protection. A page that loses access keeps its frame but not its mapping's validity. */
    private boolean setProtection(Vad vad, long page, long pte, int wanted) {
        boolean valid = Pte.kind(pte) == Pte.Kind.VALID;
        boolean ownPage = vad.isPrivate()
                || valid && !manager.pfns().pfn(Pte.frame(pte)).isPrototype()
                || Pte.kind(pte) == Pte.Kind.DEMAND_ZERO
                || Pte.kind(pte) == Pte.Kind.TRANSITION;
        int protection = ownPage ? PageProtection.privateCopy(wanted) : sharedProtection(vad, wanted);
        boolean mappable = PageProtection.isAccessible(protection) && !PageProtection.isGuard(protection);
        if (Pte.kind(pte) == Pte.Kind.TRANSITION) {
            manager.pfns().pfn(Pte.frame(pte)).setOriginalPte(Pte.demandZero(protection));
            return tables.write(page, Pte.transition(Pte.frame(pte), protection));
        }
        if (!valid) {
            return tables.write(page, ownPage ? Pte.demandZero(protection) : Pte.lookupNeeded(protection));
        }
        if (mappable) {
            long bits = Pte.validUser(Pte.frame(pte), protection, false);
            long dirty = pte & X64PageTables.DIRTY;
            return tables.write(page, bits | dirty);
        }
        return loseAccess(page, pte, protection, ownPage);
    }

    /** Takes a valid page out of the working set: its contents stay, for a later protection that lets them be seen. */
    private boolean loseAccess(long page, long pte, int protection, boolean ownPage) {
        long frame = Pte.frame(pte);
        WorkingSet workingSet = new WorkingSet(requireCurrent());
        workingSet.add(-1, ownPage);
        if (!ownPage) {
            tables.write(page, Pte.lookupNeeded(protection));
            manager.sections().unshare(frame);
            return true;
        }
        tables.write(page, Pte.transition(frame, protection));
        manager.pfns().toModified(frame, Pte.demandZero(protection));
        return true;
    }

    private Eprocess requireCurrent() {
        return Objects.requireNonNull(spaces.current());
    }

    /** In a view of an image, writable means a private copy at the first write. */
    private static int sharedProtection(Vad vad, int wanted) {
        boolean plainWrite =
                (wanted & 7) == PageProtection.READWRITE || (wanted & 7) == PageProtection.EXECUTE_READWRITE;
        return vad.isImage() && plainWrite ? wanted | 1 : wanted;
    }

    /** {@code NtQueryVirtualMemory(MemoryBasicInformation)}. */
    public NtStatus query(Eprocess process, long address, BasicInformation result) {
        if (Long.compareUnsigned(address, HIGHEST_USER) > 0) {
            return NtStatus.INVALID_PARAMETER;
        }
        return spaces.attached(process, () -> {
            queryAttached(process, Pages.down(address), result);
            return NtStatus.SUCCESS;
        });
    }

    private void queryAttached(Eprocess process, long page, BasicInformation result) {
        VadTree tree = new VadTree(process);
        result.baseAddress = page;
        long node = tree.find(Pages.vpn(page));
        if (node == 0) {
            long next = tree.firstEndingAtOrAfter(Pages.vpn(page));
            long end =
                    next == 0 ? HIGHEST_USER + 1 : new Vad(memory, next).range().startAddress();
            result.allocationBase = 0;
            result.allocationProtect = 0;
            result.regionSizeBytes = end - page;
            result.state = MEM_FREE;
            result.protect = PageProtection.PAGE_NOACCESS;
            result.type = 0;
            return;
        }
        Vad vad = new Vad(memory, node);
        long end = vad.range().endAddress();
        int first = stateOf(vad, page);
        long at = page;
        while (at <= end) {
            long gap = tables.gap(at);
            if (gap != 0 && vad.isPrivate()) {
                if ((vad.isMemCommit() ? vad.protection() : -1) != first) {
                    break;
                }
                at += Math.min(gap, end + 1 - at);
            } else if (stateOf(vad, at) == first) {
                at += Pages.SIZE;
            } else {
                break;
            }
        }
        result.allocationBase = vad.range().startAddress();
        result.allocationProtect = PageProtection.toPage(vad.protection());
        result.regionSizeBytes = at - page;
        result.state = first == -1 ? MEM_RESERVE : MEM_COMMIT;
        result.protect = first == -1 ? 0 : PageProtection.toPage(first);
        result.type = vad.isPrivate() ? MEM_PRIVATE : vad.isImage() ? MEM_IMAGE : MEM_MAPPED;
    }

    /** The protection of a committed page, -1 for one that is only reserved. */
    private int stateOf(Vad vad, long page) {
        long pte = tables.read(page);
        return isCommitted(vad, pte) ? protectionOf(vad, page, pte) : -1;
    }

    /**
     * {@code NtReadVirtualMemory} for the kernel's caller: copies out of another process as far as its pages are readable.
     *
     * @return bytes copied, from the start
     */
    public int read(Eprocess process, long address, byte[] target) {
        return copy(process, address, target, false);
    }

    /** {@code NtWriteVirtualMemory}: copies in as far as pages are writable. */
    public int write(Eprocess process, long address, byte[] source) {
        return copy(process, address, source, true);
    }

    private int copy(Eprocess process, long address, byte[] bytes, boolean write) {
        return spaces.attached(process, () -> {
            int done = 0;
            try {
                while (done < bytes.length) {
                    long at = address + done;
                    int run = (int) Math.min(bytes.length - done, Pages.SIZE - Pages.offset(at));
                    if (write) {
                        manager.mmu().user().write(at, bytes, done, run);
                    } else {
                        manager.mmu().user().read(at, bytes, done, run);
                    }
                    done += run;
                }
            } catch (MemoryFault fault) {
                return done;
            }
            return done;
        });
    }
}
