package org.vadose.rtl;

/**
 * What a heap's creator may tune ({@code RTL_HEAP_PARAMETERS}; a process's defaults are in its PEB).
 *
 * @param decommitFreeBlockBytes a free block of this size is worth giving back ...
 * @param decommitTotalFreeBytes ... once so much is free in all
 * @param maximumAllocationBytes larger requests fail
 */
public record HeapParameters(
        long segmentReserveBytes,
        long segmentCommitBytes,
        long decommitFreeBlockBytes,
        long decommitTotalFreeBytes,
        long maximumAllocationBytes) {
    /** What heaps of 64-bit processes have on Windows 10, as debuggers show it. */
    public static final HeapParameters DEFAULT =
            new HeapParameters(0x100000, 0x2000, 0x4000, 0x10000, 0x7FFF_FFFD_EFFFL);
}
