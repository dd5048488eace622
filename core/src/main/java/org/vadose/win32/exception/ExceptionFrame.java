package org.vadose.win32.exception;

import org.vadose.layout.ContextLayout;
import org.vadose.layout.ExceptionRecordLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ContextRecord;
import org.vadose.nt.ExceptionRecord;

/**
 * What the kernel pushes on a thread's stack for {@code KiUserExceptionDispatcher}, lowest address first: the context, an extended
 * context that is empty here, the exception record, a machine frame.
 */
record ExceptionFrame(Memory memory, long address) {
    private static final long EXTENDED_CONTEXT_SIZE = 0x20;
    private static final long RECORD = ContextLayout.SIZE + EXTENDED_CONTEXT_SIZE;
    static final long MACHINE_FRAME = RECORD + ExceptionRecordLayout.SIZE + 15 & -16;
    static final long SIZE = MACHINE_FRAME + 0x30;

    ContextRecord context() {
        return new ContextRecord(memory, address);
    }

    ExceptionRecord record() {
        return new ExceptionRecord(memory, address + RECORD);
    }

    /** Fills the machine frame from the context. */
    void writeMachineFrame() {
        memory.writeLong(address + MACHINE_FRAME, context().rip());
        memory.writeLong(address + MACHINE_FRAME + 8, 0x33);
        memory.writeLong(address + MACHINE_FRAME + 16, context().eflags());
        memory.writeLong(address + MACHINE_FRAME + 24, context().rsp());
        memory.writeLong(address + MACHINE_FRAME + 32, 0x2B);
    }
}
