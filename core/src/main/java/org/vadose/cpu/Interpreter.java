package org.vadose.cpu;

import static org.vadose.cpu.MicroOp.*;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.MemoryFault;
import org.vadose.memory.VirtualMemory;

/**
 * Runs blocks of micro-operations: {@link #execute} what leads straight on, {@link #leave} what leads from one block to the next.
 */
final class Interpreter {
    /** Why {@link #execute} came back. */
    private static final int GO_ON = 0;

    private static final int AT_SYSCALL = 1;
    private static final int FAULTED = 2;

    private static final long LOW_32 = 0xFFFF_FFFFL;

    private final CpuState state;
    private BlockCache cache;
    private final IntegerInstructions integers;
    private final ControlInstructions controls;
    private final StringInstructions strings;
    private final SystemInstructions system;
    private final VectorInstructions vectors;
    private final MicroOperations operations;
    private final VectorOperations vectorOperations;

    /** Instructions done; inside {@link #execute}, those before the current block. */
    private long retired;

    /** Value of {@link #retired} that {@link #execute} does not pass. */
    private long limit;

    private int reason;
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

    /** From now on it runs the blocks of another processor. */
    void use(BlockCache other) {
        cache = other;
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
            int why = state.steps() ? step() : proceed(end);
            if (why == AT_SYSCALL) {
                return CpuExit.SYSCALL;
            }
            if (why == FAULTED) {
                return CpuExit.FAULT;
            }
        }
    }

    /** One instruction, whatever breakpoint stands at it. */
    CpuExit runOne() {
        if (state.steps()) {
            return run(1);
        }
        int why;
        try {
            why = execute(cache.translateOne(state.rip), retired + 1);
        } catch (MemoryFault e) {
            why = fetchFault(e);
        }
        return why == AT_SYSCALL ? CpuExit.SYSCALL : why == FAULTED ? CpuExit.FAULT : CpuExit.BUDGET;
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
        int why = execute(block, retired + 1);
        if (why != GO_ON) {
            return why;
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
    private void leaveAt(Block block, int position) {
        state.rip = block.addressOf(position);
        retired += block.ordinalOf(position);
    }

    private int memoryFault(MemoryFault e, Block block, int position) {
        leaveAt(block, position);
        return pageFault(e, block.lengthOf(block.ordinalOf(position)));
    }

    private int exception(ProcessorException e, Block block, int position) {
        leaveAt(block, position);
        int length = block.lengthOf(block.ordinalOf(position));
        fault = new CpuFault(e.vector, e.software, 0, state.rip, e.status, length);
        return FAULTED;
    }

    /**
     * Executes an instruction that has no micro-operations.
     *
     * @return whether it is done; else it goes on later, from where its registers say
     */
    private boolean executeDecoded(Block block, long word, long retiredBefore) {
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
            case BREAKPOINT -> throw ProcessorException.INSTRUCTION_BREAKPOINT;
        }
        return true;
    }

    private static long address(long[] r, int low, long displacement) {
        return r[low >>> BASE_SHIFT & REGISTER_MASK]
                + (r[low >>> INDEX_SHIFT & REGISTER_MASK] << (low >>> SCALE_SHIFT))
                + displacement;
    }

    /**
     * Runs the block and those chained to it until something needs the caller: an exit, a target that is not at hand, a stop
     * request, or a block that does not fit into the budget. Here guest code spends its time.
     *
     * <p>HotSpot stops inlining into a method when 8000 bytes of bytecode have come together there. So a case is an expression or
     * two, what is rare or long is called, and a block's last operation has a method of its own, {@link #leave}.
     *
     * @param end value of {@link #retired} not to pass; the first block fits
     * @return why it came back
     */
    private int execute(Block first, long end) {
        final long[] r = state.r;
        final Flags flags = state.flags;
        final VirtualMemory memory = state.memory;
        limit = end;
        reason = GO_ON;
        Block block = first;
        long[] code = block.code;
        int at = 0;
        try {
            while (true) {
                long word = code[at];
                long second = code[at + 1];
                int low = (int) word;
                int t = low >>> TARGET_SHIFT & REGISTER_MASK;
                int s = low >>> SOURCE_SHIFT & REGISTER_MASK;
                switch (low & OPERATION_MASK) {
                    case MOVE32 -> r[t] = r[s] & LOW_32;
                    case MOVE64 -> r[t] = r[s];
                    case CONSTANT -> r[t] = second;
                    case MOVE8 -> r[t] = r[t] & ~0xFFL | r[s] & 0xFF;
                    case MOVE16 -> r[t] = r[t] & ~0xFFFFL | r[s] & 0xFFFF;
                    case ZERO_EXTEND8 -> r[t] = r[s] & 0xFF;
                    case ZERO_EXTEND16 -> r[t] = r[s] & 0xFFFF;
                    case SIGN_EXTEND8_32 -> r[t] = (byte) r[s] & LOW_32;
                    case SIGN_EXTEND8_64 -> r[t] = (byte) r[s];
                    case SIGN_EXTEND16_32 -> r[t] = (short) r[s] & LOW_32;
                    case SIGN_EXTEND16_64 -> r[t] = (short) r[s];
                    case SIGN_EXTEND32_64 -> r[t] = (int) r[s];
                    case LOAD8 -> r[t] = memory.readByte(address(r, low, second)) & 0xFFL;
                    case LOAD16 -> r[t] = memory.readShort(address(r, low, second)) & 0xFFFFL;
                    case LOAD32 -> r[t] = memory.readInt(address(r, low, second)) & LOW_32;
                    case LOAD64 -> r[t] = memory.readLong(address(r, low, second));
                    case LOAD8_SIGNED32 -> r[t] = memory.readByte(address(r, low, second)) & LOW_32;
                    case LOAD8_SIGNED64 -> r[t] = memory.readByte(address(r, low, second));
                    case LOAD16_SIGNED32 -> r[t] = memory.readShort(address(r, low, second)) & LOW_32;
                    case LOAD16_SIGNED64 -> r[t] = memory.readShort(address(r, low, second));
                    case LOAD32_SIGNED64 -> r[t] = memory.readInt(address(r, low, second));
                    case STORE8 -> memory.writeByte(address(r, low, second), (byte) r[s]);
                    case STORE16 -> memory.writeShort(address(r, low, second), (short) r[s]);
                    case STORE32 -> memory.writeInt(address(r, low, second), (int) r[s]);
                    case STORE64 -> memory.writeLong(address(r, low, second), r[s]);
                    case STORE_CONSTANT8 -> memory.writeByte(address(r, low, second), (byte) immediate(word));
                    case STORE_CONSTANT16 -> memory.writeShort(address(r, low, second), (short) immediate(word));
                    case STORE_CONSTANT32 -> memory.writeInt(address(r, low, second), immediate(word));
                    case STORE_CONSTANT64 -> memory.writeLong(address(r, low, second), immediate(word));
                    case LOAD_TO_WRITE32 -> {
                        long address = address(r, low, second);
                        memory.prepareWrite(address, 4);
                        r[t] = memory.readInt(address);
                    }
                    case LOAD_TO_WRITE64 -> {
                        long address = address(r, low, second);
                        memory.prepareWrite(address, 8);
                        r[t] = memory.readLong(address);
                    }
                    case ADDRESS32 -> r[t] = address(r, low, second) & LOW_32;
                    case ADDRESS64 -> r[t] = address(r, low, second);
                    case MicroOp.PUSH -> {
                        long top = r[Registers.RSP] - 8;
                        memory.writeLong(top, r[s]);
                        r[Registers.RSP] = top;
                    }
                    case PUSH_CONSTANT -> {
                        long top = r[Registers.RSP] - 8;
                        memory.writeLong(top, second);
                        r[Registers.RSP] = top;
                    }
                    case MicroOp.POP -> {
                        long top = r[Registers.RSP];
                        long value = memory.readLong(top);
                        r[Registers.RSP] = top + 8;
                        r[t] = value;
                    }
                    case INCREMENT32 -> r[t] = flags.increment32(r[t]);
                    case INCREMENT64 -> r[t] = flags.increment64(r[t]);
                    case DECREMENT32 -> r[t] = flags.decrement32(r[t]);
                    case DECREMENT64 -> r[t] = flags.decrement64(r[t]);
                    case SHIFT_LEFT32 -> r[t] = flags.shiftLeft32(r[t], immediate(word));
                    case SHIFT_LEFT64 -> r[t] = flags.shiftLeft64(r[t], immediate(word));
                    case SHIFT_RIGHT32 -> r[t] = flags.shiftRight64(r[t] & LOW_32, immediate(word), 32);
                    case SHIFT_RIGHT64 -> r[t] = flags.shiftRight64(r[t], immediate(word), 0);
                    case SHIFT_ARITHMETIC32 -> r[t] = flags.shiftArithmetic64((int) r[t], immediate(word)) & LOW_32;
                    case SHIFT_ARITHMETIC64 -> r[t] = flags.shiftArithmetic64(r[t], immediate(word));
                    case MULTIPLY32 -> r[t] = operations.multiply32(r[t], r[s]);
                    case MULTIPLY64 -> r[t] = operations.multiply64(r[t], r[s]);
                    case MOVE_IF32 -> r[t] = (flags.holds(immediate(word)) ? r[s] : r[t]) & LOW_32;
                    case MOVE_IF64 -> {
                        if (flags.holds(immediate(word))) {
                            r[t] = r[s];
                        }
                    }
                    case SET_IF -> r[t] = r[t] & ~0xFFL | (flags.holds(immediate(word)) ? 1 : 0);
                    case ALU32 + MicroOp.ADD -> r[t] = flags.add32(r[t], r[s]);
                    case ALU32 + MicroOp.OR -> r[t] = flags.logic32(r[t] | r[s]);
                    case ALU32 + MicroOp.ADC, ALU32 + MicroOp.SBB ->
                        r[t] = operations.carryArithmetic(low & 15, r[t], r[s], 32);
                    case ALU32 + MicroOp.AND -> r[t] = flags.logic32(r[t] & r[s]);
                    case ALU32 + MicroOp.SUB -> r[t] = flags.subtract32(r[t], r[s]);
                    case ALU32 + MicroOp.XOR -> r[t] = flags.logic32(r[t] ^ r[s]);
                    case ALU32 + MicroOp.CMP -> flags.subtract32(r[t], r[s]);
                    case ALU32 + MicroOp.TEST -> flags.logic32(r[t] & r[s]);
                    case ALU64 + MicroOp.ADD -> r[t] = flags.add64(r[t], r[s]);
                    case ALU64 + MicroOp.OR -> r[t] = flags.logic64(r[t] | r[s]);
                    case ALU64 + MicroOp.ADC, ALU64 + MicroOp.SBB ->
                        r[t] = operations.carryArithmetic(low & 15, r[t], r[s], 0);
                    case ALU64 + MicroOp.AND -> r[t] = flags.logic64(r[t] & r[s]);
                    case ALU64 + MicroOp.SUB -> r[t] = flags.subtract64(r[t], r[s]);
                    case ALU64 + MicroOp.XOR -> r[t] = flags.logic64(r[t] ^ r[s]);
                    case ALU64 + MicroOp.CMP -> flags.subtract64(r[t], r[s]);
                    case ALU64 + MicroOp.TEST -> flags.logic64(r[t] & r[s]);
                    case ALU32_CONSTANT + MicroOp.ADD -> r[t] = flags.add32(r[t], immediate(word));
                    case ALU32_CONSTANT + MicroOp.OR -> r[t] = flags.logic32(r[t] | immediate(word));
                    case ALU32_CONSTANT + MicroOp.ADC, ALU32_CONSTANT + MicroOp.SBB ->
                        r[t] = operations.carryArithmetic(low & 15, r[t], immediate(word), 32);
                    case ALU32_CONSTANT + MicroOp.AND -> r[t] = flags.logic32(r[t] & immediate(word));
                    case ALU32_CONSTANT + MicroOp.SUB -> r[t] = flags.subtract32(r[t], immediate(word));
                    case ALU32_CONSTANT + MicroOp.XOR -> r[t] = flags.logic32(r[t] ^ immediate(word));
                    case ALU32_CONSTANT + MicroOp.CMP -> flags.subtract32(r[t], immediate(word));
                    case ALU32_CONSTANT + MicroOp.TEST -> flags.logic32(r[t] & immediate(word));
                    case ALU64_CONSTANT + MicroOp.ADD -> r[t] = flags.add64(r[t], immediate(word));
                    case ALU64_CONSTANT + MicroOp.OR -> r[t] = flags.logic64(r[t] | immediate(word));
                    case ALU64_CONSTANT + MicroOp.ADC, ALU64_CONSTANT + MicroOp.SBB ->
                        r[t] = operations.carryArithmetic(low & 15, r[t], immediate(word), 0);
                    case ALU64_CONSTANT + MicroOp.AND -> r[t] = flags.logic64(r[t] & immediate(word));
                    case ALU64_CONSTANT + MicroOp.SUB -> r[t] = flags.subtract64(r[t], immediate(word));
                    case ALU64_CONSTANT + MicroOp.XOR -> r[t] = flags.logic64(r[t] ^ immediate(word));
                    case ALU64_CONSTANT + MicroOp.CMP -> flags.subtract64(r[t], immediate(word));
                    case ALU64_CONSTANT + MicroOp.TEST -> flags.logic64(r[t] & immediate(word));
                    default -> {
                        if ((low & OPERATION_MASK) < GENERIC) {
                            Block next = leave(block, word, second, at);
                            if (next == null) {
                                return reason;
                            }
                            block = next;
                            code = next.code;
                            at = 0;
                            continue;
                        }
                        if (!executeCold(block, word, second, at)) {
                            return GO_ON;
                        }
                    }
                }
                at += 2;
            }
        } catch (MemoryFault e) {
            return memoryFault(e, block, at);
        } catch (ProcessorException e) {
            return exception(e, block, at);
        }
    }

    /** @return whether the operation is done and the next one's turn */
    private boolean executeCold(Block block, long word, long second, int at) {
        int operation = (int) word & OPERATION_MASK;
        if (operation >= FIRST_VECTOR) {
            vectorOperations.execute(word, second);
        } else if (operation >= FIRST_COLD) {
            operations.execute(word, second);
        } else if (!executeDecoded(block, word, retired + block.ordinalOf(at))) {
            leaveAt(block, at);
            return false;
        }
        return true;
    }

    /**
     * Executes the operation at the end of a block.
     *
     * @return the block to go on with; null to come back, {@link #reason} saying why
     */
    private @Nullable Block leave(Block block, long word, long second, int at) {
        long[] r = state.r;
        Flags flags = state.flags;
        VirtualMemory memory = state.memory;
        long target;
        Block follow;
        boolean taken = false;
        switch ((int) word & OPERATION_MASK) {
            case REFETCH -> {
                leaveAt(block, at);
                return null;
            }
            case FALL -> {
                target = block.end;
                follow = block.next;
            }
            case JUMP -> {
                target = second;
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
                target = second;
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
                retired += block.count;
                reason = AT_SYSCALL;
                return null;
            }
            case GENERIC_LAST -> {
                state.rip = block.end;
                executeDecoded(block, word, retired + block.count - 1);
                target = state.rip;
                if (state.steps()) {
                    retired += block.count;
                    return null;
                }
                follow = cache.peek(target);
            }
            case JUMP_IF, JUMP_IF + 1, JUMP_IF + 10, JUMP_IF + 11 -> {
                taken = flags.holds((int) word & 15);
                target = taken ? second : block.end;
                follow = taken ? block.taken : block.next;
            }
            case JUMP_IF + 2 -> {
                taken = flags.carry();
                target = taken ? second : block.end;
                follow = taken ? block.taken : block.next;
            }
            case JUMP_IF + 3 -> {
                taken = !flags.carry();
                target = taken ? second : block.end;
                follow = taken ? block.taken : block.next;
            }
            case JUMP_IF + 4 -> {
                taken = flags.zero();
                target = taken ? second : block.end;
                follow = taken ? block.taken : block.next;
            }
            case JUMP_IF + 5 -> {
                taken = !flags.zero();
                target = taken ? second : block.end;
                follow = taken ? block.taken : block.next;
            }
            case JUMP_IF + 6 -> {
                taken = flags.carry() || flags.zero();
                target = taken ? second : block.end;
                follow = taken ? block.taken : block.next;
            }
            case JUMP_IF + 7 -> {
                taken = !(flags.carry() || flags.zero());
                target = taken ? second : block.end;
                follow = taken ? block.taken : block.next;
            }
            case JUMP_IF + 8 -> {
                taken = flags.sign();
                target = taken ? second : block.end;
                follow = taken ? block.taken : block.next;
            }
            case JUMP_IF + 9 -> {
                taken = !flags.sign();
                target = taken ? second : block.end;
                follow = taken ? block.taken : block.next;
            }
            case JUMP_IF + 12 -> {
                taken = flags.less();
                target = taken ? second : block.end;
                follow = taken ? block.taken : block.next;
            }
            case JUMP_IF + 13 -> {
                taken = !flags.less();
                target = taken ? second : block.end;
                follow = taken ? block.taken : block.next;
            }
            case JUMP_IF + 14 -> {
                taken = flags.less() || flags.zero();
                target = taken ? second : block.end;
                follow = taken ? block.taken : block.next;
            }
            case JUMP_IF + 15 -> {
                taken = !(flags.less() || flags.zero());
                target = taken ? second : block.end;
                follow = taken ? block.taken : block.next;
            }
            default -> throw new IllegalStateException("no such micro-operation word=" + Long.toHexString(word));
        }
        retired += block.count;
        if (follow == null || follow.generation != cache.generation) {
            follow = cache.peek(target);
            if (follow == null) {
                state.rip = target;
                return null;
            }
            block.follow(word, taken, follow);
        }
        if (state.stopRequested || retired + follow.count > limit) {
            state.rip = target;
            return null;
        }
        return follow;
    }
}
