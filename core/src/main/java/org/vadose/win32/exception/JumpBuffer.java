package org.vadose.win32.exception;

import org.vadose.memory.Memory;
import org.vadose.nt.ContextRecord;
import org.vadose.win32.GuestCpu;

/** What {@code setjmp} keeps: {@code _JUMP_BUFFER} of the x64 {@code setjmp.h}. */
record JumpBuffer(Memory memory, long address) {
    private static final int FRAME = 0;
    private static final int RSP = 0x10;
    private static final int RIP = 0x50;
    private static final int MXCSR = 0x58;
    private static final int FPCSR = 0x5C;
    private static final int XMM6 = 0x60;
    private static final int DEFAULT_X87_CONTROL = 0x27F;
    /** The general registers kept, by hardware number, with their places. */
    private static final int[][] REGISTERS = {
        {GuestCpu.RBX, 0x08}, {GuestCpu.RBP, 0x18}, {GuestCpu.RSI, 0x20}, {GuestCpu.RDI, 0x28},
        {GuestCpu.R12, 0x30}, {GuestCpu.R13, 0x38}, {GuestCpu.R14, 0x40}, {GuestCpu.R15, 0x48}
    };

    long frame() {
        return memory.readLong(address + FRAME);
    }

    long rip() {
        return memory.readLong(address + RIP);
    }

    /** Keeps the state as it is when the function called returns. */
    void save(GuestCpu cpu, long frame, long returnAddress, long stackPointerAfterReturn) {
        memory.writeLong(address + FRAME, frame);
        for (int[] register : REGISTERS) {
            memory.writeLong(address + register[1], cpu.register(register[0]));
        }
        memory.writeLong(address + RSP, stackPointerAfterReturn);
        memory.writeLong(address + RIP, returnAddress);
        memory.writeInt(address + MXCSR, cpu.mxcsr());
        memory.writeInt(address + FPCSR, DEFAULT_X87_CONTROL);
        for (int i = 6; i < 16; i++) {
            memory.writeLong(address + XMM6 + 16L * (i - 6), cpu.xmmLow(i));
            memory.writeLong(address + XMM6 + 16L * (i - 6) + 8, cpu.xmmHigh(i));
        }
    }

    /** Puts what was kept into a context. */
    void restore(ContextRecord context) {
        for (int[] register : REGISTERS) {
            context.setRegister(register[0], memory.readLong(address + register[1]));
        }
        context.setRsp(memory.readLong(address + RSP));
        context.setRip(rip());
        for (int i = 6; i < 16; i++) {
            memory.writeLong(context.xmm(i), memory.readLong(address + XMM6 + 16L * (i - 6)));
            memory.writeLong(context.xmm(i) + 8, memory.readLong(address + XMM6 + 16L * (i - 6) + 8));
        }
    }
}
