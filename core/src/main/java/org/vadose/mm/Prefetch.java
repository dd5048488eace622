package org.vadose.mm;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Pte;
import org.vadose.nt.Vad;

/**
 * {@code PrefetchVirtualMemory}: brings in pages whose contents are in a page file or a file. A hint: what cannot be brought in is
 * left, and pages of zeros are made when they are touched.
 */
public final class Prefetch {
    private final MemoryManager manager;
    private final AddressSpaces spaces;
    private final UserTables tables;
    private final UserPages pages;
    private final Memory memory;

    Prefetch(MemoryManager manager, AddressSpaces spaces, UserTables tables, UserPages pages) {
        this.manager = manager;
        this.spaces = spaces;
        this.tables = tables;
        this.pages = pages;
        this.memory = manager.kernelMemory();
    }

    /** Brings a range in, region by region; addresses outside user space are refused. */
    public NtStatus range(Eprocess process, long base, long sizeBytes) {
        if (Long.compareUnsigned(base, process.userEnd()) >= 0
                || Long.compareUnsigned(sizeBytes, process.userEnd() - base) > 0) {
            return NtStatus.INVALID_PARAMETER;
        }
        long before = spaces.enter(process);
        try {
            ProcessSpace space = spaces.entered();
            long end = Pages.up(base + sizeBytes);
            long page = Pages.down(base);
            while (page < end) {
                long node = space.vads().firstEndingAtOrAfter(Pages.vpn(page));
                if (node == 0) {
                    break;
                }
                Vad vad = new Vad(memory, node);
                long vadEnd = Math.min(end, vad.endingVpn() + 1 << Pages.SHIFT);
                for (page = Math.max(page, vad.startingVpn() << Pages.SHIFT); page < vadEnd; page += Pages.SIZE) {
                    bring(vad, page);
                }
            }
            return NtStatus.SUCCESS;
        } finally {
            spaces.leave(before);
        }
    }

    private void bring(Vad vad, long page) {
        long pte = tables.read(page);
        boolean isElsewhere = switch (Pte.kind(pte)) {
            case PAGE_FILE, TRANSITION, PROTOTYPE -> true;
            case EMPTY -> !vad.isPrivate();
            case VALID, DEMAND_ZERO, DECOMMITTED -> false;
        };
        if (!isElsewhere
                || !pages.isCommitted(vad, page, pte)
                || !UserPages.isMappable(pages.protection(vad, page, pte))) {
            return;
        }
        try {
            manager.mmu().user().readByte(page);
        } catch (MemoryFault unreadable) {
            // Whoever touches the page will hear of it.
            return;
        }
    }
}
