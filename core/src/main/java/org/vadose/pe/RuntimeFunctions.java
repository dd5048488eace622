package org.vadose.pe;

import org.jspecify.annotations.Nullable;
import org.vadose.layout.ImageDosHeaderLayout;
import org.vadose.layout.ImageNtHeaders64Layout;
import org.vadose.layout.ImageOptionalHeader64Layout;
import org.vadose.layout.ImageRuntimeFunctionEntryLayout;
import org.vadose.memory.Memory;

/** Finds the {@code RUNTIME_FUNCTION} of an address in mapped images and in tables of a program's own. Reads fail as the memory's do. */
public final class RuntimeFunctions {
    private static final int EXCEPTION_DIRECTORY = 3;
    private static final int DIRECTORY_SIZE = 8;
    /** Bit 0 of the unwind address: it leads to another runtime function. */
    private static final int INDIRECT = 1;

    private RuntimeFunctions() {}

    /**
     * @param imageBase what the table's addresses count from
     * @param address of the {@code RUNTIME_FUNCTION}
     */
    public record Entry(long imageBase, long address) {}

    /** The entry for the function of an image around this address; null for a leaf function and for what is no code. */
    public static @Nullable Entry find(Memory memory, long base, long pc) {
        long headers = base + memory.readUnsignedInt(base + ImageDosHeaderLayout.E_LFANEW);
        long directory = headers
                + ImageNtHeaders64Layout.OPTIONAL_HEADER
                + ImageOptionalHeader64Layout.DATA_DIRECTORY
                + EXCEPTION_DIRECTORY * DIRECTORY_SIZE;
        long table = memory.readUnsignedInt(directory);
        long size = memory.readUnsignedInt(directory + 4);
        return table == 0
                ? null
                : search(memory, base, base + table, (int) (size / ImageRuntimeFunctionEntryLayout.SIZE), pc);
    }

    /** The entry in a table of so many, sorted by address. */
    public static @Nullable Entry search(Memory memory, long base, long table, int count, long pc) {
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
