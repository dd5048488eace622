package org.vadose.win32.loader;

import java.util.function.Supplier;
import org.vadose.base.NtStatus;
import org.vadose.rtl.HeapFlags;
import org.vadose.rtl.NtHeap;
import org.vadose.win32.LoaderHeap;

/** The process heap as the loader uses it. */
public final class ProcessHeap implements LoaderHeap {
    private final Supplier<NtHeap> heap;

    /** @param heap gives the process heap, whenever it is asked */
    public ProcessHeap(Supplier<NtHeap> heap) {
        this.heap = heap;
    }

    @Override
    public long allocate(long sizeBytes) {
        long address = heap.get().allocate(HeapFlags.ZERO_MEMORY, sizeBytes);
        if (address == 0) {
            throw new LoaderException(
                    NtStatus.NO_MEMORY, "process heap has no room for the loader size=0x%x".formatted(sizeBytes));
        }
        return address;
    }

    @Override
    public void free(long address) {
        heap.get().free(0, address);
    }
}
