package org.vadose.win32.heap;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.memory.Memory;
import org.vadose.rtl.HeapException;
import org.vadose.rtl.HeapFlags;
import org.vadose.rtl.HeapItem;
import org.vadose.rtl.NtHeap;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiFunction;
import org.vadose.win32.ApiModule;

/** {@code Rtl*Heap} of ntdll and {@code Heap*} of kernel32. */
public final class HeapFunctions {
    private static final int ERROR_NO_MORE_ITEMS = 259;
    private static final int ERROR_INVALID_PARAMETER = 87;

    /** {@code HeapCreate} passes on what it knows and marks the heap as the program's own. */
    private static final int CREATE_FLAGS =
            HeapFlags.NO_SERIALIZE | HeapFlags.GENERATE_EXCEPTIONS | HeapFlags.CREATE_ENABLE_EXECUTE;

    /*
     * PROCESS_HEAP_ENTRY and RTL_HEAP_WALK_ENTRY of the Windows SDK: lpData 0, cbData 8 (a SIZE_T in the latter), cbOverhead 12
     * (16), iRegionIndex 13 (17), wFlags 14 (18), then a union whose region form is committed size, uncommitted size, first and
     * last block.
     */
    private static final int WALK_DATA = 0;
    private static final int WALK_SIZE = 8;
    private static final int WALK_OVERHEAD = 12;
    private static final int WALK_REGION_INDEX = 13;
    private static final int WALK_FLAGS = 14;
    private static final int WALK_UNION = 16;
    private static final int WALK_BYTES = 40;
    private static final int WALK_REGION = 1;
    private static final int WALK_UNCOMMITTED = 2;
    private static final int WALK_BUSY = 4;

    private HeapFunctions() {}

    /** What ntdll exports. */
    public static void addToNtdll(ApiModule ntdll) {
        ntdll.function("RtlCreateHeap", guarded(HeapFunctions::rtlCreate))
                .function("RtlDestroyHeap", guarded(HeapFunctions::rtlDestroy))
                .function("RtlAllocateHeap", guarded(call -> allocate(call, false)))
                .function("RtlFreeHeap", guarded(HeapFunctions::free))
                .function("RtlReAllocateHeap", guarded(call -> reAllocate(call, false)))
                .function("RtlSizeHeap", guarded(HeapFunctions::size))
                .function("RtlValidateHeap", guarded(HeapFunctions::validate))
                .function("RtlValidateProcessHeaps", guarded(HeapFunctions::validateAll))
                .function("RtlLockHeap", guarded(HeapFunctions::lock))
                .function("RtlUnlockHeap", guarded(HeapFunctions::unlock))
                .function("RtlCompactHeap", guarded(HeapFunctions::compact))
                .function("RtlGetProcessHeaps", guarded(call -> processHeaps(call, call.intArg(0), call.arg(1))))
                .function(
                        "RtlSetUserValueHeap",
                        guarded(call -> heap(call, 0).setUserValue(call.arg(2), call.arg(3)) ? 1 : 0))
                .function("RtlSetUserFlagsHeap", guarded(HeapFunctions::setUserFlags))
                .function("RtlGetUserInfoHeap", guarded(HeapFunctions::userInfo))
                .function(
                        "RtlSetHeapInformation",
                        call -> HeapInformation.done(call, HeapInformation::set).code())
                .function(
                        "RtlQueryHeapInformation",
                        call -> HeapInformation.done(call, HeapInformation::query)
                                .code());
    }

    /** What kernel32 and kernelbase export. */
    public static void addToKernel32(ApiModule kernel32) {
        LocalFunctions.addToKernel32(kernel32);
        kernel32.forward("HeapSize", "NTDLL.RtlSizeHeap")
                .function(
                        "GetProcessHeap",
                        call -> GuestHeaps.of(call.process()).processHeap().address())
                .function("GetProcessHeaps", guarded(call -> processHeaps(call, call.intArg(0), call.arg(1))))
                .function("HeapCreate", guarded(HeapFunctions::create))
                .function("HeapDestroy", guarded(HeapFunctions::destroy))
                .function("HeapAlloc", guarded(call -> allocate(call, true)))
                .function("HeapReAlloc", guarded(call -> reAllocate(call, true)))
                .function("HeapFree", guarded(HeapFunctions::free))
                .function("HeapValidate", guarded(HeapFunctions::validate))
                .function("HeapCompact", guarded(HeapFunctions::compact))
                .function("HeapLock", guarded(HeapFunctions::lock))
                .function("HeapUnlock", guarded(HeapFunctions::unlock))
                .function("HeapWalk", guarded(HeapFunctions::walk))
                .function(
                        "HeapSetInformation", call -> call.succeeded(HeapInformation.done(call, HeapInformation::set)))
                .function(
                        "HeapQueryInformation",
                        call -> call.succeeded(HeapInformation.done(call, HeapInformation::query)));
    }

    /** Lets a corrupt or exhausted heap raise its status in the guest. */
    static ApiFunction guarded(ApiFunction body) {
        return call -> {
            try {
                return body.call(call);
            } catch (HeapException problem) {
                GuestHeaps.raise(call.thread(), problem);
                return 0;
            }
        };
    }

    /** The heap an argument names, once no other thread has it locked. */
    private static NtHeap heap(ApiCall call, int argument) {
        GuestHeaps heaps = GuestHeaps.of(call.process());
        NtHeap heap = heaps.heap(call.arg(argument));
        if (heap == null) {
            throw HeapException.noHeap(call.arg(argument));
        }
        heaps.awaitUnlocked(heap, call.thread());
        return heap;
    }

    // ---- creating
    // ----------------------------------------------------------------------------------------------------

    private static long rtlCreate(ApiCall call) {
        NtHeap heap = GuestHeaps.of(call.process()).create(call.intArg(0), call.arg(2), call.arg(3));
        return heap == null ? 0 : heap.address();
    }

    private static long create(ApiCall call) {
        int flags = call.intArg(0) & CREATE_FLAGS | HeapFlags.PRIVATE_CLASS;
        long initial = call.arg(1);
        long maximum = call.arg(2);
        if (maximum == 0) {
            flags |= HeapFlags.GROWABLE;
        } else if (Long.compareUnsigned(maximum, initial) < 0) {
            return call.fail(ERROR_INVALID_PARAMETER);
        }
        NtHeap heap = GuestHeaps.of(call.process()).create(flags, maximum, initial);
        return heap == null ? call.fail(NtStatus.NO_MEMORY) : heap.address();
    }

    private static long rtlDestroy(ApiCall call) {
        GuestHeaps heaps = GuestHeaps.of(call.process());
        NtHeap heap = heap(call, 0);
        if (heap.address() == heaps.processHeap().address()) {
            return call.arg(0);
        }
        heaps.destroy(heap);
        return 0;
    }

    private static long destroy(ApiCall call) {
        return rtlDestroy(call) == 0 ? 1 : call.fail(NtStatus.INVALID_HANDLE);
    }

    private static long processHeaps(ApiCall call, int room, long target) {
        List<Long> all = GuestHeaps.of(call.process()).all();
        if (all.size() <= room) {
            for (int i = 0; i < all.size(); i++) {
                call.memory().writeLong(target + 8L * i, all.get(i));
            }
        }
        return all.size();
    }

    // ---- blocks
    // ------------------------------------------------------------------------------------------------------

    /** @param win32 whether a failure sets the last error, as HeapAlloc's does and RtlAllocateHeap's does not */
    private static long allocate(ApiCall call, boolean win32) {
        long block = heap(call, 0).allocate(call.intArg(1), call.arg(2));
        return block == 0 && win32 ? call.fail(NtStatus.NO_MEMORY) : block;
    }

    private static long reAllocate(ApiCall call, boolean win32) {
        NtHeap heap = heap(call, 0);
        if (call.arg(2) == 0) {
            return 0;
        }
        long block = heap.reAllocate(call.intArg(1), call.arg(2), call.arg(3));
        return block == 0 && win32 ? call.fail(NtStatus.NO_MEMORY) : block;
    }

    private static long free(ApiCall call) {
        if (call.arg(2) != 0) {
            heap(call, 0).free(call.intArg(1), call.arg(2));
        }
        return 1;
    }

    private static long size(ApiCall call) {
        return call.arg(2) == 0 ? -1 : heap(call, 0).size(call.arg(2));
    }

    private static long validate(ApiCall call) {
        NtHeap heap = GuestHeaps.of(call.process()).heap(call.arg(0));
        return heap != null && heap.validate(call.arg(2)) ? 1 : 0;
    }

    private static long validateAll(ApiCall call) {
        GuestHeaps heaps = GuestHeaps.of(call.process());
        for (long address : heaps.all()) {
            NtHeap heap = heaps.heap(address);
            if (heap == null || !heap.validate(0)) {
                return 0;
            }
        }
        return 1;
    }

    private static long compact(ApiCall call) {
        return heap(call, 0).compact();
    }

    private static long setUserFlags(ApiCall call) {
        heap(call, 0).setUserFlags(call.arg(2), call.intArg(3), call.intArg(4));
        return 1;
    }

    private static long userInfo(ApiCall call) {
        NtHeap heap = heap(call, 0);
        if (call.arg(3) != 0) {
            call.memory().writeLong(call.arg(3), heap.userValue(call.arg(2)));
        }
        if (call.arg(4) != 0) {
            call.memory().writeInt(call.arg(4), heap.userFlags(call.arg(2)));
        }
        return 1;
    }

    // ---- the heap
    // ----------------------------------------------------------------------------------------------------

    private static long lock(ApiCall call) {
        NtHeap heap = heap(call, 0);
        return (heap.flags() & HeapFlags.NO_SERIALIZE) != 0
                        || heap.lock().tryEnter(call.thread().threadId())
                ? 1
                : 0;
    }

    private static long unlock(ApiCall call) {
        NtHeap heap = heap(call, 0);
        return (heap.flags() & HeapFlags.NO_SERIALIZE) != 0
                        || heap.lock().leave(call.thread().threadId())
                ? 1
                : call.fail(NtStatus.INVALID_LOCK_SEQUENCE);
    }

    private static long walk(ApiCall call) {
        NtHeap heap = heap(call, 0);
        Memory memory = call.memory();
        long entry = call.arg(1);
        HeapItem item = heap.walk().next(position(heap, memory, entry));
        while (item != null && item.kind() == HeapItem.Kind.INTERNAL) {
            item = heap.walk().next(item);
        }
        if (item == null) {
            return call.fail(ERROR_NO_MORE_ITEMS);
        }
        memory.fill(entry, WALK_BYTES, (byte) 0);
        memory.writeLong(entry + WALK_DATA, item.address());
        memory.writeInt(entry + WALK_SIZE, (int) item.sizeBytes());
        memory.writeByte(entry + WALK_OVERHEAD, (byte) Math.min(item.overheadBytes(), 0xFF));
        memory.writeByte(entry + WALK_REGION_INDEX, (byte) regionIndex(heap, item));
        memory.writeShort(entry + WALK_FLAGS, (short)
                switch (item.kind()) {
                    case SEGMENT -> WALK_REGION;
                    case UNCOMMITTED -> WALK_UNCOMMITTED;
                    case BUSY, LARGE -> WALK_BUSY;
                    default -> 0;
                });
        if (item.kind() == HeapItem.Kind.SEGMENT) {
            memory.writeInt(entry + WALK_SIZE, item.overheadBytes());
            long uncommitted = uncommittedBytes(heap, item);
            memory.writeInt(entry + WALK_UNION, (int) (item.sizeBytes() - uncommitted));
            memory.writeInt(entry + WALK_UNION + 4, (int) uncommitted);
            memory.writeLong(entry + WALK_UNION + 8, item.address() + item.overheadBytes());
            memory.writeLong(entry + WALK_UNION + 16, item.address() + item.sizeBytes());
        }
        return 1;
    }

    /** The item an earlier call wrote. */
    private static @Nullable HeapItem position(NtHeap heap, Memory memory, long entry) {
        long data = memory.readLong(entry + WALK_DATA);
        if (data == 0) {
            return null;
        }
        for (HeapItem item = heap.walk().next(null);
                item != null;
                item = heap.walk().next(item)) {
            boolean sameKind = (item.kind() == HeapItem.Kind.SEGMENT)
                    == ((memory.readShort(entry + WALK_FLAGS) & WALK_REGION) != 0);
            if (item.address() == data && sameKind) {
                return item;
            }
        }
        throw new IllegalStateException("walk position lost data=0x" + Long.toHexString(data));
    }

    private static int regionIndex(NtHeap heap, HeapItem item) {
        int index = 0;
        for (HeapItem at = heap.walk().next(null); at != null; at = heap.walk().next(at)) {
            if (at.kind() == HeapItem.Kind.SEGMENT) {
                if (at.segment() == item.segment()) {
                    return index;
                }
                index++;
            }
        }
        return 0;
    }

    private static long uncommittedBytes(NtHeap heap, HeapItem segment) {
        long bytes = 0;
        for (HeapItem at = heap.walk().next(segment);
                at != null && at.segment() == segment.segment();
                at = heap.walk().next(at)) {
            bytes += at.kind() == HeapItem.Kind.UNCOMMITTED ? at.sizeBytes() : 0;
        }
        return bytes;
    }
}
