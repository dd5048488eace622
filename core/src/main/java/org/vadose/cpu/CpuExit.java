package org.vadose.cpu;

/** Why {@link X64Cpu#run} came back. */
public enum CpuExit {
    /** A SYSCALL instruction: rip stands behind it, rcx holds the same address and r11 the flags. */
    SYSCALL,
    /** An exception; {@link X64Cpu#fault()} says which. rip is the faulting instruction's, but see {@link CpuFault#isTrap()}. */
    FAULT,
    /** The instructions asked for are done. */
    BUDGET,
    /** Someone called {@link X64Cpu#requestStop()}. */
    STOPPED
}
