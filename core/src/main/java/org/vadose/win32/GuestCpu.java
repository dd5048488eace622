package org.vadose.win32;

import org.vadose.cpu.BlockCache;
import org.vadose.cpu.CpuFault;
import org.vadose.memory.Memory;
import org.vadose.memory.Mmu;

/** One thread's processor state as the API sees it: registers by their hardware numbers, and a run until something happens. */
public interface GuestCpu {
    int RAX = 0;
    int RCX = 1;
    int RDX = 2;
    int RBX = 3;
    int RSP = 4;
    int RBP = 5;
    int RSI = 6;
    int RDI = 7;
    int R8 = 8;
    int R9 = 9;
    int R10 = 10;
    int R11 = 11;
    int R12 = 12;
    int R13 = 13;
    int R14 = 14;
    int R15 = 15;

    /** Why {@link #run} came back. */
    enum Exit {
        /** A SYSCALL instruction; RIP stands behind it. */
        SYSCALL,
        /** A processor exception; RIP stands at the instruction. */
        FAULT,
        /** The instructions asked for are done. */
        BUDGET,
        /** Someone asked for a stop. */
        STOPPED
    }

    /** @param number hardware number, 0 (RAX) to 15 (R15) */
    long register(int number);

    /** Goes on on another processor. */
    default void moveTo(Mmu mmu, BlockCache blocks) {
        throw new IllegalStateException("a processor without others");
    }

    void setRegister(int number, long value);

    long rip();

    void setRip(long address);

    /** The low 64 bits of XMM{@code number}. */
    long xmmLow(int number);

    /** Sets the low 64 bits and clears the rest. */
    void setXmmLow(int number, long value);

    /** The high 64 bits of XMM{@code number}. */
    long xmmHigh(int number);

    void setXmm(int number, long low, long high);

    /** RFLAGS. */
    long flags();

    void setFlags(long value);

    int mxcsr();

    void setMxcsr(int value);

    /** Writes x87, MXCSR and XMM state as FXSAVE64 does: 512 bytes. */
    void saveExtended(Memory memory, long address);

    /** Reads what {@link #saveExtended} wrote. */
    void restoreExtended(Memory memory, long address);

    /** What the last {@link Exit#FAULT} was. */
    CpuFault fault();

    Exit run(long instructions);

    /** Makes a {@link #run} in progress, or the next one, come back soon. From any Java thread. */
    void requestStop();

    /** One instruction, also where a breakpoint of {@link GuestSystem#setBreakpoints} stands. */
    default Exit runOne() {
        return run(1);
    }

    /** Instructions executed so far by this processor state. */
    long executed();
}
