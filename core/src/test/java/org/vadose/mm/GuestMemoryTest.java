package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.AfterEach;
import org.vadose.base.NtStatus;
import org.vadose.mm.VirtualMemoryServices.BasicInformation;
import org.vadose.mm.VirtualMemoryServices.Region;
import org.vadose.nt.Eprocess;
import org.vadose.nt.PageProtection;

/** A machine with one process, whose memory a test works on; every invariant holds afterwards. */
abstract class GuestMemoryTest {
    static final int COMMIT = VirtualMemoryServices.MEM_COMMIT;
    static final int RESERVE = VirtualMemoryServices.MEM_RESERVE;
    static final int RELEASE = VirtualMemoryServices.MEM_RELEASE;
    static final int DECOMMIT = VirtualMemoryServices.MEM_DECOMMIT;
    static final int RW = PageProtection.PAGE_READWRITE;

    final SmallMachine machine = new SmallMachine(64L << 20, 1);
    final MemoryManager manager = machine.manager();
    final VirtualMemoryServices services = manager.virtualMemory();
    final Eprocess process = machine.newProcess(4);
    /** What the last call was given, and gave back. */
    final Region region = new Region();

    GuestMemoryTest() {
        manager.switchTo(process);
    }

    @AfterEach
    void checkAndClose() {
        machine.check("end of test");
        machine.close();
    }

    final void set(long base, long size) {
        region.base = base;
        region.sizeBytes = size;
    }

    NtStatus allocate(long base, long size, int type, int protect) {
        set(base, size);
        return services.allocate(process, region, 0, type, protect);
    }

    final NtStatus free(long base, long size, int type) {
        set(base, size);
        return services.free(process, region, type);
    }

    final NtStatus protect(long base, long size, int protect) {
        set(base, size);
        return services.protect(process, region, protect, new int[1]);
    }

    final BasicInformation query(long address) {
        BasicInformation information = new BasicInformation();
        assertEquals(NtStatus.SUCCESS, services.query(process, address, information));
        return information;
    }
}
