package org.vadose.cpu;

import org.jspecify.annotations.Nullable;
import org.vadose.memory.Memory;
import org.vadose.memory.Mmu;

/**
 * An x86-64 processor in user mode: one set of registers, run by an interpreter over the memory that an {@link Mmu} shows to user
 * code. Instructions are decoded once into blocks of micro-operations ({@link BlockCache}).
 *
 * <p>Exceptions are precise: when {@link #run} answers {@link CpuExit#FAULT}, registers and memory are as before the instruction
 * at rip, save that a repeated string instruction has counted rcx, rsi and rdi as far as it got.
 *
 * <p>Everything belongs to the thread that runs it, but {@link #requestStop}. Register states that take turns on one processor (the
 * threads of a process) share its {@link BlockCache}. LOCK forms use atomic accesses to RAM.
 *
 * <pre>
 * var cpu = new X64Cpu(mmu);
 * cpu.setRip(entry);
 * cpu.setGpr(Registers.RSP, stackTop);
 * while (cpu.run(1_000_000) == CpuExit.SYSCALL) {
 *     serve(cpu);
 * }
 * </pre>
 */
public final class X64Cpu {
    /** Bytes of the fxsave area. */
    public static final int EXTENDED_STATE_BYTES = 512;

    private final CpuState state;
    private final Interpreter interpreter;

    /** A processor with a block cache of its own. */
    public X64Cpu(Mmu mmu) {
        this(mmu, new BlockCache(mmu));
    }

    /** Another register state for a processor; the cache must be one of this Mmu's. */
    public X64Cpu(Mmu mmu, BlockCache cache) {
        check(mmu, cache);
        state = new CpuState(mmu);
        interpreter = new Interpreter(state, cache);
    }

    private static void check(Mmu mmu, BlockCache cache) {
        if (cache.mmu() != mmu) {
            throw new IllegalArgumentException("block cache of another Mmu");
        }
    }

    /** Takes the registers to another processor; between runs. The cache must be one of this Mmu's. */
    public void moveTo(Mmu mmu, BlockCache cache) {
        check(mmu, cache);
        state.moveTo(mmu);
        interpreter.use(cache);
    }

    /** @param n hardware number: {@link Registers#RAX} to {@link Registers#R15} */
    public long gpr(int n) {
        return state.r[n & 15];
    }

    public void setGpr(int n, long value) {
        state.r[n & 15] = value;
    }

    public long rip() {
        return state.rip;
    }

    public void setRip(long address) {
        state.rip = address;
    }

    /** IF and bit 1 always read as set. */
    public long rflags() {
        return state.rflags();
    }

    /** Sets the arithmetic flags, TF, DF, NT, RF, AC and ID; the others stay as user mode finds them. */
    public void setRflags(long value) {
        state.setRflags(value);
    }

    public long xmmLow(int n) {
        return state.vectors.xmm[(n & 15) * 2];
    }

    public long xmmHigh(int n) {
        return state.vectors.xmm[(n & 15) * 2 + 1];
    }

    public void setXmm(int n, long low, long high) {
        state.vectors.xmm[(n & 15) * 2] = low;
        state.vectors.xmm[(n & 15) * 2 + 1] = high;
    }

    public int mxcsr() {
        return state.vectors.mxcsr();
    }

    /** Reserved bits are dropped. */
    public void setMxcsr(int value) {
        state.vectors.setMxcsr(value & 0xFFFF);
    }

    /** The x87 registers and words. */
    public X87 x87() {
        return state.fpu;
    }

    /** Writes x87, MXCSR and xmm state as fxsave64 does: {@value #EXTENDED_STATE_BYTES} bytes, {@code FltSave} of a CONTEXT. */
    public void saveExtended(Memory memory, long address) {
        X87Environment.saveExtended(state.fpu, state.vectors, memory, address, true);
    }

    /** Reads what {@link #saveExtended} wrote; reserved bits of MXCSR are dropped. */
    public void restoreExtended(Memory memory, long address) {
        X87Environment.restoreExtended(state.fpu, state.vectors, memory, address, true);
        setMxcsr(mxcsr());
    }

    public long gsBase() {
        return state.r[CpuState.GS_BASE];
    }

    /** The TEB of a 64-bit Windows thread. */
    public void setGsBase(long address) {
        state.r[CpuState.GS_BASE] = address;
    }

    public long fsBase() {
        return state.r[CpuState.FS_BASE];
    }

    public void setFsBase(long address) {
        state.r[CpuState.FS_BASE] = address;
    }

    /** @param n {@link Registers#ES} to {@link Registers#GS} */
    public int selector(int n) {
        return state.selectors[n];
    }

    /** What rdtsc reads from now on; instructions executed, unless set. */
    public void setTimeStampCounter(TimeStampCounter clock) {
        interpreter.setClock(clock);
    }

    /** Executes exactly so many instructions, unless something comes before. */
    public CpuExit run(long maxInstructions) {
        return interpreter.run(maxInstructions);
    }

    /** Executes one instruction, also where a breakpoint stands. */
    public CpuExit runOne() {
        return interpreter.runOne();
    }

    /** What the last {@link CpuExit#FAULT} was. */
    public CpuFault fault() {
        @Nullable CpuFault fault = interpreter.fault();
        if (fault == null) {
            throw new IllegalStateException("no fault happened, rip=" + Long.toHexString(state.rip));
        }
        return fault;
    }

    /**
     * Makes a run in progress, or the next one, come back with {@link CpuExit#STOPPED} after the current block, or in the middle of
     * a repeated string instruction. From any thread.
     */
    public void requestStop() {
        state.stopRequested = true;
    }

    /** Instructions completed since the start; a repeated string instruction is one. */
    public long instructionsRetired() {
        return interpreter.retired();
    }
}
