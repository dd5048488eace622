package org.vadose.mm;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.KprcbLayout;
import org.vadose.layout.NtTibLayout;
import org.vadose.layout.TebLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.Mmu;
import org.vadose.memory.PageFaultCode;
import org.vadose.memory.PageFaultHandler;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Kprcb;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pfn;
import org.vadose.nt.Pte;
import org.vadose.nt.Vad;

/**
 * The page-fault handler.
 *
 * <pre>
 *  no VAD, or not committed                      access violation
 *  access breaks the protection                  access violation
 *  guard page                                    guard bit goes; stack grows, or guard-page violation
 *  demand-zero, or empty in a committed region   zeroed frame
 *  empty or prototype in a view                  the prototype's page, shared; made from its subsection first if need be
 *  write to a copy-on-write page                 private copy
 *  valid after all                               nothing: the cached translation was old
 * </pre>
 */
final class FaultHandler implements PageFaultHandler {
    /** Top of user space; above it a fault is the kernel's own mistake or a wild pointer. */
    private static final long USER_END = 0x0000_8000_0000_0000L;

    private final Mmu mmu;
    private final Memory memory;
    private final MemoryManager manager;
    private final AddressSpaces spaces;
    private final UserTables tables;
    private final PfnDatabase pfns;

    FaultHandler(MemoryManager manager, AddressSpaces spaces, UserTables tables) {
        this.manager = manager;
        this.mmu = manager.mmu();
        this.memory = manager.kernelMemory();
        this.spaces = spaces;
        this.tables = tables;
        this.pfns = manager.pfns();
    }

    @Override
    public NtStatus handle(long virtualAddress, int errorCode) {
        Eprocess process = spaces.current();
        if (Long.compareUnsigned(virtualAddress, USER_END) >= 0
                || process == null
                || (errorCode & PageFaultCode.RESERVED) != 0) {
            return NtStatus.ACCESS_VIOLATION;
        }
        WorkingSet workingSet = new WorkingSet(process);
        workingSet.countFault();
        long found = new VadTree(process).find(Pages.vpn(virtualAddress));
        if (found == 0) {
            return NtStatus.ACCESS_VIOLATION;
        }
        Vad vad = new Vad(memory, found);
        long page = Pages.down(virtualAddress);
        long pte = tables.read(page);
        return switch (Pte.kind(pte)) {
            case VALID -> onValid(process, vad, page, pte, errorCode);
            case EMPTY -> onEmpty(process, vad, page, errorCode);
            case DEMAND_ZERO -> onProtected(process, vad, page, Pte.protection(pte), errorCode);
            case PROTOTYPE -> onProtected(process, vad, page, Pte.protection(pte), errorCode);
            case TRANSITION -> onTransition(process, vad, page, pte, errorCode);
            case PAGE_FILE ->
                throw new IllegalStateException(
                        "no page file holds this page pte=" + Long.toHexString(pte) + " va=" + Long.toHexString(page));
        };
    }

    /** The page is in RAM, on the modified list. */
    private NtStatus onTransition(Eprocess process, Vad vad, long page, long pte, int errorCode) {
        int protection = Pte.protection(pte);
        if (PageProtection.isGuard(protection)) {
            tables.write(page, Pte.transition(Pte.frame(pte), protection & ~PageProtection.GUARD));
            return afterGuard(process, page);
        }
        if (!PageProtection.isAccessible(protection) || !allows(protection, errorCode)) {
            return NtStatus.ACCESS_VIOLATION;
        }
        pfns.fromModified(Pte.frame(pte));
        tables.write(page, Pte.validUser(Pte.frame(pte), protection, true));
        new WorkingSet(process).add(1, true);
        return NtStatus.SUCCESS;
    }

    private NtStatus onEmpty(Eprocess process, Vad vad, long page, int errorCode) {
        if (vad.isPrivate()) {
            return vad.isMemCommit()
                    ? onProtected(process, vad, page, vad.protection(), errorCode)
                    : NtStatus.ACCESS_VIOLATION;
        }
        long prototype = ImageSections.prototypeOf(vad, page);
        return prototype == 0
                ? NtStatus.ACCESS_VIOLATION
                : onProtected(process, vad, page, manager.sections().protection(vad, page), errorCode);
    }

    /** A page that is not valid, of this protection. */
    private NtStatus onProtected(Eprocess process, Vad vad, long page, int protection, int errorCode) {
        if (!PageProtection.isAccessible(protection)) {
            return NtStatus.ACCESS_VIOLATION;
        }
        if (PageProtection.isGuard(protection)) {
            return onGuard(process, vad, page, protection);
        }
        if (!allows(protection, errorCode)) {
            return NtStatus.ACCESS_VIOLATION;
        }
        if (!vad.isPrivate()) {
            long prototype = ImageSections.prototypeOf(vad, page);
            return prototype == 0
                    ? NtStatus.ACCESS_VIOLATION
                    : mapPrototype(process, vad, page, prototype, protection, errorCode);
        }
        return mapZeroed(process, page, protection, errorCode);
    }

    private static boolean allows(int protection, int errorCode) {
        if ((errorCode & PageFaultCode.FETCH) != 0) {
            return PageProtection.isExecutable(protection);
        }
        return (errorCode & PageFaultCode.WRITE) == 0 || PageProtection.isWritable(protection);
    }

    private NtStatus mapZeroed(Eprocess process, long page, int protection, int errorCode) {
        if (pfns.availablePages() < UserTablesReserve.PAGES) {
            return NtStatus.NO_MEMORY;
        }
        boolean write = (errorCode & PageFaultCode.WRITE) != 0;
        long pteAddress = manager.selfMap().pte(page);
        // The tables first: their frames must be there before the page's PFN can name one.
        if (!tables.write(page, Pte.demandZero(protection))) {
            return NtStatus.NO_MEMORY;
        }
        long frame = pfns.allocate(pteAddress, tables.tableFrame(pteAddress));
        pfns.pfn(frame).setOriginalPte(Pte.demandZero(protection));
        tables.write(page, Pte.validUser(frame, protection, write));
        new WorkingSet(process).add(1, true);
        process.addPrivatePages(1);
        return NtStatus.SUCCESS;
    }

    private NtStatus mapPrototype(Eprocess process, Vad vad, long page, long prototype, int protection, int errorCode) {
        if (pfns.availablePages() < UserTablesReserve.PAGES) {
            return NtStatus.NO_MEMORY;
        }
        long frame = manager.sections().makeResident(vad, prototype);
        if (frame == PfnDatabase.NONE) {
            return NtStatus.IN_PAGE_ERROR;
        }
        if ((errorCode & PageFaultCode.WRITE) != 0 && PageProtection.isCopyOnWrite(protection)) {
            return copy(process, page, frame, protection);
        }
        if (!tables.write(page, Pte.validUser(frame, protection, (errorCode & PageFaultCode.WRITE) != 0))) {
            return NtStatus.NO_MEMORY;
        }
        Pfn pfn = pfns.pfn(frame);
        pfn.setShareCount(pfn.shareCount() + 1);
        new WorkingSet(process).add(1, false);
        return NtStatus.SUCCESS;
    }

    /** Maps a private copy of a shared page. The page's PTE is not valid, or was made not so by the caller. */
    private NtStatus copy(Eprocess process, long page, long sharedFrame, int protection) {
        int own = PageProtection.privateCopy(protection);
        long pteAddress = manager.selfMap().pte(page);
        if (!tables.write(page, Pte.demandZero(own))) {
            return NtStatus.NO_MEMORY;
        }
        long frame = pfns.allocate(pteAddress, tables.tableFrame(pteAddress));
        mmu.ram().copyFrame(sharedFrame, frame);
        Pfn pfn = pfns.pfn(frame);
        pfn.setOriginalPte(Pte.demandZero(own));
        pfn.setModified(true);
        tables.write(page, Pte.validUser(frame, own, true));
        new WorkingSet(process).add(1, true);
        process.addPrivatePages(1);
        return NtStatus.SUCCESS;
    }

    private NtStatus onValid(Eprocess process, Vad vad, long page, long pte, int errorCode) {
        int protection = Pte.protectionOfValid(pte);
        if ((errorCode & PageFaultCode.PRESENT) == 0) {
            return NtStatus.SUCCESS;
        }
        if (!allows(protection, errorCode)) {
            return NtStatus.ACCESS_VIOLATION;
        }
        if ((errorCode & PageFaultCode.WRITE) == 0 || (pte & Pte.COPY_ON_WRITE) == 0) {
            mmu.invalidatePage(page);
            return NtStatus.SUCCESS;
        }
        if (pfns.availablePages() < UserTablesReserve.PAGES) {
            return NtStatus.NO_MEMORY;
        }
        long shared = Pte.frame(pte);
        tables.write(page, Pte.lookupNeeded(protection));
        new WorkingSet(process).add(-1, false);
        NtStatus status = copy(process, page, shared, protection);
        manager.sections().unshare(shared);
        return status;
    }

    private NtStatus onGuard(Eprocess process, Vad vad, long page, int protection) {
        int unguarded = protection & ~PageProtection.GUARD;
        tables.write(page, vad.isPrivate() ? Pte.demandZero(unguarded) : Pte.lookupNeeded(unguarded));
        return afterGuard(process, page);
    }

    /** A guard page was touched and guards no more: on the thread's stack the next page takes its place. */
    private NtStatus afterGuard(Eprocess process, long page) {
        long teb = currentTeb();
        if (teb == 0) {
            return NtStatus.GUARD_PAGE_VIOLATION;
        }
        // The kernel's own look at the TEB may fault and be resolved; what guards is settled by then.
        Memory user = mmu.kernel();
        long deallocation = user.readLong(teb + TebLayout.DEALLOCATION_STACK);
        long base = user.readLong(teb + TebLayout.NT_TIB + NtTibLayout.STACK_BASE);
        if (Long.compareUnsigned(page, deallocation) < 0 || Long.compareUnsigned(page, base) >= 0) {
            return NtStatus.GUARD_PAGE_VIOLATION;
        }
        user.writeLong(teb + TebLayout.NT_TIB + NtTibLayout.STACK_LIMIT, page);
        long guarantee = Pages.up(user.readInt(teb + TebLayout.GUARANTEED_STACK_BYTES) & 0xFFFF_FFFFL);
        long next = page - Pages.SIZE;
        // The lowest page stays reserved for ever; above it lie the pages promised to the overflow's handler.
        if (Long.compareUnsigned(next, deallocation + Pages.SIZE + guarantee) < 0) {
            return NtStatus.STACK_OVERFLOW;
        }
        NtStatus status = manager.virtualMemory()
                .commitLocked(process, next, next + Pages.SIZE - 1, PageProtection.READWRITE | PageProtection.GUARD);
        return status.isSuccess() ? NtStatus.SUCCESS : NtStatus.STACK_OVERFLOW;
    }

    private long currentTeb() {
        long prcb = Kprcb.of(memory, manager.kernelBase(), 0).address();
        if (prcb == 0 || memory.readLong(prcb + KprcbLayout.CURRENT_THREAD) == 0) {
            return 0;
        }
        var thread = new Kprcb(memory, prcb).currentThread();
        @Nullable Eprocess process = spaces.current();
        return process != null && thread.process().address() == process.address() ? thread.teb() : 0;
    }

    /** Frames that a fault may need besides the page: tables of three levels, and one to spare. */
    private static final class UserTablesReserve {
        static final long PAGES = 5;
    }
}
