package org.vadose.win32.exception;

import org.vadose.layout.ContextLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.ContextRecord;
import org.vadose.win32.GuestCpu;

/** Moves registers between a processor and a {@code _CONTEXT} in guest memory. */
public final class ContextTransfer {
    private static final short USER_CODE = 0x33;
    private static final short USER_DATA = 0x2B;
    private static final short USER_TEB = 0x53;
    /** Carry, parity, adjust, zero, sign, trap, direction, overflow, alignment check, identification. */
    private static final long USER_FLAGS = 0x24_0DD5;

    private static final long ALWAYS_SET = 0x202;

    private ContextTransfer() {}

    /** Writes all registers, and {@code CONTEXT_ALL} as what the record holds. */
    public static void save(GuestCpu cpu, ContextRecord context) {
        Memory memory = context.memory();
        memory.fill(context.address(), ContextLayout.SIZE, (byte) 0);
        context.setContextFlags(ContextRecord.ALL);
        for (int i = 0; i < 16; i++) {
            context.setRegister(i, cpu.register(i));
        }
        context.setRip(cpu.rip());
        context.setEflags((int) cpu.flags());
        long base = context.address();
        memory.writeShort(base + ContextLayout.SEG_CS, USER_CODE);
        memory.writeShort(base + ContextLayout.SEG_DS, USER_DATA);
        memory.writeShort(base + ContextLayout.SEG_ES, USER_DATA);
        memory.writeShort(base + ContextLayout.SEG_SS, USER_DATA);
        memory.writeShort(base + ContextLayout.SEG_FS, USER_TEB);
        memory.writeShort(base + ContextLayout.SEG_GS, USER_DATA);
        cpu.saveExtended(memory, context.floatingSave());
        memory.writeInt(base + ContextLayout.MX_CSR, cpu.mxcsr());
    }

    /** Loads the parts that the record says it holds. */
    public static void load(GuestCpu cpu, ContextRecord context) {
        Memory memory = context.memory();
        int flags = context.contextFlags();
        if ((flags & ContextRecord.INTEGER) == ContextRecord.INTEGER) {
            for (int i = 0; i < 16; i++) {
                if (i != GuestCpu.RSP) {
                    cpu.setRegister(i, context.register(i));
                }
            }
        }
        if ((flags & ContextRecord.CONTROL) == ContextRecord.CONTROL) {
            cpu.setRegister(GuestCpu.RSP, context.rsp());
            cpu.setRip(context.rip());
            cpu.setFlags(context.eflags() & USER_FLAGS | ALWAYS_SET);
        }
        if ((flags & ContextRecord.FLOATING_POINT) == ContextRecord.FLOATING_POINT) {
            cpu.restoreExtended(memory, context.floatingSave());
            cpu.setMxcsr(memory.readInt(context.address() + ContextLayout.MX_CSR) & 0xFFFF);
        }
    }
}
