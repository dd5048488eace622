package org.vadose.mm;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.ResourcesException;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiProcessStateLayout;
import org.vadose.layout.MiSystemInformationLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pfn;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.Pte;
import org.vadose.nt.SharedUserData;
import org.vadose.nt.Vad;

/**
 * {@code KUSER_SHARED_DATA} in processes: one frame, one prototype PTE ({@code MiState.Processes.SharedUserDataPte}), and in
 * each process a region of one page that cannot be changed or freed. The kernel's own mapping is one of the frame's shares.
 */
final class SharedUserPage {
    private static final int TAG_PROTOTYPES = PoolTag.of("MmSt");

    private final MemoryManager manager;
    private final Memory memory;
    private final Commit commit;
    private final long frame;

    SharedUserPage(MemoryManager manager, UserTables tables, Commit commit) {
        this.manager = manager;
        this.memory = manager.kernelMemory();
        this.commit = commit;
        this.frame = tables.tableFrame(SharedUserData.KERNEL_ADDRESS);
        long prototype = manager.pool().allocate(PoolType.NON_PAGED_POOL_NX, Long.BYTES, TAG_PROTOTYPES);
        memory.writeLong(prototype, tables.allowed(Pte.validPrototype(frame, PageProtection.READONLY)));
        long table = tables.tableFrame(prototype);
        Pfn holder = manager.pfns().pfn(table);
        holder.setShareCount(holder.shareCount() + 1);
        Pfn pfn = manager.pfns().pfn(frame);
        pfn.setPteAddress(prototype);
        pfn.setOriginalPte(Pte.demandZero(PageProtection.READONLY));
        pfn.setPteFrame(table, true);
        memory.writeLong(
                manager.kernelBase()
                        + KernelSymbols.MI_STATE
                        + MiSystemInformationLayout.PROCESSES
                        + MiProcessStateLayout.SHARED_USER_DATA_PTE,
                prototype);
    }

    /** Gives a process, whose address space is loaded, its region; the page is mapped when it is first touched. */
    NtStatus addTo(ProcessSpace space) {
        if (!commit.charge(space.process(), 1)) {
            return NtStatus.COMMITMENT_LIMIT;
        }
        long vpn = Pages.vpn(SharedUserData.USER_ADDRESS);
        Vad vad;
        try {
            vad = manager.virtualMemory().regions().newVad(Vad.TAG_SHORT, Vad.SIZE_SHORT, vpn, vpn);
        } catch (ResourcesException exhausted) {
            commit.release(space.process(), 1);
            return exhausted.status();
        }
        vad.setFlags(PageProtection.READONLY, true, 0, true);
        vad.setCommitment(true, 1);
        space.vads().insert(vad.address());
        space.process().addVirtualSize(Pages.SIZE);
        return NtStatus.SUCCESS;
    }

    /** Takes a share for a mapping to come. */
    long share() {
        Pfn pfn = manager.pfns().pfn(frame);
        pfn.setShareCount(pfn.shareCount() + 1);
        return frame;
    }
}
