package org.vadose.cpu;

import org.jspecify.annotations.Nullable;
import org.vadose.cpu.SoftFloat.Value;
import org.vadose.memory.Memory;

/** What each x87 instruction does to the registers of an {@link X87}. */
final class X87Operations {
    private static final int ALL_CONDITIONS = X87.C0 | X87.C1 | X87.C2 | X87.C3;
    private static final int INDEFINITE_SIGN_EXPONENT = 0xFFFF;
    private static final long INDEFINITE = SoftFloat.INTEGER_BIT | SoftFloat.QUIET_BIT;
    private static final long RFLAGS_ARITHMETIC = 0x8D5;

    private final X87 fpu;
    /** Made when first needed: few programs get here, and it has constants to work out. */
    private @Nullable X87Functions functions;

    private final Value a = new Value();
    private final Value b = new Value();

    X87Operations(X87 fpu) {
        this.fpu = fpu;
    }

    long execute(Instruction instruction, Memory memory, long address, long rflags) {
        SoftFloat soft = fpu.soft;
        soft.flags = 0;
        soft.roundedUp = false;
        soft.format = SoftFloat.EXTENDED;
        Mnemonic op = instruction.mnemonic();
        Operand first = instruction.operand(0);
        switch (op) {
            case FLD -> load(first, memory, address);
            case FILD, FBLD -> loadInteger(op, first, memory, address);
            case FST, FSTP -> store(op == Mnemonic.FSTP, first, memory, address);
            case FIST, FISTP, FISTTP -> storeInteger(op, first, memory, address);
            case FBSTP -> storeDecimal(memory, address);
            case FADD,
                    FADDP,
                    FIADD,
                    FMUL,
                    FMULP,
                    FIMUL,
                    FSUB,
                    FSUBP,
                    FISUB,
                    FSUBR,
                    FSUBRP,
                    FISUBR,
                    FDIV,
                    FDIVP,
                    FIDIV,
                    FDIVR,
                    FDIVRP,
                    FIDIVR -> arithmetic(op, instruction, memory, address);
            case FCOM, FCOMP, FCOMPP, FUCOM, FUCOMP, FUCOMPP, FICOM, FICOMP, FTST ->
                compare(op, instruction, memory, address);
            case FCOMI, FCOMIP, FUCOMI, FUCOMIP -> {
                return compareToFlags(op, instruction.operand(1).register(), rflags);
            }
            case FCMOVB, FCMOVE, FCMOVBE, FCMOVU, FCMOVNB, FCMOVNE, FCMOVNBE, FCMOVNU ->
                conditionalMove(op, instruction.operand(1).register(), rflags);
            case FXCH -> exchange(first.register());
            case FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ -> loadConstant(op);
            case FCHS, FABS -> sign(op);
            case FXAM -> examine();
            case FSQRT, FRNDINT -> unary(op);
            case FXTRACT, FSCALE, FPREM, FPREM1, F2XM1, FYL2X, FYL2XP1, FPTAN, FPATAN, FSIN, FCOS, FSINCOS ->
                functions().execute(op);
            case FFREE -> {
                fpu.free(first.register());
                fpu.setConditions(X87.C1, 0);
            }
            case FFREEP -> {
                fpu.free(first.register());
                fpu.setConditions(X87.C1, 0);
                fpu.pop();
            }
            case FINCSTP, FDECSTP -> {
                fpu.rotate(op == Mnemonic.FINCSTP ? 1 : -1);
                fpu.setConditions(X87.C1, 0);
            }
            case FNINIT -> fpu.initialise();
            case FNCLEX -> fpu.clearExceptions();
            case FLDCW -> fpu.setControl(memory.readUnsignedShort(address));
            case FNSTCW -> memory.writeShort(address, (short) fpu.control());
            case FNSTSW -> {
                if (first.isMemory()) {
                    memory.writeShort(address, (short) fpu.status());
                }
            }
            case FLDENV, FNSTENV, FRSTOR, FNSAVE ->
                X87Environment.execute(op, fpu, memory, address, instruction.operandSize() == 2);
            case FNOP, WAIT -> {}
            default -> throw new IllegalArgumentException("not an x87 instruction, mnemonic=" + op);
        }
        if (!isControl(op)) {
            int low = instruction.byteAt(instruction.length() - 1);
            fpu.setPointers(instruction.address(), first.isMemory() ? address : fpu.dataPointer(), low);
        }
        return rflags;
    }

    private X87Functions functions() {
        X87Functions made = functions;
        if (made == null) {
            made = new X87Functions(fpu);
            functions = made;
        }
        return made;
    }

    private static boolean isControl(Mnemonic op) {
        return switch (op) {
            case FNINIT, FNCLEX, FLDCW, FNSTCW, FNSTSW, FLDENV, FNSTENV, FRSTOR, FNSAVE, WAIT -> true;
            default -> false;
        };
    }

    /** Makes room for a push; false when an unmasked overflow forbids it, and otherwise whether to push the indefinite. */
    private boolean push(int signExponent, long significand) {
        if (fpu.isEmpty(7)) {
            fpu.setConditions(X87.C1, 0);
            fpu.rotate(-1);
            fpu.writeRaw(0, signExponent, significand);
            return true;
        }
        if (fpu.stackFault(true)) {
            fpu.rotate(-1);
            fpu.writeRaw(0, INDEFINITE_SIGN_EXPONENT, INDEFINITE);
        }
        return false;
    }

    private void load(Operand source, Memory memory, long address) {
        if (source.isRegister()) {
            loadRegister(source.register());
            return;
        }
        if (source.size() == 10) {
            push(memory.readUnsignedShort(address + 8), memory.readLong(address));
            return;
        }
        readReal(source.size(), memory, address, a);
        if (!fpu.isEmpty(7)) {
            push(0, 0);
            return;
        }
        fpu.soft.convert(a);
        fpu.accept();
        // A denormal is loaded even when its exception is unmasked.
        if (!fpu.isUnmasked(fpu.soft.flags & SoftFloat.INVALID)) {
            push(fpu.soft.result.toSignExponent(), fpu.soft.result.toSignificand());
        }
    }

    private void loadRegister(int i) {
        // An empty source is reported even when the push would overflow too.
        if (fpu.isEmpty(i)) {
            if (fpu.stackFault(false)) {
                fpu.rotate(-1);
                fpu.writeRaw(0, INDEFINITE_SIGN_EXPONENT, INDEFINITE);
            }
            return;
        }
        push(fpu.signExponent(i), fpu.significand(i));
    }

    private static void readReal(int size, Memory memory, long address, Value value) {
        if (size == 4) {
            value.ofSingle(memory.readInt(address));
        } else {
            value.ofDouble(memory.readLong(address));
        }
    }

    private static long readInteger(int size, Memory memory, long address) {
        return switch (size) {
            case 2 -> memory.readShort(address);
            case 4 -> memory.readInt(address);
            default -> memory.readLong(address);
        };
    }

    private void loadInteger(Mnemonic op, Operand source, Memory memory, long address) {
        boolean negative = false;
        if (op == Mnemonic.FILD) {
            a.ofLong(readInteger(source.size(), memory, address));
            negative = a.negative;
        } else {
            long magnitude = 0;
            negative = memory.readByte(address + 9) < 0;
            for (int i = 8; i >= 0; i--) {
                int b = memory.readUnsignedByte(address + i);
                magnitude = magnitude * 100 + (b >> 4) * 10 + (b & 15);
            }
            a.ofLong(magnitude);
            a.negative = negative;
        }
        push(a.toSignExponent(), a.toSignificand());
    }

    private void store(boolean pops, Operand target, Memory memory, long address) {
        if (target.isRegister()) {
            if (fpu.isEmpty(0)) {
                if (!fpu.stackFault(false)) {
                    return;
                }
                fpu.writeRaw(target.register(), INDEFINITE_SIGN_EXPONENT, INDEFINITE);
            } else {
                fpu.setConditions(X87.C1, 0);
                fpu.writeRaw(target.register(), fpu.signExponent(0), fpu.significand(0));
            }
        } else if (!storeToMemory(target.size(), memory, address)) {
            return;
        }
        if (pops) {
            fpu.pop();
        }
    }

    /** False when an unmasked exception prevented the store. */
    private boolean storeToMemory(int size, Memory memory, long address) {
        if (size == 10) {
            boolean isEmpty = fpu.isEmpty(0);
            if (isEmpty && fpu.isUnmasked(SoftFloat.INVALID)) {
                return fpu.stackFault(false);
            }
            memory.writeLong(address, isEmpty ? INDEFINITE : fpu.significand(0));
            memory.writeShort(address + 8, (short) (isEmpty ? INDEFINITE_SIGN_EXPONENT : fpu.signExponent(0)));
            if (isEmpty) {
                fpu.stackFault(false);
            } else {
                fpu.setConditions(X87.C1, 0);
            }
            return true;
        }
        SoftFloat soft = fpu.soft;
        soft.format = size == 4 ? SoftFloat.SINGLE : SoftFloat.DOUBLE;
        boolean isEmpty = fpu.isEmpty(0);
        if (isEmpty) {
            soft.result.indefinite();
            soft.flags = SoftFloat.INVALID;
        } else {
            fpu.read(0, a);
            // A denormal source raises no denormal exception here: it underflows.
            a.denormal = false;
            soft.convert(a);
        }
        if (!fpu.isUnmasked(soft.flags & ~SoftFloat.INEXACT)) {
            if (size == 4) {
                memory.writeInt(address, soft.result.toSingle());
            } else {
                memory.writeLong(address, soft.result.toDouble());
            }
        }
        boolean stored = isEmpty ? fpu.stackFault(false) : fpu.accept();
        return stored && !fpu.isUnmasked(soft.flags & ~SoftFloat.INEXACT);
    }

    private void storeInteger(Mnemonic op, Operand target, Memory memory, long address) {
        SoftFloat soft = fpu.soft;
        int size = target.size();
        long value = -1L << size * 8 - 1;
        boolean isEmpty = fpu.isEmpty(0);
        if (isEmpty) {
            soft.flags = SoftFloat.INVALID;
        } else {
            int before = soft.rounding;
            if (op == Mnemonic.FISTTP) {
                soft.rounding = SoftFloat.TO_ZERO;
            }
            fpu.read(0, a);
            value = soft.toInteger(a, size * 8);
            soft.rounding = before;
        }
        boolean storing = !fpu.isUnmasked(soft.flags & SoftFloat.INVALID);
        if (storing) {
            switch (size) {
                case 2 -> memory.writeShort(address, (short) value);
                case 4 -> memory.writeInt(address, (int) value);
                default -> memory.writeLong(address, value);
            }
        }
        if (isEmpty) {
            fpu.stackFault(false);
        } else {
            fpu.accept();
        }
        if (storing && op != Mnemonic.FIST) {
            fpu.pop();
        }
    }

    private void storeDecimal(Memory memory, long address) {
        SoftFloat soft = fpu.soft;
        boolean isEmpty = fpu.isEmpty(0);
        long value = 0;
        boolean negative = false;
        if (isEmpty) {
            soft.flags = SoftFloat.INVALID;
        } else {
            fpu.read(0, a);
            negative = a.negative;
            value = soft.toInteger(a, 64);
            if (value > 999_999_999_999_999_999L || value < -999_999_999_999_999_999L) {
                soft.flags = SoftFloat.INVALID;
                soft.roundedUp = false;
            }
        }
        boolean invalid = (soft.flags & SoftFloat.INVALID) != 0;
        boolean storing = !invalid || !fpu.isUnmasked(SoftFloat.INVALID);
        if (storing && invalid) {
            memory.writeLong(address, 0xC000_0000_0000_0000L);
            memory.writeShort(address + 8, (short) 0xFFFF);
        } else if (storing) {
            long rest = Math.abs(value);
            for (int i = 0; i < 9; i++) {
                int pair = (int) (rest % 100);
                memory.writeByte(address + i, (byte) (pair / 10 << 4 | pair % 10));
                rest /= 100;
            }
            memory.writeByte(address + 9, (byte) (negative ? 0x80 : 0));
        }
        if (isEmpty) {
            fpu.stackFault(false);
        } else {
            fpu.accept();
        }
        if (storing) {
            fpu.pop();
        }
    }

    private void arithmetic(Mnemonic op, Instruction instruction, Memory memory, long address) {
        Operand first = instruction.operand(0);
        int target = first.isMemory() ? 0 : first.register();
        boolean anyEmpty = fpu.isEmpty(target);
        fpu.read(target, a);
        if (first.isMemory()) {
            readOperand(op, first.size(), memory, address);
        } else {
            int source = instruction.operand(1).register();
            anyEmpty |= fpu.isEmpty(source);
            fpu.read(source, b);
        }
        SoftFloat soft = fpu.soft;
        if (anyEmpty) {
            if (!fpu.stackFault(false)) {
                return;
            }
            soft.result.indefinite();
        } else {
            soft.format = fpu.controlledFormat();
            compute(op);
            if (!fpu.accept()) {
                return;
            }
        }
        fpu.write(target, soft.result);
        if (pops(op)) {
            fpu.pop();
        }
    }

    /** The memory operand of an arithmetic or compare instruction into {@link #b}. */
    private void readOperand(Mnemonic op, int size, Memory memory, long address) {
        if (isIntegerForm(op)) {
            b.ofLong(readInteger(size, memory, address));
        } else {
            readReal(size, memory, address, b);
        }
    }

    private void compute(Mnemonic op) {
        SoftFloat soft = fpu.soft;
        switch (op) {
            case FADD, FADDP, FIADD -> soft.add(a, b);
            case FMUL, FMULP, FIMUL -> soft.multiply(a, b);
            case FSUB, FSUBP, FISUB -> soft.subtract(a, b);
            case FSUBR, FSUBRP, FISUBR -> soft.subtract(b, a);
            case FDIV, FDIVP, FIDIV -> soft.divide(a, b);
            default -> soft.divide(b, a);
        }
    }

    private static boolean isIntegerForm(Mnemonic op) {
        return switch (op) {
            case FIADD, FIMUL, FISUB, FISUBR, FIDIV, FIDIVR, FICOM, FICOMP -> true;
            default -> false;
        };
    }

    private static boolean pops(Mnemonic op) {
        return switch (op) {
            case FADDP, FMULP, FSUBP, FSUBRP, FDIVP, FDIVRP, FCOMP, FUCOMP, FICOMP, FCOMIP, FUCOMIP -> true;
            default -> false;
        };
    }

    private void compare(Mnemonic op, Instruction instruction, Memory memory, long address) {
        Operand first = instruction.operand(0);
        boolean anyEmpty = fpu.isEmpty(0);
        fpu.read(0, a);
        if (op == Mnemonic.FTST) {
            b.zero(false);
        } else if (first.isMemory() && instruction.operandCount() > 0) {
            readOperand(op, first.size(), memory, address);
        } else {
            int other = instruction.operandCount() == 0 ? 1 : first.register();
            anyEmpty |= fpu.isEmpty(other);
            fpu.read(other, b);
        }
        boolean quiet = op == Mnemonic.FUCOM || op == Mnemonic.FUCOMP || op == Mnemonic.FUCOMPP;
        int order = order(anyEmpty, !quiet);
        int conditions = switch (order) {
            case -1 -> X87.C0;
            case 0 -> X87.C3;
            case 1 -> 0;
            default -> X87.C0 | X87.C2 | X87.C3;
        };
        fpu.setConditions(ALL_CONDITIONS, conditions);
        if (!accepted) {
            return;
        }
        if (op == Mnemonic.FCOMPP || op == Mnemonic.FUCOMPP) {
            fpu.pop();
            fpu.pop();
        } else if (pops(op)) {
            fpu.pop();
        }
    }

    /** False when the last comparison raised an unmasked exception: its outcome is reported, but nothing is popped. */
    private boolean accepted;

    /** Order of {@link #a} and {@link #b} as {@link SoftFloat#compare} gives it; sets {@link #accepted}. */
    private int order(boolean anyEmpty, boolean signalling) {
        if (anyEmpty) {
            accepted = fpu.stackFault(false);
            return 2;
        }
        int order = fpu.soft.compare(a, b, signalling);
        accepted = fpu.accept();
        return order;
    }

    private long compareToFlags(Mnemonic op, int other, long rflags) {
        boolean anyEmpty = fpu.isEmpty(0) || fpu.isEmpty(other);
        fpu.read(0, a);
        fpu.read(other, b);
        int direction = fpu.status() & X87.C1;
        int order = order(anyEmpty, op == Mnemonic.FCOMI || op == Mnemonic.FCOMIP);
        if (!anyEmpty) {
            // Seen on AMD: C1 stays (Intel's manual clears it).
            fpu.setConditions(X87.C1, direction);
        }
        int flags = switch (order) {
            case -1 -> 1;
            case 0 -> 0x40;
            case 1 -> 0;
            default -> 0x45;
        };
        if (accepted && pops(op)) {
            fpu.pop();
        }
        return rflags & ~RFLAGS_ARITHMETIC | flags;
    }

    private void conditionalMove(Mnemonic op, int from, long rflags) {
        boolean below = (rflags & 1) != 0;
        boolean equal = (rflags & 0x40) != 0;
        boolean unordered = (rflags & 4) != 0;
        boolean taken = switch (op) {
            case FCMOVB -> below;
            case FCMOVNB -> !below;
            case FCMOVE -> equal;
            case FCMOVNE -> !equal;
            case FCMOVBE -> below || equal;
            case FCMOVNBE -> !below && !equal;
            case FCMOVU -> unordered;
            default -> !unordered;
        };
        if (fpu.isEmpty(0) || fpu.isEmpty(from)) {
            if (fpu.stackFault(false)) {
                fpu.writeRaw(0, INDEFINITE_SIGN_EXPONENT, INDEFINITE);
            }
            return;
        }
        if (taken) {
            fpu.writeRaw(0, fpu.signExponent(from), fpu.significand(from));
        }
    }

    private void exchange(int i) {
        if (fpu.isEmpty(0) || fpu.isEmpty(i)) {
            if (!fpu.stackFault(false)) {
                return;
            }
            for (int register : new int[] {0, i}) {
                if (fpu.isEmpty(register)) {
                    fpu.writeRaw(register, INDEFINITE_SIGN_EXPONENT, INDEFINITE);
                }
            }
        } else {
            fpu.setConditions(X87.C1, 0);
        }
        int signExponent = fpu.signExponent(0);
        long significand = fpu.significand(0);
        fpu.writeRaw(0, fpu.signExponent(i), fpu.significand(i));
        fpu.writeRaw(i, signExponent, significand);
    }

    /** The constants are held with 128 bits and rounded by the rounding mode, silently. */
    private void loadConstant(Mnemonic op) {
        SoftFloat soft = fpu.soft;
        switch (op) {
            case FLD1 -> soft.round(false, 0, SoftFloat.INTEGER_BIT, 0);
            case FLDL2T -> soft.round(false, 1, 0xD49A_784B_CD1B_8AFEL, 0x492B_F6FF_4DAF_DB4CL);
            case FLDL2E -> soft.round(false, 0, 0xB8AA_3B29_5C17_F0BBL, 0xBE87_FED0_691D_3E88L);
            case FLDPI -> soft.round(false, 1, 0xC90F_DAA2_2168_C234L, 0xC4C6_628B_80DC_1CD1L);
            case FLDLG2 -> soft.round(false, -2, 0x9A20_9A84_FBCF_F798L, 0x8F89_59AC_0B7C_9178L);
            case FLDLN2 -> soft.round(false, -1, 0xB172_17F7_D1CF_79ABL, 0xC9E3_B398_03F2_F6AFL);
            default -> soft.result.zero(false);
        }
        push(soft.result.toSignExponent(), soft.result.toSignificand());
    }

    private void sign(Mnemonic op) {
        if (fpu.isEmpty(0)) {
            if (fpu.stackFault(false)) {
                fpu.writeRaw(0, INDEFINITE_SIGN_EXPONENT, INDEFINITE);
            }
            return;
        }
        int old = fpu.signExponent(0);
        fpu.writeRaw(0, op == Mnemonic.FABS ? old & 0x7FFF : old ^ 0x8000, fpu.significand(0));
        fpu.setConditions(X87.C1, 0);
    }

    private void examine() {
        fpu.read(0, a);
        int kind;
        if (fpu.isEmpty(0)) {
            kind = X87.C3 | X87.C0;
        } else {
            kind = switch (a.kind) {
                case ZERO -> X87.C3;
                case FINITE -> a.denormal ? X87.C3 | X87.C2 : X87.C2;
                case INFINITY -> X87.C2 | X87.C0;
                case QUIET_NAN, SIGNALING_NAN -> X87.C0;
                case UNSUPPORTED -> 0;
            };
        }
        fpu.setConditions(ALL_CONDITIONS, kind | (a.negative ? X87.C1 : 0));
    }

    private void unary(Mnemonic op) {
        if (fpu.isEmpty(0)) {
            if (fpu.stackFault(false)) {
                fpu.writeRaw(0, INDEFINITE_SIGN_EXPONENT, INDEFINITE);
            }
            return;
        }
        fpu.read(0, a);
        if (op == Mnemonic.FSQRT) {
            fpu.soft.format = fpu.controlledFormat();
            fpu.soft.squareRoot(a);
        } else {
            fpu.soft.roundToIntegral(a, false);
        }
        if (fpu.accept()) {
            fpu.write(0, fpu.soft.result);
        }
    }
}
