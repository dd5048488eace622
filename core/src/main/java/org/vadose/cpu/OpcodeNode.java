package org.vadose.cpu;

import org.jspecify.annotations.Nullable;

/** An entry of an opcode map: an instruction form, or a choice by other bits of the encoding. */
sealed interface OpcodeNode {
    /** What a {@link Split} looks at. */
    enum Selector {
        /** ModRM.reg: eight ways. */
        REG,
        /** ModRM.mod: 0 is memory, 1 is a register. */
        MOD,
        /** ModRM.rm: eight ways. */
        RM,
        /** Mandatory prefix: none, 66h, F3h, F2h; the last of F3h and F2h wins over 66h. The prefix becomes part of the opcode. */
        PREFIX,
        /** Operand size 2, 4, 8. */
        OPERAND_SIZE,
        /** Address size 4, 8. */
        ADDRESS_SIZE,
        /** REX.B clear, set. */
        REX_B
    }

    /** One instruction form. {@code size} says how the operand size is found. */
    record Form(Mnemonic mnemonic, Size size, OperandForm... operands) implements OpcodeNode {}

    /** A choice; a null way is undefined. */
    record Split(Selector selector, @Nullable OpcodeNode... ways) implements OpcodeNode {}

    /** How a form's operand size is found. */
    enum Size {
        /** 4; 2 with 66h; 8 with REX.W. */
        NORMAL,
        /** 8; 2 with 66h: push, pop and kin. */
        STACK,
        /** 8 whatever the prefixes: near branches, control registers. */
        QUAD
    }

    static Form form(Mnemonic mnemonic, OperandForm... operands) {
        return new Form(mnemonic, Size.NORMAL, operands);
    }

    static Form stack(Mnemonic mnemonic, OperandForm... operands) {
        return new Form(mnemonic, Size.STACK, operands);
    }

    static Form quad(Mnemonic mnemonic, OperandForm... operands) {
        return new Form(mnemonic, Size.QUAD, operands);
    }

    static Split byReg(@Nullable OpcodeNode... ways) {
        return new Split(Selector.REG, ways);
    }

    static Split byMod(@Nullable OpcodeNode memory, @Nullable OpcodeNode register) {
        return new Split(Selector.MOD, memory, register);
    }

    static Split byRm(@Nullable OpcodeNode... ways) {
        return new Split(Selector.RM, ways);
    }

    static Split byPrefix(
            @Nullable OpcodeNode none, @Nullable OpcodeNode p66, @Nullable OpcodeNode pF3, @Nullable OpcodeNode pF2) {
        return new Split(Selector.PREFIX, none, p66, pF3, pF2);
    }

    static Split byOperandSize(OpcodeNode word, OpcodeNode dword, OpcodeNode qword) {
        return new Split(Selector.OPERAND_SIZE, word, dword, qword);
    }
}
