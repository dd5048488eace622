package org.vadose.win32;

import org.vadose.target.Register;
import org.vadose.target.RegisterFile;

/** The registers of a stopped guest thread. Selectors are those of 64-bit user mode on Windows. */
public final class GuestRegisters implements RegisterFile {
    private final GuestThread thread;
    private final long root;

    /** @param root CR3 of its process, 0 if nobody asks for it */
    public GuestRegisters(GuestThread thread, long root) {
        this.thread = thread;
        this.root = root;
    }

    @Override
    public long get(Register register) {
        GuestCpu cpu = thread.cpu();
        return switch (register) {
            case RIP -> cpu.rip();
            case EFL -> cpu.flags() & 0xFFFF_FFFFL;
            case CS -> 0x33;
            case SS, DS, ES, GS -> 0x2B;
            case FS -> 0x53;
            case CR2 -> 0;
            case CR3 -> root;
            case GSBASE -> thread.teb();
            default -> cpu.register(number(register));
        };
    }

    @Override
    public void set(Register register, long value) {
        GuestCpu cpu = thread.cpu();
        switch (register) {
            case RIP -> cpu.setRip(value);
            case EFL -> cpu.setFlags(value);
            case CS, SS, DS, ES, FS, GS, CR2, CR3, GSBASE ->
                throw new UnsupportedOperationException(register.text() + " cannot be changed");
            default -> cpu.setRegister(number(register), value);
        }
    }

    /** The hardware's number of a general register. */
    private static int number(Register register) {
        return switch (register) {
            case RAX -> GuestCpu.RAX;
            case RCX -> GuestCpu.RCX;
            case RDX -> GuestCpu.RDX;
            case RBX -> GuestCpu.RBX;
            case RSP -> GuestCpu.RSP;
            case RBP -> GuestCpu.RBP;
            case RSI -> GuestCpu.RSI;
            case RDI -> GuestCpu.RDI;
            case R8 -> GuestCpu.R8;
            case R9 -> GuestCpu.R9;
            case R10 -> GuestCpu.R10;
            case R11 -> GuestCpu.R11;
            case R12 -> GuestCpu.R12;
            case R13 -> GuestCpu.R13;
            case R14 -> GuestCpu.R14;
            case R15 -> GuestCpu.R15;
            default -> throw new IllegalArgumentException("not a general register register=" + register);
        };
    }
}
