package org.vadose.win32.crt;

import org.vadose.memory.Memory;
import org.vadose.rtl.HeapException;
import org.vadose.rtl.HeapFlags;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiFunction;
import org.vadose.win32.ApiModule;
import org.vadose.win32.heap.GuestHeaps;

/** {@code malloc} and kin on the process heap, and functions on plain memory. */
final class MemoryFunctions {
    private static final int ALIGNED_HEADER = 16;

    private MemoryFunctions() {}

    static void addTo(ApiModule msvcrt) {
        msvcrt.function("malloc", guarded(call -> allocate(call, 0, call.arg(0))))
                .function("calloc", guarded(MemoryFunctions::clearAllocate))
                .function("realloc", guarded(MemoryFunctions::reAllocate))
                .function("free", guarded(MemoryFunctions::free))
                .function("_msize", guarded(call -> CrtState.of(call).heap().size(call.arg(0))))
                .function("_expand", guarded(MemoryFunctions::expand))
                .function("_heapchk", call -> CrtState.of(call).heap().validate(0) ? -2 : -4)
                .function("_heapmin", guarded(MemoryFunctions::minimize))
                .function("_heapset", call -> CrtState.of(call).heap().validate(0) ? -2 : -4)
                .function("_aligned_realloc", guarded(MemoryFunctions::alignedReAllocate))
                .function("_aligned_msize", guarded(MemoryFunctions::alignedSize))
                .function("_recalloc", guarded(MemoryFunctions::clearReAllocate))
                .function("_aligned_malloc", guarded(MemoryFunctions::alignedAllocate))
                .function("_aligned_free", guarded(MemoryFunctions::alignedFree))
                .function("_get_heap_handle", call -> CrtState.of(call).heap().address())
                .function("memcpy", MemoryFunctions::copy)
                .function("memmove", MemoryFunctions::copy)
                .function("_memccpy", MemoryFunctions::copyUntil)
                .function("memset", MemoryFunctions::fill)
                .function("memcmp", call -> GuestText.compare(call.memory(), call.arg(0), call.arg(1), call.arg(2)))
                .function("memchr", MemoryFunctions::find)
                .function("_memicmp", MemoryFunctions::compareIgnoringCase)
                .function("_swab", MemoryFunctions::swap)
                .function("memcpy_s", MemoryFunctions::copySafely)
                .function("memmove_s", MemoryFunctions::copySafely);
    }

    private static ApiFunction guarded(ApiFunction body) {
        return call -> {
            try {
                return body.call(call);
            } catch (HeapException problem) {
                GuestHeaps.raise(call.thread(), problem);
                return 0;
            }
        };
    }

    private static long minimize(ApiCall call) {
        CrtState.of(call).heap().trim();
        return 0;
    }

    static long allocate(ApiCall call, int flags, long size) {
        long block = CrtState.of(call).heap().allocate(flags, size);
        if (block == 0) {
            CrtState.setErrno(call, CrtState.ENOMEM);
        }
        return block;
    }

    private static long clearAllocate(ApiCall call) {
        long count = call.arg(0);
        long size = call.arg(1);
        if (Math.unsignedMultiplyHigh(count, size) != 0) {
            CrtState.setErrno(call, CrtState.ENOMEM);
            return 0;
        }
        return allocate(call, HeapFlags.ZERO_MEMORY, count * size);
    }

    private static long reAllocate(ApiCall call) {
        long block = call.arg(0);
        if (block == 0) {
            return allocate(call, 0, call.arg(1));
        }
        if (call.arg(1) == 0) {
            CrtState.of(call).heap().free(0, block);
            return 0;
        }
        long moved = CrtState.of(call).heap().reAllocate(0, block, call.arg(1));
        if (moved == 0) {
            CrtState.setErrno(call, CrtState.ENOMEM);
        }
        return moved;
    }

    private static long free(ApiCall call) {
        CrtState.of(call).heap().free(0, call.arg(0));
        return 0;
    }

    private static long expand(ApiCall call) {
        return CrtState.of(call).heap().reAllocate(HeapFlags.REALLOC_IN_PLACE_ONLY, call.arg(0), call.arg(1));
    }

    /** The block's own address stands before the aligned one. */
    private static long alignedAllocate(ApiCall call) {
        long alignment = Math.max(call.arg(1), Long.BYTES);
        if (Long.bitCount(alignment) != 1) {
            CrtState.invalid(call, CrtState.EINVAL);
            return 0;
        }
        long block = allocate(call, 0, call.arg(0) + alignment + ALIGNED_HEADER);
        if (block == 0) {
            return 0;
        }
        long aligned = block + ALIGNED_HEADER + alignment - 1 & -alignment;
        call.memory().writeLong(aligned - Long.BYTES, block);
        return aligned;
    }

    private static long alignedSize(ApiCall call) {
        long block = call.memory().readLong(call.arg(0) - Long.BYTES);
        return CrtState.of(call).heap().size(block) - ALIGNED_HEADER - Math.max(call.arg(1), Long.BYTES);
    }

    private static long alignedReAllocate(ApiCall call) {
        long old = call.arg(0);
        long size = call.arg(1);
        long alignment = Math.max(call.arg(2), Long.BYTES);
        if (Long.bitCount(alignment) != 1) {
            CrtState.invalid(call, CrtState.EINVAL);
            return 0;
        }
        long block = old == 0 ? 0 : call.memory().readLong(old - Long.BYTES);
        if (size == 0 && old != 0) {
            CrtState.of(call).heap().free(0, block);
            return 0;
        }
        long made = allocate(call, 0, size + alignment + ALIGNED_HEADER);
        if (made == 0) {
            return 0;
        }
        long aligned = made + ALIGNED_HEADER + alignment - 1 & -alignment;
        call.memory().writeLong(aligned - Long.BYTES, made);
        if (old != 0) {
            long kept = CrtState.of(call).heap().size(block) - (old - block);
            GuestText.copy(call.memory(), old, aligned, Math.min(kept, size));
            CrtState.of(call).heap().free(0, block);
        }
        return aligned;
    }

    /** {@code _recalloc}: block, count, size; what is added is zero. */
    private static long clearReAllocate(ApiCall call) {
        long count = call.arg(1);
        long size = call.arg(2);
        if (Math.unsignedMultiplyHigh(count, size) != 0) {
            CrtState.setErrno(call, CrtState.ENOMEM);
            return 0;
        }
        if (call.arg(0) == 0) {
            return allocate(call, HeapFlags.ZERO_MEMORY, count * size);
        }
        long moved = CrtState.of(call).heap().reAllocate(HeapFlags.ZERO_MEMORY, call.arg(0), count * size);
        if (moved == 0) {
            CrtState.setErrno(call, CrtState.ENOMEM);
        }
        return moved;
    }

    private static long alignedFree(ApiCall call) {
        if (call.arg(0) != 0) {
            CrtState.of(call).heap().free(0, call.memory().readLong(call.arg(0) - Long.BYTES));
        }
        return 0;
    }

    private static long copy(ApiCall call) {
        GuestText.copy(call.memory(), call.arg(1), call.arg(0), call.arg(2));
        return call.arg(0);
    }

    private static long copySafely(ApiCall call) {
        if (call.arg(3) == 0) {
            return 0;
        }
        if (call.arg(0) == 0 || call.arg(2) == 0) {
            CrtState.invalid(call, CrtState.EINVAL);
            return CrtState.EINVAL;
        }
        if (Long.compareUnsigned(call.arg(1), call.arg(3)) < 0) {
            CrtState.invalid(call, CrtState.ERANGE);
            return CrtState.ERANGE;
        }
        GuestText.copy(call.memory(), call.arg(2), call.arg(0), call.arg(3));
        return 0;
    }

    private static long copyUntil(ApiCall call) {
        long found = GuestText.indexOf(call.memory(), call.arg(1), call.intArg(2), call.arg(3));
        long length = found < 0 ? call.arg(3) : found + 1;
        GuestText.copy(call.memory(), call.arg(1), call.arg(0), length);
        return found < 0 ? 0 : call.arg(0) + length;
    }

    private static long fill(ApiCall call) {
        call.memory().fill(call.arg(0), call.arg(2), (byte) call.intArg(1));
        return call.arg(0);
    }

    private static long find(ApiCall call) {
        long found = GuestText.indexOf(call.memory(), call.arg(0), call.intArg(1), call.arg(2));
        return found < 0 ? 0 : call.arg(0) + found;
    }

    private static long compareIgnoringCase(ApiCall call) {
        Memory memory = call.memory();
        for (long i = 0; i < call.arg(2); i++) {
            int a = Characters.toLower(memory.readUnsignedByte(call.arg(0) + i));
            int b = Characters.toLower(memory.readUnsignedByte(call.arg(1) + i));
            if (a != b) {
                return a - b;
            }
        }
        return 0;
    }

    private static long swap(ApiCall call) {
        for (int i = 0; i + 1 < call.intArg(2); i += 2) {
            int pair = call.memory().readUnsignedShort(call.arg(0) + i);
            call.memory().writeShort(call.arg(1) + i, Short.reverseBytes((short) pair));
        }
        return 0;
    }
}
