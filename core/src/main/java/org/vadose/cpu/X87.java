package org.vadose.cpu;

import org.vadose.cpu.SoftFloat.Value;
import org.vadose.memory.Memory;

/**
 * The x87 unit of one processor: eight 80-bit registers, control, status and tag words; the mmx registers are their significands.
 * {@link #execute} runs any x87 instruction whole, memory operand included.
 *
 * <p>Arithmetic is the real one: 64-bit significands, precision and rounding control, all six exceptions with their masked
 * and unmasked responses, C1 as the direction of rounding.
 *
 * <p>How to drive it: before an instruction that waits (anything but the FN ones), if {@link #isPending()}, raise #MF instead; then
 * call {@link #execute}. For mmx instructions use {@link #mmx}, {@link #setMmx} and {@link #enterMmx}; emms is {@link #emptyAll}.
 */
public final class X87 {
    /** Status word bits. */
    static final int STACK_FAULT = 0x40;

    static final int C0 = 0x100;
    static final int C1 = 0x200;
    static final int C2 = 0x400;
    static final int C3 = 0x4000;
    private static final int CONDITIONS = C0 | C1 | C2 | C3;
    private static final int SUMMARY_AND_BUSY = 0x8080;
    private static final int EXCEPTIONS = 0x3F;
    private static final int TOP_SHIFT = 11;
    private static final int CONTROL_AFTER_INIT = 0x37F;

    private final long[] significands = new long[8];
    private final int[] signExponents = new int[8];
    /** Bit n: physical register n is empty. */
    private int empty = 0xFF;

    private int top;
    private int control = CONTROL_AFTER_INIT;
    /** Status without the top-of-stack field and without the summary bits, which follow from the rest. */
    private int status;

    private long instructionPointer;
    private long dataPointer;
    private int lastOpcode;

    final SoftFloat soft = new SoftFloat();
    private final X87Operations operations = new X87Operations(this);

    public X87() {
        soft.x87 = true;
        applyControl();
    }

    /**
     * Runs one x87 instruction (opcodes D8h..DFh, and 9Bh).
     *
     * @param memory where a memory operand lives; its faults pass through with nothing changed
     * @param address linear address of the memory operand, if there is one
     * @param rflags the flags register, which fcmovcc reads
     * @return the flags register, which fcomi and kin change. For {@code fnstsw ax} the caller writes {@link #status()} to ax.
     */
    public long execute(Instruction instruction, Memory memory, long address, long rflags) {
        return operations.execute(instruction, memory, address, rflags);
    }

    /** An unmasked exception waits to be reported by the next waiting instruction as #MF. */
    public boolean isPending() {
        return (status & EXCEPTIONS & ~control) != 0;
    }

    /** Whether an instruction reports a pending exception before it runs. */
    public static boolean waits(Mnemonic op) {
        return switch (op) {
            case FNINIT, FNCLEX, FNSTENV, FNSAVE, FNSTCW, FNSTSW, FNOP -> false;
            default -> true;
        };
    }

    public int control() {
        return control;
    }

    public void setControl(int value) {
        // Bit 6 reads as one, the undefined ones as zero.
        control = value & 0x1F3F | 0x40;
        applyControl();
    }

    private void applyControl() {
        soft.rounding = control >> 10 & 3;
        soft.underflowUnmasked = (control & SoftFloat.UNDERFLOW) == 0;
        soft.overflowUnmasked = (control & SoftFloat.OVERFLOW) == 0;
    }

    /** The format that precision control selects for add, subtract, multiply, divide and square root. */
    SoftFloat.Format controlledFormat() {
        return switch (control >> 8 & 3) {
            case 0 -> SoftFloat.EXTENDED_24;
            case 2 -> SoftFloat.EXTENDED_53;
            default -> SoftFloat.EXTENDED;
        };
    }

    /** The status word with top and summary bits, as fnstsw stores it. */
    public int status() {
        return status | top << TOP_SHIFT | (isPending() ? SUMMARY_AND_BUSY : 0);
    }

    public void setStatus(int value) {
        top = value >> TOP_SHIFT & 7;
        status = value & (EXCEPTIONS | STACK_FAULT | CONDITIONS);
    }

    /** Two bits a physical register: 0 valid, 1 zero, 2 special, 3 empty. */
    public int tagWord() {
        int tags = 0;
        for (int i = 0; i < 8; i++) {
            tags |= tag(i) << i * 2;
        }
        return tags;
    }

    private int tag(int physical) {
        if ((empty >> physical & 1) != 0) {
            return 3;
        }
        int exponent = signExponents[physical] & 0x7FFF;
        if (exponent == 0) {
            return significands[physical] == 0 ? 1 : 2;
        }
        return exponent == 0x7FFF || significands[physical] >= 0 ? 2 : 0;
    }

    public void setTagWord(int tags) {
        empty = 0;
        for (int i = 0; i < 8; i++) {
            if ((tags >> i * 2 & 3) == 3) {
                empty |= 1 << i;
            }
        }
    }

    /** Bit n set: physical register n holds something. The tag of fxsave. */
    public int abridgedTags() {
        return ~empty & 0xFF;
    }

    public void setAbridgedTags(int valid) {
        empty = ~valid & 0xFF;
    }

    /** fninit. */
    public void initialise() {
        setControl(CONTROL_AFTER_INIT);
        status = 0;
        top = 0;
        empty = 0xFF;
        instructionPointer = 0;
        dataPointer = 0;
        lastOpcode = 0;
    }

    /** emms, and part of fninit: every register becomes empty. */
    public void emptyAll() {
        empty = 0xFF;
        top = 0;
    }

    void clearExceptions() {
        status &= ~(EXCEPTIONS | STACK_FAULT);
    }

    /** Any mmx instruction but emms: the stack top becomes 0 and every register valid. */
    public void enterMmx() {
        top = 0;
        empty = 0;
    }

    public long mmx(int register) {
        return significands[register];
    }

    /** Writes an mmx register; sign and exponent become ones, as on hardware. */
    public void setMmx(int register, long value) {
        enterMmx();
        significands[register] = value;
        signExponents[register] = 0xFFFF;
    }

    /** Significand of st(i). */
    public long significand(int i) {
        return significands[top + i & 7];
    }

    /** Sign and exponent of st(i) as the upper 16 bits of the 80. */
    public int signExponent(int i) {
        return signExponents[top + i & 7];
    }

    /** Sets st(i) without touching its tag: fxrstor, frstor. */
    public void setRegister(int i, int signExponent, long significand) {
        signExponents[top + i & 7] = signExponent & 0xFFFF;
        significands[top + i & 7] = significand;
    }

    public long instructionPointer() {
        return instructionPointer;
    }

    public long dataPointer() {
        return dataPointer;
    }

    public int lastOpcode() {
        return lastOpcode;
    }

    public void setPointers(long instruction, long data, int opcode) {
        instructionPointer = instruction;
        dataPointer = data;
        lastOpcode = opcode & 0x7FF;
    }

    // The rest is for the operations.

    boolean isEmpty(int i) {
        return (empty >> (top + i & 7) & 1) != 0;
    }

    void read(int i, Value value) {
        value.ofExtended(signExponent(i), significand(i));
    }

    void write(int i, Value value) {
        setRegister(i, value.toSignExponent(), value.toSignificand());
        empty &= ~(1 << (top + i & 7));
    }

    void writeRaw(int i, int signExponent, long significand) {
        setRegister(i, signExponent, significand);
        empty &= ~(1 << (top + i & 7));
    }

    void free(int i) {
        empty |= 1 << (top + i & 7);
    }

    void rotate(int by) {
        top = top + by & 7;
    }

    void pop() {
        free(0);
        rotate(1);
    }

    /** Replaces the condition bits named by {@code mask}. */
    void setConditions(int mask, int value) {
        status = status & ~mask | value & mask;
    }

    /**
     * Takes over the arithmetic's flags and rounding direction.
     *
     * @return false when an invalid, denormal or division exception is unmasked: then no result may be stored
     */
    boolean accept() {
        boolean stopped = isUnmasked(soft.flags & SoftFloat.DENORMAL);
        setConditions(C1, soft.roundedUp && !stopped ? C1 : 0);
        int after = SoftFloat.OVERFLOW | SoftFloat.UNDERFLOW | SoftFloat.INEXACT;
        return accept(stopped ? soft.flags & ~after : soft.flags);
    }

    private boolean accept(int flags) {
        status |= flags;
        int before = SoftFloat.INVALID | SoftFloat.DENORMAL | SoftFloat.DIVIDE_BY_ZERO;
        return (flags & before & ~control) == 0;
    }

    /** Stack overflow (a push onto something) or underflow (an operand that is empty); false when unmasked. */
    boolean stackFault(boolean overflow) {
        status |= STACK_FAULT;
        setConditions(C1, overflow ? C1 : 0);
        return accept(SoftFloat.INVALID);
    }

    boolean isUnmasked(int exceptions) {
        return (exceptions & ~control) != 0;
    }

    /** fnstenv masks everything after it has stored the environment. */
    void maskAll() {
        setControl(control | EXCEPTIONS);
    }
}
