package org.vadose.cpu;

import static org.vadose.cpu.MicroOp.*;

/** Executes the integer micro-operations that are not worth a case in the interpreter's loop. */
final class MicroOperations {
    private static final Mnemonic[] MNEMONICS = Mnemonic.values();

    private final CpuState state;
    private final IntegerInstructions integers;
    private final long[] r;
    private final Flags flags;

    MicroOperations(CpuState state, IntegerInstructions integers) {
        this.state = state;
        this.integers = integers;
        this.r = state.r;
        this.flags = state.flags;
    }

    void execute(long word, long second) {
        int operation = (int) word & OPERATION_MASK;
        int target = target(word);
        int source = source(word);
        if (operation < LOAD_TO_WRITE8) {
            boolean constant = operation >= NARROW_CONSTANT;
            long b = constant ? immediate(word) : r[source];
            narrow(operation - (constant ? NARROW_CONSTANT : NARROW), target, b, scale(word));
            return;
        }
        int sizeLog = scale(word);
        int sh = 64 - (8 << sizeLog);
        switch (operation) {
            case LOAD_TO_WRITE8 -> r[target] = state.loadToWrite(address(word, second), 1);
            case LOAD_TO_WRITE16 -> r[target] = state.loadToWrite(address(word, second), 2);
            case HIGH_BYTE -> r[target] = r[source] >>> 8 & 0xFF;
            case SET_HIGH_BYTE -> r[target] = r[target] & ~0xFF00L | (r[source] & 0xFF) << 8;
            case NEGATE -> state.setPart(target, 1 << sizeLog, flags.subtract(0, r[target], 0, sh));
            case MicroOp.NOT -> state.setPart(target, 1 << sizeLog, ~r[target]);
            case NARROW_INCREMENT -> state.setPart(target, 1 << sizeLog, flags.increment(r[target], sh));
            case NARROW_DECREMENT -> state.setPart(target, 1 << sizeLog, flags.decrement(r[target], sh));
            case SHIFT -> shift(word, target, immediate(word) & 0xFF, sizeLog);
            case SHIFT_BY_CL -> shift(word, target, (int) r[Registers.RCX] & (sizeLog == 3 ? 63 : 31), sizeLog);
            case WIDE -> integers.wide(mnemonic(word), r[source] << sh >>> sh, 1 << sizeLog);
            case SIGN_TO_DX ->
                r[Registers.RDX] = sizeLog == 3 ? r[Registers.RAX] >> 63 : (int) r[Registers.RAX] >> 31 & 0xFFFF_FFFFL;
            case EXCHANGE -> {
                long a = r[target] << sh >>> sh;
                r[target] = r[source] << sh >>> sh;
                r[source] = a;
            }
            case SWAP_BYTES -> r[target] = Long.reverseBytes(r[target]) >>> sh;
            case BIT_TEST -> bitTest(word, target, immediate(word) & 0xFF, sizeLog);
            case BIT_TEST_BY_REGISTER -> bitTest(word, target, (int) r[source] & (8 << sizeLog) - 1, sizeLog);
            case MULTIPLY32_CONSTANT -> r[target] = multiply32(r[source], second);
            case MULTIPLY64_CONSTANT -> r[target] = multiply64(r[source], second);
            case NOTHING -> {}
            default -> throw new IllegalStateException("no such micro-operation word=" + Long.toHexString(word));
        }
    }

    private static Mnemonic mnemonic(long word) {
        return MNEMONICS[immediate(word) >>> 8];
    }

    private long address(long word, long displacement) {
        return r[base(word)] + (r[index(word)] << scale(word)) + displacement;
    }

    private void narrow(int kind, int target, long b, int sizeLog) {
        int sh = 64 - (8 << sizeLog);
        long a = r[target];
        long result;
        switch (kind) {
            case ADD -> result = flags.add(a, b, 0, sh);
            case OR -> result = flags.logic(a | b, sh);
            case ADC -> result = flags.add(a, b, flags.carryIn(), sh);
            case SBB -> result = flags.subtract(a, b, flags.carryIn(), sh);
            case AND -> result = flags.logic(a & b, sh);
            case SUB -> result = flags.subtract(a, b, 0, sh);
            case XOR -> result = flags.logic(a ^ b, sh);
            case CMP -> {
                flags.subtract(a, b, 0, sh);
                return;
            }
            default -> {
                flags.logic(a & b, sh);
                return;
            }
        }
        long kept = sizeLog == 0 ? ~0xFFL : ~0xFFFFL;
        r[target] = a & kept | result;
    }

    /** Wide forms of the carry arithmetic, for the interpreter's loop. */
    long carryArithmetic(int kind, long a, long b, int sh) {
        return kind == ADC ? flags.add(a, b, flags.carryIn(), sh) : flags.subtract(a, b, flags.carryIn(), sh);
    }

    private void shift(long word, int target, int count, int sizeLog) {
        int size = 1 << sizeLog;
        int sh = 64 - 8 * size;
        state.setPart(target, size, integers.shifted(mnemonic(word), r[target] << sh >>> sh, count, sh));
    }

    private void bitTest(long word, int target, int bit, int sizeLog) {
        Mnemonic op = mnemonic(word);
        long value = r[target];
        flags.setCarry((value >>> bit & 1) != 0);
        if (op != Mnemonic.BT) {
            state.setPart(target, 1 << sizeLog, IntegerInstructions.bitChanged(op, value, bit));
        }
    }

    long multiply32(long a, long b) {
        long product = (long) (int) a * (int) b;
        int low = (int) product;
        flags.setResult(low);
        boolean overflows = low != product;
        flags.setCarryAndOverflow(overflows, overflows);
        return low & 0xFFFF_FFFFL;
    }

    long multiply64(long a, long b) {
        long product = a * b;
        flags.setResult(product);
        boolean overflows = Math.multiplyHigh(a, b) != product >> 63;
        flags.setCarryAndOverflow(overflows, overflows);
        return product;
    }
}
