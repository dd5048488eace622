package org.vadose.win32.heap;

import org.vadose.memory.Memory;
import org.vadose.rtl.HeapException;
import org.vadose.rtl.HeapFlags;
import org.vadose.rtl.NtHeap;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiModule;

/**
 * {@code Local*} and {@code Global*} of kernel32 on the default heap. A fixed block's handle is its address. A moveable block's
 * handle points into an entry of two words, 8 bytes above a multiple of 16, which no block's address is:
 *
 * <pre>
 * entry    mark (2 bytes), lock count (1 byte), flags (1 byte)
 * handle   address of the data, 0 while discarded
 * </pre>
 *
 * The data is a heap block whose user value is the handle.
 */
final class LocalFunctions {
    private static final int MOVEABLE = 0x2;
    private static final int ZERO_INIT = 0x40;
    private static final int MODIFY = 0x80;
    private static final int LOCAL_VALID = 0xF72;
    private static final int GLOBAL_VALID = 0x7F72;
    private static final int LOCAL_DISCARDABLE = 0xF00;
    private static final int GLOBAL_DISCARDABLE = 0x100;
    private static final int DISCARDED = 0x4000;
    private static final int INVALID_HANDLE_FLAGS = 0x8000;

    private static final int ERROR_INVALID_HANDLE = 6;
    private static final int ERROR_NOT_ENOUGH_MEMORY = 8;
    private static final int ERROR_INVALID_PARAMETER = 87;
    private static final int ERROR_DISCARDED = 157;
    private static final int ERROR_NOT_LOCKED = 158;

    private static final int ENTRY_BYTES = 16;
    private static final int ENTRY_MARK = 0x4C48;
    private static final int LOCKS = 2;
    private static final int FLAGS = 3;
    private static final int FLAG_DISCARDABLE = 1;
    private static final int FLAG_DISCARDED = 2;
    private static final int MOST_LOCKS = 0xFF;

    private LocalFunctions() {}

    static void addToKernel32(ApiModule kernel32) {
        for (boolean global : new boolean[] {false, true}) {
            String name = global ? "Global" : "Local";
            kernel32.function(name + "Alloc", HeapFunctions.guarded(call -> allocate(call, global)))
                    .function(name + "ReAlloc", HeapFunctions.guarded(LocalFunctions::reAllocate))
                    .function(name + "Free", HeapFunctions.guarded(LocalFunctions::free))
                    .function(name + "Lock", HeapFunctions.guarded(LocalFunctions::lock))
                    .function(name + "Unlock", HeapFunctions.guarded(call -> unlock(call, global)))
                    .function(name + "Size", HeapFunctions.guarded(LocalFunctions::size))
                    .function(name + "Flags", HeapFunctions.guarded(call -> flags(call, global)))
                    .function(name + "Handle", HeapFunctions.guarded(LocalFunctions::handle));
        }
    }

    private static NtHeap heap(ApiCall call) {
        GuestHeaps heaps = GuestHeaps.of(call.process());
        NtHeap heap = heaps.processHeap();
        heaps.awaitUnlocked(heap, call.thread());
        return heap;
    }

    private static boolean isMoveable(long handle) {
        return (handle & 0xF) == 8;
    }

    /** The entry behind a moveable block's handle, or 0. */
    private static long entry(ApiCall call, long handle) {
        long entry = handle - 8;
        return heap(call).validate(entry) && call.memory().readUnsignedShort(entry) == ENTRY_MARK ? entry : 0;
    }

    private static int entryFlags(Memory memory, long entry) {
        return memory.readUnsignedByte(entry + FLAGS);
    }

    private static int locks(Memory memory, long entry) {
        return memory.readUnsignedByte(entry + LOCKS);
    }

    private static long data(Memory memory, long entry) {
        return memory.readLong(entry + 8);
    }

    private static void setData(Memory memory, long entry, long data) {
        memory.writeLong(entry + 8, data);
        int flags = entryFlags(memory, entry);
        memory.writeByte(entry + FLAGS, (byte) (data == 0 ? flags | FLAG_DISCARDED : flags & ~FLAG_DISCARDED));
    }

    private static int discardable(boolean global) {
        return global ? GLOBAL_DISCARDABLE : LOCAL_DISCARDABLE;
    }

    private static long allocate(ApiCall call, boolean global) {
        int flags = call.intArg(0);
        if ((flags & ~(global ? GLOBAL_VALID : LOCAL_VALID)) != 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        NtHeap heap = heap(call);
        int zero = (flags & ZERO_INIT) != 0 ? HeapFlags.ZERO_MEMORY : 0;
        if ((flags & MOVEABLE) == 0) {
            long block = heap.allocate(zero, call.arg(1));
            return block != 0 ? block : call.fail(ERROR_NOT_ENOUGH_MEMORY);
        }
        Memory memory = call.memory();
        long entry = heap.allocate(HeapFlags.ZERO_MEMORY, ENTRY_BYTES);
        if (entry == 0) {
            return call.fail(ERROR_NOT_ENOUGH_MEMORY);
        }
        memory.writeShort(entry, (short) ENTRY_MARK);
        memory.writeByte(entry + FLAGS, (byte) ((flags & discardable(global)) != 0 ? FLAG_DISCARDABLE : 0));
        long data = 0;
        if (call.arg(1) != 0) {
            data = heap.allocate(zero | HeapFlags.SETTABLE_USER_VALUE, call.arg(1));
            if (data == 0) {
                heap.free(0, entry);
                return call.fail(ERROR_NOT_ENOUGH_MEMORY);
            }
            heap.setUserValue(data, entry + 8);
        }
        setData(memory, entry, data);
        return entry + 8;
    }

    private static long reAllocate(ApiCall call) {
        long handle = call.arg(0);
        long size = call.arg(1);
        int flags = call.intArg(2);
        NtHeap heap = heap(call);
        int zero = (flags & ZERO_INIT) != 0 ? HeapFlags.ZERO_MEMORY : 0;
        if (!isMoveable(handle)) {
            if ((flags & MODIFY) != 0) {
                return (flags & MOVEABLE) != 0 ? call.fail(ERROR_INVALID_PARAMETER) : handle;
            }
            int inPlace = (flags & MOVEABLE) == 0 ? HeapFlags.REALLOC_IN_PLACE_ONLY : 0;
            long block = heap.reAllocate(zero | inPlace, handle, size);
            return block != 0 ? block : call.fail(ERROR_NOT_ENOUGH_MEMORY);
        }
        Memory memory = call.memory();
        long entry = entry(call, handle);
        if (entry == 0) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        if ((flags & MODIFY) != 0) {
            int kept = entryFlags(memory, entry) & ~FLAG_DISCARDABLE;
            boolean discardable = (flags & LOCAL_DISCARDABLE) != 0;
            memory.writeByte(entry + FLAGS, (byte) (discardable ? kept | FLAG_DISCARDABLE : kept));
            return handle;
        }
        return resize(call, heap, entry, size, zero);
    }

    private static long resize(ApiCall call, NtHeap heap, long entry, long size, int zero) {
        Memory memory = call.memory();
        long data = data(memory, entry);
        if (size == 0) {
            // Discarding: only what nobody has locked.
            if (locks(memory, entry) != 0) {
                return call.fail(ERROR_INVALID_PARAMETER);
            }
            heap.free(0, data);
            setData(memory, entry, 0);
            return entry + 8;
        }
        long moved;
        if (data == 0) {
            moved = heap.allocate(zero | HeapFlags.SETTABLE_USER_VALUE, size);
        } else {
            int inPlace = locks(memory, entry) != 0 ? HeapFlags.REALLOC_IN_PLACE_ONLY : 0;
            moved = heap.reAllocate(zero | inPlace, data, size);
        }
        if (moved == 0) {
            return call.fail(ERROR_NOT_ENOUGH_MEMORY);
        }
        heap.setUserValue(moved, entry + 8);
        setData(memory, entry, moved);
        return entry + 8;
    }

    private static long free(ApiCall call) {
        long handle = call.arg(0);
        if (handle == 0) {
            return 0;
        }
        NtHeap heap = heap(call);
        if (!isMoveable(handle)) {
            try {
                heap.free(0, handle);
                return 0;
            } catch (HeapException notABlock) {
                call.fail(ERROR_INVALID_HANDLE);
                return handle;
            }
        }
        long entry = entry(call, handle);
        if (entry == 0) {
            call.fail(ERROR_INVALID_HANDLE);
            return handle;
        }
        heap.free(0, data(call.memory(), entry));
        call.memory().writeShort(entry, (short) 0);
        heap.free(0, entry);
        return 0;
    }

    private static long lock(ApiCall call) {
        long handle = call.arg(0);
        if (!isMoveable(handle)) {
            return heap(call).validate(handle) && handle != 0 ? handle : call.fail(ERROR_INVALID_HANDLE);
        }
        Memory memory = call.memory();
        long entry = entry(call, handle);
        if (entry == 0) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        if (data(memory, entry) == 0) {
            return call.fail(ERROR_DISCARDED);
        }
        int locks = locks(memory, entry);
        if (locks < MOST_LOCKS) {
            memory.writeByte(entry + LOCKS, (byte) (locks + 1));
        }
        return data(memory, entry);
    }

    private static long unlock(ApiCall call, boolean global) {
        long handle = call.arg(0);
        if (!isMoveable(handle)) {
            return global ? 1 : call.fail(ERROR_NOT_LOCKED);
        }
        Memory memory = call.memory();
        long entry = entry(call, handle);
        if (entry == 0) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        int locks = locks(memory, entry);
        if (locks == 0) {
            return call.fail(ERROR_NOT_LOCKED);
        }
        memory.writeByte(entry + LOCKS, (byte) (locks - 1));
        return locks > 1 ? 1 : call.fail(0);
    }

    private static long size(ApiCall call) {
        long handle = call.arg(0);
        NtHeap heap = heap(call);
        if (!isMoveable(handle)) {
            return handle != 0 && heap.validate(handle) ? heap.size(handle) : call.fail(ERROR_INVALID_HANDLE);
        }
        long entry = entry(call, handle);
        if (entry == 0) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        long data = data(call.memory(), entry);
        return data == 0 ? 0 : heap.size(data);
    }

    private static long flags(ApiCall call, boolean global) {
        long handle = call.arg(0);
        if (!isMoveable(handle)) {
            if (handle != 0 && heap(call).validate(handle)) {
                return 0;
            }
            call.fail(ERROR_INVALID_HANDLE);
            return INVALID_HANDLE_FLAGS;
        }
        Memory memory = call.memory();
        long entry = entry(call, handle);
        if (entry == 0) {
            call.fail(ERROR_INVALID_HANDLE);
            return INVALID_HANDLE_FLAGS;
        }
        int flags = entryFlags(memory, entry);
        return locks(memory, entry)
                | ((flags & FLAG_DISCARDABLE) != 0 ? discardable(global) : 0)
                | ((flags & FLAG_DISCARDED) != 0 ? DISCARDED : 0);
    }

    private static long handle(ApiCall call) {
        NtHeap heap = heap(call);
        long address = call.arg(0);
        if (isMoveable(address)) {
            return entry(call, address) != 0 ? address : call.fail(ERROR_INVALID_HANDLE);
        }
        if (address == 0 || !heap.validate(address)) {
            return call.fail(ERROR_INVALID_HANDLE);
        }
        long owner = heap.userValue(address);
        return owner != 0 ? owner : address;
    }
}
