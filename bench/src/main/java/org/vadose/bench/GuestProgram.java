package org.vadose.bench;

import java.io.ByteArrayOutputStream;
import org.vadose.base.Pages;
import org.vadose.base.SeededRandom;
import org.vadose.cpu.CpuExit;
import org.vadose.cpu.Registers;
import org.vadose.cpu.X64Cpu;
import org.vadose.memory.Mmu;
import org.vadose.memory.PhysicalMemory;
import org.vadose.memory.X64PageTables;

/** A processor with code, 1 MB of data and a stack, and programs for it that loop for ever. */
final class GuestProgram implements AutoCloseable {
    static final long CODE = 0x40_0000;
    static final long DATA = 0x1000_0000;
    static final long STACK = 0x2000_0000;
    private static final int CODE_PAGES = 64;
    private static final int DATA_PAGES = 256;
    private static final int STACK_PAGES = 16;

    private static final long ROOT = 0x1000;
    private static final long RIGHTS = X64PageTables.PRESENT | X64PageTables.WRITE | X64PageTables.USER;

    private final PhysicalMemory ram = new PhysicalMemory(64 << 20);
    final Mmu mmu = new Mmu(ram, new X64PageTables());
    final X64Cpu cpu;
    private long nextTable = 0x2000;
    private long nextFrame = 0x40_0000;

    private GuestProgram(byte[] code) {
        mmu.loadRoot(ROOT);
        map(CODE, CODE_PAGES);
        map(DATA, DATA_PAGES);
        map(STACK, STACK_PAGES);
        mmu.kernel().write(CODE, code);
        cpu = new X64Cpu(mmu);
        cpu.setRip(CODE);
        cpu.setGpr(Registers.RSP, STACK + 8 * Pages.SIZE);
        cpu.setGpr(Registers.RSI, DATA);
        cpu.setGpr(Registers.RDI, DATA + 0x1_0000);
    }

    private void map(long address, int pages) {
        for (int i = 0; i < pages; i++) {
            long at = address + i * Pages.SIZE;
            long table = ROOT;
            for (int level = 4; level > 1; level--) {
                long slot = table + X64PageTables.index(level, at) * 8L;
                if (ram.readLong(slot) == 0) {
                    ram.writeLong(slot, nextTable | RIGHTS);
                    nextTable += Pages.SIZE;
                }
                table = ram.readLong(slot) & X64PageTables.FRAME_MASK;
            }
            ram.writeLong(table + X64PageTables.index(1, at) * 8L, nextFrame | RIGHTS);
            // Written, so that reads do not go to the zeros that stand for RAM never touched.
            ram.writeByte(nextFrame, (byte) 0);
            nextFrame += Pages.SIZE;
        }
    }

    /** Runs so many instructions. */
    void run(long instructions) {
        CpuExit exit = cpu.run(instructions);
        if (exit != CpuExit.BUDGET) {
            throw new IllegalStateException(
                    exit + " rip=" + Long.toHexString(cpu.rip()) + (exit == CpuExit.FAULT ? " " + cpu.fault() : ""));
        }
    }

    @Override
    public void close() {
        ram.close();
    }

    /** Arithmetic on registers, seven instructions a turn. */
    static GuestProgram integerLoop() {
        return new GuestProgram(bytes(
                0x48, 0x01, 0xD8, // add rax, rbx
                0x48, 0xFF, 0xC3, // inc rbx
                0x48, 0x31, 0xC2, // xor rdx, rax
                0x4D, 0x8D, 0x44, 0x50, 0x03, // lea r8, [r8+rdx*2+3]
                0x49, 0xC1, 0xE8, 0x02, // shr r8, 2
                0xFF, 0xC9, // dec ecx
                0x75, 0xEB, // jnz
                0xEB, 0xE9)); // jmp
    }

    /** A byte at a time through memory, six instructions a byte. */
    static GuestProgram byteCopy() {
        return new GuestProgram(bytes(
                0xBE, 0, 0, 0, 0x10, // mov esi, DATA
                0xBF, 0, 0, 1, 0x10, // mov edi, DATA + 10000h
                0xB9, 0, 0, 1, 0, // mov ecx, 10000h
                0x0F, 0xB6, 0x06, // movzx eax, byte [rsi]
                0x88, 0x07, // mov [rdi], al
                0x48, 0xFF, 0xC6, // inc rsi
                0x48, 0xFF, 0xC7, // inc rdi
                0xFF, 0xC9, // dec ecx
                0x75, 0xF1, // jnz
                0xEB, 0xE0)); // jmp
    }

    /** Some thousands of different instructions in a long loop: what compiled code is made of, in about its proportions. */
    static GuestProgram mix() {
        return new GuestProgram(new MixedCode(SeededRandom.of(42, "mixed code")).generate(4000));
    }

    static byte[] bytes(int... values) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int value : values) {
            out.write(value);
        }
        return out.toByteArray();
    }
}
