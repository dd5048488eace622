package org.vadose.win32;

/**
 * The time a guest sees, in ticks of 100 ns. It moves with the instructions the guest executes and jumps over sleeps, so a run
 * repeats exactly and a sleeping guest costs no time.
 */
public final class GuestClock {
    /** Guest instructions in a tick: a processor that does a thousand million a second. */
    public static final long INSTRUCTIONS_PER_TICK = 100;

    private final long start;
    private long jumped;
    private final int processors;
    private long instructions;

    /** @param startTicks system time at boot: ticks since 1601 */
    public GuestClock(long startTicks) {
        this(startTicks, 0, 1);
    }

    /**
     * @param now ticks since boot
     * @param processors that execute the instructions at the same time
     */
    public GuestClock(long startTicks, long now, int processors) {
        start = startTicks;
        jumped = now;
        this.processors = processors;
    }

    /** Ticks since boot. */
    public long now() {
        return jumped + instructions / (INSTRUCTIONS_PER_TICK * processors);
    }

    /** Ticks since 1601, UTC: a FILETIME. */
    public long systemTime() {
        return start + now();
    }

    void executed(long count) {
        instructions += count;
    }

    /** Moves the clock on to {@code ticks} since boot, if that is not past. */
    void advanceTo(long ticks) {
        jumped += Math.max(0, ticks - now());
    }
}
