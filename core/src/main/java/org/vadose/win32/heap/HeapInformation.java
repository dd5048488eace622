package org.vadose.win32.heap;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.rtl.HeapException;
import org.vadose.rtl.HeapFlags;
import org.vadose.rtl.NtHeap;
import org.vadose.win32.ApiCall;

/**
 * {@code HEAP_INFORMATION_CLASS}: what {@code HeapSetInformation} and {@code HeapQueryInformation} know.
 *
 * <p>Heaps have no front end here, so that they say 0 and refuse the low-fragmentation heap as Windows does where a debugger's heap
 * leaves no room for it (ERROR_GEN_FAILURE).
 */
final class HeapInformation {
    private static final int COMPATIBILITY = 0;
    private static final int TERMINATION_ON_CORRUPTION = 1;
    private static final int OPTIMIZE_RESOURCES = 3;

    private static final int NO_FRONT_END = 0;
    private static final int LOW_FRAGMENTATION = 2;

    /** {@code HEAP_OPTIMIZE_RESOURCES_INFORMATION}: version, flags. */
    private static final int OPTIMIZE_BYTES = 8;

    private static final int OPTIMIZE_VERSION = 1;

    private HeapInformation() {}

    /** What cannot be read or written is a status here, not an exception. */
    static NtStatus done(ApiCall call, Function<ApiCall, NtStatus> body) {
        try {
            return body.apply(call);
        } catch (MemoryFault bad) {
            return bad.status();
        }
    }

    /** Arguments: heap, class, information, its size. */
    static NtStatus set(ApiCall call) {
        long size = call.arg(3);
        Memory memory = call.memory();
        switch (call.intArg(1)) {
            case COMPATIBILITY -> {
                if (Long.compareUnsigned(size, Integer.BYTES) < 0) {
                    return NtStatus.BUFFER_TOO_SMALL;
                }
                int wanted = memory.readInt(call.arg(2));
                NtHeap heap = heap(call);
                if (heap == null) {
                    return NtStatus.ACCESS_VIOLATION;
                }
                return wanted == LOW_FRAGMENTATION && (heap.flags() & HeapFlags.NO_SERIALIZE) != 0
                        ? NtStatus.INVALID_PARAMETER
                        : NtStatus.UNSUCCESSFUL;
            }
            case TERMINATION_ON_CORRUPTION -> {
                // Every 64-bit process has it from its start.
                return NtStatus.SUCCESS;
            }
            case OPTIMIZE_RESOURCES -> {
                if (Long.compareUnsigned(size, OPTIMIZE_BYTES) < 0) {
                    return NtStatus.BUFFER_TOO_SMALL;
                }
                return memory.readInt(call.arg(2)) == OPTIMIZE_VERSION ? optimize(call) : NtStatus.INVALID_PARAMETER;
            }
            default -> {
                return NtStatus.INVALID_PARAMETER;
            }
        }
    }

    /** Without a heap, those with a front end are meant, which none has. */
    private static NtStatus optimize(ApiCall call) {
        if (call.arg(0) == 0) {
            return NtStatus.SUCCESS;
        }
        NtHeap heap = heap(call);
        if (heap == null) {
            return NtStatus.INVALID_PARAMETER;
        }
        GuestHeaps.of(call.process()).awaitUnlocked(heap, call.thread());
        try {
            heap.trim();
        } catch (HeapException damaged) {
            GuestHeaps.raise(call.thread(), damaged);
        }
        return NtStatus.SUCCESS;
    }

    /** Arguments: heap, class, information, its size, where the size that it has goes. */
    static NtStatus query(ApiCall call) {
        int informationClass = call.intArg(1);
        if (informationClass != COMPATIBILITY) {
            return NtStatus.INVALID_PARAMETER;
        }
        if (heap(call) == null) {
            return NtStatus.ACCESS_VIOLATION;
        }
        Memory memory = call.memory();
        if (call.arg(4) != 0) {
            memory.writeLong(call.arg(4), Integer.BYTES);
        }
        if (Long.compareUnsigned(call.arg(3), Integer.BYTES) < 0) {
            return NtStatus.BUFFER_TOO_SMALL;
        }
        memory.writeInt(call.arg(2), NO_FRONT_END);
        return NtStatus.SUCCESS;
    }

    private static @Nullable NtHeap heap(ApiCall call) {
        return GuestHeaps.of(call.process()).heap(call.arg(0));
    }
}
