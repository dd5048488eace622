package org.vadose.win32.exception;

import org.vadose.memory.Memory;
import org.vadose.pe.RuntimeFunctions;
import org.vadose.pe.VirtualUnwind;

/**
 * What a language handler is told about the frame it is asked for: {@code DISPATCHER_CONTEXT} of the x64 SDK ({@code winnt.h}),
 * which the symbol tables do not hold.
 */
record DispatcherContext(Memory memory, long address) {
    static final int SIZE = 0x50;
    private static final int CONTROL_PC = 0;
    private static final int IMAGE_BASE = 8;
    private static final int FUNCTION_ENTRY = 0x10;
    private static final int ESTABLISHER_FRAME = 0x18;
    private static final int TARGET_IP = 0x20;
    private static final int CONTEXT_RECORD = 0x28;
    private static final int LANGUAGE_HANDLER = 0x30;
    private static final int HANDLER_DATA = 0x38;
    private static final int HISTORY_TABLE = 0x40;
    private static final int SCOPE_INDEX = 0x48;

    void write(
            long controlPc,
            RuntimeFunctions.Entry function,
            VirtualUnwind.Frame frame,
            long targetIp,
            long contextRecord,
            long historyTable) {
        memory.writeLong(address + CONTROL_PC, controlPc);
        memory.writeLong(address + IMAGE_BASE, function.imageBase());
        memory.writeLong(address + FUNCTION_ENTRY, function.address());
        memory.writeLong(address + ESTABLISHER_FRAME, frame.establisherFrame());
        memory.writeLong(address + TARGET_IP, targetIp);
        memory.writeLong(address + CONTEXT_RECORD, contextRecord);
        memory.writeLong(address + LANGUAGE_HANDLER, frame.handler());
        memory.writeLong(address + HANDLER_DATA, frame.handlerData());
        memory.writeLong(address + HISTORY_TABLE, historyTable);
        memory.writeLong(address + SCOPE_INDEX, 0);
    }

    long controlPc() {
        return memory.readLong(address + CONTROL_PC);
    }

    long imageBase() {
        return memory.readLong(address + IMAGE_BASE);
    }

    long functionEntry() {
        return memory.readLong(address + FUNCTION_ENTRY);
    }

    long establisherFrame() {
        return memory.readLong(address + ESTABLISHER_FRAME);
    }

    long targetIp() {
        return memory.readLong(address + TARGET_IP);
    }

    long contextRecord() {
        return memory.readLong(address + CONTEXT_RECORD);
    }

    long languageHandler() {
        return memory.readLong(address + LANGUAGE_HANDLER);
    }

    long handlerData() {
        return memory.readLong(address + HANDLER_DATA);
    }

    long historyTable() {
        return memory.readLong(address + HISTORY_TABLE);
    }

    int scopeIndex() {
        return memory.readInt(address + SCOPE_INDEX);
    }

    void setScopeIndex(int index) {
        memory.writeInt(address + SCOPE_INDEX, index);
    }
}
