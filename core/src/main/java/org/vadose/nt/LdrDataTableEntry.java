package org.vadose.nt;

import org.vadose.layout.LdrDataTableEntryLayout;
import org.vadose.layout.LdrDdagNodeLayout;
import org.vadose.memory.Memory;

/** A module of a process as user mode lists it ({@code _LDR_DATA_TABLE_ENTRY}). */
public record LdrDataTableEntry(Memory memory, long address) {
    /** {@code TlsIndex} of a module with thread-local storage; its true index is in its own variable. */
    public static final int TLS_IN_USE = 0xFFFF;

    /** The load count of a module that stays: imported by the program, directly or not. */
    public static final int PINNED = -1;

    /** The entry whose links in load order are at this address. */
    public static LdrDataTableEntry ofLoadOrderLink(Memory memory, long link) {
        return new LdrDataTableEntry(memory, link - LdrDataTableEntryLayout.IN_LOAD_ORDER_LINKS);
    }

    /** The entry whose links in initialization order are at this address. */
    public static LdrDataTableEntry ofInitializationOrderLink(Memory memory, long link) {
        return new LdrDataTableEntry(memory, link - LdrDataTableEntryLayout.IN_INITIALIZATION_ORDER_LINKS);
    }

    public ListEntry loadOrderLinks() {
        return new ListEntry(memory, address + LdrDataTableEntryLayout.IN_LOAD_ORDER_LINKS);
    }

    public ListEntry memoryOrderLinks() {
        return new ListEntry(memory, address + LdrDataTableEntryLayout.IN_MEMORY_ORDER_LINKS);
    }

    public ListEntry initializationOrderLinks() {
        return new ListEntry(memory, address + LdrDataTableEntryLayout.IN_INITIALIZATION_ORDER_LINKS);
    }

    public ListEntry hashLinks() {
        return new ListEntry(memory, address + LdrDataTableEntryLayout.HASH_LINKS);
    }

    /** Absolute; zero when the module has no entry point. */
    public long entryPoint() {
        return memory.readLong(address + LdrDataTableEntryLayout.ENTRY_POINT);
    }

    public long sizeOfImage() {
        return memory.readUnsignedInt(address + LdrDataTableEntryLayout.SIZE_OF_IMAGE);
    }

    public UnicodeString fullDllName() {
        return new UnicodeString(memory, address + LdrDataTableEntryLayout.FULL_DLL_NAME);
    }

    public UnicodeString baseDllName() {
        return new UnicodeString(memory, address + LdrDataTableEntryLayout.BASE_DLL_NAME);
    }

    public boolean isProcessAttachCalled() {
        return flag(LdrDataTableEntryLayout.PROCESS_ATTACH_CALLED_SHIFT);
    }

    public void setProcessAttachCalled() {
        setFlag(LdrDataTableEntryLayout.PROCESS_ATTACH_CALLED_SHIFT);
    }

    public void setProcessAttachFailed() {
        setFlag(LdrDataTableEntryLayout.PROCESS_ATTACH_FAILED_SHIFT);
    }

    /** {@code DisableThreadLibraryCalls}. */
    public boolean isDontCallForThreads() {
        return flag(LdrDataTableEntryLayout.DONT_CALL_FOR_THREADS_SHIFT);
    }

    public void setDontCallForThreads() {
        setFlag(LdrDataTableEntryLayout.DONT_CALL_FOR_THREADS_SHIFT);
    }

    public boolean isDll() {
        return flag(LdrDataTableEntryLayout.IMAGE_DLL_SHIFT);
    }

    /** References by {@code LoadLibrary}, or {@link #PINNED}; kept in the module's {@code _LDR_DDAG_NODE}. */
    public int loadCount() {
        return memory.readInt(ddagNode() + LdrDdagNodeLayout.LOAD_COUNT);
    }

    public void setLoadCount(int count) {
        memory.writeInt(ddagNode() + LdrDdagNodeLayout.LOAD_COUNT, count);
    }

    /** One of {@code LdrDdagStateValues}. */
    public void setState(int state) {
        memory.writeInt(ddagNode() + LdrDdagNodeLayout.STATE, state);
    }

    private long ddagNode() {
        return memory.readLong(address + LdrDataTableEntryLayout.DDAG_NODE);
    }

    private boolean flag(int shift) {
        return (memory.readInt(address + LdrDataTableEntryLayout.FLAGS) >>> shift & 1) != 0;
    }

    private void setFlag(int shift) {
        int flags = memory.readInt(address + LdrDataTableEntryLayout.FLAGS);
        memory.writeInt(address + LdrDataTableEntryLayout.FLAGS, flags | 1 << shift);
    }
}
