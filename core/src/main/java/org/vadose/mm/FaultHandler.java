package org.vadose.mm;

import org.vadose.base.Hex;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.KprcbLayout;
import org.vadose.layout.KthreadLayout;
import org.vadose.layout.NtTibLayout;
import org.vadose.layout.TebLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.memory.Mmus;
import org.vadose.memory.PageFaultCode;
import org.vadose.memory.PageFaultHandler;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.Ethread;
import org.vadose.nt.Kprcb;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pte;
import org.vadose.nt.SharedUserData;
import org.vadose.nt.Vad;

/**
 * The page-fault handler. The PTE decides; where it is empty, the VAD does.
 *
 * <pre>
 *  PTE           page is                             outcome
 *  valid         written, copy-on-write              private copy
 *                allowed after all                   retry: the cached translation was old
 *                not allowed                         access violation
 *  empty         in no VAD, or not committed         access violation
 *                committed as the VAD says           zeroed frame
 *                of a view                           the prototype's page, read from its file first if need be
 *                KUSER_SHARED_DATA                   that page, read-only
 *  demand-zero   allowed                             zeroed frame
 *  prototype     allowed                             the prototype's page, with the protection the PTE says
 *  transition    allowed                             its frame, off the list it is on
 *  page file     allowed                             a frame with what the slot holds
 *  decommitted                                       access violation
 *  any           guarded                             unguarded; the stack grows, or guard-page violation
 *  any           protection does not allow access    access violation
 * </pre>
 */
final class FaultHandler implements PageFaultHandler {
    /** Frames that a fault may need besides the page: tables of three levels, and one to spare. */
    private static final long RESERVE_PAGES = 5;
    /** What a 64-bit thread keeps for the handler of its stack overflow, if it did not ask for more. */
    private static final long GUARANTEED_BYTES = 2 * Pages.SIZE;

    private final Mmus mmu;
    private final Memory memory;
    private final int processor;
    private final MemoryManager manager;
    private final AddressSpaces spaces;
    private final UserTables tables;
    private final UserPages pages;
    private final PfnDatabase pfns;
    private final BalanceSet balance;
    private final PagingCounts counts;
    private final boolean isNuma;

    /** @param processor number of the processor whose faults come here */
    FaultHandler(MemoryManager manager, int processor, AddressSpaces spaces, UserTables tables, UserPages pages) {
        this.manager = manager;
        this.processor = processor;
        this.mmu = manager.mmu();
        this.memory = manager.kernelMemory();
        this.spaces = spaces;
        this.tables = tables;
        this.pages = pages;
        this.pfns = manager.pfns();
        this.balance = manager.balance();
        this.counts = manager.pagingCounts();
        this.isNuma = pfns.topology().count() > 1;
    }

    /**
     * With several processors, a fault that only wants a page of zeros, or a private page that is on standby, takes its address
     * space's lock alone; every other one takes the kernel's first.
     */
    @Override
    public NtStatus handle(long virtualAddress, int errorCode) {
        if (!isNuma) {
            return handleHere(virtualAddress, errorCode);
        }
        try {
            return handleHere(virtualAddress, errorCode);
        } finally {
            pfns.prefer(PfnDatabase.ANY_NODE);
        }
    }

    private NtStatus handleHere(long virtualAddress, int errorCode) {
        if (!mmu.isShared()) {
            return resolve(virtualAddress, errorCode);
        }
        OrderedLock kernel = manager.kernelLock();
        ProcessSpace space = spaces.current();
        if (space == null) {
            return NtStatus.ACCESS_VIOLATION;
        }
        boolean isInKernel = kernel.isHeldByCurrentThread();
        if (!isInKernel && resolveAlone(space, virtualAddress, errorCode)) {
            return NtStatus.SUCCESS;
        }
        if (!isInKernel) {
            kernel.lock();
        }
        space.lock().lock();
        try {
            mmu.current().catchUp();
            return resolve(virtualAddress, errorCode);
        } finally {
            space.lock().unlock();
            if (!isInKernel) {
                kernel.unlock();
            }
        }
    }

    /** Gives a private page its first frame, or the one that it still has on standby, if that is all there is to do. */
    private boolean resolveAlone(ProcessSpace space, long virtualAddress, int errorCode) {
        if (Long.compareUnsigned(virtualAddress, VirtualMemoryServices.HIGHEST_USER) > 0) {
            return false;
        }
        if (space.process().isMaximumWorkingSetHard()) {
            // Another page may have to go first.
            return false;
        }
        space.lock().lock();
        try {
            mmu.current().catchUp();
            long page = Pages.down(virtualAddress);
            preferNode(space, page);
            long pte = tables.read(page);
            int protection;
            switch (Pte.kind(pte)) {
                case DEMAND_ZERO, TRANSITION -> protection = Pte.protection(pte);
                case EMPTY -> {
                    long found = space.vads().find(Pages.vpn(page));
                    if (found == 0) {
                        return false;
                    }
                    Vad vad = new Vad(memory, found);
                    if (!vad.isPrivate() || !pages.isCommitted(vad, page, 0)) {
                        return false;
                    }
                    protection = pages.protection(vad, page, 0);
                }
                default -> {
                    return false;
                }
            }
            if (PageProtection.isGuard(protection)
                    || !allows(protection, errorCode)
                    || page == SharedUserData.USER_ADDRESS) {
                return false;
            }
            return Pte.kind(pte) == Pte.Kind.TRANSITION
                    ? mapStandby(space, page, pte, errorCode)
                    : mapUnused(space, page, protection, errorCode);
        } finally {
            space.lock().unlock();
        }
    }

    private NtStatus resolve(long virtualAddress, int errorCode) {
        // Above user space, but for the system cache, a fault is the kernel's own mistake or a wild pointer.
        if ((errorCode & PageFaultCode.RESERVED) != 0) {
            return NtStatus.ACCESS_VIOLATION;
        }
        if (Long.compareUnsigned(virtualAddress, VirtualMemoryServices.HIGHEST_USER) > 0) {
            return manager.systemCache().fault(virtualAddress, errorCode);
        }
        ProcessSpace space = spaces.current();
        if (space == null) {
            return NtStatus.ACCESS_VIOLATION;
        }
        if (pfns.availablePages() < balance.lowPages()) {
            balance.relieve(0);
        }
        if (space.process().isMaximumWorkingSetHard()) {
            balance.keepBelowMaximum(space);
        }
        space.workingSet().countFault();
        counts.count(processor, KprcbLayout.MM_PAGE_FAULT_COUNT);
        long page = Pages.down(virtualAddress);
        preferNode(space, page);
        long pte = tables.read(page);
        return switch (Pte.kind(pte)) {
            case VALID -> onValid(space, page, pte, errorCode);
            case EMPTY -> onEmpty(space, page, errorCode);
            case DEMAND_ZERO -> {
                NtStatus status = permit(space, page, pte, Pte.protection(pte), errorCode);
                yield status != NtStatus.SUCCESS
                        ? status
                        : mapZeroed(space, page, unguarded(Pte.protection(pte)), errorCode);
            }
            case PROTOTYPE -> {
                NtStatus status = permit(space, page, pte, Pte.protection(pte), errorCode);
                if (status == NtStatus.SUCCESS && Pte.isCombined(pte)) {
                    yield pfns.availablePages() < RESERVE_PAGES
                            ? NtStatus.NO_MEMORY
                            : manager.combining().fault(space, page, pte, Pte.protection(pte), isWrite(errorCode));
                }
                yield status != NtStatus.SUCCESS
                        ? status
                        : mapShared(space, vadOf(space, page), page, unguarded(Pte.protection(pte)), errorCode);
            }
            case TRANSITION -> {
                NtStatus status = permit(space, page, pte, Pte.protection(pte), errorCode);
                yield status != NtStatus.SUCCESS ? status : mapTransition(space, page, pte, errorCode);
            }
            case DECOMMITTED -> NtStatus.ACCESS_VIOLATION;
            case PAGE_FILE -> {
                NtStatus status = permit(space, page, pte, Pte.protection(pte), errorCode);
                if (status == NtStatus.SUCCESS) {
                    status = pfns.availablePages() < RESERVE_PAGES
                            ? NtStatus.NO_MEMORY
                            : manager.pageIn().readPrivate(space, page, pte, isWrite(errorCode));
                }
                yield status;
            }
        };
    }

    /** What the fault takes is to come from the node that the region, its section or, else, the thread prefers. */
    private void preferNode(ProcessSpace space, long page) {
        if (isNuma) {
            int node = manager.nodePreferences().ofRegion(space, page);
            pfns.prefer(node == PfnDatabase.ANY_NODE ? idealNode() : node);
        }
    }

    /** The node of the ideal processor of the thread that runs. */
    private int idealNode() {
        long prcb = Kprcb.of(memory, manager.kernelBase(), processor).address();
        if (prcb == 0 || memory.readLong(prcb + KprcbLayout.CURRENT_THREAD) == 0) {
            return PfnDatabase.ANY_NODE;
        }
        long thread = memory.readLong(prcb + KprcbLayout.CURRENT_THREAD);
        return pfns.topology().ofProcessor(memory.readInt(thread + KthreadLayout.IDEAL_PROCESSOR));
    }

    private Vad vadOf(ProcessSpace space, long page) {
        long found = space.vads().find(Pages.vpn(page));
        if (found == 0) {
            throw new IllegalStateException("page without VAD va=" + Hex.address(page));
        }
        return new Vad(memory, found);
    }

    private NtStatus onEmpty(ProcessSpace space, long page, int errorCode) {
        long found = space.vads().find(Pages.vpn(page));
        if (found == 0) {
            return NtStatus.ACCESS_VIOLATION;
        }
        Vad vad = new Vad(memory, found);
        if (!pages.isCommitted(vad, page, 0)) {
            return NtStatus.ACCESS_VIOLATION;
        }
        int given = pages.protection(vad, page, 0);
        NtStatus status = permit(space, page, 0, given, errorCode);
        if (status != NtStatus.SUCCESS) {
            return status;
        }
        int protection = unguarded(given);
        if (page == SharedUserData.USER_ADDRESS) {
            return mapFrame(space, page, manager.sharedUserData().share(), protection, protection, errorCode);
        }
        return vad.isPrivate()
                ? mapZeroed(space, page, protection, errorCode)
                : mapShared(space, vad, page, protection, errorCode);
    }

    /** Whether a page that is not valid may become so for this access. */
    private NtStatus permit(ProcessSpace space, long page, long pte, int protection, int errorCode) {
        if (PageProtection.isGuard(protection)) {
            return onGuard(space, page, pte, protection);
        }
        return allows(protection, errorCode) ? NtStatus.SUCCESS : NtStatus.ACCESS_VIOLATION;
    }

    /** A guard is gone once its touch has been permitted. */
    private static int unguarded(int protection) {
        return PageProtection.isGuard(protection) ? protection & ~PageProtection.GUARD : protection;
    }

    private static boolean allows(int protection, int errorCode) {
        if (!PageProtection.isAccessible(protection)) {
            return false;
        }
        if ((errorCode & PageFaultCode.FETCH) != 0) {
            return PageProtection.isExecutable(protection);
        }
        return !isWrite(errorCode) || PageProtection.isWritable(protection);
    }

    private static boolean isWrite(int errorCode) {
        return (errorCode & PageFaultCode.WRITE) != 0;
    }

    private NtStatus mapZeroed(ProcessSpace space, long page, int protection, int errorCode) {
        // The tables first: their frames must be there before the page's PFN can name one.
        if (pfns.availablePages() < RESERVE_PAGES || !tables.ensure(space.workingSet(), page)) {
            return NtStatus.NO_MEMORY;
        }
        long pteAddress = tables.pteAddress(page);
        long frame = pfns.allocate(pteAddress, tables.tableFrame(pteAddress));
        counts.count(processor, KprcbLayout.MM_DEMAND_ZERO_COUNT);
        pages.mapOwn(space, page, frame, protection, isWrite(errorCode));
        return NtStatus.SUCCESS;
    }

    /**
     * Without the kernel's lock. However plentiful frames were a moment ago, this thread may have stood still since: no frame is taken
     * from an owner.
     */
    private boolean mapUnused(ProcessSpace space, long page, int protection, int errorCode) {
        if (!tables.ensureFromUnused(space.workingSet(), page)) {
            return false;
        }
        long pteAddress = tables.pteAddress(page);
        long frame = pfns.allocateUnused(pteAddress, tables.tableFrame(pteAddress));
        if (frame == PfnDatabase.NONE) {
            return false;
        }
        space.workingSet().countFault();
        counts.count(processor, KprcbLayout.MM_PAGE_FAULT_COUNT);
        counts.count(processor, KprcbLayout.MM_DEMAND_ZERO_COUNT);
        pages.mapOwn(space, page, frame, protection, isWrite(errorCode));
        return true;
    }

    /** Without the kernel's lock: whoever holds that may take the page away until it is off the standby list. */
    private boolean mapStandby(ProcessSpace space, long page, long pte, int errorCode) {
        if (pfns.availablePages() < balance.lowPages() || !pfns.reactivateStandby(tables.pteAddress(page), pte)) {
            return false;
        }
        space.workingSet().countFault();
        counts.count(processor, KprcbLayout.MM_PAGE_FAULT_COUNT);
        makeValid(space, page, pte, errorCode);
        return true;
    }

    private NtStatus mapTransition(ProcessSpace space, long page, long pte, int errorCode) {
        long frame = Pte.frame(pte);
        pfns.reactivate(frame);
        makeValid(space, page, pte, errorCode);
        return NtStatus.SUCCESS;
    }

    private void makeValid(ProcessSpace space, long page, long pte, int errorCode) {
        long frame = Pte.frame(pte);
        counts.count(processor, KprcbLayout.MM_TRANSITION_COUNT);
        // Neither entry is zero, both hold the frame: nothing changes for the table.
        memory.writeLong(
                tables.pteAddress(page),
                tables.allowed(Pte.validUser(frame, unguarded(Pte.protection(pte)), isWrite(errorCode))));
        space.workingSet().addLeaf(1, true);
    }

    private NtStatus mapShared(ProcessSpace space, Vad vad, long page, int protection, int errorCode) {
        if (pfns.availablePages() < RESERVE_PAGES) {
            return NtStatus.NO_MEMORY;
        }
        long prototype = UserPages.prototypeOf(vad, page);
        long frame = manager.prototypes().share(prototype);
        if (frame == Prototypes.UNREADABLE) {
            return NtStatus.IN_PAGE_ERROR;
        }
        if (frame == PfnDatabase.NONE) {
            return NtStatus.NO_MEMORY;
        }
        return mapFrame(space, page, frame, protection, pages.prototypeProtection(vad, page), errorCode);
    }

    /**
     * Maps a shared page that the caller has counted one share of, or a copy of it.
     *
     * @param given what the section gives the page
     */
    private NtStatus mapFrame(ProcessSpace space, long page, long frame, int protection, int given, int errorCode) {
        if (!tables.ensure(space.workingSet(), page)) {
            pages.unshare(frame, false);
            return NtStatus.NO_MEMORY;
        }
        if (isWrite(errorCode) && PageProtection.isCopyOnWrite(protection)) {
            return copy(space, page, frame, protection);
        }
        long pte = Pte.validUser(frame, protection, isWrite(errorCode));
        tables.write(space.workingSet(), page, protection == given ? pte : Pte.withOwnProtection(pte, protection));
        space.workingSet().addLeaf(1, false);
        return NtStatus.SUCCESS;
    }

    /** Maps a private copy of a shared page and gives up the share. The page's PTE holds no frame, its tables exist. */
    private NtStatus copy(ProcessSpace space, long page, long shared, int protection) {
        long pteAddress = tables.pteAddress(page);
        long frame = pfns.allocateForOverwrite(pteAddress, tables.tableFrame(pteAddress));
        if (frame == PfnDatabase.NONE) {
            pages.unshare(shared, false);
            return NtStatus.NO_MEMORY;
        }
        mmu.ram().copyFrame(shared, frame);
        counts.count(processor, KprcbLayout.MM_COPY_ON_WRITE_COUNT);
        // The contents exist nowhere else, written again or not.
        pfns.pfn(frame).setModified(true);
        pages.mapOwn(space, page, frame, PageProtection.privateCopy(protection), true);
        pages.unshare(shared, false);
        return NtStatus.SUCCESS;
    }

    private NtStatus onValid(ProcessSpace space, long page, long pte, int errorCode) {
        int protection = pages.validProtection(pte);
        if ((errorCode & PageFaultCode.PRESENT) == 0) {
            return NtStatus.SUCCESS;
        }
        if (!allows(protection, errorCode)) {
            return NtStatus.ACCESS_VIOLATION;
        }
        if (!isWrite(errorCode) || (pte & Pte.COPY_ON_WRITE) == 0) {
            mmu.invalidatePage(page);
            return NtStatus.SUCCESS;
        }
        if (pfns.availablePages() < RESERVE_PAGES) {
            return NtStatus.NO_MEMORY;
        }
        if (manager.combining().isCombined(pte)) {
            return manager.combining().written(space, page, pte, protection);
        }
        if ((pte & X64PageTables.DIRTY) != 0) {
            // Written before it became copy-on-write: the share that goes was a writer's.
            pfns.pfn(Pte.frame(pte)).setModified(true);
        }
        tables.write(space.workingSet(), page, Pte.lookupNeeded(protection));
        space.workingSet().addLeaf(-1, false);
        NtStatus status = copy(space, page, Pte.frame(pte), protection);
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

    // --- guard pages and stacks ---

    /** Protections change: as when a program changes them, other processors may not write to the pages meanwhile. */
    private NtStatus onGuard(ProcessSpace space, long page, long pte, int protection) {
        mmu.holdOthers();
        try {
            return unguard(space, page, pte, protection);
        } finally {
            mmu.letGo();
        }
    }

    private NtStatus unguard(ProcessSpace space, long page, long pte, int protection) {
        if (!pages.protect(space, vadOf(space, page), page, pte, protection & ~PageProtection.GUARD)) {
            return NtStatus.NO_MEMORY;
        }
        long teb = currentTeb(space);
        if (teb == 0) {
            return NtStatus.GUARD_PAGE_VIOLATION;
        }
        try {
            return growStack(space, page, teb);
        } catch (MemoryFault badTeb) {
            return NtStatus.GUARD_PAGE_VIOLATION;
        }
    }

    /**
     * The guard of the current thread's stack was touched: commits the next page below as guard, unless that would leave less than
     * what is promised to the handler of an overflow; then the rest of the stack is committed and the overflow raised. The lowest
     * page of a stack stays reserved for ever.
     */
    private NtStatus growStack(ProcessSpace space, long page, long teb) {
        long lowest = memory.readLong(teb + TebLayout.DEALLOCATION_STACK);
        long base = memory.readLong(teb + TebLayout.NT_TIB + NtTibLayout.STACK_BASE);
        if (Long.compareUnsigned(page, lowest) < 0 || Long.compareUnsigned(page, base) >= 0) {
            return NtStatus.GUARD_PAGE_VIOLATION;
        }
        long guaranteed =
                Math.max(GUARANTEED_BYTES, Pages.up(memory.readUnsignedInt(teb + TebLayout.GUARANTEED_STACK_BYTES)));
        long next = page - Pages.SIZE;
        while (next > lowest && isGuarded(space, next)) {
            next -= Pages.SIZE;
        }
        VirtualMemoryServices services = manager.virtualMemory();
        if (next <= lowest || page - guaranteed <= lowest) {
            if (page > lowest + Pages.SIZE) {
                services.commitPages(space, lowest + Pages.SIZE, page - 1, PageProtection.READWRITE);
            }
            memory.writeLong(teb + TebLayout.NT_TIB + NtTibLayout.STACK_LIMIT, lowest + Pages.SIZE);
            return NtStatus.STACK_OVERFLOW;
        }
        NtStatus status = services.commitPages(
                space, next, next + Pages.SIZE - 1, PageProtection.READWRITE | PageProtection.GUARD);
        if (!status.isSuccess()) {
            return NtStatus.STACK_OVERFLOW;
        }
        memory.writeLong(teb + TebLayout.NT_TIB + NtTibLayout.STACK_LIMIT, page);
        return NtStatus.SUCCESS;
    }

    private boolean isGuarded(ProcessSpace space, long page) {
        Vad vad = vadOf(space, page);
        long pte = tables.read(page);
        return pages.isCommitted(vad, page, pte) && PageProtection.isGuard(pages.protection(vad, page, pte));
    }

    /** The TEB of the thread that runs, if that is one of the loaded process's; else 0. */
    private long currentTeb(ProcessSpace space) {
        long prcb = Kprcb.of(memory, manager.kernelBase(), processor).address();
        if (prcb == 0 || memory.readLong(prcb + KprcbLayout.CURRENT_THREAD) == 0) {
            return 0;
        }
        Ethread thread = new Kprcb(memory, prcb).currentThread();
        return thread.process().address() == space.process().address() ? thread.teb() : 0;
    }
}
