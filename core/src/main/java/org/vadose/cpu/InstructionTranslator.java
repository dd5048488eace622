package org.vadose.cpu;

import static org.vadose.cpu.MicroOp.*;

/** Turns one decoded instruction into micro-operations; what has none of its own is kept to be executed from its decoded form. */
final class InstructionTranslator {
    /** A scratch register for the source when {@link CpuState#TEMPORARY} holds the destination. */
    private static final int SECOND_TEMPORARY = 21;

    private static final int TEMPORARY = CpuState.TEMPORARY;

    private final BlockBuilder out;
    private final MemoryOperand memory = new MemoryOperand();
    private final VectorTranslator vectors;

    InstructionTranslator(BlockBuilder out) {
        this.out = out;
        this.vectors = new VectorTranslator(out, memory);
    }

    /** @return whether the instruction after it belongs to the same block */
    boolean translate(Instruction i) {
        if (isBranch(i)) {
            branch(i);
            return false;
        }
        if (i.lock || !translated(i)) {
            return generic(i);
        }
        return true;
    }

    private boolean generic(Instruction i) {
        InstructionGroup group = InstructionGroup.of(i.mnemonic);
        boolean last = switch (i.mnemonic) {
            // Branches, those that always fault, and popf, after which a single step may be due.
            case LOOP, LOOPE, LOOPNE, JRCXZ, JECXZ, POPF, IRET, IRETD, IRETQ, INT, INT1, INT3, UD0, UD1, UD2 -> true;
            case CALL_FAR, JMP_FAR, RET_FAR, HLT -> true;
            default -> group == InstructionGroup.INVALID;
        };
        out.generic(last, group, i);
        return !last;
    }

    private static boolean isBranch(Instruction i) {
        return switch (i.mnemonic) {
            case JMP, CALL, RET, JCC, SYSCALL -> true;
            default -> false;
        };
    }

    private void branch(Instruction i) {
        Operand first = i.operands[0];
        switch (i.mnemonic) {
            case JCC -> out.emit(JUMP_IF + i.condition.ordinal(), 0, 0, 0, first.value);
            case RET -> out.emit(RETURN, 0, 0, i.operandCount == 0 ? 0 : (int) first.value, 0);
            case SYSCALL -> out.emit(MicroOp.SYSCALL, 0, 0, 0, 0);
            default -> {
                boolean calls = i.mnemonic == Mnemonic.CALL;
                if (first.kind == Operand.Kind.TARGET) {
                    out.emit(calls ? CALL : JUMP, 0, 0, 0, first.value);
                } else {
                    out.emit(calls ? CALL_REGISTER : JUMP_REGISTER, 0, source(i, first, TEMPORARY), 0, 0);
                }
            }
        }
    }

    /** Emits operations; false, with nothing emitted, when there are none for this instruction. */
    private boolean translated(Instruction i) {
        Operand first = i.operands[0];
        Operand second = i.operands[1];
        switch (i.mnemonic) {
            case ADD -> arithmetic(i, MicroOp.ADD);
            case OR -> arithmetic(i, MicroOp.OR);
            case ADC -> arithmetic(i, MicroOp.ADC);
            case SBB -> arithmetic(i, MicroOp.SBB);
            case AND -> arithmetic(i, MicroOp.AND);
            case SUB -> arithmetic(i, MicroOp.SUB);
            case XOR -> arithmetic(i, MicroOp.XOR);
            case CMP -> arithmetic(i, MicroOp.CMP);
            case TEST -> arithmetic(i, MicroOp.TEST);
            case INC, DEC, NEG, NOT -> unary(i, first);
            case MOV, MOVNTI -> {
                return move(i, first, second);
            }
            case MOVZX -> extend(i, first, second, false);
            case MOVSX, MOVSXD -> extend(i, first, second, true);
            case LEA -> {
                second.segment = Registers.NONE;
                memory.of(i, second, out);
                if (first.size == 2) {
                    out.emitMemory(ADDRESS64, TEMPORARY, 0, 0, memory);
                    out.emit(MOVE16, first.register, TEMPORARY, 0, 0);
                } else {
                    out.emitMemory(first.size == 8 ? ADDRESS64 : ADDRESS32, first.register, 0, 0, memory);
                }
            }
            case PUSH -> {
                return push(i, first);
            }
            case POP -> {
                if (i.operandSize != 8 || !isWhole(first)) {
                    return false;
                }
                out.emit(MicroOp.POP, first.register, 0, 0, 0);
            }
            case LEAVE -> {
                if (i.operandSize != 8) {
                    return false;
                }
                // mov rsp,rbp; pop rbp, but the load first: it can fault.
                memory.base = Registers.RBP;
                memory.index = CpuState.ZERO;
                memory.scale = 0;
                memory.displacement = 0;
                out.emitMemory(LOAD64, TEMPORARY, 0, 0, memory);
                memory.displacement = 8;
                out.emitMemory(ADDRESS64, Registers.RSP, 0, 0, memory);
                out.emit(MOVE64, Registers.RBP, TEMPORARY, 0, 0);
            }
            case SHL, SHR, SAR, ROL, ROR, RCL, RCR -> {
                return shift(i, first, second);
            }
            case IMUL -> {
                return multiply(i, first, second);
            }
            case MUL, DIV, IDIV -> wide(i, first);
            case CMOVCC -> {
                if (first.size == 2) {
                    return false;
                }
                int from = source(i, second, TEMPORARY);
                out.emit(first.size == 8 ? MOVE_IF64 : MOVE_IF32, first.register, from, i.condition.ordinal(), 0);
            }
            case SETCC -> set(i, first);
            case CDQE -> out.emit(SIGN_EXTEND32_64, Registers.RAX, Registers.RAX, 0, 0);
            case CWDE -> out.emit(SIGN_EXTEND16_32, Registers.RAX, Registers.RAX, 0, 0);
            case CDQ -> out.emitSized(SIGN_TO_DX, 2, 0, 0, 0, 0);
            case CQO -> out.emitSized(SIGN_TO_DX, 3, 0, 0, 0, 0);
            case XCHG -> {
                if (first.kind != Operand.Kind.REGISTER || first.size < 4) {
                    return false;
                }
                out.emitSized(EXCHANGE, logarithm(first.size), first.register, second.register, 0, 0);
            }
            case BSWAP -> {
                if (first.size < 4) {
                    return false;
                }
                out.emitSized(SWAP_BYTES, logarithm(first.size), first.register, 0, 0, 0);
            }
            case BT, BTS, BTR, BTC -> {
                return bitTest(i, first, second);
            }
            case NOP, PAUSE, ENDBR64, PREFETCH, PREFETCHW, PREFETCHNTA, PREFETCHT0, PREFETCHT1, PREFETCHT2 ->
                out.emit(NOTHING, 0, 0, 0, 0);
            default -> {
                return vectors.translate(i);
            }
        }
        return true;
    }

    static int logarithm(int size) {
        return Integer.numberOfTrailingZeros(size);
    }

    /** A general register in full or its low part, but not ah..bh. */
    private static boolean isWhole(Operand operand) {
        return operand.kind == Operand.Kind.REGISTER && operand.registerClass == RegisterClass.GENERAL;
    }

    /** The register that holds an operand's value, after loading it into {@code temporary} if it is none. Its upper part is anything. */
    private int source(Instruction i, Operand operand, int temporary) {
        switch (operand.kind) {
            case MEMORY -> {
                memory.of(i, operand, out);
                out.emitMemory(LOAD8 + logarithm(operand.size), temporary, 0, 0, memory);
                return temporary;
            }
            case REGISTER -> {
                if (operand.registerClass == RegisterClass.HIGH_BYTE) {
                    out.emit(HIGH_BYTE, temporary, operand.register, 0, 0);
                    return temporary;
                }
                return operand.register;
            }
            default ->
                throw new IllegalArgumentException("operand is neither register nor memory, kind=" + operand.kind);
        }
    }

    /**
     * Brings a destination that is also read into a register: itself, or {@link CpuState#TEMPORARY} loaded so that the store of
     * {@link #putBack} cannot fault.
     */
    private int fetch(Instruction i, Operand target) {
        if (target.kind == Operand.Kind.MEMORY) {
            memory.of(i, target, out);
            int operation = switch (target.size) {
                case 1 -> LOAD_TO_WRITE8;
                case 2 -> LOAD_TO_WRITE16;
                case 4 -> LOAD_TO_WRITE32;
                default -> LOAD_TO_WRITE64;
            };
            out.emitMemory(operation, TEMPORARY, 0, 0, memory);
            return TEMPORARY;
        }
        return source(i, target, TEMPORARY);
    }

    private void putBack(Operand target) {
        if (target.kind == Operand.Kind.MEMORY) {
            // The address is still in memory: fetch was the last to use it.
            out.emitMemory(STORE8 + logarithm(target.size), 0, TEMPORARY, 0, memory);
        } else if (target.registerClass == RegisterClass.HIGH_BYTE) {
            out.emit(SET_HIGH_BYTE, target.register, TEMPORARY, 0, 0);
        }
    }

    private void arithmetic(Instruction i, int kind) {
        Operand target = i.operands[0];
        Operand from = i.operands[1];
        boolean writes = kind != MicroOp.CMP && kind != MicroOp.TEST;
        boolean constant = from.kind == Operand.Kind.IMMEDIATE;
        int b = constant ? 0 : source(i, from, SECOND_TEMPORARY);
        int a = writes ? fetch(i, target) : source(i, target, TEMPORARY);
        int size = target.size;
        if (size < 4) {
            int group = constant ? NARROW_CONSTANT : NARROW;
            out.emitSized(group + kind, logarithm(size), a, b, constant ? (int) from.value : 0, 0);
        } else {
            int group = constant ? size == 8 ? ALU64_CONSTANT : ALU32_CONSTANT : size == 8 ? ALU64 : ALU32;
            out.emit(group + kind, a, b, constant ? (int) from.value : 0, 0);
        }
        if (writes) {
            putBack(target);
        }
    }

    private void unary(Instruction i, Operand target) {
        int a = fetch(i, target);
        int size = target.size;
        switch (i.mnemonic) {
            case INC -> {
                if (size < 4) {
                    out.emitSized(NARROW_INCREMENT, logarithm(size), a, 0, 0, 0);
                } else {
                    out.emit(size == 8 ? INCREMENT64 : INCREMENT32, a, 0, 0, 0);
                }
            }
            case DEC -> {
                if (size < 4) {
                    out.emitSized(NARROW_DECREMENT, logarithm(size), a, 0, 0, 0);
                } else {
                    out.emit(size == 8 ? DECREMENT64 : DECREMENT32, a, 0, 0, 0);
                }
            }
            case NEG -> out.emitSized(NEGATE, logarithm(size), a, 0, 0, 0);
            default -> out.emitSized(MicroOp.NOT, logarithm(size), a, 0, 0, 0);
        }
        putBack(target);
    }

    private boolean move(Instruction i, Operand target, Operand from) {
        if (from.kind == Operand.Kind.IMMEDIATE) {
            moveConstant(i, target, from);
            return true;
        }
        if (target.kind == Operand.Kind.MEMORY) {
            if (!from.isGeneral()) {
                return false;
            }
            int b = source(i, from, SECOND_TEMPORARY);
            memory.of(i, target, out);
            out.emitMemory(STORE8 + logarithm(target.size), 0, b, 0, memory);
            return true;
        }
        if (!target.isGeneral() || from.kind == Operand.Kind.REGISTER && !from.isGeneral()) {
            return false;
        }
        if (from.kind == Operand.Kind.MEMORY && target.size >= 4) {
            memory.of(i, from, out);
            out.emitMemory(target.size == 8 ? LOAD64 : LOAD32, target.register, 0, 0, memory);
            return true;
        }
        int b = source(i, from, TEMPORARY);
        if (target.registerClass == RegisterClass.HIGH_BYTE) {
            out.emit(SET_HIGH_BYTE, target.register, b, 0, 0);
            return true;
        }
        int operation = switch (target.size) {
            case 1 -> MOVE8;
            case 2 -> MOVE16;
            case 4 -> MOVE32;
            default -> MOVE64;
        };
        out.emit(operation, target.register, b, 0, 0);
        return true;
    }

    private void moveConstant(Instruction i, Operand target, Operand from) {
        if (target.kind == Operand.Kind.MEMORY) {
            memory.of(i, target, out);
            out.emitMemory(STORE_CONSTANT8 + logarithm(target.size), 0, 0, (int) from.value, memory);
            return;
        }
        if (target.size >= 4) {
            long value = target.size == 8 ? from.value : from.value & 0xFFFF_FFFFL;
            out.emit(CONSTANT, target.register, 0, 0, value);
            return;
        }
        out.emit(CONSTANT, TEMPORARY, 0, 0, from.value);
        boolean high = target.registerClass == RegisterClass.HIGH_BYTE;
        out.emit(high ? SET_HIGH_BYTE : target.size == 1 ? MOVE8 : MOVE16, target.register, TEMPORARY, 0, 0);
    }

    private void extend(Instruction i, Operand target, Operand from, boolean signed) {
        boolean wide = target.size == 8;
        if (target.size == 2) {
            int b = source(i, from, TEMPORARY);
            if (from.size == 1) {
                out.emit(signed ? SIGN_EXTEND8_32 : ZERO_EXTEND8, TEMPORARY, b, 0, 0);
                b = TEMPORARY;
            }
            out.emit(MOVE16, target.register, b, 0, 0);
            return;
        }
        if (from.kind == Operand.Kind.MEMORY) {
            memory.of(i, from, out);
            int operation = switch (from.size) {
                case 1 -> signed ? wide ? LOAD8_SIGNED64 : LOAD8_SIGNED32 : LOAD8;
                case 2 -> signed ? wide ? LOAD16_SIGNED64 : LOAD16_SIGNED32 : LOAD16;
                default -> signed && wide ? LOAD32_SIGNED64 : LOAD32;
            };
            out.emitMemory(operation, target.register, 0, 0, memory);
            return;
        }
        int b = source(i, from, TEMPORARY);
        int operation = switch (from.size) {
            case 1 -> signed ? wide ? SIGN_EXTEND8_64 : SIGN_EXTEND8_32 : ZERO_EXTEND8;
            case 2 -> signed ? wide ? SIGN_EXTEND16_64 : SIGN_EXTEND16_32 : ZERO_EXTEND16;
            default -> signed && wide ? SIGN_EXTEND32_64 : MOVE32;
        };
        out.emit(operation, target.register, b, 0, 0);
    }

    private boolean push(Instruction i, Operand from) {
        if (i.operandSize != 8) {
            return false;
        }
        if (from.kind == Operand.Kind.IMMEDIATE) {
            out.emit(PUSH_CONSTANT, 0, 0, 0, from.value);
            return true;
        }
        if (from.kind == Operand.Kind.REGISTER && from.registerClass == RegisterClass.SEGMENT) {
            return false;
        }
        out.emit(MicroOp.PUSH, 0, source(i, from, TEMPORARY), 0, 0);
        return true;
    }

    private boolean shift(Instruction i, Operand target, Operand by) {
        int size = target.size;
        int kind = i.mnemonic.ordinal();
        if (by.kind != Operand.Kind.IMMEDIATE) {
            int a = fetch(i, target);
            out.emitSized(SHIFT_BY_CL, logarithm(size), a, 0, kind << 8, 0);
            putBack(target);
            return true;
        }
        int count = (int) by.value & (size == 8 ? 63 : 31);
        int a = fetch(i, target);
        boolean plain = size >= 4 && count != 0;
        int wide = size == 8 ? 1 : 0;
        switch (i.mnemonic) {
            case SHL -> emitShift(plain ? SHIFT_LEFT32 + wide : MicroOp.SHIFT, size, a, kind, count);
            case SHR -> emitShift(plain ? SHIFT_RIGHT32 + wide : MicroOp.SHIFT, size, a, kind, count);
            case SAR -> emitShift(plain ? SHIFT_ARITHMETIC32 + wide : MicroOp.SHIFT, size, a, kind, count);
            default -> emitShift(MicroOp.SHIFT, size, a, kind, count);
        }
        putBack(target);
        return true;
    }

    private void emitShift(int operation, int size, int a, int kind, int count) {
        int immediate = operation == MicroOp.SHIFT ? kind << 8 | count : count;
        out.emitSized(operation, logarithm(size), a, 0, immediate, 0);
    }

    private boolean multiply(Instruction i, Operand target, Operand from) {
        if (i.operandCount == 1) {
            wide(i, target);
            return true;
        }
        if (target.size == 2) {
            return false;
        }
        boolean isWide = target.size == 8;
        int b = source(i, from, TEMPORARY);
        if (i.operandCount == 3) {
            int operation = isWide ? MULTIPLY64_CONSTANT : MULTIPLY32_CONSTANT;
            out.emit(operation, target.register, b, 0, i.operands[2].value);
        } else {
            out.emit(isWide ? MULTIPLY64 : MULTIPLY32, target.register, b, 0, 0);
        }
        return true;
    }

    private void wide(Instruction i, Operand from) {
        int b = source(i, from, TEMPORARY);
        out.emitSized(WIDE, logarithm(from.size), 0, b, i.mnemonic.ordinal() << 8, 0);
    }

    private void set(Instruction i, Operand target) {
        if (isWhole(target)) {
            out.emit(SET_IF, target.register, 0, i.condition.ordinal(), 0);
            return;
        }
        out.emit(SET_IF, TEMPORARY, 0, i.condition.ordinal(), 0);
        if (target.kind == Operand.Kind.MEMORY) {
            memory.of(i, target, out);
        }
        putBack(target);
    }

    private boolean bitTest(Instruction i, Operand target, Operand by) {
        if (target.kind == Operand.Kind.MEMORY && by.kind == Operand.Kind.REGISTER || target.size < 4) {
            return false;
        }
        int kind = i.mnemonic.ordinal() << 8;
        boolean reads = i.mnemonic == Mnemonic.BT;
        int a = reads ? source(i, target, TEMPORARY) : fetch(i, target);
        int size = logarithm(target.size);
        if (by.kind == Operand.Kind.REGISTER) {
            out.emitSized(BIT_TEST_BY_REGISTER, size, a, by.register, kind, 0);
        } else {
            out.emitSized(BIT_TEST, size, a, 0, kind | (int) by.value & target.size * 8 - 1, 0);
        }
        if (!reads) {
            putBack(target);
        }
        return true;
    }
}
