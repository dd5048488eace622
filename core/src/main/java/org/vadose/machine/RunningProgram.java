package org.vadose.machine;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.GuestThread;

/** A program started on a machine. */
public final class RunningProgram {
    private final GuestProcess process;
    private final GuestThread mainThread;
    private boolean reported;

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
     * Waits until the program has ended, and writes to its error stream why, if it did not end by itself.
     *
     * @return its exit code, all 32 bits
     */
    public int await() throws InterruptedException {
        int code = process.awaitEnd();
        report();
        return code;
    }

    private synchronized void report() {
        @Nullable String reason = process.endReason();
        if (reason == null || reported) {
            return;
        }
        reported = true;
        try {
            process.console().error().write((reason + System.lineSeparator()).getBytes(StandardCharsets.UTF_8));
            process.console().error().flush();
        } catch (IOException nobodyReads) {
            // The exit code still tells.
        }
    }

    /** Ends the program soon, whatever it does; {@link #await} then returns. From any thread. */
    public void stop() {
        process.requestStop();
    }
}
