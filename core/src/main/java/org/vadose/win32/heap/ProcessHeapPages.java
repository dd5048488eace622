package org.vadose.win32.heap;

import org.vadose.base.NtStatus;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.nt.Eprocess;
import org.vadose.rtl.HeapPages;

/** A process's heaps on its virtual memory. */
public final class ProcessHeapPages implements HeapPages {
    private static final int PAGE_READWRITE = 0x04;
    private static final int PAGE_EXECUTE_READWRITE = 0x40;

    private final VirtualMemoryServices services;
    private final Eprocess process;

    public ProcessHeapPages(VirtualMemoryServices services, Eprocess process) {
        this.services = services;
        this.process = process;
    }

    private static VirtualMemoryServices.Region region(long base, long bytes) {
        VirtualMemoryServices.Region region = new VirtualMemoryServices.Region();
        region.base = base;
        region.sizeBytes = bytes;
        return region;
    }

    @Override
    public long reserve(long bytes) {
        VirtualMemoryServices.Region region = region(0, bytes);
        NtStatus status = services.allocate(process, region, 0, VirtualMemoryServices.MEM_RESERVE, PAGE_READWRITE);
        return status.isSuccess() ? region.base : 0;
    }

    @Override
    public boolean commit(long address, long bytes, boolean executable) {
        return services.allocate(
                        process,
                        region(address, bytes),
                        0,
                        VirtualMemoryServices.MEM_COMMIT,
                        executable ? PAGE_EXECUTE_READWRITE : PAGE_READWRITE)
                .isSuccess();
    }

    @Override
    public void decommit(long address, long bytes) {
        services.free(process, region(address, bytes), VirtualMemoryServices.MEM_DECOMMIT);
    }

    @Override
    public void release(long address) {
        services.free(process, region(address, 0), VirtualMemoryServices.MEM_RELEASE);
    }
}
