package org.vadose.machine;

import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.vadose.win32.ConsoleEvents;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.GuestSystem;
import org.vadose.win32.GuestThread;

/** A program started on a machine. */
public final class RunningProgram {
    private static final long PATIENCE_MILLIS = 1_000;

    private final GuestSystem system;
    private final GuestProcess process;
    private final GuestThread mainThread;

    RunningProgram(GuestSystem system, GuestProcess process, GuestThread mainThread) {
        this.system = system;
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

    /** Ends what the program has started and left running, and waits for that: before the machine goes. */
    public void endDescendants() throws InterruptedException {
        for (List<GuestProcess> left = system.processes(); !left.isEmpty(); left = system.processes()) {
            for (GuestProcess other : left) {
                other.requestStop();
            }
            for (GuestProcess other : left) {
                int ignored = other.awaitEnd();
            }
            if (system.processes().equals(left)) {
                return;
            }
        }
    }

    /**
     * The person at its console presses Ctrl-C. From any thread that runs no guest.
     *
     * @return false when no process on the console makes anything of that but its end, or none can be told soon
     */
    public boolean interrupt() throws InterruptedException {
        if (process.hasEnded()) {
            return false;
        }
        FutureTask<Boolean> told = new FutureTask<>(() -> ConsoleEvents.interrupt(process));
        // On a thread of its own, since a program that reads from the host may keep the processor for as long as that
        // takes.
        Thread.ofPlatform().daemon().name("ctrl-c").start(told);
        try {
            return told.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException nobodyListens) {
            return false;
        }
    }

    /** Ends the program soon, whatever it does; {@link #await} then returns. From any thread. */
    public void stop() {
        process.requestStop();
    }
}
