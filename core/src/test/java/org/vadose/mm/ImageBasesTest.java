package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vadose.base.Pages;
import org.vadose.memory.Mmu;
import org.vadose.memory.Mmus;
import org.vadose.memory.PhysicalMemory;
import org.vadose.memory.X64PageTables;
import org.vadose.nt.AddressSpaceRules;
import org.vadose.nt.AslrPolicy;
import org.vadose.nt.PoolType;
import org.vadose.nt.UserSpace;
import org.vadose.pe.KernelImage;
import org.vadose.pe.PeBuilder;
import org.vadose.pe.PeFormat;
import org.vadose.pe.PeImage;

/** Where images go, over many boots: the ranges, the alignment, and how many places are really used. */
class ImageBasesTest {
    private static final int BOOTS = 300;
    private static final int ASLR = PeFormat.DLL_DYNAMIC_BASE | PeFormat.DLL_HIGH_ENTROPY_VA;
    private static final long LINKED_HIGH = 0x1_4000_0000L;
    private static final long LINKED_LOW = 0x1000_0000L;

    private final PhysicalMemory ram = new PhysicalMemory(32L << 20);
    private final MemoryManager manager;
    private final List<long[]> blocks = new ArrayList<>();

    ImageBasesTest() {
        Mmus mmus = new Mmus(new Mmu(ram, new X64PageTables()));
        manager = MemoryManager.boot(mmus, 1, KernelImage.build());
    }

    private static PeImage image(long linked, int characteristics, boolean dll) {
        PeBuilder builder = new PeBuilder(linked, 1).dllCharacteristics(characteristics);
        builder.add(".text", PeFormat.SCN_CNT_CODE | PeFormat.SCN_MEM_EXECUTE | PeFormat.SCN_MEM_READ, new byte[16]);
        return PeImage.ofFile((dll ? builder.dll() : builder).toFile());
    }

    /** The bases of one boot. */
    private ImageBases boot(AslrPolicy policy, UserSpace space, long seed) {
        ImageBases bases = new ImageBases(
                manager.kernelMemory(), manager.kernelBase(), new AddressSpaceRules(space, policy), seed);
        bases.initialize(new Pool() {
            @Override
            public long allocate(PoolType type, long sizeBytes, int tag) {
                long pages = Pages.count(sizeBytes);
                long at = manager.systemSpace().allocate(SystemRegion.PAGED_POOL, pages, false);
                blocks.add(new long[] {at, pages});
                return at;
            }

            @Override
            public void free(long address) {}
        });
        return bases;
    }

    private void end() {
        blocks.forEach(block -> manager.systemSpace().free(SystemRegion.PAGED_POOL, block[0], block[1]));
        blocks.clear();
    }

    private Set<Long> overBoots(AslrPolicy policy, UserSpace space, PeImage image, long lowest, long end) {
        Set<Long> seen = new HashSet<>();
        for (int seed = 1; seed <= BOOTS; seed++) {
            long base = boot(policy, space, seed).choose(image, "C:\\a.exe");
            end();
            assertEquals(0, base & (Pages.GRANULARITY - 1));
            assertTrue(
                    base >= lowest && base + image.sizeOfImage() <= end,
                    "policy=%s seed=%d base=%x".formatted(policy, seed, base));
            seen.add(base);
        }
        return seen;
    }

    @ParameterizedTest
    @EnumSource(
            value = UserSpace.class,
            names = {"TB_8", "TB_128"})
    void highEntropy(UserSpace space) {
        long top = space.end();
        PeImage program = image(LINKED_HIGH, ASLR, false);
        Set<Long> programs = overBoots(
                AslrPolicy.HIGH_ENTROPY, space, program, top + 0x1_0000 - 0xA_0000_0000L, top - 0x7_FFC0_0000L);
        // Of 2^17 places, 300 draws hit fewer than 10 twice, practically always.
        assertTrue(programs.size() > BOOTS - 10, "distinct=" + programs.size());
        PeImage dll = image(0x1_8000_0000L, ASLR, true);
        Set<Long> dlls = overBoots(AslrPolicy.HIGH_ENTROPY, space, dll, top - 0x7_FFC0_0000L, top);
        assertTrue(dlls.size() > BOOTS - 10, "distinct=" + dlls.size());
        PeImage lowDll = image(LINKED_LOW, ASLR, true);
        Set<Long> lowDlls = overBoots(AslrPolicy.HIGH_ENTROPY, space, lowDll, 0x3800_0000L, 0x7800_0000L);
        assertTrue(lowDlls.size() > BOOTS - 25, "distinct=" + lowDlls.size());
    }

    @Test
    void classicImagesStayWithin16Megabytes() {
        for (PeImage image :
                new PeImage[] {image(LINKED_HIGH, ASLR, false), image(LINKED_LOW, PeFormat.DLL_DYNAMIC_BASE, false)}) {
            long linked = image.imageBase();
            Set<Long> seen = overBoots(
                    AslrPolicy.CLASSIC,
                    UserSpace.TB_128,
                    image,
                    linked + Pages.GRANULARITY,
                    linked + (16 << 20) + image.sizeOfImage());
            // 255 places, 300 draws: about 177 of them.
            assertTrue(seen.size() > 130 && seen.size() <= 255, "distinct=" + seen.size());
        }
        long top = UserSpace.TB_128.end();
        PeImage dll = image(0x1_8000_0000L, ASLR, true);
        Set<Long> dlls = overBoots(AslrPolicy.CLASSIC, UserSpace.TB_128, dll, top - (17 << 20), top);
        assertTrue(dlls.size() > 130 && dlls.size() <= 256, "distinct=" + dlls.size());
    }

    @Test
    void programsWithoutHighEntropyOrLinkedLowStayClassic() {
        for (PeImage image :
                new PeImage[] {image(LINKED_HIGH, PeFormat.DLL_DYNAMIC_BASE, false), image(LINKED_LOW, ASLR, false)}) {
            long linked = image.imageBase();
            Set<Long> seen = overBoots(
                    AslrPolicy.HIGH_ENTROPY,
                    UserSpace.TB_128,
                    image,
                    linked + Pages.GRANULARITY,
                    linked + (16 << 20) + image.sizeOfImage());
            assertTrue(seen.size() > 130, "distinct=" + seen.size());
        }
    }

    @Test
    void imagesThatMayNotMoveDoNot() {
        for (AslrPolicy policy : AslrPolicy.values()) {
            ImageBases bases = boot(policy, UserSpace.TB_128, 9);
            PeImage fixed = image(LINKED_HIGH, PeFormat.DLL_HIGH_ENTROPY_VA, false);
            boolean moves = policy == AslrPolicy.FORCED;
            assertEquals(moves, bases.choose(fixed, "a") != LINKED_HIGH, policy.text());
            PeImage willing = image(LINKED_HIGH, ASLR, false);
            assertEquals(policy == AslrPolicy.OFF, bases.choose(willing, "b") == LINKED_HIGH, policy.text());
            end();
        }
    }

    @Test
    void dllsArePackedBelowTheBiasAndGivenBack() {
        ImageBases bases = boot(AslrPolicy.HIGH_ENTROPY, UserSpace.TB_128, 3);
        PeImage dll = image(0x1_8000_0000L, ASLR, true);
        long first = bases.choose(dll, "a");
        long second = bases.choose(dll, "b");
        assertEquals(first - Pages.GRANULARITY, second);
        bases.release(first, dll.sizeOfImage());
        assertEquals(first, bases.choose(dll, "c"));
        end();
    }
}
