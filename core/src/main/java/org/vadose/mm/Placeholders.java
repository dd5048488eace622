package org.vadose.mm;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.ResourcesException;
import org.vadose.layout.MiVadEventBlockLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.PageProtection;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.Vad;

/**
 * Reserved regions that only wait to be replaced: split, joined, replaced by private memory or a view, and put back.
 *
 * <pre>
 *   free --MEM_RESERVE_PLACEHOLDER--> placeholder --MEM_REPLACE_PLACEHOLDER--> private memory, or a view
 *   placeholder --MEM_PRESERVE_PLACEHOLDER--> two or three placeholders --MEM_COALESCE_PLACEHOLDERS--> one
 *   private memory, or a view, that replaced one --MEM_PRESERVE_PLACEHOLDER--> placeholder
 * </pre>
 *
 * An event block of the VAD ({@code _MI_VAD_EVENT_BLOCK}) says that it is one, or replaced one; the values of its
 * {@code WaitReason} are this machine's choice.
 */
final class Placeholders {
    static final int MEM_COALESCE = 1;
    static final int MEM_PRESERVE = 2;

    private static final int TAG = PoolTag.of("MmVe");
    private static final int WAITS = 1;
    private static final int REPLACED = 2;

    private final MemoryManager manager;
    private final Memory memory;

    Placeholders(MemoryManager manager) {
        this.manager = manager;
        this.memory = manager.kernelMemory();
    }

    private void mark(Vad vad, int reason) {
        long block = vad.eventList();
        if (block == 0) {
            block = manager.pool().allocate(PoolType.NON_PAGED_POOL_NX, MiVadEventBlockLayout.SIZE, TAG);
            memory.fill(block, MiVadEventBlockLayout.SIZE, (byte) 0);
            vad.setEventList(block);
        }
        memory.writeLong(block + MiVadEventBlockLayout.PLACEHOLDER_VAD, vad.address());
        memory.writeInt(block + MiVadEventBlockLayout.WAIT_REASON, reason);
    }

    private boolean hasMark(Vad vad, int reason) {
        return vad.type() == 0
                && !vad.isWriteWatch()
                && vad.eventList() != 0
                && memory.readInt(vad.eventList() + MiVadEventBlockLayout.WAIT_REASON) == reason;
    }

    boolean isPlaceholder(Vad vad) {
        return vad.isPrivate() && hasMark(vad, WAITS);
    }

    /** A part of a placeholder, or of what replaced one, becomes a region of its own: it is the same. */
    void copyMark(Vad whole, Vad part) {
        mark(part, memory.readInt(whole.eventList() + MiVadEventBlockLayout.WAIT_REASON));
    }

    /** Makes a region that was just reserved a placeholder. */
    void become(Vad vad) {
        mark(vad, WAITS);
    }

    /**
     * Replaces a placeholder, which the range must be exactly, by private memory.
     *
     * @param last address of the last byte
     */
    NtStatus replace(ProcessSpace space, Commit commit, long first, long last, boolean committed, int protection) {
        Vad vad = exactly(space, first, last);
        if (vad == null) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        long count = Pages.count(last - first + 1);
        if (committed && !commit.charge(space.process(), count)) {
            return NtStatus.COMMITMENT_LIMIT;
        }
        vad.setFlags(protection, true, 0, false);
        vad.setCommitment(committed, committed ? count : 0);
        mark(vad, REPLACED);
        return NtStatus.SUCCESS;
    }

    /**
     * Takes a placeholder, which the range must be exactly, away, for a view in its stead: until {@link #replacedBy} or
     * {@link #putBack}.
     *
     * @param last address of the last byte
     * @return null when there is no such placeholder
     */
    @Nullable Vad take(ProcessSpace space, long first, long last) {
        Vad vad = exactly(space, first, last);
        if (vad != null) {
            space.vads().remove(vad.address());
            space.process().addVirtualSize(-(last - first + 1));
        }
        return vad;
    }

    /** Notes that a view stands where a placeholder was. */
    void replacedBy(Vad placeholder, Vad view) {
        view.setEventList(placeholder.eventList());
        mark(view, REPLACED);
        manager.pool().free(placeholder.address());
    }

    /** Puts a placeholder where it was, or where a view that replaced one has just gone. */
    void putBack(ProcessSpace space, Vad placeholder) {
        space.vads().insert(placeholder.address());
        space.process().addVirtualSize(placeholder.range().sizeBytes());
    }

    /**
     * A placeholder in no tree yet.
     *
     * @throws ResourcesException when the pool is exhausted
     */
    Vad prepare(long firstVpn, long lastVpn) {
        Vad vad = manager.virtualMemory().regions().newVad(Vad.TAG_SHORT, Vad.SIZE_SHORT, firstVpn, lastVpn);
        vad.setFlags(PageProtection.NOACCESS, true, 0, false);
        try {
            mark(vad, WAITS);
        } catch (ResourcesException exhausted) {
            manager.pool().free(vad.address());
            throw exhausted;
        }
        return vad;
    }

    private void discard(Vad prepared) {
        manager.pool().free(prepared.eventList());
        manager.pool().free(prepared.address());
    }

    private @Nullable Vad exactly(ProcessSpace space, long first, long last) {
        long node = space.vads().find(Pages.vpn(first));
        if (node == 0) {
            return null;
        }
        Vad vad = new Vad(memory, node);
        boolean fits = isPlaceholder(vad)
                && vad.startingVpn() << Pages.SHIFT == first
                && (vad.endingVpn() + 1 << Pages.SHIFT) - 1 == last;
        return fits ? vad : null;
    }

    /** Private memory that replaced a placeholder and has been emptied becomes one again; false when it never replaced one. */
    boolean restore(Vad vad) {
        if (!hasMark(vad, REPLACED)) {
            return false;
        }
        vad.setFlags(PageProtection.NOACCESS, true, 0, false);
        vad.setCommitment(false, 0);
        mark(vad, WAITS);
        return true;
    }

    boolean isReplacement(Vad vad) {
        return hasMark(vad, REPLACED);
    }

    /** Cuts a range out of a placeholder, so that it is one by itself. */
    NtStatus split(ProcessSpace space, Vad vad, long firstVpn, long lastVpn) {
        long start = vad.startingVpn();
        long end = vad.endingVpn();
        if (firstVpn == start && lastVpn == end) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        Vad middle = null;
        Vad upper = null;
        try {
            middle = firstVpn == start ? null : prepare(firstVpn, lastVpn);
            upper = lastVpn == end ? null : prepare(lastVpn + 1, end);
        } catch (ResourcesException exhausted) {
            if (middle != null) {
                discard(middle);
            }
            return exhausted.status();
        }
        vad.setRange(start, firstVpn == start ? lastVpn : firstVpn - 1);
        for (Vad part : new Vad[] {middle, upper}) {
            if (part != null) {
                part.copyFlags(vad);
                space.vads().insert(part.address());
            }
        }
        return NtStatus.SUCCESS;
    }

    /** Joins placeholders; the range is exactly two or more of them, one behind the other. */
    NtStatus coalesce(ProcessSpace space, long firstVpn, long lastVpn) {
        long node = space.vads().find(firstVpn);
        if (node == 0 || new Vad(memory, node).startingVpn() != firstVpn) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        Vad first = new Vad(memory, node);
        long reached = firstVpn - 1;
        int parts = 0;
        for (long at = node; at != 0 && reached < lastVpn; at = space.vads().next(at)) {
            Vad part = new Vad(memory, at);
            if (!isPlaceholder(part) || part.startingVpn() != reached + 1) {
                return NtStatus.CONFLICTING_ADDRESSES;
            }
            reached = part.endingVpn();
            parts++;
        }
        if (reached != lastVpn || parts < 2) {
            return NtStatus.CONFLICTING_ADDRESSES;
        }
        while (first.endingVpn() != lastVpn) {
            Vad next = new Vad(memory, space.vads().next(first.address()));
            long end = next.endingVpn();
            space.vads().remove(next.address());
            discard(next);
            first.setRange(firstVpn, end);
        }
        return NtStatus.SUCCESS;
    }
}
