package org.vadose.win32.exception;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.pe.RuntimeFunctions;
import org.vadose.win32.LoadedModules;

/** Finds the {@code RUNTIME_FUNCTION} of an address: in the image it belongs to, or in a table the program added. */
public final class FunctionTables {
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
    public RuntimeFunctions.@Nullable Entry find(long pc) {
        LoadedModules.Module module = modules.at(pc);
        if (module != null) {
            return inImage(module.base(), pc);
        }
        for (Added table : added) {
            RuntimeFunctions.Entry entry = RuntimeFunctions.search(memory, table.base, table.table, table.count, pc);
            if (entry != null) {
                return entry;
            }
        }
        return null;
    }

    private RuntimeFunctions.@Nullable Entry inImage(long base, long pc) {
        try {
            return RuntimeFunctions.find(memory, base, pc);
        } catch (MemoryFault damagedHeaders) {
            return null;
        }
    }
}
