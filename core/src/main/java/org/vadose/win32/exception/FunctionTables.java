package org.vadose.win32.exception;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.layout.ImageDosHeaderLayout;
import org.vadose.layout.ImageNtHeaders64Layout;
import org.vadose.layout.ImageOptionalHeader64Layout;
import org.vadose.layout.ImageRuntimeFunctionEntryLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.win32.LoadedModules;

/** Finds the {@code RUNTIME_FUNCTION} of an address: in the image it belongs to, or in a table the program added. */
public final class FunctionTables {
    private static final int EXCEPTION_DIRECTORY = 3;
    private static final int DIRECTORY_SIZE = 8;
    /** Bit 0 of the unwind address: it leads to another runtime function. */
    private static final int INDIRECT = 1;

    /**
     * @param imageBase what the table's addresses count from
     * @param address of the {@code RUNTIME_FUNCTION}
     */
    public record Entry(long imageBase, long address) {}

    private record Added(long table, int count, long base) {}

    private final Memory memory;
    private final LoadedModules modules;
    private final List<Added> added = new ArrayList<>();

    public FunctionTables(Memory memory, LoadedModules modules) {
        this.memory = memory;
        this.modules = modules;
    }

    /** {@code RtlAddFunctionTable}. */
    public void add(long table, int count, long base) {
        added.add(new Added(table, count, base));
    }

    /** {@code RtlDeleteFunctionTable}. */
    public boolean delete(long table) {
        return added.removeIf(t -> t.table == table);
    }

    /** The entry for the function around this address; null for a leaf function and for what is no code. */
    public @Nullable Entry find(long pc) {
        LoadedModules.Module module = modules.at(pc);
        if (module != null) {
            return findInImage(module.base(), pc);
        }
        for (Added table : added) {
            Entry entry = search(table.base, table.table, table.count, pc);
            if (entry != null) {
                return entry;
            }
        }
        return null;
    }

    private @Nullable Entry findInImage(long base, long pc) {
        try {
            long headers = base + memory.readUnsignedInt(base + ImageDosHeaderLayout.E_LFANEW);
            long directory = headers
                    + ImageNtHeaders64Layout.OPTIONAL_HEADER
                    + ImageOptionalHeader64Layout.DATA_DIRECTORY
                    + EXCEPTION_DIRECTORY * DIRECTORY_SIZE;
            long table = memory.readUnsignedInt(directory);
            long size = memory.readUnsignedInt(directory + 4);
            if (table == 0) {
                return null;
            }
            return search(base, base + table, (int) (size / ImageRuntimeFunctionEntryLayout.SIZE), pc);
        } catch (MemoryFault damagedHeaders) {
            return null;
        }
    }

    private @Nullable Entry search(long base, long table, int count, long pc) {
        long rva = pc - base;
        int low = 0;
        int high = count - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            long entry = table + middle * ImageRuntimeFunctionEntryLayout.SIZE;
            if (rva < memory.readUnsignedInt(entry + ImageRuntimeFunctionEntryLayout.BEGIN_ADDRESS)) {
                high = middle - 1;
            } else if (rva >= memory.readUnsignedInt(entry + ImageRuntimeFunctionEntryLayout.END_ADDRESS)) {
                low = middle + 1;
            } else {
                long unwind = memory.readUnsignedInt(entry + ImageRuntimeFunctionEntryLayout.UNWIND_INFO_ADDRESS);
                return new Entry(base, (unwind & INDIRECT) == 0 ? entry : base + unwind - INDIRECT);
            }
        }
        return null;
    }
}
