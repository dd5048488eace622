package org.vadose.machine;

import org.vadose.win32.GuestProcess;
import org.vadose.win32.GuestThread;

/** A program started on a machine. */
public final class RunningProgram {
    private final GuestProcess process;
    private final GuestThread mainThread;

    RunningProgram(GuestProcess process, GuestThread mainThread) {
        this.process = process;
        this.mainThread = mainThread;
    }

    public GuestProcess process() {
        return process;
    }

    public GuestThread mainThread() {
        return mainThread;
    }

    /**
     * Waits until the program has ended; if it did not end by itself, its error stream then says why.
     *
     * @return its exit code, all 32 bits
     */
    public int await() throws InterruptedException {
        return process.awaitEnd();
    }

    /** Ends the program soon, whatever it does; {@link #await} then returns. From any thread. */
    public void stop() {
        process.requestStop();
    }
}
