package org.vadose.win32.kernel32;

import org.vadose.layout.PebLayout;
import org.vadose.layout.TebLayout;
import org.vadose.memory.Memory;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/**
 * Thread-local and fiber-local slots. TLS: 64 slots in the TEB and 1024 more in a block of their own, given out by the bitmaps in
 * the PEB. FLS: a block at {@code TEB.FlsData}; callbacks run when a slot is freed.
 */
final class StorageFunctions {
    private static final int SLOTS = 64;
    private static final int EXPANSION_SLOTS = 1024;
    private static final int FLS_SLOTS = 128;
    private static final long OUT_OF_INDEXES = 0xFFFF_FFFFL;
    private static final int ERROR_NOT_ENOUGH_MEMORY = 8;
    private static final int ERROR_INVALID_PARAMETER = 87;

    private StorageFunctions() {}

    static void addTo(ApiModule kernel32) {
        kernel32.function("TlsAlloc", StorageFunctions::tlsAlloc)
                .function("TlsFree", StorageFunctions::tlsFree)
                .function("TlsGetValue", StorageFunctions::tlsGetValue)
                .function("TlsSetValue", StorageFunctions::tlsSetValue)
                .function("FlsAlloc", StorageFunctions::flsAlloc)
                .function("FlsFree", StorageFunctions::flsFree)
                .function("FlsGetValue", StorageFunctions::flsGetValue)
                .function("FlsSetValue", StorageFunctions::flsSetValue);
    }

    private static long tlsAlloc(ApiCall call) {
        long peb = call.process().peb();
        int index = takeBit(call.memory(), peb + PebLayout.TLS_BITMAP_BITS, SLOTS);
        if (index < 0) {
            int more = takeBit(call.memory(), peb + PebLayout.TLS_EXPANSION_BITMAP_BITS, EXPANSION_SLOTS);
            if (more < 0) {
                call.setLastError(ERROR_NOT_ENOUGH_MEMORY);
                return OUT_OF_INDEXES;
            }
            index = SLOTS + more;
        }
        for (var thread : call.process().threads()) {
            long slot = existingSlot(call.memory(), thread.teb(), index);
            if (slot != 0) {
                call.memory().writeLong(slot, 0);
            }
        }
        return index;
    }

    /** The first clear bit, which it sets; -1 when there is none. */
    private static int takeBit(Memory memory, long bits, int count) {
        for (int i = 0; i < count; i += 32) {
            int word = memory.readInt(bits + i / 8);
            if (word != -1) {
                int bit = Integer.numberOfTrailingZeros(~word);
                memory.writeInt(bits + i / 8, word | 1 << bit);
                return i + bit;
            }
        }
        return -1;
    }

    private static long tlsFree(ApiCall call) {
        long index = call.unsignedIntArg(0);
        Memory memory = call.memory();
        boolean expansion = index >= SLOTS;
        long bit = expansion ? index - SLOTS : index;
        if (index >= SLOTS + EXPANSION_SLOTS) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        long bits = call.process().peb()
                + (expansion ? PebLayout.TLS_EXPANSION_BITMAP_BITS : PebLayout.TLS_BITMAP_BITS)
                + bit / 32 * 4;
        int word = memory.readInt(bits);
        if ((word & 1 << bit) == 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        memory.writeInt(bits, word & ~(1 << bit));
        for (var thread : call.process().threads()) {
            long slot = existingSlot(memory, thread.teb(), (int) index);
            if (slot != 0) {
                memory.writeLong(slot, 0);
            }
        }
        return 1;
    }

    /** Address of a thread's slot; 0 where its expansion block does not exist yet. */
    private static long existingSlot(Memory memory, long teb, int index) {
        if (index < SLOTS) {
            return teb + TebLayout.TLS_SLOTS + 8L * index;
        }
        long block = memory.readLong(teb + TebLayout.TLS_EXPANSION_SLOTS);
        return block == 0 ? 0 : block + 8L * (index - SLOTS);
    }

    private static long tlsGetValue(ApiCall call) {
        long index = call.unsignedIntArg(0);
        if (index >= SLOTS + EXPANSION_SLOTS) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        call.setLastError(0);
        long slot = existingSlot(call.memory(), call.thread().teb(), (int) index);
        return slot == 0 ? 0 : call.memory().readLong(slot);
    }

    private static long tlsSetValue(ApiCall call) {
        long index = call.unsignedIntArg(0);
        if (index >= SLOTS + EXPANSION_SLOTS) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        Memory memory = call.memory();
        long teb = call.thread().teb();
        long slot = existingSlot(memory, teb, (int) index);
        if (slot == 0) {
            long block = call.process().heap().allocate(8L * EXPANSION_SLOTS);
            memory.writeLong(teb + TebLayout.TLS_EXPANSION_SLOTS, block);
            slot = existingSlot(memory, teb, (int) index);
        }
        memory.writeLong(slot, call.arg(1));
        return 1;
    }

    // --- fiber-local slots ---

    private static long flsAlloc(ApiCall call) {
        int index = call.process().fiberSlots().allocate(call.arg(0));
        if (index < 0) {
            call.setLastError(ERROR_INVALID_PARAMETER);
            return OUT_OF_INDEXES;
        }
        return index;
    }

    private static long flsFree(ApiCall call) {
        long index = call.unsignedIntArg(0);
        if (index >= FLS_SLOTS || !call.process().fiberSlots().isUsed((int) index)) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        long callback = call.process().fiberSlots().free((int) index);
        for (var thread : java.util.List.copyOf(call.process().threads())) {
            long block = call.memory().readLong(thread.teb() + TebLayout.FLS_DATA);
            long value = block == 0 ? 0 : call.memory().readLong(block + 8L * index);
            if (value != 0) {
                call.memory().writeLong(block + 8L * index, 0);
                if (callback != 0) {
                    call.callGuest(callback, value);
                }
            }
        }
        return 1;
    }

    /** Calls the functions of the slots in which an ending thread has a value, then gives its block back. */
    static void threadEnds(ApiCall call) {
        long field = call.thread().teb() + TebLayout.FLS_DATA;
        long block = call.memory().readLong(field);
        if (block == 0) {
            return;
        }
        for (int slot = 1; slot < FLS_SLOTS; slot++) {
            long place = block + 8L * slot;
            long value = call.memory().readLong(place);
            if (value != 0 && call.process().fiberSlots().isUsed(slot)) {
                call.memory().writeLong(place, 0);
                long callback = call.process().fiberSlots().callback(slot);
                if (callback != 0) {
                    call.callGuest(callback, value);
                }
            }
        }
        call.memory().writeLong(field, 0);
        call.process().heap().free(block);
    }

    private static long flsGetValue(ApiCall call) {
        long index = call.unsignedIntArg(0);
        if (index >= FLS_SLOTS || !call.process().fiberSlots().isUsed((int) index)) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        call.setLastError(0);
        long block = call.memory().readLong(call.thread().teb() + TebLayout.FLS_DATA);
        return block == 0 ? 0 : call.memory().readLong(block + 8L * index);
    }

    private static long flsSetValue(ApiCall call) {
        long index = call.unsignedIntArg(0);
        if (index >= FLS_SLOTS || !call.process().fiberSlots().isUsed((int) index)) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        long teb = call.thread().teb();
        long block = call.memory().readLong(teb + TebLayout.FLS_DATA);
        if (block == 0) {
            block = call.process().heap().allocate(8L * FLS_SLOTS);
            call.memory().writeLong(teb + TebLayout.FLS_DATA, block);
        }
        call.memory().writeLong(block + 8L * index, call.arg(1));
        return 1;
    }
}
