package org.vadose.mm;

import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.MiPhysicalViewLayout;
import org.vadose.layout.MiVadEventBlockLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.AweInfo;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pfn;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.Pte;
import org.vadose.nt.Token;
import org.vadose.nt.Vad;

/**
 * Address windowing (AWE): physical pages that a process owns by number, and windows of its address space that it maps them into.
 *
 * <pre>
 *   free --allocate--> owned (share count 1) --map--> owned and mapped (2) --unmap--> owned --free--> free
 * </pre>
 *
 * Such pages are charged to the process, are in no working set and are never paged: the PTE of a mapped one is locked. A page is
 * mapped at one place at most. Mapping and unmapping change page-table entries and nothing else.
 */
public final class AwePages {
    /** Pages that mapping may need for tables, left alone when physical pages are given out. */
    private static final long SPARE = 64;

    private static final int TAG_INFO = PoolTag.of("MmAw");
    private static final int TAG_EVENT = PoolTag.of("MmVe");

    private final MemoryManager manager;
    private final AddressSpaces spaces;
    private final UserTables tables;
    private final Commit commit;
    private final PfnDatabase pfns;
    private final Memory memory;

    AwePages(MemoryManager manager, AddressSpaces spaces, UserTables tables, Commit commit) {
        this.manager = manager;
        this.spaces = spaces;
        this.tables = tables;
        this.commit = commit;
        this.pfns = manager.pfns();
        this.memory = manager.kernelMemory();
    }

    // --- pages ---

    private AweInfo info(Eprocess process) {
        long address = process.aweInfo();
        if (address == 0) {
            address = manager.pool().allocate(PoolType.NON_PAGED_POOL_NX, AweInfo.sizeBytes(pfns.frames()), TAG_INFO);
            new AweInfo(memory, address).initialize(pfns.frames());
            process.setAweInfo(address);
        }
        return new AweInfo(memory, address);
    }

    /**
     * {@code NtAllocateUserPhysicalPages}: gives as many pages of zeros as there are, at most so many as asked for.
     *
     * @param count what is asked for, and then what was given
     * @return the frame numbers; empty when the status is a failure
     */
    public long[] allocate(Eprocess process, long[] count, NtStatus[] status) {
        status[0] = NtStatus.SUCCESS;
        long wanted = count[0];
        count[0] = 0;
        if (!manager.virtualMemory().callerHolds(process, Token.SE_LOCK_MEMORY)) {
            status[0] = NtStatus.PRIVILEGE_NOT_HELD;
            return new long[0];
        }
        long before = spaces.enter(process);
        try {
            long given = Math.min(Math.clamp(wanted, 0, pfns.frames()), pfns.availablePages() - SPARE);
            if (wanted != 0 && given <= 0) {
                status[0] = NtStatus.INSUFFICIENT_RESOURCES;
                return new long[0];
            }
            if (!commit.charge(process, given)) {
                status[0] = NtStatus.COMMITMENT_LIMIT;
                return new long[0];
            }
            AweInfo info = info(process);
            long[] frames = new long[(int) given];
            for (int i = 0; i < frames.length; i++) {
                frames[i] = pfns.allocate(0, 0);
                pfns.pfn(frames[i]).setOriginalPte(Pte.demandZero(PageProtection.READWRITE));
                info.setOwned(frames[i], true);
            }
            process.addPhysicalPages(given);
            count[0] = given;
            return frames;
        } finally {
            spaces.leave(before);
        }
    }

    /**
     * {@code NtFreeUserPhysicalPages}: frees pages in order, unmapping them if need be, up to the first that is not the process's.
     *
     * @param freed how many were freed
     */
    public NtStatus free(Eprocess process, long[] frames, long[] freed) {
        freed[0] = 0;
        long before = spaces.enter(process);
        try {
            for (long frame : frames) {
                if (process.aweInfo() == 0 || !info(process).owns(frame)) {
                    return NtStatus.CONFLICTING_ADDRESSES;
                }
                freeOwned(spaces.entered(), frame);
                freed[0]++;
            }
            return NtStatus.SUCCESS;
        } finally {
            spaces.leave(before);
        }
    }

    private void freeOwned(ProcessSpace space, long frame) {
        long pteAddress = pfns.pfn(frame).pteAddress();
        if (pteAddress != 0) {
            unmap(space, manager.selfMap().mapped(pteAddress));
        }
        info(space.process()).setOwned(frame, false);
        pfns.free(frame);
        space.process().addPhysicalPages(-1);
        commit.release(space.process(), 1);
    }

    /** Frees all pages of a process whose windows are gone. */
    void freeAll(ProcessSpace space) {
        Eprocess process = space.process();
        long address = process.aweInfo();
        if (address == 0) {
            return;
        }
        AweInfo info = new AweInfo(memory, address);
        for (long frame = info.next(0); frame >= 0; frame = info.next(frame)) {
            freeOwned(space, frame);
        }
        process.setAweInfo(0);
        manager.pool().free(address);
    }

    // --- windows ---

    /** What a request for a window must look like. */
    static NtStatus validate(int type, int protection) {
        int allowed = VirtualMemoryServices.MEM_RESERVE
                | VirtualMemoryServices.MEM_PHYSICAL
                | VirtualMemoryServices.MEM_TOP_DOWN;
        if ((type & VirtualMemoryServices.MEM_RESERVE) == 0 || (type & ~allowed) != 0) {
            return NtStatus.INVALID_PARAMETER_5;
        }
        return protection == PageProtection.READWRITE ? NtStatus.SUCCESS : NtStatus.INVALID_PAGE_PROTECTION;
    }

    /** Makes a reserved region a window. */
    void makeWindow(Eprocess process, Vad vad) {
        long block = manager.pool().allocate(PoolType.NON_PAGED_POOL_NX, MiVadEventBlockLayout.SIZE, TAG_EVENT);
        memory.fill(block, MiVadEventBlockLayout.SIZE, (byte) 0);
        long view = block + MiVadEventBlockLayout.AWE_VIEW;
        memory.writeLong(view + MiPhysicalViewLayout.VAD, vad.address());
        memory.writeLong(view + MiPhysicalViewLayout.AWE_INFO, info(process).address());
        vad.setEventList(block);
    }

    /** Unmaps what a window shows; its region is about to go. */
    void closeWindow(ProcessSpace space, Vad vad) {
        long end = vad.endingVpn() + 1 << Pages.SHIFT;
        for (long page = vad.startingVpn() << Pages.SHIFT; page < end; page += Pages.SIZE) {
            page += tables.gap(page, end);
            if (page < end) {
                unmap(space, page);
            }
        }
        manager.pool().free(vad.eventList());
        vad.setEventList(0);
    }

    private void unmap(ProcessSpace space, long page) {
        long pte = tables.read(page);
        if (pte == 0) {
            return;
        }
        Pfn pfn = pfns.pfn(Pte.frame(pte));
        tables.write(space.workingSet(), page, 0);
        pfn.setPteAddress(0);
        pfn.setPteFrame(0, false);
        pfn.setShareCount(pfn.shareCount() - 1);
    }

    /**
     * {@code NtMapUserPhysicalPages}: shows pages one behind the other from an address on, in the process that calls.
     *
     * @param count of pages
     * @param frames the pages; null to show none any more
     */
    public NtStatus map(Eprocess process, long address, long count, long @Nullable [] frames) {
        if (count < 0 || count > process.userEnd() >>> Pages.SHIFT) {
            return NtStatus.INVALID_PARAMETER_2;
        }
        if (Long.compareUnsigned(address, process.userEnd()) >= 0) {
            return NtStatus.INVALID_PARAMETER_1;
        }
        if (count == 0) {
            return NtStatus.SUCCESS;
        }
        long first = Pages.down(address);
        long before = spaces.enter(process);
        try {
            ProcessSpace space = spaces.entered();
            Vad vad = windowAt(space, first);
            if (vad == null || Pages.vpn(first) + count - 1 > vad.endingVpn()) {
                return NtStatus.INVALID_PARAMETER_1;
            }
            long[] pages = new long[(int) count];
            for (int i = 0; i < pages.length; i++) {
                pages[i] = first + i * Pages.SIZE;
            }
            return map(space, pages, frames);
        } finally {
            spaces.leave(before);
        }
    }

    /** {@code NtMapUserPhysicalPagesScatter}: as {@link #map}, each page at an address of its own. */
    public NtStatus scatter(Eprocess process, long[] addresses, long @Nullable [] frames) {
        long before = spaces.enter(process);
        try {
            ProcessSpace space = spaces.entered();
            long[] pages = new long[addresses.length];
            for (int i = 0; i < pages.length; i++) {
                pages[i] = Pages.down(addresses[i]);
                if (Long.compareUnsigned(pages[i], space.highest()) > 0 || windowAt(space, pages[i]) == null) {
                    return NtStatus.INVALID_PARAMETER_1;
                }
            }
            return map(space, pages, frames);
        } finally {
            spaces.leave(before);
        }
    }

    private @Nullable Vad windowAt(ProcessSpace space, long page) {
        long node = space.vads().find(Pages.vpn(page));
        if (node == 0) {
            return null;
        }
        Vad vad = new Vad(memory, node);
        return vad.isAwe() ? vad : null;
    }

    private NtStatus map(ProcessSpace space, long[] pages, long @Nullable [] frames) {
        if (frames != null && !mayMap(space.process(), pages, frames)) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        for (long page : pages) {
            unmap(space, page);
        }
        if (frames == null) {
            return NtStatus.SUCCESS;
        }
        for (int i = 0; i < pages.length; i++) {
            if (!tables.ensure(space.workingSet(), pages[i])) {
                return NtStatus.NO_MEMORY;
            }
            long pteAddress = tables.pteAddress(pages[i]);
            Pfn pfn = pfns.pfn(frames[i]);
            pfn.setPteAddress(pteAddress);
            pfn.setPteFrame(tables.tableFrame(pteAddress), false);
            pfn.setShareCount(pfn.shareCount() + 1);
            long pte = Pte.validUser(frames[i], PageProtection.READWRITE, true);
            tables.write(space.workingSet(), pages[i], Pte.withLock(pte, true));
        }
        return NtStatus.SUCCESS;
    }

    /** Whether all pages are the process's, none twice, and none is mapped elsewhere than where mappings are replaced. */
    private boolean mayMap(Eprocess process, long[] pages, long[] frames) {
        AweInfo info = info(process);
        Set<Long> replaced = new HashSet<>();
        for (long page : pages) {
            replaced.add(tables.pteAddress(page));
        }
        Set<Long> seen = new HashSet<>();
        for (long frame : frames) {
            if (!info.owns(frame) || !seen.add(frame)) {
                return false;
            }
            long mapped = pfns.pfn(frame).pteAddress();
            if (mapped != 0 && !replaced.contains(mapped)) {
                return false;
            }
        }
        return replaced.size() == pages.length;
    }
}
