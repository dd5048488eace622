package org.vadose.cpu;

/**
 * How an operand is encoded and how wide it is, in the letters of the processor manuals' opcode maps: E is a register or memory
 * by ModRM, G a register by ModRM.reg, M memory only, I immediate, J relative target, O absolute address, X and Y the string
 * operands, V/W/U an xmm register (by reg; register or memory; register only), P/Q/N the same for mmx.
 */
enum OperandForm {
    // ModRM.rm
    EB(Place.RM, RegisterClass.GENERAL, 1, 1),
    EW(Place.RM, RegisterClass.GENERAL, 2, 2),
    ED(Place.RM, RegisterClass.GENERAL, 4, 4),
    EQ(Place.RM, RegisterClass.GENERAL, 8, 8),
    EV(Place.RM, RegisterClass.GENERAL, OperandForm.V, OperandForm.V),
    EY(Place.RM, RegisterClass.GENERAL, OperandForm.Y, OperandForm.Y),
    /** Register of the operand size, or 16 bits of memory: mov from a segment register, sldt, smsw. */
    RV_MW(Place.RM, RegisterClass.GENERAL, OperandForm.V, 2),
    RD_MB(Place.RM, RegisterClass.GENERAL, 4, 1),
    RD_MW(Place.RM, RegisterClass.GENERAL, 4, 2),
    /** Register or memory that is not accessed: hinting nops. */
    E0(Place.RM, RegisterClass.GENERAL, OperandForm.V, OperandForm.V),
    RQ(Place.RM_REGISTER, RegisterClass.GENERAL, 8, 8),
    RY(Place.RM_REGISTER, RegisterClass.GENERAL, OperandForm.Y, OperandForm.Y),
    RV(Place.RM_REGISTER, RegisterClass.GENERAL, OperandForm.V, OperandForm.V),
    M0(Place.RM_MEMORY, RegisterClass.GENERAL, 0, 0),
    MB(Place.RM_MEMORY, RegisterClass.GENERAL, 1, 1),
    MW(Place.RM_MEMORY, RegisterClass.GENERAL, 2, 2),
    MD(Place.RM_MEMORY, RegisterClass.GENERAL, 4, 4),
    MQ(Place.RM_MEMORY, RegisterClass.GENERAL, 8, 8),
    MT(Place.RM_MEMORY, RegisterClass.GENERAL, 10, 10),
    MX(Place.RM_MEMORY, RegisterClass.GENERAL, 16, 16),
    MV(Place.RM_MEMORY, RegisterClass.GENERAL, OperandForm.V, OperandForm.V),
    MY(Place.RM_MEMORY, RegisterClass.GENERAL, OperandForm.Y, OperandForm.Y),
    MY2(Place.RM_MEMORY, RegisterClass.GENERAL, OperandForm.TWICE_Y, OperandForm.TWICE_Y),
    /** Far pointer: 16-bit selector after an offset of the operand size. */
    MP(Place.RM_MEMORY, RegisterClass.GENERAL, OperandForm.FAR, OperandForm.FAR),
    // ModRM.reg
    GB(Place.REG, RegisterClass.GENERAL, 1, 1),
    GW(Place.REG, RegisterClass.GENERAL, 2, 2),
    GD(Place.REG, RegisterClass.GENERAL, 4, 4),
    GV(Place.REG, RegisterClass.GENERAL, OperandForm.V, OperandForm.V),
    GY(Place.REG, RegisterClass.GENERAL, OperandForm.Y, OperandForm.Y),
    SW(Place.REG, RegisterClass.SEGMENT, 2, 2),
    CD(Place.REG, RegisterClass.CONTROL, 8, 8),
    DD(Place.REG, RegisterClass.DEBUG, 8, 8),
    // low bits of the opcode
    ZB(Place.OPCODE, RegisterClass.GENERAL, 1, 1),
    ZV(Place.OPCODE, RegisterClass.GENERAL, OperandForm.V, OperandForm.V),
    // fixed
    AL(Place.FIXED, RegisterClass.GENERAL, 1, Registers.RAX),
    AX(Place.FIXED, RegisterClass.GENERAL, 2, Registers.RAX),
    CL(Place.FIXED, RegisterClass.GENERAL, 1, Registers.RCX),
    DX(Place.FIXED, RegisterClass.GENERAL, 2, Registers.RDX),
    RAX(Place.FIXED, RegisterClass.GENERAL, OperandForm.V, Registers.RAX),
    /** eax, or ax with 66h, also with REX.W: ports have no 64-bit form. */
    EAX(Place.FIXED, RegisterClass.GENERAL, OperandForm.Z, Registers.RAX),
    FS(Place.FIXED, RegisterClass.SEGMENT, OperandForm.V, Registers.FS),
    GS(Place.FIXED, RegisterClass.SEGMENT, OperandForm.V, Registers.GS),
    XMM0(Place.FIXED, RegisterClass.XMM, 16, 0),
    ST0(Place.FIXED, RegisterClass.X87, 10, 0),
    ST_I(Place.RM_REGISTER, RegisterClass.X87, 10, 10),
    ONE(Place.ONE, RegisterClass.GENERAL, 1, 1),
    // immediates: width in the encoding, width of use
    /** Eight bits, sign-extended to the operand size. */
    IBS(Place.SIGNED, RegisterClass.GENERAL, 1, OperandForm.V),
    /** Eight bits for a byte operation, sign-extended. */
    IB(Place.SIGNED, RegisterClass.GENERAL, 1, 1),
    /** Eight bits that count, select or name: never negative. */
    UB(Place.UNSIGNED, RegisterClass.GENERAL, 1, 1),
    UW(Place.UNSIGNED, RegisterClass.GENERAL, 2, 2),
    /** Two or four bytes, sign-extended to the operand size. */
    IZ(Place.SIGNED, RegisterClass.GENERAL, OperandForm.Z, OperandForm.V),
    /** As many bytes as the operand size. */
    IV(Place.SIGNED, RegisterClass.GENERAL, OperandForm.V, OperandForm.V),
    JB(Place.RELATIVE, RegisterClass.GENERAL, 1, 8),
    JZ(Place.RELATIVE, RegisterClass.GENERAL, 4, 8),
    OB(Place.ABSOLUTE, RegisterClass.GENERAL, 1, 1),
    OV(Place.ABSOLUTE, RegisterClass.GENERAL, OperandForm.V, OperandForm.V),
    // implicit memory: size, base register
    XB(Place.IMPLICIT_MEMORY, RegisterClass.GENERAL, 1, Registers.RSI),
    XV(Place.IMPLICIT_MEMORY, RegisterClass.GENERAL, OperandForm.V, Registers.RSI),
    XZ(Place.IMPLICIT_MEMORY, RegisterClass.GENERAL, OperandForm.Z, Registers.RSI),
    YB(Place.IMPLICIT_MEMORY, RegisterClass.GENERAL, 1, Registers.RDI),
    YV(Place.IMPLICIT_MEMORY, RegisterClass.GENERAL, OperandForm.V, Registers.RDI),
    YZ(Place.IMPLICIT_MEMORY, RegisterClass.GENERAL, OperandForm.Z, Registers.RDI),
    /** [rbx + al]. */
    XLAT(Place.TRANSLATE, RegisterClass.GENERAL, 1, Registers.RBX),
    // xmm
    VX(Place.REG, RegisterClass.XMM, 16, 16),
    VQ(Place.REG, RegisterClass.XMM, 8, 8),
    VD(Place.REG, RegisterClass.XMM, 4, 4),
    WX(Place.RM, RegisterClass.XMM, 16, 16),
    WQ(Place.RM, RegisterClass.XMM, 8, 8),
    WD(Place.RM, RegisterClass.XMM, 4, 4),
    WW(Place.RM, RegisterClass.XMM, 2, 2),
    UX(Place.RM_REGISTER, RegisterClass.XMM, 16, 16),
    UQ(Place.RM_REGISTER, RegisterClass.XMM, 8, 8),
    // mmx
    PQ(Place.REG, RegisterClass.MMX, 8, 8),
    QQ(Place.RM, RegisterClass.MMX, 8, 8),
    QD(Place.RM, RegisterClass.MMX, 4, 4),
    NQ(Place.RM_REGISTER, RegisterClass.MMX, 8, 8);

    /** Where the operand is found. */
    enum Place {
        RM,
        RM_REGISTER,
        RM_MEMORY,
        REG,
        OPCODE,
        FIXED,
        ONE,
        SIGNED,
        UNSIGNED,
        RELATIVE,
        ABSOLUTE,
        IMPLICIT_MEMORY,
        TRANSLATE
    }

    /** Width codes that depend on prefixes: the operand size; it, but at most 4; 8 with REX.W, else 4; twice that; V + 2. */
    static final int V = -1;

    static final int Z = -2;
    static final int Y = -3;
    static final int TWICE_Y = -4;
    static final int FAR = -5;

    final Place place;
    final RegisterClass registerClass;
    final int width;
    /** Width of memory, width of use of an immediate, or the number of a fixed register: see the groups above. */
    final int second;

    OperandForm(Place place, RegisterClass registerClass, int width, int second) {
        this.place = place;
        this.registerClass = registerClass;
        this.width = width;
        this.second = second;
    }

    static int widthBytes(int code, int operandSize, boolean rexW) {
        return switch (code) {
            case V -> operandSize;
            case Z -> Math.min(operandSize, 4);
            case Y -> rexW ? 8 : 4;
            case TWICE_Y -> rexW ? 16 : 8;
            case FAR -> operandSize + 2;
            default -> code;
        };
    }
}
