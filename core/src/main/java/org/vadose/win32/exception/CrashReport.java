package org.vadose.win32.exception;

import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;
import org.vadose.base.NtStatus;
import org.vadose.cpu.Decoder;
import org.vadose.cpu.Instruction;
import org.vadose.cpu.InstructionFormatter;
import org.vadose.cpu.Operand;
import org.vadose.cpu.Registers;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;
import org.vadose.nt.ContextRecord;
import org.vadose.win32.GuestCpu;
import org.vadose.win32.GuestThread;

/** What a debugger would print about an exception that nobody handled. */
final class CrashReport {
    private static final String[] NAMES = {
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"
    };
    /** Registers in the order the debugger prints them. */
    private static final int[] ORDER = {0, 3, 1, 2, 6, 7, -1, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15};

    private final GuestThread thread;
    private final Memory memory;

    CrashReport(GuestThread thread, Memory memory) {
        this.thread = thread;
        this.memory = memory;
    }

    /** @param context registers at the exception; null for those the processor has now */
    String text(int code, long address, long[] parameters, @Nullable ContextRecord context) {
        StringBuilder text = new StringBuilder();
        text.append("(%x.%x): %s - code %08x (!!! second chance !!!)%n"
                .formatted(thread.process().processId(), thread.threadId(), name(code), code));
        describeAccess(text, code, parameters);
        registers(text, context);
        instruction(text, address, context);
        return text.toString().stripTrailing();
    }

    private static String name(int code) {
        return switch (code) {
            case HardwareException.BREAKPOINT -> "Break instruction exception";
            case HardwareException.SINGLE_STEP -> "Single step exception";
            case 0xE06D7363 -> "C++ EH exception";
            case 0x20474343 -> "GNU C++ exception";
            default -> {
                String known = NtStatus.of(code).toString();
                yield known.startsWith("STATUS_") ? words(known.substring(7)) : "Unknown exception";
            }
        };
    }

    private static String words(String constant) {
        String lower = constant.toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
        return Character.toUpperCase(lower.charAt(0)) + lower.substring(1);
    }

    private static void describeAccess(StringBuilder text, int code, long[] parameters) {
        boolean isAccess = code == NtStatus.ACCESS_VIOLATION.code()
                || code == NtStatus.GUARD_PAGE_VIOLATION.code()
                || code == NtStatus.STACK_OVERFLOW.code()
                || code == NtStatus.IN_PAGE_ERROR.code();
        if (isAccess && parameters.length >= 2) {
            String verb = parameters[0] == 0 ? "read from" : parameters[0] == 1 ? "write to" : "execute at";
            text.append("Attempt to %s address %s%n".formatted(verb, Hex.address(parameters[1])));
        }
    }

    private void registers(StringBuilder text, @Nullable ContextRecord context) {
        int column = 0;
        for (int number : ORDER) {
            String name = number < 0 ? "rip" : NAMES[number];
            text.append(column == 0 ? "" : " ")
                    .append(" ".repeat(3 - name.length()))
                    .append(name)
                    .append('=')
                    .append(Hex.address(register(number, context)));
            if (++column == 3) {
                text.append(System.lineSeparator());
                column = 0;
            }
        }
        if (column != 0) {
            text.append(System.lineSeparator());
        }
    }

    private long register(int number, @Nullable ContextRecord context) {
        GuestCpu cpu = thread.cpu();
        if (number < 0) {
            return context != null ? context.rip() : cpu.rip();
        }
        return context != null ? context.register(number) : cpu.register(number);
    }

    private void instruction(StringBuilder text, long address, @Nullable ContextRecord context) {
        long rip = register(-1, context);
        text.append(thread.process().modules().describe(rip)).append(':').append(System.lineSeparator());
        try {
            Instruction instruction = new Instruction();
            new Decoder().decode(memory, rip, instruction);
            text.append(new InstructionFormatter(InstructionFormatter.NO_SYMBOLS).line(instruction));
            Operand operand = instruction.memoryOperand();
            if (operand.isMemory()) {
                text.append(' ').append(operand(operand, context));
            }
        } catch (MemoryFault unreadable) {
            text.append(Hex.ticked(rip)).append(" ??              ???");
        }
        if (address != rip) {
            text.append(System.lineSeparator())
                    .append("Exception raised at ")
                    .append(thread.process().modules().describe(address));
        }
    }

    /** {@code ds:00000000`010a0001=31}, with question marks for what cannot be read. */
    private String operand(Operand operand, @Nullable ContextRecord context) {
        long at = operand.value();
        if (operand.base() != Registers.NONE) {
            at += register(operand.base(), context);
        }
        if (operand.index() != Registers.NONE) {
            at += register(operand.index(), context) * operand.scale();
        }
        String segment = operand.base() == 4 || operand.base() == 5 ? "ss:" : "ds:";
        int digits = 2 * Math.clamp(operand.size(), 1, 8);
        String value = "?".repeat(digits);
        try {
            byte[] bytes = memory.read(at, digits / 2);
            StringBuilder hex = new StringBuilder();
            for (int i = bytes.length - 1; i >= 0; i--) {
                hex.append(Hex.digits(bytes[i] & 0xFF, 2));
            }
            value = hex.toString();
        } catch (MemoryFault unreadable) {
            // The question marks say so.
        }
        return segment + Hex.ticked(at) + "=" + value;
    }
}
