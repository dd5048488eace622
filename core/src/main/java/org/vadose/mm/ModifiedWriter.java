package org.vadose.mm;

import org.jspecify.annotations.Nullable;
import org.vadose.base.NtStatus;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiPartitionModwritesLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.Pfn;

/**
 * The modified-page writer and the mapped-page writer: pages of the modified lists go to page files, in clusters, or to their own
 * files, and then to standby. What cannot be written stays modified and is tried again later.
 */
final class ModifiedWriter {
    private final Memory memory;
    private final long state;
    private final PfnDatabase pfns;
    private final PageFiles files;
    private final Prototypes prototypes;
    private final PageFiles.Run run = new PageFiles.Run();
    private final long[] frames = new long[PageFiles.CLUSTER_PAGES];
    private @Nullable ModifiedPageTaker taker;
    private boolean pagesTaken;
    private boolean takerWaits;

    ModifiedWriter(MemoryManager manager, PageFiles files, Prototypes prototypes) {
        this.memory = manager.kernelMemory();
        this.state = manager.kernelBase() + KernelSymbols.MI_SYSTEM_PARTITION + MiPartitionLayout.MODWRITER;
        this.pfns = manager.pfns();
        this.files = files;
        this.prototypes = prototypes;
    }

    /** Writes pages until so many have become available, or no more can be written; whole clusters. */
    void write(long pages) {
        long goal = pfns.availablePages() + pages;
        while (pfns.availablePages() < goal && (writeMapped() || writeCluster())) {
            // The condition does it.
        }
    }

    /** Writes the mapped page that waits longest; false when there is none or it could not be written. */
    boolean writeMapped() {
        long frame = pfns.firstMappedModified();
        if (frame == Pfn.LIST_END) {
            return false;
        }
        NtStatus status = prototypes.writeBack(frame);
        if (!status.isSuccess()) {
            pfns.postpone(frame);
            memory.writeInt(state + MiPartitionModwritesLayout.LAST_MAPPED_WRITE_ERROR, status.code());
        }
        return status.isSuccess();
    }

    /** Who is offered pages first; nobody until this is called. */
    void setTaker(ModifiedPageTaker newTaker) {
        taker = newTaker;
    }

    /** Lets the taker sit out: the pool or system space is in the middle of something, and it needs them. */
    void setTakerWaits(boolean waits) {
        takerWaits = waits;
    }

    /** Pages that the taker would have. */
    long takerRoom() {
        ModifiedPageTaker asked = taker;
        return asked == null || takerWaits ? 0 : asked.room();
    }

    /** Writes the pages that wait longest to adjacent slots; false when there are none, or no slots, or the write failed. */
    boolean writeCluster() {
        int count = offered(longestWaiting());
        if (count == 0 || !files.take(count, run)) {
            return pagesTaken;
        }
        NtStatus status = files.write(run.file, run.slot, frames, run.pages);
        if (!status.isSuccess()) {
            files.free(run.file, run.slot, run.pages);
            for (int i = 0; i < run.pages; i++) {
                pfns.postpone(frames[i]);
            }
            memory.writeInt(state + MiPartitionModwritesLayout.LAST_MODIFIED_WRITE_ERROR, status.code());
            return false;
        }
        if (frames[0] == pfns.firstModified() && !pagesTaken) {
            pfns.pagedOut(frames, run.pages, run.file, run.slot);
            return true;
        }
        // The taker had some of those between.
        for (int i = 0; i < run.pages; i++) {
            pfns.pagedOut(frames[i], run.file, run.slot + i);
        }
        return true;
    }

    /** Puts the first of the modified list into {@link #frames}; answers how many. */
    private int longestWaiting() {
        int count = (int) Math.min(pfns.modifiedPages(), frames.length);
        long frame = pfns.firstModified();
        for (int i = 0; i < count; i++) {
            frames[i] = frame;
            frame = pfns.pfn(frame).flink();
        }
        return count;
    }

    /** Lets the taker have what it wants of {@link #frames}; answers how many are left. */
    private int offered(int count) {
        pagesTaken = false;
        ModifiedPageTaker offeredTo = taker;
        if (offeredTo == null || takerWaits || count == 0) {
            return count;
        }
        offeredTo.offer(frames, count);
        int left = 0;
        for (int i = 0; i < count; i++) {
            if (frames[i] != PfnDatabase.NONE) {
                frames[left++] = frames[i];
            }
        }
        pagesTaken = left < count;
        return left;
    }
}
