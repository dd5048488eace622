package org.vadose.cpu;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Collects the micro-operations of one block at a time; reused. */
final class BlockBuilder {
    private long start;
    private long[] code = new long[512];
    private byte[] ordinals = new byte[256];
    private int operations;
    private short[] offsets = new short[128];
    private int count;
    private final List<Instruction> instructions = new ArrayList<>();

    void start(long address) {
        start = address;
        operations = 0;
        count = 0;
        instructions.clear();
    }

    /** The next instruction. */
    void begin(long address, int length) {
        offsets[count++] = (short) (address - start);
    }

    /** Instructions begun. */
    int count() {
        return count;
    }

    /** A register operation. */
    void emit(int operation, int target, int source, int immediate, long second) {
        add(MicroOp.encode(operation, target, source, immediate), second);
    }

    /** {@code size} is the scale field: the binary logarithm of the size in bytes. */
    void emitSized(int operation, int size, int target, int source, int immediate, long second) {
        add(MicroOp.encode(operation, target, source, immediate) | (long) size << MicroOp.SCALE_SHIFT, second);
    }

    /** An operation with an address. */
    void emitMemory(int operation, int target, int source, int immediate, MemoryOperand at) {
        add(
                MicroOp.encode(operation, target, source, immediate)
                        | (long) at.base << MicroOp.BASE_SHIFT
                        | (long) at.index << MicroOp.INDEX_SHIFT
                        | (long) at.scale << MicroOp.SCALE_SHIFT,
                at.displacement);
    }

    /** Has the instruction executed from its decoded form, which the block then keeps. */
    void generic(boolean last, InstructionGroup group, Instruction instruction) {
        emit(last ? MicroOp.GENERIC_LAST : MicroOp.GENERIC, group.ordinal(), 0, instructions.size(), 0);
        instructions.add(instruction);
    }

    /** Whether the block holds on to this object. */
    boolean keeps(Instruction instruction) {
        return !instructions.isEmpty() && instructions.getLast() == instruction;
    }

    private void add(long first, long second) {
        if (operations == ordinals.length) {
            ordinals = Arrays.copyOf(ordinals, 2 * operations);
            code = Arrays.copyOf(code, 4 * operations);
        }
        code[2 * operations] = first;
        code[2 * operations + 1] = second;
        ordinals[operations++] = (byte) (count - 1);
    }

    Block finish(long physicalStart, long lastFrame, long end) {
        return new Block(
                start,
                end,
                physicalStart,
                lastFrame,
                Arrays.copyOf(code, 2 * operations),
                Arrays.copyOf(ordinals, operations),
                Arrays.copyOf(offsets, count),
                instructions.isEmpty() ? null : instructions.toArray(Instruction[]::new));
    }
}
