package org.vadose.nt;

import org.vadose.layout.ContextLayout;
import org.vadose.memory.Memory;

/** A thread's registers as Windows hands them about ({@code _CONTEXT} of x64). */
public record ContextRecord(Memory memory, long address) {
    /** {@code CONTEXT_AMD64}. */
    public static final int AMD64 = 0x100000;

    public static final int CONTROL = AMD64 | 1;
    public static final int INTEGER = AMD64 | 2;
    public static final int SEGMENTS = AMD64 | 4;
    public static final int FLOATING_POINT = AMD64 | 8;
    /** {@code CONTEXT_FULL} and the segments. */
    public static final int ALL = CONTROL | INTEGER | SEGMENTS | FLOATING_POINT;
    /** {@code CONTEXT_UNWOUND_TO_CALL}: RIP is a return address. */
    public static final int UNWOUND_TO_CALL = 0x20000000;

    private static final int RSP = 4;

    /** A general register by hardware number, 0 (RAX) to 15 (R15). */
    public long register(int number) {
        return memory.readLong(address + ContextLayout.RAX + 8L * number);
    }

    public void setRegister(int number, long value) {
        memory.writeLong(address + ContextLayout.RAX + 8L * number, value);
    }

    public long rip() {
        return memory.readLong(address + ContextLayout.RIP);
    }

    public void setRip(long value) {
        memory.writeLong(address + ContextLayout.RIP, value);
    }

    public long rsp() {
        return register(RSP);
    }

    public void setRsp(long value) {
        setRegister(RSP, value);
    }

    public int contextFlags() {
        return memory.readInt(address + ContextLayout.CONTEXT_FLAGS);
    }

    public void setContextFlags(int flags) {
        memory.writeInt(address + ContextLayout.CONTEXT_FLAGS, flags);
    }

    public int eflags() {
        return memory.readInt(address + ContextLayout.E_FLAGS);
    }

    public void setEflags(int value) {
        memory.writeInt(address + ContextLayout.E_FLAGS, value);
    }

    /** Address of the 16 bytes of XMM{@code number}. */
    public long xmm(int number) {
        return address + ContextLayout.XMM0 + 16L * number;
    }

    /** Address of the {@code FXSAVE} image. */
    public long floatingSave() {
        return address + ContextLayout.FLT_SAVE;
    }

    /** Makes this a copy of the other. */
    public void copyFrom(ContextRecord other) {
        memory.write(address, other.memory.read(other.address, (int) ContextLayout.SIZE));
    }
}
