package org.vadose.machine;

import org.vadose.base.Pages;
import org.vadose.ke.TimerTable;
import org.vadose.layout.KaffinityExLayout;
import org.vadose.layout.KdescriptorLayout;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KpcrLayout;
import org.vadose.layout.KprcbLayout;
import org.vadose.layout.KprocessorStateLayout;
import org.vadose.layout.KspecialRegistersLayout;
import org.vadose.memory.Memory;
import org.vadose.memory.Mmu;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.SystemRegion;
import org.vadose.nt.Kprcb;

/** One simulated processor: its MMU and the {@code _KPCR} its GS register would point at in kernel mode. */
public final class Processor {
    private static final int GDT_BYTES = 0x80;
    private static final int IDT_BYTES = 0x1000;
    private static final int TSS_BYTES = 0x68;
    /** Protected mode with paging and write protection; physical-address extension, SSE, SMEP. */
    private static final long CR0 = 0x8005_0033L;

    private static final long CR4 = 0x10_06F8L;
    private static final byte VENDOR_INTEL = 2;
    private static final int MEGAHERTZ = 3000;

    private final Mmu mmu;
    private final Kprcb prcb;

    private Processor(Mmu mmu, Kprcb prcb) {
        this.mmu = mmu;
        this.prcb = prcb;
    }

    /** Makes a processor's control region and enters it into {@code KiProcessorBlock}. */
    static Processor create(MemoryManager memoryManager, int number) {
        Memory memory = memoryManager.kernelMemory();
        long base = memoryManager.kernelBase();
        // Descriptor tables and task state stand in the pages behind the control region.
        long pcrBytes = Pages.up(KpcrLayout.SIZE);
        long pages = Pages.count(pcrBytes + IDT_BYTES) + 1;
        long pcr = memoryManager.systemSpace().allocate(SystemRegion.SYSTEM_PTES, pages, false);
        long idt = pcr + pcrBytes;
        long gdt = idt + IDT_BYTES;
        long tss = gdt + GDT_BYTES;
        long prcb = pcr + KpcrLayout.PRCB;
        memory.writeLong(pcr + KpcrLayout.GDT_BASE, gdt);
        memory.writeLong(pcr + KpcrLayout.TSS_BASE, tss);
        memory.writeLong(pcr + KpcrLayout.IDT_BASE, idt);
        memory.writeLong(pcr + KpcrLayout.SELF, pcr);
        memory.writeLong(pcr + KpcrLayout.CURRENT_PRCB, prcb);
        memory.writeLong(pcr + KpcrLayout.LOCK_ARRAY, prcb + KprcbLayout.LOCK_QUEUE);
        memory.writeShort(pcr + KpcrLayout.MAJOR_VERSION, (short) 1);
        memory.writeShort(pcr + KpcrLayout.MINOR_VERSION, (short) 1);
        memory.writeLong(pcr + KpcrLayout.KD_VERSION_BLOCK, base + KernelSymbols.KD_VERSION_BLOCK);
        memory.writeInt(prcb + KprcbLayout.NUMBER, number);
        memory.writeInt(prcb + KprcbLayout.MX_CSR, 0x1F80);
        memory.writeByte(prcb + KprcbLayout.LEGACY_NUMBER, (byte) number);
        memory.writeShort(prcb + KprcbLayout.MINOR_VERSION, (short) 1);
        memory.writeShort(prcb + KprcbLayout.MAJOR_VERSION, (short) 1);
        memory.writeByte(prcb + KprcbLayout.CPU_TYPE, (byte) 6);
        memory.writeByte(prcb + KprcbLayout.CPU_ID, (byte) 1);
        memory.writeByte(prcb + KprcbLayout.CPU_VENDOR, VENDOR_INTEL);
        memory.writeInt(prcb + KprcbLayout.M_HZ, MEGAHERTZ);
        memory.writeInt(prcb + KprcbLayout.CORES_PER_PHYSICAL_PROCESSOR, 1);
        memory.writeInt(prcb + KprcbLayout.LOGICAL_PROCESSORS_PER_CORE, 1);
        memory.writeLong(prcb + KprcbLayout.GROUP_SET_MEMBER, 1L << number);
        memory.writeByte(prcb + KprcbLayout.GROUP_INDEX, (byte) number);
        writeText(memory, prcb + KprcbLayout.VENDOR_STRING, "GenuineIntel");
        writeSpecialRegisters(memoryManager, prcb + KprcbLayout.PROCESSOR_STATE, pcr, idt, gdt);
        memory.writeLong(base + KernelSymbols.KI_PROCESSOR_BLOCK + 8L * number, prcb);
        memory.writeInt(base + KernelSymbols.KE_NUMBER_PROCESSORS, number + 1);
        memory.writeByte(base + KernelSymbols.KE_NUMBER_PROCESSORS_GROUP0, (byte) (number + 1));
        memory.writeInt(base + KernelSymbols.KE_REGISTERED_PROCESSORS, number + 1);
        TimerTable.initialize(new Kprcb(memory, prcb));
        long active = base + KernelSymbols.KE_ACTIVE_PROCESSORS;
        memory.writeShort(active + KaffinityExLayout.COUNT, (short) 1);
        memory.writeShort(active + KaffinityExLayout.SIZE_FIELD, (short) 20);
        memory.writeLong(
                active + KaffinityExLayout.BITMAP, memory.readLong(active + KaffinityExLayout.BITMAP) | 1L << number);
        memoryManager.useProcessor(number, prcb);
        int node = memoryManager.pfns().topology().ofProcessor(number);
        memory.writeLong(
                prcb + KprcbLayout.PARENT_NODE, memory.readLong(base + KernelSymbols.KE_NODE_BLOCK + 8L * node));
        Mmu mmu = memoryManager.mmu().get(number);
        if (number != 0) {
            mmu.loadRoot(memoryManager.systemRoot());
        }
        return new Processor(mmu, new Kprcb(memory, prcb));
    }

    private static void writeSpecialRegisters(MemoryManager memoryManager, long state, long pcr, long idt, long gdt) {
        Memory memory = memoryManager.kernelMemory();
        long special = state + KprocessorStateLayout.SPECIAL_REGISTERS;
        memory.writeLong(special + KspecialRegistersLayout.CR0, CR0);
        memory.writeLong(special + KspecialRegistersLayout.CR3, memoryManager.systemRoot());
        memory.writeLong(special + KspecialRegistersLayout.CR4, CR4);
        memory.writeShort(special + KspecialRegistersLayout.GDTR + KdescriptorLayout.LIMIT, (short) (GDT_BYTES - 1));
        memory.writeLong(special + KspecialRegistersLayout.GDTR + KdescriptorLayout.BASE, gdt);
        memory.writeShort(special + KspecialRegistersLayout.IDTR + KdescriptorLayout.LIMIT, (short) (IDT_BYTES - 1));
        memory.writeLong(special + KspecialRegistersLayout.IDTR + KdescriptorLayout.BASE, idt);
        memory.writeShort(special + KspecialRegistersLayout.TR, (short) 0x40);
        memory.writeInt(special + KspecialRegistersLayout.MX_CSR, 0x1F80);
        memory.writeLong(special + KspecialRegistersLayout.MSR_GS_BASE, pcr);
        memory.writeLong(
                special + KspecialRegistersLayout.MSR_L_STAR,
                memoryManager.kernelBase() + KernelSymbols.KI_SYSTEM_CALL64);
    }

    private static void writeText(Memory memory, long address, String text) {
        for (int i = 0; i < text.length(); i++) {
            memory.writeByte(address + i, (byte) text.charAt(i));
        }
    }

    public Mmu mmu() {
        return mmu;
    }

    public Kprcb prcb() {
        return prcb;
    }

    /** Address of the {@code _KPCR}. */
    public long pcr() {
        return prcb.address() - KpcrLayout.PRCB;
    }
}
