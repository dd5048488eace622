package org.vadose.win32.crt;

import java.util.HashMap;
import java.util.Map;
import org.vadose.win32.ApiCall;
import org.vadose.win32.ApiFunction;
import org.vadose.win32.GuestProcess;
import org.vadose.win32.GuestThread;

/**
 * Which thread has which {@code FILE} to itself: while one waits inside a function for what a person types, or has called {@code
 * _lock_file}, others that want to read or write the same stream wait for it. Flushing and closing all streams at the process's end asks nobody, so a program ends although a
 * thread waits for input.
 */
final class StreamLocks {
    /** For {@link #locked}: the stream is standard input. */
    static final int STANDARD_INPUT = -1;

    private static final class Owner {
        final GuestThread thread;
        int depth;

        Owner(GuestThread thread) {
            this.thread = thread;
        }
    }

    private final Map<Long, Owner> owners = new HashMap<>();

    private static StreamLocks of(GuestProcess process) {
        return process.part(StreamLocks.class, p -> new StreamLocks());
    }

    /**
     * A function that has its stream for itself.
     *
     * @param argument which one the stream is, or {@link #STANDARD_INPUT}
     */
    static ApiFunction locked(int argument, ApiFunction function) {
        return call -> {
            long stream = argument == STANDARD_INPUT
                    ? StreamFunctions.standard(call, 0).address()
                    : call.arg(argument);
            lock(call, stream);
            try {
                return function.call(call);
            } finally {
                unlock(call, stream);
            }
        };
    }

    /** {@code _lock_file}. */
    static void lock(ApiCall call, long stream) {
        StreamLocks locks = of(call.process());
        GuestThread thread = call.thread();
        boolean ignored = thread.awaitAddress(stream, () -> locks.acquire(thread, stream), GuestThread.NEVER);
    }

    /** Waits while another thread has the stream. */
    static void awaitFree(ApiCall call, long stream) {
        StreamLocks locks = of(call.process());
        if (!locks.owners.isEmpty()) {
            GuestThread thread = call.thread();
            boolean ignored = thread.awaitAddress(stream, () -> locks.isFree(thread, stream), GuestThread.NEVER);
        }
    }

    private boolean isFree(GuestThread thread, long stream) {
        Owner owner = owners.get(stream);
        return owner == null || owner.thread == thread;
    }

    private boolean acquire(GuestThread thread, long stream) {
        Owner owner = owners.computeIfAbsent(stream, s -> new Owner(thread));
        if (owner.thread != thread) {
            return false;
        }
        owner.depth++;
        return true;
    }

    /** {@code _unlock_file}. */
    static void unlock(ApiCall call, long stream) {
        StreamLocks locks = of(call.process());
        Owner owner = locks.owners.get(stream);
        if (owner != null && owner.thread == call.thread() && --owner.depth == 0) {
            locks.owners.remove(stream);
            call.process().addressWaits().wake(stream);
        }
    }
}
