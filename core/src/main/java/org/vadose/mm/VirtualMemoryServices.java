package org.vadose.mm;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.ResourcesException;
import org.vadose.base.VpnRange;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Mitigations;
import org.vadose.nt.PageProtection;
import org.vadose.nt.PoolType;
import org.vadose.nt.Pte;
import org.vadose.nt.Token;
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
    public static final int MEM_REPLACE_PLACEHOLDER = 0x4000;
    public static final int MEM_RESERVE_PLACEHOLDER = 0x40000;

    private static final int PLACEHOLDER_TYPES = MEM_REPLACE_PLACEHOLDER | MEM_RESERVE_PLACEHOLDER;

    /** Where user space begins: below it a null pointer with an offset faults. */
    static final long LOWEST_USER = 0x10000;
    /** The last byte that any process may use, 128 TB less 64 KB; which its own is says its EPROCESS. */
    static final long HIGHEST_USER = 0x7FFF_FFFE_FFFFL;

    private static final int ALLOCATE_TYPES = MEM_COMMIT
            | MEM_RESERVE
            | MEM_RESET
            | MEM_RESET_UNDO
            | MEM_TOP_DOWN
            | MEM_WRITE_WATCH
            | MEM_PHYSICAL
            | MEM_LARGE_PAGES;

    private final MemoryManager manager;
    private final AddressSpaces spaces;
    private final UserTables tables;
    private final UserPages pages;
    private final Commit commit;
    private final Memory memory;
    private final LargePages largePages;
    private final Regions regions;
    private final RegionProtection protections;
    private final RegionQueries queries;
    private final ProcessMemory contents;

    VirtualMemoryServices(
            MemoryManager manager,
            AddressSpaces spaces,
            UserTables tables,
            UserPages pages,
            Commit commit,
            RegionQueries queries) {
        this.manager = manager;
        this.spaces = spaces;
        this.tables = tables;
        this.pages = pages;
        this.commit = commit;
        this.memory = manager.kernelMemory();
        this.largePages = new LargePages(manager, tables, commit);
        this.regions = new Regions(manager, tables, pages, commit, largePages);
        this.protections = new RegionProtection(manager, spaces, tables, pages, commit, largePages);
        this.queries = queries;
        this.contents = new ProcessMemory(manager.mmu(), spaces);
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

    /** VADs of regions: made, cut and freed. */
    Regions regions() {
        return regions;
    }

    /** Protections of pages. */
    RegionProtection protections() {
        return protections;
    }

    /** The address space that is entered. */
    ProcessSpace enteredSpace() {
        return spaces.entered();
    }

    // --- allocate ---

    /**
     * {@code NtAllocateVirtualMemory}.
     *
     * @param zeroBits how many high bits of a 32-bit address must be zero, or, above 31, a mask whose leading zeros count
     * @param region base 0 lets the system choose; holds what was done afterwards
     */
    public NtStatus allocate(Eprocess process, Region region, long zeroBits, int type, int pageProtection) {
        return (type & PLACEHOLDER_TYPES) != 0
                ? NtStatus.INVALID_PARAMETER_5
                : allocate(process, region, zeroBits, null, type, pageProtection);
    }

    /**
     * {@code NtAllocateVirtualMemoryEx}: also placeholders, and an address that meets requirements.
     *
     * @param placement null for none; with one, {@code region.base} is 0
     */
    public NtStatus allocateEx(
            Eprocess process, Region region, @Nullable Placement placement, int type, int pageProtection) {
        if (placement != null && region.base != 0) {
            return NtStatus.INVALID_PARAMETER;
        }
        int others = MEM_LARGE_PAGES | MEM_PHYSICAL | MEM_WRITE_WATCH | MEM_RESET | MEM_RESET_UNDO;
        if ((type & PLACEHOLDER_TYPES) != 0
                && ((type & others) != 0
                        || (type & MEM_RESERVE) == 0
                        || (type & PLACEHOLDER_TYPES) == PLACEHOLDER_TYPES)) {
            return NtStatus.INVALID_PARAMETER;
        }
        if ((type & MEM_RESERVE_PLACEHOLDER) != 0
                && ((type & MEM_COMMIT) != 0
                        || pageProtection != PageProtection.PAGE_NOACCESS
                        || Pages.offset(region.sizeBytes) != 0)) {
            return NtStatus.INVALID_PARAMETER;
        }
        boolean replaces = (type & MEM_REPLACE_PLACEHOLDER) != 0;
        if (replaces && (region.base == 0 || Pages.offset(region.base) != 0 || Pages.offset(region.sizeBytes) != 0)) {
            return NtStatus.INVALID_PARAMETER;
        }
        return allocate(process, region, 0, placement, type, pageProtection);
    }

    private NtStatus allocate(
            Eprocess process,
            Region region,
            long zeroBits,
            @Nullable Placement placement,
            int type,
            int pageProtection) {
        NtStatus status = allocateMemory(process, region, zeroBits, placement, type, pageProtection);
        if ((pageProtection & PageProtection.PAGE_ANY_EXECUTE) != 0 && (type & MEM_COMMIT) != 0 && status.isSuccess()) {
            status = manager.controlFlowGuard()
                    .executable(process, region, (pageProtection & PageProtection.PAGE_TARGETS_INVALID) == 0);
            if (!status.isSuccess()) {
                free(process, region, (type & MEM_RESERVE) != 0 ? MEM_RELEASE : MEM_DECOMMIT);
            }
        }
        return status;
    }

    private NtStatus allocateMemory(
            Eprocess process,
            Region region,
            long zeroBits,
            @Nullable Placement placement,
            int type,
            int pageProtection) {
        if (zeroBits > 21 && zeroBits < 32) {
            return NtStatus.INVALID_PARAMETER_3;
        }
        if ((type & ~(ALLOCATE_TYPES | PLACEHOLDER_TYPES)) != 0
                || (type & (MEM_COMMIT | MEM_RESERVE | MEM_RESET | MEM_RESET_UNDO)) == 0
                || (type & MEM_RESET) != 0 && type != MEM_RESET
                || (type & MEM_RESET_UNDO) != 0 && type != MEM_RESET_UNDO) {
            return NtStatus.INVALID_PARAMETER_5;
        }
        int protection = PageProtection.toMask(pageProtection);
        // In a view, committing with write-copy fails for other reasons.
        boolean makesRegion = (type & MEM_RESERVE) != 0 || region.base == 0;
        if (protection == PageProtection.INVALID || makesRegion && PageProtection.isCopyOnWrite(protection)) {
            return NtStatus.INVALID_PAGE_PROTECTION;
        }
        if (PageProtection.isExecutable(protection) && new Mitigations(process).prohibitsDynamicCode()) {
            return NtStatus.DYNAMIC_CODE_BLOCKED;
        }
        if ((type & MEM_WRITE_WATCH) != 0 && (type & MEM_RESERVE) == 0) {
            return NtStatus.INVALID_PARAMETER_5;
        }
        if ((type & (MEM_PHYSICAL | MEM_LARGE_PAGES)) == MEM_PHYSICAL) {
            NtStatus status = AwePages.validate(type, protection);
            if (!status.isSuccess()) {
                return status;
            }
        }
        long userEnd = process.userEnd();
        if (Long.compareUnsigned(region.base, userEnd) >= 0) {
            return NtStatus.INVALID_PARAMETER_2;
        }
        if (region.sizeBytes == 0 || Long.compareUnsigned(region.sizeBytes, userEnd - region.base) > 0) {
            return NtStatus.INVALID_PARAMETER_4;
        }
        if ((type & MEM_LARGE_PAGES) != 0) {
            NtStatus status = LargePages.validate(region.base, region.sizeBytes, type, protection);
            if (!status.isSuccess()) {
                return status;
            }
            if (!callerHolds(process, Token.SE_LOCK_MEMORY)) {
                return NtStatus.PRIVILEGE_NOT_HELD;
            }
        }
        if (process.isExiting()) {
            return NtStatus.PROCESS_IS_TERMINATING;
        }
        long before = spaces.enter(process);
        try {
            ProcessSpace space = spaces.entered();
            if ((type & (MEM_RESET | MEM_RESET_UNDO)) != 0) {
                return reset(space, region, (type & MEM_RESET_UNDO) != 0);
            }
            if ((type & MEM_RESERVE) != 0 || region.base == 0) {
                return (type & MEM_REPLACE_PLACEHOLDER) != 0
                        ? manager.placeholders()
                                .replace(
                                        space,
                                        commit,
                                        region.base,
                                        region.base + region.sizeBytes - 1,
                                        (type & MEM_COMMIT) != 0,
                                        protection)
                        : reserve(space, region, zeroBits, placement, type, protection);
            }
            return commitReserved(space, region, protection);
        } finally {
            spaces.leave(before);
        }
    }

    /** Whether the running process has a privilege, or, while none runs, the one that is acted on. */
    boolean callerHolds(Eprocess target, int privilege) {
        ProcessSpace running = spaces.current();
        Eprocess caller = running == null ? target : running.process();
        return new Token(memory, caller.token()).holds(privilege);
    }

    private NtStatus reserve(
            ProcessSpace space, Region region, long zeroBits, @Nullable Placement placement, int type, int protection) {
        boolean isPlain = (type & ~(MEM_RESERVE | MEM_COMMIT | MEM_TOP_DOWN)) == 0;
        if (!(isPlain && manager.pool().hasRoom(PoolType.NON_PAGED_POOL_NX, Vad.SIZE_SHORT))
                && !manager.canGrowPools()) {
            return NtStatus.INSUFFICIENT_RESOURCES;
        }
        long start;
        long end;
        long successor;
        if (region.base == 0) {
            long size = Pages.up(region.sizeBytes);
            start = findHole(space, size, zeroBits, placement, type);
            if (start == 0) {
                return NtStatus.NO_MEMORY;
            }
            end = start + size;
            boolean foundUp = placement == null && (type & (MEM_TOP_DOWN | MEM_LARGE_PAGES)) == 0;
            successor = foundUp ? space.holes().successor() : space.vads().firstEndingAtOrAfter(Pages.vpn(start));
        } else {
            start = Pages.alignDown(region.base, Pages.GRANULARITY);
            end = Pages.up(region.base + region.sizeBytes);
            if (start < LOWEST_USER) {
                return NtStatus.INVALID_PARAMETER_2;
            }
            successor = space.vads().firstEndingAtOrAfter(Pages.vpn(start));
            if (successor != 0 && new Vad(memory, successor).startingVpn() <= Pages.vpn(end - 1)) {
                return NtStatus.CONFLICTING_ADDRESSES;
            }
        }
        boolean committed = (type & MEM_COMMIT) != 0;
        long sizeBytes = end - start;
        if ((type & MEM_LARGE_PAGES) != 0) {
            region.base = start;
            region.sizeBytes = sizeBytes;
            return largePages.allocate(space, start, sizeBytes, protection);
        }
        if (committed && !commit.charge(space.process(), Pages.count(sizeBytes))) {
            space.holes().freed(start, end);
            return NtStatus.COMMITMENT_LIMIT;
        }
        Vad vad;
        try {
            vad = regions.newVad(Vad.TAG_SHORT, Vad.SIZE_SHORT, Pages.vpn(start), Pages.vpn(end - 1));
        } catch (ResourcesException exhausted) {
            commit.release(space.process(), committed ? Pages.count(sizeBytes) : 0);
            space.holes().freed(start, end);
            return exhausted.status();
        }
        vad.setFlags(protection, true, (type & MEM_PHYSICAL) != 0 ? Vad.TYPE_AWE : 0, false);
        if ((type & (MEM_PHYSICAL | MEM_WRITE_WATCH | MEM_RESERVE_PLACEHOLDER)) != 0
                && !makeSpecial(space, vad, type)) {
            manager.pool().free(vad.address());
            commit.release(space.process(), committed ? Pages.count(sizeBytes) : 0);
            space.holes().freed(start, end);
            return NtStatus.INSUFFICIENT_RESOURCES;
        }
        vad.setCommitment(committed, committed ? Pages.count(sizeBytes) : 0);
        space.vads().insertBefore(vad.address(), successor);
        space.process().addVirtualSize(sizeBytes);
        region.base = start;
        region.sizeBytes = sizeBytes;
        return NtStatus.SUCCESS;
    }

    /** What a region has besides its VAD; false when there is no pool for it, the bitmap of a large watched region, say. */
    private boolean makeSpecial(ProcessSpace space, Vad vad, int type) {
        try {
            if ((type & MEM_PHYSICAL) != 0) {
                manager.awePages().makeWindow(space.process(), vad);
            } else if ((type & MEM_WRITE_WATCH) != 0) {
                manager.writeWatch().watch(space.process(), vad);
            } else {
                manager.placeholders().become(vad);
            }
            return true;
        } catch (ResourcesException exhausted) {
            return false;
        }
    }

    private static long findHole(
            ProcessSpace space, long size, long zeroBits, @Nullable Placement placement, int type) {
        boolean topDown = (type & MEM_TOP_DOWN) != 0;
        boolean isLarge = (type & MEM_LARGE_PAGES) != 0;
        if (placement != null || isLarge) {
            Placement wanted = placement != null
                    ? placement
                    : new Placement(space.holes().start(), highestAddress(space.highest(), zeroBits), Pages.LARGE_SIZE);
            long alignment = isLarge ? Math.max(wanted.alignment(), Pages.LARGE_SIZE) : wanted.alignment();
            return new Placement(wanted.lowest(), wanted.highest(), alignment).find(space.vads(), size, topDown);
        }
        return topDown
                ? space.holes().findDown(size, highestAddress(space.highest(), zeroBits))
                : space.holes().findUp(size, highestAddress(space.highest(), zeroBits));
    }

    static long highestAddress(long highest, long zeroBits) {
        if (zeroBits == 0) {
            return highest;
        }
        if (zeroBits > 0 && zeroBits < 32) {
            return Math.min(highest, 0xFFFF_FFFFL >>> zeroBits);
        }
        long mask = zeroBits < 0 ? -1L : (Long.highestOneBit(zeroBits) << 1) - 1;
        return mask < 0 ? highest : Math.min(highest, mask);
    }

    private NtStatus commitReserved(ProcessSpace space, Region region, int protection) {
        long first = Pages.down(region.base);
        long last = region.base + region.sizeBytes - 1 | Pages.OFFSET_MASK;
        long node = space.vads().find(Pages.vpn(first));
        if (node == 0) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        Vad vad = new Vad(memory, node);
        if (Pages.vpn(last) > vad.endingVpn()) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        if (vad.isNoChange()) {
            return NtStatus.INVALID_PAGE_PROTECTION;
        }
        if (vad.isPrivate() && PageProtection.isCopyOnWrite(protection)) {
            return NtStatus.INVALID_PAGE_PROTECTION;
        }
        if (vad.isAwe() || manager.placeholders().isPlaceholder(vad)) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        if (vad.isLargePages() && !largePages.hasProtection(first, last, protection)) {
            return NtStatus.INVALID_PAGE_PROTECTION;
        }
        NtStatus status = vad.isPrivate()
                ? commitPages(space, first, last, protection)
                : manager.sectionViews().commit(space, vad, first, last, protection);
        if (status.isSuccess()) {
            region.base = first;
            region.sizeBytes = last - first + 1;
        }
        return status;
    }

    /**
     * Commits pages inside one private region of the loaded process; those committed already take the protection.
     *
     * @param last address of the last byte
     */
    NtStatus commitPages(ProcessSpace space, long first, long last, int protection) {
        Vad vad = new Vad(memory, space.vads().find(Pages.vpn(first)));
        long fresh = 0;
        for (long page = first; page <= last; ) {
            long gap = tables.gap(page, last + 1);
            if (gap != 0) {
                fresh += vad.isMemCommit() ? 0 : Pages.count(gap);
                page += gap;
            } else {
                fresh += pages.isCommitted(vad, page, tables.read(page)) ? 0 : 1;
                page += Pages.SIZE;
            }
        }
        if (fresh != 0 && !commit.charge(space.process(), fresh)) {
            return NtStatus.COMMITMENT_LIMIT;
        }
        long unused = fresh;
        NtStatus status = NtStatus.SUCCESS;
        for (long page = first; page <= last && status == NtStatus.SUCCESS; page += Pages.SIZE) {
            long pte = tables.read(page);
            if (!pages.isCommitted(vad, page, pte)) {
                if (tables.ensure(space.workingSet(), page)) {
                    tables.write(space.workingSet(), page, Pte.demandZero(protection));
                    unused--;
                } else {
                    status = NtStatus.NO_MEMORY;
                }
            } else if (pages.protection(vad, page, pte) != protection
                    && !pages.protect(space, vad, page, pte, protection)) {
                status = NtStatus.NO_MEMORY;
            }
        }
        vad.addCommitCharge(fresh - unused);
        commit.release(space.process(), unused);
        return status;
    }

    private NtStatus reset(ProcessSpace space, Region region, boolean undo) {
        long node = space.vads().find(Pages.vpn(region.base));
        if (node == 0) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        Vad vad = new Vad(memory, node);
        if (Pages.vpn(region.base + region.sizeBytes - 1) > vad.endingVpn() || vad.isImage()) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        if (!vad.isPrivate()) {
            return NtStatus.SUCCESS;
        }
        // Resetting only takes pages that are in the range as a whole, undoing all that the range touches.
        if (undo) {
            boolean complete = manager.disposable()
                    .undo(space, vad, Pages.down(region.base), Pages.up(region.base + region.sizeBytes));
            return complete ? NtStatus.SUCCESS : NtStatus.UNSUCCESSFUL;
        }
        manager.disposable().reset(space, Pages.up(region.base), Pages.down(region.base + region.sizeBytes));
        return NtStatus.SUCCESS;
    }

    // --- free ---

    /**
     * {@code NtFreeVirtualMemory}. {@code region.sizeBytes} 0 means the whole region; after a decommit it stays 0, as on Windows
     * since version 1803.
     */
    public NtStatus free(Eprocess process, Region region, int type) {
        if (type != MEM_DECOMMIT
                && type != MEM_RELEASE
                && type != (MEM_RELEASE | Placeholders.MEM_PRESERVE)
                && type != (MEM_RELEASE | Placeholders.MEM_COALESCE)) {
            return NtStatus.INVALID_PARAMETER_4;
        }
        long userEnd = process.userEnd();
        if (Long.compareUnsigned(region.base, userEnd) >= 0) {
            return NtStatus.INVALID_PARAMETER_2;
        }
        if (Long.compareUnsigned(region.sizeBytes, userEnd - region.base) > 0) {
            return NtStatus.INVALID_PARAMETER_3;
        }
        long before = spaces.enter(process);
        try {
            int placeholder = type & (Placeholders.MEM_PRESERVE | Placeholders.MEM_COALESCE);
            return placeholder == 0
                    ? freeEntered(spaces.entered(), region, type)
                    : freeToPlaceholder(spaces.entered(), region, placeholder);
        } finally {
            spaces.leave(before);
        }
    }

    /** The range must be of whole pages. */
    private NtStatus freeToPlaceholder(ProcessSpace space, Region region, int how) {
        if (region.sizeBytes == 0 || Pages.offset(region.base) != 0 || Pages.offset(region.sizeBytes) != 0) {
            return NtStatus.INVALID_PARAMETER;
        }
        long first = Pages.vpn(region.base);
        long last = Pages.vpn(region.base + region.sizeBytes - 1);
        if (how == Placeholders.MEM_COALESCE) {
            return manager.placeholders().coalesce(space, first, last);
        }
        long node = space.vads().find(first);
        if (node == 0) {
            return NtStatus.MEMORY_NOT_ALLOCATED;
        }
        Vad vad = new Vad(memory, node);
        if (last > vad.endingVpn()) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        if (manager.placeholders().isPlaceholder(vad)) {
            return manager.placeholders().split(space, vad, first, last);
        }
        if (!vad.isPrivate()
                || !manager.placeholders().isReplacement(vad)
                || first != vad.startingVpn()
                || last != vad.endingVpn()) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        regions.uncharge(space, vad, regions.clear(space, vad, first, last));
        manager.placeholders().restore(vad);
        return NtStatus.SUCCESS;
    }

    private NtStatus freeEntered(ProcessSpace space, Region region, int type) {
        long node = space.vads().find(Pages.vpn(region.base));
        if (node == 0) {
            return NtStatus.MEMORY_NOT_ALLOCATED;
        }
        Vad vad = new Vad(memory, node);
        VpnRange whole = vad.range();
        long first = whole.first();
        long last = whole.last();
        boolean isWhole = region.sizeBytes == 0;
        if (!vad.isPrivate()) {
            return NtStatus.UNABLE_TO_DELETE_SECTION;
        }
        if (isWhole) {
            if (Pages.vpn(region.base) != first) {
                return NtStatus.FREE_VM_NOT_AT_BASE;
            }
        } else {
            long lastWanted = Pages.vpn(region.base + region.sizeBytes - 1);
            if (lastWanted > last) {
                return NtStatus.UNABLE_TO_FREE_VM;
            }
            first = Pages.vpn(region.base);
            last = lastWanted;
        }
        if (vad.isNoChange()) {
            return NtStatus.INVALID_PAGE_PROTECTION;
        }
        int kind = vad.type();
        if (kind == Vad.TYPE_LARGE_PAGES || kind == Vad.TYPE_AWE) {
            if (type == MEM_DECOMMIT) {
                return NtStatus.UNABLE_TO_DECOMMIT_VM;
            }
            if (first != whole.first() || last != whole.last()) {
                return NtStatus.UNABLE_TO_FREE_VM;
            }
        }
        if (type == MEM_RELEASE && first != whole.first() && last != whole.last()) {
            if (!manager.canGrowPools() || !regions.cut(space, vad, first, last)) {
                return NtStatus.INSUFFICIENT_RESOURCES;
            }
        } else if (type == MEM_DECOMMIT) {
            NtStatus status = regions.decommit(space, vad, first, last);
            if (!status.isSuccess()) {
                return status;
            }
        } else {
            regions.release(space, vad, kind, whole, first, last);
        }
        region.base = first << Pages.SHIFT;
        region.sizeBytes = isWhole && type == MEM_DECOMMIT ? 0 : last - first + 1 << Pages.SHIFT;
        return NtStatus.SUCCESS;
    }

    // --- what others do ---

    /** {@code NtProtectVirtualMemory}; the old protection of the first page comes back in {@code oldProtection[0]}. */
    public NtStatus protect(Eprocess process, Region region, int pageProtection, int[] oldProtection) {
        return protections.protect(process, region, pageProtection, oldProtection);
    }

    /** {@code NtQueryVirtualMemory(MemoryBasicInformation)}. */
    public NtStatus query(Eprocess process, long address, BasicInformation result) {
        return queries.basic(process, address, result);
    }

    /**
     * {@code NtReadVirtualMemory} for the kernel's caller: copies out of another process as far as its pages are readable.
     *
     * @return bytes copied, from the start
     */
    public int read(Eprocess process, long address, byte[] target) {
        return contents.read(process, address, target);
    }

    /** {@code NtWriteVirtualMemory}: copies in as far as pages are writable. */
    public int write(Eprocess process, long address, byte[] source) {
        return contents.write(process, address, source);
    }
}
