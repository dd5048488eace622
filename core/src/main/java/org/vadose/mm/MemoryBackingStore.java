package org.vadose.mm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.PhysicalMemory;

/** A page file in the host's memory: in blocks of 1 MB that come with their first write. */
public final class MemoryBackingStore implements BackingStore {
    private static final int BLOCK_PAGES_SHIFT = 8;
    private static final long BLOCK_BYTES = Pages.SIZE << BLOCK_PAGES_SHIFT;

    private final Arena arena = Arena.ofShared();
    private final Map<Long, MemorySegment> blocks = new HashMap<>();

    @Override
    public NtStatus read(long slot, PhysicalMemory ram, long[] frames, int count) {
        for (int i = 0; i < count; i++) {
            MemorySegment block = blocks.get(slot + i >>> BLOCK_PAGES_SHIFT);
            if (block == null) {
                ram.zeroFrame(frames[i]);
            } else {
                ram.writeFrame(frames[i], block, offset(slot + i));
            }
        }
        return NtStatus.SUCCESS;
    }

    @Override
    public NtStatus write(long slot, PhysicalMemory ram, long[] frames, int count) {
        for (int i = 0; i < count; i++) {
            long number = slot + i >>> BLOCK_PAGES_SHIFT;
            @Nullable MemorySegment block = blocks.get(number);
            if (block == null) {
                block = arena.allocate(BLOCK_BYTES, Pages.SIZE);
                blocks.put(number, block);
            }
            ram.readFrame(frames[i], block, offset(slot + i));
        }
        return NtStatus.SUCCESS;
    }

    private static long offset(long slot) {
        return (slot << Pages.SHIFT) & BLOCK_BYTES - 1;
    }

    @Override
    public void close() {
        arena.close();
    }
}
