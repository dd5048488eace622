package org.vadose.mm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiSectionStateLayout;
import org.vadose.layout.MiSystemInformationLayout;
import org.vadose.nt.AddressSpaceRules;
import org.vadose.nt.AslrPolicy;
import org.vadose.nt.Eprocess;
import org.vadose.nt.UserSpace;
import org.vadose.pe.PeBuilder;
import org.vadose.pe.PeFormat;
import org.vadose.pe.PeImage;

/** Where DLLs lie in processes: every policy, several boots, each setting of the header's two bits, linked high and low. */
class DllPlacementTest {
    private static final int[] FLAGS = {
        0,
        PeFormat.DLL_HIGH_ENTROPY_VA,
        PeFormat.DLL_DYNAMIC_BASE,
        PeFormat.DLL_DYNAMIC_BASE | PeFormat.DLL_HIGH_ENTROPY_VA
    };
    private static final long LOW_TOP = 0x7800_0000L;
    private static final int BOOTS = 4;

    private static PeImage dll(long linked, int flags) {
        PeBuilder builder = new PeBuilder(linked, 1).dll().dllCharacteristics(flags);
        builder.add(".text", PeFormat.SCN_CNT_CODE | PeFormat.SCN_MEM_EXECUTE | PeFormat.SCN_MEM_READ, new byte[16]);
        return PeImage.ofFile(builder.toFile());
    }

    private static long bias(MemoryManager manager, long field) {
        return manager.kernelMemory()
                .readLong(manager.kernelBase() + KernelSymbols.MI_STATE + MiSystemInformationLayout.SECTIONS + field);
    }

    @ParameterizedTest
    @EnumSource(AslrPolicy.class)
    void aDllHasOneBaseInAllProcessesOfABoot(AslrPolicy policy) {
        Set<Long> biases = new HashSet<>();
        for (int seed = 1; seed <= BOOTS; seed++) {
            SmallMachine machine =
                    new SmallMachine(32L << 20, new AddressSpaceRules(UserSpace.TB_128, policy), 1, seed);
            MemoryManager manager = machine.manager();
            Eprocess[] processes = {machine.newProcess(4), machine.newProcess(8), machine.newProcess(12)};
            long high = bias(manager, MiSectionStateLayout.IMAGE_BIAS_NATIVE);
            long low = bias(manager, MiSectionStateLayout.IMAGE_BIAS64_LOW);
            biases.add(high);
            long expectedHigh = UserSpace.TB_128.end() - high * Pages.GRANULARITY;
            long expectedLow = LOW_TOP - low * Pages.GRANULARITY;
            int number = 0;
            for (int flags : FLAGS) {
                for (boolean isLow : new boolean[] {false, true}) {
                    long linked = (isLow ? 0x1000_0000L : 0x1_8000_0000L) + (long) number * Pages.LARGE_SIZE;
                    PeImage image = dll(linked, flags);
                    boolean moves = policy == AslrPolicy.FORCED
                            || policy != AslrPolicy.OFF && (flags & PeFormat.DLL_DYNAMIC_BASE) != 0;
                    long size = Pages.alignUp(image.sizeOfImage(), Pages.GRANULARITY);
                    long expected = linked;
                    if (moves && isLow) {
                        expected = expectedLow -= size;
                    } else if (moves) {
                        expected = expectedHigh -= size;
                    }
                    long area = manager.sections().create(image, "dll" + number++, 0);
                    for (Eprocess process : processes) {
                        assertEquals(
                                expected,
                                manager.sections().map(process, area).base(),
                                "policy=%s seed=%d flags=%x low=%s pid=%d"
                                        .formatted(policy, seed, flags, isLow, process.uniqueProcessId()));
                    }
                }
            }
            assertEquals(high, bias(manager, MiSectionStateLayout.IMAGE_BIAS_NATIVE), "fixed for the boot");
            machine.check("mapped");
            machine.close();
        }
        boolean isClassic = policy == AslrPolicy.CLASSIC;
        assertTrue(biases.stream().allMatch(bias -> bias < (isClassic ? 256 : 1 << 19)), biases::toString);
        assertEquals(policy == AslrPolicy.OFF ? 1 : BOOTS, biases.size(), biases::toString);
    }
}
