package org.vadose.check;

import java.util.List;
import org.vadose.base.Hex;
import org.vadose.base.Pages;
import org.vadose.layout.MiAssignedRegionTypesValues;
import org.vadose.target.Target;
import org.vadose.target.UnreadableMemoryException;

/** Every check there is, over a live machine or an image. One check that cannot go on is a finding and does not stop the next. */
public final class MachineCheck {
    private final Target target;
    private final Findings findings = new Findings();

    private MachineCheck(Target target) {
        this.target = target;
    }

    public static Findings run(Target target) {
        MachineCheck check = new MachineCheck(target);
        check.guarded("objects", () -> new ObjectCheck(target.kernel(), target.kernelBase(), check.findings).run());
        check.guarded("pools", check::pools);
        return check.findings;
    }

    private void pools() {
        new PoolCheck(target.kernel(), target.kernelBase(), findings)
                .run(
                        pages(MiAssignedRegionTypesValues.ASSIGNED_REGION_NON_PAGED_POOL),
                        pages(MiAssignedRegionTypesValues.ASSIGNED_REGION_PAGED_POOL));
    }

    /** The bitmap of a region's pages stands at the region's start and is no pool. */
    private Iterable<Long> pages(int region) {
        List<Long> pages = RegionPages.mapped(target.kernel(), target.kernelBase(), region);
        long frames = Pages.count(target.physicalBytes());
        return pages.subList((int) Math.min(pages.size(), Pages.count(frames / Byte.SIZE + Long.BYTES)), pages.size());
    }

    private void guarded(String what, Runnable check) {
        try {
            check.run();
        } catch (UnreadableMemoryException e) {
            findings.add("check of " + what + " ended at unreadable memory at=" + Hex.address(e.address()) + " "
                    + e.reason());
        } catch (IllegalStateException | IllegalArgumentException | IndexOutOfBoundsException e) {
            findings.add("check of " + what + " ended: " + e.getMessage());
        }
    }
}
