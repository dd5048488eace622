package org.vadose.check;

import java.util.List;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.MiAssignedRegionTypesValues;
import org.vadose.memory.Memory;
import org.vadose.nt.SharedUserData;
import org.vadose.target.Target;
import org.vadose.target.UnreadableMemoryException;

/** All validators, one after the other, over one kernel address space. */
public final class SystemCheck {
    private SystemCheck() {}

    /** One validator at work. */
    @FunctionalInterface
    private interface Step {
        void run();
    }

    /**
     * Checks a system.
     *
     * @param memory the kernel's address space, of a live machine or an image
     * @param kernelBase where its kernel image stands
     */
    public static Findings run(Memory memory, long kernelBase) {
        Findings findings = new Findings();
        guard(
                findings,
                "pools",
                () -> new PoolCheck(memory, kernelBase, findings)
                        .run(
                                poolPages(
                                        memory, kernelBase, MiAssignedRegionTypesValues.ASSIGNED_REGION_NON_PAGED_POOL),
                                poolPages(memory, kernelBase, MiAssignedRegionTypesValues.ASSIGNED_REGION_PAGED_POOL)));
        guard(findings, "objects", () -> new ObjectCheck(memory, kernelBase, findings).run());
        guard(findings, "cache", () -> new CacheCheck(memory, kernelBase, findings).run());
        guard(findings, "processes", () -> new ProcessCheck(memory, kernelBase, findings).run());
        guard(findings, "waits", () -> new WaitCheck(memory, kernelBase, findings).run());
        return findings;
    }

    /**
     * Checks a system and all its memory.
     *
     * @param target a live machine at rest, or an image
     */
    public static Findings run(Target target) {
        target.forget();
        Findings findings = run(target.kernel(), target.kernelBase());
        guard(findings, "memory", () -> new MemoryCheck(target, findings).run());
        return findings;
    }

    /** What a validator did not expect at all is a finding like any other. */
    private static void guard(Findings findings, String what, Step step) {
        try {
            step.run();
        } catch (UnreadableMemoryException e) {
            findings.add(what + " could not be walked to the end: " + e.getMessage());
        } catch (RuntimeException e) {
            findings.add(what + " could not be walked to the end: " + e);
        }
    }

    /** Pages of a pool's region, less those at its start that hold the region's own bitmap, a bit a frame of RAM. */
    private static List<Long> poolPages(Memory memory, long kernelBase, int region) {
        List<Long> pages = RegionPages.mapped(memory, kernelBase, region);
        long frames = SharedUserData.kernel(memory).physicalPages();
        int bitmap = (int) Pages.count(frames / 8 + 8);
        if (bitmap > pages.size()) {
            throw new IllegalStateException("pool region has too few pages region=" + region + " pages=" + pages.size()
                    + " frames=" + Hex.plain(frames));
        }
        return pages.subList(bitmap, pages.size());
    }
}
