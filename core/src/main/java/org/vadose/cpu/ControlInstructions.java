package org.vadose.cpu;

import org.vadose.base.NtStatus;

/** Executes stack, branch and interrupt instructions from their decoded form; those that branch set {@link CpuState#rip}. */
final class ControlInstructions {
    private static final ProcessorException BREAKPOINT =
            new ProcessorException(CpuFault.BREAKPOINT, true, NtStatus.BREAKPOINT);
    private static final ProcessorException ICE_BREAKPOINT =
            new ProcessorException(CpuFault.DEBUG, true, NtStatus.SINGLE_STEP);
    private static final ProcessorException FAST_FAIL =
            new ProcessorException(CpuFault.FAST_FAIL, true, NtStatus.STACK_BUFFER_OVERRUN);
    private static final ProcessorException ASSERTION = new ProcessorException(0x2C, true, NtStatus.ASSERTION_FAILURE);
    private static final ProcessorException DEBUG_SERVICE = new ProcessorException(0x2D, true, NtStatus.BREAKPOINT);

    private final CpuState state;
    private final long[] r;

    ControlInstructions(CpuState state) {
        this.state = state;
        this.r = state.r;
    }

    void execute(Instruction i) {
        Operand first = i.operands[0];
        switch (i.mnemonic) {
            case PUSH -> push(state.read(i, first), i.operandSize);
            case POP -> pop(i, first);
            case PUSHF -> push(state.rflags() & ~CpuState.RESUME_FLAG, i.operandSize);
            case POPF -> popFlags(i.operandSize);
            case ENTER -> enter((int) first.value, (int) i.operands[1].value & 31, i.operandSize);
            case LEAVE -> {
                long frame = r[Registers.RBP];
                long value = state.load(frame, i.operandSize);
                r[Registers.RSP] = frame + i.operandSize;
                state.setPart(Registers.RBP, i.operandSize, value);
            }
            case JRCXZ, JECXZ -> {
                if (count(i) == 0) {
                    state.rip = first.value;
                }
            }
            case LOOP, LOOPE, LOOPNE -> loop(i, first.value);
            case INT3 -> throw BREAKPOINT;
            case INT1 -> throw ICE_BREAKPOINT;
            case INT -> interrupt((int) first.value);
            case IRET, IRETD, IRETQ -> interruptReturn(i.mnemonic);
            case UD0, UD1, UD2 -> throw ProcessorException.INVALID_OPCODE;
            // Far transfers would leave 64-bit user code: no selector for that exists.
            case CALL_FAR, JMP_FAR, RET_FAR -> throw ProcessorException.GENERAL_PROTECTION;
            default -> throw ProcessorException.INVALID_OPCODE;
        }
    }

    private void push(long value, int size) {
        long top = r[Registers.RSP] - size;
        state.store(top, size, value);
        r[Registers.RSP] = top;
    }

    private void pop(Instruction i, Operand target) {
        int size = i.operandSize;
        long top = r[Registers.RSP];
        long value = state.load(top, size);
        if (target.kind == Operand.Kind.MEMORY) {
            // The address is computed with rsp already moved; if the store faults, rsp must not have.
            r[Registers.RSP] = top + size;
            long address = state.address(i, target);
            r[Registers.RSP] = top;
            state.store(address, size, value);
            r[Registers.RSP] = top + size;
            return;
        }
        if (target.registerClass == RegisterClass.SEGMENT) {
            state.loadSelector(target.register, (int) value & 0xFFFF);
            r[Registers.RSP] = top + size;
            return;
        }
        r[Registers.RSP] = top + size;
        state.setPart(target.register, size, value);
    }

    private void popFlags(int size) {
        long value = state.load(r[Registers.RSP], size);
        r[Registers.RSP] += size;
        setUserFlags(value, size);
    }

    private void setUserFlags(long value, int size) {
        int settable = size == 2 ? CpuState.USER_SETTABLE & 0xFFFF : CpuState.USER_SETTABLE;
        int kept = state.systemFlags & ~settable & ~CpuState.RESUME_FLAG;
        state.systemFlags = kept | (int) value & settable;
        state.flags.setBits((int) value);
    }

    private void enter(int bytes, int level, int size) {
        long top = r[Registers.RSP];
        long frame = top - size;
        state.memory.prepareWrite(frame, size);
        long end = frame;
        long outer = r[Registers.RBP];
        state.store(end, size, outer);
        for (int n = 1; n < level; n++) {
            outer -= size;
            end -= size;
            state.store(end, size, state.load(outer, size));
        }
        if (level > 0) {
            end -= size;
            state.store(end, size, frame);
        }
        end -= bytes;
        // Reports a stack that is too small here rather than at the first use, as processors do.
        state.memory.prepareWrite(end, size);
        state.setPart(Registers.RBP, size, frame);
        r[Registers.RSP] = end;
    }

    private long count(Instruction i) {
        return i.addressSize == 4 ? r[Registers.RCX] & 0xFFFF_FFFFL : r[Registers.RCX];
    }

    private void loop(Instruction i, long target) {
        long count = count(i) - 1;
        r[Registers.RCX] = i.addressSize == 4 ? count & 0xFFFF_FFFFL : count;
        boolean goesOn = switch (i.mnemonic) {
            case LOOPE -> state.flags.zero();
            case LOOPNE -> !state.flags.zero();
            default -> true;
        };
        if (count(i) != 0 && goesOn) {
            state.rip = target;
        }
    }

    private static void interrupt(int vector) {
        // User mode may raise only what the interrupt table marks for it.
        throw switch (vector) {
            case 3 -> BREAKPOINT;
            case CpuFault.FAST_FAIL -> FAST_FAIL;
            case 0x2C -> ASSERTION;
            case 0x2D -> DEBUG_SERVICE;
            default -> ProcessorException.GENERAL_PROTECTION;
        };
    }

    private void interruptReturn(Mnemonic op) {
        int size = op == Mnemonic.IRETQ ? 8 : op == Mnemonic.IRETD ? 4 : 2;
        long top = r[Registers.RSP];
        long rip = state.load(top, size);
        long code = state.load(top + size, size) & 0xFFFF;
        long rflags = state.load(top + 2L * size, size);
        long rsp = state.load(top + 3L * size, size);
        long stack = state.load(top + 4L * size, size) & 0xFFFF;
        if (code != CpuState.CODE_SELECTOR || stack != CpuState.DATA_SELECTOR) {
            throw ProcessorException.GENERAL_PROTECTION;
        }
        setUserFlags(rflags, size);
        r[Registers.RSP] = rsp;
        state.rip = rip;
    }
}
