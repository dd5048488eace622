package org.vadose.ke;

import org.vadose.layout.DispatcherHeaderLayout;
import org.vadose.layout.KprcbLayout;
import org.vadose.layout.KtimerLayout;
import org.vadose.layout.KtimerTableEntryLayout;
import org.vadose.layout.KtimerTableLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.Kprcb;
import org.vadose.nt.Ktimer;
import org.vadose.nt.ListEntry;

/**
 * The timers that are set, in the first processor's {@code _KTIMER_TABLE}: a list for each of {@value #HANDS} hands of a clock, each
 * sorted by due time. A timer's hand is bits 18 to 25 of its due time, so that a hand spans 26 ms and the clock goes round in 6.7 s.
 *
 * <pre>
 *   Entry   head of the list
 *   Time    due time of the first on it, or {@link #NEVER_DUE}
 * </pre>
 */
public final class TimerTable {
    /** Hands of the table. */
    public static final int HANDS = 256;

    private static final int HAND_SHIFT = 18;
    /** {@code Time} of an empty list. */
    private static final long NEVER_DUE = -1L;

    private final Memory memory;
    private final long kernelBase;
    private long table;
    /** Due time of the first timer of all, or {@link Long#MAX_VALUE}; what {@code Time} says in 256 places. */
    private long nextDue = Long.MAX_VALUE;

    TimerTable(Memory memory, long kernelBase) {
        this.memory = memory;
        this.kernelBase = kernelBase;
    }

    /** Makes the lists of a processor's table empty; at boot. */
    public static void initialize(Kprcb prcb) {
        Memory memory = prcb.memory();
        long entries = prcb.address() + KprcbLayout.TIMER_TABLE + KtimerTableLayout.TIMER_ENTRIES;
        for (int i = 0; i < 2 * HANDS; i++) {
            long entry = entries + i * KtimerTableEntryLayout.SIZE;
            new ListEntry(memory, entry + KtimerTableEntryLayout.ENTRY).initialize();
            memory.writeLong(entry + KtimerTableEntryLayout.TIME, NEVER_DUE);
        }
    }

    /** Where a due time's list stands in a processor's table. */
    public static long entryOf(Kprcb prcb, long dueTime) {
        return prcb.address()
                + KprcbLayout.TIMER_TABLE
                + KtimerTableLayout.TIMER_ENTRIES
                + hand(dueTime) * KtimerTableEntryLayout.SIZE;
    }

    private static int hand(long dueTime) {
        return (int) (dueTime >>> HAND_SHIFT) & HANDS - 1;
    }

    private long entry(int hand) {
        if (table == 0) {
            table = entryOf(Kprcb.of(memory, kernelBase, 0), 0);
        }
        return table + hand * KtimerTableEntryLayout.SIZE;
    }

    private ListEntry head(int hand) {
        return new ListEntry(memory, entry(hand) + KtimerTableEntryLayout.ENTRY);
    }

    /** When the first timer expires, in interrupt time; {@link Long#MAX_VALUE} when none is set. */
    public long nextDue() {
        return nextDue;
    }

    /** Sets a timer, which is not in the table yet. */
    void insert(Ktimer timer, long dueTime) {
        timer.setDueTime(dueTime);
        timer.setInserted(true);
        int hand = hand(dueTime);
        memory.writeByte(timer.address() + DispatcherHeaderLayout.HAND, (byte) hand);
        ListEntry head = head(hand);
        long before = head.blink();
        while (before != head.address()
                && Ktimer.ofTimerListEntry(memory, before).dueTime() > dueTime) {
            before = new ListEntry(memory, before).blink();
        }
        new ListEntry(memory, before).insertHead(timer.address() + KtimerLayout.TIMER_LIST_ENTRY);
        if (before == head.address()) {
            memory.writeLong(entry(hand) + KtimerTableEntryLayout.TIME, dueTime);
        }
        nextDue = Math.min(nextDue, dueTime);
    }

    /** Takes a set timer out. */
    void remove(Ktimer timer) {
        timer.timerListEntry().remove();
        timer.setInserted(false);
        int hand = hand(timer.dueTime());
        ListEntry head = head(hand);
        memory.writeLong(
                entry(hand) + KtimerTableEntryLayout.TIME,
                head.isEmpty()
                        ? NEVER_DUE
                        : Ktimer.ofTimerListEntry(memory, head.flink()).dueTime());
        if (timer.dueTime() == nextDue) {
            nextDue = firstOfAll();
        }
    }

    private long firstOfAll() {
        long first = NEVER_DUE;
        for (int hand = 0; hand < HANDS; hand++) {
            long time = memory.readLong(entry(hand) + KtimerTableEntryLayout.TIME);
            if (Long.compareUnsigned(time, first) < 0) {
                first = time;
            }
        }
        return first == NEVER_DUE ? Long.MAX_VALUE : first;
    }

    /** The timer that expires first; some timer is set. */
    Ktimer first() {
        return Ktimer.ofTimerListEntry(memory, head(hand(nextDue)).flink());
    }

    /** Whether anybody waits for any of the timers. */
    boolean someoneWaits() {
        for (int hand = 0; hand < HANDS; hand++) {
            ListEntry head = head(hand);
            for (long at = head.flink(); at != head.address(); at = new ListEntry(memory, at).flink()) {
                if (!Ktimer.ofTimerListEntry(memory, at).header().waitListHead().isEmpty()) {
                    return true;
                }
            }
        }
        return false;
    }
}
