package org.vadose.win32.exception;

import org.jspecify.annotations.Nullable;
import org.vadose.layout.NtTibLayout;
import org.vadose.layout.TebLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ContextRecord;
import org.vadose.pe.RuntimeFunctions;
import org.vadose.pe.VirtualUnwind;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.GuestThread;

/** One frame after another of a guest stack, through guest code and through the calls that built-in code makes into it. */
final class StackWalk {
    /** More frames than this are a stack that loops. */
    private static final int MOST_FRAMES = 1_000_000;

    /** A call of an unwind handler in progress: whoever walks into it goes on where that unwind had got to. */
    record ActiveUnwind(long entry, DispatcherContext dispatcher) {}

    private final GuestThread thread;
    private final GuestProcess process;
    private final FunctionTables tables;
    private final ContextRecord context;
    private int frames;

    private RuntimeFunctions.@Nullable Entry function;
    private VirtualUnwind.@Nullable Frame frame;
    private long controlPc;
    private long collidedWith;

    /** @param context the innermost frame's registers; each step unwinds it */
    StackWalk(GuestThread thread, FunctionTables tables, ContextRecord context) {
        this.thread = thread;
        this.process = thread.process();
        this.tables = tables;
        this.context = context;
    }

    /**
     * Unwinds one frame.
     *
     * @return false at the end of the stack; a stack that makes no sense ends too
     * @throws org.vadose.memory.MemoryFault if it cannot be read
     */
    boolean step(int handlerKind) {
        collidedWith = 0;
        function = null;
        frame = null;
        controlPc = context.rip();
        long rsp = context.rsp();
        if (controlPc == 0 || frames++ > MOST_FRAMES || !isOnStack(rsp)) {
            return false;
        }
        if (controlPc == process.callbackReturn()) {
            long machineFrame = GuestThread.machineFrameOf(rsp);
            collidedWith =
                    ExceptionState.of(thread).activeUnwindAt(context.memory().readLong(machineFrame + 24));
            VirtualUnwind.unwindMachineFrame(context, machineFrame);
        } else if (controlPc == process.exceptionReturn()) {
            VirtualUnwind.unwindMachineFrame(context, rsp + ExceptionFrame.MACHINE_FRAME);
        } else {
            function = tables.find(controlPc);
            frame = function == null
                    ? VirtualUnwind.unwindLeaf(context)
                    : VirtualUnwind.unwind(handlerKind, function.imageBase(), controlPc, function.address(), context);
        }
        return true;
    }

    /** Where in the function of the frame just unwound control was. */
    long controlPc() {
        return controlPc;
    }

    /** The function of the frame just unwound; null where it has no unwind data. */
    RuntimeFunctions.@Nullable Entry function() {
        return function;
    }

    /** The frame just unwound; null for a frame of the system's own. */
    VirtualUnwind.@Nullable Frame frame() {
        return frame;
    }

    /** Address of the {@code DISPATCHER_CONTEXT} of the unwind whose handler call was just walked into, or 0. */
    long collidedWith() {
        return collidedWith;
    }

    private boolean isOnStack(long rsp) {
        Memory memory = context.memory();
        long tib = thread.teb() + TebLayout.NT_TIB;
        long limit = memory.readLong(thread.teb() + TebLayout.DEALLOCATION_STACK);
        long base = memory.readLong(tib + NtTibLayout.STACK_BASE);
        return (rsp & 7) == 0 && Long.compareUnsigned(rsp, limit) >= 0 && Long.compareUnsigned(rsp, base) < 0;
    }
}
