package org.vadose.cpu;

/**
 * One operand of an {@link Instruction}; reused by the next decode. Which accessors mean something depends on {@link #kind()}.
 */
public final class Operand {
    /** What an operand is. */
    public enum Kind {
        NONE,
        REGISTER,
        /** Memory at segment base + base + index * scale + displacement, cut to the instruction's address size. */
        MEMORY,
        IMMEDIATE,
        /** A branch target; {@link Operand#value} is the absolute address. */
        TARGET
    }

    Kind kind = Kind.NONE;
    RegisterClass registerClass = RegisterClass.GENERAL;
    int register;
    int size;
    int base = Registers.NONE;
    int index = Registers.NONE;
    int scale = 1;
    int segment = Registers.NONE;
    boolean ripRelative;
    long value;

    void clear() {
        kind = Kind.NONE;
        base = Registers.NONE;
        index = Registers.NONE;
        scale = 1;
        segment = Registers.NONE;
        ripRelative = false;
        value = 0;
        size = 0;
        register = 0;
    }

    public Kind kind() {
        return kind;
    }

    public boolean isRegister() {
        return kind == Kind.REGISTER;
    }

    /** True for a register of class {@link RegisterClass#GENERAL} or {@link RegisterClass#HIGH_BYTE}. */
    public boolean isGeneral() {
        return kind == Kind.REGISTER
                && (registerClass == RegisterClass.GENERAL || registerClass == RegisterClass.HIGH_BYTE);
    }

    public boolean isMemory() {
        return kind == Kind.MEMORY;
    }

    public boolean isImmediate() {
        return kind == Kind.IMMEDIATE;
    }

    public RegisterClass registerClass() {
        return registerClass;
    }

    /** Register number within its class. */
    public int register() {
        return register;
    }

    /**
     * Bytes read or written through this operand: 1, 2, 4, 6, 8, 10, 16, or an area's size; 0 for memory that only is an address
     * (lea, prefetch, invlpg) or an area whose size the instruction knows (fnsave, fxsave, fldenv). For an xmm register it is the
     * part used (4 for movss). For an immediate it is the width the value is used at.
     */
    public int size() {
        return size;
    }

    /** General register number or {@link Registers#NONE}. */
    public int base() {
        return base;
    }

    /** General register number or {@link Registers#NONE}. */
    public int index() {
        return index;
    }

    /** 1, 2, 4 or 8. */
    public int scale() {
        return scale;
    }

    /**
     * The segment override in force ({@link Registers#FS} or {@link Registers#GS}, the only ones with a base in long mode),
     * {@link Registers#ES} for the destination of a string instruction, otherwise {@link Registers#NONE}.
     */
    public int segment() {
        return segment;
    }

    /** True when {@link #value} already holds the absolute address (next instruction + displacement) and there is no base. */
    public boolean isRipRelative() {
        return ripRelative;
    }

    /**
     * Memory: the displacement, sign-extended (or the absolute address when {@link #isRipRelative()}, or for moffs). Immediate:
     * the value, sign-extended from its encoding where the instruction does so. Target: the absolute address.
     */
    public long value() {
        return value;
    }
}
