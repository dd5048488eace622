package org.vadose.win32;

import org.vadose.layout.KexceptionFrameLayout;
import org.vadose.layout.KtrapFrameLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.Ethread;

/**
 * Where a thread's user registers are while it is in the kernel: {@code _KTRAP_FRAME} on its kernel stack, and below it the
 * {@code _KEXCEPTION_FRAME} for the registers that a trap frame has no room for.
 */
record TrapFrame(Ethread thread) {
    private static final short CODE = 0x33;
    private static final short STACK = 0x2B;
    private static final short TEB = 0x53;

    void save(GuestCpu cpu) {
        Memory memory = thread.memory();
        long frame = thread.trapFrame();
        if (frame == 0) {
            return;
        }
        memory.writeLong(frame + KtrapFrameLayout.RAX, cpu.register(GuestCpu.RAX));
        memory.writeLong(frame + KtrapFrameLayout.RCX, cpu.register(GuestCpu.RCX));
        memory.writeLong(frame + KtrapFrameLayout.RDX, cpu.register(GuestCpu.RDX));
        memory.writeLong(frame + KtrapFrameLayout.R8, cpu.register(GuestCpu.R8));
        memory.writeLong(frame + KtrapFrameLayout.R9, cpu.register(GuestCpu.R9));
        memory.writeLong(frame + KtrapFrameLayout.R10, cpu.register(GuestCpu.R10));
        memory.writeLong(frame + KtrapFrameLayout.R11, cpu.register(GuestCpu.R11));
        memory.writeLong(frame + KtrapFrameLayout.RBX, cpu.register(GuestCpu.RBX));
        memory.writeLong(frame + KtrapFrameLayout.RDI, cpu.register(GuestCpu.RDI));
        memory.writeLong(frame + KtrapFrameLayout.RSI, cpu.register(GuestCpu.RSI));
        memory.writeLong(frame + KtrapFrameLayout.RBP, cpu.register(GuestCpu.RBP));
        memory.writeLong(frame + KtrapFrameLayout.RIP, cpu.rip());
        memory.writeLong(frame + KtrapFrameLayout.RSP, cpu.register(GuestCpu.RSP));
        memory.writeInt(frame + KtrapFrameLayout.E_FLAGS, (int) cpu.flags());
        memory.writeInt(frame + KtrapFrameLayout.MX_CSR, cpu.mxcsr());
        memory.writeShort(frame + KtrapFrameLayout.SEG_CS, CODE);
        memory.writeShort(frame + KtrapFrameLayout.SEG_SS, STACK);
        memory.writeShort(frame + KtrapFrameLayout.SEG_DS, STACK);
        memory.writeShort(frame + KtrapFrameLayout.SEG_ES, STACK);
        memory.writeShort(frame + KtrapFrameLayout.SEG_FS, TEB);
        memory.writeShort(frame + KtrapFrameLayout.SEG_GS, STACK);
        long exception = frame - KexceptionFrameLayout.SIZE;
        memory.writeLong(exception + KexceptionFrameLayout.R12, cpu.register(GuestCpu.R12));
        memory.writeLong(exception + KexceptionFrameLayout.R13, cpu.register(GuestCpu.R13));
        memory.writeLong(exception + KexceptionFrameLayout.R14, cpu.register(GuestCpu.R14));
        memory.writeLong(exception + KexceptionFrameLayout.R15, cpu.register(GuestCpu.R15));
    }
}
