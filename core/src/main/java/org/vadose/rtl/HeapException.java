package org.vadose.rtl;

import org.vadose.base.Hex;
import org.vadose.base.NtStatus;

/** A heap call that Windows answers by raising a status: the heap is damaged, or memory ran out where exceptions were asked for. */
public final class HeapException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient NtStatus status;
    private final HeapFailure failure;
    private final long heap;
    private final long address;

    private HeapException(NtStatus status, HeapFailure failure, long heap, long address, String message) {
        super(message, null, false, false);
        this.status = status;
        this.failure = failure;
        this.heap = heap;
        this.address = address;
    }

    /** @param address the block or list entry that shows the damage */
    static HeapException corruption(HeapFailure failure, long heap, long address) {
        return new HeapException(
                NtStatus.HEAP_CORRUPTION,
                failure,
                heap,
                address,
                "heap corruption " + failure + " heap=" + Hex.address(heap) + " address=" + Hex.address(address));
    }

    /** There is no heap where a call says. */
    public static HeapException noHeap(long heap) {
        return corruption(HeapFailure.INVALID_ARGUMENT, heap, heap);
    }

    /** Memory ran out where there is no other answer. */
    public static HeapException noMemory(long heap, long sizeBytes) {
        return new HeapException(
                NtStatus.NO_MEMORY,
                HeapFailure.GENERIC,
                heap,
                0,
                "heap exhausted heap=" + Hex.address(heap) + " size=" + Hex.address(sizeBytes));
    }

    public NtStatus status() {
        return status;
    }

    public HeapFailure failure() {
        return failure;
    }

    public long heap() {
        return heap;
    }

    public long address() {
        return address;
    }
}
