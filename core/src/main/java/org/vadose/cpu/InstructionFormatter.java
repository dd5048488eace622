package org.vadose.cpu;

import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.vadose.base.Hex;

/**
 * Prints instructions as WinDbg's {@code u} does:
 *
 * <pre>
 * fffff802`5c000010 488bc4          mov     rax,rsp
 * fffff802`5c000013 e8e8070000      call    nt!KeBugCheckEx (fffff802`5c000800)
 * </pre>
 */
public final class InstructionFormatter {
    /** Names addresses: {@code nt!KeBugCheckEx+0x10}, or null where no symbol is near. */
    @FunctionalInterface
    public interface Symbols {
        @Nullable String nameOf(long address);
    }

    /** No symbols at all. */
    public static final Symbols NO_SYMBOLS = address -> null;

    private static final int BYTES_WIDTH = 16;
    private static final int MNEMONIC_WIDTH = 8;
    private static final String[] PREDICATES = {"eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord"};

    private final Symbols symbols;

    public InstructionFormatter(Symbols symbols) {
        this.symbols = symbols;
    }

    /** Mnemonic and operands without symbols: {@code mov rax,qword ptr [rsp+28h]} with one space. */
    static String plain(Instruction instruction) {
        return new InstructionFormatter(NO_SYMBOLS).text(instruction).replaceAll(" +", " ");
    }

    /** The whole line: address, bytes, instruction. */
    public String line(Instruction instruction) {
        StringBuilder line = new StringBuilder(Hex.ticked(instruction.address())).append(' ');
        int start = line.length();
        for (int i = 0; i < instruction.length(); i++) {
            line.append(Hex.digits(instruction.byteAt(i), 2));
        }
        pad(line, start, BYTES_WIDTH);
        return line.append(text(instruction)).toString();
    }

    /** Mnemonic with its prefixes, padded to eight, and operands. */
    public String text(Instruction instruction) {
        StringBuilder text = new StringBuilder();
        if (!instruction.isValid()) {
            return text.append("???").toString();
        }
        int start = 0;
        prefixes(instruction, text);
        mnemonic(instruction, text);
        int shown = shownOperands(instruction);
        if (instruction.mnemonic() == Mnemonic.INT3) {
            pad(text, start, MNEMONIC_WIDTH);
            text.append('3');
        }
        for (int i = 0; i < shown; i++) {
            if (i == 0) {
                pad(text, start, MNEMONIC_WIDTH);
            } else {
                text.append(',');
            }
            operand(instruction, instruction.operand(i), text);
        }
        return text.toString();
    }

    private static void prefixes(Instruction instruction, StringBuilder text) {
        if (instruction.hasLock()) {
            text.append("lock ");
        }
        boolean compares = instruction.mnemonic() == Mnemonic.CMPS || instruction.mnemonic() == Mnemonic.SCAS;
        if (instruction.hasRep()) {
            text.append(compares ? "repe " : "rep ");
        } else if (instruction.hasRepne()) {
            text.append(isBranch(instruction.mnemonic()) ? "bnd " : "repne ");
        }
    }

    private static boolean isBranch(Mnemonic mnemonic) {
        return switch (mnemonic) {
            case JMP, JCC, CALL, RET -> true;
            default -> false;
        };
    }

    private static void mnemonic(Instruction instruction, StringBuilder text) {
        if (isCompare(instruction)) {
            String name = instruction.mnemonic().text();
            text.append("cmp")
                    .append(PREDICATES[(int) instruction.operand(2).value()])
                    .append(name, 3, name.length());
            return;
        }
        if (instruction.mnemonic() == Mnemonic.PUSHF || instruction.mnemonic() == Mnemonic.POPF) {
            String name = instruction.mnemonic().name().toLowerCase(Locale.ROOT);
            text.append(name).append(instruction.operandSize() == 8 ? "q" : "");
            return;
        }
        text.append(instruction.mnemonic().text())
                .append(instruction.condition().suffix());
    }

    /** A vector compare whose predicate has a name, which then is part of the mnemonic. */
    private static boolean isCompare(Instruction instruction) {
        return switch (instruction.mnemonic()) {
            case CMPPS, CMPPD, CMPSS, CMPSD -> instruction.operand(2).value() < PREDICATES.length;
            default -> false;
        };
    }

    private static int shownOperands(Instruction instruction) {
        return isCompare(instruction) ? 2 : instruction.operandCount();
    }

    private void operand(Instruction instruction, Operand operand, StringBuilder text) {
        switch (operand.kind()) {
            case REGISTER -> text.append(Registers.name(operand.registerClass(), operand.register(), operand.size()));
            case IMMEDIATE -> text.append(hex(cut(operand.value(), operand.size())));
            case TARGET -> address(operand.value(), text);
            case MEMORY -> memory(instruction, operand, text);
            case NONE -> {}
        }
    }

    private void memory(Instruction instruction, Operand operand, StringBuilder text) {
        text.append(pointer(instruction, operand));
        boolean isString = operand.segment() == Registers.ES;
        if (operand.segment() != Registers.NONE && !isString) {
            text.append(operand.segment() == Registers.FS ? "fs:" : "gs:");
        }
        text.append('[');
        boolean absolute = operand.base() == Registers.NONE && operand.index() == Registers.NONE;
        if (absolute) {
            if (operand.segment() == Registers.NONE) {
                address(operand.value(), text);
            } else {
                text.append(hex(operand.value()));
            }
        } else {
            sum(instruction, operand, text);
        }
        text.append(']');
    }

    private static void sum(Instruction instruction, Operand operand, StringBuilder text) {
        int size = instruction.addressSize();
        if (operand.base() != Registers.NONE) {
            text.append(Registers.name(RegisterClass.GENERAL, operand.base(), size));
        }
        if (operand.index() != Registers.NONE) {
            if (operand.base() != Registers.NONE) {
                text.append('+');
            }
            text.append(Registers.name(RegisterClass.GENERAL, operand.index(), size));
            if (operand.scale() > 1) {
                text.append('*').append(operand.scale());
            }
        }
        if (operand.value() < 0) {
            text.append('-').append(hex(-operand.value()));
        } else if (operand.value() > 0) {
            text.append('+').append(hex(operand.value()));
        }
    }

    private static String pointer(Instruction instruction, Operand operand) {
        boolean vector = false;
        for (int i = 0; i < instruction.operandCount(); i++) {
            Operand other = instruction.operand(i);
            vector |= other.isRegister()
                    && (other.registerClass() == RegisterClass.XMM || other.registerClass() == RegisterClass.MMX);
        }
        return switch (operand.size()) {
            case 1 -> "byte ptr ";
            case 2 -> "word ptr ";
            case 4 -> "dword ptr ";
            case 6 -> "fword ptr ";
            case 8 -> vector ? "mmword ptr " : "qword ptr ";
            case 10 -> instruction.opcode() < 0x100 ? "tbyte ptr " : "";
            case 16 -> vector ? "xmmword ptr " : "oword ptr ";
            default -> "";
        };
    }

    /** {@code nt!Name (fffff802`5c000800)}, or the address alone. */
    private void address(long address, StringBuilder text) {
        String name = symbols.nameOf(address);
        if (name == null) {
            text.append(Hex.ticked(address));
        } else {
            text.append(name).append(" (").append(Hex.ticked(address)).append(')');
        }
    }

    private static long cut(long value, int sizeBytes) {
        return sizeBytes >= 8 ? value : value & ((1L << sizeBytes * 8) - 1);
    }

    /** Assembler hexadecimal: a digit below ten bare, otherwise upper case with h, and a zero before a leading letter. */
    private static String hex(long value) {
        if (value >= 0 && value < 10) {
            return Long.toString(value);
        }
        String digits = Long.toHexString(value).toUpperCase(Locale.ROOT);
        return (Character.isLetter(digits.charAt(0)) ? "0" : "") + digits + "h";
    }

    private static void pad(StringBuilder text, int start, int width) {
        do {
            text.append(' ');
        } while (text.length() - start < width);
    }
}
