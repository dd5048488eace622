package org.vadose.cpu;

import java.util.Arrays;

/**
 * One decoded instruction. Mutable and reused: {@link Decoder} fills it, and whoever wants to keep one decodes into a new
 * object. After a decode that failed, {@link #mnemonic()} is {@link Mnemonic#INVALID} and {@link #defect()} says why.
 */
public final class Instruction {
    /** Longest encoding a processor accepts. */
    public static final int MAXIMUM_LENGTH = 15;

    /** Why bytes are no instruction. */
    public enum Defect {
        NONE,
        /** Undefined opcode or a LOCK prefix that is not allowed: #UD. */
        UNDEFINED,
        /** More than fifteen bytes: #GP(0). */
        TOO_LONG,
        /** The bytes given ended inside the instruction; cannot happen when decoding from memory. */
        TRUNCATED
    }

    long address;
    int length;
    Mnemonic mnemonic = Mnemonic.INVALID;
    Defect defect = Defect.UNDEFINED;
    Condition condition = Condition.ALWAYS;
    int operandSize;
    int addressSize;
    boolean lock;
    boolean rep;
    boolean repne;
    int segment = Registers.NONE;
    int rex;
    int opcode;
    int operandCount;
    final Operand[] operands = {new Operand(), new Operand(), new Operand(), new Operand()};
    final byte[] bytes = new byte[MAXIMUM_LENGTH];

    public long address() {
        return address;
    }

    /** Bytes consumed, 1..15; of invalid bytes, as many as were looked at. */
    public int length() {
        return length;
    }

    public long nextAddress() {
        return address + length;
    }

    public Mnemonic mnemonic() {
        return mnemonic;
    }

    public boolean isValid() {
        return defect == Defect.NONE;
    }

    public Defect defect() {
        return defect;
    }

    /** The condition of JCC, SETCC and CMOVCC; {@link Condition#ALWAYS} for the rest. */
    public Condition condition() {
        return condition;
    }

    /**
     * The operand-size attribute in bytes: 2, 4 or 8, with the instruction's own default (8 for push, pop, near branches, leave).
     * Byte forms say 1 in their operands' sizes, not here.
     */
    public int operandSize() {
        return operandSize;
    }

    /** 8, or 4 with a 67h prefix. */
    public int addressSize() {
        return addressSize;
    }

    public boolean hasLock() {
        return lock;
    }

    /** F3h that is not part of the opcode: rep or repe. */
    public boolean hasRep() {
        return rep;
    }

    /** F2h that is not part of the opcode: repne (bnd on branches). */
    public boolean hasRepne() {
        return repne;
    }

    /** The REX prefix byte, 0 when absent. */
    public int rex() {
        return rex;
    }

    /** Opcode map and byte: 0x00xx, 0x0Fxx, 0x0F38xx, 0x0F3Axx. */
    public int opcode() {
        return opcode;
    }

    public int operandCount() {
        return operandCount;
    }

    /** Operands in Intel order, destination first; implicit ones are absent except where the assembler writes them. */
    public Operand operand(int i) {
        return operands[i];
    }

    /** A copy of the encoding. */
    public byte[] bytes() {
        return Arrays.copyOf(bytes, length);
    }

    public int byteAt(int i) {
        return bytes[i] & 0xFF;
    }

    /** The memory operand, or an operand of kind NONE when there is none. */
    public Operand memoryOperand() {
        for (int i = 0; i < operandCount; i++) {
            if (operands[i].kind == Operand.Kind.MEMORY) {
                return operands[i];
            }
        }
        return NO_OPERAND;
    }

    private static final Operand NO_OPERAND = new Operand();

    void clear(long at) {
        address = at;
        length = 0;
        mnemonic = Mnemonic.INVALID;
        defect = Defect.NONE;
        condition = Condition.ALWAYS;
        operandSize = 4;
        addressSize = 8;
        lock = false;
        rep = false;
        repne = false;
        segment = Registers.NONE;
        rex = 0;
        opcode = 0;
        operandCount = 0;
    }

    @Override
    public String toString() {
        return InstructionFormatter.plain(this);
    }
}
