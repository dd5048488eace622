package org.vadose.cpu;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.memory.Mmu;
import org.vadose.memory.PhysicalMemory;
import org.vadose.memory.X64PageTables;

/** RAM, page tables made by hand, and one processor. */
final class GuestMachine implements AutoCloseable {
    static final long CODE = 0x40_0000;
    static final long DATA = 0x80_0000;
    static final long STACK = 0xC0_0000;

    private static final long ROOT = 0x1000;
    private static final long READ_ONLY = X64PageTables.PRESENT | X64PageTables.USER;
    private static final long WRITABLE = READ_ONLY | X64PageTables.WRITE;

    final PhysicalMemory ram = new PhysicalMemory(PhysicalMemory.MINIMUM_BYTES);
    final Mmu mmu = new Mmu(ram, new X64PageTables());
    final X64Cpu cpu;
    private long nextTable = 0x2000;
    private long nextFrame = 0x10_0000;

    GuestMachine() {
        mmu.loadRoot(ROOT);
        mmu.setFaultHandler((address, code) -> NtStatus.ACCESS_VIOLATION);
        cpu = new X64Cpu(mmu);
        cpu.setGpr(Registers.RSP, STACK + 0x2000);
    }

    /** Code, data and stack: two writable pages each. */
    static GuestMachine withPages() {
        GuestMachine machine = new GuestMachine();
        machine.map(CODE, 2);
        machine.map(DATA, 2);
        machine.map(STACK, 2);
        machine.cpu.setRip(CODE);
        return machine;
    }

    void map(long address, int pages) {
        for (int i = 0; i < pages; i++) {
            mapTo(address + i * Pages.SIZE, nextFrame, WRITABLE);
            nextFrame += Pages.SIZE;
        }
    }

    void mapTo(long address, long physical, long bits) {
        long table = ROOT;
        for (int level = 4; level > 1; level--) {
            long at = table + X64PageTables.index(level, address) * 8L;
            long entry = ram.readLong(at);
            if ((entry & 1) == 0) {
                entry = nextTable | WRITABLE;
                nextTable += Pages.SIZE;
                ram.writeLong(at, entry);
            }
            table = entry & X64PageTables.FRAME_MASK;
        }
        ram.writeLong(table + X64PageTables.index(1, address) * 8L, physical | bits);
    }

    /** Replaces a page's rights; 0 unmaps it. The frame stays. */
    void protect(long address, long bits) {
        long at = entryAddress(address);
        ram.writeLong(at, ram.readLong(at) & X64PageTables.FRAME_MASK | bits);
        mmu.invalidatePage(address);
    }

    void readOnly(long address) {
        protect(address, READ_ONLY);
    }

    void writable(long address) {
        protect(address, WRITABLE);
    }

    long frameAddress(long address) {
        return ram.readLong(entryAddress(address)) & X64PageTables.FRAME_MASK;
    }

    private long entryAddress(long address) {
        var path = mmu.format().path(ram, ROOT, address);
        return path.getLast().entryPhysicalAddress();
    }

    /** Puts code at {@link #CODE} and rip there. */
    GuestMachine code(int... bytes) {
        poke(CODE, bytes);
        cpu.setRip(CODE);
        return this;
    }

    void poke(long address, int... bytes) {
        byte[] all = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            all[i] = (byte) bytes[i];
        }
        write(address, all);
    }

    /** Past the rights, as the kernel would. */
    void write(long address, byte[] bytes) {
        for (int i = 0; i < bytes.length; i++) {
            long at = address + i;
            ram.writeByte(frameAddress(at) + Pages.offset(at), bytes[i]);
        }
    }

    @Override
    public void close() {
        ram.close();
    }
}
