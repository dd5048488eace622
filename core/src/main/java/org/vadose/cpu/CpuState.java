package org.vadose.cpu;

import org.vadose.memory.Mmu;
import org.vadose.memory.VirtualMemory;

/** The registers of one thread of execution, in the form the interpreter works on, and the memory it reaches. */
final class CpuState {
    /*
     * The register array: rax..r15, then registers that only micro-operations name. Thirty-two, so that five bits always index it.
     */
    /** Always 0: an absent base or index. */
    static final int ZERO = 16;

    static final int FS_BASE = 17;
    static final int GS_BASE = 18;
    /** Holds a computed address within one instruction. */
    static final int ADDRESS = 19;
    /** Holds a memory operand within one instruction. */
    static final int TEMPORARY = 20;

    private static final int REGISTERS = 32;

    static final int TRAP_FLAG = 0x100;
    static final int INTERRUPT_FLAG = 0x200;
    static final int DIRECTION_FLAG = 0x400;
    static final int NESTED_TASK = 0x4000;
    static final int RESUME_FLAG = 0x1_0000;
    static final int ALIGNMENT_CHECK = 0x4_0000;
    static final int IDENTIFICATION = 0x20_0000;
    /** What popf changes in user mode besides the arithmetic flags. */
    static final int USER_SETTABLE = TRAP_FLAG | DIRECTION_FLAG | NESTED_TASK | ALIGNMENT_CHECK | IDENTIFICATION;

    private static final int ALWAYS_ONE = 2;

    static final int CODE_SELECTOR = 0x33;
    static final int DATA_SELECTOR = 0x2B;
    static final int COMPATIBILITY_TEB_SELECTOR = 0x53;

    final long[] r = new long[REGISTERS];
    final Flags flags = new Flags();
    final VectorUnit vectors = new VectorUnit();
    final X87 fpu = new X87();
    /** es, cs, ss, ds, fs, gs. */
    final int[] selectors = {
        DATA_SELECTOR, CODE_SELECTOR, DATA_SELECTOR, DATA_SELECTOR, COMPATIBILITY_TEB_SELECTOR, DATA_SELECTOR
    };

    /** The processor's that executes it; {@link #memory} is what user code sees through it. */
    Mmu mmu;

    VirtualMemory memory;
    long rip;
    /** RFLAGS without the arithmetic flags. */
    int systemFlags = INTERRUPT_FLAG | ALWAYS_ONE;

    /** Set by other threads; looked at between blocks and inside long instructions. */
    volatile boolean stopRequested;

    CpuState(Mmu mmu) {
        this.mmu = mmu;
        this.memory = mmu.user();
    }

    void moveTo(Mmu other) {
        mmu = other;
        memory = other.user();
    }

    long rflags() {
        return systemFlags | flags.bits();
    }

    /** Everything a debugger or SetThreadContext may set; what is fixed stays. */
    void setRflags(long value) {
        int settable = USER_SETTABLE | RESUME_FLAG;
        systemFlags = (int) value & settable | INTERRUPT_FLAG | ALWAYS_ONE;
        flags.setBits((int) value);
    }

    boolean steps() {
        return (systemFlags & TRAP_FLAG) != 0;
    }

    /** Linear address of a memory operand. */
    long address(Instruction instruction, Operand operand) {
        long offset = operand.value;
        if (operand.base >= 0) {
            offset += r[operand.base];
        }
        if (operand.index >= 0) {
            offset += r[operand.index] * operand.scale;
        }
        if (instruction.addressSize == 4) {
            offset &= 0xFFFF_FFFFL;
        }
        return offset + segmentBase(operand.segment);
    }

    long segmentBase(int segment) {
        return segment == Registers.GS ? r[GS_BASE] : segment == Registers.FS ? r[FS_BASE] : 0;
    }

    long load(long address, int size) {
        return switch (size) {
            case 1 -> memory.readByte(address) & 0xFFL;
            case 2 -> memory.readShort(address) & 0xFFFFL;
            case 4 -> memory.readInt(address) & 0xFFFF_FFFFL;
            default -> memory.readLong(address);
        };
    }

    void store(long address, int size, long value) {
        switch (size) {
            case 1 -> memory.writeByte(address, (byte) value);
            case 2 -> memory.writeShort(address, (short) value);
            case 4 -> memory.writeInt(address, (int) value);
            default -> memory.writeLong(address, value);
        }
    }

    void store128(long address, long low, long high) {
        memory.prepareWrite(address, 16);
        memory.writeLong(address, low);
        memory.writeLong(address + 8, high);
    }

    /** Reads what will be written back: faults as the write would, so that the store that follows cannot. */
    long loadToWrite(long address, int size) {
        memory.prepareWrite(address, size);
        return load(address, size);
    }

    /** For LOCK forms: another thread may have changed the operand since it was read. */
    boolean compareAndSet(long address, int size, long expected, long value) {
        switch (size) {
            case 8 -> {
                return memory.compareAndSetLong(address, expected, value);
            }
            case 4 -> {
                return memory.compareAndSetInt(address, (int) expected, (int) value);
            }
            default -> {
                return compareAndSetNarrow(address, size, expected, value);
            }
        }
    }

    private boolean compareAndSetNarrow(long address, int size, long expected, long value) {
        int shift = (int) (address & 3) * 8;
        if (shift + size * 8 > 32) {
            synchronized (mmu.ram()) {
                if (load(address, size) != expected) {
                    return false;
                }
                store(address, size, value);
                return true;
            }
        }
        int mask = (size == 1 ? 0xFF : 0xFFFF) << shift;
        long aligned = address & -4L;
        while (true) {
            int around = memory.readInt(aligned);
            if ((around & mask) >>> shift != expected) {
                return false;
            }
            if (memory.compareAndSetInt(aligned, around, around & ~mask | (int) value << shift & mask)) {
                return true;
            }
        }
    }

    /**
     * Loads a segment register as user mode of Windows x64 may: null or a user data selector. The base of fs and gs comes from the
     * descriptor, where it is 0.
     */
    void loadSelector(int segment, int selector) {
        boolean isNull = (selector & ~3) == 0;
        boolean isData = selector == DATA_SELECTOR || selector == COMPATIBILITY_TEB_SELECTOR;
        if (!isData && !(isNull && segment != Registers.SS)) {
            throw ProcessorException.GENERAL_PROTECTION;
        }
        selectors[segment] = selector;
        if (segment == Registers.FS) {
            r[FS_BASE] = 0;
        } else if (segment == Registers.GS) {
            r[GS_BASE] = 0;
        }
    }

    /** A register or memory operand, zero-extended. */
    long read(Instruction instruction, Operand operand) {
        return switch (operand.kind) {
            case REGISTER -> readRegister(operand);
            case MEMORY -> load(address(instruction, operand), operand.size);
            default -> operand.value;
        };
    }

    long readRegister(Operand operand) {
        return switch (operand.registerClass) {
            case HIGH_BYTE -> r[operand.register] >>> 8 & 0xFF;
            case SEGMENT -> selectors[operand.register];
            default -> {
                long value = r[operand.register];
                yield switch (operand.size) {
                    case 1 -> value & 0xFF;
                    case 2 -> value & 0xFFFF;
                    case 4 -> value & 0xFFFF_FFFFL;
                    default -> value;
                };
            }
        };
    }

    void write(Instruction instruction, Operand operand, long value) {
        if (operand.kind == Operand.Kind.MEMORY) {
            store(address(instruction, operand), operand.size, value);
        } else {
            writeRegister(operand, value);
        }
    }

    void writeRegister(Operand operand, long value) {
        int n = operand.register;
        if (operand.registerClass == RegisterClass.HIGH_BYTE) {
            r[n] = r[n] & ~0xFF00L | (value & 0xFF) << 8;
            return;
        }
        setPart(n, operand.size, value);
    }

    /** Writes the low part of a general register as the processor does: 32 bits clear the rest, 8 and 16 leave it. */
    void setPart(int n, int size, long value) {
        switch (size) {
            case 1 -> r[n] = r[n] & ~0xFFL | value & 0xFF;
            case 2 -> r[n] = r[n] & ~0xFFFFL | value & 0xFFFF;
            case 4 -> r[n] = value & 0xFFFF_FFFFL;
            default -> r[n] = value;
        }
    }
}
