package org.vadose.win32.heap;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.ResourcesException;
import org.vadose.base.SeededRandom;
import org.vadose.layout.PebLayout;
import org.vadose.memory.Memory;
import org.vadose.rtl.HeapException;
import org.vadose.rtl.HeapFlags;
import org.vadose.rtl.HeapPages;
import org.vadose.rtl.HeapParameters;
import org.vadose.rtl.NtHeap;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.GuestThread;
import org.vadose.win32.LoaderHeap;

/**
 * A process's heaps. Their list is where the PEB says ({@code ProcessHeaps}, {@code NumberOfHeaps}), the default heap first; a
 * heap knows its place in it. Views of heaps are kept here, since guests name heaps by address with every call.
 */
public final class GuestHeaps implements LoaderHeap {
    /** Most heaps before the list must move. */
    private static final int FIRST_LIST_LENGTH = 0x10;

    private static final int LIST_ALIGNMENT = 16;

    private final GuestProcess process;
    private final Memory memory;
    private final HeapPages pages;
    private final SeededRandom random;
    private final Map<Long, NtHeap> views = new HashMap<>();
    private @Nullable NtHeap defaultHeap;

    private GuestHeaps(GuestProcess process, HeapPages pages, SeededRandom random) {
        this.process = process;
        this.memory = process.memory();
        this.pages = pages;
        this.random = random;
    }

    /**
     * Gives a new process its default heap, of the sizes its image asks for.
     *
     * @param random gives the keys of its heaps
     */
    public static GuestHeaps createFor(
            GuestProcess process, HeapPages pages, SeededRandom random, long reserveBytes, long commitBytes) {
        GuestHeaps heaps = process.part(GuestHeaps.class, p -> new GuestHeaps(p, pages, random));
        long peb = process.peb();
        Memory memory = process.memory();
        memory.writeInt(peb + PebLayout.MAXIMUM_NUMBER_OF_HEAPS, FIRST_LIST_LENGTH);
        memory.writeInt(peb + PebLayout.NUMBER_OF_HEAPS, 0);
        memory.writeLong(peb + PebLayout.PROCESS_HEAPS, Pages.alignUp(peb + PebLayout.SIZE, LIST_ALIGNMENT));
        HeapParameters standard = HeapParameters.DEFAULT;
        memory.writeLong(peb + PebLayout.HEAP_SEGMENT_RESERVE, standard.segmentReserveBytes());
        memory.writeLong(peb + PebLayout.HEAP_SEGMENT_COMMIT, standard.segmentCommitBytes());
        memory.writeLong(peb + PebLayout.HEAP_DE_COMMIT_TOTAL_FREE_THRESHOLD, standard.decommitTotalFreeBytes());
        memory.writeLong(peb + PebLayout.HEAP_DE_COMMIT_FREE_BLOCK_THRESHOLD, standard.decommitFreeBlockBytes() / 4);
        NtHeap heap = heaps.create(HeapFlags.GROWABLE, reserveBytes, commitBytes);
        if (heap == null) {
            throw new ResourcesException(NtStatus.NO_MEMORY, "no memory for the process heap reserve=" + reserveBytes);
        }
        memory.writeLong(peb + PebLayout.PROCESS_HEAP, heap.address());
        return heaps;
    }

    /** The heaps of a process that has its default heap. */
    public static GuestHeaps of(GuestProcess process) {
        return process.part(GuestHeaps.class, p -> {
            throw new IllegalStateException("process has no heap yet, pid=" + p.processId());
        });
    }

    /** The default heap, as the PEB names it. */
    public NtHeap processHeap() {
        long address = memory.readLong(process.peb() + PebLayout.PROCESS_HEAP);
        NtHeap heap = defaultHeap;
        if (heap == null || heap.address() != address) {
            heap = NtHeap.at(memory, pages, address);
            defaultHeap = heap;
        }
        return heap;
    }

    /** The heap at an address, or null when there is none. */
    public @Nullable NtHeap heap(long address) {
        NtHeap known = views.get(address);
        if (known != null) {
            return known;
        }
        if (!NtHeap.isHeap(memory, address)) {
            return null;
        }
        NtHeap heap = NtHeap.at(memory, pages, address);
        views.put(address, heap);
        return heap;
    }

    /** Makes a heap and lists it; null when there is no memory. */
    public @Nullable NtHeap create(int flags, long reserveBytes, long commitBytes) {
        NtHeap heap = NtHeap.create(memory, pages, flags, reserveBytes, commitBytes, HeapParameters.DEFAULT, random);
        if (heap != null) {
            views.put(heap.address(), heap);
            list(heap);
        }
        return heap;
    }

    /** Destroys a heap other than the default one. */
    public void destroy(NtHeap heap) {
        unlist(heap);
        views.remove(heap.address());
        heap.destroy();
    }

    /** Addresses of all heaps, the default heap first. */
    public List<Long> all() {
        List<Long> heaps = new ArrayList<>();
        long list = listAddress();
        for (int i = 0; i < count(); i++) {
            heaps.add(memory.readLong(list + 8L * i));
        }
        return heaps;
    }

    private int count() {
        return memory.readInt(process.peb() + PebLayout.NUMBER_OF_HEAPS);
    }

    private long listAddress() {
        return memory.readLong(process.peb() + PebLayout.PROCESS_HEAPS);
    }

    private void list(NtHeap heap) {
        int count = count();
        int most = memory.readInt(process.peb() + PebLayout.MAXIMUM_NUMBER_OF_HEAPS);
        if (count == most) {
            long longer = processHeap().allocate(0, 16L * most);
            memory.write(longer, memory.read(listAddress(), 8 * most));
            memory.writeLong(process.peb() + PebLayout.PROCESS_HEAPS, longer);
            memory.writeInt(process.peb() + PebLayout.MAXIMUM_NUMBER_OF_HEAPS, 2 * most);
        }
        memory.writeLong(listAddress() + 8L * count, heap.address());
        memory.writeInt(process.peb() + PebLayout.NUMBER_OF_HEAPS, count + 1);
        heap.setProcessHeapsListIndex(count + 1);
    }

    private void unlist(NtHeap heap) {
        int at = heap.processHeapsListIndex() - 1;
        int last = count() - 1;
        long moved = memory.readLong(listAddress() + 8L * last);
        memory.writeLong(listAddress() + 8L * at, moved);
        memory.writeLong(listAddress() + 8L * last, 0);
        memory.writeInt(process.peb() + PebLayout.NUMBER_OF_HEAPS, last);
        NtHeap movedHeap = heap(moved);
        if (movedHeap != null && moved != heap.address()) {
            movedHeap.setProcessHeapsListIndex(at + 1);
        }
        heap.setProcessHeapsListIndex(0);
    }

    /** Waits while another thread has locked the heap. */
    public void awaitUnlocked(NtHeap heap, GuestThread thread) {
        if ((heap.flags() & HeapFlags.NO_SERIALIZE) == 0) {
            long owner = heap.lock().owner();
            while (owner != 0 && owner != thread.threadId()) {
                thread.yield();
                owner = heap.lock().owner();
            }
        }
    }

    @Override
    public long allocate(long sizeBytes) {
        long block = processHeap().allocate(HeapFlags.ZERO_MEMORY, sizeBytes);
        if (block == 0) {
            throw HeapException.noMemory(processHeap().address(), sizeBytes);
        }
        return block;
    }

    @Override
    public void free(long address) {
        processHeap().free(0, address);
    }

    /** Raises in the guest what a heap call ended in. */
    public static void raise(GuestThread thread, HeapException problem) {
        thread.process().exceptions().raise(thread, problem);
    }
}
