package org.vadose.mm;

import org.vadose.base.Pages;
import org.vadose.base.SeededRandom;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiSectionStateLayout;
import org.vadose.layout.MiSystemInformationLayout;
import org.vadose.layout.RtlBitmapExLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.AddressSpaceRules;
import org.vadose.nt.AslrPolicy;
import org.vadose.nt.PoolTag;
import org.vadose.nt.PoolType;
import org.vadose.nt.UserSpace;
import org.vadose.pe.PeFormat;
import org.vadose.pe.PeImage;

/**
 * Where images go: address-space layout randomisation.
 *
 * <pre>
 *  image                                 place                                                   bits
 *  not to be moved, or policy off        where it was linked for
 *  DLL linked at 4 GB or above           32 GB below the end of user space, from the bias down    19
 *  DLL linked below 4 GB                 1 GB below 0x78000000, from a bias of its own down       14
 *  any DLL, classic policy               the same ranges, the bias one of 256                      8
 *  program, high entropy, above 4 GB     8 GB below those DLLs                                    17
 *  any other program                     within 16 MB above where it was linked for                8
 * </pre>
 *
 * Biases are drawn at boot and DLLs are packed from them downwards, so that a DLL has one base in all processes; which 64 KB of a
 * range are given out stands in {@code MiState.Sections.ImageBitMapNative} and {@code ImageBitMap64Low}, the biases in
 * {@code ImageBiasNative} and {@code ImageBias64Low}. A program has a base of its own for as long as its section lives. Bits as
 * in "Exploit Mitigation Improvements in Windows 8" (Johnson and Miller, Microsoft, 2012).
 */
final class ImageBases {
    private static final int TAG_BITMAP = PoolTag.of("MmIb");

    private static final long NATIVE_BITS = 0x7_FFC0L;
    private static final long LOW_BITS = 0x4000L;
    private static final long LOW_TOP = 0x7800_0000L;
    private static final long FOUR_GB = 1L << 32;
    /** From the end of the address space, rounded up, down to where programs may lie; DLLs lie in between. */
    private static final long PROGRAMS_BELOW_END = 0xA_0000_0000L;

    private static final long PROGRAM_PLACES = 1 << 17;
    private static final long CLASSIC_PLACES = 256;
    /** Where a program goes that was linked for an address it may not use. */
    private static final long LOW_PROGRAM = 0x40_0000L;

    private final Memory memory;
    private final AddressSpaceRules rules;
    private final long seed;
    private final Range high;
    private final Range low;

    /** A range that DLLs share: its end, and where its bitmap and its bias are kept. */
    private record Range(long top, long bits, long bitmap, long bias) {
        boolean holds(long base, long sizeBytes) {
            return base + sizeBytes <= top && base >= top - bits * Pages.GRANULARITY;
        }
    }

    ImageBases(Memory memory, long kernelBase, AddressSpaceRules rules, long seed) {
        this.memory = memory;
        this.rules = rules;
        this.seed = seed;
        long state = kernelBase + KernelSymbols.MI_STATE + MiSystemInformationLayout.SECTIONS;
        this.high = new Range(
                rules.userSpace().end(),
                NATIVE_BITS,
                state + MiSectionStateLayout.IMAGE_BIT_MAP_NATIVE,
                state + MiSectionStateLayout.IMAGE_BIAS_NATIVE);
        this.low = new Range(
                LOW_TOP,
                LOW_BITS,
                state + MiSectionStateLayout.IMAGE_BIT_MAP64_LOW,
                state + MiSectionStateLayout.IMAGE_BIAS64_LOW);
    }

    /** Once, at boot, when the pools are there. */
    void initialize(Pool pool) {
        SeededRandom random = SeededRandom.of(seed, "image bias");
        for (Range range : new Range[] {high, low}) {
            long bitmap = pool.allocate(PoolType.PAGED_POOL, range.bits / 8, TAG_BITMAP);
            memory.fill(bitmap, range.bits / 8, (byte) 0);
            memory.writeLong(range.bitmap + RtlBitmapExLayout.SIZE_OF_BIT_MAP, range.bits);
            memory.writeLong(range.bitmap + RtlBitmapExLayout.BUFFER, bitmap);
            long drawn = random.below(rules.aslr().isHighEntropy() ? range.bits / 2 : CLASSIC_PLACES);
            memory.writeLong(range.bias, rules.aslr() == AslrPolicy.OFF ? 0 : drawn);
        }
    }

    /** The base for a new section of an image; the linked base if the image may not move. */
    long choose(PeImage image, String name) {
        boolean wantsTo =
                (image.dllCharacteristics() & PeFormat.DLL_DYNAMIC_BASE) != 0 || rules.aslr() == AslrPolicy.FORCED;
        if (!wantsTo || !image.isRelocatable() || rules.aslr() == AslrPolicy.OFF) {
            return image.imageBase();
        }
        if (image.isDll()) {
            Range range = image.imageBase() >= FOUR_GB ? high : low;
            long base = takeDllBase(range, Pages.alignUp(image.sizeOfImage(), Pages.GRANULARITY) / Pages.GRANULARITY);
            return base == 0 ? image.imageBase() : base;
        }
        return chooseForProgram(image, SeededRandom.of(seed, "image " + name));
    }

    private long chooseForProgram(PeImage image, SeededRandom random) {
        boolean isAware = (image.characteristics() & PeFormat.FILE_LARGE_ADDRESS_AWARE) != 0;
        long end = UserSpace.of64Bit(rules.userSpace(), isAware).end();
        if (isAware
                && rules.aslr().isHighEntropy()
                && (image.dllCharacteristics() & PeFormat.DLL_HIGH_ENTROPY_VA) != 0
                && image.imageBase() >= FOUR_GB) {
            return Pages.alignUp(end, FOUR_GB) - PROGRAMS_BELOW_END + random.below(PROGRAM_PLACES) * Pages.GRANULARITY;
        }
        long linked = image.imageBase() + image.sizeOfImage() <= end ? image.imageBase() : LOW_PROGRAM;
        long delta = (1 + random.below(CLASSIC_PLACES - 1)) * Pages.GRANULARITY;
        return linked + delta + image.sizeOfImage() <= end ? linked + delta : linked - delta;
    }

    /** A section is deleted: another image may have its place. */
    void release(long base, long sizeBytes) {
        long size = Pages.alignUp(sizeBytes, Pages.GRANULARITY);
        for (Range range : new Range[] {high, low}) {
            if (range.holds(base, size)) {
                mark(range, (range.top - base - size) / Pages.GRANULARITY, size / Pages.GRANULARITY, false);
            }
        }
    }

    private long takeDllBase(Range range, long granules) {
        long first = findClear(range, memory.readLong(range.bias), granules);
        if (first < 0) {
            first = findClear(range, 0, granules);
        }
        if (first < 0) {
            return 0;
        }
        mark(range, first, granules, true);
        return range.top - (first + granules) * Pages.GRANULARITY;
    }

    private long bitmap(Range range) {
        return memory.readLong(range.bitmap + RtlBitmapExLayout.BUFFER);
    }

    private long findClear(Range range, long from, long count) {
        long bits = bitmap(range);
        long run = 0;
        for (long bit = from; bit < range.bits; bit++) {
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

    private void mark(Range range, long first, long count, boolean set) {
        long bits = bitmap(range);
        for (long bit = first; bit < first + count; bit++) {
            int mask = 1 << (bit & 7);
            int old = memory.readByte(bits + bit / 8);
            memory.writeByte(bits + bit / 8, (byte) (set ? old | mask : old & ~mask));
        }
    }
}
