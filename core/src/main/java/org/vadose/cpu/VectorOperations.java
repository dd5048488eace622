package org.vadose.cpu;

import static org.vadose.cpu.MicroOp.*;

/** Executes the vector micro-operations. */
final class VectorOperations {
    /** As a register number: what was loaded from memory last. */
    static final int LOADED = 31;
    /** As a register number: the second long of the operation. */
    static final int CONSTANT = 30;

    private static final Mnemonic[] MNEMONICS = Mnemonic.values();

    private final CpuState state;
    private final VectorUnit unit;
    private final VectorInstructions instructions;
    private final long[] r;
    private final long[] xmm;
    private long loadedLow;
    private long loadedHigh;

    VectorOperations(CpuState state, VectorInstructions instructions) {
        this.state = state;
        this.unit = state.vectors;
        this.instructions = instructions;
        this.r = state.r;
        this.xmm = unit.xmm;
    }

    void execute(long word, long second) {
        int target = target(word);
        int source = source(word);
        switch ((int) word & OPERATION_MASK) {
            case XMM_MOVE -> set(target, xmm[source << 1], xmm[(source << 1) + 1]);
            case XMM_LOAD128 -> load128(target, address(word, second));
            case XMM_LOAD128_ALIGNED -> load128(target, aligned(address(word, second)));
            case XMM_LOAD64 -> set(target, state.memory.readLong(address(word, second)), 0);
            case XMM_LOAD32 -> set(target, state.memory.readInt(address(word, second)) & 0xFFFF_FFFFL, 0);
            case XMM_LOAD16 -> set(target, state.memory.readShort(address(word, second)) & 0xFFFFL, 0);
            case XMM_STORE128 -> state.store128(address(word, second), xmm[source << 1], xmm[(source << 1) + 1]);
            case XMM_STORE128_ALIGNED ->
                state.store128(aligned(address(word, second)), xmm[source << 1], xmm[(source << 1) + 1]);
            case XMM_STORE64 -> state.memory.writeLong(address(word, second), xmm[source << 1]);
            case XMM_STORE32 -> state.memory.writeInt(address(word, second), (int) xmm[source << 1]);
            case XMM_STORE_HIGH -> state.memory.writeLong(address(word, second), xmm[(source << 1) + 1]);
            case XMM_FROM_GENERAL -> set(target, scale(word) == 3 ? r[source] : r[source] & 0xFFFF_FFFFL, 0);
            case XMM_TO_GENERAL -> r[target] = scale(word) == 3 ? xmm[source << 1] : xmm[source << 1] & 0xFFFF_FFFFL;
            case XMM_LOW -> set(target, xmm[source << 1], 0);
            case XMM_APPLY ->
                unit.apply(operation(word), target, low(source, second), high(source), immediate(word) & 0xFF);
            case XMM_APPLY_RAISING -> {
                unit.apply(operation(word), target, low(source, second), high(source), immediate(word) & 0xFF);
                instructions.checkRaised();
            }
            case XMM_CONVERT -> {
                unit.apply(operation(word), target, scale(word) == 3 ? r[source] : (int) r[source], 0, 0);
                instructions.checkRaised();
            }
            case XMM_TO_INTEGER -> {
                long integer = unit.toInteger(operation(word), low(source, second), scale(word) == 3);
                instructions.checkRaised();
                r[target] = scale(word) == 3 ? integer : integer & 0xFFFF_FFFFL;
            }
            case XMM_COMPARE -> {
                int bits = unit.compareFlags(operation(word), xmm[target << 1], low(source, second));
                instructions.checkRaised();
                state.flags.setBits(bits);
            }
            case XMM_EXTRACT ->
                r[target] = VectorUnit.extract(operation(word), xmm[source << 1], xmm[(source << 1) + 1], 0);
            case XMM_CLEAR -> set(target, 0, 0);
            case XMM_XOR -> set(target, xmm[target << 1] ^ low(source, second), xmm[(target << 1) + 1] ^ high(source));
            case XMM_AND -> set(target, xmm[target << 1] & low(source, second), xmm[(target << 1) + 1] & high(source));
            case XMM_OR -> set(target, xmm[target << 1] | low(source, second), xmm[(target << 1) + 1] | high(source));
            default -> throw new IllegalStateException("no such micro-operation word=" + Long.toHexString(word));
        }
    }

    private static Mnemonic operation(long word) {
        return MNEMONICS[immediate(word) >>> 8];
    }

    private long address(long word, long displacement) {
        return r[base(word)] + (r[index(word)] << scale(word)) + displacement;
    }

    private static long aligned(long address) {
        if ((address & 15) != 0) {
            throw ProcessorException.GENERAL_PROTECTION;
        }
        return address;
    }

    private void load128(int target, long address) {
        long low = state.memory.readLong(address);
        set(target, low, state.memory.readLong(address + 8));
    }

    private void set(int target, long low, long high) {
        if (target == LOADED) {
            loadedLow = low;
            loadedHigh = high;
        } else {
            xmm[target << 1] = low;
            xmm[(target << 1) + 1] = high;
        }
    }

    private long low(int source, long second) {
        return source == LOADED ? loadedLow : source == CONSTANT ? second : xmm[source << 1];
    }

    private long high(int source) {
        return source == LOADED ? loadedHigh : source == CONSTANT ? 0 : xmm[(source << 1) + 1];
    }
}
