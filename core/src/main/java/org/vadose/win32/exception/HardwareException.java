package org.vadose.win32.exception;

import org.vadose.base.NtStatus;
import org.vadose.cpu.CpuFault;
import org.vadose.win32.GuestCpu;

/**
 * What Windows makes of a processor exception in user mode.
 *
 * @param code exception code
 * @param address where it happened
 * @param parameters the exception's parameters; for an access violation the operation (0 read, 1 write, 8 execute) and the address
 */
record HardwareException(int code, long address, long... parameters) {
    static final int BREAKPOINT = 0x80000003;
    static final int SINGLE_STEP = 0x80000004;
    private static final int DEBUG_SERVICE_VECTOR = 0x2D;
    /** {@code FAST_FAIL_GUARD_ICALL_CHECK_FAILURE}. */
    private static final long GUARD_ICALL_CHECK_FAILURE = 10;

    private static final long READ = 0;
    private static final long WRITE = 1;
    private static final long EXECUTE = 8;

    static HardwareException of(CpuFault fault, GuestCpu cpu) {
        long rip = cpu.rip();
        NtStatus status = fault.status();
        return switch (fault.vector()) {
            case CpuFault.DEBUG -> new HardwareException(SINGLE_STEP, rip);
            case CpuFault.BREAKPOINT, DEBUG_SERVICE_VECTOR -> new HardwareException(BREAKPOINT, rip, 0);
            case CpuFault.PAGE_FAULT -> pageFault(fault, rip);
            case CpuFault.SIMD_FLOATING_POINT -> new HardwareException(status.code(), rip, 0, cpu.mxcsr());
            case CpuFault.FLOATING_POINT -> new HardwareException(status.code(), rip, 0);
            case CpuFault.FAST_FAIL ->
                new HardwareException(NtStatus.STACK_BUFFER_OVERRUN.code(), rip, cpu.register(GuestCpu.RCX));
            default ->
                // A general-protection fault has no address: -1 stands for it.
                status.equals(NtStatus.ACCESS_VIOLATION)
                        ? new HardwareException(status.code(), rip, READ, -1)
                        : new HardwareException(status.code(), rip);
        };
    }

    /** An indirect call to where nothing may be called: the check reads the bitmap where none is committed. */
    static HardwareException guardFailure(long rip) {
        return new HardwareException(NtStatus.STACK_BUFFER_OVERRUN.code(), rip, GUARD_ICALL_CHECK_FAILURE);
    }

    /** A program that asks to die at once: no handler sees it. */
    boolean isFastFail() {
        return code == NtStatus.STACK_BUFFER_OVERRUN.code();
    }

    private static HardwareException pageFault(CpuFault fault, long rip) {
        long operation = fault.isExecute() ? EXECUTE : fault.isWrite() ? WRITE : READ;
        NtStatus status = fault.status();
        if (status.equals(NtStatus.GUARD_PAGE_VIOLATION)
                || status.equals(NtStatus.STACK_OVERFLOW)
                || status.equals(NtStatus.ACCESS_VIOLATION)) {
            return new HardwareException(status.code(), rip, operation, fault.address());
        }
        return new HardwareException(NtStatus.IN_PAGE_ERROR.code(), rip, operation, fault.address(), status.code());
    }
}
