package org.vadose.mm;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Pages;
import org.vadose.memory.Mmu;
import org.vadose.memory.PhysicalMemory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Pfn;
import org.vadose.nt.SelfMap;

/** Makes and unmakes address spaces, and says which one the processor is in. */
final class AddressSpaces {
    /** Readers of raw images look for System's PML4 here and take the first they find; no other PML4 goes there. */
    private static final long[][] SYSTEM_ROOT_WINDOWS = {{0x150, 0x2A0}, {0x650, 0x6F0}};

    private static final int KERNEL_HALF = 256;

    private final Mmu mmu;
    private final PhysicalMemory ram;
    private final SelfMap selfMap;
    private final PfnDatabase pfns;
    private final Commit commit;
    private @Nullable Eprocess current;

    AddressSpaces(Mmu mmu, SelfMap selfMap, PfnDatabase pfns, Commit commit) {
        this.mmu = mmu;
        this.ram = mmu.ram();
        this.selfMap = selfMap;
        this.pfns = pfns;
        this.commit = commit;
    }

    /** The process whose address space is loaded; null before the first is. */
    @Nullable Eprocess current() {
        return current;
    }

    void switchTo(Eprocess process) {
        current = process;
        long root = process.directoryTableBase();
        if (mmu.root() != root) {
            mmu.loadRoot(root);
        }
    }

    /** Does something with another process's address space loaded. */
    <T> T attached(Eprocess process, Supplier<T> work) {
        Eprocess before = current;
        long root = mmu.root();
        if (before != null && before.address() == process.address()) {
            return work.get();
        }
        switchTo(process);
        try {
            return work.get();
        } finally {
            current = before;
            mmu.loadRoot(root);
        }
    }

    /**
     * A new address space with nothing in its user half.
     *
     * @return physical address of its PML4, or 0 when there is no RAM
     */
    long create() {
        long frame = pfns.allocateOutside(SYSTEM_ROOT_WINDOWS);
        if (frame == PfnDatabase.NONE) {
            return 0;
        }
        long root = frame << Pages.SHIFT;
        for (int i = KERNEL_HALF; i < 512; i++) {
            long entry = ram.readLong(BootMemory.SYSTEM_ROOT + 8L * i);
            if (entry != 0) {
                ram.writeLong(root + 8L * i, i == selfMap.index() ? root | SystemSpace.KERNEL_DATA : entry);
            }
        }
        Pfn pfn = pfns.pfn(frame);
        pfn.setPteAddress(selfMap.pxe(selfMap.pteBase()));
        pfn.setPteFrame(frame, false);
        commit.chargeSystem(1);
        return root;
    }

    /** Frees the PML4 of an address space whose user half is empty and which no processor has loaded. */
    void delete(long root) {
        if (mmu.root() == root) {
            throw new IllegalStateException("the loaded address space is deleted cr3=" + Long.toHexString(root));
        }
        pfns.free(root >>> Pages.SHIFT);
        commit.releaseSystem(1);
    }
}
