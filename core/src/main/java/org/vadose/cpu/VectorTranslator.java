package org.vadose.cpu;

import static org.vadose.cpu.MicroOp.*;

/** The half of {@link InstructionTranslator} for xmm registers. MMX and x87 are executed from their decoded form. */
final class VectorTranslator {
    private final BlockBuilder out;
    private final MemoryOperand memory;

    VectorTranslator(BlockBuilder out, MemoryOperand memory) {
        this.out = out;
        this.memory = memory;
    }

    /** Emits operations; false, with nothing emitted, when there are none for this instruction. */
    boolean translate(Instruction i) {
        Operand target = i.operands[0];
        Operand source = i.operands[1];
        if (i.operandCount < 2 || isMmx(target) || isMmx(source)) {
            return false;
        }
        switch (i.mnemonic) {
            case MOVAPS, MOVAPD, MOVDQA, MOVNTPS, MOVNTPD, MOVNTDQ, MOVNTDQA -> move128(i, target, source, true);
            case MOVUPS, MOVUPD, MOVDQU, LDDQU -> move128(i, target, source, false);
            case MOVSS, MOVSD -> {
                return moveScalar(i, target, source);
            }
            case MOVD, MOVQ -> moveLow(i, target, source);
            case MOVLPS, MOVLPD, MOVHPS, MOVHPD -> {
                if (target.kind != Operand.Kind.MEMORY) {
                    return apply(i, target, source);
                }
                boolean high = i.mnemonic == Mnemonic.MOVHPS || i.mnemonic == Mnemonic.MOVHPD;
                store(i, target, source, high ? XMM_STORE_HIGH : XMM_STORE64);
            }
            case PXOR, XORPS, XORPD -> {
                if (source.kind == Operand.Kind.REGISTER && source.register == target.register) {
                    out.emit(XMM_CLEAR, target.register, 0, 0, 0);
                } else {
                    out.emit(XMM_XOR, target.register, source(i, source), 0, 0);
                }
            }
            case PAND, ANDPS, ANDPD -> out.emit(XMM_AND, target.register, source(i, source), 0, 0);
            case POR, ORPS, ORPD -> out.emit(XMM_OR, target.register, source(i, source), 0, 0);
            case COMISS, COMISD, UCOMISS, UCOMISD ->
                out.emit(XMM_COMPARE, target.register, source(i, source), i.mnemonic.ordinal() << 8, 0);
            case CVTSI2SS, CVTSI2SD -> convert(i, target, source);
            case CVTSS2SI, CVTSD2SI, CVTTSS2SI, CVTTSD2SI -> {
                int from = source(i, source);
                int size = InstructionTranslator.logarithm(target.size);
                out.emitSized(XMM_TO_INTEGER, size, target.register, from, i.mnemonic.ordinal() << 8, 0);
            }
            case MOVMSKPS, MOVMSKPD, PMOVMSKB ->
                out.emit(XMM_EXTRACT, target.register, source.register, i.mnemonic.ordinal() << 8, 0);
            default -> {
                return apply(i, target, source);
            }
        }
        return true;
    }

    private static boolean isMmx(Operand operand) {
        return operand.kind == Operand.Kind.REGISTER && operand.registerClass == RegisterClass.MMX;
    }

    private static boolean isXmm(Operand operand) {
        return operand.kind == Operand.Kind.REGISTER && operand.registerClass == RegisterClass.XMM;
    }

    private void move128(Instruction i, Operand target, Operand source, boolean aligned) {
        if (target.kind == Operand.Kind.MEMORY) {
            store(i, target, source, aligned ? XMM_STORE128_ALIGNED : XMM_STORE128);
        } else if (source.kind == Operand.Kind.MEMORY) {
            memory.of(i, source, out);
            out.emitMemory(aligned ? XMM_LOAD128_ALIGNED : XMM_LOAD128, target.register, 0, 0, memory);
        } else {
            out.emit(XMM_MOVE, target.register, source.register, 0, 0);
        }
    }

    private boolean moveScalar(Instruction i, Operand target, Operand source) {
        boolean wide = i.mnemonic == Mnemonic.MOVSD;
        if (target.kind == Operand.Kind.MEMORY) {
            store(i, target, source, wide ? XMM_STORE64 : XMM_STORE32);
        } else if (source.kind == Operand.Kind.MEMORY) {
            memory.of(i, source, out);
            out.emitMemory(wide ? XMM_LOAD64 : XMM_LOAD32, target.register, 0, 0, memory);
        } else {
            return apply(i, target, source);
        }
        return true;
    }

    private void moveLow(Instruction i, Operand target, Operand source) {
        int size = target.kind == Operand.Kind.MEMORY || target.isGeneral() ? target.size : source.size;
        if (target.kind == Operand.Kind.MEMORY) {
            store(i, target, source, size == 8 ? XMM_STORE64 : XMM_STORE32);
        } else if (target.isGeneral()) {
            out.emitSized(
                    XMM_TO_GENERAL, InstructionTranslator.logarithm(size), target.register, source.register, 0, 0);
        } else if (source.kind == Operand.Kind.MEMORY) {
            memory.of(i, source, out);
            out.emitMemory(size == 8 ? XMM_LOAD64 : XMM_LOAD32, target.register, 0, 0, memory);
        } else if (source.isGeneral()) {
            out.emitSized(
                    XMM_FROM_GENERAL, InstructionTranslator.logarithm(size), target.register, source.register, 0, 0);
        } else {
            out.emit(XMM_LOW, target.register, source.register, 0, 0);
        }
    }

    private void convert(Instruction i, Operand target, Operand source) {
        int size = InstructionTranslator.logarithm(source.size);
        int from = source.register;
        if (source.kind == Operand.Kind.MEMORY) {
            memory.of(i, source, out);
            out.emitMemory(LOAD8 + size, CpuState.TEMPORARY, 0, 0, memory);
            from = CpuState.TEMPORARY;
        }
        out.emitSized(XMM_CONVERT, size, target.register, from, i.mnemonic.ordinal() << 8, 0);
    }

    private void store(Instruction i, Operand target, Operand source, int operation) {
        memory.of(i, target, out);
        out.emitMemory(operation, 0, source.register, 0, memory);
    }

    /** An xmm register, or the one loaded from memory. */
    private int source(Instruction i, Operand source) {
        if (source.kind == Operand.Kind.REGISTER) {
            return source.register;
        }
        memory.of(i, source, out);
        int operation = switch (source.size) {
            case 16 -> XMM_LOAD128_ALIGNED;
            case 8 -> XMM_LOAD64;
            case 4 -> XMM_LOAD32;
            default -> XMM_LOAD16;
        };
        out.emitMemory(operation, VectorOperations.LOADED, 0, 0, memory);
        return VectorOperations.LOADED;
    }

    /** What {@link VectorUnit#apply} does. */
    private boolean apply(Instruction i, Operand target, Operand source) {
        boolean loads = source.kind == Operand.Kind.MEMORY && source.size != 1;
        boolean fits = loads || isXmm(source) || source.kind == Operand.Kind.IMMEDIATE;
        if (!isXmm(target) || !fits || !VectorUnit.knows(i.mnemonic)) {
            return false;
        }
        int immediate = i.operandCount > 2 && i.operands[2].kind == Operand.Kind.IMMEDIATE
                ? (int) i.operands[2].value & 0xFF
                : 0;
        int operation = VectorUnit.raises(i.mnemonic) ? XMM_APPLY_RAISING : XMM_APPLY;
        int selector = i.mnemonic.ordinal() << 8 | immediate;
        if (source.kind == Operand.Kind.IMMEDIATE) {
            out.emit(operation, target.register, VectorOperations.CONSTANT, selector, source.value);
        } else {
            out.emit(operation, target.register, source(i, source), selector, 0);
        }
        return true;
    }
}
