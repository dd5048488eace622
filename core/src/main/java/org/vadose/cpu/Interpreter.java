package org.vadose.cpu;

import static org.vadose.cpu.MicroOp.*;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.MemoryFault;
import org.vadose.memory.VirtualMemory;

/**
 * Runs blocks of micro-operations. {@link #execute} is the loop: one switch, kept below the 8000 bytes of bytecode beyond which
 * HotSpot does not compile a method; what is rare or long is called.
 */
final class Interpreter {
    /** Why {@link #execute} came back. */
    private static final int GO_ON = 0;

    private static final int AT_SYSCALL = 1;
    private static final int FAULTED = 2;

    private static final long LOW_32 = 0xFFFF_FFFFL;

    private final CpuState state;
    private final BlockCache cache;
    private final IntegerInstructions integers;
    private final ControlInstructions controls;
    private final StringInstructions strings;
    private final SystemInstructions system;
    private final VectorInstructions vectors;
    private final MicroOperations operations;
    private final VectorOperations vectorOperations;

    private long retired;
    private @Nullable CpuFault fault;

    Interpreter(CpuState state, BlockCache cache) {
        this.state = state;
        this.cache = cache;
        this.integers = new IntegerInstructions(state);
        this.controls = new ControlInstructions(state);
        this.strings = new StringInstructions(state);
        this.system = new SystemInstructions(state);
        this.vectors = new VectorInstructions(state);
        this.operations = new MicroOperations(state, integers);
        this.vectorOperations = new VectorOperations(state, vectors);
    }

    long retired() {
        return retired;
    }

    @Nullable CpuFault fault() {
        return fault;
    }

    void setClock(TimeStampCounter clock) {
        system.clock = clock;
    }

    CpuExit run(long instructions) {
        long end = retired + instructions < 0 ? Long.MAX_VALUE : retired + instructions;
        while (true) {
            if (state.stopRequested) {
                state.stopRequested = false;
                return CpuExit.STOPPED;
            }
            if (retired >= end) {
                return CpuExit.BUDGET;
            }
            int reason = state.steps() ? step() : proceed(end);
            if (reason == AT_SYSCALL) {
                return CpuExit.SYSCALL;
            }
            if (reason == FAULTED) {
                return CpuExit.FAULT;
            }
        }
    }

    /** As many blocks as run without a look-up. */
    private int proceed(long end) {
        Block block;
        try {
            block = cache.find(state.rip);
            if (retired + block.count > end) {
                block = cache.translateOne(state.rip);
            }
        } catch (MemoryFault e) {
            return fetchFault(e);
        }
        return execute(block, end);
    }

    /** One instruction and the trap after it. */
    private int step() {
        Block block;
        try {
            block = cache.translateOne(state.rip);
        } catch (MemoryFault e) {
            return fetchFault(e);
        }
        int reason = execute(block, retired + 1);
        if (reason != GO_ON) {
            return reason;
        }
        fault = new CpuFault(CpuFault.DEBUG, false, 0, state.rip, NtStatus.SINGLE_STEP, 0);
        return FAULTED;
    }

    private int fetchFault(MemoryFault e) {
        return pageFault(e, 0);
    }

    private int pageFault(MemoryFault e, int length) {
        fault = Pages.isCanonical(e.virtualAddress())
                ? new CpuFault(CpuFault.PAGE_FAULT, false, e.errorCode(), e.virtualAddress(), e.status(), length)
                : new CpuFault(CpuFault.GENERAL_PROTECTION, false, 0, state.rip, NtStatus.ACCESS_VIOLATION, length);
        return FAULTED;
    }

    /** Gives the instruction of a micro-operation back as not executed. */
    private void leaveAt(Block block, int position, long retiredBefore) {
        state.rip = block.addressOf(position);
        retired = retiredBefore + block.ordinalOf(position);
    }

    private int memoryFault(MemoryFault e, Block block, int position, long retiredBefore) {
        leaveAt(block, position, retiredBefore);
        return pageFault(e, block.lengthOf(block.ordinalOf(position)));
    }

    private int exception(ProcessorException e, Block block, int position, long retiredBefore) {
        leaveAt(block, position, retiredBefore);
        int length = block.lengthOf(block.ordinalOf(position));
        fault = new CpuFault(e.vector, e.software, 0, state.rip, e.status, length);
        return FAULTED;
    }

    /** @return whether the instruction is done */
    private boolean generic(Block block, long word, long retiredBefore) {
        Instruction instruction = block.instructions[immediate(word)];
        switch (InstructionGroup.of(target(word))) {
            case INTEGER -> integers.execute(instruction);
            case CONTROL -> controls.execute(instruction);
            case STRING -> {
                return strings.execute(instruction);
            }
            case SYSTEM -> system.execute(instruction, retiredBefore);
            case VECTOR -> vectors.execute(instruction);
            case X87 -> vectors.executeX87(instruction);
            case INVALID -> throw ProcessorException.INVALID_OPCODE;
            case TOO_LONG -> throw ProcessorException.GENERAL_PROTECTION;
        }
        return true;
    }

    private void cold(long word, long second) {
        if (((int) word & OPERATION_MASK) >= FIRST_VECTOR) {
            vectorOperations.execute(word, second);
        } else {
            operations.execute(word, second);
        }
    }

    private long carryArithmetic(long word, int kind, long b, int sh) {
        return operations.carryArithmetic(kind, state.r[target(word)], b, sh);
    }

    private static long address(long[] r, long word, long displacement) {
        return r[base(word)] + (r[index(word)] << scale(word)) + displacement;
    }

    /**
     * Runs the block and those chained to it until something needs the caller: an exit, a target that is not at hand, a stop
     * request, or a block that does not fit into the budget.
     *
     * @param end value of {@link #retired} not to pass; the first block fits
     */
    private int execute(Block first, long end) {
        final long[] r = state.r;
        final Flags flags = state.flags;
        final VirtualMemory memory = state.memory;
        Block block = first;
        long[] code = block.code;
        int at = 0;
        // Instructions retired before this block.
        long before = retired;
        try {
            while (true) {
                long word = code[at];
                long target;
                Block follow;
                boolean taken = false;
                switch ((int) word & OPERATION_MASK) {
                    case REFETCH -> {
                        leaveAt(block, at, before);
                        return GO_ON;
                    }
                    case FALL -> {
                        target = block.end;
                        follow = block.next;
                    }
                    case JUMP -> {
                        target = code[at + 1];
                        follow = block.taken;
                        taken = true;
                    }
                    case JUMP_REGISTER -> {
                        target = r[source(word)];
                        follow = cache.peek(target);
                    }
                    case CALL -> {
                        long top = r[Registers.RSP] - 8;
                        memory.writeLong(top, block.end);
                        r[Registers.RSP] = top;
                        target = code[at + 1];
                        follow = block.taken;
                        taken = true;
                    }
                    case CALL_REGISTER -> {
                        target = r[source(word)];
                        long top = r[Registers.RSP] - 8;
                        memory.writeLong(top, block.end);
                        r[Registers.RSP] = top;
                        follow = cache.peek(target);
                    }
                    case RETURN -> {
                        long top = r[Registers.RSP];
                        target = memory.readLong(top);
                        r[Registers.RSP] = top + 8 + immediate(word);
                        follow = cache.peek(target);
                    }
                    case MicroOp.SYSCALL -> {
                        r[Registers.RCX] = block.end;
                        r[Registers.R11] = state.rflags();
                        state.rip = block.end;
                        retired = before + block.count;
                        return AT_SYSCALL;
                    }
                    case GENERIC_LAST -> {
                        state.rip = block.end;
                        generic(block, word, before + block.count - 1);
                        target = state.rip;
                        if (state.steps()) {
                            retired = before + block.count;
                            return GO_ON;
                        }
                        follow = cache.peek(target);
                    }
                    case JUMP_IF, JUMP_IF + 1, JUMP_IF + 10, JUMP_IF + 11 -> {
                        taken = flags.holds((int) word & 15);
                        target = taken ? code[at + 1] : block.end;
                        follow = taken ? block.taken : block.next;
                    }
                    case JUMP_IF + 2 -> {
                        taken = flags.carry();
                        target = taken ? code[at + 1] : block.end;
                        follow = taken ? block.taken : block.next;
                    }
                    case JUMP_IF + 3 -> {
                        taken = !flags.carry();
                        target = taken ? code[at + 1] : block.end;
                        follow = taken ? block.taken : block.next;
                    }
                    case JUMP_IF + 4 -> {
                        taken = flags.zero();
                        target = taken ? code[at + 1] : block.end;
                        follow = taken ? block.taken : block.next;
                    }
                    case JUMP_IF + 5 -> {
                        taken = !flags.zero();
                        target = taken ? code[at + 1] : block.end;
                        follow = taken ? block.taken : block.next;
                    }
                    case JUMP_IF + 6 -> {
                        taken = flags.carry() || flags.zero();
                        target = taken ? code[at + 1] : block.end;
                        follow = taken ? block.taken : block.next;
                    }
                    case JUMP_IF + 7 -> {
                        taken = !(flags.carry() || flags.zero());
                        target = taken ? code[at + 1] : block.end;
                        follow = taken ? block.taken : block.next;
                    }
                    case JUMP_IF + 8 -> {
                        taken = flags.sign();
                        target = taken ? code[at + 1] : block.end;
                        follow = taken ? block.taken : block.next;
                    }
                    case JUMP_IF + 9 -> {
                        taken = !flags.sign();
                        target = taken ? code[at + 1] : block.end;
                        follow = taken ? block.taken : block.next;
                    }
                    case JUMP_IF + 12 -> {
                        taken = flags.less();
                        target = taken ? code[at + 1] : block.end;
                        follow = taken ? block.taken : block.next;
                    }
                    case JUMP_IF + 13 -> {
                        taken = !flags.less();
                        target = taken ? code[at + 1] : block.end;
                        follow = taken ? block.taken : block.next;
                    }
                    case JUMP_IF + 14 -> {
                        taken = flags.less() || flags.zero();
                        target = taken ? code[at + 1] : block.end;
                        follow = taken ? block.taken : block.next;
                    }
                    case JUMP_IF + 15 -> {
                        taken = !(flags.less() || flags.zero());
                        target = taken ? code[at + 1] : block.end;
                        follow = taken ? block.taken : block.next;
                    }
                    case GENERIC -> {
                        if (!generic(block, word, before + block.ordinalOf(at))) {
                            leaveAt(block, at, before);
                            return GO_ON;
                        }
                        at += 2;
                        continue;
                    }
                    case MOVE32 -> {
                        r[target(word)] = r[source(word)] & LOW_32;
                        at += 2;
                        continue;
                    }
                    case MOVE64 -> {
                        r[target(word)] = r[source(word)];
                        at += 2;
                        continue;
                    }
                    case CONSTANT -> {
                        r[target(word)] = code[at + 1];
                        at += 2;
                        continue;
                    }
                    case MOVE8 -> {
                        int t = target(word);
                        r[t] = r[t] & ~0xFFL | r[source(word)] & 0xFF;
                        at += 2;
                        continue;
                    }
                    case MOVE16 -> {
                        int t = target(word);
                        r[t] = r[t] & ~0xFFFFL | r[source(word)] & 0xFFFF;
                        at += 2;
                        continue;
                    }
                    case ZERO_EXTEND8 -> {
                        r[target(word)] = r[source(word)] & 0xFF;
                        at += 2;
                        continue;
                    }
                    case ZERO_EXTEND16 -> {
                        r[target(word)] = r[source(word)] & 0xFFFF;
                        at += 2;
                        continue;
                    }
                    case SIGN_EXTEND8_32 -> {
                        r[target(word)] = (byte) r[source(word)] & LOW_32;
                        at += 2;
                        continue;
                    }
                    case SIGN_EXTEND8_64 -> {
                        r[target(word)] = (byte) r[source(word)];
                        at += 2;
                        continue;
                    }
                    case SIGN_EXTEND16_32 -> {
                        r[target(word)] = (short) r[source(word)] & LOW_32;
                        at += 2;
                        continue;
                    }
                    case SIGN_EXTEND16_64 -> {
                        r[target(word)] = (short) r[source(word)];
                        at += 2;
                        continue;
                    }
                    case SIGN_EXTEND32_64 -> {
                        r[target(word)] = (int) r[source(word)];
                        at += 2;
                        continue;
                    }
                    case LOAD8 -> {
                        r[target(word)] = memory.readByte(address(r, word, code[at + 1])) & 0xFFL;
                        at += 2;
                        continue;
                    }
                    case LOAD16 -> {
                        r[target(word)] = memory.readShort(address(r, word, code[at + 1])) & 0xFFFFL;
                        at += 2;
                        continue;
                    }
                    case LOAD32 -> {
                        r[target(word)] = memory.readInt(address(r, word, code[at + 1])) & LOW_32;
                        at += 2;
                        continue;
                    }
                    case LOAD64 -> {
                        r[target(word)] = memory.readLong(address(r, word, code[at + 1]));
                        at += 2;
                        continue;
                    }
                    case LOAD8_SIGNED32 -> {
                        r[target(word)] = memory.readByte(address(r, word, code[at + 1])) & LOW_32;
                        at += 2;
                        continue;
                    }
                    case LOAD8_SIGNED64 -> {
                        r[target(word)] = memory.readByte(address(r, word, code[at + 1]));
                        at += 2;
                        continue;
                    }
                    case LOAD16_SIGNED32 -> {
                        r[target(word)] = memory.readShort(address(r, word, code[at + 1])) & LOW_32;
                        at += 2;
                        continue;
                    }
                    case LOAD16_SIGNED64 -> {
                        r[target(word)] = memory.readShort(address(r, word, code[at + 1]));
                        at += 2;
                        continue;
                    }
                    case LOAD32_SIGNED64 -> {
                        r[target(word)] = memory.readInt(address(r, word, code[at + 1]));
                        at += 2;
                        continue;
                    }
                    case STORE8 -> {
                        memory.writeByte(address(r, word, code[at + 1]), (byte) r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case STORE16 -> {
                        memory.writeShort(address(r, word, code[at + 1]), (short) r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case STORE32 -> {
                        memory.writeInt(address(r, word, code[at + 1]), (int) r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case STORE64 -> {
                        memory.writeLong(address(r, word, code[at + 1]), r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case STORE_CONSTANT8 -> {
                        memory.writeByte(address(r, word, code[at + 1]), (byte) immediate(word));
                        at += 2;
                        continue;
                    }
                    case STORE_CONSTANT16 -> {
                        memory.writeShort(address(r, word, code[at + 1]), (short) immediate(word));
                        at += 2;
                        continue;
                    }
                    case STORE_CONSTANT32 -> {
                        memory.writeInt(address(r, word, code[at + 1]), immediate(word));
                        at += 2;
                        continue;
                    }
                    case STORE_CONSTANT64 -> {
                        memory.writeLong(address(r, word, code[at + 1]), immediate(word));
                        at += 2;
                        continue;
                    }
                    case LOAD_TO_WRITE32 -> {
                        long address = address(r, word, code[at + 1]);
                        memory.prepareWrite(address, 4);
                        r[target(word)] = memory.readInt(address);
                        at += 2;
                        continue;
                    }
                    case LOAD_TO_WRITE64 -> {
                        long address = address(r, word, code[at + 1]);
                        memory.prepareWrite(address, 8);
                        r[target(word)] = memory.readLong(address);
                        at += 2;
                        continue;
                    }
                    case ADDRESS32 -> {
                        r[target(word)] = address(r, word, code[at + 1]) & LOW_32;
                        at += 2;
                        continue;
                    }
                    case ADDRESS64 -> {
                        r[target(word)] = address(r, word, code[at + 1]);
                        at += 2;
                        continue;
                    }
                    case MicroOp.PUSH -> {
                        long top = r[Registers.RSP] - 8;
                        memory.writeLong(top, r[source(word)]);
                        r[Registers.RSP] = top;
                        at += 2;
                        continue;
                    }
                    case PUSH_CONSTANT -> {
                        long top = r[Registers.RSP] - 8;
                        memory.writeLong(top, code[at + 1]);
                        r[Registers.RSP] = top;
                        at += 2;
                        continue;
                    }
                    case MicroOp.POP -> {
                        long top = r[Registers.RSP];
                        long value = memory.readLong(top);
                        r[Registers.RSP] = top + 8;
                        r[target(word)] = value;
                        at += 2;
                        continue;
                    }
                    case INCREMENT32 -> {
                        int t = target(word);
                        r[t] = flags.increment32(r[t]);
                        at += 2;
                        continue;
                    }
                    case INCREMENT64 -> {
                        int t = target(word);
                        r[t] = flags.increment64(r[t]);
                        at += 2;
                        continue;
                    }
                    case DECREMENT32 -> {
                        int t = target(word);
                        r[t] = flags.decrement32(r[t]);
                        at += 2;
                        continue;
                    }
                    case DECREMENT64 -> {
                        int t = target(word);
                        r[t] = flags.decrement64(r[t]);
                        at += 2;
                        continue;
                    }
                    case SHIFT_LEFT32 -> {
                        int t = target(word);
                        r[t] = flags.shiftLeft32(r[t], immediate(word));
                        at += 2;
                        continue;
                    }
                    case SHIFT_LEFT64 -> {
                        int t = target(word);
                        r[t] = flags.shiftLeft64(r[t], immediate(word));
                        at += 2;
                        continue;
                    }
                    case SHIFT_RIGHT32 -> {
                        int t = target(word);
                        r[t] = flags.shiftRight64(r[t] & LOW_32, immediate(word), 32);
                        at += 2;
                        continue;
                    }
                    case SHIFT_RIGHT64 -> {
                        int t = target(word);
                        r[t] = flags.shiftRight64(r[t], immediate(word), 0);
                        at += 2;
                        continue;
                    }
                    case SHIFT_ARITHMETIC32 -> {
                        int t = target(word);
                        r[t] = flags.shiftArithmetic64((int) r[t], immediate(word)) & LOW_32;
                        at += 2;
                        continue;
                    }
                    case SHIFT_ARITHMETIC64 -> {
                        int t = target(word);
                        r[t] = flags.shiftArithmetic64(r[t], immediate(word));
                        at += 2;
                        continue;
                    }
                    case MULTIPLY32 -> {
                        int t = target(word);
                        r[t] = operations.multiply32(r[t], r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case MULTIPLY64 -> {
                        int t = target(word);
                        r[t] = operations.multiply64(r[t], r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case MOVE_IF32 -> {
                        int t = target(word);
                        r[t] = (flags.holds(immediate(word)) ? r[source(word)] : r[t]) & LOW_32;
                        at += 2;
                        continue;
                    }
                    case MOVE_IF64 -> {
                        if (flags.holds(immediate(word))) {
                            r[target(word)] = r[source(word)];
                        }
                        at += 2;
                        continue;
                    }
                    case SET_IF -> {
                        int t = target(word);
                        r[t] = r[t] & ~0xFFL | (flags.holds(immediate(word)) ? 1 : 0);
                        at += 2;
                        continue;
                    }
                    case ALU32 + MicroOp.ADD -> {
                        int t = target(word);
                        r[t] = flags.add32(r[t], r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case ALU32 + MicroOp.OR -> {
                        int t = target(word);
                        r[t] = flags.logic32(r[t] | r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case ALU32 + MicroOp.ADC, ALU32 + MicroOp.SBB -> {
                        r[target(word)] = carryArithmetic(word, (int) word & 15, r[source(word)], 32);
                        at += 2;
                        continue;
                    }
                    case ALU32 + MicroOp.AND -> {
                        int t = target(word);
                        r[t] = flags.logic32(r[t] & r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case ALU32 + MicroOp.SUB -> {
                        int t = target(word);
                        r[t] = flags.subtract32(r[t], r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case ALU32 + MicroOp.XOR -> {
                        int t = target(word);
                        r[t] = flags.logic32(r[t] ^ r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case ALU32 + MicroOp.CMP -> {
                        flags.subtract32(r[target(word)], r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case ALU32 + MicroOp.TEST -> {
                        flags.logic32(r[target(word)] & r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case ALU64 + MicroOp.ADD -> {
                        int t = target(word);
                        r[t] = flags.add64(r[t], r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case ALU64 + MicroOp.OR -> {
                        int t = target(word);
                        r[t] = flags.logic64(r[t] | r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case ALU64 + MicroOp.ADC, ALU64 + MicroOp.SBB -> {
                        r[target(word)] = carryArithmetic(word, (int) word & 15, r[source(word)], 0);
                        at += 2;
                        continue;
                    }
                    case ALU64 + MicroOp.AND -> {
                        int t = target(word);
                        r[t] = flags.logic64(r[t] & r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case ALU64 + MicroOp.SUB -> {
                        int t = target(word);
                        r[t] = flags.subtract64(r[t], r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case ALU64 + MicroOp.XOR -> {
                        int t = target(word);
                        r[t] = flags.logic64(r[t] ^ r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case ALU64 + MicroOp.CMP -> {
                        flags.subtract64(r[target(word)], r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case ALU64 + MicroOp.TEST -> {
                        flags.logic64(r[target(word)] & r[source(word)]);
                        at += 2;
                        continue;
                    }
                    case ALU32_CONSTANT + MicroOp.ADD -> {
                        int t = target(word);
                        r[t] = flags.add32(r[t], immediate(word));
                        at += 2;
                        continue;
                    }
                    case ALU32_CONSTANT + MicroOp.OR -> {
                        int t = target(word);
                        r[t] = flags.logic32(r[t] | immediate(word));
                        at += 2;
                        continue;
                    }
                    case ALU32_CONSTANT + MicroOp.ADC, ALU32_CONSTANT + MicroOp.SBB -> {
                        r[target(word)] = carryArithmetic(word, (int) word & 15, immediate(word), 32);
                        at += 2;
                        continue;
                    }
                    case ALU32_CONSTANT + MicroOp.AND -> {
                        int t = target(word);
                        r[t] = flags.logic32(r[t] & immediate(word));
                        at += 2;
                        continue;
                    }
                    case ALU32_CONSTANT + MicroOp.SUB -> {
                        int t = target(word);
                        r[t] = flags.subtract32(r[t], immediate(word));
                        at += 2;
                        continue;
                    }
                    case ALU32_CONSTANT + MicroOp.XOR -> {
                        int t = target(word);
                        r[t] = flags.logic32(r[t] ^ immediate(word));
                        at += 2;
                        continue;
                    }
                    case ALU32_CONSTANT + MicroOp.CMP -> {
                        flags.subtract32(r[target(word)], immediate(word));
                        at += 2;
                        continue;
                    }
                    case ALU32_CONSTANT + MicroOp.TEST -> {
                        flags.logic32(r[target(word)] & immediate(word));
                        at += 2;
                        continue;
                    }
                    case ALU64_CONSTANT + MicroOp.ADD -> {
                        int t = target(word);
                        r[t] = flags.add64(r[t], immediate(word));
                        at += 2;
                        continue;
                    }
                    case ALU64_CONSTANT + MicroOp.OR -> {
                        int t = target(word);
                        r[t] = flags.logic64(r[t] | immediate(word));
                        at += 2;
                        continue;
                    }
                    case ALU64_CONSTANT + MicroOp.ADC, ALU64_CONSTANT + MicroOp.SBB -> {
                        r[target(word)] = carryArithmetic(word, (int) word & 15, immediate(word), 0);
                        at += 2;
                        continue;
                    }
                    case ALU64_CONSTANT + MicroOp.AND -> {
                        int t = target(word);
                        r[t] = flags.logic64(r[t] & immediate(word));
                        at += 2;
                        continue;
                    }
                    case ALU64_CONSTANT + MicroOp.SUB -> {
                        int t = target(word);
                        r[t] = flags.subtract64(r[t], immediate(word));
                        at += 2;
                        continue;
                    }
                    case ALU64_CONSTANT + MicroOp.XOR -> {
                        int t = target(word);
                        r[t] = flags.logic64(r[t] ^ immediate(word));
                        at += 2;
                        continue;
                    }
                    case ALU64_CONSTANT + MicroOp.CMP -> {
                        flags.subtract64(r[target(word)], immediate(word));
                        at += 2;
                        continue;
                    }
                    case ALU64_CONSTANT + MicroOp.TEST -> {
                        flags.logic64(r[target(word)] & immediate(word));
                        at += 2;
                        continue;
                    }
                    default -> {
                        cold(word, code[at + 1]);
                        at += 2;
                        continue;
                    }
                }
                before += block.count;
                if (follow == null || follow.generation != cache.generation) {
                    follow = cache.peek(target);
                    if (follow == null) {
                        state.rip = target;
                        retired = before;
                        return GO_ON;
                    }
                    block.follow(word, taken, follow);
                }
                if (state.stopRequested || before + follow.count > end) {
                    state.rip = target;
                    retired = before;
                    return GO_ON;
                }
                block = follow;
                code = block.code;
                at = 0;
                continue;
            }
        } catch (MemoryFault e) {
            return memoryFault(e, block, at, before);
        } catch (ProcessorException e) {
            return exception(e, block, at, before);
        }
    }
}
