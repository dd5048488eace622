package org.vadose.mm;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.layout.MiVadEventBlockLayout;
import org.vadose.layout.RtlBitmapExLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.Pte;
import org.vadose.nt.Vad;

/**
 * Private memory whose writes are watched ({@code MEM_WRITE_WATCH}). A page was written since the last reset if its PTE is valid and
 * dirty, or if its bit is set in the region's bitmap, which an event block of the VAD ({@code _MI_VAD_EVENT_BLOCK.BitMap}) holds:
 * whoever gives up a dirty bit saves it there.
 */
public final class WriteWatch {
    /** {@code WRITE_WATCH_FLAG_RESET}. */
    public static final int RESET = 1;

    private static final int TAG = PoolTag.of("MmVe");

    private final MemoryManager manager;
    private final AddressSpaces spaces;
    private final UserTables tables;
    private final PfnDatabase pfns;
    private final Memory memory;

    WriteWatch(MemoryManager manager, AddressSpaces spaces, UserTables tables) {
        this.manager = manager;
        this.spaces = spaces;
        this.tables = tables;
        this.pfns = manager.pfns();
        this.memory = manager.kernelMemory();
    }

    // --- bitmaps ---

    /** Begins to watch a region that was just made. */
    void watch(Eprocess process, Vad vad) {
        process.setHasWriteWatch();
        vad.setWriteWatch();
        vad.setEventList(newBlock(vad.endingVpn() - vad.startingVpn() + 1));
    }

    private long newBlock(long pages) {
        long bytes = (pages + 63) / 64 * Long.BYTES;
        long block = manager.pool().allocate(PoolType.NON_PAGED_POOL_NX, MiVadEventBlockLayout.SIZE + bytes, TAG);
        memory.fill(block, MiVadEventBlockLayout.SIZE + bytes, (byte) 0);
        long bitmap = block + MiVadEventBlockLayout.BIT_MAP;
        memory.writeLong(bitmap + RtlBitmapExLayout.SIZE_OF_BIT_MAP, pages);
        memory.writeLong(bitmap + RtlBitmapExLayout.BUFFER, block + MiVadEventBlockLayout.SIZE);
        return block;
    }

    private long word(Vad vad, long index) {
        long bitmap = vad.eventList() + MiVadEventBlockLayout.BIT_MAP;
        return memory.readLong(bitmap + RtlBitmapExLayout.BUFFER) + (index >>> 6) * Long.BYTES;
    }

    private boolean bit(Vad vad, long index) {
        return (memory.readLong(word(vad, index)) >>> index & 1) != 0;
    }

    private void setBit(Vad vad, long index, boolean set) {
        long at = word(vad, index);
        long bits = memory.readLong(at);
        memory.writeLong(at, set ? bits | 1L << index : bits & ~(1L << index));
    }

    /** A page's dirty bit is about to be lost. */
    void capture(ProcessSpace space, long page) {
        if (!space.process().hasWriteWatch()) {
            return;
        }
        long node = space.vads().find(Pages.vpn(page));
        if (node != 0) {
            Vad vad = new Vad(memory, node);
            if (vad.isWriteWatch()) {
                setBit(vad, Pages.vpn(page) - vad.startingVpn(), true);
            }
        }
    }

    /** Pages of a watched region are given up: they count as not written. */
    void forget(Vad vad, long firstVpn, long lastVpn) {
        for (long vpn = firstVpn; vpn <= lastVpn; vpn++) {
            setBit(vad, vpn - vad.startingVpn(), false);
        }
    }

    /**
     * A part of a watched region becomes a region of its own: gives it a bitmap.
     *
     * @param whole as it was before its range shrank
     */
    void split(Vad whole, Vad part) {
        long pages = part.endingVpn() - part.startingVpn() + 1;
        long block = newBlock(pages);
        copyBits(whole, part.startingVpn() - whole.startingVpn(), block, pages);
        part.setWriteWatch();
        part.setEventList(block);
    }

    /** A watched region is about to lose its lower part. */
    void shrink(Vad vad, long firstVpn, long lastVpn) {
        long skipped = firstVpn - vad.startingVpn();
        long pages = lastVpn - firstVpn + 1;
        // In place, since giving memory back must not need any.
        for (long i = 0; i < pages; i++) {
            setBit(vad, i, bit(vad, skipped + i));
        }
        long bitmap = vad.eventList() + MiVadEventBlockLayout.BIT_MAP;
        memory.writeLong(bitmap + RtlBitmapExLayout.SIZE_OF_BIT_MAP, pages);
    }

    private void copyBits(Vad from, long skipped, long block, long pages) {
        long buffer = block + MiVadEventBlockLayout.SIZE;
        for (long i = 0; i < pages; i++) {
            if (bit(from, skipped + i)) {
                long at = buffer + (i >>> 6) * Long.BYTES;
                memory.writeLong(at, memory.readLong(at) | 1L << i);
            }
        }
    }

    // --- services ---

    /**
     * {@code NtGetWriteWatch}: the written pages of a range, from the lowest on.
     *
     * @param flags 0 or {@link #RESET}, which makes the pages that are told count as not written
     * @param found takes their addresses; its length is the most that are told
     * @param count how many were told
     */
    public NtStatus get(Eprocess process, int flags, long base, long sizeBytes, long[] found, int[] count) {
        count[0] = 0;
        if ((flags & ~RESET) != 0) {
            return NtStatus.INVALID_PARAMETER_2;
        }
        if (found.length == 0) {
            return NtStatus.INVALID_PARAMETER_5;
        }
        NtStatus bad = validate(process, base, sizeBytes);
        if (!bad.isSuccess()) {
            return bad;
        }
        long last = Pages.down(base + sizeBytes - 1);
        long before = spaces.enter(process);
        try {
            ProcessSpace space = spaces.entered();
            Vad vad = watched(space, base, last);
            if (vad == null) {
                return NtStatus.INVALID_PARAMETER_1;
            }
            for (long page = Pages.down(base); page <= last && count[0] < found.length; page += Pages.SIZE) {
                if (isWritten(vad, page)) {
                    found[count[0]++] = page;
                    if ((flags & RESET) != 0) {
                        reset(space, vad, page);
                    }
                }
            }
            return NtStatus.SUCCESS;
        } finally {
            spaces.leave(before);
        }
    }

    /** {@code NtResetWriteWatch}: the pages of a range count as not written. */
    public NtStatus reset(Eprocess process, long base, long sizeBytes) {
        NtStatus bad = validate(process, base, sizeBytes);
        if (!bad.isSuccess()) {
            return bad;
        }
        long last = Pages.down(base + sizeBytes - 1);
        long before = spaces.enter(process);
        try {
            ProcessSpace space = spaces.entered();
            Vad vad = watched(space, base, last);
            if (vad == null) {
                return NtStatus.INVALID_PARAMETER_1;
            }
            for (long page = Pages.down(base); page <= last; page += Pages.SIZE) {
                reset(space, vad, page);
            }
            return NtStatus.SUCCESS;
        } finally {
            spaces.leave(before);
        }
    }

    private static NtStatus validate(Eprocess process, long base, long sizeBytes) {
        if (Long.compareUnsigned(base, process.userEnd()) >= 0) {
            return NtStatus.INVALID_PARAMETER_2;
        }
        return sizeBytes == 0 || Long.compareUnsigned(sizeBytes, process.userEnd() - base) > 0
                ? NtStatus.INVALID_PARAMETER_3
                : NtStatus.SUCCESS;
    }

    /** The watched region that holds all of a range; null when none does. */
    private @Nullable Vad watched(ProcessSpace space, long base, long lastPage) {
        long node = space.vads().find(Pages.vpn(base));
        Vad vad = new Vad(memory, node);
        return node != 0 && vad.isWriteWatch() && Pages.vpn(lastPage) <= vad.endingVpn() ? vad : null;
    }

    private boolean isWritten(Vad vad, long page) {
        long pte = tables.read(page);
        return bit(vad, Pages.vpn(page) - vad.startingVpn())
                || Pte.kind(pte) == Pte.Kind.VALID && (pte & X64PageTables.DIRTY) != 0;
    }

    private void reset(ProcessSpace space, Vad vad, long page) {
        setBit(vad, Pages.vpn(page) - vad.startingVpn(), false);
        long pte = tables.read(page);
        if (Pte.kind(pte) == Pte.Kind.VALID && (pte & X64PageTables.DIRTY) != 0) {
            // The contents are still nowhere else.
            pfns.pfn(Pte.frame(pte)).setModified(true);
            tables.write(space.workingSet(), page, pte & ~X64PageTables.DIRTY);
        }
    }
}
