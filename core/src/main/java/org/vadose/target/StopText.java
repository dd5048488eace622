package org.vadose.target;

import java.util.ArrayList;
import java.util.List;
import org.vadose.base.Hex;
import org.vadose.cpu.Condition;
import org.vadose.cpu.Decoder;
import org.vadose.cpu.Instruction;
import org.vadose.cpu.InstructionFormatter;
import org.vadose.cpu.Mnemonic;
import org.vadose.cpu.Operand;
import org.vadose.cpu.Registers;
import org.vadose.memory.Memory;
import org.vadose.memory.MemoryFault;

/**
 * What a debugger prints where a thread stands: its registers and the instruction, with the address and the value of what the
 * instruction reads or writes, or whether it will jump.
 *
 * <pre>
 * rax=0000000000000000 rbx=0000014a99c00000 rcx=00007ffcd4eb12ca
 * ...
 * iopl=0         nv up ei pl nz na pe nc
 * cs=0033  ss=002b  ds=002b  es=002b  fs=0053  gs=002b             efl=00000206
 * 00007ff7`876b27ba c6430131        mov     byte ptr [rbx+1],31h ds:002b:0000014a`99c00001=??
 * </pre>
 */
public final class StopText {
    private static final Register[][] ROWS = {
        {Register.RAX, Register.RBX, Register.RCX},
        {Register.RDX, Register.RSI, Register.RDI},
        {Register.RIP, Register.RSP, Register.RBP},
        {Register.R8, Register.R9, Register.R10},
        {Register.R11, Register.R12, Register.R13},
        {Register.R14, Register.R15},
    };
    private static final Register[] BY_NUMBER = {
        Register.RAX, Register.RCX, Register.RDX, Register.RBX, Register.RSP, Register.RBP, Register.RSI, Register.RDI,
        Register.R8, Register.R9, Register.R10, Register.R11, Register.R12, Register.R13, Register.R14, Register.R15
    };
    private static final List<Flag> FLAGS = List.of(
            new Flag(11, "ov", "nv"),
            new Flag(10, "dn", "up"),
            new Flag(9, "ei", "di"),
            new Flag(7, "ng", "pl"),
            new Flag(6, "zr", "nz"),
            new Flag(4, "ac", "na"),
            new Flag(2, "pe", "po"),
            new Flag(0, "cy", "nc"));
    private static final int WIDEST_VALUE = 16;

    private final RegisterFile registers;
    private final Memory memory;
    private final InstructionFormatter.Symbols names;

    /** A bit of EFLAGS and what is shown for it. */
    private record Flag(int bit, String set, String clear) {}

    /**
     * @param memory the thread's address space
     * @param names of code; {@link InstructionFormatter#NO_SYMBOLS} for none
     */
    public StopText(RegisterFile registers, Memory memory, InstructionFormatter.Symbols names) {
        this.registers = registers;
        this.memory = memory;
        this.names = names;
    }

    /** A register's value in as many digits as it has. */
    public static String digits(RegisterFile registers, Register register) {
        return Hex.digits(registers.get(register), register.bits() / 4);
    }

    /** General registers, flags and segments: eight lines. */
    public List<String> registerLines() {
        List<String> lines = new ArrayList<>();
        for (Register[] row : ROWS) {
            StringBuilder line = new StringBuilder();
            for (Register register : row) {
                String name = register.text();
                line.append(line.isEmpty() ? "" : " ").append(name.length() < 3 ? " " : "");
                line.append(name).append('=').append(digits(registers, register));
            }
            lines.add(line.toString());
        }
        long flags = registers.get(Register.EFL);
        StringBuilder line = new StringBuilder("iopl=" + (flags >>> 12 & 3) + "        ");
        for (Flag flag : FLAGS) {
            line.append(' ').append((flags >>> flag.bit() & 1) != 0 ? flag.set() : flag.clear());
        }
        lines.add(line.toString());
        lines.add("cs=" + digits(registers, Register.CS) + "  ss=" + digits(registers, Register.SS) + "  ds="
                + digits(registers, Register.DS) + "  es=" + digits(registers, Register.ES) + "  fs="
                + digits(registers, Register.FS) + "  gs=" + digits(registers, Register.GS) + "             efl="
                + Hex.digits(flags, 8));
        return lines;
    }

    /** The instruction at RIP; question marks where its bytes cannot be read. */
    public String instructionLine() {
        long rip = registers.get(Register.RIP);
        Instruction instruction = new Instruction();
        try {
            new Decoder().decode(memory, rip, instruction);
        } catch (UnreadableMemoryException | MemoryFault e) {
            return unreadableInstruction(rip);
        }
        String line = new InstructionFormatter(names).line(instruction);
        if (!instruction.isValid()) {
            return line;
        }
        Operand operand = instruction.memoryOperand();
        if (operand.isMemory() && operand.size() > 0) {
            return line + " " + operand(instruction, operand);
        }
        return instruction.mnemonic() == Mnemonic.JCC
                ? line + " [br=" + (isTrue(instruction.condition()) ? 1 : 0) + "]"
                : line;
    }

    /** What stands for an instruction whose bytes cannot be had. */
    public static String unreadableInstruction(long address) {
        return Hex.ticked(address) + " ??              ???";
    }

    private String operand(Instruction instruction, Operand operand) {
        long offset = operand.value();
        if (operand.base() != Registers.NONE) {
            offset += registers.get(BY_NUMBER[operand.base()]);
        }
        if (operand.index() != Registers.NONE) {
            offset += registers.get(BY_NUMBER[operand.index()]) * operand.scale();
        }
        if (instruction.addressSize() == 4) {
            offset &= 0xFFFF_FFFFL;
        }
        Register segment = segment(operand);
        long linear = segment == Register.GS ? offset + registers.get(Register.GSBASE) : offset;
        String selector = operand.isRipRelative() ? "" : digits(registers, segment) + ":";
        return segment.text() + ":" + selector + Hex.ticked(offset) + "=" + value(instruction, operand, linear);
    }

    private static Register segment(Operand operand) {
        return switch (operand.segment()) {
            case Registers.FS -> Register.FS;
            case Registers.GS -> Register.GS;
            case Registers.ES -> Register.ES;
            default -> operand.base() == Registers.RSP || operand.base() == Registers.RBP ? Register.SS : Register.DS;
        };
    }

    private String value(Instruction instruction, Operand operand, long linear) {
        int size = Math.min(operand.size(), WIDEST_VALUE);
        byte[] bytes = new byte[size];
        try {
            memory.read(linear, bytes, 0, size);
        } catch (UnreadableMemoryException | MemoryFault e) {
            return "??".repeat(size);
        }
        StringBuilder hex = new StringBuilder();
        for (int i = size - 1; i >= 0; i--) {
            hex.append(Hex.digits(bytes[i] & 0xFF, 2));
        }
        boolean branches = instruction.mnemonic() == Mnemonic.CALL || instruction.mnemonic() == Mnemonic.JMP;
        if (branches && size == 8) {
            long target = Long.parseUnsignedLong(hex.toString(), 16);
            String name = names.nameOf(target);
            if (name != null) {
                return "{" + name + " (" + Hex.ticked(target) + ")}";
            }
        }
        return hex.toString();
    }

    private boolean isTrue(Condition condition) {
        long flags = registers.get(Register.EFL);
        boolean carry = (flags & 1) != 0;
        boolean parity = (flags & 4) != 0;
        boolean zero = (flags & 0x40) != 0;
        boolean sign = (flags & 0x80) != 0;
        boolean overflow = (flags & 0x800) != 0;
        return switch (condition) {
            case O -> overflow;
            case NO -> !overflow;
            case B -> carry;
            case AE -> !carry;
            case E -> zero;
            case NE -> !zero;
            case BE -> carry || zero;
            case A -> !carry && !zero;
            case S -> sign;
            case NS -> !sign;
            case P -> parity;
            case NP -> !parity;
            case L -> sign != overflow;
            case GE -> sign == overflow;
            case LE -> zero || sign != overflow;
            case G -> !zero && sign == overflow;
            case ALWAYS -> true;
        };
    }
}
