package org.vadose.ps;

import org.vadose.layout.KernelSymbols;
import org.vadose.layout.KuserSharedDataLayout;
import org.vadose.memory.Memory;
import org.vadose.nt.SharedUserData;

/** The machine's time. It stands in the shared user data and moves only when told, so that a run repeats. */
public final class SystemClock {
    /** 100 ns units. */
    public static final long MILLISECOND = 10_000;

    public static final long SECOND = 1000 * MILLISECOND;

    /** What the clock interrupt adds: 15.625 ms in 100 ns units. */
    public static final int TICK = 156_250;

    private final Memory memory;
    private final long kernelBase;
    private final SharedUserData shared;

    public SystemClock(Memory memory, long kernelBase) {
        this.memory = memory;
        this.kernelBase = kernelBase;
        this.shared = SharedUserData.kernel(memory);
    }

    /** @param bootTime 100 ns units since 1601 */
    public void start(long bootTime) {
        memory.writeLong(kernelBase + KernelSymbols.KE_BOOT_TIME, bootTime);
        memory.writeInt(kernelBase + KernelSymbols.KE_TIME_INCREMENT, TICK);
        memory.writeInt(kernelBase + KernelSymbols.KE_MAXIMUM_INCREMENT, TICK);
        // Ticks times this, shifted right by 24, are milliseconds.
        memory.writeInt(SharedUserData.KERNEL_ADDRESS + KuserSharedDataLayout.TICK_COUNT_MULTIPLIER, (int)
                (((long) TICK << 24) / MILLISECOND));
        shared.setSystemTime(bootTime);
    }

    /** Now, in 100 ns units since 1601. */
    public long now() {
        return shared.systemTime();
    }

    public long bootTime() {
        return memory.readLong(kernelBase + KernelSymbols.KE_BOOT_TIME);
    }

    /** 100 ns units since boot. */
    public long interruptTime() {
        return shared.interruptTime();
    }

    /** Lets time pass until a moment, in 100 ns units since boot, if it is not there yet. */
    public void advanceTo(long interruptTime) {
        long units = interruptTime - shared.interruptTime();
        if (units > 0) {
            advance(units);
        }
    }

    /** Lets time pass. */
    public void advance(long units) {
        long sinceBoot = shared.interruptTime() + units;
        shared.setSystemTime(shared.systemTime() + units);
        shared.setInterruptTime(sinceBoot);
        shared.setTickCount(sinceBoot / TICK);
    }
}
