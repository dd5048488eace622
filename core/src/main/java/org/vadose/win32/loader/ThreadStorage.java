package org.vadose.win32.loader;

import java.util.ArrayList;
import java.util.List;
import org.vadose.layout.LdrDataTableEntryLayout;
import org.vadose.layout.TebLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.LdrDataTableEntry;
import org.vadose.pe.PeImage;
import org.vadose.win32.LoaderHeap;

/**
 * Thread-local storage that compilers lay out ({@code __declspec(thread)}): each module with a TLS directory has an index; each
 * thread has, in {@code TEB.ThreadLocalStoragePointer}, an array of pointers to its copies of the modules' templates.
 */
final class ThreadStorage {
    private final Memory memory;
    private final LoaderHeap heap;
    private final ImageWriter writer;
    /** By index; a freed index holds no module. */
    private final List<Slot> slots = new ArrayList<>();

    private record Slot(long template, long templateBytes, long sizeBytes, boolean isUsed) {
        static final Slot FREE = new Slot(0, 0, 0, false);
    }

    ThreadStorage(Memory memory, LoaderHeap heap, ImageWriter writer) {
        this.memory = memory;
        this.heap = heap;
        this.writer = writer;
    }

    /** Gives the module an index, if it has a TLS directory. */
    void register(LoadedImage module) {
        PeImage.Tls tls = module.image().tls(module.base());
        if (tls == null) {
            return;
        }
        module.setTls(tls);
        int index = slots.indexOf(Slot.FREE);
        if (index < 0) {
            index = slots.size();
            slots.add(Slot.FREE);
        }
        slots.set(
                index,
                new Slot(
                        module.base() + tls.templateRva(),
                        tls.templateBytes(),
                        tls.templateBytes() + tls.zeroBytes(),
                        true));
        int value = index;
        writer.writable(
                module.base(),
                module.image(),
                tls.indexRva(),
                Integer.BYTES,
                () -> memory.writeInt(module.base() + tls.indexRva(), value));
        memory.writeShort(
                module.entry().address() + LdrDataTableEntryLayout.TLS_INDEX, (short) LdrDataTableEntry.TLS_IN_USE);
    }

    /** Makes the thread's copies of all templates it has none of yet. */
    void attach(long teb) {
        if (slots.isEmpty()) {
            return;
        }
        long old = memory.readLong(teb + TebLayout.THREAD_LOCAL_STORAGE_POINTER);
        int oldCount = old == 0 ? 0 : memory.readInt(old - 2 * Long.BYTES);
        // The count stands before the array, where the guest does not look.
        long block = heap.allocate((slots.size() + 2L) * Long.BYTES);
        long array = block + 2 * Long.BYTES;
        memory.writeInt(block, slots.size());
        for (int i = 0; i < slots.size(); i++) {
            long copy = i < oldCount ? memory.readLong(old + (long) i * Long.BYTES) : 0;
            if (copy == 0 && slots.get(i).isUsed()) {
                copy = copyOf(slots.get(i));
            }
            memory.writeLong(array + (long) i * Long.BYTES, copy);
        }
        memory.writeLong(teb + TebLayout.THREAD_LOCAL_STORAGE_POINTER, array);
        if (old != 0) {
            heap.free(old - 2 * Long.BYTES);
        }
    }

    private long copyOf(Slot slot) {
        long copy = heap.allocate(Math.max(slot.sizeBytes(), 1));
        byte[] chunk = new byte[(int) Math.min(slot.templateBytes(), 0x10000)];
        for (long done = 0; done < slot.templateBytes(); done += chunk.length) {
            int length = (int) Math.min(chunk.length, slot.templateBytes() - done);
            memory.read(slot.template() + done, chunk, 0, length);
            memory.write(copy + done, chunk, 0, length);
        }
        return copy;
    }

    /** Frees the thread's copies. */
    void detach(long teb) {
        long array = memory.readLong(teb + TebLayout.THREAD_LOCAL_STORAGE_POINTER);
        if (array == 0) {
            return;
        }
        memory.writeLong(teb + TebLayout.THREAD_LOCAL_STORAGE_POINTER, 0);
        int count = Math.min(memory.readInt(array - 2 * Long.BYTES), slots.size());
        for (int i = 0; i < count; i++) {
            long copy = memory.readLong(array + (long) i * Long.BYTES);
            if (copy != 0) {
                heap.free(copy);
            }
        }
        heap.free(array - 2 * Long.BYTES);
    }

    /** Takes back the index of a module about to be unmapped, and its copies in these threads. */
    void release(LoadedImage module, List<Long> tebs) {
        PeImage.Tls tls = module.tls();
        if (tls == null) {
            return;
        }
        int index = memory.readInt(module.base() + tls.indexRva());
        if (index < 0 || index >= slots.size() || slots.get(index).template() != module.base() + tls.templateRva()) {
            return;
        }
        slots.set(index, Slot.FREE);
        for (long teb : tebs) {
            long array = memory.readLong(teb + TebLayout.THREAD_LOCAL_STORAGE_POINTER);
            if (array != 0 && index < memory.readInt(array - 2 * Long.BYTES)) {
                long place = array + (long) index * Long.BYTES;
                long copy = memory.readLong(place);
                memory.writeLong(place, 0);
                if (copy != 0) {
                    heap.free(copy);
                }
            }
        }
    }
}
