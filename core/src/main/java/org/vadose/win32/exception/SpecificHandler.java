package org.vadose.win32.exception;

import org.vadose.layout.ExceptionPointersLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ContextRecord;
import org.vadose.nt.ExceptionRecord;
import org.vadose.win32.ApiCall;

/**
 * {@code __C_specific_handler}: runs the filters and termination handlers of a function's {@code __try} blocks.
 *
 * <p>Scope table: a count, then for each block, innermost first, four RVAs: begin, end, filter or termination handler, target
 * ({@code JumpTarget}; 0 marks a termination handler, a filter of 1 always takes the exception).
 */
final class SpecificHandler {
    private static final long CONTINUE_EXECUTION = 0;
    private static final long CONTINUE_SEARCH = 1;
    private static final int SCOPE_SIZE = 16;
    private static final int ALWAYS = 1;
    /** More blocks than any function has. */
    private static final int MOST_SCOPES = 1 << 16;

    private final ApiCall call;
    private final Memory memory;
    private final ExceptionRecord record;
    private final long frame;
    private final long context;
    private final DispatcherContext dispatcher;

    private SpecificHandler(ApiCall call) {
        this.call = call;
        this.memory = call.memory();
        this.record = new ExceptionRecord(memory, call.arg(0));
        this.frame = call.arg(1);
        this.context = call.arg(2);
        this.dispatcher = new DispatcherContext(memory, call.arg(3));
    }

    static long handle(ApiCall call) {
        SpecificHandler handler = new SpecificHandler(call);
        return (handler.record.flags() & (ExceptionRecord.UNWINDING | ExceptionRecord.EXIT_UNWIND)) == 0
                ? handler.filter()
                : handler.terminate();
    }

    private long filter() {
        long base = dispatcher.imageBase();
        long pc = dispatcher.controlPc() - base;
        int count = count();
        for (int i = dispatcher.scopeIndex(); i < count; i++) {
            long scope = scope(i);
            long target = memory.readUnsignedInt(scope + 12);
            if (!covers(scope, pc) || target == 0) {
                continue;
            }
            long filter = memory.readUnsignedInt(scope + 8);
            int answer = filter == ALWAYS ? ALWAYS : (int) call.callGuest(base + filter, exceptionPointers(), frame);
            if (answer < 0) {
                return CONTINUE_EXECUTION;
            }
            if (answer > 0) {
                ExceptionFunctions.unwindFromHere(
                        call, frame, base + target, record.address(), record.code() & 0xFFFF_FFFFL, 0);
            }
        }
        return CONTINUE_SEARCH;
    }

    private long exceptionPointers() {
        long pointers = new GuestStack(call.thread()).allocate(ExceptionPointersLayout.SIZE);
        memory.writeLong(pointers + ExceptionPointersLayout.EXCEPTION_RECORD, record.address());
        memory.writeLong(
                pointers + ExceptionPointersLayout.CONTEXT_RECORD, new ContextRecord(memory, context).address());
        return pointers;
    }

    private long terminate() {
        long base = dispatcher.imageBase();
        long pc = dispatcher.controlPc() - base;
        long targetPc = dispatcher.targetIp() - base;
        boolean isTarget = (record.flags() & ExceptionRecord.TARGET_UNWIND) != 0;
        int count = count();
        for (int i = dispatcher.scopeIndex(); i < count; i++) {
            long scope = scope(i);
            if (!covers(scope, pc)) {
                continue;
            }
            long target = memory.readUnsignedInt(scope + 12);
            if (isTarget && (covers(scope, targetPc) || target != 0 && target == targetPc)) {
                break;
            }
            if (target == 0) {
                dispatcher.setScopeIndex(i + 1);
                call.callGuest(base + memory.readUnsignedInt(scope + 8), 1, frame);
            }
        }
        return CONTINUE_SEARCH;
    }

    private int count() {
        return Math.clamp(memory.readInt(dispatcher.handlerData()), 0, MOST_SCOPES);
    }

    private long scope(int index) {
        return dispatcher.handlerData() + 4 + (long) index * SCOPE_SIZE;
    }

    private boolean covers(long scope, long pc) {
        return pc >= memory.readUnsignedInt(scope) && pc < memory.readUnsignedInt(scope + 4);
    }
}
