package org.vadose.win32.exception;

import org.vadose.base.NtStatus;
import org.vadose.layout.ContextLayout;
import org.vadose.layout.ExceptionRecordLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ContextRecord;
import org.vadose.nt.ExceptionRecord;
import org.vadose.pe.RuntimeFunctions;
import org.vadose.pe.UnwindFormat;
import org.vadose.pe.VirtualUnwind;
import org.vadose.win32.GuestCpu;
import org.vadose.win32.GuestThread;
import org.vadose.win32.GuestUnwind;
import org.vadose.win32.ProcessEnded;

/** Takes frames off a stack and runs their termination handlers: {@code RtlUnwindEx} and {@code RtlRestoreContext}. */
public final class Unwinder {
    /** {@code STATUS_UNWIND}. */
    private static final int UNWIND = 0xC0000027;
    /** {@code STATUS_LONGJUMP}: the first parameter is a jump buffer. */
    static final int LONGJUMP = 0x80000026;
    /** {@code STATUS_UNWIND_CONSOLIDATE}: the first parameter is a function that says where to go on. */
    private static final int UNWIND_CONSOLIDATE = 0x80000029;

    private static final int CONTINUE_SEARCH = 1;
    private static final int COLLIDED_UNWIND = 3;

    private final GuestThread thread;
    private final Memory memory;
    private final FunctionTables tables;

    Unwinder(GuestThread thread, FunctionTables tables) {
        this.thread = thread;
        this.memory = thread.process().memory();
        this.tables = tables;
    }

    /**
     * Unwinds to a frame and goes on there.
     *
     * @param start registers of the first frame to unwind, in guest memory
     * @param targetFrame establisher frame to stop at; 0 to unwind everything
     * @param recordAddress address of the exception record; 0 makes one
     * @throws GuestUnwind always: the processor has its new state
     */
    void unwind(
            ContextRecord start,
            long targetFrame,
            long targetIp,
            long recordAddress,
            long returnValue,
            long historyTable) {
        GuestStack stack = new GuestStack(thread);
        ContextRecord current = new ContextRecord(memory, stack.allocate(ContextLayout.SIZE));
        ContextRecord walked = new ContextRecord(memory, stack.allocate(ContextLayout.SIZE));
        DispatcherContext dispatcher = new DispatcherContext(memory, stack.allocate(DispatcherContext.SIZE));
        ExceptionRecord record = new ExceptionRecord(memory, recordAddress);
        if (recordAddress == 0) {
            record = new ExceptionRecord(memory, stack.allocate(ExceptionRecordLayout.SIZE));
            record.write(UNWIND, 0, start.rip());
        }
        int flags = record.flags() | ExceptionRecord.UNWINDING;
        if (targetFrame == 0) {
            flags |= ExceptionRecord.EXIT_UNWIND;
        }
        current.copyFrom(start);
        StackWalk walk = new StackWalk(thread, tables, walked);
        while (true) {
            walked.copyFrom(current);
            if (!walk.step(UnwindFormat.FLAG_TERMINATION_HANDLER)) {
                break;
            }
            VirtualUnwind.Frame frame = walk.frame();
            RuntimeFunctions.Entry function = walk.function();
            boolean collided = walk.collidedWith() != 0;
            if (collided) {
                // The handler of an older unwind was left: go on in its frame, behind the scope it was in.
                DispatcherContext older = new DispatcherContext(memory, walk.collidedWith());
                copy(older, dispatcher);
                current.copyFrom(new ContextRecord(memory, older.contextRecord()));
                walked.copyFrom(current);
                if (!walk.step(UnwindFormat.FLAG_TERMINATION_HANDLER)) {
                    break;
                }
                frame = walk.frame();
                function = walk.function();
            }
            if (frame != null) {
                if (targetFrame != 0 && Long.compareUnsigned(frame.establisherFrame(), targetFrame) > 0) {
                    if (record.code() == LONGJUMP) {
                        break;
                    }
                    thread.process().end(NtStatus.INVALID_UNWIND_TARGET.code(), "unwind past its target frame");
                    throw new ProcessEnded();
                }
                if (frame.handler() != 0 && function != null) {
                    int scope = collided ? dispatcher.scopeIndex() : 0;
                    dispatcher.write(walk.controlPc(), function, frame, targetIp, current.address(), historyTable);
                    dispatcher.setScopeIndex(scope);
                    if (frame.establisherFrame() == targetFrame) {
                        flags |= ExceptionRecord.TARGET_UNWIND;
                    }
                    record.setFlags(flags | (collided ? ExceptionRecord.COLLIDED_UNWIND : 0));
                    current.setRegister(GuestCpu.RAX, returnValue);
                    int disposition = callHandler(record, frame, current, dispatcher);
                    flags &= ~ExceptionRecord.TARGET_UNWIND;
                    if (disposition != CONTINUE_SEARCH && disposition != COLLIDED_UNWIND) {
                        thread.process()
                                .end(NtStatus.INVALID_DISPOSITION.code(), "unwind handler answered " + disposition);
                        throw new ProcessEnded();
                    }
                }
                if (frame.establisherFrame() == targetFrame && targetFrame != 0) {
                    break;
                }
            }
            current.copyFrom(walked);
        }
        current.setRegister(GuestCpu.RAX, returnValue);
        if (record.code() != UNWIND_CONSOLIDATE) {
            current.setRip(targetIp);
        }
        restore(current, record);
    }

    private int callHandler(
            ExceptionRecord record, VirtualUnwind.Frame frame, ContextRecord context, DispatcherContext dispatcher) {
        ExceptionState state = ExceptionState.of(thread);
        state.begin(new StackWalk.ActiveUnwind(thread.entryStackPointer(), dispatcher));
        try {
            return (int) thread.callGuest(
                    frame.handler(),
                    record.address(),
                    frame.establisherFrame(),
                    context.address(),
                    dispatcher.address());
        } finally {
            state.end();
        }
    }

    private void copy(DispatcherContext from, DispatcherContext to) {
        memory.write(to.address(), memory.read(from.address(), DispatcherContext.SIZE));
    }

    /**
     * {@code RtlRestoreContext}: the processor takes this state, or the one that the record of a long jump or a consolidation
     * leads to.
     *
     * @param record may be null-addressed
     * @throws GuestUnwind always
     */
    void restore(ContextRecord context, ExceptionRecord record) {
        if (record.address() != 0 && record.parameterCount() > 0) {
            if (record.code() == LONGJUMP) {
                new JumpBuffer(memory, record.parameter(0)).restore(context);
            } else if (record.code() == UNWIND_CONSOLIDATE) {
                context.setRip(thread.callGuest(record.parameter(0), record.address()));
            }
        }
        ContextTransfer.load(thread.cpu(), context);
        throw new GuestUnwind();
    }
}
