package org.vadose.mm;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.SeededRandom;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.Eprocess;
import org.vadose.nt.GuardBits;
import org.vadose.nt.Mitigations;
import org.vadose.nt.PageProtection;
import org.vadose.nt.Pte;
import org.vadose.nt.Vad;

/**
 * Control flow guard: which addresses of a process indirect calls may go to. A process whose program was built for it has a bitmap
 * of two bits for each 16 bytes of its user space ({@link GuardBits}), reserved as a whole, 2 TB of 128, committed where there is
 * code.
 *
 * <pre>
 *  memory                                                bits
 *  image built for it                                    the functions of its table
 *  any other image                                       all of its code
 *  view of a data section, mapped as executable          all
 *  committed as executable                               all, or none with PAGE_TARGETS_INVALID
 *  made executable                                       all, or as they are with PAGE_TARGETS_NO_UPDATE
 *  freed, unmapped                                       none
 * </pre>
 *
 * On Windows the bits of images are shared between processes by a section; here each process has its own, in a private region that
 * programs can read but neither change nor free.
 */
public final class ControlFlowGuard {
    /** Bits of the space above which programs of high entropy lie; the bitmap lies below them. */
    private static final long PROGRAMS_BELOW_END = 0xA_0000_0000L;

    private static final long PLACES = 1 << 17;
    private static final long FOUR_GB = 1L << 32;

    private final MemoryManager manager;
    private final AddressSpaces spaces;
    private final UserTables tables;
    private final Memory memory;
    private final long seed;

    ControlFlowGuard(MemoryManager manager, AddressSpaces spaces, UserTables tables, long seed) {
        this.manager = manager;
        this.spaces = spaces;
        this.tables = tables;
        this.memory = manager.kernelMemory();
        this.seed = seed;
    }

    /** Gives a new process that has control flow guard its bitmap, empty. */
    public NtStatus createBitmap(Eprocess process) {
        long before = spaces.enter(process);
        try {
            ProcessSpace space = spaces.entered();
            long size = GuardBits.sizeBytes(process.userEnd());
            long base = choose(space, size);
            if (base == 0) {
                return NtStatus.NO_MEMORY;
            }
            Vad vad = manager.virtualMemory()
                    .regions()
                    .newVad(Vad.TAG_SHORT, Vad.SIZE_SHORT, Pages.vpn(base), Pages.vpn(base + size - 1));
            vad.setFlags(PageProtection.READONLY, true, 0, true);
            space.vads().insert(vad.address());
            process.addVirtualSize(size);
            space.setGuardBitmap(base);
            return NtStatus.SUCCESS;
        } finally {
            spaces.leave(before);
        }
    }

    private long choose(ProcessSpace space, long size) {
        Mitigations mitigations = new Mitigations(space.process());
        long end = Pages.alignUp(space.highest(), FOUR_GB) - PROGRAMS_BELOW_END;
        if (end < size) {
            return space.holes().findDown(size, space.highest());
        }
        if (!mitigations.isStackRandomizationDisabled()) {
            end -= SeededRandom.of(seed ^ space.process().uniqueProcessId() << 32, "guard bitmap")
                            .below(PLACES)
                    * Pages.GRANULARITY;
        }
        return Pages.alignDown(end - size, Pages.GRANULARITY);
    }

    /** Where a process's bitmap is; 0 for a process without control flow guard. */
    public long bitmap(Eprocess process) {
        long before = spaces.enter(process);
        try {
            return spaces.entered().guardBitmap();
        } finally {
            spaces.leave(before);
        }
    }

    /** Memory was committed or mapped as executable, or made so. */
    NtStatus executable(Eprocess process, VirtualMemoryServices.Region region, boolean valid) {
        if (!new Mitigations(process).hasControlFlowGuard()) {
            return NtStatus.SUCCESS;
        }
        long before = spaces.enter(process);
        try {
            ProcessSpace space = spaces.entered();
            long node = space.vads().find(Pages.vpn(region.base));
            boolean isImage = node != 0 && new Vad(memory, node).isImage();
            return isImage ? NtStatus.SUCCESS : fill(space, region.base, region.base + region.sizeBytes, valid);
        } finally {
            spaces.leave(before);
        }
    }

    /** Code of an image was mapped. */
    NtStatus mapped(ProcessSpace space, long base, @Nullable ImageCode code) {
        if (space.guardBitmap() == 0 || code == null) {
            return NtStatus.SUCCESS;
        }
        NtStatus status = NtStatus.SUCCESS;
        for (int i = 0; i < code.ranges().length && status.isSuccess(); i += 2) {
            long first = base + code.ranges()[i];
            status = fill(space, first, first + Pages.up(code.ranges()[i + 1]), code.targets() == null);
        }
        if (code.targets() != null) {
            for (int i = 0; i < code.targets().length && status.isSuccess(); i++) {
                status = set(space, base + code.targets()[i], true);
            }
        }
        return status;
    }

    /** Memory is gone, and with it whatever could be called there. */
    void released(ProcessSpace space, long first, long end) {
        fill(space, first, end, false);
    }

    /**
     * {@code NtSetInformationVirtualMemory(VmCfgCallTargetInformation)}: says of single places in executable memory whether indirect
     * calls may go there.
     *
     * @param region pages, all of one region
     * @param offsets from its start, multiples of 16, ascending
     * @param valid one for each of them
     * @param viewOnly whether the region must be of a view of a data section rather than private
     * @return how many were done in {@code done[0]} when it fails on the way
     */
    public NtStatus setTargets(
            Eprocess process,
            VirtualMemoryServices.Region region,
            long[] offsets,
            boolean[] valid,
            boolean viewOnly,
            int[] done) {
        if (Pages.offset(region.base) != 0 || Pages.offset(region.sizeBytes) != 0 || region.sizeBytes == 0) {
            return NtStatus.INVALID_PARAMETER;
        }
        if (Long.compareUnsigned(region.base, process.userEnd()) >= 0
                || Long.compareUnsigned(region.sizeBytes, process.userEnd() - region.base) > 0
                || !new Mitigations(process).hasControlFlowGuard()) {
            return NtStatus.INVALID_PARAMETER;
        }
        long before = spaces.enter(process);
        try {
            ProcessSpace space = spaces.entered();
            NtStatus status = mayChange(space, region, viewOnly);
            long last = -1;
            for (int i = 0; i < offsets.length && status.isSuccess(); i++) {
                boolean isRight =
                        (offsets[i] & GuardBits.GRAIN - 1) == 0 && offsets[i] > last && offsets[i] < region.sizeBytes;
                status = isRight ? set(space, region.base + offsets[i], valid[i]) : NtStatus.INVALID_PARAMETER;
                if (status.isSuccess()) {
                    last = offsets[i];
                    done[0]++;
                }
            }
            return status;
        } finally {
            spaces.leave(before);
        }
    }

    private NtStatus mayChange(ProcessSpace space, VirtualMemoryServices.Region region, boolean viewOnly) {
        long node = space.vads().find(Pages.vpn(region.base));
        if (node == 0) {
            return NtStatus.INVALID_ADDRESS;
        }
        Vad vad = new Vad(memory, node);
        if (Pages.vpn(region.base + region.sizeBytes - 1) > vad.endingVpn() || viewOnly == vad.isPrivate()) {
            return NtStatus.INVALID_PARAMETER;
        }
        VirtualMemoryServices.BasicInformation run = new VirtualMemoryServices.BasicInformation();
        for (long at = region.base; at < region.base + region.sizeBytes; at += run.regionSizeBytes) {
            manager.virtualMemory().query(space.process(), at, run);
            if ((run.protect & PageProtection.PAGE_ANY_EXECUTE) == 0) {
                return NtStatus.INVALID_PARAMETER;
            }
        }
        return NtStatus.SUCCESS;
    }

    // --- bits ---

    /** Whole pages of code; {@code first} and {@code end} are their bounds. */
    private NtStatus fill(ProcessSpace space, long first, long end, boolean valid) {
        long from = space.guardBitmap() + GuardBits.offset(Pages.down(first));
        long to = space.guardBitmap() + GuardBits.offset(Pages.up(end));
        for (long at = from; at < to; ) {
            long next = Math.min(to, Pages.down(at) + Pages.SIZE);
            if (!valid) {
                long gap = tables.gap(Pages.down(at), Pages.up(to));
                if (gap != 0) {
                    at = Pages.down(at) + gap;
                    continue;
                }
            }
            long physical = physical(space, at);
            if (physical == 0) {
                return NtStatus.COMMITMENT_LIMIT;
            }
            for (long i = 0; i < next - at; i += Long.BYTES) {
                manager.mmu().ram().writeLong(physical + i, valid ? -1L : 0);
            }
            at = next;
        }
        return NtStatus.SUCCESS;
    }

    /** One place: its own 16 bytes if it stands at their start, all 16 if it does not. */
    private NtStatus set(ProcessSpace space, long address, boolean valid) {
        long physical = physical(space, space.guardBitmap() + GuardBits.offset(address));
        if (physical == 0) {
            return NtStatus.COMMITMENT_LIMIT;
        }
        long mask = GuardBits.mask(address);
        long old = manager.mmu().ram().readLong(physical);
        long now = valid ? old | mask : old & ~GuardBits.pair(address);
        manager.mmu().ram().writeLong(physical, now);
        return NtStatus.SUCCESS;
    }

    /** Where a byte of the bitmap is in RAM, its page committed and there; 0 when there is no room. */
    private long physical(ProcessSpace space, long at) {
        long page = Pages.down(at);
        if (tables.read(page) == 0
                && !manager.virtualMemory()
                        .commitPages(space, page, page + Pages.SIZE - 1, PageProtection.READONLY)
                        .isSuccess()) {
            return 0;
        }
        try {
            memory.readByte(page);
        } catch (MemoryFault noRoom) {
            return 0;
        }
        long frame = Pte.frame(tables.read(page));
        // Written behind the processor's back, by its frame: nothing else notes that.
        manager.pfns().pfn(frame).setModified(true);
        return (frame << Pages.SHIFT) + Pages.offset(at);
    }

    /** The bitmap of a process that has one already, found again. */
    static long find(Memory memory, VadTree vads, Eprocess process) {
        long pages = GuardBits.sizeBytes(process.userEnd()) >>> Pages.SHIFT;
        for (long node = vads.first(); node != 0; node = vads.next(node)) {
            Vad vad = new Vad(memory, node);
            if (vad.isPrivate() && vad.isNoChange() && vad.endingVpn() - vad.startingVpn() + 1 == pages) {
                return vad.startingVpn() << Pages.SHIFT;
            }
        }
        return 0;
    }
}
