package org.vadose.nt;

import org.vadose.layout.RtlBitmapExLayout;
import org.vadose.memory.Memory;

/**
 * Which frames of RAM a process owns as physical pages (AWE, {@code _AWEINFO}): a {@code _RTL_BITMAP_EX} with a bit for every frame,
 * and the bits behind it. The public symbols do not tell the genuine structure's fields; that it holds such a bitmap, and that
 * {@code _EPROCESS.MmReserved} leads to it, is this machine's choice.
 */
public record AweInfo(Memory memory, long address) {
    /** Bytes for so many frames. */
    public static long sizeBytes(long frames) {
        return RtlBitmapExLayout.SIZE + (frames + 63) / 64 * Long.BYTES;
    }

    public void initialize(long frames) {
        memory.fill(address, sizeBytes(frames), (byte) 0);
        memory.writeLong(address + RtlBitmapExLayout.SIZE_OF_BIT_MAP, frames);
        memory.writeLong(address + RtlBitmapExLayout.BUFFER, address + RtlBitmapExLayout.SIZE);
    }

    public long frames() {
        return memory.readLong(address + RtlBitmapExLayout.SIZE_OF_BIT_MAP);
    }

    private long word(long frame) {
        return memory.readLong(address + RtlBitmapExLayout.BUFFER) + (frame >>> 6) * Long.BYTES;
    }

    public boolean owns(long frame) {
        return frame >= 0 && frame < frames() && (memory.readLong(word(frame)) >>> frame & 1) != 0;
    }

    public void setOwned(long frame, boolean owned) {
        long at = word(frame);
        long bit = 1L << frame;
        memory.writeLong(at, owned ? memory.readLong(at) | bit : memory.readLong(at) & ~bit);
    }

    /** The first owned frame from this one on, -1 for none. */
    public long next(long from) {
        for (long frame = from; frame < frames(); frame++) {
            long rest = memory.readLong(word(frame)) >>> frame;
            if (rest != 0) {
                return frame + Long.numberOfTrailingZeros(rest);
            }
            frame |= 63;
        }
        return -1;
    }
}
