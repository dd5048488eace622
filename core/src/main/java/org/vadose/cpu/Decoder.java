package org.vadose.cpu;

import org.jspecify.annotations.Nullable;
import org.vadose.cpu.Instruction.Defect;
import org.vadose.cpu.OpcodeNode.Form;
import org.vadose.cpu.OpcodeNode.Selector;
import org.vadose.cpu.OpcodeNode.Size;
import org.vadose.cpu.OpcodeNode.Split;
import org.vadose.cpu.Operand.Kind;
import org.vadose.memory.Memory;

/**
 * Decodes x86-64 long-mode instructions. Table-driven: an opcode map entry ({@link OpcodeNode}) is a form with operand codes or a
 * choice by prefix, ModRM bits or size. Follows Intel where the makers differ (66h does not shorten near branches).
 *
 * <p>A decoder is reusable and belongs to one thread; it allocates nothing.
 *
 * <p>What it refuses as a processor does: undefined opcodes, LOCK on anything but a lockable instruction with a memory
 * destination, more than fifteen bytes. AVX (VEX, EVEX) is undefined here, as CPUID of this processor says.
 */
public final class Decoder {
    /** Where instruction bytes come from when they are not in an array. */
    @FunctionalInterface
    public interface Source {
        /** The byte at an address, 0..255. Throws what its memory throws; the decoder lets it pass. */
        int byteAt(long address);
    }

    private static final byte[] NO_BYTES = {};

    private Instruction out = new Instruction();
    private byte[] array = NO_BYTES;
    private int arrayPosition;
    private int arrayLimit;
    private @Nullable Source source;

    private boolean operandPrefix;
    private int repPrefix;
    private boolean rexW;
    private int modRm;
    private boolean hasModRm;
    /** The displacement of a rip-relative operand counts from the end of the instruction, known only there. */
    private @Nullable Operand ripOperand;

    /** Thrown and caught inside: the instruction ended in a {@link Defect}. */
    private static final class Undecodable extends RuntimeException {
        private static final long serialVersionUID = 1;

        final Defect defect;

        Undecodable(Defect defect) {
            super(null, null, false, false);
            this.defect = defect;
        }
    }

    private static final Undecodable UNDEFINED = new Undecodable(Defect.UNDEFINED);
    private static final Undecodable TOO_LONG = new Undecodable(Defect.TOO_LONG);
    private static final Undecodable TRUNCATED = new Undecodable(Defect.TRUNCATED);

    /**
     * Decodes the instruction in {@code bytes[offset, limit)} that runs at {@code address}.
     *
     * @return whether it is a valid instruction; if not, {@code into} says why and how many bytes were looked at
     */
    public boolean decode(byte[] bytes, int offset, int limit, long address, Instruction into) {
        array = bytes;
        arrayPosition = offset;
        arrayLimit = limit;
        source = null;
        return decode(address, into);
    }

    /** Decodes at {@code address} of a memory, reading no byte past the instruction. */
    public boolean decode(Memory memory, long address, Instruction into) {
        return decode(memory::readUnsignedByte, address, into);
    }

    /** Decodes bytes of a source, asking for none past the instruction. */
    public boolean decode(Source bytes, long address, Instruction into) {
        array = NO_BYTES;
        arrayPosition = 0;
        arrayLimit = 0;
        source = bytes;
        return decode(address, into);
    }

    private boolean decode(long address, Instruction into) {
        out = into;
        into.clear(address);
        operandPrefix = false;
        repPrefix = 0;
        rexW = false;
        hasModRm = false;
        ripOperand = null;
        try {
            decodeInstruction();
            return true;
        } catch (Undecodable e) {
            into.defect = e.defect;
            into.mnemonic = Mnemonic.INVALID;
            into.condition = Condition.ALWAYS;
            into.operandCount = 0;
            return false;
        }
    }

    private void decodeInstruction() {
        int opcode = prefixes();
        OpcodeNode node = lookUp(opcode);
        while (node instanceof Split split) {
            node = split.ways()[choose(split.selector())];
        }
        if (!(node instanceof Form form)) {
            // The bytes of ModRM belong to an undefined instruction that has them, but nobody can tell which do.
            throw UNDEFINED;
        }
        out.mnemonic = form.mnemonic();
        if (out.mnemonic == Mnemonic.JCC || out.mnemonic == Mnemonic.SETCC || out.mnemonic == Mnemonic.CMOVCC) {
            out.condition = Condition.ofOpcode(out.opcode);
        }
        out.operandSize = operandSize(form.size());
        OperandForm[] operands = form.operands();
        for (int i = 0; i < operands.length; i++) {
            decodeOperand(operands[i], out.operands[i]);
        }
        out.operandCount = operands.length;
        if (ripOperand != null) {
            ripOperand.value += out.address + out.length;
            if (out.addressSize == 4) {
                ripOperand.value &= 0xFFFF_FFFFL;
            }
        }
        for (int i = 0; i < operands.length; i++) {
            if (out.operands[i].kind == Kind.TARGET) {
                out.operands[i].value += out.address + out.length;
            }
        }
        if (out.lock && !lockable()) {
            throw UNDEFINED;
        }
    }

    /** Consumes prefixes, leaves their effect in fields, and returns the first byte that is none. */
    private int prefixes() {
        while (true) {
            int b = next();
            switch (b) {
                case 0x26, 0x2E, 0x36, 0x3E -> out.rex = 0;
                case 0x64 -> {
                    out.segment = Registers.FS;
                    out.rex = 0;
                }
                case 0x65 -> {
                    out.segment = Registers.GS;
                    out.rex = 0;
                }
                case 0x66 -> {
                    operandPrefix = true;
                    out.rex = 0;
                }
                case 0x67 -> {
                    out.addressSize = 4;
                    out.rex = 0;
                }
                case 0xF0 -> {
                    out.lock = true;
                    out.rex = 0;
                }
                case 0xF2, 0xF3 -> {
                    repPrefix = b;
                    out.rep = b == 0xF3;
                    out.repne = b == 0xF2;
                    out.rex = 0;
                }
                default -> {
                    if ((b & 0xF0) != 0x40) {
                        rexW = (out.rex & 8) != 0;
                        return b;
                    }
                    out.rex = b;
                }
            }
        }
    }

    private @Nullable OpcodeNode lookUp(int first) {
        if (first != 0x0F) {
            out.opcode = first;
            return OneByteMap.MAP[first];
        }
        int second = next();
        if (second == 0x38) {
            int third = next();
            out.opcode = 0x0F3800 | third;
            return VectorMap.MAP_38[third];
        }
        if (second == 0x3A) {
            int third = next();
            out.opcode = 0x0F3A00 | third;
            return VectorMap.MAP_3A[third];
        }
        out.opcode = 0x0F00 | second;
        return TwoByteMap.MAP[second];
    }

    private int choose(Selector selector) {
        return switch (selector) {
            case REG -> (modRm() >> 3) & 7;
            case MOD -> modRm() >= 0xC0 ? 1 : 0;
            case RM -> modRm() & 7;
            case PREFIX -> mandatoryPrefix();
            case OPERAND_SIZE -> rexW ? 2 : operandPrefix ? 0 : 1;
            case ADDRESS_SIZE -> out.addressSize == 4 ? 0 : 1;
            case REX_B -> out.rex & 1;
        };
    }

    private int mandatoryPrefix() {
        if (repPrefix != 0) {
            out.rep = false;
            out.repne = false;
            return repPrefix == 0xF3 ? 2 : 3;
        }
        return operandPrefix ? 1 : 0;
    }

    private int operandSize(Size size) {
        return switch (size) {
            case NORMAL -> rexW ? 8 : operandPrefix ? 2 : 4;
            case STACK -> !rexW && operandPrefix ? 2 : 8;
            case QUAD -> 8;
        };
    }

    private void decodeOperand(OperandForm form, Operand operand) {
        operand.clear();
        int width = OperandForm.widthBytes(form.width, out.operandSize, rexW);
        switch (form.place) {
            case REG -> register(operand, form.registerClass, (modRm() >> 3) & 7, out.rex >> 2, width);
            case OPCODE -> register(operand, form.registerClass, out.opcode & 7, out.rex, width);
            case RM -> {
                if (modRm() >= 0xC0) {
                    register(operand, form.registerClass, modRm() & 7, out.rex, width);
                } else {
                    memory(operand, OperandForm.widthBytes(form.second, out.operandSize, rexW));
                }
            }
            case RM_REGISTER -> {
                if (modRm() < 0xC0 && form.registerClass != RegisterClass.GENERAL) {
                    throw UNDEFINED;
                }
                register(operand, form.registerClass, modRm() & 7, out.rex, width);
            }
            case RM_MEMORY -> {
                if (modRm() >= 0xC0) {
                    throw UNDEFINED;
                }
                memory(operand, width);
            }
            case FIXED -> {
                operand.kind = Kind.REGISTER;
                operand.registerClass = form.registerClass;
                operand.register = form.second;
                operand.size = width;
            }
            case ONE -> {
                operand.kind = Kind.IMMEDIATE;
                operand.size = 1;
                operand.value = 1;
            }
            case SIGNED -> {
                operand.kind = Kind.IMMEDIATE;
                operand.size = OperandForm.widthBytes(form.second, out.operandSize, rexW);
                operand.value = nextSigned(width);
            }
            case UNSIGNED -> {
                operand.kind = Kind.IMMEDIATE;
                operand.size = width;
                operand.value = width == 1 ? next() : next() | next() << 8;
            }
            case RELATIVE -> {
                operand.kind = Kind.TARGET;
                operand.size = 8;
                operand.value = nextSigned(width);
            }
            case ABSOLUTE -> {
                operand.kind = Kind.MEMORY;
                operand.size = width;
                operand.segment = out.segment;
                operand.value = out.addressSize == 8 ? nextSigned(8) : nextSigned(4) & 0xFFFF_FFFFL;
            }
            case IMPLICIT_MEMORY -> {
                operand.kind = Kind.MEMORY;
                operand.size = width;
                operand.base = form.second;
                operand.segment = form.second == Registers.RDI ? Registers.ES : out.segment;
            }
            case TRANSLATE -> {
                operand.kind = Kind.MEMORY;
                operand.size = 1;
                operand.base = Registers.RBX;
                operand.segment = out.segment;
            }
        }
    }

    private void register(Operand operand, RegisterClass registerClass, int low, int rexBit, int width) {
        operand.kind = Kind.REGISTER;
        operand.registerClass = registerClass;
        operand.size = width;
        int extended = low | (rexBit & 1) << 3;
        switch (registerClass) {
            case GENERAL -> {
                if (width == 1 && low >= 4 && out.rex == 0) {
                    operand.registerClass = RegisterClass.HIGH_BYTE;
                    operand.register = low - 4;
                } else {
                    operand.register = extended;
                }
            }
            case SEGMENT -> {
                boolean loadsCs = low == Registers.CS && out.opcode == 0x8E;
                if (low > Registers.GS || loadsCs) {
                    throw UNDEFINED;
                }
                operand.register = low;
            }
            case MMX, X87 -> operand.register = low;
            case CONTROL -> {
                boolean exists = extended == 0 || extended == 2 || extended == 3 || extended == 4 || extended == 8;
                if (!exists) {
                    throw UNDEFINED;
                }
                operand.register = extended;
            }
            case DEBUG -> {
                if (extended > 7) {
                    throw UNDEFINED;
                }
                operand.register = extended;
            }
            case HIGH_BYTE, XMM -> operand.register = extended;
        }
    }

    private void memory(Operand operand, int width) {
        operand.kind = Kind.MEMORY;
        operand.size = width;
        operand.segment = out.segment;
        int mod = modRm() >> 6;
        int rm = modRm() & 7;
        int rexB = (out.rex & 1) << 3;
        if (rm == 4) {
            int sib = next();
            int index = (sib >> 3) & 7 | (out.rex & 2) << 2;
            if (index != Registers.RSP) {
                operand.index = index;
                operand.scale = 1 << (sib >> 6);
            }
            if ((sib & 7) == Registers.RBP && mod == 0) {
                operand.value = nextSigned(4);
                return;
            }
            operand.base = sib & 7 | rexB;
        } else if (rm == 5 && mod == 0) {
            operand.value = nextSigned(4);
            operand.ripRelative = true;
            ripOperand = operand;
            return;
        } else {
            operand.base = rm | rexB;
        }
        if (mod != 0) {
            operand.value = nextSigned(mod == 1 ? 1 : 4);
        }
    }

    private boolean lockable() {
        if (out.operandCount == 0 || out.operands[0].kind != Kind.MEMORY) {
            return false;
        }
        return switch (out.mnemonic) {
            case ADD,
                    ADC,
                    AND,
                    BTC,
                    BTR,
                    BTS,
                    CMPXCHG,
                    CMPXCHG8B,
                    CMPXCHG16B,
                    DEC,
                    INC,
                    NEG,
                    NOT,
                    OR,
                    SBB,
                    SUB,
                    XADD,
                    XCHG,
                    XOR -> true;
            default -> false;
        };
    }

    private int modRm() {
        if (!hasModRm) {
            modRm = next();
            hasModRm = true;
        }
        return modRm;
    }

    private long nextSigned(int width) {
        return switch (width) {
            case 1 -> (byte) next();
            case 2 -> (short) (next() | next() << 8);
            case 4 -> nextInt();
            default -> {
                long low = nextInt() & 0xFFFF_FFFFL;
                yield low | (long) nextInt() << 32;
            }
        };
    }

    private int nextInt() {
        return next() | next() << 8 | next() << 16 | next() << 24;
    }

    private int next() {
        int length = out.length;
        if (length == Instruction.MAXIMUM_LENGTH) {
            throw TOO_LONG;
        }
        int b;
        if (source != null) {
            b = source.byteAt(out.address + length);
        } else if (arrayPosition < arrayLimit) {
            b = array[arrayPosition++] & 0xFF;
        } else {
            throw TRUNCATED;
        }
        out.bytes[length] = (byte) b;
        out.length = length + 1;
        return b;
    }
}
