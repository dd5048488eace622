package org.vadose.cpu;

import org.vadose.base.Hex;
import org.vadose.base.NtStatus;
import org.vadose.memory.PageFaultCode;

/**
 * A processor exception or a software interrupt.
 *
 * <p>Registers are as before the instruction and rip is its address, also for int3, int1 and int n, which hardware reports with
 * rip behind them: {@code length} is what to add. After the single-step trap rip is the next instruction's and {@code length} 0;
 * TF stays set until the kernel clears it.
 *
 * @param vector 0 #DE, 1 #DB, 3 #BP, 6 #UD, 13 #GP, 14 #PF, 16 #MF, 17 #AC, 19 #XM; of a software interrupt, its number
 * @param software raised by int3 or int n
 * @param errorCode what the processor pushes: of a #PF {@link PageFaultCode} bits
 * @param address of a #PF the byte that could not be reached (CR2); of the rest, the instruction's address
 * @param status what Windows makes of it; of a #PF, the page-fault handler's answer
 * @param length bytes of the instruction, when it is known and rip is at it
 */
public record CpuFault(int vector, boolean software, int errorCode, long address, NtStatus status, int length) {
    public static final int DIVIDE_ERROR = 0;
    public static final int DEBUG = 1;
    public static final int BREAKPOINT = 3;
    public static final int INVALID_OPCODE = 6;
    public static final int GENERAL_PROTECTION = 13;
    public static final int PAGE_FAULT = 14;
    public static final int FLOATING_POINT = 16;
    public static final int ALIGNMENT_CHECK = 17;
    public static final int SIMD_FLOATING_POINT = 19;
    /** {@code __fastfail}: int 29h, the code in ecx. */
    public static final int FAST_FAIL = 0x29;

    public boolean isPageFault() {
        return vector == PAGE_FAULT;
    }

    /** A page fault on a write. */
    public boolean isWrite() {
        return isPageFault() && (errorCode & PageFaultCode.WRITE) != 0;
    }

    /** A page fault on an instruction fetch. */
    public boolean isExecute() {
        return isPageFault() && (errorCode & PageFaultCode.FETCH) != 0;
    }

    /** Reported after the instruction completed: the single step. */
    public boolean isTrap() {
        return vector == DEBUG && !software && length == 0;
    }

    /** One of {@link BlockCache#setBreakpoints}; nothing of the instruction was executed. */
    public boolean isInstructionBreakpoint() {
        return vector == DEBUG && !software && length != 0;
    }

    @Override
    public String toString() {
        return "vector=" + vector + (software ? " software" : "") + " code=" + Hex.plain(errorCode) + " address="
                + Hex.address(address) + " status=" + status;
    }
}
