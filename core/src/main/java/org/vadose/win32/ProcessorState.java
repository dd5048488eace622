package org.vadose.win32;

import org.vadose.cpu.BlockCache;
import org.vadose.cpu.CpuExit;
import org.vadose.cpu.CpuFault;
import org.vadose.cpu.X64Cpu;
import org.vadose.memory.Memory;
import org.vadose.memory.Mmu;

/** A guest thread's registers on an {@link X64Cpu}. */
public final class ProcessorState implements GuestCpu {
    private final X64Cpu cpu;

    /**
     * @param blocks the processor's decoded code, which its threads share
     * @param teb what GS points at
     */
    public ProcessorState(Mmu mmu, BlockCache blocks, long teb) {
        cpu = new X64Cpu(mmu, blocks);
        cpu.setGsBase(teb);
    }

    @Override
    public void moveTo(Mmu mmu, BlockCache blocks) {
        cpu.moveTo(mmu, blocks);
    }

    /** The interpreter itself. */
    public X64Cpu cpu() {
        return cpu;
    }

    @Override
    public long register(int number) {
        return cpu.gpr(number);
    }

    @Override
    public void setRegister(int number, long value) {
        cpu.setGpr(number, value);
    }

    @Override
    public long rip() {
        return cpu.rip();
    }

    @Override
    public void setRip(long address) {
        cpu.setRip(address);
    }

    @Override
    public long xmmLow(int number) {
        return cpu.xmmLow(number);
    }

    @Override
    public long xmmHigh(int number) {
        return cpu.xmmHigh(number);
    }

    @Override
    public void setXmmLow(int number, long value) {
        cpu.setXmm(number, value, 0);
    }

    @Override
    public void setXmm(int number, long low, long high) {
        cpu.setXmm(number, low, high);
    }

    @Override
    public long flags() {
        return cpu.rflags();
    }

    @Override
    public void setFlags(long value) {
        cpu.setRflags(value);
    }

    @Override
    public int mxcsr() {
        return cpu.mxcsr();
    }

    @Override
    public void setMxcsr(int value) {
        cpu.setMxcsr(value);
    }

    @Override
    public void saveExtended(Memory memory, long address) {
        cpu.saveExtended(memory, address);
    }

    @Override
    public void restoreExtended(Memory memory, long address) {
        cpu.restoreExtended(memory, address);
    }

    @Override
    public CpuFault fault() {
        return cpu.fault();
    }

    @Override
    public Exit run(long instructions) {
        return exit(cpu.run(instructions));
    }

    @Override
    public Exit runOne() {
        return exit(cpu.runOne());
    }

    private static Exit exit(CpuExit exit) {
        return switch (exit) {
            case SYSCALL -> Exit.SYSCALL;
            case FAULT -> Exit.FAULT;
            case BUDGET -> Exit.BUDGET;
            case STOPPED -> Exit.STOPPED;
        };
    }

    @Override
    public void requestStop() {
        cpu.requestStop();
    }

    @Override
    public long executed() {
        return cpu.instructionsRetired();
    }
}
