package org.vadose.machine;

import org.vadose.base.Pages;
import org.vadose.base.SeededRandom;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KuserSharedDataLayout;
import org.vadose.layout.MiSystemVaAssignmentLayout;
import org.vadose.layout.MiVisibleStateLayout;
import org.vadose.memory.Memory;
import org.vadose.mm.MemoryManager;
import org.vadose.mm.SystemRegion;
import org.vadose.nt.NxPolicy;
import org.vadose.nt.SharedUserData;

/** Fills {@code KUSER_SHARED_DATA} and the kernel's variables about where user space ends. */
final class SharedDataWriter {
    private static final short MACHINE_AMD64 = (short) 0x8664;
    private static final short ARCHITECTURE_AMD64 = 9;
    private static final int WORKSTATION = 1;
    private static final int SINGLE_USER_TERMINAL_SERVICES = 0x110;
    private static final long QPC_FREQUENCY = 10_000_000;
    /** Where system space begins with 48-bit addresses. */
    private static final long SYSTEM_RANGE_START = 0xFFFF_8000_0000_0000L;
    /** PF_*: cmpxchg8b, MMX, SSE, RDTSC, PAE, SSE2, no-execute, cmpxchg16b, fast-fail, RDTSCP-free subset of a Windows 10 minimum. */
    private static final int[] PROCESSOR_FEATURES = {2, 3, 6, 8, 9, 10, 12, 14, 23};

    /** {@code PF_NX_ENABLED}. */
    private static final int NX_ENABLED = 12;

    private SharedDataWriter() {}

    static void write(MemoryManager memoryManager, long seed, NxPolicy nx) {
        Memory memory = memoryManager.kernelMemory();
        long shared = SharedUserData.KERNEL_ADDRESS;
        memory.writeShort(shared + KuserSharedDataLayout.IMAGE_NUMBER_LOW, MACHINE_AMD64);
        memory.writeShort(shared + KuserSharedDataLayout.IMAGE_NUMBER_HIGH, MACHINE_AMD64);
        String root = "C:\\Windows";
        for (int i = 0; i < root.length(); i++) {
            memory.writeShort(shared + KuserSharedDataLayout.NT_SYSTEM_ROOT + 2L * i, (short) root.charAt(i));
        }
        memory.writeInt(shared + KuserSharedDataLayout.LARGE_PAGE_MINIMUM, 2 << 20);
        memory.writeInt(shared + KuserSharedDataLayout.NT_BUILD_NUMBER, 19041);
        memory.writeInt(shared + KuserSharedDataLayout.NT_PRODUCT_TYPE, WORKSTATION);
        memory.writeByte(shared + KuserSharedDataLayout.PRODUCT_TYPE_IS_VALID, (byte) 1);
        memory.writeShort(shared + KuserSharedDataLayout.NATIVE_PROCESSOR_ARCHITECTURE, ARCHITECTURE_AMD64);
        memory.writeInt(shared + KuserSharedDataLayout.NT_MAJOR_VERSION, 10);
        memory.writeInt(shared + KuserSharedDataLayout.NT_MINOR_VERSION, 0);
        for (int feature : PROCESSOR_FEATURES) {
            boolean isThere = feature != NX_ENABLED || nx != NxPolicy.ALWAYS_OFF;
            memory.writeByte(shared + KuserSharedDataLayout.PROCESSOR_FEATURES + feature, (byte) (isThere ? 1 : 0));
        }
        memory.writeInt(shared + KuserSharedDataLayout.BOOT_ID, 1);
        memory.writeInt(shared + KuserSharedDataLayout.SUITE_MASK, SINGLE_USER_TERMINAL_SERVICES);
        // NXSupportPolicy, then SEHValidationPolicy.
        memory.writeByte(shared + KuserSharedDataLayout.MITIGATION_POLICIES, (byte) (8 | nx.ordinal()));
        memory.writeInt(shared + KuserSharedDataLayout.ACTIVE_CONSOLE_ID, 1);
        memory.writeInt(shared + KuserSharedDataLayout.NUMBER_OF_PHYSICAL_PAGES, (int)
                memoryManager.mmu().ram().frames());
        memory.writeLong(shared + KuserSharedDataLayout.TEST_RET_INSTRUCTION, 0xC3);
        memory.writeLong(shared + KuserSharedDataLayout.QPC_FREQUENCY, QPC_FREQUENCY);
        memory.writeInt(
                shared + KuserSharedDataLayout.COOKIE,
                SeededRandom.of(seed, "shared user data cookie").nextInt());
        memory.writeInt(
                shared + KuserSharedDataLayout.ACTIVE_PROCESSOR_COUNT,
                memoryManager.mmu().count());
        memory.writeByte(shared + KuserSharedDataLayout.ACTIVE_GROUP_COUNT, (byte) 1);
        long base = memoryManager.kernelBase();
        long userEnd = memoryManager.rules().userSpace().end();
        memory.writeLong(base + KernelSymbols.MM_HIGHEST_USER_ADDRESS, userEnd - 1);
        memory.writeLong(base + KernelSymbols.MM_USER_PROBE_ADDRESS, userEnd);
        memory.writeLong(base + KernelSymbols.MM_SYSTEM_RANGE_START, SYSTEM_RANGE_START);
        memory.writeLong(base + KernelSymbols.PS_NTOS_IMAGE_BASE, base);
        // The last page of the region of system PTEs is never mapped, so what points there faults.
        long systemPtes = memory.readLong(base + KernelSymbols.MI_VISIBLE_STATE)
                + MiVisibleStateLayout.SYSTEM_VA_REGIONS
                + SystemRegion.SYSTEM_PTES.index() * MiSystemVaAssignmentLayout.SIZE;
        memory.writeLong(
                base + KernelSymbols.MM_BAD_POINTER,
                memory.readLong(systemPtes + MiSystemVaAssignmentLayout.BASE_ADDRESS)
                        + memory.readLong(systemPtes + MiSystemVaAssignmentLayout.NUMBER_OF_BYTES)
                        - Pages.SIZE);
    }
}
