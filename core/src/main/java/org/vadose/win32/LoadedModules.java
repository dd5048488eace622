package org.vadose.win32;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.layout.LdrDataTableEntryLayout;
import org.vadose.layout.PebLayout;
import org.vadose.layout.PebLdrDataLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.ListEntry;
import org.vadose.nt.UnicodeString;

/** The modules of a process as its PEB's loader data lists them. A damaged list reads as far as it goes. */
public final class LoadedModules {
    /** More than any process loads. */
    private static final int MOST_MODULES = 10_000;

    /**
     * @param entry address of the {@code _LDR_DATA_TABLE_ENTRY}
     * @param path full DOS path
     * @param name file name
     */
    public record Module(long entry, long base, long sizeBytes, String path, String name) {
        public boolean contains(long address) {
            return address - base >= 0 && address - base < sizeBytes;
        }

        /** The file name without {@code .exe} or {@code .dll}, as a debugger shows it. */
        public String shortName() {
            int dot = name.lastIndexOf('.');
            return dot > 0 ? name.substring(0, dot) : name;
        }
    }

    private final Memory memory;
    private final long peb;

    public LoadedModules(Memory memory, long peb) {
        this.memory = memory;
        this.peb = peb;
    }

    /** All modules in load order, the program first. */
    public List<Module> all() {
        List<Module> modules = new ArrayList<>();
        try {
            long ldr = memory.readLong(peb + PebLayout.LDR);
            if (ldr == 0) {
                return modules;
            }
            long head = ldr + PebLdrDataLayout.IN_LOAD_ORDER_MODULE_LIST;
            for (long link = new ListEntry(memory, head).flink(); link != head && modules.size() < MOST_MODULES; ) {
                modules.add(read(link - LdrDataTableEntryLayout.IN_LOAD_ORDER_LINKS));
                link = new ListEntry(memory, link).flink();
            }
        } catch (MemoryFault damaged) {
            // What was read so far is all there is.
        }
        return modules;
    }

    private Module read(long entry) {
        return new Module(
                entry,
                memory.readLong(entry + LdrDataTableEntryLayout.DLL_BASE),
                memory.readUnsignedInt(entry + LdrDataTableEntryLayout.SIZE_OF_IMAGE),
                new UnicodeString(memory, entry + LdrDataTableEntryLayout.FULL_DLL_NAME).text(),
                new UnicodeString(memory, entry + LdrDataTableEntryLayout.BASE_DLL_NAME).text());
    }

    /** The module around this address. */
    public @Nullable Module at(long address) {
        for (Module module : all()) {
            if (module.contains(address)) {
                return module;
            }
        }
        return null;
    }

    /** {@code hello+0x14e6}, or the bare address where no module is. */
    public String describe(long address) {
        Module module = at(address);
        return module == null
                ? org.vadose.base.Hex.address(address)
                : module.shortName() + "+0x" + Long.toHexString(address - module.base);
    }
}
