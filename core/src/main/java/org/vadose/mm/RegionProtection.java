package org.vadose.mm;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Mitigations;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Vad;

/** Changes what may be done with committed pages: of private regions, of views and of images, whose copies it charges. */
final class RegionProtection {
    private final MemoryManager manager;
    private final AddressSpaces spaces;
    private final UserTables tables;
    private final UserPages pages;
    private final Commit commit;
    private final Memory memory;
    private final LargePages largePages;

    RegionProtection(
            MemoryManager manager,
            AddressSpaces spaces,
            UserTables tables,
            UserPages pages,
            Commit commit,
            LargePages largePages) {
        this.manager = manager;
        this.spaces = spaces;
        this.tables = tables;
        this.pages = pages;
        this.commit = commit;
        this.memory = manager.kernelMemory();
        this.largePages = largePages;
    }

    /** See {@link VirtualMemoryServices#protect}. */
    NtStatus protect(Eprocess process, VirtualMemoryServices.Region region, int pageProtection, int[] oldProtection) {
        int protection = PageProtection.toMask(pageProtection);
        if (protection == PageProtection.INVALID) {
            return NtStatus.INVALID_PAGE_PROTECTION;
        }
        long userEnd = process.userEnd();
        if (Long.compareUnsigned(region.base, userEnd) >= 0) {
            return NtStatus.INVALID_PARAMETER_2;
        }
        if (region.sizeBytes == 0 || Long.compareUnsigned(region.sizeBytes, userEnd - region.base) > 0) {
            return NtStatus.INVALID_PARAMETER_3;
        }
        long before = spaces.enter(process);
        try {
            NtStatus status = protectEntered(spaces.entered(), region, protection, oldProtection);
            // The bit that keeps the targets as they are is the same that makes none when memory is committed.
            return (pageProtection & PageProtection.PAGE_ANY_EXECUTE) == 0
                            || (pageProtection & PageProtection.PAGE_TARGETS_INVALID) != 0
                            || !status.isSuccess()
                    ? status
                    : manager.controlFlowGuard().executable(process, region, true);
        } finally {
            spaces.leave(before);
        }
    }

    private NtStatus protectEntered(
            ProcessSpace space, VirtualMemoryServices.Region region, int asked, int[] oldProtection) {
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
        int wanted = asked;
        // Private code, and code of an image that would become writable, is dynamic.
        if (PageProtection.isExecutable(wanted)
                && (vad.isPrivate() || PageProtection.isWritable(wanted))
                && new Mitigations(space.process()).prohibitsDynamicCode()) {
            return NtStatus.DYNAMIC_CODE_BLOCKED;
        }
        if (vad.isPrivate() && PageProtection.isCopyOnWrite(wanted)) {
            return NtStatus.INVALID_PARAMETER_4;
        }
        if (vad.isNoChange() || vad.isAwe()) {
            return NtStatus.INVALID_PAGE_PROTECTION;
        }
        if (!vad.isPrivate() && !vad.isImage()) {
            if (!SectionRules.mayBecome(vad.protection(), wanted)) {
                return NtStatus.SECTION_PROTECTION;
            }
            if ((wanted & PageProtection.EXECUTE_WRITECOPY) == PageProtection.EXECUTE_WRITECOPY
                    && !PageProtection.isCopyOnWrite(vad.protection())) {
                // So Windows reports it, though not for write-copy without execute.
                wanted &= ~1;
            }
        }
        for (long page = first; page <= last; page += Pages.SIZE) {
            if (!pages.isCommitted(vad, page, tables.read(page))) {
                return NtStatus.NOT_COMMITTED;
            }
        }
        oldProtection[0] = PageProtection.toPage(pages.protection(vad, first, tables.read(first)));
        boolean isLarge = vad.isLargePages() || vad.isLargePageSection();
        NtStatus status =
                isLarge ? protectLarge(space, vad, first, last, wanted) : recharge(space, vad, first, last, wanted);
        if (!status.isSuccess()) {
            return status;
        }
        if (!isLarge && !changeAll(space, vad, first, last, wanted)) {
            return NtStatus.NO_MEMORY;
        }
        region.base = first;
        region.sizeBytes = last - first + 1;
        return NtStatus.SUCCESS;
    }

    private NtStatus protectLarge(ProcessSpace space, Vad vad, long first, long last, int wanted) {
        return vad.isPrivate()
                ? largePages.protect(space, first, last, wanted)
                : manager.largeSections().protect(space, vad, first, last, wanted);
    }

    /** Gives pages of a view that are committed a protection; false when there is no RAM or commitment for that. */
    boolean protectView(ProcessSpace space, Vad vad, long first, long last, int wanted) {
        return recharge(space, vad, first, last, wanted).isSuccess() && changeAll(space, vad, first, last, wanted);
    }

    /** Charges, or gives back, the copies that writing to pages of a view can make once they have a protection. */
    private NtStatus recharge(ProcessSpace space, Vad vad, long first, long last, int wanted) {
        long copies = 0;
        for (long page = first; page <= last; page += Pages.SIZE) {
            long pte = tables.read(page);
            if (!vad.isPrivate() && !pages.isOwn(pte)) {
                copies += PageProtection.isCopyOnWrite(pages.viewProtection(vad, page, wanted)) ? 1 : 0;
                copies -= pages.owesCopy(vad, page, pte) ? 1 : 0;
            }
        }
        if (copies > 0 && !commit.charge(space.process(), copies)) {
            return NtStatus.COMMITMENT_LIMIT;
        }
        if (copies < 0) {
            commit.release(space.process(), -copies);
        }
        vad.addCommitCharge(copies);
        return NtStatus.SUCCESS;
    }

    private boolean changeAll(ProcessSpace space, Vad vad, long first, long last, int wanted) {
        for (long page = first; page <= last; page += Pages.SIZE) {
            long pte = tables.read(page);
            int protection = vad.isPrivate() || pages.isOwn(pte) ? wanted : pages.viewProtection(vad, page, wanted);
            if (!pages.protect(space, vad, page, pte, protection)) {
                return false;
            }
        }
        return true;
    }
}
