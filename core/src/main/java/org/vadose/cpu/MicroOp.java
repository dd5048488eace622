package org.vadose.cpu;

/**
 * The operations that instructions are translated to. Each is two longs:
 *
 * <pre>
 *  63..........32 31 30 29 28..24 23..19 18..14 13...9 8......0
 *  immediate         scale  index  base   source target operation
 *
 *  63.........................................................0
 *  displacement, branch target or 64-bit immediate
 * </pre>
 *
 * Registers are indices into {@link CpuState#r}. An address is base + (index << scale) + displacement. At most one operation of an
 * instruction can fault, or all operations before the last that can fault change only registers that no instruction names: this
 * is what makes faults precise.
 *
 * <p>Operations below {@link #GENERIC} are cases of {@link Interpreter#leave}, those below {@link #FIRST_COLD} of
 * {@link Interpreter#execute}, those below {@link #FIRST_VECTOR} of {@link MicroOperations}, the others of
 * {@link VectorOperations}.
 */
final class MicroOp {
    static final int OPERATION_BITS = 9;
    static final int OPERATION_MASK = (1 << OPERATION_BITS) - 1;
    static final int TARGET_SHIFT = 9;
    static final int SOURCE_SHIFT = 14;
    static final int BASE_SHIFT = 19;
    static final int INDEX_SHIFT = 24;
    static final int SCALE_SHIFT = 29;
    static final int REGISTER_MASK = 31;

    // Leaving the block.

    /** The block's bytes changed: look again at the address of this instruction. */
    static final int REFETCH = 0;
    /** To the address behind the block. */
    static final int FALL = 1;

    static final int JUMP = 2;
    static final int JUMP_REGISTER = 3;
    static final int CALL = 4;
    static final int CALL_REGISTER = 5;
    /** Immediate: bytes to take off besides the return address. */
    static final int RETURN = 6;

    static final int SYSCALL = 7;
    /** An instruction executed from its decoded form that may branch; the immediate is its index, the target its group. */
    static final int GENERIC_LAST = 8;

    static final int JUMP_IF = 16; // 16 conditions

    // Going on.

    /** As {@link #GENERIC_LAST}, but the instruction does not branch. */
    static final int GENERIC = 32;

    static final int MOVE32 = 33;
    static final int MOVE64 = 34;
    /** Second long to target. */
    static final int CONSTANT = 35;

    static final int MOVE8 = 36;
    static final int MOVE16 = 37;
    static final int ZERO_EXTEND8 = 38;
    static final int ZERO_EXTEND16 = 39;
    static final int SIGN_EXTEND8_32 = 40;
    static final int SIGN_EXTEND8_64 = 41;
    static final int SIGN_EXTEND16_32 = 42;
    static final int SIGN_EXTEND16_64 = 43;
    static final int SIGN_EXTEND32_64 = 44;

    static final int LOAD8 = 45;
    static final int LOAD16 = 46;
    static final int LOAD32 = 47;
    static final int LOAD64 = 48;
    static final int LOAD8_SIGNED32 = 49;
    static final int LOAD8_SIGNED64 = 50;
    static final int LOAD16_SIGNED32 = 51;
    static final int LOAD16_SIGNED64 = 52;
    static final int LOAD32_SIGNED64 = 53;
    static final int STORE8 = 54;
    static final int STORE16 = 55;
    static final int STORE32 = 56;
    static final int STORE64 = 57;
    /** Immediate to memory. */
    static final int STORE_CONSTANT8 = 58;

    static final int STORE_CONSTANT16 = 59;
    static final int STORE_CONSTANT32 = 60;
    static final int STORE_CONSTANT64 = 61;
    /** Load what the instruction will store: faults as the store would. */
    static final int LOAD_TO_WRITE32 = 62;

    static final int LOAD_TO_WRITE64 = 63;

    static final int ADDRESS32 = 64;
    static final int ADDRESS64 = 65;
    static final int PUSH = 66;
    static final int PUSH_CONSTANT = 67;
    static final int POP = 68;
    static final int INCREMENT32 = 69;
    static final int INCREMENT64 = 70;
    static final int DECREMENT32 = 71;
    static final int DECREMENT64 = 72;
    static final int SHIFT_LEFT32 = 73; // by the immediate, which is not 0
    static final int SHIFT_LEFT64 = 74;
    static final int SHIFT_RIGHT32 = 75;
    static final int SHIFT_RIGHT64 = 76;
    static final int SHIFT_ARITHMETIC32 = 77;
    static final int SHIFT_ARITHMETIC64 = 78;
    static final int MULTIPLY32 = 79;
    static final int MULTIPLY64 = 80;
    /** Condition in the immediate. */
    static final int MOVE_IF32 = 81;

    static final int MOVE_IF64 = 82;
    static final int SET_IF = 83;

    // The arithmetic kinds, added to the next four groups.
    static final int ADD = 0;
    static final int OR = 1;
    static final int ADC = 2;
    static final int SBB = 3;
    static final int AND = 4;
    static final int SUB = 5;
    static final int XOR = 6;
    static final int CMP = 7;
    static final int TEST = 8;

    static final int ALU32 = 96;
    static final int ALU64 = 112;
    static final int ALU32_CONSTANT = 128;
    static final int ALU64_CONSTANT = 144;

    static final int FIRST_COLD = 160;

    /** 8 and 16 bits; the scale field is 0 or 1. */
    static final int NARROW = 160;

    static final int NARROW_CONSTANT = 176;

    static final int LOAD_TO_WRITE8 = 192;
    static final int LOAD_TO_WRITE16 = 193;
    /** Bits 15:8 of source, zero-extended. */
    static final int HIGH_BYTE = 194;

    static final int SET_HIGH_BYTE = 195;
    static final int NEGATE = 196; // these with the size's logarithm in the scale field
    static final int NOT = 197;
    static final int NARROW_INCREMENT = 198;
    static final int NARROW_DECREMENT = 199;
    /** Immediate: {@link Mnemonic} ordinal, shifted by 8, and count. */
    static final int SHIFT = 200;
    /** The same by cl. */
    static final int SHIFT_BY_CL = 201;
    /** One-operand mul, imul, div, idiv: source, ordinal in the immediate. */
    static final int WIDE = 202;

    static final int SIGN_TO_DX = 203; // cdq, cqo by size
    static final int EXCHANGE = 204;
    static final int SWAP_BYTES = 205;
    static final int BIT_TEST = 206; // immediate: ordinal and bit number
    static final int MULTIPLY32_CONSTANT = 207; // the factor is the second long
    static final int MULTIPLY64_CONSTANT = 208;
    static final int NOTHING = 209;
    static final int BIT_TEST_BY_REGISTER = 210; // immediate: ordinal

    // Vector operations: target and source are xmm registers, or VectorOperands.TEMPORARY.
    static final int FIRST_VECTOR = 224;
    static final int XMM_MOVE = 224;
    static final int XMM_LOAD128 = 225;
    static final int XMM_LOAD128_ALIGNED = 226;
    static final int XMM_LOAD64 = 227;
    static final int XMM_LOAD32 = 228;
    static final int XMM_STORE128 = 229;
    static final int XMM_STORE128_ALIGNED = 230;
    static final int XMM_STORE64 = 231;
    static final int XMM_STORE32 = 232;
    static final int XMM_STORE_HIGH = 233;
    static final int XMM_FROM_GENERAL = 234; // scale field 2 or 3: 32 or 64 bits
    static final int XMM_TO_GENERAL = 235;
    static final int XMM_LOW = 236; // movq xmm, xmm
    /** Immediate: {@link Mnemonic} ordinal shifted by 8, and the instruction's immediate. */
    static final int XMM_APPLY = 237;
    /** The same, and may raise #XM. */
    static final int XMM_APPLY_RAISING = 238;
    /** The source is a general register; scale field 2 or 3. */
    static final int XMM_CONVERT = 239;

    static final int XMM_TO_INTEGER = 240;
    static final int XMM_COMPARE = 241;
    static final int XMM_EXTRACT = 242;
    static final int XMM_LOAD16 = 243;
    static final int XMM_CLEAR = 244;
    static final int XMM_XOR = 245;
    static final int XMM_AND = 246;
    static final int XMM_OR = 247;

    private MicroOp() {}

    static long encode(int operation, int target, int source, int immediate) {
        return (long) immediate << 32 | (long) source << SOURCE_SHIFT | (long) target << TARGET_SHIFT | operation;
    }

    static int target(long word) {
        return (int) word >>> TARGET_SHIFT & REGISTER_MASK;
    }

    static int source(long word) {
        return (int) word >>> SOURCE_SHIFT & REGISTER_MASK;
    }

    static int base(long word) {
        return (int) word >>> BASE_SHIFT & REGISTER_MASK;
    }

    static int index(long word) {
        return (int) word >>> INDEX_SHIFT & REGISTER_MASK;
    }

    static int scale(long word) {
        return (int) word >>> SCALE_SHIFT & 3;
    }

    static int immediate(long word) {
        return (int) (word >> 32);
    }
}
