package org.vadose.target;

import org.vadose.layout.KprcbLayout;
import org.vadose.layout.KprocessorStateLayout;
import org.vadose.layout.KspecialRegistersLayout;
import org.vadose.memory.Memory;

/** Registers as Windows saves them when it freezes a processor: {@code _KPRCB.ProcessorState}. */
public record SavedProcessor(Memory memory, long prcb) implements RegisterFile {
    /** Where the {@code _CONTEXT} stands. */
    public ContextRegisters context() {
        return new ContextRegisters(memory, prcb + KprcbLayout.PROCESSOR_STATE + KprocessorStateLayout.CONTEXT_FRAME);
    }

    private long special(long offset) {
        return prcb + KprcbLayout.PROCESSOR_STATE + KprocessorStateLayout.SPECIAL_REGISTERS + offset;
    }

    private long specialOffset(Register register) {
        return switch (register) {
            case CR2 -> special(KspecialRegistersLayout.CR2);
            case CR3 -> special(KspecialRegistersLayout.CR3);
            case GSBASE -> special(KspecialRegistersLayout.MSR_GS_BASE);
            default -> 0;
        };
    }

    @Override
    public long get(Register register) {
        long at = specialOffset(register);
        return at == 0 ? context().get(register) : memory.readLong(at);
    }

    @Override
    public void set(Register register, long value) {
        long at = specialOffset(register);
        if (at == 0) {
            context().set(register, value);
        } else {
            memory.writeLong(at, value);
        }
    }

    /** Copies every register of another source. */
    public void save(RegisterFile from) {
        for (Register register : Register.values()) {
            set(register, from.get(register));
        }
    }
}
