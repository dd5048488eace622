package org.vadose.mm;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.VpnRange;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pfn;
import org.vadose.nt.PoolType;
import org.vadose.nt.Pte;
import org.vadose.nt.SharedUserData;
import org.vadose.nt.Vad;

/** The one page that every process sees at one address, read-only, and cannot unmap: the shared user data. */
final class SharedUserPage {
    private final MemoryManager manager;
    private final UserTables tables;
    private final Memory memory;

    SharedUserPage(MemoryManager manager, UserTables tables) {
        this.manager = manager;
        this.tables = tables;
        this.memory = manager.kernelMemory();
    }

    /** Maps it into the process, whose address space is loaded. */
    NtStatus map(Eprocess process) {
        long address = SharedUserData.USER_ADDRESS;
        if (!tables.write(address, Pte.validUser(frame(), PageProtection.READONLY, false))) {
            return NtStatus.NO_MEMORY;
        }
        VpnRange range = VpnRange.covering(address, Pages.SIZE);
        Vad vad = manager.virtualMemory().newVad(Vad.TAG_SHORT, Vad.SIZE_SHORT, PoolType.NON_PAGED_POOL_NX, range);
        vad.setFlags(PageProtection.READONLY, true, 0, true);
        new VadTree(process).insert(vad.address());
        process.addVirtualSize(Pages.SIZE);
        share(1);
        new WorkingSet(process).add(1, false);
        return NtStatus.SUCCESS;
    }

    /** Takes it out again, at the process's end. */
    void unmap(Eprocess process) {
        VadTree tree = new VadTree(process);
        long found = tree.find(Pages.vpn(SharedUserData.USER_ADDRESS));
        if (found == 0 || !new Vad(memory, found).isNoChange()) {
            return;
        }
        tables.write(SharedUserData.USER_ADDRESS, 0);
        share(-1);
        new WorkingSet(process).add(-1, false);
        tree.remove(found);
        process.addVirtualSize(-Pages.SIZE);
        manager.pool().free(found);
    }

    private void share(int delta) {
        Pfn pfn = manager.pfns().pfn(frame());
        pfn.setShareCount(pfn.shareCount() + delta);
    }

    private long frame() {
        return Pte.frame(memory.readLong(manager.selfMap().pte(SharedUserData.KERNEL_ADDRESS)));
    }
}
