package org.vadose.mm;

import org.vadose.base.Pages;
import org.vadose.base.SeededRandom;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiSectionStateLayout;
import org.vadose.layout.MiSystemInformationLayout;
import org.vadose.layout.RtlBitmapExLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.pe.PeFormat;
import org.vadose.pe.PeImage;

/**
 * Where images go: address-space layout randomisation. DLLs share one range of 32 GB, from a place drawn at boot downwards, so
 * that a DLL has one base in all processes; which 64 KB of the range are given out stands in
 * {@code MiState.Sections.ImageBitMapNative}, the place in {@code ImageBiasNative}. A program has a base of its own for as long
 * as its section lives.
 */
final class ImageBases {
    private static final int TAG_BITMAP = PoolTag.of("MmIb");
    /** The address behind bit 0. */
    private static final long DLL_TOP = 0x7FFF_FFFF_0000L;

    private static final long DLL_BITS = 0x7_FFC0L;
    private static final long PROGRAMS = 0x7FF6_0000_0000L;
    private static final long PROGRAM_PLACES = 1 << 17;
    /** A classic, not high-entropy image stays within 16 MB of where it was linked for. */
    private static final long CLASSIC_PLACES = 256;

    private final Memory memory;
    private final long state;
    private final long seed;

    ImageBases(Memory memory, long kernelBase, long seed) {
        this.memory = memory;
        this.state = kernelBase + KernelSymbols.MI_STATE + MiSystemInformationLayout.SECTIONS;
        this.seed = seed;
    }

    /** Once, at boot, when the pools are there. */
    void initialize(Pool pool) {
        long bitmap = pool.allocate(PoolType.PAGED_POOL, DLL_BITS / 8, TAG_BITMAP);
        memory.fill(bitmap, DLL_BITS / 8, (byte) 0);
        long head = state + MiSectionStateLayout.IMAGE_BIT_MAP_NATIVE;
        memory.writeLong(head + RtlBitmapExLayout.SIZE_OF_BIT_MAP, DLL_BITS);
        memory.writeLong(head + RtlBitmapExLayout.BUFFER, bitmap);
        memory.writeLong(
                state + MiSectionStateLayout.IMAGE_BIAS_NATIVE,
                SeededRandom.of(seed, "image bias").below(DLL_BITS / 2));
    }

    /** The base for a new section of an image; the linked base if the image may not move. */
    long choose(PeImage image, String name) {
        boolean isDynamic = (image.dllCharacteristics() & PeFormat.DLL_DYNAMIC_BASE) != 0 && image.isRelocatable();
        if (!isDynamic) {
            return image.imageBase();
        }
        if (image.isDll()) {
            long base = takeDllBase(Pages.alignUp(image.sizeOfImage(), Pages.GRANULARITY) / Pages.GRANULARITY);
            return base == 0 ? image.imageBase() : base;
        }
        SeededRandom random = SeededRandom.of(seed, "image " + name);
        if ((image.dllCharacteristics() & PeFormat.DLL_HIGH_ENTROPY_VA) != 0) {
            return PROGRAMS + random.below(PROGRAM_PLACES) * Pages.GRANULARITY;
        }
        return image.imageBase() + (1 + random.below(CLASSIC_PLACES - 1)) * Pages.GRANULARITY;
    }

    /** A section is deleted: another image may have its place. */
    void release(long base, long sizeBytes) {
        long size = Pages.alignUp(sizeBytes, Pages.GRANULARITY);
        if (base + size <= DLL_TOP && base >= DLL_TOP - DLL_BITS * Pages.GRANULARITY) {
            mark((DLL_TOP - base - size) / Pages.GRANULARITY, size / Pages.GRANULARITY, false);
        }
    }

    private long takeDllBase(long granules) {
        long bias = memory.readLong(state + MiSectionStateLayout.IMAGE_BIAS_NATIVE);
        long first = findClear(bias, granules);
        if (first < 0) {
            first = findClear(0, granules);
        }
        if (first < 0) {
            return 0;
        }
        mark(first, granules, true);
        return DLL_TOP - (first + granules) * Pages.GRANULARITY;
    }

    private long bitmap() {
        return memory.readLong(state + MiSectionStateLayout.IMAGE_BIT_MAP_NATIVE + RtlBitmapExLayout.BUFFER);
    }

    private long findClear(long from, long count) {
        long bits = bitmap();
        long run = 0;
        for (long bit = from; bit < DLL_BITS; bit++) {
            if ((bit & 63) == 0 && memory.readLong(bits + bit / 8) == -1L) {
                bit += 63;
                run = 0;
                continue;
            }
            run = (memory.readByte(bits + bit / 8) >>> (bit & 7) & 1) != 0 ? 0 : run + 1;
            if (run == count) {
                return bit - count + 1;
            }
        }
        return -1;
    }

    private void mark(long first, long count, boolean set) {
        long bits = bitmap();
        for (long bit = first; bit < first + count; bit++) {
            int mask = 1 << (bit & 7);
            int old = memory.readByte(bits + bit / 8);
            memory.writeByte(bits + bit / 8, (byte) (set ? old | mask : old & ~mask));
        }
    }
}
