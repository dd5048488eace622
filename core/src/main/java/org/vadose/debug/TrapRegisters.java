package org.vadose.debug;

import org.vadose.layout.KexceptionFrameLayout;
import org.vadose.layout.KtrapFrameLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.Ethread;
import org.vadose.target.Register;
import org.vadose.target.RegisterFile;

/**
 * The user registers of a thread that is in the kernel: its {@code _KTRAP_FRAME}, and the {@code _KEXCEPTION_FRAME} below it for those
 * that a trap frame has no room for.
 */
record TrapRegisters(Memory memory, long frame) implements RegisterFile {
    /** @throws CommandException if the thread has never been in user mode */
    static RegisterFile of(Ethread thread) {
        if (thread.trapFrame() == 0) {
            throw new CommandException("The thread has no user-mode registers.");
        }
        return new TrapRegisters(thread.memory(), thread.trapFrame());
    }

    private long exception(long offset) {
        return memory.readLong(frame - KexceptionFrameLayout.SIZE + offset);
    }

    private long word(long offset) {
        return memory.readUnsignedShort(frame + offset);
    }

    @Override
    public long get(Register register) {
        return switch (register) {
            case RAX -> memory.readLong(frame + KtrapFrameLayout.RAX);
            case RBX -> memory.readLong(frame + KtrapFrameLayout.RBX);
            case RCX -> memory.readLong(frame + KtrapFrameLayout.RCX);
            case RDX -> memory.readLong(frame + KtrapFrameLayout.RDX);
            case RSI -> memory.readLong(frame + KtrapFrameLayout.RSI);
            case RDI -> memory.readLong(frame + KtrapFrameLayout.RDI);
            case RIP -> memory.readLong(frame + KtrapFrameLayout.RIP);
            case RSP -> memory.readLong(frame + KtrapFrameLayout.RSP);
            case RBP -> memory.readLong(frame + KtrapFrameLayout.RBP);
            case R8 -> memory.readLong(frame + KtrapFrameLayout.R8);
            case R9 -> memory.readLong(frame + KtrapFrameLayout.R9);
            case R10 -> memory.readLong(frame + KtrapFrameLayout.R10);
            case R11 -> memory.readLong(frame + KtrapFrameLayout.R11);
            case R12 -> exception(KexceptionFrameLayout.R12);
            case R13 -> exception(KexceptionFrameLayout.R13);
            case R14 -> exception(KexceptionFrameLayout.R14);
            case R15 -> exception(KexceptionFrameLayout.R15);
            case CS -> word(KtrapFrameLayout.SEG_CS);
            case SS -> word(KtrapFrameLayout.SEG_SS);
            case DS -> word(KtrapFrameLayout.SEG_DS);
            case ES -> word(KtrapFrameLayout.SEG_ES);
            case FS -> word(KtrapFrameLayout.SEG_FS);
            case GS -> word(KtrapFrameLayout.SEG_GS);
            case EFL -> memory.readUnsignedInt(frame + KtrapFrameLayout.E_FLAGS);
            case CR2 -> memory.readLong(frame + KtrapFrameLayout.FAULT_ADDRESS);
            case CR3, GSBASE -> 0;
        };
    }

    @Override
    public void set(Register register, long value) {
        throw new UnsupportedOperationException("The registers of a thread that has not stopped cannot be set.");
    }
}
