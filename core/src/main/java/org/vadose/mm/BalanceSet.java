package org.vadose.mm;

import org.jspecify.annotations.Nullable;
import org.vadose.memory.Memory;
import org.vadose.nt.Eprocess;

/**
 * The balance-set manager: keeps frames available. It runs in the thread that finds too few of them, at points where no
 * page-table entry is half changed, so that a run can be repeated.
 *
 * <pre>
 *   every second       age the working sets of processes
 *   available &lt; low    trim working sets (of processes and of the system cache) that have more than their minimum: the oldest
 *                      pages first, then those not accessed, then any; then below the minimum, too; write modified pages;
 *                      until available &gt;= high
 * </pre>
 */
final class BalanceSet {
    private static final int MOST_PROCESSES = 1 << 16;
    /** What a fault may need. */
    private static final long LEAST = 8;

    private static final long LEAST_LOW = 32;
    /** Less than what lets a processor resolve faults without the kernel's lock, which this needs. */
    private static final long MOST_LOW = 512;

    private static final int HIGH_TO_LOW = 4;
    private static final long LEAST_OF_RUN = 64;
    /** How much earlier others are asked to do the work. */
    private static final int HEADROOM = 2;

    private static final long LEAST_SHARE = 16;

    private final MemoryManager manager;
    private final Memory memory;
    private final AddressSpaces spaces;
    private final PfnDatabase pfns;
    private final PageFiles files;
    private final Trimmer trimmer;
    private final ModifiedWriter writer;
    private final Ager ager;
    private final long usualLow;
    /** Lower than usual while nothing more can be done. */
    private long low;

    private boolean running;
    private @Nullable BackgroundWork background;

    /** One round of a trim: what is taken, and how much each process keeps. */
    private enum Round {
        FIRST(Trimmer.Choice.OLDEST, true),
        /** The first has marked what it passed; what was accessed since stays once more. */
        SECOND(Trimmer.Choice.NOT_ACCESSED, true),
        ABOVE_MINIMUM(Trimmer.Choice.ANY, true),
        BELOW_MINIMUM(Trimmer.Choice.ANY, false);

        final Trimmer.Choice choice;
        final boolean keepsMinimum;

        Round(Trimmer.Choice choice, boolean keepsMinimum) {
            this.choice = choice;
            this.keepsMinimum = keepsMinimum;
        }
    }

    BalanceSet(
            MemoryManager manager,
            AddressSpaces spaces,
            PageFiles files,
            Trimmer trimmer,
            ModifiedWriter writer,
            Ager ager) {
        this.manager = manager;
        this.memory = manager.kernelMemory();
        this.spaces = spaces;
        this.pfns = manager.pfns();
        this.files = files;
        this.trimmer = trimmer;
        this.writer = writer;
        this.ager = ager;
        this.usualLow = usualLow(pfns.frames());
        this.low = usualLow;
    }

    /** What a machine of so many frames tries to keep available at least. */
    static long usualLow(long frames) {
        return Math.clamp(frames / 128, LEAST_LOW, MOST_LOW);
    }

    /** Tells who is to do the work if that is not the thread which finds that there is some. */
    void use(BackgroundWork work) {
        background = work;
    }

    /** With fewer available frames than this, there is work to do. */
    long lowPages() {
        return isInBackground() ? HEADROOM * usualLow : low;
    }

    /** Whether it is making frames available at this moment. */
    boolean isRunning() {
        return running;
    }

    private boolean isInBackground() {
        BackgroundWork work = background;
        return work != null && work.isRunning();
    }

    /** Makes frames available: what is usual, and so many more. */
    void relieve(long extraPages) {
        if (running) {
            return;
        }
        BackgroundWork work = background;
        if (work != null && work.isRunning()) {
            work.wakeBalanceSet(spaces.current());
            if (pfns.availablePages() - extraPages >= low) {
                return;
            }
        }
        running = true;
        try {
            count(BackgroundWork.Duty.BALANCE_SET);
            pfns.takeBackFromProcessors();
            manager.memoryEvents().update();
            long goal = usualLow * HIGH_TO_LOW + extraPages;
            if (trimBehindRun(spaces.current(), goal - pfns.availablePages() - writablePages()) != 0) {
                // More of it comes with the next reads.
                goal = usualLow + LEAST_OF_RUN + extraPages;
            }
            for (Round round : Round.values()) {
                if (pfns.availablePages() >= goal) {
                    break;
                }
                if (pfns.availablePages() + writablePages() < goal) {
                    trim(goal - pfns.availablePages() - writablePages(), round);
                }
                write(goal - pfns.availablePages());
            }
            // Looking again at every fault would help nobody.
            low = pfns.availablePages() >= usualLow ? usualLow : Math.max(LEAST, pfns.availablePages() - LEAST);
        } finally {
            running = false;
        }
    }

    /** Ages every process's working set. Due once a second. */
    void age() {
        for (long link : spaces.expansion().entries(MOST_PROCESSES)) {
            long before = spaces.enter(Eprocess.ofExpansionLinks(memory, link));
            try {
                ager.age(spaces.entered());
            } finally {
                spaces.leave(before);
            }
        }
    }

    private void count(BackgroundWork.Duty duty) {
        if (background != null) {
            background.count(duty);
        }
    }

    private void write(long pages) {
        if (pages > 0) {
            if (pfns.modifiedPages() != 0) {
                count(BackgroundWork.Duty.MODIFIED_WRITER);
            }
            if (pfns.mappedModifiedPages() != 0) {
                count(BackgroundWork.Duty.MAPPED_WRITER);
            }
            writer.write(pages);
        }
    }

    /** Whether fewer frames are available than usual. */
    private boolean wantsMore() {
        return pfns.availablePages() < usualLow * HIGH_TO_LOW;
    }

    /** Writes a little of what is modified if fewer frames are available than usual; false when nothing was written. */
    boolean writeSome(BackgroundWork.Duty duty) {
        if (running || !wantsMore()) {
            return false;
        }
        running = true;
        try {
            boolean done = duty == BackgroundWork.Duty.MAPPED_WRITER ? writer.writeMapped() : writer.writeCluster();
            if (done) {
                count(duty);
            }
            return done;
        } finally {
            running = false;
        }
    }

    /**
     * Trims until what is usual is available or can be written.
     *
     * @param faulting whose faults ate up what was available
     * @return whether that succeeded
     */
    boolean trimForWriters(@Nullable ProcessSpace faulting) {
        if (running || !wantsMore()) {
            return true;
        }
        running = true;
        try {
            count(BackgroundWork.Duty.BALANCE_SET);
            pfns.takeBackFromProcessors();
            if (faulting != null && spaces.isThere(faulting)) {
                trimBehindRun(faulting, needed());
            }
            for (Round round : Round.values()) {
                if (needed() <= 0) {
                    break;
                }
                trim(needed(), round);
            }
            return needed() <= 0;
        } finally {
            running = false;
        }
    }

    private long needed() {
        return usualLow * HIGH_TO_LOW - pfns.availablePages() - writablePages();
    }

    /** Answers how many pages were trimmed. */
    private long trimBehindRun(@Nullable ProcessSpace space, long need) {
        long most = space == null ? 0 : Math.min(need, excess(space.process(), Round.FIRST));
        if (space == null || most <= 0) {
            return 0;
        }
        long before = spaces.enter(space.process());
        try {
            return trimmer.trimBehindRun(space, most, mayWrite(space.process()));
        } finally {
            spaces.leave(before);
        }
    }

    /** As {@link #relieve}, without the compression store, which needs pool and system space itself. */
    void relieveForSystem(long extraPages) {
        writer.setTakerWaits(true);
        try {
            relieve(extraPages);
        } finally {
            writer.setTakerWaits(false);
        }
    }

    void writeAll() {
        if (running) {
            return;
        }
        running = true;
        try {
            write(pfns.modifiedPages() + pfns.mappedModifiedPages());
        } finally {
            running = false;
        }
    }

    /** Modified pages that can be written. */
    private long writablePages() {
        return Math.min(pfns.modifiedPages(), files.freeSlots() + writer.takerRoom()) + pfns.mappedModifiedPages();
    }

    private void trim(long need, Round round) {
        if (files.count() != 0 && files.freeSlots() < pfns.modifiedPages() + need) {
            pfns.giveUpSlotsOfActivePages();
        }
        long[] links = spaces.expansion().entries(MOST_PROCESSES);
        long total = 0;
        long cache = excess(manager.systemCache().workingSet(), round);
        total += cache;
        for (long link : links) {
            total += excess(Eprocess.ofExpansionLinks(memory, link), round);
        }
        if (total == 0) {
            return;
        }
        double part = Math.min(1, (double) need / total);
        if (cache > 0) {
            manager.systemCache().trim((long) Math.ceil(cache * part), round.choice);
        }
        for (long link : links) {
            Eprocess process = Eprocess.ofExpansionLinks(memory, link);
            long share = (long) Math.ceil(excess(process, round) * part);
            // Loading an address space for a handful of pages costs more than it yields.
            if (share >= (round.choice == Trimmer.Choice.ANY ? 1 : LEAST_SHARE)) {
                trim(process, share, round.choice);
            }
        }
    }

    private static long excess(SystemCacheWorkingSet cache, Round round) {
        boolean isHard = (cache.hardLimits() & SystemCacheWorkingSet.MINIMUM_HARD_ENABLE) != 0;
        return Math.max(0, cache.sizePages() - (round.keepsMinimum || isHard ? cache.minimumPages() : 0));
    }

    /** Pages that a process may lose. */
    private static long excess(Eprocess process, Round round) {
        boolean keeps = round.keepsMinimum || process.isMinimumWorkingSetHard();
        return Math.max(0, process.workingSetLeafSize() - (keeps ? process.minimumWorkingSetSize() : 0));
    }

    /** Whether what a process has written could be written out. What the store's own pages hold is compressed already. */
    private boolean mayWrite(Eprocess process) {
        long room = files.freeSlots() + (files.isStoreProcess(process) ? 0 : writer.takerRoom());
        return room > pfns.modifiedPages();
    }

    /** Trims one working set; answers how many pages it lost. */
    long trim(Eprocess process, long pages, Trimmer.Choice choice) {
        long before = spaces.enter(process);
        try {
            return trimmer.trim(spaces.entered(), pages, choice, mayWrite(process));
        } finally {
            spaces.leave(before);
        }
    }

    /** A working set that must not grow beyond its maximum has reached it: makes room. */
    void keepBelowMaximum(ProcessSpace space) {
        Eprocess process = space.process();
        long over = process.workingSetSize() + 1 - process.maximumWorkingSetSize();
        if (over <= 0) {
            return;
        }
        long room = Math.max(over, process.maximumWorkingSetSize() / 16);
        long done = trim(process, room, Trimmer.Choice.NOT_ACCESSED);
        if (done < over) {
            trim(process, room - done, Trimmer.Choice.NOT_ACCESSED);
        }
    }
}
