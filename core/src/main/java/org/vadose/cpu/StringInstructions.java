package org.vadose.cpu;

import org.vadose.base.Pages;

/**
 * Executes movs, stos, lods, scas and cmps, alone or repeated. rcx, rsi and rdi are right after every step, so that a fault or a
 * request to stop leaves an instruction that simply goes on when it is run again.
 */
final class StringInstructions {
    /** Elements between two looks at the stop request. */
    private static final long BATCH = 4096;

    private final CpuState state;
    private final long[] r;
    private final Flags flags;

    StringInstructions(CpuState state) {
        this.state = state;
        this.r = state.r;
        this.flags = state.flags;
    }

    /** @return whether the instruction is done; if not, it is to be run again */
    boolean execute(Instruction i) {
        boolean repeats = i.rep || i.repne;
        if (!repeats) {
            step(i, 1);
            return true;
        }
        if (i.addressSize == 4) {
            // Any 32-bit write clears the upper halves; that of rcx happens even for a count of zero.
            r[Registers.RCX] &= 0xFFFF_FFFFL;
        }
        while (r[Registers.RCX] != 0) {
            boolean ended = step(i, state.steps() ? 1 : r[Registers.RCX]);
            if (ended) {
                return true;
            }
            if (r[Registers.RCX] != 0 && (state.steps() || state.stopRequested)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Does some elements, at least one and at most {@code limit}, and counts rcx down when repeated.
     *
     * @return whether a compare ended the repetition
     */
    private boolean step(Instruction i, long limit) {
        switch (i.mnemonic) {
            case MOVS -> move(i, limit);
            case STOS -> store(i, limit);
            case LODS -> load(i, limit);
            case SCAS, CMPS -> {
                return compare(i, limit);
            }
            default -> throw ProcessorException.PRIVILEGED;
        }
        return false;
    }

    private long index(Instruction i, int register) {
        return i.addressSize == 4 ? r[register] & 0xFFFF_FFFFL : r[register];
    }

    private void advance(Instruction i, int register, long bytes) {
        long moved = r[register] + bytes;
        r[register] = i.addressSize == 4 ? moved & 0xFFFF_FFFFL : moved;
    }

    private boolean backwards() {
        return (state.systemFlags & CpuState.DIRECTION_FLAG) != 0;
    }

    private void countDown(Instruction i, long elements) {
        if (i.rep || i.repne) {
            advance(i, Registers.RCX, -elements);
        }
    }

    private void move(Instruction i, long limit) {
        int size = i.operands[0].size;
        long source = index(i, Registers.RSI) + state.segmentBase(i.operands[1].segment);
        long target = index(i, Registers.RDI);
        long elements = 1;
        if (limit > 1 && !backwards() && i.addressSize == 8) {
            long room = Math.min(Pages.SIZE - Pages.offset(source), Pages.SIZE - Pages.offset(target));
            long run = Math.min(limit, room / size);
            boolean feedsItself = target - source > 0 && target - source < run * size;
            if (run > 1 && !feedsItself) {
                state.memory.copyForward(source, target, run * size);
                elements = run;
            }
        }
        if (elements == 1) {
            state.store(target, size, state.load(source, size));
        }
        long bytes = backwards() ? -size : elements * size;
        advance(i, Registers.RSI, bytes);
        advance(i, Registers.RDI, bytes);
        countDown(i, elements);
    }

    private void store(Instruction i, long limit) {
        int size = i.operands[0].size;
        long target = index(i, Registers.RDI);
        long value = r[Registers.RAX];
        long elements = 1;
        if (limit > 1 && !backwards() && i.addressSize == 8) {
            long run = Math.min(limit, (Pages.SIZE - Pages.offset(target)) / size);
            if (run > 1) {
                elements = run;
            }
        }
        if (elements > 1 && isOneByte(value, size)) {
            state.memory.fill(target, elements * size, (byte) value);
        } else {
            // All in one page: if one faults, the first does.
            for (long n = 0; n < elements; n++) {
                state.store(target + n * size, size, value);
            }
        }
        advance(i, Registers.RDI, backwards() ? -size : elements * size);
        countDown(i, elements);
    }

    /** Whether the value repeats its lowest byte. */
    private static boolean isOneByte(long value, int size) {
        int sh = 64 - 8 * size;
        return (value ^ (value & 0xFF) * 0x0101_0101_0101_0101L) << sh == 0;
    }

    private void load(Instruction i, long limit) {
        int size = i.operands[0].size;
        long last = 0;
        long elements = Math.min(limit, BATCH);
        for (long n = 0; n < elements; n++) {
            last = state.load(index(i, Registers.RSI) + state.segmentBase(i.operands[0].segment), size);
            state.setPart(Registers.RAX, size, last);
            advance(i, Registers.RSI, backwards() ? -size : size);
            countDown(i, 1);
        }
    }

    private boolean compare(Instruction i, long limit) {
        boolean scans = i.mnemonic == Mnemonic.SCAS;
        int size = i.operands[0].size;
        int sh = 64 - 8 * size;
        long bytes = backwards() ? -size : size;
        long elements = Math.min(limit, BATCH);
        int segment = scans ? Registers.NONE : i.operands[0].segment;
        for (long n = 0; n < elements; n++) {
            long a = scans ? r[Registers.RAX] : state.load(index(i, Registers.RSI) + state.segmentBase(segment), size);
            long b = state.load(index(i, Registers.RDI), size);
            // Clear what a byte or word compare must not see of rax.
            flags.subtract(a << sh >>> sh, b, 0, sh);
            if (!scans) {
                advance(i, Registers.RSI, bytes);
            }
            advance(i, Registers.RDI, bytes);
            countDown(i, 1);
            if (i.rep && !flags.zero() || i.repne && flags.zero()) {
                return true;
            }
        }
        return false;
    }
}
