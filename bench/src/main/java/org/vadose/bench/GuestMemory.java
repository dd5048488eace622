package org.vadose.bench;

import org.vadose.base.NtStatus;
import org.vadose.machine.Machine;
import org.vadose.machine.MachineConfig;
import org.vadose.memory.Memory;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.mm.VirtualMemoryServices.BasicInformation;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;

/** A booted desktop with one of its processes current: {@code VirtualAlloc} and {@code VirtualFree} of that process. */
final class GuestMemory {
    private final Machine machine;
    private final VirtualMemoryServices services;
    private final Eprocess process;
    private final Region region = new Region();
    private final int[] oldProtection = {0};

    GuestMemory() {
        this(MachineConfig.standard());
    }

    GuestMemory(MachineConfig config) {
        machine = Machine.boot(config);
        services = machine.memoryManager().virtualMemory();
        process = machine.processManager().processes().getLast();
        machine.attach(process);
    }

    Machine machine() {
        return machine;
    }

    Eprocess process() {
        return process;
    }

    /** The process's memory as its own code sees it. */
    Memory memory() {
        return machine.mmu().user();
    }

    /** {@code VirtualAlloc(NULL, sizeBytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE)}. */
    long allocate(long sizeBytes) {
        region.base = 0;
        region.sizeBytes = sizeBytes;
        int type = VirtualMemoryServices.MEM_RESERVE | VirtualMemoryServices.MEM_COMMIT;
        expect(services.allocate(process, region, 0, type, PageProtection.PAGE_READWRITE));
        return region.base;
    }

    /** {@code VirtualAlloc(NULL, sizeBytes, MEM_RESERVE, PAGE_READWRITE)}. */
    long reserve(long sizeBytes) {
        region.base = 0;
        region.sizeBytes = sizeBytes;
        expect(services.allocate(process, region, 0, VirtualMemoryServices.MEM_RESERVE, PageProtection.PAGE_READWRITE));
        return region.base;
    }

    /** {@code VirtualProtect} of one page; answers the old protection. */
    int protect(long address, int protection) {
        region.base = address;
        region.sizeBytes = 1;
        expect(services.protect(process, region, protection, oldProtection));
        return oldProtection[0];
    }

    /** {@code VirtualQuery}. */
    void query(long address, BasicInformation result) {
        expect(services.query(process, address, result));
    }

    /** {@code VirtualFree(base, 0, MEM_RELEASE)}. */
    void free(long base) {
        region.base = base;
        region.sizeBytes = 0;
        expect(services.free(process, region, VirtualMemoryServices.MEM_RELEASE));
    }

    /** What the zero-page thread does while a processor idles. */
    void idle() {
        machine.memoryManager().pfns().zeroFreePages(Long.MAX_VALUE);
    }

    private static void expect(NtStatus status) {
        if (status != NtStatus.SUCCESS) {
            throw new IllegalStateException("status=" + status);
        }
    }
}
