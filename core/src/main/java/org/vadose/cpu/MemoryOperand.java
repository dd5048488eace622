package org.vadose.cpu;

/** A memory operand in the form micro-operations have it; reused. */
final class MemoryOperand {
    int base;
    int index;
    /** Binary logarithm of the factor of the index. */
    int scale;

    long displacement;

    /** Takes over an operand, with operations emitted first for what one address cannot express: segments, 32-bit addresses. */
    void of(Instruction instruction, Operand operand, BlockBuilder builder) {
        base = operand.base < 0 ? CpuState.ZERO : operand.base;
        index = operand.index < 0 ? CpuState.ZERO : operand.index;
        scale = Integer.numberOfTrailingZeros(operand.scale);
        displacement = operand.value;
        if (instruction.addressSize == 4) {
            builder.emitMemory(MicroOp.ADDRESS32, CpuState.ADDRESS, 0, 0, this);
            only(CpuState.ADDRESS);
        }
        boolean segmented = operand.segment == Registers.FS || operand.segment == Registers.GS;
        if (!segmented) {
            return;
        }
        int segment = operand.segment == Registers.FS ? CpuState.FS_BASE : CpuState.GS_BASE;
        if (base == CpuState.ZERO) {
            base = segment;
            return;
        }
        if (index != CpuState.ZERO) {
            builder.emitMemory(MicroOp.ADDRESS64, CpuState.ADDRESS, 0, 0, this);
            only(CpuState.ADDRESS);
        }
        index = segment;
        scale = 0;
    }

    private void only(int register) {
        base = register;
        index = CpuState.ZERO;
        scale = 0;
        displacement = 0;
    }
}
