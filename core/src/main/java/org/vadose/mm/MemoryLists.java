package org.vadose.mm;

import java.util.List;
import org.vadose.nt.Eprocess;

/** What {@code SystemMemoryListInformation} tells of the page lists, and what it does to them when it is set. */
public final class MemoryLists {
    private static final int HIGHEST_PRIORITY = 7;

    private final MemoryManager manager;

    MemoryLists(MemoryManager manager) {
        this.manager = manager;
    }

    /**
     * {@code SYSTEM_MEMORY_LIST_INFORMATION}: pages.
     *
     * @param modified of page files and of files
     * @param modifiedPageFile of page files
     * @param standby by priority
     * @param repurposed taken from standby lists since boot, by priority
     */
    public record Counts(
            long zeroed,
            long free,
            long modified,
            long modifiedPageFile,
            long modifiedNoWrite,
            long bad,
            long[] standby,
            long[] repurposed) {}

    public Counts counts() {
        return manager.pfns().counts();
    }

    /** {@code MemoryEmptyWorkingSets}: takes all that can be taken out of the processes' working sets and the system cache's. */
    public void emptyWorkingSets(List<Eprocess> processes) {
        for (Eprocess process : processes) {
            manager.workingSets().empty(process);
        }
        manager.systemCache().empty();
    }

    /** {@code MemoryFlushModifiedList}: writes modified pages, which go on to the standby lists. */
    public void flushModified() {
        manager.writeModifiedPages();
    }

    /** {@code MemoryPurgeStandbyList}: frees all standby pages. */
    public void purgeStandby() {
        manager.pfns().purgeStandby(HIGHEST_PRIORITY);
    }

    /** {@code MemoryPurgeLowPriorityStandbyList}: frees those that anything else would take first. */
    public void purgeLowPriorityStandby() {
        manager.pfns().purgeStandby(0);
    }
}
