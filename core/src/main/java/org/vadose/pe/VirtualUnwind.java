package org.vadose.pe;

import org.jspecify.annotations.Nullable;
import org.vadose.layout.ImageRuntimeFunctionEntryLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ContextRecord;

/** Takes one frame off a context by interpreting its function's unwind codes: {@code RtlVirtualUnwind}. */
public final class VirtualUnwind {
    /** More links than this in a chain of unwind data is a loop. */
    private static final int LONGEST_CHAIN = 32;

    private static final int RSP = 4;

    /**
     * What one step found out.
     *
     * @param handler address of the language handler of the wanted kind, 0 for none
     * @param handlerData address of the handler's data
     * @param establisherFrame what identifies the frame
     */
    public record Frame(long handler, long handlerData, long establisherFrame) {}

    private final Memory memory;
    private final ContextRecord context;
    private final long imageBase;

    private VirtualUnwind(ContextRecord context, long imageBase) {
        this.memory = context.memory();
        this.context = context;
        this.imageBase = imageBase;
    }

    /**
     * Unwinds {@code context} to the caller.
     *
     * @param handlerKind {@link UnwindFormat#FLAG_EXCEPTION_HANDLER}, {@link UnwindFormat#FLAG_TERMINATION_HANDLER} or 0
     * @param pc address inside the function
     * @param function address of its {@code RUNTIME_FUNCTION}
     * @throws org.vadose.memory.MemoryFault if the stack or the unwind data cannot be read
     */
    public static Frame unwind(int handlerKind, long imageBase, long pc, long function, ContextRecord context) {
        return new VirtualUnwind(context, imageBase).unwind(handlerKind, pc, function);
    }

    /** Unwinds a function without unwind data: its return address is on top of the stack. */
    public static Frame unwindLeaf(ContextRecord context) {
        long frame = context.rsp();
        context.setRip(context.memory().readLong(frame));
        context.setRsp(frame + 8);
        return new Frame(0, 0, frame);
    }

    /** Unwinds a machine frame: RIP, CS, EFLAGS, RSP, SS. */
    public static void unwindMachineFrame(ContextRecord context, long frame) {
        Memory memory = context.memory();
        context.setRip(memory.readLong(frame));
        context.setRsp(memory.readLong(frame + 24));
    }

    private Frame unwind(int handlerKind, long pc, long function) {
        long info = unwindInfo(function);
        long offset = pc - imageBase - begin(function);
        int frameByte = memory.readUnsignedByte(info + 3);
        int frameRegister = frameByte & 0xF;
        long establisher = context.rsp();
        boolean inProlog = offset < memory.readUnsignedByte(info + 1);
        if (frameRegister != 0 && (!inProlog || offset >= framePointerSetAt(info))) {
            establisher = context.register(frameRegister) - 16L * (frameByte >> 4);
        }
        if (!inProlog && new Epilog(context, pc, imageBase, function, frameRegister).unwind()) {
            return new Frame(0, 0, establisher);
        }

        boolean returned = false;
        long codesFrom = inProlog ? offset : Long.MAX_VALUE;
        long handlerInfo = info;
        for (int links = 0; links < LONGEST_CHAIN; links++) {
            returned = undo(info, codesFrom);
            if ((flags(info) & UnwindFormat.FLAG_CHAINED) == 0) {
                break;
            }
            info = unwindInfo(afterCodes(info));
            codesFrom = Long.MAX_VALUE;
        }
        if (!returned) {
            long rsp = context.rsp();
            context.setRip(memory.readLong(rsp));
            context.setRsp(rsp + 8);
        }
        Frame handler = inProlog ? null : handler(handlerInfo, handlerKind, establisher);
        return handler != null ? handler : new Frame(0, 0, establisher);
    }

    private @Nullable Frame handler(long info, int kind, long establisher) {
        if ((flags(info) & UnwindFormat.FLAG_CHAINED) != 0 || (flags(info) & kind) == 0) {
            return null;
        }
        long at = afterCodes(info);
        return new Frame(imageBase + memory.readUnsignedInt(at), at + 4, establisher);
    }

    /** Undoes what the prolog did up to {@code offset}; true when a machine frame gave RIP and RSP. */
    private boolean undo(long info, long offset) {
        int count = memory.readUnsignedByte(info + 2);
        int frameByte = memory.readUnsignedByte(info + 3);
        boolean returned = false;
        for (int i = 0; i < count; ) {
            long code = info + 4 + 2L * i;
            int at = memory.readUnsignedByte(code);
            int operation = memory.readUnsignedByte(code + 1) & 0xF;
            int information = memory.readUnsignedByte(code + 1) >> 4;
            if (at <= offset) {
                returned |= undo(operation, information, code, frameByte);
            }
            i += UnwindFormat.slots(operation, information);
        }
        return returned;
    }

    private boolean undo(int operation, int information, long code, int frameByte) {
        long rsp = context.rsp();
        switch (operation) {
            case UnwindFormat.PUSH_NONVOLATILE -> {
                context.setRegister(information, memory.readLong(rsp));
                context.setRsp(rsp + 8);
            }
            case UnwindFormat.ALLOCATE_LARGE ->
                context.setRsp(rsp
                        + (information == 0
                                ? 8L * memory.readUnsignedShort(code + 2)
                                : memory.readUnsignedInt(code + 2)));
            case UnwindFormat.ALLOCATE_SMALL -> context.setRsp(rsp + 8L * information + 8);
            case UnwindFormat.SET_FRAME_POINTER ->
                context.setRsp(context.register(frameByte & 0xF) - 16L * (frameByte >> 4));
            case UnwindFormat.SAVE_NONVOLATILE ->
                context.setRegister(information, memory.readLong(rsp + 8L * memory.readUnsignedShort(code + 2)));
            case UnwindFormat.SAVE_NONVOLATILE_FAR ->
                context.setRegister(information, memory.readLong(rsp + memory.readUnsignedInt(code + 2)));
            case UnwindFormat.SAVE_XMM128 -> restoreXmm(information, rsp + 16L * memory.readUnsignedShort(code + 2));
            case UnwindFormat.SAVE_XMM128_FAR -> restoreXmm(information, rsp + memory.readUnsignedInt(code + 2));
            case UnwindFormat.PUSH_MACHINE_FRAME -> {
                unwindMachineFrame(context, rsp + 8L * information);
                return true;
            }
            default -> {
                // Epilog descriptions say nothing about the prolog.
            }
        }
        return false;
    }

    private void restoreXmm(int number, long from) {
        memory.writeLong(context.xmm(number), memory.readLong(from));
        memory.writeLong(context.xmm(number) + 8, memory.readLong(from + 8));
    }

    private int framePointerSetAt(long info) {
        int count = memory.readUnsignedByte(info + 2);
        for (int i = 0; i < count; ) {
            long code = info + 4 + 2L * i;
            int operation = memory.readUnsignedByte(code + 1) & 0xF;
            if (operation == UnwindFormat.SET_FRAME_POINTER) {
                return memory.readUnsignedByte(code);
            }
            i += UnwindFormat.slots(operation, memory.readUnsignedByte(code + 1) >> 4);
        }
        return 0;
    }

    private int flags(long info) {
        return memory.readUnsignedByte(info) >> 3;
    }

    private long afterCodes(long info) {
        int count = memory.readUnsignedByte(info + 2);
        return info + 4 + 2L * (count + 1 & ~1);
    }

    private long begin(long function) {
        return memory.readUnsignedInt(function + ImageRuntimeFunctionEntryLayout.BEGIN_ADDRESS);
    }

    private long unwindInfo(long function) {
        return imageBase + memory.readUnsignedInt(function + ImageRuntimeFunctionEntryLayout.UNWIND_INFO_ADDRESS);
    }

    /**
     * Recognises the rest of an epilog at the program counter, which has one of few shapes: an optional addition to RSP, pops, and
     * a return or a jump out of the function.
     */
    private record Epilog(ContextRecord context, long pc, long imageBase, long function, int frameRegister) {
        /** Executes the rest of the epilog, if that is what stands here. */
        boolean unwind() {
            return walk(false) && walk(true);
        }

        private boolean walk(boolean execute) {
            Memory memory = context.memory();
            long at = pc;
            long rsp = context.rsp();
            int b0 = memory.readUnsignedByte(at);
            if ((b0 & 0xF8) == 0x48 && isStackAddition(memory, at)) {
                int operation = memory.readUnsignedByte(at + 1);
                int modrm = memory.readUnsignedByte(at + 2);
                if (operation == 0x83) {
                    rsp += memory.readByte(at + 3);
                    at += 4;
                } else if (operation == 0x81) {
                    rsp += memory.readInt(at + 3);
                    at += 7;
                } else {
                    int base = modrm & 7 | (b0 & 1) << 3;
                    boolean wide = modrm >> 6 == 2;
                    rsp = context.register(base) + (wide ? memory.readInt(at + 3) : memory.readByte(at + 3));
                    at += wide ? 7 : 4;
                }
            }
            while (true) {
                int high = (memory.readUnsignedByte(at) & 0xF0) == 0x40 ? 1 : 0;
                int opcode = memory.readUnsignedByte(at + high);
                if ((opcode & 0xF8) != 0x58) {
                    break;
                }
                int register = opcode & 7 | (high == 1 && (memory.readUnsignedByte(at) & 1) != 0 ? 8 : 0);
                if (execute) {
                    context.setRegister(register, memory.readLong(rsp));
                }
                rsp += 8;
                at += high + 1;
            }
            if (!leaves(memory, at)) {
                return false;
            }
            if (execute) {
                context.setRip(memory.readLong(rsp));
                context.setRsp(rsp + 8);
            }
            return true;
        }

        private boolean isStackAddition(Memory memory, long at) {
            int operation = memory.readUnsignedByte(at + 1);
            int modrm = memory.readUnsignedByte(at + 2);
            if (operation == 0x83 || operation == 0x81) {
                return modrm == 0xC4;
            }
            // lea rsp, [frame register + displacement]
            return operation == 0x8D
                    && frameRegister != 0
                    && (modrm >> 3 & 7) == RSP
                    && (modrm & 7) == (frameRegister & 7)
                    && (modrm >> 6 == 1 || modrm >> 6 == 2);
        }

        private boolean leaves(Memory memory, long at) {
            int b0 = memory.readUnsignedByte(at);
            return switch (b0) {
                case 0xC3, 0xC2 -> true;
                case 0xF3 -> memory.readUnsignedByte(at + 1) == 0xC3;
                case 0xEB -> isOutside(at + 2 + memory.readByte(at + 1));
                case 0xE9 -> isOutside(at + 5 + memory.readInt(at + 1));
                case 0xFF -> memory.readUnsignedByte(at + 1) == 0x25;
                case 0x48 ->
                    memory.readUnsignedByte(at + 1) == 0xFF
                            && (memory.readUnsignedByte(at + 2) == 0x25
                                    || (memory.readUnsignedByte(at + 2) & 0xF8) == 0xE0);
                default -> false;
            };
        }

        private boolean isOutside(long target) {
            Memory memory = context.memory();
            long rva = target - imageBase;
            return rva <= memory.readUnsignedInt(function + ImageRuntimeFunctionEntryLayout.BEGIN_ADDRESS)
                    || rva >= memory.readUnsignedInt(function + ImageRuntimeFunctionEntryLayout.END_ADDRESS);
        }
    }
}
