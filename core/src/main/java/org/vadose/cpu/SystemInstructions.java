package org.vadose.cpu;

/** Executes instructions about the processor itself: identification, time, state in memory, hints, and what user mode may not do. */
final class SystemInstructions {
    private static final int FX_AREA_BYTES = 512;
    private static final int MXCSR_RESERVED = ~0xFFFF;

    private final CpuState state;
    private final long[] r;
    TimeStampCounter clock = instructions -> instructions;

    SystemInstructions(CpuState state) {
        this.state = state;
        this.r = state.r;
    }

    /** @param retired instructions executed before this one */
    void execute(Instruction i, long retired) {
        Operand first = i.operands[0];
        switch (i.mnemonic) {
            case NOP,
                    PAUSE,
                    ENDBR64,
                    ENDBR32,
                    PREFETCH,
                    PREFETCHW,
                    PREFETCHNTA,
                    PREFETCHT0,
                    PREFETCHT1,
                    PREFETCHT2,
                    MFENCE,
                    LFENCE,
                    SFENCE -> {}
            case CLFLUSH, CLFLUSHOPT -> state.load(state.address(i, first), 1);
            case CLD -> state.systemFlags &= ~CpuState.DIRECTION_FLAG;
            case STD -> state.systemFlags |= CpuState.DIRECTION_FLAG;
            case CPUID -> identify();
            case RDTSC, RDTSCP -> {
                long now = clock.read(retired);
                r[Registers.RAX] = now & 0xFFFF_FFFFL;
                r[Registers.RDX] = now >>> 32;
                if (i.mnemonic == Mnemonic.RDTSCP) {
                    r[Registers.RCX] = 0;
                }
            }
            case FXSAVE, FXSAVE64 -> {
                long address = area(i, first);
                state.memory.prepareWrite(address, FX_AREA_BYTES);
                X87Environment.saveExtended(
                        state.fpu, state.vectors, state.memory, address, i.mnemonic == Mnemonic.FXSAVE64);
            }
            case FXRSTOR, FXRSTOR64 -> {
                long address = area(i, first);
                // Reads the last byte first: a fault must find nothing restored.
                state.load(address + FX_AREA_BYTES - 1, 1);
                if (X87Environment.isBadExtended(state.memory, address)) {
                    throw ProcessorException.GENERAL_PROTECTION;
                }
                X87Environment.restoreExtended(
                        state.fpu, state.vectors, state.memory, address, i.mnemonic == Mnemonic.FXRSTOR64);
            }
            case LDMXCSR -> {
                int value = (int) state.read(i, first);
                if ((value & MXCSR_RESERVED) != 0) {
                    throw ProcessorException.GENERAL_PROTECTION;
                }
                state.vectors.setMxcsr(value);
            }
            case STMXCSR -> state.write(i, first, state.vectors.mxcsr());
            case VERR, VERW, LAR, LSL -> describeSelector(i);
            case XGETBV,
                    XSAVE,
                    XSAVE64,
                    XSAVEOPT,
                    XSAVEOPT64,
                    XRSTOR,
                    XRSTOR64,
                    RDFSBASE,
                    RDGSBASE,
                    WRFSBASE,
                    WRGSBASE,
                    RDRAND,
                    RDSEED,
                    MONITOR,
                    MWAIT,
                    CLAC,
                    STAC,
                    RSM -> throw ProcessorException.INVALID_OPCODE;
            case LSS, LFS, LGS -> throw ProcessorException.GENERAL_PROTECTION;
            default -> throw ProcessorException.PRIVILEGED;
        }
    }

    private long area(Instruction i, Operand operand) {
        long address = state.address(i, operand);
        if ((address & 15) != 0) {
            throw ProcessorException.GENERAL_PROTECTION;
        }
        return address;
    }

    private void identify() {
        int leaf = (int) r[Registers.RAX];
        int subleaf = (int) r[Registers.RCX];
        r[Registers.RAX] = Cpuid.register(leaf, subleaf, 0) & 0xFFFF_FFFFL;
        r[Registers.RBX] = Cpuid.register(leaf, subleaf, 1) & 0xFFFF_FFFFL;
        r[Registers.RCX] = Cpuid.register(leaf, subleaf, 2) & 0xFFFF_FFFFL;
        r[Registers.RDX] = Cpuid.register(leaf, subleaf, 3) & 0xFFFF_FFFFL;
    }

    /** The user selectors of Windows x64 as its descriptor table describes them; the limit of 53h carries the processor number. */
    private void describeSelector(Instruction i) {
        boolean reads = i.mnemonic == Mnemonic.LAR || i.mnemonic == Mnemonic.LSL;
        int selector = (int) state.read(i, i.operands[reads ? 1 : 0]) & 0xFFFC;
        boolean isCode = selector == (CpuState.CODE_SELECTOR & ~3);
        boolean isData = selector == (CpuState.DATA_SELECTOR & ~3);
        boolean isTeb = selector == (CpuState.COMPATIBILITY_TEB_SELECTOR & ~3);
        boolean known = isCode || isData || isTeb;
        boolean valid = known && (i.mnemonic != Mnemonic.VERW || !isCode);
        state.flags.setBits(Flags.ZF, valid ? Flags.ZF : 0);
        if (!valid) {
            return;
        }
        if (i.mnemonic == Mnemonic.LAR) {
            state.writeRegister(i.operands[0], isCode ? 0x20FB00 : isData ? 0xCFF300 : 0x40F300);
        } else if (i.mnemonic == Mnemonic.LSL) {
            state.writeRegister(i.operands[0], isTeb ? 0x3C00 : isCode ? 0 : 0xFFFF_FFFFL);
        }
    }
}
