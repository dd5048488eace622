package org.vadose.win32.exception;

import org.vadose.base.NtStatus;
import org.vadose.cpu.Decoder;
import org.vadose.cpu.Instruction;
import org.vadose.cpu.Mnemonic;
import org.vadose.cpu.Operand;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.memory.PageFaultCode;
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
    private static final int FAST_FAIL_VECTOR = 0x29;
    private static final int DEBUG_SERVICE_VECTOR = 0x2D;
    private static final long READ = 0;
    private static final long WRITE = 1;
    private static final long EXECUTE = 8;

    static HardwareException of(GuestCpu.Fault fault, GuestCpu cpu, Memory memory) {
        long rip = cpu.rip();
        return switch (fault.vector()) {
            case 0 -> divide(cpu, memory);
            case 1 -> new HardwareException(SINGLE_STEP, rip);
            case 3, DEBUG_SERVICE_VECTOR -> new HardwareException(BREAKPOINT, rip, 0);
            case 4 -> new HardwareException(NtStatus.INTEGER_OVERFLOW.code(), rip);
            case 5 -> new HardwareException(NtStatus.ARRAY_BOUNDS_EXCEEDED.code(), rip);
            case 6 -> new HardwareException(NtStatus.ILLEGAL_INSTRUCTION.code(), rip);
            case 13 -> protection(cpu, memory);
            case 14 -> pageFault(fault, rip);
            case 16 -> new HardwareException(NtStatus.FLOAT_INVALID_OPERATION.code(), rip);
            case 17 -> new HardwareException(NtStatus.DATATYPE_MISALIGNMENT.code(), rip);
            case 19 -> new HardwareException(NtStatus.FLOAT_MULTIPLE_TRAPS.code(), rip, 0, cpu.mxcsr());
            case FAST_FAIL_VECTOR ->
                new HardwareException(NtStatus.STACK_BUFFER_OVERRUN.code(), rip, cpu.register(GuestCpu.RCX));
            default -> new HardwareException(NtStatus.ACCESS_VIOLATION.code(), rip, READ, -1);
        };
    }

    /** A program that asks to die at once: no handler sees it. */
    boolean isFastFail() {
        return code == NtStatus.STACK_BUFFER_OVERRUN.code();
    }

    private static HardwareException pageFault(GuestCpu.Fault fault, long rip) {
        long operation = (fault.errorCode() & PageFaultCode.FETCH) != 0
                ? EXECUTE
                : (fault.errorCode() & PageFaultCode.WRITE) != 0 ? WRITE : READ;
        NtStatus status = fault.status();
        if (status.equals(NtStatus.GUARD_PAGE_VIOLATION)
                || status.equals(NtStatus.STACK_OVERFLOW)
                || status.equals(NtStatus.ACCESS_VIOLATION)) {
            return new HardwareException(status.code(), rip, operation, fault.address());
        }
        return new HardwareException(NtStatus.IN_PAGE_ERROR.code(), rip, operation, fault.address(), status.code());
    }

    /** The processor has one exception for a zero divisor and for a quotient that does not fit; Windows looks. */
    private static HardwareException divide(GuestCpu cpu, Memory memory) {
        Instruction instruction = new Instruction();
        NtStatus status = NtStatus.INTEGER_DIVIDE_BY_ZERO;
        try {
            if (new Decoder().decode(memory, cpu.rip(), instruction) && instruction.operandCount() > 0) {
                Operand divisor = instruction.operand(instruction.operandCount() - 1);
                long value = divisor.isMemory()
                        ? read(memory, OperandAddress.of(divisor, cpu), divisor.size())
                        : narrow(cpu.register(divisor.register()), divisor.size());
                status = value == 0 ? NtStatus.INTEGER_DIVIDE_BY_ZERO : NtStatus.INTEGER_OVERFLOW;
            }
        } catch (MemoryFault gone) {
            // The instruction has just been executed; if it is gone, so is the difference.
        }
        return new HardwareException(status.code(), cpu.rip());
    }

    private static long read(Memory memory, long address, int size) {
        return switch (size) {
            case 1 -> memory.readByte(address);
            case 2 -> memory.readShort(address);
            case 4 -> memory.readInt(address);
            default -> memory.readLong(address);
        };
    }

    private static long narrow(long value, int size) {
        return size >= 8 ? value : value & (1L << 8 * size) - 1;
    }

    /** #GP: a privileged instruction has a code of its own; everything else is an access violation nobody knows the address of. */
    private static HardwareException protection(GuestCpu cpu, Memory memory) {
        Instruction instruction = new Instruction();
        try {
            if (new Decoder().decode(memory, cpu.rip(), instruction) && isPrivileged(instruction.mnemonic())) {
                return new HardwareException(NtStatus.PRIVILEGED_INSTRUCTION.code(), cpu.rip());
            }
        } catch (MemoryFault gone) {
            // As above.
        }
        return new HardwareException(NtStatus.ACCESS_VIOLATION.code(), cpu.rip(), READ, -1);
    }

    private static boolean isPrivileged(Mnemonic mnemonic) {
        return switch (mnemonic.name()) {
            case "HLT",
                    "CLI",
                    "STI",
                    "IN",
                    "OUT",
                    "INSB",
                    "INSW",
                    "INSD",
                    "OUTSB",
                    "OUTSW",
                    "OUTSD",
                    "INVD",
                    "WBINVD",
                    "LGDT",
                    "LIDT",
                    "LLDT",
                    "LTR",
                    "LMSW",
                    "CLTS",
                    "RDMSR",
                    "WRMSR",
                    "INVLPG",
                    "SWAPGS",
                    "SYSRET",
                    "IRET",
                    "IRETD",
                    "IRETQ" -> true;
            default -> false;
        };
    }
}
