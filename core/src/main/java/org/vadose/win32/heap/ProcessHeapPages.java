package org.vadose.win32.heap;

import org.vadose.base.NtStatus;
import org.vadose.base.Pages;
import org.vadose.base.SeededRandom;
import org.vadose.mm.VirtualMemoryServices;
import org.vadose.nt.Eprocess;
import org.vadose.nt.Mitigations;
import org.vadose.rtl.HeapPages;

/**
 * A process's heaps on its virtual memory. A heap begins at one of 32 places, 64 KB apart, of a reservation that is larger by as much;
 * what lies before it is given back (Whitehouse, "An Analysis of Address Space Layout Randomization on Windows Vista", Symantec, 2007).
 */
public final class ProcessHeapPages implements HeapPages {
    private static final int PLACES = 32;
    private static final int PAGE_READWRITE = 0x04;
    private static final int PAGE_EXECUTE_READWRITE = 0x40;

    private final VirtualMemoryServices services;
    private final Eprocess process;
    private final SeededRandom random;

    /** @param random draws the places, if the process has any randomness at all */
    public ProcessHeapPages(VirtualMemoryServices services, Eprocess process, SeededRandom random) {
        this.services = services;
        this.process = process;
        this.random = random;
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
    public long reserveHeap(long bytes) {
        long skipped =
                new Mitigations(process).isStackRandomizationDisabled() ? 0 : random.below(PLACES) * Pages.GRANULARITY;
        long base = skipped == 0 ? 0 : reserve(skipped + bytes);
        if (base == 0) {
            return reserve(bytes);
        }
        boolean isGiven = services.free(process, region(base, skipped), VirtualMemoryServices.MEM_RELEASE)
                .isSuccess();
        return isGiven ? base + skipped : base;
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
