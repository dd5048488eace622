package org.vadose.debug;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.vadose.nt.ContextRecord;
import org.vadose.pe.RuntimeFunctions;
import org.vadose.pe.VirtualUnwind;
import org.vadose.target.Register;
import org.vadose.target.RegisterFile;
import org.vadose.target.UnreadableMemoryException;

/** The frames of a stack, by the unwind data of the images the code belongs to. */
final class StackTrace {
    /** General registers by hardware number. */
    private static final Register[] BY_NUMBER = {
        Register.RAX,
        Register.RCX,
        Register.RDX,
        Register.RBX,
        Register.RSP,
        Register.RBP,
        Register.RSI,
        Register.RDI,
        Register.R8,
        Register.R9,
        Register.R10,
        Register.R11,
        Register.R12,
        Register.R13,
        Register.R14,
        Register.R15
    };

    private static final int HOME_BYTES = 32;

    /**
     * One call on the stack.
     *
     * @param stackPointer RSP in the frame
     * @param returnAddress where the function returns to, 0 for the last
     * @param instruction where control is in the function
     * @param returnStackPointer RSP after the return
     */
    record Frame(long stackPointer, long returnAddress, long instruction, long returnStackPointer) {
        /** Where the function's caller left room for its first four arguments. */
        long home() {
            return returnStackPointer;
        }
    }

    private StackTrace() {}

    /**
     * Walks a stack until it ends, makes no sense or cannot be read.
     *
     * @param limit most frames
     */
    static List<Frame> of(Debugger debugger, RegisterFile registers, int limit) {
        StackMemory memory = new StackMemory(debugger);
        ContextRecord context = new ContextRecord(memory, StackMemory.CONTEXT);
        for (int i = 0; i < BY_NUMBER.length; i++) {
            context.setRegister(i, registers.get(BY_NUMBER[i]));
        }
        context.setRip(registers.get(Register.RIP));
        List<Frame> frames = new ArrayList<>();
        while (frames.size() < limit && context.rip() != 0) {
            long stackPointer = context.rsp();
            long instruction = context.rip();
            boolean unwound = unwind(debugger, memory, context);
            boolean sane = unwound && Long.compareUnsigned(context.rsp(), stackPointer) > 0;
            frames.add(new Frame(stackPointer, sane ? context.rip() : 0, instruction, context.rsp()));
            if (!sane) {
                break;
            }
        }
        return frames;
    }

    private static boolean unwind(Debugger debugger, StackMemory memory, ContextRecord context) {
        long pc = context.rip();
        try {
            Module module = debugger.modules().containing(pc);
            RuntimeFunctions.@Nullable Entry function =
                    module == null ? null : RuntimeFunctions.find(memory, module.base(), pc);
            if (function == null) {
                VirtualUnwind.unwindLeaf(context);
            } else {
                VirtualUnwind.unwind(0, function.imageBase(), pc, function.address(), context);
            }
            return true;
        } catch (UnreadableMemoryException e) {
            return false;
        }
    }

    /** The first four arguments as the caller's home space holds them; what a function keeps there is its own affair. */
    static long @Nullable [] home(Debugger debugger, Frame frame) {
        long[] values = new long[HOME_BYTES / 8];
        try {
            for (int i = 0; i < values.length; i++) {
                values[i] = debugger.memory().readLong(frame.home() + 8L * i);
            }
            return values;
        } catch (UnreadableMemoryException e) {
            return null;
        }
    }
}
