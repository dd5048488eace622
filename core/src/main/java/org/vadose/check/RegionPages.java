package org.vadose.check;

import java.util.ArrayList;
import java.util.List;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiSystemVaAssignmentLayout;
import org.vadose.layout.MiVisibleStateLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.SelfMap;
import org.vadose.nt.SharedUserData;

/** Which pages of a region of system space are mapped, read from the page tables through the self-map. */
public final class RegionPages {
    private static final long PRESENT = 1;
    private static final long LARGE = 0x80;

    private RegionPages() {}

    /**
     * @param region index into {@code SystemVaRegions}
     * @return addresses of its valid 4 KB pages, rising
     */
    public static List<Long> mapped(Memory memory, long kernelBase, int region) {
        long regions =
                memory.readLong(kernelBase + KernelSymbols.MI_VISIBLE_STATE) + MiVisibleStateLayout.SYSTEM_VA_REGIONS;
        long assignment = regions + region * MiSystemVaAssignmentLayout.SIZE;
        long start = memory.readLong(assignment + MiSystemVaAssignmentLayout.BASE_ADDRESS);
        long end = start + memory.readLong(assignment + MiSystemVaAssignmentLayout.NUMBER_OF_BYTES);
        SelfMap map = SelfMap.of(memory, kernelBase);
        List<Long> found = new ArrayList<>();
        collect(memory, map, 4, start, end, SharedUserData.kernel(memory).physicalPages(), found);
        return found;
    }

    private static void collect(
            Memory memory, SelfMap map, int level, long start, long end, long most, List<Long> found) {
        long step = Pages.SIZE << 9 * (level - 1);
        for (long at = start; at != end && Long.compareUnsigned(at, end) < 0; at += step) {
            long entry = memory.readLong(map.entry(level, at));
            if ((entry & PRESENT) == 0 || level > 1 && (entry & LARGE) != 0) {
                continue;
            }
            if (level == 1) {
                found.add(at);
                if (found.size() > most) {
                    throw new IllegalStateException("region has more pages than RAM va=" + Hex.address(at));
                }
            } else {
                collect(memory, map, level - 1, at, at + step, most, found);
            }
        }
    }
}
