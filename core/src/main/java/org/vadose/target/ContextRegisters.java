package org.vadose.target;

import org.vadose.layout.ContextLayout;
import org.vadose.memory.Memory;

/** Registers as a {@code _CONTEXT} record holds them, in a crash dump's header or a processor's saved state. */
public record ContextRegisters(Memory memory, long address) implements RegisterFile {
    @Override
    public long get(Register register) {
        long offset = offsetOf(register);
        if (offset < 0) {
            return 0;
        }
        return switch (register.bits()) {
            case 16 -> memory.readUnsignedShort(address + offset);
            case 32 -> memory.readUnsignedInt(address + offset);
            default -> memory.readLong(address + offset);
        };
    }

    /** Where a {@code _CONTEXT} has this register; -1 if it does not. */
    public static long offsetOf(Register register) {
        return switch (register) {
            case RAX -> ContextLayout.RAX;
            case RBX -> ContextLayout.RBX;
            case RCX -> ContextLayout.RCX;
            case RDX -> ContextLayout.RDX;
            case RSI -> ContextLayout.RSI;
            case RDI -> ContextLayout.RDI;
            case RIP -> ContextLayout.RIP;
            case RSP -> ContextLayout.RSP;
            case RBP -> ContextLayout.RBP;
            case R8 -> ContextLayout.R8;
            case R9 -> ContextLayout.R9;
            case R10 -> ContextLayout.R10;
            case R11 -> ContextLayout.R11;
            case R12 -> ContextLayout.R12;
            case R13 -> ContextLayout.R13;
            case R14 -> ContextLayout.R14;
            case R15 -> ContextLayout.R15;
            case CS -> ContextLayout.SEG_CS;
            case SS -> ContextLayout.SEG_SS;
            case DS -> ContextLayout.SEG_DS;
            case ES -> ContextLayout.SEG_ES;
            case FS -> ContextLayout.SEG_FS;
            case GS -> ContextLayout.SEG_GS;
            case EFL -> ContextLayout.E_FLAGS;
            case CR2, CR3, GSBASE -> -1;
        };
    }

    @Override
    public void set(Register register, long value) {
        long offset = offsetOf(register);
        if (offset < 0) {
            throw new UnsupportedOperationException(register.text() + " cannot be changed here");
        }
        switch (register.bits()) {
            case 16 -> memory.writeShort(address + offset, (short) value);
            case 32 -> memory.writeInt(address + offset, (int) value);
            default -> memory.writeLong(address + offset, value);
        }
    }
}
