package org.vadose.cpu;

import org.vadose.memory.Memory;

/**
 * The x87 and SSE state in memory: the 28-byte (14-byte with 66h) environment of fnstenv and fldenv, the registers that fnsave and
 * frstor add, and the 512-byte area of fxsave and fxrstor.
 */
public final class X87Environment {
    private static final int REGISTER_BYTES = 10;
    private static final int FX_REGISTERS = 32;
    private static final int FX_XMM = 160;
    private static final int MXCSR_MASK = 0xFFFF;

    private X87Environment() {}

    static void execute(Mnemonic op, X87 fpu, Memory memory, long address, boolean isShort) {
        int size = isShort ? 14 : 28;
        switch (op) {
            case FNSTENV -> {
                store(fpu, memory, address, isShort);
                fpu.maskAll();
            }
            case FLDENV -> load(fpu, memory, address, isShort);
            case FNSAVE -> {
                store(fpu, memory, address, isShort);
                for (int i = 0; i < 8; i++) {
                    long at = address + size + i * REGISTER_BYTES;
                    memory.writeLong(at, fpu.significand(i));
                    memory.writeShort(at + 8, (short) fpu.signExponent(i));
                }
                fpu.initialise();
            }
            default -> {
                load(fpu, memory, address, isShort);
                for (int i = 0; i < 8; i++) {
                    long at = address + size + i * REGISTER_BYTES;
                    fpu.setRegister(i, memory.readUnsignedShort(at + 8), memory.readLong(at));
                }
            }
        }
    }

    private static void store(X87 fpu, Memory memory, long address, boolean isShort) {
        int ip = (int) fpu.instructionPointer();
        int dp = (int) fpu.dataPointer();
        if (isShort) {
            int[] words = {fpu.control(), fpu.status(), fpu.tagWord(), ip, 0, dp, 0};
            for (int i = 0; i < words.length; i++) {
                memory.writeShort(address + i * 2, (short) words[i]);
            }
            return;
        }
        int unused = 0xFFFF_0000;
        int[] doublewords = {
            unused | fpu.control(),
            unused | fpu.status(),
            unused | fpu.tagWord(),
            ip,
            fpu.lastOpcode() << 16,
            dp,
            unused
        };
        for (int i = 0; i < doublewords.length; i++) {
            memory.writeInt(address + i * 4, doublewords[i]);
        }
    }

    private static void load(X87 fpu, Memory memory, long address, boolean isShort) {
        int step = isShort ? 2 : 4;
        int control = memory.readUnsignedShort(address);
        int status = memory.readUnsignedShort(address + step);
        int tags = memory.readUnsignedShort(address + 2 * step);
        if (isShort) {
            fpu.setPointers(memory.readUnsignedShort(address + 6), memory.readUnsignedShort(address + 10), 0);
        } else {
            fpu.setPointers(
                    memory.readUnsignedInt(address + 12),
                    memory.readUnsignedInt(address + 20),
                    memory.readUnsignedShort(address + 18));
        }
        fpu.setControl(control);
        fpu.setStatus(status);
        fpu.setTagWord(tags);
    }

    /** fxsave and, with {@code wide} pointers, fxsave64. The caller has checked the 16-byte alignment. */
    public static void saveExtended(X87 fpu, VectorUnit vectors, Memory memory, long address, boolean wide) {
        memory.writeShort(address, (short) fpu.control());
        memory.writeShort(address + 2, (short) fpu.status());
        memory.writeShort(address + 4, (short) fpu.abridgedTags());
        memory.writeShort(address + 6, (short) fpu.lastOpcode());
        memory.writeLong(address + 8, wide ? fpu.instructionPointer() : fpu.instructionPointer() & 0xFFFF_FFFFL);
        memory.writeLong(address + 16, wide ? fpu.dataPointer() : fpu.dataPointer() & 0xFFFF_FFFFL);
        memory.writeInt(address + 24, vectors.mxcsr());
        memory.writeInt(address + 28, MXCSR_MASK);
        for (int i = 0; i < 8; i++) {
            long at = address + FX_REGISTERS + i * 16;
            memory.writeLong(at, fpu.significand(i));
            memory.writeLong(at + 8, fpu.signExponent(i));
        }
        for (int i = 0; i < 32; i++) {
            memory.writeLong(address + FX_XMM + i * 8, vectors.xmm[i]);
        }
    }

    /** Whether the area's MXCSR has reserved bits, for which fxrstor raises #GP(0). */
    public static boolean isBadExtended(Memory memory, long address) {
        return (memory.readInt(address + 24) & ~MXCSR_MASK) != 0;
    }

    /** fxrstor and fxrstor64. */
    public static void restoreExtended(X87 fpu, VectorUnit vectors, Memory memory, long address, boolean wide) {
        fpu.setControl(memory.readUnsignedShort(address));
        fpu.setStatus(memory.readUnsignedShort(address + 2));
        fpu.setAbridgedTags(memory.readUnsignedByte(address + 4));
        long instruction = memory.readLong(address + 8);
        long data = memory.readLong(address + 16);
        fpu.setPointers(
                wide ? instruction : instruction & 0xFFFF_FFFFL,
                wide ? data : data & 0xFFFF_FFFFL,
                memory.readUnsignedShort(address + 6));
        vectors.setMxcsr(memory.readInt(address + 24));
        for (int i = 0; i < 8; i++) {
            long at = address + FX_REGISTERS + i * 16;
            fpu.setRegister(i, memory.readUnsignedShort(at + 8), memory.readLong(at));
        }
        for (int i = 0; i < 32; i++) {
            vectors.xmm[i] = memory.readLong(address + FX_XMM + i * 8);
        }
    }
}
