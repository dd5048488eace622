package org.vadose.bench;

import java.io.ByteArrayOutputStream;
import org.vadose.base.SeededRandom;

/**
 * Writes a long loop of random instructions. rsp and rsi keep their meaning (stack, data); the other registers hold anything.
 * Memory operands are rsi plus a displacement below 64 KB, or rsi plus a small masked index.
 */
final class MixedCode {
    private static final int RSP = 4;
    private static final int RSI = 6;

    private final SeededRandom random;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    MixedCode(SeededRandom random) {
        this.random = random;
    }

    /** The loop, ending in a jump back. */
    byte[] generate(int instructions) {
        for (int i = 0; i < instructions; i++) {
            instruction(below(100));
        }
        int back = -(out.size() + 5);
        put(0xE9);
        put32(back);
        return out.toByteArray();
    }

    private void instruction(int kind) {
        if (kind < 18) {
            load();
        } else if (kind < 28) {
            store();
        } else if (kind < 44) {
            arithmetic();
        } else if (kind < 54) {
            arithmeticConstant();
        } else if (kind < 59) {
            arithmeticMemory();
        } else if (kind < 65) {
            address();
        } else if (kind < 69) {
            shift();
        } else if (kind < 73) {
            extend();
        } else if (kind < 78) {
            stack();
        } else if (kind < 90) {
            branch();
        } else if (kind < 93) {
            conditional();
        } else if (kind < 95) {
            multiply();
        } else {
            vector();
        }
    }

    private int below(int n) {
        return (int) random.below(n);
    }

    private void put(int... bytes) {
        for (int b : bytes) {
            out.write(b);
        }
    }

    private void put32(int value) {
        put(value, value >> 8, value >> 16, value >> 24);
    }

    /** Any register but rsp and rsi. */
    private int register() {
        while (true) {
            int n = below(16);
            if (n != RSP && n != RSI) {
                return n;
            }
        }
    }

    private static int rex(boolean wide, int reg, int rm) {
        return 0x40 | (wide ? 8 : 0) | (reg & 8) >> 1 | rm >> 3;
    }

    private void registers(boolean wide, int opcode, int reg, int rm) {
        put(rex(wide, reg, rm), opcode, 0xC0 | (reg & 7) << 3 | rm & 7);
    }

    private void memory(boolean wide, int reg, int... opcode) {
        put(rex(wide, reg, 0));
        put(opcode);
        memoryOperand(reg);
    }

    private void memoryOperand(int reg) {
        put(0x80 | (reg & 7) << 3 | RSI);
        put32(below(0x1000) * 16);
    }

    private boolean coin() {
        return below(2) == 0;
    }

    private void load() {
        switch (below(5)) {
            case 0 -> memory(false, register(), 0x0F, 0xB6);
            case 1 -> memory(coin(), register(), 0x0F, coin() ? 0xB7 : 0xBE);
            default -> memory(coin(), register(), 0x8B);
        }
    }

    private void store() {
        switch (below(5)) {
            case 0 -> memory(false, register(), 0x88);
            case 1 -> {
                memory(false, 0, 0xC7);
                put32(random.nextInt());
            }
            default -> memory(coin(), register(), 0x89);
        }
    }

    private void arithmetic() {
        int[] opcodes = {0x01, 0x09, 0x21, 0x29, 0x31, 0x39, 0x85, 0x89, 0x89, 0x11};
        registers(coin(), opcodes[below(opcodes.length)], register(), register());
    }

    private void arithmeticConstant() {
        int rm = register();
        if (coin()) {
            registers(coin(), 0x83, below(8), rm);
            put(below(256));
        } else {
            registers(coin(), 0x81, below(8), rm);
            put32(random.nextInt());
        }
    }

    private void arithmeticMemory() {
        int[] opcodes = {0x01, 0x03, 0x23, 0x2B, 0x33, 0x3B, 0x39, 0x29};
        memory(coin(), register(), opcodes[below(opcodes.length)]);
    }

    private void address() {
        int reg = register();
        int base = register();
        int index = register();
        put(0x48 | (reg & 8) >> 1 | (index & 8) >> 2 | base >> 3, 0x8D, 0x44 | (reg & 7) << 3);
        put(below(4) << 6 | (index & 7) << 3 | base & 7, below(256));
    }

    private void shift() {
        registers(coin(), 0xC1, new int[] {4, 5, 7, 0}[below(4)], register());
        put(1 + below(31));
    }

    private void extend() {
        int reg = register();
        int rm = register();
        put(rex(coin(), reg, rm), 0x0F, new int[] {0xB6, 0xB7, 0xBE, 0xBF}[below(4)], 0xC0 | (reg & 7) << 3 | rm & 7);
    }

    /** push, pop. */
    private void stack() {
        int reg = register();
        put(0x40 | reg >> 3, 0x50 | reg & 7);
        reg = register();
        put(0x40 | reg >> 3, 0x58 | reg & 7);
    }

    /** A conditional branch over one instruction, or a call of the next. */
    private void branch() {
        switch (below(6)) {
            case 0 -> {
                // call over a ret; the callee is that ret.
                put(0xE8);
                put32(2);
                put(0xEB, 0x01, 0xC3);
            }
            default -> {
                registers(coin(), 0x39, register(), register());
                put(0x70 | below(16), 3);
                registers(true, 0x01, register(), register());
            }
        }
    }

    private void conditional() {
        int reg = register();
        int rm = register();
        boolean sets = coin();
        put(rex(false, sets ? 0 : reg, rm), 0x0F, (sets ? 0x90 : 0x40) | below(16));
        put(0xC0 | (sets ? 0 : (reg & 7) << 3) | rm & 7);
    }

    private void multiply() {
        int reg = register();
        int rm = register();
        put(rex(coin(), reg, rm), 0x0F, 0xAF, 0xC0 | (reg & 7) << 3 | rm & 7);
    }

    private void vector() {
        int reg = below(8);
        switch (below(6)) {
            case 0 -> {
                put(0xF2, 0x0F, 0x10); // movsd xmm, m
                memoryOperand(reg);
            }
            case 1 -> {
                put(0xF2, 0x0F, 0x11); // movsd m, xmm
                memoryOperand(reg);
            }
            case 2 -> {
                put(0x0F, 0x28); // movaps xmm, m
                memoryOperand(reg);
            }
            case 3 -> {
                put(0x0F, 0x29); // movaps m, xmm
                memoryOperand(reg);
            }
            case 4 -> put(0x66, 0x0F, 0xFE, 0xC0 | reg << 3 | below(8)); // paddd
            default -> put(0x66, 0x0F, 0xEF, 0xC0 | reg << 3 | below(8)); // pxor
        }
    }
}
