package org.vadose.mm;

import java.util.function.LongConsumer;
import org.vadose.base.Pages;
import org.vadose.layout.KernelSymbols;
import org.vadose.layout.MiMemoryEventTypesValues;
import org.vadose.layout.MiPartitionCommitLayout;
import org.vadose.layout.MiPartitionCoreLayout;
import org.vadose.layout.MiPartitionLayout;
import org.vadose.layout.MiPartitionPageListsLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.DispatcherHeader;

/**
 * The events that tell programs how much memory is left ({@code _MI_PARTITION_CORE.MemoryEvents}). Available pages are low below
 * 32 MB for each 4 GB of RAM, at most 64 MB, and high above three times that (SDK, CreateMemoryResourceNotification). The limits of
 * commitment are this machine's choice: low below three quarters of the limit, high above nine tenths of it, at the maximum above
 * nine tenths of what the page files may grow to.
 *
 * <p>Nothing is done when a page comes or goes: {@link #update} looks, at the latest when the clock is shown to programs, and when
 * memory gets short.
 */
public final class MemoryEvents {
    /** How many events there are; their numbers are those of {@code _MI_MEMORY_EVENT_TYPES}. */
    public static final int COUNT = MiMemoryEventTypesValues.TOTAL_NUMBER_OF_MEMORY_EVENTS;

    private static final long RAM_TO_LOW = 128;
    private static final long MOST_LOW = (64L << 20) / Pages.SIZE;
    private static final long HIGH_TO_LOW = 3;

    private final MemoryManager manager;
    private final Memory memory;
    private final long partition;
    private final long low;
    private final long high;
    private LongConsumer signal = event -> {};
    private LongConsumer reset = event -> {};
    private boolean connected;

    MemoryEvents(MemoryManager manager) {
        this.manager = manager;
        this.memory = manager.kernelMemory();
        this.partition = manager.kernelBase() + KernelSymbols.MI_SYSTEM_PARTITION;
        this.low = Math.min(manager.pfns().frames() / RAM_TO_LOW, MOST_LOW);
        this.high = low * HIGH_TO_LOW;
        memory.writeLong(
                partition + MiPartitionLayout.PAGE_LISTS + MiPartitionPageListsLayout.LOW_MEMORY_THRESHOLD, low);
        memory.writeLong(
                partition + MiPartitionLayout.PAGE_LISTS + MiPartitionPageListsLayout.HIGH_MEMORY_THRESHOLD, high);
    }

    /**
     * Uses events, notification events all.
     *
     * @param events by number
     * @param newSignal signals one, waking who waits for it
     * @param newReset makes one not signalled
     */
    public void connect(long[] events, LongConsumer newSignal, LongConsumer newReset) {
        signal = newSignal;
        reset = newReset;
        for (int i = 0; i < COUNT; i++) {
            memory.writeLong(slot(i), events[i]);
        }
        connected = true;
        update();
    }

    private long slot(int number) {
        return partition + MiPartitionLayout.CORE + MiPartitionCoreLayout.MEMORY_EVENTS + 8L * number;
    }

    /** The event of a number; 0 before there are any. */
    public long event(int number) {
        return memory.readLong(slot(number));
    }

    /** Pages below which available memory is low. */
    public long lowPages() {
        return low;
    }

    /** Makes the events say what is true now. With the kernel's lock. */
    public void update() {
        if (!connected) {
            return;
        }
        long available = manager.pfns().availablePages();
        set(MiMemoryEventTypesValues.LOW_AVAILABLE_PAGES_EVENT, available < low);
        set(MiMemoryEventTypesValues.HIGH_AVAILABLE_PAGES_EVENT, available > high);
        boolean poolsGrow = available > low;
        set(MiMemoryEventTypesValues.LOW_PAGED_POOL_EVENT, !poolsGrow);
        set(MiMemoryEventTypesValues.HIGH_PAGED_POOL_EVENT, poolsGrow);
        set(MiMemoryEventTypesValues.LOW_NON_PAGED_POOL_EVENT, !poolsGrow);
        set(MiMemoryEventTypesValues.HIGH_NON_PAGED_POOL_EVENT, poolsGrow);
        long limit = manager.commitLimitPages();
        long committed = manager.totalCommittedPages();
        long lowCommit = limit / 4 * 3;
        long highCommit = limit / 10 * 9;
        memory.writeLong(
                partition + MiPartitionLayout.COMMIT + MiPartitionCommitLayout.LOW_COMMIT_THRESHOLD, lowCommit);
        memory.writeLong(
                partition + MiPartitionLayout.COMMIT + MiPartitionCommitLayout.HIGH_COMMIT_THRESHOLD, highCommit);
        set(MiMemoryEventTypesValues.LOW_COMMIT_EVENT, committed < lowCommit);
        set(MiMemoryEventTypesValues.HIGH_COMMIT_EVENT, committed > highCommit);
        long most = limit + manager.pageFiles().growthPages();
        set(MiMemoryEventTypesValues.MAXIMUM_COMMIT_EVENT, committed > most / 10 * 9);
    }

    private void set(int number, boolean signalled) {
        long event = event(number);
        if (new DispatcherHeader(memory, event).signalState() != 0 != signalled) {
            (signalled ? signal : reset).accept(event);
        }
    }
}
