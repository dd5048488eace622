package org.vadose.cpu;

import org.vadose.base.NtStatus;

/** Executes SSE, MMX and x87 instructions from their decoded form: brings operands to the units and results back. */
final class VectorInstructions {
    private static final ProcessorException[] FLOATING_POINT = {
        raised(NtStatus.FLOAT_INVALID_OPERATION),
        raised(NtStatus.FLOAT_DENORMAL_OPERAND),
        raised(NtStatus.FLOAT_DIVIDE_BY_ZERO),
        raised(NtStatus.FLOAT_OVERFLOW),
        raised(NtStatus.FLOAT_UNDERFLOW),
        raised(NtStatus.FLOAT_INEXACT_RESULT)
    };
    private static final ProcessorException STACK_CHECK = raised(NtStatus.FLOAT_STACK_CHECK);
    private static final ProcessorException MULTIPLE_TRAPS =
            new ProcessorException(CpuFault.SIMD_FLOATING_POINT, false, NtStatus.FLOAT_MULTIPLE_TRAPS);
    private static final ProcessorException MULTIPLE_FAULTS =
            new ProcessorException(CpuFault.SIMD_FLOATING_POINT, false, NtStatus.FLOAT_MULTIPLE_FAULTS);
    /** Invalid, denormal and division come before the result, the other three with it. */
    private static final int FAULTS = 7;

    private final CpuState state;
    private final VectorUnit unit;
    private final X87 fpu;
    private final long[] xmm;
    private long low;
    private long high;

    VectorInstructions(CpuState state) {
        this.state = state;
        this.unit = state.vectors;
        this.fpu = state.fpu;
        this.xmm = unit.xmm;
    }

    private static ProcessorException raised(NtStatus status) {
        return new ProcessorException(CpuFault.FLOATING_POINT, false, status);
    }

    /** Opcodes D8h..DFh and wait. */
    void executeX87(Instruction i) {
        Mnemonic op = i.mnemonic;
        if (fpu.isPending() && X87.waits(op)) {
            throw pending();
        }
        Operand memory = i.memoryOperand();
        long address = memory.isMemory() ? state.address(i, memory) : 0;
        long before = state.rflags();
        long after = fpu.execute(i, state.memory, address, before);
        if (after != before) {
            state.flags.setBits((int) after);
        }
        if (op == Mnemonic.FNSTSW && i.operands[0].isRegister()) {
            state.setPart(Registers.RAX, 2, fpu.status());
        }
    }

    private ProcessorException pending() {
        int status = fpu.status();
        if ((status & X87.STACK_FAULT) != 0) {
            return STACK_CHECK;
        }
        int unmasked = status & ~fpu.control() & 0x3F;
        return FLOATING_POINT[Integer.numberOfTrailingZeros(unmasked)];
    }

    void execute(Instruction i) {
        Mnemonic op = i.mnemonic;
        Operand target = i.operands[0];
        Operand source = i.operands[i.operandCount > 1 ? 1 : 0];
        if (usesMmx(target) || usesMmx(source)) {
            if (fpu.isPending()) {
                throw pending();
            }
        }
        switch (op) {
            case EMMS -> {
                if (fpu.isPending()) {
                    throw pending();
                }
                fpu.emptyAll();
            }
            case COMISS, COMISD, UCOMISS, UCOMISD -> {
                read(i, source);
                int bits = unit.compareFlags(op, xmm[target.register * 2], low);
                checkRaised();
                state.flags.setBits(bits);
            }
            case PTEST -> {
                read(i, source);
                state.flags.setBits(unit.testFlags(target.register, low, high));
            }
            case CVTSS2SI, CVTSD2SI, CVTTSS2SI, CVTTSD2SI -> {
                read(i, source);
                long integer = unit.toInteger(op, low, target.size == 8);
                checkRaised();
                state.writeRegister(target, integer);
            }
            case CVTPS2PI, CVTPD2PI, CVTTPS2PI, CVTTPD2PI -> {
                read(i, source);
                long integer = unit.toMmx(op, low, high);
                checkRaised();
                fpu.setMmx(target.register, integer);
            }
            case MASKMOVDQU, MASKMOVQ -> storeMasked(i, target, source);
            case MOVDQ2Q -> fpu.setMmx(target.register, xmm[source.register * 2]);
            case MOVQ2DQ -> {
                fpu.enterMmx();
                setXmm(target.register, fpu.mmx(source.register), 0);
            }
            case MOVD, MOVQ -> move(i, target, source);
            case MOVMSKPS, MOVMSKPD, PMOVMSKB, PEXTRB, PEXTRW, PEXTRD, PEXTRQ, EXTRACTPS -> extract(i, target, source);
            case PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM -> throw ProcessorException.INVALID_OPCODE;
            default -> compute(i, op, target, source);
        }
    }

    private void compute(Instruction i, Mnemonic op, Operand target, Operand source) {
        if (target.kind == Operand.Kind.MEMORY) {
            store(i, op, target, source);
            return;
        }
        read(i, source);
        int immediate =
                i.operandCount > 2 && i.operands[2].kind == Operand.Kind.IMMEDIATE ? (int) i.operands[2].value : 0;
        if (target.registerClass == RegisterClass.MMX) {
            fpu.setMmx(target.register, unit.applyMmx(op, fpu.mmx(target.register), low, immediate));
            return;
        }
        if ((op == Mnemonic.MOVSS || op == Mnemonic.MOVSD) && source.kind == Operand.Kind.MEMORY) {
            setXmm(target.register, low, 0);
            return;
        }
        unit.apply(op, target.register, low, high, immediate);
        if (VectorUnit.raises(op)) {
            checkRaised();
            if (usesMmx(source)) {
                fpu.enterMmx();
            }
        }
    }

    /** movd and movq in all directions: zero-extended into what they write, but for general registers of 32 bits as usual. */
    private void move(Instruction i, Operand target, Operand source) {
        read(i, source);
        long value = i.mnemonic == Mnemonic.MOVD ? low & 0xFFFF_FFFFL : low;
        if (usesMmx(source)) {
            fpu.enterMmx();
        }
        if (target.kind == Operand.Kind.MEMORY) {
            state.store(state.address(i, target), target.size, value);
        } else if (target.registerClass == RegisterClass.XMM) {
            setXmm(target.register, value, 0);
        } else if (target.registerClass == RegisterClass.MMX) {
            fpu.setMmx(target.register, value);
        } else {
            state.writeRegister(target, value);
        }
    }

    private void extract(Instruction i, Operand target, Operand source) {
        int immediate = i.operandCount > 2 ? (int) i.operands[2].value : 0;
        long value;
        if (usesMmx(source)) {
            fpu.enterMmx();
            value = VectorUnit.extractMmx(i.mnemonic, fpu.mmx(source.register), immediate);
        } else {
            int n = source.register * 2;
            value = VectorUnit.extract(i.mnemonic, xmm[n], xmm[n + 1], immediate);
        }
        state.write(i, target, value);
    }

    private void store(Instruction i, Mnemonic op, Operand target, Operand source) {
        long address = state.address(i, target);
        if (source.registerClass == RegisterClass.MMX) {
            state.store(address, 8, fpu.mmx(source.register));
            fpu.enterMmx();
            return;
        }
        int n = source.register * 2;
        if (target.size < 16) {
            boolean upper = op == Mnemonic.MOVHPS || op == Mnemonic.MOVHPD;
            state.store(address, target.size, upper ? xmm[n + 1] : xmm[n]);
            return;
        }
        checkAligned(op, address);
        state.store128(address, xmm[n], xmm[n + 1]);
    }

    static boolean allowsUnaligned(Mnemonic op) {
        return switch (op) {
            case MOVUPS, MOVUPD, MOVDQU, LDDQU -> true;
            default -> false;
        };
    }

    private static void checkAligned(Mnemonic op, long address) {
        if ((address & 15) != 0 && !allowsUnaligned(op)) {
            throw ProcessorException.GENERAL_PROTECTION;
        }
    }

    private void read(Instruction i, Operand source) {
        high = 0;
        switch (source.kind) {
            case MEMORY -> {
                long address = state.address(i, source);
                if (source.size == 16) {
                    checkAligned(i.mnemonic, address);
                    low = state.memory.readLong(address);
                    high = state.memory.readLong(address + 8);
                } else {
                    low = signedWhereConverted(i.mnemonic, state.load(address, source.size), source.size);
                }
            }
            case REGISTER -> {
                switch (source.registerClass) {
                    case XMM -> {
                        low = xmm[source.register * 2];
                        high = xmm[source.register * 2 + 1];
                    }
                    case MMX -> low = fpu.mmx(source.register);
                    default -> low = signedWhereConverted(i.mnemonic, state.readRegister(source), source.size);
                }
            }
            default -> low = source.value;
        }
    }

    private static long signedWhereConverted(Mnemonic op, long value, int size) {
        return size == 4 && (op == Mnemonic.CVTSI2SD || op == Mnemonic.CVTSI2SS) ? (int) value : value;
    }

    private void storeMasked(Instruction i, Operand data, Operand mask) {
        boolean isMmx = data.registerClass == RegisterClass.MMX;
        long address = (i.addressSize == 4 ? state.r[Registers.RDI] & 0xFFFF_FFFFL : state.r[Registers.RDI])
                + state.segmentBase(i.segment);
        int length = isMmx ? 8 : 16;
        for (int pass = 0; pass < 2; pass++) {
            for (int n = 0; n < length; n++) {
                int at = mask.register * 2 + (n >> 3);
                long select = isMmx ? fpu.mmx(mask.register) : xmm[at];
                if ((select >>> (n & 7) * 8 & 0x80) == 0) {
                    continue;
                }
                if (pass == 0) {
                    state.memory.prepareWrite(address + n, 1);
                } else {
                    long value = isMmx ? fpu.mmx(data.register) : xmm[data.register * 2 + (n >> 3)];
                    state.memory.writeByte(address + n, (byte) (value >>> (n & 7) * 8));
                }
            }
        }
        if (isMmx) {
            fpu.enterMmx();
        }
    }

    private void setXmm(int n, long newLow, long newHigh) {
        xmm[n * 2] = newLow;
        xmm[n * 2 + 1] = newHigh;
    }

    /** Raises #XM when the operation just done asks for it. */
    void checkRaised() {
        if (!unit.hasUnmasked()) {
            return;
        }
        int mxcsr = unit.mxcsr();
        int unmasked = mxcsr & ~(mxcsr >> 7) & 0x3F;
        throw (unmasked & FAULTS) != 0 ? MULTIPLE_FAULTS : MULTIPLE_TRAPS;
    }

    private static boolean usesMmx(Operand operand) {
        return operand.kind == Operand.Kind.REGISTER && operand.registerClass == RegisterClass.MMX;
    }
}
