package org.vadose.win32.loader;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.vadose.layout.LdrDataTableEntryLayout;
import org.vadose.layout.LdrDdagNodeLayout;
import org.vadose.layout.LdrDdagStateValues;
import org.vadose.layout.ListEntryLayout;
import org.vadose.layout.NtdllSymbols;
import org.vadose.layout.PebLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.LdrDataTableEntry;
import org.vadose.nt.ListEntry;
import org.vadose.nt.PebLdrData;
import org.vadose.pe.PeImage;
import org.vadose.win32.LoaderHeap;

/**
 * The PEB's module lists and ntdll's hash table of names, in the process's own memory: heads are variables of ntdll, entries lie
 * in the process heap.
 */
public final class ModuleLists {
    private static final int HASH_BUCKETS = 32;
    private static final int HASH_FACTOR = 65599;
    private static final int NODE_OFFSET = 0x120;

    private final Memory memory;
    private final LoaderHeap heap;
    private final PebLdrData lists;
    private final long hashTable;

    /**
     * Makes empty lists and points the PEB at them.
     *
     * @param memory the process's own
     */
    public ModuleLists(Memory memory, long peb, long ntdllBase, LoaderHeap heap) {
        this.memory = memory;
        this.heap = heap;
        this.lists = new PebLdrData(memory, ntdllBase + NtdllSymbols.PEB_LDR);
        this.hashTable = ntdllBase + NtdllSymbols.LDRP_HASH_TABLE;
        lists.initialize();
        for (int i = 0; i < HASH_BUCKETS; i++) {
            bucket(i).initialize();
        }
        memory.writeLong(peb + PebLayout.LDR, lists.address());
    }

    PebLdrData lists() {
        return lists;
    }

    /**
     * Adds a module to the lists in order of loading and of memory, and to the hash table.
     *
     * @param parentBase who asked for it; zero for the program itself
     * @param reason one of {@code LdrDllLoadReasonValues}
     * @param loadTime in 100 ns since 1601
     */
    public LdrDataTableEntry add(String path, long base, PeImage image, long parentBase, int reason, long loadTime) {
        String baseName = path.substring(path.lastIndexOf('\\') + 1);
        byte[] text = path.getBytes(StandardCharsets.UTF_16LE);
        int baseBytes = baseName.length() * Character.BYTES;
        long address = heap.allocate(NODE_OFFSET + LdrDdagNodeLayout.SIZE);
        long names = heap.allocate(text.length + Character.BYTES);
        LdrDataTableEntry entry = new LdrDataTableEntry(memory, address);
        memory.write(names, text);
        memory.writeShort(names + text.length, (short) 0);
        entry.fullDllName().set(text.length, text.length + Character.BYTES, names);
        entry.baseDllName().set(baseBytes, baseBytes + Character.BYTES, names + text.length - baseBytes);
        long entryPoint = image.entryPoint() == 0 ? 0 : base + image.entryPoint();
        memory.writeLong(address + LdrDataTableEntryLayout.DLL_BASE, base);
        memory.writeLong(address + LdrDataTableEntryLayout.ENTRY_POINT, entryPoint);
        memory.writeInt(address + LdrDataTableEntryLayout.SIZE_OF_IMAGE, (int) image.sizeOfImage());
        memory.writeInt(address + LdrDataTableEntryLayout.FLAGS, flags(image));
        memory.writeShort(address + LdrDataTableEntryLayout.OBSOLETE_LOAD_COUNT, (short) -1);
        memory.writeInt(address + LdrDataTableEntryLayout.TIME_DATE_STAMP, image.timeDateStamp());
        memory.writeLong(address + LdrDataTableEntryLayout.PARENT_DLL_BASE, parentBase);
        memory.writeLong(address + LdrDataTableEntryLayout.ORIGINAL_BASE, image.imageBase());
        memory.writeLong(address + LdrDataTableEntryLayout.LOAD_TIME, loadTime);
        memory.writeInt(address + LdrDataTableEntryLayout.LOAD_REASON, reason);
        memory.writeInt(address + LdrDataTableEntryLayout.REFERENCE_COUNT, 1);
        int hash = hash(baseName);
        memory.writeInt(address + LdrDataTableEntryLayout.BASE_NAME_HASH_VALUE, hash);
        addNode(entry);
        lists.loadOrder().insertTail(entry.loadOrderLinks().address());
        lists.memoryOrder().insertTail(entry.memoryOrderLinks().address());
        bucket(hash).insertTail(entry.hashLinks().address());
        return entry;
    }

    /** The module's node in the dependency graph, of which it is the only member. */
    private void addNode(LdrDataTableEntry entry) {
        long node = entry.address() + NODE_OFFSET;
        memory.writeLong(entry.address() + LdrDataTableEntryLayout.DDAG_NODE, node);
        ListEntry modules = new ListEntry(memory, node + LdrDdagNodeLayout.MODULES);
        modules.initialize();
        modules.insertTail(entry.address() + LdrDataTableEntryLayout.NODE_MODULE_LINK);
        entry.setLoadCount(LdrDataTableEntry.PINNED);
        entry.setState(LdrDdagStateValues.LDR_MODULES_MAPPED);
    }

    private static int flags(PeImage image) {
        int flags = 1 << LdrDataTableEntryLayout.LOAD_NOTIFICATIONS_SENT_SHIFT
                | 1 << LdrDataTableEntryLayout.PROCESS_STATIC_IMPORT_SHIFT
                | 1 << LdrDataTableEntryLayout.IN_LEGACY_LISTS_SHIFT
                | 1 << LdrDataTableEntryLayout.ENTRY_PROCESSED_SHIFT;
        return image.isDll() ? flags | 1 << LdrDataTableEntryLayout.IMAGE_DLL_SHIFT : flags;
    }

    /** A DLL takes its place in the order of initialization. */
    public void addToInitializationOrder(LdrDataTableEntry entry) {
        lists.initializationOrder().insertTail(entry.initializationOrderLinks().address());
    }

    /** Takes a module off all lists and frees its entry. */
    void remove(LdrDataTableEntry entry) {
        entry.loadOrderLinks().remove();
        entry.memoryOrderLinks().remove();
        entry.hashLinks().remove();
        if (memory.readLong(entry.initializationOrderLinks().address() + ListEntryLayout.FLINK) != 0) {
            entry.initializationOrderLinks().remove();
        }
        heap.free(entry.fullDllName().buffer());
        heap.free(entry.address());
    }

    /** {@code RtlHashUnicodeString} with the x65599 method, without regard to case. */
    static int hash(String baseName) {
        int hash = 0;
        String upper = baseName.toUpperCase(Locale.ROOT);
        for (int i = 0; i < upper.length(); i++) {
            hash = hash * HASH_FACTOR + upper.charAt(i);
        }
        return hash;
    }

    private ListEntry bucket(int hash) {
        return new ListEntry(memory, hashTable + (hash & (HASH_BUCKETS - 1)) * ListEntryLayout.SIZE);
    }
}
