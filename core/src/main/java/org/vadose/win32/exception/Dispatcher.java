package org.vadose.win32.exception;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.cpu.CpuFault;
import org.vadose.layout.ContextLayout;
import org.vadose.layout.ExceptionPointersLayout;
import org.vadose.layout.ExceptionRecordLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.ContextRecord;
import org.vadose.nt.ExceptionRecord;
import org.vadose.pe.RuntimeFunctions;
import org.vadose.pe.UnwindFormat;
import org.vadose.pe.VirtualUnwind;
import org.vadose.rtl.HeapException;
import org.vadose.win32.GuestCpu;
import org.vadose.win32.GuestExceptions;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.GuestThread;
import org.vadose.win32.GuestUnwind;
import org.vadose.win32.ProcessEnded;

/**
 * Offers exceptions to those who may handle them, in Windows' order: the debugger, vectored handlers, the frames of the stack from
 * the innermost out, the unhandled-exception filter, the debugger again. Nobody: the process ends with the exception's code.
 */
public final class Dispatcher implements GuestExceptions {
    private static final int CONTINUE_EXECUTION_ANSWER = -1;
    private static final int EXECUTE_HANDLER_ANSWER = 1;
    private static final int DISPOSITION_CONTINUE_EXECUTION = 0;
    private static final int DISPOSITION_CONTINUE_SEARCH = 1;
    private static final int DISPOSITION_NESTED = 2;
    private static final int DISPOSITION_COLLIDED = 3;
    private static final long TRAP_FLAG = 0x100;
    /** Exceptions inside exceptions beyond any sense. */
    private static final int DEEPEST_DISPATCH = 500;

    private final GuestProcess process;
    private final Memory memory;
    private final FunctionTables tables;
    private final VectoredHandlers exceptionHandlers = new VectoredHandlers();
    private final VectoredHandlers continueHandlers = new VectoredHandlers();
    private long unhandledFilter;

    public Dispatcher(GuestProcess process) {
        this.process = process;
        this.memory = process.memory();
        this.tables = new FunctionTables(memory, process.modules());
    }

    public FunctionTables tables() {
        return tables;
    }

    public VectoredHandlers exceptionHandlers() {
        return exceptionHandlers;
    }

    public VectoredHandlers continueHandlers() {
        return continueHandlers;
    }

    /** The program's top-level filter, 0 for none. */
    public long unhandledFilter() {
        return unhandledFilter;
    }

    public void setUnhandledFilter(long function) {
        unhandledFilter = function;
    }

    /** A processor exception of guest code: the processor stands at the instruction. */
    @Override
    public void serve(GuestThread thread) {
        CpuFault fault = thread.cpu().fault();
        HardwareException exception = HardwareException.of(fault, thread.cpu());
        if (exception.code() == NtStatus.ACCESS_VIOLATION.code() && process.isGuardCheck(exception.address())) {
            exception = HardwareException.guardFailure(exception.address());
        }
        if (fault.isTrap()) {
            thread.cpu().setFlags(thread.cpu().flags() & ~TRAP_FLAG);
        }
        if (exception.isFastFail()) {
            ExceptionFrame frame = frame(thread, exception.code(), 0, exception.address(), exception.parameters());
            process.events().exception(thread, frame.record(), frame.context(), false);
            endUnhandled(thread, exception.code(), exception.address(), exception.parameters(), frame.context());
        }
        raise(thread, exception.code(), 0, exception.address(), exception.parameters());
    }

    /** An access by a built-in function on the guest's behalf; the processor stands at the function's stub. */
    @Override
    public void raise(GuestThread thread, MemoryFault fault) {
        CpuFault pageFault =
                new CpuFault(CpuFault.PAGE_FAULT, false, fault.errorCode(), fault.virtualAddress(), fault.status(), 0);
        HardwareException exception = HardwareException.of(pageFault, thread.cpu());
        raise(thread, exception.code(), 0, exception.address(), exception.parameters());
    }

    @Override
    public void raise(GuestThread thread, HeapException problem) {
        int code = problem.status().code();
        long rip = thread.cpu().rip();
        if (problem.status().equals(NtStatus.HEAP_CORRUPTION)) {
            reportFatal(thread, code, rip, problem.address());
        } else {
            raise(thread, code, 0, rip, problem.heap());
        }
    }

    /** Raised inside a frame of ntdll's own that ends the process: only the debugger and vectored handlers hear of it. */
    private void reportFatal(GuestThread thread, int code, long address, long... parameters) {
        ExceptionFrame frame = frame(thread, code, ExceptionRecord.NONCONTINUABLE, address, parameters);
        GuestCpu cpu = thread.cpu();
        cpu.setRegister(GuestCpu.RSP, frame.address());
        thread.setEntryStackPointer(frame.address());
        cpu.setRip(process.exceptionReturn());
        ExceptionRecord record = frame.record();
        ContextRecord context = frame.context();
        ExceptionState state = ExceptionState.of(thread);
        try {
            if (state.enter() <= DEEPEST_DISPATCH && !process.events().exception(thread, record, context, true)) {
                GuestStack stack = new GuestStack(thread);
                long pointers = stack.allocate(ExceptionPointersLayout.SIZE);
                memory.writeLong(pointers + ExceptionPointersLayout.EXCEPTION_RECORD, record.address());
                memory.writeLong(pointers + ExceptionPointersLayout.CONTEXT_RECORD, context.address());
                for (VectoredHandlers.Handler handler : exceptionHandlers.all()) {
                    if ((int) thread.callGuest(handler.function(), pointers) == CONTINUE_EXECUTION_ANSWER) {
                        break;
                    }
                }
            }
        } catch (MemoryFault stackGone) {
            // The end comes all the same.
        } finally {
            state.leave();
        }
        process.events().exception(thread, record, context, false);
        endUnhandled(thread, code, address, parameters, context);
    }

    /**
     * Raises an exception at the processor's present state.
     *
     * @throws GuestUnwind if the guest goes on
     * @throws ProcessEnded if it does not
     */
    @Override
    public void raise(GuestThread thread, int code, int flags, long address, long... parameters) {
        ExceptionFrame frame = frame(thread, code, flags, address, parameters);
        GuestCpu cpu = thread.cpu();
        cpu.setRegister(GuestCpu.RSP, frame.address());
        thread.setEntryStackPointer(frame.address());
        cpu.setRip(process.exceptionReturn());
        dispatch(thread, frame.record(), frame.context(), true);
    }

    /** Writes record and registers below RSP, where Windows would; the processor's registers stay. */
    private ExceptionFrame frame(GuestThread thread, int code, int flags, long address, long... parameters) {
        GuestCpu cpu = thread.cpu();
        long rsp = cpu.register(GuestCpu.RSP);
        ExceptionFrame frame = new ExceptionFrame(memory, (rsp & -16) - ExceptionFrame.SIZE);
        try {
            ContextTransfer.save(cpu, frame.context());
            frame.record().write(code, flags, address, parameters);
            frame.writeMachineFrame();
        } catch (MemoryFault noStackLeft) {
            int reported = noStackLeft.status().equals(NtStatus.STACK_OVERFLOW) ? NtStatus.STACK_OVERFLOW.code() : code;
            endUnhandled(thread, reported, address, parameters, null);
        }
        return frame;
    }

    /**
     * Dispatches a record and a context in guest memory, both above RSP.
     *
     * @throws GuestUnwind if the guest goes on
     */
    void dispatch(GuestThread thread, ExceptionRecord record, ContextRecord context, boolean firstChance) {
        ExceptionState state = ExceptionState.of(thread);
        int code = record.code();
        try {
            if (state.enter() > DEEPEST_DISPATCH) {
                endUnhandled(thread, code, record.exceptionAddress(), parameters(record), context);
            }
            if (firstChance && process.events().exception(thread, record, context, true)) {
                goOn(thread, context);
            }
            GuestStack stack = new GuestStack(thread);
            long pointers = stack.allocate(ExceptionPointersLayout.SIZE);
            memory.writeLong(pointers + ExceptionPointersLayout.EXCEPTION_RECORD, record.address());
            memory.writeLong(pointers + ExceptionPointersLayout.CONTEXT_RECORD, context.address());
            offer(thread, record, context, pointers, stack);
        } catch (MemoryFault stackGone) {
            endUnhandled(
                    thread,
                    stackGone.status().equals(NtStatus.STACK_OVERFLOW) ? NtStatus.STACK_OVERFLOW.code() : code,
                    record.exceptionAddress(),
                    parameters(record),
                    context);
        } finally {
            state.leave();
        }
    }

    private void offer(
            GuestThread thread, ExceptionRecord record, ContextRecord context, long pointers, GuestStack stack) {
        for (VectoredHandlers.Handler handler : exceptionHandlers.all()) {
            if ((int) thread.callGuest(handler.function(), pointers) == CONTINUE_EXECUTION_ANSWER) {
                continueAfterHandlers(thread, context, pointers);
            }
        }
        if (offerToFrames(thread, record, context, stack)) {
            continueAfterHandlers(thread, context, pointers);
        }
        int answer = unhandledFilter == 0 ? 0 : (int) thread.callGuest(unhandledFilter, pointers);
        if (answer == CONTINUE_EXECUTION_ANSWER) {
            goOn(thread, context);
        }
        if (answer == EXECUTE_HANDLER_ANSWER) {
            process.end(record.code(), null);
            throw new ProcessEnded();
        }
        if (process.events().exception(thread, record, context, false)) {
            goOn(thread, context);
        }
        endUnhandled(thread, record.code(), record.exceptionAddress(), parameters(record), context);
    }

    private void continueAfterHandlers(GuestThread thread, ContextRecord context, long pointers) {
        for (VectoredHandlers.Handler handler : continueHandlers.all()) {
            if ((int) thread.callGuest(handler.function(), pointers) == CONTINUE_EXECUTION_ANSWER) {
                break;
            }
        }
        goOn(thread, context);
    }

    private void goOn(GuestThread thread, ContextRecord context) {
        ContextTransfer.load(thread.cpu(), context);
        throw new GuestUnwind();
    }

    /** True if a frame's handler said to go on where the exception was. */
    private boolean offerToFrames(
            GuestThread thread, ExceptionRecord record, ContextRecord original, GuestStack stack) {
        ContextRecord walked = new ContextRecord(memory, stack.allocate(ContextLayout.SIZE));
        DispatcherContext dispatcher = new DispatcherContext(memory, stack.allocate(DispatcherContext.SIZE));
        walked.copyFrom(original);
        StackWalk walk = new StackWalk(thread, tables, walked);
        int flags = record.flags() & ExceptionRecord.NONCONTINUABLE;
        long nestedFrame = 0;
        while (step(walk, UnwindFormat.FLAG_EXCEPTION_HANDLER)) {
            int scope = 0;
            if (walk.collidedWith() != 0) {
                // Exception in a termination handler: its frame's unwind had come so far; ask from there on.
                DispatcherContext older = new DispatcherContext(memory, walk.collidedWith());
                scope = older.scopeIndex();
                walked.copyFrom(new ContextRecord(memory, older.contextRecord()));
                if (!step(walk, UnwindFormat.FLAG_EXCEPTION_HANDLER)) {
                    return false;
                }
            }
            VirtualUnwind.Frame frame = walk.frame();
            RuntimeFunctions.Entry function = walk.function();
            if (frame == null || function == null || frame.handler() == 0) {
                continue;
            }
            dispatcher.write(walk.controlPc(), function, frame, 0, walked.address(), 0);
            dispatcher.setScopeIndex(scope);
            record.setFlags(flags);
            int disposition = (int) thread.callGuest(
                    frame.handler(),
                    record.address(),
                    frame.establisherFrame(),
                    original.address(),
                    dispatcher.address());
            if (nestedFrame == frame.establisherFrame()) {
                flags &= ~ExceptionRecord.NESTED_CALL;
                nestedFrame = 0;
            }
            switch (disposition) {
                case DISPOSITION_CONTINUE_EXECUTION -> {
                    if ((record.flags() & ExceptionRecord.NONCONTINUABLE) != 0) {
                        raiseNested(thread, NtStatus.NONCONTINUABLE_EXCEPTION.code(), record);
                    }
                    return true;
                }
                case DISPOSITION_CONTINUE_SEARCH, DISPOSITION_COLLIDED -> {}
                case DISPOSITION_NESTED -> {
                    flags |= ExceptionRecord.NESTED_CALL;
                    nestedFrame = Math.max(nestedFrame, dispatcher.establisherFrame());
                }
                default -> raiseNested(thread, NtStatus.INVALID_DISPOSITION.code(), record);
            }
        }
        return false;
    }

    /** A stack that cannot be read ends the walk. */
    private static boolean step(StackWalk walk, int kind) {
        try {
            return walk.step(kind);
        } catch (MemoryFault unreadable) {
            return false;
        }
    }

    private void raiseNested(GuestThread thread, int code, ExceptionRecord cause) {
        GuestStack stack = new GuestStack(thread);
        ContextRecord context = new ContextRecord(memory, stack.allocate(ContextLayout.SIZE));
        ContextTransfer.save(thread.cpu(), context);
        ExceptionRecord record = new ExceptionRecord(memory, stack.allocate(ExceptionRecordLayout.SIZE));
        record.write(code, ExceptionRecord.NONCONTINUABLE, thread.cpu().rip());
        record.setNestedRecord(cause.address());
        dispatch(thread, record, context, true);
    }

    private static long[] parameters(ExceptionRecord record) {
        long[] parameters = new long[record.parameterCount()];
        for (int i = 0; i < parameters.length; i++) {
            parameters[i] = record.parameter(i);
        }
        return parameters;
    }

    /** {@code UnhandledExceptionFilter}: what the default is, asking the program's filter first. */
    int unhandledExceptionFilter(GuestThread thread, long pointers) {
        return unhandledFilter == 0 ? 0 : (int) thread.callGuest(unhandledFilter, pointers);
    }

    private void endUnhandled(
            GuestThread thread, int code, long address, long[] parameters, @Nullable ContextRecord context) {
        String report;
        try {
            report = new CrashReport(thread, memory).text(code, address, parameters, context);
        } catch (MemoryFault unreadable) {
            report = "unhandled exception " + NtStatus.of(code) + " at " + Long.toHexString(address);
        }
        process.end(code, report);
        throw new ProcessEnded();
    }
}
