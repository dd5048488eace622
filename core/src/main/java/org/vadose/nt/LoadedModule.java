package org.vadose.nt;

import org.vadose.layout.KldrDataTableEntryLayout;
import org.vadose.memory.Memory;

/** A kernel module in {@code PsLoadedModuleList} ({@code _KLDR_DATA_TABLE_ENTRY}); its load-order links stand at its start. */
public record LoadedModule(Memory memory, long address) {
    public long base() {
        return memory.readLong(address + KldrDataTableEntryLayout.DLL_BASE);
    }

    public long entryPoint() {
        return memory.readLong(address + KldrDataTableEntryLayout.ENTRY_POINT);
    }

    public long sizeBytes() {
        return memory.readUnsignedInt(address + KldrDataTableEntryLayout.SIZE_OF_IMAGE);
    }

    public String fullName() {
        return new UnicodeString(memory, address + KldrDataTableEntryLayout.FULL_DLL_NAME).text();
    }

    public String baseName() {
        return new UnicodeString(memory, address + KldrDataTableEntryLayout.BASE_DLL_NAME).text();
    }
}
