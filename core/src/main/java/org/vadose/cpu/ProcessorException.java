package org.vadose.cpu;

import org.vadose.base.NtStatus;

/** Ends the instruction being executed with an exception other than a page fault. Caught by the interpreter, never seen outside. */
final class ProcessorException extends RuntimeException {
    private static final long serialVersionUID = 1;

    static final ProcessorException DIVIDE_BY_ZERO =
            new ProcessorException(CpuFault.DIVIDE_ERROR, NtStatus.INTEGER_DIVIDE_BY_ZERO);
    static final ProcessorException DIVIDE_OVERFLOW =
            new ProcessorException(CpuFault.DIVIDE_ERROR, NtStatus.INTEGER_OVERFLOW);
    static final ProcessorException INVALID_OPCODE =
            new ProcessorException(CpuFault.INVALID_OPCODE, NtStatus.ILLEGAL_INSTRUCTION);
    /** #GP(0) for what Windows calls an access violation: bad alignment, non-canonical addresses, bad selectors. */
    static final ProcessorException GENERAL_PROTECTION =
            new ProcessorException(CpuFault.GENERAL_PROTECTION, NtStatus.ACCESS_VIOLATION);
    /** #DB as an instruction breakpoint of the debug registers raises it. */
    static final ProcessorException INSTRUCTION_BREAKPOINT =
            new ProcessorException(CpuFault.DEBUG, NtStatus.SINGLE_STEP);
    /** #GP(0) for an instruction that user mode must not execute. */
    static final ProcessorException PRIVILEGED =
            new ProcessorException(CpuFault.GENERAL_PROTECTION, NtStatus.PRIVILEGED_INSTRUCTION);

    final int vector;
    final boolean software;
    final transient NtStatus status;

    private ProcessorException(int vector, NtStatus status) {
        this(vector, false, status);
    }

    ProcessorException(int vector, boolean software, NtStatus status) {
        super(null, null, false, false);
        this.vector = vector;
        this.software = software;
        this.status = status;
    }
}
