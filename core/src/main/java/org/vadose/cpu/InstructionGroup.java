package org.vadose.cpu;

/** Which class executes an instruction from its decoded form. The ordinals are in the micro-operations. */
enum InstructionGroup {
    INTEGER,
    CONTROL,
    STRING,
    SYSTEM,
    VECTOR,
    X87,
    /** No instruction: #UD. */
    INVALID,
    /** More than fifteen bytes: #GP. */
    TOO_LONG,
    /** Where a debugger wants the processor to stop. */
    BREAKPOINT;

    private static final InstructionGroup[] ALL = values();

    static InstructionGroup of(int ordinal) {
        return ALL[ordinal];
    }

    static InstructionGroup of(Mnemonic op) {
        if (op.ordinal() >= Mnemonic.FADD.ordinal()) {
            return X87;
        }
        if (op.ordinal() >= Mnemonic.EMMS.ordinal()) {
            return VECTOR;
        }
        return switch (op) {
            case INVALID -> INVALID;
            case PUSH,
                    POP,
                    PUSHF,
                    POPF,
                    ENTER,
                    LEAVE,
                    JMP_FAR,
                    CALL_FAR,
                    RET_FAR,
                    JRCXZ,
                    JECXZ,
                    LOOP,
                    LOOPE,
                    LOOPNE,
                    INT,
                    INT3,
                    INT1,
                    IRET,
                    IRETD,
                    IRETQ,
                    UD0,
                    UD1,
                    UD2 -> CONTROL;
            case MOVS, CMPS, STOS, LODS, SCAS -> STRING;
            case CLC, STC, CMC -> INTEGER;
            default ->
                op.ordinal() < Mnemonic.PUSH.ordinal() || op == Mnemonic.LAHF || op == Mnemonic.SAHF ? INTEGER : SYSTEM;
        };
    }
}
